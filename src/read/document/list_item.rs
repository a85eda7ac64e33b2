//! The text of a list item: what it asks, and the answer that begins on the same line.

use super::inline::inline;
use super::model::{Block, Document};
use super::question_line::{ends_asking, split_level};

/// What an item asks, and whether in bold: its bold beginning if it has one (`- **What?** It …`), else all of it up
/// to its last question mark.
pub fn item_title(document: &Document, block: &Block) -> (String, bool) {
    match block.marker.and_then(|_| split_item(content(document, block))) {
        Some((title, _)) => {
            let title = inline(title);
            (title.text, title.bold)
        }
        None => (block.text.text.clone(), block.text.bold),
    }
}

/// The source of an item behind its marker.
pub fn content<'d>(document: &'d Document, block: &Block) -> &'d str {
    let source = document.source(block).trim_start();
    let Some(marker) = block.marker else {
        return source;
    };
    let rest = match marker.number {
        Some(_) => source.trim_start_matches(|c: char| c.is_ascii_digit()).get(1..),
        None => source.char_indices().nth(1).map(|(at, _)| &source[at..]),
    };
    rest.unwrap_or_default().trim_start()
}

/// The question of an item, and the answer that begins on the same line.
pub fn split_item(raw: &str) -> Option<(&str, &str)> {
    let (at, rest) = match raw.strip_prefix("**").and_then(|inner| inner.find("**")) {
        Some(close) => (close + 4, &raw[close + 4..]),
        None => {
            if split_level(raw).1.is_some() {
                return None;
            }
            let at = raw.find("? ")? + 1;
            // `[Why? And how?](link)` is one title.
            if raw[..at].matches('[').count() > raw[..at].matches(']').count() {
                return None;
            }
            (at, &raw[at..])
        }
    };
    let rest = rest.trim_start_matches([':', ' ', '-', '–', '—']);
    // `**Q:** What is it?`
    let label = raw[..at].trim_matches('*').trim_end_matches([':', '.']);
    let is_label = label.len() <= 8 && !label.contains(' ');
    // `May I? And if not, why?` is one question.
    (!rest.trim().is_empty() && !is_label && !ends_asking(rest)).then_some((&raw[..at], rest))
}
