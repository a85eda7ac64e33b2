//! The query log.
//!
//! A search must not wait for a disk. Lines are therefore written by a thread of their own. If it falls behind, lines are
//! dropped and counted.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::log::{self, Log};
use crate::query_log::{Entry, QueryLog, Rotation};
use crate::search::Results;

/// How many lines may wait to be written.
const WAITING: usize = 4_096;

/// How long the end of the server waits for the last lines.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// A query log that is written by a thread of its own.
pub struct QueryLogWriter {
    path: PathBuf,
    rotation: Rotation,
    /// `None` at the end of the server.
    entries: Mutex<Option<SyncSender<Entry>>>,
    lost: Arc<AtomicU64>,
    /// Disconnected when the thread has written the last line.
    ended: Mutex<Receiver<()>>,
}

impl QueryLogWriter {
    /// Starts the thread. `log` gets a message when writing fails, and when it works again.
    pub fn new(mut file: QueryLog, log: Log) -> Self {
        let (entries, received) = sync_channel::<Entry>(WAITING);
        let (end, ended) = channel::<()>();
        let (path, rotation) = (file.path().to_owned(), file.rotation());
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        thread::spawn(move || {
            let mut is_failing = false;
            for entry in received {
                let written = file.append(&entry);
                if written.is_err() {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                if written.is_err() != is_failing {
                    is_failing = written.is_err();
                    log.event(&match written {
                        Err(error) => format!("could not write to the file of --query-log: {error}"),
                        Ok(()) => "the file of --query-log can be written again".to_owned(),
                    });
                }
            }
            drop(end);
        });
        Self { path, rotation, entries: Mutex::new(Some(entries)), lost, ended: Mutex::new(ended) }
    }

    /// Records a search.
    pub fn searched(&self, q: &str, results: &Results, min_confidence: f32) {
        self.write(Entry::Search {
            time: log::now(),
            q: q.to_owned(),
            answered: results.is_answered(min_confidence),
            first: results.hits.first().map(|hit| hit.question.id.clone()),
        });
    }

    pub fn write(&self, entry: Entry) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = entries.as_ref().map(|entries| entries.try_send(entry));
        if !matches!(sent, Some(Ok(()))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines could not be written, or were dropped because the thread fell behind.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The files of the log that exist, the oldest first.
    pub fn files(&self) -> Vec<PathBuf> {
        crate::query_log::files(&self.path, self.rotation)
    }

    /// Waits until the lines so far are written, for at most one second. Later lines are dropped.
    pub fn finish(&self) {
        drop(self.entries.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // An error means that the thread has ended or that the time is up: both are fine.
        _ = ended.recv_timeout(FINISH_WITHIN);
    }
}
