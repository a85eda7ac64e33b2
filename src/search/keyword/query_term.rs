//! The words and quotations of a phrase, as they were found in an index.

use std::collections::HashMap;

use super::phrase_words::STOP_WORDS;

/// The weight of a word inside a compound, relative to the word itself.
pub const IN_COMPOUND: f32 = 0.5;

/// A term is an identifier only if its idf is above this, which means that at most one question in ten
/// contains it.
pub const RARE: f32 = 2.3;

/// A word of the phrase and the index terms it matches.
#[derive(Clone, Debug)]
pub struct QueryTerm {
    /// The word as written in the phrase.
    pub written: String,
    /// The index terms it matches: the word in each language, compounds with it, and synonyms of one word; or the terms
    /// one typo away if no question contains it.
    pub matches: Vec<String>,
    /// Its synonyms, as their file writes them.
    pub synonyms: Vec<String>,
    /// The terms of its synonyms of several words, which match in this order.
    pub sequences: Vec<Vec<String>>,
    /// Whether it matches with a typo, or a part of it only.
    pub is_corrected: bool,
    /// Whether it matches with a typo.
    pub has_typo: bool,
    /// Inverse document frequency: ln(1 + (N - n + ½) / (n + ½)) if n of N questions contain it.
    pub idf: f32,
    /// How often the phrase contains it.
    pub count: u32,
    /// Whether it is an identifier (an error code, code as written) that few questions contain.
    pub is_identifier: bool,
}

/// Quoted words of the phrase that some question contains in this order, in any of their forms.
#[derive(Clone, Debug)]
pub struct Quotation {
    /// The words as written in the phrase.
    pub written: String,
    /// The terms of the words, without whole code, in the language in which most questions contain them.
    pub parts: Vec<String>,
    /// As for [`QueryTerm::idf`].
    pub idf: f32,
}

impl QueryTerm {
    /// The weight of the term in the phrase. It grows with the square root of the count, because a long
    /// phrase repeats both its subject and other words.
    pub fn weight(&self) -> f32 {
        self.idf * (self.count as f32).sqrt()
    }

    /// The index terms that show in a text why it matches.
    pub fn shown(&self) -> impl Iterator<Item = &str> {
        let parts = self.sequences.iter().flatten().map(String::as_str);
        self.matches.iter().map(String::as_str).chain(parts.filter(|part| !STOP_WORDS.contains(part)))
    }
}

/// The idf of every index term that the phrase matches. Snippets highlight these terms.
pub fn term_weights(terms: &[QueryTerm]) -> HashMap<&str, f32> {
    terms.iter().flat_map(|term| term.shown().map(|text| (text, term.idf))).collect()
}
