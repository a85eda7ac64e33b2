//! The best documents of a segment by the words of a phrase.
//!
//! Documents are scored in windows of [`WINDOW`] documents, so that the scores of a window stay in the cache of the
//! processor, and the memory of a search does not depend on the size of the index. Each word adds at most its weight
//! times `k1 + 1`. Once enough documents are found, the words that together cannot reach the worst of them (the
//! non-essential ones) are only looked up in documents with another word, one word after the other, as long as the
//! document may still be among the best. This is MaxScore: Turtle and Flood, "Query evaluation: strategies and
//! optimizations" (1995). The result is that of an exhaustive search.

use std::cmp::Ordering;
use std::ops::Range;

use tantivy::{DocAddress, DocId};

use super::occurrences::{Occurrences, WINDOW, Window, bits};
use super::postings::Lengths;
use crate::index::{Greatest, K1, Threshold, saturated};

/// A score is higher than its bound by less than this fraction, because of rounding.
const ROUNDING: f32 = 1e-5;

/// To look up the frequency in one document takes about as long as to read so many occurrences one after the other: an
/// estimate. With it, 300 searches of a million questions took less time than if all were read or all were looked up.
const LOOK_UP: usize = 32;

/// A word or quotation of the phrase, and what it adds to the score of a document of frequency f: `weight · saturated(f)`.
pub struct Clause<'a> {
    pub weight: f32,
    pub occurrences: &'a Occurrences,
}

/// The frequencies of every clause in some documents of a segment, which must be in order.
pub fn frequencies_of(clauses: &[Clause<'_>], documents: &[DocId], lengths: &Lengths<'_>) -> Vec<Vec<f32>> {
    let mut clauses: Vec<Occurrences> = clauses.iter().map(|clause| clause.occurrences.clone()).collect();
    let of = |doc: &DocId| clauses.iter_mut().map(|clause| clause.frequency(*doc, lengths)).collect();
    documents.iter().map(of).collect()
}

/// The documents with the highest scores.
pub struct Best(Greatest<Scored>);

/// A document and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub score: f32,
    pub address: DocAddress,
}

impl Eq for Scored {}

impl Ord for Scored {
    /// The document with the higher score is greater; of equal scores, the one that is first in the index.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.address.cmp(&self.address))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Best {
    pub fn new(limit: usize) -> Self {
        Self(Greatest::new(limit))
    }

    /// The best documents of both.
    pub fn joined(self, other: Self) -> Self {
        Self(self.0.joined(other.0))
    }

    /// The documents, best first.
    pub fn into_sorted(self) -> Vec<Scored> {
        self.0.into_sorted()
    }

    /// Adds the documents of a range of a segment for which `allowed` is true. `threshold` is that of all ranges.
    pub fn add(
        &mut self,
        segment: u32,
        documents: Range<DocId>,
        clauses: &[Clause<'_>],
        lengths: &Lengths<'_>,
        threshold: &Threshold,
        allowed: impl Fn(DocId) -> bool,
    ) {
        let mut clauses = Clauses::new(clauses);
        let mut scores = Scores::new();
        let mut at = documents.start;
        loop {
            let least = threshold.get().unwrap_or(0.0);
            clauses.divide(least);
            let Some(start) = clauses.next(at).filter(|next| *next < documents.end) else {
                return;
            };
            scores.start = start;
            for clause in clauses.essential() {
                scores.add(clause, documents.end, lengths);
            }
            for clause in clauses.non_essential().iter_mut().rev() {
                scores.drop_below(least - clause.rest);
                scores.add_to_found(clause, documents.end, lengths);
            }
            for (doc, score) in scores.drain() {
                if score >= least && allowed(doc) {
                    self.0.push(Scored { score, address: DocAddress::new(segment, doc) });
                }
            }
            if let Some(worst) = self.0.least() {
                threshold.raise(worst.score);
            }
            at = start.saturating_add(WINDOW as DocId);
        }
    }
}

/// The clauses of a phrase while the documents of a segment are searched.
struct Clauses {
    /// The non-essential ones, lowest bound first, and then the essential ones in the order of the phrase. So scores do not
    /// depend on rounding as long as all clauses are essential.
    all: Vec<ReadClause>,
    non_essential: usize,
}

/// A clause while its occurrences are read.
struct ReadClause {
    weight: f32,
    occurrences: Occurrences,
    /// What this clause and the non-essential ones before it add to a score at most. 0 if it is essential.
    rest: f32,
}

impl ReadClause {
    /// The number of occurrences that a window has on average.
    fn in_window(&self, documents: DocId) -> usize {
        self.occurrences.most() * WINDOW / documents.max(WINDOW as DocId) as usize
    }
}

impl Clauses {
    fn new(clauses: &[Clause<'_>]) -> Self {
        let read = |clause: &Clause<'_>| ReadClause {
            weight: clause.weight,
            occurrences: clause.occurrences.clone(),
            rest: 0.0,
        };
        Self { all: clauses.iter().map(read).collect(), non_essential: 0 }
    }

    fn essential(&mut self) -> &mut [ReadClause] {
        &mut self.all[self.non_essential..]
    }

    fn non_essential(&mut self) -> &mut [ReadClause] {
        &mut self.all[..self.non_essential]
    }

    /// Makes clauses non-essential that together add less than a score.
    fn divide(&mut self, least: f32) {
        loop {
            let before = self.non_essential().last().map_or(0.0, |clause| clause.rest);
            let lightest =
                self.essential().iter_mut().enumerate().min_by(|a, b| a.1.weight.total_cmp(&b.1.weight));
            let Some((nth, clause)) = lightest else {
                return;
            };
            let rest = before + clause.weight * (K1 + 1.0) * (1.0 + ROUNDING);
            if rest >= least {
                return;
            }
            clause.rest = rest;
            self.essential()[..=nth].rotate_right(1);
            self.non_essential += 1;
        }
    }

    /// The first document with an occurrence of an essential clause that is not before `doc`.
    fn next(&mut self, doc: DocId) -> Option<DocId> {
        self.essential().iter_mut().filter_map(|clause| clause.occurrences.next(doc)).min()
    }
}

/// The scores of a window of documents.
struct Scores {
    start: DocId,
    scores: Box<[f32; WINDOW]>,
    /// A bit for each document that has a score.
    found: [u64; WINDOW / 64],
    /// The frequencies of one clause.
    window: Window,
}

impl Scores {
    fn new() -> Self {
        Self { start: 0, scores: Box::new([0.0; WINDOW]), found: [0; WINDOW / 64], window: Window::new() }
    }

    /// Adds what a clause adds to the scores of documents before `end`.
    fn add(&mut self, clause: &mut ReadClause, end: DocId, lengths: &Lengths<'_>) {
        self.window.fill(&mut clause.occurrences, self.start, end, lengths);
        self.found.iter_mut().zip(&self.window.found).for_each(|(found, new)| *found |= new);
        for (doc, frequency) in self.window.drain() {
            self.scores[(doc - self.start) as usize] += clause.weight * saturated(frequency);
        }
    }

    /// Adds what a clause adds to the scores of the documents that have one. If these are few, it is looked up for each of
    /// them.
    fn add_to_found(&mut self, clause: &mut ReadClause, end: DocId, lengths: &Lengths<'_>) {
        let found: usize = self.found.iter().map(|word| word.count_ones() as usize).sum();
        if found * LOOK_UP < clause.in_window(lengths.documents) {
            for at in bits(self.found) {
                let frequency = clause.occurrences.frequency(self.start + at as DocId, lengths);
                self.scores[at] += clause.weight * saturated(frequency);
            }
            return;
        }
        self.window.fill(&mut clause.occurrences, self.start, end, lengths);
        for (doc, frequency) in self.window.drain() {
            let at = (doc - self.start) as usize;
            if self.found[at / 64] >> (at % 64) & 1 == 1 {
                self.scores[at] += clause.weight * saturated(frequency);
            }
        }
    }

    /// Removes the documents with a score below `least`.
    fn drop_below(&mut self, least: f32) {
        if least <= 0.0 {
            return;
        }
        for at in bits(self.found) {
            if self.scores[at] < least {
                self.scores[at] = 0.0;
                self.found[at / 64] &= !(1 << (at % 64));
            }
        }
    }

    /// Returns the documents with their scores, in order, and empties the window.
    fn drain(&mut self) -> impl Iterator<Item = (DocId, f32)> + '_ {
        let Self { start, scores, found, .. } = self;
        bits(std::mem::replace(found, [0; WINDOW / 64]))
            .map(|at| (*start + at as DocId, std::mem::take(&mut scores[at])))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use tantivy::DocAddress;

    use super::super::KeywordQuery;
    use super::WINDOW;
    use crate::curation::{Expansion, Fired};
    use crate::index::Index;
    use crate::question::Question;

    /// Words that many, some and few of the questions contain.
    const WORDS: [&str; 12] = [
        "lock", "file", "index", "query", "branch", "panic", "vector", "socket", "borrow", "mutex", "kernel",
        "whisk",
    ];

    /// Questions in several windows. The nth word is in the title of one question in 2^n, and in the answer of others.
    static INDEX: LazyLock<Index> = LazyLock::new(|| {
        let words = |seed: usize| {
            let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
            let drawn = (0..WORDS.len()).filter(move |nth| (random >> nth).is_multiple_of(1 << nth));
            drawn.map(|nth| WORDS[nth]).collect::<Vec<_>>().join(" ")
        };
        let questions = (0..2 * WINDOW + 100).map(|nth| Question {
            answer: words(3 * nth).repeat(nth % 3),
            also: (nth % 7 == 0).then(|| words(5 * nth)).into_iter().collect(),
            ..Question::new(format!("number {}", words(nth)), 1)
        });
        Index::in_memory(&questions.collect::<Vec<_>>(), None).unwrap()
    });

    /// The synonyms of a phrase in which each word but the commonest has some.
    fn fired(phrase: &str) -> Vec<Fired> {
        let expansion = |text: &str| Expansion { text: text.to_owned(), language: None, line: 1 };
        let of = |word: &str| match word {
            "whisk" => vec![expansion("kernel"), expansion("lock file")],
            "index" | "query" => vec![expansion("branch")],
            "mutex" => vec![expansion("index query")],
            _ => Vec::new(),
        };
        let words = phrase.split(' ').map(|word| {
            let start = word.as_ptr() as usize - phrase.as_ptr() as usize;
            Fired { range: start..start + word.len(), written: word.to_owned(), expansions: of(word) }
        });
        words.filter(|fired| !fired.expansions.is_empty()).collect()
    }

    proptest! {
        #[test]
        fn the_best_are_those_of_an_exhaustive_search(
            words in prop::collection::vec(0..WORDS.len(), 1..6),
            quoted in any::<bool>(),
            limit in prop_oneof![Just(1), Just(10), Just(300), Just(usize::MAX)],
            every in 1..4_u32,
            border in 0..=2 * WINDOW as u32 + 100,
        ) {
            let words = words.into_iter().map(|nth| WORDS[nth]).collect::<Vec<_>>().join(" ");
            let phrase = if quoted { format!("\"lock file\" {words}") } else { words };
            let keyword = KeywordQuery::new(&INDEX, &phrase, &fired(&phrase)).unwrap();
            let allowed = |_, doc| doc % every == 0;
            let documents = INDEX.searcher().unwrap().segment_reader(0).max_doc();
            let ranges = vec![(0, 0..border), (0, border..documents)];
            let best = keyword.best_of(ranges, limit, allowed).unwrap();

            let addresses: Vec<DocAddress> = INDEX.documents().collect();
            let scores = keyword.scores(&addresses).unwrap();
            let mut all: Vec<(f32, DocAddress)> = scores.iter().zip(addresses)
                .filter(|(scores, address)| scores.bm25 > 0.0 && allowed(0, address.doc_id))
                .map(|(scores, address)| (scores.bm25, address))
                .collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));

            prop_assert_eq!(best.len(), limit.min(all.len()));
            let near = |a: f32, b: f32| (a - b).abs() <= 1e-5 * b;
            for (found, (score, _)) in best.iter().zip(&all) {
                prop_assert!(near(found.score, *score), "{} {}", found.score, score);
                let own = all.iter().find(|(_, address)| *address == found.address);
                prop_assert!(own.is_some_and(|(score, _)| near(found.score, *score)));
            }
            if limit == usize::MAX {
                // Nothing is skipped, so the scores are the same to the last bit.
                prop_assert!(best.iter().zip(&all).all(|(found, (score, address))| (found.score, found.address) == (*score, *address)));
            }
        }
    }
}
