//! The occurrences of terms as bytes.

use super::documents::Facets;
use super::parts::{Entry, by_key, split};
use super::words::Words;
use crate::search::saturated_share;

/// The maximum size of a part, in bytes before compression. A term with more occurrences is a part of its own.
const PART: usize = 8 * 1024;

/// The parts with the occurrences of all terms and of all sections and tags.
///
/// An entry is the length of its key in bytes, the key, the number of questions, the difference of the number of each
/// question to that before, and a byte for each: how much the term counts in the question, from 0 to 255. Numbers have
/// seven bits per byte, the lowest first, and all bytes but the last have the highest bit set.
pub fn parts(words: &Words, facets: &Facets) -> impl Iterator<Item = (String, Vec<u8>)> {
    let terms = words.terms.iter().map(|term| (term.text.clone(), encoded(&term.text, &term.occurrences)));
    let facets = facets.lists().into_iter().map(|(key, numbers)| {
        let occurrences: Vec<(u32, f32)> = numbers.into_iter().map(|number| (number, 0.0)).collect();
        let bytes = encoded(&key, &occurrences);
        (key, bytes)
    });
    let mut entries: Vec<(String, Vec<u8>)> = terms.chain(facets).collect();
    entries.sort_by(|a, b| by_key(&a.0, &b.0));
    let sizes: Vec<Entry> =
        entries.iter().map(|(key, bytes)| Entry { key: key.clone(), size: bytes.len() }).collect();
    let mut entries = entries.into_iter();
    split(&sizes, PART).into_iter().map(move |(start, count)| {
        (start, entries.by_ref().take(count).flat_map(|(_, bytes)| bytes).collect())
    })
}

fn encoded(key: &str, occurrences: &[(u32, f32)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 3 * occurrences.len() + 4);
    push_number(&mut bytes, key.len() as u32);
    bytes.extend(key.as_bytes());
    push_number(&mut bytes, occurrences.len() as u32);
    let mut before = 0;
    for (number, _) in occurrences {
        push_number(&mut bytes, number - before);
        before = *number;
    }
    bytes
        .extend(occurrences.iter().map(|(_, frequency)| (saturated_share(*frequency) * 255.0).round() as u8));
    bytes
}

fn push_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_differences_and_weights() {
        let bytes = encoded("ab", &[(3, 1.2), (303, 0.0)]);
        // A frequency of k1 has half of the highest score.
        assert_eq!(bytes, [2, b'a', b'b', 2, 3, 0xAC, 2, 128, 0]);
    }
}
