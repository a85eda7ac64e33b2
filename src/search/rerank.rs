//! Reranking: a cross-encoder scores the best hits again, reading phrase and question together.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::query::{Query, Sort};
use super::results::{Hit, Results};
use super::search;
use crate::embed::{Embedder, Reranker};
use crate::index::Index;
use crate::worker_threads;

/// The default number of hits to rerank.
pub const DEFAULT_CANDIDATES: usize = 30;

/// The default time limit for reranking.
pub const DEFAULT_BUDGET: Duration = Duration::from_millis(1_000);

/// The weight of the reranker's score in the new score, in [0, 1]. It was not fitted, because no good
/// cross-encoder was available during development.
const RERANKER_WEIGHT: f32 = 0.5;

/// Log-odds are clamped to ± this value, because some rerankers score every good match at 10 or more.
const MAX_LOG_ODDS: f32 = 6.0;

/// Options of [`search_and_rerank`].
#[derive(Clone, Copy)]
pub struct Reranking<'a> {
    /// The reranking model.
    pub reranker: &'a dyn Reranker,
    /// How many of the best hits to rerank.
    pub candidates: usize,
    /// The time limit. No hit is started after it, but hits already started are finished.
    pub budget: Duration,
}

/// Runs [`search`] and reranks the best hits.
///
/// The new score of a hit is the mean of its old score and the reranker's score, both scaled to the range of
/// the reranked hits. The new confidence is the mean of both in log-odds. Hits that were not reached in time
/// keep their positions. Pinned hits and then titles that are the phrase stay first; the latter keep their scores.
///
/// # Errors
/// Returns the errors of [`search`], or an error if the reranker fails or the query does not sort by
/// relevance.
pub fn search_and_rerank(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
    reranking: Reranking<'_>,
) -> anyhow::Result<Results> {
    let start = Instant::now();
    ensure!(query.sort == Sort::Relevance, "reranked hits are sorted by relevance only");
    let wide = Query { offset: 0, limit: query.end().max(reranking.candidates), ..query.clone() };
    let mut results = search(index, embedder, &wide)?;
    rerank(&mut results.hits, &query.phrase, reranking)?;
    results.best_confidence = results.hits.first().and_then(|best| best.confidence);
    if results.hits.len() > query.end() {
        results.hits.truncate(query.end());
        results.next = Some(query.end());
    }
    results.hits.drain(..query.offset.min(results.hits.len()));
    results.took = start.elapsed();
    Ok(results)
}

fn rerank(hits: &mut [Hit], phrase: &str, reranking: Reranking<'_>) -> anyhow::Result<()> {
    let deadline = Instant::now() + reranking.budget;
    let candidates = &hits[..hits.len().min(reranking.candidates)];
    // Hits are started in order, so the hits reached in time come before all others.
    let relevance = worker_threads::map(candidates, |hit| {
        (Instant::now() < deadline).then(|| reranking.reranker.score(phrase, &passage(hit))).transpose()
    });
    let relevance: Vec<Option<f32>> = relevance.into_iter().collect::<anyhow::Result<_>>()?;
    let relevance: Vec<f32> = relevance.into_iter().map_while(|relevance| relevance).collect();
    reorder(&mut hits[..relevance.len()], &relevance);
    for (hit, rank) in hits.iter_mut().zip(1..) {
        hit.rank = rank;
    }
    Ok(())
}

/// The text that the reranker reads for a hit: the title and the passage of the answer nearest to the phrase.
fn passage(hit: &Hit) -> String {
    let answer = hit.question.readable_answer();
    let piece = answer.get(hit.passage.clone()).unwrap_or(&answer);
    format!("{}\n{}", hit.question.title, piece.trim())
}

/// Reorders hits by the reranker's scores. The new scores stay within the range of the old ones, so they
/// remain comparable with the scores of hits further down.
fn reorder(hits: &mut [Hit], relevance: &[f32]) {
    let (Some(best), Some(last)) = (hits.iter().map(|hit| hit.score).reduce(f32::max), hits.last()) else {
        return;
    };
    let min = last.score;
    let range = |values: &[f32]| {
        let min = values.iter().copied().fold(f32::INFINITY, f32::min);
        (min, values.iter().copied().fold(f32::NEG_INFINITY, f32::max) - min)
    };
    let scaled = |value: f32, (min, width): (f32, f32)| if width > 0.0 { (value - min) / width } else { 1.0 };
    let scores = (min, best - min);
    let relevances = range(relevance);
    for (hit, relevance) in hits.iter_mut().zip(relevance) {
        hit.relevance = Some(*relevance);
        if let Some(explanation) = hit.explanation.as_mut().filter(|_| !hit.pinned) {
            explanation.raised = None;
        }
        if !hit.title_match.is_first() {
            let fused = (1.0 - RERANKER_WEIGHT) * scaled(hit.score, scores)
                + RERANKER_WEIGHT * scaled(*relevance, relevances);
            hit.score = min + fused * (best - min);
            hit.confidence = hit.confidence.map(|confidence| combined_confidence(confidence, *relevance));
        }
    }
    // Pinned hits keep their order.
    let pinned = hits.iter().take_while(|hit| hit.pinned).count();
    let first = |hit: &Hit| hit.title_match.is_first().then_some(hit.title_match);
    hits[pinned..].sort_by(|a, b| first(b).cmp(&first(a)).then(b.score.total_cmp(&a.score)));
    let mut least = hits.get(pinned).map_or(f32::NEG_INFINITY, |next| next.score);
    for hit in hits[..pinned].iter_mut().rev() {
        hit.score = hit.score.max(least);
        least = hit.score;
    }
}

/// The mean of a probability and a relevance in log-odds, as a probability.
fn combined_confidence(confidence: f32, relevance: f32) -> f32 {
    let p = confidence.clamp(1e-4, 1.0 - 1e-4);
    let odds = ((p / (1.0 - p)).ln() + relevance.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)) / 2.0;
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::question::Question;
    use crate::search::{RetrievalScores, Snippet, TitleMatch};

    fn hit(title: &str, score: f32) -> Hit {
        Hit {
            rank: 0,
            question: Question::new(title, 1),
            index: None,
            score,
            confidence: Some(0.5),
            probability: None,
            title_match: TitleMatch::Different,
            pinned: false,
            features: None,
            explanation: None,
            also_asked: Vec::new(),
            distinction: None,
            scores: RetrievalScores::default(),
            title_highlights: Vec::new(),
            snippet: Snippet::default(),
            passage: 0..0,
            relevance: None,
        }
    }

    /// Scores long passages higher and sleeps before each score.
    struct Slow(Duration, Mutex<usize>);

    impl Reranker for Slow {
        fn name(&self) -> &str {
            "slow"
        }

        fn score(&self, _: &str, passage: &str) -> anyhow::Result<f32> {
            *self.1.lock().unwrap() += 1;
            std::thread::sleep(self.0);
            Ok(passage.len() as f32)
        }
    }

    fn titles(hits: &[Hit]) -> Vec<&str> {
        hits.iter().map(|hit| hit.question.title.as_str()).collect()
    }

    #[test]
    fn the_new_order_combines_both_scores() {
        let mut hits = [hit("a", 0.9), hit("bbb", 0.85), hit("cc", 0.1)];
        let slow = Slow(Duration::ZERO, Mutex::default());
        let reranking = Reranking { reranker: &slow, candidates: 10, budget: DEFAULT_BUDGET };
        rerank(&mut hits, "phrase", reranking).unwrap();
        assert_eq!(titles(&hits), ["bbb", "a", "cc"]);
        assert_eq!(hits.each_ref().map(|hit| hit.rank), [1, 2, 3]);
        assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        assert!(hits.iter().all(|hit| (0.1..=0.9).contains(&hit.score)));
        assert!(hits[0].confidence.unwrap() > 0.5);
    }

    #[test]
    fn hits_that_are_not_reached_keep_their_positions() {
        let mut hits = [hit("a", 0.9), hit("bb", 0.8), hit("ccc", 0.7), hit("dddd", 0.6)];
        let slow = Slow(Duration::ZERO, Mutex::default());
        rerank(&mut hits, "phrase", Reranking { reranker: &slow, candidates: 2, budget: DEFAULT_BUDGET })
            .unwrap();
        assert_eq!(titles(&hits)[2..], ["ccc", "dddd"]);
        let slow = Slow(Duration::from_millis(1), Mutex::default());
        let none = Reranking { reranker: &slow, candidates: 10, budget: Duration::ZERO };
        let before = hits.clone();
        rerank(&mut hits, "phrase", none).unwrap();
        assert_eq!((&hits, *slow.1.lock().unwrap()), (&before, 0));
    }

    #[test]
    fn an_exact_title_stays_first() {
        let exact = TitleMatch::Exact;
        let mut hits =
            [Hit { title_match: exact, confidence: Some(1.0), ..hit("a", 1.0) }, hit("bbbbbb", 0.9)];
        reorder(&mut hits, &[-5.0, 5.0]);
        assert_eq!((titles(&hits), hits[0].confidence), (vec!["a", "bbbbbb"], Some(1.0)));
    }

    #[test]
    fn extreme_relevance_does_not_make_confidence_certain() {
        assert!((combined_confidence(0.5, 0.0) - 0.5).abs() < 1e-6);
        assert!(combined_confidence(0.9, 100.0) < 0.99 && combined_confidence(0.9, -100.0) > 0.05);
    }
}
