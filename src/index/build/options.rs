//! What a build reads, and how.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::content_hashes::ContentHashes;
use super::shard::Shard;
use super::summary::{Problem, Progress};
use crate::embed::Embedder;
use crate::index::cluster_address::is_cluster_address;
use crate::read::Assignment;

/// The name of the format that stands for detection.
pub const AUTO: &str = "auto";

/// Options of a build.
pub struct Build<'a> {
    /// The index directory. It is created if it does not exist.
    pub dir: &'a Path,
    /// Files and directories to read; [`STDIN`](crate::index::STDIN) for standard input; and addresses of pages and sitemaps (`http://…`,
    /// `https://…`). Questions of pages that a sitemap no longer lists are removed from the index.
    pub paths: &'a [PathBuf],
    /// What becomes of the questions of files that no longer exist: files below the paths, and paths from which the
    /// index was built.
    pub missing: Missing,
    /// The name of the [`Format`](crate::read::Format) of the paths, or [`AUTO`] to detect it. `None` uses what the index
    /// remembers for each path.
    pub format: Option<&'a str>,
    /// The keys of records in the paths that hold the parts of a question. `None` uses what the index remembers for each
    /// path.
    pub map: Option<&'a [Assignment]>,
    /// Whether documents without questions are articles; see [`read::Options::articles`](crate::read::Options::articles). `None` uses what the index
    /// remembers for each path.
    pub articles: Option<bool>,
    /// Computes the vectors; `None` indexes keywords only.
    pub embedder: Option<&'a dyn Embedder>,
    /// Read every file and write every question again, even if it has not changed. Texts that have a vector
    /// are not embedded again.
    pub reread: bool,
    /// If the index was built with another model, embed everything in it again with this one. If false,
    /// another model is an error.
    pub switch_model: bool,
    /// Refuse paths that are addresses.
    pub offline: bool,
    /// The number of embedding threads.
    pub threads: usize,
    /// Called for each record and file that is skipped.
    pub problems: &'a (dyn Fn(&Problem) + Sync),
    /// Updated while the build runs.
    pub progress: Option<&'a Progress>,
    /// The hashes of files that earlier builds have read. A file with the same size and times is not read again to
    /// compare its content. `None` reads every file.
    pub hashes: Option<&'a ContentHashes>,
    /// Makes the build fail and change nothing once it is true.
    pub cancel: Option<&'a AtomicBool>,
    /// Writes only a part of the questions. Only for an index in a cluster.
    pub shard: Option<Shard>,
}

/// What becomes of the questions of files that no longer exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// They are removed. But if every file of a path is gone, or every file of the index, the build fails and
    /// changes nothing: most likely a disk is not mounted.
    #[default]
    Remove,
    /// They are removed, also if every file is gone.
    RemoveAll,
    /// They are kept.
    Keep,
}

impl<'a> Build<'a> {
    /// The default options: keywords only, one thread per processor, problems not reported. Set other options
    /// with `Build { embedder: Some(&model), ..Build::new(dir, paths) }`.
    pub fn new(dir: &'a Path, paths: &'a [PathBuf]) -> Self {
        Self {
            dir,
            paths,
            missing: Missing::default(),
            format: None,
            map: None,
            articles: None,
            embedder: None,
            reread: false,
            switch_model: false,
            offline: false,
            threads: thread::available_parallelism().map_or(1, usize::from),
            problems: &|_| {},
            progress: None,
            hashes: None,
            cancel: None,
            shard: None,
        }
    }

    /// The directory for temporary files.
    pub(super) fn temporary(&self) -> Cow<'_, Path> {
        if is_cluster_address(self.dir) { Cow::Owned(std::env::temp_dir()) } else { Cow::Borrowed(self.dir) }
    }

    /// Whether the caller wants the build to fail.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}
