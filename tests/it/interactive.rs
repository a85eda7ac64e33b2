//! Interactive search on a pseudo-terminal.

use std::fs;

use serde_json::Value;

use crate::pty::{Pty, wait_until};
use crate::util::{Dir, FAQ};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rqsearch");
const WIDE: (u16, u16) = (120, 30);

const DOWN: &str = "\x1b[B";
const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const F1: &str = "\x1bOP";

const RISE: &str = "How long should bread dough rise?";
const KNIFE: &str = "How do I sharpen a kitchen knife?";

fn pick(dir: &Dir, args: &[&str]) -> Pty {
    Pty::start(dir.path(), &[&[PROGRAM, "-i"], args].concat(), &[], WIDE)
}

/// Starts interactive search in a shell, for tests with redirected streams.
fn shell(dir: &Dir, script: &str, envs: &[(&str, &str)]) -> Pty {
    let envs = [envs, &[("RQ", PROGRAM)]].concat();
    Pty::start(dir.path(), &["sh", "-c", script], &envs, WIDE)
}

fn id_of(dir: &Dir, title: &str) -> String {
    let questions = dir.export();
    let question = questions.iter().find(|question| question["title"] == title).unwrap();
    question["id"].as_str().unwrap().to_owned()
}

/// Waits until the hit with this title is selected.
fn selects(pty: &Pty, title: &str) -> String {
    pty.wait(title, |screen| screen.contents().lines().any(|line| line.starts_with(&format!("▌ {title}"))))
}

/// The input line.
fn prompt(screen: &str) -> &str {
    screen.lines().next().unwrap_or("").trim_end()
}

#[test]
fn a_typed_phrase_is_searched_and_the_selected_question_printed() {
    let dir = Dir::indexed();
    let mut pty = pick(&dir, &[]);
    pty.shows("5 questions in");
    pty.send("my blade is dull");
    let screen = selects(&pty, KNIFE);
    assert!(screen.contains("whetstone of 1000 grit") && screen.contains("faq.md:"), "{screen}");
    pty.send(ENTER);
    let (status, screen) = pty.end();
    assert_eq!(status.exit_code(), 0);
    assert!(screen.contains(KNIFE) && screen.contains("strop the edge on leather"), "{screen}");
}

#[test]
fn filters_apply_while_typing() {
    let dir = Dir::indexed();
    let mut pty = Pty::start(dir.path(), &[PROGRAM, "-i", "--level", "advanced"], &[], WIDE);
    pty.shows("advanced");
    pty.send("bread");
    // The other question on bread has the level `beginner`.
    selects(&pty, "Why does my sourdough");
    pty.send("\x03");
    assert_eq!(pty.end().0.exit_code(), 130);
}

#[test]
fn a_pipe_gets_the_id_or_json() {
    let dir = Dir::indexed();
    let mut pty = shell(&dir, "id=$(\"$RQ\" -i bread rise) && echo \"id: $id\"", &[]);
    selects(&pty, RISE);
    pty.send(ENTER);
    let (status, screen) = pty.end();
    assert!(status.success() && screen.contains(&format!("id: {}", id_of(&dir, RISE))), "{screen}");

    let mut pty = shell(&dir, "\"$RQ\" -i --json > out.json 2> err", &[]);
    // Enter waits for the results of the running search.
    pty.shows("questions in");
    pty.send("bread rise");
    pty.send(ENTER);
    assert!(pty.end().0.success());
    let reply: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("out.json")).unwrap()).unwrap();
    assert_eq!((&reply["title"], &reply["level"]), (&RISE.into(), &"beginner".into()));
    assert_eq!(fs::read_to_string(dir.path().join("err")).unwrap(), "");
}

#[test]
fn keys_select_scroll_and_switch_modes() {
    let dir = Dir::indexed();
    let mut pty = pick(&dir, &["bread"]);
    selects(&pty, RISE);
    pty.send(DOWN);
    selects(&pty, "Why does my sourdough");
    pty.send("\x10");
    selects(&pty, RISE);
    pty.send("\x12");
    pty.shows("keyword · F1");
    pty.send("\x12");
    pty.shows("semantic · F1");
    pty.send("\x14");
    pty.shows("semantic · all · F1");
    // The byte that terminals send for Ctrl-/.
    pty.send("\x1f");
    pty.wait("list alone", |screen| !screen.contents().contains('│'));
    pty.send(F1);
    pty.shows("scroll the answer");
    pty.send(ESC);
    selects(&pty, RISE);
    pty.send(ESC);
    let (status, screen) = pty.end();
    assert_eq!((status.exit_code(), screen.trim()), (130, ""));
}

#[test]
fn no_good_match_is_reported_and_a_dash_is_text() {
    let dir = Dir::indexed();
    let mut pty = pick(&dir, &[]);
    pty.send("parliamentary elections in Norway");
    pty.shows("Nothing answers this. Closest questions:");
    pty.send("\x18-bread");
    pty.shows("hits in");
    pty.shows(RISE);
    pty.send("\x18");
    pty.shows("5 questions in");
    pty.send(ESC);
    assert_eq!(pty.end().0.exit_code(), 130);
}

#[test]
fn the_terminal_can_be_resized() {
    let dir = Dir::indexed();
    let mut pty = pick(&dir, &["bread dough"]);
    pty.shows("│ ");
    for (columns, rows) in [(60, 24), (20, 4), (5, 2), (1, 1), (200, 50)] {
        pty.resize(columns, rows);
        // The first cell shows that a frame was drawn at the new size.
        pty.wait("prompt", |screen| screen.contents().starts_with('›') && screen.size().1.get() == columns);
    }
    selects(&pty, RISE);
    pty.send(ENTER);
    assert!(pty.end().0.success());
}

#[test]
fn a_tiny_terminal_is_supported() {
    let dir = Dir::indexed();
    let mut pty = Pty::start(dir.path(), &[PROGRAM, "-i"], &[], (24, 4));
    pty.send("knife");
    pty.shows("How do I");
    pty.send("\t");
    pty.shows("How do I sharpen a");
    // Shift-Down scrolls to the answer line by line.
    for _ in 0..12 {
        pty.send("\x1b[1;2B");
        std::thread::sleep(std::time::Duration::from_millis(50));
        if pty.wait("screen", |_| true).contains("whetstone") {
            break;
        }
    }
    pty.shows("whetstone");
    pty.send(ENTER);
    assert!(pty.end().1.contains("leather"));
}

#[test]
fn pastes_and_other_languages_can_be_typed() {
    let dir = Dir::new();
    dir.write(
        "faq.md",
        "## 東京の天気はどうですか?\n\n晴れです。\n\n## Wie wächst Brot?\n\nMit Hefe e\u{301}.\n",
    );
    dir.run(&["index", "faq.md"]).success();
    let mut pty = pick(&dir, &[]);
    pty.shows("2 questions");
    pty.send("東京の天気x\x7f");
    let screen = selects(&pty, "東京の天気");
    assert_eq!(prompt(&screen), "› 東京の天気");
    assert!(screen.contains("晴れです。"), "{screen}");
    pty.wait("cursor", |screen| screen.cursor_position() == (0, 12));
    pty.send("\x18\x1b[200~Wie\r\nwächst\tBrot\x1b[201~");
    assert_eq!(prompt(&selects(&pty, "Wie wächst")), "› Wie wächst Brot");
    // Backspace deletes a letter with its combining mark.
    pty.send("\x18we\u{301}\x7f");
    pty.wait("w alone", |screen| prompt(&screen.contents()) == "› w" && screen.cursor_position() == (0, 3));
    pty.send(ESC);
    pty.end();
}

#[test]
fn control_sequences_in_text_are_escaped() {
    let dir = Dir::new();
    let text = "## Is this \x1b[2Jred \u{202e}herring?\n\nIt \x1b]0;title\x07 is \u{9b}31m so.\n\n```\n\x1bc\x1b[?1049l\n```\n";
    dir.write("faq.md", text);
    dir.run(&["index", "faq.md"]).success();
    let mut pty = pick(&dir, &["herring"]);
    let screen = pty.shows("\\u{1b}c\\u{1b}[?1049l");
    assert!(screen.starts_with("› herring") && screen.contains("\\u{202e}"), "{screen}");
    pty.wait("alternate screen", vt100::Screen::alternate_screen);
    pty.send(ENTER);
    let (_, screen) = pty.end();
    // A title has no control characters.
    assert!(screen.contains("Is this [2Jred") && screen.contains("\\u{1b}]0;title"), "{screen}");
}

#[test]
fn an_editor_opens_the_file_and_interactive_search_continues() {
    let dir = Dir::indexed();
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$RECORD\"\n[ -t 0 ] && [ -t 1 ] && printf 'editor here' && read line && echo \"$line\" >> \"$RECORD\"\n";
    let editor = dir.write("vim", script);
    assert!(std::process::Command::new("chmod").arg("+x").arg(&editor).status().unwrap().success());
    let record = dir.path().join("record");
    let envs = [("EDITOR", editor.to_str().unwrap()), ("RECORD", record.to_str().unwrap())];
    let mut pty = shell(&dir, "\"$RQ\" -i bread rise > out", &envs);
    selects(&pty, RISE);
    pty.send("\x0f");
    pty.wait("editor", |screen| !screen.alternate_screen() && screen.contents().contains("editor here"));
    pty.send("typed\n");
    pty.wait("alternate screen", vt100::Screen::alternate_screen);
    selects(&pty, RISE);
    pty.send(ENTER);
    assert!(pty.end().0.success());
    let line = FAQ.lines().position(|line| line.ends_with(RISE)).unwrap() + 1;
    let file = dir.path().canonicalize().unwrap().join("faq.md");
    let record = fs::read_to_string(record).unwrap();
    assert_eq!(record, format!("+{line}\n{}\ntyped\n", file.display()));

    // A file that cannot be opened is reported, and interactive search continues.
    let mut pty = Pty::start(dir.path(), &[PROGRAM, "-i", "--builtin", "borrow checker"], &[], WIDE);
    pty.shows("▌ ");
    pty.send("\x0f");
    pty.shows("does not exist");
    pty.send(ESC);
    pty.end();
}

#[test]
fn a_signal_restores_the_terminal() {
    let dir = Dir::indexed();
    for (signal, name) in [("-TERM", "Terminated"), ("-HUP", "Hangup"), ("-INT", "Interrupt")] {
        let pty = pick(&dir, &["bread"]);
        selects(&pty, RISE);
        pty.kill(signal);
        let (status, screen) = pty.end();
        assert_eq!((status.signal(), screen.trim()), (Some(name), ""));
    }
}

#[test]
fn a_closed_terminal_ends_the_program() {
    let dir = Dir::indexed();
    // The shell ignores SIGHUP, so that the program gets no signal.
    let script = "trap '' HUP; \"$RQ\" -i bread; echo $? > status";
    let pty = shell(&dir, script, &[]);
    selects(&pty, RISE);
    pty.hang_up();
    let status = dir.path().join("status");
    wait_until("the end", || fs::read_to_string(&status).is_ok_and(|status| !status.is_empty()));
}

#[test]
fn suspending_restores_the_terminal_until_the_program_is_resumed() {
    let dir = Dir::indexed();
    let mut pty = pick(&dir, &["bread"]);
    selects(&pty, RISE);
    pty.send("\x1a");
    pty.wait("main screen", |screen| !screen.alternate_screen());
    pty.kill("-CONT");
    pty.wait("alternate screen", vt100::Screen::alternate_screen);
    selects(&pty, RISE);
    pty.send(ESC);
    assert_eq!(pty.end().0.exit_code(), 130);
}

/// The program that the next test runs on a terminal.
#[test]
#[ignore = "run by a_panic_restores_the_terminal"]
fn panics() {
    use rqsearch::interactive::{Settings, pick};
    use rqsearch::render::json::SearchRequest;

    let tty = fs::File::options().read(true).write(true).open("/dev/tty").unwrap();
    let settings = Settings { request: SearchRequest::new("a"), name: String::new(), colours: true };
    pick(tty, settings, || panic!("a panic while opening")).unwrap();
}

#[test]
fn a_panic_restores_the_terminal() {
    let dir = Dir::new();
    let program = std::env::current_exe().unwrap();
    let args = [program.to_str().unwrap(), "--exact", "interactive::panics", "--ignored", "--nocapture"];
    let (status, screen) = Pty::start(dir.path(), &args, &[("RUST_BACKTRACE", "0")], WIDE).end();
    assert!(!status.success());
    assert!(
        screen.contains("a panic while opening") && screen.contains("the search thread has ended"),
        "{screen}"
    );
}

#[test]
fn a_missing_index_is_an_error_after_the_terminal_is_restored() {
    let dir = Dir::new();
    let (status, screen) = pick(&dir, &["--index", "nowhere"]).end();
    assert!(status.exit_code() == 2 && screen.contains("no index in nowhere"), "{screen}");
}

#[test]
fn an_unsupported_terminal_is_an_error() {
    let dir = Dir::indexed();
    let dumb = [("TERM", "dumb")];
    let (status, screen) = Pty::start(dir.path(), &[PROGRAM, "-i"], &dumb, WIDE).end();
    assert!(status.exit_code() == 2 && screen.contains("does not support interactive search"), "{screen}");
    for option in ["--explain", "--rerank=x"] {
        dir.run(&["-i", option]).exits(2).says("cannot be used with");
    }
}

#[test]
fn colours_can_be_disabled() {
    let dir = Dir::indexed();
    let coloured = |screen: &vt100::Screen| {
        let (rows, columns) = screen.size();
        let mut cells = (0..rows.get())
            .flat_map(|row| (0..columns.get()).filter_map(move |column| screen.cell(row, column)));
        cells.any(|cell| cell.fgcolor() != vt100::Color::Default)
    };
    for (args, envs, expected) in [
        (&[][..], &[][..], true),
        (&[], &[("NO_COLOR", "1")], false),
        (&["--color", "never"], &[], false),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
    ] {
        let mut pty = Pty::start(dir.path(), &[&[PROGRAM, "-i", "bread"], args].concat(), envs, WIDE);
        selects(&pty, RISE);
        pty.wait("expected colours", |screen| coloured(screen) == expected);
        pty.send(ESC);
        pty.end();
    }
}
