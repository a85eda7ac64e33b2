//! The changes that wait for the thread that writes them into the index. Those that wait while it commits are in its next
//! commit together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;
use crate::index::{Change, Refused, Written};

/// The greatest number of changes in a commit, if they come from several requests.
const MOST_CHANGES: usize = 1_000;

/// How long the end of the server waits for the last commit.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

const ENDED: &str = "the thread that writes the index has ended";

/// The result of each change, in their order.
pub type Results = Vec<Result<Written, Refused>>;

/// The changes of a request.
pub struct Job {
    pub changes: Vec<Change>,
    /// Closed when nobody waits for the result any more.
    pub reply: oneshot::Sender<Result<Results, Problem>>,
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

    /// Starts the thread. It calls a function with the jobs, the number of those that wait, and how long a commit waits for
    /// another process. The second call has no effect.
    pub fn start(&self, work: impl FnOnce(&Receiver<Job>, &AtomicUsize, Duration) + Send + 'static) {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(received) = received else { return };
        let (end, ended) = channel::<()>();
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        let (waiting, wait) = (Arc::clone(&self.waiting), self.lock_wait);
        thread::spawn(move || {
            work(&received, &waiting, wait);
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

/// A job and those that wait behind it, as many as fit in a commit.
pub fn batch(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
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
