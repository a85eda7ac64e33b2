//! The documents of a segment that contain a term, and how much its occurrences count.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::BlockSegmentPostings;
use tantivy::{DocId, TERMINATED};

use crate::index::{FIELDS, FieldWeights};

/// The lengths of the searched fields of the documents of a segment.
pub struct Lengths<'a> {
    pub norms: [FieldNormReader; FIELDS],
    /// The number of documents of the segment, also of deleted ones.
    pub documents: DocId,
    pub weights: &'a FieldWeights,
}

impl Lengths<'_> {
    /// How much `count` occurrences in a field of a document count.
    pub fn frequency(&self, field: usize, doc: DocId, count: u32) -> f32 {
        count as f32 * self.weights.of(field, self.norms[field].fieldnorm_id(doc))
    }
}

/// The documents that contain a term in one field.
#[derive(Clone)]
pub struct Postings {
    pub field: usize,
    pub block: BlockSegmentPostings,
    /// The position in the block.
    at: usize,
}

impl Postings {
    /// The current document; [`TERMINATED`] at the end.
    pub fn doc(&self) -> DocId {
        self.block.docs().get(self.at).copied().unwrap_or(TERMINATED)
    }

    /// The number of occurrences in the current document.
    pub fn count(&self) -> u32 {
        self.block.freq(self.at)
    }

    /// Moves to the first document that is not before `doc`.
    pub fn seek(&mut self, doc: DocId) {
        if self.doc() < doc {
            self.at = self.block.seek(doc);
        }
    }

    /// Calls `each` for the documents from the current one to `end`, with the number of occurrences.
    pub fn for_each_before(&mut self, end: DocId, mut each: impl FnMut(DocId, u32)) {
        loop {
            let Some(docs) = self.block.docs().get(self.at..).filter(|docs| !docs.is_empty()) else {
                return;
            };
            let before = match docs[docs.len() - 1] < end {
                true => docs.len(),
                false => docs.partition_point(|doc| *doc < end),
            };
            let counts = &self.block.freqs()[self.at..self.at + before];
            docs[..before].iter().zip(counts).for_each(|(doc, count)| each(*doc, *count));
            if before < docs.len() {
                self.at += before;
                return;
            }
            self.block.advance();
            self.at = 0;
        }
    }
}

/// The documents that contain an index term.
#[derive(Clone)]
pub struct TermPostings {
    /// How much an occurrence counts.
    pub factor: f32,
    pub fields: Vec<Postings>,
}

impl TermPostings {
    /// `fields` are the postings in each field that contains the term.
    pub fn new(factor: f32, fields: impl IntoIterator<Item = (usize, BlockSegmentPostings)>) -> Self {
        let fields = fields.into_iter().map(|(field, block)| Postings { field, block, at: 0 }).collect();
        Self { factor, fields }
    }
}
