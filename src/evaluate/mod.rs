//! How well the search does, measured against what people judged.

mod calibration;
mod judgments;
mod metrics;
mod pairs;

use std::time::{Duration, Instant};

use crate::embed::Embedder;
use crate::index::Index;
use crate::question::Question;
use crate::search::{Mode, Query, search};
use crate::worker_threads;

pub use calibration::{Calibration, JudgedHit, calibrate, fit};
pub use judgments::{Judged, JudgedQuery, Right};
pub use metrics::{Measures, significance};
pub use pairs::{PairMeasures, Pairs, fit_pairs};

/// How deep a ranking is looked at.
const DEPTH: usize = 100;

/// How many hits of a query the confidence is fitted on.
const JUDGED_HITS: usize = 5;

/// One way of searching, measured on one judged set.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Each query's name, measures and ranking, in order of the set.
    pub queries: Vec<QueryEvaluation>,
    /// The same of the queries that nothing answers; only where both legs rank.
    pub out_of_scope: Vec<QueryEvaluation>,
    /// For all judged queries together, on all processors.
    pub took: Duration,
}

/// How one query did.
#[derive(Clone, Debug)]
pub struct QueryEvaluation {
    /// The query's name in its set.
    pub id: String,
    /// How its ranking did.
    pub measures: Measures,
    /// What was found, best first: the question's key (its id where it has none) and score.
    pub ranking: Vec<(String, f32)>,
    /// The first few hits as the confidence sees them, best first.
    pub judged: Vec<JudgedHit>,
}

impl Evaluation {
    /// The mean over the queries.
    pub fn mean(&self) -> Measures {
        Measures::mean(self.queries.iter().map(|query| &query.measures))
    }
}

/// Runs every query of a judged set. A hit with the query's own id is left out.
///
/// # Errors
/// A search fails.
pub fn evaluate(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    judged: &Judged,
    mode: Mode,
    semantic_weight: Option<f32>,
) -> anyhow::Result<Evaluation> {
    let start = Instant::now();
    let titles: Vec<String> = if judged.queries.iter().any(|query| matches!(query.right, Right::Titles(_))) {
        index.questions()?.into_iter().map(|question| question.title.to_lowercase()).collect()
    } else {
        Vec::new()
    };
    let evaluate = |judged: &JudgedQuery| -> anyhow::Result<QueryEvaluation> {
        // One more than is looked at, for the query itself.
        let query = Query { mode, semantic_weight, limit: DEPTH + 1, ..Query::plain(&judged.text) };
        let hits = search(index, embedder, &query)?.hits;
        let name = |question: &Question| question.key.clone().unwrap_or_else(|| question.id.clone());
        let others = hits.iter().filter(|hit| hit.question.key.as_ref() != Some(&judged.id)).take(DEPTH);
        let found: Vec<u32> = others.clone().map(|hit| judged.right.judge(&hit.question)).collect();
        Ok(QueryEvaluation {
            id: judged.id.clone(),
            measures: Measures::of(&found, &judged.right.all(&titles)),
            judged: others
                .clone()
                .zip(&found)
                .take(JUDGED_HITS)
                .filter_map(|(hit, right)| JudgedHit::new(hit, *right > 0))
                .collect(),
            ranking: others.map(|hit| (name(&hit.question), hit.score)).collect(),
        })
    };
    let queries =
        worker_threads::map(&judged.queries, evaluate).into_iter().collect::<anyhow::Result<_>>()?;
    let took = start.elapsed();
    let out_of_scope = match mode {
        Mode::Hybrid => {
            worker_threads::map(&judged.out_of_scope, evaluate).into_iter().collect::<anyhow::Result<_>>()?
        }
        Mode::Keyword | Mode::Semantic => Vec::new(),
    };
    Ok(Evaluation { queries, out_of_scope, took })
}

impl Right {
    /// How right a question is; 0 is not at all.
    fn judge(&self, question: &Question) -> u32 {
        match self {
            Self::Keys(keys) => question.key.as_ref().and_then(|key| keys.get(key)).copied().unwrap_or(0),
            Self::Titles(parts) => {
                let title = question.title.to_lowercase();
                u32::from(parts.iter().any(|part| title.contains(part)))
            }
        }
    }

    /// Measures a ranking of keys; `None` where right is not a matter of keys.
    pub fn measure_keys(&self, ranking: &[String]) -> Option<Measures> {
        let Self::Keys(keys) = self else {
            return None;
        };
        let found: Vec<u32> = ranking.iter().map(|key| keys.get(key).copied().unwrap_or(0)).collect();
        Some(Measures::of(&found, &self.all(&[])))
    }

    /// Every judgment above 0 that there is among questions with these titles (in lower case).
    fn all(&self, titles: &[String]) -> Vec<u32> {
        match self {
            Self::Keys(keys) => keys.values().copied().collect(),
            Self::Titles(parts) => {
                let right = titles.iter().filter(|title| parts.iter().any(|part| title.contains(part)));
                right.map(|_| 1).collect()
            }
        }
    }
}
