//! Duplicate questions, as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SourceReply;
use crate::duplicates::{Duplicates, Found, Kind, Options, Pair};
use crate::pair::FITTED;
use crate::question::Question;

/// Which duplicates to list; everything may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DuplicatesRequest {
    /// How likely two questions have to ask the same, 0 to 1.
    #[serde(default = "default_threshold")]
    pub threshold: f32,
    /// Only questions from files whose path contains this.
    #[serde(default)]
    pub within: Option<String>,
    /// Only pairs of different files.
    #[serde(default)]
    pub across: bool,
    /// Only so many of the likeliest pairs; groups are all there.
    #[serde(default)]
    pub top: Option<usize>,
}

/// A question that somebody is about to ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The question.
    pub q: String,
    /// How likely another one has to ask the same, 0 to 1.
    #[serde(default = "default_threshold")]
    pub threshold: f32,
}

fn default_threshold() -> f32 {
    FITTED.threshold
}

/// What `dups --json` writes.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DuplicatesReply<'a> {
    /// How many questions were compared.
    pub questions: usize,
    /// The least probability of a pair.
    pub threshold: f32,
    /// Questions that ask the same, largest group first.
    pub groups: Vec<GroupReply<'a>>,
    /// The pairs, likeliest first; a repeat is paired with the first of its kind only.
    pub pairs: Vec<PairReply<'a>>,
}

/// Questions that ask the same.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupReply<'a> {
    /// The one to keep.
    pub canonical: AskedReply<'a>,
    /// The others, likeliest first.
    pub duplicates: Vec<MemberReply<'a>>,
}

/// A question, in short.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskedReply<'a> {
    /// Names the question in its index.
    pub id: &'a str,
    /// The question as asked.
    pub title: &'a str,
    /// Where it stands.
    pub source: SourceReply<'a>,
}

/// A question that asks what another does.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberReply<'a> {
    /// The question.
    #[serde(flatten)]
    pub question: AskedReply<'a>,
    /// `exact`, `repeat` (but for case, punctuation, markup) or `paraphrase`.
    pub kind: &'static str,
    /// The probability that it asks the same.
    pub probability: f32,
}

/// Two questions that ask the same.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PairReply<'a> {
    /// The first in source order.
    pub one: AskedReply<'a>,
    /// The other.
    pub two: AskedReply<'a>,
    /// `exact`, `repeat` (but for case, punctuation, markup) or `paraphrase`.
    pub kind: &'static str,
    /// The probability that both ask the same.
    pub probability: f32,
    /// The cosine of the nearest two of their phrasings; `null` for repeats.
    pub cosine: Option<f32>,
    /// These two phrasings, where one is not the title.
    pub asked_as: Option<[&'a str; 2]>,
    /// The words that both have.
    pub shared_words: &'a [String],
    /// What differs, in words.
    pub differences: Vec<&'static str>,
    /// Both have one and the same answer.
    pub same_answer: bool,
}

/// What `dups --check` says of one phrase.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckReply<'a> {
    /// What the line called itself, as it did; absent where a phrase was typed.
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Value>,
    /// The phrase.
    pub query: &'a str,
    /// Whether some question asks the same.
    pub duplicate: bool,
    /// Those that do, likeliest first.
    pub duplicates: Vec<MemberReply<'a>>,
}

impl DuplicatesRequest {
    /// What is looked for.
    ///
    /// # Errors
    /// The threshold is not within its bounds.
    pub fn options(&self) -> anyhow::Result<Options> {
        super::ensure_share("threshold", self.threshold)?;
        Ok(Options { within: self.within.clone(), across: self.across, threshold: self.threshold })
    }
}

impl CheckRequest {
    /// The question and the threshold, as [`check`](crate::duplicates::check()) takes them.
    ///
    /// # Errors
    /// There is no question, or the threshold is not within its bounds.
    pub fn accepted(&self) -> anyhow::Result<(&str, f32)> {
        anyhow::ensure!(!self.q.trim().is_empty(), "the phrase is empty");
        super::ensure_share("threshold", self.threshold)?;
        Ok((&self.q, self.threshold))
    }
}

impl<'a> DuplicatesReply<'a> {
    /// What was found, with the first `top` pairs, or all of them.
    pub fn new(found: &'a Duplicates, threshold: f32, top: Option<usize>) -> Self {
        let questions = &found.questions;
        let group = |group: &crate::duplicates::Group| GroupReply {
            canonical: AskedReply::from(&questions[group.canonical]),
            duplicates: group
                .members
                .iter()
                .map(|member| MemberReply::new(&questions[member.question], member.kind, member.probability))
                .collect(),
        };
        let pair = |pair: &'a Pair| PairReply {
            one: AskedReply::from(&questions[pair.one]),
            two: AskedReply::from(&questions[pair.two]),
            kind: pair.kind.name(),
            probability: pair.probability,
            cosine: pair.why.cosine,
            asked_as: pair.why.asked_as.as_ref().map(|(one, two)| [one.as_str(), two]),
            shared_words: &pair.why.shared,
            differences: pair.why.differences.iter().map(|difference| difference.name()).collect(),
            same_answer: pair.why.same_answer,
        };
        Self {
            questions: questions.len(),
            threshold,
            groups: found.groups.iter().map(group).collect(),
            pairs: found.pairs.iter().take(top.unwrap_or(usize::MAX)).map(pair).collect(),
        }
    }
}

impl<'a> CheckReply<'a> {
    /// What was found for a phrase.
    pub fn new(id: Option<&'a Value>, query: &'a str, found: &'a [Found]) -> Self {
        let member = |found: &'a Found| MemberReply::new(&found.question, found.kind, found.probability);
        Self { id, query, duplicate: !found.is_empty(), duplicates: found.iter().map(member).collect() }
    }
}

impl<'a> MemberReply<'a> {
    /// A question beside another.
    pub fn new(question: &'a Question, kind: Kind, probability: f32) -> Self {
        Self { question: AskedReply::from(question), kind: kind.name(), probability }
    }
}

impl<'a> From<&'a Question> for AskedReply<'a> {
    fn from(question: &'a Question) -> Self {
        Self { id: &question.id, title: &question.title, source: SourceReply::from(question) }
    }
}
