//! Faults on purpose: kills, failing system calls, damaged files, competing writers.
//!
//! The short form runs with the other tests. The long form prints what it tried and what it lost:
//!
//! ```text
//! RQSEARCH_CAMPAIGN=10 cargo test --release --test it campaign -- --nocapture --test-threads 1
//! ```
//!
//! The number multiplies the tries; from 10 on, every single operation of an update gets every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rqsearch::engine::Engine;
use rqsearch::index::check::check;
use rqsearch::index::{Build, Index, guarded};
use rqsearch::search::{Mode, Query};

use crate::util::{Dir, Output, Random};

/// How many questions the corpus has.
const QUESTIONS: usize = 40;

/// How many times more tries than in the short form.
pub fn scale() -> u64 {
    std::env::var("RQSEARCH_CAMPAIGN").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1)
}

/// Only every nth operation gets a fault, except in the long form.
fn stride(short: u64) -> usize {
    (short / scale()).max(1) as usize
}

#[expect(clippy::print_stderr, reason = "the long form runs for hours, and reports its figures")]
pub fn report(line: &str) {
    eprintln!("campaign: {line}");
}

/// An index whose questions all have one word, and a source whose questions have another.
struct Case {
    dir: Dir,
    index: PathBuf,
    /// The files of the index before an update.
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Case {
    fn new() -> Self {
        let dir = Dir::new();
        let index = dir.path().join(".rqsearch");
        dir.write("faq.md", questions("rose"));
        dir.run(&["index", "--keyword-only", "faq.md"]).success();
        let before = files(&index);
        dir.write("faq.md", questions("tulip"));
        Self { dir, index, before }
    }

    /// Restores the files of the index before the update.
    fn reset(&self) {
        fs::remove_dir_all(&self.index).unwrap();
        fs::create_dir(&self.index).unwrap();
        self.before.iter().for_each(|(name, bytes)| fs::write(self.index.join(name), bytes).unwrap());
    }

    /// The word that all questions have.
    fn word(&self) -> Result<String, String> {
        let index = Index::open(&self.index).map_err(|error| error.to_string())?;
        word_of(&index)
    }

    /// Makes sure that the index has one of two commits, and that it can be [updated](Self::update). Returns whether
    /// it has the new commit already.
    #[track_caller]
    fn recovers(&self, what: &str) -> bool {
        let word = self.word().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(word == "rose" || word == "tulip", "{what}: {word}");
        self.update(what);
        word == "tulip"
    }

    /// Makes sure that an update leads to the new commit, and leaves no file that the commit does not need.
    #[track_caller]
    fn update(&self, what: &str) {
        let paths = [self.dir.path().join("faq.md")];
        Build::new(&self.index, &paths).run().unwrap_or_else(|error| panic!("{what}: stuck: {error:#}"));
        assert_eq!(self.word().as_deref(), Ok("tulip"), "{what}");
        let left: Vec<String> = files(&self.index).keys().map(|name| name.display().to_string()).collect();
        let is_kept = |name: &&String| name.ends_with(".lock") || name.ends_with(".json");
        let segment_files: Vec<&String> = left.iter().filter(|name| !is_kept(name)).collect();
        let segments: BTreeSet<&str> =
            segment_files.iter().map(|name| name.split('.').next().unwrap()).collect();
        assert_eq!((segments.len(), segment_files.len()), (1, 7), "{what}: {left:?}");
        assert!(check(&self.index).unwrap().is_sound(), "{what}");
    }

    /// Runs a command with a fault at an operation on the index.
    fn run_with_fault(&self, library: &Path, args: &[&str], step: usize, fault: Fault) -> Output {
        let step = step.to_string();
        let mut env = vec![("FAULT_IN", ".rqsearch"), ("FAULT_AT", &step)];
        let number = match fault {
            Fault::Kill => None,
            Fault::Error(number, all) => {
                env.extend(all.then_some(("FAULT_ALL", "1")));
                Some(number.to_string())
            }
        };
        env.extend(number.iter().map(|number| ("FAULT_ERRNO", number.as_str())));
        self.run_with(library, args, &env)
    }

    /// Runs a command with the library and these variables for it.
    fn run_with(&self, library: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = self.dir.command(args);
        command.env("LD_PRELOAD", library).envs(env.iter().copied());
        Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), b"")
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    /// An error number, and whether all later operations fail too.
    Error(i32, bool),
}

fn questions(word: &str) -> String {
    (0..QUESTIONS).map(|nth| format!("## Is {word} number {nth} here?\n\nYes, {word} {nth}.\n\n")).collect()
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect()
}

/// The word that all questions of an index have.
fn word_of(index: &Index) -> Result<String, String> {
    let questions = index.questions().map_err(|error| error.to_string())?;
    let words: BTreeSet<&str> =
        questions.iter().map(|question| question.title.split(' ').nth(1).unwrap()).collect();
    match words.iter().collect::<Vec<_>>()[..] {
        [word] if questions.len() == QUESTIONS => Ok((*word).to_owned()),
        _ => Err(format!("{} questions with the words {words:?}", questions.len())),
    }
}

/// The library that injects faults; `None` if there is no C compiler.
fn library(dir: &Dir) -> Option<PathBuf> {
    let library = dir.path().join("fault_at.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fault_at.c");
    let mut cc = std::process::Command::new("cc");
    let compiled = cc.args(["-shared", "-fPIC", source, "-ldl", "-o"]).arg(&library).status();
    if !compiled.is_ok_and(|status| status.success()) {
        crate::util::skipped("there is no C compiler");
        return None;
    }
    Some(library)
}

/// The kills of one command after another.
#[derive(Default)]
struct Kills {
    tries: usize,
    /// How many left the new commit.
    committed: usize,
    /// How many left written deletions.
    with_deletions: usize,
    /// The files that each killed update left.
    left: Vec<BTreeMap<PathBuf, Vec<u8>>>,
}

impl Kills {
    /// Runs a command again and again, and kills it one operation later each time, until it ends.
    fn at_each_operation(&mut self, case: &Case, library: &Path, args: &[&str]) {
        let is_first = args.contains(&"--keyword-only");
        for step in (1..).step_by(stride(9)) {
            case.reset();
            if is_first {
                fs::remove_dir_all(&case.index).unwrap();
            }
            let output = case.run_with_fault(library, args, step, Fault::Kill);
            if output.code.is_some() {
                assert_eq!(output.code, Some(0), "{output:?}");
                return;
            }
            self.tries += 1;
            let left = if case.index.is_dir() { files(&case.index) } else { BTreeMap::new() };
            let has_deletions = |name: &PathBuf| name.extension().is_some_and(|extension| extension == "del");
            self.with_deletions += usize::from(left.keys().any(has_deletions));
            if args == ["index"] {
                self.left.push(left);
            }
            let what = format!("{args:?} killed at operation {step}");
            self.committed += usize::from(match case.word() {
                Err(error) if is_first => {
                    assert!(error.contains("no index in"), "{what}: {error}");
                    case.update(&what);
                    false
                }
                _ => case.recovers(&what),
            });
        }
    }
}

/// After a kill at any operation, the index has the old commit or the new one, and the next update succeeds.
#[cfg(target_os = "linux")]
#[test]
fn kills_by_operation_lose_nothing() {
    let mut case = Case::new();
    let Some(library) = library(&case.dir) else { return };
    case.reset();
    case.recovers("without a fault");
    case.dir.run(&["snapshot", "tulip.zip"]).success();
    let mut kills = Kills::default();
    let commands: [&[&str]; 4] = [
        &["index"],
        &["index", "--reread"],
        &["restore", "tulip.zip", "--force"],
        // Without an index before.
        &["index", "--keyword-only", "faq.md"],
    ];
    for args in commands {
        kills.at_each_operation(&case, &library, args);
    }
    // What a killed update left, from early to late in it.
    let left: Vec<BTreeMap<PathBuf, Vec<u8>>> = std::mem::take(&mut kills.left);
    for part in 1..=3 {
        case.before = left[left.len() * part / 4].clone();
        kills.at_each_operation(&case, &library, &["index"]);
    }
    let Kills { tries, committed, with_deletions, .. } = kills;
    report(&format!(
        "{tries} kills by operation ({with_deletions} with deletions written, {committed} after the commit), 0 losses, \
         0 stuck"
    ));
    // The kills covered the commit itself, and the step that used to leave an index that could not be updated.
    assert!(tries > 20 && committed > 0 && with_deletions > 0, "{tries} {committed} {with_deletions}");
}

/// A system call that fails makes the update fail with a message, or does not matter.
#[cfg(target_os = "linux")]
#[test]
fn failing_system_calls_lose_nothing() {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    let case = Case::new();
    let Some(library) = library(&case.dir) else { return };
    let (mut tries, mut errors, mut committed) = (0, 0, 0);
    for fault in [Fault::Error(ENOSPC, true), Fault::Error(EIO, false), Fault::Error(ENOSPC, false)] {
        let mut same = 0;
        for step in (1..).step_by(stride(11)) {
            case.reset();
            let output = case.run_with_fault(&library, &["index"], step, fault);
            let what = format!("{fault:?} at operation {step}: {output:?}");
            assert!(matches!(output.code, Some(0 | 2)), "{what}");
            assert!(!output.stderr.contains("internal error"), "{what}");
            tries += 1;
            if output.code == Some(2) {
                errors += 1;
                assert!(output.stderr.starts_with("rqsearch: "), "{what}");
                same = 0;
            } else {
                assert_eq!(case.word().as_deref(), Ok("tulip"), "{what}");
                same += 1;
            }
            committed += usize::from(case.recovers(&what));
            // The update has fewer operations than this.
            if same > 12 || step > 2000 {
                break;
            }
        }
    }
    report(&format!(
        "{tries} failing system calls ({errors} reported, {committed} after the commit), 0 losses, 0 stuck"
    ));
    assert!(errors > 10 && committed > 0, "{errors} {committed}");
}

/// Updates and searches do not depend on the clock. Files with modification times before 1970 and in the future are read.
#[cfg(target_os = "linux")]
#[test]
fn a_clock_that_jumps_loses_nothing() {
    let case = Case::new();
    let Some(library) = library(&case.dir) else { return };
    let source = case.dir.path().join("faq.md");
    let jump = (400 * 24 * 60 * 60).to_string();
    let run = |args: &[&str]| case.run_with(&library, args, &[("FAULT_CLOCK", &jump)]).success();
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    let now = SystemTime::now();
    for (word, modified) in [("tulip", now + 100 * year), ("rose", UNIX_EPOCH - year), ("tulip", now)] {
        fs::write(&source, questions(word)).unwrap();
        fs::File::open(&source).unwrap().set_modified(modified).unwrap();
        run(&["index"]);
        assert_eq!(case.word().as_deref(), Ok(word));
        assert!(
            run(&[&format!("is {word} number 7 here")]).stdout.contains(&format!("Is {word} number 7 here?"))
        );
        run(&["check"]);
    }
    case.update("after the clock jumped");
}

/// Kills at random times, of updates and first builds.
#[test]
fn timed_kills_lose_nothing() {
    let case = Case::new();
    let mut random = Random(1);
    let (mut killed, mut committed) = (0, 0);
    for nth in 0..12 * scale() {
        case.reset();
        let mut child =
            case.dir.command(&["index"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(random.below(400_000)));
        child.kill().unwrap();
        let status: ExitStatus = child.wait().unwrap();
        killed += u64::from(!status.success());
        committed += u64::from(case.recovers(&format!("timed kill {nth}")));
    }
    report(&format!(
        "{} timed kills ({killed} hit, {committed} after the commit), 0 losses, 0 stuck",
        12 * scale()
    ));
}

/// A flipped bit or a cut anywhere in any file is found by `check`, and no command panics on it. A repair
/// brings every question back.
#[test]
fn damage_is_found_and_repaired() {
    let dir = Dir::new();
    let index = dir.path().join(".rqsearch");
    dir.write("faq.md", questions("rose"));
    dir.run(&["index", "faq.md"]).success();
    // A second segment, with deletions in the first.
    let before = files(&index);
    let expected = answers(&index).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut random = Random(2);
    let (mut tries, mut refused, mut changed, mut unseen, mut repaired) = (0, 0, 0, Vec::new(), 0);
    for (name, bytes) in before.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        for nth in 0..12 * scale() {
            let mut damaged = bytes.clone();
            let at = random.below(bytes.len() as u64) as usize;
            match nth % 4 {
                3 => damaged.truncate(at),
                _ => damaged[at] ^= 1 << random.below(8),
            }
            fs::write(index.join(name), &damaged).unwrap();
            tries += 1;
            let is_sound = check(&index).map(|report| report.is_sound()).unwrap_or(false);
            match answers(&index) {
                Err(_) => refused += 1,
                Ok(answers) if answers != expected => changed += 1,
                Ok(_) => {}
            }
            // The list of files to delete is not needed to read the index, and each update writes it again.
            let matters = name != Path::new(".managed.json");
            if is_sound && matters {
                unseen.push((name, at));
            }
            if nth % 6 == 0 && matters && name != Path::new("meta.json") {
                let paths = [dir.path().join("faq.md")];
                let model = rqsearch::embed::Builtin::load(rqsearch::embed::Prepare::Once).unwrap();
                let build = Build { embedder: Some(&model), ..Build::new(&index, &paths) };
                let done = build.repair().unwrap();
                assert!(done.lost.is_empty() && answers(&index).is_ok(), "{name:?} at {at}: {done:?}");
                assert_eq!(Index::open(&index).unwrap().question_count().unwrap(), QUESTIONS as u64);
                repaired += 1;
                fs::remove_dir_all(&index).unwrap();
                fs::create_dir(&index).unwrap();
                before.iter().for_each(|(name, bytes)| fs::write(index.join(name), bytes).unwrap());
            }
            fs::write(index.join(name), bytes).unwrap();
        }
    }
    std::panic::set_hook(hook);
    report(&format!(
        "{tries} flips and truncations ({refused} refused by a search, {changed} changed its results), {} unseen by \
         `check`; {repaired} repairs, 0 losses",
        unseen.len()
    ));
    assert!(unseen.is_empty(), "{unseen:?}");
}

/// The results of some searches and of an export, as text.
fn answers(index: &Path) -> Result<String, String> {
    let read = || {
        let opened = Index::open(index)?;
        let mut text = String::new();
        for phrase in ["rose number 7", "is it here", "rsoe"] {
            let query = Query { mode: Mode::Keyword, ..Query::plain(phrase) };
            let results = rqsearch::search::search(&opened, None, &query)?;
            for hit in results.hits {
                text += &format!("{} {} {}\n", hit.question.id, hit.question.title, hit.score);
            }
        }
        for question in opened.questions()? {
            text += &serde_json::to_string(&question)?;
        }
        Ok(text)
    };
    guarded(index, read).map_err(|error| error.to_string())
}

/// Writers that compete and are killed, while others search: each search sees one whole commit.
#[test]
fn competing_writers_and_searches_see_whole_commits() {
    let dir = Dir::new();
    let index = dir.path().join(".rqsearch");
    for word in ["rose", "tulip", "lily"] {
        dir.write(&format!("{word}.md"), questions(word));
    }
    let source = dir.path().join("faq.md");
    fs::copy(dir.path().join("rose.md"), &source).unwrap();
    dir.run(&["index", "--keyword-only", "faq.md"]).success();
    let engine = Engine::open(&index).unwrap();
    #[cfg(feature = "serve")]
    let served = crate::serve::Served::start(&dir, &[]);
    let replies = AtomicU64::new(0);
    let (done, searches, refused, updates, kills) =
        (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (dir, source) = (&dir, &source);
                let (refused, updates, kills) = (&refused, &updates, &kills);
                scope.spawn(move || {
                    let mut random = Random(writer);
                    for _ in 0..8 * scale() {
                        let word = ["rose", "tulip", "lily"][random.below(3) as usize];
                        // Replaced atomically, so that no writer reads half a file.
                        let new = dir.path().join(format!("{writer}.new"));
                        fs::copy(dir.path().join(format!("{word}.md")), &new).unwrap();
                        fs::rename(&new, source).unwrap();
                        let mut child = dir
                            .command(&["index", "faq.md"])
                            .stdout(Stdio::null())
                            .stderr(Stdio::piped())
                            .spawn()
                            .unwrap();
                        if random.below(3) == 0 {
                            thread::sleep(Duration::from_millis(random.below(200)));
                            child.kill().unwrap();
                            kills.fetch_add(1, Ordering::Relaxed);
                        }
                        let output = child.wait_with_output().unwrap();
                        let text = String::from_utf8_lossy(&output.stderr);
                        match output.status.code() {
                            Some(0) => updates.fetch_add(1, Ordering::Relaxed),
                            Some(2) => {
                                assert!(text.contains("another process is writing"), "{text}");
                                refused.fetch_add(1, Ordering::Relaxed)
                            }
                            None => 0,
                            code => panic!("{code:?}: {text}"),
                        };
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    word_of(&engine.current().unwrap().index).unwrap();
                    word_of(&Index::open(&index).unwrap()).unwrap();
                    searches.fetch_add(2, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        #[cfg(feature = "serve")]
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let reply = served.get("/search?q=number&mode=keyword&limit=40").ok();
                let words: BTreeSet<&str> = (reply["hits"].as_array().unwrap().iter())
                    .map(|hit| hit["title"].as_str().unwrap().split(' ').nth(1).unwrap())
                    .collect();
                assert_eq!(words.len(), 1, "{words:?}");
                replies.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        results.into_iter().for_each(|result| result.unwrap());
    });
    dir.run(&["index"]).success();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    report(&format!(
        "3 competing writers: {} updates, {} refused, {} kills; {} reads and {} replies of a server meanwhile, \
         0 of parts of commits",
        count(&updates),
        count(&refused),
        count(&kills),
        count(&searches),
        count(&replies)
    ));
    assert!(check(&index).unwrap().is_sound());
    assert!(count(&updates) > 0 && count(&searches) > 0);
    assert!(count(&replies) > 0 || cfg!(not(feature = "serve")));
}
