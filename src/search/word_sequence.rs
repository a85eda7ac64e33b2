//! Words in a given order, compared with texts as they are written.

use std::iter;

use anyhow::bail;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::analyze::is_superscript;
use crate::question::Question;

/// Words that a text contains in this order and next to each other.
///
/// Case, accents, width and white space do not count, nor do markup and punctuation between the words. The
/// forms of a word are different words. Punctuation inside or before a word is a part of it: `C++`, `.NET`,
/// `-Wall`, `std::mem`.
#[derive(Clone, Debug, PartialEq)]
pub struct WordSequence {
    /// Folded, not empty.
    words: Vec<String>,
}

impl WordSequence {
    /// The words of a text. `None` if the text has nothing to compare.
    pub fn new(text: &str) -> Option<Self> {
        let folded = fold(text);
        let words: Vec<String> = folded
            .split_whitespace()
            .map(trimmed)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// The words in lower case, without accents.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a [folded](fold) text contains the words.
    pub fn occurs_in(&self, folded: &str) -> bool {
        let (first, rest) = self.words.split_first().expect("a sequence has words");
        starts(folded, first).any(|start| {
            let mut end = start + first.len();
            rest.iter().all(|word| {
                let found = next(folded, end, word);
                end = found.map_or(end, |start| start + word.len());
                found.is_some()
            })
        })
    }
}

/// The sequences of the texts of a filter.
///
/// # Errors
/// A text has nothing to compare. The error names the filter.
pub fn sequences(filter: &str, texts: &[String]) -> anyhow::Result<Vec<WordSequence>> {
    let sequence = |text: &String| match WordSequence::new(text) {
        Some(sequence) => Ok(sequence),
        None => bail!("{filter} {text:?} has no words"),
    };
    texts.iter().map(sequence).collect()
}

/// The texts of a question, folded, each to be compared on its own.
pub struct FoldedQuestion(Vec<String>);

impl FoldedQuestion {
    pub fn new(question: &Question) -> Self {
        let answer = question.readable_answer();
        let texts = [question.title.as_str()].into_iter();
        Self(texts.chain(question.also.iter().map(String::as_str)).chain([&*answer]).map(fold).collect())
    }

    pub fn contains(&self, sequence: &WordSequence) -> bool {
        self.0.iter().any(|text| sequence.occurs_in(text))
    }
}

/// A text in lower case and normal width, without accents.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let straight = |c| if c == '’' { '\'' } else { c };
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        // `10²` is not `102`.
        match is_superscript(c) {
            true => plain.push(c),
            false => plain.extend(iter::once(c).nfkd()),
        }
    }
    plain.chars().filter(|c| !is_accent(c)).map(straight).flat_map(char::to_lowercase).collect()
}

/// A word without quotation marks around it and without the punctuation of a sentence behind it.
pub fn trimmed(word: &str) -> &str {
    const QUOTES: [char; 11] = ['"', '\'', '`', '“', '”', '„', '‘', '«', '»', '「', '」'];
    let word = word.trim_matches(QUOTES);
    // A lifetime begins with an apostrophe.
    word.trim_end_matches(|c| QUOTES.contains(&c) || matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '…'))
}

/// Where a word begins and ends as a whole word.
fn starts<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| is_whole(text, *at, word))
}

/// Where a word begins that follows a position, with no other word between.
fn next(text: &str, from: usize, word: &str) -> Option<usize> {
    let gap = text[from..].char_indices().map(|(offset, c)| (from + offset, c));
    let mut possible = true;
    for (at, c) in gap {
        if !possible {
            return None;
        }
        if text[at..].starts_with(word) && is_whole(text, at, word) {
            return Some(at);
        }
        possible = !c.is_alphanumeric();
    }
    None
}

/// Whether the word at a position neither continues a word nor is continued.
fn is_whole(text: &str, at: usize, word: &str) -> bool {
    let (before, after) = (&text[..at], &text[at + word.len()..]);
    // `v1.10` is `1.10`.
    let version = before.strip_suffix('v').filter(|_| word.starts_with(|c: char| c.is_ascii_digit()));
    let before = version.unwrap_or(before);
    // `NET` is not a part of `.NET`.
    let is_point = before.strip_suffix('.').is_some_and(|before| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '.')
    });
    let begins = word.starts_with(|c| !is_spaced(c)) || !(is_point || continues(before.chars().rev()));
    let ends = word.ends_with(|c| !is_spaced(c))
        // `C` is not a part of `C++` or `C#`.
        || !(continues(after.chars()) || after.starts_with("++") || after.starts_with('#'));
    begins && ends
}

/// Whether a word goes on with these characters. An underscore belongs to an identifier only between letters;
/// otherwise it is markup.
fn continues(mut characters: impl Iterator<Item = char>) -> bool {
    match characters.next() {
        Some('_') => characters.next().is_some_and(is_spaced),
        Some(c) => is_spaced(c) || is_combining_mark(c),
        None => false,
    }
}

/// Whether a character belongs to a word in a script that separates words by spaces. In Chinese, Japanese,
/// Thai, Lao, Khmer and Burmese a word can begin and end anywhere, and in Korean its ending is attached.
pub fn is_spaced(c: char) -> bool {
    let without_spaces = matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x1100..=0x11FF | 0x3040..=0x31FF
        | 0x3400..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF);
    c.is_alphanumeric() && !without_spaces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, text: &str, expected: bool) {
        let sequence = WordSequence::new(words).unwrap();
        assert_eq!(sequence.occurs_in(&fold(text)), expected, "{words:?} in {text:?}");
    }

    #[test]
    fn a_version_may_have_a_v() {
        check("1.10", "Install v1.10 first", true);
        check("1.10", "dev1.10", false);
        check("v1.10", "Install 1.10", false);
        check("net", "What is .NET?", false);
        check("net", "Which runtime (.NET)?", false);
        check("net", "Use the VB.NET", true);
        check("10²", "What is 10²?", true);
        check("102", "What is 10²?", false);
    }

    #[test]
    fn words_must_occur_in_order_and_next_to_each_other() {
        check("doubled in size", "Until it has doubled in size.", true);
        check("doubled in size", "Until it has DOUBLED\n  in size", true);
        check("doubled in size", "doubled in its size", false);
        check("size doubled", "doubled in size", false);
        check("a b", "a a b", true);
        check("must not", "You must **not** do it", true);
        check("borrow checker", "the borrow-checker", true);
        check("\"Doubled, in size?\"", "doubled in size", true);
    }

    #[test]
    fn other_forms_of_a_word_do_not_count() {
        check("test", "Why is testing slow?", false);
        check("tested", "a test", false);
        check("test", "a test, or two", true);
        check("spawn", "spawn_blocking", false);
        check("size", "the _size_ of it", true);
        check("cafe", "Das Café", true);
        check("don't", "you don’t", true);
    }

    #[test]
    fn code_is_compared_as_written() {
        check("C++", "templates in C++.", true);
        check("C", "templates in C++ and C#", false);
        check("c", "written in C.", true);
        check("-Wall", "gcc -Wall file.c", true);
        check("-Wall", "a Wall", false);
        check(".NET", "What is .NET?", true);
        check("std::mem::swap", "Call `std::mem::swap(a, b)`", true);
        check("Mutex", "an Arc<Mutex<T>>", true);
        check("Guard", "a MutexGuard", false);
        check("a => b", "if a => b", true);
        check("==", "if a==b", true);
    }

    #[test]
    fn scripts_without_spaces_match_anywhere() {
        check("密码", "如何重置密码？", true);
        check("重置 密码", "如何重置密码？", true);
        check("密碼", "如何重置密码？", false);
        check("비밀번호", "비밀번호를 잊어버렸어요", true);
        check("รหัสผ่าน", "ฉันจะเปลี่ยนรหัสผ่านได้อย่างไร", true);
        check("пароль", "Как сбросить пароли?", false);
        check("ＶＰＮ", "如何重置VPN密码", true);
    }

    #[test]
    fn a_text_of_punctuation_only_has_no_words() {
        for text in ["", "  ", "?", "\"\"", "… !"] {
            assert_eq!(WordSequence::new(text), None, "{text:?}");
        }
    }
}
