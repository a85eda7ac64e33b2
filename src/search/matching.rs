//! The documents that match a query: all of them, not only the best.

use std::ops::Range;

use rayon::prelude::*;
use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, DocAddress, DocId, Term};

use super::filter::Allowed;
use super::query::Filters;
use crate::index::{Index, QUESTION, Quantized, Vectors, is_panic_caught, panics_caught};

/// So many documents are compared with a phrase by one thread at a time.
const RANGE: usize = 8_192;

/// The documents that match a query, as one set per segment.
pub struct Matching {
    sets: Vec<BitSet>,
    count: u64,
}

impl Matching {
    pub fn none(index: &Index) -> Self {
        let segments = index.vectors().iter();
        let sets = segments.map(|segment| BitSet::with_max_value(segment.document_count())).collect();
        Self { sets, count: 0 }
    }

    /// All questions that match filters.
    ///
    /// # Errors
    /// - An item of `exact` or `without` has no words.
    /// - The index is damaged.
    pub fn all(index: &Index, filters: &Filters) -> anyhow::Result<Self> {
        let allowed = Allowed::new(index, filters)?;
        let kind = index.fields().kind;
        let mut matching = Self::none(index);
        for (ord, segment) in (0..).zip(index.searcher()?.segment_readers()) {
            let questions = segment
                .inverted_index(kind)?
                .read_block_postings(&Term::from_field_text(kind, QUESTION), IndexRecordOption::Basic)?;
            let Some(mut questions) = questions else { continue };
            while !questions.docs().is_empty() {
                let is_allowed =
                    |doc: &&DocId| !segment.is_deleted(**doc) && allowed.contains(ord as usize, **doc);
                let docs = questions.docs().iter().filter(is_allowed);
                docs.for_each(|doc| matching.insert(DocAddress::new(ord, *doc)));
                questions.advance();
            }
        }
        Ok(matching)
    }

    pub fn insert(&mut self, address: DocAddress) {
        let is_new = self.sets[address.segment_ord as usize].insert(address.doc_id);
        self.count += u64::from(is_new);
    }

    pub fn contains(&self, segment: usize, doc: DocId) -> bool {
        self.sets[segment].contains(doc)
    }

    /// The number of documents.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// The cosine of a phrase and the nearest row of each document of each segment. -∞ for documents that have no rows or are
/// deleted.
pub fn all_cosines(index: &Index, phrase: &Quantized) -> Vec<Vec<f32>> {
    let is_caught = is_panic_caught();
    let of_segment = |(ord, vectors): (u32, &Vectors)| {
        let cosine = |doc| match index.is_alive(DocAddress::new(ord, doc)) {
            true => vectors.cosine(doc, phrase).unwrap_or(f32::NEG_INFINITY),
            false => f32::NEG_INFINITY,
        };
        let of_range =
            |range: &Range<DocId>| panics_caught(is_caught, || range.clone().map(cosine).collect());
        let documents = vectors.document_count();
        let ranges = (0..documents).step_by(RANGE).map(|start| start..documents.min(start + RANGE as DocId));
        let ranges: Vec<Range<DocId>> = ranges.collect();
        let cosines: Vec<Vec<f32>> = match ranges.as_slice() {
            [only] => vec![of_range(only)],
            several => several.par_iter().map(of_range).collect(),
        };
        cosines.concat()
    };
    (0..).zip(index.vectors()).map(of_segment).collect()
}
