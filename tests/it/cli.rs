//! What a curious and a careless person does.

use std::io::Read;
use std::process::Stdio;

use crate::util::Dir;

#[test]
fn no_index_says_how_to_make_one() {
    let dir = Dir::new();
    dir.run(&["--index", "nowhere", "bread"]).exits(2).says("no index in nowhere").says("rqsearch index");
}

#[test]
fn a_path_that_does_not_exist_is_named_and_nothing_is_made() {
    let dir = Dir::new();
    dir.run(&["index", "nowhere"]).exits(2).says("nowhere does not exist");
    assert!(!dir.path().join(".rqsearch").exists());
    // A phrase that begins like a command.
    dir.run(&["index", "out", "of", "bounds"]).exits(2).says("put it in quotes");
}

#[test]
fn a_phrase_may_begin_like_a_command() {
    let dir = Dir::indexed();
    dir.run(&["search", "index", "of", "bread"]).success();
    dir.run(&["show me how to sharpen a knife"]).success();
}

#[test]
fn nothing_typed_is_a_question_back() {
    let dir = Dir::indexed();
    dir.run(&[]).exits(2).says("what should be looked for?");
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let dir = Dir::new();
    dir.write("a.jsonl", "{\"q\": \"Why?\", \"a\": \"Because it is so.\"}\n".repeat(20_000));
    dir.run(&["index", "--keyword-only", "a.jsonl"]).success();
    let mut child = dir.command(&["export"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn colours_only_where_they_are_wanted() {
    let dir = Dir::indexed();
    assert!(!dir.run(&["dough"]).success().stdout.contains('\x1b'));
    assert!(dir.run(&["--color", "always", "dough"]).success().stdout.contains('\x1b'));
    let mut command = dir.command(&["--color", "never", "dough"]);
    assert!(!command.output().unwrap().stdout.contains(&0x1b));
}

#[test]
fn help_and_version_are_data() {
    let dir = Dir::new();
    let help = dir.run(&["--help"]).success().stdout;
    for words in
        ["rqsearch [OPTIONS] PHRASE…", "--semantic-weight", "Exit status: 0 found, 1 nothing here answers"]
    {
        assert!(help.contains(words), "{words}\n{help}");
    }
    assert!(dir.run(&["--version"]).success().stdout.starts_with("rqsearch "));
    dir.run(&["--mode", "psychic", "x"]).exits(2).says("possible values");
}
