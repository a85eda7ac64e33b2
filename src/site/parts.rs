//! Splits sorted entries into parts by the beginnings of their keys.
//!
//! A part has all keys between two beginnings. Where they are cut depends on the keys around the cut only, so a change
//! of one entry changes few parts.

use std::cmp::Ordering;

/// An entry of a part.
pub struct Entry {
    /// The key, by which it is found.
    pub key: String,
    /// Its size in a part, in bytes.
    pub size: usize,
}

/// The order of keys: that of strings in JavaScript, which compares UTF-16 code units.
pub fn by_key(a: &str, b: &str) -> Ordering {
    match a.is_ascii() && b.is_ascii() {
        true => a.cmp(b),
        false => a.encode_utf16().cmp(b.encode_utf16()),
    }
}

/// Splits entries, which are in the order of their keys, into parts of at most `limit` bytes; an entry that is larger is
/// a part of its own. Returns the start of each part, which no key of it is before, and how many entries it has. The
/// first start is empty.
pub fn split(entries: &[Entry], limit: usize) -> Vec<(String, usize)> {
    let mut parts = Vec::new();
    split_at(entries, 0, limit, &mut parts);
    if let Some(first) = parts.first_mut() {
        first.0.clear();
    }
    parts
}

/// Splits entries that begin with the same `depth` characters.
fn split_at(entries: &[Entry], depth: usize, limit: usize, parts: &mut Vec<(String, usize)>) {
    let size = |entries: &[Entry]| entries.iter().map(|entry| entry.size).sum::<usize>();
    let beginning = |entry: &Entry| entry.key.chars().take(depth + 1).collect::<String>();
    let nth = |entry: &Entry| entry.key.chars().nth(depth);
    // The bytes in the last part, if more entries can be added to it.
    let mut open: Option<usize> = None;
    for group in entries.chunk_by(|a, b| nth(a) == nth(b)) {
        let bytes = size(group);
        if bytes > limit && group.len() > 1 {
            split_at(group, depth + 1, limit, parts);
            open = None;
            continue;
        }
        match (parts.last_mut(), open) {
            (Some(part), Some(filled)) if filled + bytes <= limit => {
                part.1 += group.len();
                open = Some(filled + bytes);
            }
            _ => {
                parts.push((beginning(&group[0]), group.len()));
                open = Some(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_key_is_found_in_its_part(mut keys in proptest::collection::btree_set("[a-c]{0,5}|[é𝄞\u{FFEE}]{1,3}", 1..60), limit in 1..40_usize) {
            keys.insert("aaa".to_owned());
            let mut keys: Vec<String> = keys.into_iter().collect();
            keys.sort_by(|a, b| by_key(a, b));
            let entries: Vec<Entry> = keys.iter().map(|key| Entry { key: key.clone(), size: key.len() + 1 }).collect();
            let parts = split(&entries, limit);
            let starts: Vec<&str> = parts.iter().map(|(start, _)| start.as_str()).collect();
            prop_assert!(starts.is_sorted_by(|a, b| by_key(a, b).is_lt()));
            let mut at = 0;
            for (nth, (_, count)) in parts.iter().enumerate() {
                let inside = &entries[at..at + count];
                prop_assert!(inside.len() == 1 || inside.iter().map(|entry| entry.size).sum::<usize>() <= limit);
                for entry in inside {
                    prop_assert_eq!(starts.iter().rposition(|start| by_key(start, &entry.key).is_le()), Some(nth));
                }
                at += count;
            }
            prop_assert_eq!(at, entries.len());
        }
    }
}
