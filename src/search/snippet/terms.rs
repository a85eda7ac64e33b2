//! The terms of a phrase in a text.

use std::collections::HashMap;
use std::ops::Range;

use crate::analyze::{Language, Token, detect, tokens_where};

/// The terms of a phrase, to be found in the texts that a search shows.
#[derive(Clone)]
pub struct Terms<'a> {
    /// Each term with its weight.
    weights: HashMap<&'a str, f32>,
    /// For each term, how every ASCII word with this term begins.
    prefixes: Vec<String>,
    /// The language of all texts; `None` detects it.
    language: Option<Language>,
}

impl<'a> Terms<'a> {
    /// `weights` are the terms as the analysis writes them, with their weights.
    pub fn new(weights: HashMap<&'a str, f32>, language: Option<Language>) -> Self {
        let prefixes = weights.keys().map(|term| prefix(term)).collect();
        Self { weights, prefixes, language }
    }

    /// The same terms, to be found in texts of this language.
    pub fn in_language(&self, language: Option<Language>) -> Self {
        Self { language, ..self.clone() }
    }

    /// The byte ranges of a text that match, in order and without overlaps.
    pub fn highlights(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = self
            .tokens(text, &self.languages(|| detect(text)))
            .into_iter()
            .filter(|token| token.terms().any(|term| self.weights.contains_key(term)))
            .map(|token| token.start..token.end)
            .collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// The terms that a text contains, with their weights, in order.
    pub fn of(&self, text: &str, languages: &[Language]) -> Vec<(&'a str, f32)> {
        let known = |term: &str| self.weights.get_key_value(term).map(|(term, weight)| (*term, *weight));
        self.tokens(text, languages).iter().filter_map(|token| token.terms().find_map(known)).collect()
    }

    /// The languages to analyze a text in. Code and names in it are English, and so is what the detection takes for
    /// something else.
    pub fn languages(&self, detected: impl FnOnce() -> Language) -> Vec<Language> {
        match self.language.unwrap_or_else(detected) {
            Language::English => vec![Language::English],
            language => vec![language, Language::English],
        }
    }

    /// Whether a text may contain a term. This takes much less time than to look for them.
    pub fn may_occur(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        !lower.is_ascii() || self.prefixes.iter().any(|prefix| has_word_with(&lower, prefix))
    }

    /// The tokens of a text that may be terms.
    fn tokens(&self, text: &str, languages: &[Language]) -> Vec<Token> {
        let starts = |word: &[u8], prefix: &[u8]| {
            word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        tokens_where(text, languages, |word| {
            self.prefixes.iter().any(|prefix| starts(word.as_bytes(), prefix.as_bytes()))
        })
    }
}

/// How every ASCII word with this term begins. Stemming changes the end of a word only, but can change two letters there
/// (`die` for `dying`).
fn prefix(term: &str) -> String {
    let length = term.chars().count();
    term.chars().take(length.saturating_sub(2).max(1)).collect()
}

/// Whether a word of an ASCII text, or a part of one in camel case, may begin with a prefix.
fn has_word_with(lower: &str, prefix: &str) -> bool {
    let starts = |at: usize| at == 0 || !lower.as_bytes()[at - 1].is_ascii_lowercase();
    match prefix.len() {
        // A part in camel case is not at the start of a word. So short a part is seldom a word of a phrase.
        ..=2 => lower.match_indices(prefix).any(|(at, _)| starts(at)),
        _ => lower.contains(prefix),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analyze::tokens_in;

    proptest! {
        #[test]
        fn the_tokens_of_the_terms_are_those_of_the_whole_text(
            text in "([a-zA-Z]{1,9}(ing|ies|ed|s|ation)?|[a-z]{2}_[a-z]{3}|Vec<T, [A-Z]>|ab::cd|\\PC|-[a-z]{2})( [a-zA-Z ]{0,9}){0,20}",
        ) {
            let languages = [Language::English, Language::German];
            let all = tokens_in(&text, &languages);
            for token in &all {
                let terms = Terms::new(token.terms().map(|term| (term, 1.0)).collect(), None);
                let with_term = |tokens: Vec<Token>| -> Vec<Range<usize>> {
                    let has_term = |token: &Token| token.terms().any(|term| terms.weights.contains_key(term));
                    tokens.into_iter().filter(has_term).map(|token| token.start..token.end).collect()
                };
                prop_assert_eq!(with_term(terms.tokens(&text, &languages)), with_term(all.clone()), "{:?}", token);
            }
        }
    }

    #[test]
    fn a_term_may_occur_in_texts_that_have_a_word_with_it() {
        let terms = Terms::new([("die", 1.0), ("mutex", 1.0), ("hous", 1.0)].into(), None);
        for (text, expected) in [
            ("A dying task", true),
            ("MutexGuard", true),
            ("StdMutex", true),
            ("Houses", true),
            ("No word", false),
            ("Häuser", true),
        ] {
            assert_eq!(terms.may_occur(text), expected, "{text}");
        }
    }
}
