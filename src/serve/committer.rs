//! The thread that commits changes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::app::App;
use super::change_queue::{Job, Results, batch};
use super::problem::Problem;
use crate::index::{Change, Commit, WriteError};

/// After this time, a client may try again if another process writes the index.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// How long no change must arrive before segments are merged and the weight of semantic search is tuned.
const QUIET: Duration = Duration::from_secs(30);

/// Starts the thread, if the server accepts changes. The second call has no effect.
pub fn start(app: &Arc<App>) {
    let weak = Arc::downgrade(app);
    if let Some(changes) = &app.changes {
        changes.start(move |jobs, waiting, wait| run(&weak, jobs, waiting, wait));
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
            self.log.event(&format!("{error:#}"));
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
