//! Writes to the cluster.
//!
//! A question is replaced in this order: its texts that are too long for a field, its vectors, its entity, and then what the
//! old one had more. A search reads the entity only, so that it sees the old question or the new one. Questions are removed
//! and files are recorded after all questions were written: a run that is killed is repeated by the next one, which finds
//! what was written by its hash.

mod finish;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::client::Client;
use super::entity::{Entity, vector_key};
use super::keys::{FILE, REMOVED, ROOTS, SHARD_FILE, shard_key};
use super::lease::Lease;
use super::requests::quoted;
use super::schema::{self, ID, PATH};
use super::stored::StoredQuestion;
use super::write_requests::{BATCH, BYTES};
use super::{Address, Cluster};
use crate::embed::ModelInfo;
use crate::hint::hinted;
use crate::index::bm25::FieldWeights;
use crate::index::corpus_counts::CorpusCounts;
use crate::index::field_words::FieldWords;
use crate::index::rows::Row;
use crate::index::{Busy, Meta, OpenError, Shard, Space, dimensions};
use crate::question::Question;

/// The number of questions in the first batch, from which the mean of the corpus is estimated.
const FIRST_BATCH: usize = 2_000;

/// How often a writer that waits for another one tries to take the lease.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Writes an index in a cluster. Any number of threads can add questions.
pub(crate) struct Writer {
    client: Client,
    shard: Option<Shard>,
    lease: Mutex<Option<Lease>>,
    before: Option<Cluster>,
    meta: Mutex<Meta>,
    /// Whether a writer died, so that the statistics lack what it wrote.
    has_died: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pending: Vec<Entity>,
    /// Where each question is among those that wait.
    positions: HashMap<String, usize>,
    bytes: usize,
    /// The mean of vectors and the mean lengths for which vectors and words are stored.
    stored_for: Option<(Vec<f32>, [f32; 3])>,
    /// The changes to the statistics.
    counts: CorpusCounts,
    removed: BTreeSet<String>,
    /// How many questions were sent or removed.
    changed: usize,
    /// The records of files, by path. `None` for a file that was removed.
    files: BTreeMap<String, Option<String>>,
}

impl Writer {
    /// Opens or creates an index for writing.
    ///
    /// # Errors
    /// Another process is writing it; it has another model or another format; those of a request.
    pub fn open(name: &Path, model: Option<&ModelInfo>, shard: Option<Shard>) -> anyhow::Result<Self> {
        let address = Address::parse(name)?;
        let client = Client::connect_patiently(&address)?;
        let mut before = match Cluster::open_with(client.clone(), name) {
            Ok(cluster) => Some(cluster),
            Err(OpenError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut meta =
            before.as_ref().map_or_else(|| Meta::new(model.cloned()), |before| before.meta().clone());
        ensure_model(&meta, model, &address)?;
        meta.model = model.cloned();
        client.create_collections(dimensions(&meta))?;
        let (lease, has_died) = Lease::take(&client, shard)?;
        if before.is_some() {
            // Another writer may have committed before the lease was taken.
            before = Some(Cluster::open_with(client.clone(), name)?);
        }
        let stored_for =
            before.as_ref().map(|before| (before.commit.mean.clone(), before.commit.mean_lengths));
        let state = Mutex::new(State { stored_for, ..State::default() });
        let (lease, meta) = (Mutex::new(Some(lease)), Mutex::new(meta));
        Ok(Self { client, shard, lease, before, meta, has_died, state })
    }

    /// Opens an index for a few changes. Waits at most `wait` for another process that writes it.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_within(name: &Path, model: Option<&ModelInfo>, wait: Duration) -> anyhow::Result<Self> {
        let start = Instant::now();
        loop {
            match Self::open(name, model, None) {
                Err(error) if error.is::<Busy>() && start.elapsed() < wait => thread::sleep(RETRY_INTERVAL),
                result => return result,
            }
        }
    }

    /// Opens an index whose parts several workers have written.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); there is no such index.
    pub fn open_to_finish(name: &Path) -> anyhow::Result<Self> {
        let client = Client::connect(&Address::parse(name)?)?;
        let meta = match Cluster::open_with(client.clone(), name) {
            Ok(cluster) => cluster.meta().clone(),
            Err(error @ OpenError::Missing { .. }) => {
                if !client.has_collection(&schema::parts(client.address()))? {
                    return Err(error.into());
                }
                match client.texts_with_prefix(ROOTS)?.into_values().next() {
                    Some(text) => serde_json::from_str(&text)?,
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        Self::open(name, meta.model.as_ref(), None)
    }

    /// The metadata that the commit will have.
    pub fn meta(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock().expect("no thread panicked")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panicked")
    }

    /// Whether this worker writes a question.
    pub fn has(&self, id: &str) -> bool {
        self.shard.is_none_or(|shard| shard.has(id))
    }

    /// Adds a question, or replaces the one with its id. Waits while a batch is sent.
    ///
    /// # Errors
    /// Those of a request; another process has taken over.
    pub fn add(&self, question: &Question, rows: Vec<Row>) -> anyhow::Result<()> {
        let entity = Entity::new(question, rows)?;
        let mut state = self.state();
        state.removed.remove(&question.id);
        state.bytes += entity.data.len() + entity.record.len();
        // A request must not name a question twice.
        match state.positions.get(&entity.id).copied() {
            Some(at) => state.pending[at] = entity,
            None => {
                let at = state.pending.len();
                state.positions.insert(entity.id.clone(), at);
                state.pending.push(entity);
            }
        }
        let full = if state.stored_for.is_some() { BATCH } else { FIRST_BATCH };
        if state.pending.len() >= full || state.bytes >= BYTES && state.stored_for.is_some() {
            self.send(&mut state)?;
        }
        Ok(())
    }

    /// Removes a question when the writer finishes.
    pub fn remove(&self, id: &str) {
        if self.has(id) {
            self.state().removed.insert(id.to_owned());
        }
    }

    /// Removes a file and its questions when the writer finishes.
    ///
    /// # Errors
    /// Those of a request.
    pub fn remove_file(&self, path: &str) -> anyhow::Result<()> {
        for id in self.question_hashes(path)?.into_keys() {
            self.remove(&id);
        }
        self.state().files.insert(path.to_owned(), None);
        Ok(())
    }

    /// Records a file when the writer finishes. `record` is JSON.
    pub fn put_file(&self, path: &str, record: String) {
        self.state().files.insert(path.to_owned(), Some(record));
    }

    /// The ids and hashes of the questions of a file that this worker writes.
    ///
    /// # Errors
    /// Those of a request.
    pub fn question_hashes(&self, path: &str) -> anyhow::Result<HashMap<String, u64>> {
        let mut hashes = self.client.hashes(&format!("{PATH} == {}", quoted(path)))?;
        hashes.retain(|id, _| self.has(id));
        Ok(hashes)
    }

    /// The records of files, as JSON. A shard has its own.
    ///
    /// # Errors
    /// Those of a request.
    pub fn file_records(&self) -> anyhow::Result<Vec<String>> {
        // What a shard has recorded since the last commit comes before what all have.
        let mut records: Vec<String> =
            self.client.texts_with_prefix(&self.file_prefix())?.into_values().collect();
        if self.shard.is_some() {
            records.extend(self.client.texts_with_prefix(FILE)?.into_values());
        }
        records.retain(|record| record != REMOVED);
        Ok(records)
    }

    fn file_prefix(&self) -> String {
        match self.shard {
            None => FILE.to_owned(),
            Some(shard) => format!("{SHARD_FILE}{}/", shard_key(shard)),
        }
    }

    /// The ids and hashes of all questions.
    ///
    /// # Errors
    /// Those of a request.
    pub fn all_hashes(&self) -> anyhow::Result<HashMap<String, u64>> {
        self.client.hashes("")
    }

    fn ensure_lease(&self) -> anyhow::Result<()> {
        self.lease.lock().expect("no thread panicked").as_ref().map_or(Ok(()), Lease::ensure_own)
    }

    /// Sends the questions that wait.
    fn send(&self, state: &mut State) -> anyhow::Result<()> {
        self.ensure_lease()?;
        let entities = std::mem::take(&mut state.pending);
        state.positions.clear();
        state.bytes = 0;
        if entities.is_empty() {
            return Ok(());
        }
        state.changed += entities.len();
        let mut counts = CorpusCounts::default();
        entities.iter().for_each(|entity| counts.add(&entity.words, &entity.rows, 1));
        let (mean, mean_lengths) = state.stored_for.get_or_insert_with(|| {
            let (mean, count) = counts.mean();
            (Space::shrunk(&mean, count), counts.mean_lengths())
        });
        let (space, weights) = (Space::of_mean(mean), FieldWeights::new(*mean_lengths));
        state.counts.merge(&counts);
        for entities in entities.chunks(BATCH) {
            // A new index can have questions of a run that was killed.
            let ids: Vec<String> = entities.iter().map(|entity| entity.id.clone()).collect();
            let old = self.client.stored(&ids)?;
            subtract(&mut state.counts, &old)?;
            self.client.put_questions(entities, &space, &weights)?;
            self.delete_rest(entities, &old)?;
        }
        Ok(())
    }

    /// Deletes the vectors and texts that old questions had more than the new ones.
    fn delete_rest(&self, entities: &[Entity], old: &[StoredQuestion]) -> anyhow::Result<()> {
        let new: HashMap<&str, &Entity> =
            entities.iter().map(|entity| (entity.id.as_str(), entity)).collect();
        let (mut vectors, mut texts) = (Vec::new(), Vec::new());
        for old in old {
            let Some(entity) = new.get(old.id.as_str()) else { continue };
            vectors.extend((entity.rows.len()..old.row_count()).map(|nth| vector_key(&old.id, nth)));
            texts.extend(old.part_keys.iter().filter(|key| !entity.parts.contains_key(*key)).cloned());
        }
        self.client.delete(&schema::vectors(self.client.address()), ID, &vectors)?;
        self.client.delete_texts(&texts)
    }
}

fn ensure_model(meta: &Meta, model: Option<&ModelInfo>, address: &Address) -> anyhow::Result<()> {
    let is_same = match (&meta.model, model) {
        (Some(own), Some(given)) => own.is_same(given),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        let label = |model: Option<&ModelInfo>| model.map_or("keywords only".to_owned(), ModelInfo::label);
        bail!(hinted(
            format!(
                "the index at {address} was built with {}, not with {}",
                label(meta.model.as_ref()),
                label(model)
            ),
            "an index in a cluster keeps its model; name another collection"
        ));
    }
    Ok(())
}

fn subtract(counts: &mut CorpusCounts, old: &[StoredQuestion]) -> anyhow::Result<()> {
    for old in old {
        counts.add(&FieldWords::of(&old.question()?), &old.rows()?, -1);
    }
    Ok(())
}
