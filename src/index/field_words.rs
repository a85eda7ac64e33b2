//! The words of one question, as the index counts them.

use std::collections::{BTreeMap, BTreeSet};

use tantivy::fieldnorm::FieldNormReader;
use xxhash_rust::xxh3::xxh3_64;

use super::bm25::{FIELDS, FieldWeights};
use super::document::{language, reversed_words};
use crate::analyze::{Language, Token, tokens_in};
use crate::question::Question;

/// The words of a question: what a tantivy segment stores of it, without positions.
pub(crate) struct FieldWords {
    /// How often the title, the alternative titles and the answer contain each term.
    pub counts: BTreeMap<String, [u32; FIELDS]>,
    /// The number of terms of each field.
    pub lengths: [u32; FIELDS],
    /// The stems of long words, written backwards, in a language with compounds.
    pub reversed: BTreeSet<String>,
    /// The language that it was analyzed in.
    pub language: Language,
}

impl FieldWords {
    pub fn of(question: &Question) -> Self {
        let answer = question.readable_answer();
        let language = language(question, &answer);
        let mut words =
            Self { counts: BTreeMap::new(), lengths: [0; FIELDS], reversed: BTreeSet::new(), language };
        words.add(0, &question.title);
        question.also.iter().for_each(|also| words.add(1, also));
        words.add(2, &answer);
        if language.is_compounding() {
            words.reversed = reversed_words(question, &answer, language);
        }
        words
    }

    fn add(&mut self, field: usize, text: &str) {
        for term in tokens_in(text, &[self.language]).iter().flat_map(Token::terms) {
            self.lengths[field] += 1;
            match self.counts.get_mut(term) {
                Some(counts) => counts[field] += 1,
                None => {
                    let mut counts = [0; FIELDS];
                    counts[field] = 1;
                    self.counts.insert(term.to_owned(), counts);
                }
            }
        }
    }

    /// The lengths as tantivy rounds and stores them.
    pub fn rounded_lengths(&self) -> [u8; FIELDS] {
        self.lengths.map(FieldNormReader::fieldnorm_to_id)
    }

    /// The frequency of each term before saturation, weighted by field and field length, ordered by the hash of the term.
    /// Two terms with one hash count as one.
    pub fn frequencies(&self, weights: &FieldWeights) -> Vec<(u32, f32)> {
        let lengths = self.rounded_lengths();
        let weight: [f32; FIELDS] = std::array::from_fn(|field| weights.of(field, lengths[field]));
        let mut frequencies: Vec<(u32, f32)> = self
            .counts
            .iter()
            .map(|(term, counts)| {
                let frequency = counts.iter().zip(weight).map(|(count, weight)| *count as f32 * weight).sum();
                (term_hash(term), frequency)
            })
            .collect();
        frequencies.sort_by_key(|(hash, _)| *hash);
        frequencies.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 = kept.1.max(next.1);
            }
            is_same
        });
        frequencies
    }
}

/// The hash of a term, of 31 bits: the dimensions that a sparse vector may have in other systems.
///
/// A question of 500 different terms contains the hash of a word that it does not contain with a probability of 500 / 2³¹,
/// one in four million. Then it counts as containing the word.
pub(crate) fn term_hash(term: &str) -> u32 {
    (xxh3_64(term.as_bytes()) >> 33) as u32
}
