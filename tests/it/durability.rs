//! The last good index outlives whatever happens to the next one.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tantivy::Directory;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};

use crate::util::{Dir, FAQ};

/// Enough questions, all different, that building takes a while.
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
        // A machine fast enough to have finished has committed everything, never a part.
        assert!(now == before || now.len() == before.len() + 20_000, "{} questions", now.len());
        assert_eq!(
            dir.titles(&["-n", "1", "how long does dough rise"]),
            ["How long should bread dough rise?"]
        );
    }
    // And it can be built on.
    dir.write("many.jsonl", many(10));
    dir.run(&["index", "many.jsonl"]).success();
    assert_eq!(dir.export().len(), before.len() + 10);
}

#[test]
fn a_first_build_that_was_killed_can_be_started_again() {
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
fn a_second_writer_gets_a_clear_error_and_readers_none() {
    let dir = Dir::indexed();
    // The lock that a writing process holds, taken here, so that nobody has to be quick.
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
fn what_is_no_index_is_left_alone() {
    let dir = Dir::new();
    dir.write("precious/letter.txt", "Dear reader");
    dir.write("faq.md", FAQ);
    dir.run(&["--index", "precious", "dough"]).exits(2).says("holds no index of rqsearch");
    dir.run(&["index", "--index", "precious", "faq.md"]).exits(2).says("holds no index of rqsearch");
    let left: Vec<_> = std::fs::read_dir(dir.path().join("precious")).unwrap().collect();
    assert_eq!(left.len(), 1);
}

/// Root is above permissions: there the test is skipped, saying so.
#[cfg(unix)]
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn an_index_can_be_searched_by_somebody_who_may_not_write_it() {
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
        eprintln!("skipped: root may write anywhere");
        return;
    }
    let found = dir.run(&["how long must dough rise"]);
    set(0o755);
    found.success();
}
