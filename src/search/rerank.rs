//! A second look at the best hits, by a model that reads phrase and question together.

use std::time::{Duration, Instant};

use super::query::Query;
use super::results::{Hit, Results};
use super::search;
use crate::embed::{Embedder, Reranker};
use crate::index::Index;
use crate::worker_threads;

/// How many hits are looked at again when nobody says how many.
pub const DEFAULT_CANDIDATES: usize = 30;

/// For how long they are when nobody says how long.
pub const DEFAULT_BUDGET: Duration = Duration::from_millis(1_000);

/// What the reranker counts against the order it finds, in [0, 1]. It has not been fitted: no cross-encoder
/// worth its name could be had where this was written.
const SHARE: f32 = 0.5;

/// Log-odds beyond this are no surer: some rerankers give 10 and more to everything they like.
const SUREST: f32 = 6.0;

/// How hits are looked at again.
#[derive(Clone, Copy)]
pub struct Reranking<'a> {
    /// The model that does it.
    pub reranker: &'a dyn Reranker,
    /// How many of the best hits.
    pub candidates: usize,
    /// For how long at most, but for what is under way then.
    pub budget: Duration,
}

/// [`search`], and the best hits looked at again.
///
/// A hit's new score is half its old one and half what the reranker says, both as shares of the best;
/// its confidence is the mean of both in log-odds. Hits that were not reached within the time keep their
/// places, and so do exact titles.
///
/// # Errors
/// Those of [`search`]; the reranker fails.
pub fn search_and_rerank(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
    reranking: Reranking<'_>,
) -> anyhow::Result<Results> {
    let start = Instant::now();
    let wide = Query { limit: query.limit.max(reranking.candidates), ..query.clone() };
    let mut results = search(index, embedder, &wide)?;
    rerank(&mut results.hits, &query.text, reranking)?;
    results.hits.truncate(query.limit);
    results.took = start.elapsed();
    Ok(results)
}

fn rerank(hits: &mut [Hit], phrase: &str, reranking: Reranking<'_>) -> anyhow::Result<()> {
    let deadline = Instant::now() + reranking.budget;
    let candidates = &hits[..hits.len().min(reranking.candidates)];
    // They are begun in order, so that those that are reached come before those that are not.
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

/// What a reranker reads of a hit: the question, and the piece of its answer that is nearest to the phrase.
fn passage(hit: &Hit) -> String {
    let answer = hit.question.readable_answer();
    let piece = answer.get(hit.passage.clone()).unwrap_or(&answer);
    format!("{}\n{}", hit.question.title, piece.trim())
}

/// Puts hits into a new order by what a reranker says of each. Their scores stay between the best and the
/// least of what they were, so that they still compare with those of hits further down.
fn reorder(hits: &mut [Hit], relevance: &[f32]) {
    let (Some(best), Some(last)) = (hits.iter().map(|hit| hit.score).reduce(f32::max), hits.last()) else {
        return;
    };
    let least = last.score;
    let range = |values: &[f32]| {
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        (least, values.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least)
    };
    let share =
        |value: f32, (least, width): (f32, f32)| if width > 0.0 { (value - least) / width } else { 1.0 };
    let scores = (least, best - least);
    let relevances = range(relevance);
    for (hit, relevance) in hits.iter_mut().zip(relevance) {
        hit.relevance = Some(*relevance);
        if !hit.exact {
            let fused = (1.0 - SHARE) * share(hit.score, scores) + SHARE * share(*relevance, relevances);
            hit.score = least + fused * (best - least);
            hit.confidence = hit.confidence.map(|sure| surer(sure, *relevance));
        }
    }
    hits.sort_by(|a, b| (b.exact.cmp(&a.exact)).then(b.score.total_cmp(&a.score)));
}

/// A probability and log-odds, together: the mean of both as log-odds.
fn surer(sure: f32, relevance: f32) -> f32 {
    let sure = sure.clamp(1e-4, 1.0 - 1e-4);
    let odds = ((sure / (1.0 - sure)).ln() + relevance.clamp(-SUREST, SUREST)) / 2.0;
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::question::Question;
    use crate::search::{RetrievalScores, Snippet};

    fn hit(title: &str, score: f32) -> Hit {
        Hit {
            rank: 0,
            question: Question::new(title, 1),
            score,
            confidence: Some(0.5),
            exact: false,
            features: None,
            explanation: None,
            also_asked: Vec::new(),
            scores: RetrievalScores::default(),
            title_highlights: Vec::new(),
            snippet: Snippet::default(),
            passage: 0..0,
            relevance: None,
        }
    }

    /// Likes long titles, and takes its time.
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
    fn the_order_is_that_of_both() {
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
    fn what_is_not_reached_keeps_its_place() {
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
        let mut hits = [Hit { exact: true, confidence: Some(1.0), ..hit("a", 1.0) }, hit("bbbbbb", 0.9)];
        reorder(&mut hits, &[-5.0, 5.0]);
        assert_eq!((titles(&hits), hits[0].confidence), (vec!["a", "bbbbbb"], Some(1.0)));
    }

    #[test]
    fn no_relevance_makes_anything_certain() {
        assert!((surer(0.5, 0.0) - 0.5).abs() < 1e-6);
        assert!(surer(0.9, 100.0) < 0.99 && surer(0.9, -100.0) > 0.05);
    }
}
