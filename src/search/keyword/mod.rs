//! Keyword search: BM25 over titles, alternative titles and answers.

mod best;
#[cfg(any(test, feature = "milvus"))]
mod candidate_words;
mod compound;
mod frequencies;
mod look_up;
mod occurrences;
mod phrase_words;
mod postings;
mod query_term;
mod segment_words;
mod synonyms;
mod words;
mod words_of;

use std::ops::Range;

use rayon::prelude::*;
use tantivy::{DocAddress, DocId};

use super::word_sequence::fold;
use crate::analyze::{phrase_tokens, tokens_in};
use crate::curation::Fired;
use crate::index::{Index, K1, Threshold, is_panic_caught, panics_caught, saturated};
pub use best::Scored;
use best::{Best, Clause, frequencies_of};
pub(crate) use compound::{MAX_COMPOUNDS, PART as COMPOUND_PART};
use look_up::Lookup;
use look_up::{PARALLEL_DOCUMENTS, Word, add_forms};
use occurrences::Occurrences;
pub(super) use phrase_words::STOP_WORDS;
pub use phrase_words::is_stop_word;
use phrase_words::significant;
use query_term::{IN_COMPOUND, RARE};
pub use query_term::{QueryTerm, Quotation, term_weights};
use synonyms::Forms;
use words::Words as _;
use words_of::WordsOf;

/// The maximum number of different words searched for. A longer phrase keeps those with the highest weight.
const MAX_TERMS: usize = 64;

/// The maximum number of words of a phrase that are searched for with a typo. This bounds the time for a long text.
const MAX_TYPOS: usize = 16;

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
        let words = words_of(&look_up, index, phrase, fired)?;
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

/// The words of a phrase, looked up: as written, or else with a typo.
fn words_of(
    look_up: &Lookup<'_>,
    index: &Index,
    phrase: &str,
    fired: &[Fired],
) -> tantivy::Result<Vec<Word>> {
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
            for part in look_up.compounds().parts(&word.token, &word.written)? {
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
    Ok(words)
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

/// The index terms that begin with a prefix: at most about `limit`.
///
/// # Errors
/// The index is damaged.
#[cfg(feature = "milvus")]
pub fn beginning_with(index: &Index, prefix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
    Lookup::open(index)?.words.beginning_with(prefix, limit)
}

/// The part of the highest score that a frequency has, in [0, 1).
pub fn saturated_share(frequency: f32) -> f32 {
    saturated(frequency) / (K1 + 1.0)
}

/// What the script of a static search has to know to compute the scores of questions as [`KeywordQuery`] does.
pub fn keyword_rules() -> serde_json::Value {
    serde_json::json!({ "stop": STOP_WORDS, "k1": K1, "compound": IN_COMPOUND, "rare": RARE, "terms": MAX_TERMS })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Question;

    /// The number of questions in the index.
    const COUNT: u64 = 40;

    /// All questions contain `tool`, and the first one contains an error code.
    fn index() -> Index {
        let others = (2..=COUNT).map(|line| Question::new("tool", line));
        let questions: Vec<Question> =
            std::iter::once(Question::new("E0502 tool", 1)).chain(others).collect();
        Index::in_memory(&questions, None).unwrap()
    }

    fn scores(index: &Index, phrase: &str) -> Vec<WordScores> {
        let addresses: Vec<DocAddress> = index.documents().collect();
        KeywordQuery::new(index, phrase, &[]).unwrap().scores(&addresses).unwrap()
    }

    fn idf(with_term: f32) -> f32 {
        (1.0 + (COUNT as f32 - with_term + 0.5) / (with_term + 0.5)).ln()
    }

    #[test]
    fn words_cover_a_phrase_by_their_rarity() {
        let index = index();
        let (code, tool, unknown) = (idf(1.0), idf(COUNT as f32), (1.0 + 2.0 * COUNT as f32).ln());
        for (phrase, total) in [("E0502 tool", code + tool), ("tool E0502 zzzzzz", code + tool + unknown)] {
            let found = scores(&index, phrase);
            for (found, covered, named) in [(found[0], code + tool, 1.0), (found[1], tool, 0.0)] {
                assert!((found.covered - covered / total).abs() < 1e-5, "{phrase}: {found:?}");
                assert_eq!(found.named, Some(named), "{phrase}");
            }
            let share = KeywordQuery::new(&index, phrase, &[]).unwrap().identifier_share;
            assert!((share - code / total).abs() < 1e-5, "{phrase}: {share}");
        }
        assert_eq!(scores(&index, "tool")[0].named, None);
        let words = |phrase: &str| KeywordQuery::new(&index, phrase, &[]).unwrap().words;
        assert_eq!(["the E0502 tool", "tool E0502 zzzzzz", ""].map(words), [2, 3, 0]);
        assert_eq!(KeywordQuery::new(&index, "", &[]).unwrap().identifier_share, 0.0);
        // A quotation is named, too.
        let quoted = scores(&index, "\"E0502 tool\"");
        assert!((quoted[0].named.unwrap() - 1.0).abs() < 1e-5 && quoted[1].named == Some(0.0));
        // Pairs of characters without spaces that are missing count as words.
        let covered = |phrase: &str| scores(&index, phrase)[0].covered;
        let (none, one, three) =
            (covered("E0502 zzzzzz"), covered("E0502 zzzzzz 重置"), covered("E0502 zzzzzz 重置密码"));
        assert!(none > one && one > three && three > 0.0, "{none} {one} {three}");
    }

    #[test]
    fn a_score_is_the_sum_of_its_words_and_grows_with_the_root_of_their_count() {
        let index = index();
        let of = |phrase: &str| scores(&index, phrase)[0].bm25;
        let is_near = |a: f32, b: f32| (a - b).abs() < 1e-5 * b;
        assert!(is_near(of("E0502 tool"), of("E0502") + of("tool")));
        assert!(is_near(of("tool tool tool tool"), 2.0 * of("tool")));
        // A quotation counts as a word of its own, here as rare as the code.
        assert!(is_near(of("\"E0502 tool\""), of("E0502 tool") + of("E0502")));
        // A word in a shorter title counts more.
        let tool = scores(&index, "tool");
        assert!(tool[1].bm25 > tool[0].bm25, "{tool:?}");
    }

    #[test]
    fn one_word_that_few_questions_contain_is_rare() {
        let index = index();
        for (phrase, expected) in
            [("E0502", true), ("tool", false), ("E0502 tool", false), ("zzzzzz", false), ("E0520", false)]
        {
            let keyword = KeywordQuery::new(&index, phrase, &[]).unwrap();
            assert_eq!(keyword.is_rare_word(), expected, "{phrase}");
        }
        let keyword = KeywordQuery::new(&index, "E0520 tool zzzzzz", &[]).unwrap();
        let known = ["tool", "the", "e0520", "e0502", "zzzzzz"].map(|word| keyword.contains_written(word));
        assert_eq!(known, [true, true, false, false, false]);
    }

    #[test]
    fn a_long_phrase_keeps_the_words_with_the_highest_weight() {
        let letters = || 'a'..='j';
        let rare = letters().flat_map(|a| letters().map(move |b| format!("zq{a}{b}k")));
        let words: Vec<String> = std::iter::once("tool".to_owned()).chain(rare).take(MAX_TERMS + 1).collect();
        let others = (2..=COUNT).map(|line| Question::new("tool", line));
        let questions: Vec<Question> =
            std::iter::once(Question::new(words.join(" "), 1)).chain(others).collect();
        let index = Index::in_memory(&questions, None).unwrap();
        let kept = |count: usize| -> Vec<String> {
            let keyword = KeywordQuery::new(&index, &words[..count].join(" "), &[]).unwrap();
            keyword.terms.into_iter().map(|term| term.written).collect()
        };
        assert_eq!(kept(MAX_TERMS), words[..MAX_TERMS]);
        assert_eq!(kept(MAX_TERMS + 1), words[1..]);
    }
}
