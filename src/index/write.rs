//! Questions that programs write into an index. They do not come from files.
//!
//! Their source is [`WRITTEN`](super::WRITTEN), a name that no file has in an index. So an update that reads files never removes them.
//! A change of the model embeds them again, like all other questions.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use tantivy::IndexWriter;
use xxhash_rust::xxh3::xxh3_64;

use super::build::output::{Output, Segments};
use super::build::{Attachments, question_hash};
use super::cluster_address::is_cluster_address;
use super::commit::{self, collect_leftovers, open_to_write};
use super::document::{readable_chunks, text_hash};
use super::lock::{Busy, WriteLock, explain_write};
use super::metadata::ensure_commit;
use super::open_error::OpenError;
use super::quantized::Quantized;
use super::questions::parse_question;
use super::reader::Index;
use super::rows::Row;
use super::stored_path::WRITTEN;
use crate::chunk::Chunk;
use crate::embed::{Embedder, ModelInfo, NotApproved, Role};
use crate::question::{Question, Source};
use crate::worker_threads;

/// The greatest length of the key of a written question, in bytes.
pub const LONGEST_KEY: usize = 200;

/// Memory budget in bytes of the thread that indexes the questions of a commit.
const MEMORY: usize = 32 << 20;

/// A change of the questions that programs write into an index.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds a question, or replaces the one with the same [key](Question::key).
    ///
    /// A key has 1 to [`LONGEST_KEY`] bytes, no control characters, no white space at its ends, and is not `.` or `..`.
    /// A question without a key is identified by its title. [`id`](Question::id) and [`source`](Question::source) are
    /// ignored: the index sets them.
    Put(Box<Question>),
    /// Deletes the written question with this key, or with this id.
    Delete(String),
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The id of the question in the index: twelve hexadecimal digits.
    pub id: String,
    /// The key of the question.
    pub key: Option<String>,
    /// What the change did.
    pub effect: Effect,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The question is new.
    Created,
    /// The question had another content.
    Replaced,
    /// The question was in the index as it is. Nothing was written.
    Unchanged,
    /// The question was deleted.
    Deleted,
}

/// Why a change was not made. The other changes of the same commit were made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The key of the question is not valid.
    #[error("the id is not valid: {reason}")]
    Key {
        /// Why, in lower case without a full stop.
        reason: String,
    },
    /// The question has no title.
    #[error("the question has no title")]
    NoTitle,
    /// No written question has this key or id.
    #[error("no written question has the id {id:?}")]
    NotFound {
        /// The key or id.
        id: String,
    },
    /// The question was read from a file. To change it, change the file.
    #[error("the question {id:?} comes from {source}; change that file instead")]
    FromFile {
        /// The key or id.
        id: String,
        /// Where the question is.
        r#source: Source,
    },
    /// The key of a new question is the id of another question, which would then be hard to find.
    #[error("{key:?} is the id that the index gave to a question from {source}; use another id")]
    Taken {
        /// The key.
        key: String,
        /// The source of the other question.
        r#source: Source,
    },
}

/// Why no change of a commit was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Another process was writing the index for all of the time that the caller would wait.
    #[error(transparent)]
    Busy(Busy),
    /// The index is the built-in one, in memory, or several, and cannot be changed.
    #[error("the built-in index, an index in memory, and several indexes cannot be changed")]
    Fixed,
    /// The index cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The model of the index is at an endpoint that the user has not approved, so new questions cannot be embedded.
    #[error(transparent)]
    NotApproved(NotApproved),
    /// The model of the index was changed at the same time.
    #[error("the model of the index was changed at the same time; try again")]
    ModelChanged,
    /// The model failed, or the index could not be written: for example, the disk is full.
    #[error(transparent)]
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for WriteError {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Busy>() {
            Ok(busy) => Self::Busy(busy),
            Err(error) => Self::Failed(explain_write(error)),
        }
    }
}

/// Changes that are on disk. Other processes can write the index when this is dropped or [finished](Self::finish).
#[must_use]
pub struct Commit {
    /// What became of each change, in their order.
    pub results: Vec<Result<Written, Refused>>,
    /// `None` if nothing was changed.
    writer: Option<IndexWriter>,
}

impl Commit {
    /// Waits until small segments are merged, so that they do not become many.
    ///
    /// # Errors
    /// The segments could not be merged. The changes are on disk nevertheless, and the next commit merges again.
    pub fn finish(self) -> Result<(), WriteError> {
        if let Some(writer) = self.writer {
            // The merge policy of tantivy merges segments of similar size on a thread of its own.
            let merged = writer.wait_merging_threads();
            merged.context("the changes are committed, but segments could not be merged")?;
        }
        Ok(())
    }
}

/// What became of each change.
type MadeChanges = Vec<Result<Written, Refused>>;

/// Changes with the vectors of their questions, ready to be committed.
pub struct Prepared {
    changes: Vec<Result<Step, Refused>>,
    model: Option<ModelInfo>,
}

enum Step {
    Put(Box<Question>, Vec<Row>),
    Delete(String),
}

impl Prepared {
    /// Checks changes and embeds their questions. Texts that `index` has a vector of are not embedded. This does not
    /// need the lock of the index.
    ///
    /// # Errors
    /// The model fails.
    pub fn new(index: &Index, embedder: Option<&dyn Embedder>, changes: &[Change]) -> anyhow::Result<Self> {
        let attachments = Attachments::stored(index)?;
        let put = |question: &Question| -> Result<Step, Refused> {
            let mut question = identified(question)?;
            attachments.attach(&mut question);
            Ok(Step::Put(Box::new(question), Vec::new()))
        };
        let steps = changes.iter().map(|change| match change {
            Change::Put(question) => put(question),
            Change::Delete(id) => Ok(Step::Delete(id.trim().to_owned())),
        });
        let mut prepared = Self { changes: steps.collect(), model: None };
        if let Some(embedder) = embedder {
            prepared.model = Some(embedder.model().clone());
            prepared.embed(index, embedder)?;
        }
        Ok(prepared)
    }

    fn embed(&mut self, index: &Index, embedder: &dyn Embedder) -> anyhow::Result<()> {
        let puts = self.changes.iter_mut().filter_map(|step| match step {
            Ok(Step::Put(question, rows)) => Some((readable_chunks(question, embedder), rows)),
            _ => None,
        });
        let puts: Vec<(Vec<Chunk>, &mut Vec<Row>)> = puts.collect();
        let texts = puts.iter().flat_map(|(chunks, _)| chunks).map(|chunk| chunk.text.as_str());
        let vectors = vectors(index, embedder, &texts.collect::<Vec<_>>())?;
        for (chunks, rows) in puts {
            let row = |chunk: Chunk| {
                let hash = text_hash(&chunk.text);
                Row { hash, passage: chunk.passage, vector: vectors[&hash].clone() }
            };
            *rows = chunks.into_iter().map(row).collect();
        }
        Ok(())
    }

    /// Makes the changes in one commit. Waits at most `wait` for another process that writes the index.
    ///
    /// # Errors
    /// See [`WriteError`]. Nothing was changed then.
    pub fn commit(self, dir: &Path, wait: Duration) -> Result<Commit, WriteError> {
        if is_cluster_address(dir) {
            #[cfg(feature = "milvus")]
            return self.commit_to_cluster(dir, wait);
            #[cfg(not(feature = "milvus"))]
            return Err(OpenError::no_cluster(dir).into());
        }
        ensure_commit(dir)?;
        let lock = WriteLock::take_within(dir, wait)?;
        // From here on no other process changes the index.
        let index = Index::open(dir)?;
        self.ensure_model(&index)?;
        let tantivy = open_to_write(&lock, &index.meta)?;
        let mut writer = commit::writer(&tantivy, 1, MEMORY)?;
        collect_leftovers(&writer, &lock)?;
        let committed = index.searcher().map_err(anyhow::Error::from)?.clone();
        let output = Output::Segments(Segments::new(&writer, index.fields, Some(committed)));
        let (results, has_changes) = self.make(&index, &output)?;
        if !has_changes {
            return Ok(Commit { results, writer: None });
        }
        commit::commit(&mut writer, &index.meta)?;
        Ok(Commit { results, writer: Some(writer) })
    }

    /// The same for an index in a cluster, of which the statistics are written again.
    #[cfg(feature = "milvus")]
    fn commit_to_cluster(self, address: &Path, wait: Duration) -> Result<Commit, WriteError> {
        // A cluster that is away is an error at once, and not after a minute.
        let open = || match Index::open(address) {
            Err(OpenError::Cluster { source, .. }) => Err(WriteError::Failed(source)),
            opened => Ok(opened?),
        };
        self.ensure_model(&open()?)?;
        let writer = super::cluster::Writer::open_within(address, self.model.as_ref(), wait)?;
        let (results, has_changes) = self.make(&open()?, &Output::Cluster(&writer))?;
        match has_changes {
            true => drop(writer.finish()?),
            false => writer.finish_unchanged()?,
        }
        Ok(Commit { results, writer: None })
    }

    fn ensure_model(&self, index: &Index) -> Result<(), WriteError> {
        let is_same = match (&index.meta.model, &self.model) {
            (Some(model), Some(prepared)) => model.is_same(prepared),
            (None, None) => true,
            _ => false,
        };
        if is_same { Ok(()) } else { Err(WriteError::ModelChanged) }
    }

    /// Makes the changes, and returns whether there are any.
    fn make(self, index: &Index, output: &Output<'_>) -> anyhow::Result<(MadeChanges, bool)> {
        let mut questions = Questions { index, output, changed: HashMap::new() };
        let make = |step: Result<Step, Refused>| match step {
            Ok(step) => questions.make(step),
            Err(refused) => Ok(Err(refused)),
        };
        let results = self.changes.into_iter().map(make).collect::<anyhow::Result<Vec<_>>>()?;
        Ok((results, !questions.changed.is_empty()))
    }
}

/// The vectors of texts, by the hashes of the texts: those of the index, else computed by the model.
fn vectors(
    index: &Index,
    embedder: &dyn Embedder,
    texts: &[&str],
) -> anyhow::Result<HashMap<u64, Quantized>> {
    /// How many texts a thread embeds at once.
    const BATCH: usize = 32;
    let needed: HashSet<u64> = texts.iter().map(|text| text_hash(text)).collect();
    let mut vectors = HashMap::new();
    let is_usable = index.meta.model.as_ref().is_some_and(|model| model.is_same(embedder.model()));
    for segment in index.vectors().iter().filter(|_| is_usable) {
        let rows = segment.hashes().enumerate().filter(|(_, hash)| needed.contains(hash));
        vectors.extend(rows.map(|(row, hash)| (hash, segment.row(row))));
    }
    let mut seen = HashSet::new();
    let missing = |text: &&&str| {
        let hash = text_hash(text);
        !vectors.contains_key(&hash) && seen.insert(hash)
    };
    let missing: Vec<&str> = texts.iter().filter(missing).copied().collect();
    let batches: Vec<&[&str]> = missing.chunks(BATCH).collect();
    let embedded = worker_threads::map(&batches, |texts: &&[&str]| embedder.embed_all(texts, Role::Passage));
    for (texts, embedded) in batches.iter().zip(embedded) {
        let embedded = embedded?;
        ensure!(
            embedded.len() == texts.len(),
            "the model returned {} vectors for {} texts",
            embedded.len(),
            texts.len()
        );
        for (text, vector) in texts.iter().zip(embedded) {
            vectors.insert(text_hash(text), Quantized::of(&vector, embedder.model())?);
        }
    }
    Ok(vectors)
}

/// A question in the index, or that the same commit changes.
#[derive(Clone)]
struct Stored {
    hash: u64,
    key: Option<String>,
    source: Source,
}

impl Stored {
    fn is_written(&self) -> bool {
        self.source.path == WRITTEN
    }
}

/// The questions of an index while a commit changes them.
struct Questions<'a> {
    index: &'a Index,
    output: &'a Output<'a>,
    /// The questions that were changed, by id; `None` for a deleted one.
    changed: HashMap<String, Option<Stored>>,
}

impl Questions<'_> {
    fn make(&mut self, step: Step) -> anyhow::Result<Result<Written, Refused>> {
        match step {
            Step::Put(question, rows) => self.put(*question, rows),
            Step::Delete(id) => self.delete(&id),
        }
    }

    fn put(&mut self, question: Question, rows: Vec<Row>) -> anyhow::Result<Result<Written, Refused>> {
        if let Some(key) = &question.key
            && let Some(other) = self.find(key)?
        {
            return Ok(Err(Refused::Taken { key: key.clone(), source: other.source }));
        }
        let hash = question_hash(&question);
        let effect = match self.find(&question.id)? {
            None => Effect::Created,
            Some(stored) if stored.hash == hash => Effect::Unchanged,
            Some(_) => Effect::Replaced,
        };
        let Question { id, key, source, .. } = &question;
        if effect != Effect::Unchanged {
            self.output.replace(id);
            self.output.add(&question, rows)?;
            let stored = Stored { hash, key: key.clone(), source: source.clone() };
            self.changed.insert(id.clone(), Some(stored));
        }
        Ok(Ok(Written { id: id.clone(), key: key.clone(), effect }))
    }

    fn delete(&mut self, name: &str) -> anyhow::Result<Result<Written, Refused>> {
        for id in [id_of(Some(name), ""), name.to_owned()] {
            match self.find(&id)? {
                Some(stored) if stored.is_written() => {
                    self.output.remove(&id);
                    self.changed.insert(id.clone(), None);
                    return Ok(Ok(Written { id, key: stored.key, effect: Effect::Deleted }));
                }
                Some(Stored { source, .. }) => {
                    return Ok(Err(Refused::FromFile { id: name.to_owned(), source }));
                }
                None => {}
            }
        }
        let with_key = self.index.with_key(name)?;
        let from_file = with_key.into_iter().find(|question| question.source.path != WRITTEN);
        let id = name.to_owned();
        Ok(Err(match from_file {
            Some(Question { source, .. }) => Refused::FromFile { id, source },
            None => Refused::NotFound { id },
        }))
    }

    /// The question with exactly this id.
    fn find(&self, id: &str) -> anyhow::Result<Option<Stored>> {
        if let Some(changed) = self.changed.get(id) {
            return Ok(changed.clone());
        }
        // Other ids are those of the records of files.
        if id.len() != ID_DIGITS || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let Some(record) = self.index.record_of(id)? else { return Ok(None) };
        let Question { key, source, .. } = parse_question(&record)?;
        Ok(Some(Stored { hash: xxh3_64(record.as_bytes()), key, source }))
    }
}

/// The number of hexadecimal digits of the id of a question.
const ID_DIGITS: usize = 12;

/// The id of a written question: a hash of its key, or else of its title.
pub fn id_of(key: Option<&str>, title: &str) -> String {
    let name = match key {
        Some(key) => format!("{WRITTEN}\0{key}"),
        // No key has a control character.
        None => format!("{WRITTEN}\0\0{title}"),
    };
    format!("{:012x}", xxh3_64(name.as_bytes()) >> 16)
}

/// The question with its id and its source.
fn identified(question: &Question) -> Result<Question, Refused> {
    let title = question.title.trim();
    if title.is_empty() || title.contains(char::is_control) {
        return Err(Refused::NoTitle);
    }
    if let Some(reason) = question.key.as_deref().and_then(invalid_key) {
        return Err(Refused::Key { reason });
    }
    Ok(Question {
        id: id_of(question.key.as_deref(), title),
        title: title.to_owned(),
        source: Source { path: WRITTEN.to_owned(), line: 0 },
        attached: 0,
        ..question.clone()
    })
}

/// Why a text cannot be the key of a written question, if it cannot; see [`Change::Put`].
pub fn invalid_key(key: &str) -> Option<String> {
    let reason = match key {
        "" => "it is empty",
        "." | ".." => "`.` and `..` have a meaning in addresses",
        _ if key.trim().len() < key.len() => "it begins or ends with white space",
        _ if key.contains(char::is_control) => "it has a control character",
        _ if key.len() > LONGEST_KEY => {
            return Some(format!("it has {} bytes; the limit is {LONGEST_KEY}", key.len()));
        }
        _ => return None,
    };
    Some(reason.to_owned())
}
