//! The explanation of a hit's rank, as JSON.

use serde::Serialize;

use crate::curation::Fired;
use crate::search::{AppliedPin, Explanation, FITTED, Hit, Passage, Raised, Reason, TitleMatch};

/// Why a hit is ranked where it is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExplanationReply<'a> {
    /// The weight of semantic search in the score, 0 to 1. Keyword search has the rest.
    pub semantic_weight: f32,
    /// The features from semantic search; `null` without vectors.
    pub semantic: Option<SemanticReply<'a>>,
    /// The features from keyword search.
    pub keyword: KeywordReply<'a>,
    /// The fraction, by idf, of the exact terms of the phrase (error codes, code) that the question contains,
    /// 0 to 1. It enters the score in addition to both retrievers. `null` if no question contains an exact
    /// term of the phrase.
    pub named: Option<f32>,
    /// The mean score of the three best hits that are nearest to this question, which is added to its score with
    /// `neighbour_weight`; `null` if the score does not depend on them.
    pub neighbours: Option<f32>,
    /// The weight of `neighbours`, relative to 1 for the question's own score.
    pub neighbour_weight: f32,
    /// Why the hit is before hits with higher scores, if it is: `spelling` (its title writes words like `C$` or `-f` as
    /// the phrase does), `confidence` (it is likely to answer the phrase, and those are not) or `pinned`. Its `score` is
    /// raised to theirs.
    pub raised: Option<&'static str>,
    /// Whether the phrase is the title or an alternative title. Such hits are ranked first.
    pub exact: bool,
    /// Whether the phrase is nearly the title or an alternative title: without articles, or with one typo.
    /// Such hits follow the exact ones.
    pub near: bool,
    /// The relevance from the reranker, as log-odds; `null` if there is no reranker, or it did not reach this
    /// hit.
    pub relevance: Option<f32>,
    /// The synonyms in the phrase.
    pub synonyms: Vec<SynonymReply<'a>>,
    /// The pin that applies to the phrase; `null` if there is none.
    pub pin: Option<PinReply<'a>>,
    /// How the confidence is computed; `null` if the hit has no confidence.
    pub confidence: Option<ConfidenceReply>,
}

/// A synonym in a phrase.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SynonymReply<'a> {
    /// As written in the phrase.
    pub written: &'a str,
    /// What is searched for besides it.
    pub expansions: Vec<&'a str>,
    /// The lines of the entries in the file of synonyms, from 1.
    pub lines: Vec<u64>,
}

/// A pin that applies to a phrase.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PinReply<'a> {
    /// The line of the pin in its file, from 1.
    pub line: u64,
    /// The phrase of the pin.
    pub phrase: &'a str,
    /// The cosine of both phrases; `null` if they are the same.
    pub cosine: Option<f32>,
    /// The ids of the questions that come first.
    pub ids: &'a [String],
    /// The ids of the questions that are hidden.
    pub hide: &'a [String],
    /// The ids that the index does not have.
    pub unknown: &'a [String],
    /// Why, as the file says.
    pub note: Option<&'a str>,
    /// Who decided it, as the file says.
    pub by: Option<&'a str>,
    /// When it was decided, as the file says.
    pub date: Option<&'a str>,
}

impl<'a> From<&'a Fired> for SynonymReply<'a> {
    fn from(fired: &'a Fired) -> Self {
        let mut lines: Vec<u64> = fired.expansions.iter().map(|expansion| expansion.line).collect();
        lines.dedup();
        let expansions = fired.expansions.iter().map(|expansion| expansion.text.as_str()).collect();
        Self { written: &fired.written, expansions, lines }
    }
}

impl<'a> From<&'a AppliedPin> for PinReply<'a> {
    fn from(applied: &'a AppliedPin) -> Self {
        let pin = &applied.pin;
        Self {
            line: pin.line,
            phrase: &applied.phrase,
            cosine: applied.cosine,
            ids: &pin.ids,
            hide: &pin.hide,
            unknown: &applied.unknown,
            note: pin.note.as_deref(),
            by: pin.by.as_deref(),
            date: pin.date.as_deref(),
        }
    }
}

/// The features of a hit from semantic search.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SemanticReply<'a> {
    /// The cosine of the phrase with the nearest chunk of the question.
    pub cosine: f32,
    /// The same cosine after the mean of the index is subtracted from both vectors, and after feedback from the best
    /// hits of a first ranking. This one is used for ranking.
    pub centred_cosine: Option<f32>,
    /// The normalized cosine, which enters the score: 0 for the cosine of an unrelated question, 1 for the
    /// best cosine.
    pub normalized: Option<f32>,
    /// The rank in semantic search alone, from 1.
    pub rank: Option<usize>,
    /// The number of questions ranked.
    pub of: Option<usize>,
    /// The part of the question with the nearest chunk: `title`, `also` (an alternative title) or `answer`.
    pub nearest: Option<&'static str>,
    /// The alternative title, if it is the nearest chunk.
    pub also: Option<&'a str>,
    /// `[start, end]` of the nearest chunk in the readable answer, in bytes, if the chunk is in the answer.
    pub passage: Option<[u32; 2]>,
}

/// The features of a hit from keyword search.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeywordReply<'a> {
    /// The BM25 score.
    pub bm25: f32,
    /// The BM25 score divided by the best one, which enters the score; `null` if no word matches any
    /// question.
    pub normalized: Option<f32>,
    /// The rank in keyword search alone, from 1; `null` if no word matches.
    pub rank: Option<usize>,
    /// The number of questions ranked.
    pub of: Option<usize>,
    /// The fraction, by idf, of the words of the phrase that the question contains, 0 to 1.
    pub covered: f32,
    /// The words of the phrase.
    pub words: Vec<WordReply<'a>>,
}

/// A word of the phrase in a question.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WordReply<'a> {
    /// The word as written in the phrase.
    pub word: &'a str,
    /// The inverse document frequency of the word; 0 if no question contains it.
    pub idf: f32,
    /// How often the word occurs in the title.
    pub title: usize,
    /// How often the word occurs in the alternative titles.
    pub also: usize,
    /// How often the word occurs in the answer.
    pub answer: usize,
    /// The synonyms of the word, which count as the word: see `synonyms` of the explanation.
    pub synonyms: &'a [String],
}

/// How a confidence is computed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfidenceReply {
    /// The confidence of an average hit, 0 to 1.
    pub average: f32,
    /// The effects of the features, largest first.
    pub reasons: Vec<ReasonReply>,
}

/// The effect of one feature on a confidence.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReasonReply {
    /// The name of the feature in `confidence.json`.
    pub feature: &'static str,
    /// The value of the feature.
    pub value: f32,
    /// How much the feature changes the log-odds, compared with an average hit.
    pub effect: f32,
}

impl<'a> ExplanationReply<'a> {
    /// Converts the explanation of a hit.
    pub fn new(hit: &'a Hit, why: &'a Explanation) -> Self {
        let nearest = why.nearest.as_ref().map(|(passage, _)| passage);
        let semantic = hit.scores.cosine.map(|cosine| SemanticReply {
            cosine,
            centred_cosine: hit.scores.centred,
            normalized: why.normalized.semantic,
            rank: why.semantic_rank.map(|(rank, _)| rank),
            of: why.semantic_rank.map(|(_, of)| of),
            nearest: nearest.map(|passage| match passage {
                Passage::Title => "title",
                Passage::Also(_) => "also",
                Passage::Answer(_) => "answer",
            }),
            also: match nearest {
                Some(Passage::Also(nth)) => hit.question.also.get(*nth as usize).map(String::as_str),
                _ => None,
            },
            passage: match nearest {
                Some(Passage::Answer(range)) => Some([range.start, range.end]),
                _ => None,
            },
        });
        let words = why.words.iter().map(|found| {
            let [title, also, answer] = found.counts;
            WordReply { word: &found.word, idf: found.idf, title, also, answer, synonyms: &found.synonyms }
        });
        let reason = |reason: &Reason| ReasonReply {
            feature: reason.feature,
            value: reason.value,
            effect: reason.effect,
        };
        Self {
            semantic_weight: why.semantic_weight,
            semantic,
            keyword: KeywordReply {
                bm25: hit.scores.bm25,
                normalized: why.normalized.keyword,
                rank: why.keyword_rank.map(|(rank, _)| rank),
                of: why.keyword_rank.map(|(_, of)| of),
                covered: hit.scores.covered,
                words: words.collect(),
            },
            named: why.normalized.named,
            neighbours: why.neighbours,
            neighbour_weight: why.neighbour_weight,
            raised: why.raised.map(|raised| match raised {
                Raised::Spelling => "spelling",
                Raised::Confidence => "confidence",
                Raised::Pinned => "pinned",
            }),
            exact: hit.title_match == TitleMatch::Exact,
            near: hit.title_match == TitleMatch::Near,
            relevance: hit.relevance,
            synonyms: why.synonyms.iter().map(SynonymReply::from).collect(),
            pin: why.pin.as_ref().map(PinReply::from),
            confidence: hit.confidence.map(|_| ConfidenceReply {
                average: FITTED.average(),
                reasons: why.reasons.iter().map(reason).collect(),
            }),
        }
    }
}
