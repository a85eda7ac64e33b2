//! What was near to what the last time: so that one new question is compared, and not all of them again.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::Row;
use super::candidates::{Near, nearest_exact, nearest_probed};
use crate::index::{Index, RowView};
use crate::pair::LEAST_COSINE;

/// Up to so many phrasings every pair is looked at: exact, and some 10 seconds on two cores.
const EXACT: usize = 40_000;

/// Of a text that many questions are asked with, so many are paired with others: titles that repeat each other
/// are known by then to be one question, and what is left are other ways to ask.
const ASKED: usize = 8;

/// The file in the index's folder. It can be deleted at any time.
const FILE: &str = "duplicates.cache";
const MAGIC: [u8; 8] = *b"rqsdup\x00\x01";

/// The near pairs of phrasings that are known, by the hashes of their texts: independent of what becomes of
/// the questions around them, and of every threshold.
#[derive(Debug, Default)]
pub struct Cache {
    /// The model's fingerprint: another's vectors lie elsewhere.
    model: u64,
    /// The phrasings that were compared with each other.
    known: Vec<u64>,
    /// The near ones among them: two places in `known`, and their cosine.
    near: Vec<(u32, u32, f32)>,
    /// Where it is kept; `None` for one that is not.
    file: Option<PathBuf>,
}

/// The candidates among some phrasings.
pub struct Candidates {
    /// By their places in the list of phrasings.
    pub pairs: Vec<Near>,
    /// How many different phrasings there are.
    pub phrasings: usize,
    /// How many of them had to be compared with all others.
    pub new: usize,
}

impl Cache {
    /// That of an index's folder; empty where there is none, or one that is damaged or of another model.
    pub fn open(index: &Index) -> Self {
        // The scale decides what is near enough to be kept.
        let spread = index.meta().spread.map_or(0, |spread| u64::from(spread.to_bits()));
        let model = index.meta().model.as_ref();
        let model = model.map_or(0, |model| xxh3_64(model.fingerprint.as_bytes()) ^ spread);
        let file = index.dir().join(FILE);
        let read =
            fs::read(&file).ok().and_then(|bytes| Self::parse(&bytes)).filter(|read| read.model == model);
        let file = index.dir().is_dir().then_some(file);
        Self { model, file, ..read.unwrap_or_default() }
    }

    /// Finds the candidates among some phrasings, comparing only those that are not known. Where they are all of
    /// an index (`whole`), remembers them, and forgets those that are gone.
    pub(super) fn candidates(&mut self, index: &Index, rows: &[Row], whole: bool) -> Candidates {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            places.entry(row.hash).or_default().push(place);
        }
        // One text stands for all questions that are asked with it.
        let mut hashes: Vec<u64> = places.keys().copied().collect();
        hashes.sort_unstable();
        let unique: Vec<usize> = hashes.iter().map(|hash| places[hash][0]).collect();
        let views: Vec<RowView<'_>> =
            unique.iter().map(|place| index.vectors()[rows[*place].segment].view(rows[*place].row)).collect();
        let at: HashMap<u64, usize> = hashes.iter().copied().zip(0..).collect();
        let kept = self.near.iter().filter_map(|(one, two, cosine)| {
            let place = |known: &u32| at.get(self.known.get(*known as usize)?).copied();
            Some(Near { one: place(one)?, two: place(two)?, cosine: *cosine })
        });
        let mut near: Vec<Near> = kept.collect();
        let known: std::collections::HashSet<u64> = self.known.iter().copied().collect();
        let new: Vec<usize> = (0..hashes.len()).filter(|place| !known.contains(&hashes[*place])).collect();
        let same = |one: usize, two: usize| one == two;
        let least = index.scale().from_builtin(LEAST_COSINE);
        // Where neighbourhoods would cost more than looking at everything, everything is looked at.
        let found = match views.len() <= EXACT || new.len() * new.len() < views.len() {
            true => nearest_exact(&views, &new, least, same),
            false => nearest_probed(&views, &new, least, same),
        };
        near.extend(found);
        if whole && (!new.is_empty() || self.known.len() > hashes.len()) {
            self.near = near.iter().map(|near| (near.one as u32, near.two as u32, near.cosine)).collect();
            self.known = hashes.clone();
            // A cache that cannot be written (another's index, a full disk) costs time, nothing else.
            self.write().ok();
        }
        let asked = |place: usize| places[&hashes[place]].iter().copied().take(ASKED);
        let apart = near.iter().flat_map(|near| {
            asked(near.one).flat_map(move |one| asked(near.two).map(move |two| (one, two, near.cosine)))
        });
        let alike = (0..hashes.len()).flat_map(|place| {
            asked(place).flat_map(move |one| {
                asked(place).filter(move |two| one < *two).map(move |two| (one, two, 1.0))
            })
        });
        let pairs = apart.chain(alike).map(|(one, two, cosine)| Near {
            one: one.min(two),
            two: one.max(two),
            cosine,
        });
        let pairs = pairs.collect();
        Candidates { pairs, phrasings: hashes.len(), new: new.len() }
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

    /// Replaces the file at once: a reader has the old one or the new one.
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
    fn a_cache_is_read_as_it_was_written_and_not_at_all_if_damaged() {
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
