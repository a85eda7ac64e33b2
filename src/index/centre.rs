//! The centre of the phrasings of an index (titles and alternative titles).

use super::quantized::RowView;

/// The number of phrasings sampled for the centre of an index. More would not change it noticeably.
pub const SAMPLE: usize = 2_048;

/// The mean vector of the phrasings of a corpus.
///
/// In a corpus on one subject, all vectors have high cosines with each other. Subtracting the mean leaves
/// what distinguishes one phrasing from another. Four ways to judge pairs by vectors alone were compared on
/// three labelled sets: the plain cosine, this one, removing the first principal components, and whitening.
/// This one was never worse than the cosine, and better by .024 average precision on one set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Centre {
    mean: Vec<f32>,
}

impl Centre {
    /// The mean of few phrasings is unreliable, so it is multiplied by `n / (n + 100)`.
    const FEW: f32 = 100.0;

    /// The centre of vectors of length one.
    pub fn of(vectors: impl IntoIterator<Item = Vec<f32>>) -> Self {
        let mut sum: Vec<f32> = Vec::new();
        let mut count = 0.0;
        for vector in vectors {
            sum.resize(vector.len(), 0.0);
            sum.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += x);
            count += 1.0;
        }
        sum.iter_mut().for_each(|x| *x /= count + Self::FEW);
        Self { mean: sum }
    }

    /// The centre of a corpus of `count` phrasings with this mean.
    #[cfg(any(test, feature = "milvus"))]
    pub(super) fn given(mean: &[f32], count: u64) -> Self {
        let count = count.min(SAMPLE as u64) as f32;
        Self { mean: mean.iter().map(|x| x * (count / (count + Self::FEW))).collect() }
    }

    /// The cosine of two vectors of an index after the centre is subtracted from both.
    pub fn between(&self, one: &RowView<'_>, two: &RowView<'_>) -> f32 {
        self.cosine(one.cosine(two), self.nearness(one.values()), self.nearness(two.values()))
    }

    /// The dot product of a vector with the centre, which [`cosine`](Self::cosine) takes.
    pub fn nearness(&self, vector: impl IntoIterator<Item = f32>) -> f32 {
        self.mean.iter().zip(vector).map(|(mean, x)| mean * x).sum()
    }

    /// The cosine of two vectors of length one after the centre is subtracted from both, computed from their
    /// plain cosine and the [nearness](Self::nearness) of each.
    pub fn cosine(&self, cosine: f32, one: f32, two: f32) -> f32 {
        let square: f32 = self.mean.iter().map(|x| x * x).sum();
        let length = |nearness: f32| (1.0 - 2.0 * nearness + square).max(1e-6).sqrt();
        ((cosine - one - two + square) / (length(one) * length(two))).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centred_cosine_equals_the_cosine_of_vectors_minus_the_centre() {
        let vectors = [vec![0.6, 0.8, 0.0], vec![0.8, 0.0, 0.6], vec![1.0, 0.0, 0.0]];
        let centre = Centre::of(vectors.iter().cycle().take(3_000).cloned());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let moved =
            vectors.each_ref().map(|v| v.iter().zip(&centre.mean).map(|(x, m)| x - m).collect::<Vec<_>>());
        let expected =
            dot(&moved[0], &moved[1]) / (dot(&moved[0], &moved[0]) * dot(&moved[1], &moved[1])).sqrt();
        let near = vectors.each_ref().map(|v| centre.nearness(v.iter().copied()));
        let found = centre.cosine(dot(&vectors[0], &vectors[1]), near[0], near[1]);
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        assert_eq!(Centre::default().cosine(0.5, 0.0, 0.0), 0.5);
    }
}
