//! `rqsearch watch` and `serve --watch`, with the ways in which editors, people and systems change files.
//!
//! One test makes random edits for some seconds, and compares the index with one that is built at once. The long form
//! takes as many seconds as the variable says:
//!
//! ```text
//! RQSEARCH_WATCH_SECONDS=3600 cargo test --release --test it random_edits -- --nocapture
//! ```

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rqsearch::index::Index;
use serde::Deserialize;
use serde_json::Value;
use tantivy::Directory;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};

use crate::util::{Dir, Random, skipped, until};

/// A running `rqsearch watch --json`. Dropping it ends the program.
struct Watching {
    child: Child,
    index: PathBuf,
    updates: Arc<Mutex<Vec<Value>>>,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Watching {
    /// Starts it in a directory, and waits for the first update.
    fn start(dir: &Dir, args: &[&str]) -> Self {
        let args = [&["watch", "--json", "--quiet-time", "0.05"], args].concat();
        Self::run(dir, &mut dir.command(&args))
    }

    fn run(dir: &Dir, command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let updates = lines(child.stdout.take().unwrap(), |line| {
            let _: Update = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            serde_json::from_str(&line).unwrap()
        });
        let messages = lines(child.stderr.take().unwrap(), |line| line);
        let watching = Self { child, index: dir.path().join(".rqsearch"), updates, messages };
        watching.reports("the first update", |_| true);
        watching
    }

    fn updates(&self) -> Vec<Value> {
        self.updates.lock().unwrap().clone()
    }

    /// Waits for a report.
    #[track_caller]
    fn reports(&self, what: &str, is_it: impl Fn(&Value) -> bool) {
        until(&format!("{what}: {:?}", self.messages.lock().unwrap()), || {
            self.updates().iter().any(&is_it).then_some(())
        });
    }

    /// Waits for an error that contains these words.
    #[track_caller]
    fn fails(&self, words: &str) {
        self.reports(words, |update| update["error"].as_str().is_some_and(|error| error.contains(words)));
    }

    /// Waits until the index has these titles and no others.
    #[track_caller]
    fn indexes(&self, titles: &[&str]) {
        let expected: BTreeSet<String> = titles.iter().map(ToString::to_string).collect();
        let last = Mutex::new(BTreeSet::new());
        let look = || {
            let titles = titles_of(&self.index);
            let is_expected = titles == expected;
            *last.lock().unwrap() = titles;
            is_expected.then_some(())
        };
        until(&format!("{expected:?}, after {:?}", self.updates().last()), look);
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn wait(&mut self) -> ExitStatus {
        until("the program ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A line of `--json`, as it is documented.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the names and types matter")]
struct Update {
    time: String,
    took_ms: f64,
    #[serde(deserialize_with = "Option::deserialize")]
    questions: Option<u64>,
    files: Vec<UpdatedFile>,
    removed_files: u64,
    problems: Vec<Skipped>,
    #[serde(deserialize_with = "Option::deserialize")]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the names and types matter")]
struct UpdatedFile {
    path: String,
    added: u64,
    kept: u64,
    removed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the names and types matter")]
struct Skipped {
    path: String,
    #[serde(deserialize_with = "Option::deserialize")]
    line: Option<u64>,
    reason: String,
}

/// Collects the lines of a stream on another thread.
fn lines<T: Send + 'static>(
    stream: impl Read + Send + 'static,
    parse: impl Fn(String) -> T + Send + 'static,
) -> Arc<Mutex<Vec<T>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&lines);
    thread::spawn(move || {
        BufReader::new(stream).lines().for_each(|line| collected.lock().unwrap().push(parse(line.unwrap())));
    });
    lines
}

fn titles_of(index: &Path) -> BTreeSet<String> {
    // The file of a segment may be gone when it is read: the index is merged.
    let Ok(questions) = Index::open(index).map_err(anyhow::Error::from).and_then(|index| index.questions())
    else {
        return BTreeSet::new();
    };
    questions.into_iter().map(|question| question.title).collect()
}

fn question(title: &str) -> String {
    format!("## {title}\n\nYes, {title}\n")
}

/// A directory with an index of keywords of `docs/a.md`.
fn indexed() -> Dir {
    let dir = Dir::new();
    dir.write("docs/a.md", question("Is it here?"));
    dir.run(&["index", "--keyword-only", "docs"]).success();
    dir
}

/// Saves `docs/a.md` with this content.
type Save<'a> = &'a dyn Fn(&str);

#[test]
fn every_way_to_save_a_file_is_noticed() {
    let dir = indexed();
    let watching = Watching::start(&dir, &[]);
    let path = |name: &str| dir.path().join("docs").join(name);
    let ways: [(&str, Save<'_>); 7] = [
        ("truncated and written", &|text| fs::write(path("a.md"), text).unwrap()),
        ("replaced by a renamed file", &|text| {
            fs::write(path(".a.md.tmp12"), text).unwrap();
            fs::rename(path(".a.md.tmp12"), path("a.md")).unwrap();
        }),
        ("replaced by a file from elsewhere", &|text| {
            let other = dir.write("other.md", text);
            fs::rename(other, path("a.md")).unwrap();
        }),
        ("deleted and created", &|text| {
            fs::remove_file(path("a.md")).unwrap();
            fs::write(path("a.md"), text).unwrap();
        }),
        ("with a backup and a swap file, as vim does", &|text| {
            fs::write(path(".a.md.swp"), "b0VIM").unwrap();
            fs::write(path("4913"), "").unwrap();
            fs::remove_file(path("4913")).unwrap();
            fs::rename(path("a.md"), path("a.md~")).unwrap();
            fs::write(path("a.md"), text).unwrap();
            fs::remove_file(path("a.md~")).unwrap();
            fs::remove_file(path(".a.md.swp")).unwrap();
        }),
        ("with a lock and an autosave file, as Emacs does", &|text| {
            std::os::unix::fs::symlink("me@here:1", path(".#a.md")).unwrap();
            fs::write(path("#a.md#"), question("Is it an autosave?")).unwrap();
            fs::write(path("a.md"), text).unwrap();
            fs::remove_file(path("#a.md#")).unwrap();
            fs::remove_file(path(".#a.md")).unwrap();
        }),
        ("in parts", &|text| {
            let mut file = File::create(path("a.md")).unwrap();
            text.bytes().for_each(|byte| file.write_all(&[byte]).unwrap());
        }),
    ];
    for (nth, (way, save)) in ways.iter().enumerate() {
        // All have the same length.
        let title = format!("Is it saved {nth}: {way:-<50}?");
        save(&question(&title));
        watching.indexes(&[&title]);
    }
}

#[test]
fn temporary_files_and_ignored_directories_lead_to_no_update() {
    let dir = indexed();
    dir.write("docs/.ignore", "build/\n");
    let watching = Watching::start(&dir, &[]);
    for name in ["a.md~", ".a.md.swp", "#a.md#", ".git/a.md", "build/a.md", "picture.png", "~$a.xlsx"] {
        dir.write(&format!("docs/{name}"), question("Is it temporary?"));
    }
    dir.write("docs/b.md", question("Is it new?"));
    watching.indexes(&["Is it here?", "Is it new?"]);
    // The rules themselves are followed when they change.
    dir.write("docs/.ignore", "b.md\n");
    watching.indexes(&["Is it here?", "Is it temporary?"]);
    watching.reports("b.md is gone", |update| update["removed_files"] == 1);
    let files: Vec<String> = watching.updates().iter().map(|update| update["files"].to_string()).collect();
    assert!(files.iter().all(|files| !files.contains('~') && !files.contains("git")), "{files:?}");
}

#[test]
fn directories_may_be_created_renamed_and_moved_away() {
    let dir = indexed();
    let watching = Watching::start(&dir, &[]);
    let docs = dir.path().join("docs");
    dir.write("docs/one/two/b.md", question("Is it deep?"));
    watching.indexes(&["Is it here?", "Is it deep?"]);
    fs::rename(docs.join("one"), docs.join("renamed")).unwrap();
    let is_renamed = |update: &Value| update["files"][0]["path"] == "docs/renamed/two/b.md";
    watching.reports("the new path", is_renamed);
    dir.write("docs/renamed/two/c.md", question("Is it deeper?"));
    watching.indexes(&["Is it here?", "Is it deep?", "Is it deeper?"]);
    // The old name is another directory now.
    dir.write("docs/one/d.md", question("Is it another?"));
    watching.indexes(&["Is it here?", "Is it deep?", "Is it deeper?", "Is it another?"]);
    dir.write("docs/one/d.md", question("Is it still watched?"));
    watching.indexes(&["Is it here?", "Is it deep?", "Is it deeper?", "Is it still watched?"]);
    fs::rename(docs.join("renamed"), dir.path().join("outside")).unwrap();
    watching.indexes(&["Is it here?", "Is it still watched?"]);
    fs::remove_dir_all(docs.join("one")).unwrap();
    dir.write("docs/one/e.md", question("Is it created again?"));
    watching.indexes(&["Is it here?", "Is it created again?"]);
}

#[test]
fn a_root_that_is_moved_away_keeps_its_questions_until_it_returns() {
    let dir = indexed();
    let watching = Watching::start(&dir, &[]);
    let (docs, away) = (dir.path().join("docs"), dir.path().join("away"));
    fs::rename(&docs, &away).unwrap();
    watching.fails("all indexed files of");
    assert_eq!(titles_of(&watching.index).len(), 1);
    fs::rename(&away, &docs).unwrap();
    let first = watching.updates().len();
    until("it works again", || {
        watching.updates()[first - 1..].iter().any(|update| update["error"].is_null()).then_some(())
    });
    dir.write("docs/b.md", question("Is it back?"));
    watching.indexes(&["Is it here?", "Is it back?"]);
    // Another directory of this name.
    fs::remove_dir_all(&docs).unwrap();
    dir.write("docs/c.md", question("Is it another?"));
    watching.indexes(&["Is it another?"]);
}

#[test]
fn a_deleted_root_is_removed_and_watched_when_it_exists_again() {
    let dir = indexed();
    let faq = dir.write("faq.md", question("Is it a file?"));
    let watching = Watching::start(&dir, &["docs", "faq.md"]);
    watching.indexes(&["Is it here?", "Is it a file?"]);
    fs::remove_file(&faq).unwrap();
    watching.indexes(&["Is it here?"]);
    fs::write(&faq, question("Is it a file again?")).unwrap();
    watching.indexes(&["Is it here?", "Is it a file again?"]);
    fs::write(&faq, question("Is it watched?")).unwrap();
    watching.indexes(&["Is it here?", "Is it watched?"]);
}

#[test]
fn a_burst_of_ten_thousand_files_is_indexed() {
    let dir = indexed();
    let watching = Watching::start(&dir, &[]);
    for (directory, nth) in (0..100).flat_map(|directory| (0..100).map(move |nth| (directory, nth))) {
        dir.write(&format!("docs/{directory}/{nth}.md"), question(&format!("Is it {directory} and {nth}?")));
    }
    until("10,001 questions", || (titles_of(&watching.index).len() == 10_001).then_some(()));
    // Every directory is watched.
    dir.write("docs/99/99.md", question("Is it the last?"));
    until("the last", || titles_of(&watching.index).contains("Is it the last?").then_some(()));
    fs::remove_dir_all(dir.path().join("docs/50")).unwrap();
    until("9,901 questions", || (titles_of(&watching.index).len() == 9_901).then_some(()));
    assert!(watching.updates().iter().all(|update| update["error"].is_null()), "{:?}", watching.updates());
}

#[test]
fn errors_are_reported_once_and_do_not_end_it() {
    let dir = indexed();
    let watching = Watching::start(&dir, &[]);
    // Another process writes.
    let lock = MmapDirectory::open(&watching.index).unwrap().acquire_lock(&INDEX_WRITER_LOCK).unwrap();
    dir.write("docs/b.md", question("Is it locked?"));
    watching.fails("another process is writing the index");
    drop(lock);
    watching.indexes(&["Is it here?", "Is it locked?"]);
    // A broken file.
    dir.write("docs/c.jsonl", "{\"q\": \"Is it a record?\", \"a\": \"Yes\"}\n{\"q\": \n");
    watching.indexes(&["Is it here?", "Is it locked?", "Is it a record?"]);
    let skips = |update: &Value| update["problems"][0]["line"] == 2;
    watching.reports("the broken record", skips);
    dir.write("docs/d.md", question("Is it after that?"));
    watching.indexes(&["Is it here?", "Is it locked?", "Is it a record?", "Is it after that?"]);
    let updates = watching.updates();
    assert_eq!(updates.iter().filter(|update| skips(update)).count(), 1, "{updates:?}");
    assert_eq!(updates.iter().filter(|update| !update["error"].is_null()).count(), 1, "{updates:?}");
    // The index itself is gone, and comes back.
    let away = dir.path().join("away");
    fs::rename(&watching.index, &away).unwrap();
    dir.write("docs/d.md", question("Is it without an index?"));
    watching.fails("no index in");
    fs::rename(&away, &watching.index).unwrap();
    watching.indexes(&["Is it here?", "Is it locked?", "Is it a record?", "Is it without an index?"]);
}

/// Skipped when run as root, because root can read everything.
#[test]
fn what_cannot_be_read_keeps_its_questions() {
    let dir = indexed();
    dir.write("docs/deep/b.md", question("Is it deep?"));
    let watching = Watching::start(&dir, &[]);
    let deep = dir.path().join("docs/deep");
    let set = |mode: u32| fs::set_permissions(&deep, PermissionsExt::from_mode(mode)).unwrap();
    set(0o000);
    if deep.read_dir().is_ok() {
        skipped("root can read everything");
        return;
    }
    watching.reports("the directory", |update| update["problems"].to_string().contains("denied"));
    set(0o755);
    dir.write("docs/deep/c.md", question("Is it readable again?"));
    watching.indexes(&["Is it here?", "Is it deep?", "Is it readable again?"]);
}

#[test]
fn changes_are_found_without_notifications() {
    let dir = indexed();
    let watching = Watching::start(&dir, &["--poll", "0.05"]);
    dir.write("docs/new/b.md", question("Is it found?"));
    watching.indexes(&["Is it here?", "Is it found?"]);
    // The same size at nearly the same time.
    dir.write("docs/new/b.md", question("Is it fount?"));
    watching.indexes(&["Is it here?", "Is it fount?"]);
    fs::remove_dir_all(dir.path().join("docs/new")).unwrap();
    watching.indexes(&["Is it here?"]);
}

#[test]
fn paths_that_another_process_adds_are_watched() {
    let dir = indexed();
    let watching = Watching::start(&dir, &[]);
    dir.write("more/b.md", question("Is it more?"));
    // The watcher may be updating the index.
    until("more is indexed", || (dir.run(&["index", "more"]).code == Some(0)).then_some(()));
    until("more is watched", || {
        dir.write("more/b.md", question("Is it watched?"));
        titles_of(&watching.index).contains("Is it watched?").then_some(())
    });
}

#[test]
fn it_creates_an_index_of_the_paths_and_ends_on_a_signal() {
    for signal in ["-INT", "-TERM"] {
        let dir = Dir::new();
        dir.write("docs/a.md", question("Is it here?"));
        let mut watching = Watching::start(&dir, &["docs"]);
        watching.indexes(&["Is it here?"]);
        assert!(Index::open(&watching.index).unwrap().meta().model.is_some());
        watching.signal(signal);
        assert_eq!(watching.wait().code(), Some(0), "{signal}");
        dir.run(&["check"]).success();
    }
}

/// The update that runs is cancelled, and leaves the last commit.
#[test]
fn a_signal_ends_a_long_update() {
    let dir = indexed();
    let mut watching = Watching::start(&dir, &[]);
    let many = (0..200_000).map(|nth| format!("{{\"q\": \"Is it {nth}?\", \"a\": \"Yes, {nth}.\"}}\n"));
    dir.write("docs/many.jsonl", many.collect::<String>());
    let directory = MmapDirectory::open(&watching.index).unwrap();
    until("an update has begun", || directory.acquire_lock(&INDEX_WRITER_LOCK).is_err().then_some(()));
    watching.signal("-INT");
    assert_eq!(watching.wait().code(), Some(0));
    let titles = titles_of(&watching.index).len();
    assert!(titles == 1 || titles == 200_001, "{titles}");
    dir.run(&["check"]).success();
}

#[test]
fn it_ends_when_nobody_reads_its_output() {
    let dir = indexed();
    let mut command = dir.command(&["watch", "--json", "--quiet-time", "0.05"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"error\":null"), "{line}");
    let mut nth = 0;
    let status = until("the end", || {
        nth += 1;
        dir.write("docs/b.md", question(&format!("Is it {nth}?")));
        child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
}

#[test]
fn updates_are_lines_without_json() {
    let dir = indexed();
    let mut command = dir.command(&["watch", "--quiet-time", "0.05"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let messages = lines(child.stderr.take().unwrap(), |line| line);
    let says = |words: &str| {
        until(words, || messages.lock().unwrap().iter().any(|line| line.contains(words)).then_some(()));
    };
    says("watching 1 file in 1 directory");
    says("1 question (");
    dir.write("docs/b.md", question("Is it new?"));
    says("2 questions: 1 new or changed in docs/b.md (");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_cannot_be_watched_is_an_error() {
    let dir = Dir::new();
    dir.run(&["watch", "never.md"]).exits(2).says("never.md does not exist");
    dir.run(&["watch", "--index", "none"]).exits(2).says("no index in none");
    dir.run(&["watch", "-"]).exits(2).says("only files and directories can");
    dir.run(&["watch", "http://127.0.0.1:9/faq"]).exits(2).says("cannot be watched").says("rqsearch index");
    assert!(!dir.path().join(".rqsearch").exists());
    dir.run_with_input(&["index", "--keyword-only", "-"], &question("Is it from a pipe?")).success();
    dir.run(&["watch"]).exits(2).says("no file or directory that could be watched");
}

/// Skipped where a user cannot create a namespace with limits of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_the_system_is_explained() {
    let dir = indexed();
    (0..20).for_each(|nth| drop(dir.write(&format!("docs/{nth}/b.md"), question(&format!("Is it {nth}?")))));
    let program = env!("CARGO_BIN_EXE_rqsearch");
    let limited = |limit: &str, args: &str| {
        let script = format!("echo 10 > /proc/sys/user/{limit} && exec {program} watch {args}");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", &script]).current_dir(dir.path());
        command.env("RQSEARCH_CONFIG", dir.config()).env_remove("RQSEARCH_INDEX");
        command
    };
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "sh", "-c", "echo 10 > /proc/sys/user/max_inotify_watches"]);
    if !probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        skipped("a user cannot create a namespace");
        return;
    }
    let output = limited("max_inotify_watches", "").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("fs.inotify.max_user_watches") && message.contains("--poll"), "{message}");
    let watching =
        Watching::run(&dir, &mut limited("max_inotify_watches", "--json --quiet-time 0.05 --poll 0.05"));
    dir.write("docs/7/c.md", question("Is it found?"));
    until("it is found", || titles_of(&watching.index).contains("Is it found?").then_some(()));
}

/// Changes something below `docs`. What fails because the path does not exist is no edit.
fn edit(docs: &Path, random: &mut Random) -> std::io::Result<()> {
    let directory = |random: &mut Random| {
        let deep = docs.join(random.below(4).to_string());
        if random.below(2) == 0 { deep } else { deep.join(random.below(3).to_string()) }
    };
    let file = |random: &mut Random| directory(random).join(format!("{}.md", random.below(6)));
    let text = |random: &mut Random| -> String {
        (0..random.below(4)).map(|nth| question(&format!("Is it {nth} of {}?", random.below(50)))).collect()
    };
    let (path, other) = (file(random), file(random));
    match random.below(10) {
        0..3 => {
            fs::create_dir_all(path.parent().unwrap())?;
            fs::write(path, text(random))
        }
        3..5 => {
            let temporary = path.with_extension("md.tmp");
            fs::write(&temporary, text(random))?;
            fs::rename(temporary, path)
        }
        5 => fs::remove_file(path),
        6 => fs::rename(path, other),
        7 => fs::rename(directory(random), directory(random)),
        8 => fs::remove_dir_all(directory(random)),
        _ => File::options().append(true).open(path)?.write_all(text(random).as_bytes()),
    }
}

#[test]
fn random_edits_lead_to_the_same_index_as_a_fresh_one() {
    let seconds = std::env::var("RQSEARCH_WATCH_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(5));
    let dir = indexed();
    let docs = dir.path().join("docs");
    let watching = Watching::start(&dir, &[]);
    let (mut random, mut edits, mut rounds) = (Random(7), 0u64, 0u64);
    while Instant::now() < end {
        for _ in 0..random.below(200) {
            edits += u64::from(edit(&docs, &mut random).is_ok());
            thread::sleep(Duration::from_millis(random.below(4)));
        }
        // The file that a build of nothing would refuse.
        dir.write("docs/a.md", question(&format!("Is it round {rounds}?")));
        rounds += 1;
        let fresh = export_of_fresh_index(&dir);
        let exported = || dir.run(&["export"]).success().stdout;
        until(&format!("the fresh index of round {rounds}"), || (exported() == fresh).then_some(()));
        dir.run(&["check"]).success();
    }
    let failures: Vec<Value> =
        watching.updates().into_iter().filter(|update| !update["error"].is_null()).collect();
    report(&format!("{edits} edits, {rounds} comparisons, {} updates", watching.updates().len()));
    assert!(failures.is_empty(), "{failures:?}");
    assert!(edits > 0 && rounds > 0);
}

fn export_of_fresh_index(dir: &Dir) -> String {
    let fresh = dir.path().join("fresh");
    if fresh.exists() {
        fs::remove_dir_all(fresh).unwrap();
    }
    // Status 2: an empty file is reported.
    let output = dir.run(&["index", "--index", "fresh", "--keyword-only", "docs"]);
    assert!(matches!(output.code, Some(0 | 2)), "{output:?}");
    dir.run(&["export", "--index", "fresh"]).success().stdout
}

#[expect(clippy::print_stderr, reason = "the long form runs for hours, and reports what it did")]
fn report(line: &str) {
    eprintln!("watch: {line}");
}
