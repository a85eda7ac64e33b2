//! Search results as plain data.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use super::collapse::AlsoAsked;
use super::confidence::Features;
use super::explain::Explanation;
use super::fuse::RetrievalScores;
use super::snippet::{self, Snippet};
use crate::question::Question;

/// The results of one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// The phrase as typed.
    pub phrase: String,
    /// The time from the parsed query to the last snippet.
    pub took: Duration,
    /// The hits, best first. Hits with equal scores are ordered by source and line.
    pub hits: Vec<Hit>,
    /// Words of the phrase that occur in no question, not even with one typo.
    pub missing: Vec<String>,
    /// The index terms that the words of the phrase match. [`highlights`](Self::highlights) marks them.
    pub terms: Vec<String>,
    /// Why the search was limited, if it was. For example, an index whose model is not approved supports
    /// keyword search only.
    pub notice: Option<String>,
}

impl Results {
    /// Whether the best hit has at least this confidence. Without vectors there is no confidence, and any hit
    /// counts as an answer.
    pub fn is_answered(&self, min_confidence: f32) -> bool {
        self.hits
            .first()
            .is_some_and(|best| best.confidence.is_none_or(|confidence| confidence >= min_confidence))
    }

    /// The byte ranges of a text that match the phrase, in order and without overlaps. Use it to highlight a
    /// whole answer instead of a [`Snippet`].
    pub fn highlights(&self, text: &str) -> Vec<Range<usize>> {
        let weights: HashMap<&str, f32> = self.terms.iter().map(|term| (term.as_str(), 1.0)).collect();
        snippet::highlights(text, &weights)
    }
}

/// A question that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The position in the results, starting at 1.
    pub rank: usize,
    /// The complete question.
    pub question: Question,
    /// The score, comparable only with other hits of the same query. Hybrid mode: the fused score in [0, 1],
    /// 1 if a title equals the phrase. Semantic mode: the cosine. Keyword mode: BM25.
    pub score: f32,
    /// The probability that the question answers the phrase. It comes from words only if the model cannot read
    /// the phrase or the question. `None` in an index without vectors and in keyword mode.
    pub confidence: Option<f32>,
    /// Whether the title or an alternative title equals the phrase.
    pub exact: bool,
    /// The features that determine [`confidence`](Self::confidence). `None` without vectors.
    pub features: Option<Features>,
    /// Why the hit is ranked where it is. `None` unless [`Query::explain`](super::Query::explain) is set.
    pub explanation: Option<Explanation>,
    /// Lower-ranked questions that ask the same, best first. Empty unless
    /// [`Query::collapse`](super::Query::collapse) is set.
    pub also_asked: Vec<AlsoAsked>,
    /// The scores from keyword and semantic search.
    pub scores: RetrievalScores,
    /// Byte ranges of the title that match the phrase.
    pub title_highlights: Vec<Range<usize>>,
    /// An excerpt of the answer that matches the phrase.
    pub snippet: Snippet,
    /// The passage of the [readable answer](Question::readable_answer) that is nearest to the phrase, as a
    /// byte range. The whole answer without vectors.
    pub passage: Range<usize>,
    /// The reranker's score, as log-odds. `None` without a reranker, or if its time ran out before this hit.
    pub relevance: Option<f32>,
}
