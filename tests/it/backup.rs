//! Check, repair, snapshots, and what reaches a terminal or a spreadsheet.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tantivy::Directory;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};

use crate::util::Dir;

/// The file of a segment with this extension.
fn file(dir: &Dir, extension: &str) -> PathBuf {
    let files = fs::read_dir(dir.path().join(".rqsearch")).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|found| found == extension)).unwrap()
}

/// Flips a bit in the middle of a file.
fn damage(path: &PathBuf) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(path, bytes).unwrap();
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn check_names_the_damaged_file_and_its_questions() {
    let dir = Dir::indexed();
    let sound = dir.run(&["check"]).success();
    assert!(sound.stdout.contains("is sound: 8 files"), "{sound:?}");
    damage(&file(&dir, "idx"));
    let found = dir.run(&["check"]).exits(2).says("rqsearch check --repair");
    for words in
        [".idx: its content does not match its checksum", "5 questions affected", "faq.md: 5 questions"]
    {
        assert!(found.stdout.contains(words), "{words}: {found:?}");
    }
    let reply = json(&dir.run(&["check", "--json"]).exits(2).stdout);
    assert_eq!(reply["sound"], false);
    assert!(reply["damage"][0]["file"].as_str().unwrap().ends_with(".idx"), "{reply}");
    assert_eq!(reply["segments"][0]["questions"].as_array().unwrap().len(), 5, "{reply}");
    assert_eq!(reply["segments"][0]["complete"], true);
}

#[test]
fn repair_takes_questions_from_the_index_and_from_their_sources() {
    let dir = Dir::indexed();
    dir.run_with_input(&["index", "-", "--format", "markdown"], "## Is it from a pipe?\n\nYes.\n").success();
    let expected = dir.export();

    // The questions are stored in a sound file, so not even their sources are needed.
    damage(&file(&dir, "term"));
    fs::rename(dir.path().join("faq.md"), dir.path().join("away")).unwrap();
    let repaired = dir.run(&["check", "--repair"]).success();
    assert!(
        repaired.stdout.contains("6 questions restored\nno question is known to be lost"),
        "{repaired:?}"
    );
    assert_eq!(dir.export(), expected);
    fs::rename(dir.path().join("away"), dir.path().join("faq.md")).unwrap();
    dir.run(&["index"]).success();
    assert_eq!(dir.export(), expected);

    // They are not, and one of them has no source that can be read again.
    damage(&file(&dir, "store"));
    let repaired = dir.run(&["check", "--repair", "--json"]).exits(2);
    let repair = &json(&repaired.stdout)["repair"];
    assert_eq!(repair["restored"].as_array().unwrap().len(), 5, "{repair}");
    assert_eq!(repair["lost"].as_array().unwrap().len(), 1, "{repair}");
    assert_eq!(dir.export().len(), 5);
    dir.run(&["check"]).success();
    let nothing = dir.run(&["check", "--repair"]).success();
    assert!(nothing.stdout.contains("is sound"), "{nothing:?}");
}

#[test]
fn a_damaged_commit_file_is_an_error_that_names_the_way_out() {
    let dir = Dir::indexed();
    damage(&dir.path().join(".rqsearch/meta.json"));
    dir.run(&["dough"]).exits(2).says("cannot be read").says("rqsearch check");
    let found = dir.run(&["check"]).exits(2);
    assert!(found.stdout.contains("meta.json"), "{found:?}");
    dir.run(&["check", "--repair"]).exits(2).says("hint");
}

#[test]
fn a_missing_commit_file_is_damage() {
    let dir = Dir::indexed();
    fs::remove_file(dir.path().join(".rqsearch/meta.json")).unwrap();
    let reply = json(&dir.run(&["check", "--json"]).exits(2).stdout);
    assert_eq!(
        (&reply["sound"], &reply["damage"][0]["file"]),
        (&false.into(), &"meta.json".into()),
        "{reply}"
    );
    dir.run(&["check"]).exits(2).says("build the index again");
    dir.run(&["check", "--index", "nothing"]).exits(2).says("no index");
}

/// To open a named pipe waits for a writer, and a directory cannot be locked.
#[cfg(unix)]
#[test]
fn files_that_are_not_regular_are_reported() {
    let dir = Dir::indexed();
    let segment = |extension: &str| file(&dir, extension);
    for path in
        [segment("store"), segment("idx"), segment("rqsv"), dir.path().join(".rqsearch/.managed.json")]
    {
        let content = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let found = dir.run(&["check"]).exits(2);
        assert!(found.stdout.contains("not a regular file"), "{path:?}: {found:?}");
        for args in [&["dough"][..], &["index"], &["snapshot", "backup.zip"]] {
            assert!(dir.run(args).code.is_some(), "{path:?}: {args:?}");
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, content).unwrap();
    }
    for lock in [".tantivy-writer.lock", ".tantivy-meta.lock"] {
        let dir = Dir::indexed();
        let lock = dir.path().join(".rqsearch").join(lock);
        _ = fs::remove_file(&lock);
        fs::create_dir(&lock).unwrap();
        let found = dir.run(&["check"]).exits(2);
        assert!(found.stdout.contains("it is not a regular file; remove it"), "{found:?}");
        dir.run(&["check", "--repair"]).exits(2).says("not a regular file").says("remove it");
        dir.run(&["index", "--reread"]).exits(2).says("not a regular file");
        fs::remove_dir(&lock).unwrap();
        dir.run(&["index", "--reread"]).success();
        dir.run(&["check"]).success();
    }
}

/// Tantivy panics on such a file. The error says so, and nothing else is printed.
#[test]
fn a_panic_that_becomes_an_error_is_not_printed() {
    let dir = Dir::indexed();
    for extension in ["fast", "fieldnorm", "store", "term"] {
        let path = file(&dir, extension);
        let content = fs::read(&path).unwrap();
        for length in [4, 7] {
            fs::write(&path, &content[..length]).unwrap();
            for command in ["serve", "mcp"] {
                let output = dir.run_with_input(&[command], "");
                assert!(!output.stderr.contains("panicked"), "{command}, {extension}: {output:?}");
                assert!(output.stderr.contains("cannot be read"), "{command}, {extension}: {output:?}");
            }
        }
        fs::write(&path, content).unwrap();
    }
}

#[test]
fn a_damaged_cache_is_found_and_computed_again() {
    let dir = Dir::indexed();
    let before = dir.run(&["dups", "--json"]);
    let cache = dir.path().join(".rqsearch/duplicates.cache");
    damage(&cache);
    let found = dir.run(&["check"]).exits(2);
    assert!(found.stdout.contains("duplicates.cache"), "{found:?}");
    assert_eq!(dir.run(&["dups", "--json"]).stdout, before.stdout);
    dir.run(&["check"]).success();
}

#[test]
fn a_snapshot_restores_the_same_hits() {
    let dir = Dir::indexed();
    let hits = |dir: &Dir, index: &str| {
        let mut reply = json(&dir.run(&["--index", index, "--json", "sour bread"]).stdout);
        reply["took_ms"].take();
        reply
    };
    let expected = hits(&dir, ".rqsearch");
    dir.run(&["snapshot", "backup.zip"]).success().says("5 questions in backup.zip");
    dir.run(&["snapshot", "backup.zip"]).exits(2).says("--force");
    dir.run(&["snapshot", "backup.zip", "--force"]).success();
    dir.run(&["restore", "backup.zip", "--index", "new"]).success();
    assert_eq!(hits(&dir, "new"), expected);

    // An index is replaced only with --force, and not while another process writes it.
    dir.write("faq.md", "## Is it new?\n\nYes.\n");
    dir.run(&["index"]).success();
    dir.run(&["restore", "backup.zip"]).exits(2).says("--force replaces it");
    let index = MmapDirectory::open(dir.path().join(".rqsearch")).unwrap();
    let lock = index.acquire_lock(&INDEX_WRITER_LOCK).unwrap();
    dir.run(&["restore", "backup.zip", "--force"]).exits(2).says("another process is writing");
    drop(lock);
    dir.run(&["restore", "backup.zip", "--force"]).success();
    assert_eq!(hits(&dir, ".rqsearch"), expected);
    dir.run(&["check"]).success();
    // The restored index can be updated.
    dir.run(&["index"]).success();
    assert_eq!(dir.export().len(), 1);
}

#[test]
fn a_damaged_snapshot_changes_nothing() {
    let dir = Dir::indexed();
    dir.run(&["snapshot", "backup.zip"]).success();
    let sound = fs::read(dir.path().join("backup.zip")).unwrap();
    let expected = dir.export();
    for at in (0..sound.len()).step_by(sound.len() / 12) {
        let mut bytes = sound.clone();
        bytes[at] ^= 16;
        dir.write("backup.zip", &bytes);
        let output = dir.run(&["restore", "backup.zip", "--force"]);
        assert!(matches!(output.code, Some(0 | 2)), "{output:?}");
        assert_eq!(dir.export(), expected, "byte {at}");
        dir.write("backup.zip", &sound[..at]);
        dir.run(&["restore", "backup.zip", "--force"]).exits(2).says("not a snapshot");
    }
    // The manifest is sound, and the first file is damaged: the directory is created and removed again.
    let mut bytes = sound.clone();
    bytes[200] ^= 16;
    dir.write("backup.zip", &bytes);
    dir.run(&["restore", "backup.zip", "--index", "a/new"]).exits(2).says("not a snapshot");
    assert!(!dir.path().join("a").exists());
    dir.write("letter.txt", "Dear reader");
    dir.run(&["restore", "letter.txt", "--index", "new"]).exits(2).says("not a snapshot");
    assert!(!dir.path().join("new").exists());
    // A damaged index is not backed up.
    damage(&file(&dir, "pos"));
    dir.run(&["snapshot", "other.zip"]).exits(2).says("is damaged");
    assert!(!dir.path().join("other.zip").exists());
}

#[test]
fn cells_of_a_table_cannot_run_as_formulas() {
    let dir = Dir::new();
    let title = "=HYPERLINK(\"http://example.org\") is what?";
    dir.write("a.jsonl", format!("{}\n", serde_json::json!({"q": title, "a": "A."})).repeat(2));
    dir.run(&["index", "--keyword-only", "a.jsonl"]).success();
    let table = dir.run(&["dups", "--csv"]).exits(1).stdout;
    assert_eq!(table.matches("'=HYPERLINK").count(), 2, "{table}");
    assert!(!table.contains(",=") && !table.contains("\"="), "{table}");
}
