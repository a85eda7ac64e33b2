//! What a search gives back: plain data in the user's terms.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use super::collapse::AlsoAsked;
use super::confidence::Features;
use super::explain::Explanation;
use super::fuse::RetrievalScores;
use super::snippet::{self, Snippet};
use crate::question::Question;

/// The answer to one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// The phrase as typed.
    pub phrase: String,
    /// From the parsed query to the last snippet.
    pub took: Duration,
    /// Best first. Equal scores stand in order of source and line.
    pub hits: Vec<Hit>,
    /// Words of the phrase that no question has, not even one letter off.
    pub missing: Vec<String>,
    /// The terms that the words of the phrase were found by, as the index writes them: what
    /// [`highlights`](Self::highlights) marks.
    pub terms: Vec<String>,
    /// Why less was searched than was asked for, where that is so: an index whose model must not be used is
    /// searched by keywords.
    pub notice: Option<String>,
}

impl Results {
    /// Whether we are at least as sure of the best hit as this. Without vectors nobody can tell, and
    /// any hit is an answer.
    pub fn is_answered(&self, min_confidence: f32) -> bool {
        self.hits.first().is_some_and(|best| best.confidence.is_none_or(|sure| sure >= min_confidence))
    }

    /// The byte ranges of any text that match the phrase, in order, not overlapping: of a whole answer,
    /// say, of which a [`Snippet`] is a piece.
    pub fn highlights(&self, text: &str) -> Vec<Range<usize>> {
        let weights: HashMap<&str, f32> = self.terms.iter().map(|term| (term.as_str(), 1.0)).collect();
        snippet::highlights(text, &weights)
    }
}

/// A question that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// From 1.
    pub rank: usize,
    /// The question, whole.
    pub question: Question,
    /// How well it fits, compared with the other hits of this query. Hybrid: the fused score in
    /// [0, 1], 1 for a title that is the phrase; semantic: the cosine; keyword: BM25.
    pub score: f32,
    /// The probability that it answers the phrase, where that is known.
    pub confidence: Option<f32>,
    /// Its title, or another way to ask it, is the phrase.
    pub exact: bool,
    /// What [`confidence`](Self::confidence) was told by, where that is known.
    pub features: Option<Features>,
    /// Why it stands where it does, where the query asks for that.
    pub explanation: Option<Explanation>,
    /// Questions further down that ask the same, best first; none where nobody asked to
    /// [fold](super::Query::fold) them.
    pub also_asked: Vec<AlsoAsked>,
    /// What both legs say of it.
    pub scores: RetrievalScores,
    /// Byte ranges of the title that match the phrase.
    pub title_highlights: Vec<Range<usize>>,
    /// The passage that answers, or the most telling part of it.
    pub snippet: Snippet,
    /// The piece of the [readable](Question::readable_answer) answer that is nearest to the phrase, in bytes;
    /// all of it without vectors.
    pub passage: Range<usize>,
    /// What a reranker says of it, as log-odds, where one was asked and reached it.
    pub relevance: Option<f32>,
}
