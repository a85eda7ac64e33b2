//! The vectors of texts: taken from the index or from earlier in this build, else computed by the model.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::{Context, ensure};

use super::before::Before;
use super::summary::Progress;
use crate::embed::{Embedder, Role};
use crate::index::quantized::Quantized;

/// The number of texts whose vectors are cached during a build, so that a text that occurs twice is embedded
/// once. The cache takes about 25 MB.
const CACHED: usize = 64 << 10;

/// A vector that a thread is computing; `None` if that failed.
type Cell = Arc<OnceLock<Option<Quantized>>>;

/// Provides the vectors of texts.
pub struct Embedding<'a> {
    /// The model.
    pub embedder: &'a dyn Embedder,
    before: &'a Before,
    progress: &'a Progress,
    /// Vectors computed in this build, by the hash of their text.
    fresh: Mutex<HashMap<u64, Cell>>,
}

impl<'a> Embedding<'a> {
    /// Uses the vectors in the index before the build, and the model for all other texts.
    pub fn new(embedder: &'a dyn Embedder, before: &'a Before, progress: &'a Progress) -> Self {
        Self { embedder, before, progress, fresh: Mutex::default() }
    }

    /// The vectors of texts given with their hashes. Vectors that do not exist yet are computed in one batch.
    ///
    /// # Errors
    /// The model fails, in this call or in another thread that computes the vector of one of these texts.
    pub fn vectors(&self, texts: &[(u64, &str)]) -> anyhow::Result<Vec<Quantized>> {
        let mut pending = Pending::default();
        let cells: Vec<Result<Quantized, Cell>> = {
            let mut fresh = self.fresh.lock().expect("no thread panicked");
            if fresh.len() >= CACHED {
                fresh.clear();
            }
            let mut cell = |(hash, text): &(u64, &'_ str)| match self.before.vector(*hash) {
                Some(vector) => Ok(vector),
                None => Err(match fresh.entry(*hash) {
                    Entry::Occupied(entry) => Arc::clone(entry.get()),
                    Entry::Vacant(entry) => {
                        let cell = Arc::clone(entry.insert(Cell::default()));
                        pending.cells.push(Arc::clone(&cell));
                        pending.texts.push((*text).to_owned());
                        cell
                    }
                }),
            };
            texts.iter().map(&mut cell).collect()
        };
        self.compute(&pending)?;
        // Threads wait for the vectors of others only after they have computed their own, so there is no
        // deadlock.
        let wait = |cell: Result<Quantized, Cell>| match cell {
            Ok(vector) => Ok(vector),
            Err(cell) => cell.wait().clone().context("the model failed"),
        };
        cells.into_iter().map(wait).collect()
    }

    fn compute(&self, pending: &Pending) -> anyhow::Result<()> {
        if pending.texts.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = pending.texts.iter().map(String::as_str).collect();
        let tokens: usize = texts.iter().map(|text| self.embedder.count_tokens(text)).sum();
        self.progress.embedded.fetch_add(texts.len() as u64, Ordering::Relaxed);
        self.progress.tokens.fetch_add(tokens as u64, Ordering::Relaxed);
        let vectors = self.embedder.embed_all(&texts, Role::Passage)?;
        ensure!(
            vectors.len() == texts.len(),
            "the model returned {} vectors for {} texts",
            vectors.len(),
            texts.len()
        );
        for (cell, vector) in pending.cells.iter().zip(vectors) {
            // No other thread sets this cell.
            cell.set(Some(Quantized::of(&vector, self.embedder.model())?)).ok();
        }
        Ok(())
    }
}

/// The texts whose vectors this thread computes.
#[derive(Default)]
struct Pending {
    cells: Vec<Cell>,
    texts: Vec<String>,
}

impl Drop for Pending {
    /// Marks the vectors that were not computed as failed, so that no thread waits for them.
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

    /// Embeds a text as (its length, 1) and counts the calls.
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

    #[test]
    fn vectors_of_the_wrong_size_and_without_a_value_are_refused() {
        let (before, progress) = (before(), Progress::default());
        let mut model = Counting::new(None);
        model.info.dimensions = 3;
        let error = Embedding::new(&model, &before, &progress).vectors(&[(1, "a")]).unwrap_err();
        assert!(error.to_string().contains("2 dimensions instead of 3"), "{error}");
        let error = Quantized::of(&[0.5, f32::NAN, 0.5], &model.info).unwrap_err();
        assert!(error.to_string().contains("not a finite number"), "{error}");
    }

    fn before() -> Before {
        Before { index: None, rows: HashMap::new() }
    }

    #[test]
    fn a_text_is_embedded_once_for_all_threads() {
        let (model, before, progress) = (Counting::new(None), before(), Progress::default());
        let embedding = Embedding::new(&model, &before, &progress);
        let texts: Vec<(u64, String)> = (0..40).map(|nth| (nth, "x".repeat(nth as usize + 1))).collect();
        std::thread::scope(|scope| {
            for from in 0..8 {
                let (embedding, texts) = (&embedding, &texts);
                scope.spawn(move || {
                    let requested: Vec<(u64, &str)> = texts
                        .iter()
                        .cycle()
                        .skip(from * 7)
                        .take(40)
                        .map(|(hash, text)| (*hash, text.as_str()))
                        .collect();
                    let vectors = embedding.vectors(&requested).unwrap();
                    for ((_, text), vector) in requested.iter().zip(vectors) {
                        assert_eq!(vector, Quantized::from([text.len() as f32, 1.0].as_slice()));
                    }
                });
            }
        });
        assert_eq!(model.texts.load(Ordering::Relaxed), 40);
        assert_eq!(progress.embedded.load(Ordering::Relaxed), 40);
    }

    #[test]
    fn waiting_for_a_text_that_failed_is_an_error() {
        let (model, before, progress) = (Counting::new(Some("bad")), before(), Progress::default());
        let embedding = Embedding::new(&model, &before, &progress);
        assert!(embedding.vectors(&[(1, "good"), (2, "bad")]).is_err());
        assert!(embedding.vectors(&[(2, "bad")]).is_err());
        assert!(embedding.vectors(&[(3, "other")]).is_ok());
    }
}
