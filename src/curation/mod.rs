//! What the owner of an index adds to its searches without changing a document: synonyms and pins.
//!
//! `synonyms.toml` has words that mean the same, and `pins.toml` the questions that come first for a phrase. Both are in
//! the index directory, or where [`CurationFiles`] says. They are read when an index is opened, and are no part of a
//! commit, so that a change needs no update of the index.
//!
//! They are two files because synonyms belong to a language or a trade, so that several indexes can share them, and pins
//! name the questions of one index.

mod document;
mod files;
mod latest;
mod pins;
mod rules;
mod synonyms;

use std::sync::Arc;

use crate::analyze::Language;
use latest::Latest;
use rules::Rules;

pub use document::CurationError;
pub use files::{CurationFiles, CurationStamp, PINS, SYNONYMS};
pub use pins::{DEFAULT_MEANING, Pin, Pins};
pub use rules::{Expansion, Fired, titles, variants};
pub use synonyms::{Direction, Synonym, Synonyms};

/// The synonyms and pins of an index.
#[derive(Debug, Default)]
pub struct Curation {
    /// The words that mean the same.
    pub synonyms: Synonyms,
    /// The questions that come first for a phrase.
    pub pins: Pins,
    /// The synonyms for the languages of an index.
    rules: Latest<Vec<Language>, Rules>,
    /// The vectors of the phrases of [`Pins::by_meaning`], by the fingerprint of the model.
    vectors: Latest<String, Vec<Vec<f32>>>,
}

impl Curation {
    /// Synonyms and pins, of which either can be empty.
    pub fn new(synonyms: Synonyms, pins: Pins) -> Self {
        Self { synonyms, pins, ..Self::default() }
    }

    /// Whether there are neither synonyms nor pins.
    pub fn is_empty(&self) -> bool {
        self.synonyms.entries().is_empty() && self.pins.entries().is_empty()
    }

    /// The synonyms that a phrase contains, in its order, in an index with questions in these languages. Of several that
    /// overlap, the first counts, and of those the longest.
    pub fn fired(&self, phrase: &str, languages: &[Language]) -> Vec<Fired> {
        if self.synonyms.entries().is_empty() {
            return Vec::new();
        }
        let make = || Ok::<_, std::convert::Infallible>(Rules::new(&self.synonyms, languages));
        let Ok(rules) = self.rules.get(languages.to_vec(), make);
        rules.fired(&self.synonyms, phrase)
    }

    /// The vectors of the phrases of [`Pins::by_meaning`], in that order. `embed` computes them for the model with this
    /// fingerprint, once.
    ///
    /// # Errors
    /// Those of `embed`.
    pub fn pin_vectors<E>(
        &self,
        fingerprint: &str,
        embed: impl FnOnce() -> Result<Vec<Vec<f32>>, E>,
    ) -> Result<Arc<Vec<Vec<f32>>>, E> {
        self.vectors.get(fingerprint.to_owned(), embed)
    }
}
