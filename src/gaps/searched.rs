//! Searches for every phrase, and keeps what the groups need.

use std::collections::HashSet;

use super::phrases::Phrase;
use super::{Counts, Options};
use crate::embed::{Embedder, ModelInfo, Role, delegate_to_model};
use crate::index::{Index, Quantized};
use crate::search::{Query, search};
use crate::worker_threads;

/// How many phrases are searched for before the progress is reported.
const WINDOW: usize = 1_024;

/// What the searches found.
#[derive(Debug, Default)]
pub(super) struct Searched {
    pub answered: Counts,
    /// The phrases that nothing answers, in their order.
    pub unanswered: Vec<Unanswered>,
    /// The ids of the questions that are the first hit of a phrase that they answer.
    pub asked: HashSet<String>,
}

/// A phrase that nothing answers.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    pub phrase: Phrase,
    /// The vector without the mean of the index. `None` if the model cannot read the phrase.
    pub vector: Option<Quantized>,
    /// The id of the closest question and the confidence that it answers the phrase.
    pub closest: Option<(String, f32)>,
}

/// The first hit of a search.
enum Found {
    Answer(String),
    Nothing(Unanswered),
}

/// Embeds each phrase once and searches for it. `progress` gets the number of phrases searched for so far.
pub(super) fn search_all(
    index: &Index,
    embedder: &dyn Embedder,
    phrases: &[Phrase],
    options: &Options,
    progress: &dyn Fn(usize),
) -> anyhow::Result<Searched> {
    let mut searched = Searched::default();
    for (nth, window) in phrases.chunks(WINDOW).enumerate() {
        let batches: Vec<&[Phrase]> = window.chunks(embedder.batch().max(1)).collect();
        let found = worker_threads::map(&batches, |batch| search_batch(index, embedder, batch, options));
        let found: Vec<Vec<Found>> = found.into_iter().collect::<anyhow::Result<_>>()?;
        for (phrase, found) in window.iter().zip(found.into_iter().flatten()) {
            match found {
                Found::Answer(question) => {
                    searched.answered.add(phrase);
                    searched.asked.insert(question);
                }
                Found::Nothing(unanswered) => searched.unanswered.push(unanswered),
            }
        }
        progress(nth * WINDOW + window.len());
    }
    Ok(searched)
}

fn search_batch(
    index: &Index,
    embedder: &dyn Embedder,
    batch: &[Phrase],
    options: &Options,
) -> anyhow::Result<Vec<Found>> {
    let readable: Vec<bool> = batch.iter().map(|phrase| embedder.can_read(&phrase.text)).collect();
    let texts = batch.iter().zip(&readable).filter(|(_, is_readable)| **is_readable);
    let texts: Vec<&str> = texts.map(|(phrase, _)| phrase.text.as_str()).collect();
    let mut vectors = embedder.embed_all(&texts, Role::Query)?.into_iter();
    let search = |(phrase, is_readable): (&Phrase, bool)| {
        let vector = if is_readable { vectors.next() } else { None };
        search_one(index, embedder, phrase, vector, options)
    };
    batch.iter().zip(readable).map(search).collect()
}

fn search_one(
    index: &Index,
    embedder: &dyn Embedder,
    phrase: &Phrase,
    vector: Option<Vec<f32>>,
    options: &Options,
) -> anyhow::Result<Found> {
    let known = Embedded { model: embedder, text: &phrase.text, vector: vector.as_deref() };
    let query = Query { limit: 1, ..Query::plain(&phrase.text) };
    let mut results = search(index, Some(&known), &query)?;
    let is_answered = results.is_answered(options.min_confidence);
    let closest = results.hits.pop().map(|hit| (hit.question.id, hit.confidence.unwrap_or(0.0)));
    Ok(match closest {
        Some((question, _)) if is_answered => Found::Answer(question),
        closest => {
            let vector = vector.map(|vector| index.space().centre(vector).into_vector());
            Found::Nothing(Unanswered { phrase: phrase.clone(), vector, closest })
        }
    })
}

/// A model and the vector of one phrase.
pub(super) struct Embedded<'a> {
    model: &'a dyn Embedder,
    text: &'a str,
    vector: Option<&'a [f32]>,
}

impl Embedder for Embedded<'_> {
    delegate_to_model!();

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        match self.vector.filter(|_| role == Role::Query && text == self.text) {
            Some(vector) => Ok(vector.to_vec()),
            None => self.model.embed(text, role),
        }
    }
}
