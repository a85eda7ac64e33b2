//! A value that is computed once for a key, until another key is asked for.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The value of the last key. Threads that ask for it while it is computed wait.
pub struct Latest<K, V>(Mutex<Option<(K, Arc<V>)>>);

impl<K: PartialEq, V> Latest<K, V> {
    /// The value of a key. `make` computes it, unless it is the last one.
    pub fn get<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = last.as_ref()
            && *known == key
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(make()?);
        *last = Some((key, Arc::clone(&value)));
        Ok(value)
    }
}

impl<K, V> Default for Latest<K, V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K, V> fmt::Debug for Latest<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_computed_again_for_another_key_only() {
        let latest = Latest::default();
        let get = |key: u32, made: u32| *latest.get(key, || Ok::<_, ()>(made)).unwrap();
        assert_eq!([get(1, 10), get(1, 11), get(2, 20), get(1, 12)], [10, 10, 20, 12]);
        assert!(latest.get(3, || Err(())).is_err());
        assert_eq!(get(1, 13), 12, "a failure keeps the last value");
    }
}
