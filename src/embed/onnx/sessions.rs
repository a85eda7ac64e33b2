//! A pool of copies of one model, so that several threads can use it at the same time.

use std::sync::{Condvar, Mutex};

use crate::embed::{Loading, Prepare};

/// A model of at least this many bytes is loaded once and runs on all threads. Copies would be faster, but
/// need too much memory.
const LARGE: u64 = 600 << 20;

/// Copies of one model, loaded on demand.
pub struct Sessions<S> {
    load: Box<dyn Fn(usize) -> anyhow::Result<S> + Send + Sync>,
    /// The maximum number of copies, and the number of threads of each.
    limit: usize,
    threads: usize,
    state: Mutex<State<S>>,
    free: Condvar,
}

struct State<S> {
    idle: Vec<S>,
    loaded: usize,
}

impl<S> Sessions<S> {
    /// Loads the first copy with `load`. `bytes` is the size of the model.
    pub fn new(
        load: impl Fn(usize) -> anyhow::Result<S> + Send + Sync + 'static,
        bytes: u64,
        loading: Loading,
    ) -> anyhow::Result<Self> {
        let all = loading.thread_count();
        // A single phrase is embedded on all threads. If there are many texts, each is embedded on one
        // thread.
        let (limit, threads) = match loading.prepare {
            Prepare::Many if bytes < LARGE => (all, 1),
            Prepare::Once | Prepare::Many => (1, all),
        };
        let first = load(threads)?;
        let state = Mutex::new(State { idle: vec![first], loaded: 1 });
        Ok(Self { load: Box::new(load), limit, threads, state, free: Condvar::new() })
    }

    /// Calls `work` with an idle copy. If there is none, loads another copy, or waits if the limit is
    /// reached.
    ///
    /// # Errors
    /// Those of `work`, and of loading a copy.
    pub fn with<T>(&self, work: impl FnOnce(&mut S) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let mut guard = Guard { session: Some(self.take()?), pool: self };
        work(guard.session.as_mut().expect("the session is only taken out on drop"))
    }

    fn take(&self) -> anyhow::Result<S> {
        let mut state = self.state.lock().expect("nothing panics while it is locked");
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(session);
            }
            if state.loaded < self.limit {
                state.loaded += 1;
                drop(state);
                return (self.load)(self.threads).inspect_err(|_| {
                    self.state.lock().expect("nothing panics while it is locked").loaded -= 1;
                });
            }
            state = self.free.wait(state).expect("nothing panics while it is locked");
        }
    }
}

/// A copy in use. It is returned to the pool on drop, even after a panic. Otherwise waiting threads would
/// wait forever.
struct Guard<'a, S> {
    session: Option<S>,
    pool: &'a Sessions<S>,
}

impl<S> Drop for Guard<'_, S> {
    fn drop(&mut self) {
        self.pool.state.lock().expect("nothing panics while it is locked").idle.extend(self.session.take());
        self.pool.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn loading(prepare: Prepare, threads: usize) -> Loading {
        Loading { threads: Some(threads), ..Loading::new(prepare) }
    }

    #[test]
    fn a_copy_is_loaded_for_each_thread_in_use() {
        let loaded = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&loaded);
        let load = move |_| Ok(count.fetch_add(1, Ordering::SeqCst));
        let sessions = Sessions::new(load, 1, loading(Prepare::Many, 3)).unwrap();
        for _ in 0..10 {
            sessions.with(|_| Ok(())).unwrap();
        }
        assert_eq!(loaded.load(Ordering::SeqCst), 1);
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    sessions.with(|_| {
                        std::thread::sleep(std::time::Duration::from_millis(5));
                        Ok(())
                    })
                });
            }
        });
        assert!((1..=3).contains(&loaded.load(Ordering::SeqCst)));
    }

    #[test]
    fn large_models_and_single_phrases_use_one_copy_on_all_threads() {
        for (prepare, bytes) in [(Prepare::Many, LARGE), (Prepare::Once, 1)] {
            let sessions = Sessions::new(Ok, bytes, loading(prepare, 4)).unwrap();
            assert_eq!((sessions.limit, sessions.with(|threads| Ok(*threads)).unwrap()), (1, 4));
        }
    }
}
