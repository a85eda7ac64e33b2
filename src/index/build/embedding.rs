//! Texts → vectors: from the index, from this build, or from the model, once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::{Context, ensure};

use super::{Before, Progress};
use crate::embed::{Embedder, Role};
use crate::index::vectors::Quantized;

/// How many different texts' vectors are kept at hand, so that a text that stands twice is
/// embedded once: about 25 MB.
const REMEMBERED: usize = 64 << 10;

/// A vector that somebody is making; `None` once that has failed.
type Cell = Arc<OnceLock<Option<Quantized>>>;

/// Gives texts their vectors.
pub struct Embedding<'a> {
    /// The model.
    pub embedder: &'a dyn Embedder,
    before: &'a Before,
    progress: &'a Progress,
    /// Vectors made in this build, by the hash of their text.
    fresh: Mutex<HashMap<u64, Cell>>,
}

impl<'a> Embedding<'a> {
    /// With vectors that are in the index already, and a model for all others.
    pub fn new(embedder: &'a dyn Embedder, before: &'a Before, progress: &'a Progress) -> Self {
        Self { embedder, before, progress, fresh: Mutex::default() }
    }

    /// The vectors of some texts, each with its hash; those that nobody has yet are made together.
    ///
    /// # Errors
    /// The model fails, here or for one of these texts elsewhere.
    pub fn vectors(&self, texts: &[(u64, &str)]) -> anyhow::Result<Vec<Quantized>> {
        let mut own = Own::default();
        let cells: Vec<Result<Quantized, Cell>> = {
            let mut fresh = self.fresh.lock().expect("no thread panicked");
            if fresh.len() >= REMEMBERED {
                fresh.clear();
            }
            let mut cell = |(hash, text): &(u64, &'_ str)| match self.before.vector(*hash) {
                Some(vector) => Ok(vector),
                None => Err(match fresh.entry(*hash) {
                    Entry::Occupied(entry) => Arc::clone(entry.get()),
                    Entry::Vacant(entry) => {
                        let cell = Arc::clone(entry.insert(Cell::default()));
                        own.cells.push(Arc::clone(&cell));
                        own.texts.push((*text).to_owned());
                        cell
                    }
                }),
            };
            texts.iter().map(&mut cell).collect()
        };
        self.make(&own)?;
        // Ours are made: whoever else waits for one of them gets it, so that nobody waits in a circle.
        let made = |cell: Result<Quantized, Cell>| match cell {
            Ok(vector) => Ok(vector),
            Err(cell) => cell.wait().clone().context("the model failed"),
        };
        cells.into_iter().map(made).collect()
    }

    fn make(&self, own: &Own) -> anyhow::Result<()> {
        if own.texts.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = own.texts.iter().map(String::as_str).collect();
        let tokens: usize = texts.iter().map(|text| self.embedder.count_tokens(text)).sum();
        self.progress.embedded.fetch_add(texts.len() as u64, Ordering::Relaxed);
        self.progress.tokens.fetch_add(tokens as u64, Ordering::Relaxed);
        let vectors = self.embedder.embed_all(&texts, Role::Passage)?;
        ensure!(
            vectors.len() == texts.len(),
            "the model gave {} vectors for {} texts",
            vectors.len(),
            texts.len()
        );
        for (cell, vector) in own.cells.iter().zip(vectors) {
            // Nobody else sets it.
            cell.set(Some(Quantized::from(vector.as_slice()))).ok();
        }
        Ok(())
    }
}

/// Texts that this thread makes the vectors of.
#[derive(Default)]
struct Own {
    cells: Vec<Cell>,
    texts: Vec<String>,
}

impl Drop for Own {
    /// Whatever happened, nobody waits for what will not come.
    fn drop(&mut self) {
        for cell in &self.cells {
            cell.set(None).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::embed::{ModelInfo, Origin};

    /// Gives every text the vector (length, 1), and counts how often it is asked.
    struct Counting {
        info: ModelInfo,
        texts: AtomicUsize,
        fails_at: Option<&'static str>,
    }

    impl Counting {
        fn new(fails_at: Option<&'static str>) -> Self {
            let info = ModelInfo {
                name: "counting".into(),
                fingerprint: "c".into(),
                dimensions: 2,
                window: 10,
                origin: Origin::Builtin,
                query_prefix: String::new(),
                passage_prefix: String::new(),
                pooling: None,
            };
            Self { info, texts: AtomicUsize::new(0), fails_at }
        }
    }

    impl Embedder for Counting {
        fn model(&self) -> &ModelInfo {
            &self.info
        }

        fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            self.texts.fetch_add(1, Ordering::Relaxed);
            ensure!(self.fails_at != Some(text), "it fails");
            Ok(vec![text.len() as f32, 1.0])
        }

        fn count_tokens(&self, text: &str) -> usize {
            text.len()
        }
    }

    fn before() -> Before {
        Before { index: None, rows: HashMap::new() }
    }

    #[test]
    fn a_text_is_embedded_once_however_many_ask_for_it() {
        let (model, before, progress) = (Counting::new(None), before(), Progress::default());
        let embedding = Embedding::new(&model, &before, &progress);
        let texts: Vec<(u64, String)> = (0..40).map(|nth| (nth, "x".repeat(nth as usize + 1))).collect();
        std::thread::scope(|scope| {
            for from in 0..8 {
                let (embedding, texts) = (&embedding, &texts);
                scope.spawn(move || {
                    let asked: Vec<(u64, &str)> = texts
                        .iter()
                        .cycle()
                        .skip(from * 7)
                        .take(40)
                        .map(|(hash, text)| (*hash, text.as_str()))
                        .collect();
                    let vectors = embedding.vectors(&asked).unwrap();
                    for ((_, text), vector) in asked.iter().zip(vectors) {
                        assert_eq!(vector, Quantized::from([text.len() as f32, 1.0].as_slice()));
                    }
                });
            }
        });
        assert_eq!(model.texts.load(Ordering::Relaxed), 40);
        assert_eq!(progress.embedded.load(Ordering::Relaxed), 40);
    }

    #[test]
    fn who_waits_for_a_text_that_fails_fails_too() {
        let (model, before, progress) = (Counting::new(Some("bad")), before(), Progress::default());
        let embedding = Embedding::new(&model, &before, &progress);
        assert!(embedding.vectors(&[(1, "good"), (2, "bad")]).is_err());
        assert!(embedding.vectors(&[(2, "bad")]).is_err());
        assert!(embedding.vectors(&[(3, "other")]).is_ok());
    }
}
