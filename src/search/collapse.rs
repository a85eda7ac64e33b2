//! Collapses questions that ask the same into one hit.

use std::collections::HashSet;

use tantivy::DocAddress;

use super::candidate::{Candidate, Raised};
use crate::chunk::Passage;
use crate::index::{Index, RowView};
use crate::question::Question;
use crate::same_question::{Kind, distinction, is_one_hit, judge};
use crate::title::title_key;

/// The minimum cosine of two titles, on the scale of the built-in model, for a candidate after the last hit to
/// be read. The cosine of paraphrases that [`is_one_hit`] accepts is higher.
const LEAST_COSINE: f32 = 0.85;

/// How many questions with the title of a hit are read to find its [`distinction`].
const COMPARED: usize = 50;

/// A question that asks the same as a better hit.
#[derive(Clone, Debug, PartialEq)]
pub struct AlsoAsked {
    /// The complete question.
    pub question: Question,
    /// How it duplicates the hit.
    pub kind: Kind,
    /// The probability that it asks the same as the hit.
    pub probability: f32,
}

/// A candidate with its question and the questions collapsed into it.
pub(super) struct CollapsedHit {
    pub candidate: Candidate,
    pub question: Question,
    /// The questions that ask the same, best first.
    pub also_asked: Vec<AlsoAsked>,
    /// Where they are in the index.
    addresses: Vec<DocAddress>,
    /// The title's [`title_key`]. It is stored because every candidate is compared with it.
    key: Option<String>,
}

impl CollapsedHit {
    pub fn new(candidate: Candidate, question: Question) -> Self {
        let key = title_key(&question.title);
        Self { candidate, question, also_asked: Vec::new(), addresses: Vec::new(), key }
    }

    /// The hit's question and its repeats, which differ from it in nothing that matters.
    fn repeats(&self) -> impl Iterator<Item = (DocAddress, &Question)> {
        let others = self.addresses.iter().zip(&self.also_asked);
        let repeats = others.filter(|(_, asked)| asked.kind != Kind::Paraphrase);
        let own = (self.candidate.address, &self.question);
        std::iter::once(own).chain(repeats.map(|(address, asked)| (*address, &asked.question)))
    }

    /// What tells the hit apart from other questions with its title. `None` if there are no others.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn distinction(&self, index: &Index) -> anyhow::Result<Option<String>> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let mut others = index.same_title(key)?;
        others.retain(|other| *other != self.candidate.address);
        let others: Vec<Question> = others
            .into_iter()
            .take(COMPARED)
            .map(|other| index.question(other))
            .collect::<anyhow::Result<_>>()?;
        if others.is_empty() { Ok(None) } else { Ok(distinction(&self.question, &others)) }
    }
}

/// Collapses every candidate into the best candidate that asks the same, if there is one.
pub(super) fn collapse(index: &Index, ranked: Vec<(Candidate, Question)>) -> Vec<CollapsedHit> {
    let mut hits: Vec<CollapsedHit> = Vec::new();
    for (candidate, question) in ranked {
        // Each pinned question is a hit of its own.
        let rest = match candidate.raised {
            Some(Raised::Pinned) => Some(question),
            _ => add(index, &mut hits, candidate.address, question),
        };
        hits.extend(rest.map(|question| CollapsedHit::new(candidate, question)));
    }
    hits
}

/// Adds all candidates that rank after the hits to the hit that asks the same. This way, `also_asked` does not
/// depend on the number of hits.
pub(super) fn collapse_next(
    index: &Index,
    hits: &mut [CollapsedHit],
    next: &[Candidate],
) -> anyhow::Result<()> {
    let min_cosine = index.scale().from_builtin(LEAST_COSINE);
    let mut same_title = HashSet::new();
    for key in hits.iter().filter_map(|hit| hit.key.as_ref()) {
        same_title.extend(index.same_title(key)?);
    }
    let titles: Vec<RowView<'_>> =
        hits.iter().filter_map(|hit| title(index, hit.candidate.address)).collect();
    for Candidate { address, .. } in next {
        let is_near = || {
            let near = |own: RowView<'_>| titles.iter().any(|title| title.cosine(&own) >= min_cosine);
            title(index, *address).is_some_and(near)
        };
        // Only candidates near to a hit are read.
        if same_title.contains(address) || is_near() {
            add(index, hits, *address, index.question(*address)?);
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
    let own = title(index, address);
    let key = title_key(&question.title);
    let min_cosine = index.scale().from_builtin(LEAST_COSINE);
    let same = hits.iter_mut().find_map(|hit| {
        let is_near = || {
            let title = title(index, hit.candidate.address);
            title.zip(own).is_some_and(|(title, own)| title.cosine(&own) >= min_cosine)
        };
        if !is_near() && hit.key != key {
            return None;
        }
        // The question is compared with each spelling of the title: `bread` and `BREAD` are not the same evidence.
        let verdict = hit.repeats().find_map(|(repeat, asked)| {
            let verdict = judge(index, (repeat, asked), (address, &question))?;
            is_one_hit(asked, &question, &verdict).then_some(verdict)
        })?;
        Some((hit, verdict))
    });
    match same {
        Some((hit, verdict)) => {
            hit.addresses.push(address);
            hit.also_asked.push(AlsoAsked { question, kind: verdict.kind, probability: verdict.probability });
            None
        }
        None => Some(question),
    }
}

/// The vector of a question's title; `None` without vectors.
fn title(index: &Index, address: DocAddress) -> Option<RowView<'_>> {
    let vectors = &index.vectors()[address.segment_ord as usize];
    let row = vectors.rows_of(address.doc_id).find(|row| vectors.passage(*row) == Passage::Title)?;
    Some(vectors.view(row))
}
