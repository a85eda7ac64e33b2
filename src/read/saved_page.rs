//! Text saved from a web page, and any other text without markup: each line is a block.

use super::document::{Document, Inline, Kind};
use super::line::{columns, one_line};

/// The longest beginning of a line that is looked at, in bytes.
const LONGEST_LINE: usize = 4000;

/// Parses text without markup. Blank lines and indentation are all that it has.
pub fn parse(text: &str) -> Document {
    let mut document = Document::default();
    for (number, line) in (1..).zip(text.lines()) {
        let source = document.write_line(line);
        let bare = line.trim();
        let bare = one_line(&bare[..bare.floor_char_boundary(LONGEST_LINE)]);
        // Text copied from Markdown may have kept its emphasis.
        let bare = bare.strip_prefix("**").and_then(|inner| inner.strip_suffix("**")).unwrap_or(&bare);
        let kind = if bare.is_empty() { Kind::Blank } else { Kind::Text };
        document.push(kind, number, source, Inline::plain(bare));
        if let Some(block) = document.blocks.last_mut() {
            block.indent = columns(line);
        }
    }
    document
}
