//! Phrases with their typos corrected, for the embedding model.
//!
//! Keyword search finds a word that no question contains by the terms one typo away. The model reads the pieces of a
//! word with a typo (`del`, `##vie`, `##ry`), which mean something else.

use std::collections::HashMap;

use tantivy::DocAddress;

use super::keyword::KeywordQuery;
use crate::analyze::{Token, phrase_tokens, tokens_by_detection};
use crate::embed::Embedder;
use crate::index::Index;

/// How many of the best questions by keyword search are read to find how a word is written.
pub const READ: usize = 3;

/// The phrase with its typos corrected as the best questions write the words. `None` if none is corrected. Reads
/// questions, so ask [`has_typos`] first.
///
/// A word that the model knows as well as its correction is not a typo: `bind` is not `find`.
///
/// # Errors
/// The index is damaged.
pub fn corrected(
    index: &Index,
    embedder: &dyn Embedder,
    phrase: &str,
    keyword: &KeywordQuery<'_>,
    best: &[DocAddress],
) -> anyhow::Result<Option<String>> {
    let mut texts = Vec::new();
    for address in best.iter().take(READ) {
        let question = index.question(*address)?;
        texts.extend([question.title.clone(), question.also.join("\n"), question.answer]);
    }
    let mut meanings: HashMap<&str, &str> = HashMap::new();
    for term in keyword.terms.iter().filter(|term| term.has_typo) {
        let meant = texts.iter().find_map(|text| written_as(text, &term.matches));
        let is_clearer = |meant: &&str| embedder.count_tokens(meant) < embedder.count_tokens(&term.written);
        meanings.extend(meant.filter(is_clearer).map(|meant| (term.written.as_str(), meant)));
    }
    Ok((!meanings.is_empty()).then(|| replaced(phrase, &meanings, &phrase_tokens(phrase, index.languages()))))
}

/// Whether a word of the phrase matches with a typo only.
pub fn has_typos(keyword: &KeywordQuery<'_>) -> bool {
    keyword.terms.iter().any(|term| term.has_typo)
}

/// A phrase with some of its words replaced.
fn replaced(phrase: &str, meanings: &HashMap<&str, &str>, tokens: &[Token]) -> String {
    let mut replaced = String::with_capacity(phrase.len());
    let mut end = 0;
    for token in tokens {
        let meant = phrase.get(token.start..token.end).and_then(|written| meanings.get(written));
        if let Some(meant) = meant.filter(|_| token.start >= end) {
            replaced.push_str(&phrase[end..token.start]);
            replaced.push_str(meant);
            end = token.end;
        }
    }
    replaced.push_str(&phrase[end..]);
    replaced
}

/// How a text writes the first word that has one of these terms.
fn written_as<'a>(text: &'a str, terms: &[String]) -> Option<&'a str> {
    let tokens = tokens_by_detection(text);
    let found =
        tokens.iter().find(|token| token.terms().any(|term| terms.iter().any(|known| known == term)))?;
    text.get(found.start..found.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_replaced() {
        let meanings = HashMap::from([("clien", "client"), ("passwrd", "password")]);
        for (phrase, expected) in [
            ("clien and clients", "client and clients"),
            ("passwrd of a clien, clien passwrd", "password of a client, client password"),
            ("clients", "clients"),
        ] {
            assert_eq!(replaced(phrase, &meanings, &phrase_tokens(phrase, &[])), expected);
        }
    }

    #[test]
    fn a_word_is_found_as_the_text_writes_it() {
        let terms = ["deliveri".to_owned(), "livery".to_owned()];
        assert_eq!(written_as("How long do Deliveries take?", &terms), Some("Deliveries"));
        assert_eq!(written_as("Can I pay cash?", &terms), None);
    }
}
