//! Sources that are gone, emptied, or of another kind, and index directories without an index.

use std::fs;

use crate::util::{Dir, FAQ};

const WAX: &str = "## How do I wax a rope?\n\nWith wax.\n";
const TENT: &str = "## How do I pitch a tent?\n\nOn flat ground.\n";

/// A directory whose index holds `a.md` and `docs/b.md`.
fn indexed() -> Dir {
    let dir = Dir::new();
    dir.write("a.md", WAX);
    dir.write("docs/b.md", TENT);
    dir.run(&["index", "--keyword-only", "a.md", "docs"]).success();
    dir
}

fn titles(dir: &Dir) -> Vec<String> {
    dir.export().iter().map(|question| question["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn questions_of_a_deleted_path_are_removed_and_the_path_is_forgotten() {
    let dir = indexed();
    fs::remove_file(dir.path().join("a.md")).unwrap();
    dir.run(&["index"]).success().says("missing: a.md; its questions were removed");
    assert_eq!(titles(&dir), ["How do I pitch a tent?"]);
    let again = dir.run(&["index"]).success();
    assert!(!again.stderr.contains("missing"), "{again:?}");

    let dir = indexed();
    fs::remove_dir_all(dir.path().join("docs")).unwrap();
    dir.run(&["index"]).success().says("missing: docs; its questions were removed");
    assert_eq!(titles(&dir), ["How do I wax a rope?"]);
}

#[test]
fn naming_a_deleted_path_removes_only_its_questions() {
    let dir = indexed();
    fs::remove_file(dir.path().join("a.md")).unwrap();
    fs::remove_file(dir.path().join("docs/b.md")).unwrap();
    dir.run(&["index", "a.md"]).success().says("missing: a.md");
    assert_eq!(titles(&dir), ["How do I pitch a tent?"]);
    dir.run(&["index", "never.md"]).exits(2).says("never.md does not exist");
}

#[test]
fn deleted_files_are_kept_if_the_user_asks_for_it() {
    let dir = indexed();
    dir.write("docs/c.md", "## Why is the sky blue?\n\nScattering.\n");
    dir.run(&["index"]).success();
    fs::remove_file(dir.path().join("a.md")).unwrap();
    fs::remove_file(dir.path().join("docs/b.md")).unwrap();
    for _ in 0..2 {
        dir.run(&["index", "--keep-missing"]).success().says("missing: a.md; its questions are kept");
        assert_eq!(titles(&dir).len(), 3);
    }
    dir.write("a.md", "## Is it back?\n\nYes.\n");
    dir.run(&["index"]).success();
    assert_eq!(titles(&dir), ["Is it back?", "Why is the sky blue?"]);
}

#[test]
fn an_index_is_not_emptied_because_a_disk_is_not_mounted() {
    // The mount point is empty.
    let dir = indexed();
    fs::remove_file(dir.path().join("docs/b.md")).unwrap();
    for args in [&["index"][..], &["index", "docs"]] {
        dir.run(args).exits(2).says("all indexed files of").says("--keep-missing").says("--remove-missing");
    }
    assert_eq!(titles(&dir).len(), 2);
    dir.run(&["index", "--keep-missing"]).success();
    assert_eq!(titles(&dir).len(), 2);
    dir.run(&["index", "--remove-missing"]).success();
    assert_eq!(titles(&dir), ["How do I wax a rope?"]);

    // The directory of the root is gone too.
    let dir = Dir::new();
    dir.write("a.md", WAX);
    dir.write("disk/docs/b.md", TENT);
    dir.run(&["index", "--keyword-only", "a.md", "disk/docs"]).success();
    fs::remove_dir_all(dir.path().join("disk")).unwrap();
    dir.run(&["index"]).exits(2).says("disk/docs are gone");
    assert_eq!(titles(&dir).len(), 2);

    // Nothing would be left.
    let dir = Dir::new();
    dir.write("a.md", WAX);
    dir.run(&["index", "--keyword-only", "a.md"]).success();
    fs::remove_file(dir.path().join("a.md")).unwrap();
    dir.run(&["index"]).exits(2).says("all indexed files of");
    dir.run(&["index", "--remove-missing"]).success();
    assert_eq!(titles(&dir).len(), 0);
}

#[test]
fn a_file_that_no_longer_holds_questions_loses_them() {
    let dir = indexed();
    dir.write("docs/c.csv", "question,answer\nWhy is the sky blue?,Scattering\n");
    dir.write("docs/d.md", FAQ);
    dir.run(&["index"]).success();
    assert_eq!(titles(&dir).len(), 8);
    dir.write("docs/c.csv", "1,2\n3,4\n");
    dir.write("docs/d.md", "");
    dir.write("a.md", "");
    dir.run(&["index"]).exits(2).says("a.md: empty file").says("d.md: empty file");
    assert_eq!(titles(&dir), ["How do I pitch a tent?"]);
}

#[test]
fn a_directory_without_a_readable_index_is_never_replaced_by_the_builtin_questions() {
    let dir = indexed();
    fs::remove_file(dir.path().join(".rqsearch/meta.json")).unwrap();
    for args in [&["mutex"][..], &["export"], &["stats"], &["dups"], &["show", "abcd"]] {
        let output = dir.run(args).exits(2).says("no index in");
        assert_eq!(output.stdout, "");
    }
    dir.run(&["index", "a.md", "docs"]).success();
    assert_eq!(titles(&dir).len(), 2);
}

/// Skipped when run as root, because root can read everything.
#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_listed_keeps_its_questions() {
    use std::os::unix::fs::PermissionsExt;
    let dir = indexed();
    dir.write("docs/deep/c.md", "## Why is the sky blue?\n\nScattering.\n");
    dir.run(&["index"]).success();
    let deep = dir.path().join("docs/deep");
    fs::set_permissions(&deep, PermissionsExt::from_mode(0o000)).unwrap();
    if deep.read_dir().is_ok() {
        crate::util::skipped("root can read everything");
        return;
    }
    let output = dir.run(&["index"]);
    fs::set_permissions(&deep, PermissionsExt::from_mode(0o755)).unwrap();
    output.exits(2);
    assert_eq!(titles(&dir).len(), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_stay_distinct() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = Dir::new();
    let path = |name: &[u8]| dir.path().join(OsStr::from_bytes(name));
    fs::write(path(b"a\xff.md"), WAX).unwrap();
    fs::write(path(b"a\xfe.md"), WAX).unwrap();
    dir.run(&["index", "--keyword-only", "."]).success();
    let questions = dir.export();
    assert_eq!(questions.len(), 2);
    assert_ne!(questions[0]["source"]["path"], questions[1]["source"]["path"]);
    assert_ne!(questions[0]["id"], questions[1]["id"]);
    fs::remove_file(path(b"a\xff.md")).unwrap();
    dir.run(&["index"]).success();
    assert_eq!(dir.export().len(), 1);

    // Such a name is also found again as a path that was named.
    let dir = Dir::new();
    let path = |name: &[u8]| dir.path().join(OsStr::from_bytes(name));
    fs::write(path(b"b\xff.md"), WAX).unwrap();
    let mut command = dir.command(&["index", "--keyword-only"]);
    assert!(command.arg(OsStr::from_bytes(b"b\xff.md")).status().unwrap().success());
    fs::write(path(b"b\xff.md"), TENT).unwrap();
    dir.run(&["index"]).success();
    assert_eq!(titles(&dir), ["How do I pitch a tent?"]);
}
