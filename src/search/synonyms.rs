//! Synonyms for the embedding model and for titles.
//!
//! A model reads a name that it does not know as pieces of words. So the vector of a phrase with a synonym is the mean of
//! the phrase as written and of the phrase with its expansions.

use std::collections::HashSet;

use tantivy::DocAddress;

use super::title::{TitleMatch, TitlePhrase};
use crate::curation::{Fired, titles, variants};
use crate::embed::{Embedder, Role, normalized};
use crate::index::Index;
use crate::question::Question;
use crate::title::title_key;

/// The weight of the phrases with expansions in the vector of a phrase; the phrase as written has the rest. The table in
/// docs/curation.md compares it with others.
const EXPANDED: f32 = 0.7;

/// Terms have a length limit, and nobody types a title this long.
pub const LONGEST_KEY: usize = 1_000;

/// The vector of a phrase with its synonyms. An endpoint gets the phrase only.
///
/// # Errors
/// The model fails.
pub fn phrase_vector(embedder: &dyn Embedder, phrase: &str, fired: &[Fired]) -> anyhow::Result<Vec<f32>> {
    let vector = embedder.embed(phrase, Role::Query)?;
    if fired.is_empty() || !embedder.is_local() {
        return Ok(vector);
    }
    let expanded = variants(phrase, fired);
    let expanded = expanded.iter().filter(|text| embedder.can_read(text));
    let expanded: Vec<Vec<f32>> =
        expanded.map(|text| embedder.embed(text, Role::Query)).collect::<anyhow::Result<_>>()?;
    Ok(mean(vector, &expanded, EXPANDED))
}

/// The mean of a vector and of the mean of others. `weight` is that of the others.
fn mean(own: Vec<f32>, others: &[Vec<f32>], weight: f32) -> Vec<f32> {
    if others.is_empty() {
        return own;
    }
    let mut sum: Vec<f32> = own.into_iter().map(|x| (1.0 - weight) * x).collect();
    for other in others {
        sum.iter_mut().zip(other).for_each(|(sum, x)| *sum += weight * x / others.len() as f32);
    }
    normalized(sum)
}

/// The phrases with synonyms that are compared with titles.
#[derive(Default)]
pub struct SynonymTitles(Vec<String>);

impl SynonymTitles {
    pub fn new(phrase: &str, fired: &[Fired]) -> Self {
        Self(if fired.is_empty() { Vec::new() } else { titles(phrase, fired) })
    }

    /// The questions with a title that equals one of them.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn find(&self, index: &Index) -> anyhow::Result<HashSet<DocAddress>> {
        let mut found = HashSet::new();
        let keys = self.0.iter().filter_map(|title| title_key(title));
        for key in keys.filter(|key| key.len() <= LONGEST_KEY) {
            found.extend(index.same_title(&key)?);
        }
        Ok(found)
    }

    /// How a question's titles compare with them: at most nearly.
    pub fn compare(&self, question: &Question) -> TitleMatch {
        // An expansion has no typos.
        let compared = self.0.iter().map(|title| TitlePhrase::new(title).compare(question, |_| true));
        compared.max().unwrap_or_default().min(TitleMatch::Near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_has_the_length_of_a_vector() {
        let found = mean(vec![1.0, 0.0], &[vec![0.0, 1.0], vec![0.0, 1.0]], 0.5);
        assert!((found[0] - found[1]).abs() < 1e-6 && (found[0] - 0.5_f32.sqrt()).abs() < 1e-6);
        assert_eq!(mean(vec![1.0, 0.0], &[], 0.5), [1.0, 0.0]);
    }
}
