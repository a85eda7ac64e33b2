//! Ranking metrics, computed from a ranking and its judgments.
//!
//! They match `trec_eval` (`ndcg_cut`, `recip_rank`, `recall`, `success`). The gain of a document is its
//! judgment, discounted by log₂(rank + 1).

/// The metrics of a ranking for one query, each in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Measures {
    /// Normalized discounted cumulative gain of the first ten documents.
    pub ndcg_10: f64,
    /// 1 / rank of the first relevant document among the first ten, else 0.
    pub mrr_10: f64,
    /// The fraction of all relevant documents that are among the first hundred.
    pub recall_100: f64,
    /// 1 if the first document is relevant, else 0.
    pub success_1: f64,
    /// 1 if one of the first five documents is relevant, else 0.
    pub success_5: f64,
    /// 1 if one of the first ten documents is relevant, else 0.
    pub success_10: f64,
}

impl Measures {
    /// Computes the metrics of a ranking. `found` has the judgment of each ranked document in order, 0 for a
    /// document that is not relevant. `right` has all judgments above 0 of the query.
    pub fn of(found: &[u32], right: &[u32]) -> Self {
        let first = found.iter().position(|judgment| *judgment > 0);
        let within = |k: usize| f64::from(first.is_some_and(|at| at < k));
        Self {
            ndcg_10: ndcg(found, right, 10),
            mrr_10: first.filter(|at| *at < 10).map_or(0.0, |at| 1.0 / (at + 1) as f64),
            recall_100: recall(found, right, 100),
            success_1: within(1),
            success_5: within(5),
            success_10: within(10),
        }
    }

    /// The mean over queries. All metrics are 0 if there are none.
    pub fn mean<'a>(measures: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut count = 0.0_f64;
        let mut sum = Self::default();
        for measures in measures {
            count += 1.0;
            for (sum, value) in sum.values_mut().into_iter().zip(measures.values()) {
                *sum += value;
            }
        }
        sum.values_mut().into_iter().for_each(|value| *value /= count.max(1.0));
        sum
    }

    /// The names of [`values`](Self::values), for table headers.
    pub const NAMES: [&'static str; 6] =
        ["nDCG@10", "MRR@10", "recall@100", "success@1", "success@5", "success@10"];

    /// The metrics in the order of [`NAMES`](Self::NAMES).
    pub fn values(&self) -> [f64; 6] {
        [self.ndcg_10, self.mrr_10, self.recall_100, self.success_1, self.success_5, self.success_10]
    }

    fn values_mut(&mut self) -> [&mut f64; 6] {
        [
            &mut self.ndcg_10,
            &mut self.mrr_10,
            &mut self.recall_100,
            &mut self.success_1,
            &mut self.success_5,
            &mut self.success_10,
        ]
    }
}

/// Normalized discounted cumulative gain of the first `k` documents. 0 if no document is relevant.
fn ndcg(found: &[u32], right: &[u32], k: usize) -> f64 {
    let mut ideal = right.to_vec();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let best = dcg(&ideal, k);
    if best > 0.0 { dcg(found, k) / best } else { 0.0 }
}

fn dcg(judgments: &[u32], k: usize) -> f64 {
    (2..)
        .zip(judgments.iter().take(k))
        .map(|(rank_plus_1, gain)| f64::from(*gain) / f64::from(rank_plus_1 as u32).log2())
        .sum()
}

fn recall(found: &[u32], right: &[u32], k: usize) -> f64 {
    let count = |judgments: &[u32]| judgments.iter().filter(|judgment| **judgment > 0).count() as f64;
    let all = count(right);
    if all > 0.0 { count(&found[..found.len().min(k)]) / all } else { 0.0 }
}

/// The p-value of the difference between two rankings' metrics over the same queries: the probability that a
/// difference at least as large occurs by chance. It is computed by a two-sided paired randomization test
/// (Smucker et al., 2007) with 10,000 permutations and a fixed seed.
///
/// 1 if there is no difference.
pub fn significance(a: &[f64], b: &[f64]) -> f64 {
    const FLIPS: u32 = 10_000;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let observed = differences.iter().sum::<f64>().abs();
    let mut random = Random::new();
    let mut flip = || random.next() >> 63 == 1;
    let as_large = (0..FLIPS)
        .filter(|_| {
            let sum: f64 =
                differences.iter().map(|difference| if flip() { *difference } else { -difference }).sum();
            sum.abs() >= observed - 1e-12
        })
        .count();
    (as_large + 1) as f64 / f64::from(FLIPS + 1)
}

/// A generator of pseudorandom numbers with a fixed seed: xorshift64*. It is good enough for samples and gives the same
/// numbers on every platform.
pub(super) struct Random(u64);

impl Random {
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &[u32], right: &[u32], expected: [f64; 6]) {
        let measures = Measures::of(found, right).values();
        for (found, expected) in measures.into_iter().zip(expected) {
            assert!((found - expected).abs() < 5e-5, "{measures:?}");
        }
    }

    #[test]
    fn metrics_match_examples_computed_by_hand() {
        // Relevant at rank 1.
        check(&[1, 0], &[1], [1.0; 6]);
        // Relevant at rank 2: 1 / log2(3).
        check(&[0, 1], &[1], [0.63093, 0.5, 1.0, 0.0, 1.0, 1.0]);
        // Relevant at ranks 1 and 3: (1 + 1/2) / (1 + 1/log2 3).
        check(&[1, 0, 1], &[1, 1], [0.91972, 1.0, 1.0, 1.0, 1.0, 1.0]);
        // Graded, 1 before 2: (1 + 2/log2 3) / (2 + 1/log2 3).
        check(&[1, 2], &[2, 1], [0.85972, 1.0, 1.0, 1.0, 1.0, 1.0]);
        // Relevant at rank 6: no success among the first five, and one of two is recalled.
        check(&[0, 0, 0, 0, 0, 1], &[1, 1], [0.21840, 0.16667, 0.5, 0.0, 0.0, 1.0]);
        // Relevant at rank 11: recalled, but outside the first ten.
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &[1], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        check(&[], &[1], [0.0; 6]);
        check(&[0], &[], [0.0; 6]);
    }

    /// Compares metrics of made-up rankings with those by `ir-measures` 0.4.3 (through `pytrec_eval`, so
    /// `trec_eval`).
    #[test]
    fn metrics_match_trec_eval() {
        #[derive(serde::Deserialize)]
        struct Case {
            found: Vec<u32>,
            right: Vec<u32>,
            ndcg_10: f64,
            mrr_10: f64,
            recall_100: f64,
            success_1: f64,
            success_5: f64,
        }
        let cases: Vec<Case> =
            include_str!("trec_eval.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(cases.len(), 40);
        for case in cases {
            let success_10 = f64::from(case.found.iter().take(10).any(|judgment| *judgment > 0));
            let expected =
                [case.ndcg_10, case.mrr_10, case.recall_100, case.success_1, case.success_5, success_10];
            check(&case.found, &case.right, expected);
        }
    }

    #[test]
    fn the_mean_is_over_queries() {
        let mean = Measures::mean([&Measures::of(&[1], &[1]), &Measures::of(&[0], &[1])]);
        assert_eq!(mean.values(), [0.5; 6]);
        assert_eq!(Measures::mean([]), Measures::default());
    }

    #[test]
    fn a_difference_on_every_query_is_significant_and_noise_is_not() {
        let a: Vec<f64> = (0..20).map(|nth| f64::from(nth) / 20.0).collect();
        let better: Vec<f64> = a.iter().map(|x| x + 0.1).collect();
        assert!(significance(&better, &a) < 0.001);
        let noise: Vec<f64> =
            a.iter().zip(0..).map(|(x, nth)| x + if nth % 2 == 0 { 0.1 } else { -0.1 }).collect();
        assert!(significance(&noise, &a) > 0.5);
        assert_eq!(significance(&a, &a), 1.0);
    }
}
