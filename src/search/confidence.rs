//! The confidence that a hit answers the phrase.
//!
//! Confidence comes from a logistic regression model over a few features of the hit. `rqsearch eval --fit`
//! fits the model to judged queries and to phrases without an answer, and writes `confidence.json`. The
//! confidence does not affect the ranking.

use std::sync::LazyLock;

use super::fuse::{RetrievalScores, ScoreRange};
use super::keyword::KeywordScores;
use crate::index::CosineScale;
use crate::logistic::Model;

/// The features of the confidence model, in order:
///
/// - `cosine`: the cosine of the phrase and the nearest chunk of the question, converted to the scale of the
///   built-in model (see [`CosineScale`]).
/// - `covered`: the fraction of the phrase's words that the question contains, weighted by idf.
/// - `cosine_covered`: the product of `cosine` and `covered`.
/// - `words`: ln(1 + the number of words in the phrase, without stop words). A long phrase is never as near
///   to a question as a short one.
/// - `stands_out`: `cosine` minus the mean of the twenty highest cosines. If many questions are about the
///   same subject, a high cosine means less.
/// - `keyword_share`: BM25 divided by the highest BM25. It is high if keyword search finds the same question.
/// - `lead`: the fused score minus the mean of the ten highest, times `cosine_covered`. The factor is there
///   because a lead over unrelated questions means nothing.
/// - `named`: the fraction of the phrase, weighted by idf, that consists of identifiers (error codes, code as
///   written) that the question contains.
pub const FEATURES: [&str; 8] =
    ["cosine", "covered", "cosine_covered", "words", "stands_out", "keyword_share", "lead", "named"];

/// The feature values of a hit, in the order of [`FEATURES`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features(pub [f32; FEATURES.len()]);

impl Features {
    /// Computes the features of a hit. `range` is the score range of all candidates. `lead` is the hit's
    /// fused score minus the mean of the ten highest.
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
            scores.named.unwrap_or(0.0) * phrase.identifier_share,
        ])
    }
}

/// The confidence model that is compiled into the program.
pub static FITTED: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("confidence.json")).expect("confidence.json is written by `eval --fit`")
});

/// The features of the model for hits without a cosine, in order. They have the meaning that they have in
/// [`FEATURES`].
#[cfg(test)]
const WORD_FEATURES: [&str; 3] = ["covered", "words", "keyword_share"];

/// The confidence model for hits without a cosine: the model cannot read the phrase or the question. It was
/// fitted like [`FITTED`], to keyword rankings of four sets of judged queries and to phrases without an answer.
/// Its bias is 0.3 higher than fitted, because the sets are larger than many indexes: in a small index, a word
/// that occurs has a low idf, and one that is missing counts twice as much.
static FITTED_TO_WORDS: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("confidence_words.json")).expect("confidence_words.json is valid")
});

/// The probability that a hit answers the phrase, from its words only.
pub(super) fn from_words(scores: &RetrievalScores, range: &ScoreRange, phrase: &KeywordScores) -> f32 {
    let words = (1.0 + phrase.words as f32).ln();
    let share = range.keyword(scores.bm25).unwrap_or(0.0);
    FITTED_TO_WORDS.probability(&[scores.covered, words, share])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_model_has_these_features() {
        let names: Vec<&str> = FITTED.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, FEATURES);
        let names: Vec<&str> = FITTED_TO_WORDS.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, WORD_FEATURES);
    }
}
