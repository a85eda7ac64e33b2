//! Pins: the questions that the owner of an index puts first for a phrase, and those that are hidden.

use std::collections::HashSet;

use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, Term};

use super::query::Query;
use crate::curation::Pin;
use crate::embed::{Embedder, Role, dot};
#[cfg(any(test, feature = "milvus"))]
use crate::index::Store;
use crate::index::{Index, Quantized};

/// A pin that applies to a phrase.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedPin {
    /// The pin.
    pub pin: Pin,
    /// Its phrase that applies, as its file writes it.
    pub phrase: String,
    /// The cosine of both phrases, on the scale of the built-in model. `None` if they are the same.
    pub cosine: Option<f32>,
    /// The ids of the pin that the index does not have.
    pub unknown: Vec<String>,
    /// How many of its questions are found: those that pass the filters. The order of a query that does not sort by
    /// relevance does not depend on pins.
    pub shown: usize,
}

/// A pin that applies to a phrase, and its questions in an index.
pub struct Applied {
    pub pin: AppliedPin,
    /// Those that come first, in order.
    pub first: Vec<DocAddress>,
    /// Those that are not found.
    pub hidden: Vec<DocAddress>,
}

/// The pin that applies to a query: the one with its phrase, or else the one with the nearest phrase by meaning.
///
/// # Errors
/// The index is damaged, or the model fails.
pub fn applied(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
    vector: Option<&Quantized>,
) -> anyhow::Result<Option<Applied>> {
    let Some((pin, phrase, cosine)) = chosen(index, embedder, query, vector)? else {
        return Ok(None);
    };
    let mut unknown = Vec::new();
    let mut find = |ids: &[String]| -> anyhow::Result<Vec<DocAddress>> {
        let mut found = Vec::new();
        for id in ids {
            let here = questions(index, id)?;
            if here.is_empty() {
                unknown.push(id.clone());
            }
            found.extend(here);
        }
        Ok(found)
    };
    let (first, hidden) = (find(&pin.ids)?, find(&pin.hide)?);
    let pin = AppliedPin { pin: pin.clone(), phrase, cosine, unknown, shown: 0 };
    Ok(Some(Applied { pin, first, hidden }))
}

/// The pin that applies to a query, its phrase that does, and the cosine of both phrases unless they are the same.
///
/// # Errors
/// The model fails.
pub fn chosen<'a>(
    index: &'a Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
    vector: Option<&Quantized>,
) -> anyhow::Result<Option<(&'a Pin, String, Option<f32>)>> {
    let pins = &index.curation().pins;
    if !query.pins || pins.entries().is_empty() {
        return Ok(None);
    }
    match (pins.of_phrase(&query.phrase), vector) {
        (Some(pin), _) => Ok(Some((pin, query.phrase.clone(), None))),
        (None, Some(vector)) => {
            let nearest = nearest(index, embedder, vector)?;
            Ok(nearest.map(|(pin, phrase, cosine)| (pin, phrase, Some(cosine))))
        }
        (None, None) => Ok(None),
    }
}

/// The pin whose phrase is nearest to a vector, if it is near enough. The phrases of pins are never sent to an endpoint, so
/// there is none with such a model.
fn nearest<'a>(
    index: &'a Index,
    embedder: Option<&dyn Embedder>,
    vector: &Quantized,
) -> anyhow::Result<Option<(&'a Pin, String, f32)>> {
    let pins = &index.curation().pins;
    let phrases: Vec<(&Pin, &str)> = pins.by_meaning().collect();
    let Some(embedder) = embedder.filter(|embedder| embedder.is_local() && !phrases.is_empty()) else {
        return Ok(None);
    };
    let embed = || {
        let texts: Vec<&str> = phrases.iter().map(|(_, phrase)| *phrase).collect();
        embedder.embed_all(&texts, Role::Query)
    };
    let vectors = index.curation().pin_vectors(&embedder.model().fingerprint, embed)?;
    let own: Vec<f32> = vector.values().collect();
    let scale = index.scale();
    let near = phrases.into_iter().zip(vectors.iter()).filter_map(|((pin, phrase), other)| {
        let cosine = dot(&own, other);
        let least = scale.from_builtin(pin.meaning?);
        (cosine >= least).then(|| (pin, phrase.to_owned(), scale.as_builtin(cosine)))
    });
    Ok(near.max_by(|a, b| a.2.total_cmp(&b.2)))
}

/// The questions with an id or key.
pub fn questions(index: &Index, id: &str) -> anyhow::Result<Vec<DocAddress>> {
    #[cfg(any(test, feature = "milvus"))]
    if let Store::Candidates(candidates) = index.store() {
        return Ok(candidates.named(id));
    }
    let fields = index.fields();
    for field in [fields.id, fields.key] {
        let query = TermQuery::new(Term::from_field_text(field, id), IndexRecordOption::Basic);
        let found: HashSet<DocAddress> = index.searcher()?.search(&query, &DocSetCollector)?;
        if !found.is_empty() {
            let mut found: Vec<DocAddress> = found.into_iter().collect();
            found.sort();
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
