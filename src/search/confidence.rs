//! The confidence that a hit answers the phrase.
//!
//! Confidence comes from a logistic regression model over a few features of the hit. `rqsearch eval --fit`
//! fits the model to judged queries and to phrases without an answer, and writes `confidence.json`. The
//! confidence does not affect the ranking.

use std::sync::LazyLock;

use serde::Serialize;

use super::fuse::{RetrievalScores, ScoreRange};
use super::keyword::KeywordQuery;
use crate::index::{CosineScale, K1};
use crate::logistic::Model;

/// The features of the confidence model, in order:
///
/// - `cosine`: the cosine of the phrase and the nearest chunk of the question, converted to the scale of the
///   built-in model (see [`CosineScale`]).
/// - `covered`: the fraction of the phrase's words that the question contains, weighted by idf.
/// - `cosine_covered`: the product of `cosine` and `covered`.
/// - `words`: ln(1 + the number of words in the phrase, without stop words). A long phrase is never as near
///   to a question as a short one.
/// - `stands_out`: `cosine` minus the mean of the twenty highest cosines, times `covered`. If many questions
///   are about the same subject, a high cosine means less. If words are missing, standing out means less: one
///   question is always the nearest to a phrase about another subject.
/// - `keyword`: BM25 divided by the highest possible BM25 of the phrase, which a question would have that
///   repeats every word of it without end. It is not divided by the highest BM25 of any question, which is
///   low if nothing answers.
/// - `lead`: the fused score minus the mean of the ten highest, times `cosine` and `keyword`. The factors are
///   there because a lead over unrelated questions means nothing.
/// - `named`: the fraction of the phrase, weighted by idf, that consists of identifiers (error codes, code as
///   written) that the question contains.
pub const FEATURES: [&str; 8] =
    ["cosine", "covered", "cosine_covered", "words", "stands_out", "keyword", "lead", "named"];

/// The feature values of a hit, in the order of [`FEATURES`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features(pub [f32; FEATURES.len()]);

impl Features {
    /// Computes the features of a hit. `range` is the score range of all candidates. `lead` is the hit's
    /// fused score minus the mean of the ten highest. `questions` is the number of questions in the index.
    pub(super) fn new(
        cosine: f32,
        scores: &RetrievalScores,
        range: &ScoreRange,
        lead: f32,
        phrase: &KeywordQuery<'_>,
        questions: u64,
        scale: CosineScale,
    ) -> Self {
        let (cosine, crowd) = (scale.as_builtin(cosine), scale.as_builtin(range.crowd));
        let keyword = scores.bm25 / highest_bm25(phrase, questions).max(f32::EPSILON);
        Self([
            cosine,
            scores.covered,
            cosine * scores.covered,
            (1.0 + phrase.words as f32).ln(),
            (cosine - crowd) * scores.covered,
            keyword,
            lead * cosine * keyword,
            scores.named.unwrap_or(0.0) * phrase.identifier_share,
        ])
    }
}

/// The BM25 of a question that repeats every word of the phrase without end. A word that no question contains
/// counts as the rarest one.
fn highest_bm25(phrase: &KeywordQuery<'_>, questions: u64) -> f32 {
    let unknown = phrase.missing.len() as f32 * (1.0 + 2.0 * questions as f32).ln();
    (K1 + 1.0) * (phrase.terms.iter().map(|term| term.idf).sum::<f32>() + unknown)
}

/// The confidence model that is compiled into the program.
pub static FITTED: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("confidence.json")).expect("confidence.json is written by `eval --fit`")
});

/// The minimum confidence of a strong hit. With the threshold of [`FITTED`], the minimum of a likely hit, this
/// is the only limit on which the words for a confidence depend. `rqsearch eval` shows how often each word is right.
const STRONG: f32 = 0.75;

/// A word for the confidence of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// 75 % or more.
    Strong,
    /// Less than 75 %, but at least the threshold of [`FITTED`].
    Likely,
    /// Less than the threshold of [`FITTED`].
    Weak,
}

impl Quality {
    /// The quality of a hit with this confidence, 0 to 1.
    pub fn of(confidence: f32) -> Self {
        Self::by(confidence, FITTED.threshold)
    }

    /// The quality of a hit with a confidence from a model with another threshold.
    pub fn by(confidence: f32, threshold: f32) -> Self {
        match confidence {
            confidence if confidence >= STRONG => Self::Strong,
            confidence if confidence >= threshold => Self::Likely,
            _ => Self::Weak,
        }
    }

    /// `strong`, `likely` or `weak`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Likely => "likely",
            Self::Weak => "weak",
        }
    }
}

/// A probability, 0 to 1, in per cent. At most 99, because 100 % would read as certainty.
pub fn percent(probability: f32) -> u32 {
    (100.0 * probability).round().clamp(0.0, 99.0) as u32
}

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
pub(super) fn from_words(scores: &RetrievalScores, range: &ScoreRange, phrase: &KeywordQuery<'_>) -> f32 {
    let words = (1.0 + phrase.words as f32).ln();
    let share = range.keyword(scores.bm25).unwrap_or(0.0);
    FITTED_TO_WORDS.probability(&[scores.covered, words, share])
}

/// The features of the model for a phrase in another language than the question, in order. `ahead` is `cosine` minus the
/// mean of the twenty highest cosines.
#[cfg(test)]
const MEANING_FEATURES: [&str; 3] = ["cosine", "words", "ahead"];

/// The confidence model for a phrase in another language than the question: that the question does not contain the words
/// means nothing then. It was fitted to semantic rankings of the sets that [`FITTED`] was fitted to.
static FITTED_TO_MEANING: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("confidence_meaning.json")).expect("confidence_meaning.json is valid")
});

/// The probability that a hit answers the phrase, from its meaning only.
pub(super) fn from_meaning(features: &Features, range: &ScoreRange, scale: CosineScale) -> f32 {
    let [cosine, _, _, words, ..] = features.0;
    FITTED_TO_MEANING.probability(&[cosine, words, cosine - scale.as_builtin(range.crowd)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_depends_on_confidence() {
        for (confidence, expected) in [
            (1.0, Quality::Strong),
            (0.75, Quality::Strong),
            (0.74, Quality::Likely),
            (FITTED.threshold, Quality::Likely),
            (FITTED.threshold - 0.01, Quality::Weak),
            (0.0, Quality::Weak),
        ] {
            assert_eq!(Quality::of(confidence), expected, "{confidence}");
        }
        assert_eq!([0.0, 0.126, 0.996, 1.0].map(percent), [0, 13, 99, 99]);
    }

    #[test]
    fn the_committed_model_has_these_features() {
        let names: Vec<&str> = FITTED.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, FEATURES);
        let names: Vec<&str> = FITTED_TO_WORDS.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, WORD_FEATURES);
        let names: Vec<&str> =
            FITTED_TO_MEANING.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, MEANING_FEATURES);
    }
}
