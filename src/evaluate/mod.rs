//! Evaluation of search on judged queries.

mod calibration;
mod feedback;
mod judgments;
mod metrics;
mod pairs;
mod report;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::embed::Embedder;
use crate::index::Index;
use crate::question::Question;
use crate::search::{Hit, Mode, Query, search};
use crate::worker_threads;

pub use calibration::{Calibration, FittedScaling, JudgedHit, QualityRate, calibrate, fit, fit_scaling};
pub use feedback::{FromFeedback, from_feedback};
pub use judgments::{Judged, JudgedQuery, Right};
pub use metrics::{Measures, significance};
pub use pairs::{PairMeasures, Pairs, fit_pairs};
pub use report::{
    Change, Comparison, EarlierRun, Estimate, Failure, Histogram, ListedHit, MetricChange, ModeReport,
    Ranked, SetReport, mode_report, set_report,
};

/// The number of hits per query that are evaluated.
const DEPTH: usize = 100;

/// The number of hits per query that the confidence is fitted to.
const JUDGED_HITS: usize = 5;

/// The results of one search mode on one set of judged queries.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The results of each query, in the order of the set.
    pub queries: Vec<QueryEvaluation>,
    /// The results of each query without an answer. Empty unless the mode is [`Mode::Hybrid`].
    pub out_of_scope: Vec<QueryEvaluation>,
    /// The time for all judged queries together, on all processors. Queries without an answer are not
    /// counted.
    pub took: Duration,
    /// The same for the [collapsed](QueryEvaluation::collapsed) rankings. 0 if there are none.
    pub collapsed_took: Duration,
}

/// The results of one query.
#[derive(Clone, Debug)]
pub struct QueryEvaluation {
    /// The query's id in its set.
    pub id: String,
    /// The metrics of its ranking.
    pub measures: Measures,
    /// The metrics of the hits that users see: questions that ask the same are one hit, and only the best of
    /// them counts. `None` unless the mode is [`Mode::Hybrid`].
    pub collapsed: Option<Measures>,
    /// The questions found, best first: the key (the id if there is no key) and the score.
    pub ranking: Vec<(String, f32)>,
    /// The confidence features and judgments of the first few hits, best first. Empty without vectors.
    pub judged: Vec<JudgedHit>,
}

impl Evaluation {
    /// The mean over the queries.
    pub fn mean(&self) -> Measures {
        Measures::mean(self.queries.iter().map(|query| &query.measures))
    }

    /// The mean of the [collapsed](QueryEvaluation::collapsed) rankings; `None` unless the mode is
    /// [`Mode::Hybrid`].
    pub fn mean_collapsed(&self) -> Option<Measures> {
        let collapsed: Option<Vec<&Measures>> =
            self.queries.iter().map(|query| query.collapsed.as_ref()).collect();
        collapsed.filter(|collapsed| !collapsed.is_empty()).map(Measures::mean)
    }
}

/// Runs all queries of a set and computes their metrics. A hit that is the query itself is ignored: see
/// [`Judged::read`].
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
    let evaluator = Evaluator { index, embedder, mode, semantic_weight, titles };
    let mut queries = evaluator.evaluate_all(&judged.queries)?;
    let took = start.elapsed();
    let (mut out_of_scope, mut collapsed_took) = (Vec::new(), Duration::ZERO);
    if mode == Mode::Hybrid {
        let start = Instant::now();
        let collapsed = worker_threads::map(&judged.queries, |query| evaluator.collapsed(query));
        for (query, measures) in queries.iter_mut().zip(collapsed) {
            query.collapsed = Some(measures?);
        }
        collapsed_took = start.elapsed();
        out_of_scope = evaluator.evaluate_all(&judged.out_of_scope)?;
    }
    Ok(Evaluation { queries, out_of_scope, took, collapsed_took })
}

/// What the queries of a set are evaluated with.
struct Evaluator<'a> {
    index: &'a Index,
    embedder: Option<&'a dyn Embedder>,
    mode: Mode,
    semantic_weight: Option<f32>,
    /// The titles of all questions, if a query has judged titles.
    titles: Vec<String>,
}

impl Evaluator<'_> {
    fn evaluate_all(&self, queries: &[JudgedQuery]) -> anyhow::Result<Vec<QueryEvaluation>> {
        worker_threads::map(queries, |query| self.evaluate(query)).into_iter().collect()
    }

    fn evaluate(&self, judged: &JudgedQuery) -> anyhow::Result<QueryEvaluation> {
        let hits = self.search(judged, false)?;
        let others = hits.iter().filter(|hit| !judged.is_itself(&hit.question)).take(DEPTH);
        let found: Vec<u32> = others.clone().map(|hit| judged.right.judge(&hit.question)).collect();
        Ok(QueryEvaluation {
            id: judged.id.clone(),
            measures: Measures::of(&found, &judged.right.all(&self.titles)),
            collapsed: None,
            judged: others
                .clone()
                .zip(&found)
                .take(JUDGED_HITS)
                .filter_map(|(hit, right)| JudgedHit::new(hit, *right > 0))
                .collect(),
            ranking: others.map(|hit| (name(&hit.question).to_owned(), hit.score)).collect(),
        })
    }

    /// The metrics of a query if duplicates are collapsed.
    fn collapsed(&self, judged: &JudgedQuery) -> anyhow::Result<Measures> {
        let hits = self.search(judged, true)?;
        let others = hits.iter().filter(|hit| hit.question.key.as_ref() != Some(&judged.id)).take(DEPTH);
        let found: Vec<u32> = others.map(|hit| judged.right.judge(&hit.question)).collect();
        Ok(Measures::of(&found, &judged.right.all(&self.titles)))
    }

    /// One more hit than is evaluated, because the query itself can be a hit.
    fn search(&self, judged: &JudgedQuery, collapse: bool) -> anyhow::Result<Vec<Hit>> {
        let Self { mode, semantic_weight, .. } = *self;
        let limit = DEPTH + 1;
        let query = Query { mode, semantic_weight, limit, collapse, ..Query::plain(&judged.text) };
        Ok(search(self.index, self.embedder, &query)?.hits)
    }
}

/// The name of a question in a ranking: its key, or its id if it has no key.
pub fn name(question: &Question) -> &str {
    question.key.as_deref().unwrap_or(&question.id)
}

/// The questions of an index, to judge rankings that were written before.
#[derive(Debug)]
pub struct Questions {
    by_name: HashMap<String, Question>,
    /// The titles of all questions, in lower case.
    titles: Vec<String>,
}

impl Questions {
    /// Reads all questions of an index.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn of(index: &Index) -> anyhow::Result<Self> {
        Ok(Self::new(index.questions()?))
    }

    fn new(questions: Vec<Question>) -> Self {
        let titles = questions.iter().map(|question| question.title.to_lowercase()).collect();
        let named = questions.into_iter().map(|question| (name(&question).to_owned(), question));
        Self { by_name: named.collect(), titles }
    }

    /// The question with this [`name`].
    pub fn get(&self, name: &str) -> Option<&Question> {
        self.by_name.get(name)
    }

    /// The relevance grade of each question of a ranking, by [`name`]. 0 if the index does not have it.
    pub fn judge(&self, right: &Right, ranking: &[String]) -> Vec<u32> {
        ranking.iter().map(|name| self.get(name).map_or(0, |question| right.judge(question))).collect()
    }

    /// Computes the metrics of a ranking.
    pub fn measure(&self, right: &Right, ranking: &[String]) -> Measures {
        Measures::of(&self.judge(right, ranking), &right.all(&self.titles))
    }

    /// The titles of the relevant questions, in alphabetical order.
    pub fn right_titles(&self, right: &Right) -> Vec<&str> {
        let questions = self.by_name.values().filter(|question| right.judge(question) > 0);
        let mut titles: Vec<&str> = questions.map(|question| question.title.as_str()).collect();
        titles.sort_unstable();
        titles.dedup();
        titles
    }
}

impl JudgedQuery {
    /// Whether a question is the query itself, which is a document of its own set. The line numbers that
    /// identify the phrases of a file are not keys.
    fn is_itself(&self, question: &Question) -> bool {
        matches!(self.right, Right::Keys(_)) && question.key.as_ref() == Some(&self.id)
    }
}

impl Right {
    /// The relevance grade of a question. 0 if it is not relevant.
    fn judge(&self, question: &Question) -> u32 {
        match self {
            Self::Keys(keys) => question.key.as_ref().and_then(|key| keys.get(key)).copied().unwrap_or(0),
            Self::Ids(ids) => u32::from(ids.contains(&question.id)),
            Self::Titles(parts) => {
                let title = question.title.to_lowercase();
                u32::from(parts.iter().any(|part| title.contains(part)))
            }
        }
    }

    /// All judgments above 0. `titles` are the lower-case titles of all questions.
    fn all(&self, titles: &[String]) -> Vec<u32> {
        match self {
            Self::Keys(keys) => keys.values().copied().collect(),
            Self::Ids(ids) => vec![1; ids.len()],
            Self::Titles(parts) => {
                let right = titles.iter().filter(|title| parts.iter().any(|part| title.contains(part)));
                right.map(|_| 1).collect()
            }
        }
    }
}
