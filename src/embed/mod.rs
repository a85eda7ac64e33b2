//! Text → vector.

mod builtin;
mod wordpiece;

pub use builtin::{Builtin, Prepare};
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

    /// How many tokens of the model a text has, without the markers around it.
    fn count_tokens(&self, text: &str) -> usize;
}

/// What an index remembers of the model that made its vectors.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelInfo {
    /// What people call it: `all-MiniLM-L6-v2`.
    pub name: String,
    /// Names these very weights and how they are used (prefixes, pooling, dimensions): two models with
    /// one fingerprint give the same vectors.
    pub fingerprint: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
    /// How many tokens of a text the model reads.
    pub window: usize,
}

/// Loads the model that made an index's vectors, whichever it is.
///
/// # Errors
/// It is not on this machine, or is another one by now; the message says what to do.
pub fn open(model: &ModelInfo, prepare: Prepare) -> anyhow::Result<Box<dyn Embedder>> {
    if model.fingerprint == Builtin::info().fingerprint {
        return Ok(Box::new(Builtin::load(prepare)?));
    }
    anyhow::bail!(
        "the index was made with {} ({}), which this program does not have\n  hint: index again",
        model.name,
        model.fingerprint
    )
}

/// The vector at length one; the zero vector stays.
pub fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}
