//! Collapses questions that ask the same into one hit.

use tantivy::DocAddress;

use super::retrieval::Candidate;
use crate::index::Index;
use crate::pair::{FITTED, LEAST_COSINE, Phrasing};
use crate::question::Question;
use crate::title::title_key;

/// How many candidates after the last hit are checked for questions that ask the same as a hit.
const CHECKED_AFTER_LAST: usize = 30;

/// A question that asks the same as a better hit.
#[derive(Clone, Debug, PartialEq)]
pub struct AlsoAsked {
    /// The complete question.
    pub question: Question,
    /// The probability that it asks the same as the hit.
    pub probability: f32,
}

/// A candidate with its question and the questions collapsed into it.
pub(super) struct CollapsedHit {
    pub candidate: Candidate,
    pub question: Question,
    /// The questions that ask the same, best first.
    pub also_asked: Vec<AlsoAsked>,
    /// The title's [`title_key`]. It is stored because every candidate is compared with it.
    key: Option<String>,
}

impl CollapsedHit {
    pub fn new(candidate: Candidate, question: Question) -> Self {
        let key = title_key(&question.title);
        Self { candidate, question, also_asked: Vec::new(), key }
    }
}

/// Collapses every candidate into the best candidate that asks the same, if there is one.
pub(super) fn collapse(index: &Index, ranked: Vec<(Candidate, Question)>) -> Vec<CollapsedHit> {
    let mut hits: Vec<CollapsedHit> = Vec::new();
    for (candidate, question) in ranked {
        if let Some(question) = add(index, &mut hits, candidate.address, question) {
            hits.push(CollapsedHit::new(candidate, question));
        }
    }
    hits
}

/// Adds candidates that rank after the hits to a hit that asks the same. This way, `also_asked` does not
/// depend on the number of hits.
pub(super) fn collapse_next(
    index: &Index,
    hits: &mut [CollapsedHit],
    next: &[Candidate],
) -> anyhow::Result<()> {
    let min_cosine = min_cosine(index);
    for candidate in next.iter().take(CHECKED_AFTER_LAST) {
        // Only candidates near to a hit are read.
        if hits.iter().any(|hit| cosine(index, hit.candidate.address, candidate.address) >= min_cosine) {
            add(index, hits, candidate.address, index.question(candidate.address)?);
        }
    }
    Ok(())
}

/// Adds a question to the hit that asks the same. Returns the question if there is no such hit.
fn add(
    index: &Index,
    hits: &mut [CollapsedHit],
    address: DocAddress,
    question: Question,
) -> Option<Question> {
    let key = title_key(&question.title);
    let same = hits.iter_mut().find_map(|hit| {
        let probability = match key.is_some() && hit.key == key {
            true => 1.0,
            false => same(index, (hit.candidate.address, &hit.question), (address, &question))?,
        };
        Some((hit, probability))
    });
    match same {
        Some((hit, probability)) => {
            hit.also_asked.push(AlsoAsked { question, probability });
            None
        }
        None => Some(question),
    }
}

/// [`LEAST_COSINE`], converted to the scale of the index's model.
fn min_cosine(index: &Index) -> f32 {
    index.scale().from_builtin(LEAST_COSINE)
}

/// The cosine of the nearest phrasings of two questions; 0 without vectors.
fn cosine(index: &Index, one: DocAddress, two: DocAddress) -> f32 {
    let [a, b] = [one, two].map(|address| &index.vectors()[address.segment_ord as usize]);
    index.nearest_pair(one, two).map_or(0.0, |(row, other)| a.view(row).cosine(&b.view(other)))
}

/// The probability that two questions ask the same. `None` if it is below the threshold.
fn same(index: &Index, one: (DocAddress, &Question), two: (DocAddress, &Question)) -> Option<f32> {
    let (row, other) = index.nearest_pair(one.0, two.0)?;
    let [a, b] = [one.0, two.0].map(|address| &index.vectors()[address.segment_ord as usize]);
    let (a_view, b_view) = (a.view(row), b.view(other));
    if a_view.cosine(&b_view) < min_cosine(index) {
        return None;
    }
    let [phrasing, other] =
        [a.passage(row).phrasing(one.1), b.passage(other).phrasing(two.1)].map(Phrasing::new);
    let probability = phrasing.probability(&other, index.centre().between(&a_view, &b_view));
    (probability >= FITTED.threshold).then_some(probability)
}
