//! Embedding models (text → vector) and rerankers (phrase and passage → relevance).
//!
//! [`Builtin`], the built-in model, is the default. Other models are ONNX models, from the [`catalogue`] or
//! in a directory (feature `fastembed`), or models behind an HTTP endpoint (feature `remote`).
//!
//! A [`ModelSpec`] is a model as a user names it, and [`load`] loads it. [`open`] loads the model of an
//! index. If that model is behind an endpoint, it needs the user's [approval](approvals).

#[cfg(any(feature = "fastembed", feature = "remote"))]
pub mod address;
#[cfg(any(feature = "mcp", feature = "serve"))]
pub mod ahead;
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
mod outage;
#[cfg(feature = "remote")]
mod remote;
mod spec;
mod wordpiece;

use std::time::Instant;

use simsimd::SpatialSimilarity;

pub use builtin::{Builtin, Prepare};
pub use info::{ModelInfo, NotApproved, Origin, Pooling, Unavailable, WrongModel};
pub use spec::{Loading, ModelSpec, Patience, Settings, is_offline, load, load_reranker, open};
pub use wordpiece::WordPiece;

/// The role of a text. Some models need a different prefix for each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A phrase to search for.
    Query,
    /// A text to search in, or to compare with such texts.
    Passage,
}

/// An embedding model. It converts a text to a vector of length 1. Texts of similar meaning have vectors of
/// similar direction.
pub trait Embedder: Send + Sync {
    /// The metadata of the model.
    fn model(&self) -> &ModelInfo;

    /// The vector of a text: [`ModelInfo::dimensions`] elements, Euclidean length 1.
    ///
    /// The same text always has the same vector, regardless of other texts embedded before it or with it. A
    /// text is truncated after [`ModelInfo::window`] tokens. The empty text has a vector too.
    ///
    /// # Errors
    /// The model cannot run.
    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>>;

    /// Like [`embed`](Self::embed), but a model behind an endpoint gives up at `deadline`. A model on this
    /// machine ignores the deadline.
    ///
    /// # Errors
    /// The model cannot run. [`Unavailable`] if its endpoint does not answer.
    fn embed_by(&self, text: &str, role: Role, _deadline: Instant) -> anyhow::Result<Vec<f32>> {
        self.embed(text, role)
    }

    /// The vectors of several texts, in the same order. Each is the vector that [`embed`](Self::embed)
    /// returns.
    ///
    /// # Errors
    /// The model cannot run.
    fn embed_all(&self, texts: &[&str], role: Role) -> anyhow::Result<Vec<Vec<f32>>> {
        texts.iter().map(|text| self.embed(text, role)).collect()
    }

    /// The number of texts to pass to [`embed_all`](Self::embed_all) at once; 1 if more is not faster.
    fn batch(&self) -> usize {
        1
    }

    /// Whether texts are embedded on this machine. A search then also embeds a phrase with its typos corrected. It never
    /// sends another text than the phrase to an endpoint.
    fn is_local(&self) -> bool {
        true
    }

    /// Whether the model can read a text: at least half of its tokens are known, and are more than single
    /// letters of a script that the model knows only letter by letter. The vector of any other text says
    /// little about it. Models whose tokenizer is not available are assumed to read everything.
    fn can_read(&self, text: &str) -> bool {
        let _ = text;
        true
    }

    /// The number of tokens of a text, without the start and end markers. It is an estimate if the tokenizer
    /// of the model is not available.
    fn count_tokens(&self, text: &str) -> usize;
}

/// What a model with a cache or with known vectors leaves to the model that it wraps, its field `model`.
macro_rules! delegate_to_model {
    () => {
        fn model(&self) -> &ModelInfo {
            self.model.model()
        }

        fn is_local(&self) -> bool {
            self.model.is_local()
        }

        fn can_read(&self, text: &str) -> bool {
            self.model.can_read(text)
        }

        fn count_tokens(&self, text: &str) -> usize {
            self.model.count_tokens(text)
        }
    };
}

pub(crate) use delegate_to_model;

/// A reranker. It reads a phrase and a passage together, and estimates how well the passage answers the
/// phrase.
pub trait Reranker: Send + Sync {
    /// The name of the model.
    fn name(&self) -> &str;

    /// The relevance of a passage to a phrase as log-odds: 0 is 50 %, 3 is 95 %.
    ///
    /// # Errors
    /// The model cannot run.
    fn score(&self, phrase: &str, passage: &str) -> anyhow::Result<f32>;
}

/// Scales a vector to length 1. The zero vector is returned unchanged.
pub fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}

/// The dot product of two vectors of one model: their cosine if both have length 1.
pub(crate) fn dot(one: &[f32], two: &[f32]) -> f32 {
    <f32 as SpatialSimilarity>::dot(one, two).expect("vectors of one model have one length") as f32
}

/// Truncates a vector and scales it to length 1 again. Only models that were trained for this keep their
/// quality (Kusupati et al., "Matryoshka Representation Learning", 2022).
#[cfg(any(feature = "fastembed", feature = "remote"))]
fn truncated(mut vector: Vec<f32>, dimensions: usize) -> Vec<f32> {
    vector.truncate(dimensions);
    normalized(vector)
}
