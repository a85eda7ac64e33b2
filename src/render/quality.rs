//! The quality of a hit: strong, likely or weak.

use crate::search::FITTED;

/// The minimum confidence of a strong hit. The web page uses the same thresholds: src/serve/page/results.js.
const STRONG: f32 = 0.75;

/// The quality of a hit, from its confidence: the probability that it answers the phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// 75 % or more.
    Strong,
    /// Less than 75 %, but at least the default of `--min-confidence`.
    Likely,
    /// Less than the default of `--min-confidence`.
    Weak,
}

impl Quality {
    /// The quality of a hit with this confidence, 0 to 1.
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
    }
}
