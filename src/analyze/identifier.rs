//! The parts of an identifier.

use unicode_normalization::char::is_combining_mark;

use super::fold;
use super::language::Script;

/// A part of an identifier, as a byte range.
pub struct Part {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// How a part is analyzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As a word.
    Spaced,
    /// As a Korean word.
    Hangul,
    /// As a run of a script without spaces.
    Unspaced,
}

impl Kind {
    /// The kind of a character; `None` for a mark that belongs to the character before it.
    fn of(c: char) -> Option<Self> {
        match Script::of(c) {
            Some(Script::Hangul) => Some(Self::Hangul),
            Some(script) if script.is_unspaced() => Some(Self::Unspaced),
            None if is_combining_mark(c) || fold::is_invisible(c) => None,
            _ => Some(Self::Spaced),
        }
    }
}

/// Whether a name is `v` and a number: `v1.10`.
pub fn is_version(name: &str) -> bool {
    name.starts_with(['v', 'V']) && name[1..].starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a character is a raised digit.
pub(crate) fn is_superscript(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '⁰' | '⁴'..='⁹')
}

/// Whether a word contains a power of a number (`10²`), which is not the number `102`. Letters with raised digits are
/// also written with plain ones: `m²` and `m2`.
pub fn has_power(word: &str) -> bool {
    let next = word.chars().skip(1);
    !word.is_ascii() && word.chars().zip(next).any(|(a, b)| a.is_ascii_digit() && is_superscript(b))
}

/// The parts of an identifier. It is split at underscores, between lower case and upper case (`Mutex|Guard`),
/// before the last of several capitals (`HTTP|Server`), between a number and its power, and around Hangul and
/// scripts without spaces.
pub fn parts(identifier: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut before: Option<char> = None;
    let mut chars = identifier.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let next = chars.peek().map(|(_, c)| *c);
        let kind = Kind::of(c);
        let boundary = match (before, parts.last()) {
            (None | Some('_'), _) | (_, None) => true,
            (_, Some(part)) if kind.is_some_and(|kind| kind != part.kind) => true,
            (Some(b), _) if b.is_lowercase() && c.is_uppercase() => true,
            (Some(b), _) if b.is_ascii_digit() && is_superscript(c) => true,
            (Some(b), _) if b.is_uppercase() && c.is_uppercase() => next.is_some_and(char::is_lowercase),
            _ => false,
        };
        match parts.last_mut() {
            _ if c == '_' => {}
            Some(part) if !boundary => part.end = end,
            _ => parts.push(Part { start: at, end, kind: kind.unwrap_or(Kind::Spaced) }),
        }
        before = Some(c);
    }
    parts
}
