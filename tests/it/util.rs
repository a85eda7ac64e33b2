//! A temporary directory for a test, and running the program in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The time limit of every wait in a test.
#[allow(dead_code, reason = "builds with few features have no test that uses it")]
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Everyday questions with answers, unrelated to Rust.
pub const FAQ: &str = r#"# Kitchen

## How long should bread dough rise?

**Level**: beginner · **Tags**: bread, yeast

Until it has doubled in size. In a warm kitchen that takes about one hour; in the refrigerator, a night.

## Why does my sourdough taste too sour?

**Level**: advanced · **Tags**: bread, sourdough

A long, cool fermentation makes more acetic acid. Use more starter and a warmer place, and bake earlier.

## How do I sharpen a kitchen knife?

**Level**: beginner · **Tags**: tools

Use a whetstone of 1000 grit at an angle of twenty degrees, then strop the edge on leather.

# Garden

## Why are the leaves of my tomato plants yellow?

**Level**: beginner · **Tags**: tomato

Lower leaves turn yellow when nitrogen is short, or when the roots stand in water. Feed them, and water less often.

## When should I prune roses?

**Level**: advanced · **Tags**: roses

In early spring, when the forsythia blooms. Cut above an outward bud, at a slant.
"#;

/// A temporary directory. It is deleted when it is dropped.
pub struct Dir(TempDir);

impl Dir {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A directory with [`FAQ`] in `faq.md` and an index of it.
    pub fn indexed() -> Self {
        Self::indexed_from("faq.md", FAQ)
    }

    /// A directory with a file and an index of it.
    pub fn indexed_from(name: &str, content: &str) -> Self {
        let dir = Self::new();
        dir.write(name, content);
        dir.run(&["index", name]).success();
        dir
    }

    /// Changes the file of the last commit as another version of the program would have written it: without the
    /// checksum.
    pub fn rewrite_meta(&self, from: &str, to: &str) {
        let path = self.path().join(".rqsearch/meta.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        let (_, rest) = text.split_once("\",").expect("the checksum is the first entry");
        std::fs::write(path, format!("{{{}", rest.replace(from, to))).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rqsearch"));
        command.args(args).current_dir(self.path());
        for variable in
            ["RQSEARCH_INDEX", "RQSEARCH_ADMIN_TOKEN", "RQSEARCH_API_KEY", "HF_HUB_OFFLINE", "NO_COLOR"]
        {
            command.env_remove(variable);
        }
        // Do not read or change the configuration of the user who runs the tests.
        command.env("RQSEARCH_CONFIG", self.config());
        command
    }

    /// The configuration file for runs in this directory. It may not exist.
    pub fn config(&self) -> PathBuf {
        self.path().join(".config/config.toml")
    }

    pub fn run(&self, args: &[&str]) -> Output {
        Output::of(self.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), b"")
    }

    pub fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        self.run_with_bytes(args, input.as_bytes())
    }

    pub fn run_with_bytes(&self, args: &[&str], input: &[u8]) -> Output {
        Output::of(
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()),
            input,
        )
    }

    /// The titles of the hits, best first.
    pub fn titles(&self, args: &[&str]) -> Vec<String> {
        let output = self.run(&[args, &["--json"]].concat());
        let reply: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let hits = reply["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["title"].as_str().unwrap().to_owned()).collect()
    }

    /// All indexed questions, as written by `export`.
    pub fn export(&self) -> Vec<Value> {
        self.run(&["export"]).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The exit status and output of a run of the program.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn of(command: &mut Command, input: impl AsRef<[u8]>) -> Self {
        let mut child = command.spawn().unwrap();
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_ref()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "stderr lacks {words:?}: {self:?}");
        self
    }
}

/// The directory that `tests/setup/NAME.sh` installed to, in `test-tools` of the target directory. If the
/// script was not run, reports that the test is skipped and returns `None`; if `RQSEARCH_TEST_EVERYTHING` is
/// set, as in CI, panics.
#[allow(dead_code, reason = "builds with few features have no test that uses it")]
pub fn tools(name: &str) -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_rqsearch"));
    let target = program.ancestors().nth(2).expect("the program is in the target directory");
    let folder = target.join("test-tools").join(name);
    if folder.join("done").is_file() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("RQSEARCH_TEST_EVERYTHING").is_none(),
        "{} is missing: tests/setup/{name}.sh installs it",
        folder.display()
    );
    skipped(&format!("tests/setup/{name}.sh was not run"));
    None
}

/// Reports that a test was skipped. Unlike output of `eprintln!`, the message is shown even if the test
/// passes.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(std::io::stderr(), "skipped {test}: {why}").expect("stderr can be written");
}

/// Calls `look` until it returns a value.
#[allow(dead_code, reason = "builds with few features have no test that uses it")]
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} takes too long");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A small random number generator (SplitMix64), the same in each run.
#[allow(dead_code, reason = "builds with few features have no test that uses it")]
pub struct Random(pub u64);

impl Random {
    #[allow(dead_code, reason = "builds with few features have no test that uses it")]
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % limit
    }
}
