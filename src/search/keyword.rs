//! The keyword leg: BM25 over title, other ways to ask and answer together.

use std::collections::HashMap;

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, SegmentReader, TERMINATED, Term};

use crate::analyze::{Token, tokens};
use crate::index::Index;

/// How much a further occurrence of a word counts, and how much a long field tells against it:
/// BM25's k1 and b at the values that Robertson and Zaragoza ("The Probabilistic Relevance
/// Framework", 2009) found to do well everywhere.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// How much an occurrence counts by the field it stands in: BM25F adds the fields up before it
/// saturates, so that a word in title and answer is not counted as two.
pub(super) const TITLE: f32 = 2.0;
const ALSO: f32 = 1.0;
const ANSWER: f32 = 1.0;

/// Of a very long phrase, this many different words that say most are searched for.
const LONGEST_PHRASE: usize = 64;

/// Words shorter than this are not taken for another one misspelt.
const SHORTEST_TYPO: usize = 4;

/// A word of the phrase, as the index knows it.
#[derive(Clone, Debug)]
pub struct QueryTerm {
    /// The terms of the index it stands for: the word itself, or those one typo away where no
    /// document has it.
    pub matches: Vec<String>,
    /// How much it says: ln(1 + (N - n + ½) / (n + ½)) of n questions in N.
    pub idf: f32,
}

/// BM25 of every question for one phrase.
pub struct KeywordScores {
    /// The words of the phrase that some question has, in order of the phrase.
    pub terms: Vec<QueryTerm>,
    /// The words of the phrase that none has.
    pub missing: Vec<String>,
    /// The score of every document, a segment a list; 0 where no word matches.
    pub scores: Vec<Vec<f32>>,
}

impl KeywordScores {
    /// Scores every question of an index against a phrase.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn new(index: &Index, phrase: &str) -> tantivy::Result<Self> {
        let segments = Segments::open(index)?;
        let mut terms = Vec::new();
        let mut missing = Vec::new();
        for token in distinct(tokens(phrase)) {
            match segments.look_up(&token)? {
                Some(term) => terms.push(term),
                None if !token.whole => missing.push(token.text),
                None => {}
            }
        }
        if terms.len() > LONGEST_PHRASE {
            terms.sort_by(|a, b| b.0.idf.total_cmp(&a.0.idf));
            terms.truncate(LONGEST_PHRASE);
        }
        let mut scores: Vec<Vec<f32>> = index
            .searcher()
            .segment_readers()
            .iter()
            .map(|segment| vec![0.0; segment.max_doc() as usize])
            .collect();
        for (term, postings) in &terms {
            for (scores, postings) in scores.iter_mut().zip(postings) {
                for (doc, frequency) in postings {
                    scores[*doc as usize] += term.idf * frequency * (K1 + 1.0) / (frequency + K1);
                }
            }
        }
        Ok(Self { terms: terms.into_iter().map(|(term, _)| term).collect(), missing, scores })
    }
}

/// The tokens of a phrase, each text once, in order.
fn distinct(tokens: Vec<Token>) -> impl Iterator<Item = Token> {
    let mut seen = std::collections::HashSet::new();
    tokens.into_iter().filter(move |token| seen.insert(token.text.clone()))
}

/// In each segment, the documents with a term and how often it stands there: occurrences weighted
/// by field and length.
type Frequencies = Vec<Vec<(DocId, f32)>>;

/// The searched fields of every segment.
struct Segments<'a> {
    segments: &'a [SegmentReader],
    fields: [(Field, f32); 3],
    /// The mean length of each field, in tokens.
    mean_length: [f32; 3],
    questions: f32,
}

impl<'a> Segments<'a> {
    fn open(index: &'a Index) -> tantivy::Result<Self> {
        let segments = index.searcher().segment_readers();
        let fields = index.fields();
        let fields = [(fields.title, TITLE), (fields.also, ALSO), (fields.answer, ANSWER)];
        // A field's mean is over the documents that have it at all, or a corpus in which one
        // question in ten has an answer would call every answer long.
        let mut mean_length = [1.0; 3];
        for (mean, (field, _)) in mean_length.iter_mut().zip(fields) {
            let (mut tokens, mut having) = (0, 0);
            for segment in segments {
                tokens += segment.inverted_index(field)?.total_num_tokens();
                let norms = segment.get_fieldnorms_reader(field)?;
                having += segment.doc_ids_alive().filter(|doc| norms.fieldnorm_id(*doc) > 0).count();
            }
            *mean = (tokens as f32 / having.max(1) as f32).max(1.0);
        }
        let questions = segments.iter().map(|segment| segment.num_docs() as f32).sum();
        Ok(Self { segments, fields, mean_length, questions })
    }

    /// A token's term and its frequencies, or `None` where neither it nor anything near it stands
    /// in a question.
    fn look_up(&self, token: &Token) -> tantivy::Result<Option<(QueryTerm, Frequencies)>> {
        let mut matches = vec![token.text.clone()];
        let mut frequencies = self.frequencies(&token.text)?;
        if count(&frequencies) == 0 && !token.whole {
            matches = self.one_typo_away(&token.text)?;
            for similar in &matches {
                merge(&mut frequencies, self.frequencies(similar)?);
            }
        }
        let with_term = count(&frequencies) as f32;
        if with_term == 0.0 {
            return Ok(None);
        }
        let idf = (1.0 + (self.questions - with_term + 0.5).max(0.0) / (with_term + 0.5)).ln();
        Ok(Some((QueryTerm { matches, idf }, frequencies)))
    }

    fn frequencies(&self, text: &str) -> tantivy::Result<Frequencies> {
        self.segments.iter().map(|segment| self.frequencies_in(segment, text)).collect()
    }

    fn frequencies_in(&self, segment: &SegmentReader, text: &str) -> tantivy::Result<Vec<(DocId, f32)>> {
        let mut found: Vec<(DocId, f32)> = Vec::new();
        for ((field, weight), mean_length) in self.fields.into_iter().zip(self.mean_length) {
            let term = Term::from_field_text(field, text);
            let postings =
                segment.inverted_index(field)?.read_postings(&term, IndexRecordOption::WithFreqs)?;
            if let Some(postings) = postings {
                let norms = segment.get_fieldnorms_reader(field)?;
                let here = field_frequencies(postings, &norms, weight, mean_length);
                found = merge_sorted(found, here);
            }
        }
        found.retain(|(doc, _)| !segment.is_deleted(*doc));
        Ok(found)
    }

    /// The words of the index that differ from this one in one letter, one swap of neighbours.
    fn one_typo_away(&self, text: &str) -> tantivy::Result<Vec<String>> {
        if text.chars().count() < SHORTEST_TYPO || text.chars().any(|c| c.is_ascii_digit()) {
            return Ok(Vec::new());
        }
        let automaton = Typo(LevenshteinAutomatonBuilder::new(1, true).build_dfa(text));
        let mut found = Vec::new();
        for segment in self.segments {
            for (field, _) in self.fields {
                let index = segment.inverted_index(field)?;
                let mut stream = index.terms().search(&automaton).into_stream()?;
                while stream.advance() {
                    if let Ok(similar) = std::str::from_utf8(stream.key()) {
                        found.push(similar.to_owned());
                    }
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

/// Occurrences in one field: weighted, and against the field's length.
fn field_frequencies(
    mut postings: SegmentPostings,
    norms: &FieldNormReader,
    weight: f32,
    mean_length: f32,
) -> Vec<(DocId, f32)> {
    let mut found = Vec::with_capacity(postings.size_hint() as usize);
    while postings.doc() != TERMINATED {
        let doc = postings.doc();
        let length = norms.fieldnorm(doc) as f32;
        found.push((doc, weight * postings.term_freq() as f32 / (1.0 - B + B * length / mean_length)));
        postings.advance();
    }
    found
}

fn count(frequencies: &Frequencies) -> usize {
    frequencies.iter().map(Vec::len).sum()
}

fn merge(into: &mut Frequencies, other: Frequencies) {
    for (into, other) in into.iter_mut().zip(other) {
        *into = merge_sorted(std::mem::take(into), other);
    }
}

/// Two lists in document order as one, the frequencies of a document that stands in both added.
fn merge_sorted(a: Vec<(DocId, f32)>, b: Vec<(DocId, f32)>) -> Vec<(DocId, f32)> {
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
            Some(last) if last.0 == doc => last.1 += frequency,
            _ => merged.push((doc, frequency)),
        }
    }
}

/// A Levenshtein automaton as tantivy's term dictionary takes it.
struct Typo(DFA);

impl tantivy_fst::Automaton for Typo {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}

/// The weight of every index term that the phrase matches: what a snippet marks.
pub fn term_weights(terms: &[QueryTerm]) -> HashMap<&str, f32> {
    terms.iter().flat_map(|term| term.matches.iter().map(|text| (text.as_str(), term.idf))).collect()
}
