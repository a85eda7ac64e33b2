//! What was reported as changed and not looked at yet, and when to look.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many changed paths are remembered. Of more, it is only known that anything may have changed.
const REMEMBERED: usize = 4096;

/// How long to wait for further changes before an update.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// An update starts when nothing has changed for this time.
    pub quiet: Duration,
    /// An update starts this time after the first change at the latest, even if changes never stop.
    pub longest: Duration,
}

impl Timing {
    /// The default: half a second, and five seconds.
    pub const DEFAULT: Self = Self { quiet: Duration::from_millis(500), longest: Duration::from_secs(5) };

    /// When to look at changes that arrived from `first` to `last`.
    fn due(&self, first: Instant, last: Instant) -> Instant {
        (last + self.quiet).min(first + self.longest)
    }
}

/// A group of changes.
#[derive(Debug, Default)]
pub struct Batch {
    /// Files and directories that were reported as changed.
    pub paths: HashSet<PathBuf>,
    /// Anything may have changed: notifications were lost, or there are none.
    pub is_everything: bool,
}

impl Batch {
    /// Anything may have changed.
    pub fn everything() -> Self {
        Self { is_everything: true, ..Self::default() }
    }

    /// Whether a path, or a directory above it, may have changed.
    pub fn touches(&self, path: &Path) -> bool {
        self.is_everything || path.ancestors().any(|path| self.paths.contains(path))
    }

    fn add(&mut self, path: PathBuf) {
        if self.paths.len() < REMEMBERED {
            self.paths.insert(path);
        } else {
            self.is_everything = true;
        }
    }
}

/// Collects changes for a thread that waits for them.
#[derive(Debug, Default)]
pub struct Changes {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether to stop waiting, and to cancel an update.
    is_stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    batch: Batch,
    /// When the first and the last change of the batch arrived.
    times: Option<(Instant, Instant)>,
}

/// Why a wait has ended.
#[derive(Debug)]
pub enum Woken {
    Changed(Batch),
    TimedOut,
    Stopped,
}

impl Changes {
    /// Adds a path that has changed.
    pub fn add(&self, path: PathBuf) {
        self.change(|batch| batch.add(path));
    }

    /// Records that anything may have changed.
    pub fn add_everything(&self) {
        self.change(|batch| batch.is_everything = true);
    }

    /// Ends all waits, and the update that runs.
    pub fn stop(&self) {
        // The lock makes sure that a thread between the check and the wait is woken.
        let _state = self.state();
        self.is_stopped.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// True after [`stop`](Self::stop).
    pub fn stopped(&self) -> &AtomicBool {
        &self.is_stopped
    }

    /// Waits for changes, and then until they are over; or until a time.
    pub fn wait(&self, timing: Timing, until: Option<Instant>) -> Woken {
        let mut state = self.state();
        loop {
            if self.is_stopped.load(Ordering::Relaxed) {
                return Woken::Stopped;
            }
            let now = Instant::now();
            let due = state.times.map(|(first, last)| timing.due(first, last));
            if due.is_some_and(|due| due <= now) {
                state.times = None;
                return Woken::Changed(std::mem::take(&mut state.batch));
            }
            if due.is_none() && until.is_some_and(|until| until <= now) {
                return Woken::TimedOut;
            }
            state = match due.or(until) {
                Some(end) => {
                    let waited = self.changed.wait_timeout(state, end.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn change(&self, change: impl FnOnce(&mut Batch)) {
        let now = Instant::now();
        let mut state = self.state();
        change(&mut state.batch);
        match &mut state.times {
            // The waiting thread looks at the clock when it wakes. Waking it for every change would cost more.
            Some((_, last)) => *last = now,
            times => {
                *times = Some((now, now));
                self.changed.notify_all();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn an_update_is_due_after_quiet_and_not_later_than_the_limit() {
        let timing = Timing { quiet: Duration::from_secs(1), longest: Duration::from_secs(5) };
        let first = Instant::now();
        for (last, expected) in [(0, 1), (3, 4), (4, 5), (9, 5)] {
            let at = |seconds| first + Duration::from_secs(seconds);
            assert_eq!(timing.due(first, at(last)), at(expected), "last change after {last} s");
        }
    }

    #[test]
    fn changes_are_collected_until_they_are_over() {
        let changes = Changes::default();
        let timing = Timing { quiet: Duration::from_millis(20), longest: Duration::from_secs(60) };
        assert!(matches!(changes.wait(timing, Some(Instant::now())), Woken::TimedOut));
        changes.add("a".into());
        changes.add("b".into());
        // The end of a wait is not the end of the changes.
        let Woken::Changed(batch) = changes.wait(timing, Some(Instant::now())) else { panic!("no changes") };
        assert_eq!(batch.paths.len(), 2);
        assert!(batch.touches("a/c".as_ref()) && !batch.touches("c/a".as_ref()) && !batch.is_everything);
        assert!(matches!(changes.wait(timing, Some(Instant::now())), Woken::TimedOut));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| changes.wait(timing, None));
            changes.add_everything();
            let Woken::Changed(batch) = waiting.join().unwrap() else { panic!("no changes") };
            assert!(batch.touches("anything".as_ref()));
            let waiting = scope.spawn(|| changes.wait(timing, None));
            changes.stop();
            assert!(matches!(waiting.join().unwrap(), Woken::Stopped));
        });
    }

    #[test]
    fn the_memory_for_changes_is_limited() {
        let changes = Changes::default();
        (0..REMEMBERED + 2).for_each(|nth| changes.add(nth.to_string().into()));
        let timing = Timing { quiet: Duration::ZERO, longest: Duration::ZERO };
        let Woken::Changed(batch) = changes.wait(timing, None) else { panic!("no changes") };
        assert!(batch.paths.len() == REMEMBERED && batch.is_everything);
    }
}
