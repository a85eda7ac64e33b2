//! Keyword search: BM25 over titles, alternative titles and answers.

#[cfg(any(test, feature = "milvus"))]
mod candidate_words;
mod occurrences;
mod synonyms;
mod words;

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;
use tantivy::{DocAddress, DocId};

use super::compound::is_compound_with;
use super::query::quotations;
use super::typo::{Typo, TypoAutomaton};
use super::word_sequence::fold;
use crate::analyze::{Language, Token, phrase_tokens, tokens_in};
use crate::curation::Fired;
use crate::index::{Index, K1, Statistics, Threshold, is_panic_caught, panics_caught, saturated};
pub use occurrences::Scored;
use occurrences::{Best, Clause, Occurrences, frequencies_of};
use synonyms::{Forms, SYNONYM, add_forms};
pub(super) use words::Words;
use words::WordsOf;

/// The weight of a word inside a compound, relative to the word itself.
const IN_COMPOUND: f32 = 0.5;

/// The maximum number of different words searched for. A longer phrase keeps those with the highest weight.
const MAX_TERMS: usize = 64;

/// The maximum number of words of a phrase that are searched for with a typo, and the maximum number of
/// quotations. Both bound the time for a long text.
const MAX_TYPOS: usize = 16;
const MAX_QUOTATIONS: usize = 8;

/// Below this many documents, one thread finishes before a second one would start.
const PARALLEL_DOCUMENTS: DocId = 50_000;

/// Stop words, ignored in phrases that have other words. This is Lucene's English list, the shortest in wide
/// use (longer lists cost more than they gain). Negations and programming keywords are left out of it: `as`,
/// `for`, `if`, `in`, `into`, `no`, `not`.
pub(super) const STOP_WORDS: [&str; 26] = [
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
    /// The index terms it matches: the word in each language, compounds with it, and synonyms of one word; or the terms
    /// one typo away if no question contains it.
    pub matches: Vec<String>,
    /// Its synonyms, as their file writes them.
    pub synonyms: Vec<String>,
    /// The terms of its synonyms of several words, which match in this order.
    pub sequences: Vec<Vec<String>>,
    /// Whether it matches with a typo, or a part of it only.
    pub is_corrected: bool,
    /// Whether it matches with a typo.
    pub has_typo: bool,
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

/// A phrase whose words were looked up in an index. It scores the questions by BM25.
pub struct KeywordQuery<'a> {
    /// The words of the phrase that some question contains, in order of the phrase. If there are more than
    /// [`MAX_TERMS`], by weight.
    pub terms: Vec<QueryTerm>,
    /// The quotations of the phrase that some question contains, in order of the phrase.
    pub quotations: Vec<Quotation>,
    /// The words of the phrase that no question contains, as written.
    pub missing: Vec<String>,
    /// The fraction of the phrase, weighted by idf, that consists of identifiers.
    pub identifier_share: f32,
    /// How many different words the phrase has, without stop words.
    pub words: usize,
    /// Whether the phrase has no white space inside.
    is_one_word: bool,
    words_of: WordsOf<'a>,
    /// The occurrences of each term and then of each quotation, one list per segment.
    occurrences: Vec<Vec<Occurrences>>,
    /// The sum of the idf of all words of the phrase. Words that no question contains count as the rarest ones.
    total_idf: f32,
    /// The sum of the idf of all identifiers and quotations.
    named_idf: f32,
}

/// The scores of a question by its words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WordScores {
    /// BM25. 0 if no word matches.
    pub bm25: f32,
    /// The fraction of the phrase's [identifiers](QueryTerm::is_identifier) and quotations that the question
    /// contains, weighted by idf. `None` if the phrase has none that any question contains.
    pub named: Option<f32>,
    /// The fraction of the phrase's words that the question contains, weighted by idf, in [0, 1].
    pub covered: f32,
}

impl<'a> KeywordQuery<'a> {
    /// Looks up the words of a phrase. `fired` are its synonyms.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn new(index: &'a Index, phrase: &str, fired: &[Fired]) -> tantivy::Result<Self> {
        let look_up = Lookup::open(index)?;
        let tokens = phrase_tokens(phrase, index.languages());
        let words = significant(&tokens, fired).into_iter().map(|(token, count)| {
            let written = phrase.get(token.start..token.end).unwrap_or(&token.text).to_owned();
            Word { token, count, written, synonyms: Forms::default(), found: Vec::new() }
        });
        let mut words: Vec<Word> = words.collect();
        add_forms(&mut words, fired, &tokens, index.languages());
        look_up.for_each(words.iter_mut().collect(), |word| {
            word.found.extend(look_up.look_up(look_up.matches(&word.token)?, word)?);
            if word.found.is_empty() {
                for part in look_up.parts_of_compound(&word.token, &word.written)? {
                    word.found.extend(look_up.look_up(vec![part], word)?);
                }
            }
            Ok(())
        })?;
        let unknown = words.iter_mut().filter(|word| word.found.is_empty() && !word.token.is_unspaced());
        look_up.for_each(unknown.take(MAX_TYPOS).collect(), |word| {
            let similar = look_up.one_typo_away(&word.token, &word.written)?;
            word.found.extend(look_up.look_up(similar, word)?);
            word.found.iter_mut().for_each(|(term, _)| term.has_typo = true);
            Ok(())
        })?;
        let mut terms = Vec::new();
        let mut missing = Vec::new();
        let mut missing_pairs = 0;
        for Word { token, written, found, .. } in words {
            match token.whole || !found.is_empty() {
                true => terms.extend(found),
                // A pair that crosses the border of two words is not a word that is missing.
                false if token.is_unspaced() => missing_pairs += 1,
                false => missing.push(written),
            }
        }
        if terms.len() > MAX_TERMS {
            terms.sort_by(|a, b| b.0.weight().total_cmp(&a.0.weight()));
            terms.truncate(MAX_TERMS);
        }
        let (quotations, quoted): (Vec<_>, Vec<_>) = look_up.quotations(phrase)?.into_iter().unzip();
        let (terms, mut occurrences): (Vec<_>, Vec<_>) = terms.into_iter().unzip();
        occurrences.extend(quoted);
        let idf = |terms: &mut dyn Iterator<Item = &QueryTerm>| terms.map(|term| term.idf).sum::<f32>();
        let identifier_idf = idf(&mut terms.iter().filter(|term| term.is_identifier));
        let named_idf = identifier_idf + quotations.iter().map(|quoted: &Quotation| quoted.idf).sum::<f32>();
        let unknown = (missing.len() + missing_pairs) as f32 * (1.0 + 2.0 * look_up.questions).ln();
        let total_idf = idf(&mut terms.iter()) + unknown;
        Ok(Self {
            identifier_share: if total_idf > 0.0 { identifier_idf / total_idf } else { 0.0 },
            words: terms.len() + missing.len(),
            is_one_word: phrase.split_whitespace().nth(1).is_none(),
            terms,
            quotations,
            missing,
            words_of: look_up.words,
            occurrences,
            total_idf,
            named_idf,
        })
    }

    /// The `limit` questions with the highest BM25 among those that contain a word and for which `allowed` is true, best
    /// first. `allowed` gets the number of the segment and the document.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn best(
        &self,
        limit: usize,
        allowed: impl Fn(u32, DocId) -> bool + Sync,
    ) -> tantivy::Result<Vec<Scored>> {
        self.best_of(self.ranges(), limit, allowed)
    }

    /// The same for ranges of documents of segments.
    fn best_of(
        &self,
        ranges: Vec<(u32, Range<DocId>)>,
        limit: usize,
        allowed: impl Fn(u32, DocId) -> bool + Sync,
    ) -> tantivy::Result<Vec<Scored>> {
        let threshold = Threshold::default();
        let best_of = |(ord, documents): (u32, Range<DocId>)| -> tantivy::Result<Best> {
            let allowed = |doc| self.words_of.is_alive(ord, doc) && allowed(ord, doc);
            let mut best = Best::new(limit);
            let lengths = self.words_of.lengths(ord)?;
            best.add(ord, documents, &self.clauses(ord), &lengths, &threshold, allowed);
            Ok(best)
        };
        let joined = |a: tantivy::Result<Best>, b: tantivy::Result<Best>| Ok(a?.joined(b?));
        let documents: DocId = ranges.iter().map(|(_, documents)| documents.len() as DocId).sum();
        let best = match documents < PARALLEL_DOCUMENTS {
            true => ranges.into_iter().map(best_of).reduce(joined),
            false => {
                let is_caught = is_panic_caught();
                let best_of = |range| panics_caught(is_caught, || best_of(range));
                ranges.into_par_iter().map(best_of).reduce_with(joined)
            }
        };
        best.map_or_else(|| Ok(Vec::new()), |best| Ok(best?.into_sorted()))
    }

    /// The documents of all segments, in parts for several threads if there are many.
    fn ranges(&self) -> Vec<(u32, Range<DocId>)> {
        let segments = (0..self.words_of.segments()).map(|ord| (ord, self.words_of.documents(ord)));
        let documents: DocId = segments.clone().map(|(_, documents)| documents).sum();
        let parts = 2 * rayon::current_num_threads() as DocId;
        let part = documents.div_ceil(parts).max(PARALLEL_DOCUMENTS);
        let ranges = segments.flat_map(|(ord, documents)| {
            (0..documents).step_by(part as usize).map(move |start| (ord, start..documents.min(start + part)))
        });
        ranges.collect()
    }

    /// The scores of some questions, which must be in the order of the index.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn scores(&self, addresses: &[DocAddress]) -> tantivy::Result<Vec<WordScores>> {
        let mut scores = Vec::with_capacity(addresses.len());
        for addresses in addresses.chunk_by(|a, b| a.segment_ord == b.segment_ord) {
            let ord = addresses[0].segment_ord;
            let lengths = self.words_of.lengths(ord)?;
            let documents: Vec<DocId> = addresses.iter().map(|address| address.doc_id).collect();
            let frequencies = frequencies_of(&self.clauses(ord), &documents, &lengths);
            scores.extend(frequencies.iter().map(|frequencies| self.word_scores(frequencies)));
        }
        Ok(scores)
    }

    /// What adds to the score of a document of a segment.
    fn clauses(&self, segment: u32) -> Vec<Clause<'_>> {
        let weights =
            self.terms.iter().map(QueryTerm::weight).chain(self.quotations.iter().map(|quoted| quoted.idf));
        let occurrences = self.occurrences.iter().map(|segments| &segments[segment as usize]);
        weights.zip(occurrences).map(|(weight, occurrences)| Clause { weight, occurrences }).collect()
    }

    /// The scores of a document with these frequencies of each term and quotation.
    fn word_scores(&self, frequencies: &[f32]) -> WordScores {
        let (of_terms, of_quotations) = frequencies.split_at(self.terms.len());
        let (mut bm25, mut named, mut covered) = (0.0, 0.0, 0.0);
        for (term, frequency) in self.terms.iter().zip(of_terms).filter(|(_, frequency)| **frequency > 0.0) {
            bm25 += term.weight() * saturated(*frequency);
            covered += term.idf / self.total_idf;
            if term.is_identifier {
                named += term.idf / self.named_idf;
            }
        }
        let quotations = self.quotations.iter().zip(of_quotations);
        for (quotation, frequency) in quotations.filter(|(_, frequency)| **frequency > 0.0) {
            bm25 += quotation.idf * saturated(*frequency);
            named += quotation.idf / self.named_idf;
        }
        WordScores { bm25, named: (self.named_idf > 0.0).then_some(named), covered }
    }

    /// The index terms of the phrase, with what each adds to a score at most, divided by `k1 + 1`.
    #[cfg(feature = "milvus")]
    pub fn weighted_terms(&self) -> impl Iterator<Item = (&str, f32)> {
        self.terms.iter().flat_map(|term| term.matches.iter().map(|text| (text.as_str(), term.weight())))
    }

    /// Whether the phrase is one word that few questions contain, written without a typo.
    pub fn is_rare_word(&self) -> bool {
        let is_rare = |term: &QueryTerm| !term.is_corrected && term.idf > RARE;
        self.missing.is_empty() && self.is_one_word && self.terms.first().is_some_and(is_rare)
    }

    /// Whether some question contains a word as the phrase writes it, and not only with a typo.
    pub fn contains_written(&self, word: &str) -> bool {
        let is_word = |term: &QueryTerm| !term.is_corrected && fold(&term.written) == word;
        STOP_WORDS.contains(&word) || self.terms.iter().any(is_word)
    }
}

/// Whether the index contains all words of a text, in one of its languages. They may be in different questions.
///
/// # Errors
/// The index is damaged.
pub fn occurs(index: &Index, text: &str) -> tantivy::Result<bool> {
    let look_up = Lookup::open(index)?;
    for language in index.languages() {
        let tokens = tokens_in(text, &[*language]);
        let words = tokens.iter().filter(|token| !token.whole || tokens.len() == 1);
        let mut missing = 0;
        for word in words {
            let found: Vec<bool> =
                word.terms().map(|term| look_up.words.contains(term)).collect::<tantivy::Result<_>>()?;
            missing += usize::from(!found.contains(&true));
        }
        if missing == 0 && !tokens.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The part of the highest score that a frequency has, in [0, 1).
pub fn saturated_share(frequency: f32) -> f32 {
    saturated(frequency) / (K1 + 1.0)
}

/// Whether a term is ignored in phrases that have other words.
pub fn is_stop_word(term: &str) -> bool {
    STOP_WORDS.contains(&term)
}

/// What the script of a static search has to know to compute the scores of questions as [`KeywordQuery`] does.
pub fn keyword_rules() -> serde_json::Value {
    serde_json::json!({ "stop": STOP_WORDS, "k1": K1, "compound": IN_COMPOUND, "rare": RARE, "terms": MAX_TERMS })
}

impl QueryTerm {
    /// The weight of the term in the phrase. It grows with the square root of the count, because a long
    /// phrase repeats both its subject and other words.
    fn weight(&self) -> f32 {
        self.idf * (self.count as f32).sqrt()
    }

    /// The index terms that show in a text why it matches.
    pub fn shown(&self) -> impl Iterator<Item = &str> {
        let parts = self.sequences.iter().flatten().map(String::as_str);
        self.matches.iter().map(String::as_str).chain(parts.filter(|part| !STOP_WORDS.contains(part)))
    }
}

/// The distinct tokens of a phrase in order, without stop words, with their counts. A phrase of stop words
/// only keeps them, and so does a synonym (`IT`).
fn significant(tokens: &[Token], fired: &[Fired]) -> Vec<(Token, u32)> {
    let is_stop_word = |token: &Token| STOP_WORDS.contains(&token.text.as_str());
    let all_stop_words = tokens.iter().all(is_stop_word);
    let is_synonym = |token: &Token| {
        let own = fired.iter().filter(|fired| fired.contains(token.start..token.end));
        let inside = |fired: &Fired, other: &Token| fired.contains(other.start..other.end);
        own.into_iter().any(|fired| tokens.iter().filter(|other| inside(fired, other)).all(is_stop_word))
    };
    let mut significant: Vec<(Token, u32)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for token in tokens {
        if !all_stop_words && is_stop_word(token) && !is_synonym(token) {
            continue;
        }
        let token = token.clone();
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

/// A word of the phrase while it is looked up.
struct Word {
    token: Token,
    /// How often the phrase contains it.
    count: u32,
    /// As the phrase writes it.
    written: String,
    synonyms: Forms,
    /// The terms that some question contains, with their occurrences: one, or those of the parts of a compound.
    found: Vec<(QueryTerm, Vec<Occurrences>)>,
}

/// Looks up the words of a phrase.
pub(super) struct Lookup<'a> {
    pub(super) words: WordsOf<'a>,
    languages: &'a [Language],
    questions: f32,
    /// The languages of the index with compounds.
    pub(super) compounding: Vec<Language>,
}

impl<'a> Lookup<'a> {
    fn open(index: &'a Index) -> tantivy::Result<Self> {
        let Statistics { questions, mean_lengths } = index.statistics()?;
        let languages = index.languages();
        let compounding = languages.iter().filter(|language| language.is_compounding()).copied().collect();
        let words = WordsOf::open(index, mean_lengths);
        Ok(Self { words, languages, questions: questions as f32, compounding })
    }

    /// Looks words up, in parallel if there are many documents.
    fn for_each(
        &self,
        words: Vec<&mut Word>,
        look_up: impl Fn(&mut Word) -> tantivy::Result<()> + Send + Sync,
    ) -> tantivy::Result<()> {
        match self.questions < PARALLEL_DOCUMENTS as f32 {
            true => words.into_iter().try_for_each(look_up),
            false => {
                let is_caught = is_panic_caught();
                words.into_par_iter().try_for_each(|word| panics_caught(is_caught, || look_up(word)))
            }
        }
    }

    /// The index terms that a token matches: its terms in each language, and compounds with them. They may not
    /// be in the index.
    fn matches(&self, token: &Token) -> tantivy::Result<Vec<String>> {
        let mut matches: Vec<String> = token.terms().map(str::to_owned).collect();
        matches.extend(self.compounds_with(token)?);
        Ok(matches)
    }

    /// The term of a token and its occurrences in each segment. `None` if no question contains any of the `matches`.
    fn look_up(
        &self,
        matches: Vec<String>,
        Word { token, count, written, synonyms, .. }: &Word,
    ) -> tantivy::Result<Option<(QueryTerm, Vec<Occurrences>)>> {
        let is_corrected = !matches.iter().any(|matched| token.terms().any(|term| term == matched));
        let own = matches.len();
        let mut matches = matches;
        synonyms.add_to(&mut matches);
        let factor = |(nth, text): (usize, &String)| match nth < own {
            true if is_compound_with(text, token) => IN_COMPOUND,
            true => 1.0,
            false => SYNONYM,
        };
        let factors = matches.iter().enumerate().map(factor);
        let terms: Vec<(&str, f32)> = matches.iter().map(String::as_str).zip(factors).collect();
        let occurrences = self.words.occurrences(&terms)?;
        let with_term = self.words.count(&matches, &occurrences);
        let occurrences = self.with_sequences(occurrences, &synonyms.sequences)?;
        // A store of candidates counts single words only.
        let with_term = match synonyms.sequences.is_empty() {
            true => with_term,
            false => with_term.max(occurrences.iter().map(Occurrences::most).sum()),
        };
        if with_term == 0 {
            return Ok(None);
        }
        let idf = self.idf(with_term);
        let is_identifier = is_identifier(written, token.whole) && idf > RARE;
        let texts = |parts: &Vec<Token>| parts.iter().map(|part| part.text.clone()).collect();
        let term = QueryTerm {
            written: written.clone(),
            matches,
            synonyms: synonyms.texts.clone(),
            sequences: synonyms.sequences.iter().map(texts).collect(),
            is_corrected,
            has_typo: false,
            idf,
            count: *count,
            is_identifier,
        };
        Ok(Some((term, occurrences)))
    }

    fn idf(&self, with_term: usize) -> f32 {
        let with_term = with_term as f32;
        (1.0 + (self.questions - with_term + 0.5).max(0.0) / (with_term + 0.5)).ln()
    }

    /// The quotations of a phrase that some question contains, and where.
    fn quotations(&self, phrase: &str) -> tantivy::Result<Vec<(Quotation, Vec<Occurrences>)>> {
        let mut found: Vec<(Quotation, Vec<Occurrences>)> = Vec::new();
        for range in quotations(phrase).into_iter().take(MAX_QUOTATIONS) {
            let written = phrase[range].trim();
            let mut frequencies: Frequencies = vec![Vec::new(); self.words.segments() as usize];
            let mut parts = Vec::new();
            // Each question has the words in the forms of its own language.
            for language in self.languages {
                let tokens: Vec<Token> =
                    tokens_in(written, &[*language]).into_iter().filter(|token| !token.whole).collect();
                let here = self.words.sequence(&tokens)?;
                if count(&here) > count(&frequencies) {
                    parts = tokens.into_iter().map(|part| part.text).collect();
                }
                merge(&mut frequencies, here);
            }
            let with_quotation = count(&frequencies);
            if with_quotation > 0 && found.iter().all(|(other, _)| other.parts != parts) {
                let idf = self.idf(with_quotation);
                let quotation = Quotation { written: written.to_owned(), parts, idf };
                found.push((quotation, frequencies.into_iter().map(Occurrences::Listed).collect()));
            }
        }
        Ok(found)
    }

    /// The index terms one typo away from a token: see [`Typo`].
    fn one_typo_away(&self, token: &Token, written: &str) -> tantivy::Result<Vec<String>> {
        let Some(typo) = Typo::new(token, written) else {
            return Ok(Vec::new());
        };
        let mut found = self.words.accepted_by(&TypoAutomaton::new(&token.text))?;
        found.retain(|similar| typo.may_mean(similar));
        for corrected in typo.corrections() {
            if self.words.contains(corrected)? {
                found.push(corrected.clone());
            }
        }
        found.sort();
        found.dedup();
        Ok(typo.most_likely(found))
    }
}

/// The documents with a quotation in each segment, in order, with its frequency weighted by field and field length.
pub type Frequencies = Vec<Vec<(DocId, f32)>>;

fn count(frequencies: &Frequencies) -> usize {
    frequencies.iter().map(Vec::len).sum()
}

/// Merges the frequencies of a quotation in several languages.
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
    terms.iter().flat_map(|term| term.shown().map(|text| (text, term.idf))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, expected: &[(&str, u32)]) {
        let found = significant(&phrase_tokens(phrase, &[]), &[]);
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
