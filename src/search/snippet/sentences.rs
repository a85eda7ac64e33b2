//! Splits prose into sentences, in any script.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

/// Ends of sentences that are followed by white space: Latin, Arabic, Devanagari, Khmer and Ethiopic.
const ENDS: [char; 10] = ['.', '?', '!', '…', '؟', '۔', '।', '॥', '។', '።'];

/// Ends of sentences in scripts without spaces.
const WIDE_ENDS: [char; 4] = ['。', '！', '？', '｡'];

/// Signs that belong to the sentence they follow.
const CLOSERS: [char; 13] = ['"', '\'', ')', ']', '”', '’', '»', '」', '』', '）', '*', '_', '~'];

/// Signs after which a long sentence can be cut.
const CLAUSE_ENDS: [char; 9] = [',', ';', ':', '—', '，', '、', '；', '：', '،'];

/// Abbreviations whose full stop does not end a sentence. So does that of a single letter.
const ABBREVIATIONS: [&str; 14] =
    ["e.g", "i.e", "vs", "cf", "etc", "mr", "mrs", "dr", "st", "fig", "approx", "resp", "ca", "bzw"];

/// The byte ranges of the sentences of a text, without the white space between them. Code in backticks is
/// not split.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut push = |range: Range<usize>| {
        let raw = &text[range.clone()];
        let inner = raw.trim();
        if !inner.is_empty() {
            let start = range.start + (raw.len() - raw.trim_start().len());
            sentences.push(start..start + inner.len());
        }
    };
    let (mut start, mut at) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        at += c.len_utf8();
        if c == '`' {
            at = code_end(text, at);
        } else if ENDS.contains(&c) || WIDE_ENDS.contains(&c) {
            let sign = at - c.len_utf8();
            let more = |c: char| ENDS.contains(&c) || WIDE_ENDS.contains(&c) || CLOSERS.contains(&c);
            at += text[at..].len() - text[at..].trim_start_matches(more).len();
            if WIDE_ENDS.contains(&c) || ends_sentence(text, start, sign, at) {
                push(start..at);
                start = at;
            }
        }
    }
    push(start..text.len());
    sentences
}

/// The end of the code that starts at `at`, after its opening backtick. `at` itself if it is not closed.
fn code_end(text: &str, at: usize) -> usize {
    text[at..].find('`').map_or(at, |close| at + close + 1)
}

/// Whether the sign at `sign`, whose closing signs end at `end`, ends the sentence that starts at `start`.
fn ends_sentence(text: &str, start: usize, sign: usize, end: usize) -> bool {
    let rest = &text[end..];
    let next = rest.trim_start().chars().next();
    if rest.starts_with(|c: char| !c.is_whitespace()) || next.is_some_and(char::is_lowercase) {
        return false;
    }
    let word = text[start..sign].rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let is_letter = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    !text[sign..].starts_with('.')
        || !is_letter && !ABBREVIATIONS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Splits `text` into pieces of at most `columns` columns each: after a clause, else between words, else
/// anywhere. Together, the pieces contain everything but the white space between them.
pub fn pieces(text: &str, columns: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let length = cut(rest, columns);
        let piece = rest[..length].trim_end();
        pieces.push(start..start + piece.len());
        start += length + (rest[length..].len() - rest[length..].trim_start().len());
    }
    pieces
}

/// Where to cut a text, so that at most `columns` columns and at least one character are before the cut.
fn cut(text: &str, columns: usize) -> usize {
    let mut wide = 0;
    let (mut clause, mut space, mut anywhere) = (None, None, None);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if at > 0 {
            let is_wide_clause = CLAUSE_ENDS.contains(&before) && !before.is_ascii();
            if is_wide_clause || CLAUSE_ENDS.contains(&before) && c.is_whitespace() {
                clause = Some(at).filter(|_| wide > columns / 2).or(clause);
            }
            if c.is_whitespace() {
                space = Some(at);
            }
            // A mark or a joiner belongs to the character before it.
            if !is_combining_mark(c) && c != '\u{200d}' && before != '\u{200d}' {
                anywhere = Some(at);
            }
        }
        wide += width(c);
        if wide > columns && at > 0 {
            let first = text.chars().next().map_or(text.len(), char::len_utf8);
            return clause.or(space).or(anywhere).unwrap_or(first);
        }
        before = c;
    }
    text.len()
}

/// The number of columns of a text on a terminal, approximately: two for each character of a script such as
/// Chinese.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    if is_wide(c) { 2 } else { 1 }
}

/// Whether a character is about as wide as it is high, and is not separated from others by spaces.
pub fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sentences_end_at_full_stops_that_are_followed_by_a_new_one() {
        check("One. Two? (Three!) Four", &["One.", "Two?", "(Three!)", "Four"]);
        check(
            "In version 1.10 `a.b. C` e.g. Rust or i.e. this. Next.",
            &["In version 1.10 `a.b. C` e.g. Rust or i.e. this.", "Next."],
        );
        check("He said \"stop.\" Then went.", &["He said \"stop.\"", "Then went."]);
        check("An open ` backtick. Then more.", &["An open ` backtick.", "Then more."]);
        check("Wait ... and see. **Done.** Yes", &["Wait ... and see.", "**Done.**", "Yes"]);
        check("锁是什么？它保护数据。“好。”然后", &["锁是什么？", "它保护数据。", "“好。”", "然后"]);
        check("यह क्या है। वह वहाँ है।", &["यह क्या है।", "वह वहाँ है।"]);
        check(" \n", &[]);
    }

    #[test]
    fn long_text_is_cut_after_clauses_between_words_or_anywhere() {
        let of = |text: &str, columns| -> Vec<String> {
            pieces(text, columns).into_iter().map(|range| text[range].to_owned()).collect()
        };
        assert_eq!(of("a short clause, then more words", 20), ["a short clause,", "then more words"]);
        assert_eq!(of("no clause at all here", 12), ["no clause at", "all here"]);
        assert_eq!(of("一二三，四五六七", 10), ["一二三，", "四五六七"]);
        assert_eq!(of("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(of("e\u{301}e\u{301}", 3), ["e\u{301}", "e\u{301}"]);
        assert_eq!(of("\u{301}\u{301}\u{301}", 1).concat(), "\u{301}\u{301}\u{301}");
    }
}
