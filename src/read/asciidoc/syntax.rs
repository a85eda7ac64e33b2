//! What a line of AsciiDoc is.

use crate::read::document::writer::{self, is_identifier};

/// What a line of delimiter signs begins or ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// Code, a literal block.
    Code,
    /// Text that is passed through.
    Raw,
    /// A comment.
    Comment,
    /// A table.
    Table,
    /// A block whose content is blocks.
    Blocks,
}

impl Delimiter {
    /// What a line is, if it is a delimiter.
    pub fn of(text: &str) -> Option<Self> {
        let sign = text.chars().next()?;
        if text == "--" {
            return Some(Self::Blocks);
        }
        if text.starts_with("```") && !text[3..].contains('`') {
            return Some(Self::Code);
        }
        if text.len() == 4 && text.ends_with("===") && matches!(sign, '|' | ',' | ':' | '!') {
            return Some(Self::Table);
        }
        if text.len() < 4 || text.chars().any(|c| c != sign) {
            return None;
        }
        match sign {
            '-' | '.' => Some(Self::Code),
            '+' => Some(Self::Raw),
            '/' => Some(Self::Comment),
            '=' | '*' | '_' => Some(Self::Blocks),
            _ => None,
        }
    }
}

/// The label of an admonition by its style, in upper case.
pub fn admonition(name: &str) -> Option<&'static str> {
    writer::admonition(name).filter(|_| name.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// A line that includes a file or depends on an attribute.
pub fn is_condition(text: &str) -> bool {
    let name =
        ["include::", "ifdef::", "ifndef::", "ifeval::", "endif::"].iter().any(|name| text.starts_with(name));
    name && text.ends_with(']')
}

/// `:name: value`, `:!name:`.
pub fn attribute_entry(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix(':')?.split_once(':')?;
    let name = name.trim_matches('!');
    let fits = is_identifier(name);
    (fits && (value.is_empty() || value.starts_with(' '))).then_some((name, value.trim()))
}

/// The inside of a line in brackets; empty for an anchor.
pub fn block_attributes(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.starts_with('[') && inner.ends_with(']') {
        return Some("");
    }
    let begins = inner.is_empty()
        || inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, ',' | '.' | '#' | '%' | '"'));
    (begins && !inner.contains(['[', ']'])).then_some(inner)
}

/// `name::target[text]` on a line of its own.
pub fn block_macro(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.strip_suffix(']')?.split_once("::")?;
    let (target, alt) = rest.split_once('[')?;
    let fits = is_identifier(name);
    (fits && !target.contains(' ')).then_some((name, target, alt))
}

/// The marker of a list item, its number if it has one, and its text.
pub fn list_item(text: &str) -> Option<(&str, Option<u32>, &str)> {
    let sign = text.chars().next()?;
    let end = match sign {
        '*' | '.' => text.chars().take_while(|c| *c == sign).count(),
        '-' => 1,
        '<' => text.find('>')? + 1,
        '0'..='9' => text.bytes().take_while(u8::is_ascii_digit).count() + 1,
        _ => return None,
    };
    let rest = text.get(end..)?.strip_prefix(' ')?.trim();
    let marker = &text[..end];
    if rest.is_empty() || matches!(sign, '*' | '.') && end > 5 {
        return None;
    }
    match sign {
        '<' if marker == "<.>" => Some(("<", Some(0), rest)),
        '<' => Some(("<", Some(marker[1..end - 1].parse().ok()?), rest)),
        '0'..='9' if end <= 5 => Some(("1", Some(marker.strip_suffix('.')?.parse().ok()?), rest)),
        '0'..='9' => None,
        _ => Some((marker, None, rest)),
    }
}

/// The term of a definition list, its marker, and the text on the same line.
pub fn term(text: &str) -> Option<(&str, &str, &str)> {
    let signs = text.match_indices("::").take(9).chain(text.match_indices(";;").take(9));
    let found = signs.filter_map(|(at, sign)| {
        let width = text[at..].bytes().take_while(|byte| sign.as_bytes()[0] == *byte).count();
        let after = &text[at + width..];
        let fits = at > 0
            && !text[..at].ends_with([':', ';'])
            && width <= 4
            && (after.is_empty() || after.starts_with(' '));
        fits.then_some((at, width))
    });
    let (at, width) = found.min_by_key(|(at, _)| *at)?;
    let term = text[..at].trim_end();
    (!term.is_empty()).then(|| (term, &text[at..at + width], text[at + width..].trim()))
}
