//! Key bindings of a review.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::interactive::keys::Step;

/// The command of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Both questions ask the same.
    Same,
    /// They ask something else.
    Different,
    /// They ask the same, and the selected one is the one to keep.
    Keep,
    /// Take the last decision back.
    Undo,
    /// Show the next or the previous pair.
    Move(isize),
    /// Select the first question.
    SelectFirst,
    /// Select the second question.
    SelectSecond,
    /// Select the other question.
    SelectOther,
    /// Scroll the answers.
    Scroll(Step),
    /// Show the help.
    Help,
    /// Suspend the program and return to the shell.
    Suspend,
    /// Exit.
    Leave,
}

/// The lines of the help: keys and descriptions.
pub const HELP: &[(&str, &str)] = &[
    ("s", "the same"),
    ("d", "different: never one group"),
    ("k", "the same, and keep the selected one (▌)"),
    ("u", "undo the last decision"),
    ("Tab  ← →", "select the other question"),
    ("Space  ↓  n", "next pair, without a decision"),
    ("↑  p", "previous pair"),
    ("PgUp PgDn", "scroll the answers"),
    ("?  F1", "show this help"),
    ("q  Esc", "exit; all decisions are saved"),
];

/// The command of a key, if it has one.
pub fn command(key: KeyEvent) -> Option<Command> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Command::Leave),
            KeyCode::Char('z') => Some(Command::Suspend),
            KeyCode::Char('u') => Some(Command::Scroll(Step::Halves(-1))),
            KeyCode::Char('d') => Some(Command::Scroll(Step::Halves(1))),
            _ => None,
        };
    }
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    Some(match key.code {
        KeyCode::Char('s') => Command::Same,
        KeyCode::Char('d') => Command::Different,
        KeyCode::Char('k') => Command::Keep,
        KeyCode::Char('u') => Command::Undo,
        KeyCode::Char(' ' | 'n') | KeyCode::Down => Command::Move(1),
        KeyCode::Char('p') | KeyCode::Up => Command::Move(-1),
        KeyCode::Left => Command::SelectFirst,
        KeyCode::Right => Command::SelectSecond,
        KeyCode::Tab | KeyCode::BackTab => Command::SelectOther,
        KeyCode::PageUp => Command::Scroll(Step::Pages(-1)),
        KeyCode::PageDown => Command::Scroll(Step::Pages(1)),
        KeyCode::Char('?') | KeyCode::F(1) => Command::Help,
        KeyCode::Char('q') | KeyCode::Esc => Command::Leave,
        _ => return None,
    })
}
