//! The pipeline: files → questions → chunks → vectors ∥ keywords → one commit.

mod embedding;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use anyhow::{Context, anyhow, bail};
use crossbeam_channel::{Receiver, Sender};
use serde::{Deserialize, Serialize};
use tantivy::{IndexWriter, TantivyDocument, TantivyError, Term};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::document::document;
use super::schema::{FILE, Fields, QUESTION, schema};
use super::vectors::{Quantized, Row};
use super::{Index, Meta, OpenError, create, prepare, text_hash};
use crate::analyze::title_key;
use crate::chunk::{Chunk, chunks};
use crate::embed::{Embedder, ModelInfo};
use crate::question::{Question, Source};
use crate::read::{self, BadRecord};
use embedding::Embedding;

/// How much text tantivy's indexing threads keep in memory together before they write a segment.
const MEMORY: usize = 128 << 20;

/// How many questions may wait between reading and embedding.
const WAITING: usize = 256;

/// How many bad records of a file are named one by one.
const PROBLEMS_NAMED: u64 = 10;

/// Below this many questions the segments of an index are merged into one: a search then opens
/// one.
const ONE_SEGMENT: u64 = 50_000;

/// What to build.
pub struct Build<'a> {
    /// Where the index lies; made if it is missing.
    pub dir: &'a Path,
    /// Files and folders to read. What is gone below them is removed.
    pub paths: &'a [PathBuf],
    /// Makes the vectors; `None` indexes keywords only.
    pub embedder: Option<&'a dyn Embedder>,
    /// Read every file and write every question anew, whether it changed or not. A text that has a
    /// vector is not embedded again.
    pub reread: bool,
    /// Where the index was made by another model than this one, embed everything in it anew; otherwise
    /// that is an error.
    pub switch_model: bool,
    /// How many threads embed.
    pub threads: usize,
    /// Hears of every record and file that had to be skipped.
    pub problems: &'a (dyn Fn(&Problem) + Sync),
    /// Counts while the build runs, for whoever shows them.
    pub progress: Option<&'a Progress>,
}

impl<'a> Build<'a> {
    /// Of words only, on all processors, unheard: what else is wanted is said with
    /// `Build { embedder: Some(&model), ..Build::new(dir, paths) }`.
    pub fn new(dir: &'a Path, paths: &'a [PathBuf]) -> Self {
        Self {
            dir,
            paths,
            embedder: None,
            reread: false,
            switch_model: false,
            threads: thread::available_parallelism().map_or(1, usize::from),
            problems: &|_| {},
            progress: None,
        }
    }
}

/// A record or file that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The line, where the trouble is in one.
    pub line: Option<u64>,
    /// A lower-case phrase.
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

/// Counts of a build under way.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of all the files to look at.
    pub bytes: AtomicU64,
    /// Bytes of the files that are done.
    pub bytes_done: AtomicU64,
    /// Questions that are in the index or need no change.
    pub questions: AtomicU64,
    /// Chunks that were embedded.
    pub embedded: AtomicU64,
    /// Tokens in them.
    pub tokens: AtomicU64,
}

/// What a build did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Each file that was read, in order of path.
    pub files: Vec<FileSummary>,
    /// Files that had not changed and were not read.
    pub unchanged_files: u64,
    /// Files that are gone, whose questions were removed.
    pub removed_files: u64,
    /// Files found in a directory in which no reader recognizes questions.
    pub unrecognized_files: u64,
    /// Files that could not be read, or only in part. Each is one of the problems.
    pub failed_files: u64,
    /// Problems reported.
    pub problems: u64,
    /// Chunks that got a vector.
    pub chunks: u64,
    /// Chunks that a model ran for; the others' texts had a vector already.
    pub embedded: u64,
    /// Questions in the index now.
    pub questions: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSummary {
    /// Its path, as questions name it.
    pub path: String,
    /// The name of its layout, such as `Markdown`; see [`Reader::name`](crate::read::Reader::name).
    /// `None` if it could not be read to its end.
    pub format: Option<&'static str>,
    /// What became of its questions.
    pub counts: Counts,
}

/// What became of one file's questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New or changed.
    pub added: u64,
    /// As they were.
    pub kept: u64,
    /// No longer in the file, or replaced by a changed one.
    pub removed: u64,
}

/// The record of a file that was read.
#[derive(Debug, Serialize, Deserialize)]
struct FileRecord {
    path: String,
    hash: u64,
    /// Records skipped in it: such a file is read again each time, so that it is named each time.
    bad: u64,
}

/// As much of a question's record as it takes to know which one it is.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// What is in the index before the build, by the text or file it came from.
struct Before {
    index: Option<Index>,
    /// Where each embedded text has its vector: segment and row.
    rows: HashMap<u64, (u32, u32)>,
}

impl Before {
    fn vector(&self, hash: u64) -> Option<Quantized> {
        let (segment, row) = self.rows.get(&hash)?;
        Some(self.index.as_ref()?.vectors()[*segment as usize].row(*row as usize))
    }
}

impl Build<'_> {
    /// Reads what changed, embeds what is new, and commits both legs at once. Until the commit, and
    /// if anything fails or the process is killed before it, the last commit stays what readers see.
    ///
    /// # Errors
    /// Another process writes the index; the index was made by another model (see
    /// [`switch_model`](Self::switch_model)) or format; a path does not exist; the disk is full. A bad file or
    /// record is a [`Problem`], not an error.
    pub fn run(&self) -> anyhow::Result<Summary> {
        let unheard = Progress::default();
        let progress = self.progress.unwrap_or(&unheard);
        let base = base_of(self.dir)?;
        let roots = self.roots()?;
        let before = self.before()?;
        let (index, mut meta) = self.create_or_open(&before)?;
        let mut writer = lock(&index, self.dir)?;
        let (files, walk_problems) = read::walk(&roots, self.dir, |path, reason| {
            (self.problems)(&Problem { path: path.to_owned(), line: None, reason });
        });
        let bytes: u64 = files.iter().map(|file| file.bytes).sum();
        progress.bytes.store(bytes, Ordering::Relaxed);

        let state = State {
            build: self,
            progress,
            writer: &writer,
            fields: schema().1,
            before: &before,
            embedding: self.embedder.map(|embedder| Embedding::new(embedder, &before, progress)),
            base: &base,
            summary: Mutex::new(Summary { problems: walk_problems, ..Summary::default() }),
            failure: OnceLock::new(),
        };
        state.switch_model()?;
        state.remove_gone(&roots, &files)?;
        state.embed(|jobs| state.read(&files, jobs));
        let State { summary, failure, .. } = state;
        if let Some(error) = failure.into_inner() {
            writer.rollback().ok();
            return Err(error);
        }
        let mut summary = summary.into_inner().expect("no thread panicked");
        summary.embedded = progress.embedded.load(Ordering::Relaxed);
        summary.files.sort_by(|a, b| a.path.cmp(&b.path));

        for root in roots.iter().map(|root| stored_path(root, &base)) {
            if !meta.roots.contains(&root) {
                meta.roots.push(root);
            }
        }
        commit(&mut writer, &meta)?;
        summary.questions = super::count_questions(&index.reader()?.searcher(), &schema().1)?;
        if summary.questions <= ONE_SEGMENT {
            let segments = index.searchable_segment_ids()?;
            if segments.len() > 1 {
                writer.merge(&segments).wait().context("could not merge the index's segments")?;
            }
        }
        writer.garbage_collect_files().wait().ok();
        writer.wait_merging_threads().context("could not finish the index")?;
        Ok(summary)
    }

    /// The paths to read, absolute.
    fn roots(&self) -> anyhow::Result<Vec<PathBuf>> {
        self.paths
            .iter()
            .map(|path| path.canonicalize().with_context(|| format!("could not find {}", path.display())))
            .collect()
    }

    fn before(&self) -> anyhow::Result<Before> {
        let index = match Index::open(self.dir) {
            Ok(index) => index,
            Err(OpenError::Missing { .. }) => return Ok(Before { index: None, rows: HashMap::new() }),
            Err(error) => return Err(error.into()),
        };
        if !self.is_model_of(&index) {
            if self.switch_model {
                return Ok(Before { index: Some(index), rows: HashMap::new() });
            }
            let label = |model: Option<&ModelInfo>| model.map_or("words only".to_owned(), ModelInfo::label);
            bail!(
                "the index in {} was made with {}, and this would add to it with {}\n  \
                 hint: `rqsearch index --model …` embeds everything anew with another model",
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

    /// Whether the vectors of an index are this model's, or both are without.
    fn is_model_of(&self, index: &Index) -> bool {
        match (&index.meta.model, self.embedder) {
            (Some(model), Some(embedder)) => model.is_same(embedder.model()),
            (None, None) => true,
            _ => false,
        }
    }

    fn create_or_open(&self, before: &Before) -> anyhow::Result<(tantivy::Index, Meta)> {
        // The same model may have moved.
        let model = self.embedder.map(|embedder| embedder.model().clone());
        let meta = match &before.index {
            Some(index) if self.is_model_of(index) => Meta { model, ..index.meta.clone() },
            Some(index) => Meta { roots: index.meta.roots.clone(), ..Meta::new(model) },
            None => Meta::new(model),
        };
        fs::create_dir_all(self.dir).with_context(|| format!("could not create {}", self.dir.display()))?;
        let directory = tantivy::directory::MmapDirectory::open(self.dir)
            .with_context(|| format!("could not open {}", self.dir.display()))?;
        let index = if self.dir.join("meta.json").is_file() {
            tantivy::Index::open(directory).map(|index| prepare(index, &meta))
        } else {
            create(directory, &meta)
        };
        Ok((index.with_context(|| format!("could not make an index in {}", self.dir.display()))?, meta))
    }
}

/// Replaces what the index says of itself, in a commit of its own.
///
/// # Errors
/// The index cannot be opened or written, or another process writes it.
pub fn set_meta(dir: &Path, meta: &Meta) -> anyhow::Result<()> {
    let directory = tantivy::directory::MmapDirectory::open(dir)?;
    let index = prepare(tantivy::Index::open(directory)?, meta);
    let mut writer = lock(&index, dir)?;
    commit(&mut writer, meta)?;
    writer.wait_merging_threads().context("could not finish the index")
}

/// Locks an index for writing, and deletes what a killed run left in it.
///
/// # Errors
/// Another process holds the lock; the message says so. The index cannot be written.
fn lock(index: &tantivy::Index, dir: &Path) -> anyhow::Result<IndexWriter> {
    let writer = index.writer_with_num_threads(2, MEMORY).map_err(|error| match error {
        TantivyError::LockFailure(..) => anyhow!(
            "another process is writing the index in {}\n  hint: wait until it is done; the index can be searched meanwhile",
            dir.display()
        ),
        error => anyhow!(error).context(format!("could not write the index in {}", dir.display())),
    })?;
    collect_leftovers(&writer, dir)
        .with_context(|| format!("could not delete what an interrupted update left in {}", dir.display()))?;
    Ok(writer)
}

/// Deletes the files of an index that no commit names.
///
/// A run that is killed after it wrote a segment's deletions and before it committed leaves them
/// behind. The next run gives its own deletions the same file name, and tantivy refuses to overwrite
/// a file: without this, no later update succeeds.
fn collect_leftovers(writer: &IndexWriter, dir: &Path) -> anyhow::Result<()> {
    writer.garbage_collect_files().wait()?;
    // What was about to replace a file: tantivy does not track these. Nobody else writes, for the
    // lock is held.
    for entry in dir.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if name.starts_with(b".tmp") && path.is_file() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Publishes what was added, with what the index knows of itself.
pub(super) fn commit(writer: &mut IndexWriter, meta: &Meta) -> anyhow::Result<()> {
    // A commit without a payload would clear the last one's.
    let payload = serde_json::to_string(meta)?;
    let mut prepared = writer.prepare_commit().context("could not write the index")?;
    prepared.set_payload(&payload);
    prepared.commit().context("could not commit the index")?;
    Ok(())
}

/// The folder that paths in the index are relative to: the one that holds the index.
pub fn base_of(dir: &Path) -> anyhow::Result<PathBuf> {
    let dir = std::path::absolute(dir).with_context(|| format!("could not find {}", dir.display()))?;
    let parent = dir.parent().unwrap_or(&dir);
    Ok(parent.canonicalize().unwrap_or_else(|_| parent.to_owned()))
}

/// A path as the index writes it: relative where it lies below the base, with `/` everywhere.
fn stored_path(path: &Path, base: &Path) -> String {
    let path = path.strip_prefix(base).unwrap_or(path);
    let text = path.to_string_lossy();
    if text.is_empty() {
        return ".".to_owned();
    }
    if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() }
}

/// What the threads of a build share.
struct State<'a> {
    build: &'a Build<'a>,
    progress: &'a Progress,
    writer: &'a IndexWriter,
    fields: Fields,
    before: &'a Before,
    /// `None` in an index of words only.
    embedding: Option<Embedding<'a>>,
    base: &'a Path,
    summary: Mutex<Summary>,
    /// The first error that makes the build fail.
    failure: OnceLock<anyhow::Error>,
}

impl State<'_> {
    /// Where the index is another model's: takes everything out of it and puts it in again, with vectors of
    /// this model. The files need not be there. Nobody sees anything of it before the commit.
    fn switch_model(&self) -> anyhow::Result<()> {
        let Some(index) = self.before.index.as_ref().filter(|index| !self.build.is_model_of(index)) else {
            return Ok(());
        };
        self.writer.delete_all_documents().context("could not write the index")?;
        for record in self.file_records(index)? {
            self.replace_file_record(record)?;
        }
        let records = index.records(self.fields.kind, QUESTION)?;
        let bytes = |record: &String| record.len() as u64;
        self.progress.bytes.fetch_add(records.iter().map(bytes).sum(), Ordering::Relaxed);
        self.embed(|jobs| {
            for record in &records {
                self.progress.bytes_done.fetch_add(bytes(record), Ordering::Relaxed);
                let sent = super::parse_question(record)
                    .and_then(|question| jobs.send(question).context("nobody embeds any more"));
                if let Err(error) = sent {
                    self.failure.set(error).ok();
                    return;
                }
            }
        });
        Ok(())
    }

    /// Takes out the questions of files that lay below the roots and are no longer there.
    fn remove_gone(&self, roots: &[PathBuf], files: &[read::Found]) -> anyhow::Result<()> {
        let Some(index) = &self.before.index else {
            return Ok(());
        };
        let found: HashSet<String> = files.iter().map(|file| stored_path(&file.path, self.base)).collect();
        for record in self.file_records(index)? {
            let path = self.base.join(&record.path);
            if !found.contains(&record.path) && roots.iter().any(|root| path.starts_with(root)) {
                self.writer.delete_term(Term::from_field_text(self.fields.path, &record.path));
                self.summary().removed_files += 1;
            }
        }
        Ok(())
    }

    fn file_records(&self, index: &Index) -> anyhow::Result<Vec<FileRecord>> {
        index
            .records(self.fields.kind, FILE)?
            .iter()
            .map(|record| Ok(serde_json::from_str(record)?))
            .collect()
    }

    /// Somebody feeds a bounded channel, embedders empty it; tantivy's own threads index what they
    /// add. Nobody waits for another but through the channel. Afterwards everything is added.
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

    /// Reads the files, several at once.
    fn read(&self, files: &[read::Found], jobs: &Sender<Question>) {
        let (names, todo) = crossbeam_channel::unbounded();
        files.iter().for_each(|file| names.send(file).expect("the receiver is here"));
        drop(names);
        thread::scope(|scope| {
            for _ in 0..self.build.threads.clamp(1, 4) {
                let todo = todo.clone();
                scope.spawn(move || {
                    todo.iter().take_while(|_| self.failure.get().is_none()).for_each(|file| {
                        if let Err(error) = self.read_file(file, jobs) {
                            self.failure.set(error).ok();
                        }
                        self.progress.bytes_done.fetch_add(file.bytes, Ordering::Relaxed);
                    })
                });
            }
        });
    }

    /// Reads a file unless its content is the same as when it was read last.
    fn read_file(&self, file: &read::Found, jobs: &Sender<Question>) -> anyhow::Result<()> {
        let stored = stored_path(&file.path, self.base);
        let hash = match hash_file(&file.path) {
            Ok(hash) => hash,
            Err(error) => {
                self.problem(&file.path, None, error.to_string());
                self.summary().failed_files += 1;
                return Ok(());
            }
        };
        let old = self.old_file(&stored)?;
        let unchanged = old.as_ref().is_some_and(|old| old.hash == hash && old.bad == 0);
        if unchanged && !self.build.reread {
            let kept = self.question_hashes(&stored)?.len() as u64;
            self.progress.questions.fetch_add(kept, Ordering::Relaxed);
            self.summary().unchanged_files += 1;
            return Ok(());
        }
        self.read_changed_file(file, &stored, hash, jobs)
    }

    fn read_changed_file(
        &self,
        file: &read::Found,
        stored: &str,
        hash: u64,
        jobs: &Sender<Question>,
    ) -> anyhow::Result<()> {
        let mut old = self.question_hashes(stored)?;
        let mut counts = Counts::default();
        let mut same_name: HashMap<u64, u32> = HashMap::new();
        let mut bad = 0;
        let mut emit = |record: Result<Question, BadRecord>| {
            match record {
                Ok(mut question) => {
                    question.source.path = stored.to_owned();
                    question.id = id_of(&question.source, &question, &mut same_name);
                    let unchanged = old.remove(&question.id) == Some(question_hash(&question));
                    if unchanged && !self.build.reread {
                        counts.kept += 1;
                        self.progress.questions.fetch_add(1, Ordering::Relaxed);
                    } else {
                        counts.added += 1;
                        self.writer.delete_term(Term::from_field_text(self.fields.id, &question.id));
                        if jobs.send(question).is_err() {
                            return ControlFlow::Break(());
                        }
                    }
                }
                Err(BadRecord { line, reason }) => {
                    bad += 1;
                    if bad <= PROBLEMS_NAMED {
                        self.problem(&file.path, Some(line), reason);
                    }
                }
            }
            if self.failure.get().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let format = match read::read(file, &mut emit) {
            Ok(read::Outcome::Read(format)) => Some(format),
            // The user named a directory, not this file: it is counted, but not reported.
            Ok(read::Outcome::NotQuestions) => {
                self.summary().unrecognized_files += 1;
                return Ok(());
            }
            Err(error) => {
                self.problem(&file.path, None, error.to_string());
                self.summary().failed_files += 1;
                // The rest of the file was not read, so its questions may still be there.
                old.clear();
                bad += 1;
                None
            }
        };
        if let Some(more) = bad.checked_sub(PROBLEMS_NAMED).filter(|more| *more > 0) {
            self.problem(&file.path, None, format!("{more} more bad records"));
            self.summary().problems += more - 1;
        }
        for id in old.keys() {
            self.writer.delete_term(Term::from_field_text(self.fields.id, id));
        }
        counts.removed = old.len() as u64;
        self.replace_file_record(FileRecord { path: stored.to_owned(), hash, bad })?;
        self.summary().files.push(FileSummary { path: stored.to_owned(), format, counts });
        Ok(())
    }

    /// What the index holds of a file: each question's id and hash.
    fn question_hashes(&self, stored: &str) -> anyhow::Result<HashMap<String, u64>> {
        let Some(index) = &self.before.index else {
            return Ok(HashMap::new());
        };
        let mut hashes = HashMap::new();
        for record in index.records(self.fields.path, stored)? {
            if let Ok(Named { id }) = serde_json::from_str(&record) {
                hashes.insert(id, xxh3_64(record.as_bytes()));
            }
        }
        Ok(hashes)
    }

    fn old_file(&self, stored: &str) -> anyhow::Result<Option<FileRecord>> {
        let Some(index) = &self.before.index else {
            return Ok(None);
        };
        let records = index.records(self.fields.path, stored)?;
        Ok(records.iter().find_map(|record| serde_json::from_str(record).ok()))
    }

    fn replace_file_record(&self, record: FileRecord) -> anyhow::Result<()> {
        let key = format!("file:{}", record.path);
        self.writer.delete_term(Term::from_field_text(self.fields.id, &key));
        let mut doc = TantivyDocument::new();
        doc.add_text(self.fields.kind, FILE);
        doc.add_text(self.fields.id, key);
        doc.add_text(self.fields.path, &record.path);
        doc.add_text(self.fields.record, serde_json::to_string(&record)?);
        self.writer.add_document(doc).context("could not write the index")?;
        Ok(())
    }

    fn embed_all(&self, work: &Receiver<Question>) {
        for first in work {
            if self.failure.get().is_some() {
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

    /// A question and as many of those that wait as the model wants together, with their chunks.
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

    /// The chunks of a question that get a vector.
    fn chunks(&self, question: &Question) -> Vec<Chunk> {
        let Some(Embedding { embedder, .. }) = self.embedding else {
            return Vec::new();
        };
        chunks(question, |text| embedder.count_tokens(text), embedder.model().window)
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
            self.writer.add_document(document(&self.fields, question, &rows)?)?;
        }
        Ok(())
    }

    fn problem(&self, path: &Path, line: Option<u64>, reason: String) {
        self.summary().problems += 1;
        (self.build.problems)(&Problem { path: path.to_owned(), line, reason });
    }

    fn summary(&self) -> std::sync::MutexGuard<'_, Summary> {
        self.summary.lock().expect("no thread panicked")
    }
}

/// Twelve hexadecimal digits from file and key, or file and title; the nth of one name in a file
/// has another.
fn id_of(source: &Source, question: &Question, same_name: &mut HashMap<u64, u32>) -> String {
    let name = question.key.clone().unwrap_or_else(|| title_key(&question.title));
    let nth = same_name.entry(xxh3_64(name.as_bytes())).or_default();
    let id = xxh3_64(format!("{}\0{name}\0{nth}", source.path).as_bytes());
    *nth += 1;
    format!("{:012x}", id >> 16)
}

fn question_hash(question: &Question) -> u64 {
    xxh3_64(serde_json::to_string(question).expect("a question is plain data").as_bytes())
}

/// The hash of a file's content, and of the version that reads it: another one may find more in it.
fn hash_file(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut hasher = Xxh3Default::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
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
