//! A map of the subjects of groups.

use super::{Duplicates, Group};
use crate::embed::normalized;
use crate::index::Index;

/// Computes a position for each group on a two-dimensional map of subjects. The coordinates are the first two
/// principal components of the vectors of the canonical titles, scaled to [-1, 1]. They are all 0 without
/// vectors.
///
/// `index` is the one that `found` was found in.
pub fn map(index: &Index, found: &Duplicates) -> Vec<[f32; 2]> {
    let vector = |group: &Group| index.title_vector(found.addresses[group.canonical]).unwrap_or_default();
    principal(found.groups.iter().map(vector).collect())
}

/// The first two principal components of vectors, by power iteration.
fn principal(mut vectors: Vec<Vec<f32>>) -> Vec<[f32; 2]> {
    const ROUNDS: usize = 30;
    let size = vectors.iter().map(Vec::len).max().unwrap_or(0);
    vectors.iter_mut().for_each(|vector| vector.resize(size, 0.0));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let count = vectors.len().max(1) as f32;
    let mean: Vec<f32> =
        (0..size).map(|at| vectors.iter().map(|vector| vector[at]).sum::<f32>() / count).collect();
    for vector in &mut vectors {
        vector.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
    }
    let mut points = vec![[0.0; 2]; vectors.len()];
    for axis in 0..2 {
        // Any start that is not orthogonal to the component works. A fixed one makes the map reproducible.
        let mut direction: Vec<f32> = (0..size).map(|at| 1.0 + (at % 7) as f32).collect();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; size];
            for vector in &vectors {
                let along = dot(vector, &direction);
                next.iter_mut().zip(vector).for_each(|(next, x)| *next += along * x);
            }
            direction = normalized(next);
        }
        for (vector, point) in vectors.iter_mut().zip(&mut points) {
            point[axis] = dot(vector, &direction);
            let along = point[axis];
            vector.iter_mut().zip(&direction).for_each(|(x, direction)| *x -= along * direction);
        }
    }
    let farthest = points.iter().flatten().fold(0.0_f32, |farthest, x| farthest.max(x.abs()));
    if farthest > 0.0 {
        points.iter_mut().flatten().for_each(|x| *x /= farthest);
    }
    points
}
