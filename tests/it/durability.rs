//! The last committed index survives interrupted builds.

use std::process::Stdio;
use std::thread;
use std::time::Duration;
#[cfg(target_os = "linux")]
use std::{collections::BTreeMap, ffi::OsString, fs, os::unix::process::ExitStatusExt, process::Command};

use tantivy::Directory;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};

use crate::util::{Dir, FAQ};

/// Enough different questions that a build takes some time.
fn many(count: usize) -> String {
    (0..count)
        .map(|nth| format!("{{\"q\": \"Question number {nth} of many?\", \"a\": \"Answer {nth}.\"}}\n"))
        .collect()
}

#[test]
fn a_killed_build_leaves_the_last_commit() {
    let dir = Dir::indexed();
    let before = dir.export();
    dir.write("many.jsonl", many(20_000));
    for milliseconds in [5, 20, 60, 150, 400, 900] {
        let mut child = dir
            .command(&["index", "many.jsonl"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = dir.export();
        // On a fast machine the build may have finished. Then everything is committed, never a part.
        assert!(now == before || now.len() == before.len() + 20_000, "{} questions", now.len());
        assert_eq!(
            dir.titles(&["-n", "1", "how long does dough rise"]),
            ["How long should bread dough rise?"]
        );
    }
    // The index can still be updated.
    dir.write("many.jsonl", many(10));
    dir.run(&["index", "many.jsonl"]).success();
    assert_eq!(dir.export().len(), before.len() + 10);
}

/// Kills an update after each of its writes to the disk. After every write, the index has either the old
/// commit or the new one, and the next update succeeds and leaves no temporary files.
#[cfg(target_os = "linux")]
#[test]
fn an_update_killed_at_any_step_can_be_repeated() {
    let dir = Dir::new();
    let library = dir.path().join("kill_at.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/kill_at.c");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", source, "-ldl", "-o"]).arg(&library).status();
    if !compiled.is_ok_and(|status| status.success()) {
        crate::util::skipped("there is no C compiler");
        return;
    }
    let index = dir.path().join(".rqsearch");
    let questions = |word: &str| -> String {
        (0..40).map(|nth| format!("## Is {word} number {nth} here?\n\nYes, {word} {nth}.\n\n")).collect()
    };
    let update = ["index", "--keyword-only", "faq.md"];
    let files = || -> BTreeMap<OsString, Vec<u8>> {
        let entries = fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.is_file())
            .map(|path| (path.file_name().unwrap().to_owned(), fs::read(&path).unwrap()))
            .collect()
    };
    let titles = || -> String { dir.export().iter().map(|question| question["title"].to_string()).collect() };
    dir.write("faq.md", questions("rose"));
    dir.run(&update).success();
    let before = files();
    dir.write("faq.md", questions("tulip"));

    let (mut unchanged, mut committed, mut with_deletions) = (0, 0, 0);
    for step in 1.. {
        fs::remove_dir_all(&index).unwrap();
        fs::create_dir(&index).unwrap();
        before.iter().for_each(|(name, bytes)| fs::write(index.join(name), bytes).unwrap());
        let status = dir
            .command(&update)
            .env("LD_PRELOAD", &library)
            .env("KILL_IN", ".rqsearch")
            .env("KILL_AT", step.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(9), "step {step}");
        let deletions = files().keys().any(|name| name.to_string_lossy().ends_with(".del"));
        with_deletions += usize::from(deletions);
        let text = titles();
        match (text.contains("rose number"), text.contains("tulip number")) {
            (true, false) => unchanged += 1,
            (false, true) => committed += 1,
            both => panic!("killed at step {step}: parts of both commits: {both:?}"),
        }
        dir.run(&update).success();
        let text = titles();
        assert!(text.contains("tulip number") && !text.contains("rose number"), "killed at step {step}");
        let left: Vec<_> =
            files().into_keys().filter(|name| name.to_string_lossy().starts_with(".tmp")).collect();
        assert!(left.is_empty(), "killed at step {step}: {left:?}");
    }
    // The kills covered the commit itself, and the step that used to leave an index that could not be
    // updated.
    assert!(
        unchanged > 10 && committed > 0 && with_deletions > 0,
        "{unchanged} {committed} {with_deletions}"
    );
}

#[test]
fn a_killed_first_build_can_be_repeated() {
    let dir = Dir::new();
    dir.write("many.jsonl", many(20_000));
    let mut child =
        dir.command(&["index", "many.jsonl"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    dir.run(&["--index", ".rqsearch", "dough"]).exits(2).says("no index");
    dir.write("many.jsonl", many(3));
    dir.run(&["index", "many.jsonl"]).success();
    assert_eq!(dir.export().len(), 3);
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let dir = Dir::indexed();
    // Hold the writer lock in this process, so that the test does not depend on timing.
    let index = MmapDirectory::open(dir.path().join(".rqsearch")).unwrap();
    let lock = index.acquire_lock(&INDEX_WRITER_LOCK).unwrap();
    dir.run(&["index", "faq.md"]).exits(2).says("another process is writing the index");
    dir.run(&["dough"]).success();
    drop(lock);
    dir.run(&["index", "faq.md"]).success();
}

#[test]
fn a_damaged_index_is_an_error_not_a_crash() {
    let dir = Dir::indexed();
    let index = dir.path().join(".rqsearch");
    for entry in std::fs::read_dir(&index).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "rqsv" || extension == "store") {
            let bytes = std::fs::read(entry.path()).unwrap();
            std::fs::write(entry.path(), &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    dir.run(&["dough"]).exits(2).says("cannot be read").says("hint");
}

#[test]
fn a_directory_that_is_not_an_index_is_not_changed() {
    let dir = Dir::new();
    dir.write("precious/letter.txt", "Dear reader");
    dir.write("faq.md", FAQ);
    dir.run(&["--index", "precious", "dough"]).exits(2).says("is not an rqsearch index");
    dir.run(&["index", "--index", "precious", "faq.md"]).exits(2).says("is not an rqsearch index");
    let left: Vec<_> = std::fs::read_dir(dir.path().join("precious")).unwrap().collect();
    assert_eq!(left.len(), 1);
}

/// Skipped when run as root, because root can write everywhere.
#[cfg(unix)]
#[test]
fn an_index_can_be_searched_without_write_permission() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::indexed();
    let index = dir.path().join(".rqsearch");
    for entry in index.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "lock") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let set = |mode: u32| std::fs::set_permissions(&index, PermissionsExt::from_mode(mode)).unwrap();
    set(0o555);
    if std::fs::write(index.join("probe"), "").is_ok() {
        set(0o755);
        crate::util::skipped("root can write everywhere");
        return;
    }
    let found = dir.run(&["how long must dough rise"]);
    set(0o755);
    found.success();
}
