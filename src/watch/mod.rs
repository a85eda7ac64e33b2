//! Keeps an index current: waits until its files change, and updates it.
//!
//! ```text
//! notifications or a clock → changes, until they are over → what is on disk → update → report
//! ```
//!
//! A notification only says that it is time to look. What has changed is found by comparing the files on disk with those of
//! the last update, so a notification that is lost, late or out of date does no harm.
//!
//! ```
//! use rqsearch::watch::{Options, Watcher};
//!
//! # fn main() -> anyhow::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! # let (faq, index) = (dir.path().join("faq.md"), dir.path().join("index"));
//! std::fs::write(&faq, "## How long must dough rise?\n\nUntil it has doubled in size.\n")?;
//! let watcher = Watcher::new(Options::new(index, vec![faq]))?;
//! let control = watcher.control();
//! watcher.run(|update| {
//!     let summary = update.result.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
//!     println!("{} questions after {:?}", summary.questions, update.took);
//!     control.stop(); // from any thread
//!     Ok(())
//! })
//! # }
//! ```

mod changes;
mod notifier;
mod sources;
mod updater;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::embed::{self, Embedder, Loading, ModelInfo, Prepare};
use crate::index::{Busy, Missing, Problem, Progress, Summary};
use changes::{Batch, Changes, Woken};
use notifier::Notifier;
use sources::Sources;
use updater::Updater;

pub use changes::Timing;

/// How long to wait after an update that failed, and at most after several.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How often to look for changes in directories that the system refuses to watch.
const UNWATCHED: Duration = Duration::from_secs(10);

/// How often directories are listed again because new ones appeared in the meantime. After that, the next look continues.
const ROUNDS: u32 = 16;

/// Loads the model of an index.
type Load = dyn Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send;

/// What to watch, and how.
pub struct Options {
    /// The index directory.
    pub dir: PathBuf,
    /// Files and directories to index and to watch. The first update creates the index if it does not exist. If there are
    /// no paths, those that the index was built from are watched.
    pub paths: Vec<PathBuf>,
    /// What becomes of the questions of files that no longer exist.
    pub missing: Missing,
    /// How long to wait for further changes.
    pub timing: Timing,
    /// Look for changes at this interval, and use no notifications of the system.
    pub poll: Option<Duration>,
    /// The number of embedding threads.
    pub threads: usize,
    /// Loads the model of the index, now and if another process changes it.
    pub load: Box<Load>,
}

impl Options {
    /// The default options, with notifications of the system. Set other options with `Options { poll, ..Options::new(dir,
    /// paths) }`.
    pub fn new(dir: PathBuf, paths: Vec<PathBuf>) -> Self {
        Self {
            dir,
            paths,
            missing: Missing::default(),
            timing: Timing::DEFAULT,
            poll: None,
            threads: thread::available_parallelism().map_or(1, usize::from),
            load: Box::new(|model| embed::open(model, None, Loading::new(Prepare::Many))),
        }
    }
}

/// An update of the index, or an attempt.
#[derive(Debug)]
pub struct Update {
    /// When it ended.
    pub time: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// What changed, or why nothing could be changed.
    pub result: anyhow::Result<Summary>,
    /// Files and records that were skipped and that the update before did not skip for the same reason.
    pub problems: Vec<Problem>,
}

impl Update {
    fn new() -> Self {
        Self {
            time: SystemTime::now(),
            took: Duration::ZERO,
            result: Ok(Summary::default()),
            problems: Vec::new(),
        }
    }

    /// Whether questions have changed, or there is anything else to report.
    fn is_notable(&self) -> bool {
        let has_changed = |summary: &Summary| {
            let is_changed = |counts: &crate::index::Counts| counts.added + counts.removed > 0;
            summary.removed_files > 0
                || !summary.missing_paths.is_empty()
                || summary.files.iter().any(|file| is_changed(&file.counts))
        };
        !self.problems.is_empty() || self.result.as_ref().map_or(true, has_changed)
    }
}

/// The state of a [`Watcher`], for other threads.
#[derive(Debug, Default)]
pub struct Status {
    updates: AtomicU64,
    failures: AtomicU64,
    last: Mutex<Option<SystemTime>>,
    failure: Mutex<Option<String>>,
    running: Mutex<Option<Arc<Progress>>>,
}

impl Status {
    /// The number of updates that succeeded.
    pub fn updates(&self) -> u64 {
        self.updates.load(Ordering::Relaxed)
    }

    /// The number of updates that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// When the last update succeeded; `None` if none did yet.
    pub fn last(&self) -> Option<SystemTime> {
        *lock(&self.last)
    }

    /// Why the index is not current, if the last update failed or watching has ended.
    pub fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }

    /// The progress of the update that runs; `None` if none does.
    pub fn running(&self) -> Option<Arc<Progress>> {
        lock(&self.running).clone()
    }

    fn set_failure(&self, failure: Option<String>) {
        *lock(&self.failure) = failure;
    }

    /// Counts an update. Returns whether it failed in another way than the one before.
    fn ended(&self, update: &Update) -> bool {
        let failure = update.result.as_ref().err().map(|error| format!("{error:#}"));
        match failure {
            None => {
                self.updates.fetch_add(1, Ordering::Relaxed);
                *lock(&self.last) = Some(update.time);
            }
            Some(_) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        let before = std::mem::replace(&mut *lock(&self.failure), failure.clone());
        failure.is_some() && failure != before
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Observes and stops a [`Watcher`] from other threads.
#[derive(Clone, Debug)]
pub struct Control {
    status: Arc<Status>,
    changes: Arc<Changes>,
}

impl Control {
    /// The state of the watcher.
    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// Makes [`Watcher::run`] return. An update that runs is cancelled and changes nothing, unless it is committing.
    pub fn stop(&self) {
        self.changes.stop();
    }
}

/// Watches files, and updates an index when they change.
pub struct Watcher {
    updater: Updater,
    /// The index directory as the system reports it.
    index: PathBuf,
    control: Control,
    /// `None` if changes are looked for at intervals.
    notifier: Option<Notifier>,
    /// Why not every directory is watched.
    unwatched: Option<String>,
    /// What the last update read.
    indexed: Option<Sources>,
    found: Sources,
    /// How many updates failed since the last one that succeeded, and when to try again.
    failed: u32,
    retry: Option<Instant>,
    /// What the last update skipped.
    skipped: HashSet<Problem>,
}

impl Watcher {
    /// Begins to watch. Changes from now on are part of an update of [`run`](Self::run).
    ///
    /// # Errors
    /// There is no index and [`Options::paths`] is empty; the index cannot be opened, or its model not loaded; a path does
    /// not exist, or is not a file or directory; or the system refuses to watch that many directories.
    pub fn new(options: Options) -> anyhow::Result<Self> {
        let updater = Updater::new(options)?;
        let options = updater.options();
        let index = absolute(&options.dir)?;
        let control = Control { status: Arc::default(), changes: Arc::default() };
        let notifier = match options.poll {
            Some(_) => None,
            None => Some(Notifier::new(Arc::clone(&control.changes), index.clone())?),
        };
        let mut watcher = Self {
            updater,
            index,
            control,
            notifier,
            unwatched: None,
            indexed: None,
            found: Sources::default(),
            failed: 0,
            retry: None,
            skipped: HashSet::new(),
        };
        watcher.look(&Batch::everything())?;
        Ok(watcher)
    }

    /// Observes and stops this watcher.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The number of files and of directories that are watched.
    pub fn counts(&self) -> (usize, usize) {
        (self.found.file_count(), self.found.directory_count())
    }

    /// Updates the index now and whenever a file changes, until [`Control::stop`]. Calls `report` after the first update,
    /// after each one that changed a question or skipped something new, and when updates begin to fail or work again. An update that
    /// fails is tried again: after the next change, and after a while.
    ///
    /// # Errors
    /// Those of `report`.
    pub fn run(mut self, mut report: impl FnMut(&Update) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let _end = EndOfThread(Arc::clone(&self.control.status));
        let changes = Arc::clone(&self.control.changes);
        let timing = self.updater.options().timing;
        let mut batch = Batch::default();
        loop {
            self.update_if_changed(&batch, &mut report)?;
            batch = match changes.wait(timing, self.next_look()) {
                Woken::Stopped => return Ok(()),
                Woken::Changed(batch) => batch,
                Woken::TimedOut if self.notifier.is_none() => Batch::everything(),
                Woken::TimedOut => Batch::default(),
            };
        }
    }

    /// When to look for changes even if none is reported.
    fn next_look(&self) -> Option<Instant> {
        let interval = self.updater.options().poll.or(self.unwatched.as_ref().map(|_| UNWATCHED));
        [interval.map(|interval| Instant::now() + interval), self.retry].into_iter().flatten().min()
    }

    fn update_if_changed(
        &mut self,
        batch: &Batch,
        report: &mut impl FnMut(&Update) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let failure = self.look(batch).err();
        let unwatched = failure.as_ref().map(|error| format!("{error:#}"));
        let is_new = unwatched != self.unwatched;
        self.unwatched = unwatched;
        if let Some(error) = failure.filter(|_| is_new) {
            let update = Update { result: Err(error), ..Update::new() };
            self.control.status.ended(&update);
            report(&update)?;
        }
        let has_failed = self.failed > 0;
        if !has_failed && self.indexed.as_ref().is_some_and(|indexed| !self.found.differ(indexed, batch)) {
            return Ok(());
        }
        let is_first = self.indexed.is_none();
        let update = self.update();
        let is_new_failure = self.control.status.ended(&update);
        let is_reported = match update.result {
            Ok(_) => {
                self.control.status.set_failure(self.unwatched.clone());
                is_first || has_failed || update.is_notable()
            }
            Err(_) => is_new_failure && !self.control.changes.stopped().load(Ordering::Relaxed),
        };
        if is_reported { report(&update) } else { Ok(()) }
    }

    /// Lists what is on disk, and watches all of it. Changes that were missed before a directory was watched are found by
    /// listing again.
    fn look(&mut self, batch: &Batch) -> anyhow::Result<()> {
        let roots = self.updater.roots();
        self.found = Sources::list(&roots, &self.index);
        let Some(notifier) = &mut self.notifier else { return Ok(()) };
        let nothing = Batch::default();
        for round in 0..ROUNDS {
            let mut directories = self.found.watched(&roots);
            directories.extend(self.index.is_dir().then(|| self.index.clone()));
            let watched = notifier.watch(&roots, directories, if round == 0 { batch } else { &nothing });
            if !watched? {
                return Ok(());
            }
            self.found = Sources::list(&roots, &self.index);
        }
        self.control.changes.add_everything();
        Ok(())
    }

    /// Updates the index, and decides when to try again if that fails.
    fn update(&mut self) -> Update {
        let start = Instant::now();
        let progress = Arc::new(Progress::default());
        *lock(&self.control.status.running) = Some(Arc::clone(&progress));
        let mut problems = Vec::new();
        let result = self.updater.update(self.control.changes.stopped(), &progress, &mut problems);
        *lock(&self.control.status.running) = None;
        if result.is_ok() {
            self.indexed = Some(std::mem::take(&mut self.found));
        }
        let is_busy = result.as_ref().is_err_and(|error| error.is::<Busy>());
        self.failed = if result.is_ok() { 0 } else { self.failed + 1 };
        self.retry = result.is_err().then(|| Instant::now() + retry_after(self.failed, is_busy));
        let skipped = problems.iter().cloned().collect();
        if result.is_ok() {
            problems.retain(|problem| !self.skipped.contains(problem));
            self.skipped = skipped;
        } else {
            problems.clear();
        }
        Update { took: start.elapsed(), result, problems, ..Update::new() }
    }
}

/// How long to wait before the next attempt. Another process that writes the index is soon done.
fn retry_after(failed: u32, is_busy: bool) -> Duration {
    let (least, most) = RETRY;
    if is_busy { least } else { least.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(most) }
}

/// Records that watching has ended by a panic.
struct EndOfThread(Arc<Status>);

impl Drop for EndOfThread {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.set_failure(Some("watching has ended by an internal error".to_owned()));
        }
    }
}

/// The absolute path of the index directory, which may not exist yet.
fn absolute(dir: &Path) -> std::io::Result<PathBuf> {
    if let Ok(dir) = dir.canonicalize() {
        return Ok(dir);
    }
    let dir = std::path::absolute(dir)?;
    let parent = dir.parent().and_then(|parent| parent.canonicalize().ok());
    Ok(parent.zip(dir.file_name()).map_or(dir.clone(), |(parent, name)| parent.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rarer_unless_another_process_writes() {
        let seconds = |failed, is_busy| retry_after(failed, is_busy).as_secs();
        assert_eq!([1, 2, 3, 7, 50].map(|failed| seconds(failed, false)), [1, 2, 4, 60, 60]);
        assert_eq!([1, 50].map(|failed| seconds(failed, true)), [1, 1]);
    }

    #[test]
    fn a_failure_is_new_until_it_changes_or_ends() {
        let status = Status::default();
        let mut ended = |result: Result<Summary, &'static str>| {
            status.ended(&Update { result: result.map_err(anyhow::Error::msg), ..Update::new() })
        };
        let new =
            [Err("full"), Err("full"), Err("busy"), Ok(Summary::default()), Err("busy")].map(&mut ended);
        assert_eq!(new, [true, false, true, false, true]);
        assert_eq!((status.updates(), status.failures()), (1, 4));
        assert_eq!(status.failure().as_deref(), Some("busy"));
        assert!(status.last().is_some());
    }
}
