//! Which words of a phrase are searched for.

use std::collections::HashMap;

use crate::analyze::Token;
use crate::curation::Fired;

/// Stop words, ignored in phrases that have other words. This is Lucene's English list, the shortest in wide
/// use (longer lists cost more than they gain). Negations and programming keywords are left out of it: `as`,
/// `for`, `if`, `in`, `into`, `no`, `not`.
pub const STOP_WORDS: [&str; 26] = [
    "a", "an", "and", "are", "at", "be", "but", "by", "is", "it", "of", "on", "or", "such", "that", "the",
    "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
];

/// Whether a term is ignored in phrases that have other words.
pub fn is_stop_word(term: &str) -> bool {
    STOP_WORDS.contains(&term)
}

/// The distinct tokens of a phrase in order, without stop words, with their counts. A phrase of stop words
/// only keeps them, and so does a synonym (`IT`).
pub fn significant(tokens: &[Token], fired: &[Fired]) -> Vec<(Token, u32)> {
    let is_stop_word = |token: &Token| STOP_WORDS.contains(&token.text.as_str());
    let all_stop_words = tokens.iter().all(is_stop_word);
    let is_synonym = |token: &Token| {
        let own = fired.iter().filter(|fired| fired.contains(token.start..token.end));
        let inside = |fired: &Fired, other: &Token| fired.contains(other.start..other.end);
        own.into_iter().any(|fired| tokens.iter().filter(|other| inside(fired, other)).all(is_stop_word))
    };
    let mut significant: Vec<(Token, u32)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for token in tokens {
        if !all_stop_words && is_stop_word(token) && !is_synonym(token) {
            continue;
        }
        let token = token.clone();
        match positions.get(&token.text) {
            Some(at) => significant[*at].1 += 1,
            None => {
                positions.insert(token.text.clone(), significant.len());
                significant.push((token, 1));
            }
        }
    }
    significant
}

/// Whether a token is an identifier, judged by how the phrase writes it: one to three letters followed by
/// three to five digits (`E0502`), code (`spawn_blocking`, `std::mem`, `Vec<T>`), a name with punctuation
/// (`C++17`, `node.js`, `1.10`, `-Wall`), or a camel-case name (`PhantomData`).
pub fn is_identifier(written: &str, whole: bool) -> bool {
    let digits = written.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = written.len() - digits.len();
    let is_code = (1..=3).contains(&letters)
        && (3..=5).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit());
    let is_ascii = written.is_ascii();
    let is_flag = whole && is_ascii && written.starts_with(['-', '.']);
    let is_path = whole && is_ascii && (written.contains(['_', '<', '#', '.']) || written.contains("++"))
        || written.contains("::")
        || is_flag;
    let humps =
        written.chars().zip(written.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    is_code || is_path || humps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::phrase_tokens;

    #[track_caller]
    fn check(phrase: &str, expected: &[(&str, u32)]) {
        let found = significant(&phrase_tokens(phrase, &[]), &[]);
        let found: Vec<(&str, u32)> =
            found.iter().map(|(token, count)| (token.text.as_str(), *count)).collect();
        assert_eq!(found, expected, "{phrase}");
    }

    #[test]
    fn stop_words_are_dropped_unless_there_is_nothing_else() {
        check("the lock of a lock", &[("lock", 2)]);
        check("is it that", &[("is", 1), ("it", 1), ("that", 1)]);
        check("as if not", &[("as", 1), ("if", 1), ("not", 1)]);
        check("", &[]);
    }

    #[test]
    fn stop_words_are_written_as_the_analyzer_writes_them() {
        for word in STOP_WORDS {
            assert_eq!(phrase_tokens(word, &[])[0].text, word);
        }
    }

    #[test]
    fn code_is_an_identifier_and_words_are_not() {
        for (text, expected) in [
            ("E0502", true),
            ("Arc<Mutex<T>>", true),
            ("spawn_blocking", true),
            ("std::mem", true),
            ("PhantomData", true),
            ("node.js", true),
            ("C++17", true),
            ("-Wall", true),
            (".NET", true),
            ("1.10", true),
            ("退款", false),
            ("lock", false),
            ("2024", false),
            ("Covid-19", false),
            ("don't", false),
            ("and/or", false),
        ] {
            assert_eq!(is_identifier(text, phrase_tokens(text, &[])[0].whole), expected, "{text}");
        }
    }

    #[test]
    fn punctuation_makes_an_identifier_of_code_in_ascii_only() {
        for (text, whole) in [("-wall", false), ("node.js", false), ("-стена", true), ("узел.js", true)]
        {
            assert!(!is_identifier(text, whole), "{text} {whole}");
        }
        assert!(is_identifier("-wall", true) && is_identifier("node.js", true));
    }
}
