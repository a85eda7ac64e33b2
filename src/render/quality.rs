//! How good a hit is, in a word.

use crate::search::FITTED;

/// From this probability that a hit answers the phrase, it is strong. The web page computes the quality with
/// the same thresholds: see src/serve/page/results.js.
const STRONG: f32 = 0.75;

/// How likely a hit answers the phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// 75 % or more.
    Strong,
    /// Less, but no less than the default of `--min-confidence`.
    Likely,
    /// Less than that.
    Weak,
}

impl Quality {
    /// The quality of a hit with this probability, 0 to 1.
    pub fn of(confidence: f32) -> Self {
        match confidence {
            confidence if confidence >= STRONG => Self::Strong,
            confidence if confidence >= FITTED.threshold => Self::Likely,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_has_a_word() {
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
    }
}
