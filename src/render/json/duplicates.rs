//! Duplicate questions, as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SourceReply;
use crate::duplicates::{Chosen, Duplicates, Found, Group, Kind, Member, Options, Pair, Unapplied};
use crate::pair::FITTED;
use crate::question::Question;

/// A request to list duplicates. All fields are optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DuplicatesRequest {
    /// The minimum probability that two questions ask the same, 0 to 1.
    #[serde(default = "default_threshold")]
    pub threshold: f32,
    /// Only questions from files whose path contains this string.
    #[serde(default)]
    pub within: Option<String>,
    /// Only pairs of questions from different files.
    #[serde(default)]
    pub across: bool,
    /// The maximum number of pairs, most probable first. Does not limit the groups.
    #[serde(default)]
    pub top: Option<usize>,
}

/// A request to check whether a new question is a duplicate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The new question.
    pub q: String,
    /// The minimum probability that an indexed question asks the same, 0 to 1.
    #[serde(default = "default_threshold")]
    pub threshold: f32,
}

/// A decision about two questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// The id of a question.
    pub one: String,
    /// The id of another question.
    pub two: String,
    /// What was decided.
    pub decision: DecisionWord,
    /// With `keep`: the id of the question to keep, one of the two.
    #[serde(default)]
    pub keep: Option<String>,
    /// Why, in words.
    #[serde(default)]
    pub note: Option<String>,
}

/// What was decided about two questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DecisionWord {
    /// They ask the same.
    Same,
    /// They ask something else.
    Different,
    /// They ask the same, and one of them is the one to keep.
    Keep,
    /// Nothing: an earlier decision is removed.
    Open,
}

fn default_threshold() -> f32 {
    FITTED.threshold
}

/// The duplicates in an index, as written by `dups --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DuplicatesReply<'a> {
    /// The number of questions compared.
    pub questions: usize,
    /// The minimum probability of a pair, 0 to 1.
    pub threshold: f32,
    /// The groups of duplicates, largest first.
    pub groups: Vec<GroupReply<'a>>,
    /// The pairs of duplicates, most probable first, without those that were decided to be different. A repeat is paired only
    /// with the first question that it repeats.
    pub pairs: Vec<PairReply<'a>>,
    /// The number of decisions that were applied.
    pub decisions_applied: usize,
    /// The decisions that were not applied, because a question has changed or is not in the index any more, or because they
    /// contradict others.
    pub decisions_not_applied: Vec<UnappliedReply<'a>>,
}

/// A decision that was not applied.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnappliedReply<'a> {
    /// The ids of both questions.
    pub ids: [&'a str; 2],
    /// Why it was not applied, in words.
    pub reason: String,
}

/// A group of questions that ask the same.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupReply<'a> {
    /// The question to keep.
    pub canonical: AskedReply<'a>,
    /// Why it is the question to keep: `decision`, `answer` (no other answer is as good) or `order` (it is the first).
    pub chosen_by: &'static str,
    /// Whether there is a duplicate that was not decided to be the same.
    pub open: bool,
    /// The duplicates of the canonical question, most probable first.
    pub duplicates: Vec<MemberReply<'a>>,
}

/// The id, title and location of a question.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskedReply<'a> {
    /// The id of the question, unique in the index.
    pub id: &'a str,
    /// The title of the question.
    pub title: &'a str,
    /// The location of the question.
    pub source: SourceReply<'a>,
}

/// A duplicate of another question.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberReply<'a> {
    /// The question.
    #[serde(flatten)]
    pub question: AskedReply<'a>,
    /// `exact` (the same text), `repeat` (the same except for case, punctuation and markup) or `paraphrase`.
    pub kind: &'static str,
    /// The probability that both ask the same, 0 to 1.
    pub probability: f32,
    /// Whether people decided that both ask the same. Absent for a question that is not in the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<bool>,
}

/// Two questions that ask the same.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PairReply<'a> {
    /// The question that comes first in source order.
    pub one: AskedReply<'a>,
    /// The other question.
    pub two: AskedReply<'a>,
    /// `exact` (the same text), `repeat` (the same except for case, punctuation and markup) or `paraphrase`.
    pub kind: &'static str,
    /// The probability that both ask the same, 0 to 1.
    pub probability: f32,
    /// The cosine of their two closest phrasings; `null` for repeats.
    pub cosine: Option<f32>,
    /// The two closest phrasings, if one of them is not a title.
    pub asked_as: Option<[&'a str; 2]>,
    /// The words that occur in both.
    pub shared_words: &'a [String],
    /// Descriptions of the differences.
    pub differences: Vec<&'static str>,
    /// Whether both have the same answer.
    pub same_answer: bool,
    /// Whether people decided that both ask the same.
    pub decided: bool,
}

/// Whether a new question is a duplicate, as written by `dups --check`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckReply<'a> {
    /// The `_id` of the line, unchanged. Absent if the question was not read from a file.
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Value>,
    /// The new question.
    pub query: &'a str,
    /// Whether the index has a question that asks the same.
    pub duplicate: bool,
    /// The questions that ask the same, most probable first.
    pub duplicates: Vec<MemberReply<'a>>,
}

impl DuplicatesRequest {
    /// Converts the request to options.
    ///
    /// # Errors
    /// The threshold is not from 0 to 1.
    pub fn options(&self) -> anyhow::Result<Options> {
        super::ensure_zero_to_one("threshold", self.threshold)?;
        Ok(Options {
            within: self.within.clone(),
            across: self.across,
            threshold: self.threshold,
            ..Options::default()
        })
    }
}

impl CheckRequest {
    /// Returns the question and the threshold for [`check`](crate::duplicates::check()).
    ///
    /// # Errors
    /// The question is empty, or the threshold is not from 0 to 1.
    pub fn accepted(&self) -> anyhow::Result<(&str, f32)> {
        anyhow::ensure!(!self.q.trim().is_empty(), "the phrase is empty");
        super::ensure_zero_to_one("threshold", self.threshold)?;
        Ok((&self.q, self.threshold))
    }
}

impl<'a> DuplicatesReply<'a> {
    /// Converts duplicates, with the first `top` pairs or all of them.
    pub fn new(found: &'a Duplicates, threshold: f32, top: Option<usize>) -> Self {
        let questions = &found.questions;
        let pairs = found.pairs.iter().take(top.unwrap_or(usize::MAX));
        Self {
            questions: questions.len(),
            threshold,
            groups: found.groups.iter().map(|group| GroupReply::new(questions, group)).collect(),
            pairs: pairs.map(|pair| PairReply::new(questions, pair)).collect(),
            decisions_applied: found.applied,
            decisions_not_applied: found.unapplied.iter().map(UnappliedReply::from).collect(),
        }
    }
}

impl<'a> GroupReply<'a> {
    fn new(questions: &'a [Question], group: &Group) -> Self {
        let member = |member: &Member| MemberReply {
            decided: Some(member.is_decided),
            ..MemberReply::new(&questions[member.question], member.kind, member.probability)
        };
        Self {
            canonical: AskedReply::from(&questions[group.canonical]),
            chosen_by: match group.chosen {
                Chosen::Decided => "decision",
                Chosen::BestAnswer => "answer",
                Chosen::First => "order",
            },
            open: group.is_open(),
            duplicates: group.members.iter().map(member).collect(),
        }
    }
}

impl<'a> PairReply<'a> {
    fn new(questions: &'a [Question], pair: &'a Pair) -> Self {
        Self {
            one: AskedReply::from(&questions[pair.one]),
            two: AskedReply::from(&questions[pair.two]),
            kind: pair.kind.name(),
            probability: pair.probability,
            cosine: pair.why.cosine,
            asked_as: pair.why.asked_as.as_ref().map(|(one, two)| [one.as_str(), two]),
            shared_words: &pair.why.shared,
            differences: pair.why.differences.iter().map(|difference| difference.name()).collect(),
            same_answer: pair.why.same_answer,
            decided: pair.is_decided,
        }
    }
}

impl<'a> From<&'a Unapplied> for UnappliedReply<'a> {
    fn from(Unapplied { decision, reason }: &'a Unapplied) -> Self {
        Self { ids: [&decision.one.id, &decision.two.id], reason: reason.to_string() }
    }
}

impl<'a> CheckReply<'a> {
    /// Converts the duplicates of a new question.
    pub fn new(id: Option<&'a Value>, query: &'a str, found: &'a [Found]) -> Self {
        let member = |found: &'a Found| MemberReply::new(&found.question, found.kind, found.probability);
        Self { id, query, duplicate: !found.is_empty(), duplicates: found.iter().map(member).collect() }
    }
}

impl<'a> MemberReply<'a> {
    /// Converts a duplicate.
    pub fn new(question: &'a Question, kind: Kind, probability: f32) -> Self {
        Self { question: AskedReply::from(question), kind: kind.name(), probability, decided: None }
    }
}

impl<'a> From<&'a Question> for AskedReply<'a> {
    fn from(question: &'a Question) -> Self {
        Self { id: &question.id, title: &question.title, source: SourceReply::from(question) }
    }
}
