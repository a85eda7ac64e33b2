//! Runs the tutorials in `docs/` from start to end.
//!
//! The commands of a page run in one shell, in an empty directory. In a block of the language `sh`, all lines are
//! commands. In one of the language `console`, the lines after `$ ` are commands, and the lines below are what they
//! print. In these lines, `…` stands for any text, or for any lines if it is alone on a line. Times and percentages can
//! differ. A command that ends with `&` runs in the background, and prints the lines when it has started.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::util::{Dir, Output, skipped};

/// The port that the pages use.
const PORT: &str = "7700";

/// Begins the line after the output of a step. The exit status follows.
const END: char = '\u{1e}';

#[test]
fn tutorial() {
    run("tutorial.md");
}

#[test]
fn tutorial_for_the_owner_of_an_faq() {
    run("tutorial-faq.md");
}

#[test]
fn tutorial_for_moderators() {
    run("tutorial-moderator.md");
}

#[test]
fn tutorial_for_a_bot() {
    run("tutorial-bot.md");
}

/// A command and what it prints.
#[derive(Debug, Default)]
struct Step {
    /// Where it is in the page, starting at 1.
    line: usize,
    command: String,
    printed: Vec<String>,
}

/// The steps of a page.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut language = None;
    for (line, text) in (1..).zip(page.lines()) {
        match (language, text.strip_prefix("```")) {
            (None, Some(name)) => {
                language = Some(name);
                if name == "sh" {
                    steps.push(Step { line, ..Step::default() });
                }
            }
            (Some(_), Some(_)) => language = None,
            (Some("sh"), None) => {
                let command = &mut steps.last_mut().expect("the block is a step").command;
                *command += text;
                command.push('\n');
            }
            (Some("console"), None) => match (text.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    let command = format!("{command}\n");
                    steps.push(Step { line, command, ..Step::default() });
                }
                (None, Some(step)) if step.printed.is_empty() && step.command.ends_with("\\\n") => {
                    step.command += text;
                    step.command.push('\n');
                }
                (None, Some(step)) => step.printed.push(text.to_owned()),
                (None, None) => panic!("{line}: no command before {text:?}"),
            },
            _ => {}
        }
    }
    steps
}

/// Runs a page and compares what it prints.
fn run(name: &str) {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        skipped("curl is missing");
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let page = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let steps = steps(&page.replace(PORT, &port));
    assert!(steps.len() > 5, "{name} has too few commands: {steps:?}");
    let dir = Dir::new();
    check(name, &steps, &shell(&dir, &script(&steps, &port)));
}

fn check(page: &str, steps: &[Step], output: &Output) {
    // What a step printed is before the mark, its exit status after it.
    let parts: Vec<&str> = output.stdout.split(END).collect();
    for (step, parts) in steps.iter().zip(parts.windows(2)) {
        let place = format!("{page}:{}: {}", step.line, step.command);
        let printed = parts[0].split_once('\n').map_or("", |(_, printed)| printed);
        let status = parts[1].lines().next().unwrap_or_default();
        let expected = step.printed.join("\n");
        let is_as_printed = step.printed.is_empty() || matches(&expected, printed);
        assert!(is_as_printed, "{place}expected:\n{expected}\nprinted:\n{printed}");
        // 1 is not an error: nothing was found, or duplicates were.
        let is_success = status == "0" || status == "1" && !step.printed.is_empty();
        assert!(is_success, "{place}exited with {status}, printed:\n{printed}");
    }
    assert_eq!(parts.len(), steps.len() + 1, "{page} ended early: {output:?}");
}

/// The commands as a script. After each step, it writes [`END`] and the exit status.
fn script(steps: &[Step], port: &str) -> String {
    let mut script = "trap 'kill $(jobs -p) 2> /dev/null' EXIT\nprintf '\\n'\n".to_owned();
    for (nth, step) in steps.iter().enumerate() {
        let command =
            step.command.replace("rqsearch serve", &format!("rqsearch serve --listen 127.0.0.1:{port}"));
        match command.trim_end().strip_suffix('&') {
            Some(command) => write!(
                script,
                "{{ {command} ; }} > background.{nth} 2>&1 < /dev/null &\n\
                 for _ in {{1..300}}; do grep -q . background.{nth} && break; sleep 0.1; done\n\
                 cat background.{nth}; rm background.{nth}\n"
            ),
            None => write!(script, "{{\n{command}}} 2>&1 < /dev/null\n"),
        }
        .unwrap();
        script.push_str("printf '\\n\\036%s\\n' \"$?\"\n");
    }
    script
}

fn shell(dir: &Dir, script: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_rqsearch"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&path);
    let path = std::env::join_paths([program.parent().unwrap().to_owned()].into_iter().chain(paths)).unwrap();
    // Takes the variables that isolate the program.
    let program = dir.command(&[]);
    let mut command = Command::new("bash");
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(dir.path()).env("PATH", path).env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Output::of(&mut command, script)
}

/// Whether lines are those of a page: `…` stands for any text or lines, and times may differ.
fn matches(expected: &str, printed: &str) -> bool {
    let lines = |text: &str| -> Vec<String> { text.trim().lines().map(without_numbers).collect() };
    matches_lines(&lines(expected), &lines(printed))
}

fn matches_lines(expected: &[String], printed: &[String]) -> bool {
    match (expected, printed) {
        ([], []) => true,
        ([any], _) if any.trim() == "…" => true,
        ([any, rest @ ..], _) if any.trim() == "…" => {
            (0..=printed.len()).any(|skipped| matches_lines(rest, &printed[skipped..]))
        }
        ([first, expected @ ..], [line, printed @ ..]) => {
            matches_line(first, line) && matches_lines(expected, printed)
        }
        _ => false,
    }
}

fn matches_line(expected: &str, printed: &str) -> bool {
    match expected.split_once('…') {
        None => expected == printed,
        Some((start, rest)) => printed.strip_prefix(start).is_some_and(|printed| {
            let ends = printed.char_indices().map(|(at, _)| at).chain([printed.len()]);
            ends.into_iter().any(|at| matches_line(rest, &printed[at..]))
        }),
    }
}

/// The line with `N s` in place of times and `N %` in place of percentages, without white space at the end.
fn without_numbers(line: &str) -> String {
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    let is_number = |nth: usize| {
        let unit = words.get(nth + 1).map_or("", |unit| unit.trim_end_matches([')', ',', '.']));
        matches!(unit, "s" | "ms" | "%") && words[nth].trim_start_matches('(').parse::<f32>().is_ok()
    };
    let words = (0..words.len()).map(|nth| if is_number(nth) { "N" } else { words[nth] });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_ellipsis_stands_for_any_text_or_lines() {
    for (expected, printed, is_match) in [
        ("a\nb", "a\nb", true),
        ("a\nb", "a\nc", false),
        ("a\nb", "a", false),
        ("a…c", "abc", true),
        ("a…c", "ab", false),
        ("…\nb", "a\na\nb", true),
        ("a\n…", "a\nb\nc", true),
        ("a\n…\nc", "a\nb", false),
        ("in 0.6 s)", "in 12 s)", true),
        ("82 % a", "81 % a", true),
        ("6 questions", "7 questions", false),
    ] {
        assert_eq!(matches(expected, printed), is_match, "{expected:?} {printed:?}");
    }
}
