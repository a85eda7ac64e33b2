//! Score fusion: combines the scores of keyword and semantic search.

/// The semantic weight for a corpus on which it was not tuned: the fixed weight that performed best over
/// several sets of judged queries made of short questions.
pub const DEFAULT_SEMANTIC_WEIGHT: f32 = 0.75;

/// The rank of the candidate whose cosine normalizes to 0. The cosine of unrelated questions differs from
/// phrase to phrase, so only the distance above that floor counts.
const FLOOR_RANK: usize = 300;

/// The weight of containing all identifiers (error codes, code as written) and quotations of the phrase,
/// relative to 1 for being best in both retrievers. Semantic search alone cannot tell `E0502` from any other
/// code.
pub const NAMED: f32 = 0.2;

/// The weight of a candidate's neighbours in its score, relative to 1 for its own score, in an index without end. In a
/// small index the nearest questions are about other subjects, so the weight is multiplied by `n / (n + 300)`, where
/// `n` is the number of questions.
const NEIGHBOURS: f32 = 0.3;
const FEW_QUESTIONS: f32 = 300.0;

/// The weight of the neighbours in an index with this many questions.
pub fn neighbour_weight(questions: u64) -> f32 {
    NEIGHBOURS * questions as f32 / (questions as f32 + FEW_QUESTIONS)
}

/// The scores of one candidate from both retrievers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RetrievalScores {
    /// Cosine of the phrase and the question's nearest chunk. `None` without vectors.
    pub cosine: Option<f32>,
    /// The same after the mean of the index is subtracted from both (see [`Space`](crate::index::Space)), and after
    /// feedback from the best hits of a first ranking. The ranking uses this cosine. `None` without vectors.
    pub centred: Option<f32>,
    /// BM25 score. 0 if no word matches.
    pub bm25: f32,
    /// The fraction of the phrase's identifiers and quotations that the question contains, weighted by idf.
    /// `None` if the phrase has none that any question contains.
    pub named: Option<f32>,
    /// The fraction of the phrase's words that the question contains, weighted by idf, in [0, 1].
    pub covered: f32,
}

/// How many of the highest cosines [`ScoreRange::crowd`] averages.
const CROWD: usize = 20;

/// The range of scores among all candidates of a phrase, used to normalize them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The highest centred cosine, but at least 0.01.
    pub centred: f32,
    /// The centred cosine that normalizes to 0.
    pub floor: f32,
    /// The mean of the twenty highest cosines. It is high if many questions are about the same subject.
    pub crowd: f32,
    /// The highest BM25 score. 0 if no word matches any question.
    pub bm25: f32,
}

impl ScoreRange {
    /// Computes the score range of candidates.
    pub fn of<'a>(candidates: impl IntoIterator<Item = &'a RetrievalScores>) -> Self {
        let (mut cosines, mut centred) = (Vec::new(), Vec::new());
        let mut bm25 = 0.0_f32;
        for scores in candidates {
            cosines.extend(scores.cosine);
            centred.extend(scores.centred);
            bm25 = bm25.max(scores.bm25);
        }
        for cosines in [&mut cosines, &mut centred] {
            cosines.sort_by(|a, b| b.total_cmp(a));
        }
        let crowd = &cosines[..cosines.len().min(CROWD)];
        Self {
            centred: centred.first().map_or(0.01, |best| best.max(0.01)),
            floor: centred.get(FLOOR_RANK - 1).or(centred.last()).copied().unwrap_or(0.0),
            crowd: crowd.iter().sum::<f32>() / crowd.len().max(1) as f32,
            bm25,
        }
    }

    /// Normalizes a centred cosine: 0 at the floor, 1 at the highest cosine.
    fn semantic(&self, cosine: f32) -> f32 {
        let width = self.centred - self.floor;
        // A single candidate has no range to normalize to.
        if width < 1e-4 {
            f32::from(cosine >= self.centred)
        } else {
            ((cosine - self.floor) / width).clamp(0.0, 1.0)
        }
    }

    /// Divides a BM25 score by the highest one. `None` if no word matches any question.
    pub fn keyword(&self, bm25: f32) -> Option<f32> {
        (self.bm25 > 0.0).then(|| bm25 / self.bm25)
    }
}

/// The normalized scores of a candidate, each in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalizedScores {
    /// 0 at the floor, 1 at the highest centred cosine. `None` without vectors.
    pub semantic: Option<f32>,
    /// BM25 divided by the highest BM25. `None` if no word matches any question.
    pub keyword: Option<f32>,
    /// [`RetrievalScores::named`].
    pub named: Option<f32>,
}

impl NormalizedScores {
    /// Normalizes scores to a range.
    pub fn new(scores: &RetrievalScores, range: &ScoreRange) -> Self {
        Self {
            semantic: scores.centred.map(|cosine| range.semantic(cosine)),
            keyword: range.keyword(scores.bm25),
            named: scores.named,
        }
    }

    /// The convex combination of both scores, in [0, 1]: `w · semantic + (1 - w) · keyword`. If the phrase
    /// has identifiers, [`named`](Self::named) is added with weight [`NAMED`] and the sum is scaled back to
    /// [0, 1].
    ///
    /// Both scores are known for every candidate, so no candidate loses for missing from one list. If one
    /// retriever scores no candidate, only the other counts. Bruch et al., "An Analysis of Fusion Functions
    /// for Hybrid Retrieval" (2023), find convex combinations better than reciprocal rank fusion, and min-max
    /// scaling better than scaling by the maximum. Our measurements agree.
    pub fn convex(&self, semantic_weight: f32) -> f32 {
        let sum = match (self.semantic, self.keyword) {
            (Some(semantic), Some(keyword)) => semantic_weight * semantic + (1.0 - semantic_weight) * keyword,
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => 0.0,
        };
        match self.named {
            Some(named) => (sum + NAMED * named) / (1.0 + NAMED),
            None => sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(cosine: f32, bm25: f32) -> RetrievalScores {
        RetrievalScores { centred: Some(cosine), bm25, ..RetrievalScores::default() }
    }

    #[track_caller]
    fn check(candidates: &[RetrievalScores], weight: f32, expected: &[usize]) {
        let range = ScoreRange::of(candidates);
        let score = |at: usize| NormalizedScores::new(&candidates[at], &range).convex(weight);
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        assert_eq!(order, expected);
    }

    #[test]
    fn agreement_beats_one_high_score() {
        check(&[scores(0.9, 0.0), scores(0.8, 9.0), scores(0.1, 10.0)], 0.6, &[1, 0, 2]);
    }

    #[test]
    fn the_weight_decides_between_the_retrievers() {
        check(&[scores(0.9, 1.0), scores(0.1, 10.0)], 1.0, &[0, 1]);
        check(&[scores(0.9, 1.0), scores(0.1, 10.0)], 0.0, &[1, 0]);
    }

    #[test]
    fn a_matching_identifier_beats_a_higher_cosine() {
        let unrelated = scores(0.1, 0.0);
        let without = RetrievalScores { named: Some(0.0), ..scores(0.9, 8.0) };
        let with = RetrievalScores { named: Some(1.0), ..scores(0.75, 8.0) };
        check(&[without, with, unrelated], 0.75, &[1, 0, 2]);
        let without = |scores: RetrievalScores| RetrievalScores { named: None, ..scores };
        check(&[with, scores(0.9, 8.0), unrelated].map(without), 0.75, &[1, 0, 2]);
    }

    #[test]
    fn a_retriever_without_matches_does_not_lower_the_score() {
        let score =
            |only: RetrievalScores| NormalizedScores::new(&only, &ScoreRange::of([&only])).convex(0.5);
        assert_eq!(score(scores(0.5, 0.0)), 1.0);
        assert_eq!(score(RetrievalScores { centred: None, ..scores(0.0, 3.0) }), 1.0);
        assert_eq!(score(RetrievalScores::default()), 0.0);
    }

    #[test]
    fn the_score_is_the_weighted_sum_of_normalized_scores() {
        let range = ScoreRange { centred: 0.9, floor: 0.1, crowd: 0.0, bm25: 10.0 };
        // 0.5 is half way from the floor to the highest cosine, and 2.5 a quarter of the highest BM25.
        for (cosine, bm25, named, weight, expected) in [
            (0.5, 2.5, None, 0.75, 0.75 * 0.5 + 0.25 * 0.25),
            (0.5, 2.5, None, 1.0, 0.5),
            (0.5, 2.5, None, 0.0, 0.25),
            (0.05, 2.5, None, 0.75, 0.25 * 0.25),
            (0.5, 2.5, Some(0.0), 0.75, (0.75 * 0.5 + 0.25 * 0.25) / (1.0 + NAMED)),
            (0.5, 2.5, Some(0.5), 0.75, (0.75 * 0.5 + 0.25 * 0.25 + NAMED * 0.5) / (1.0 + NAMED)),
            (0.9, 10.0, Some(1.0), 0.75, 1.0),
        ] {
            let scores = RetrievalScores { named, ..scores(cosine, bm25) };
            let score = NormalizedScores::new(&scores, &range).convex(weight);
            assert!((score - expected).abs() < 1e-6, "{scores:?} {weight}: {score}, not {expected}");
        }
    }

    #[test]
    fn the_range_has_the_300th_cosine_and_the_mean_of_the_20_highest() {
        let thousandths = |n: u16| f32::from(n) / 1000.0;
        let of =
            |n: u16| RetrievalScores { cosine: Some(thousandths(n)), ..scores(thousandths(n), f32::from(n)) };
        let range = |all: &[RetrievalScores]| ScoreRange::of(all);
        let check = |found: ScoreRange, expected: [f32; 4]| {
            let found = [found.centred, found.floor, found.crowd, found.bm25];
            let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5);
            assert!(is_near, "{found:?}, not {expected:?}");
        };
        let all: Vec<RetrievalScores> = (1..=400).map(of).collect();
        check(range(&all), [0.4, 0.101, 0.3905, 400.0]);
        check(range(&all[..300]), [0.3, 0.001, 0.2905, 300.0]);
        check(range(&all[..5]), [0.01, 0.001, 0.003, 5.0]);
        check(range(&[]), [0.01, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn candidates_with_one_cosine_have_no_range() {
        let range = ScoreRange::of(&[scores(0.5, 0.0), scores(0.5, 0.0)]);
        assert_eq!([0.6, 0.5, 0.4999].map(|cosine| range.semantic(cosine)), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn neighbours_count_more_in_a_larger_index() {
        let halved = neighbour_weight(FEW_QUESTIONS as u64);
        assert_eq!((neighbour_weight(0), halved), (0.0, NEIGHBOURS / 2.0));
        assert!(neighbour_weight(1_000_000) > 0.99 * NEIGHBOURS && neighbour_weight(1_000_000) < NEIGHBOURS);
    }

    #[test]
    fn every_score_is_between_0_and_1() {
        for cosine in [-1.0, 0.0, 0.2, 0.9, 1.0] {
            for bm25 in [0.0, 3.0, 10.0] {
                let range = ScoreRange::of(&[scores(0.9, 10.0), scores(0.2, 0.0)]);
                let score = NormalizedScores::new(&scores(cosine, bm25), &range).convex(0.75);
                assert!((0.0..=1.0).contains(&score), "{cosine} {bm25} {score}");
            }
        }
    }
}
