//! The last committed index survives interrupted builds.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tantivy::Directory;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};

use crate::util::{Dir, FAQ};

/// Enough different questions that a build takes some time.
fn many(count: usize) -> String {
    (0..count)
        .map(|nth| format!("{{\"q\": \"Question number {nth} of many?\", \"a\": \"Answer {nth}.\"}}\n"))
        .collect()
}

/// The kills in campaign.rs reach every step of a small update. This one is long enough that tantivy writes
/// several segments.
#[test]
fn a_killed_build_leaves_the_last_commit() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.run(&["index", "--keyword-only", "faq.md"]).success();
    let before = dir.export();
    dir.write("many.jsonl", many(20_000));
    for milliseconds in [5, 60, 300, 900, 1_800] {
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
            dir.titles(&["-n", "1", "how long should bread dough rise"]),
            ["How long should bread dough rise?"]
        );
    }
    // The index can still be updated.
    dir.write("many.jsonl", many(10));
    dir.run(&["index", "many.jsonl"]).success();
    assert_eq!(dir.export().len(), before.len() + 10);
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
    // A new directory of any name, also one in which a first build was killed before its commit.
    dir.run(&["index", "--keyword-only", "--index", "new", "faq.md"]).success();
    std::fs::remove_file(dir.path().join("new/meta.json")).unwrap();
    dir.run(&["index", "--keyword-only", "--index", "new", "faq.md"]).success();
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
