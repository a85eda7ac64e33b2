//! A cache of near phrasings, so that only new questions are compared.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::Row;
use super::candidates::{Near, nearest_among, nearest_of, nearest_probed};
use crate::index::{Index, RowView};
use crate::pair::LEAST_COSINE;
use crate::regular_file;

/// The maximum number of phrasings for which every pair is compared. This is exact and takes about 10 seconds
/// on two cores.
const MAX_EXACT: usize = 40_000;

/// If many questions share a phrasing, only this many of them are paired with others. Repeated titles are
/// already known to be one question at this point, so the rest are alternative titles.
const MAX_PER_TEXT: usize = 8;

/// The name of the cache file in the index's directory. You can delete it at any time.
const FILE: &str = "duplicates.cache";
const MAGIC: [u8; 8] = *b"rqsdup\x00\x01";

/// The known near pairs of phrasings, identified by the hashes of their texts. They stay valid when other
/// questions change, and for every threshold.
#[derive(Debug, Default)]
pub struct Cache {
    /// Identifies the model, because vectors of different models do not compare.
    model: u64,
    /// The hashes of the phrasings that were compared with each other.
    known: Vec<u64>,
    /// The near pairs among them: two positions in `known` and their cosine.
    near: Vec<(u32, u32, f32)>,
    /// The cache file. `None` for a cache in memory.
    file: Option<PathBuf>,
}

/// The candidate pairs among some phrasings.
pub struct Candidates {
    /// The pairs, by position in the list of phrasings.
    pub pairs: Vec<Near>,
    /// The number of different phrasings.
    pub phrasings: usize,
    /// The number of phrasings that were compared with all others.
    pub new: usize,
}

impl Cache {
    /// Opens the cache in the index's directory. The cache is empty if there is no file, or if the file is
    /// damaged or belongs to another model.
    pub fn open(index: &Index) -> Self {
        // The scale is part of the key because it determines which pairs are near.
        let spread = index.meta().spread.map_or(0, |spread| u64::from(spread.to_bits()));
        let model = index.meta().model.as_ref();
        let model = model.map_or(0, |model| xxh3_64(model.fingerprint.as_bytes()) ^ spread);
        let file = index.dir().join(FILE);
        let read = regular_file::read(&file)
            .ok()
            .and_then(|bytes| Self::parse(&bytes))
            .filter(|read| read.model == model);
        let file = index.dir().is_dir().then_some(file);
        Self { model, file, ..read.unwrap_or_default() }
    }

    /// The cache file in an index's directory, if there is one and it is damaged.
    pub fn damaged_file(dir: &Path) -> Option<PathBuf> {
        let file = dir.join(FILE);
        let is_damaged = match regular_file::read(&file) {
            Ok(bytes) => Self::parse(&bytes).is_none(),
            Err(_) => regular_file::is_irregular(&file),
        };
        is_damaged.then_some(file)
    }

    /// Finds the candidate pairs among some phrasings and compares only those that are not in the cache. If
    /// they are all phrasings of the index (`whole`), also updates the cache and removes deleted phrasings.
    pub(super) fn candidates(&mut self, index: &Index, rows: &[Row], whole: bool) -> Candidates {
        let mut positions: HashMap<u64, Vec<usize>> = HashMap::new();
        for (position, row) in rows.iter().enumerate() {
            positions.entry(row.hash).or_default().push(position);
        }
        // One text represents all questions with that phrasing.
        let mut hashes: Vec<u64> = positions.keys().copied().collect();
        hashes.sort_unstable();
        let unique: Vec<usize> = hashes.iter().map(|hash| positions[hash][0]).collect();
        let views: Vec<RowView<'_>> = unique
            .iter()
            .map(|position| index.vectors()[rows[*position].segment].view(rows[*position].row))
            .collect();
        let at: HashMap<u64, usize> = hashes.iter().copied().zip(0..).collect();
        let known_pairs = self.near.iter().filter_map(|(one, two, cosine)| {
            let position = |known: &u32| at.get(self.known.get(*known as usize)?).copied();
            Some(Near { one: position(one)?, two: position(two)?, cosine: *cosine })
        });
        let mut near: Vec<Near> = known_pairs.collect();
        // A phrasing that lost a neighbour is compared again: another one takes the place in its list.
        let mut known: HashSet<u64> = self.known.iter().copied().collect();
        let first_time = hashes.iter().filter(|hash| !known.contains(hash)).count();
        for (one, two, _) in &self.near {
            let hash = |nth: &u32| self.known.get(*nth as usize).copied().unwrap_or_default();
            let (one, two) = (hash(one), hash(two));
            match (at.contains_key(&one), at.contains_key(&two)) {
                (true, false) => _ = known.remove(&one),
                (false, true) => _ = known.remove(&two),
                _ => {}
            }
        }
        let (old, new): (Vec<usize>, Vec<usize>) =
            (0..hashes.len()).partition(|position| known.contains(&hashes[*position]));
        let min_cosine = index.scale().from_builtin(LEAST_COSINE);
        // Compare every pair where clustering would cost more.
        if views.len() <= MAX_EXACT || new.len() * new.len() < views.len() {
            let all: Vec<usize> = (0..views.len()).collect();
            near.extend(nearest_among(&views, &new, &all, min_cosine));
            // A new phrasing can be a neighbour of an old one without being nearest the other way round.
            near.extend(nearest_among(&views, &old, &new, min_cosine));
            near = nearest_of(near, views.len());
        } else {
            near.extend(nearest_probed(&views, &new, min_cosine, |one, two| one == two));
        }
        if whole && (!new.is_empty() || self.known.len() > hashes.len()) {
            self.near = near.iter().map(|near| (near.one as u32, near.two as u32, near.cosine)).collect();
            self.known = hashes.clone();
            // If the cache cannot be written (no permission, full disk), the next run only takes longer.
            self.write().ok();
        }
        let questions_of = |position: usize| positions[&hashes[position]].iter().copied().take(MAX_PER_TEXT);
        let apart = near.iter().flat_map(|near| {
            questions_of(near.one)
                .flat_map(move |one| questions_of(near.two).map(move |two| (one, two, near.cosine)))
        });
        let alike = (0..hashes.len()).flat_map(|position| {
            questions_of(position).flat_map(move |one| {
                questions_of(position).filter(move |two| one < *two).map(move |two| (one, two, 1.0))
            })
        });
        let pairs = apart.chain(alike).map(|(one, two, cosine)| Near {
            one: one.min(two),
            two: one.max(two),
            cosine,
        });
        let pairs = pairs.collect();
        Candidates { pairs, phrasings: hashes.len(), new: first_time }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<8>()?;
        if xxh3_64(content) != u64::from_le_bytes(*checksum) {
            return None;
        }
        let (head, rest) = content.split_at_checked(MAGIC.len() + 24)?;
        let number = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let (model, known, near) = (number(8)?, number(16)? as usize, number(24)? as usize);
        let lengths = (known.checked_mul(8)?, near.checked_mul(12)?);
        if head[..8] != MAGIC || rest.len() != lengths.0.checked_add(lengths.1)? {
            return None;
        }
        let (known, near) = rest.split_at(lengths.0);
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        Some(Self {
            model,
            known: known
                .chunks_exact(8)
                .map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
                .collect(),
            near: near
                .chunks_exact(12)
                .map(|bytes| (word(&bytes[..4]), word(&bytes[4..8]), f32::from_bits(word(&bytes[8..]))))
                .collect(),
            file: None,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.model, self.known.len() as u64, self.near.len() as u64] {
            bytes.extend(number.to_le_bytes());
        }
        self.known.iter().for_each(|hash| bytes.extend(hash.to_le_bytes()));
        for (one, two, cosine) in &self.near {
            bytes.extend(one.to_le_bytes());
            bytes.extend(two.to_le_bytes());
            bytes.extend(cosine.to_le_bytes());
        }
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    /// Replaces the file atomically: a reader sees either the old or the new one.
    fn write(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut temporary = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        temporary.write_all(&self.bytes())?;
        temporary.persist(file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_round_trips_and_damage_is_detected() {
        let cache = Cache { model: 7, known: vec![1, 9], near: vec![(0, 1, 0.75)], file: None };
        let bytes = cache.bytes();
        let read = Cache::parse(&bytes).unwrap();
        assert_eq!((read.model, read.known, read.near), (7, vec![1, 9], vec![(0, 1, 0.75)]));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Cache::parse(&damaged).is_none(), "byte {at}");
            assert!(Cache::parse(&bytes[..at]).is_none(), "cut at {at}");
        }
    }
}
