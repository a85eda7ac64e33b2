//! How sure we are that a hit answers the phrase.
//!
//! A logistic model over a few figures of the hit, fitted on judged queries and on phrases that
//! nothing answers by `rqsearch eval --fit`, which writes `confidence.json`. It does not rank.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::fuse::{FigureRange, Figures};
use super::keyword::KeywordScores;

/// What the model looks at, in this order:
///
/// - `cosine` of the phrase with the nearest piece of the question;
/// - `covered`, how much of the phrase the question has, by idf, and both multiplied;
/// - `words`, the logarithm of how many the phrase has that say something: a long phrase is never as
///   near to anything as a short one;
/// - `stands_out`, how far the cosine lies above the mean of the twenty best: in a crowd of questions
///   about the same, being near says less;
/// - `keyword_share`, BM25 as a share of the best: whether both legs mean the same question;
/// - `lead`, how far the fused score lies above the mean of the ten best, times `cosine_covered`: to be
///   ahead of nothing but unrelated questions is no merit;
/// - `named`, the share of the phrase, by idf, that names something exactly and that the question has.
pub const FEATURES: [&str; 8] =
    ["cosine", "covered", "cosine_covered", "words", "stands_out", "keyword_share", "lead", "named"];

/// A hit as the model sees it; [`FEATURES`] says what each number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features(pub [f32; FEATURES.len()]);

impl Features {
    /// Of a hit with this cosine and these figures among candidates of this range; `lead` is how far its
    /// fused score lies above the mean of the ten best.
    pub(super) fn new(
        cosine: f32,
        figures: &Figures,
        range: &FigureRange,
        lead: f32,
        phrase: &KeywordScores,
    ) -> Self {
        Self([
            cosine,
            figures.covered,
            cosine * figures.covered,
            (1.0 + phrase.words as f32).ln(),
            cosine - range.crowd,
            range.keyword(figures.bm25).unwrap_or(0.0),
            lead * cosine * figures.covered,
            figures.named.unwrap_or(0.0) * phrase.naming,
        ])
    }
}

/// The fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Below this probability of the best hit, nothing here answers the phrase.
    pub threshold: f32,
    /// The log-odds of a hit of which every feature is 0.
    pub bias: f32,
    /// One a feature, in the order of [`FEATURES`].
    pub features: [Weight; FEATURES.len()],
}

/// What a feature says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Its name, for whoever reads the file.
    pub name: String,
    /// By how much 1 of it moves the log-odds.
    pub weight: f32,
    /// Its mean over the hits that the model was fitted to: what an average hit has.
    pub mean: f32,
}

/// The model that the program was built with.
pub static FITTED: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("confidence.json")).expect("confidence.json is written by `eval --fit`")
});

impl Model {
    /// The probability that a hit answers.
    pub fn probability(&self, features: &Features) -> f32 {
        let moved = self.features.iter().zip(features.0).map(|(feature, value)| feature.weight * value);
        logistic(self.bias + moved.sum::<f32>())
    }

    /// How much each feature moves the log-odds of a hit away from those of an average one.
    pub fn effects(&self, features: &Features) -> [(&'static str, f32); FEATURES.len()] {
        std::array::from_fn(|at| {
            let Weight { weight, mean, .. } = self.features[at];
            (FEATURES[at], weight * (features.0[at] - mean))
        })
    }

    /// The probability of an average hit.
    pub fn average(&self) -> f32 {
        self.probability(&Features(std::array::from_fn(|at| self.features[at].mean)))
    }

    /// Fits a model to hits that answer or do not, each with how much it counts: logistic regression
    /// with a little ridge, by Newton's method. The threshold stays that of `self`.
    ///
    /// Without hits of both kinds nothing can be fitted, and `self` comes back.
    pub fn fitted(&self, hits: &[(Features, bool, f64)]) -> Self {
        const SIZE: usize = FEATURES.len() + 1;
        const RIDGE: f64 = 1e-4;
        if hits.iter().all(|hit| hit.1) || hits.iter().all(|hit| !hit.1) {
            return self.clone();
        }
        let total: f64 = hits.iter().map(|hit| hit.2).sum();
        let mut means = [0.0; FEATURES.len()];
        for (features, _, counts) in hits {
            means.iter_mut().zip(features.0).for_each(|(mean, x)| *mean += counts / total * f64::from(x));
        }
        let mut weights = [0.0; SIZE];
        for _ in 0..50 {
            let mut gradient = [0.0; SIZE];
            let mut hessian = [[0.0; SIZE]; SIZE];
            for (features, answers, counts) in hits {
                let mut x = [1.0; SIZE];
                x[1..].iter_mut().zip(features.0).for_each(|(x, feature)| *x = f64::from(feature));
                let sum: f64 = weights.iter().zip(x).map(|(weight, x)| weight * x).sum();
                let p = 1.0 / (1.0 + (-sum).exp());
                let counts = counts / total;
                for i in 0..SIZE {
                    gradient[i] += counts * (f64::from(u8::from(*answers)) - p) * x[i];
                    for j in 0..SIZE {
                        hessian[i][j] += counts * p * (1.0 - p) * x[i] * x[j];
                    }
                }
            }
            for i in 0..SIZE {
                gradient[i] -= RIDGE * weights[i];
                hessian[i][i] += RIDGE;
            }
            let step = solved(hessian, gradient);
            weights.iter_mut().zip(step).for_each(|(weight, step)| *weight += step);
            if step.iter().all(|step| step.abs() < 1e-9) {
                break;
            }
        }
        Self {
            threshold: self.threshold,
            bias: weights[0] as f32,
            features: std::array::from_fn(|at| Weight {
                name: FEATURES[at].to_owned(),
                weight: weights[at + 1] as f32,
                mean: means[at] as f32,
            }),
        }
    }
}

fn logistic(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The solution of a positive definite system, by elimination.
fn solved<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> [f64; N] {
    for pivot in 0..N {
        for row in pivot + 1..N {
            let above = matrix[pivot];
            let factor = matrix[row][pivot] / above[pivot];
            matrix[row].iter_mut().zip(above).for_each(|(cell, above)| *cell -= factor * above);
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..N).rev() {
        for column in row + 1..N {
            right[row] -= matrix[row][column] * right[column];
        }
        right[row] /= matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let weight = |name: &str| Weight { name: name.to_owned(), weight: 0.0, mean: 0.0 };
        Model { threshold: 0.5, bias: 0.0, features: FEATURES.map(weight) }
    }

    #[test]
    fn a_model_that_knows_nothing_says_a_half() {
        assert_eq!(model().probability(&Features([1.0; FEATURES.len()])), 0.5);
    }

    #[test]
    fn a_fitted_model_gives_back_the_shares_it_saw() {
        // Of hits with a cosine of 0.2 one in ten answers, of 0.8 nine in ten.
        let mut hits = Vec::new();
        for at in 0..200 {
            let (cosine, often) = if at % 2 == 0 { (0.2, 1) } else { (0.8, 9) };
            let mut features = [0.0; FEATURES.len()];
            features[0] = cosine;
            hits.push((Features(features), (at / 2) % 10 < often, 1.0));
        }
        let fitted = model().fitted(&hits);
        for (cosine, share) in [(0.2, 0.1), (0.8, 0.9)] {
            let mut features = [0.0; FEATURES.len()];
            features[0] = cosine;
            let p = fitted.probability(&Features(features));
            assert!((p - share).abs() < 0.05, "{cosine}: {p}");
        }
    }

    #[test]
    fn effects_add_up_to_the_distance_from_the_average() {
        let features = Features([0.7, 0.5, 0.35, 1.6, 0.1, 1.0, 0.2, 0.0]);
        let odds = |p: f32| (p / (1.0 - p)).ln();
        let moved: f32 = FITTED.effects(&features).iter().map(|(_, effect)| effect).sum();
        let distance = odds(FITTED.probability(&features)) - odds(FITTED.average());
        assert!((moved - distance).abs() < 1e-3, "{moved} {distance}");
    }

    #[test]
    fn the_committed_model_names_its_features() {
        let names: Vec<&str> = FITTED.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, FEATURES);
    }

    #[test]
    fn what_cannot_be_fitted_stays() {
        assert_eq!(model().fitted(&[]), model());
        assert_eq!(model().fitted(&[(Features([1.0; FEATURES.len()]), true, 1.0)]), model());
    }
}
