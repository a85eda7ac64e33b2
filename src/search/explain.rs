//! Why a hit stands where it does.

use super::confidence::{FEATURES, FITTED, Features};
use super::fuse::{NormalizedScores, ScoreRange};
use super::keyword::QueryTerm;
use super::query::Mode;
use super::retrieval::{Candidate, Retrieval};
use crate::analyze::tokens;
use crate::question::Question;

pub use crate::chunk::Passage;

/// Why a hit stands where it does, and what moved our confidence in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Which legs rank.
    pub mode: Mode,
    /// Where each leg alone would put the question, from 1, and among how many that it has anything to
    /// say of.
    pub semantic_rank: Option<(usize, usize)>,
    /// The same of the words.
    pub keyword_rank: Option<(usize, usize)>,
    /// The share of the semantic leg in the score, in [0, 1].
    pub semantic_weight: f32,
    /// The cosine that ranks: that of the phrase after the best hits of a first ranking moved it.
    pub moved_cosine: Option<f32>,
    /// What each leg brought to the score.
    pub shares: NormalizedScores,
    /// The piece of the question that is nearest to the phrase, and its cosine.
    pub nearest: Option<(Passage, f32)>,
    /// The words of the phrase, in its order, and where the question has them.
    pub words: Vec<WordMatch>,
    /// What moved the confidence away from that of an average hit, by how much.
    pub reasons: Vec<Reason>,
}

/// A word of the phrase in a question.
#[derive(Clone, Debug, PartialEq)]
pub struct WordMatch {
    /// As the phrase writes it.
    pub word: String,
    /// How much it says; 0 for a word that no question has.
    pub idf: f32,
    /// It names a thing exactly (an error code, code as written).
    pub names: bool,
    /// How often title, other ways to ask and answer have it.
    pub counts: [usize; 3],
}

/// How much a figure of the hit moved the confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// One of [`FEATURES`](super::FEATURES).
    pub feature: &'static str,
    /// Its value.
    pub value: f32,
    /// By how much it moved the log-odds, against that of an average hit.
    pub effect: f32,
}

pub(super) fn explain(
    retrieval: &Retrieval<'_>,
    candidate: &Candidate,
    range: &ScoreRange,
    features: Option<&Features>,
    question: &Question,
) -> Explanation {
    let vectors = &retrieval.index.vectors()[candidate.address.segment_ord as usize];
    let nearest = retrieval.semantic.as_ref().and_then(|phrase| {
        let (row, cosine) = vectors.nearest_row(candidate.address.doc_id, phrase)?;
        Some((vectors.passage(row), cosine))
    });
    Explanation {
        mode: retrieval.query.mode,
        semantic_rank: retrieval.semantic_rank(candidate.address),
        keyword_rank: retrieval.keyword_rank(candidate.address),
        semantic_weight: retrieval.weight,
        moved_cosine: candidate.scores.cosine,
        shares: NormalizedScores::new(&candidate.scores, range),
        nearest,
        words: words(retrieval, question),
        reasons: features.filter(|_| !candidate.exact).map_or_else(Vec::new, reasons),
    }
}

fn words(retrieval: &Retrieval<'_>, question: &Question) -> Vec<WordMatch> {
    let texts = [&question.title, &question.also.join("\n"), &*question.readable_answer()].map(tokens_of);
    let counts = |term: &QueryTerm| {
        let count = |tokens: &Vec<String>| tokens.iter().filter(|token| term.matches.contains(token)).count();
        [count(&texts[0]), count(&texts[1]), count(&texts[2])]
    };
    let known = retrieval.keyword.terms.iter().map(|term| WordMatch {
        word: term.written.clone(),
        idf: term.idf,
        names: term.names,
        counts: counts(term),
    });
    let missing = retrieval.keyword.missing.iter();
    let missing =
        missing.map(|word| WordMatch { word: word.clone(), idf: 0.0, names: false, counts: [0; 3] });
    known.chain(missing).collect()
}

fn tokens_of(text: impl AsRef<str>) -> Vec<String> {
    tokens(text.as_ref()).into_iter().map(|token| token.text).collect()
}

/// What moved the confidence, most first.
fn reasons(features: &Features) -> Vec<Reason> {
    let effects = FITTED.effects(&features.0).into_iter().zip(FEATURES);
    let reason = |((effect, feature), value)| Reason { feature, value, effect };
    let mut reasons: Vec<Reason> = effects.zip(features.0).map(reason).collect();
    reasons.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    reasons
}
