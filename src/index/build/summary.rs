//! What a build reports: its progress, its problems and its result.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

/// A record or file that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The line, if the problem is in a single line.
    pub line: Option<u64>,
    /// The reason, in lower case without a full stop.
    pub reason: String,
    /// What to try, for the person at the terminal. It may name options of the program.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, reason, .. } = self;
        match line {
            Some(line) => write!(f, "{}:{line}: {reason}", path.display()),
            None => write!(f, "{}: {reason}", path.display()),
        }
    }
}

/// Progress of a running build.
#[derive(Debug, Default)]
pub struct Progress {
    /// Total size in bytes of the files to process.
    pub bytes: AtomicU64,
    /// Size in bytes of the files that are done.
    pub bytes_done: AtomicU64,
    /// Questions written to the index or found unchanged.
    pub questions: AtomicU64,
    /// Chunks that were embedded.
    pub embedded: AtomicU64,
    /// Tokens in the embedded chunks.
    pub tokens: AtomicU64,
}

/// The result of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Each file that was read, ordered by path.
    pub files: Vec<FileSummary>,
    /// Number of files that had not changed and were not read.
    pub unchanged_files: u64,
    /// Number of deleted files whose questions were removed.
    pub removed_files: u64,
    /// The paths that the index was built from and that no longer exist, as stored in the index. With
    /// [`Missing::Keep`](crate::index::Missing::Keep) their questions were kept, otherwise they were removed and the index forgot the paths.
    pub missing_paths: Vec<String>,
    /// Files found in a directory that no reader knows.
    pub unrecognized: Vec<String>,
    /// Number of documents without questions that [`Build::articles`](crate::index::Build::articles) would add.
    pub possible_articles: u64,
    /// Number of files that could not be read completely. Each is counted in `problems` too.
    pub failed_files: u64,
    /// Number of problems.
    pub problems: u64,
    /// Number of chunks written with a vector.
    pub chunks: u64,
    /// Number of chunks that the model embedded. The texts of the other chunks already had a vector.
    pub embedded: u64,
    /// Number of questions in the index after the build.
    pub questions: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSummary {
    /// Its path, as in [`Source::path`](crate::question::Source::path).
    pub path: String,
    /// The name of its layout, such as `Markdown`; see [`Reader::name`](crate::read::Reader::name).
    /// `None` if it could not be read to its end, has no known layout any more, or was not read because it is
    /// unchanged. [`PHRASINGS_FORMAT`](super::PHRASINGS_FORMAT) for a [file of phrasings](crate::read::PHRASINGS).
    pub format: Option<&'static str>,
    /// The changes to its questions, or to its phrasings.
    pub counts: Counts,
}

/// The changes to the questions of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New or changed questions.
    pub added: u64,
    /// Unchanged questions.
    pub kept: u64,
    /// Questions that are no longer in the file, or that have another id because their title or key changed.
    pub removed: u64,
}
