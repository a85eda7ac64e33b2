//! Two legs' figures → one score.

/// The share of the semantic leg where the corpus says nothing of it: the fixed weight that did
/// best over judged sets of short questions.
pub const DEFAULT_SEMANTIC_WEIGHT: f32 = 0.75;

/// A cosine as good as that of so many questions is worth nothing: how near *anything* is differs
/// from phrase to phrase, and only what stands out counts.
const FLOOR_RANK: usize = 300;

/// What having every thing that the phrase names exactly (an error code, code as written) is
/// worth, beside 1 for being best in both legs. Meaning alone takes `E0502` for any other code.
pub const NAMED: f32 = 0.7;

/// What both legs say of one candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RetrievalScores {
    /// Cosine of the phrase with the question's nearest chunk; `None` without vectors.
    pub cosine: Option<f32>,
    /// BM25; 0 where no word matches.
    pub bm25: f32,
    /// Of the things that the phrase names exactly, the share by idf that the question has; `None`
    /// where it names nothing that any question has.
    pub named: Option<f32>,
    /// How much of the phrase the question has, in [0, 1]: the share of its words by idf.
    pub covered: f32,
}

/// Among how many of the best cosines a candidate stands out or does not.
const CROWD: usize = 20;

/// What a candidate's figures are measured against, among all candidates of a phrase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The highest cosine, at least a little above zero.
    pub cosine: f32,
    /// The mean of the twenty highest cosines: high where many questions are about the same.
    pub crowd: f32,
    /// The cosine that is worth nothing.
    pub floor: f32,
    /// The highest BM25 score; 0 where no word matches anything.
    pub bm25: f32,
}

impl ScoreRange {
    /// The range of some candidates.
    pub fn of<'a>(candidates: impl IntoIterator<Item = &'a RetrievalScores>) -> Self {
        let mut cosines = Vec::new();
        let mut bm25 = 0.0_f32;
        for scores in candidates {
            cosines.extend(scores.cosine);
            bm25 = bm25.max(scores.bm25);
        }
        cosines.sort_by(|a, b| b.total_cmp(a));
        let crowd = &cosines[..cosines.len().min(CROWD)];
        Self {
            cosine: cosines.first().map_or(0.01, |best| best.max(0.01)),
            crowd: crowd.iter().sum::<f32>() / crowd.len().max(1) as f32,
            floor: cosines.get(FLOOR_RANK - 1).or(cosines.last()).copied().unwrap_or(0.0),
            bm25,
        }
    }

    /// Where a cosine stands between worth nothing (0) and the best (1).
    fn semantic(&self, cosine: f32) -> f32 {
        let width = self.cosine - self.floor;
        // Of one candidate there is nothing to compare.
        if width < 1e-4 {
            f32::from(cosine >= self.cosine)
        } else {
            ((cosine - self.floor) / width).clamp(0.0, 1.0)
        }
    }

    /// A BM25 score as a share of the best; `None` where no word matches anything.
    pub fn keyword(&self, bm25: f32) -> Option<f32> {
        (self.bm25 > 0.0).then(|| bm25 / self.bm25)
    }
}

/// Where a candidate stands in each leg, each in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalizedScores {
    /// From 0 at the floor to 1 at the best cosine; `None` without vectors.
    pub semantic: Option<f32>,
    /// BM25 as a share of the best; `None` where no word matches anything.
    pub keyword: Option<f32>,
    /// [`RetrievalScores::named`].
    pub named: Option<f32>,
}

impl NormalizedScores {
    /// Where figures stand in their range.
    pub fn new(scores: &RetrievalScores, range: &ScoreRange) -> Self {
        Self {
            semantic: scores.cosine.map(|cosine| range.semantic(cosine)),
            keyword: range.keyword(scores.bm25),
            named: scores.named,
        }
    }

    /// The convex sum of both, in [0, 1]: `w · semantic + (1 - w) · keyword`.
    ///
    /// Both are known for every candidate, so that nobody is punished for being missing from
    /// one list. Where one leg has nothing to say of any candidate, the other decides alone. Bruch
    /// et al., "An Analysis of Fusion Functions for Hybrid Retrieval" (2023), find such sums above
    /// reciprocal ranks, and scaling by minimum and maximum above scaling by the maximum; so do we.
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
        RetrievalScores { cosine: Some(cosine), bm25, ..RetrievalScores::default() }
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
    fn agreement_beats_one_good_figure() {
        check(&[scores(0.9, 0.0), scores(0.8, 9.0), scores(0.1, 10.0)], 0.6, &[1, 0, 2]);
    }

    #[test]
    fn the_weight_decides_between_the_legs() {
        check(&[scores(0.9, 1.0), scores(0.1, 10.0)], 1.0, &[0, 1]);
        check(&[scores(0.9, 1.0), scores(0.1, 10.0)], 0.0, &[1, 0]);
    }

    #[test]
    fn what_the_phrase_names_is_not_drowned() {
        let with = RetrievalScores { named: Some(1.0), ..scores(0.3, 10.0) };
        let without = RetrievalScores { named: Some(0.0), ..scores(0.9, 2.0) };
        check(&[without, with], 0.75, &[1, 0]);
    }

    #[test]
    fn a_leg_that_says_nothing_does_not_lower_the_score() {
        let score =
            |only: RetrievalScores| NormalizedScores::new(&only, &ScoreRange::of([&only])).convex(0.5);
        assert_eq!(score(scores(0.5, 0.0)), 1.0);
        assert_eq!(score(RetrievalScores { cosine: None, ..scores(0.0, 3.0) }), 1.0);
        assert_eq!(score(RetrievalScores::default()), 0.0);
    }

    #[test]
    fn every_score_is_a_share() {
        for cosine in [-1.0, 0.0, 0.2, 0.9, 1.0] {
            for bm25 in [0.0, 3.0, 10.0] {
                let range = ScoreRange::of(&[scores(0.9, 10.0), scores(0.2, 0.0)]);
                let score = NormalizedScores::new(&scores(cosine, bm25), &range).convex(0.75);
                assert!((0.0..=1.0).contains(&score), "{cosine} {bm25} {score}");
            }
        }
    }
}
