//! The build pipeline: files → questions → chunks → vectors ∥ keywords → one commit.

#[cfg(feature = "milvus")]
mod cluster;
mod content_hashes;
mod embedding;
mod missing;
mod output;
mod preview;
mod repair;
mod sources;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use crossbeam_channel::{Receiver, Sender};
use serde::{Deserialize, Serialize};
use tantivy::{IndexWriter, SegmentMeta};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::document::readable_chunks;
use super::lock::{WriteLock, explain_write};
use super::schema::{FILE, QUESTION, schema};
use super::stored_path::{path_of, stored_path};
use super::vectors::{Quantized, Row};
use super::{
    Index, Meta, OpenError, commit_file, create, ensure_commit, is_cluster_address, prepare, text_hash,
};
use crate::chunk::Chunk;
use crate::embed::{Embedder, ModelInfo};
use crate::logistic::Scaling;
use crate::question::{Question, Source};
use crate::read::{self, Assignment, BadRecord};
use embedding::Embedding;
use output::Output;
use sources::{Item, Items, Place, Root};

#[cfg(feature = "milvus")]
pub(super) use cluster::copy_in_memory;
#[cfg(feature = "milvus")]
pub use cluster::{copy, finish_shards};
pub use content_hashes::ContentHashes;
pub use missing::Missing;
pub use preview::Preview;
pub use repair::Repaired;
pub use sources::STDIN;

/// Memory budget in bytes of all tantivy indexing threads before they write a segment.
const MEMORY: usize = 128 << 20;

/// The number of tantivy indexing threads.
const THREADS: usize = 2;

/// How long a writer waits for another one. That is long enough for a commit of written questions, and not for an update
/// from files.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// Capacity of the queue of questions between reading and embedding.
const WAITING: usize = 256;

/// Why a named file without questions is an error, and what to try.
fn no_questions(format: &str, is_document: bool) -> String {
    let article = if is_document { "; --articles adds the document as one entry" } else { "" };
    format!(
        "no questions found; the file was read as {format}
  hint: --format names another format{article}; docs/formats.md describes what becomes a question"
    )
}

/// The number of bad records of a file that are reported individually.
const PROBLEMS_NAMED: u64 = 10;

/// Up to this many questions, the segments of an index are merged into one, so that a search opens only one. In an index
/// of more than [`ALWAYS_MERGED`], this waits until it is worth the time: a merge writes the index again.
const ONE_SEGMENT: u64 = 50_000;
const ALWAYS_MERGED: u64 = 2_000;

/// Segments are merged if there are more, or if more than this fraction of the documents is deleted or not in the largest
/// segment.
const MOST_SEGMENTS: usize = 4;
const MOST_UNMERGED: f64 = 0.1;

/// The name of the format that stands for detection.
pub const AUTO: &str = "auto";

/// Options of a build.
pub struct Build<'a> {
    /// The index directory. It is created if it does not exist.
    pub dir: &'a Path,
    /// Files and directories to read; [`STDIN`] for standard input; and addresses of pages and sitemaps (`http://…`,
    /// `https://…`). Questions of pages that a sitemap no longer lists are removed from the index.
    pub paths: &'a [PathBuf],
    /// What becomes of the questions of files that no longer exist: files below the paths, and paths from which the
    /// index was built.
    pub missing: Missing,
    /// The name of the [`Format`](read::Format) of the paths, or [`AUTO`] to detect it. `None` uses what the index
    /// remembers for each path.
    pub format: Option<&'a str>,
    /// The keys of records in the paths that hold the parts of a question. `None` uses what the index remembers for each
    /// path.
    pub map: Option<&'a [Assignment]>,
    /// Whether documents without questions are articles; see [`read::Options::articles`]. `None` uses what the index
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

/// A part of the questions, for several workers that write an index in a cluster at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which of the parts, starting at 1.
    pub nth: u32,
    /// The number of parts.
    pub of: u32,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.nth, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Parses `2/4`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (nth, of) = text.split_once('/')?;
            Some(Self { nth: nth.parse().ok()?, of: of.parse().ok()? })
        };
        match parse() {
            Some(shard) if (1..=shard.of).contains(&shard.nth) => Ok(shard),
            _ => Err("must be a part and the number of parts, such as 2/4".to_owned()),
        }
    }
}

impl Shard {
    /// Whether a question belongs to this part.
    pub fn has(self, id: &str) -> bool {
        xxh3_64(id.as_bytes()) % u64::from(self.of.max(1)) + 1 == u64::from(self.nth)
    }
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
    fn temporary(&self) -> Cow<'_, Path> {
        if is_cluster_address(self.dir) { Cow::Owned(std::env::temp_dir()) } else { Cow::Borrowed(self.dir) }
    }
}

/// A record or file that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The line, if the problem is in a single line.
    pub line: Option<u64>,
    /// The reason, in lower case without a full stop.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, reason } = self;
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
    /// [`Missing::Keep`] their questions were kept, otherwise they were removed and the index forgot the paths.
    pub missing_paths: Vec<String>,
    /// Files found in a directory that no reader knows.
    pub unrecognized: Vec<String>,
    /// Number of documents without questions that [`Build::articles`] would add.
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
    /// unchanged.
    pub format: Option<&'static str>,
    /// The changes to its questions.
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

/// The stored record of an indexed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileRecord {
    path: String,
    hash: u64,
    /// Number of records skipped. A file with bad records is read in every build, so that they are reported
    /// every time.
    bad: u64,
    /// The name of the archive, or the root, that holds the file; `None` for a file on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    /// The version of a page on the web.
    #[cfg(feature = "remote")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<PageVersion>,
}

/// The version of a page that was read.
#[cfg(feature = "remote")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PageVersion {
    /// Of the options that it was read with, and of the version of this program.
    reading: u64,
    #[serde(flatten)]
    validators: read::web::Validators,
}

/// The opened content of an item.
struct Content {
    file: File,
    hash: u64,
    /// In lower case, without a dot.
    extension: String,
    #[cfg(feature = "remote")]
    page: Option<PageVersion>,
}

impl Content {
    fn new(mut file: File, extension: String, options: &read::Options) -> io::Result<Self> {
        let hash = hash_file(&mut file, options)?;
        Ok(Self::hashed(file, extension, hash))
    }

    fn hashed(file: File, extension: String, hash: u64) -> Self {
        Self {
            file,
            hash,
            extension,
            #[cfg(feature = "remote")]
            page: None,
        }
    }

    /// The record of an item with this content and without bad records.
    fn record(&self, item: &Item) -> FileRecord {
        FileRecord {
            #[cfg(feature = "remote")]
            page: self.page.clone(),
            ..FileRecord::new(&item.name, self.hash, 0, item.within.clone())
        }
    }
}

impl FileRecord {
    fn new(path: &str, hash: u64, bad: u64, within: Option<String>) -> Self {
        Self {
            path: path.to_owned(),
            hash,
            bad,
            within,
            #[cfg(feature = "remote")]
            page: None,
        }
    }

    /// The id of the document that holds the record of a file. It differs from the ids of questions.
    fn id_of(path: &str) -> String {
        format!("file:{path}")
    }

    fn is_within(&self, holder: &str) -> bool {
        self.within.as_deref() == Some(holder)
    }
}

/// The id from the record of a question.
#[derive(Deserialize)]
struct OnlyId {
    id: String,
}

/// The index before the build.
struct Before {
    index: Option<Index>,
    /// The segment and row of the vector of each embedded text, by the hash of the text.
    rows: HashMap<u64, (u32, u32)>,
}

impl Before {
    fn vector(&self, hash: u64) -> Option<Quantized> {
        let (segment, row) = self.rows.get(&hash)?;
        Some(self.index.as_ref()?.vectors()[*segment as usize].row(*row as usize))
    }
}

impl Build<'_> {
    /// Reads changed files, embeds new texts, and commits keywords and vectors together. Readers see the
    /// previous commit until then. They still see it if the build fails or the process is killed.
    ///
    /// # Errors
    /// Another process is writing the index ([`Busy`](super::Busy)); the index has another model (see
    /// [`switch_model`](Self::switch_model)) or another format; a path does not exist and never did; every file of a
    /// path is gone (see [`Missing`]); the disk is full. A bad file or record is a [`Problem`], not an error.
    pub fn run(&self) -> anyhow::Result<Summary> {
        if is_cluster_address(self.dir) {
            return self.run_in_cluster();
        }
        if self.shard.is_some() {
            bail!(
                "only an index in a cluster can be written in parts\n  hint: --index milvus://HOST:PORT/COLLECTION"
            );
        }
        let run = || {
            match ensure_commit(self.dir) {
                // Nothing is created for paths that do not exist.
                Err(OpenError::Missing { .. }) => {
                    sources::ensure_known(&self.roots()?, &base_of(self.dir)?, &[])?;
                }
                result => result?,
            }
            let lock = WriteLock::take_within(self.dir, SHORT_WAIT)?;
            // From here on no other process changes the index, so what is read now is what the commit replaces.
            self.run_locked(&lock, Index::open(self.dir), None)
        };
        run().map_err(explain_write)
    }

    /// Replaces the last commit, `before`, by a new one. A repair also keeps the records in `rescued`.
    fn run_locked(
        &self,
        lock: &WriteLock,
        before: Result<Index, OpenError>,
        rescued: Option<&[String]>,
    ) -> anyhow::Result<Summary> {
        let before = self.before(before)?;
        let (index, mut meta) = self.create_or_open(&before, lock)?;
        let mut writer = writer(&index, THREADS, MEMORY)?;
        // The files of segments that a repair leaves out are needed until it has committed.
        if rescued.is_none() {
            collect_leftovers(&writer, lock)?;
        }
        let files = before.index.as_ref().map_or(Ok(Vec::new()), file_records)?;
        let output = Output::Segments { writer: &writer, fields: schema().1 };
        let rescued = rescued.unwrap_or_default();
        let mut summary = match self.write(output, &before, &mut meta, files, rescued) {
            Ok(Some(summary)) => summary,
            Ok(None) => {
                writer.rollback().ok();
                bail!("the update was cancelled; the index was not changed");
            }
            Err(error) => {
                writer.rollback().ok();
                return Err(error);
            }
        };
        commit(&mut writer, &meta)?;
        summary.questions = super::count_questions(&index.reader()?.searcher(), &schema().1)?;
        merge(&index, writer, summary.questions, before.index.is_none()).with_context(|| {
            format!(
                "the new state of the index in {} is committed, but its segments could not be merged; the next \
                 update tries it again",
                self.dir.display()
            )
        })?;
        Ok(summary)
    }

    /// Reads the sources, and writes what has changed. `files` are the records of the files that were read before. Returns a
    /// summary without the number of questions; `None` if the update was cancelled.
    fn write(
        &self,
        output: Output<'_>,
        before: &Before,
        meta: &mut Meta,
        files: Vec<FileRecord>,
        rescued: &[String],
    ) -> anyhow::Result<Option<Summary>> {
        let unobserved = Progress::default();
        let progress = self.progress.unwrap_or(&unobserved);
        let (mut roots, base) = (self.roots()?, &base_of(self.dir)?);
        sources::ensure_known(&roots, base, &meta.roots)?;
        self.remember_reading(&roots, base, meta)?;
        let items = self.items(&roots, base, meta, &files);
        if let Some(hashes) = self.hashes {
            hashes.retain(&items.list);
        }
        self.ensure_not_emptied(&roots, &items, &files, base)?;
        progress.bytes.store(items.list.iter().map(|item| item.bytes).sum(), Ordering::Relaxed);
        let state = State {
            build: self,
            progress,
            output,
            before,
            embedding: self.embedder.map(|embedder| Embedding::new(embedder, before, progress)),
            base,
            files,
            #[cfg(feature = "remote")]
            web: read::web::Web::default(),
            summary: Mutex::new(Summary { problems: items.problems, ..Summary::default() }),
            failure: OnceLock::new(),
        };
        state.switch_model()?;
        state.remove_deleted_files(&roots, &items)?;
        if !rescued.is_empty() {
            state.keep_rescued(rescued, &items)?;
        }
        state.embed(|jobs| state.read(&items.list, jobs));
        let State { summary, failure, .. } = state;
        if let Some(error) = failure.into_inner() {
            return Err(error);
        }
        if self.is_cancelled() {
            return Ok(None);
        }
        let mut summary = summary.into_inner().expect("no thread panicked");
        summary.embedded = progress.embedded.load(Ordering::Relaxed);
        summary.files.sort_by(|a, b| a.path.cmp(&b.path));
        summary.missing_paths = self.forget_missing(&mut roots, base, meta);
        add_roots(&roots, &items, base, meta);
        Ok(Some(summary))
    }

    /// Updates an index in a cluster.
    #[cfg(not(feature = "milvus"))]
    fn run_in_cluster(&self) -> anyhow::Result<Summary> {
        Err(super::no_cluster(self.dir).into())
    }

    fn before(&self, index: Result<Index, OpenError>) -> anyhow::Result<Before> {
        let index = match index {
            Ok(index) => index,
            Err(OpenError::Missing { .. }) => return Ok(Before { index: None, rows: HashMap::new() }),
            Err(error) => return Err(error.into()),
        };
        if !self.is_model_of(&index) {
            if self.switch_model {
                return Ok(Before { index: Some(index), rows: HashMap::new() });
            }
            let label =
                |model: Option<&ModelInfo>| model.map_or("keywords only".to_owned(), ModelInfo::label);
            bail!(
                "the index in {} was built with {}, not with {}\n  \
                 hint: `rqsearch index --model …` embeds everything again with another model",
                self.dir.display(),
                label(index.meta.model.as_ref()),
                label(self.embedder.map(|embedder| embedder.model())),
            );
        }
        let rows = (0..)
            .zip(index.vectors())
            .flat_map(|(segment, vectors)| {
                vectors.hashes().zip(0..).map(move |(hash, row)| (hash, (segment, row)))
            })
            .collect();
        Ok(Before { index: Some(index), rows })
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }

    /// Whether the index has the vectors of this model, or both have none.
    fn is_model_of(&self, index: &Index) -> bool {
        match (&index.meta.model, self.embedder) {
            (Some(model), Some(embedder)) => model.is_same(embedder.model()),
            (None, None) => true,
            _ => false,
        }
    }

    fn create_or_open(&self, before: &Before, lock: &WriteLock) -> anyhow::Result<(tantivy::Index, Meta)> {
        // The path or address of the same model may have changed.
        let model = self.embedder.map(|embedder| embedder.model().clone());
        let meta = match &before.index {
            Some(index) if self.is_model_of(index) => Meta { model, ..index.meta.clone() },
            Some(index) => {
                let Meta { roots, reading, .. } = index.meta.clone();
                Meta { roots, reading, ..Meta::new(model) }
            }
            None => Meta::new(model),
        };
        let index = if self.dir.join(commit_file::NAME).is_file() {
            tantivy::Index::open(lock.clone()).map(|index| prepare(index, &meta))
        } else {
            create(lock.clone(), &meta)
        };
        Ok((index.with_context(|| format!("could not create an index in {}", self.dir.display()))?, meta))
    }
}

/// Adds the roots that were read to the metadata.
fn add_roots(roots: &[Root], items: &Items, base: &Path, meta: &mut Meta) {
    for root in roots.iter().map(|root| root.stored(base)) {
        if meta.roots.contains(&root) {
            continue;
        }
        // An address that never worked may be mistyped.
        if items.failed.contains(&root) {
            meta.reading.remove(&root);
        } else {
            meta.roots.push(root);
        }
    }
}

/// How an index is tuned to its corpus; see the fields of the same names in [`Meta`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// The weight of the semantic retriever, 0 to 1.
    pub semantic_weight: f32,
    /// The spread of the model's cosines.
    pub spread: Option<f32>,
    /// The number of questions that it was tuned on.
    pub tuned_on: u64,
}

/// Stores a new tuning in an index, in a separate commit. `tune` is called with the last commit; if it returns
/// `None`, nothing changes. No other process can write the index in the meantime.
///
/// # Errors
/// Another process is writing the index ([`Busy`](super::Busy)); the index cannot be opened or written; `tune` fails.
pub fn update_tuning(
    dir: &Path,
    tune: impl FnOnce(&Index) -> anyhow::Result<Option<Tuning>>,
) -> anyhow::Result<()> {
    update_meta(dir, |before| {
        let meta = |Tuning { semantic_weight, spread, tuned_on }| Meta {
            semantic_weight: Some(semantic_weight),
            spread,
            tuned_on,
            ..before.meta().clone()
        };
        Ok(tune(before)?.map(meta))
    })
}

/// Stores in an index how its confidence is calibrated, in a separate commit. `None` removes what is stored.
///
/// # Errors
/// Another process is writing the index ([`Busy`](super::Busy)); the index cannot be opened or written.
pub fn store_calibration(dir: &Path, calibration: Option<Scaling>) -> anyhow::Result<()> {
    update_meta(dir, |before| Ok(Some(Meta { calibration, ..before.meta().clone() })))
}

/// Commits new metadata. `change` is called with the last commit; if it returns `None`, nothing changes.
fn update_meta(
    dir: &Path,
    change: impl FnOnce(&Index) -> anyhow::Result<Option<Meta>>,
) -> anyhow::Result<()> {
    #[cfg(feature = "milvus")]
    if is_cluster_address(dir) {
        return cluster::update_meta(dir, change);
    }
    ensure_commit(dir)?;
    let lock = WriteLock::take_within(dir, SHORT_WAIT)?;
    let before = Index::open(dir)?;
    let Some(meta) = change(&before)? else {
        return Ok(());
    };
    let store = || {
        let index = open_to_write(&lock, &meta)?;
        let mut writer = writer(&index, THREADS, MEMORY)?;
        collect_leftovers(&writer, &lock)?;
        commit(&mut writer, &meta)?;
        writer.wait_merging_threads().context("could not finish the index")
    };
    store().map_err(explain_write)
}

/// Deletes the files of an index that the last commit does not reference.
pub(super) fn delete_unreferenced(lock: &WriteLock) -> anyhow::Result<()> {
    let meta = super::read_meta(&tantivy::Index::open(lock.clone())?, Path::new(""))?;
    let index = open_to_write(lock, &meta)?;
    let writer = writer(&index, THREADS, MEMORY)?;
    collect_leftovers(&writer, lock)?;
    Ok(writer.wait_merging_threads()?)
}

/// Opens an index that exists, to write it.
pub(super) fn open_to_write(lock: &WriteLock, meta: &Meta) -> anyhow::Result<tantivy::Index> {
    let index = tantivy::Index::open(lock.clone()).context("could not open the index for writing")?;
    Ok(prepare(index, meta))
}

/// A writer whose threads use at most `memory` bytes together.
pub(super) fn writer(index: &tantivy::Index, threads: usize, memory: usize) -> anyhow::Result<IndexWriter> {
    index.writer_with_num_threads(threads, memory).context("could not write the index")
}

/// Deletes the files of an index that the last commit does not reference.
///
/// A run that is killed between writing the deletions of a segment and committing leaves the file with the
/// deletions behind. The next run uses the same file name for its deletions, and tantivy refuses to overwrite
/// a file. Without this cleanup, all later updates would fail.
pub(super) fn collect_leftovers(writer: &IndexWriter, lock: &WriteLock) -> anyhow::Result<()> {
    let collect = || -> anyhow::Result<()> {
        writer.garbage_collect_files().wait()?;
        Ok(lock.delete_temporary_files()?)
    };
    collect().context("could not delete the files of an interrupted update")
}

/// Merges the segments of a committed index: so that a search opens only one, and so that deleted questions
/// have no effect on scores. Then deletes the files that are no longer needed. A new index is always merged: how its
/// questions are divided among segments depends on the threads.
fn merge(
    index: &tantivy::Index,
    mut writer: IndexWriter,
    questions: u64,
    is_new: bool,
) -> anyhow::Result<()> {
    if questions <= ONE_SEGMENT {
        let segments = index.searchable_segment_metas()?;
        if is_new && segments.len() > 1 || is_worth_merging(&segments, questions) {
            let ids: Vec<_> = segments.iter().map(|segment| segment.id()).collect();
            writer.merge(&ids).wait()?;
        }
    }
    // Files that cannot be deleted now are deleted by the next update.
    writer.garbage_collect_files().wait().ok();
    Ok(writer.wait_merging_threads()?)
}

/// Merges the segments of an index as a [`Build`] does at its end. Does nothing if another process is writing the index:
/// that one merges them.
///
/// # Errors
/// The index cannot be opened or written. It is as it was before.
pub fn merge_segments(dir: &Path) -> anyhow::Result<()> {
    ensure_commit(dir)?;
    let lock = match WriteLock::take_within(dir, SHORT_WAIT) {
        Err(error) if error.is::<super::Busy>() => return Ok(()),
        lock => lock?,
    };
    let (meta, questions) = {
        let index = Index::open(dir)?;
        (index.meta().clone(), index.question_count()?)
    };
    let index = open_to_write(&lock, &meta)?;
    let writer = writer(&index, 1, MEMORY)?;
    merge(&index, writer, questions, false).map_err(explain_write)
}

fn is_worth_merging(segments: &[SegmentMeta], questions: u64) -> bool {
    let is_merged = segments.len() <= 1 && !segments.iter().any(SegmentMeta::has_deletes);
    let sum = |count: fn(&SegmentMeta) -> u32| {
        segments.iter().map(|segment| u64::from(count(segment))).sum::<u64>()
    };
    let largest = segments.iter().map(|segment| u64::from(segment.num_docs())).max().unwrap_or(0);
    let unmerged = sum(SegmentMeta::num_docs) - largest + sum(SegmentMeta::num_deleted_docs);
    let is_much = unmerged as f64 > MOST_UNMERGED * sum(SegmentMeta::max_doc) as f64;
    !is_merged && (questions <= ALWAYS_MERGED || segments.len() > MOST_SEGMENTS || is_much)
}

/// Commits the changes together with the metadata.
pub(super) fn commit(writer: &mut IndexWriter, meta: &Meta) -> anyhow::Result<()> {
    // A commit without a payload would clear the payload of the previous one.
    let payload = serde_json::to_string(meta)?;
    let mut prepared = writer.prepare_commit().context("could not write the index")?;
    prepared.set_payload(&payload);
    prepared.commit().context("could not commit the index")?;
    Ok(())
}

/// The directory that paths in the index are relative to: the parent of the index directory, or the current directory
/// for an index in a cluster.
pub fn base_of(dir: &Path) -> anyhow::Result<PathBuf> {
    if is_cluster_address(dir) {
        let here = std::env::current_dir().context("cannot determine the current directory")?;
        return Ok(here.canonicalize().unwrap_or(here));
    }
    let dir = std::path::absolute(dir).with_context(|| format!("could not find {}", dir.display()))?;
    let parent = dir.parent().unwrap_or(&dir);
    Ok(parent.canonicalize().unwrap_or_else(|_| parent.to_owned()))
}

/// The state that the threads of a build share.
struct State<'a> {
    build: &'a Build<'a>,
    progress: &'a Progress,
    output: Output<'a>,
    before: &'a Before,
    /// `None` in an index without vectors.
    embedding: Option<Embedding<'a>>,
    base: &'a Path,
    /// The files in the index before the build.
    files: Vec<FileRecord>,
    #[cfg(feature = "remote")]
    web: read::web::Web,
    summary: Mutex<Summary>,
    /// The first error that makes the build fail.
    failure: OnceLock<anyhow::Error>,
}

impl State<'_> {
    /// If the index was built with another model, deletes all its documents and adds them again with vectors
    /// of this model. Questions are taken from the index, so their files need not exist. Readers do not see
    /// any of this before the commit.
    fn switch_model(&self) -> anyhow::Result<()> {
        let Some(index) = self.before.index.as_ref().filter(|index| !self.build.is_model_of(index)) else {
            return Ok(());
        };
        self.output.delete_all()?;
        for record in &self.files {
            self.replace_file_record(record)?;
        }
        let records = index.records(index.fields.kind, QUESTION)?;
        let bytes = |record: &String| record.len() as u64;
        self.progress.bytes.fetch_add(records.iter().map(bytes).sum(), Ordering::Relaxed);
        self.embed(|jobs| {
            for record in &records {
                self.progress.bytes_done.fetch_add(bytes(record), Ordering::Relaxed);
                let sent = super::parse_question(record)
                    .and_then(|question| jobs.send(question).context("the embedding threads have stopped"));
                if let Err(error) = sent {
                    self.failure.set(error).ok();
                    return;
                }
            }
        });
        Ok(())
    }

    /// Deletes the questions of files below the roots that no longer exist, and of pages that are no longer listed.
    fn remove_deleted_files(&self, roots: &[Root], items: &Items) -> anyhow::Result<()> {
        let found: HashSet<&str> = items.list.iter().map(|item| item.name.as_str()).collect();
        let is_gone = |name: &str| {
            let path = self.base.join(path_of(name));
            let below = roots.iter().filter(|root| root.contains(&path)).collect::<Vec<_>>();
            !found.contains(name)
                && !below.is_empty()
                && match missing::is_missing(&path) {
                    true => self.build.missing != Missing::Keep,
                    // The file is excluded now, unless a directory could not be listed.
                    false => !below.iter().any(|root| items.is_incomplete(root)),
                }
        };
        for file in &self.files {
            let gone = match file.within.as_deref() {
                None => is_gone(&file.path),
                Some(STDIN) => false,
                Some(url) if read::is_url(url) => {
                    items.complete.contains(url) && !found.contains(file.path.as_str())
                }
                Some(archive) => is_gone(archive),
            };
            if gone {
                self.remove(file)?;
            }
        }
        Ok(())
    }

    /// Adds the records that a repair rescued, except those of files that are read again. Does nothing if there are
    /// none.
    fn keep_rescued(&self, records: &[String], items: &Items) -> anyhow::Result<()> {
        let read: HashSet<&str> = items.list.iter().map(|item| item.name.as_str()).collect();
        let mut questions = Vec::new();
        for record in records {
            if let Ok(file) = serde_json::from_str::<FileRecord>(record) {
                let holder = file.within.as_deref().unwrap_or(&file.path);
                if !read.contains(file.path.as_str()) && !read.contains(holder) {
                    self.replace_file_record(&file)?;
                }
            } else {
                let question = super::parse_question(record)?;
                let path = question.source.path.as_str();
                // The file, or the archive that holds it.
                let holders = path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]);
                if !holders.into_iter().any(|holder| read.contains(holder)) {
                    questions.push(question);
                }
            }
        }
        self.embed(|jobs| {
            for question in questions {
                self.output.replace(&question.id);
                if jobs.send(question).is_err() {
                    self.failure.set(anyhow::anyhow!("the embedding threads have stopped")).ok();
                    return;
                }
            }
        });
        Ok(())
    }

    /// Starts the embedding threads, and calls `feed` to send them questions through a bounded channel. The
    /// channel is the only thing that these threads wait for. Returns when all questions are added; tantivy
    /// indexes them in its own threads.
    fn embed(&self, feed: impl FnOnce(&Sender<Question>)) {
        let (jobs, work) = crossbeam_channel::bounded::<Question>(WAITING);
        thread::scope(|scope| {
            for _ in 0..self.build.threads.max(1) {
                let work = work.clone();
                scope.spawn(move || self.embed_all(&work));
            }
            drop(work);
            feed(&jobs);
            drop(jobs);
        });
    }

    /// Reads the files in parallel.
    fn read(&self, items: &[Item], jobs: &Sender<Question>) {
        let (names, todo) = crossbeam_channel::unbounded();
        items.iter().for_each(|item| names.send(item).expect("the receiver is here"));
        drop(names);
        thread::scope(|scope| {
            for _ in 0..self.build.threads.clamp(1, 4) {
                let todo = todo.clone();
                scope.spawn(move || {
                    todo.iter().take_while(|_| !self.is_stopped()).for_each(|item| {
                        if let Err(error) = self.read_item(item, jobs) {
                            self.failure.set(error).ok();
                        }
                        self.progress.bytes_done.fetch_add(item.bytes, Ordering::Relaxed);
                    })
                });
            }
        });
    }

    /// Reads an item unless its content is unchanged.
    fn read_item(&self, item: &Item, jobs: &Sender<Question>) -> anyhow::Result<()> {
        if self.keep_unopened(item)? {
            return Ok(());
        }
        let opened = match &item.place {
            Place::File | Place::Member => File::open(&item.path),
            Place::Stdin => spool(io::stdin().lock(), &self.build.temporary()),
            #[cfg(feature = "remote")]
            Place::Page(reply) => {
                return self.read_page(item, reply.lock().expect("no thread panicked").take(), jobs);
            }
        };
        let content = opened.and_then(|mut file| {
            let compression = read::Compression::of(&mut file)?;
            let extension = read::inner_extension(&item.path);
            let content = Content::new(file, extension, &item.options)?;
            if let Some(hashes) = self.build.hashes {
                hashes.insert(item, content.hash);
            }
            Ok((content, compression))
        });
        match content {
            Ok((content, Some(read::Compression::SevenZip))) => match item.place {
                Place::File => self.read_archive(item, content, jobs),
                _ => {
                    self.fail(item, &"archives are only read from files");
                    Ok(())
                }
            },
            Ok((content, _)) => self.read_file(item, content, jobs),
            Err(error) => {
                self.fail(item, &error);
                Ok(())
            }
        }
    }

    /// Keeps a file or an archive whose content is known without opening it: its stamp is one that an earlier build
    /// has hashed. Returns whether it did so.
    fn keep_unopened(&self, item: &Item) -> anyhow::Result<bool> {
        let hash = self.build.hashes.filter(|_| !self.build.reread).and_then(|hashes| hashes.get(item));
        let Some(hash) = hash else { return Ok(false) };
        let is_unchanged = |old: &FileRecord| old.hash == hash && old.bad == 0;
        if !read::is_archive(&item.path) {
            let is_kept = self.old_file(&item.name)?.is_some_and(|old| is_unchanged(&old))
                && (!item.named || self.question_count(&item.name)? > 0);
            if is_kept {
                self.keep(&[&item.name])?;
            }
            return Ok(is_kept);
        }
        let old: Vec<&FileRecord> = self.files.iter().filter(|old| old.is_within(&item.name)).collect();
        let is_kept = !old.is_empty() && old.iter().all(|old| is_unchanged(old));
        if is_kept {
            self.keep(&old.iter().map(|old| old.path.as_str()).collect::<Vec<_>>())?;
        }
        Ok(is_kept)
    }

    /// The number of questions of a file in the index.
    fn question_count(&self, stored: &str) -> anyhow::Result<u64> {
        let Some(index) = &self.before.index else {
            // To count those of each file in a cluster would take a request for each. A file that was recorded has some.
            return Ok(u64::from(self.output.is_cluster()));
        };
        // One of the documents is the record of the file.
        Ok(index.count(index.fields.path, stored)?.saturating_sub(1) as u64)
    }

    /// Reads a page unless it is unchanged. `reply` is the reply of the server if it was asked already.
    #[cfg(feature = "remote")]
    fn read_page(
        &self,
        item: &Item,
        reply: Option<read::web::Reply>,
        jobs: &Sender<Question>,
    ) -> anyhow::Result<()> {
        let old = self.old_file(&item.name)?;
        let known = || old.as_ref().and_then(|old| self.build.validators(old, &item.options));
        let reply = reply.map_or_else(|| self.web.get(&item.name, known(), &self.build.temporary()), Ok);
        let content = reply.and_then(|reply| match reply {
            read::web::Reply::Unchanged => Ok(None),
            read::web::Reply::Page(mut page) => {
                if read::Compression::of(&mut page.file)? == Some(read::Compression::SevenZip) {
                    return Err(io::Error::other("archives are only read from files"));
                }
                let reading = hasher(&item.options).digest();
                let version = Some(PageVersion { reading, validators: page.validators });
                Ok(Some(Content { page: version, ..Content::new(page.file, page.extension, &item.options)? }))
            }
        });
        match content {
            Ok(Some(content)) => self.read_file(item, content, jobs),
            Ok(None) => self.keep(&[&item.name]),
            Err(error) => {
                self.fail(item, &error);
                Ok(())
            }
        }
    }

    fn read_file(&self, item: &Item, content: Content, jobs: &Sender<Question>) -> anyhow::Result<()> {
        let old = self.old_file(&item.name)?;
        let is_unchanged = |old: &FileRecord| !self.build.reread && old.hash == content.hash && old.bad == 0;
        // A file that was found in a directory had no error for having no questions, and has one if it is named.
        let reports = item.named && self.question_hashes(&item.name)?.is_empty();
        if let Some(old) = old.filter(|old| is_unchanged(old) && !reports) {
            let record = content.record(item);
            // A page can have another version although its content is the same.
            if record != old {
                self.replace_file_record(&record)?;
            }
            return self.keep(&[&item.name]);
        }
        self.read_changed_file(item, content, jobs)
    }

    /// Counts the questions of a file or an archive that has not changed. A file without questions is in the
    /// summary of every build.
    fn keep(&self, names: &[&str]) -> anyhow::Result<()> {
        let mut questions = 0;
        for name in names {
            questions += self.question_count(name)?;
        }
        self.progress.questions.fetch_add(questions, Ordering::Relaxed);
        if let ([name], 0) = (names, questions) {
            let counts = Counts::default();
            self.summary().files.push(FileSummary { path: (*name).to_owned(), format: None, counts });
        } else {
            self.summary().unchanged_files += 1;
        }
        Ok(())
    }

    /// Reads the files of an archive, each as a source of its own, unless the archive is unchanged.
    fn read_archive(&self, archive: &Item, content: Content, jobs: &Sender<Question>) -> anyhow::Result<()> {
        let Content { file, hash, .. } = content;
        let old: Vec<&FileRecord> = self.files.iter().filter(|old| old.is_within(&archive.name)).collect();
        let unchanged = !old.is_empty() && old.iter().all(|old| old.hash == hash && old.bad == 0);
        if unchanged && !self.build.reread {
            return self.keep(&old.iter().map(|old| old.path.as_str()).collect::<Vec<_>>());
        }
        let wanted =
            |name: &str| archive.options.format.is_some() || read::has_known_extension(Path::new(name));
        let mut seen = HashSet::new();
        let mut result = Ok(());
        let mut each = |name: &str, file: File| {
            let member = archive.member(name);
            let extension = read::inner_extension(&member.path);
            result = self.read_changed_file(&member, Content::hashed(file, extension, hash), jobs);
            seen.insert(member.name);
            if result.is_err() || self.is_stopped() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let extracted = read::extract(file, &self.build.temporary(), wanted, &mut each);
        result?;
        if let Err(error) = extracted {
            self.fail(archive, &error);
            // Read in the next build again, and reported again.
            let within = Some(archive.name.clone());
            return self.replace_file_record(&FileRecord::new(&archive.name, hash, 1, within));
        }
        if seen.is_empty() {
            if archive.named {
                self.fail(archive, &"the archive holds no file with a known extension");
            } else {
                self.summary().unrecognized.push(archive.name.clone());
            }
        }
        self.output.remove_file(&archive.name)?;
        for gone in old.iter().filter(|old| !seen.contains(&old.path) && old.path != archive.name) {
            self.remove(gone)?;
        }
        Ok(())
    }

    /// Deletes a file and its questions.
    fn remove(&self, file: &FileRecord) -> anyhow::Result<()> {
        self.output.remove_file(&file.path)?;
        self.summary().removed_files += 1;
        Ok(())
    }

    /// Reports an item that could not be read, or not to its end.
    fn fail(&self, item: &Item, reason: &dyn fmt::Display) {
        self.problem(&item.path, None, reason.to_string());
        self.summary().failed_files += 1;
    }

    fn read_changed_file(
        &self,
        item: &Item,
        content: Content,
        jobs: &Sender<Question>,
    ) -> anyhow::Result<()> {
        let Item { name, path, named, options, .. } = item;
        let mut old = self.question_hashes(name)?;
        let mut counts = Counts::default();
        let mut same_name: HashMap<u64, u32> = HashMap::new();
        let mut bad = 0;
        let mut emit = |record: Result<Question, BadRecord>| {
            match record {
                Ok(mut question) => {
                    question.source.path.clone_from(name);
                    if read::is_url(name) {
                        question.url.get_or_insert_with(|| name.clone());
                    }
                    question.id = id_of(&question.source, &question, &mut same_name);
                    let unchanged = old.remove(&question.id) == Some(question_hash(&question));
                    let is_elsewhere = self.build.shard.is_some_and(|shard| !shard.has(&question.id));
                    if is_elsewhere || unchanged && !self.build.reread {
                        counts.kept += 1;
                        self.progress.questions.fetch_add(1, Ordering::Relaxed);
                    } else {
                        counts.added += 1;
                        self.output.replace(&question.id);
                        if jobs.send(question).is_err() {
                            return ControlFlow::Break(());
                        }
                    }
                }
                Err(BadRecord { line, reason }) => {
                    bad += 1;
                    if bad <= PROBLEMS_NAMED {
                        self.problem(path, Some(line), reason);
                    }
                }
            }
            if self.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut record = content.record(item);
        let Content { file, extension, .. } = content;
        let directory = if matches!(item.place, Place::File) { path.parent() } else { None };
        let title = item.article_title();
        let input = read::Input { file, extension, directory, title: &title, named: *named, options };
        let format = match read::read(input, &mut emit) {
            Ok(read::Outcome::Read { format, report }) => {
                if counts.kept + counts.added == 0 {
                    let is_document = report.is_some_and(|report| report.letters > 0);
                    self.summary().possible_articles += u64::from(is_document && bad == 0);
                    if *named && bad == 0 {
                        self.fail(item, &no_questions(format, is_document));
                        // Read in the next build again, and reported again.
                        bad += 1;
                    }
                }
                Some(format)
            }
            // The user gave a directory, not this file, so the file is counted but not reported.
            Ok(read::Outcome::NotQuestions) => {
                self.summary().unrecognized.push(name.clone());
                if self.old_file(name)?.is_none() {
                    return Ok(());
                }
                None
            }
            Err(error) => {
                self.fail(item, &error);
                // If the rest of the file was not read, its questions may still be in it.
                if !read::has_no_questions(&error) {
                    old.clear();
                }
                bad += 1;
                None
            }
        };
        if let Some(more) = bad.checked_sub(PROBLEMS_NAMED).filter(|more| *more > 0) {
            self.problem(path, None, format!("{more} more bad records"));
            self.summary().problems += more - 1;
        }
        for id in old.keys() {
            self.output.remove(id);
        }
        counts.removed = old.len() as u64;
        record.bad = bad;
        self.replace_file_record(&record)?;
        self.summary().files.push(FileSummary { path: name.clone(), format, counts });
        Ok(())
    }

    /// The ids and hashes of the questions of a file in the index.
    fn question_hashes(&self, stored: &str) -> anyhow::Result<HashMap<String, u64>> {
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

    fn old_file(&self, stored: &str) -> anyhow::Result<Option<FileRecord>> {
        let Some(index) = &self.before.index else {
            return Ok(self.files.iter().find(|file| file.path == stored).cloned());
        };
        let records = index.records(index.fields.id, &FileRecord::id_of(stored))?;
        Ok(records.iter().find_map(|record| serde_json::from_str(record).ok()))
    }

    fn replace_file_record(&self, record: &FileRecord) -> anyhow::Result<()> {
        self.output.put_file(record)
    }

    fn embed_all(&self, work: &Receiver<Question>) {
        for first in work {
            if self.is_stopped() {
                continue;
            }
            let questions = self.batch(first, work);
            let count = questions.len() as u64;
            match self.add(questions) {
                Ok(()) => {
                    self.progress.questions.fetch_add(count, Ordering::Relaxed);
                }
                Err(error) => {
                    self.failure.set(error.context("could not write the index")).ok();
                }
            }
        }
    }

    /// A question and as many waiting questions as fill a batch of the model, with their chunks.
    fn batch(&self, first: Question, work: &Receiver<Question>) -> Vec<(Question, Vec<Chunk>)> {
        let mut batch = vec![(self.chunks(&first), first)];
        let mut texts = batch[0].0.len();
        let enough = self.embedding.as_ref().map_or(1, |embedding| embedding.embedder.batch());
        while texts < enough {
            let Ok(question) = work.try_recv() else { break };
            let chunks = self.chunks(&question);
            texts += chunks.len();
            batch.push((chunks, question));
        }
        batch.into_iter().map(|(chunks, question)| (question, chunks)).collect()
    }

    /// The chunks of a question to embed; none without a model, and none that the model cannot read.
    fn chunks(&self, question: &Question) -> Vec<Chunk> {
        let Some(Embedding { embedder, .. }) = self.embedding else {
            return Vec::new();
        };
        readable_chunks(question, embedder)
    }

    fn add(&self, batch: Vec<(Question, Vec<Chunk>)>) -> anyhow::Result<()> {
        let texts: Vec<(u64, &str)> = batch
            .iter()
            .flat_map(|(_, chunks)| chunks)
            .map(|chunk| (text_hash(&chunk.text), chunk.text.as_str()))
            .collect();
        let vectors = match &self.embedding {
            Some(embedding) => embedding.vectors(&texts)?,
            None => Vec::new(),
        };
        self.summary().chunks += texts.len() as u64;
        let mut rows = texts.iter().map(|(hash, _)| *hash).zip(vectors).collect::<Vec<_>>().into_iter();
        for (question, chunks) in &batch {
            let row =
                |(chunk, (hash, vector)): (&Chunk, _)| Row { hash, passage: chunk.passage.clone(), vector };
            let rows: Vec<Row> = chunks.iter().zip(rows.by_ref()).map(row).collect();
            self.output.add(question, rows)?;
        }
        Ok(())
    }

    /// Whether the build will not commit: something failed, or the caller has cancelled it.
    fn is_stopped(&self) -> bool {
        self.failure.get().is_some() || self.build.is_cancelled()
    }

    fn problem(&self, path: &Path, line: Option<u64>, reason: String) {
        self.summary().problems += 1;
        (self.build.problems)(&Problem { path: path.to_owned(), line, reason });
    }

    fn summary(&self) -> std::sync::MutexGuard<'_, Summary> {
        self.summary.lock().expect("no thread panicked")
    }
}

/// The id of a question: twelve hexadecimal digits of a hash of its file and its key, or else its title as
/// written.
///
/// If a file has several questions with one name, the second and later ones are also named by their answer,
/// so they keep their ids when others are added or removed. Only equal answers are numbered.
fn id_of(source: &Source, question: &Question, same_name: &mut HashMap<u64, u32>) -> String {
    let mut earlier = |name: &str| {
        let count = same_name.entry(xxh3_64(name.as_bytes())).or_default();
        *count += 1;
        *count - 1
    };
    let mut name = question.key.as_ref().unwrap_or(&question.title).clone();
    if earlier(&name) > 0 {
        name = format!("{name}\0{}", question.answer);
        name = format!("{name}\0{}", earlier(&name));
    }
    format!("{:012x}", xxh3_64(format!("{}\0{name}", source.path).as_bytes()) >> 16)
}

/// The content of a stream in a temporary file in this directory.
fn spool(input: impl Read, dir: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile_in(dir)?;
    let limit = read::MAX_EXPANDED;
    if io::copy(&mut input.take(limit + 1), &mut file)? > limit {
        return Err(io::Error::other(format!("it has more than {} GiB, the limit", limit >> 30)));
    }
    Ok(file)
}

/// The files in an index.
fn file_records(index: &Index) -> anyhow::Result<Vec<FileRecord>> {
    let records = index.records(index.fields.kind, FILE)?;
    records.iter().map(|record| Ok(serde_json::from_str(record)?)).collect()
}

/// The hash of the record of a question.
pub(super) fn question_hash(question: &Question) -> u64 {
    xxh3_64(serde_json::to_string(question).expect("a question is plain data").as_bytes())
}

/// A hasher for files that are read in this way by this version of the program.
fn hasher(options: &read::Options) -> Xxh3Default {
    let mut hasher = Xxh3Default::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    if *options != read::Options::default() {
        hasher.update(serde_json::to_string(options).expect("options are plain data").as_bytes());
    }
    hasher
}

/// The hash of a file's content, of how it is read, and of the program version, since another version may find more
/// questions in it.
fn hash_file(file: &mut File, options: &read::Options) -> io::Result<u64> {
    file.rewind()?;
    let mut hasher = hasher(options);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.digest()),
            Ok(len) => hasher.update(&buffer[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
