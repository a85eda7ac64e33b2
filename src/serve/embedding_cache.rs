//! A cache of the vectors of recent phrases.
//!
//! Embedding takes most of the time of a search. Vectors are cached rather than replies, because a vector
//! depends only on its text and the model. It stays valid after a new commit and with other filters.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lru::LruCache;

use super::metrics::Metrics;
use crate::embed::{Embedder, ModelInfo, Role, delegate_to_model};

/// How many vectors are cached. They take about 10 MB.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The vectors of the most recent phrases.
pub struct EmbeddingCache {
    entries: Mutex<Entries>,
}

struct Entries {
    /// The fingerprint of the model that computed the vectors.
    model: String,
    vectors: LruCache<(Role, String), Arc<[f32]>>,
}

impl EmbeddingCache {
    pub fn new() -> Self {
        Self { entries: Mutex::new(Entries { model: String::new(), vectors: LruCache::new(CAPACITY) }) }
    }

    /// Wraps a model so that it uses this cache.
    pub fn wrap<'a>(&'a self, model: &'a dyn Embedder, metrics: &'a Metrics) -> CachedEmbedder<'a> {
        CachedEmbedder { model, cache: self, metrics }
    }

    /// The cached vector of a text.
    pub fn get(&self, model: &ModelInfo, text: &str, role: Role) -> Option<Vec<f32>> {
        let key = (role, text.to_owned());
        self.with(model, |vectors| vectors.get(&key).map(|vector| vector.to_vec()))
    }

    /// Caches the vector of a text.
    pub fn put(&self, model: &ModelInfo, text: &str, role: Role, vector: &[f32]) {
        self.with(model, |vectors| vectors.put((role, text.to_owned()), vector.into()));
    }

    /// Calls a function with the cached vectors of a model. The vectors of any other model are dropped.
    fn with<T>(
        &self,
        model: &ModelInfo,
        work: impl FnOnce(&mut LruCache<(Role, String), Arc<[f32]>>) -> T,
    ) -> T {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.model != model.fingerprint {
            entries.vectors.clear();
            entries.model.clone_from(&model.fingerprint);
        }
        work(&mut entries.vectors)
    }
}

/// A model with a cache of its vectors.
pub struct CachedEmbedder<'a> {
    model: &'a dyn Embedder,
    cache: &'a EmbeddingCache,
    metrics: &'a Metrics,
}

impl Embedder for CachedEmbedder<'_> {
    delegate_to_model!();

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        if let Some(vector) = self.cache.get(self.model(), text, role) {
            self.metrics.phrase_cached();
            return Ok(vector);
        }
        let start = Instant::now();
        let vector = self.model.embed(text, role)?;
        self.metrics.phrase_embedded(start.elapsed());
        self.cache.put(self.model(), text, role, &vector);
        Ok(vector)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::embed::Builtin;

    /// A model whose vectors hold the number of earlier calls.
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
    fn a_phrase_is_embedded_once_per_role_and_model() {
        let (cache, metrics) = (EmbeddingCache::new(), Metrics::new());
        let (one, two) = (Counting::new("one"), Counting::new("two"));
        let embed = |model: &Counting, role| cache.wrap(model, &metrics).embed("a", role).unwrap()[0];
        assert_eq!(
            [embed(&one, Role::Query), embed(&one, Role::Query), embed(&one, Role::Passage)],
            [0.0, 0.0, 1.0]
        );
        assert_eq!(
            [embed(&two, Role::Query), embed(&one, Role::Query)],
            [0.0, 2.0],
            "another model clears the cache"
        );
    }
}
