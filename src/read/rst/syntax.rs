//! What a line of reStructuredText is.

/// The sign of a line of nothing but one sign.
pub fn adornment(text: &str) -> Option<char> {
    let sign = text.chars().next().filter(char::is_ascii_punctuation)?;
    (text.len() > 1 && text.chars().all(|c| c == sign) && text != "::" && text != "..").then_some(sign)
}

/// `:name: value`.
pub fn field(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix(':')?.split_once(':')?;
    let fits = !name.is_empty()
        && !name.starts_with(' ')
        && !name.contains('`')
        && (value.is_empty() || value.starts_with(' '));
    fits.then_some((name, value.trim()))
}

/// The name and the arguments of a directive (`note:: text`).
pub fn directive(rest: &str) -> Option<(&str, &str)> {
    let (at, _) = rest
        .match_indices("::")
        .take(4)
        .find(|(at, _)| rest[at + 2..].is_empty() || rest[at + 2..].starts_with(' '))?;
    let name = rest[..at].trim_end();
    (!name.is_empty() && name.bytes().all(is_name_byte)).then(|| (name, rest[at + 2..].trim()))
}

/// Whether a directive begins on a line.
pub fn is_directive(text: &str) -> bool {
    text.strip_prefix(".. ").is_some_and(|rest| directive(rest).is_some())
}

/// The number of a list item.
#[derive(Clone, Copy)]
pub enum Number {
    /// This one.
    Is(u32),
    /// One more than the item before.
    Next,
}

/// The width of a list marker with the space behind it, its number, and the text.
pub fn item(text: &str) -> Option<(usize, Option<Number>, &str)> {
    let open = text.strip_prefix('(').unwrap_or(text);
    let end = open.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(open.len());
    let (label, after) = open.split_at(end);
    let closing = if open.len() < text.len() { &[')'][..] } else { &['.', ')'] };
    let (rest, number) = match (label, after.strip_prefix(closing)) {
        ("", _) if open.len() == text.len() => (text.strip_prefix(['*', '+', '-', '•', '‣', '⁃'])?, None),
        ("#", Some(rest)) => (rest, Some(Number::Next)),
        (label, Some(rest))
            if label.len() <= 4 && label.bytes().all(|b| b.is_ascii_digit()) && !label.is_empty() =>
        {
            (rest, Some(Number::Is(label.parse().ok()?)))
        }
        // A letter stays in the text: Markdown has no such lists.
        (label, Some(rest))
            if label.len() == 1 && label != "#" && rest.starts_with(' ') && after.starts_with(')') =>
        {
            return Some((0, None, text));
        }
        _ => return None,
    };
    let content = rest.trim_start();
    (rest.is_empty() || content.len() < rest.len()).then(|| (text.len() - content.len(), number, content))
}

/// Whether the name of a directive or a role may have this byte.
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.' | b'+')
}
