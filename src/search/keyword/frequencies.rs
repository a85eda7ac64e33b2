//! The documents of segments with a quotation.

use tantivy::DocId;

/// The documents with a quotation in each segment, in order, with its frequency weighted by field and field length.
pub type Frequencies = Vec<Vec<(DocId, f32)>>;

/// The number of documents in all segments.
pub fn count(frequencies: &Frequencies) -> usize {
    frequencies.iter().map(Vec::len).sum()
}

/// Merges the frequencies of a quotation in several languages.
pub fn merge(into: &mut Frequencies, other: Frequencies) {
    for (into, other) in into.iter_mut().zip(other) {
        *into = merge_sorted(std::mem::take(into), other, f32::max);
    }
}

/// Merges two lists in document order. `both` combines the frequencies of a document in both lists.
pub fn merge_sorted(
    a: Vec<(DocId, f32)>,
    b: Vec<(DocId, f32)>,
    both: impl Fn(f32, f32) -> f32,
) -> Vec<(DocId, f32)> {
    if a.is_empty() {
        return b;
    }
    let mut merged: Vec<(DocId, f32)> = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    loop {
        let from_a = match (a.peek(), b.peek()) {
            (Some(a), Some(b)) => a.0 <= b.0,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return merged,
        };
        let (doc, frequency) = if from_a { a.next() } else { b.next() }.expect("peeked");
        match merged.last_mut() {
            Some(last) if last.0 == doc => last.1 = both(last.1, frequency),
            _ => merged.push((doc, frequency)),
        }
    }
}
