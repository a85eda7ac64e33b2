//! Two legs' figures → one score.

/// The share of the semantic leg where the corpus says nothing of it: the fixed weight that did
/// best over judged sets of short questions.
pub const DEFAULT_SEMANTIC_WEIGHT: f32 = 0.85;

/// What both legs say of one candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Cosine of the phrase with the question's nearest chunk; `None` without vectors.
    pub cosine: Option<f32>,
    /// BM25; 0 where no word matches.
    pub bm25: f32,
}

/// The best figures among all candidates of a phrase: what a candidate's are measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// The highest cosine, at least a little above zero.
    pub cosine: f32,
    /// The highest BM25 score; 0 where no word matches anything.
    pub bm25: f32,
}

impl Best {
    /// The best of some candidates.
    pub fn of<'a>(candidates: impl IntoIterator<Item = &'a Figures>) -> Self {
        candidates.into_iter().fold(Self { cosine: 0.01, bm25: 0.0 }, |best, figures| Self {
            cosine: best.cosine.max(figures.cosine.unwrap_or(0.0)),
            bm25: best.bm25.max(figures.bm25),
        })
    }
}

/// The convex sum of a candidate's shares of the best figures, in [0, 1]:
/// `w · cosine / best cosine + (1 - w) · BM25 / best BM25`.
///
/// Both figures are known for every candidate, so that nobody is punished for being missing from
/// one list. Where one leg has nothing to say of any candidate, the other decides alone. Bruch
/// et al., "An Analysis of Fusion Functions for Hybrid Retrieval" (2023), find such sums above
/// reciprocal ranks; so do we (see the README).
pub fn convex(figures: &Figures, best: &Best, semantic_weight: f32) -> f32 {
    let semantic = figures.cosine.map(|cosine| (cosine / best.cosine).max(0.0));
    let keyword = (best.bm25 > 0.0).then(|| figures.bm25 / best.bm25);
    match (semantic, keyword) {
        (Some(semantic), Some(keyword)) => semantic_weight * semantic + (1.0 - semantic_weight) * keyword,
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(candidates: &[(f32, f32)], weight: f32, expected: &[usize]) {
        let figures: Vec<Figures> =
            candidates.iter().map(|&(cosine, bm25)| Figures { cosine: Some(cosine), bm25 }).collect();
        let best = Best::of(&figures);
        let mut order: Vec<usize> = (0..figures.len()).collect();
        order.sort_by(|&a, &b| {
            convex(&figures[b], &best, weight).total_cmp(&convex(&figures[a], &best, weight))
        });
        assert_eq!(order, expected);
    }

    #[test]
    fn agreement_beats_one_good_figure() {
        check(&[(0.9, 0.0), (0.8, 9.0), (0.1, 10.0)], 0.6, &[1, 0, 2]);
    }

    #[test]
    fn the_weight_decides_between_the_legs() {
        check(&[(0.9, 1.0), (0.1, 10.0)], 1.0, &[0, 1]);
        check(&[(0.9, 1.0), (0.1, 10.0)], 0.0, &[1, 0]);
    }

    #[test]
    fn a_leg_that_says_nothing_does_not_lower_the_score() {
        let figures = Figures { cosine: Some(0.5), bm25: 0.0 };
        assert_eq!(convex(&figures, &Best::of([&figures]), 0.5), 1.0);
        let figures = Figures { cosine: None, bm25: 3.0 };
        assert_eq!(convex(&figures, &Best::of([&figures]), 0.5), 1.0);
    }
}
