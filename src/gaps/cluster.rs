//! Groups vectors by average linkage among near neighbours.

use crate::duplicates::{Near, nearest_exact, nearest_probed};
use crate::index::{Quantized, RowView};

/// The greatest number of vectors of which every pair is compared.
const MOST_EXACT: usize = 20_000;

/// Each vector has few [near](Near) ones, so that two parts of a large group may not be among them. After a pass, the
/// means of the groups are compared, which finds such parts.
const PASSES: usize = 3;

/// Near groups are merged before others: the limit falls to the least cosine in so many steps.
const STEPS: usize = 8;

/// Groups vectors of length one so that the mean cosine of every two groups that were merged is at least `least`. Returns
/// the positions of each group in order; every vector is in one group.
///
/// This is average linkage, except that only groups with members that are [near](Near) are compared. Time grows with
/// n^1.5, and memory with n.
pub(super) fn clusters(vectors: &[Quantized], least: f32) -> Vec<Vec<usize>> {
    let mut groups = Groups::new(vectors);
    for _ in 0..PASSES {
        if !groups.merge_near(least) {
            break;
        }
    }
    groups.members.retain(|members| !members.is_empty());
    groups.members.iter_mut().for_each(|members| members.sort_unstable());
    groups.members
}

struct Groups<'a> {
    vectors: &'a [Quantized],
    /// The group of each vector. A group has the number of one of its members.
    of: Vec<usize>,
    /// The members of each group. Empty if it was merged into another one.
    members: Vec<Vec<usize>>,
    /// The sum of the vectors of each group with more than one member; else empty.
    sums: Vec<Vec<f32>>,
}

impl<'a> Groups<'a> {
    fn new(vectors: &'a [Quantized]) -> Self {
        let count = vectors.len();
        Self {
            vectors,
            of: (0..count).collect(),
            members: (0..count).map(|nth| vec![nth]).collect(),
            sums: vec![Vec::new(); count],
        }
    }

    /// Merges the groups whose means are near. Returns whether there were any.
    fn merge_near(&mut self, least: f32) -> bool {
        let alive: Vec<usize> =
            (0..self.members.len()).filter(|nth| !self.members[*nth].is_empty()).collect();
        let mut pairs = self.near_means(&alive, least);
        pairs.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then((a.one, a.two).cmp(&(b.one, b.two))));
        let mut merged = false;
        for step in (0..STEPS).rev() {
            let limit = least + (1.0 - least) * step as f32 / STEPS as f32;
            // The cosine of two means is at least the mean of the cosines.
            for pair in pairs.iter().take_while(|pair| pair.cosine >= limit) {
                let (one, two) = (self.of[alive[pair.one as usize]], self.of[alive[pair.two as usize]]);
                if one != two && self.mean_cosine(one, two) >= limit {
                    self.merge(one, two);
                    merged = true;
                }
            }
        }
        merged
    }

    /// The groups whose means are near, as positions in `alive`.
    fn near_means(&self, alive: &[usize], least: f32) -> Vec<Near> {
        let mean = |group: &usize| {
            let sum = &self.sums[*group];
            let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::EPSILON);
            Quantized::from(sum.iter().map(|x| x / length).collect::<Vec<f32>>().as_slice())
        };
        let means: Vec<Option<Quantized>> =
            alive.iter().map(|group| (!self.sums[*group].is_empty()).then(|| mean(group))).collect();
        let views: Vec<RowView<'_>> = (alive.iter().zip(&means))
            .map(|(group, mean)| mean.as_ref().unwrap_or(&self.vectors[*group]).view())
            .collect();
        let all: Vec<u32> = (0..views.len() as u32).collect();
        match views.len() {
            0..=MOST_EXACT => nearest_exact(&views, &all, least),
            _ => nearest_probed(&views, &all, least),
        }
    }

    /// The mean cosine of a member of one group and a member of the other.
    fn mean_cosine(&self, one: usize, two: usize) -> f32 {
        let pairs = (self.members[one].len() * self.members[two].len()) as f32;
        let dot = match (self.sums[one].as_slice(), self.sums[two].as_slice()) {
            ([], []) => self.vectors[one].view().cosine(&self.vectors[two].view()),
            ([], sum) => self.vectors[one].values().zip(sum).map(|(a, b)| a * b).sum(),
            (sum, []) => self.vectors[two].values().zip(sum).map(|(a, b)| a * b).sum(),
            (one, two) => one.iter().zip(two).map(|(a, b)| a * b).sum(),
        };
        dot / pairs
    }

    /// Moves the members of the smaller group to the larger one.
    fn merge(&mut self, one: usize, two: usize) {
        let size = |group: usize| self.members[group].len();
        let (from, to) = if size(one) > size(two) { (two, one) } else { (one, two) };
        if self.sums[to].is_empty() {
            self.sums[to] = self.vectors[to].values().collect();
        }
        let sum = std::mem::take(&mut self.sums[from]);
        let add = |(sum, x): (&mut f32, f32)| *sum += x;
        match sum.is_empty() {
            true => self.sums[to].iter_mut().zip(self.vectors[from].values()).for_each(add),
            false => self.sums[to].iter_mut().zip(sum).for_each(add),
        }
        let members = std::mem::take(&mut self.members[from]);
        members.iter().for_each(|member| self.of[*member] = to);
        self.members[to].extend(members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::normalized;

    fn vectors(rows: &[[f32; 3]]) -> Vec<Quantized> {
        rows.iter().map(|row| Quantized::from(normalized(row.to_vec()).as_slice())).collect()
    }

    #[test]
    fn near_vectors_are_grouped_and_others_stay_alone() {
        let rows = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.1, 0.0], [0.0, 1.0, 0.2], [0.0, 0.0, 1.0]];
        assert_eq!(clusters(&vectors(&rows), 0.8), [vec![0, 2], vec![1, 3], vec![4]]);
        assert!(clusters(&[], 0.8).is_empty());
    }

    #[test]
    fn groups_do_not_chain() {
        // Each is near to the next (cosine .94), and the first and the last have nothing in common.
        let rows: Vec<[f32; 3]> =
            (0..=4).map(|nth| 0.39 * nth as f32).map(|x| [x.cos(), x.sin(), 0.0]).collect();
        let found = clusters(&vectors(&rows), 0.8);
        assert!(found.len() == 2 && found.iter().all(|group| group.len() <= 3), "{found:?}");
    }

    #[test]
    fn a_group_may_have_more_members_than_each_has_neighbours() {
        // A hundred copies of each of two vectors: the 16 nearest of a copy are not all copies.
        let rows: Vec<[f32; 3]> = (0..200)
            .map(|nth| if nth % 2 == 0 { [1.0, 0.01 * (nth % 9) as f32, 0.0] } else { [0.0, 0.0, 1.0] })
            .collect();
        let found = clusters(&vectors(&rows), 0.8);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100]);
    }
}
