//! A pool of copies of one model, so that several threads can use it at the same time.

use std::sync::{Condvar, Mutex};

use crate::embed::{Loading, Prepare};

/// How much memory all copies of a model may take together, in bytes. A model that is larger is loaded once.
const BUDGET: u64 = 1 << 30;

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
        let (limit, threads) = copies(bytes, loading.prepare, all);
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

/// The maximum number of copies, and the number of threads of each, for a model of this size on `all` threads.
///
/// A single phrase is embedded on all threads. If there are many texts, one copy per thread is fastest, as far
/// as the memory allows.
fn copies(bytes: u64, prepare: Prepare, all: usize) -> (usize, usize) {
    let limit = match prepare {
        Prepare::Once => 1,
        Prepare::Many => usize::try_from(BUDGET / bytes.max(1)).unwrap_or(all).clamp(1, all),
    };
    (limit, all / limit)
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
    fn the_copies_of_a_model_fit_into_the_budget() {
        for (bytes, prepare, all, expected) in [
            (100 << 20, Prepare::Many, 4, (4, 1)),
            (100 << 20, Prepare::Many, 32, (10, 3)),
            (500 << 20, Prepare::Many, 32, (2, 16)),
            (600 << 20, Prepare::Many, 32, (1, 32)),
            (3 << 30, Prepare::Many, 4, (1, 4)),
            (0, Prepare::Many, 4, (4, 1)),
            (1, Prepare::Once, 4, (1, 4)),
        ] {
            assert_eq!(copies(bytes, prepare, all), expected, "{bytes} {prepare:?} {all}");
        }
    }
}
