//! The terms of a corpus, with the number of questions that contain each.

use std::collections::BTreeMap;

use tantivy_fst::{Automaton, IntoStreamer, Map, Streamer};

use super::document::reversed;

/// The terms of a corpus, with the number of questions that contain each; and the long words of languages with compounds.
#[derive(Debug)]
pub(crate) struct Dictionary {
    terms: Map<Vec<u8>>,
    /// Written backwards, to find the words that end with a word.
    reversed: Map<Vec<u8>>,
}

impl Dictionary {
    /// `reversed` are words written backwards.
    ///
    /// # Errors
    /// None is known: the terms are in order.
    pub fn new(terms: &BTreeMap<String, u64>, reversed: &BTreeMap<String, u64>) -> anyhow::Result<Self> {
        let map =
            |terms: &BTreeMap<String, u64>| Map::from_iter(terms.iter().map(|(term, count)| (term, *count)));
        Ok(Self { terms: map(terms)?, reversed: map(reversed)? })
    }

    /// The number of questions that contain a term.
    pub fn count(&self, term: &str) -> u64 {
        self.terms.get(term).unwrap_or(0)
    }

    /// The terms that begin with a prefix: the first `limit` of them.
    pub fn beginning_with(&self, prefix: &str, limit: usize) -> Vec<String> {
        with_prefix(&self.terms, prefix, limit)
    }

    /// The long words that end with this: at most `limit` of them.
    pub fn ending_with(&self, suffix: &str, limit: usize) -> Vec<String> {
        let found = with_prefix(&self.reversed, &reversed(suffix), limit);
        found.iter().map(|word| reversed(word)).collect()
    }

    /// The terms that an automaton accepts.
    pub fn accepted_by(&self, automaton: impl Automaton) -> Vec<String> {
        strings(self.terms.search(automaton).into_stream(), usize::MAX)
    }
}

fn with_prefix(terms: &Map<Vec<u8>>, prefix: &str, limit: usize) -> Vec<String> {
    // No byte of UTF-8 is as great as 0xFF.
    let end = [prefix.as_bytes(), &[0xFF]].concat();
    strings(terms.range().ge(prefix).lt(end).into_stream(), limit)
}

fn strings<A: Automaton>(mut stream: tantivy_fst::map::Stream<'_, A>, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    while found.len() < limit
        && let Some((term, _)) = stream.next()
    {
        found.extend(std::str::from_utf8(term).map(str::to_owned));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_counted_and_found_by_their_beginning_and_end() {
        let counts =
            |terms: &[(&str, u64)]| terms.iter().map(|(term, count)| ((*term).to_owned(), *count)).collect();
        let terms = counts(&[("kosten", 3), ("kostenlos", 1), ("versandkosten", 2), ("öl", 1)]);
        let dictionary = Dictionary::new(&terms, &counts(&[("netsokdnasrev", 2)])).unwrap();
        assert_eq!(["kosten", "koste", "öl"].map(|term| dictionary.count(term)), [3, 0, 1]);
        assert_eq!(dictionary.beginning_with("kosten", 9), ["kosten", "kostenlos"]);
        assert_eq!(dictionary.beginning_with("k", 1), ["kosten"]);
        assert_eq!(dictionary.ending_with("kosten", 9), ["versandkosten"]);
        assert_eq!(dictionary.ending_with("los", 9), [""; 0]);
    }
}
