//! The end of writing: removals, records of files, statistics, and the commit.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use xxhash_rust::xxh3::xxh3_64;

use super::{State, Writer, subtract};
use crate::hint::hinted;
use crate::index::bm25::FieldWeights;
use crate::index::cluster::commit::{Commit, FORMAT, replace_commit};
use crate::index::cluster::entity::Entity;
use crate::index::cluster::keys::{COUNTS, REMOVED, ROOTS, SHARD_FILE, STORED_FOR, shard_key};
use crate::index::cluster::lease::{Lease, active_shards};
use crate::index::cluster::schema::{self, ID, QUESTION};
use crate::index::cluster::shards::{count_all, merge_shards, read_counts};
use crate::index::cluster::statistics;
use crate::index::cluster::stored::StoredQuestion;
use crate::index::cluster::write_requests::BATCH;
use crate::index::corpus_counts::CorpusCounts;
use crate::index::{Shard, Space};
use crate::worker_threads;

/// Stored words and vectors are renewed if a mean length has changed by more than this fraction, or the mean of the vectors
/// by more than this distance, since they were stored.
const LENGTH_DRIFT: f32 = 0.05;
const MEAN_DRIFT: f32 = 0.05;

impl Writer {
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
        let roots = format!("{ROOTS}{}", shard_key(shard));
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
            bail!(hinted(
                format!("the worker {key} is still writing {}", self.client.address()),
                "run `rqsearch index --finish` when all workers have finished"
            ));
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
        for prefix in [ROOTS, SHARD_FILE, STORED_FOR] {
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
