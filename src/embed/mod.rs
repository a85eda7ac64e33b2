//! Models: text → vector, and phrase with passage → relevance.
//!
//! [`Builtin`] is inside the program and is used unless somebody chooses another model. Others are ONNX
//! models, of the [`catalogue`] or in a directory (feature `fastembed`), or are behind an HTTP endpoint
//! (feature
//! `remote`). [`ModelSpec`] is what a user names, and [`load`] loads it. [`open`] loads the model that an index
//! names; an endpoint needs the user's [approval](approvals) for that.

#[cfg(any(feature = "fastembed", feature = "remote"))]
pub mod address;
#[cfg(feature = "remote")]
pub mod approvals;
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
pub use info::{ModelInfo, NotApproved, Origin, Pooling, WrongModel};
pub use spec::{Loading, ModelSpec, Patience, Settings, is_offline, load, load_reranker, open};
pub use wordpiece::WordPiece;

/// What a text is for. Some models want another prefix for each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A phrase that is searched for.
    Query,
    /// A text that is searched, or compared with such texts.
    Passage,
}

/// Turns a text into a vector of length 1. Texts of similar meaning have vectors of similar direction.
pub trait Embedder: Send + Sync {
    /// Which model this is.
    fn model(&self) -> &ModelInfo;

    /// The vector of one text: [`ModelInfo::dimensions`] numbers, Euclidean length 1.
    ///
    /// A text has the same vector each time, whatever else is embedded before it or with it. A text is cut
    /// off after [`ModelInfo::window`] tokens. The empty text has a vector too.
    ///
    /// # Errors
    /// The model cannot run.
    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>>;

    /// The vectors of several texts, in their order: each is the one that [`embed`](Self::embed) returns.
    ///
    /// # Errors
    /// The model cannot run.
    fn embed_all(&self, texts: &[&str], role: Role) -> anyhow::Result<Vec<Vec<f32>>> {
        texts.iter().map(|text| self.embed(text, role)).collect()
    }

    /// How many texts to give to [`embed_all`](Self::embed_all) at once: 1 if more is not faster.
    fn batch(&self) -> usize {
        1
    }

    /// How many of the model's tokens a text has, without start and end markers. An estimate if the model's
    /// tokenizer is out of reach.
    fn count_tokens(&self, text: &str) -> usize;
}

/// Reads a phrase and a passage together, and estimates how well the passage answers the phrase.
pub trait Reranker: Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// The relevance of a passage to a phrase as log-odds: 0 is 50 %, 3 is 95 %.
    ///
    /// # Errors
    /// The model cannot run.
    fn score(&self, phrase: &str, passage: &str) -> anyhow::Result<f32>;
}

/// The vector scaled to length 1; the zero vector stays as it is.
pub fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}

/// The first numbers of a vector, scaled to length 1 again. Only models that were trained for it keep their
/// quality (Kusupati et al., "Matryoshka Representation Learning", 2022).
#[cfg(any(feature = "fastembed", feature = "remote"))]
fn truncated(mut vector: Vec<f32>, dimensions: usize) -> Vec<f32> {
    vector.truncate(dimensions);
    normalized(vector)
}
