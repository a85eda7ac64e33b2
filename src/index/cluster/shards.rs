//! What the workers of an index leave for the one that commits.

use std::collections::{BTreeMap, HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use super::client::Client;
use super::keys::{FILE, REMOVED, ROOTS, SHARD_FILE};
use super::schema::{self, ID};
use super::statistics;
use super::stored::StoredQuestion;
use crate::index::Meta;
use crate::index::corpus_counts::CorpusCounts;
use crate::index::field_words::FieldWords;
use crate::worker_threads;

/// The vectors and texts that belong to questions. A run that was killed may have left others.
#[derive(Default)]
pub struct Kept {
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
    pub fn delete_leftovers(&self, client: &Client) -> anyhow::Result<()> {
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
pub fn count_all(client: &Client) -> anyhow::Result<(CorpusCounts, Kept)> {
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
pub fn read_counts(client: &Client, key: &str) -> anyhow::Result<Option<CorpusCounts>> {
    let Some(flags) = client.text(key)? else { return Ok(None) };
    let count: usize = flags.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    let keys: Vec<String> = (0..count).map(|nth| format!("{key}/{nth}")).collect();
    let mut found = client.texts(&keys)?;
    let parts: Option<Vec<String>> = keys.iter().map(|key| found.remove(key)).collect();
    Ok(parts.map(|parts| statistics::decode(&parts)).transpose().unwrap_or(None))
}

/// Adds the roots of shards to the metadata, and turns their records of files into those of the index.
pub fn merge_shards(client: &Client, meta: &mut Meta) -> anyhow::Result<()> {
    for text in client.texts_with_prefix(ROOTS)?.into_values() {
        let shard: Meta = serde_json::from_str(&text)?;
        for root in shard.roots {
            if !meta.roots.contains(&root) {
                meta.roots.push(root);
            }
        }
        meta.reading.extend(shard.reading);
    }
    let mut records: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, record) in client.texts_with_prefix(SHARD_FILE)? {
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
