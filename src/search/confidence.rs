//! How sure we are that a hit answers the phrase.
//!
//! A logistic model over a few figures of the hit, fitted on judged queries and on phrases that
//! nothing answers by `rqsearch eval --fit`, which writes `confidence.json`. It does not rank.

use std::sync::LazyLock;

use super::fuse::{RetrievalScores, ScoreRange};
use super::keyword::KeywordScores;
use crate::index::CosineScale;
use crate::logistic::Model;

/// What the model looks at, in this order:
///
/// - `cosine` of the phrase with the nearest piece of the question, as the built-in model would have it
///   (see [`CosineScale`]);
/// - `covered`, how much of the phrase the question has, by idf, and both multiplied;
/// - `words`, the logarithm of how many the phrase has that say something: a long phrase is never as
///   near to anything as a short one;
/// - `stands_out`, how far the cosine lies above the mean of the twenty best: in a crowd of questions
///   about the same, being near says less;
/// - `keyword_share`, BM25 as a share of the best: whether both legs mean the same question;
/// - `lead`, how far the fused score lies above the mean of the ten best, times `cosine_covered`: to be
///   ahead of nothing but unrelated questions is no merit;
/// - `named`, the share of the phrase, by idf, that names something exactly and that the question has.
pub const FEATURES: [&str; 8] =
    ["cosine", "covered", "cosine_covered", "words", "stands_out", "keyword_share", "lead", "named"];

/// A hit as the model sees it; [`FEATURES`] says what each number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features(pub [f32; FEATURES.len()]);

impl Features {
    /// Of a hit with this cosine and these figures among candidates of this range; `lead` is how far its
    /// fused score lies above the mean of the ten best.
    pub(super) fn new(
        cosine: f32,
        scores: &RetrievalScores,
        range: &ScoreRange,
        lead: f32,
        phrase: &KeywordScores,
        scale: CosineScale,
    ) -> Self {
        let (cosine, crowd) = (scale.as_builtin(cosine), scale.as_builtin(range.crowd));
        Self([
            cosine,
            scores.covered,
            cosine * scores.covered,
            (1.0 + phrase.words as f32).ln(),
            cosine - crowd,
            range.keyword(scores.bm25).unwrap_or(0.0),
            lead * cosine * scores.covered,
            scores.named.unwrap_or(0.0) * phrase.naming,
        ])
    }
}

/// The model that the program was built with.
pub static FITTED: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("confidence.json")).expect("confidence.json is written by `eval --fit`")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_model_names_its_features() {
        let names: Vec<&str> = FITTED.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, FEATURES);
    }
}
