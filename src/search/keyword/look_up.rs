//! Looks up the words and quotations of a phrase in an index.

use rayon::prelude::*;
use tantivy::DocId;

use super::compound::{Compounds, is_compound_with};
use super::frequencies::{Frequencies, count, merge};
use super::occurrences::Occurrences;
use super::phrase_words::is_identifier;
use super::query_term::{IN_COMPOUND, QueryTerm, Quotation, RARE};
use super::synonyms::{Forms, SYNONYM};
use super::words::Words as _;
use super::words_of::WordsOf;
use crate::analyze::{Language, Token, tokens_in};
use crate::curation::Fired;
use crate::index::{Index, Statistics, is_panic_caught, panics_caught};
use crate::search::query::quotations;
use crate::search::typo::{Typo, TypoAutomaton};

/// The maximum number of quotations of a phrase. This bounds the time for a long text.
const MAX_QUOTATIONS: usize = 8;

/// Below this many documents, one thread finishes before a second one would start.
pub const PARALLEL_DOCUMENTS: DocId = 50_000;

/// A word of the phrase while it is looked up.
pub struct Word {
    pub token: Token,
    /// How often the phrase contains it.
    pub count: u32,
    /// As the phrase writes it.
    pub written: String,
    pub synonyms: Forms,
    /// The terms that some question contains, with their occurrences: one, or those of the parts of a compound.
    pub found: Vec<(QueryTerm, Vec<Occurrences>)>,
}

/// Adds to each word what its synonyms match. A synonym of several words is another way to match each of them.
pub fn add_forms(words: &mut [Word], fired: &[Fired], tokens: &[Token], languages: &[Language]) {
    for Fired { range, expansions, .. } in fired {
        let inside = tokens.iter().filter(|token| range.start <= token.start && token.end <= range.end);
        let inside: Vec<&str> = inside.map(|token| token.text.as_str()).collect();
        for word in words.iter_mut().filter(|word| inside.contains(&word.token.text.as_str())) {
            expansions.iter().for_each(|expansion| word.synonyms.add(expansion, languages));
        }
    }
}

/// Looks up the words of a phrase.
pub struct Lookup<'a> {
    pub words: WordsOf<'a>,
    languages: &'a [Language],
    pub questions: f32,
    /// The languages of the index with compounds.
    compounding: Vec<Language>,
}

impl<'a> Lookup<'a> {
    pub fn open(index: &'a Index) -> tantivy::Result<Self> {
        let Statistics { questions, mean_lengths } = index.statistics()?;
        let languages = index.languages();
        let compounding = languages.iter().filter(|language| language.is_compounding()).copied().collect();
        let words = WordsOf::open(index, mean_lengths);
        Ok(Self { words, languages, questions: questions as f32, compounding })
    }

    /// Where compounds are looked for.
    pub fn compounds(&self) -> Compounds<'_> {
        Compounds { words: &self.words, languages: &self.compounding }
    }

    /// Looks words up, in parallel if there are many documents.
    pub fn for_each(
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
    pub fn matches(&self, token: &Token) -> tantivy::Result<Vec<String>> {
        let mut matches: Vec<String> = token.terms().map(str::to_owned).collect();
        matches.extend(self.compounds().with(token)?);
        Ok(matches)
    }

    /// The term of a token and its occurrences in each segment. `None` if no question contains any of the `matches`.
    pub fn look_up(
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

    /// The occurrences of a word or of one of the sequences. A document with several of them counts the most frequent one.
    fn with_sequences(
        &self,
        occurrences: Vec<Occurrences>,
        sequences: &[Vec<Token>],
    ) -> tantivy::Result<Vec<Occurrences>> {
        if sequences.is_empty() {
            return Ok(occurrences);
        }
        let own = (0..).zip(occurrences);
        let mut all: Frequencies = own
            .map(|(segment, own)| {
                let is_alive = |doc| self.words.is_alive(segment, doc);
                Ok(own.frequencies(is_alive, &self.words.lengths(segment)?))
            })
            .collect::<tantivy::Result<_>>()?;
        for sequence in sequences {
            let mut found = self.words.sequence(sequence)?;
            found.iter_mut().flatten().for_each(|(_, frequency)| *frequency *= SYNONYM);
            merge(&mut all, found);
        }
        Ok(all.into_iter().map(Occurrences::Listed).collect())
    }

    fn idf(&self, with_term: usize) -> f32 {
        let with_term = with_term as f32;
        (1.0 + (self.questions - with_term + 0.5).max(0.0) / (with_term + 0.5)).ln()
    }

    /// The quotations of a phrase that some question contains, and where.
    pub fn quotations(&self, phrase: &str) -> tantivy::Result<Vec<(Quotation, Vec<Occurrences>)>> {
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
    pub fn one_typo_away(&self, token: &Token, written: &str) -> tantivy::Result<Vec<String>> {
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
