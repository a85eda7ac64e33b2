//! Search results as plain data.

use std::ops::Range;
use std::time::Duration;

use super::collapse::AlsoAsked;
use super::confidence::{Features, Quality};
use super::explain::Explanation;
use super::facets::Facets;
use super::fuse::RetrievalScores;
use super::pins::AppliedPin;
use super::snippet::{Snippet, Terms};
use super::title::TitleMatch;
use crate::curation::Fired;
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
    /// The values of the [requested](super::Query::facets) facets. `None` if none were requested.
    pub facets: Option<Facets>,
    /// Why the search was limited, if it was: an index whose model is not approved supports keyword search only, and no
    /// question may be in a language of the filters. Lines, if there are several reasons.
    pub notice: Option<String>,
    /// The synonyms in the phrase.
    pub synonyms: Vec<Fired>,
    /// The pin that applies to the phrase.
    pub pin: Option<AppliedPin>,
}

impl Results {
    /// Whether the most relevant question has at least this confidence, or a question is pinned. Without vectors there is
    /// no confidence, and any question counts as an answer.
    pub fn is_answered(&self, min_confidence: f32) -> bool {
        let is_pinned = self.pin.as_ref().is_some_and(|pin| pin.shown > 0);
        let is_sure = self.best_confidence.is_none_or(|confidence| confidence >= min_confidence);
        self.total > 0 && (is_pinned || is_sure)
    }

    /// How many of the hits to list: if there is an answer, those up to the last hit that is pinned or not
    /// [weak](Quality::Weak), else the three closest questions. All hits if the best one is weak but has
    /// `min_confidence`.
    pub fn listed(&self, min_confidence: f32) -> usize {
        const CLOSEST: usize = 3;
        if !self.is_answered(min_confidence) {
            return self.hits.len().min(CLOSEST);
        }
        let last = self.hits.iter().rposition(|hit| hit.pinned || hit.quality() != Some(Quality::Weak));
        last.map_or(self.hits.len(), |last| last + 1)
    }

    /// The byte ranges of a text that match the phrase, in order and without overlaps. Use it to highlight a
    /// whole answer instead of a [`Snippet`].
    pub fn highlights(&self, text: &str) -> Vec<Range<usize>> {
        let weights = self.terms.iter().map(|term| (term.as_str(), 1.0)).collect();
        Terms::new(weights, None).highlights(text)
    }
}

/// A question that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The position in the results, starting at 1.
    pub rank: usize,
    /// The complete question.
    pub question: Question,
    /// The index that the question is from, if [several](crate::index::Index::open_several) are searched: its directory, as
    /// it was given.
    pub index: Option<String>,
    /// The score, comparable only with other hits of the same query. Hybrid mode: the fused score in [0, 1],
    /// 1 if a title equals the phrase. Semantic mode: the cosine. Keyword mode: BM25. If a title is the
    /// phrase, the score is at least that of every other question.
    pub score: f32,
    /// How sure it is that the question answers the phrase, 0 to 1. Higher is surer, but it is not a probability: of
    /// the hits with a confidence of 0.6, half are right in one corpus and nine in ten in another. It comes from words
    /// only if the model cannot read the phrase or the question. `None` in an index without vectors and in keyword
    /// mode, unless a title is the phrase.
    pub confidence: Option<f32>,
    /// The probability that the question answers the phrase. `None` if the index is not calibrated (`rqsearch eval
    /// --calibrate`) or there is no confidence.
    pub probability: Option<f32>,
    /// How the title or an alternative title compares with the phrase.
    pub title_match: TitleMatch,
    /// Whether the owner of the index put it first for the phrase. Its confidence is its own; its score is raised to that
    /// of the hits behind it.
    pub pinned: bool,
    /// The features that determine [`confidence`](Self::confidence). `None` without vectors.
    pub features: Option<Features>,
    /// Why the hit is ranked where it is. `None` unless [`Query::explain`](super::Query::explain) is set.
    pub explanation: Option<Explanation>,
    /// Lower-ranked questions that ask the same, best first. Empty unless
    /// [`Query::collapse`](super::Query::collapse) is set.
    pub also_asked: Vec<AlsoAsked>,
    /// If other questions in the index have the same title: the first line of code of the answer, or else of
    /// text, that none of them has.
    pub distinction: Option<String>,
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

impl Hit {
    /// The quality of the hit. `None` without a confidence.
    pub fn quality(&self) -> Option<Quality> {
        self.confidence.map(Quality::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(confidences: &[Option<f32>]) -> Results {
        let hit = |confidence: &Option<f32>| Hit {
            rank: 1,
            question: Question::default(),
            index: None,
            score: 1.0,
            confidence: *confidence,
            probability: None,
            title_match: TitleMatch::Different,
            pinned: false,
            distinction: None,
            features: None,
            explanation: None,
            also_asked: Vec::new(),
            scores: RetrievalScores::default(),
            title_highlights: Vec::new(),
            snippet: Snippet::default(),
            passage: 0..0,
            relevance: None,
        };
        Results {
            phrase: String::new(),
            took: Duration::ZERO,
            hits: confidences.iter().map(hit).collect(),
            total: confidences.len(),
            next: None,
            best_confidence: confidences.first().copied().flatten(),
            missing: Vec::new(),
            terms: Vec::new(),
            facets: None,
            notice: None,
            synonyms: Vec::new(),
            pin: None,
        }
    }

    #[test]
    fn the_list_ends_where_the_quality_drops() {
        for (confidences, min_confidence, expected) in [
            (&[0.9, 0.5, 0.01, 0.01][..], 0.25, 2),
            // Weak hits before a likely one are listed.
            (&[0.9, 0.01, 0.5, 0.01], 0.25, 3),
            (&[0.9, 0.5], 0.25, 2),
            // Nothing answers.
            (&[0.01, 0.01, 0.01, 0.01], 0.25, 3),
            (&[0.9, 0.8, 0.8, 0.8], 0.95, 3),
            (&[0.01], 0.25, 1),
            // The user wants weak answers.
            (&[0.01, 0.01, 0.01, 0.01], 0.0, 4),
            (&[], 0.25, 0),
        ] {
            let confidences: Vec<_> = confidences.iter().copied().map(Some).collect();
            assert_eq!(results(&confidences).listed(min_confidence), expected, "{confidences:?}");
        }
        assert_eq!(results(&[None; 5]).listed(0.25), 5, "without vectors there is no quality");
    }
}
