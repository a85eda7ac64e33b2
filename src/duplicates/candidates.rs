//! Which phrasings are near to which: every one with all others, or with those in its neighbourhood.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use crate::index::RowView;

/// How many neighbours a phrasing keeps. A question asked thirty times over has more, but each is a
/// neighbour's neighbour.
const KEPT: usize = 16;

/// How many phrasings are compared with a block at a time: the block stays in the processor's cache.
const TILE: usize = 64;
const BLOCK: usize = 512;

/// Two phrasings that are near, by their places in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The smaller place.
    pub one: usize,
    /// The greater.
    pub two: usize,
    /// Their cosine.
    pub cosine: f32,
}

/// A neighbour of a phrasing, ordered by nearness; among equals the earlier one is nearer.
#[derive(Clone, Copy, PartialEq)]
struct Neighbour(f32, usize);

impl Eq for Neighbour {}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The nearest of what was pushed, the farthest of them on top.
#[derive(Clone, Default)]
struct Kept(BinaryHeap<Reverse<Neighbour>>);

impl Kept {
    fn push(&mut self, neighbour: Neighbour) {
        if self.0.len() < KEPT {
            self.0.push(Reverse(neighbour));
        } else if let Some(mut farthest) = self.0.peek_mut()
            && neighbour > farthest.0
        {
            farthest.0 = neighbour;
        }
    }
}

/// For each of `asked` (places in `rows`), its nearest neighbours among all rows of at least this cosine,
/// those that are the same question (`same`) left out. Looks at every pair: exact; memory is linear, and
/// there is no matrix.
pub fn nearest_exact(
    rows: &[RowView<'_>],
    asked: &[usize],
    least: f32,
    same: impl Fn(usize, usize) -> bool + Sync,
) -> Vec<Near> {
    let all: Vec<usize> = (0..rows.len()).collect();
    joined(asked.par_chunks(TILE).flat_map_iter(|tile| scan(rows, tile, &all, least, &same)).collect())
}

/// The same by neighbourhoods: rows are dealt out to √n of their own number, each to the nearest two, and
/// compared within those only. Time grows with n^1.5; some neighbours are missed (a benchmark says how
/// many).
pub fn nearest_probed(
    rows: &[RowView<'_>],
    asked: &[usize],
    least: f32,
    same: impl Fn(usize, usize) -> bool + Sync,
) -> Vec<Near> {
    /// In how many neighbourhoods a row is at home, and in how many it looks for others.
    const HOMES: usize = 2;
    const PROBES: usize = 6;
    if rows.is_empty() {
        return Vec::new();
    }
    let count = (rows.len() as f64).sqrt() as usize;
    // Spread over the rows by a large prime: a step of their own rhythm would meet the same subjects over
    // and over.
    let mut centres: Vec<usize> = (1..=count).map(|nth| nth * 1_000_003 % rows.len()).collect();
    centres.sort_unstable();
    centres.dedup();
    let nearest_centres = |row: usize| -> Vec<usize> {
        let mut near: Vec<(f32, usize)> =
            centres.iter().enumerate().map(|(nth, centre)| (rows[row].cosine(&rows[*centre]), nth)).collect();
        let few = PROBES.min(near.len());
        near.select_nth_unstable_by(few - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.truncate(few);
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.into_iter().map(|(_, nth)| nth).collect()
    };
    let probed: Vec<Vec<usize>> = (0..rows.len()).into_par_iter().map(nearest_centres).collect();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); centres.len()];
    for (row, probed) in probed.iter().enumerate() {
        probed.iter().take(HOMES).for_each(|centre| members[*centre].push(row));
    }
    // Those who ask in a neighbourhood ask it together.
    let mut asking: Vec<Vec<usize>> = vec![Vec::new(); centres.len()];
    for row in asked {
        probed[*row].iter().for_each(|centre| asking[*centre].push(*row));
    }
    let found: Vec<Near> = asking
        .par_iter()
        .zip(&members)
        .flat_map_iter(|(asking, members)| {
            asking.chunks(TILE).flat_map(|tile| scan(rows, tile, members, least, &same)).collect::<Vec<_>>()
        })
        .collect();
    joined(found)
}

/// The nearest neighbours of a few rows among some.
fn scan(
    rows: &[RowView<'_>],
    asked: &[usize],
    among: &[usize],
    least: f32,
    same: &impl Fn(usize, usize) -> bool,
) -> Vec<Near> {
    let mut kept = vec![Kept::default(); asked.len()];
    for block in among.chunks(BLOCK) {
        for (one, kept) in asked.iter().zip(&mut kept) {
            for two in block {
                let cosine = rows[*one].cosine(&rows[*two]);
                if cosine >= least && !same(*one, *two) {
                    kept.push(Neighbour(cosine, *two));
                }
            }
        }
    }
    let near = |(one, kept): (&usize, Kept)| {
        let one = *one;
        kept.0.into_iter().map(move |Reverse(Neighbour(cosine, two))| Near {
            one: one.min(two),
            two: one.max(two),
            cosine,
        })
    };
    asked.iter().zip(kept).flat_map(near).collect()
}

/// Each pair once, in order of place.
fn joined(mut near: Vec<Near>) -> Vec<Near> {
    near.sort_unstable_by_key(|near| (near.one, near.two));
    near.dedup_by_key(|near| (near.one, near.two));
    near
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::embed::normalized;
    use crate::index::Quantized;

    /// Vectors in crowds of five.
    fn vectors(count: usize) -> Vec<Quantized> {
        let mut state = 42_u64;
        let mut noise = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        let crowds: Vec<Vec<f32>> = (0..count / 5).map(|_| (0..16).map(|_| noise()).collect()).collect();
        (0..count)
            .map(|nth| {
                let crowd = &crowds[nth % crowds.len()];
                Quantized::from(normalized(crowd.iter().map(|x| x + 0.3 * noise()).collect()).as_slice())
            })
            .collect()
    }

    fn places(near: &[Near]) -> BTreeSet<(usize, usize)> {
        near.iter().map(|near| (near.one, near.two)).collect()
    }

    #[test]
    fn every_near_pair_is_found_once_and_no_other() {
        let vectors = vectors(1_000);
        let rows: Vec<RowView<'_>> = vectors.iter().map(Quantized::view).collect();
        let all: Vec<usize> = (0..rows.len()).collect();
        let same = |one: usize, two: usize| one == two;
        let mut expected = BTreeSet::new();
        for one in 0..rows.len() {
            for two in one + 1..rows.len() {
                if rows[one].cosine(&rows[two]) >= 0.9 {
                    expected.insert((one, two));
                }
            }
        }
        let exact = nearest_exact(&rows, &all, 0.9, same);
        assert!(expected.len() > 500, "{}", expected.len());
        assert_eq!(places(&exact), expected);
        assert_eq!(exact.len(), expected.len(), "each once");
        // Neighbourhoods invent nothing, and miss little.
        let probed = nearest_probed(&rows, &all, 0.9, same);
        assert!(places(&probed).is_subset(&expected));
        assert!(probed.len() * 10 >= expected.len() * 9, "{} of {}", probed.len(), expected.len());
        // A few at a time, it is the same.
        let mut few = nearest_exact(&rows, &all[..600], 0.9, same);
        few.extend(nearest_exact(&rows, &all[600..], 0.9, same));
        assert_eq!(places(&few), expected);
        assert!(nearest_probed(&[], &[], 0.5, same).is_empty());
    }
}
