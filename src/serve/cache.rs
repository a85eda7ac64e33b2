//! What takes long to work out of a commit is kept until there is another.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use crate::engine::Opened;

/// How many answers of one commit are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Answers of one commit, by what was asked.
pub struct CommitCache<K, V> {
    held: Mutex<Option<Held<K, V>>>,
}

struct Held<K, V> {
    commit: Arc<Opened>,
    answers: LruCache<K, Arc<V>>,
}

impl<K: std::hash::Hash + Eq, V> CommitCache<K, V> {
    pub fn new() -> Self {
        Self { held: Mutex::new(None) }
    }

    /// The answer for a commit, made where it is not known. Two who ask at once both make it: see to it
    /// that they come one after the other.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get(
        &self,
        commit: &Arc<Opened>,
        key: K,
        make: impl FnOnce(&Opened) -> anyhow::Result<V>,
    ) -> anyhow::Result<Arc<V>> {
        let known = self.of(commit, |answers| answers.get(&key).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(make(commit)?);
        self.of(commit, |answers| answers.put(key, Arc::clone(&made)));
        Ok(made)
    }

    fn of<T>(&self, commit: &Arc<Opened>, look: impl FnOnce(&mut LruCache<K, Arc<V>>) -> T) -> T {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let current = held.take().filter(|held| Arc::ptr_eq(&held.commit, commit));
        let new = || Held { commit: Arc::clone(commit), answers: LruCache::new(KEPT) };
        look(&mut held.insert(current.unwrap_or_else(new)).answers)
    }
}
