//! Logistic regression: a probability from a few named features.
//!
//! It is used for [confidence](crate::search::FITTED) and [duplicates](crate::pair). Both have fewer than
//! twenty features and some thousands of examples, so Newton's method on a dense system is enough.

use serde::{Deserialize, Serialize};

/// A fitted model. It is stored as a small, readable JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The probability from which the outcome counts as positive.
    pub threshold: f32,
    /// The log-odds if all features are 0.
    pub bias: f32,
    /// The features, in order.
    pub features: Vec<Weight>,
}

/// The weight of a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// The name of the feature.
    pub name: String,
    /// The change in log-odds per unit of the feature.
    pub weight: f32,
    /// The mean of the feature over the examples that the model was fitted to.
    pub mean: f32,
}

/// A training example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The feature values, in the order of the model's features.
    pub features: Vec<f32>,
    /// The label: whether the outcome is positive.
    pub right: bool,
    /// The weight of the example.
    pub counts: f64,
}

/// The allowed sign of a feature's weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Any weight.
    Any,
    /// At least 0.
    Up,
    /// At most 0.
    Down,
}

impl Sign {
    fn allows(self, weight: f64) -> bool {
        match self {
            Self::Any => true,
            Self::Up => weight >= 0.0,
            Self::Down => weight <= 0.0,
        }
    }
}

impl Model {
    /// The probability of a positive outcome.
    pub fn probability(&self, features: &[f32]) -> f32 {
        let terms = self.features.iter().zip(features).map(|(feature, value)| feature.weight * value);
        logistic(self.bias + terms.sum::<f32>())
    }

    /// The effect of each feature on the log-odds, compared with an average example.
    pub fn effects(&self, features: &[f32]) -> Vec<f32> {
        let effect = |(feature, value): (&Weight, &f32)| feature.weight * (value - feature.mean);
        self.features.iter().zip(features).map(effect).collect()
    }

    /// The probability of an average example.
    pub fn average(&self) -> f32 {
        self.probability(&self.features.iter().map(|feature| feature.mean).collect::<Vec<_>>())
    }

    /// Fits a model to examples, with a small ridge penalty. The threshold of `self` is kept.
    ///
    /// Features whose weight has a sign that is not allowed get weight 0. They are removed one at a time,
    /// largest weight first, and the others are fitted again.
    ///
    /// Returns a copy of `self` if the examples do not contain both outcomes.
    pub fn fitted(&self, examples: &[Example], signs: &[Sign]) -> Self {
        if examples.iter().all(|example| example.right) || examples.iter().all(|example| !example.right) {
            return self.clone();
        }
        let total: f64 = examples.iter().map(|example| example.counts).sum();
        let mut used: Vec<bool> = vec![true; self.features.len()];
        let weights = loop {
            let weights = newton(examples, total, &used);
            let wrong = (0..used.len()).filter(|&at| !signs[at].allows(weights[at + 1]));
            match wrong.max_by(|&a, &b| weights[a + 1].abs().total_cmp(&weights[b + 1].abs())) {
                Some(worst) => used[worst] = false,
                None => break weights,
            }
        };
        let mean = |at: usize| {
            examples
                .iter()
                .map(|example| example.counts / total * f64::from(example.features[at]))
                .sum::<f64>()
        };
        let feature = |(at, feature): (usize, &Weight)| Weight {
            name: feature.name.clone(),
            weight: weights[at + 1] as f32,
            mean: mean(at) as f32,
        };
        Self {
            threshold: self.threshold,
            bias: weights[0] as f32,
            features: self.features.iter().enumerate().map(feature).collect(),
        }
    }
}

/// Converts the probabilities of a model to those of one corpus: Platt scaling (Platt, "Probabilistic Outputs for
/// Support Vector Machines", 1999). The log-odds are multiplied and shifted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// The factor of the log-odds, at least 0.05: a higher probability stays higher.
    pub slope: f32,
    /// What is added to the log-odds.
    pub shift: f32,
    /// The number of examples that it was fitted to.
    pub examples: u64,
}

impl Scaling {
    /// The weight of the prior that the probabilities are right as they are. With few examples, the scaling is near to
    /// that.
    const PRIOR: f64 = 2.0;

    /// Fits the scaling to probabilities and their outcomes.
    pub fn fitted(examples: &[(f32, bool)]) -> Self {
        // The penalized negative log-likelihood of two parameters. It is convex.
        let loss = |slope: f64, shift: f64| {
            let penalty = Self::PRIOR / 2.0 * ((slope - 1.0).powi(2) + shift * shift);
            let of = |(probability, outcome): &(f32, bool)| {
                let odds = slope * log_odds(*probability) + shift;
                (if *outcome { -odds } else { odds }).exp().ln_1p()
            };
            penalty + examples.iter().map(of).sum::<f64>()
        };
        let (mut slope, mut shift) = (1.0, 0.0);
        for _ in 0..50 {
            let (mut by_slope, mut by_shift) = (Self::PRIOR * (slope - 1.0), Self::PRIOR * shift);
            let (mut slopes, mut both, mut shifts) = (Self::PRIOR, 0.0, Self::PRIOR);
            for (probability, outcome) in examples {
                let x = log_odds(*probability);
                let p = 1.0 / (1.0 + (-(slope * x + shift)).exp());
                let (error, variance) = (p - f64::from(u8::from(*outcome)), p * (1.0 - p));
                by_slope += error * x;
                by_shift += error;
                slopes += variance * x * x;
                both += variance * x;
                shifts += variance;
            }
            let determinant = slopes * shifts - both * both;
            let step = (
                (shifts * by_slope - both * by_shift) / determinant,
                (slopes * by_shift - both * by_slope) / determinant,
            );
            // Newton's method, with shorter steps where a whole one would make it worse.
            let before = loss(slope, shift);
            let shorter = (0..30).map(|halvings| 0.5_f64.powi(halvings));
            let Some(length) =
                shorter.into_iter().find(|by| loss(slope - by * step.0, shift - by * step.1) < before)
            else {
                break;
            };
            slope -= length * step.0;
            shift -= length * step.1;
        }
        Self { slope: (slope as f32).max(0.05), shift: shift as f32, examples: examples.len() as u64 }
    }

    /// The probability in the corpus.
    pub fn apply(&self, probability: f32) -> f32 {
        logistic(self.slope * log_odds(probability) as f32 + self.shift)
    }
}

/// The log-odds of a probability, which is kept away from 0 and 1.
fn log_odds(probability: f32) -> f64 {
    let probability = f64::from(probability).clamp(0.001, 0.999);
    (probability / (1.0 - probability)).ln()
}

/// The bias followed by one weight per feature, 0 for features that are not used.
fn newton(examples: &[Example], total: f64, used: &[bool]) -> Vec<f64> {
    const RIDGE: f64 = 1e-4;
    let size = used.len() + 1;
    let mut weights = vec![0.0; size];
    let mut x = vec![1.0; size];
    for _ in 0..50 {
        let mut gradient = vec![0.0; size];
        let mut hessian = vec![vec![0.0; size]; size];
        for example in examples {
            for ((x, feature), used) in x[1..].iter_mut().zip(&example.features).zip(used) {
                *x = if *used { f64::from(*feature) } else { 0.0 };
            }
            let sum: f64 = weights.iter().zip(&x).map(|(weight, x)| weight * x).sum();
            let p = 1.0 / (1.0 + (-sum).exp());
            let counts = example.counts / total;
            for i in 0..size {
                gradient[i] += counts * (f64::from(u8::from(example.right)) - p) * x[i];
                for j in 0..size {
                    hessian[i][j] += counts * p * (1.0 - p) * x[i] * x[j];
                }
            }
        }
        for i in 0..size {
            gradient[i] -= RIDGE * weights[i];
            hessian[i][i] += RIDGE;
        }
        let step = solution(hessian, gradient);
        weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight += step);
        if step.iter().all(|step| step.abs() < 1e-9) {
            break;
        }
    }
    weights
}

/// Solves a positive definite linear system by elimination.
fn solution(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for pivot in 0..size {
        let above = matrix[pivot].clone();
        for row in pivot + 1..size {
            let factor = matrix[row][pivot] / above[pivot];
            matrix[row].iter_mut().zip(&above).for_each(|(cell, above)| *cell -= factor * above);
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..size).rev() {
        for column in row + 1..size {
            right[row] -= matrix[row][column] * right[column];
        }
        right[row] /= matrix[row][row];
    }
    right
}

/// The probability half-way between two others, by log-odds. 0 if one of them is 0.
pub fn average(one: f32, two: f32) -> f32 {
    let log_odds = |p: f32| (p / (1.0 - p)).ln();
    if one.min(two) <= 0.0 { 0.0 } else { logistic((log_odds(one) + log_odds(two)) / 2.0) }
}

fn logistic(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Computes a reliability table and the expected calibration error from predicted probabilities and outcomes.
///
/// The table has ten bins of equal width, by probability. The error is the mean, weighted by bin size, of the
/// distance between the mean probability and the fraction of positive outcomes (Naeini et al., 2015).
pub fn reliability(answers: impl IntoIterator<Item = (f32, bool)>) -> (Vec<Bin>, f64) {
    const BINS: usize = 10;
    let mut bins = vec![Bin::default(); BINS];
    for (probability, right) in answers {
        let bin = &mut bins[((probability * BINS as f32) as usize).min(BINS - 1)];
        bin.count += 1;
        bin.confidence += f64::from(probability);
        bin.right += f64::from(u8::from(right));
    }
    let all = bins.iter().map(|bin| bin.count).sum::<usize>().max(1) as f64;
    let mut error = 0.0;
    for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
        bin.confidence /= bin.count as f64;
        bin.right /= bin.count as f64;
        error += bin.count as f64 / all * (bin.confidence - bin.right).abs();
    }
    (bins, error)
}

/// A bin of a reliability table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// The number of predictions in the bin.
    pub count: usize,
    /// Their mean probability.
    pub confidence: f64,
    /// The fraction of them with a positive outcome.
    pub right: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_moves_probabilities_to_the_outcomes() {
        // Of the examples with 0.9, half are right; of those with 0.2, one in ten.
        let examples = |count: usize| -> Vec<(f32, bool)> {
            (0..count).flat_map(|nth| [(0.9, nth % 2 == 0), (0.2, nth % 10 == 0)]).collect()
        };
        let scaling = Scaling::fitted(&examples(1_000));
        assert!(
            (scaling.apply(0.9) - 0.5).abs() < 0.02 && (scaling.apply(0.2) - 0.1).abs() < 0.02,
            "{scaling:?}"
        );
        assert_eq!(scaling.examples, 2_000);
        // Few examples move the probabilities less far, none at all nowhere.
        let few = Scaling::fitted(&examples(10)).apply(0.9);
        assert!((0.5..0.9).contains(&few), "{few}");
        assert!((Scaling::fitted(&[]).apply(0.3) - 0.3).abs() < 1e-5);
        // Labels that contradict the model do not reverse the order.
        let reversed = Scaling::fitted(&[(0.9, false), (0.1, true)].repeat(500));
        assert!(reversed.apply(0.9) > reversed.apply(0.1), "{reversed:?}");
    }

    fn model(features: usize) -> Model {
        let weight = |nth: usize| Weight { name: format!("f{nth}"), weight: 0.0, mean: 0.0 };
        Model { threshold: 0.5, bias: 0.0, features: (0..features).map(weight).collect() }
    }

    /// One in ten examples with a first feature of 0.2 is positive, and nine in ten with 0.8. The second
    /// feature is -0.5 times the first.
    fn examples() -> Vec<Example> {
        (0..200)
            .map(|at| {
                let (x, often) = if at % 2 == 0 { (0.2, 1) } else { (0.8, 9) };
                Example { features: vec![x, -0.5 * x], right: (at / 2) % 10 < often, counts: 1.0 }
            })
            .collect()
    }

    #[test]
    fn a_model_with_zero_weights_predicts_one_half() {
        assert_eq!(model(3).probability(&[1.0; 3]), 0.5);
    }

    #[test]
    fn a_fitted_model_predicts_the_observed_fractions() {
        let fitted = model(2).fitted(&examples(), &[Sign::Any; 2]);
        for (x, share) in [(0.2, 0.1), (0.8, 0.9)] {
            let p = fitted.probability(&[x, -0.5 * x]);
            assert!((p - share).abs() < 0.05, "{x}: {p}");
        }
        assert!((fitted.features[0].mean - 0.5).abs() < 1e-6);
    }

    #[test]
    fn weights_have_the_allowed_sign() {
        let fitted = model(2).fitted(&examples(), &[Sign::Up, Sign::Up]);
        assert!(fitted.features[0].weight > 1.0);
        assert_eq!(fitted.features[1].weight, 0.0);
        let fitted = model(2).fitted(&examples(), &[Sign::Down, Sign::Down]);
        assert_eq!(fitted.features[0].weight, 0.0);
        assert!(fitted.features[1].weight < -1.0);
    }

    #[test]
    fn fitting_without_both_outcomes_returns_the_model() {
        assert_eq!(model(1).fitted(&[], &[Sign::Any]), model(1));
        let right = Example { features: vec![1.0], right: true, counts: 1.0 };
        assert_eq!(model(1).fitted(&[right], &[Sign::Any]), model(1));
    }

    #[test]
    fn effects_add_up_to_the_distance_from_the_average() {
        let fitted = model(2).fitted(&examples(), &[Sign::Any; 2]);
        let odds = |p: f32| (p / (1.0 - p)).ln();
        let moved: f32 = fitted.effects(&[0.7, -0.1]).iter().sum();
        assert!((moved - odds(fitted.probability(&[0.7, -0.1])) + odds(fitted.average())).abs() < 1e-3);
    }

    #[test]
    fn the_average_of_probabilities_is_that_of_their_log_odds() {
        assert!((average(0.9, 0.1) - 0.5).abs() < 1e-6);
        assert!((average(0.8, 0.8) - 0.8).abs() < 1e-6);
        assert_eq!((average(0.0, 0.9), average(0.9, 0.0)), (0.0, 0.0));
    }

    #[test]
    fn calibrated_probabilities_have_almost_no_error() {
        let (bins, error) = reliability([(0.95, true), (0.95, true), (0.05, false)]);
        assert!(error < 0.051, "{error}");
        assert_eq!((bins[9].count, bins[0].count, bins[5].count), (2, 1, 0));
        assert!(reliability([(0.9, false)]).1 > 0.89);
        assert_eq!(reliability([]).1, 0.0);
    }
}
