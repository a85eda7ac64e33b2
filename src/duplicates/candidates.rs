//! Finds phrasings that are near to each other, by comparing every pair or only phrasings in the same
//! clusters.

use rayon::prelude::*;

use crate::index::{Greatest, RowView};

/// The maximum number of neighbours per phrasing. A question that is asked thirty times has more near
/// phrasings, but the others are neighbours of its neighbours.
const MAX_NEIGHBOURS: usize = 16;

/// `TILE` phrasings are compared with `BLOCK` phrasings at a time, so that the block stays in the processor's
/// cache.
const TILE: usize = 64;
const BLOCK: usize = 512;

/// How many clusters are searched before their results are merged. This bounds the memory.
const CLUSTERS_AT_ONCE: usize = 64;

/// Two near phrasings, by their positions in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The smaller position.
    pub one: u32,
    /// The larger position.
    pub two: u32,
    /// The cosine of the two.
    pub cosine: f32,
}

/// A neighbour of a phrasing (cosine and position), ordered by nearness. If cosines are equal, the earlier
/// one is nearer.
#[derive(Clone, Copy, PartialEq)]
struct Neighbour(f32, u32);

impl Neighbour {
    /// The pair of a phrasing and its neighbour.
    fn pair(self, of: u32) -> Near {
        let Self(cosine, other) = self;
        Near { one: of.min(other), two: of.max(other), cosine }
    }
}

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

/// The nearest neighbours that were found of each row, at most [`MAX_NEIGHBOURS`].
struct Nearest(Vec<Greatest<Neighbour>>);

impl Nearest {
    fn new(rows: usize) -> Self {
        Self(vec![Greatest::new(MAX_NEIGHBOURS); rows])
    }

    /// Adds a neighbour of a row, unless it is known.
    fn push(&mut self, row: u32, neighbour: Neighbour) {
        let nearest = &mut self.0[row as usize];
        if nearest.least().is_none_or(|least| neighbour > *least) && !has(nearest, neighbour.1) {
            nearest.push(neighbour);
        }
    }

    /// Whether one of the rows of a pair is among the nearest of the other.
    fn includes(&self, pair: &Near) -> bool {
        has(&self.0[pair.one as usize], pair.two) || has(&self.0[pair.two as usize], pair.one)
    }

    fn into_pairs(self) -> Vec<Near> {
        let pairs = |(row, nearest): (u32, Greatest<Neighbour>)| {
            nearest.into_sorted().into_iter().map(move |neighbour| neighbour.pair(row))
        };
        unique_pairs((0..).zip(self.0).flat_map(pairs).collect())
    }
}

fn has(nearest: &Greatest<Neighbour>, row: u32) -> bool {
    nearest.iter().any(|near| near.1 == row)
}

/// For each of `queries` (positions in `rows`), finds its nearest neighbours among all rows, up to 16 with a
/// cosine of at least `min_cosine`.
///
/// This compares every pair, so the result is exact. Memory is linear in the number of rows.
pub fn nearest_exact(rows: &[RowView<'_>], queries: &[u32], min_cosine: f32) -> Vec<Near> {
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    nearest_among(rows, queries, &all, min_cosine)
}

/// For each of `queries`, its nearest neighbours in `among`, up to 16 with a cosine of at least `min_cosine`.
pub(super) fn nearest_among(
    rows: &[RowView<'_>],
    queries: &[u32],
    among: &[u32],
    min_cosine: f32,
) -> Vec<Near> {
    let scan_tile = |tile| scan(rows, tile, among, min_cosine);
    let found = queries.par_chunks(TILE).flat_map_iter(scan_tile);
    unique_pairs(found.map(|(query, neighbour)| neighbour.pair(query)).collect())
}

/// The pairs of which one is among the 16 nearest neighbours of the other, of pairs that include these. `rows` is the
/// number of rows.
pub(super) fn nearest_of(pairs: Vec<Near>, rows: usize) -> Vec<Near> {
    let mut nearest = Nearest::new(rows);
    for Near { one, two, cosine } in &pairs {
        nearest.push(*one, Neighbour(*cosine, *two));
        nearest.push(*two, Neighbour(*cosine, *one));
    }
    let mut pairs = unique_pairs(pairs);
    pairs.retain(|pair| nearest.includes(pair));
    pairs
}

/// Like [`nearest_exact`], but approximate. 2√n of the rows serve as cluster centres. Each row is assigned to
/// the two nearest clusters, and each query is compared with the rows of the four nearest clusters only.
///
/// Time grows with n^1.5, and memory with n. Some neighbours are missed; `benches/scale.rs` measures how many. With a
/// million titles, √n centres and six clusters took 2.5 times as many comparisons, and found as many near titles.
pub fn nearest_probed(rows: &[RowView<'_>], queries: &[u32], min_cosine: f32) -> Vec<Near> {
    let clusters = clusters(rows, queries);
    let mut nearest = Nearest::new(rows.len());
    for some in clusters.chunks(CLUSTERS_AT_ONCE) {
        let tiles = some.par_iter().flat_map(|cluster| {
            cluster.queries.par_chunks(TILE).map(|tile| (tile, cluster.members.as_slice()))
        });
        let found: Vec<(u32, Neighbour)> =
            tiles.flat_map_iter(|(tile, members)| scan(rows, tile, members, min_cosine)).collect();
        found.into_iter().for_each(|(query, neighbour)| nearest.push(query, neighbour));
    }
    nearest.into_pairs()
}

/// Rows that are near to one of them.
#[derive(Clone, Default)]
struct Cluster {
    members: Vec<u32>,
    /// The queries that are compared with the members.
    queries: Vec<u32>,
}

/// The clusters of [`nearest_probed`].
fn clusters(rows: &[RowView<'_>], queries: &[u32]) -> Vec<Cluster> {
    /// How many clusters a row is assigned to, and how many a query searches.
    const ASSIGNED: usize = 2;
    const PROBES: usize = 4;
    let count = (2.0 * (rows.len() as f64).sqrt()) as usize;
    // A large prime spreads the centres over the rows. A stride that matches a pattern in the rows would pick
    // the same subjects again and again.
    let mut centres: Vec<usize> = (1..=count).map(|nth| nth * 1_000_003 % rows.len()).collect();
    centres.sort_unstable();
    centres.dedup();
    let nearest_centres = |near: &mut Vec<(f32, u32)>, row: &RowView<'_>| -> Box<[u32]> {
        let nearest_first = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        near.clear();
        near.extend(centres.iter().map(|centre| row.cosine(&rows[*centre])).zip(0..));
        let few = PROBES.min(near.len());
        near.select_nth_unstable_by(few - 1, nearest_first);
        near[..few].sort_by(nearest_first);
        near[..few].iter().map(|(_, nth)| *nth).collect()
    };
    let probed: Vec<Box<[u32]>> = rows.par_iter().map_init(Vec::new, nearest_centres).collect();
    let mut clusters = vec![Cluster::default(); centres.len()];
    for (row, probed) in (0..).zip(&probed) {
        probed.iter().take(ASSIGNED).for_each(|nth| clusters[*nth as usize].members.push(row));
    }
    for query in queries {
        probed[*query as usize].iter().for_each(|nth| clusters[*nth as usize].queries.push(*query));
    }
    clusters
}

/// The nearest neighbours of `queries` among the rows in `among`, at most 16 for each.
fn scan(rows: &[RowView<'_>], queries: &[u32], among: &[u32], min_cosine: f32) -> Vec<(u32, Neighbour)> {
    let mut nearest = vec![Greatest::new(MAX_NEIGHBOURS); queries.len()];
    for block in among.chunks(BLOCK) {
        for (one, nearest) in queries.iter().zip(&mut nearest) {
            for two in block.iter().filter(|two| *two != one) {
                // In the order of the positions, so that rounding does not depend on which one is the query.
                let cosine = rows[*one.min(two) as usize].cosine(&rows[*one.max(two) as usize]);
                if cosine >= min_cosine {
                    nearest.push(Neighbour(cosine, *two));
                }
            }
        }
    }
    let nearest = queries.iter().zip(nearest);
    nearest
        .flat_map(|(query, nearest)| nearest.into_sorted().into_iter().map(|near| (*query, near)))
        .collect()
}

/// Sorts pairs by position and removes repeated ones.
fn unique_pairs(mut near: Vec<Near>) -> Vec<Near> {
    near.par_sort_unstable_by_key(|near| (near.one, near.two));
    near.dedup_by_key(|near| (near.one, near.two));
    near
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::embed::normalized;
    use crate::index::Quantized;

    /// Vectors in clusters of five with a fixed seed.
    fn vectors(count: usize) -> Vec<Quantized> {
        let mut state = 42_u64;
        let mut noise = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        let clusters: Vec<Vec<f32>> = (0..count / 5).map(|_| (0..16).map(|_| noise()).collect()).collect();
        (0..count)
            .map(|nth| {
                let centre = &clusters[nth % clusters.len()];
                Quantized::from(normalized(centre.iter().map(|x| x + 0.3 * noise()).collect()).as_slice())
            })
            .collect()
    }

    fn positions(near: &[Near]) -> BTreeSet<(u32, u32)> {
        near.iter().map(|near| (near.one, near.two)).collect()
    }

    #[test]
    fn every_near_pair_is_found_once_and_no_other() {
        let vectors = vectors(1_000);
        let rows: Vec<RowView<'_>> = vectors.iter().map(Quantized::view).collect();
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let mut expected = BTreeSet::new();
        for one in all.iter().copied() {
            for two in one + 1..rows.len() as u32 {
                if rows[one as usize].cosine(&rows[two as usize]) >= 0.9 {
                    expected.insert((one, two));
                }
            }
        }
        let exact = nearest_exact(&rows, &all, 0.9);
        assert!(expected.len() > 500, "{}", expected.len());
        assert_eq!(positions(&exact), expected);
        assert_eq!(exact.len(), expected.len(), "each once");
        // The approximate search finds at least 90 % of the pairs and no others.
        let probed = nearest_probed(&rows, &all, 0.9);
        assert!(positions(&probed).is_subset(&expected));
        assert!(probed.len() * 10 >= expected.len() * 9, "{} of {}", probed.len(), expected.len());
        // Searching in two batches finds the same pairs.
        let mut few = nearest_exact(&rows, &all[..600], 0.9);
        few.extend(nearest_exact(&rows, &all[600..], 0.9));
        assert_eq!(positions(&few), expected);
        assert!(nearest_probed(&[], &[], 0.5).is_empty());
    }

    #[test]
    fn pairs_do_not_depend_on_the_order_in_which_phrasings_were_added() {
        // Each of the 50 clusters has 20 vectors, more than the neighbours that are kept.
        let vectors: Vec<Quantized> = vectors(250).into_iter().cycle().take(1_000).collect();
        let rows: Vec<RowView<'_>> = vectors.iter().map(Quantized::view).collect();
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let at_once = nearest_of(nearest_among(&rows, &all, &all, 0.8), rows.len());
        assert!(at_once.len() > 5_000, "{}", at_once.len());
        for first in [10, 500, 990] {
            let (old, new) = all.split_at(first);
            let mut pairs = nearest_of(nearest_among(&rows, old, old, 0.8), rows.len());
            pairs.extend(nearest_among(&rows, new, &all, 0.8));
            pairs.extend(nearest_among(&rows, old, new, 0.8));
            assert!(nearest_of(pairs, rows.len()) == at_once, "{first} first");
        }
    }
}
