//! Evaluation of duplicate detection on labelled pairs of questions.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::embed::{Embedder, Role};
use crate::index::Centre;
use crate::logistic::{Bin, Example, Model, reliability};
use crate::pair::{Difference, FEATURES, Phrasing};
use crate::worker_threads;

/// A set of labelled pairs.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// The name of the set: the name of its file, without the extension.
    pub name: String,
    /// The features and the label of each pair. The label is positive if both questions ask the same.
    pub examples: Vec<Example>,
    /// Whether each pair differs in a [symbol](crate::pair::Difference::Symbol), so that its probability is 0.
    other_symbols: Vec<bool>,
    /// The plain cosine of each pair, clamped to [0, 1], with the label.
    cosines: Vec<(f32, bool)>,
}

/// How well a model separates the duplicates of a set from the other pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairMeasures {
    /// The mean precision at the rank of each duplicate, with pairs ranked by probability. Pairs with equal
    /// probability count as one step.
    pub average_precision: f64,
    /// The highest F1 of any threshold.
    pub best_f1: f64,
    /// The highest recall of any threshold with a precision of at least 95 %. 0 if there is no such
    /// threshold.
    pub recall_at_95_precision: f64,
    /// The precision at the model's threshold: the fraction of the pairs found that are duplicates. 1 if none is
    /// found; `None` for the cosine, which has no threshold.
    pub precision: Option<f64>,
    /// The recall at the model's threshold: the fraction of the duplicates that are found.
    pub recall: Option<f64>,
    /// The expected [calibration error](reliability).
    pub ece: f64,
    /// The reliability table for [`ece`](Self::ece).
    pub bins: Vec<Bin>,
}

impl Pairs {
    /// Reads a file with the tab-separated columns `label`, `id`, `text` and `text`, and embeds its texts.
    /// The first line is a header.
    ///
    /// # Errors
    /// - The file cannot be read.
    /// - A line is malformed. The error names the file and the line.
    /// - The pairs do not contain both labels.
    /// - The model fails.
    pub fn read(path: &Path, embedder: &dyn Embedder) -> anyhow::Result<Self> {
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        let mut pairs = Vec::new();
        for (number, line) in (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let columns: Vec<&str> = line.split('\t').collect();
            let (label, one, two) = match columns.as_slice() {
                ["0", _, one, two] => (false, *one, *two),
                ["1", _, one, two] => (true, *one, *two),
                _ => bail!(
                    "{}:{number}: expected a label (0 or 1), an id and two texts, separated by tabs",
                    path.display()
                ),
            };
            pairs.push((label, one, two));
        }
        if pairs.iter().all(|pair| pair.0) || pairs.iter().all(|pair| !pair.0) {
            bail!("{} must contain pairs with label 0 and pairs with label 1", path.display());
        }
        let counts = 1.0 / pairs.len() as f64;
        let embed = |(_, one, two): &(bool, &str, &str)| {
            Ok([embedder.embed(one, Role::Passage)?, embedder.embed(two, Role::Passage)?])
        };
        let vectors: Vec<[Vec<f32>; 2]> =
            worker_threads::map(&pairs, embed).into_iter().collect::<anyhow::Result<_>>()?;
        let centre = Centre::of(vectors.iter().flatten().cloned());
        let mut cosines = Vec::new();
        let mut other_symbols = Vec::new();
        let mut examples = Vec::new();
        for ((right, one, two), [a, b]) in pairs.iter().zip(&vectors) {
            let cosine = a.iter().zip(b).map(|(a, b)| a * b).sum();
            let near = [a, b].map(|vector| centre.nearness(vector.iter().copied()));
            let meaning = centre.cosine(cosine, near[0], near[1]);
            let (one, two) = (Phrasing::new(one), Phrasing::new(two));
            let features = one.features(&two, meaning);
            other_symbols.push(one.differences(&two).contains(&Difference::Symbol));
            cosines.push((cosine.clamp(0.0, 1.0), *right));
            examples.push(Example { features, right: *right, counts });
        }
        Ok(Self { name, examples, other_symbols, cosines })
    }

    /// Computes the metrics of a model on this set.
    pub fn measure(&self, model: &Model) -> PairMeasures {
        PairMeasures::of(&self.judged(model), Some(model.threshold))
    }

    /// The probability of each pair, and whether it is a duplicate. 0 if they differ in a symbol.
    fn judged(&self, model: &Model) -> Vec<(f32, bool)> {
        let judged = |(example, other_symbols): (&Example, &bool)| match other_symbols {
            true => (0.0, example.right),
            false => (model.probability(&example.features), example.right),
        };
        self.examples.iter().zip(&self.other_symbols).map(judged).collect()
    }

    /// Computes the metrics of the cosine alone, as a baseline. Its calibration error is meaningless.
    pub fn measure_cosine(&self) -> PairMeasures {
        PairMeasures::of(&self.cosines, None)
    }
}

/// The minimum precision at the threshold, on each set. It is well above what people would accept, because half
/// of the pairs in a labelled set are duplicates, but only few of those in a corpus.
const PRECISION: f64 = 0.85;

/// The precision of fewer pairs than this says little, and does not count.
const FEWEST: usize = 10;

/// Fits the pair model to labelled sets and sets its threshold. All sets have the same weight.
pub fn fit_pairs(sets: &[&Pairs], model: &Model) -> Model {
    let examples: Vec<Example> = sets.iter().flat_map(|set| set.examples.iter().cloned()).collect();
    let mut fitted = model.fitted(&examples, &FEATURES.map(|(_, sign)| sign));
    let judged: Vec<Vec<(f32, bool)>> = sets.iter().map(|set| set.judged(&fitted)).collect();
    let is_precise = |threshold: f32| {
        judged.iter().all(|judged| {
            let (precision, _, found) = at_threshold(judged, threshold);
            found < FEWEST || precision >= PRECISION
        })
    };
    let threshold = (1..100).map(|step| step as f32 / 100.0).find(|threshold| is_precise(*threshold));
    fitted.threshold = threshold.unwrap_or(fitted.threshold);
    fitted
}

/// The precision and the recall at a threshold, and the number of pairs found.
fn at_threshold(judged: &[(f32, bool)], threshold: f32) -> (f64, f64, usize) {
    let found: Vec<&(f32, bool)> =
        judged.iter().filter(|(probability, _)| *probability >= threshold).collect();
    let right = found.iter().filter(|(_, right)| *right).count() as f64;
    let all = judged.iter().filter(|(_, right)| *right).count().max(1) as f64;
    let precision = if found.is_empty() { 1.0 } else { right / found.len() as f64 };
    (precision, right / all, found.len())
}

impl PairMeasures {
    /// Computes metrics from probabilities and labels, and those at a threshold.
    pub fn of(judged: &[(f32, bool)], threshold: Option<f32>) -> Self {
        let (bins, ece) = reliability(judged.iter().copied());
        let mut ranked = judged.to_vec();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let all = ranked.iter().filter(|(_, right)| *right).count().max(1) as f64;
        let (mut found, mut right, mut recalled) = (0.0, 0.0, 0.0);
        let (mut average_precision, mut best_f1, mut recall_at_95_precision) = (0.0, 0.0_f64, 0.0_f64);
        for step in ranked.chunk_by(|a, b| a.0 == b.0) {
            found += step.len() as f64;
            right += step.iter().filter(|(_, right)| *right).count() as f64;
            let (precision, recall) = (right / found, right / all);
            average_precision += (recall - recalled) * precision;
            recalled = recall;
            best_f1 = best_f1.max(2.0 * right / (found + all));
            if precision >= 0.95 {
                recall_at_95_precision = recall_at_95_precision.max(recall);
            }
        }
        let at = threshold.map(|threshold| at_threshold(judged, threshold));
        let (precision, recall) = (at.map(|at| at.0), at.map(|at| at.1));
        Self { average_precision, best_f1, recall_at_95_precision, precision, recall, ece, bins }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_match_an_example_computed_by_hand() {
        let measures = PairMeasures::of(&[(0.9, true), (0.8, false), (0.7, true), (0.1, false)], Some(0.85));
        assert_eq!((measures.precision, measures.recall), (Some(1.0), Some(0.5)));
        assert!((measures.average_precision - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-9, "{measures:?}");
        assert!((measures.best_f1 - 0.8).abs() < 1e-9);
        assert_eq!(measures.recall_at_95_precision, 0.5);
        assert!((measures.ece - (0.1 + 0.8 + 0.3 + 0.1) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn pairs_with_equal_probability_are_one_step() {
        let measures = PairMeasures::of(&[(0.5, true), (0.5, false), (0.5, false), (0.5, true)], None);
        assert_eq!((measures.average_precision, measures.recall_at_95_precision), (0.5, 0.0));
        let perfect = PairMeasures::of(&[(1.0, true), (0.0, false)], None);
        assert_eq!((perfect.average_precision, perfect.best_f1, perfect.ece), (1.0, 1.0, 0.0));
    }
}
