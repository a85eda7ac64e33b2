//! Normalized titles: when two titles count as one.
//!
//! [`title_key`] is the only place that decides this. The index stores the keys, and search, duplicate
//! detection and `dups --check` compare them.

use std::iter;

use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use crate::analyze::is_superscript;

/// A character of a title, and whether it is in a code span.
type Char = (char, bool);

/// A normalized title. Two titles with the same key are the same title.
///
/// These are no difference: letter case, accents on Latin, Greek and Cyrillic vowels, full-width forms, white
/// space, hyphens between letters, Markdown (backticks, `*emphasis*`, `**bold**`, `~~struck~~`), quotation
/// marks and brackets around words, and punctuation at the end of a word or of the title.
///
/// All other symbols are a difference, and so is `_`: `%` and `@`, `=>` and `->`, `C$` and `C`, `snake_case`
/// and `snakecase`. `None` if the title has no word and no symbol; such a title never equals another.
///
/// ```
/// use rqsearch::title::title_key;
///
/// assert_eq!(title_key("What does `=>` do?").as_deref(), Some("what does => do"));
/// assert_eq!(title_key(" what does **=>** DO"), title_key("What does `=>` do?"));
/// assert_ne!(title_key("what does -> do"), title_key("What does `=>` do?"));
/// assert_eq!(title_key("???"), None);
/// ```
pub fn title_key(title: &str) -> Option<String> {
    let chars = without_emphasis(without_backticks(&folded(title)));
    let mut words: Vec<Vec<Char>> =
        chars.split(|(c, _)| c.is_whitespace()).map(|word| trimmed(word.to_vec())).collect();
    words.retain(|word| !word.is_empty());
    // The mark at the end of a title. In code, it is part of the code: `println!`.
    while let Some(last) = words.last_mut() {
        while last.pop_if(|(c, in_code)| !*in_code && ENDS_TITLE.contains(c)).is_some() {}
        *last = trimmed(std::mem::take(last));
        if !last.is_empty() {
            break;
        }
        words.pop();
    }
    let words: Vec<String> =
        words.into_iter().map(|word| word.into_iter().map(|(c, _)| c).collect()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Marks at the end of a title.
const ENDS_TITLE: [char; 4] = ['?', '!', '.', '…'];

/// Marks that end a word in prose. Two of them are an operator: `::`, `..`.
const ENDS_WORD: [char; 5] = [',', ';', ':', '.', '…'];

/// Marks that are prose if they are a word of their own.
const PROSE: [char; 6] = ['–', '—', '―', '«', '»', '…'];

/// The characters of a title in lower case, in compatibility form, without accents and invisible characters,
/// and with ASCII quotation marks and hyphens.
fn folded(title: &str) -> String {
    if title.is_ascii() {
        return title.to_ascii_lowercase();
    }
    let mut base = ' ';
    let mut folded = String::with_capacity(title.len());
    // `…` has the compatibility form `...`, which is an operator.
    let plain = title.chars().flat_map(|c| match c {
        '…' => vec!['…'],
        // `10²` is not `102`.
        c if is_superscript(c) => iter::once('^').chain(iter::once(c).nfkd()).collect(),
        c => iter::once(c).nfkd().collect(),
    });
    for c in plain.flat_map(char::to_lowercase) {
        let is_accent = ('\u{300}'..='\u{36F}').contains(&c);
        match c {
            _ if is_accent && loses_accent(base, c) => continue,
            '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => continue,
            '‘' | '’' | 'ʼ' => folded.push('\''),
            '“' | '”' | '„' | '‟' => folded.push('"'),
            '‐' | '‑' | '−' => folded.push('-'),
            '。' => folded.push('.'),
            '、' => folded.push(','),
            'ё' => folded.push('е'),
            _ => folded.push(c),
        }
        if !is_accent {
            base = c;
        }
    }
    folded.nfc().collect()
}

/// Whether an accent on a letter is no difference. In other scripts, and in `й`, it makes another letter, and
/// on a symbol (`≠`) another symbol.
fn loses_accent(base: char, accent: char) -> bool {
    let is_latin_or_greek =
        base.is_alphabetic() && (base < '\u{400}' || ('\u{1E00}'..'\u{2000}').contains(&base));
    is_latin_or_greek || (base == 'е' && accent == '\u{308}')
}

/// Removes backticks, and marks the characters of code spans.
fn without_backticks(text: &str) -> Vec<Char> {
    let mut chars = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let (before, from) = rest.split_at(at);
        chars.extend(before.chars().map(|c| (c, false)));
        let (fence, after) = from.split_at(from.len() - from.trim_start_matches('`').len());
        match after.find(fence) {
            Some(end) => {
                chars.extend(after[..end].chars().map(|c| (c, true)));
                rest = &after[end + fence.len()..];
            }
            None => rest = after,
        }
    }
    chars.extend(rest.chars().map(|c| (c, false)));
    chars
}

/// Removes the marks of emphasis outside code: runs of `*` or `~~` before and after some words. A run without
/// a counterpart is an operator (`**kwargs`, `2 ** 3`).
fn without_emphasis(chars: Vec<Char>) -> Vec<Char> {
    let mut marks = vec![false; chars.len()];
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let (mark, in_code) = chars[at];
        let len = chars[at..].iter().take_while(|other| **other == (mark, false)).count().max(1);
        if !in_code && (mark == '*' && len <= 3 || mark == '~' && len == 2) {
            let before = at.checked_sub(1).map_or(' ', |before| chars[before].0);
            let after = chars.get(at + len).map_or(' ', |after| after.0);
            let counterpart = open.iter().rposition(|(from, other)| chars[*from].0 == mark && *other == len);
            if let Some(nth) = counterpart.filter(|_| !before.is_whitespace() && !after.is_alphanumeric()) {
                let (from, _) = open[nth];
                marks[from..from + len].fill(true);
                marks[at..at + len].fill(true);
                open.truncate(nth);
            } else if !before.is_alphanumeric() && !after.is_whitespace() {
                open.push((at, len));
            }
        }
        at += len;
    }
    chars.into_iter().zip(marks).filter(|(_, is_mark)| !is_mark).map(|(c, _)| c).collect()
}

/// A word without the punctuation of the prose around it. A word of symbols only is an operator, and stays.
/// A hyphen between letters becomes a space.
fn trimmed(mut word: Vec<Char>) -> Vec<Char> {
    if word.iter().all(|(c, _)| PROSE.contains(c)) {
        return Vec::new();
    }
    loop {
        let len = word.len();
        let count = |bracket: char| word.iter().filter(|(c, _)| *c == bracket).count();
        let (opened, closed) = (count('('), count(')'));
        let ends = |nth_last: usize| len.checked_sub(nth_last).map(|at| word[at].0);
        let (first, last) = (word.first().map(|(c, _)| *c), ends(1));
        let has_word = word.iter().any(|(c, _)| c.is_alphanumeric());
        match (first, last) {
            (Some('"'), Some('"')) | (Some('\''), Some('\'')) if len > 2 => {
                word.pop();
                word.remove(0);
            }
            (Some('('), Some(')')) if has_word && closed == 1 && opened == 1 => {
                word.pop();
                word.remove(0);
            }
            (_, Some('"' | '»')) if has_word => _ = word.pop(),
            (_, Some(')')) if has_word && closed > opened => _ = word.pop(),
            (_, Some(c)) if has_word && ENDS_WORD.contains(&c) && ends(2) != Some(c) => _ = word.pop(),
            (Some('"' | '«' | '¿' | '¡'), _) if has_word => _ = word.remove(0),
            (Some('('), _) if has_word && opened > closed => _ = word.remove(0),
            _ => break,
        }
    }
    for at in 1..word.len().saturating_sub(1) {
        if word[at].0 == '-' && word[at - 1].0.is_alphabetic() && word[at + 1].0.is_alphabetic() {
            word[at].0 = ' ';
        }
    }
    word
}

/// The hash of a title key, of 63 bits: a cluster has signed numbers, and its lists are not searched for negative ones.
/// Titles with one hash count as equal: one pair in 2⁶³.
pub(crate) fn title_hash(key: &str) -> u64 {
    xxh3_64(key.as_bytes()) >> 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_markup_space_and_punctuation_are_no_difference() {
        for (one, two) in [
            ("What is `Pin`?", "  what is Pin "),
            ("What is **Pin**?", "what is *Pin*"),
            ("What is ~~pin~~ Pin", "What is pin pin?"),
            ("How do I **sharpen** a knife?", "how do i sharpen a knife"),
            ("What does `=>` do?", "what does => do"),
            ("What does `println!` do?", "What does println! do"),
            ("“Quoted” words, and (brackets)?!", "quoted words and brackets"),
            ("He said: \"no\".", "he said no"),
            ("What’s new?", "what's new"),
            ("Qu'est-ce que c'est ?", "Qu'est-ce que c'est?"),
            ("¿Qué es esto?", "Que es esto"),
            ("Ｗｈａｔ？", "what"),
            ("A well-known error", "A well known error"),
            ("The end…", "the end"),
            ("Rust — why?", "Rust why"),
            ("Ещё раз", "еще раз"),
            ("退款需要多久？", "退款需要多久"),
        ] {
            assert!(title_key(one).is_some(), "{one}");
            assert_eq!(title_key(one), title_key(two), "{one:?} {two:?}");
        }
    }

    #[test]
    fn symbols_underscores_and_other_letters_are_a_difference() {
        for (one, two) in [
            ("What does `%` do?", "What does `@` do?"),
            ("What does `=>` do?", "What does `->` do?"),
            ("What does `=` do?", "What does `==` do?"),
            ("What is 1 / 2?", "What is -1 % 2?"),
            ("What is a-b?", "What is a/b?"),
            ("What is a - b?", "What is a + b?"),
            ("What is C$?", "What is C?"),
            ("C++", "C"),
            ("Rc<T>", "Rc T"),
            ("What is snake_case?", "What is snakecase?"),
            ("What is `__init__`?", "What is init?"),
            ("What are *args?", "What are **args?"),
            ("What are `*args`?", "What are `args`?"),
            ("What is 2 ** 3?", "What is 2 * 3?"),
            ("What is `..`?", "What is `..=`?"),
            ("Is it {} or []?", "Is it [] or {}?"),
            ("What is `map!`?", "What is `map`?"),
            ("What is -Wall?", "What is Wall?"),
            ("Version 1.10", "Version 11.0"),
            ("What is 10²?", "What is 102?"),
            ("What is x²?", "What is x2?"),
            ("a ≠ b", "a = b"),
            ("мой", "мои"),
            ("か", "が"),
            ("की", "का"),
        ] {
            assert_ne!(title_key(one), title_key(two), "{one:?} {two:?}");
        }
    }

    #[test]
    fn a_title_without_words_and_symbols_has_no_key() {
        for title in ["", "  ", "???", "?!", "—", "« »", "…", "``"] {
            assert_eq!(title_key(title), None, "{title:?}");
        }
        assert_ne!(title_key("$$"), title_key("%%"));
        assert_eq!(title_key("`?`").as_deref(), Some("?"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(title in r#"(\PC|[a-z_A-Z<>&'#()*~"\[\]:!?` .-]){0,40}"#) {
            if let Some(key) = title_key(&title) {
                prop_assert!(!key.is_empty() && !key.starts_with(' ') && !key.ends_with(' '));
            }
        }
    }
}
