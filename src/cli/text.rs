//! How text is written: its layout on a terminal, cells of tables, and counts.

use std::io::{self, IsTerminal};

use crate::render::terminal::Layout;

/// The layout of text on stdout.
pub fn layout() -> Layout {
    let terminal = io::stdout().is_terminal();
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    Layout { width: terminal.then_some(width.clamp(30, 100)), escape: terminal }
}

/// A cell of text. Spreadsheets run cells that start with some characters as formulas, so such a cell gets an
/// apostrophe, which they do not show. On a terminal, control characters are escaped.
pub fn cell(text: &str) -> String {
    let apostrophe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{apostrophe}{}", layout().shown(text))
}

/// A noun in the singular for one, in the plural for any other count.
pub fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
