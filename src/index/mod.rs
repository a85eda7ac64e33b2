//! An index: tantivy documents that are questions, with their vectors in the same segments.

mod build;
mod builtin;
mod cosine_scale;
mod document;
mod phrasings;
mod read_only;
mod schema;
mod stats;
mod vectors;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tantivy::collector::{Count, DocSetCollector, TopDocs};
use tantivy::directory::RamDirectory;
use tantivy::query::TermQuery;
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{DocAddress, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};
use xxhash_rust::xxh3::xxh3_64;

use crate::analyze::Analyzer;
use crate::embed::{Embedder, ModelInfo};
use crate::question::{Question, Source};
use crate::worker_threads;
use schema::FILE;

pub use build::{Build, Counts, FileSummary, Problem, Progress, Summary, set_meta};
pub use cosine_scale::CosineScale;
pub use phrasings::Centre;
pub use schema::{Fields, QUESTION};
pub use stats::Stats;
pub use vectors::{Near, Quantized, RowView, Vectors};

/// The format of what is in the commit payload and in the records.
pub const FORMAT: u32 = 1;

/// Where an index lies when nobody says otherwise: in the folder it makes searchable.
pub const FOLDER: &str = ".rqsearch";

/// The shortest beginning of an id that is taken for one.
const SHORTEST_ID: usize = 4;

/// What an index knows of itself: rides in the commit, so that it is as old as what it describes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// [`FORMAT`] of the version that wrote it.
    pub format: u32,
    /// The model that made the vectors; `None` in an index of keywords only.
    pub model: Option<ModelInfo>,
    /// The share of the semantic leg in the fused score, tuned on the corpus itself; `None` where
    /// it was never tuned.
    pub semantic_weight: Option<f32>,
    /// See [`CosineScale`]; `None` for the built-in model, and where it was never measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f32>,
    /// How many questions there were when the weight was tuned.
    pub tuned_on: u64,
    /// The files and folders that were indexed: relative to the folder that holds the index where
    /// they lie below it, else absolute.
    pub roots: Vec<String>,
}

impl Meta {
    /// Of an index that is about to be made.
    fn new(model: Option<ModelInfo>) -> Self {
        Self { format: FORMAT, model, semantic_weight: None, spread: None, tuned_on: 0, roots: Vec::new() }
    }
}

/// Why an index cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Nothing is there.
    Missing {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// Something is there that is not an index of ours.
    Foreign {
        /// Where.
        dir: PathBuf,
    },
    /// Another version of the program wrote it.
    Format {
        /// Where.
        dir: PathBuf,
        /// The format it has.
        found: u32,
    },
    /// It is damaged, or cannot be read.
    Broken {
        /// Where.
        dir: PathBuf,
        /// What tantivy says.
        source: TantivyError,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { dir } => write!(
                f,
                "no index in {}\n  hint: make one with `rqsearch index --index {} PATH…`",
                dir.display(),
                dir.display()
            ),
            Self::Foreign { dir } => write!(
                f,
                "{} holds no index of rqsearch\n  hint: name the folder that `rqsearch index` wrote, with --index",
                dir.display()
            ),
            Self::Format { dir, found } => write!(
                f,
                "index format {found} in {} is not readable by this version (reads {FORMAT})\n  \
                 hint: remove the folder and build it again with `rqsearch index`",
                dir.display()
            ),
            Self::Broken { dir, source } => write!(
                f,
                "the index in {} cannot be read: {source}\n  \
                 hint: if it is damaged, remove the folder and build it again with `rqsearch index`",
                dir.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// An index as one commit left it, open for searching.
///
/// What is committed later is not seen; open it again for that.
#[derive(Clone)]
pub struct Index {
    searcher: Searcher,
    vectors: Arc<[Vectors]>,
    fields: Fields,
    meta: Meta,
    dir: PathBuf,
    centre: Arc<OnceLock<Centre>>,
}

impl Index {
    /// Opens the last commit of the index in a folder.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let owned = || dir.to_owned();
        if !dir.join("meta.json").is_file() {
            let occupied = dir.read_dir().is_ok_and(|mut entries| entries.next().is_some());
            return Err(if occupied && dir.file_name() != Some(FOLDER.as_ref()) {
                OpenError::Foreign { dir: owned() }
            } else {
                OpenError::Missing { dir: owned() }
            });
        }
        let broken = |source| OpenError::Broken { dir: owned(), source };
        let directory = tantivy::directory::MmapDirectory::open(dir)
            .map_err(|err| broken(TantivyError::OpenDirectoryError(err)))?;
        Self::open_directory(read_only::ReadOnly(directory), dir)
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
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .num_warming_threads(0)
            .try_into()
            .map_err(broken)?;
        let searcher = reader.searcher();
        let vectors = vectors::open_all(&searcher).map_err(broken)?;
        let (_, fields) = schema::schema();
        Ok(Self { searcher, vectors, fields, meta, dir: dir.to_owned(), centre: Arc::default() })
    }

    /// An index in memory of some questions that are at hand, as they are: ids and sources are not
    /// filled in. Without a model, of their words only.
    ///
    /// # Errors
    /// The model fails.
    pub fn in_memory(questions: &[Question], embedder: Option<&dyn Embedder>) -> anyhow::Result<Self> {
        const BUDGET: usize = 64 << 20;
        let meta = Meta::new(embedder.map(|embedder| embedder.model().clone()));
        let directory = RamDirectory::create();
        let index = create(directory.clone(), &meta)?;
        let (_, fields) = schema::schema();
        // One thread, so that documents keep the order of the questions.
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
        build::commit(&mut writer, &meta)?;
        writer.wait_merging_threads()?;
        Ok(Self::open_directory(directory, Path::new("(memory)"))?)
    }

    /// What the index knows of itself.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Searches with another share of the semantic leg and another [`CosineScale`] from now on; what is on disk
    /// stays.
    pub fn set_tuning(&mut self, semantic_weight: f32, spread: Option<f32>) {
        self.meta.semantic_weight = Some(semantic_weight);
        self.meta.spread = spread;
    }

    /// What its model's cosines are worth.
    pub fn scale(&self) -> CosineScale {
        self.meta.spread.map_or(CosineScale::BUILTIN, CosineScale::new)
    }

    /// The files and folders that were indexed, as they are found from here.
    ///
    /// # Errors
    /// The index's folder is gone.
    pub fn roots(&self) -> anyhow::Result<Vec<PathBuf>> {
        let base = build::base_of(&self.dir)?;
        Ok(self.meta.roots.iter().map(|root| base.join(root)).collect())
    }

    /// The file that a question stands in, as it is found from here. Whether it is there is another matter:
    /// it may be gone by now, and those of the index inside the program are on nobody's disk.
    ///
    /// # Errors
    /// The folder this runs in is gone.
    pub fn file(&self, source: &Source) -> anyhow::Result<PathBuf> {
        Ok(build::base_of(&self.dir)?.join(&source.path))
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The documents of the commit.
    pub fn searcher(&self) -> &Searcher {
        &self.searcher
    }

    /// The fields of its documents.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The vectors, a component a segment, in the searcher's order.
    pub fn vectors(&self) -> &[Vectors] {
        &self.vectors
    }

    /// How many questions it holds.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn question_count(&self) -> anyhow::Result<u64> {
        Ok(count_questions(&self.searcher, &self.fields)?)
    }

    /// The question a document is.
    ///
    /// # Errors
    /// The document store is damaged, or the document is no question.
    pub fn question(&self, address: DocAddress) -> anyhow::Result<Question> {
        parse_question(&self.record(address)?)
    }

    /// Every question with its document, in no order.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn addressed_questions(&self) -> anyhow::Result<Vec<(DocAddress, Question)>> {
        let query =
            TermQuery::new(Term::from_field_text(self.fields.kind, QUESTION), IndexRecordOption::Basic);
        let addresses = self.searcher.search(&query, &DocSetCollector)?;
        addresses.into_iter().map(|address| Ok((address, self.question(address)?))).collect()
    }

    /// Every question, in order of source and line.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn questions(&self) -> anyhow::Result<Vec<Question>> {
        let mut questions = self.matching(self.fields.kind, QUESTION)?;
        questions.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        Ok(questions)
    }

    /// One question, no matter which; `None` if there is none.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn any_question(&self) -> anyhow::Result<Option<Question>> {
        let query =
            TermQuery::new(Term::from_field_text(self.fields.kind, QUESTION), IndexRecordOption::Basic);
        let first = self.searcher.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        first.first().map(|(_, address)| self.question(*address)).transpose()
    }

    /// The questions whose field holds exactly this term, in no order.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn matching(&self, field: Field, text: &str) -> anyhow::Result<Vec<Question>> {
        self.records(field, text)?.iter().map(|record| parse_question(record)).collect()
    }

    /// The questions with this id or key, or whose id begins like this (four digits at least): one, where
    /// enough of it is named.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn find(&self, id: &str) -> anyhow::Result<Vec<Question>> {
        // Only the record of a file has an id with a colon.
        let fields = [(self.fields.id, !id.contains(':')), (self.fields.key, true)];
        for (field, _) in fields.into_iter().filter(|(_, named_so)| *named_so) {
            let found = self.matching(field, id)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        if id.len() < SHORTEST_ID || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let mut found = self.questions()?;
        found.retain(|question| question.id.starts_with(&id.to_lowercase()));
        Ok(found)
    }

    /// The records of all documents whose field holds exactly this term, in no order.
    fn records(&self, field: Field, text: &str) -> anyhow::Result<Vec<String>> {
        let query = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
        let addresses = self.searcher.search(&query, &DocSetCollector)?;
        addresses.into_iter().map(|address| self.record(address)).collect()
    }

    fn record(&self, address: DocAddress) -> anyhow::Result<String> {
        let doc: TantivyDocument =
            self.searcher.doc(address).context("could not read a question from the index")?;
        let record = doc.get_first(self.fields.record).and_then(|value| value.as_str().map(str::to_owned));
        record.context("could not read a question from the index: it has no record")
    }
}

fn parse_question(record: &str) -> anyhow::Result<Question> {
    serde_json::from_str(record).context("could not read a question from the index")
}

fn count_questions(searcher: &Searcher, fields: &Fields) -> tantivy::Result<u64> {
    let term = Term::from_field_text(fields.kind, QUESTION);
    Ok(searcher.search(&TermQuery::new(term, IndexRecordOption::Basic), &Count)? as u64)
}

/// The hash of a text that was or will be embedded.
pub fn text_hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Registers what every use of a tantivy index of ours needs.
fn prepare(mut index: tantivy::Index, meta: &Meta) -> tantivy::Index {
    index.register_plugin(plugin(meta));
    with_tokenizer(index)
}

/// A new index. A component must be known to an index from its first day.
fn create(directory: impl Into<Box<dyn tantivy::Directory>>, meta: &Meta) -> tantivy::Result<tantivy::Index> {
    let builder = tantivy::Index::builder().schema(schema::schema().0).register_plugin(plugin(meta));
    builder.open_or_create(directory).map(with_tokenizer)
}

fn plugin(meta: &Meta) -> Arc<vectors::VectorPlugin> {
    Arc::new(vectors::VectorPlugin { dimensions: meta.model.as_ref().map_or(0, |model| model.dimensions) })
}

fn with_tokenizer(index: tantivy::Index) -> tantivy::Index {
    index.tokenizers().register(Analyzer::NAME, Analyzer);
    index
}

/// What the last commit says of the index.
fn read_meta(index: &tantivy::Index, dir: &Path) -> Result<Meta, OpenError> {
    #[derive(Deserialize)]
    struct AnyFormat {
        format: u32,
    }
    let metas = index.load_metas().map_err(|source| OpenError::Broken { dir: dir.to_owned(), source })?;
    let foreign = || OpenError::Foreign { dir: dir.to_owned() };
    let payload = match metas.payload {
        Some(payload) => payload,
        // Created, and killed before its first commit.
        None if metas.segments.is_empty() => return Err(OpenError::Missing { dir: dir.to_owned() }),
        None => return Err(foreign()),
    };
    let AnyFormat { format } = serde_json::from_str(&payload).map_err(|_| foreign())?;
    if format != FORMAT || metas.schema != schema::schema().0 {
        return Err(OpenError::Format { dir: dir.to_owned(), found: format });
    }
    serde_json::from_str(&payload).map_err(|_| foreign())
}
