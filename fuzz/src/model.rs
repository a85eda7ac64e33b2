//! Models for the targets that do not test the model itself.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rqsearch::embed::{Builtin, Embedder, ModelInfo, Prepare, Role, normalized};

/// The built-in model, which embeds each text once. The targets use few texts.
#[derive(Clone, Copy)]
pub struct Remembering;

static MODEL: LazyLock<Builtin> =
    LazyLock::new(|| Builtin::load(Prepare::Many).expect("the built-in model loads"));

/// The vectors of the texts.
type Vectors = HashMap<String, Arc<Vec<f32>>>;

static VECTORS: LazyLock<Mutex<Vectors>> = LazyLock::new(Mutex::default);

impl Embedder for Remembering {
    fn model(&self) -> &ModelInfo {
        Builtin::info()
    }

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        let known = || VECTORS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vector) = known().get(text) {
            return Ok(vector.to_vec());
        }
        let vector = MODEL.embed(text, role)?;
        known().insert(text.to_owned(), Arc::new(vector.clone()));
        Ok(vector)
    }

    fn can_read(&self, text: &str) -> bool {
        MODEL.can_read(text)
    }

    fn count_tokens(&self, text: &str) -> usize {
        MODEL.count_tokens(text)
    }
}

/// A model that takes no time: the vector of a text depends on its words only.
pub struct Words;

impl Embedder for Words {
    fn model(&self) -> &ModelInfo {
        Builtin::info()
    }

    fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
        let mut vector = vec![0.01; self.model().dimensions];
        for word in text.split_whitespace() {
            let hash =
                word.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
            let at = hash % vector.len();
            vector[at] += 1.0;
        }
        Ok(normalized(vector))
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}
