//! One hit for a question that is asked more than once.

use tantivy::DocAddress;

use super::retrieval::Candidate;
use crate::index::Index;
use crate::pair::{FITTED, LEAST_COSINE, Phrasing, repeat_key};
use crate::question::Question;

/// How many candidates behind the last hit are looked at for those that ask what a hit asks.
const LOOKED_THROUGH: usize = 30;

/// A question that asks what a better hit asks.
#[derive(Clone, Debug, PartialEq)]
pub struct AlsoAsked {
    /// The question, whole.
    pub question: Question,
    /// The probability that it asks the same.
    pub probability: f32,
}

/// A hit in the making.
pub(super) struct CollapsedHit {
    pub candidate: Candidate,
    pub question: Question,
    /// Those that ask the same, best first.
    pub also_asked: Vec<AlsoAsked>,
    /// The title's [`repeat_key`]: made once, since every candidate is compared with it.
    key: String,
}

impl CollapsedHit {
    pub fn new(candidate: Candidate, question: Question) -> Self {
        let key = repeat_key(&question.title);
        Self { candidate, question, also_asked: Vec::new(), key }
    }
}

/// Takes every candidate that asks what a better one asks to that one.
pub(super) fn collapse(index: &Index, ranked: Vec<(Candidate, Question)>) -> Vec<CollapsedHit> {
    let mut kept: Vec<CollapsedHit> = Vec::new();
    for (candidate, question) in ranked {
        if let Some(question) = add(index, &mut kept, candidate.address, question) {
            kept.push(CollapsedHit::new(candidate, question));
        }
    }
    kept
}

/// Looks among the next best for those that ask what one of these hits asks: what a hit is also asked as
/// does not depend on how many hits are shown.
pub(super) fn collapse_next(
    index: &Index,
    kept: &mut [CollapsedHit],
    next: &[Candidate],
) -> anyhow::Result<()> {
    let least = least_cosine(index);
    for candidate in next.iter().take(LOOKED_THROUGH) {
        // Only what is near is read.
        if kept.iter().any(|kept| cosine(index, kept.candidate.address, candidate.address) >= least) {
            add(index, kept, candidate.address, index.question(candidate.address)?);
        }
    }
    Ok(())
}

/// Adds a question to the hit that asks the same; gives it back where none does.
fn add(
    index: &Index,
    kept: &mut [CollapsedHit],
    address: DocAddress,
    question: Question,
) -> Option<Question> {
    let key = repeat_key(&question.title);
    let same = kept.iter_mut().find_map(|kept| {
        let probability = match kept.key == key {
            true => 1.0,
            false => same(index, (kept.candidate.address, &kept.question), (address, &question))?,
        };
        Some((kept, probability))
    });
    match same {
        Some((kept, probability)) => {
            kept.also_asked.push(AlsoAsked { question, probability });
            None
        }
        None => Some(question),
    }
}

/// [`LEAST_COSINE`] by the index's model.
fn least_cosine(index: &Index) -> f32 {
    index.scale().from_builtin(LEAST_COSINE)
}

/// The cosine of the nearest phrasings of two questions; 0 without vectors.
fn cosine(index: &Index, one: DocAddress, two: DocAddress) -> f32 {
    let [a, b] = [one, two].map(|address| &index.vectors()[address.segment_ord as usize]);
    index.nearest_pair(one, two).map_or(0.0, |(row, other)| a.view(row).cosine(&b.view(other)))
}

/// The probability that two questions ask the same, where it is high enough to say so.
fn same(index: &Index, one: (DocAddress, &Question), two: (DocAddress, &Question)) -> Option<f32> {
    let (row, other) = index.nearest_pair(one.0, two.0)?;
    let [a, b] = [one.0, two.0].map(|address| &index.vectors()[address.segment_ord as usize]);
    let (a_view, b_view) = (a.view(row), b.view(other));
    if a_view.cosine(&b_view) < least_cosine(index) {
        return None;
    }
    let [phrasing, other] =
        [a.passage(row).phrasing(one.1), b.passage(other).phrasing(two.1)].map(Phrasing::new);
    let probability = phrasing.probability(&other, index.centre().between(&a_view, &b_view));
    (probability >= FITTED.threshold).then_some(probability)
}
