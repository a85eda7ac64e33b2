//! The state that the threads of a build share.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, OnceLock};

use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use super::attached::Attachments;
use super::before::Before;
use super::embedding::Embedding;
use super::file_record::FileRecord;
use super::item::Item;
use super::options::Build;
use super::output::Output;
use super::summary::{Problem, Progress, Summary};
#[cfg(feature = "remote")]
use crate::read;

/// The id from the record of a question.
#[derive(Deserialize)]
struct OnlyId {
    id: String,
}

/// The state that the threads of a build share.
pub struct State<'a> {
    pub build: &'a Build<'a>,
    pub progress: &'a Progress,
    pub output: Output<'a>,
    pub before: &'a Before,
    /// `None` in an index without vectors.
    pub embedding: Option<Embedding<'a>>,
    pub base: &'a Path,
    /// The files in the index before the build.
    pub files: Vec<FileRecord>,
    pub attachments: Attachments,
    #[cfg(feature = "remote")]
    pub web: read::web::Web,
    summary: Mutex<Summary>,
    /// The first error that makes the build fail.
    pub failure: OnceLock<anyhow::Error>,
}

impl<'a> State<'a> {
    /// The state before anything was read.
    pub fn new(
        build: &'a Build<'a>,
        progress: &'a Progress,
        output: Output<'a>,
        before: &'a Before,
        base: &'a Path,
        files: Vec<FileRecord>,
    ) -> Self {
        Self {
            build,
            progress,
            output,
            before,
            embedding: build.embedder.map(|embedder| Embedding::new(embedder, before, progress)),
            base,
            files,
            attachments: Attachments::default(),
            #[cfg(feature = "remote")]
            web: read::web::Web::default(),
            summary: Mutex::default(),
            failure: OnceLock::new(),
        }
    }

    /// What was done; `None` if the build was cancelled.
    ///
    /// # Errors
    /// Something failed.
    pub fn finish(self) -> anyhow::Result<Option<Summary>> {
        if let Some(error) = self.failure.into_inner() {
            return Err(error);
        }
        if self.build.is_cancelled() {
            return Ok(None);
        }
        let mut summary = self.summary.into_inner().expect("no thread panicked");
        summary.embedded = self.progress.embedded.load(Ordering::Relaxed);
        summary.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(summary))
    }

    /// The number of questions of a file in the index.
    pub fn question_count(&self, stored: &str) -> anyhow::Result<u64> {
        let Some(index) = &self.before.index else {
            // To count those of each file in a cluster would take a request for each. A file that was recorded has some.
            return Ok(u64::from(self.output.is_cluster()));
        };
        // One of the documents is the record of the file.
        Ok(index.count(index.fields.path, stored)?.saturating_sub(1) as u64)
    }

    /// The ids and hashes of the questions of a file in the index.
    pub fn question_hashes(&self, stored: &str) -> anyhow::Result<HashMap<String, u64>> {
        let Some(index) = &self.before.index else {
            return self.output.question_hashes(stored);
        };
        let mut hashes = HashMap::new();
        for record in index.records(index.fields.path, stored)? {
            if let Ok(OnlyId { id }) = serde_json::from_str(&record) {
                hashes.insert(id, xxh3_64(record.as_bytes()));
            }
        }
        Ok(hashes)
    }

    /// The record of a file in the index.
    pub fn old_file(&self, stored: &str) -> anyhow::Result<Option<FileRecord>> {
        let Some(index) = &self.before.index else {
            return Ok(self.files.iter().find(|file| file.path == stored).cloned());
        };
        let records = index.records(index.fields.id, &FileRecord::id_of(stored))?;
        Ok(records.iter().find_map(|record| serde_json::from_str(record).ok()))
    }

    /// Reports an item that could not be read, or not to its end.
    pub fn fail(&self, item: &Item, reason: &dyn fmt::Display) {
        self.problem(&item.path, None, reason.to_string());
        self.summary().failed_files += 1;
    }

    /// Reports a problem.
    pub fn problem(&self, path: &Path, line: Option<u64>, reason: String) {
        self.report(&Problem { path: path.to_owned(), line, reason, hint: None });
    }

    /// Reports a problem that may have a hint.
    pub fn report(&self, problem: &Problem) {
        self.summary().problems += 1;
        (self.build.problems)(problem);
    }

    /// Whether the build will not commit: something failed, or the caller has cancelled it.
    pub fn is_stopped(&self) -> bool {
        self.failure.get().is_some() || self.build.is_cancelled()
    }

    /// The summary so far.
    pub fn summary(&self) -> MutexGuard<'_, Summary> {
        self.summary.lock().expect("no thread panicked")
    }
}
