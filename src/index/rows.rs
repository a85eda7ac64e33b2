//! The rows of documents: vectors with what was embedded, as bytes.

use super::quantized::Quantized;
use crate::chunk::Passage;

/// Bytes of a row without the elements of its vector.
pub const ROW_HEADER: usize = 20;

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

/// Encodes rows as the bytes of a document's vector field, which the [plugin](super::vector_plugin) decodes.
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

/// Appends the header of a row.
pub fn encode_header(row: &Row, bytes: &mut Vec<u8>) {
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

/// Decodes what [`encode_passage`] has encoded.
pub fn decode_passage(start: u32, end: u32) -> Passage {
    match (start, end) {
        (u32::MAX, u32::MAX) => Passage::Title,
        (u32::MAX, nth) => Passage::Also(nth),
        (start, end) => Passage::Answer(start..end),
    }
}

/// The scale in the header of a row.
pub fn scale_in(header: &[u8]) -> f32 {
    f32::from_bits(u32_at(header, 16))
}

/// The number at a position.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}
