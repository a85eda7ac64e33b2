//! The vectors of an index: a tantivy segment component, and exact nearest-neighbour search in it.
//!
//! The component is written, merged, deleted and committed together with the documents that its vectors
//! belong to. Each segment has one file (extension [`EXTENSION`]), little-endian, in this order:
//!
//! | what | size |
//! |---|---|
//! | magic `rqsv`, format, dimensions, documents, rows | 5 × u32 |
//! | first row of each document, and the number of rows | (documents + 1) × u32 |
//! | of each row: hash of its text, its [`Passage`], its scale | rows × (u64, 2 × u32, f32) |
//! | of each row: the elements of its vector | rows × dimensions × i8 |
//! | in a segment of [many rows](codes::LEAST_ROWS): the mean of the vectors | dimensions × f32 |
//! | and the [codes] of the rows | in blocks of [`codes::LANES`] rows |
//!
//! An element of a vector is its 8-bit integer times the scale of its row. Vectors have length one, so their
//! dot product is their cosine, exact to about ±0.002.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use tantivy::directory::OwnedBytes;
use tantivy::index::SegmentComponent;
use tantivy::{DocId, SegmentReader};

use super::codes::{self, CodePhrase, Codes};
use super::greatest::Greatest;
use super::quantized::{Quantized, RowView};
use super::rows::{ROW_HEADER, decode_passage, scale_in, u32_at};
#[cfg(any(test, feature = "milvus"))]
use super::rows::{Row, encode_header};
use crate::chunk::Passage;

/// The file extension of the component.
pub const EXTENSION: &str = "rqsv";

pub const MAGIC: [u8; 4] = *b"rqsv";
pub const FORMAT: u32 = 2;
const HEADER: usize = 20;

/// Below this many rows, one thread finishes before a second one would start.
pub(super) const PARALLEL_ROWS: usize = 16_384;

/// The vectors of one segment, in the mapped file.
#[derive(Clone)]
pub struct Vectors {
    bytes: OwnedBytes,
    dimensions: usize,
    documents: usize,
    rows: usize,
}

impl Vectors {
    /// Opens the vectors of a segment.
    ///
    /// # Errors
    /// The component is missing, truncated, or has another format.
    pub fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let bytes = segment.open_read(SegmentComponent::Custom(EXTENSION.into()))?.read_bytes()?;
        if bytes.len() < HEADER || bytes[..4] != MAGIC {
            return Err(corrupt("not a vector component"));
        }
        let [format, dimensions, documents, rows] = [4, 8, 12, 16].map(|at| u32_at(&bytes, at) as usize);
        if format != FORMAT as usize {
            return Err(corrupt(&format!(
                "format {format} is not readable by this version (reads {FORMAT})"
            )));
        }
        // No overflow: each number has at most 32 bits.
        let expected = HEADER as u128
            + 4 * (documents as u128 + 1)
            + rows as u128 * (ROW_HEADER as u128 + dimensions as u128);
        let is_expected =
            [expected, expected + codes::size(dimensions, rows)].contains(&(bytes.len() as u128));
        if !is_expected || documents != segment.max_doc() as usize {
            return Err(corrupt("the component's length does not match its header"));
        }
        Ok(Self { bytes, dimensions, documents, rows })
    }

    /// The component of a segment whose documents have these rows.
    #[cfg(any(test, feature = "milvus"))]
    pub(super) fn in_memory<'a>(
        dimensions: usize,
        documents: impl Iterator<Item = &'a [Row]> + Clone,
    ) -> Self {
        let rows: usize = documents.clone().map(<[Row]>::len).sum();
        let count = documents.clone().count();
        let mut bytes = Vec::with_capacity(HEADER + 4 * (count + 1) + rows * (ROW_HEADER + dimensions));
        bytes.extend(MAGIC);
        for number in [FORMAT as usize, dimensions, count, rows] {
            bytes.extend((number as u32).to_le_bytes());
        }
        let mut start = 0_u32;
        bytes.extend(start.to_le_bytes());
        for rows in documents.clone() {
            start += rows.len() as u32;
            bytes.extend(start.to_le_bytes());
        }
        documents.clone().flatten().for_each(|row| encode_header(row, &mut bytes));
        documents
            .flatten()
            .for_each(|row| bytes.extend_from_slice(bytemuck::cast_slice(&row.vector.numbers)));
        Self { bytes: OwnedBytes::new(bytes), dimensions, documents: count, rows }
    }

    /// The number of rows, including those of deleted documents.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// The number of documents, including deleted ones.
    pub fn document_count(&self) -> DocId {
        self.documents as DocId
    }

    /// The rows of a document.
    pub fn rows_of(&self, doc: DocId) -> Range<usize> {
        let at = HEADER + 4 * doc as usize;
        let (start, end) = (u32_at(&self.bytes, at) as usize, u32_at(&self.bytes, at + 4) as usize);
        // Offsets in a damaged file must not give a range out of bounds.
        start.min(self.rows)..end.clamp(start.min(self.rows), self.rows)
    }

    fn headers_at(&self) -> usize {
        HEADER + 4 * (self.documents + 1)
    }

    pub(super) fn header_bytes(&self, rows: Range<usize>) -> &[u8] {
        let at = self.headers_at();
        &self.bytes[at + rows.start * ROW_HEADER..at + rows.end * ROW_HEADER]
    }

    pub(super) fn numbers_of(&self, rows: Range<usize>) -> &[i8] {
        let at = self.headers_at() + self.rows * ROW_HEADER;
        bytemuck::cast_slice(&self.bytes[at + rows.start * self.dimensions..at + rows.end * self.dimensions])
    }

    /// The part of the question that a row was embedded from.
    pub fn passage(&self, row: usize) -> Passage {
        let headers = self.header_bytes(row..row + 1);
        decode_passage(u32_at(headers, 8), u32_at(headers, 12))
    }

    fn scale(&self, row: usize) -> f32 {
        scale_in(self.header_bytes(row..row + 1))
    }

    /// The codes of the rows. `None` if the segment was written without.
    pub(super) fn codes(&self) -> Option<Codes<'_>> {
        let at = self.headers_at() + self.rows * (ROW_HEADER + self.dimensions);
        (at < self.bytes.len()).then(|| Codes::new(&self.bytes[at..], self.dimensions))
    }

    /// The text hashes of all rows, in row order.
    pub fn hashes(&self) -> impl Iterator<Item = u64> + '_ {
        self.header_bytes(0..self.rows)
            .chunks_exact(ROW_HEADER)
            .map(|headers| u64::from_le_bytes(headers[..8].try_into().expect("eight bytes")))
    }

    /// The text hash of a row.
    pub fn hash(&self, row: usize) -> u64 {
        let headers = self.header_bytes(row..row + 1);
        u64::from_le_bytes(headers[..8].try_into().expect("eight bytes"))
    }

    /// The vector of a row, borrowed.
    pub fn view(&self, row: usize) -> RowView<'_> {
        RowView { scale: self.scale(row), numbers: self.numbers_of(row..row + 1) }
    }

    /// The vector of a row, copied.
    pub fn row(&self, row: usize) -> Quantized {
        Quantized { scale: self.scale(row), numbers: self.numbers_of(row..row + 1).to_vec() }
    }

    /// The cosine of the query and the nearest row of a document; `None` if the document has no rows.
    pub fn cosine(&self, doc: DocId, query: &Quantized) -> Option<f32> {
        self.highest(doc, |row| self.row_cosine(row, query))
    }

    /// The highest `cosine` of the rows of a document; `None` if the document has no rows.
    pub fn highest(&self, doc: DocId, cosine: impl Fn(usize) -> f32) -> Option<f32> {
        self.rows_of(doc).map(cosine).max_by(f32::total_cmp)
    }

    /// The row of a document with the highest `cosine`, and its cosine; the first of equally near rows. `None` if the
    /// document has no rows.
    pub fn nearest_row(&self, doc: DocId, cosine: impl Fn(usize) -> f32) -> Option<(usize, f32)> {
        let rows = self.rows_of(doc).map(|row| (row, cosine(row)));
        rows.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    /// The phrasing (title or alternative title) of a document that is nearest to the query: its row and its
    /// cosine; the first of equally near ones. `None` if the document has no rows of phrasings.
    pub fn nearest_phrasing(&self, doc: DocId, query: &Quantized) -> Option<(usize, f32)> {
        let phrasings = self.rows_of(doc).filter(|row| self.passage(*row).asks());
        let rows = phrasings.map(|row| (row, self.row_cosine(row, query)));
        rows.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    /// The passage of a document's answer that is nearest to the query, as a byte range; `None` if the answer
    /// has no rows.
    pub fn nearest_passage(&self, doc: DocId, query: &Quantized) -> Option<Range<u32>> {
        let answers = self.rows_of(doc).filter_map(|row| match self.passage(row) {
            Passage::Answer(range) => Some((self.row_cosine(row, query), range)),
            Passage::Title | Passage::Also(_) => None,
        });
        // The first of equally near ones; `max_by` would return the last.
        answers.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, range)| range)
    }

    /// The cosine of the query and a row.
    pub fn row_cosine(&self, row: usize, query: &Quantized) -> f32 {
        query.cosine(self.scale(row), self.numbers_of(row..row + 1))
    }

    /// The `limit` documents with the highest cosines among those for which `allowed` is true: nearest first, equally
    /// near ones in document order. `cosine` is that of a row; the cosine of a document is the highest of its rows.
    ///
    /// The search is exact: it computes the cosine of every row, and needs no index structure or tuning. On one thread
    /// it takes about 30 ns per row of 384 dimensions.
    pub fn nearest(
        &self,
        limit: usize,
        allowed: impl Fn(DocId) -> bool + Sync,
        cosine: impl Fn(usize) -> f32 + Sync,
    ) -> Vec<Near> {
        self.greatest(limit, |documents| {
            let mut nearest = Greatest::new(limit);
            for doc in documents.filter(|doc| allowed(*doc)) {
                if let Some(cosine) = self.highest(doc, &cosine) {
                    nearest.push(Near { cosine, doc });
                }
            }
            nearest
        })
    }

    /// Estimates the cosines of some documents from the [codes], and passes those that are allowed and whose estimates are
    /// greater than the return value of the last call of `found`, and than `floor` at the time.
    pub(super) fn estimate(
        &self,
        documents: Range<DocId>,
        codes: &Codes<'_>,
        phrase: &CodePhrase,
        allowed: impl Fn(DocId) -> bool,
        floor: impl Fn() -> f32,
        mut found: impl FnMut(Near) -> f32,
    ) {
        /// The estimates of so many documents stay in the fastest cache.
        const BLOCK: usize = 512;
        let (mut estimates, mut least) = (Vec::new(), f32::NEG_INFINITY);
        for start in documents.clone().step_by(BLOCK) {
            let block = start..documents.end.min(start + BLOCK as DocId);
            let first = self.rows_of(block.start).start;
            let end = self.rows_of(block.end - 1).end.max(first);
            let at = codes.estimate(first..end, phrase, &mut estimates);
            let estimates = &estimates[at..at + end - first];
            least = least.max(floor());
            let mut row = 0;
            // Few rows are above the threshold, so that a document is looked up for these only.
            while let Some(next) = first_above(&estimates[row..], least) {
                row += next;
                let doc = self.document_of(first + row, block.clone());
                let end = self.rows_of(doc).end.saturating_sub(first).clamp(row + 1, estimates.len());
                let cosine = estimates[row..end].iter().copied().fold(f32::NEG_INFINITY, f32::max);
                if allowed(doc) {
                    least = least.max(found(Near { cosine, doc }));
                }
                row = end;
            }
        }
    }

    /// The document with a row, among some documents that have it.
    fn document_of(&self, row: usize, documents: Range<DocId>) -> DocId {
        let (mut first, mut end) = (documents.start, documents.end);
        while end - first > 1 {
            let middle = first + (end - first) / 2;
            if self.rows_of(middle).start <= row { first = middle } else { end = middle }
        }
        first
    }

    /// Joins the nearest documents of ranges, which are computed on all cores if there are many rows.
    fn greatest(
        &self,
        limit: usize,
        nearest_in: impl Fn(Range<DocId>) -> Greatest<Near> + Sync,
    ) -> Vec<Near> {
        let documents = self.document_count();
        if self.rows < PARALLEL_ROWS {
            return nearest_in(0..documents).into_sorted();
        }
        let block = (documents as usize).div_ceil(rayon::current_num_threads() * 4).max(1);
        (0..documents)
            .step_by(block)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|start| nearest_in(start..documents.min(start + block as DocId)))
            .reduce(|| Greatest::new(limit), Greatest::joined)
            .into_sorted()
    }
}

/// The position of the first number that is greater than `least`.
fn first_above(numbers: &[f32], least: f32) -> Option<usize> {
    /// So many numbers are compared by a few instructions.
    const FEW: usize = 32;
    let is_above = |number: &f32| *number > least;
    let few = numbers.chunks(FEW).position(|few| few.iter().fold(false, |any, x| any | is_above(x)))?;
    Some(few * FEW + numbers[few * FEW..].iter().position(is_above)?)
}

/// A document and its cosine with the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The cosine of the query and the document's nearest row.
    pub cosine: f32,
    /// The document within its segment.
    pub doc: DocId,
}

impl Eq for Near {}

impl Ord for Near {
    /// The nearer document is greater; of equally near ones, the earlier document.
    fn cmp(&self, other: &Self) -> Ordering {
        self.cosine.total_cmp(&other.cosine).then(other.doc.cmp(&self.doc))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The vectors of every segment of a searcher, in segment order. Segments with vectors have vectors of
/// `dimensions` elements.
///
/// # Errors
/// The component of a segment is missing or damaged, or its vectors are of another model.
pub fn open_all(searcher: &tantivy::Searcher, dimensions: usize) -> tantivy::Result<Arc<[Vectors]>> {
    let open = |segment: &SegmentReader| {
        let vectors = Vectors::open(segment)?;
        if vectors.rows > 0 && vectors.dimensions != dimensions {
            return Err(corrupt(&format!(
                "{} dimensions, but the model of the index has {dimensions}",
                vectors.dimensions
            )));
        }
        Ok(vectors)
    };
    searcher.segment_readers().iter().map(open).collect()
}

fn corrupt(what: &str) -> tantivy::TantivyError {
    tantivy::error::DataCorruption::comment_only(format!("vectors: {what}")).into()
}
