//! Text from a corpus, made harmless for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces what would drive the terminal or reorder its text (control characters but line break
/// and tab, bidirectional overrides, invisible formatting) by its name: `\u{1b}`.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_dangerous(c) {
            write!(escaped, "\\u{{{:x}}}", u32::from(c)).expect("a String takes everything");
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character changes how what stands around it is shown.
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
    fn control_and_bidi_characters_are_named() {
        assert_eq!(escaped("a\x1b[31mb\u{202e}c\x07"), "a\\u{1b}[31mb\\u{202e}c\\u{7}");
        assert_eq!(escaped("\u{9b}31m\r"), "\\u{9b}31m\\u{d}");
    }

    #[test]
    fn text_in_any_language_stays() {
        for text in ["plain", "line\nbreak\ttab", "日本 🦀👩\u{200d}🔬 é שלום"] {
            assert!(matches!(escaped(text), Cow::Borrowed(_)), "{text:?}");
        }
    }
}
