//! How sure we are that a hit answers the phrase.
//!
//! A logistic model over a few figures of the hit, fitted on judged queries and on phrases that
//! nothing answers by `rqsearch eval --fit`, which writes `confidence.json`. It does not rank.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::fuse::{Figures, Range};

/// What the model looks at, in this order.
pub const NAMES: [&str; 6] = ["cosine", "covered", "cosine_covered", "lead", "stands_out", "words"];

/// A hit as the model sees it; [`NAMES`] says what each number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features(pub [f32; NAMES.len()]);

impl Features {
    /// Of a hit with these figures among candidates of this range; `words` is the number of words in
    /// the phrase that say something.
    pub fn new(figures: &Figures, range: &Range, words: usize) -> Self {
        let cosine = figures.cosine.unwrap_or(0.0);
        let others = if cosine >= range.cosine { range.second } else { range.cosine };
        Self([
            cosine,
            figures.covered,
            cosine * figures.covered,
            cosine - others,
            cosine - range.floor,
            (1.0 + words as f32).ln(),
        ])
    }
}

/// The fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// What it says where every feature is 0.
    pub bias: f32,
    /// A weight a feature, in the order of [`NAMES`].
    pub weights: [f32; NAMES.len()],
    /// Below this the best hit is no answer.
    pub threshold: f32,
}

/// The model that the program was built with.
pub static FITTED: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("confidence.json")).expect("confidence.json is written by `eval --fit`")
});

impl Model {
    /// The probability that a hit answers.
    pub fn probability(&self, features: &Features) -> f32 {
        let sum: f32 = self.weights.iter().zip(features.0).map(|(weight, feature)| weight * feature).sum();
        1.0 / (1.0 + (-(self.bias + sum)).exp())
    }

    /// Fits a model to hits that answer or do not, each with how much it counts: logistic regression
    /// with a little ridge, by Newton's method. The threshold stays that of `self`.
    ///
    /// Without hits of both kinds nothing can be fitted, and `self` comes back.
    pub fn fitted(&self, hits: &[(Features, bool, f64)]) -> Self {
        const SIZE: usize = NAMES.len() + 1;
        const RIDGE: f64 = 1e-3;
        if hits.iter().all(|hit| hit.1) || hits.iter().all(|hit| !hit.1) {
            return self.clone();
        }
        let total: f64 = hits.iter().map(|hit| hit.2).sum();
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
        let mut fitted = self.clone();
        fitted.bias = weights[0] as f32;
        fitted.weights.iter_mut().zip(&weights[1..]).for_each(|(fitted, weight)| *fitted = *weight as f32);
        fitted
    }
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
        Model { bias: 0.0, weights: [0.0; NAMES.len()], threshold: 0.5 }
    }

    #[test]
    fn a_model_that_knows_nothing_says_a_half() {
        assert_eq!(model().probability(&Features([1.0; NAMES.len()])), 0.5);
    }

    #[test]
    fn a_fitted_model_gives_back_the_shares_it_saw() {
        // Of hits with a cosine of 0.2 one in ten answers, of 0.8 nine in ten.
        let mut hits = Vec::new();
        for at in 0..200 {
            let (cosine, often) = if at % 2 == 0 { (0.2, 1) } else { (0.8, 9) };
            let mut features = [0.0; NAMES.len()];
            features[0] = cosine;
            hits.push((Features(features), (at / 2) % 10 < often, 1.0));
        }
        let fitted = model().fitted(&hits);
        for (cosine, share) in [(0.2, 0.1), (0.8, 0.9)] {
            let mut features = [0.0; NAMES.len()];
            features[0] = cosine;
            let p = fitted.probability(&Features(features));
            assert!((p - share).abs() < 0.05, "{cosine}: {p}");
        }
    }

    #[test]
    fn what_cannot_be_fitted_stays() {
        assert_eq!(model().fitted(&[]), model());
        assert_eq!(model().fitted(&[(Features([1.0; NAMES.len()]), true, 1.0)]), model());
    }
}
