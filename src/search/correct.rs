//! Phrases with their typos corrected, for the embedding model.
//!
//! Keyword search finds a word that no question contains by the terms one typo away. The model reads the pieces of a
//! word with a typo (`del`, `##vie`, `##ry`), which mean something else.

use tantivy::DocAddress;

use super::keyword::{KeywordQuery, QueryTerm};
use crate::analyze::tokens_by_detection;
use crate::embed::Embedder;
use crate::index::Index;

/// How many of the best questions by keyword search are read to find how a word is written.
const READ: usize = 3;

/// The phrase with its typos corrected as the best questions write the words. `None` if there are none.
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
    let typos: Vec<&QueryTerm> = keyword.terms.iter().filter(|term| term.is_corrected).collect();
    if typos.is_empty() {
        return Ok(None);
    }
    let mut texts = Vec::new();
    for address in best.iter().take(READ) {
        let question = index.question(*address)?;
        texts.extend([question.title.clone(), question.also.join("\n"), question.answer]);
    }
    let mut corrected = phrase.to_owned();
    for term in typos {
        let Some(meant) = texts.iter().find_map(|text| written_as(text, &term.matches)) else { continue };
        if embedder.count_tokens(meant) < embedder.count_tokens(&term.written) {
            corrected = corrected.replace(&term.written, meant);
        }
    }
    Ok((corrected != phrase).then_some(corrected))
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
    fn a_word_is_found_as_the_text_writes_it() {
        let terms = ["deliveri".to_owned(), "livery".to_owned()];
        assert_eq!(written_as("How long do Deliveries take?", &terms), Some("Deliveries"));
        assert_eq!(written_as("Can I pay cash?", &terms), None);
    }
}
