//! An update of the index by `watch`, as JSON.

use serde::Serialize;

use crate::index::{FileSummary, Problem, Summary};

/// An update of the index, or an attempt.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateReply<'a> {
    /// When it ended, RFC 3339.
    pub time: String,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// The number of questions in the index; `null` if the update failed.
    pub questions: Option<u64>,
    /// The files whose questions changed.
    pub files: Vec<UpdatedFile<'a>>,
    /// The number of files that are gone and whose questions were removed.
    pub removed_files: u64,
    /// Files and records that were skipped, except those that the update before skipped for the same reason.
    pub problems: Vec<SkippedPart<'a>>,
    /// Why the update failed; `null` if it did not. The index did not change then, and the update is tried again.
    pub error: Option<String>,
}

/// A file whose questions changed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdatedFile<'a> {
    /// The path.
    pub path: &'a str,
    /// The number of questions that are new or changed.
    pub added: u64,
    /// The number of questions that have not changed.
    pub kept: u64,
    /// The number of questions that are no longer in the file.
    pub removed: u64,
}

/// A file or record that was skipped.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkippedPart<'a> {
    /// The path of the file.
    pub path: String,
    /// The line, from 1; `null` if the whole file was skipped.
    pub line: Option<u64>,
    /// What is wrong.
    pub reason: &'a str,
}

impl<'a> UpdateReply<'a> {
    /// `time` is RFC 3339.
    pub fn new(
        time: String,
        took_ms: f64,
        result: Result<&'a Summary, &anyhow::Error>,
        problems: &'a [Problem],
    ) -> Self {
        let error = result.err().map(|error| format!("{error:#}"));
        let summary = result.ok();
        let has_changed = |file: &&FileSummary| file.counts.added + file.counts.removed > 0;
        let files = summary.map_or(&[][..], |summary| &summary.files).iter().filter(has_changed);
        Self {
            time,
            took_ms,
            questions: summary.map(|summary| summary.questions),
            files: files.map(UpdatedFile::from).collect(),
            removed_files: summary.map_or(0, |summary| summary.removed_files),
            problems: problems.iter().map(SkippedPart::from).collect(),
            error,
        }
    }
}

impl<'a> From<&'a FileSummary> for UpdatedFile<'a> {
    fn from(FileSummary { path, counts, .. }: &'a FileSummary) -> Self {
        Self { path, added: counts.added, kept: counts.kept, removed: counts.removed }
    }
}

impl<'a> From<&'a Problem> for SkippedPart<'a> {
    fn from(Problem { path, line, reason, .. }: &'a Problem) -> Self {
        Self { path: path.display().to_string(), line: *line, reason }
    }
}
