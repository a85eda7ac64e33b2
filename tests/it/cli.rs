//! The command line: help, hints, and misuse.

use std::io::Read;
use std::process::Stdio;

use crate::util::Dir;

#[test]
fn a_missing_index_has_a_hint_to_create_one() {
    let dir = Dir::new();
    dir.run(&["--index", "nowhere", "bread"]).exits(2).says("no index in nowhere").says("rqsearch index");
}

#[test]
fn a_missing_path_is_an_error_and_no_index_is_created() {
    let dir = Dir::new();
    dir.run(&["index", "nowhere"]).exits(2).says("nowhere does not exist");
    assert!(!dir.path().join(".rqsearch").exists());
    // A phrase that starts with the name of a command.
    dir.run(&["index", "out", "of", "bounds"]).exits(2).says("put it in quotes");
}

#[test]
fn a_phrase_can_start_with_the_name_of_a_command() {
    let dir = Dir::indexed();
    dir.run(&["search", "index", "of", "bread"]).success();
    dir.run(&["show me how to sharpen a knife"]).success();
}

#[test]
fn without_arguments_examples_and_the_index_are_shown() {
    let dir = Dir::indexed();
    let shown = dir.run(&[]).success().stdout;
    for words in
        ["rqsearch index faq.md", "rqsearch -i", ".rqsearch (the nearest .rqsearch in", "5 questions"]
    {
        assert!(shown.contains(words), "{words:?} is missing: {shown}");
    }
    assert!(shown.lines().all(|line| line.len() <= 72 || line.starts_with("Index: ")), "{shown}");
    let shown = dir.run(&["--builtin"]).success().stdout;
    assert!(shown.contains("Index: the built-in Rust questions (named by --builtin)"), "{shown}");
    let shown = dir.run(&["--index", "nowhere"]).success().stdout;
    assert!(shown.contains("Index: nowhere (named by --index)\n       no index in nowhere"), "{shown}");
    // With a search option, a missing phrase is an error.
    dir.run(&["-n", "3"]).exits(2).says("no phrase to search for");
}

#[test]
fn options_that_do_not_apply_are_refused() {
    let dir = Dir::indexed();
    for (args, message) in [
        (&["--model", "nosuchmodel", "bread"][..], "no model is called \"nosuchmodel\""),
        (&["--limit", "0", "bread"], "'--limit <N>': must be a whole number, 1 or more"),
        (&["--limit", "many", "bread"], "must be a whole number, 1 or more"),
        (&["dups", "--top", "0"], "must be a whole number, 1 or more"),
        (&["index", "-j", "0", "faq.md"], "must be a whole number, 1 or more"),
        (&["eval", "--pairs", "pairs.tsv", "--model", "x"], "cannot be used with"),
        (&["eval", "--pairs", "pairs.tsv", "--builtin"], "cannot be used with"),
        (&["--builtin", "--index", ".rqsearch", "bread"], "cannot be used with"),
        (&["completions", "bash", "--builtin"], "unexpected argument"),
        (&["models", "list", "--index", "x"], "unexpected argument"),
        (&["man", "--index", "x"], "unexpected argument"),
    ] {
        dir.run(args).exits(2).says(message);
    }
}

#[test]
fn errors_have_a_reason_a_place_and_a_hint() {
    let dir = Dir::indexed();
    dir.write("broken/meta.json", "{");
    dir.write("bad.csv", "question,answer\nWhy?,\"open\n");
    for (args, message) in [
        (&["--index", "nowhere", "bread"][..], "no index in nowhere\n  hint: create one with"),
        (
            &["index", "nowhere"],
            "nowhere does not exist\n  hint: to search for a phrase that begins with `index`",
        ),
        (&["--index", "new", "index"], "no files to index\n  hint: rqsearch index docs/ questions.md"),
        (&["show", "ffff"], "no question has the id or key \"ffff\"\n  hint: a search shows the id"),
        (&["man", "sharpen"], "unknown command \"sharpen\"\n  hint: `rqsearch --help` lists the commands"),
        (&["--batch", "nowhere.txt"], "could not open nowhere.txt: No such file"),
        (&["-n", "1"], "no phrase to search for\n  hint: rqsearch \"how do lifetimes work\""),
    ] {
        dir.run(args).exits(2).says(message);
    }
}

#[test]
fn a_file_is_not_an_index() {
    let dir = Dir::new();
    dir.write("file", "text");
    dir.write("faq.md", "## Why wax?\n\nIt lasts.\n");
    for args in [&["--index", "file", "bread"][..], &["index", "--index", "file", "faq.md"]] {
        dir.run(args).exits(2).says("file is not an rqsearch index\n  hint: pass a directory");
    }
}

#[test]
fn a_phrase_that_was_meant_as_a_command_has_a_hint() {
    let dir = Dir::indexed();
    dir.run(&["help"]).exits(1).says("hint: `rqsearch --help` lists the commands and options");
    dir.run(&["idnex", "faq.md"]).exits(1).says("hint: faq.md is a path; `rqsearch index faq.md` indexes it");
    for phrase in [&["zeppelin"][..], &["zeppelin", "/", "balloon"]] {
        let run = dir.run(phrase).exits(1);
        assert!(!run.stderr.contains("hint"), "{run:?}");
    }
    let run = dir.run(&["index", "nowhere.md"]).exits(2);
    assert!(run.stderr.contains("nowhere.md does not exist") && !run.stderr.contains("quotes"), "{run:?}");
}

#[test]
fn an_index_without_questions_says_so() {
    let dir = Dir::new();
    dir.write("d/notes.md", "# Notes\n\nHemp is strong.\n");
    dir.run(&["index", "d"]).success();
    dir.run(&["hemp"]).exits(1).says("the index has no questions\n  hint: `rqsearch index PATH`");
}

#[test]
fn a_damaged_index_is_reported_first() {
    let dir = Dir::indexed();
    dir.write(".rqsearch/meta.json", "garbage");
    let search = dir.run(&["bread"]).exits(2);
    let index = dir.run(&["index"]).exits(2);
    assert_eq!(search.stderr.lines().next(), index.stderr.lines().next(), "{index:?}");
}

#[test]
fn an_index_can_be_built_with_stderr_closed() {
    let dir = Dir::new();
    dir.write("a.jsonl", "not JSON\n".repeat(3000) + "{\"question\": \"Why?\", \"answer\": \"So.\"}\n");
    let mut child = dir.command(&["index", "a.jsonl"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_eq!(dir.export().len(), 1);
}

#[test]
fn doctor_reports_the_index_in_use() {
    let dir = Dir::indexed();
    let report = dir.run(&["doctor"]).success().stdout;
    for line in ["questions            5", "index status         ok", "model                all-MiniLM"] {
        assert!(report.contains(line), "{line:?} is missing: {report}");
    }
    let json = |args: &[&str], code: i32| -> serde_json::Value {
        serde_json::from_str(&dir.run(args).exits(code).stdout).unwrap()
    };
    let report = json(&["doctor", "--json"], 0);
    assert_eq!(
        (&report["index"]["questions"], &report["index"]["error"]),
        (&5.into(), &serde_json::Value::Null)
    );
    let report = json(&["doctor", "--json", "--index", "nowhere"], 1);
    assert_eq!(report["index"]["reason"], "named by --index");
    assert!(report["index"]["error"].as_str().unwrap().contains("no index in nowhere"));
    // The report is meant to be published, so it must not contain keys.
    let output = dir.command(&["doctor"]).env("RQSEARCH_API_KEY", "sesame").output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("RQSEARCH_API_KEY     (set)") && !report.contains("sesame"), "{report}");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
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
fn colours_follow_the_color_option() {
    let dir = Dir::indexed();
    assert!(!dir.run(&["dough"]).success().stdout.contains('\x1b'));
    assert!(dir.run(&["--color", "always", "dough"]).success().stdout.contains('\x1b'));
    let mut command = dir.command(&["--color", "never", "dough"]);
    assert!(!command.output().unwrap().stdout.contains(&0x1b));
}

#[test]
fn help_and_version_are_written_to_stdout() {
    let dir = Dir::new();
    let help = dir.run(&["--help"]).success().stdout;
    for words in
        ["rqsearch [OPTIONS] PHRASE…", "--semantic-weight", "Exit status: 0 found, 1 no question matches"]
    {
        assert!(help.contains(words), "{words}\n{help}");
    }
    assert!(dir.run(&["--version"]).success().stdout.starts_with("rqsearch "));
    dir.run(&["--mode", "psychic", "x"]).exits(2).says("possible values");
}
