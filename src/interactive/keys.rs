//! Key bindings.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

/// How far to move. Positive numbers move down, negative numbers move up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// By lines.
    Lines(isize),
    /// By half pages.
    Halves(isize),
    /// By pages.
    Pages(isize),
    /// To the first.
    First,
    /// To the last.
    Last,
}

/// The command of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Edit the phrase or move the cursor.
    Edit(InputRequest),
    /// Select another question in the list.
    Select(Step),
    /// Scroll the answer.
    Scroll(Step),
    /// Choose the selected question and exit.
    Accept,
    /// Open the file of the selected question in an editor.
    Open,
    /// Exit without a question.
    Leave,
    /// Suspend the program and return to the shell.
    Suspend,
    /// Show or hide the answer.
    TogglePreview,
    /// Show the help.
    Help,
    /// Switch the mode: hybrid → keyword → semantic → hybrid.
    NextMode,
    /// Show or hide questions that ask the same as a better hit.
    ToggleAll,
}

/// The lines of the help: keys and descriptions.
pub const HELP: &[(&str, &str)] = &[
    ("↑ ↓  Ctrl-P Ctrl-N  Ctrl-K Ctrl-J", "select the previous or next question"),
    ("PgUp PgDn  Ctrl-Home Ctrl-End", "move by a page, to the first, to the last"),
    ("Shift-↑ Shift-↓  Ctrl-U Ctrl-D", "scroll the answer"),
    ("Tab  Ctrl-/", "show or hide the answer"),
    ("Enter", "print the question and exit"),
    ("Ctrl-O", "open its file in $VISUAL or $EDITOR"),
    ("Ctrl-R", "hybrid, keyword or semantic search"),
    ("Ctrl-T", "show or hide duplicates"),
    ("← →  Ctrl-← Ctrl-→  Home End", "move the cursor"),
    ("Ctrl-W  Ctrl-X", "delete a word or the whole phrase"),
    ("Ctrl-Z", "suspend"),
    ("Esc  Ctrl-C", "exit without a question"),
    ("F1  ? (if nothing is typed)", "show this help"),
];

/// The command of a key, if it has one. `is_empty` is whether the phrase is empty.
pub fn command(key: KeyEvent, is_empty: bool) -> Option<Command> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    match key.code {
        KeyCode::Char(c) if control => with_control(c.to_ascii_lowercase()),
        KeyCode::Char(c) if alt => with_alt(c),
        KeyCode::Char('?') if is_empty => Some(Command::Help),
        KeyCode::Char(c) => Some(Command::Edit(InputRequest::InsertChar(c))),
        KeyCode::Left | KeyCode::Right if control || alt => {
            let left = key.code == KeyCode::Left;
            Some(Command::Edit(if left { InputRequest::GoToPrevWord } else { InputRequest::GoToNextWord }))
        }
        KeyCode::Left => Some(Command::Edit(InputRequest::GoToPrevChar)),
        KeyCode::Right => Some(Command::Edit(InputRequest::GoToNextChar)),
        KeyCode::Home if control => Some(Command::Select(Step::First)),
        KeyCode::End if control => Some(Command::Select(Step::Last)),
        KeyCode::Home => Some(Command::Edit(InputRequest::GoToStart)),
        KeyCode::End => Some(Command::Edit(InputRequest::GoToEnd)),
        KeyCode::Backspace if control || alt => Some(Command::Edit(InputRequest::DeletePrevWord)),
        KeyCode::Backspace => Some(Command::Edit(InputRequest::DeletePrevChar)),
        KeyCode::Delete => Some(Command::Edit(InputRequest::DeleteNextChar)),
        KeyCode::Up if shift => Some(Command::Scroll(Step::Lines(-1))),
        KeyCode::Down if shift => Some(Command::Scroll(Step::Lines(1))),
        KeyCode::PageUp if shift => Some(Command::Scroll(Step::Pages(-1))),
        KeyCode::PageDown if shift => Some(Command::Scroll(Step::Pages(1))),
        KeyCode::Up => Some(Command::Select(Step::Lines(-1))),
        KeyCode::Down => Some(Command::Select(Step::Lines(1))),
        KeyCode::PageUp => Some(Command::Select(Step::Pages(-1))),
        KeyCode::PageDown => Some(Command::Select(Step::Pages(1))),
        KeyCode::Tab => Some(Command::TogglePreview),
        KeyCode::Enter => Some(Command::Accept),
        KeyCode::Esc => Some(Command::Leave),
        KeyCode::F(1) => Some(Command::Help),
        _ => None,
    }
}

fn with_control(c: char) -> Option<Command> {
    Some(match c {
        'p' | 'k' => Command::Select(Step::Lines(-1)),
        'n' | 'j' => Command::Select(Step::Lines(1)),
        'u' => Command::Scroll(Step::Halves(-1)),
        'd' => Command::Scroll(Step::Halves(1)),
        'o' => Command::Open,
        'r' => Command::NextMode,
        't' => Command::ToggleAll,
        // Terminals send the same byte for Ctrl-/, Ctrl-_ and Ctrl-7.
        '/' | '_' | '7' => Command::TogglePreview,
        'c' => Command::Leave,
        'z' => Command::Suspend,
        'a' => Command::Edit(InputRequest::GoToStart),
        'e' => Command::Edit(InputRequest::GoToEnd),
        'b' => Command::Edit(InputRequest::GoToPrevChar),
        'f' => Command::Edit(InputRequest::GoToNextChar),
        'h' => Command::Edit(InputRequest::DeletePrevChar),
        'w' => Command::Edit(InputRequest::DeletePrevWord),
        'x' => Command::Edit(InputRequest::DeleteLine),
        'y' => Command::Edit(InputRequest::Yank),
        _ => return None,
    })
}

fn with_alt(c: char) -> Option<Command> {
    Some(Command::Edit(match c {
        'b' => InputRequest::GoToPrevWord,
        'f' => InputRequest::GoToNextWord,
        'd' => InputRequest::DeleteNextWord,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(modifiers: KeyModifiers, codes: &[KeyCode], expected: Option<Command>) {
        for code in codes {
            assert_eq!(command(KeyEvent::new(*code, modifiers), false), expected, "{modifiers} {code}");
        }
    }

    #[test]
    fn keys_have_the_commands_of_the_help() {
        use KeyCode::{Backspace, Char, Down, Enter, Esc, F, Left, PageDown, Tab, Up};
        let (none, control, shift) = (KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::SHIFT);
        check(none, &[Up], Some(Command::Select(Step::Lines(-1))));
        check(control, &[Char('p'), Char('k')], Some(Command::Select(Step::Lines(-1))));
        check(control, &[Char('n'), Char('j')], Some(Command::Select(Step::Lines(1))));
        check(none, &[PageDown], Some(Command::Select(Step::Pages(1))));
        check(shift, &[Down], Some(Command::Scroll(Step::Lines(1))));
        check(control, &[Char('d')], Some(Command::Scroll(Step::Halves(1))));
        check(none, &[Tab], Some(Command::TogglePreview));
        check(control, &[Char('/'), Char('_'), Char('7')], Some(Command::TogglePreview));
        check(none, &[Enter], Some(Command::Accept));
        check(none, &[Esc], Some(Command::Leave));
        check(control, &[Char('c'), Char('C')], Some(Command::Leave));
        check(none, &[F(1)], Some(Command::Help));
        check(shift, &[Char('É')], Some(Command::Edit(InputRequest::InsertChar('É'))));
        check(control, &[Left], Some(Command::Edit(InputRequest::GoToPrevWord)));
        check(control, &[Backspace, Char('w')], Some(Command::Edit(InputRequest::DeletePrevWord)));
        check(control, &[Char('q')], None);
        check(KeyModifiers::ALT, &[Char('q')], None);
    }

    #[test]
    fn a_question_mark_shows_the_help_if_nothing_is_typed() {
        let key = KeyEvent::new(KeyCode::Char('?'), KeyModifiers::NONE);
        assert_eq!(command(key, true), Some(Command::Help));
        assert_eq!(command(key, false), Some(Command::Edit(InputRequest::InsertChar('?'))));
    }
}
