//! The questions that one search may find, with the statistics of all questions.

use std::sync::{Arc, OnceLock};

use anyhow::Context;
use tantivy::{DocAddress, DocId};

use super::dictionary::Dictionary;
use super::rows::Row;
use crate::analyze::Language;
use crate::question::Question;
pub(crate) use crate::title::title_hash;

/// The statistics of all questions of a corpus.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// The number of questions.
    pub questions: u64,
    /// As in [`Statistics`](super::Statistics).
    pub mean_lengths: [f32; 3],
    /// The languages of the questions, in their order.
    pub languages: Arc<[Language]>,
    /// The terms of all questions.
    pub dictionary: Dictionary,
    /// The mean of all vectors, and their number.
    pub mean: (Vec<f32>, u64),
    /// The mean of the vectors of phrasings, and their number.
    pub centre: (Vec<f32>, u64),
}

/// A question that a search may find, without its text.
pub(crate) struct CandidateDocument {
    /// The id and the key, by which a pin names it.
    pub id: String,
    pub key: String,
    /// As from [`FieldWords::frequencies`](super::field_words::FieldWords::frequencies).
    pub words: Vec<(u32, f32)>,
    /// The hash of the [`title_key`](crate::title::title_key) of each title.
    pub title_keys: Vec<u64>,
    pub language: Language,
    /// The number of terms of the title.
    pub title_length: u32,
    pub has_also: bool,
    /// As in [`Fields`](super::Fields).
    pub date: Option<i64>,
    /// As in [`Fields`](super::Fields).
    pub score: Option<f64>,
    pub rows: Vec<Row>,
    /// What facets count. Empty unless the search requests facets.
    pub values: FacetValues,
    /// Whether it does not match the filters of the search. A pin may name such a question.
    pub is_outside: bool,
}

/// The values of a question that facets count.
#[derive(Default)]
pub(crate) struct FacetValues {
    /// In lower case, as the level and the tags. Empty if there is none.
    pub section: String,
    pub level: String,
    pub tags: Vec<String>,
    /// The path of the file.
    pub path: String,
}

/// Reads the questions of some candidates.
pub(crate) type ReadQuestions = dyn Fn(&[DocId]) -> anyhow::Result<Vec<Question>> + Send + Sync;

/// The questions that one search may find.
pub(crate) struct Candidates {
    corpus: Arc<Corpus>,
    documents: Vec<CandidateDocument>,
    questions: Vec<OnceLock<Question>>,
    read: Box<ReadQuestions>,
}

impl Candidates {
    /// Candidates without their questions, which are read when they are needed.
    pub fn new(corpus: Arc<Corpus>, documents: Vec<CandidateDocument>, read: Box<ReadQuestions>) -> Self {
        let questions = documents.iter().map(|_| OnceLock::new()).collect();
        Self { corpus, documents, questions, read }
    }

    /// The statistics of all questions.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The candidates. Their documents are numbered in this order, in one segment.
    pub fn documents(&self) -> &[CandidateDocument] {
        &self.documents
    }

    /// Reads the questions of candidates that will be needed, at once.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn prepare(&self, documents: impl IntoIterator<Item = DocId>) -> anyhow::Result<()> {
        let is_missing = |doc: &DocId| self.questions[*doc as usize].get().is_none();
        let missing: Vec<DocId> = documents.into_iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for (doc, question) in missing.iter().zip((self.read)(&missing)?) {
            // Another thread may have read it.
            self.questions[*doc as usize].set(question).ok();
        }
        Ok(())
    }

    /// The question of a candidate.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn question(&self, doc: DocId) -> anyhow::Result<&Question> {
        self.prepare([doc])?;
        self.questions[doc as usize].get().context("the question of a candidate was not sent")
    }

    /// The candidates with an id, or else with a key, in order.
    pub fn named(&self, name: &str) -> Vec<DocAddress> {
        let find = |of: fn(&CandidateDocument) -> &str| {
            let found = (0..).zip(&self.documents).filter(|(_, document)| of(document) == name);
            found.map(|(doc, _)| DocAddress::new(0, doc)).collect::<Vec<_>>()
        };
        let by_id = find(|document| &document.id);
        if by_id.is_empty() && !name.is_empty() { find(|document| &document.key) } else { by_id }
    }

    /// The candidates with this title key, in order.
    pub fn same_title(&self, key: &str) -> Vec<DocAddress> {
        let hash = title_hash(key);
        let has_key = |document: &CandidateDocument| document.title_keys.contains(&hash);
        let found = (0..).zip(&self.documents).filter(|(_, document)| has_key(document));
        found.map(|(doc, _)| DocAddress::new(0, doc)).collect()
    }
}
