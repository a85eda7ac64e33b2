//! Why a hit stands where it does, as JSON.

use serde::Serialize;

use crate::search::{Explanation, FITTED, Hit, Passage, Reason};

/// Why a hit stands where it does.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExplanationReply<'a> {
    /// The share of meaning in the score; the rest is that of the words.
    pub semantic_weight: f32,
    /// What its meaning says of it; `null` without vectors.
    pub semantic: Option<SemanticReply<'a>>,
    /// What its words say of it.
    pub keyword: KeywordReply<'a>,
    /// Of what the phrase names exactly (an error code, code as written), the share it has; counts
    /// beside both legs. `null` where the phrase names nothing that any question has.
    pub named: Option<f32>,
    /// Its title, or another way to ask it, is the phrase: it stands before everything else.
    pub exact: bool,
    /// What a reranker says of it, as log-odds; `null` where none was asked, or it was not reached.
    pub relevance: Option<f32>,
    /// The confidence of an average hit, and what moved it; `null` where nobody can tell.
    pub confidence: Option<ConfidenceReply>,
}

/// The semantic leg's figures of a hit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SemanticReply<'a> {
    /// Cosine of the phrase with the nearest piece.
    pub cosine: f32,
    /// The cosine that ranks, after the best hits of a first ranking moved the phrase.
    pub moved_cosine: Option<f32>,
    /// From 0 for a cosine as good as that of any question to 1 for the best: what enters the score.
    pub share: Option<f32>,
    /// Where meaning alone would put it, from 1.
    pub rank: Option<usize>,
    /// Among how many.
    pub of: Option<usize>,
    /// `title`, `also` or `answer`: where the nearest piece stands.
    pub nearest: Option<&'static str>,
    /// The other way to ask that is nearest, where one is.
    pub also: Option<&'a str>,
    /// `[start, end]` of the nearest piece in the readable answer, where it stands there.
    pub passage: Option<[u32; 2]>,
}

/// The keyword leg's figures of a hit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeywordReply<'a> {
    /// BM25.
    pub bm25: f32,
    /// BM25 as a share of the best: what enters the score.
    pub share: Option<f32>,
    /// Where words alone would put it, from 1; `null` where no word matches.
    pub rank: Option<usize>,
    /// Among how many.
    pub of: Option<usize>,
    /// How much of the phrase it has, by idf.
    pub covered: f32,
    /// The words of the phrase.
    pub words: Vec<WordReply<'a>>,
}

/// A word of the phrase in a question.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WordReply<'a> {
    /// As the phrase writes it.
    pub word: &'a str,
    /// How much it says; 0 for a word that no question has.
    pub idf: f32,
    /// How often the title has it.
    pub title: usize,
    /// How often the other ways to ask have it.
    pub also: usize,
    /// How often the answer has it.
    pub answer: usize,
}

/// What moved a confidence.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfidenceReply {
    /// The confidence of an average hit.
    pub average: f32,
    /// What moved it, most first.
    pub reasons: Vec<ReasonReply>,
}

/// One thing that moved a confidence.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReasonReply {
    /// What it is called in `confidence.json`.
    pub feature: &'static str,
    /// Its value.
    pub value: f32,
    /// By how much it moved the log-odds.
    pub effect: f32,
}

impl<'a> ExplanationReply<'a> {
    /// The explanation of a hit.
    pub fn new(hit: &'a Hit, why: &'a Explanation) -> Self {
        let nearest = why.nearest.as_ref().map(|(passage, _)| passage);
        let semantic = hit.scores.cosine.map(|cosine| SemanticReply {
            cosine,
            moved_cosine: why.moved_cosine,
            share: why.shares.semantic,
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
            WordReply { word: &found.word, idf: found.idf, title, also, answer }
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
                share: why.shares.keyword,
                rank: why.keyword_rank.map(|(rank, _)| rank),
                of: why.keyword_rank.map(|(_, of)| of),
                covered: hit.scores.covered,
                words: words.collect(),
            },
            named: why.shares.named,
            exact: hit.exact,
            relevance: hit.relevance,
            confidence: hit.confidence.map(|_| ConfidenceReply {
                average: FITTED.average(),
                reasons: why.reasons.iter().map(reason).collect(),
            }),
        }
    }
}
