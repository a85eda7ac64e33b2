//! Opens indexes: the last commit of a directory, several directories as one, a cluster, and questions in memory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tantivy::directory::{META_LOCK, RamDirectory};
use tantivy::schema::Field;
use tantivy::{IndexWriter, ReloadPolicy, Searcher, TantivyError};

#[cfg(any(test, feature = "milvus"))]
use super::candidates::{CandidateDocument, Candidates, Corpus, ReadQuestions};
#[cfg(any(test, feature = "milvus"))]
use super::centre::Centre;
use super::cluster_address::{NeedsCopy, is_cluster_address};
use super::commit::commit;
use super::metadata::{Meta, dimensions, ensure_commit, read_meta};
use super::open_error::OpenError;
use super::read_only::ReadOnly;
use super::reader::Index;
#[cfg(any(test, feature = "milvus"))]
use super::space::Space;
#[cfg(any(test, feature = "milvus"))]
use super::statistics::Statistics;
use super::store::{Local, Store};
use super::tantivy_index::{create, prepare};
use super::union::Union;
use super::{damage, document, schema, vectors};
use crate::analyze::Language;
use crate::embed::Embedder;
use crate::question::Question;
use crate::regular_file::is_irregular;
use crate::worker_threads;

/// The number of uncompressed blocks of records that are cached for each segment. A block has 16 KiB or one record.
const CACHED_BLOCKS: usize = 100;

/// How often [`Index::open`] reads the last commit if a file of it is missing.
const OPEN_ATTEMPTS: u32 = 8;

impl Index {
    /// Opens the last commit of the index in a directory, or in a cluster (`milvus://HOST:PORT/COLLECTION`).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        if is_cluster_address(dir) {
            #[cfg(feature = "milvus")]
            return Self::open_cluster(dir, super::cluster::Patience::Search);
            #[cfg(not(feature = "milvus"))]
            return Err(OpenError::no_cluster(dir));
        }
        ensure_commit(dir)?;
        Self::open_again(|| Self::open_last_commit(dir))
    }

    /// Opens the last commit as [`open`](Self::open) does, but waits for a cluster that does not answer, for about a minute.
    /// Use this before or after an update, which waits as well.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_patiently(dir: &Path) -> Result<Self, OpenError> {
        #[cfg(feature = "milvus")]
        if is_cluster_address(dir) {
            return Self::open_cluster(dir, super::cluster::Patience::Write);
        }
        Self::open(dir)
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
        let broken = |source| OpenError::broken(dir, source);
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
        let broken = |source| OpenError::broken(dir, source);
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
        commit(&mut writer, &meta)?;
        writer.wait_merging_threads()?;
        Ok(Self::open_directory(directory, Path::new("(memory)"))?)
    }

    /// An index of the candidates of one search. `name` is that of the index in messages.
    #[cfg(any(test, feature = "milvus"))]
    pub(crate) fn of_candidates(
        meta: Meta,
        name: &Path,
        corpus: Arc<Corpus>,
        documents: Vec<CandidateDocument>,
        read: Box<ReadQuestions>,
    ) -> Self {
        let rows = documents.iter().map(|document| document.rows.as_slice());
        let vectors = vectors::Vectors::in_memory(dimensions(&meta), rows);
        let languages = Arc::clone(&corpus.languages);
        let statistics = Statistics { questions: corpus.questions, mean_lengths: corpus.mean_lengths };
        let (centre, space) =
            (Centre::given(&corpus.centre.0, corpus.centre.1), Space::given(&corpus.mean.0, corpus.mean.1));
        Self {
            curation: Arc::default(),
            members: Arc::default(),
            store: Store::Candidates(Arc::new(Candidates::new(corpus, documents, read))),
            vectors: Arc::new([vectors]),
            fields: schema::schema().1,
            meta,
            dir: name.to_owned(),
            centre: Arc::new(centre.into()),
            space: Arc::new(space.into()),
            statistics: Arc::new(statistics.into()),
            languages,
            #[cfg(feature = "milvus")]
            cluster: None,
        }
    }

    /// The same index on this machine: a copy in memory if it is in a cluster. What needs all questions reads this.
    ///
    /// # Errors
    /// The cluster does not answer, or a question is damaged.
    pub fn on_this_machine(self) -> anyhow::Result<Self> {
        #[cfg(feature = "milvus")]
        if self.cluster.is_some() {
            return super::copy::copy_in_memory(&self);
        }
        Ok(self)
    }
}

fn is_file_gone(error: &TantivyError) -> bool {
    matches!(error, TantivyError::IoError(error) if error.kind() == io::ErrorKind::NotFound)
}

/// The languages in the dictionaries of the segments.
fn languages(searcher: &Searcher, field: Field) -> tantivy::Result<Arc<[Language]>> {
    let mut languages = std::collections::BTreeSet::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut codes = index.terms().stream()?;
        while codes.advance() {
            languages.extend(std::str::from_utf8(codes.key()).ok().and_then(Language::from_code));
        }
    }
    Ok(languages.into_iter().collect())
}
