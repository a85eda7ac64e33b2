//! The index: questions as tantivy documents, with their vectors in the same segments.

mod bm25;
mod build;
mod builtin;
#[cfg(any(test, feature = "milvus"))]
mod candidates;
pub mod check;
#[cfg(feature = "milvus")]
mod cluster;
mod codes;
mod commit;
mod commit_file;
#[cfg(feature = "milvus")]
mod copy;
#[cfg(any(test, feature = "milvus"))]
mod corpus_counts;
mod cosine_scale;
mod damage;
#[cfg(any(test, feature = "milvus"))]
mod dictionary;
mod document;
#[cfg(any(test, feature = "milvus"))]
mod field_words;
mod greatest;
mod lock;
mod merge;
mod newest;
mod phrasings;
mod read_only;
mod repair;
mod schema;
mod snapshot;
mod space;
mod statistics;
mod stats;
mod store;
mod stored_path;
mod tuning;
mod union;
mod vectors;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tantivy::collector::{Count, DocSetCollector, TopDocs};
use tantivy::directory::error::OpenReadError;
use tantivy::directory::{META_LOCK, RamDirectory};
use tantivy::query::TermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocSet, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term};
use xxhash_rust::xxh3::xxh3_64;

use crate::analyze::{self, Analyzer, Language};
use crate::curation::Curation;
use crate::embed::{Embedder, ModelInfo};
use crate::logistic::Scaling;
use crate::question::{Question, Source};
use crate::read;
use crate::regular_file::is_irregular;
use crate::worker_threads;
use read_only::ReadOnly;
use schema::FILE;
use union::{Member, Union};

pub use crate::read::Options as ReadOptions;
pub(crate) use crate::read::{date_span, year};
pub(crate) use bm25::{FIELDS, FieldWeights, K1, saturated};
#[cfg(feature = "milvus")]
pub use build::finish_shards;
pub use build::{
    AUTO, Build, ContentHashes, Counts, FileSummary, Missing, Preview, Problem, Progress, STDIN, Shard,
    Summary,
};
#[cfg(any(test, feature = "milvus"))]
pub(crate) use candidates::title_hash;
#[cfg(any(test, feature = "milvus"))]
pub(crate) use candidates::{CandidateDocument, Candidates};
#[cfg(feature = "milvus")]
use cluster::Cluster;
#[cfg(feature = "milvus")]
pub use cluster::ClusterAway;
#[cfg(feature = "milvus")]
pub(crate) use cluster::Found;
#[cfg(feature = "milvus")]
pub use copy::copy;
#[cfg(test)]
pub(crate) use corpus_counts::CorpusCounts;
pub use cosine_scale::CosineScale;
pub use damage::guarded;
pub(crate) use damage::{is_panic_caught, panics_caught};
pub(crate) use document::{readable_chunks, reversed};
#[cfg(test)]
pub(crate) use field_words::FieldWords;
#[cfg(any(test, feature = "milvus"))]
pub(crate) use field_words::term_hash;
pub(crate) use greatest::{Greatest, Threshold};
pub use lock::Busy;
pub use merge::merge_segments;
pub use phrasings::Centre;
pub use repair::Repaired;
pub(crate) use schema::{DATE, SCORE};
pub use schema::{Fields, QUESTION};
pub use snapshot::{Contents, restore_snapshot, write_snapshot};
pub use space::{Centred, Space, unrelated_cosine};
pub(crate) use statistics::{Statistics, WordCounts};
pub use stats::{LanguageStats, Stats};
use store::Local;
pub(crate) use store::Store;
pub use stored_path::WRITTEN;
pub(crate) use stored_path::path_of;
pub use tuning::{Tuning, store_calibration, update_tuning};
#[cfg(any(test, feature = "milvus"))]
pub(crate) use vectors::Row;
pub use vectors::{Near, Quantized, RowView, Vectors};
pub(crate) use write::Prepared;
pub use write::{Change, Commit, Effect, LONGEST_KEY, Refused, WriteError, Written};

/// The version of the format of the commit payload and the records.
pub const FORMAT: u32 = 3;

/// The default name of an index directory. It is created in the directory that is indexed.
pub const FOLDER: &str = ".rqsearch";

/// The number of uncompressed blocks of records that are cached for each segment. A block has 16 KiB or one record.
const CACHED_BLOCKS: usize = 100;

/// The shortest prefix of an id that [`Index::find`] accepts.
const SHORTEST_ID: usize = 4;

/// Metadata of an index. It is stored in the commit payload, so it always matches the committed questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The [`FORMAT`] of the version that wrote the index.
    pub format: u32,
    /// The [`VERSION`](crate::analyze::VERSION) of the analysis of the words. 1 in indexes that do not say.
    #[serde(default = "first_analysis")]
    pub analysis: u32,
    /// The model that computed the vectors; `None` in an index without vectors (keywords only).
    pub model: Option<ModelInfo>,
    /// Weight of the semantic retriever in the fused score, 0 to 1, tuned on the corpus itself; `None` if it
    /// was never tuned.
    pub semantic_weight: Option<f32>,
    /// See [`CosineScale`]; `None` for the built-in model, and if it was never measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f32>,
    /// The number of questions in the index when the weight was tuned.
    pub tuned_on: u64,
    /// Converts the confidence of a hit to a probability; `None` if the index was not calibrated on judged phrases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Scaling>,
    /// The files and directories that were indexed. Paths below the parent of the index directory are stored
    /// relative to it, other paths are absolute. [`STDIN`] is standard input, and
    /// addresses of pages and sitemaps are stored as they are.
    pub roots: Vec<String>,
    /// How to read the files of a root, if not by detection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reading: BTreeMap<String, read::Options>,
}

impl Meta {
    /// Metadata of a new index.
    fn new(model: Option<ModelInfo>) -> Self {
        Self {
            format: FORMAT,
            analysis: analyze::VERSION,
            model,
            semantic_weight: None,
            spread: None,
            tuned_on: 0,
            calibration: None,
            roots: Vec::new(),
            reading: BTreeMap::new(),
        }
    }
}

/// The version of the analysis before it was stored.
fn first_analysis() -> u32 {
    1
}

/// What needs all questions of an index at once, so that an index in a cluster must be copied for it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedsCopy {
    /// What was asked for, as the subject of a sentence.
    pub what: &'static str,
    /// The address of the index.
    pub address: PathBuf,
}

impl NeedsCopy {
    /// Refuses the address of an index in a cluster.
    ///
    /// # Errors
    /// `name` is one.
    pub fn ensure_directory(name: &Path, what: &'static str) -> Result<(), Self> {
        if is_cluster_address(name) { Err(Self { what, address: name.to_owned() }) } else { Ok(()) }
    }
}

impl fmt::Display for NeedsCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, address) = (self.what, self.address.display());
        write!(
            f,
            "{what} is not supported with an index in a cluster yet\n  \
             hint: `rqsearch copy {address} DIR` copies it to a directory, for which it is"
        )
    }
}

impl std::error::Error for NeedsCopy {}

/// Whether the name of an index is the address of one in a cluster, and not a directory.
pub fn is_cluster_address(name: &Path) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("milvus://") || name.starts_with("milvuss://"))
}

/// The error of a program without the client of the cluster.
#[cfg(not(feature = "milvus"))]
fn no_cluster(address: &Path) -> OpenError {
    let source = anyhow::anyhow!(
        "this program was built without the feature `milvus`\n  \
         hint: install a release, or build with `cargo install rqsearch --features milvus`"
    );
    OpenError::Cluster { address: address.to_owned(), source }
}

/// How often [`Index::open`] reads the last commit if a file of it is missing.
const OPEN_ATTEMPTS: u32 = 8;

fn is_file_gone(error: &TantivyError) -> bool {
    matches!(error, TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_)))
}

/// Why an index cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The directory does not contain an index.
    Missing {
        /// The path that was opened.
        dir: PathBuf,
    },
    /// The directory contains something other than an rqsearch index.
    Foreign {
        /// The path that was opened.
        dir: PathBuf,
    },
    /// The index has a format that this version does not read.
    Format {
        /// The index directory.
        dir: PathBuf,
        /// The format of the index.
        found: u32,
    },
    /// The words of the index were analyzed by another version, so the words of a phrase would not match
    /// them.
    Analysis {
        /// The index directory.
        dir: PathBuf,
        /// The version of the analysis in the index.
        found: u32,
    },
    /// The same index was named twice among several.
    Twice {
        /// The index directory.
        dir: PathBuf,
    },
    /// Several indexes cannot be searched together, because their models differ. The name of a model is `None` for an
    /// index without vectors.
    Models {
        /// An index directory and the name of its model.
        first: (PathBuf, Option<String>),
        /// Another one.
        second: (PathBuf, Option<String>),
    },
    /// The index is in a cluster and cannot be opened, or this program cannot open any index in a cluster.
    Cluster {
        /// The address.
        address: PathBuf,
        /// The reason: `ClusterAway` if the cluster does not answer.
        source: anyhow::Error,
    },
    /// The index is damaged or cannot be read.
    Broken {
        /// The index directory.
        dir: PathBuf,
        /// The error from tantivy.
        source: TantivyError,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { dir } => write!(
                f,
                "no index in {}\n  hint: create one with `rqsearch index --index {} PATH…`",
                dir.display(),
                dir.display()
            ),
            Self::Foreign { dir } => write!(
                f,
                "{} is not an rqsearch index\n  \
                 hint: pass a directory that `rqsearch index` created, with --index",
                dir.display()
            ),
            Self::Format { dir, found } => write!(
                f,
                "index format {found} in {} is not readable by this version (reads {FORMAT})\n  \
                 hint: remove the directory and rebuild the index with `rqsearch index`",
                dir.display()
            ),
            Self::Analysis { dir, found } => write!(
                f,
                "the words of the index in {} were analyzed by version {found} of the analysis, and this \
                 program uses version {}\n  \
                 hint: remove the directory and rebuild the index with `rqsearch index`",
                dir.display(),
                analyze::VERSION
            ),
            Self::Twice { dir } => {
                write!(f, "the index in {} is named twice\n  hint: name each index once", dir.display())
            }
            Self::Models { first, second } => {
                let has = |(dir, model): &(PathBuf, Option<String>)| match model {
                    Some(model) => format!("the index in {} has vectors of {model}", dir.display()),
                    None => format!("the index in {} has keywords only", dir.display()),
                };
                write!(
                    f,
                    "indexes with different models cannot be searched together: {}, and {}\n  \
                     hint: `rqsearch index --index {} --model MODEL` changes the model of an index",
                    has(first),
                    has(second),
                    second.0.display()
                )
            }
            Self::Cluster { address, source } => {
                let text = format!("{source:#}");
                match text.contains(&address.display().to_string()) {
                    true => f.write_str(&text),
                    false => write!(f, "cannot open {}: {text}", address.display()),
                }
            }
            Self::Broken { dir, source } => write!(
                f,
                "the index in {} cannot be read: {source}\n  \
                 hint: `rqsearch check` names the damaged files, and `rqsearch check --repair` reads the lost \
                 questions from their sources again",
                dir.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// A snapshot of an index at one commit, open for searching.
///
/// Later commits are not visible. Open the index again to see them.
#[derive(Clone)]
pub struct Index {
    store: Store,
    vectors: Arc<[Vectors]>,
    fields: Fields,
    meta: Meta,
    dir: PathBuf,
    centre: Arc<OnceLock<Centre>>,
    space: Arc<OnceLock<Space>>,
    statistics: Arc<OnceLock<Statistics>>,
    languages: Arc<[Language]>,
    curation: Arc<Curation>,
    /// The indexes that this one consists of. Empty for a single one.
    members: Arc<[Member]>,
    #[cfg(feature = "milvus")]
    cluster: Option<Arc<Cluster>>,
}

impl Index {
    /// Opens the last commit of the index in a directory, or in a cluster (`milvus://HOST:PORT/COLLECTION`).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        if is_cluster_address(dir) {
            #[cfg(feature = "milvus")]
            return Self::open_cluster(dir);
            #[cfg(not(feature = "milvus"))]
            return Err(no_cluster(dir));
        }
        ensure_commit(dir)?;
        Self::open_again(|| Self::open_last_commit(dir))
    }

    /// Opens the last commits of the indexes in several directories as one index. A search ranks the questions of all as
    /// one index with all questions would: nothing is copied, but all statistics are those of all questions.
    /// [`member`](Self::member) tells which index a question is from. With one directory, this is [`open`](Self::open).
    ///
    /// The indexes must have the same model. Their weights of semantic search are averaged, and none is calibrated.
    ///
    /// # Errors
    /// See [`OpenError`].
    ///
    /// # Panics
    /// There is no directory.
    pub fn open_several(dirs: &[PathBuf]) -> Result<Self, OpenError> {
        assert!(!dirs.is_empty(), "an index has a directory");
        if let [only] = dirs {
            return Self::open(only);
        }
        if let Some(address) = dirs.iter().find(|dir| is_cluster_address(dir)) {
            let needs_copy = NeedsCopy { what: "a search of several indexes", address: address.clone() };
            return Err(OpenError::Cluster { address: address.clone(), source: needs_copy.into() });
        }
        let names: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
        Self::open_again(|| {
            let (union, members) = Union::open(dirs)?;
            let index = Self::open_directory(union, Path::new(&names.join(", ")))?;
            Ok(Self { members: members.into(), ..index })
        })
    }

    /// Tries again if a file is missing.
    fn open_again(open: impl Fn() -> Result<Self, OpenError>) -> Result<Self, OpenError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match open() {
                // Another process has committed and deleted the files of the commit that was read.
                Err(OpenError::Broken { source, .. })
                    if is_file_gone(&source) && attempts < OPEN_ATTEMPTS =>
                {
                    thread::sleep(Duration::from_millis(5));
                }
                result => return result,
            }
        }
    }

    fn open_last_commit(dir: &Path) -> Result<Self, OpenError> {
        let broken = |source| OpenError::Broken { dir: dir.to_owned(), source };
        let directory = ReadOnly::open(dir).map_err(|error| broken(error.into()))?;
        let lock = dir.join(&META_LOCK.filepath);
        if is_irregular(&lock) {
            let error = io::Error::other(format!("{} is not a regular file; remove it", lock.display()));
            return Err(broken(error.into()));
        }
        Self::open_directory(directory, dir)
    }

    /// Opens the last commit of the index in a tantivy directory; `dir` names it in messages.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_directory(directory: impl tantivy::Directory, dir: &Path) -> Result<Self, OpenError> {
        let broken = |source| OpenError::Broken { dir: dir.to_owned(), source };
        let index = tantivy::Index::open(directory).map_err(broken)?;
        let meta = read_meta(&index, dir)?;
        let index = prepare(index, &meta);
        let (_, fields) = schema::schema();
        // Tantivy verifies the footer of every file here. It panics on some damage inside the files.
        let open = || -> tantivy::Result<_> {
            let reader = index
                .reader_builder()
                .reload_policy(ReloadPolicy::Manual)
                .num_warming_threads(0)
                .try_into()?;
            let searcher = reader.searcher();
            let vectors = vectors::open_all(&searcher, dimensions(&meta))?;
            let segments = searcher.segment_readers().iter();
            let stores =
                segments.map(|segment| segment.get_store_reader(CACHED_BLOCKS)).collect::<io::Result<_>>()?;
            let languages = languages(&searcher, fields.language)?;
            Ok((searcher, stores, vectors, languages))
        };
        let (searcher, stores, vectors, languages) = damage::caught(open).map_err(broken)?;
        let dir = dir.to_owned();
        Ok(Self {
            store: Store::Local(Local::new(searcher, stores)),
            vectors,
            fields,
            meta,
            dir,
            centre: Arc::default(),
            space: Arc::default(),
            statistics: Arc::default(),
            languages,
            curation: Arc::default(),
            members: Arc::default(),
            #[cfg(feature = "milvus")]
            cluster: None,
        })
    }

    /// The same commit with synonyms and pins, which searches of it use. An index that is opened has none:
    /// [`CurationFiles`](crate::curation::CurationFiles) reads them.
    pub fn with_curation(self, curation: impl Into<Arc<Curation>>) -> Self {
        Self { curation: curation.into(), ..self }
    }

    /// The synonyms and pins that searches use.
    pub fn curation(&self) -> &Arc<Curation> {
        &self.curation
    }

    /// Builds an index in memory from the given questions. Ids and sources are stored as they are, not filled
    /// in. Without an embedder the index has no vectors (keywords only).
    ///
    /// # Errors
    /// The model fails.
    pub fn in_memory(questions: &[Question], embedder: Option<&dyn Embedder>) -> anyhow::Result<Self> {
        const BUDGET: usize = 64 << 20;
        let meta = Meta::new(embedder.map(|embedder| embedder.model().clone()));
        let directory = RamDirectory::create();
        let index = create(directory.clone(), &meta)?;
        let (_, fields) = schema::schema();
        // One thread keeps the documents in the order of the questions.
        let mut writer: IndexWriter = index.writer_with_num_threads(1, BUDGET)?;
        let embed = |question: &Question| match embedder {
            Some(embedder) => document::rows(question, embedder),
            None => Ok(Vec::new()),
        };
        let rows: Vec<_> =
            worker_threads::map(questions, embed).into_iter().collect::<anyhow::Result<_>>()?;
        for (question, rows) in questions.iter().zip(rows) {
            writer.add_document(document::document(&fields, question, &rows)?)?;
        }
        commit::commit(&mut writer, &meta)?;
        writer.wait_merging_threads()?;
        Ok(Self::open_directory(directory, Path::new("(memory)"))?)
    }

    /// The metadata of this commit.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Changes the semantic weight and the spread (see [`CosineScale`]) of this snapshot. The index on disk
    /// does not change.
    pub fn set_tuning(&mut self, semantic_weight: f32, spread: Option<f32>) {
        self.meta.semantic_weight = Some(semantic_weight);
        self.meta.spread = spread;
    }

    /// The scale of the model's cosines.
    pub fn scale(&self) -> CosineScale {
        self.meta.spread.map_or(CosineScale::BUILTIN, CosineScale::new)
    }

    /// The files and directories that were indexed, as absolute paths, and the addresses of pages. Standard input is not one of them, since it cannot
    /// be read again.
    ///
    /// # Errors
    /// The current directory no longer exists.
    pub fn roots(&self) -> anyhow::Result<Vec<PathBuf>> {
        absolute_roots(&self.meta, &self.dir)
    }

    /// The absolute path of the file that contains a question. The file may not exist: it may have been
    /// deleted, and the files of the built-in index are not on disk.
    ///
    /// # Errors
    /// The current directory no longer exists.
    pub fn file(&self, source: &Source) -> anyhow::Result<PathBuf> {
        Ok(stored_path::base_of(&self.dir)?.join(stored_path::path_of(&source.path)))
    }

    /// The index that a question is from, if this one [consists of several](Self::open_several): its directory, as it was
    /// given.
    pub fn member(&self, address: DocAddress) -> Option<&Path> {
        let segment = address.segment_ord as usize;
        let member = self.members.iter().find(|member| member.segments.contains(&segment))?;
        Some(&member.dir)
    }

    /// The directories of the indexes that this one [consists of](Self::open_several). Empty for a single index.
    pub fn members(&self) -> impl Iterator<Item = &Path> {
        self.members.iter().map(|member| member.dir.as_path())
    }

    /// The index directory. For several indexes, their directories, separated by commas.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What stores the questions.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The questions in tantivy segments.
    ///
    /// # Errors
    /// They are stored elsewhere.
    fn local(&self) -> tantivy::Result<&Local> {
        match &self.store {
            Store::Local(local) => Ok(local),
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(_) => Err(TantivyError::InvalidArgument(format!(
                "the questions of {} are not stored on this machine",
                self.dir.display()
            ))),
        }
    }

    /// The tantivy searcher of the commit.
    ///
    /// # Errors
    /// The questions are not stored in tantivy segments.
    pub fn searcher(&self) -> tantivy::Result<&Searcher> {
        self.local().map(Local::searcher)
    }

    /// The documents that were not deleted, in the order of the index.
    pub(crate) fn documents(&self) -> impl Iterator<Item = DocAddress> + '_ {
        (0..).zip(self.vectors()).flat_map(move |(ord, vectors)| {
            let documents = (0..vectors.document_count()).map(move |doc| DocAddress::new(ord, doc));
            documents.filter(|address| self.is_alive(*address))
        })
    }

    /// Whether a document was not deleted.
    pub(crate) fn is_alive(&self, address: DocAddress) -> bool {
        match &self.store {
            Store::Local(local) => {
                !local.searcher().segment_reader(address.segment_ord).is_deleted(address.doc_id)
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(_) => true,
        }
    }

    /// The fields of the documents.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The vectors, one component per segment, in the order of the searcher's segments.
    pub fn vectors(&self) -> &[Vectors] {
        &self.vectors
    }

    /// The space of the vectors, which search compares them in. It is computed on first use.
    pub fn space(&self) -> &Space {
        self.space.get_or_init(|| {
            let mut alive: Vec<Vec<usize>> = vec![Vec::new(); self.vectors.len()];
            for address in self.documents() {
                let segment = address.segment_ord as usize;
                alive[segment].extend(self.vectors[segment].rows_of(address.doc_id));
            }
            Space::new(&self.vectors, &alive)
        })
    }

    /// The languages of the questions, in the order of [`Language`]. A language whose last question was
    /// deleted can remain for some time.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// The language that a question was analyzed in. `None` if the document is not a question.
    pub(crate) fn language_of(&self, address: DocAddress) -> tantivy::Result<Option<Language>> {
        if let [language] = *self.languages {
            return Ok(Some(language));
        }
        #[cfg(any(test, feature = "milvus"))]
        if let Store::Candidates(candidates) = &self.store {
            return Ok(Some(candidates.documents()[address.doc_id as usize].language));
        }
        let segment =
            self.searcher()?.segment_reader(address.segment_ord).inverted_index(self.fields.language)?;
        for language in self.languages.iter() {
            let term = Term::from_field_text(self.fields.language, language.code());
            if let Some(mut questions) = segment.read_postings(&term, IndexRecordOption::Basic)?
                && (questions.doc() == address.doc_id
                    || questions.doc() < address.doc_id && questions.seek(address.doc_id) == address.doc_id)
            {
                return Ok(Some(*language));
            }
        }
        Ok(None)
    }

    /// The number of questions in the index.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn question_count(&self) -> anyhow::Result<u64> {
        match &self.store {
            Store::Local(local) => Ok(count_questions(local.searcher(), &self.fields)?),
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.corpus().questions),
        }
    }

    /// Reads the question of a document.
    ///
    /// # Errors
    /// The document store is damaged, or the document is not a question.
    pub fn question(&self, address: DocAddress) -> anyhow::Result<Question> {
        match &self.store {
            Store::Local(_) => parse_question(&self.record(address)?),
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.question(address.doc_id)?.clone()),
        }
    }

    /// The vectors of a question.
    #[cfg(any(test, feature = "milvus"))]
    pub(crate) fn rows(&self, address: DocAddress) -> Vec<Row> {
        let vectors = &self.vectors()[address.segment_ord as usize];
        let row =
            |row| Row { hash: vectors.hash(row), passage: vectors.passage(row), vector: vectors.row(row) };
        vectors.rows_of(address.doc_id).map(row).collect()
    }

    /// Says that the questions of some documents will be needed. Questions on another machine are read at once.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) fn prepare(&self, addresses: impl IntoIterator<Item = DocAddress>) -> anyhow::Result<()> {
        match &self.store {
            Store::Local(_) => {
                drop(addresses);
                Ok(())
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => {
                candidates.prepare(addresses.into_iter().map(|address| address.doc_id))
            }
        }
    }

    /// All questions with the addresses of their documents, in no particular order.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn addressed_questions(&self) -> anyhow::Result<Vec<(DocAddress, Question)>> {
        let addresses = self.question_addresses()?;
        addresses.into_iter().map(|address| Ok((address, self.question(address)?))).collect()
    }

    /// The documents of all questions, in no particular order.
    fn question_addresses(&self) -> anyhow::Result<HashSet<DocAddress>> {
        let query =
            TermQuery::new(Term::from_field_text(self.fields.kind, QUESTION), IndexRecordOption::Basic);
        Ok(self.searcher()?.search(&query, &DocSetCollector)?)
    }

    /// Refuses an index in a cluster.
    ///
    /// # Errors
    /// [`NeedsCopy`].
    pub(crate) fn ensure_on_this_machine(&self, what: &'static str) -> Result<(), NeedsCopy> {
        #[cfg(feature = "milvus")]
        if self.cluster.is_some() {
            return Err(NeedsCopy { what, address: self.dir.clone() });
        }
        let _ = what;
        Ok(())
    }

    /// The same index on this machine: a copy in memory if it is in a cluster. What needs all questions reads this.
    ///
    /// # Errors
    /// The cluster does not answer, or a question is damaged.
    pub fn on_this_machine(self) -> anyhow::Result<Self> {
        #[cfg(feature = "milvus")]
        if self.cluster.is_some() {
            return copy::copy_in_memory(&self);
        }
        Ok(self)
    }

    /// All questions, ordered by source and line.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn questions(&self) -> anyhow::Result<Vec<Question>> {
        #[cfg(feature = "milvus")]
        let mut questions = match &self.cluster {
            Some(cluster) => cluster.questions()?,
            None => self.matching(self.fields.kind, QUESTION)?,
        };
        #[cfg(not(feature = "milvus"))]
        let mut questions = self.matching(self.fields.kind, QUESTION)?;
        questions.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        Ok(questions)
    }

    /// An arbitrary question; `None` if the index is empty.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn any_question(&self) -> anyhow::Result<Option<Question>> {
        #[cfg(feature = "milvus")]
        if let Some(cluster) = &self.cluster {
            return cluster.any_question();
        }
        let query =
            TermQuery::new(Term::from_field_text(self.fields.kind, QUESTION), IndexRecordOption::Basic);
        let first = self.searcher()?.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        first.first().map(|(_, address)| self.question(*address)).transpose()
    }

    /// The questions whose field contains exactly this term, in no particular order.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn matching(&self, field: Field, text: &str) -> anyhow::Result<Vec<Question>> {
        self.records(field, text)?.iter().map(|record| parse_question(record)).collect()
    }

    /// The questions with this id or key, or whose id starts with `id` (at least four hexadecimal digits). A
    /// short prefix can match several questions.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn find(&self, id: &str) -> anyhow::Result<Vec<Question>> {
        self.find_in(id, None)
    }

    /// Like [`find`](Self::find), in one of [several indexes](Self::open_several): the one whose directory is `member`.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn find_in(&self, id: &str, member: Option<&str>) -> anyhow::Result<Vec<Question>> {
        let is_in = |address: &DocAddress| {
            member.is_none_or(|member| {
                self.member(*address).is_some_and(|dir| dir.display().to_string() == member)
            })
        };
        let matching = |field, id: &str| -> anyhow::Result<Vec<Question>> {
            let addresses = self.addresses(field, id)?.into_iter().filter(is_in);
            addresses.map(|address| self.question(address)).collect()
        };
        // Ids with a colon belong to records of files.
        let fields = [(self.fields.id, !id.contains(':')), (self.fields.key, true)];
        #[cfg(feature = "milvus")]
        if let Some(cluster) = &self.cluster {
            return cluster.find_named(id, SHORTEST_ID);
        }
        for (field, _) in fields.into_iter().filter(|(_, applies)| *applies) {
            let found = matching(field, id)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        if id.len() < SHORTEST_ID || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for id in self.ids_with_prefix(&id.to_lowercase())? {
            found.append(&mut matching(self.fields.id, &id)?);
        }
        found.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        Ok(found)
    }

    /// Where the question with exactly this id is. `None` if there is none.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn address(&self, id: &str) -> anyhow::Result<Option<DocAddress>> {
        Ok(self.addresses(self.fields.id, id)?.into_iter().min())
    }

    /// The ids that start with a prefix, also those of deleted questions.
    fn ids_with_prefix(&self, prefix: &str) -> tantivy::Result<BTreeSet<String>> {
        let mut ids = BTreeSet::new();
        for segment in self.searcher()?.segment_readers() {
            let index = segment.inverted_index(self.fields.id)?;
            let mut stream = index.terms().range().ge(prefix).into_stream()?;
            while stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
                ids.extend(std::str::from_utf8(stream.key()).map(str::to_owned));
            }
        }
        Ok(ids)
    }

    /// The number of documents whose field contains exactly this term.
    fn count(&self, field: Field, text: &str) -> tantivy::Result<usize> {
        self.searcher()?
            .search(&TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic), &Count)
    }

    /// The records of all documents whose field contains exactly this term, in no particular order.
    fn records(&self, field: Field, text: &str) -> anyhow::Result<Vec<String>> {
        self.addresses(field, text)?.into_iter().map(|address| self.record(address)).collect()
    }

    /// How many terms the title of a question has, and whether it has alternative titles.
    ///
    /// # Errors
    /// The index is damaged.
    pub(crate) fn title_length(&self, address: DocAddress) -> anyhow::Result<(usize, bool)> {
        match &self.store {
            Store::Local(local) => {
                let segment = local.searcher().segment_reader(address.segment_ord);
                let length = |field| -> tantivy::Result<u32> {
                    Ok(segment.get_fieldnorms_reader(field)?.fieldnorm(address.doc_id))
                };
                Ok((length(self.fields.title)? as usize, length(self.fields.also)? > 0))
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => {
                let document = &candidates.documents()[address.doc_id as usize];
                Ok((document.title_length as usize, document.has_also))
            }
        }
    }

    /// The date of a question in seconds since 1970.
    ///
    /// # Errors
    /// The index is damaged.
    pub(crate) fn date(&self, address: DocAddress) -> anyhow::Result<Option<i64>> {
        match &self.store {
            Store::Local(local) => {
                let columns = local.searcher().segment_reader(address.segment_ord).fast_fields();
                Ok(columns.column_opt::<i64>(DATE)?.and_then(|column| column.first(address.doc_id)))
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.documents()[address.doc_id as usize].date),
        }
    }

    /// The source's rating of a question.
    ///
    /// # Errors
    /// The index is damaged.
    pub(crate) fn rating(&self, address: DocAddress) -> anyhow::Result<Option<f64>> {
        match &self.store {
            Store::Local(local) => {
                let columns = local.searcher().segment_reader(address.segment_ord).fast_fields();
                Ok(columns.column_opt::<f64>(SCORE)?.and_then(|column| column.first(address.doc_id)))
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.documents()[address.doc_id as usize].score),
        }
    }

    /// All documents whose field contains exactly this term, in no particular order.
    fn addresses(&self, field: Field, text: &str) -> tantivy::Result<HashSet<DocAddress>> {
        let query = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
        self.searcher()?.search(&query, &DocSetCollector)
    }

    fn record(&self, address: DocAddress) -> anyhow::Result<String> {
        let bytes = self.local()?.stores()[address.segment_ord as usize]
            .get_document_bytes(address.doc_id)
            .context("could not read a question from the index")?;
        let record = document::stored_record(&bytes).map(str::to_owned);
        record.context("could not read a question from the index: its record is damaged")
    }
}

/// The model and the [roots](Index::roots) of an index, which may have damaged segments.
///
/// # Errors
/// See [`OpenError`].
pub fn read_roots(dir: &Path) -> anyhow::Result<(Option<ModelInfo>, Vec<PathBuf>)> {
    ensure_commit(dir)?;
    let broken = |source| OpenError::Broken { dir: dir.to_owned(), source };
    let directory = ReadOnly::open(dir).map_err(|error| broken(error.into()))?;
    let index = tantivy::Index::open(directory).map_err(broken)?;
    let meta = read_meta(&index, dir)?;
    let roots = absolute_roots(&meta, dir)?;
    Ok((meta.model, roots))
}

fn absolute_roots(meta: &Meta, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let base = stored_path::base_of(dir)?;
    let roots = meta.roots.iter().filter(|root| *root != STDIN);
    let path = |root: &String| {
        if read::is_url(root) { root.into() } else { base.join(stored_path::path_of(root)) }
    };
    Ok(roots.map(path).collect())
}

/// Makes sure that a directory has a commit of an index.
fn ensure_commit(dir: &Path) -> Result<(), OpenError> {
    if dir.join(commit_file::NAME).is_file() {
        return Ok(());
    }
    // What a writer creates before the first commit does not make a directory foreign.
    let is_foreign =
        |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|entry| !lock::is_own_file(&entry.file_name()));
    let occupied = dir.read_dir().is_ok_and(|mut entries| entries.any(is_foreign));
    let is_file = dir.is_file();
    let dir = dir.to_owned();
    Err(if is_file || (occupied && dir.file_name() != Some(FOLDER.as_ref())) {
        OpenError::Foreign { dir }
    } else {
        OpenError::Missing { dir }
    })
}

fn parse_question(record: &str) -> anyhow::Result<Question> {
    serde_json::from_str(record).context("could not read a question from the index")
}

/// The languages in the dictionaries of the segments.
fn languages(searcher: &Searcher, field: Field) -> tantivy::Result<Arc<[Language]>> {
    let mut languages = BTreeSet::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut codes = index.terms().stream()?;
        while codes.advance() {
            languages.extend(std::str::from_utf8(codes.key()).ok().and_then(Language::from_code));
        }
    }
    Ok(languages.into_iter().collect())
}

fn count_questions(searcher: &Searcher, fields: &Fields) -> tantivy::Result<u64> {
    let term = Term::from_field_text(fields.kind, QUESTION);
    Ok(searcher.search(&TermQuery::new(term, IndexRecordOption::Basic), &Count)? as u64)
}

/// The hash that identifies an embedded text.
pub fn text_hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Registers the vector component and the tokenizer, which every use of the index needs.
fn prepare(mut index: tantivy::Index, meta: &Meta) -> tantivy::Index {
    index.register_plugin(plugin(meta));
    with_tokenizer(index)
}

/// Creates an index. The vector component must be registered when the index is created.
fn create(directory: impl Into<Box<dyn tantivy::Directory>>, meta: &Meta) -> tantivy::Result<tantivy::Index> {
    let builder = tantivy::Index::builder().schema(schema::schema().0).register_plugin(plugin(meta));
    builder.open_or_create(directory).map(with_tokenizer)
}

fn plugin(meta: &Meta) -> Arc<vectors::VectorPlugin> {
    Arc::new(vectors::VectorPlugin { dimensions: dimensions(meta) })
}

/// The number of elements of the vectors; 0 in an index without vectors.
fn dimensions(meta: &Meta) -> usize {
    meta.model.as_ref().map_or(0, |model| model.dimensions)
}

fn with_tokenizer(index: tantivy::Index) -> tantivy::Index {
    index.tokenizers().register(Analyzer::NAME, Analyzer);
    index
}

/// Reads the metadata from the last commit.
fn read_meta(index: &tantivy::Index, dir: &Path) -> Result<Meta, OpenError> {
    #[derive(Deserialize)]
    struct AnyFormat {
        format: u32,
        #[serde(default = "first_analysis")]
        analysis: u32,
    }
    let metas = index.load_metas().map_err(|source| OpenError::Broken { dir: dir.to_owned(), source })?;
    let foreign = || OpenError::Foreign { dir: dir.to_owned() };
    let payload = match metas.payload {
        Some(payload) => payload,
        // The index was created, and the process was killed before the first commit.
        None if metas.segments.is_empty() => return Err(OpenError::Missing { dir: dir.to_owned() }),
        None => return Err(foreign()),
    };
    let AnyFormat { format, analysis } = serde_json::from_str(&payload).map_err(|_| foreign())?;
    if format == FORMAT && analysis != analyze::VERSION {
        return Err(OpenError::Analysis { dir: dir.to_owned(), found: analysis });
    }
    if format != FORMAT || metas.schema != schema::schema().0 {
        return Err(OpenError::Format { dir: dir.to_owned(), found: format });
    }
    serde_json::from_str(&payload).map_err(|_| foreign())
}
