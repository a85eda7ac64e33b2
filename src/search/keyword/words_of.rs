//! The words of an index, whatever stores its questions.

use tantivy::DocId;

#[cfg(any(test, feature = "milvus"))]
use super::candidate_words::CandidateWords;
use super::frequencies::Frequencies;
use super::occurrences::Occurrences;
use super::postings::Lengths;
use super::segment_words::SegmentWords;
use super::words::Words;
use crate::analyze::Token;
use crate::index::{FIELDS, FieldWeights, Index, Store};
use crate::search::typo::TypoAutomaton;

/// Where the words of a phrase are looked up.
pub enum WordsOf<'a> {
    Segments(SegmentWords<'a>),
    #[cfg(any(test, feature = "milvus"))]
    Candidates(CandidateWords<'a>),
}

/// Calls a function of whichever of the two it is.
macro_rules! either {
    ($words:ident, $call:expr, $self:expr) => {
        match $self {
            Self::Segments($words) => $call,
            #[cfg(any(test, feature = "milvus"))]
            Self::Candidates($words) => $call,
        }
    };
}

impl Words for WordsOf<'_> {
    fn beginning_with(&self, prefix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
        either!(words, words.beginning_with(prefix, limit), self)
    }

    fn ending_with(&self, suffix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
        either!(words, words.ending_with(suffix, limit), self)
    }

    fn contains(&self, term: &str) -> tantivy::Result<bool> {
        either!(words, words.contains(term), self)
    }

    fn accepted_by(&self, automaton: &TypoAutomaton) -> tantivy::Result<Vec<String>> {
        either!(words, words.accepted_by(automaton), self)
    }

    fn occurrences(&self, terms: &[(&str, f32)]) -> tantivy::Result<Vec<Occurrences>> {
        either!(words, words.occurrences(terms), self)
    }

    fn count(&self, terms: &[String], occurrences: &[Occurrences]) -> usize {
        either!(words, words.count(terms, occurrences), self)
    }

    fn sequence(&self, parts: &[Token]) -> tantivy::Result<Frequencies> {
        either!(words, words.sequence(parts), self)
    }

    fn segments(&self) -> u32 {
        either!(words, words.segments(), self)
    }

    fn documents(&self, segment: u32) -> DocId {
        either!(words, words.documents(segment), self)
    }

    fn is_alive(&self, segment: u32, doc: DocId) -> bool {
        either!(words, words.is_alive(segment, doc), self)
    }

    fn lengths(&self, segment: u32) -> tantivy::Result<Lengths<'_>> {
        either!(words, words.lengths(segment), self)
    }
}

impl<'a> WordsOf<'a> {
    /// The words of an index. `mean_lengths` are those of its fields.
    pub fn open(index: &'a Index, mean_lengths: [f32; FIELDS]) -> Self {
        match index.store() {
            Store::Local(local) => Self::Segments(SegmentWords {
                searcher: local.searcher(),
                fields: index.fields(),
                weights: FieldWeights::new(mean_lengths),
                counts: local.counts(),
            }),
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => {
                let weights = FieldWeights::new(mean_lengths);
                Self::Candidates(CandidateWords::new(candidates, weights))
            }
        }
    }
}
