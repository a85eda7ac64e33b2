//! Output that cannot be written: no panic, and the exit status tells.

use std::fs::File;
use std::process::Stdio;

use crate::util::{Dir, FAQ, Output};

/// Commands that write to stdout.
const COMMANDS: [&[&str]; 22] = [
    &["roses"],
    &["--json", "roses"],
    &["--explain", "roses"],
    &["--batch", "phrases"],
    &["dups"],
    &["dups", "--json"],
    &["dups", "--csv"],
    &["dups", "--check", "-"],
    &["dups", "--graph", "-"],
    &["gaps", "phrases"],
    &["gaps", "--json", "phrases"],
    &["gaps", "--csv", "--min-size", "1", "phrases"],
    &["show", "--json", "roses-key"],
    &["export"],
    &["stats"],
    &["stats", "--json"],
    &["doctor"],
    &["completions", "bash"],
    &["man"],
    &["--help"],
    &["--version"],
    &["serve", "--threads", "0"],
];

/// A directory with an index, duplicates, and a batch with a line that is not UTF-8.
fn dir() -> Dir {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write("more.jsonl", "{\"question\": \"When should I prune roses?\", \"id\": \"roses-key\"}\n");
    dir.write("phrases", b"roses\na \xff b\ndough\n");
    dir.run(&["index", "faq.md", "more.jsonl"]).success();
    dir
}

fn run(dir: &Dir, args: &[&str], stdout: Stdio, stderr: Stdio) -> Output {
    Output::of(dir.command(args).stdin(Stdio::piped()).stdout(stdout).stderr(stderr), "")
}

/// The writing end of a pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_never_a_panic() {
    let full = || -> Stdio { File::options().write(true).open("/dev/full").unwrap().into() };
    let dir = dir();
    for args in COMMANDS {
        let to_full = run(&dir, args, full(), Stdio::piped());
        let writes_nothing = matches!(args, [.., "-"] | ["serve", ..]) && args != ["dups", "--graph", "-"];
        assert!(to_full.code == Some(2) || writes_nothing, "{args:?}: {to_full:?}");
        let both = run(&dir, args, full(), full());
        assert!(matches!(both.code, Some(0..=2)), "{args:?}: {both:?}");
        let messages = run(&dir, args, Stdio::piped(), full());
        assert!(matches!(messages.code, Some(0..=2)), "{args:?}: {messages:?}");
    }
}

#[cfg(unix)]
#[test]
fn closed_pipes_and_streams_are_never_a_panic() {
    let dir = dir();
    for args in COMMANDS {
        for output in [
            run(&dir, args, closed(), Stdio::piped()),
            run(&dir, args, Stdio::piped(), closed()),
            run(&dir, args, closed(), closed()),
        ] {
            assert!(matches!(output.code, Some(0..=2)), "{args:?}: {output:?}");
            assert!(!output.stderr.contains("panicked"), "{args:?}: {output:?}");
        }
        let mut shut = std::process::Command::new("sh");
        shut.args(["-c", "exec \"$0\" \"$@\" >&- 2>&-", env!("CARGO_BIN_EXE_rqsearch")]).args(args);
        let status = shut.current_dir(dir.path()).stdin(Stdio::null()).status().unwrap();
        assert!(matches!(status.code(), Some(0..=2)), "{args:?}: {status:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_index_is_built_although_nobody_reads_its_messages() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write("broken.jsonl", "{broken\n".repeat(3_000));
    let full = File::options().write(true).open("/dev/full").unwrap();
    for stderr in [closed(), full.into()] {
        let output = run(&dir, &["index", "--reread", "faq.md", "broken.jsonl"], Stdio::null(), stderr);
        assert_eq!(output.code, Some(2), "records were skipped: {output:?}");
        assert_eq!(dir.export().len(), 5);
    }
}

#[test]
fn a_batch_line_that_is_not_utf_8_is_the_only_one_without_an_answer() {
    let dir = dir();
    let output = dir.run(&["--batch", "phrases"]).exits(2);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{output:?}");
    assert!(lines[1].contains("not valid UTF-8") && lines[2].contains("dough"), "{output:?}");
}
