//! The occurrences of the words of a phrase in a segment, and the best documents by them.
//!
//! Documents are scored in windows of [`WINDOW`] documents, so that the scores of a window stay in the cache of the
//! processor, and the memory of a search does not depend on the size of the index. Each word adds at most its weight
//! times `k1 + 1`. Once enough documents are found, the words that together cannot reach the worst of them (the
//! non-essential ones) are only looked up in documents with another word, one word after the other, as long as the
//! document may still be among the best. This is MaxScore: Turtle and Flood, "Query evaluation: strategies and
//! optimizations" (1995). The result is that of an exhaustive search.

use std::cmp::Ordering;
use std::ops::Range;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::BlockSegmentPostings;
use tantivy::{BitSet, DocAddress, DocId, SegmentReader, TERMINATED};

use crate::index::{FIELDS, FieldWeights, Greatest, K1, Threshold, saturated};

/// The number of documents that are scored together.
const WINDOW: usize = 4096;

/// A score is higher than its bound by less than this fraction, because of rounding.
const ROUNDING: f32 = 1e-5;

/// To look up the frequency in one document takes about as long as to read so many occurrences one after the other: an
/// estimate. With it, 300 searches of a million questions took less time than if all were read or all were looked up.
const LOOK_UP: usize = 32;

/// Fewer documents are counted by sorting, more by a bit for each document of the segment.
const SORTED: usize = 512;

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
struct Postings {
    field: usize,
    block: BlockSegmentPostings,
    /// The position in the block.
    at: usize,
}

impl Postings {
    /// The current document; [`TERMINATED`] at the end.
    fn doc(&self) -> DocId {
        self.block.docs().get(self.at).copied().unwrap_or(TERMINATED)
    }

    /// The number of occurrences in the current document.
    fn count(&self) -> u32 {
        self.block.freq(self.at)
    }

    /// Moves to the first document that is not before `doc`.
    fn seek(&mut self, doc: DocId) {
        if self.doc() < doc {
            self.at = self.block.seek(doc);
        }
    }

    /// Calls `each` for the documents from the current one to `end`, with the number of occurrences.
    fn for_each_before(&mut self, end: DocId, mut each: impl FnMut(DocId, u32)) {
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
    factor: f32,
    fields: Vec<Postings>,
}

impl TermPostings {
    /// `fields` are the postings in each field that contains the term.
    pub fn new(factor: f32, fields: impl IntoIterator<Item = (usize, BlockSegmentPostings)>) -> Self {
        let fields = fields.into_iter().map(|(field, block)| Postings { field, block, at: 0 }).collect();
        Self { factor, fields }
    }
}

/// The occurrences of a word or of a quotation in the documents of a segment.
#[derive(Clone)]
pub enum Occurrences {
    /// Of a word: of the index terms that it matches. A document with several of them counts the most frequent one,
    /// because it is indexed with several terms of one word.
    Word(Vec<TermPostings>),
    /// Of a quotation, of a word with a synonym of several words, or of a word in candidates: the documents with it, in order, and its frequency in each, weighted by
    /// field and field length.
    Listed(Vec<(DocId, f32)>),
}

impl Occurrences {
    /// The number of questions with an occurrence, if no question had it in several fields and none were deleted.
    pub fn most(&self) -> usize {
        match self {
            Self::Word(terms) => {
                let lists = terms.iter().flat_map(|term| &term.fields);
                lists.map(|list| list.block.doc_freq() as usize).sum()
            }
            Self::Listed(documents) => documents.len(),
        }
    }

    /// The number of questions with an occurrence.
    pub fn count(&self, segment: &SegmentReader) -> usize {
        let lists: Vec<&Postings> = match self {
            Self::Word(terms) => terms.iter().flat_map(|term| &term.fields).collect(),
            Self::Listed(documents) => return documents.len(),
        };
        let most = self.most();
        if lists.len() <= 1 && !segment.has_deletes() {
            return most;
        }
        let for_each = |each: &mut dyn FnMut(DocId)| {
            for list in &lists {
                (*list).clone().for_each_before(TERMINATED, |doc, _| each(doc));
            }
        };
        if most <= SORTED {
            let mut documents = Vec::with_capacity(most);
            for_each(&mut |doc| documents.push(doc));
            documents.sort_unstable();
            documents.dedup();
            return documents.into_iter().filter(|doc| !segment.is_deleted(*doc)).count();
        }
        let mut documents = BitSet::with_max_value(segment.max_doc());
        for_each(&mut |doc| {
            if !segment.is_deleted(doc) {
                documents.insert(doc);
            }
        });
        documents.len()
    }

    /// The documents that are not deleted and have an occurrence, in order, with its frequency in each.
    pub fn frequencies(
        mut self,
        is_alive: impl Fn(DocId) -> bool,
        lengths: &Lengths<'_>,
    ) -> Vec<(DocId, f32)> {
        let mut window = Window::new();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = self.next(at) {
            window.fill(&mut self, start, DocId::MAX, lengths);
            for (doc, frequency) in window.drain() {
                if is_alive(doc) {
                    found.push((doc, frequency));
                }
            }
            at = start + WINDOW as DocId;
        }
        found
    }

    /// The first document with an occurrence that is not before `doc`.
    fn next(&mut self, doc: DocId) -> Option<DocId> {
        let next = match self {
            Self::Word(terms) => {
                let lists = terms.iter_mut().flat_map(|term| &mut term.fields);
                let next = lists.map(|list| {
                    list.seek(doc);
                    list.doc()
                });
                next.min()?
            }
            Self::Listed(documents) => {
                documents[documents.partition_point(|(other, _)| *other < doc)..].first()?.0
            }
        };
        (next != TERMINATED).then_some(next)
    }

    /// The frequency in a document; 0 if it has no occurrence. The documents of several calls must be in order.
    fn frequency(&mut self, doc: DocId, lengths: &Lengths<'_>) -> f32 {
        match self {
            Self::Word(terms) => {
                let of_term = |term: &mut TermPostings| {
                    let mut sum = 0.0;
                    for list in &mut term.fields {
                        list.seek(doc);
                        if list.doc() == doc {
                            sum += lengths.frequency(list.field, doc, list.count());
                        }
                    }
                    sum * term.factor
                };
                terms.iter_mut().map(of_term).fold(0.0, f32::max)
            }
            Self::Listed(documents) => match documents.binary_search_by_key(&doc, |(doc, _)| *doc) {
                Ok(at) => documents[at].1,
                Err(_) => 0.0,
            },
        }
    }
}

/// The frequencies of one word in a window of documents.
struct Window {
    start: DocId,
    frequencies: Box<[f32; WINDOW]>,
    /// A bit for each document with an occurrence.
    found: [u64; WINDOW / 64],
    /// The frequencies of one of several terms of the word. Empty between calls.
    of_term: Option<Box<Self>>,
}

impl Window {
    fn new() -> Self {
        Self { start: 0, frequencies: Box::new([0.0; WINDOW]), found: [0; WINDOW / 64], of_term: None }
    }

    /// Reads the frequencies of the documents from `start`, but not of `end` and later ones. The window must be empty.
    fn fill(&mut self, occurrences: &mut Occurrences, start: DocId, end: DocId, lengths: &Lengths<'_>) {
        self.start = start;
        let end = start.saturating_add(WINDOW as DocId).min(end);
        match occurrences {
            Occurrences::Word(terms) => match terms.as_mut_slice() {
                [only] => self.add_term(only, end, lengths),
                several => {
                    let mut of_term = self.of_term.take().unwrap_or_else(|| Box::new(Self::new()));
                    of_term.start = start;
                    for term in several {
                        of_term.add_term(term, end, lengths);
                        for (doc, frequency) in of_term.drain() {
                            self.raise(doc, frequency);
                        }
                    }
                    self.of_term = Some(of_term);
                }
            },
            Occurrences::Listed(documents) => {
                let from = documents.partition_point(|(doc, _)| *doc < start);
                let here = documents[from..].iter().take_while(|(doc, _)| *doc < end);
                here.for_each(|(doc, frequency)| self.raise(*doc, *frequency));
            }
        }
    }

    fn add_term(&mut self, term: &mut TermPostings, end: DocId, lengths: &Lengths<'_>) {
        for list in &mut term.fields {
            list.seek(self.start);
            let (field, start) = (list.field, self.start);
            list.for_each_before(end, |doc, count| {
                let at = (doc - start) as usize;
                self.frequencies[at] += lengths.frequency(field, doc, count);
                self.found[at / 64] |= 1 << (at % 64);
            });
        }
        if term.factor != 1.0 {
            self.frequencies.iter_mut().for_each(|frequency| *frequency *= term.factor);
        }
    }

    fn raise(&mut self, doc: DocId, frequency: f32) {
        let at = (doc - self.start) as usize;
        self.frequencies[at] = self.frequencies[at].max(frequency);
        self.found[at / 64] |= 1 << (at % 64);
    }

    /// Returns the documents with their frequencies, in order, and empties the window.
    fn drain(&mut self) -> impl Iterator<Item = (DocId, f32)> + '_ {
        let Self { start, frequencies, found, .. } = self;
        bits(std::mem::replace(found, [0; WINDOW / 64]))
            .map(|at| (*start + at as DocId, std::mem::take(&mut frequencies[at])))
    }
}

/// The positions of the bits that are set, in order.
fn bits(words: [u64; WINDOW / 64]) -> impl Iterator<Item = usize> {
    (0..).step_by(64).zip(words).flat_map(|(start, mut word)| {
        std::iter::from_fn(move || {
            let bit = word.trailing_zeros() as usize;
            (word != 0).then(|| {
                word &= word - 1;
                start + bit
            })
        })
    })
}

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
