//! Text → vector.

mod builtin;
mod wordpiece;

pub use builtin::{Builtin, Prepare};
pub use wordpiece::WordPiece;

/// Turns a text into a vector of length one; texts that mean alike get vectors that point alike.
pub trait Embedder: Send + Sync {
    /// Which model this is.
    fn model(&self) -> &ModelInfo;

    /// The vector of one text: [`ModelInfo::dimensions`] numbers, Euclidean length 1.
    ///
    /// The same text has the same vector, whatever was embedded before it or is beside it.
    /// A text beyond [`ModelInfo::window`] tokens is cut there. The empty text has a vector too.
    ///
    /// # Errors
    /// The model cannot run.
    fn embed(&self, text: &str) -> anyhow::Result<Vec<f32>>;

    /// How many tokens of the model a text has, without the markers around it.
    fn count_tokens(&self, text: &str) -> usize;
}

/// What an index remembers of the model that made its vectors.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelInfo {
    /// What people call it: `all-MiniLM-L6-v2`.
    pub name: String,
    /// Names these very weights: two models with one fingerprint give the same vectors.
    pub fingerprint: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
    /// How many tokens of a text the model reads.
    pub window: usize,
}

/// The vector at length one; the zero vector stays.
pub fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}
