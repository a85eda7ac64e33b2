//! Explanations of rankings.

use super::candidate::{Candidate, Raised, Ranking};
use super::confidence::{FEATURES, FITTED, Features};
use super::fuse::NormalizedScores;
use super::keyword::QueryTerm;
use super::pins::AppliedPin;
use super::query::Mode;
use super::retrieval::Retrieval;
use crate::analyze::{Token, tokens_by_detection};
use crate::curation::Fired;
use crate::question::Question;

pub use crate::chunk::Passage;

/// Why a hit is ranked where it is, and what affects its confidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// How the questions were ranked.
    pub mode: Mode,
    /// The question's rank by semantic search alone, starting at 1, and the number of questions ranked.
    /// `None` without vectors.
    pub semantic_rank: Option<(usize, usize)>,
    /// The question's rank by keyword search alone, starting at 1, and the number of questions that match.
    /// `None` if no word matches.
    pub keyword_rank: Option<(usize, usize)>,
    /// The weight of semantic search in the score, in [0, 1].
    pub semantic_weight: f32,
    /// The normalized scores of each retriever.
    pub normalized: NormalizedScores,
    /// The mean of the scores of the three candidates that are nearest to this question, before they were adjusted in
    /// the same way. `None` if the score does not depend on them.
    pub neighbours: Option<f32>,
    /// Their weight, relative to 1 for the question's own score.
    pub neighbour_weight: f32,
    /// Why it is before questions with higher scores, if it is.
    pub raised: Option<Raised>,
    /// The chunk of the question that is nearest to the phrase, and its cosine.
    pub nearest: Option<(Passage, f32)>,
    /// The words of the phrase and how often the question contains them. Words that no question contains
    /// come last.
    pub words: Vec<WordMatch>,
    /// The synonyms in the phrase.
    pub synonyms: Vec<Fired>,
    /// The pin that applies to the phrase. [`Hit::pinned`](super::Hit::pinned) says whether it has this question.
    pub pin: Option<AppliedPin>,
    /// How each feature changes the confidence compared with an average hit, largest effect first. Empty
    /// without vectors and if something else decides the confidence, such as the title.
    pub reasons: Vec<Reason>,
}

/// A word of the phrase and its occurrences in a question.
#[derive(Clone, Debug, PartialEq)]
pub struct WordMatch {
    /// The word as written in the phrase.
    pub word: String,
    /// Its inverse document frequency. 0 for a word that no question contains.
    pub idf: f32,
    /// Whether it is an identifier (an error code, code as written) or a quotation.
    pub names: bool,
    /// How often it or one of its synonyms occurs in the title, the alternative titles and the answer.
    pub counts: [usize; 3],
    /// Its synonyms, as their file writes them.
    pub synonyms: Vec<String>,
}

/// The effect of one feature on the confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// One of [`FEATURES`](super::FEATURES).
    pub feature: &'static str,
    /// The value of the feature.
    pub value: f32,
    /// The change in log-odds compared with an average hit.
    pub effect: f32,
}

pub(super) fn explain(
    retrieval: &Retrieval<'_>,
    candidate: &Candidate,
    ranking: &Ranking,
    features: Option<&Features>,
    confidence: Option<f32>,
    question: &Question,
    pin: Option<&AppliedPin>,
) -> anyhow::Result<Explanation> {
    let vectors = &retrieval.index.vectors()[candidate.address.segment_ord as usize];
    let nearest = retrieval.semantic.as_ref().and_then(|phrase| {
        let (row, cosine) =
            vectors.nearest_row(candidate.address.doc_id, |row| vectors.row_cosine(row, phrase))?;
        Some((vectors.passage(row), cosine))
    });
    Ok(Explanation {
        mode: retrieval.query.mode,
        semantic_rank: retrieval.semantic_rank(candidate.address),
        keyword_rank: retrieval.keyword_rank(candidate)?,
        semantic_weight: ranking.weight,
        normalized: NormalizedScores::new(&candidate.scores, &ranking.range),
        neighbours: candidate.neighbours,
        neighbour_weight: retrieval.neighbour_weight,
        raised: candidate.raised,
        nearest,
        words: words(retrieval, question),
        synonyms: retrieval.synonyms.clone(),
        pin: pin.cloned(),
        reasons: features
            .filter(|features| confidence == Some(FITTED.probability(&features.0)))
            .map_or_else(Vec::new, reasons),
    })
}

fn words(retrieval: &Retrieval<'_>, question: &Question) -> Vec<WordMatch> {
    let texts = [&question.title, &question.also.join("\n"), &*question.readable_answer()].map(tokens_of);
    let sequences = texts.each_ref().map(|tokens| parts_of(tokens));
    let counts = |term: &QueryTerm| {
        let is_match =
            |token: &&Token| token.terms().any(|text| term.matches.iter().any(|known| known == text));
        let count = |(tokens, parts): (&Vec<Token>, &Vec<String>)| {
            let sequences = term.sequences.iter().map(|sequence| count_sequence(parts, sequence));
            tokens.iter().filter(is_match).count() + sequences.sum::<usize>()
        };
        [0, 1, 2].map(|field| count((&texts[field], &sequences[field])))
    };
    let known = retrieval.keyword.terms.iter().map(|term| WordMatch {
        word: term.written.clone(),
        idf: term.idf,
        names: term.is_identifier,
        counts: counts(term),
        synonyms: term.synonyms.clone(),
    });
    let quoted = retrieval.keyword.quotations.iter().map(|quotation| WordMatch {
        word: format!("\"{}\"", quotation.written),
        idf: quotation.idf,
        names: true,
        counts: sequences.each_ref().map(|parts| count_sequence(parts, &quotation.parts)),
        synonyms: Vec::new(),
    });
    let missing = retrieval.keyword.missing.iter();
    let missing = missing.map(|word| WordMatch {
        word: word.clone(),
        idf: 0.0,
        names: false,
        counts: [0; 3],
        synonyms: Vec::new(),
    });
    known.chain(quoted).chain(missing).collect()
}

fn count_sequence(parts: &[String], sequence: &[String]) -> usize {
    parts.windows(sequence.len()).filter(|window| *window == sequence).count()
}

/// The main terms of the parts, without whole code.
fn parts_of(tokens: &[Token]) -> Vec<String> {
    tokens.iter().filter(|token| !token.whole).map(|token| token.text.clone()).collect()
}

fn tokens_of(text: impl AsRef<str>) -> Vec<Token> {
    tokens_by_detection(text.as_ref())
}

/// The effect of each feature, largest first.
fn reasons(features: &Features) -> Vec<Reason> {
    let effects = FITTED.effects(&features.0).into_iter().zip(FEATURES);
    let reason = |((effect, feature), value)| Reason { feature, value, effect };
    let mut reasons: Vec<Reason> = effects.zip(features.0).map(reason).collect();
    reasons.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    reasons
}
