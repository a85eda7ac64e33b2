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

/// Two near phrasings, by their positions in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The smaller position.
    pub one: usize,
    /// The larger position.
    pub two: usize,
    /// The cosine of the two.
    pub cosine: f32,
}

/// A neighbour of a phrasing (cosine and position), ordered by nearness. If cosines are equal, the earlier
/// one is nearer.
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

/// For each of `queries` (positions in `rows`), finds its nearest neighbours among all rows, up to 16 with a
/// cosine of at least `min_cosine`. Pairs of the same question, for which `same` is true, are skipped.
///
/// This compares every pair, so the result is exact. Memory is linear in the number of rows.
pub fn nearest_exact(
    rows: &[RowView<'_>],
    queries: &[usize],
    min_cosine: f32,
    same: impl Fn(usize, usize) -> bool + Sync,
) -> Vec<Near> {
    let all: Vec<usize> = (0..rows.len()).collect();
    unique_pairs(
        queries.par_chunks(TILE).flat_map_iter(|tile| scan(rows, tile, &all, min_cosine, &same)).collect(),
    )
}

/// For each of `queries`, its nearest neighbours in `among`, up to 16 with a cosine of at least `min_cosine`.
pub(super) fn nearest_among(
    rows: &[RowView<'_>],
    queries: &[usize],
    among: &[usize],
    min_cosine: f32,
) -> Vec<Near> {
    let same = |one: usize, two: usize| one == two;
    let scan_tile = |tile| scan(rows, tile, among, min_cosine, &same);
    unique_pairs(queries.par_chunks(TILE).flat_map_iter(scan_tile).collect())
}

/// The pairs of which one is among the 16 nearest neighbours of the other, of pairs that include these. `rows` is the
/// number of rows.
pub(crate) fn nearest_of(pairs: Vec<Near>, rows: usize) -> Vec<Near> {
    let mut nearest = vec![Greatest::new(MAX_NEIGHBOURS); rows];
    let pairs = unique_pairs(pairs);
    for Near { one, two, cosine } in &pairs {
        nearest[*one].push(Neighbour(*cosine, *two));
        nearest[*two].push(Neighbour(*cosine, *one));
    }
    let is_nearest = |one: usize, two: usize| nearest[one].iter().any(|near| near.1 == two);
    let mut pairs = pairs;
    pairs.retain(|Near { one, two, .. }| is_nearest(*one, *two) || is_nearest(*two, *one));
    pairs
}

/// Like [`nearest_exact`], but approximate. √n of the rows serve as cluster centres. Each row is assigned to
/// the two nearest clusters, and each query is compared with the rows of the six nearest clusters only.
///
/// Time grows with n^1.5. Some neighbours are missed; `benches/duplicates.rs` measures how many.
pub fn nearest_probed(
    rows: &[RowView<'_>],
    queries: &[usize],
    min_cosine: f32,
    same: impl Fn(usize, usize) -> bool + Sync,
) -> Vec<Near> {
    /// How many clusters a row is assigned to, and how many a query searches.
    const ASSIGNED: usize = 2;
    const PROBES: usize = 6;
    if rows.is_empty() {
        return Vec::new();
    }
    let count = (rows.len() as f64).sqrt() as usize;
    // A large prime spreads the centres over the rows. A stride that matches a pattern in the rows would pick
    // the same subjects again and again.
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
        probed.iter().take(ASSIGNED).for_each(|centre| members[*centre].push(row));
    }
    // Group the queries by cluster, so that each cluster is scanned once.
    let mut queries_of: Vec<Vec<usize>> = vec![Vec::new(); centres.len()];
    for row in queries {
        probed[*row].iter().for_each(|centre| queries_of[*centre].push(*row));
    }
    let found: Vec<Near> = queries_of
        .par_iter()
        .zip(&members)
        .flat_map_iter(|(queries_of, members)| {
            queries_of
                .chunks(TILE)
                .flat_map(|tile| scan(rows, tile, members, min_cosine, &same))
                .collect::<Vec<_>>()
        })
        .collect();
    unique_pairs(found)
}

/// The nearest neighbours of `queries` among the rows in `among`.
fn scan(
    rows: &[RowView<'_>],
    queries: &[usize],
    among: &[usize],
    min_cosine: f32,
    same: &impl Fn(usize, usize) -> bool,
) -> Vec<Near> {
    let mut nearest = vec![Greatest::new(MAX_NEIGHBOURS); queries.len()];
    for block in among.chunks(BLOCK) {
        for (one, nearest) in queries.iter().zip(&mut nearest) {
            for two in block {
                // In the order of the positions, so that rounding does not depend on which one is the query.
                let cosine = rows[*one.min(two)].cosine(&rows[*one.max(two)]);
                if cosine >= min_cosine && !same(*one, *two) {
                    nearest.push(Neighbour(cosine, *two));
                }
            }
        }
    }
    let near = |(one, nearest): (&usize, Greatest<Neighbour>)| {
        let one = *one;
        nearest.into_sorted().into_iter().map(move |Neighbour(cosine, two)| Near {
            one: one.min(two),
            two: one.max(two),
            cosine,
        })
    };
    queries.iter().zip(nearest).flat_map(near).collect()
}

/// Sorts pairs by position and removes repeated ones.
fn unique_pairs(mut near: Vec<Near>) -> Vec<Near> {
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

    fn positions(near: &[Near]) -> BTreeSet<(usize, usize)> {
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
        assert_eq!(positions(&exact), expected);
        assert_eq!(exact.len(), expected.len(), "each once");
        // The approximate search finds at least 90 % of the pairs and no others.
        let probed = nearest_probed(&rows, &all, 0.9, same);
        assert!(positions(&probed).is_subset(&expected));
        assert!(probed.len() * 10 >= expected.len() * 9, "{} of {}", probed.len(), expected.len());
        // Searching in two batches finds the same pairs.
        let mut few = nearest_exact(&rows, &all[..600], 0.9, same);
        few.extend(nearest_exact(&rows, &all[600..], 0.9, same));
        assert_eq!(positions(&few), expected);
        assert!(nearest_probed(&[], &[], 0.5, same).is_empty());
    }

    #[test]
    fn pairs_do_not_depend_on_the_order_in_which_phrasings_were_added() {
        // Each of the 50 clusters has 20 vectors, more than the neighbours that are kept.
        let vectors: Vec<Quantized> = vectors(250).into_iter().cycle().take(1_000).collect();
        let rows: Vec<RowView<'_>> = vectors.iter().map(Quantized::view).collect();
        let all: Vec<usize> = (0..rows.len()).collect();
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
