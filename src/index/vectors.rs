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

use std::any::Any;
use std::cmp::Ordering;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use anyhow::ensure;
use rayon::prelude::*;
use simsimd::SpatialSimilarity;
use tantivy::directory::OwnedBytes;
use tantivy::index::SegmentComponent;
use tantivy::indexer::DocIdMapping;
use tantivy::plugin::{PluginMergeContext, PluginWriter, PluginWriterContext, SegmentPlugin};
use tantivy::schema::document::ErasedDocument;
use tantivy::schema::{Field, FieldType, Schema, Value};
use tantivy::{DocId, Segment, SegmentReader, TantivyDocument};

use super::codes::{self, CodePhrase, Codes};
use super::greatest::Greatest;
use crate::chunk::Passage;
use crate::embed::ModelInfo;

/// The file extension of the component.
pub const EXTENSION: &str = "rqsv";

const MAGIC: [u8; 4] = *b"rqsv";
const FORMAT: u32 = 2;
const HEADER: usize = 20;
/// Bytes of a row without the elements of its vector.
const ROW_HEADER: usize = 20;

/// Below this many rows, one thread finishes before a second one would start.
pub(super) const PARALLEL_ROWS: usize = 16_384;

/// A vector of length one, quantized to 8 bits per element.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// The value of one quantization step.
    pub scale: f32,
    /// The elements, in steps of [`scale`](Self::scale).
    pub numbers: Vec<i8>,
}

impl From<&[f32]> for Quantized {
    fn from(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        Self { scale, numbers: vector.iter().map(|x| (x / scale).round() as i8).collect() }
    }
}

impl Quantized {
    /// Quantizes a vector that a model returned.
    ///
    /// # Errors
    /// The vector does not have the dimensions of the model, or an element is not a finite number.
    pub fn of(vector: &[f32], model: &ModelInfo) -> anyhow::Result<Self> {
        ensure!(
            vector.len() == model.dimensions,
            "the model {} returned a vector of {} dimensions instead of {}",
            model.name,
            vector.len(),
            model.dimensions
        );
        ensure!(
            vector.iter().all(|x| x.is_finite()),
            "the model {} returned a vector with an element that is not a finite number",
            model.name
        );
        Ok(Self::from(vector))
    }

    /// Borrows the vector as a row.
    pub fn view(&self) -> RowView<'_> {
        RowView { scale: self.scale, numbers: &self.numbers }
    }

    /// The elements, with the precision of 8 bits.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.numbers.iter().map(|number| f32::from(*number) * self.scale)
    }

    /// The cosine with a row.
    fn cosine(&self, scale: f32, numbers: &[i8]) -> f32 {
        dot(&self.numbers, numbers) * self.scale * scale
    }
}

/// The vector of a row, borrowed from the mapped file.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    scale: f32,
    numbers: &'a [i8],
}

impl RowView<'_> {
    /// The elements, with the precision of 8 bits.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.numbers.iter().map(|number| f32::from(*number) * self.scale)
    }

    /// The cosine with another row of the same model.
    pub fn cosine(&self, other: &RowView<'_>) -> f32 {
        dot(self.numbers, other.numbers) * self.scale * other.scale
    }
}

fn dot(one: &[i8], two: &[i8]) -> f32 {
    <i8 as SpatialSimilarity>::dot(one, two).expect("vectors of one model have one length") as f32
}

/// A row to be added to a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The [`text_hash`](crate::index::text_hash) of the text that was embedded. It avoids embedding the same
    /// text again.
    pub hash: u64,
    /// The part of the question that was embedded.
    pub passage: Passage,
    /// The embedding.
    pub vector: Quantized,
}

/// Encodes rows as the bytes of a document's vector field, which [`Writer`] decodes.
pub fn encode_rows(rows: &[Row]) -> Vec<u8> {
    let numbers = rows.first().map_or(0, |row| row.vector.numbers.len());
    let mut bytes = Vec::with_capacity(rows.len() * (ROW_HEADER + numbers));
    for row in rows {
        encode_header(row, &mut bytes);
        bytes.extend_from_slice(bytemuck::cast_slice(&row.vector.numbers));
    }
    bytes
}

/// Decodes `count` rows that [`encode_rows`] encoded. `None` if the bytes have another length.
#[cfg(feature = "milvus")]
pub fn decode_rows(bytes: &[u8], count: usize) -> Option<Vec<Row>> {
    let Some(length) = bytes.len().checked_div(count) else {
        return bytes.is_empty().then(Vec::new);
    };
    if length < ROW_HEADER || length * count != bytes.len() {
        return None;
    }
    let row = |bytes: &[u8]| Row {
        hash: u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")),
        passage: decode_passage(u32_at(bytes, 8), u32_at(bytes, 12)),
        vector: Quantized {
            scale: scale_in(bytes),
            numbers: bytemuck::cast_slice(&bytes[ROW_HEADER..]).to_vec(),
        },
    };
    Some(bytes.chunks_exact(length).map(row).collect())
}

fn encode_header(row: &Row, bytes: &mut Vec<u8>) {
    let (start, end) = encode_passage(&row.passage);
    bytes.extend(row.hash.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(end.to_le_bytes());
    bytes.extend(row.vector.scale.to_le_bytes());
}

/// Encodes the range of an answer as it is, the title as `(MAX, MAX)`, and the nth alternative title as
/// `(MAX, n)`.
fn encode_passage(passage: &Passage) -> (u32, u32) {
    match passage {
        Passage::Title => (u32::MAX, u32::MAX),
        Passage::Also(nth) => (u32::MAX, *nth),
        Passage::Answer(range) => (range.start, range.end),
    }
}

fn decode_passage(start: u32, end: u32) -> Passage {
    match (start, end) {
        (u32::MAX, u32::MAX) => Passage::Title,
        (u32::MAX, nth) => Passage::Also(nth),
        (start, end) => Passage::Answer(start..end),
    }
}

/// The tantivy plugin of the component. Register it when you create an index and each time you open one.
pub struct VectorPlugin {
    /// The number of elements of a vector.
    pub dimensions: usize,
}

impl SegmentPlugin for VectorPlugin {
    fn extensions(&self) -> &[&str] {
        &[EXTENSION]
    }

    fn create_writer(&self, context: &PluginWriterContext) -> tantivy::Result<Box<dyn PluginWriter>> {
        let schema = context.segment.schema();
        let field = schema
            .fields()
            .find_map(|(field, entry)| matches!(entry.field_type(), FieldType::Custom(_)).then_some(field));
        Ok(Box::new(Writer {
            field,
            dimensions: self.dimensions,
            starts: vec![0],
            headers: Vec::new(),
            numbers: Vec::new(),
        }))
    }

    fn merge(&self, context: PluginMergeContext) -> tantivy::Result<()> {
        // Without an index sort, a merge concatenates the segments without their deleted documents. With any
        // other order the vectors would no longer match their documents.
        if context.settings.sort_by_field.is_some() {
            return Err(tantivy::TantivyError::InvalidArgument("vectors cannot follow an index sort".into()));
        }
        let sources = context.readers.iter().map(Vectors::open).collect::<tantivy::Result<Vec<_>>>()?;
        let alive = || {
            context.readers.iter().zip(&sources).flat_map(|(reader, vectors)| {
                reader.doc_ids_alive().map(move |doc| (vectors, vectors.rows_of(doc)))
            })
        };
        let views = || alive().flat_map(|(vectors, rows)| rows.map(|row| vectors.view(row)));
        let mut starts = vec![0_u32];
        starts.extend(alive().scan(0, |rows, (_, range)| {
            *rows += range.len() as u32;
            Some(*rows)
        }));
        write_component(context.target_segment, self.dimensions, &starts, |out| {
            alive().try_for_each(|(vectors, rows)| out.write_all(vectors.header_bytes(rows)))?;
            alive().try_for_each(|(vectors, rows)| {
                out.write_all(bytemuck::cast_slice(vectors.numbers_of(rows)))
            })?;
            write_codes(out, *starts.last().expect("begins with 0") as usize, self.dimensions, views)
        })
    }
}

/// Collects the vectors of a new segment.
struct Writer {
    field: Option<Field>,
    dimensions: usize,
    starts: Vec<u32>,
    headers: Vec<u8>,
    numbers: Vec<u8>,
}

impl Writer {
    fn views(&self) -> impl Iterator<Item = RowView<'_>> {
        let headers = self.headers.chunks_exact(ROW_HEADER);
        // Without dimensions there are no rows.
        let numbers = self.numbers.chunks_exact(self.dimensions.max(1));
        headers.zip(numbers).map(|(header, numbers)| RowView {
            scale: scale_in(header),
            numbers: bytemuck::cast_slice(numbers),
        })
    }
}

/// Writes the [codes] of `rows` rows, if there are enough.
fn write_codes<'a, V: Iterator<Item = RowView<'a>>>(
    out: &mut dyn Write,
    rows: usize,
    dimensions: usize,
    views: impl Fn() -> V,
) -> io::Result<()> {
    if rows < codes::LEAST_ROWS {
        return Ok(());
    }
    let mean = codes::mean_of(views(), dimensions);
    let mut bytes: Vec<u8> = mean.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut views = views();
    loop {
        let block: Vec<RowView<'_>> = views.by_ref().take(codes::LANES).collect();
        if block.is_empty() {
            break;
        }
        codes::encode(&block, &mean, &mut bytes);
        if bytes.len() >= 1 << 16 {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    out.write_all(&bytes)
}

impl PluginWriter for Writer {
    fn add_document(
        &mut self,
        _doc: DocId,
        doc: &dyn ErasedDocument,
        _schema: &Schema,
    ) -> tantivy::Result<()> {
        let doc = doc.as_any().downcast_ref::<TantivyDocument>().expect("only TantivyDocuments are added");
        let mut rows = *self.starts.last().expect("begins with 0");
        if let Some(bytes) = self.field.and_then(|field| doc.get_first(field)?.as_custom()) {
            for row in bytes.chunks_exact(ROW_HEADER + self.dimensions) {
                self.headers.extend_from_slice(&row[..ROW_HEADER]);
                self.numbers.extend_from_slice(&row[ROW_HEADER..]);
                rows += 1;
            }
        }
        self.starts.push(rows);
        Ok(())
    }

    fn serialize(self: Box<Self>, segment: &Segment, mapping: Option<&DocIdMapping>) -> tantivy::Result<()> {
        if mapping.is_some() {
            return Err(tantivy::TantivyError::InvalidArgument("vectors cannot follow an index sort".into()));
        }
        write_component(segment, self.dimensions, &self.starts, |out| {
            out.write_all(&self.headers)?;
            out.write_all(&self.numbers)?;
            write_codes(out, self.headers.len() / ROW_HEADER, self.dimensions, || self.views())
        })
    }

    fn mem_usage(&self) -> usize {
        self.starts.capacity() * 4 + self.headers.capacity() + self.numbers.capacity()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn write_component(
    segment: &Segment,
    dimensions: usize,
    starts: &[u32],
    rows: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> tantivy::Result<()> {
    use tantivy::directory::TerminatingWrite;

    let mut out = segment.clone().open_write(SegmentComponent::Custom(EXTENSION.into()))?;
    let count = *starts.last().expect("begins with 0");
    out.write_all(&MAGIC)?;
    for number in [FORMAT, dimensions as u32, starts.len() as u32 - 1, count] {
        out.write_all(&number.to_le_bytes())?;
    }
    for start in starts {
        out.write_all(&start.to_le_bytes())?;
    }
    rows(&mut out)?;
    out.terminate()?;
    Ok(())
}

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

    fn header_bytes(&self, rows: Range<usize>) -> &[u8] {
        let at = self.headers_at();
        &self.bytes[at + rows.start * ROW_HEADER..at + rows.end * ROW_HEADER]
    }

    fn numbers_of(&self, rows: Range<usize>) -> &[i8] {
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

/// The scale in the header of a row.
fn scale_in(header: &[u8]) -> f32 {
    f32::from_bits(u32_at(header, 16))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
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
