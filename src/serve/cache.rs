//! A cache of results that depend on one commit of the index. A new commit invalidates it.
//!
//! The cache does not keep the index or its model open: it refers to them weakly.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lru::LruCache;

use crate::decisions::Decisions;
use crate::duplicates::Duplicates;
use crate::engine::Opened;

/// How many results of one commit are cached.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Results of one commit, by request.
pub struct CommitCache<K, V> {
    entries: Mutex<Option<Entries<K, V>>>,
}

/// Duplicates by the options of the search: the part of the path, whether only pairs across files are wanted,
/// the bits of the threshold, and the decisions.
pub type DuplicatesCache = CommitCache<(Option<String>, bool, u32, Decisions), Duplicates>;

struct Entries<K, V> {
    /// While this exists, no other index can have the same address in memory.
    commit: Weak<Opened>,
    results: LruCache<K, Arc<V>>,
}

impl<K: std::hash::Hash + Eq, V> CommitCache<K, V> {
    pub fn new() -> Self {
        Self { entries: Mutex::new(None) }
    }

    /// The result for a commit, from the cache or from `compute`. Two concurrent calls both compute it, so
    /// the caller must run them one after the other to avoid that.
    ///
    /// # Errors
    /// Those of `compute`.
    pub fn get(
        &self,
        commit: &Arc<Opened>,
        key: K,
        compute: impl FnOnce(&Opened) -> anyhow::Result<V>,
    ) -> anyhow::Result<Arc<V>> {
        let cached = self.with(commit, |results| results.get(&key).cloned());
        if let Some(cached) = cached {
            return Ok(cached);
        }
        let computed = Arc::new(compute(commit)?);
        self.with(commit, |results| results.put(key, Arc::clone(&computed)));
        Ok(computed)
    }

    /// Drops all results.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Calls a function with the cached results of a commit. The results of any other commit are dropped.
    fn with<T>(&self, commit: &Arc<Opened>, work: impl FnOnce(&mut LruCache<K, Arc<V>>) -> T) -> T {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let current = entries.take().filter(|entries| entries.commit.as_ptr() == Arc::as_ptr(commit));
        let new = || Entries { commit: Arc::downgrade(commit), results: LruCache::new(CAPACITY) };
        work(&mut entries.insert(current.unwrap_or_else(new)).results)
    }
}
