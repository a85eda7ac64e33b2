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
mod check;
mod classes;
mod decided;
mod groups;
mod judged;
mod map;

use tantivy::DocAddress;

use crate::decisions::Decisions;
use crate::index::Index;
use crate::pair::FITTED;
use crate::question::Question;

pub use crate::same_question::{Kind, Why};
pub use cache::Cache;
pub use candidates::{Near, nearest_exact, nearest_probed};
pub use check::{Found, check};
pub use decided::{Reason, Unapplied, retain_undecided};
pub use groups::{Chosen, Group, Member};
pub use judged::{Grouped, Judged};
pub use map::map;

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
