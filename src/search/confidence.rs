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
    use crate::index::Index;
    use crate::question::Question;

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
        assert_eq!(
            [Quality::Strong, Quality::Likely, Quality::Weak].map(Quality::name),
            ["strong", "likely", "weak"]
        );
        assert_eq!([0.0, 0.126, 0.996, 1.0].map(percent), [0, 13, 99, 99]);
    }

    /// The number of questions in the index.
    const COUNT: u64 = 30;

    /// An index with one question that repeats a rare word, and others that share a common one.
    fn index() -> Index {
        let repeats = Question { answer: "E0502 ".repeat(3_000), ..Question::new("E0502", 1) };
        let others = (2..=COUNT).map(|line| Question::new(format!("sharpen tool {line}"), line));
        let questions: Vec<Question> = std::iter::once(repeats).chain(others).collect();
        Index::in_memory(&questions, None).unwrap()
    }

    #[test]
    fn the_highest_bm25_is_approached_and_not_reached() {
        let index = index();
        let highest = |phrase: &KeywordQuery<'_>| highest_bm25(phrase, COUNT);
        let phrase = KeywordQuery::new(&index, "E0502", &[]).unwrap();
        let best = phrase.scores(&index.documents().collect::<Vec<_>>()).unwrap()[0].bm25;
        assert!((0.9..1.0).contains(&(best / highest(&phrase))), "{best} of {}", highest(&phrase));
        // A word that no question contains counts more than any that one contains.
        assert!((1.0 + 2.0 * COUNT as f32).ln() > phrase.terms[0].idf);
        let with_missing = KeywordQuery::new(&index, "E0502 zzzzzz qqqqqq", &[]).unwrap();
        let added = highest(&with_missing) - highest(&phrase);
        assert!((added - 2.0 * (K1 + 1.0) * (1.0 + 2.0 * COUNT as f32).ln()).abs() < 1e-4, "{added}");
    }

    #[test]
    fn each_feature_is_what_its_description_says() {
        let index = index();
        // One word is an identifier, one is common, and one is missing.
        let phrase = KeywordQuery::new(&index, "sharpen E0502 zzzzzz", &[]).unwrap();
        let scores = RetrievalScores {
            covered: 0.5,
            bm25: 0.25 * highest_bm25(&phrase, COUNT),
            named: Some(0.5),
            ..RetrievalScores::default()
        };
        let range = ScoreRange { crowd: 0.4, ..ScoreRange::of(&[]) };
        let features = Features::new(0.6, &scores, &range, 0.1, &phrase, COUNT, CosineScale::BUILTIN);
        let share = phrase.identifier_share;
        assert!(share > 0.0 && share < 0.6, "{share}");
        let expected = [0.6, 0.5, 0.3, 4_f32.ln(), 0.1, 0.25, 0.1 * 0.6 * 0.25, 0.5 * share];
        for ((name, found), expected) in FEATURES.iter().zip(features.0).zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{name}: {found}, not {expected}");
        }
        // Cosines are those of the built-in model.
        let narrow = CosineScale::new(0.5);
        let range = ScoreRange { crowd: 0.7, ..range };
        let scaled = Features::new(0.8, &scores, &range, 0.1, &phrase, COUNT, narrow);
        assert!(scaled.0.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5));
        let own = from_meaning(&scaled, &range, narrow);
        let builtin = FITTED_TO_MEANING.probability(&[0.6, 4_f32.ln(), 0.2]);
        assert!((own - builtin).abs() < 1e-5, "{own}, not {builtin}");
    }

    #[test]
    fn confidence_from_words_grows_with_the_share_of_the_phrase() {
        let index = index();
        let phrase = KeywordQuery::new(&index, "sharpen E0502", &[]).unwrap();
        let range = ScoreRange { bm25: 8.0, ..ScoreRange::of(&[]) };
        let of = |covered, bm25| {
            from_words(&RetrievalScores { covered, bm25, ..RetrievalScores::default() }, &range, &phrase)
        };
        let expected = FITTED_TO_WORDS.probability(&[0.5, 3_f32.ln(), 0.5]);
        assert!((of(0.5, 4.0) - expected).abs() < 1e-6);
        assert!(of(1.0, 8.0) > of(0.5, 8.0) && of(0.5, 8.0) > of(0.5, 4.0), "{expected}");
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
