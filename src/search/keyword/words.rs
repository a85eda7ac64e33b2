//! What keyword search asks of what stores the questions.

use tantivy::DocId;

use super::frequencies::Frequencies;
use super::occurrences::Occurrences;
use super::postings::Lengths;
use crate::analyze::Token;
use crate::search::typo::TypoAutomaton;

/// What keyword search asks of what stores the questions. A search is compiled for each implementation, so that nothing
/// is dispatched at run time.
///
/// Documents are numbered within segments. The occurrences of a word are a list per segment.
pub trait Words: Sync {
    /// The index terms that begin with a prefix, in no particular order. At most about `limit`.
    ///
    /// # Errors
    /// The index is damaged. The same holds for the other functions.
    fn beginning_with(&self, prefix: &str, limit: usize) -> tantivy::Result<Vec<String>>;

    /// The long words of languages with compounds that end with this, in no particular order. At most about `limit`.
    fn ending_with(&self, suffix: &str, limit: usize) -> tantivy::Result<Vec<String>>;

    /// Whether some question contains an index term.
    fn contains(&self, term: &str) -> tantivy::Result<bool>;

    /// The index terms that an automaton accepts, in no particular order.
    fn accepted_by(&self, automaton: &TypoAutomaton) -> tantivy::Result<Vec<String>>;

    /// The occurrences of index terms that stand for one word. An occurrence of each counts by a factor.
    fn occurrences(&self, terms: &[(&str, f32)]) -> tantivy::Result<Vec<Occurrences>>;

    /// The number of questions with any of the terms, whose occurrences are given.
    fn count(&self, terms: &[String], occurrences: &[Occurrences]) -> usize;

    /// The documents with these tokens in sequence in one of their fields.
    fn sequence(&self, parts: &[Token]) -> tantivy::Result<Frequencies>;

    /// The number of segments.
    fn segments(&self) -> u32;

    /// The number of documents of a segment, also of deleted ones.
    fn documents(&self, segment: u32) -> DocId;

    /// Whether a document is a question that was not deleted.
    fn is_alive(&self, segment: u32, doc: DocId) -> bool;

    /// The lengths of the fields of the documents of a segment.
    fn lengths(&self, segment: u32) -> tantivy::Result<Lengths<'_>>;
}
