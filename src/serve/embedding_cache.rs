//! EmbeddingCache that were asked before keep their vectors.
//!
//! Not whole answers: a vector depends on nothing but its text and the model, so a new commit makes none of
//! them wrong, and the same phrase with another filter is known as well. Most of a search's time is the
//! model's.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lru::LruCache;

use super::metrics::Metrics;
use crate::embed::{Embedder, ModelInfo, Role};

/// How many are kept: some 10 MB.
const KEPT: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The vectors of the phrases that were asked last.
pub struct EmbeddingCache {
    known: Mutex<Known>,
}

struct Known {
    /// The fingerprint of the model that they are by.
    model: String,
    vectors: LruCache<(Role, String), Arc<[f32]>>,
}

impl EmbeddingCache {
    pub fn new() -> Self {
        Self { known: Mutex::new(Known { model: String::new(), vectors: LruCache::new(KEPT) }) }
    }

    /// The model with what is known already before it.
    pub fn before<'a>(&'a self, model: &'a dyn Embedder, metrics: &'a Metrics) -> CachedEmbedder<'a> {
        CachedEmbedder { model, phrases: self, metrics }
    }

    fn with<T>(
        &self,
        model: &ModelInfo,
        look: impl FnOnce(&mut LruCache<(Role, String), Arc<[f32]>>) -> T,
    ) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.model != model.fingerprint {
            known.vectors.clear();
            known.model.clone_from(&model.fingerprint);
        }
        look(&mut known.vectors)
    }
}

/// A model that does not embed twice what it was asked last.
pub struct CachedEmbedder<'a> {
    model: &'a dyn Embedder,
    phrases: &'a EmbeddingCache,
    metrics: &'a Metrics,
}

impl Embedder for CachedEmbedder<'_> {
    fn model(&self) -> &ModelInfo {
        self.model.model()
    }

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        let key = (role, text.to_owned());
        if let Some(vector) = self.phrases.with(self.model(), |known| known.get(&key).cloned()) {
            self.metrics.phrase_known();
            return Ok(vector.to_vec());
        }
        let start = Instant::now();
        let vector = self.model.embed(text, role)?;
        self.metrics.phrase_embedded(start.elapsed());
        let kept: Arc<[f32]> = vector.as_slice().into();
        self.phrases.with(self.model(), |known| known.put(key, kept));
        Ok(vector)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.model.count_tokens(text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::embed::Builtin;

    /// Counts what it is asked.
    struct Counting(AtomicUsize, ModelInfo);

    impl Counting {
        fn new(fingerprint: &str) -> Self {
            let info =
                ModelInfo { fingerprint: fingerprint.into(), dimensions: 1, ..Builtin::info().clone() };
            Self(AtomicUsize::new(0), info)
        }
    }

    impl Embedder for Counting {
        fn model(&self) -> &ModelInfo {
            &self.1
        }

        fn embed(&self, _: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            Ok(vec![self.0.fetch_add(1, Ordering::Relaxed) as f32])
        }

        fn count_tokens(&self, _: &str) -> usize {
            1
        }
    }

    #[test]
    fn a_phrase_is_embedded_once_in_each_role_by_each_model() {
        let (phrases, metrics) = (EmbeddingCache::new(), Metrics::new());
        let (one, two) = (Counting::new("one"), Counting::new("two"));
        let ask = |model: &Counting, role| phrases.before(model, &metrics).embed("a", role).unwrap()[0];
        assert_eq!(
            [ask(&one, Role::Query), ask(&one, Role::Query), ask(&one, Role::Passage)],
            [0.0, 0.0, 1.0]
        );
        assert_eq!(
            [ask(&two, Role::Query), ask(&one, Role::Query)],
            [0.0, 2.0],
            "another model knows nothing"
        );
    }
}
