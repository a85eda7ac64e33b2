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

/// Words that stand in any text and say nothing of it: left out of a phrase that has others. Lucene's
/// list of English ones, the shortest in wide use (longer ones cost more than they gain), without
/// those that negate or are keywords in programs: `as`, `for`, `if`, `in`, `into`, `no`, `not`.
const SILENT: [&str; 26] = [
    "a", "an", "and", "are", "at", "be", "but", "by", "is", "it", "of", "on", "or", "such", "that", "the",
    "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
];

/// A term names something only where its idf is above this: it stands in one question of ten.
const RARE: f32 = 2.3;

/// A word of the phrase, as the index knows it.
#[derive(Clone, Debug)]
pub struct QueryTerm {
    /// As the phrase writes it.
    pub written: String,
    /// The terms of the index it stands for: the word itself, or those one typo away where no
    /// document has it.
    pub matches: Vec<String>,
    /// How much it says: ln(1 + (N - n + ½) / (n + ½)) of n questions in N.
    pub idf: f32,
    /// How often the phrase says it.
    pub count: u32,
    /// It names a thing exactly (an error code, code as written), and few questions have that.
    pub names: bool,
}

/// BM25 of every question for one phrase.
pub struct KeywordScores {
    /// The words of the phrase that some question has, in order of the phrase.
    pub terms: Vec<QueryTerm>,
    /// The words of the phrase that none has, as the phrase writes them.
    pub missing: Vec<String>,
    /// The score of every document, a segment a list; 0 where no word matches.
    pub scores: Vec<Vec<f32>>,
    /// Of the terms that [name](QueryTerm::names) something, the share by idf that every document
    /// has, a segment a list; no lists where the phrase names nothing that any question has.
    pub named: Vec<Vec<f32>>,
    /// The share of the phrase, by idf, that names something.
    pub naming: f32,
    /// How many words of the phrase say something.
    pub words: usize,
    /// How much of the phrase every document has: the share by idf, in [0, 1], of its words, those
    /// that no question has counted as the rarest; a segment a list.
    pub covered: Vec<Vec<f32>>,
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
        for (token, count) in telling(tokens(phrase)) {
            let written = phrase.get(token.start..token.end).unwrap_or(&token.text);
            match segments.look_up(&token, written, count)? {
                Some(found) => terms.push(found),
                None if !token.whole => missing.push(written.to_owned()),
                None => {}
            }
        }
        if terms.len() > LONGEST_PHRASE {
            terms.sort_by(|a, b| b.0.weight().total_cmp(&a.0.weight()));
            terms.truncate(LONGEST_PHRASE);
        }
        let zeros = || -> Vec<Vec<f32>> {
            let segments = index.searcher().segment_readers().iter();
            segments.map(|segment| vec![0.0; segment.max_doc() as usize]).collect()
        };
        let mut scores = zeros();
        let naming: f32 = terms.iter().filter(|(term, _)| term.names).map(|(term, _)| term.idf).sum();
        let mut named = if naming > 0.0 { zeros() } else { Vec::new() };
        let mut covered = zeros();
        let unknown = missing.len() as f32 * (1.0 + 2.0 * segments.questions).ln();
        let said = terms.iter().map(|(term, _)| term.idf).sum::<f32>() + unknown;
        for (term, postings) in &terms {
            for (segment, postings) in postings.iter().enumerate() {
                for (doc, frequency) in postings {
                    let doc = *doc as usize;
                    scores[segment][doc] += term.weight() * frequency * (K1 + 1.0) / (frequency + K1);
                    covered[segment][doc] += term.idf / said;
                    if term.names {
                        named[segment][doc] += term.idf / naming;
                    }
                }
            }
        }
        Ok(Self {
            naming: if said > 0.0 { naming / said } else { 0.0 },
            words: terms.len() + missing.len(),
            terms: terms.into_iter().map(|(term, _)| term).collect(),
            missing,
            scores,
            named,
            covered,
        })
    }
}

impl QueryTerm {
    /// How much the term counts in the phrase. A long phrase repeats what it is about, and what it
    /// is not about as well.
    fn weight(&self) -> f32 {
        self.idf * (self.count as f32).sqrt()
    }
}

/// The tokens of a phrase that say something, each text once and in order, with how often it
/// stands there. A phrase of nothing but silent words says what it can.
fn telling(tokens: Vec<Token>) -> Vec<(Token, u32)> {
    let all_silent = tokens.iter().all(|token| SILENT.contains(&token.text.as_str()));
    let mut telling: Vec<(Token, u32)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for token in tokens {
        if !all_silent && SILENT.contains(&token.text.as_str()) {
            continue;
        }
        match places.get(&token.text) {
            Some(at) => telling[*at].1 += 1,
            None => {
                places.insert(token.text.clone(), telling.len());
                telling.push((token, 1));
            }
        }
    }
    telling
}

/// Whether a token names a thing exactly, by how the phrase writes it: a code of a letter or three and
/// some digits (`E0502`), code (`spawn_blocking`, `std::mem`, `Vec<T>`), a name with humps
/// (`PhantomData`).
fn names(written: &str, whole: bool) -> bool {
    let digits = written.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = written.len() - digits.len();
    let is_code = (1..=3).contains(&letters)
        && (3..=5).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit());
    let is_path = whole && written.contains(['_', '<', '#']) || written.contains("::");
    let humps =
        written.chars().zip(written.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    is_code || is_path || humps
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
    fn look_up(
        &self,
        token: &Token,
        written: &str,
        count_in_phrase: u32,
    ) -> tantivy::Result<Option<(QueryTerm, Frequencies)>> {
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
        let names = names(written, token.whole) && idf > RARE;
        let term = QueryTerm { written: written.to_owned(), matches, idf, count: count_in_phrase, names };
        Ok(Some((term, frequencies)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, expected: &[(&str, u32)]) {
        let found = telling(tokens(phrase));
        let found: Vec<(&str, u32)> =
            found.iter().map(|(token, count)| (token.text.as_str(), *count)).collect();
        assert_eq!(found, expected, "{phrase}");
    }

    #[test]
    fn silent_words_go_where_others_stand() {
        check("the lock of a lock", &[("lock", 2)]);
        check("is it that", &[("is", 1), ("it", 1), ("that", 1)]);
        check("as if not", &[("as", 1), ("if", 1), ("not", 1)]);
        check("", &[]);
    }

    #[test]
    fn silent_words_are_what_the_analyzer_makes_of_them() {
        for word in SILENT {
            assert_eq!(tokens(word)[0].text, word);
        }
    }

    #[test]
    fn code_names_things_and_words_do_not() {
        for (text, expected) in [
            ("E0502", true),
            ("Arc<Mutex<T>>", true),
            ("spawn_blocking", true),
            ("std::mem", true),
            ("PhantomData", true),
            ("lock", false),
            ("2024", false),
            ("Covid-19", false),
            ("don't", false),
            ("and/or", false),
        ] {
            assert_eq!(names(text, tokens(text)[0].whole), expected, "{text}");
        }
    }
}
