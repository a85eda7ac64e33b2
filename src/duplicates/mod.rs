//! Duplicate detection: finds questions that ask the same.
//!
//! ```text
//! index → phrasings (titles, alternative titles) → candidates (near vectors) → pairs → groups
//!                                                                     decisions ──↑
//! ```
//!
//! A pair is two questions that ask the same, as [`same_question`](crate::same_question) judges. Groups do not
//! chain: a group is built from pairs, and every two questions of it must be near.

mod cache;
mod candidates;
mod classes;
mod decided;
mod groups;
mod judged;

use anyhow::bail;
use tantivy::DocAddress;

use crate::decisions::Decisions;
use crate::embed::{Embedder, Role, WrongModel, normalized};
use crate::index::{Index, Quantized};
use crate::pair::{FITTED, LEAST_COSINE};
use crate::question::Question;
use crate::same_question::{Asked, Verdict, paraphrase};
use crate::title::title_key;

pub use crate::same_question::{Kind, Why};
pub use cache::Cache;
pub use candidates::{Near, nearest_exact, nearest_probed};
pub use decided::{Reason, Unapplied, retain_undecided};
pub use groups::{Chosen, Group, Member};
pub use judged::{Grouped, Judged};

/// Two questions that probably ask the same, as indexes into [`Duplicates::questions`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The question that comes first in source order.
    pub one: usize,
    /// The other question.
    pub two: usize,
    /// How they duplicate each other.
    pub kind: Kind,
    /// The probability that they ask the same. 1 for [`Kind::Exact`] and [`Kind::Repeat`].
    pub probability: f32,
    /// The evidence.
    pub why: Why,
    /// Whether people decided that they ask the same.
    pub is_decided: bool,
}

/// Which pairs to find.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Compares only questions from files whose path contains this, ignoring case.
    pub within: Option<String>,
    /// Finds only pairs of questions from different files.
    pub across: bool,
    /// The minimum probability of a pair.
    pub threshold: f32,
    /// What people decided about pairs of questions.
    pub decisions: Decisions,
}

impl Default for Options {
    /// Compares all questions, with the threshold of the [fitted model](FITTED) and without decisions.
    fn default() -> Self {
        Self { within: None, across: false, threshold: FITTED.threshold, decisions: Decisions::default() }
    }
}

/// The duplicates in an index.
#[derive(Clone, Debug)]
pub struct Duplicates {
    /// The questions that were compared, in order of source and line.
    pub questions: Vec<Question>,
    /// The pairs that reach the threshold, most probable first, without those that were decided to be different. Repeats are
    /// paired with the first of them only.
    pub pairs: Vec<Pair>,
    /// The groups, largest first.
    pub groups: Vec<Group>,
    /// The number of decisions that were applied.
    pub applied: usize,
    /// The decisions that were not applied.
    pub unapplied: Vec<Unapplied>,
    /// The number of different phrasings, and how many of them were not in the cache.
    pub compared: (usize, usize),
    /// The documents of the questions, in the same order.
    addresses: Vec<DocAddress>,
}

/// A phrasing of a question that has a vector.
#[derive(Clone, Copy, Debug)]
struct Row {
    question: usize,
    segment: usize,
    row: usize,
    /// The hash of its text. Equal texts have equal vectors.
    hash: u64,
}

/// Finds the questions of an index that ask the same.
///
/// Each phrasing is compared with the phrasings whose vectors are near. In an index without vectors, only
/// exact duplicates and repeats are found. `cache` contains the near phrasings of the last run, so only new
/// phrasings are compared. The cache is updated, unless [`Options::within`] is set.
///
/// # Errors
/// The index is damaged.
pub fn duplicates(index: &Index, options: &Options, cache: &mut Cache) -> anyhow::Result<Duplicates> {
    index.ensure_on_this_machine("the list of duplicates")?;
    let judged = Judged::new(index, options, cache)?;
    let grouped = judged.grouped(&options.decisions);
    Ok(judged.into_duplicates(grouped))
}

/// Computes a position for each group on a two-dimensional map of subjects. The coordinates are the first two
/// principal components of the vectors of the canonical titles, scaled to [-1, 1]. They are all 0 without
/// vectors.
///
/// `index` is the one that `found` was found in.
pub fn map(index: &Index, found: &Duplicates) -> Vec<[f32; 2]> {
    let vector = |group: &Group| index.title_vector(found.addresses[group.canonical]).unwrap_or_default();
    principal(found.groups.iter().map(vector).collect())
}

/// The first two principal components of vectors, by power iteration.
fn principal(mut vectors: Vec<Vec<f32>>) -> Vec<[f32; 2]> {
    const ROUNDS: usize = 30;
    let size = vectors.iter().map(Vec::len).max().unwrap_or(0);
    vectors.iter_mut().for_each(|vector| vector.resize(size, 0.0));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let count = vectors.len().max(1) as f32;
    let mean: Vec<f32> =
        (0..size).map(|at| vectors.iter().map(|vector| vector[at]).sum::<f32>() / count).collect();
    for vector in &mut vectors {
        vector.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
    }
    let mut points = vec![[0.0; 2]; vectors.len()];
    for axis in 0..2 {
        // Any start that is not orthogonal to the component works. A fixed one makes the map reproducible.
        let mut direction: Vec<f32> = (0..size).map(|at| 1.0 + (at % 7) as f32).collect();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; size];
            for vector in &vectors {
                let along = dot(vector, &direction);
                next.iter_mut().zip(vector).for_each(|(next, x)| *next += along * x);
            }
            direction = normalized(next);
        }
        for (vector, point) in vectors.iter_mut().zip(&mut points) {
            point[axis] = dot(vector, &direction);
            let along = point[axis];
            vector.iter_mut().zip(&direction).for_each(|(x, direction)| *x -= along * direction);
        }
    }
    let farthest = points.iter().flatten().fold(0.0_f32, |farthest, x| farthest.max(x.abs()));
    if farthest > 0.0 {
        points.iter_mut().flatten().for_each(|x| *x /= farthest);
    }
    points
}

/// A question that asks the same as a phrase.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The question.
    pub question: Question,
    /// How the phrase duplicates it.
    pub kind: Kind,
    /// The probability that both ask the same.
    pub probability: f32,
}

/// How many of the nearest questions a phrase is compared with.
const NEAREST: usize = 20;

/// Finds the questions of an index that ask the same as a phrase with at least the probability `threshold`,
/// most probable first. The phrase has no answer, so every question with its title is a repeat. `embedder` is the
/// model of the index. Without it, only exact duplicates and repeats are found.
///
/// # Errors
/// - The phrase is empty, the index is damaged, or the model fails.
/// - [`WrongModel`]: the index has vectors of another model.
pub fn check(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    phrase: &str,
    threshold: f32,
) -> anyhow::Result<Vec<Found>> {
    if phrase.trim().is_empty() {
        bail!("the phrase is empty");
    }
    // Without vectors in the index, the model is not needed.
    let embedder = embedder.zip(index.meta().model.as_ref()).map(|(embedder, model)| {
        let given = embedder.model();
        let wrong = || WrongModel { made_with: model.clone(), given: Some(given.clone()) };
        if given.is_same(model) { Ok(embedder) } else { Err(anyhow::Error::from(wrong())) }
    });
    let embedder = embedder.transpose()?;
    #[cfg(feature = "milvus")]
    if let Some(cluster) = index.cluster() {
        let vector = embedder.map(|embedder| embedder.embed(phrase, Role::Passage)).transpose()?;
        let view = cluster.similar(index, phrase, vector)?;
        return check(&view, embedder, phrase, threshold);
    }
    let mut found: Vec<(DocAddress, Found)> = Vec::new();
    if let Some(key) = title_key(phrase) {
        for address in index.same_title(&key)? {
            let question = index.question(address)?;
            let kind = Kind::of_titles(&question.title, phrase);
            found.push((address, Found { question, kind, probability: 1.0 }));
        }
    }
    if let Some(embedder) = embedder {
        let vector = Quantized::of(&embedder.embed(phrase, Role::Passage)?, embedder.model())?;
        let asked = Question::new(phrase, 0);
        let asked = Asked { question: &asked, text: phrase, view: vector.view(), title: vector.view() };
        let min_cosine = index.scale().from_builtin(LEAST_COSINE);
        for (address, row, _) in index.nearest_phrasings(&vector, NEAREST, min_cosine) {
            if found.iter().any(|(known, _)| *known == address) {
                continue;
            }
            let question = index.question(address)?;
            let verdict = paraphrase(index, &asked, &Asked::new(index, address, row, &question));
            let Verdict { kind, probability, .. } = verdict;
            if probability >= threshold {
                found.push((address, Found { question, kind, probability }));
            }
        }
    }
    found.sort_by(|(a_address, a), (b_address, b)| {
        (b.probability.total_cmp(&a.probability)).then_with(|| {
            (a.kind, &a.question.source, a_address).cmp(&(b.kind, &b.question.source, b_address))
        })
    });
    Ok(found.into_iter().map(|(_, found)| found).collect())
}
