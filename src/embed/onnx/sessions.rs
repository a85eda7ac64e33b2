//! Several copies of one model, so that threads can use it at once.

use std::sync::{Condvar, Mutex};

use crate::embed::{Loading, Prepare};

/// A model of at least this many bytes is loaded once, and runs on all threads. Copies would be faster, but need
/// too much memory.
const LARGE: u64 = 600 << 20;

/// Copies of one model, loaded when they are needed.
pub struct Sessions<S> {
    make: Box<dyn Fn(usize) -> anyhow::Result<S> + Send + Sync>,
    /// The highest number of copies, and the number of threads of each.
    most: usize,
    threads: usize,
    state: Mutex<State<S>>,
    free: Condvar,
}

struct State<S> {
    idle: Vec<S>,
    made: usize,
}

impl<S> Sessions<S> {
    /// Loads the first copy with `make`. `bytes` is the size of the model.
    pub fn new(
        make: impl Fn(usize) -> anyhow::Result<S> + Send + Sync + 'static,
        bytes: u64,
        loading: Loading,
    ) -> anyhow::Result<Self> {
        let all = loading.thread_count();
        // A single phrase is embedded on all threads; of many texts, each is embedded on one.
        let (most, threads) = match loading.prepare {
            Prepare::Many if bytes < LARGE => (all, 1),
            Prepare::Once | Prepare::Many => (1, all),
        };
        let first = make(threads)?;
        let state = Mutex::new(State { idle: vec![first], made: 1 });
        Ok(Self { make: Box::new(make), most, threads, state, free: Condvar::new() })
    }

    /// Calls `work` with a copy that is not in use. Loads one if there may be more; otherwise, waits.
    ///
    /// # Errors
    /// Those of `work`, and of loading a copy.
    pub fn with<T>(&self, work: impl FnOnce(&mut S) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let mut lent = Lent { session: Some(self.take()?), of: self };
        work(lent.session.as_mut().expect("the session is only taken out on drop"))
    }

    fn take(&self) -> anyhow::Result<S> {
        let mut state = self.state.lock().expect("nothing panics while it is locked");
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(session);
            }
            if state.made < self.most {
                state.made += 1;
                drop(state);
                return (self.make)(self.threads).inspect_err(|_| {
                    self.state.lock().expect("nothing panics while it is locked").made -= 1;
                });
            }
            state = self.free.wait(state).expect("nothing panics while it is locked");
        }
    }
}

/// A copy in use. It is returned even after a panic, or waiting threads would wait forever.
struct Lent<'a, S> {
    session: Option<S>,
    of: &'a Sessions<S>,
}

impl<S> Drop for Lent<'_, S> {
    fn drop(&mut self) {
        self.of.state.lock().expect("nothing panics while it is locked").idle.extend(self.session.take());
        self.of.free.notify_one();
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
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let make = move |_| Ok(count.fetch_add(1, Ordering::SeqCst));
        let sessions = Sessions::new(make, 1, loading(Prepare::Many, 3)).unwrap();
        for _ in 0..10 {
            sessions.with(|_| Ok(())).unwrap();
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
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
        assert!((1..=3).contains(&made.load(Ordering::SeqCst)));
    }

    #[test]
    fn large_models_and_single_phrases_use_one_copy_on_all_threads() {
        for (prepare, bytes) in [(Prepare::Many, LARGE), (Prepare::Once, 1)] {
            let sessions = Sessions::new(Ok, bytes, loading(prepare, 4)).unwrap();
            assert_eq!((sessions.most, sessions.with(|threads| Ok(*threads)).unwrap()), (1, 4));
        }
    }
}
