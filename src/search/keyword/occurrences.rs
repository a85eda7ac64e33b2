//! The occurrences of the words of a phrase in a segment.

use tantivy::{BitSet, DocId, SegmentReader, TERMINATED};

use super::postings::{Lengths, Postings, TermPostings};

/// The number of documents that are scored together.
pub const WINDOW: usize = 4096;

/// Fewer documents are counted by sorting, more by a bit for each document of the segment.
const SORTED: usize = 512;

/// The occurrences of a word or of a quotation in the documents of a segment.
#[derive(Clone)]
pub enum Occurrences {
    /// Of a word: of the index terms that it matches. A document with several of them counts the most frequent one,
    /// because it is indexed with several terms of one word.
    Word(Vec<TermPostings>),
    /// Of a quotation, of a word with a synonym of several words, or of a word in candidates: the documents with it, in
    /// order, and its frequency in each, weighted by field and field length.
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
    pub fn next(&mut self, doc: DocId) -> Option<DocId> {
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
    pub fn frequency(&mut self, doc: DocId, lengths: &Lengths<'_>) -> f32 {
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
pub struct Window {
    start: DocId,
    frequencies: Box<[f32; WINDOW]>,
    /// A bit for each document with an occurrence.
    pub found: [u64; WINDOW / 64],
    /// The frequencies of one of several terms of the word. Empty between calls.
    of_term: Option<Box<Self>>,
}

impl Window {
    pub fn new() -> Self {
        Self { start: 0, frequencies: Box::new([0.0; WINDOW]), found: [0; WINDOW / 64], of_term: None }
    }

    /// Reads the frequencies of the documents from `start`, but not of `end` and later ones. The window must be empty.
    pub fn fill(&mut self, occurrences: &mut Occurrences, start: DocId, end: DocId, lengths: &Lengths<'_>) {
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
    pub fn drain(&mut self) -> impl Iterator<Item = (DocId, f32)> + '_ {
        let Self { start, frequencies, found, .. } = self;
        bits(std::mem::replace(found, [0; WINDOW / 64]))
            .map(|at| (*start + at as DocId, std::mem::take(&mut frequencies[at])))
    }
}

/// The positions of the bits that are set, in order.
pub fn bits(words: [u64; WINDOW / 64]) -> impl Iterator<Item = usize> {
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
