//! Writes to the cluster.
//!
//! A question is replaced in this order: its texts that are too long for a field, its vectors, its entity, and then what the
//! old one had more. A search reads the entity only, so that it sees the old question or the new one. Questions are removed
//! and files are recorded after all questions were written: a run that is killed is repeated by the next one, which finds
//! what was written by its hash.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use milvus::v2::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::client::Client;
use super::entity::{Entity, question_fields, vector_fields, vector_key};
use super::lease::{Lease, active_shards};
use super::read::is_one_of;
use super::schema::{self, ID, PATH, QUESTION, TEXT, VECTOR};
use super::{Address, COMMIT, Cluster, Commit, FORMAT, StoredQuestion, statistics};
use crate::embed::ModelInfo;
use crate::index::bm25::FieldWeights;
use crate::index::corpus_counts::CorpusCounts;
use crate::index::field_words::FieldWords;
use crate::index::rows::Row;
use crate::index::{Busy, Meta, OpenError, Shard, Space, dimensions};
use crate::question::Question;
use crate::worker_threads;

/// What the keys of files and of counts of shards begin with.
pub(super) const FILE: &str = "file/";
const COUNTS: &str = "counts/";
const STORED_FOR: &str = "stored-for/";

/// The record of a file that a shard has removed.
const REMOVED: &str = "-";

/// The number of questions in one batch, and in the first one, from which the mean of the corpus is estimated.
const BATCH: usize = 500;
const FIRST_BATCH: usize = 2_000;

/// The number of vectors in one request, and the number of bytes of questions.
const VECTORS: usize = 1_000;
const BYTES: usize = 8 << 20;

/// How often a writer that waits for another one tries to take the lease.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Stored words and vectors are renewed if a mean length has changed by more than this fraction, or the mean of the vectors
/// by more than this distance, since they were stored.
const LENGTH_DRIFT: f32 = 0.05;
const MEAN_DRIFT: f32 = 0.05;

/// What stands for a shard in keys.
pub(super) fn shard_key(shard: Shard) -> String {
    format!("{}-{}", shard.nth, shard.of)
}

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
                match client.texts_with_prefix("roots/")?.into_values().next() {
                    Some(text) => serde_json::from_str(&text)?,
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        Self::open(name, meta.model.as_ref(), None)
    }

    /// The metadata that the commit will have.
    pub fn meta(&self) -> std::sync::MutexGuard<'_, Meta> {
        self.meta.lock().expect("no thread panicked")
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
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
        let mut hashes = self.client.hashes(&format!("{PATH} == {}", super::read::quoted(path)))?;
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
            Some(shard) => format!("shard-file/{}/", shard_key(shard)),
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

    /// Sends what waits, removes questions, records files, and commits. Returns the number of questions in the index, or of
    /// those that this worker wrote.
    ///
    /// # Errors
    /// Those of a request; another process has taken over.
    pub fn finish(&self) -> anyhow::Result<u64> {
        let mut state = self.state();
        self.send(&mut state)?;
        self.remove_all(&mut state)?;
        self.write_files(&state)?;
        if state.changed >= BATCH {
            self.client.flush()?;
        }
        let lease =
            self.lease.lock().expect("no thread panicked").take().context("the writer has finished")?;
        lease.ensure_own()?;
        let questions = match self.shard {
            Some(shard) => self.store_counts(shard, &state)?,
            None => self.commit(&state)?,
        };
        lease.release()?;
        Ok(questions)
    }

    /// Ends without a commit, unless a writer died before. Nothing was added or removed.
    ///
    /// # Errors
    /// Those of a request.
    pub fn finish_unchanged(&self) -> anyhow::Result<()> {
        if self.has_died {
            // What it wrote is in no statistics yet.
            return self.finish().map(drop);
        }
        let lease = self.lease.lock().expect("no thread panicked").take();
        lease.map_or(Ok(()), Lease::release)
    }

    fn remove_all(&self, state: &mut State) -> anyhow::Result<()> {
        let removed: Vec<String> = std::mem::take(&mut state.removed).into_iter().collect();
        state.changed += removed.len();
        for ids in removed.chunks(BATCH) {
            let old = self.client.stored(ids)?;
            subtract(&mut state.counts, &old)?;
            self.client.delete(&schema::questions(self.client.address()), ID, ids)?;
            self.client.delete(&schema::vectors(self.client.address()), QUESTION, ids)?;
            let texts: Vec<String> = old.into_iter().flat_map(|old| old.part_keys).collect();
            self.client.delete_texts(&texts)?;
        }
        Ok(())
    }

    fn write_files(&self, state: &State) -> anyhow::Result<()> {
        let prefix = self.file_prefix();
        let key = |path: &String| format!("{prefix}{:016x}", xxh3_64(path.as_bytes()));
        let (kept, removed): (Vec<_>, Vec<_>) = state.files.iter().partition(|(_, record)| record.is_some());
        self.client
            .put_texts(kept.into_iter().filter_map(|(path, record)| Some((key(path), record.clone()?))))?;
        let removed: Vec<String> = removed.into_iter().map(|(path, _)| key(path)).collect();
        match self.shard {
            None => self.client.delete_texts(&removed),
            Some(_) => self.client.put_texts(removed.into_iter().map(|key| (key, REMOVED.to_owned()))),
        }
    }

    /// Stores the changes of a shard to the statistics, for the worker that finishes.
    fn store_counts(&self, shard: Shard, state: &State) -> anyhow::Result<u64> {
        let key = format!("{COUNTS}{}", shard_key(shard));
        let mut all = state.counts.clone();
        if let Some(earlier) = read_counts(&self.client, &key)? {
            all.merge(&earlier);
        }
        let parts = statistics::encode(&all)?;
        let count = parts.len();
        self.client
            .put_texts(parts.into_iter().enumerate().map(|(nth, part)| (format!("{key}/{nth}"), part)))?;
        let flags = format!("{count} {}", u8::from(self.has_died));
        self.client.put_texts([(key, flags)])?;
        let roots = format!("roots/{}", shard_key(shard));
        self.client.put_texts([(roots, serde_json::to_string(&*self.meta())?)])?;
        if let Some(stored_for) = &state.stored_for {
            let key = format!("{STORED_FOR}{}", shard_key(shard));
            self.client.put_texts([(key, serde_json::to_string(stored_for)?)])?;
        }
        Ok(state.counts.questions.max(0) as u64)
    }

    fn commit(&self, state: &State) -> anyhow::Result<u64> {
        let shards = active_shards(&self.client)?;
        if let Some((key, _)) = shards.iter().find(|(_, is_live)| *is_live) {
            bail!(
                "the worker {key} is still writing {}\n  hint: run `rqsearch index --finish` when all workers have finished",
                self.client.address()
            );
        }
        let of_shards = self.client.texts_with_prefix(COUNTS)?;
        let counts = self.counts(state, &of_shards, !shards.is_empty())?;
        let stored_for = self.renew(state, &counts)?;
        let mut meta = self.meta().clone();
        merge_shards(&self.client, &mut meta)?;
        let generation = self.before.as_ref().map_or(0, |before| before.commit.generation);
        let commit = Commit {
            cluster: FORMAT,
            meta,
            generation: generation + 1,
            statistics: 0,
            mean: stored_for.0,
            mean_lengths: stored_for.1,
        };
        replace_commit(&self.client, generation, &commit, &counts)?;
        if state.changed >= BATCH {
            self.client.flush_collection(&schema::parts(self.client.address()))?;
        }
        let mut done: Vec<String> = of_shards.into_keys().collect();
        done.extend(shards.into_iter().map(|(key, _)| key));
        for prefix in ["roots/", "shard-file/", STORED_FOR] {
            done.extend(self.client.texts_with_prefix(prefix)?.into_keys());
        }
        self.client.delete_texts(&done)?;
        Ok(counts.questions.max(0) as u64)
    }

    /// The statistics of all questions: those of the last commit with the changes of this worker and of shards. Questions are
    /// counted one by one if a worker died. What it left behind is deleted then.
    fn counts(
        &self,
        state: &State,
        of_shards: &BTreeMap<String, String>,
        has_dead_shards: bool,
    ) -> anyhow::Result<CorpusCounts> {
        let mut must_count = self.has_died || has_dead_shards;
        let mut counts = state.counts.clone();
        if let Some(before) = &self.before {
            counts.merge(&before.counts);
        }
        for (key, flags) in of_shards.iter().filter(|(key, _)| key.matches('/').count() == 1) {
            must_count |= flags.ends_with(" 1");
            match read_counts(&self.client, key)? {
                Some(shard) => counts.merge(&shard),
                None => must_count = true,
            }
        }
        // A run that was killed before the first commit has left questions, but perhaps no lease.
        must_count =
            must_count || self.before.is_none() && self.client.hashes("")?.len() as i64 != counts.questions;
        if must_count {
            let kept;
            (counts, kept) = count_all(&self.client)?;
            kept.delete_leftovers(&self.client)?;
        }
        Ok(counts)
    }

    /// Stores words and vectors again if the means that they depend on have changed too much. Returns the means that they
    /// are stored for.
    fn renew(&self, state: &State, counts: &CorpusCounts) -> anyhow::Result<(Vec<f32>, [f32; 3])> {
        let (mean, count) = counts.mean();
        let now = (Space::shrunk(&mean, count), counts.mean_lengths());
        let mut stored_for: Vec<(Vec<f32>, [f32; 3])> = state.stored_for.iter().cloned().collect();
        for text in self.client.texts_with_prefix(STORED_FOR)?.into_values() {
            stored_for.push(serde_json::from_str(&text)?);
        }
        match stored_for.as_slice() {
            [] if counts.questions == 0 => return Ok(now),
            [] => {}
            [only] if !has_drifted(only, &now) => return Ok(only.clone()),
            // Shards began with estimates of their own. If all are near, the mean of all is near to each.
            several if !several.iter().any(|stored| has_drifted(stored, &now)) => return Ok(now),
            _ => {}
        }
        let stored_for = now;
        let (space, weights) = (Space::of_mean(&stored_for.0), FieldWeights::new(stored_for.1));
        self.client.each_stored("", |stored| {
            self.ensure_lease()?;
            let entity = |stored: &StoredQuestion| Entity::new(&stored.question()?, stored.rows()?);
            let entities =
                worker_threads::map(&stored, entity).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
            self.client.put_questions(&entities, &space, &weights)
        })?;
        self.client.flush()?;
        Ok(stored_for)
    }
}

fn has_drifted(stored: &(Vec<f32>, [f32; 3]), now: &(Vec<f32>, [f32; 3])) -> bool {
    let has_length_drifted =
        stored.1.iter().zip(now.1).any(|(stored, now)| (stored - now).abs() > LENGTH_DRIFT * stored);
    let distance = stored.0.iter().zip(&now.0).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    has_length_drifted || distance > MEAN_DRIFT || stored.0.len() != now.0.len() && !now.0.is_empty()
}

fn ensure_model(meta: &Meta, model: Option<&ModelInfo>, address: &Address) -> anyhow::Result<()> {
    let is_same = match (&meta.model, model) {
        (Some(own), Some(given)) => own.is_same(given),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        let label = |model: Option<&ModelInfo>| model.map_or("keywords only".to_owned(), ModelInfo::label);
        bail!(
            "the index at {address} was built with {}, not with {}\n  \
             hint: an index in a cluster keeps its model; name another collection",
            label(meta.model.as_ref()),
            label(model)
        );
    }
    Ok(())
}

fn subtract(counts: &mut CorpusCounts, old: &[StoredQuestion]) -> anyhow::Result<()> {
    for old in old {
        counts.add(&FieldWords::of(&old.question()?), &old.rows()?, -1);
    }
    Ok(())
}

/// The vectors and texts that belong to questions. A run that was killed may have left others.
#[derive(Default)]
struct Kept {
    /// The number of vectors of each question, by the hash of its id.
    rows: HashMap<u64, usize>,
    /// The keys of texts that were too long for a field.
    texts: HashSet<String>,
}

impl Kept {
    fn add(&mut self, stored: &[StoredQuestion]) {
        for question in stored {
            self.rows.insert(xxh3_64(question.id.as_bytes()), question.row_count());
            self.texts.extend(question.part_keys.iter().cloned());
        }
    }

    /// Deletes all others.
    fn delete_leftovers(&self, client: &Client) -> anyhow::Result<()> {
        let vectors = schema::vectors(client.address());
        client.each_vector(|page| {
            let is_kept = |(_, question, row): &(String, String, i64)| {
                self.rows.get(&xxh3_64(question.as_bytes())).is_some_and(|rows| *row < *rows as i64)
            };
            let left: Vec<String> =
                page.into_iter().filter(|row| !is_kept(row)).map(|(key, ..)| key).collect();
            client.delete(&vectors, ID, &left)
        })?;
        let is_part = |key: &String| key.contains("/data/") || key.contains("/record/");
        let keys = client.text_keys()?.into_iter();
        client.delete_texts(&keys.filter(|key| is_part(key) && !self.texts.contains(key)).collect::<Vec<_>>())
    }
}

/// Counts all questions. Also returns what belongs to them.
fn count_all(client: &Client) -> anyhow::Result<(CorpusCounts, Kept)> {
    let (mut counts, mut kept) = (CorpusCounts::default(), Kept::default());
    client.each_stored("", |stored| {
        kept.add(&stored);
        let words =
            |stored: &StoredQuestion| anyhow::Ok((FieldWords::of(&stored.question()?), stored.rows()?));
        for counted in worker_threads::map(&stored, words) {
            let (words, rows) = counted?;
            counts.add(&words, &rows, 1);
        }
        anyhow::Ok(())
    })?;
    Ok((counts, kept))
}

/// The counts that a shard stored. `None` if they are incomplete or there are none.
fn read_counts(client: &Client, key: &str) -> anyhow::Result<Option<CorpusCounts>> {
    let Some(flags) = client.text(key)? else { return Ok(None) };
    let count: usize = flags.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    let keys: Vec<String> = (0..count).map(|nth| format!("{key}/{nth}")).collect();
    let mut found = client.texts(&keys)?;
    let parts: Option<Vec<String>> = keys.iter().map(|key| found.remove(key)).collect();
    Ok(parts.map(|parts| statistics::decode(&parts)).transpose().unwrap_or(None))
}

/// Adds the roots of shards to the metadata, and turns their records of files into those of the index.
fn merge_shards(client: &Client, meta: &mut Meta) -> anyhow::Result<()> {
    for text in client.texts_with_prefix("roots/")?.into_values() {
        let shard: Meta = serde_json::from_str(&text)?;
        for root in shard.roots {
            if !meta.roots.contains(&root) {
                meta.roots.push(root);
            }
        }
        meta.reading.extend(shard.reading);
    }
    let mut records: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, record) in client.texts_with_prefix("shard-file/")? {
        let (_, hash) = key.rsplit_once('/').unwrap_or_default();
        records.entry(format!("{FILE}{hash}")).or_default().push(record);
    }
    // A file whose shards read different versions of it is read again.
    records.retain(|_, records| records.iter().all(|record| *record == records[0]));
    let (removed, kept): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|(_, records)| records[0] == REMOVED);
    client.delete_texts(&removed.into_iter().map(|(key, _)| key).collect::<Vec<_>>())?;
    client.put_texts(kept.into_iter().map(|(key, mut records)| (key, records.swap_remove(0))))
}

/// Replaces the commit. `before` is the generation that it replaces.
///
/// # Errors
/// Another writer has committed in the meantime; those of a request.
pub(super) fn replace_commit(
    client: &Client,
    before: u64,
    commit: &Commit,
    counts: &CorpusCounts,
) -> anyhow::Result<()> {
    #[derive(serde::Deserialize)]
    struct Generation {
        generation: u64,
    }
    let last = client.text(COMMIT)?.and_then(|text| serde_json::from_str(&text).ok());
    if last.map_or(0, |last: Generation| last.generation) != before {
        bail!(
            "another process has committed to {} in the meantime\n  hint: run the command again",
            client.address()
        );
    }
    let parts = statistics::encode(counts)?;
    let commit = Commit { statistics: parts.len(), ..commit.clone() };
    let generation = commit.generation;
    client.put_texts(
        parts.into_iter().enumerate().map(|(nth, part)| (statistics::key(generation, nth), part)),
    )?;
    client.put_texts([(COMMIT.to_owned(), serde_json::to_string(&commit)?)])?;
    // Searches may still read the statistics of the generation before.
    let is_old = |key: &String| {
        let of =
            key[statistics::PREFIX.len()..].split('/').next().and_then(|number| number.parse::<u64>().ok());
        of.is_some_and(|of| of + 1 < generation)
    };
    let old: Vec<String> = client.texts_with_prefix(statistics::PREFIX)?.into_keys().filter(is_old).collect();
    client.delete_texts(&old)
}

impl Client {
    /// Creates the collections that do not exist.
    fn create_collections(&self, dimensions: usize) -> anyhow::Result<()> {
        for request in schema::creation(self.address(), dimensions)? {
            if self.has_collection(request.collection_name())? {
                continue;
            }
            let name = request.collection_name().to_owned();
            let created = self.write(move |client| {
                let request = request.clone();
                async move { client.create_collection(request).await }
            });
            if let Err(error) = created
                && !self.appears(&name)?
            {
                return Err(error);
            }
        }
        self.load()
    }

    /// Whether a collection exists, or soon does because another worker is creating it.
    fn appears(&self, name: &str) -> anyhow::Result<bool> {
        for _ in 0..20 {
            if self.has_collection(name)? {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(250));
        }
        Ok(false)
    }

    fn upsert(&self, collection: &str, columns: &[FieldData]) -> anyhow::Result<()> {
        let insert =
            InsertRequest::builder().collection_name(collection).columns(columns.to_vec()).build()?;
        let request = UpsertRequest::builder().insert(insert).build()?;
        self.write(move |client| {
            let request = request.clone();
            async move { client.upsert(request).await.map(drop) }
        })
    }

    /// Deletes the entities whose field has one of these values.
    pub fn delete(&self, collection: &str, field: &str, values: &[String]) -> anyhow::Result<()> {
        for values in values.chunks(BATCH) {
            let request = DeleteRequest::builder()
                .collection_name(collection)
                .filter(is_one_of(field, values))
                .build()?;
            self.write(move |client| {
                let request = request.clone();
                async move { client.delete(request).await.map(drop) }
            })?;
        }
        Ok(())
    }

    /// Stores texts by their keys.
    pub fn put_texts(&self, texts: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<()> {
        let texts: Vec<(String, String)> = texts.into_iter().collect();
        for texts in texts.chunks(64) {
            let (keys, values) = texts.iter().cloned().unzip();
            let columns = [
                FieldData::varchar(ID, keys),
                FieldData::varchar(TEXT, values),
                FieldData::float_vector(VECTOR, vec![vec![1.0, 0.0]; texts.len()]),
            ];
            self.upsert(&schema::parts(self.address()), &columns)?;
        }
        Ok(())
    }

    pub fn delete_texts(&self, keys: &[String]) -> anyhow::Result<()> {
        self.delete(&schema::parts(self.address()), ID, keys)
    }

    /// Stores questions: what is too long for a field, then vectors, then the questions.
    fn put_questions(
        &self,
        entities: &[Entity],
        space: &Space,
        weights: &FieldWeights,
    ) -> anyhow::Result<()> {
        let parts = entities.iter().flat_map(|entity| &entity.parts);
        self.put_texts(parts.map(|(key, part)| (key.clone(), part.clone())))?;
        let centre = |row: &Row| space.centre(row.vector.values()).values().collect();
        let mut start = 0;
        while start < entities.len() {
            let mut rows = 0;
            let enough = entities[start..].iter().take_while(|entity| {
                rows += entity.rows.len();
                rows <= VECTORS
            });
            let end = start + enough.count().max(1);
            let here = &entities[start..end];
            if here.iter().any(|entity| !entity.rows.is_empty()) {
                self.upsert(&schema::vectors(self.address()), &vector_fields(here, centre))?;
            }
            start = end;
        }
        let mut rest = entities;
        while !rest.is_empty() {
            let mut bytes = 0;
            let enough = rest.iter().take_while(|entity| {
                bytes += entity.data.len() + entity.record.len();
                bytes <= BYTES
            });
            let (here, after) = rest.split_at(enough.count().max(1));
            self.upsert(&schema::questions(self.address()), &question_fields(here, weights))?;
            rest = after;
        }
        Ok(())
    }

    fn flush_collection(&self, collection: &str) -> anyhow::Result<()> {
        let request = FlushRequest::builder().collection_names([collection]).build()?;
        self.write(move |client| {
            let request = request.clone();
            async move { client.flush(request).await.map(drop) }
        })
    }

    /// Writes what the server has in memory, so that searches are fast.
    fn flush(&self) -> anyhow::Result<()> {
        schema::collections(self.address())
            .iter()
            .try_for_each(|collection| self.flush_collection(collection))
    }
}
