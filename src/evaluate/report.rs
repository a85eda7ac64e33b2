//! A report on one set of judged queries: metrics with confidence intervals, failed phrases, histograms, and the
//! comparison with an earlier run.

use std::collections::HashMap;

use serde::Serialize;

use super::metrics::Random;
use super::{
    Calibration, Evaluation, Judged, JudgedQuery, Measures, QueryEvaluation, Questions, significance,
};

/// How many hits of a failed phrase are listed, and how many relevant titles.
const LISTED: usize = 3;

/// The number of bins of a histogram.
const BINS: usize = 20;

/// A report on one set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetReport {
    /// The name of the set.
    pub set: String,
    /// The number of phrases with an answer.
    pub queries: usize,
    /// The number of phrases that nothing answers.
    pub out_of_scope: usize,
    /// The metrics of each mode.
    pub modes: Vec<ModeReport>,
    /// The phrases whose first hit is not relevant: those without a relevant hit first, then by the rank of their
    /// first relevant hit, highest rank number first.
    pub failures: Vec<Failure>,
    /// How well the confidence is calibrated. `None` without vectors.
    pub calibration: Option<Calibration>,
    /// The scores of the best hits.
    pub scores: Histogram,
    /// The comparison with an earlier run.
    pub comparison: Option<Comparison>,
}

/// The metrics of one mode.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModeReport {
    /// The name of the mode.
    pub mode: String,
    /// The estimates, in the order of [`Measures::NAMES`].
    pub metrics: [Estimate; 6],
}

/// A mean over phrases, with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// A phrase whose first hit is not relevant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// The phrase.
    pub phrase: String,
    /// The rank of the first relevant hit. `None` if no hit is relevant.
    pub rank: Option<usize>,
    /// The titles of relevant questions, at most three.
    pub expected: Vec<String>,
    /// The number of relevant titles.
    pub expected_count: usize,
    /// The first three hits.
    pub hits: Vec<ListedHit>,
}

/// A hit of a failed phrase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedHit {
    /// The title.
    pub title: String,
    /// The score.
    pub score: f32,
}

/// The numbers of best hits by score, in bins of equal width from 0 to [`top`](Self::top).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// The upper end of the last bin: 1, or the highest score rounded up.
    pub top: f32,
    /// The best hits that are relevant.
    pub right: Vec<usize>,
    /// The best hits that are not relevant, of phrases with an answer.
    pub wrong: Vec<usize>,
    /// The best hits of phrases that nothing answers.
    pub out_of_scope: Vec<usize>,
}

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The name of the earlier run.
    pub earlier: String,
    /// Each metric, in the order of [`Measures::NAMES`].
    pub metrics: Vec<MetricChange>,
    /// The phrases whose nDCG@10 or first hit changed, the greatest loss first.
    pub changed: Vec<Change>,
}

/// A metric of two runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MetricChange {
    /// The mean of the earlier run.
    pub before: f64,
    /// The mean of this run.
    pub now: f64,
    /// The [p-value](significance) of the difference.
    pub p: f64,
}

/// A phrase with different rankings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The phrase.
    pub phrase: String,
    /// The ranking of the earlier run.
    pub before: Ranked,
    /// The ranking of this run.
    pub now: Ranked,
}

/// The ranking of a phrase, in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// nDCG@10.
    pub ndcg_10: f64,
    /// The rank of the first relevant hit.
    pub rank: Option<usize>,
    /// The title of the first hit, or its name if the index does not have it. `None` without hits.
    pub first: Option<String>,
}

/// An earlier run: the names of the hits of each query id, best first.
#[derive(Clone, Debug)]
pub struct EarlierRun {
    /// The name of the run.
    pub name: String,
    /// The rankings. A query without hits may be missing.
    pub rankings: HashMap<String, Vec<String>>,
}

/// Computes the metrics of a mode from those of each phrase.
pub fn mode_report<'a>(mode: &str, measures: impl IntoIterator<Item = &'a Measures>) -> ModeReport {
    let values: Vec<[f64; 6]> = measures.into_iter().map(Measures::values).collect();
    let metric = |nth: usize| Estimate::of(&values.iter().map(|values| values[nth]).collect::<Vec<_>>());
    ModeReport { mode: mode.to_owned(), metrics: std::array::from_fn(metric) }
}

/// Computes the report on a set from the evaluation of its best mode.
pub fn set_report(
    judged: &Judged,
    evaluation: &Evaluation,
    questions: &Questions,
    modes: Vec<ModeReport>,
    calibration: Option<Calibration>,
    earlier: Option<&EarlierRun>,
) -> SetReport {
    let pairs: Vec<(&JudgedQuery, &QueryEvaluation)> =
        judged.queries.iter().zip(&evaluation.queries).collect();
    let mut failures: Vec<Failure> =
        pairs.iter().filter_map(|(judged, query)| failure(judged, query, questions)).collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.rank.unwrap_or(usize::MAX)));
    SetReport {
        set: judged.name.clone(),
        queries: judged.queries.len(),
        out_of_scope: judged.out_of_scope.len(),
        modes,
        failures,
        calibration,
        scores: Histogram::of(evaluation),
        comparison: earlier.map(|earlier| compare(&pairs, questions, earlier)),
    }
}

impl Estimate {
    /// The mean of the values, and its interval by the percentile bootstrap: 1,000 samples with a fixed seed.
    pub fn of(values: &[f64]) -> Self {
        const SAMPLES: usize = 1_000;
        let count = values.len();
        if count == 0 {
            return Self { mean: 0.0, low: 0.0, high: 0.0 };
        }
        let mut random = Random::new();
        let mut any = || (random.next() >> 32) as usize % count;
        let mean = |sum: f64| sum / count as f64;
        let mut means: Vec<f64> =
            (0..SAMPLES).map(|_| mean((0..count).map(|_| values[any()]).sum())).collect();
        means.sort_by(f64::total_cmp);
        Self {
            mean: mean(values.iter().sum()),
            low: means[SAMPLES / 40],
            high: means[SAMPLES - 1 - SAMPLES / 40],
        }
    }
}

impl Histogram {
    fn of(evaluation: &Evaluation) -> Self {
        let best = |query: &QueryEvaluation| Some((query.ranking.first()?.1, query.measures.success_1 > 0.0));
        let answerable: Vec<(f32, bool)> = evaluation.queries.iter().filter_map(best).collect();
        let others: Vec<f32> = evaluation.out_of_scope.iter().filter_map(best).map(|hit| hit.0).collect();
        let scores = answerable.iter().map(|hit| hit.0).chain(others.iter().copied());
        let top = scores.fold(1.0_f32, f32::max).ceil();
        let bins = |scores: &mut dyn Iterator<Item = f32>| {
            let mut bins = vec![0; BINS];
            for score in scores {
                bins[((score.max(0.0) / top * BINS as f32) as usize).min(BINS - 1)] += 1;
            }
            bins
        };
        let of = |right: bool| bins(&mut answerable.iter().filter(|hit| hit.1 == right).map(|hit| hit.0));
        let (right, wrong) = (of(true), of(false));
        Self { top, right, wrong, out_of_scope: bins(&mut others.into_iter()) }
    }
}

fn failure(judged: &JudgedQuery, query: &QueryEvaluation, questions: &Questions) -> Option<Failure> {
    let ranking: Vec<String> = query.ranking.iter().map(|hit| hit.0.clone()).collect();
    let rank = first_relevant(&questions.judge(&judged.right, &ranking));
    if rank == Some(1) {
        return None;
    }
    let expected = questions.right_titles(&judged.right);
    let listed = |(name, score): &(String, f32)| ListedHit { title: title(questions, name), score: *score };
    Some(Failure {
        phrase: judged.text.clone(),
        rank,
        expected_count: expected.len(),
        expected: expected.into_iter().take(LISTED).map(str::to_owned).collect(),
        hits: query.ranking.iter().take(LISTED).map(listed).collect(),
    })
}

fn title(questions: &Questions, name: &str) -> String {
    questions.get(name).map_or(name, |question| &question.title).to_owned()
}

fn first_relevant(judgements: &[u32]) -> Option<usize> {
    judgements.iter().position(|judgement| *judgement > 0).map(|at| at + 1)
}

fn compare(
    pairs: &[(&JudgedQuery, &QueryEvaluation)],
    questions: &Questions,
    earlier: &EarlierRun,
) -> Comparison {
    let (mut before, mut now, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for (judged, query) in pairs {
        let ranking: Vec<String> = query.ranking.iter().map(|hit| hit.0.clone()).collect();
        let old = earlier.rankings.get(&query.id).map_or(&[][..], Vec::as_slice);
        let measures = questions.measure(&judged.right, old);
        let ranked = |ranking: &[String], ndcg_10: f64| Ranked {
            ndcg_10,
            rank: first_relevant(&questions.judge(&judged.right, ranking)),
            first: ranking.first().map(|name| title(questions, name)),
        };
        let is_same =
            (measures.ndcg_10 - query.measures.ndcg_10).abs() < 1e-9 && old.first() == ranking.first();
        if !is_same {
            changed.push(Change {
                phrase: judged.text.clone(),
                before: ranked(old, measures.ndcg_10),
                now: ranked(&ranking, query.measures.ndcg_10),
            });
        }
        before.push(measures.values());
        now.push(query.measures.values());
    }
    changed.sort_by(|a, b| (a.now.ndcg_10 - a.before.ndcg_10).total_cmp(&(b.now.ndcg_10 - b.before.ndcg_10)));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let metric = |nth: usize| {
        let column = |rows: &[[f64; 6]]| rows.iter().map(|row| row[nth]).collect::<Vec<f64>>();
        let (before, now) = (column(&before), column(&now));
        MetricChange { before: mean(&before), now: mean(&now), p: significance(&now, &before) }
    };
    Comparison {
        earlier: earlier.name.clone(),
        metrics: (0..Measures::NAMES.len()).map(metric).collect(),
        changed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::evaluate::Right;
    use crate::question::Question;

    /// A set with one query per ranking. Question `r` is relevant for each.
    fn set(rankings: &[&[(&str, f32)]]) -> (Judged, Evaluation, Questions) {
        let questions = ["r", "x", "y", "z", "w"].map(|key| Question {
            id: format!("id-{key}"),
            key: Some(key.into()),
            title: format!("Title {key}"),
            ..Question::default()
        });
        let questions = Questions::new(questions.into());
        let right = Right::Keys(HashMap::from([("r".to_owned(), 1)]));
        let (mut judged, mut evaluated) = (Vec::new(), Vec::new());
        for (nth, ranking) in rankings.iter().enumerate() {
            let ranking: Vec<(String, f32)> =
                ranking.iter().map(|(name, score)| ((*name).to_owned(), *score)).collect();
            let names: Vec<String> = ranking.iter().map(|hit| hit.0.clone()).collect();
            evaluated.push(QueryEvaluation {
                id: format!("q{nth}"),
                measures: questions.measure(&right, &names),
                collapsed: None,
                ranking,
                judged: Vec::new(),
            });
            judged.push(JudgedQuery {
                id: format!("q{nth}"),
                text: format!("phrase {nth}"),
                right: right.clone(),
            });
        }
        let judged = Judged { name: "set".into(), corpus: None, queries: judged, out_of_scope: Vec::new() };
        let evaluation = Evaluation {
            queries: evaluated,
            out_of_scope: Vec::new(),
            took: Duration::ZERO,
            collapsed_took: Duration::ZERO,
        };
        (judged, evaluation, questions)
    }

    #[test]
    fn the_interval_contains_the_mean_and_narrows_with_more_phrases() {
        #[track_caller]
        fn check(values: &[f64], mean: f64, widest: f64) {
            let found = Estimate::of(values);
            assert!((found.mean - mean).abs() < 1e-9, "{found:?}");
            assert!(found.low <= mean && mean <= found.high && found.high - found.low <= widest, "{found:?}");
        }
        check(&[], 0.0, 0.0);
        check(&[1.0; 9], 1.0, 0.0);
        check(&[0.0, 1.0, 0.0, 1.0], 0.5, 1.0);
        check(&[0.0, 1.0].repeat(200), 0.5, 0.12);
    }

    #[test]
    fn failures_say_what_came_instead_and_the_worst_is_first() {
        let (judged, evaluation, questions) = set(&[
            &[("r", 0.9)],
            &[("x", 0.8), ("r", 0.7)],
            &[("x", 0.3), ("y", 0.2), ("z", 0.1), ("w", 0.0)],
            &[],
        ]);
        let report = set_report(&judged, &evaluation, &questions, Vec::new(), None, None);
        let found: Vec<(&str, Option<usize>, usize)> = report
            .failures
            .iter()
            .map(|failure| (failure.phrase.as_str(), failure.rank, failure.hits.len()))
            .collect();
        assert_eq!(found, [("phrase 2", None, 3), ("phrase 3", None, 0), ("phrase 1", Some(2), 2)]);
        assert_eq!(
            (&report.failures[0].expected[..], &report.failures[0].hits[0].title[..]),
            (&["Title r".to_owned()][..], "Title x")
        );
        assert_eq!((report.scores.right[18], report.scores.wrong[16], report.scores.wrong[6]), (1, 1, 1));
        assert_eq!(report.scores.wrong.iter().sum::<usize>(), 2);
    }

    #[test]
    fn only_changed_phrases_are_listed() {
        let (judged, evaluation, questions) =
            set(&[&[("r", 0.9)], &[("x", 0.8), ("r", 0.7)], &[("y", 0.8)], &[("r", 0.5), ("x", 0.4)]]);
        let ranking = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rankings = HashMap::from([
            ("q0".to_owned(), ranking(&["r"])),
            ("q1".to_owned(), ranking(&["r", "x"])),
            ("q2".to_owned(), ranking(&["gone"])),
        ]);
        let earlier = EarlierRun { name: "run.txt".into(), rankings };
        let report = set_report(&judged, &evaluation, &questions, Vec::new(), None, Some(&earlier));
        let comparison = report.comparison.unwrap();
        let changed = comparison.changed.iter().map(|change| {
            (&change.phrase[..], change.before.rank, change.now.rank, change.before.first.as_deref())
        });
        assert_eq!(
            changed.collect::<Vec<_>>(),
            [
                ("phrase 1", Some(1), Some(2), Some("Title r")),
                ("phrase 2", None, None, Some("gone")),
                ("phrase 3", None, Some(1), None)
            ]
        );
        assert_eq!((comparison.metrics[3].before, comparison.metrics[3].now), (0.5, 0.5));
    }
}
