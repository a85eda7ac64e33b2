//! Models: text → vector, and phrase with passage → relevance.
//!
//! [`Builtin`] is in the program and is what everything uses unless somebody chooses otherwise. Other
//! models are ONNX files, of the [`catalogue`] or in a folder (feature `fastembed`), or stand behind an
//! HTTP endpoint (feature `remote`). [`ModelSpec`] is what a person names; [`load`] loads it; [`open`] loads
//! what an index names.

mod builtin;
#[cfg(feature = "fastembed")]
pub mod catalogue;
#[cfg(feature = "fastembed")]
pub mod hub;
mod info;
#[cfg(feature = "fastembed")]
pub mod onnx;
#[cfg(feature = "remote")]
mod remote;
mod spec;
mod wordpiece;

pub use builtin::{Builtin, Prepare};
pub use info::{ModelInfo, Origin, Pooling, WrongModel};
pub use spec::{Loading, ModelSpec, Settings, load, load_reranker, open};
pub use wordpiece::WordPiece;

/// What a text is: a model that tells phrases from what is searched has other words before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// What somebody looks for.
    Query,
    /// What is found, or compared with what is found.
    Passage,
}

/// Turns a text into a vector of length one; texts that mean alike get vectors that point alike.
pub trait Embedder: Send + Sync {
    /// Which model this is.
    fn model(&self) -> &ModelInfo;

    /// The vector of one text: [`ModelInfo::dimensions`] numbers, Euclidean length 1.
    ///
    /// The same text in the same role has the same vector, whatever was embedded before it or is
    /// beside it. A text beyond [`ModelInfo::window`] tokens is cut there. The empty text has a
    /// vector too.
    ///
    /// # Errors
    /// The model cannot run.
    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>>;

    /// The vectors of several texts, in their order: each is what [`embed`](Self::embed) gives.
    ///
    /// # Errors
    /// The model cannot run.
    fn embed_all(&self, texts: &[&str], role: Role) -> anyhow::Result<Vec<Vec<f32>>> {
        texts.iter().map(|text| self.embed(text, role)).collect()
    }

    /// How many texts at once suit [`embed_all`](Self::embed_all): 1 where nothing is gained by more.
    fn batch(&self) -> usize {
        1
    }

    /// How many tokens of the model a text has, without the markers around it. An estimate where the
    /// model's own tokenizer is out of reach.
    fn count_tokens(&self, text: &str) -> usize;
}

/// Reads a phrase and a passage together, and says how well the one answers the other.
pub trait Reranker: Send + Sync {
    /// What people call it.
    fn name(&self) -> &str;

    /// The relevance of a passage to a phrase as log-odds: 0 is even, 3 is 95 %.
    ///
    /// # Errors
    /// The model cannot run.
    fn score(&self, phrase: &str, passage: &str) -> anyhow::Result<f32>;
}

/// The vector at length one; the zero vector stays.
pub fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}

/// The first numbers of a vector, at length one again: what a model that was trained for it (Kusupati et
/// al., "Matryoshka Representation Learning", 2022) says in fewer dimensions.
#[cfg(any(feature = "fastembed", feature = "remote"))]
fn truncated(mut vector: Vec<f32>, dimensions: usize) -> Vec<f32> {
    vector.truncate(dimensions);
    normalized(vector)
}
