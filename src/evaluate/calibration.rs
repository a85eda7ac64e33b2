//! Calibration of the confidence: whether hits with a confidence of 90 % are right nine times in ten.

use serde::Serialize;

use super::{Evaluation, QueryEvaluation};
use crate::logistic::{Bin, Example, Model, Scaling, Sign, reliability};
use crate::search::{FEATURES, FITTED, Features, Hit, Quality, TitleMatch};

/// The threshold is set so that at most this fraction of answerable phrases is rejected, on average over the
/// sets.
const MAX_REJECTED: f64 = 0.035;

/// The confidence features of a hit, and whether the hit is relevant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedHit {
    /// The features that determine the confidence.
    pub features: Features,
    /// How a title compares with the phrase. If it is the phrase, or nearly, the title decides the confidence.
    pub title_match: TitleMatch,
    /// Whether the hit was judged relevant.
    pub right: bool,
}

impl JudgedHit {
    /// Returns `None` for a hit without features (a search without vectors).
    pub fn new(hit: &Hit, right: bool) -> Option<Self> {
        Some(Self { features: hit.features?, title_match: hit.title_match, right })
    }

    /// The confidence in the hit by a model.
    pub fn confidence(&self, model: &Model) -> f32 {
        model.probability(&self.features.0).max(self.title_match.confidence())
    }
}

/// How well the confidence of the best hits is calibrated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The best hits of all phrases, including phrases without an answer, in ten bins of equal width by
    /// confidence.
    pub bins: Vec<Bin>,
    /// The expected [calibration error](reliability).
    pub ece: f64,
    /// How often the word for the confidence of a best hit is right: strong, likely, weak.
    pub qualities: [QualityRate; 3],
    /// The fraction of answerable phrases that are rejected: their best hit is below the threshold.
    pub rejected: f64,
    /// The fraction of phrases without an answer that are rejected. `None` if the set has no such phrases.
    pub out_of_scope_rejected: Option<f64>,
}

/// The best hits of one quality.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QualityRate {
    /// The quality.
    pub quality: Quality,
    /// The number of best hits with it, of all phrases, including phrases without an answer.
    pub count: u64,
    /// The fraction of them that are relevant. 0 if there are none.
    pub right: f64,
}

/// The scaling of the confidence for the corpus of a set, and how good it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FittedScaling {
    /// The scaling, fitted to all phrases.
    pub scaling: Scaling,
    /// The expected calibration error of the confidence as it is.
    pub ece_before: f64,
    /// The expected calibration error of a scaling on phrases that it was not fitted to: the even phrases with a
    /// scaling fitted to the odd ones, and the other way round.
    pub ece: f64,
}

/// Fits the scaling of the confidence in the best hits to the judgments.
pub fn fit_scaling(evaluation: &Evaluation) -> FittedScaling {
    let queries = evaluation.queries.iter().chain(&evaluation.out_of_scope);
    let best = queries.filter_map(|query| query.judged.first());
    let best: Vec<(f32, bool)> = best.map(|hit| (hit.confidence(&FITTED), hit.right)).collect();
    let half = |odd: usize| best.iter().skip(odd).step_by(2).copied();
    let held_out = [0, 1].map(|odd| {
        let scaling = Scaling::fitted(&half(1 - odd).collect::<Vec<_>>());
        half(odd).map(move |(confidence, right)| (scaling.apply(confidence), right))
    });
    FittedScaling {
        scaling: Scaling::fitted(&best),
        ece_before: reliability(best.iter().copied()).1,
        ece: reliability(held_out.into_iter().flatten()).1,
    }
}

/// Compares a model's confidence in the best hits with the judgments.
pub fn calibrate(evaluation: &Evaluation, model: &Model) -> Calibration {
    let best = |query: &QueryEvaluation| query.judged.first().map(|hit| (hit.confidence(model), hit.right));
    let answerable: Vec<Option<(f32, bool)>> = evaluation.queries.iter().map(best).collect();
    let out_of_scope: Vec<Option<(f32, bool)>> = evaluation.out_of_scope.iter().map(best).collect();
    let (bins, ece) = reliability(answerable.iter().chain(&out_of_scope).flatten().copied());
    let share_below = |hits: &[Option<(f32, bool)>]| {
        let below = hits.iter().filter(|hit| hit.is_none_or(|(confidence, _)| confidence < model.threshold));
        below.count() as f64 / hits.len().max(1) as f64
    };
    let qualities = [Quality::Strong, Quality::Likely, Quality::Weak].map(|quality| {
        let hits = answerable.iter().chain(&out_of_scope).flatten();
        let rights = hits.filter(|hit| Quality::by(hit.0, model.threshold) == quality).map(|hit| hit.1);
        let (count, right) = rights.fold((0, 0), |(count, sum), right| (count + 1, sum + u64::from(right)));
        QualityRate { quality, count, right: right as f64 / count.max(1) as f64 }
    });
    Calibration {
        bins,
        ece,
        qualities,
        rejected: share_below(&answerable),
        out_of_scope_rejected: (!out_of_scope.is_empty()).then(|| share_below(&out_of_scope)),
    }
}

/// Fits the confidence model to evaluated sets and sets its threshold. All sets have the same weight.
pub fn fit(evaluations: &[Evaluation], model: &Model) -> Model {
    let mut hits = Vec::new();
    for evaluation in evaluations {
        let queries = evaluation.queries.len() + evaluation.out_of_scope.len();
        for query in evaluation.queries.iter().chain(&evaluation.out_of_scope) {
            for (rank, hit) in
                (1..).zip(&query.judged).filter(|(_, hit)| hit.title_match == TitleMatch::Different)
            {
                // Higher ranks weigh more, because people act on the best hit.
                let counts = 1.0 / f64::from(rank * rank) / queries as f64;
                let features = hit.features.0.to_vec();
                hits.push(Example { features, right: hit.right, counts });
            }
        }
    }
    let mut fitted = model.fitted(&hits, &[Sign::Any; FEATURES.len()]);
    fitted.threshold = threshold(evaluations, &fitted);
    fitted
}

/// The highest threshold that rejects at most [`MAX_REJECTED`] of the answerable phrases of an average set.
fn threshold(evaluations: &[Evaluation], model: &Model) -> f32 {
    let mut best: Vec<(f32, f64)> = Vec::new();
    for evaluation in evaluations {
        let counts = 1.0 / (evaluation.queries.len() * evaluations.len()) as f64;
        let hits = evaluation.queries.iter().map(|query| query.judged.first());
        best.extend(hits.map(|hit| (hit.map_or(0.0, |hit| hit.confidence(model)), counts)));
    }
    best.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rejected = 0.0;
    let within = best.iter().take_while(|(_, counts)| {
        rejected += counts;
        rejected <= MAX_REJECTED
    });
    let below = within.count();
    // Two digits are as precise as the threshold is.
    best.get(below).map_or(0.0, |(confidence, _)| (confidence * 100.0).floor() / 100.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::evaluate::Measures;
    use crate::logistic::Weight;

    /// A model whose probability is 0.5 at a cosine of 0.5, and near 0 or 1 far from it.
    fn model() -> Model {
        let weight = |name: &str| Weight { name: name.to_owned(), weight: 0.0, mean: 0.0 };
        let mut features = FEATURES.map(weight).to_vec();
        features[0].weight = 20.0;
        Model { threshold: 0.5, bias: -10.0, features }
    }

    fn query(cosine: f32, right: bool) -> QueryEvaluation {
        let mut features = [0.0; FEATURES.len()];
        features[0] = cosine;
        QueryEvaluation {
            id: String::new(),
            measures: Measures::of(&[], &[]),
            collapsed: None,
            ranking: Vec::new(),
            judged: vec![JudgedHit {
                features: Features(features),
                title_match: TitleMatch::Different,
                right,
            }],
        }
    }

    #[test]
    fn correct_confidence_has_no_error() {
        let queries = vec![query(1.0, true), query(1.0, true), query(0.0, false)];
        let evaluation = Evaluation {
            queries,
            out_of_scope: vec![query(0.0, false)],
            took: Duration::ZERO,
            collapsed_took: Duration::ZERO,
        };
        let calibration = calibrate(&evaluation, &model());
        assert!(calibration.ece < 0.001, "{calibration:?}");
        assert_eq!((calibration.bins[9].count, calibration.bins[0].count), (2, 2));
        assert!((calibration.rejected - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(calibration.out_of_scope_rejected, Some(1.0));
    }

    #[test]
    fn the_threshold_rejects_few_answerable_phrases() {
        let queries = (0..100).map(|nth| query(0.4 + 0.002 * nth as f32, true)).collect();
        let evaluation = Evaluation {
            queries,
            out_of_scope: Vec::new(),
            took: Duration::ZERO,
            collapsed_took: Duration::ZERO,
        };
        let mut model = model();
        model.threshold = threshold(std::slice::from_ref(&evaluation), &model);
        let rejected = calibrate(&evaluation, &model).rejected;
        assert!((0.02..=0.035).contains(&rejected), "{rejected}");
    }

    #[test]
    fn wrong_confidence_has_an_error() {
        let evaluation = Evaluation {
            queries: vec![query(1.0, false)],
            out_of_scope: Vec::new(),
            took: Duration::ZERO,
            collapsed_took: Duration::ZERO,
        };
        assert!(calibrate(&evaluation, &model()).ece > 0.99);
    }
}
