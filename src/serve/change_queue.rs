//! One thread that writes changes into the index. Changes that wait while it commits are in its next commit together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, channel, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::app::App;
use super::problem::Problem;
use crate::index::{Change, Commit, Refused, WriteError, Written};

/// The greatest number of changes in a commit, if they come from several requests.
const MOST_CHANGES: usize = 1_000;

/// How long no change must arrive before segments are merged and the weight of semantic search is tuned.
const QUIET: Duration = Duration::from_secs(30);

/// After this time, a client may try again if another process writes the index.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// How long the end of the server waits for the last commit.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

const ENDED: &str = "the thread that writes the index has ended";

/// The result of each change, in their order.
pub type Results = Vec<Result<Written, Refused>>;

/// The changes of a request.
struct Job {
    changes: Vec<Change>,
    /// Closed when nobody waits for the result any more.
    reply: oneshot::Sender<Result<Results, Problem>>,
}

/// The changes that wait for the thread that writes them.
pub struct ChangeQueue {
    /// `None` at the end of the server.
    jobs: Mutex<Option<SyncSender<Job>>>,
    received: Mutex<Option<Receiver<Job>>>,
    waiting: Arc<AtomicUsize>,
    /// How long a commit waits for another process that writes the index.
    lock_wait: Duration,
    /// Disconnected when the thread has ended.
    ended: Mutex<Option<Receiver<()>>>,
}

impl ChangeQueue {
    /// A queue of at most `capacity` requests.
    pub fn new(capacity: usize, lock_wait: Duration) -> Self {
        let (jobs, received) = sync_channel(capacity.max(1));
        Self {
            jobs: Mutex::new(Some(jobs)),
            received: Mutex::new(Some(received)),
            waiting: Arc::default(),
            lock_wait,
            ended: Mutex::default(),
        }
    }

    /// Starts the thread. The second call has no effect.
    pub fn start(&self, app: &Arc<App>) {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(received) = received else { return };
        let (end, ended) = channel::<()>();
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        let (app, waiting, wait) = (Arc::downgrade(app), Arc::clone(&self.waiting), self.lock_wait);
        thread::spawn(move || {
            run(&app, &received, &waiting, wait);
            drop(end);
        });
    }

    /// Makes changes, and returns when they are on disk and searches see them.
    ///
    /// # Errors
    /// The queue is full, or the changes could not be made. They may still be made if the time is up.
    pub async fn make(&self, changes: Vec<Change>, deadline: Instant) -> Result<Results, Problem> {
        let (reply, result) = oneshot::channel();
        {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let sent = jobs.as_ref().map(|jobs| jobs.try_send(Job { changes, reply }));
            let problem = match sent {
                Some(Ok(())) => None,
                Some(Err(TrySendError::Full(_))) => Some(Problem::busy()),
                Some(Err(TrySendError::Disconnected(_))) | None => Some(Problem::internal(ENDED)),
            };
            if let Some(problem) = problem {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                return Err(problem);
            }
        }
        match timeout_at(deadline, result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Problem::internal(ENDED)),
            Err(_) => Err(Problem::late_change()),
        }
    }

    /// How many requests wait for a commit or are committed.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits until the changes so far are written, for at most five seconds. Later changes are refused.
    pub fn finish(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(ended) = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // An error means that the thread has ended or that the time is up: both are fine.
            _ = ended.recv_timeout(FINISH_WITHIN);
        }
    }
}

/// Commits jobs until the queue is closed.
fn run(app: &Weak<App>, jobs: &Receiver<Job>, waiting: &AtomicUsize, wait: Duration) {
    let mut is_optimized = true;
    let mut tuning: Option<JoinHandle<()>> = None;
    loop {
        let first = if is_optimized {
            jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            jobs.recv_timeout(QUIET)
        };
        let Some(app) = app.upgrade() else { return };
        match first {
            Ok(first) => {
                let batch = batch(first, jobs);
                let count = batch.len();
                is_optimized &= !app.commit_jobs(batch, wait);
                waiting.fetch_sub(count, Ordering::Relaxed);
            }
            Err(RecvTimeoutError::Timeout) => {
                app.merge();
                if tuning.as_ref().is_none_or(JoinHandle::is_finished) {
                    // Changes are written in the meantime.
                    tuning = Some(thread::spawn(move || app.tune()));
                    is_optimized = true;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// A job and those that wait behind it, as many as fit in a commit.
fn batch(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut changes = first.changes.len();
    let mut batch = vec![first];
    while changes < MOST_CHANGES {
        match jobs.try_recv() {
            Ok(job) => {
                changes += job.changes.len();
                batch.push(job);
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    batch
}

impl App {
    /// Makes the changes of jobs in one commit, and answers them. Returns whether the commit was made.
    fn commit_jobs(&self, mut jobs: Vec<Job>, wait: Duration) -> bool {
        // The client has disconnected, or its time is up.
        jobs.retain(|job| !job.reply.is_closed());
        let changes: Vec<Change> = jobs.iter().flat_map(|job| &job.changes).cloned().collect();
        if changes.is_empty() {
            jobs.into_iter().for_each(|job| _ = job.reply.send(Ok(Vec::new())));
            return false;
        }
        match self.engine.write(&changes, wait) {
            Ok(mut commit) => {
                self.answer_jobs(jobs, std::mem::take(&mut commit.results));
                self.finish_commit(commit);
                true
            }
            // One of the changes may be the reason.
            Err(WriteError::Failed(_)) if jobs.len() > 1 => {
                jobs.into_iter().fold(false, |made, job| self.commit_jobs(vec![job], wait) | made)
            }
            Err(error) => {
                self.metrics.changes_failed(changes.len());
                let problem = Problem::from(error);
                jobs.into_iter().for_each(|job| _ = job.reply.send(Err(problem.clone())));
                false
            }
        }
    }

    fn answer_jobs(&self, jobs: Vec<Job>, results: Results) {
        self.metrics.committed(&results);
        let mut results = results.into_iter();
        for job in jobs {
            let results = results.by_ref().take(job.changes.len()).collect();
            // The client may have disconnected.
            _ = job.reply.send(Ok(results));
        }
    }

    fn finish_commit(&self, commit: Commit) {
        if let Err(error) = commit.finish() {
            self.log.event(&error.to_string());
        }
    }

    /// Merges the parts of the index.
    fn merge(&self) {
        if let Err(error) = self.engine.merge() {
            self.log.event(&format!("could not merge the index after changes: {error:#}"));
        }
    }

    /// Tunes the weight of semantic search.
    fn tune(&self) {
        if let Err(error) = self.engine.tune() {
            self.log.event(&format!("could not tune the index after changes: {error:#}"));
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Busy(_) => Self::index_is_written(RETRY_AFTER),
            WriteError::Open(error) => Self::no_index(&error.into()),
            WriteError::Failed(error) => error.into(),
            error => Self::not_writable(&error.to_string()),
        }
    }
}
