//! Escapes for text that is shown on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes the characters that can control the terminal or reorder its text, such as `\u{1b}`: control
/// characters except line feed and tab, bidirectional formatting, and invisible formatting characters.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_dangerous(c) {
            write!(escaped, "\\u{{{:x}}}", u32::from(c)).expect("writing to a String does not fail");
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character can control the terminal or change how the text around it is shown.
pub fn is_dangerous(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Bidirectional marks, embeddings, overrides and isolates; line and paragraph separators;
        // invisible operators and tags.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_are_escaped() {
        assert_eq!(escaped("a\x1b[31mb\u{202e}c\x07"), "a\\u{1b}[31mb\\u{202e}c\\u{7}");
        assert_eq!(escaped("\u{9b}31m\r"), "\\u{9b}31m\\u{d}");
    }

    #[test]
    fn text_in_any_language_is_unchanged() {
        for text in ["plain", "line\nbreak\ttab", "日本 🦀👩\u{200d}🔬 é שלום"] {
            assert!(matches!(escaped(text), Cow::Borrowed(_)), "{text:?}");
        }
    }
}
