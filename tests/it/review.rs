//! `dups --review` on a pseudo-terminal.

use std::fs;

use serde_json::Value;

use crate::pty::{Pty, wait_until};
use crate::util::Dir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rqsearch");
const WIDE: (u16, u16) = (120, 30);

const FAQ: &str = r#"{"question": "Why is the sauce red?", "answer": "Because of the tomatoes."}
{"question": "why is the SAUCE red", "answer": ""}
{"question": "How hot must the oven be?", "answer": "Very hot."}
{"question": "How hot does the oven have to be?", "answer": "Very, very hot."}
"#;

fn faq() -> Dir {
    Dir::indexed_from("faq.jsonl", FAQ)
}

fn review(dir: &Dir, args: &[&str], size: (u16, u16)) -> Pty {
    Pty::start(dir.path(), &[&[PROGRAM, "dups", "--review"], args].concat(), &[], size)
}

/// What was decided, and about which titles.
fn decisions(dir: &Dir) -> Vec<(String, [String; 2], Value)> {
    let text = fs::read_to_string(dir.path().join("duplicates.jsonl")).unwrap_or_default();
    let decision = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let mut titles =
            [&line["one"]["title"], &line["two"]["title"]].map(|title| title.as_str().unwrap().to_owned());
        titles.sort();
        (line["decision"].as_str().unwrap().to_owned(), titles, line)
    };
    text.lines().map(decision).collect()
}

#[test]
fn pairs_are_decided_one_after_another() {
    let dir = faq();
    let mut pty = review(&dir, &["--author", "ann"], WIDE);
    let screen = pty.shows("pair 1 of 2 · group 1 of 2 · 0 decided");
    assert!(
        screen.contains("▌ Why is the sauce red?") && screen.contains("why is the SAUCE red"),
        "{screen}"
    );
    assert!(screen.contains("repeat · ") && screen.contains("Because of the tomatoes."), "{screen}");
    // The second question is selected, and kept.
    pty.send("\t");
    pty.shows("▌ why is the SAUCE red");
    pty.send("k");
    let screen = pty.shows("pair 2 of 2 · group 2 of 2 · 1 decided");
    assert!(screen.contains(" % · cosine"), "{screen}");
    let saved = decisions(&dir);
    assert_eq!((saved.len(), saved[0].0.as_str()), (1, "keep"));
    let line = &saved[0].2;
    let kept = [&line["one"], &line["two"]].into_iter().find(|one| one["id"] == line["keep"]).unwrap();
    assert_eq!((&kept["title"], &line["author"]), (&"why is the SAUCE red".into(), &"ann".into()));
    assert!(line["date"].as_str().unwrap().ends_with('Z'), "{line}");
    pty.send("d");
    pty.shows("No further pair");
    pty.send("q");
    let (status, screen) = pty.end();
    assert!(
        status.success() && screen.contains("2 decisions saved in duplicates.jsonl; 0 pairs open"),
        "{screen}"
    );
    assert_eq!(decisions(&dir).len(), 2);
    // Nothing is left to review, and the different pair is not reported.
    let (status, screen) = review(&dir, &[], WIDE).end();
    assert!(status.success() && screen.contains("nothing was decided; 0 pairs open"), "{screen}");
    let listed = dir.run(&["dups"]).success().stdout;
    assert!(listed.contains("kept by decision") && !listed.contains("oven"), "{listed}");
}

#[test]
fn decisions_can_be_undone_and_pairs_skipped() {
    let dir = faq();
    let mut pty = review(&dir, &[], WIDE);
    pty.shows("pair 1 of 2");
    pty.send("u");
    pty.shows("there is nothing to undo");
    pty.send("s");
    pty.shows("1 decided");
    assert_eq!(decisions(&dir)[0].0, "same");
    pty.send("u");
    pty.shows("pair 1 of 2 · group 1 of 2 · 0 decided");
    assert!(decisions(&dir).is_empty());
    pty.send(" ");
    pty.shows("pair 2 of 2");
    pty.send("\x1b[A");
    pty.shows("pair 1 of 2");
    pty.send("?");
    pty.shows("never one group");
    pty.send("q");
    pty.shows("▌ Why is the sauce red?");
    pty.send("\x1b[B");
    pty.shows("pair 2 of 2");
    pty.send("s");
    pty.shows("1 decided");
    pty.send("\x1b");
    let (status, screen) = pty.end();
    assert!(
        status.exit_code() == 1 && screen.contains("1 decision saved in duplicates.jsonl; 1 pair open"),
        "{screen}"
    );
}

#[test]
fn a_kill_loses_no_decision() {
    let dir = faq();
    let mut pty = review(&dir, &["--decisions", "d.jsonl"], WIDE);
    pty.shows("pair 1 of 2");
    pty.send("s");
    pty.shows("pair 2 of 2");
    pty.kill("-KILL");
    let text = fs::read_to_string(dir.path().join("d.jsonl")).unwrap();
    assert!(text.lines().count() == 1 && text.ends_with("\"}\n"), "{text}");
    dir.run(&["dups", "--decisions", "d.jsonl"]).says("1 decision of d.jsonl applied, 1 group open");
    // The next review begins with what is left.
    let mut pty = review(&dir, &["--decisions", "d.jsonl"], WIDE);
    let screen = pty.shows("pair 1 of 1");
    assert!(screen.contains("How hot"), "{screen}");
    pty.send("q");
    pty.end();
}

#[test]
fn a_review_and_another_process_keep_the_decisions_of_both() {
    let dir = faq();
    let mut pty = review(&dir, &[], WIDE);
    pty.shows("pair 1 of 2");
    let other = r#"{"one":{"id":"aaaaaaaaaaaa","title":"A"},"two":{"id":"bbbbbbbbbbbb","title":"B"},"decision":"same"}"#;
    dir.write("duplicates.jsonl", format!("{other}\n"));
    pty.send("s");
    pty.shows("pair 2 of 2");
    assert_eq!(decisions(&dir).len(), 2);
    // A file that is not valid is not overwritten.
    dir.write("duplicates.jsonl", "<<<<<<< ours\n");
    pty.send("s");
    pty.shows("not saved");
    assert_eq!(fs::read_to_string(dir.path().join("duplicates.jsonl")).unwrap(), "<<<<<<< ours\n");
    pty.send("q");
    pty.end();
}

#[test]
fn forty_columns_without_colours_are_enough() {
    let dir = faq();
    let program = [PROGRAM, "dups", "--review"];
    let mut pty = Pty::start(dir.path(), &program, &[("NO_COLOR", "1")], (40, 20));
    let screen = pty.shows("s same d different k keep u undo ? q");
    let rows: Vec<&str> = screen.lines().map(str::trim_end).collect();
    assert!(rows[0].starts_with("pair 1 of 2 · group 1 of 2 · 0 decided"), "{screen}");
    let at =
        |text: &str| rows.iter().position(|row| row.starts_with(text)).unwrap_or_else(|| panic!("{screen}"));
    assert!(at("▌ Why is the sauce red?") < at("────"), "{screen}");
    pty.wait("no colour", |screen| {
        let (rows, columns) = screen.size();
        (0..rows.get()).all(|row| {
            (0..columns.get()).all(|column| {
                screen.cell(row, column).is_none_or(|cell| cell.fgcolor() == vt100::Color::Default)
            })
        })
    });
    pty.resize(100, 24);
    pty.shows("d different  k keep this one");
    pty.send("s");
    wait_until("the decision is saved", || !decisions(&dir).is_empty());
    pty.send("\x03");
    assert_eq!(pty.end().0.exit_code(), 1);
}

#[test]
fn without_a_terminal_a_review_is_refused() {
    let dir = faq();
    let dumb = [("TERM", "dumb")];
    let (status, screen) = Pty::start(dir.path(), &[PROGRAM, "dups", "--review"], &dumb, WIDE).end();
    assert!(status.exit_code() == 2 && screen.contains("does not support a review"), "{screen}");
    // A process in a session of its own has no terminal.
    let command = format!("setsid {PROGRAM} dups --review < /dev/null > out 2>&1; echo status $?");
    let (_, screen) = Pty::start(dir.path(), &["sh", "-c", &command], &[], WIDE).end();
    let out = fs::read_to_string(dir.path().join("out")).unwrap();
    assert!(
        screen.contains("status 2") && out.contains("could not open the terminal for a review"),
        "{screen} {out}"
    );
    assert!(!dir.path().join("duplicates.jsonl").exists());
    let (status, screen) = review(&dir, &["--builtin"], WIDE).end();
    assert!(status.exit_code() == 2 && screen.contains("no place for decisions"), "{screen}");
    dir.run(&["dups", "--review", "--json"]).exits(2).says("cannot be used with");
    dir.run(&["dups", "--author", "ann"]).exits(2).says("--review");
}
