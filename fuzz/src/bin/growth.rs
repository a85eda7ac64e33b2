//! Searches for documents that take more than linear time, or too much memory.
//!
//!     cargo run --release --no-default-features --bin growth -- [--seconds N] [--seed N] [TARGET]...
//!
//! Each file repeats tokens of the target's dictionary, within a file of its corpus or alone: `aaaa`, `abab`, `aabb`,
//! with and without line ends. It is read in two sizes, and the processor time is compared. An input that grows too
//! much is printed as a recipe, and the larger file is written to `growth/TARGET-N` in the current directory. The
//! exit status is 1 if there is one.
//!
//! No nightly toolchain and no fuzzer is needed. The reader runs in a thread with the default stack of 2 MiB, as it
//! does in the program. A stack overflow ends the process: `growth/TARGET-current` is the file.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rqsearch_fuzz::material::{Material, Random};
use rqsearch_fuzz::{TARGETS, Target};

/// The sizes of the two files, in bytes. The second is `STEP` times the first.
const SIZE: usize = 96 << 10;
const STEP: usize = 4;

/// Linear growth is a factor of `STEP`. Sorting and caches add a little.
const MAX_FACTOR: f64 = 8.0;

/// Faster inputs cannot be told from noise.
const SHORTEST: Duration = Duration::from_millis(120);

/// The slowest reading speed that is not reported, in bytes per second, whatever it grows like.
const MIN_SPEED: f64 = 200_000.0;

/// The memory that reading may take, in multiples of the size of the file, and in bytes above that.
const MAX_MEMORY: (u64, u64) = (200, 64 << 20);

fn main() -> ExitCode {
    let (mut seconds, mut seed, mut names) = (60, 1, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number =
            || args.next().and_then(|text| text.parse().ok()).expect("a number follows the option");
        match arg.as_str() {
            "--seconds" => seconds = number(),
            "--seed" => seed = number(),
            _ => names.push(arg),
        }
    }
    let wanted = |target: &&Target| names.is_empty() || names.iter().any(|name| name == target.name);
    let mut found = 0;
    for target in TARGETS.iter().filter(|target| target.is_document()).filter(wanted) {
        found += search(target, Duration::from_secs(seconds), seed);
    }
    if found > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Measures random files of a target until the time is over. Returns how many grow too much.
fn search(target: &'static Target, time: Duration, seed: u64) -> usize {
    let material = Material::load(Path::new(env!("CARGO_MANIFEST_DIR")), target.name);
    let mut random = Random(seed);
    let (start, mut files, mut found) = (Instant::now(), 0, 0);
    fs::create_dir_all("growth").expect("the current directory is writable");
    while start.elapsed() < time {
        let recipe = Recipe::new(&material, &mut random);
        files += 1;
        let Some(problem) = problem(target, &recipe) else {
            continue;
        };
        found += 1;
        println!("{}: {problem}: {recipe}", target.name);
        let path = format!("growth/{}-{found}", target.name);
        fs::write(path, recipe.file(SIZE * STEP)).expect("the current directory is writable");
    }
    let _ = fs::remove_file(current(target));
    println!("{}: {files} files in {} s, {found} reported", target.name, start.elapsed().as_secs());
    found
}

/// The file that is being read.
fn current(target: &Target) -> PathBuf {
    Path::new("growth").join(format!("{}-current", target.name))
}

/// What is wrong with a file, measured twice.
fn problem(target: &'static Target, recipe: &Recipe) -> Option<String> {
    let measure = || -> Option<String> {
        let large = Cost::of(target, recipe, SIZE * STEP)?;
        let bytes = (SIZE * STEP) as u64;
        if large.memory > MAX_MEMORY.0 * bytes + MAX_MEMORY.1 {
            return Some(format!("{} MiB of memory for {} KiB", large.memory >> 20, bytes >> 10));
        }
        if large.time < SHORTEST {
            return None;
        }
        let small = Cost::of(target, recipe, SIZE)?;
        let (small, large) = (small.time.as_secs_f64(), large.time.as_secs_f64());
        let is_slow = bytes as f64 / large < MIN_SPEED;
        (is_slow || large / small > MAX_FACTOR)
            .then(|| format!("{} KiB take {small:.2} s, {} KiB {large:.2} s", SIZE >> 10, bytes >> 10))
    };
    measure().and_then(|_| measure())
}

/// What reading a file takes.
struct Cost {
    time: Duration,
    memory: u64,
}

impl Cost {
    /// `None` if the reader panics. The panic is printed.
    fn of(target: &'static Target, recipe: &Recipe, bytes: usize) -> Option<Self> {
        let file = Arc::new(recipe.file(bytes));
        fs::write(current(target), &*file).expect("the current directory is writable");
        // Resets the peak.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let before = memory();
        let read = thread::spawn(move || {
            let start = processor_time();
            target.run(&file);
            processor_time() - start
        });
        match read.join() {
            Ok(time) => Some(Self { time, memory: memory().saturating_sub(before) }),
            Err(_) => {
                println!("{}: a panic: {recipe}", target.name);
                std::process::exit(1);
            }
        }
    }
}

/// The peak of the memory of this process in bytes; 0 if the system does not tell.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

/// The time that this thread has had a processor, or the time of day if the system does not tell.
fn processor_time() -> Duration {
    static BEGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

/// How two texts are repeated.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// `abab`.
    Alternate,
    /// `aabb`.
    Nest,
    /// `a1ba2b`: all are different.
    Count,
}

/// A file of any size.
struct Recipe {
    before: Vec<u8>,
    first: Vec<u8>,
    second: Vec<u8>,
    after: Vec<u8>,
    form: Form,
    line_end: bool,
}

impl Recipe {
    /// A random one.
    fn new(material: &Material, random: &mut Random) -> Self {
        let mut tokens = |most: usize| -> Vec<u8> {
            (0..=random.below(most)).flat_map(|_| random.one_of(&material.tokens).clone()).collect()
        };
        let (first, second) = (tokens(3), tokens(2));
        let form = *random.one_of(&[Form::Alternate, Form::Alternate, Form::Nest, Form::Count]);
        let second = if random.below(3) == 0 { Vec::new() } else { second };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        if random.below(3) > 0 {
            // Within a file, after a line or a tag.
            let file = random.one_of(&material.corpus);
            let ends: Vec<usize> = (0..file.len()).filter(|at| matches!(file[*at], b'\n' | b'>')).collect();
            let at = if ends.is_empty() { file.len() } else { random.one_of(&ends) + 1 };
            (before, after) = (file[..at].to_vec(), file[at..].to_vec());
        }
        let line_end = random.below(2) == 0;
        Self { before, first, second, after, form, line_end }
    }

    fn file(&self, bytes: usize) -> Vec<u8> {
        let end: &[u8] = if self.line_end { b"\n" } else { b"" };
        let count = bytes / (self.first.len() + self.second.len() + end.len()).max(1);
        let repeated = match self.form {
            Form::Alternate => [&self.first[..], &self.second, end].concat().repeat(count),
            Form::Nest => [self.first.repeat(count), self.second.repeat(count), end.to_vec()].concat(),
            Form::Count => {
                let one =
                    |nth: usize| [&self.first[..], nth.to_string().as_bytes(), &self.second, end].concat();
                (0..count).flat_map(one).take(bytes).collect()
            }
        };
        [&self.before[..], &repeated, &self.after].concat()
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = [&self.first, &self.second].map(|text| text.escape_ascii());
        write!(f, "{:?} \"{first}\" \"{second}\"", self.form)?;
        if self.line_end {
            f.write_str(" with line ends")?;
        }
        if !self.before.is_empty() {
            let start = self.before.len().saturating_sub(60);
            write!(f, " after \"…{}\"", self.before[start..].escape_ascii())?;
        }
        Ok(())
    }
}
