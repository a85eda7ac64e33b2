//! Filters that a phrase may be meant to have.

use super::query::{Filters, quotations};
use super::results::Results;
use super::word_sequence::{FoldedQuestion, WordSequence};

/// The filters that somebody means who writes a phrase as for other search engines, which require "quoted
/// words" and exclude -words. Here both are text.
///
/// Only filters that would change the results are suggested: the hits do not all contain the quoted words,
/// and some contain the word to exclude but not with its dash, as they contain a flag.
pub fn suggested_filters(results: &Results) -> Filters {
    let phrase = &results.phrase;
    let hits: Vec<FoldedQuestion> =
        results.hits.iter().map(|hit| FoldedQuestion::new(&hit.question)).collect();
    let contained_in = |text: &str| {
        let sequence = WordSequence::new(text)?;
        Some(hits.iter().filter(|hit| hit.contains(&sequence)).count())
    };
    let is_whole = |words: &str| words.len() + 4 >= phrase.trim().len();
    // One quoted word is usually a word that the phrase is about.
    let exact = quotations(phrase)
        .into_iter()
        .map(|range| phrase[range].trim())
        .filter(|words| words.contains(char::is_whitespace) || is_whole(words))
        .filter(|words| contained_in(words).is_some_and(|count| count < hits.len()));
    let without = phrase.split_whitespace().filter_map(dashed).filter(|word| {
        contained_in(&format!("-{word}")) == Some(0) && contained_in(word).is_some_and(|count| count > 0)
    });
    Filters {
        exact: exact.map(str::to_owned).collect(),
        without: without.map(str::to_owned).collect(),
        ..Filters::default()
    }
}

/// `-word` → `word`. A single letter (`-C`) is a flag.
fn dashed(word: &str) -> Option<&str> {
    let word = word.strip_prefix('-')?;
    (word.starts_with(char::is_alphabetic) && word.chars().nth(1).is_some()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Index;
    use crate::question::Question;
    use crate::search::{Query, search};

    #[track_caller]
    fn check(phrase: &str, exact: &[&str], without: &[&str]) {
        let question = |title: &str| Question::new(title, 1);
        let titles =
            ["Why is my bread dough sour?", "Does bread need sour dough?", "What does -Wall do to bread?"];
        let index = Index::in_memory(&titles.map(question), None).unwrap();
        let filters = suggested_filters(&search(&index, None, &Query::plain(phrase)).unwrap());
        let expected = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        assert_eq!((filters.exact, filters.without), (expected(exact), expected(without)), "{phrase}");
    }

    #[test]
    fn options_are_suggested_if_they_would_change_the_results() {
        check("\"bread dough\"", &["bread dough"], &[]);
        check("why \"sour dough\" bread -sour", &["sour dough"], &["sour"]);
        check("\"sour\"", &[], &[]);
        check("bread", &[], &[]);
        check("bread -Wall", &[], &[]);
        check("bread -Wextra -C --sour", &[], &[]);
        check("\"dough\" in bread", &[], &[]);
        check("\"nowhere\" \"no such words\"", &[], &[]);
    }
}
