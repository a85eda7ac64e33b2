//! The questions that ask the same as a phrase.

use anyhow::bail;
use tantivy::DocAddress;

use crate::embed::{Embedder, Role, WrongModel};
use crate::index::{Index, Quantized};
use crate::pair::LEAST_COSINE;
use crate::question::Question;
use crate::same_question::{Asked, Kind, Verdict, paraphrase};
use crate::title::title_key;

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
    let embedder = embedder_of(index, embedder)?;
    #[cfg(feature = "milvus")]
    if let Some(cluster) = index.cluster() {
        let vector = embedder.map(|embedder| embedder.embed(phrase, Role::Passage)).transpose()?;
        let view = cluster.similar(index, phrase, vector)?;
        return check(&view, embedder, phrase, threshold);
    }
    let mut found = repeats(index, phrase)?;
    if let Some(embedder) = embedder {
        let paraphrases =
            paraphrases(index, embedder, phrase, |address| found.iter().any(|(known, _)| *known == address))?;
        found.extend(paraphrases.into_iter().filter(|(_, found)| found.probability >= threshold));
    }
    found.sort_by(|(a_address, a), (b_address, b)| {
        (b.probability.total_cmp(&a.probability)).then_with(|| {
            (a.kind, &a.question.source, a_address).cmp(&(b.kind, &b.question.source, b_address))
        })
    });
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// The model, if it is that of the index. `None` without vectors in the index, which need no model.
fn embedder_of<'a>(
    index: &Index,
    embedder: Option<&'a dyn Embedder>,
) -> anyhow::Result<Option<&'a dyn Embedder>> {
    let Some((embedder, model)) = embedder.zip(index.meta().model.as_ref()) else {
        return Ok(None);
    };
    let given = embedder.model();
    match given.is_same(model) {
        true => Ok(Some(embedder)),
        false => Err(WrongModel { made_with: model.clone(), given: Some(given.clone()) }.into()),
    }
}

/// The questions whose title or alternative title is the phrase.
fn repeats(index: &Index, phrase: &str) -> anyhow::Result<Vec<(DocAddress, Found)>> {
    let Some(key) = title_key(phrase) else {
        return Ok(Vec::new());
    };
    let repeat = |address: DocAddress| {
        let question = index.question(address)?;
        let kind = Kind::of_titles(&question.title, phrase);
        Ok((address, Found { question, kind, probability: 1.0 }))
    };
    index.same_title(&key)?.into_iter().map(repeat).collect()
}

/// The nearest questions that are not known.
fn paraphrases(
    index: &Index,
    embedder: &dyn Embedder,
    phrase: &str,
    is_known: impl Fn(DocAddress) -> bool,
) -> anyhow::Result<Vec<(DocAddress, Found)>> {
    let vector = Quantized::of(&embedder.embed(phrase, Role::Passage)?, embedder.model())?;
    let asked = Question::new(phrase, 0);
    let asked = Asked { question: &asked, text: phrase, view: vector.view(), title: vector.view() };
    let min_cosine = index.scale().from_builtin(LEAST_COSINE);
    let near = index.nearest_phrasings(&vector, NEAREST, min_cosine).into_iter();
    let paraphrase = |(address, row, _): (DocAddress, usize, f32)| {
        let question = index.question(address)?;
        let Verdict { kind, probability, .. } =
            paraphrase(index, &asked, &Asked::new(index, address, row, &question));
        Ok((address, Found { question, kind, probability }))
    };
    near.filter(|(address, ..)| !is_known(*address)).map(paraphrase).collect()
}
