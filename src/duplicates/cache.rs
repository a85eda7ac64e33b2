//! A cache of near phrasings, so that only new questions are compared.

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

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
    /// The near pairs among them, by position in `known`.
    near: Arc<Vec<Near>>,
    /// The cache file. `None` for a cache in memory.
    file: Option<PathBuf>,
}

/// The candidate pairs among some phrasings. Questions with one text are one in the list of near texts, so this takes less
/// memory than a list of pairs.
pub(super) struct Candidates {
    texts: Texts,
    /// The near texts.
    near: Arc<Vec<Near>>,
    /// The number of texts that were compared with all others.
    pub new: usize,
}

impl Candidates {
    /// The number of different texts.
    pub fn phrasings(&self) -> usize {
        self.texts.hashes.len()
    }

    /// The pairs, by position in the list of phrasings.
    pub fn pairs(&self) -> impl Iterator<Item = Near> {
        let apart = self.near.iter().flat_map(|Near { one, two, cosine }| {
            let (ones, twos) = (self.texts.few(*one), self.texts.few(*two));
            ones.iter().flat_map(move |one| twos.iter().map(move |two| (*one, *two, *cosine)))
        });
        let alike = (0..self.texts.hashes.len() as u32).flat_map(|text| {
            let of_text = self.texts.few(text);
            of_text.iter().flat_map(move |one| {
                of_text.iter().filter(move |two| one < *two).map(move |two| (*one, *two, 1.0))
            })
        });
        let near =
            |(one, two, cosine): (u32, u32, f32)| Near { one: one.min(two), two: one.max(two), cosine };
        apart.chain(alike).map(near)
    }
}

/// What a cache has about some texts.
struct Known {
    /// The near pairs, by position in the list of texts.
    near: Vec<Near>,
    /// Whether the nearest neighbours of each text are among `near`. They are not if the text is new, or if a neighbour was
    /// deleted: another one takes its place.
    is_complete: Vec<bool>,
    /// The number of texts that are not in the cache.
    first_time: usize,
}

/// The different texts of some phrasings.
struct Texts {
    /// Their hashes, in order.
    hashes: Vec<u64>,
    /// The phrasings with each text, as a range of `phrasings`.
    ranges: Vec<Range<u32>>,
    phrasings: Vec<u32>,
}

impl Texts {
    fn of(rows: &[Row]) -> Self {
        let mut phrasings: Vec<u32> = (0..rows.len() as u32).collect();
        phrasings.sort_unstable_by_key(|phrasing| (rows[*phrasing as usize].hash, *phrasing));
        let (mut hashes, mut ranges) = (Vec::new(), Vec::new());
        let mut start = 0;
        for of_text in phrasings.chunk_by(|a, b| rows[*a as usize].hash == rows[*b as usize].hash) {
            hashes.push(rows[of_text[0] as usize].hash);
            ranges.push(start..start + of_text.len() as u32);
            start += of_text.len() as u32;
        }
        Self { hashes, ranges, phrasings }
    }

    /// The phrasings with a text, at most [`MAX_PER_TEXT`].
    fn few(&self, text: u32) -> &[u32] {
        let Range { start, end } = self.ranges[text as usize];
        let phrasings = &self.phrasings[start as usize..end as usize];
        &phrasings[..phrasings.len().min(MAX_PER_TEXT)]
    }

    /// The position of a text in the list.
    fn position(&self, hash: u64) -> Option<u32> {
        self.hashes.binary_search(&hash).ok().map(|position| position as u32)
    }
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
        let texts = Texts::of(rows);
        let view = |text: u32| {
            let row = &rows[texts.few(text)[0] as usize];
            index.vectors()[row.segment].view(row.row)
        };
        let count = texts.hashes.len() as u32;
        let views: Vec<RowView<'_>> = (0..count).map(view).collect();
        let Known { mut near, is_complete, first_time } = self.known(&texts);
        let (old, new): (Vec<u32>, Vec<u32>) = (0..count).partition(|text| is_complete[*text as usize]);
        let min_cosine = index.scale().from_builtin(LEAST_COSINE);
        // Compare every pair where clustering would cost more.
        if views.len() <= MAX_EXACT || new.len() * new.len() < views.len() {
            let all: Vec<u32> = (0..count).collect();
            near.extend(nearest_among(&views, &new, &all, min_cosine));
            // A new phrasing can be a neighbour of an old one without being nearest the other way round.
            near.extend(nearest_among(&views, &old, &new, min_cosine));
        } else {
            near.extend(nearest_probed(&views, &new, min_cosine));
        }
        let near = Arc::new(nearest_of(near, views.len()));
        if whole && (!new.is_empty() || self.known.len() > texts.hashes.len()) {
            self.near = Arc::clone(&near);
            self.known.clone_from(&texts.hashes);
            // If the cache cannot be written (no permission, full disk), the next run only takes longer.
            self.write().ok();
        }
        Candidates { texts, near, new: first_time }
    }

    /// What the cache has about some texts.
    fn known(&self, texts: &Texts) -> Known {
        let positions: Vec<Option<u32>> = self.known.iter().map(|hash| texts.position(*hash)).collect();
        let mut is_complete = vec![false; texts.hashes.len()];
        positions.iter().flatten().for_each(|text| is_complete[*text as usize] = true);
        let first_time = is_complete.iter().filter(|is_known| !**is_known).count();
        let mut near = Vec::new();
        for Near { one, two, cosine } in self.near.iter().copied() {
            let [one, two] = [one, two].map(|known| positions.get(known as usize).copied().flatten());
            match (one, two) {
                (Some(one), Some(two)) => near.push(Near { one, two, cosine }),
                (Some(text), None) | (None, Some(text)) => is_complete[text as usize] = false,
                (None, None) => {}
            }
        }
        Known { near, is_complete, first_time }
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
        let near = near.chunks_exact(12).map(|bytes| {
            let cosine = f32::from_bits(word(&bytes[8..]));
            Near { one: word(&bytes[..4]), two: word(&bytes[4..8]), cosine }
        });
        let known =
            known.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
        Some(Self { model, known: known.collect(), near: Arc::new(near.collect()), file: None })
    }

    fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        let mut checksum = Xxh3Default::new();
        let mut write = |bytes: &[u8]| {
            checksum.update(bytes);
            out.write_all(bytes)
        };
        write(&MAGIC)?;
        for number in [self.model, self.known.len() as u64, self.near.len() as u64] {
            write(&number.to_le_bytes())?;
        }
        self.known.iter().try_for_each(|hash| write(&hash.to_le_bytes()))?;
        for Near { one, two, cosine } in self.near.iter() {
            write(&one.to_le_bytes())?;
            write(&two.to_le_bytes())?;
            write(&cosine.to_le_bytes())?;
        }
        out.write_all(&checksum.digest().to_le_bytes())?;
        out.flush()
    }

    /// Replaces the file atomically: a reader sees either the old or the new one.
    fn write(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut temporary = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        self.write_to(BufWriter::new(&mut temporary))?;
        temporary.persist(file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_round_trips_and_damage_is_detected() {
        let near = vec![Near { one: 0, two: 1, cosine: 0.75 }];
        let cache = Cache { model: 7, known: vec![1, 9], near: Arc::new(near), file: None };
        let mut bytes = Vec::new();
        cache.write_to(&mut bytes).unwrap();
        let read = Cache::parse(&bytes).unwrap();
        assert_eq!((read.model, read.known, read.near), (7, cache.known, cache.near));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Cache::parse(&damaged).is_none(), "byte {at}");
            assert!(Cache::parse(&bytes[..at]).is_none(), "cut at {at}");
        }
    }
}
