//! Documents that may become hits, and their order.

use std::cmp::Ordering;

use tantivy::DocAddress;

use super::fuse::{RetrievalScores, ScoreRange};
use super::title::TitleMatch;

/// Why a candidate is before others with a higher score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// Its title has the words with symbols, or of one or two capitals, as the phrase writes them: `-f` and `-F`, or
    /// `C` and `C$`. The analysis of words does not distinguish them.
    Spelling,
    /// It is likely to answer the phrase, and the candidates with higher scores are not.
    Confidence,
    /// The owner of the index put it first for the phrase: see [`Pin`](crate::curation::Pin).
    Pinned,
}

/// A document that may become a hit.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub address: DocAddress,
    /// The scores from both retrievers.
    pub scores: RetrievalScores,
    /// How the phrase compares with the titles.
    pub title: TitleMatch,
    /// The fused score, in every mode.
    pub fused: f32,
    /// The mean of the fused scores of the nearest candidates: see [`ADJUSTED`].
    pub neighbours: Option<f32>,
    /// The score that the candidates are ranked by. It depends on the mode.
    pub score: f32,
    /// Why it is before candidates with higher scores, if it is.
    pub raised: Option<Raised>,
    /// What the candidates are ordered by before their rank, highest first: 0 for those that are not raised if the most
    /// relevant come first.
    pub sort_key: f64,
}

/// Ranked candidates.
pub struct Ranking {
    /// The candidates, best first.
    pub candidates: Vec<Candidate>,
    /// The score range of the candidates.
    pub range: ScoreRange,
    /// The weight of semantic search in the fused scores, in [0, 1].
    pub weight: f32,
    /// The mean of the ten highest fused scores.
    pub top_mean: f32,
}

impl Ranking {
    /// The first `limit` candidates and all that tie with the last of them. Ties are ordered by source, which
    /// is read later.
    pub fn first(&self, limit: usize) -> &[Candidate] {
        let Some(last) = limit.min(self.candidates.len()).checked_sub(1) else {
            return &[];
        };
        let (first, rest) = self.candidates.split_at(last + 1);
        let ties = rest.iter().take_while(|candidate| best_candidate(candidate, &first[last]).is_eq());
        &self.candidates[..first.len() + ties.count()]
    }
}

/// Orders candidates: by their sort key, then titles that are the phrase before all others, then by score.
pub fn best_candidate(a: &Candidate, b: &Candidate) -> Ordering {
    let first = |candidate: &Candidate| candidate.title.is_first().then_some(candidate.title);
    (b.sort_key.total_cmp(&a.sort_key)).then(first(b).cmp(&first(a))).then(b.score.total_cmp(&a.score))
}
