//! Keyword search: BM25 over titles, alternative titles and answers.

use std::collections::HashMap;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{EnableScoring, PhraseQuery, Query as _};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term};

use super::compound::is_compound_with;
use super::query::quotations;
use super::typo::{Typo, TypoAutomaton};
use super::word_sequence::fold;
use crate::analyze::{Language, Token, phrase_tokens, tokens_in};
use crate::index::{Index, Statistics};

/// BM25's k1 (how much repeated occurrences of a word count) and b (how much a long field lowers the score).
/// Robertson and Zaragoza ("The Probabilistic Relevance Framework", 2009) found these values to work well
/// everywhere.
pub(super) const K1: f32 = 1.2;
const B: f32 = 0.75;

/// Field weights. BM25F adds the fields before saturation, so a word in both title and answer does not count
/// as two words.
pub(super) const TITLE: f32 = 2.0;
const ALSO: f32 = 1.0;
const ANSWER: f32 = 1.0;

/// The weight of a word inside a compound, relative to the word itself.
const IN_COMPOUND: f32 = 0.5;

/// The maximum number of different words searched for. A longer phrase keeps those with the highest weight.
const MAX_TERMS: usize = 64;

/// The maximum number of words of a phrase that are searched for with a typo, and the maximum number of
/// quotations. Both bound the time for a long text.
const MAX_TYPOS: usize = 16;
const MAX_QUOTATIONS: usize = 8;

/// Stop words, ignored in phrases that have other words. This is Lucene's English list, the shortest in wide
/// use (longer lists cost more than they gain). Negations and programming keywords are left out of it: `as`,
/// `for`, `if`, `in`, `into`, `no`, `not`.
const STOP_WORDS: [&str; 26] = [
    "a", "an", "and", "are", "at", "be", "but", "by", "is", "it", "of", "on", "or", "such", "that", "the",
    "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
];

/// A term is an identifier only if its idf is above this, which means that at most one question in ten
/// contains it.
const RARE: f32 = 2.3;

/// A word of the phrase and the index terms it matches.
#[derive(Clone, Debug)]
pub struct QueryTerm {
    /// The word as written in the phrase.
    pub written: String,
    /// The index terms it matches: the word in each language, and compounds with it; or the terms one typo away
    /// if no question contains it.
    pub matches: Vec<String>,
    /// Whether it matches with a typo only.
    pub is_corrected: bool,
    /// Inverse document frequency: ln(1 + (N - n + ½) / (n + ½)) if n of N questions contain it.
    pub idf: f32,
    /// How often the phrase contains it.
    pub count: u32,
    /// Whether it is an identifier (an error code, code as written) that few questions contain.
    pub is_identifier: bool,
}

/// Quoted words of the phrase that some question contains in this order, in any of their forms.
#[derive(Clone, Debug)]
pub struct Quotation {
    /// The words as written in the phrase.
    pub written: String,
    /// The terms of the words, without whole code, in the language in which most questions contain them.
    pub parts: Vec<String>,
    /// As for [`QueryTerm::idf`].
    pub idf: f32,
}

/// BM25 scores of all questions for one phrase.
pub struct KeywordScores {
    /// The words of the phrase that some question contains, in order of the phrase. If there are more than
    /// [`MAX_TERMS`], by weight.
    pub terms: Vec<QueryTerm>,
    /// The quotations of the phrase that some question contains, in order of the phrase.
    pub quotations: Vec<Quotation>,
    /// The words of the phrase that no question contains, as written.
    pub missing: Vec<String>,
    /// The score of every document, one list per segment. 0 if no word matches.
    pub scores: Vec<Vec<f32>>,
    /// For every document, the fraction of the phrase's [identifiers](QueryTerm::is_identifier) and
    /// quotations that it contains, weighted by idf, one list per segment. No lists if the phrase has none
    /// that any question contains.
    pub named: Vec<Vec<f32>>,
    /// The fraction of the phrase, weighted by idf, that consists of identifiers.
    pub identifier_share: f32,
    /// How many different words the phrase has, without stop words.
    pub words: usize,
    /// For every document, the fraction of the phrase's words that it contains, weighted by idf, in [0, 1],
    /// one list per segment. Words that no question contains count as the rarest ones.
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
        let mut typos = 0;
        let mut missing_pairs = 0;
        for (token, count) in significant(phrase_tokens(phrase, index.languages())) {
            let written = phrase.get(token.start..token.end).unwrap_or(&token.text);
            let mut found: Vec<(QueryTerm, Frequencies)> =
                segments.look_up(segments.matches(&token)?, &token, written, count)?.into_iter().collect();
            if found.is_empty() {
                for part in segments.parts_of_compound(&token, written)? {
                    found.extend(segments.look_up(vec![part], &token, written, count)?);
                }
            }
            if found.is_empty() && !token.is_unspaced() && typos < MAX_TYPOS {
                typos += 1;
                let similar = segments.one_typo_away(&token, written)?;
                found.extend(segments.look_up(similar, &token, written, count)?);
            }
            match token.whole || !found.is_empty() {
                true => terms.extend(found),
                // A pair that crosses the border of two words is not a word that is missing.
                false if token.is_unspaced() => missing_pairs += 1,
                false => missing.push(written.to_owned()),
            }
        }
        let quotations = segments.quotations(phrase)?;
        if terms.len() > MAX_TERMS {
            terms.sort_by(|a, b| b.0.weight().total_cmp(&a.0.weight()));
            terms.truncate(MAX_TERMS);
        }
        let zeros = || -> Vec<Vec<f32>> {
            let segments = index.searcher().segment_readers().iter();
            segments.map(|segment| vec![0.0; segment.max_doc() as usize]).collect()
        };
        let mut scores = zeros();
        let identifier_idf: f32 =
            terms.iter().filter(|(term, _)| term.is_identifier).map(|(term, _)| term.idf).sum();
        let named_idf = identifier_idf + quotations.iter().map(|(quoted, _)| quoted.idf).sum::<f32>();
        let mut named = if named_idf > 0.0 { zeros() } else { Vec::new() };
        let mut covered = zeros();
        let unknown = (missing.len() + missing_pairs) as f32 * (1.0 + 2.0 * segments.questions).ln();
        let total_idf = terms.iter().map(|(term, _)| term.idf).sum::<f32>() + unknown;
        for (term, postings) in &terms {
            for (segment, postings) in postings.iter().enumerate() {
                for (doc, frequency) in postings {
                    let doc = *doc as usize;
                    scores[segment][doc] += term.weight() * saturated(*frequency);
                    covered[segment][doc] += term.idf / total_idf;
                    if term.is_identifier {
                        named[segment][doc] += term.idf / named_idf;
                    }
                }
            }
        }
        for (quotation, postings) in &quotations {
            for (segment, postings) in postings.iter().enumerate() {
                for (doc, frequency) in postings {
                    scores[segment][*doc as usize] += quotation.idf * saturated(*frequency);
                    named[segment][*doc as usize] += quotation.idf / named_idf;
                }
            }
        }
        Ok(Self {
            identifier_share: if total_idf > 0.0 { identifier_idf / total_idf } else { 0.0 },
            words: terms.len() + missing.len(),
            terms: terms.into_iter().map(|(term, _)| term).collect(),
            quotations: quotations.into_iter().map(|(quotation, _)| quotation).collect(),
            missing,
            scores,
            named,
            covered,
        })
    }
}

/// BM25's saturation: the first occurrence of a word counts most.
fn saturated(frequency: f32) -> f32 {
    frequency * (K1 + 1.0) / (frequency + K1)
}

impl KeywordScores {
    /// Whether some question contains a word as the phrase writes it, and not only with a typo.
    pub fn contains_written(&self, word: &str) -> bool {
        let is_word = |term: &QueryTerm| !term.is_corrected && fold(&term.written) == word;
        STOP_WORDS.contains(&word) || self.terms.iter().any(is_word)
    }
}

impl QueryTerm {
    /// The weight of the term in the phrase. It grows with the square root of the count, because a long
    /// phrase repeats both its subject and other words.
    fn weight(&self) -> f32 {
        self.idf * (self.count as f32).sqrt()
    }
}

/// The distinct tokens of a phrase in order, without stop words, with their counts. A phrase of stop words
/// only keeps them.
fn significant(tokens: Vec<Token>) -> Vec<(Token, u32)> {
    let all_stop_words = tokens.iter().all(|token| STOP_WORDS.contains(&token.text.as_str()));
    let mut significant: Vec<(Token, u32)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for token in tokens {
        if !all_stop_words && STOP_WORDS.contains(&token.text.as_str()) {
            continue;
        }
        match positions.get(&token.text) {
            Some(at) => significant[*at].1 += 1,
            None => {
                positions.insert(token.text.clone(), significant.len());
                significant.push((token, 1));
            }
        }
    }
    significant
}

/// Whether a token is an identifier, judged by how the phrase writes it: one to three letters followed by
/// three to five digits (`E0502`), code (`spawn_blocking`, `std::mem`, `Vec<T>`), a name with punctuation
/// (`C++17`, `node.js`, `1.10`, `-Wall`), or a camel-case name (`PhantomData`).
fn is_identifier(written: &str, whole: bool) -> bool {
    let digits = written.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = written.len() - digits.len();
    let is_code = (1..=3).contains(&letters)
        && (3..=5).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit());
    let is_ascii = written.is_ascii();
    let is_flag = whole && is_ascii && written.starts_with(['-', '.']);
    let is_path = whole && is_ascii && (written.contains(['_', '<', '#', '.']) || written.contains("++"))
        || written.contains("::")
        || is_flag;
    let humps =
        written.chars().zip(written.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    is_code || is_path || humps
}

/// The documents with a term in each segment, with the term frequency weighted by field and field length.
type Frequencies = Vec<Vec<(DocId, f32)>>;

/// The searched fields of every segment.
pub(super) struct Segments<'a> {
    searcher: &'a Searcher,
    languages: &'a [Language],
    pub(super) segments: &'a [SegmentReader],
    pub(super) fields: [(Field, f32); 3],
    /// The mean length of each field, in tokens.
    mean_length: [f32; 3],
    questions: f32,
    /// The languages of the index with compounds.
    pub(super) compounding: Vec<Language>,
    /// The field of words written backwards.
    pub(super) reversed: Field,
}

impl<'a> Segments<'a> {
    fn open(index: &'a Index) -> tantivy::Result<Self> {
        let segments = index.searcher().segment_readers();
        let fields = index.fields();
        let fields = [(fields.title, TITLE), (fields.also, ALSO), (fields.answer, ANSWER)];
        let Statistics { questions, mean_lengths: mean_length } = index.statistics()?;
        let questions = questions as f32;
        let languages = index.languages();
        let compounding = languages.iter().filter(|language| language.is_compounding()).copied().collect();
        let (searcher, reversed) = (index.searcher(), index.fields().reversed);
        Ok(Self { searcher, languages, segments, fields, mean_length, questions, compounding, reversed })
    }

    /// The index terms that a token matches: its terms in each language, and compounds with them. They may not
    /// be in the index.
    fn matches(&self, token: &Token) -> tantivy::Result<Vec<String>> {
        let mut matches: Vec<String> = token.terms().map(str::to_owned).collect();
        matches.extend(self.compounds_with(token)?);
        Ok(matches)
    }

    /// The term of a token and its frequencies. `None` if no question contains any of the `matches`. A question
    /// that contains several of them counts the most frequent one: it is indexed with several terms of one
    /// word.
    fn look_up(
        &self,
        matches: Vec<String>,
        token: &Token,
        written: &str,
        count_in_phrase: u32,
    ) -> tantivy::Result<Option<(QueryTerm, Frequencies)>> {
        let mut frequencies: Frequencies = vec![Vec::new(); self.segments.len()];
        for text in &matches {
            let mut found = self.frequencies(text)?;
            if is_compound_with(text, token) {
                found.iter_mut().flatten().for_each(|(_, frequency)| *frequency *= IN_COMPOUND);
            }
            merge(&mut frequencies, found);
        }
        let with_term = count(&frequencies);
        if with_term == 0 {
            return Ok(None);
        }
        let idf = self.idf(with_term);
        let is_identifier = is_identifier(written, token.whole) && idf > RARE;
        let is_corrected = !matches.iter().any(|matched| token.terms().any(|term| term == matched));
        let written = written.to_owned();
        let term = QueryTerm { written, matches, is_corrected, idf, count: count_in_phrase, is_identifier };
        Ok(Some((term, frequencies)))
    }

    fn idf(&self, with_term: usize) -> f32 {
        let with_term = with_term as f32;
        (1.0 + (self.questions - with_term + 0.5).max(0.0) / (with_term + 0.5)).ln()
    }

    /// The quotations of a phrase that some question contains, and where.
    fn quotations(&self, phrase: &str) -> tantivy::Result<Vec<(Quotation, Frequencies)>> {
        let mut found: Vec<(Quotation, Frequencies)> = Vec::new();
        for range in quotations(phrase).into_iter().take(MAX_QUOTATIONS) {
            let written = phrase[range].trim();
            let mut frequencies: Frequencies = vec![Vec::new(); self.segments.len()];
            let mut parts = Vec::new();
            // Each question has the words in the forms of its own language.
            for language in self.languages {
                let tokens: Vec<Token> =
                    tokens_in(written, &[*language]).into_iter().filter(|token| !token.whole).collect();
                let here = self.sequence_frequencies(&tokens)?;
                if count(&here) > count(&frequencies) {
                    parts = tokens.into_iter().map(|part| part.text).collect();
                }
                merge(&mut frequencies, here);
            }
            let with_quotation = count(&frequencies);
            if with_quotation > 0 && found.iter().all(|(other, _)| other.parts != parts) {
                let idf = self.idf(with_quotation);
                found.push((Quotation { written: written.to_owned(), parts, idf }, frequencies));
            }
        }
        Ok(found)
    }

    /// The documents with these tokens in sequence in one of their fields.
    fn sequence_frequencies(&self, parts: &[Token]) -> tantivy::Result<Frequencies> {
        let (first, several) = match parts {
            [] => return Ok(vec![Vec::new(); self.segments.len()]),
            [only] => return self.frequencies(&only.text),
            [first, ..] => (first, parts.iter()),
        };
        let mut found: Frequencies = vec![Vec::new(); self.segments.len()];
        for ((field, weight), mean_length) in self.fields.into_iter().zip(self.mean_length) {
            let term =
                |part: &Token| (part.position - first.position, Term::from_field_text(field, &part.text));
            let query = PhraseQuery::new_with_offset(several.clone().map(term).collect());
            let query = query.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
            for (segment, found) in self.segments.iter().zip(&mut found) {
                let norms = segment.get_fieldnorms_reader(field)?;
                let mut here = Vec::new();
                let mut scorer = query.scorer(segment, 1.0)?;
                while scorer.doc() != TERMINATED {
                    let doc = scorer.doc();
                    if !segment.is_deleted(doc) {
                        here.push((doc, normalized_frequency(1, weight, norms.fieldnorm(doc), mean_length)));
                    }
                    scorer.advance();
                }
                *found = merge_sorted(std::mem::take(found), here, |a, b| a + b);
            }
        }
        Ok(found)
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
                found = merge_sorted(found, here, |a, b| a + b);
            }
        }
        found.retain(|(doc, _)| !segment.is_deleted(*doc));
        Ok(found)
    }

    /// The index terms one typo away from a token: see [`Typo`].
    fn one_typo_away(&self, token: &Token, written: &str) -> tantivy::Result<Vec<String>> {
        let Some(typo) = Typo::new(token, written) else {
            return Ok(Vec::new());
        };
        let automaton = TypoAutomaton::new(&token.text);
        let mut found = Vec::new();
        for segment in self.segments {
            for (field, _) in self.fields {
                let index = segment.inverted_index(field)?;
                let mut stream = index.terms().search(&automaton).into_stream()?;
                while stream.advance() {
                    if let Some(similar) =
                        std::str::from_utf8(stream.key()).ok().filter(|similar| typo.may_mean(similar))
                    {
                        found.push(similar.to_owned());
                    }
                }
                for corrected in typo.corrections() {
                    if index.terms().get(corrected.as_bytes())?.is_some() {
                        found.push(corrected.clone());
                    }
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(typo.most_likely(found))
    }
}

/// The frequency of a term in a field, weighted by field and normalized by the field's length.
fn normalized_frequency(frequency: u32, weight: f32, length: u32, mean_length: f32) -> f32 {
    weight * frequency as f32 / (1.0 - B + B * length as f32 / mean_length)
}

/// The term frequencies in one field, weighted by field and normalized by field length.
fn field_frequencies(
    mut postings: SegmentPostings,
    norms: &FieldNormReader,
    weight: f32,
    mean_length: f32,
) -> Vec<(DocId, f32)> {
    let mut found = Vec::with_capacity(postings.size_hint() as usize);
    while postings.doc() != TERMINATED {
        let doc = postings.doc();
        let frequency = normalized_frequency(postings.term_freq(), weight, norms.fieldnorm(doc), mean_length);
        found.push((doc, frequency));
        postings.advance();
    }
    found
}

fn count(frequencies: &Frequencies) -> usize {
    frequencies.iter().map(Vec::len).sum()
}

/// Merges frequencies of terms of one word.
fn merge(into: &mut Frequencies, other: Frequencies) {
    for (into, other) in into.iter_mut().zip(other) {
        *into = merge_sorted(std::mem::take(into), other, f32::max);
    }
}

/// Merges two lists in document order. `both` combines the frequencies of a document in both lists.
fn merge_sorted(
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

/// The idf of every index term that the phrase matches. Snippets highlight these terms.
pub fn term_weights(terms: &[QueryTerm]) -> HashMap<&str, f32> {
    terms.iter().flat_map(|term| term.matches.iter().map(|text| (text.as_str(), term.idf))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, expected: &[(&str, u32)]) {
        let found = significant(phrase_tokens(phrase, &[]));
        let found: Vec<(&str, u32)> =
            found.iter().map(|(token, count)| (token.text.as_str(), *count)).collect();
        assert_eq!(found, expected, "{phrase}");
    }

    #[test]
    fn stop_words_are_dropped_unless_there_is_nothing_else() {
        check("the lock of a lock", &[("lock", 2)]);
        check("is it that", &[("is", 1), ("it", 1), ("that", 1)]);
        check("as if not", &[("as", 1), ("if", 1), ("not", 1)]);
        check("", &[]);
    }

    #[test]
    fn stop_words_are_written_as_the_analyzer_writes_them() {
        for word in STOP_WORDS {
            assert_eq!(phrase_tokens(word, &[])[0].text, word);
        }
    }

    #[test]
    fn code_is_an_identifier_and_words_are_not() {
        for (text, expected) in [
            ("E0502", true),
            ("Arc<Mutex<T>>", true),
            ("spawn_blocking", true),
            ("std::mem", true),
            ("PhantomData", true),
            ("node.js", true),
            ("C++17", true),
            ("-Wall", true),
            (".NET", true),
            ("1.10", true),
            ("退款", false),
            ("lock", false),
            ("2024", false),
            ("Covid-19", false),
            ("don't", false),
            ("and/or", false),
        ] {
            assert_eq!(is_identifier(text, phrase_tokens(text, &[])[0].whole), expected, "{text}");
        }
    }
}
