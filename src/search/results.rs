//! Search results as plain data.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use super::collapse::AlsoAsked;
use super::confidence::Features;
use super::explain::Explanation;
use super::fuse::RetrievalScores;
use super::snippet::{self, Snippet};
use super::title::TitleMatch;
use crate::question::Question;

/// The results of one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// The phrase as typed.
    pub phrase: String,
    /// The time from the parsed query to the last snippet.
    pub took: Duration,
    /// The hits in the order of the query, by default the best first. Hits with equal scores are ordered by
    /// source and line.
    pub hits: Vec<Hit>,
    /// The number of questions that were ranked, before questions that ask the same become one hit. At most
    /// 300 come from each retriever, or as many as offset and limit need.
    pub total: usize,
    /// The offset of the next hits. `None` if these are the last.
    pub next: Option<usize>,
    /// The confidence of the most relevant question, which is not a hit if the query has an offset or sorts
    /// by something else. `None` without vectors, unless its title is the phrase.
    pub best_confidence: Option<f32>,
    /// Words of the phrase that occur in no question, not even with one typo.
    pub missing: Vec<String>,
    /// The index terms that the words of the phrase match. [`highlights`](Self::highlights) marks them.
    pub terms: Vec<String>,
    /// Why the search was limited, if it was. For example, an index whose model is not approved supports
    /// keyword search only.
    pub notice: Option<String>,
}

impl Results {
    /// Whether the most relevant question has at least this confidence. Without vectors there is no
    /// confidence, and any question counts as an answer.
    pub fn is_answered(&self, min_confidence: f32) -> bool {
        self.total > 0 && self.best_confidence.is_none_or(|confidence| confidence >= min_confidence)
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
    /// 1 if a title equals the phrase. Semantic mode: the cosine. Keyword mode: BM25. If a title is the
    /// phrase, the score is at least that of every other question.
    pub score: f32,
    /// The probability that the question answers the phrase. `None` without vectors, unless a title is the
    /// phrase.
    pub confidence: Option<f32>,
    /// How the title or an alternative title compares with the phrase.
    pub title_match: TitleMatch,
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
