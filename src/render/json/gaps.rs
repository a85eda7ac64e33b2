//! The JSON of gaps.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::AskedReply;
use crate::gaps::{Counts, Group, Nearest, Options, Phrase, Report, Suggestion};
use crate::question::Question;
use crate::render::gap_reason::gap_reason;

/// A request to find what people ask and nothing answers. All fields are optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GapsRequest {
    /// The maximum number of groups, 1 to 500.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// The maximum number of phrases of each group, 1 to 100.
    #[serde(default = "default_examples")]
    pub examples: usize,
    /// Only groups that were asked as often or more.
    #[serde(default = "default_min_size")]
    pub min_size: u64,
    /// Also list the questions that nobody asked.
    #[serde(default)]
    pub unasked: bool,
}

fn default_limit() -> usize {
    50
}

fn default_examples() -> usize {
    10
}

fn default_min_size() -> u64 {
    Options::default().min_size
}

impl GapsRequest {
    /// The greatest number of groups.
    pub const MOST_GROUPS: usize = 500;

    /// The greatest number of phrases of a group.
    pub const MOST_EXAMPLES: usize = 100;

    /// # Errors
    /// A number is not in its range.
    pub fn validate(&self) -> anyhow::Result<()> {
        let (groups, examples) = (Self::MOST_GROUPS, Self::MOST_EXAMPLES);
        ensure!((1..=groups).contains(&self.limit), "limit must be a number from 1 to {groups}");
        ensure!((1..=examples).contains(&self.examples), "examples must be a number from 1 to {examples}");
        ensure!(self.min_size > 0, "min_size must be 1 or more");
        Ok(())
    }
}

/// What people ask and nothing answers.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GapsReply<'a> {
    /// The phrases that have an answer.
    pub answered: CountsReply,
    /// The phrases that have none.
    pub unanswered: CountsReply,
    /// The number of groups of phrases without an answer that have the minimum size.
    pub found: usize,
    /// The phrases without an answer in groups below the minimum size.
    pub small: CountsReply,
    /// The groups, the most asked first. At most as many as the limit.
    pub groups: Vec<GapReply<'a>>,
    /// The questions that are the first hit of no answered phrase; `null` unless they are requested.
    pub unasked: Option<Vec<AskedReply<'a>>>,
}

/// How many phrases there are, and how often they were asked.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountsReply {
    /// The number of different phrases.
    pub phrases: u64,
    /// The number of times that they were asked.
    pub asked: u64,
}

/// Phrases that ask the same and have no answer.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GapReply<'a> {
    /// Identifies the group as long as its representative stays the same.
    pub id: &'a str,
    /// The phrase that stands for the group.
    pub representative: &'a str,
    /// The number of different phrases and how often they were asked.
    #[serde(flatten)]
    pub size: CountsReply,
    /// Phrases of the group: the representative, then the most frequent.
    pub examples: Vec<PhraseReply<'a>>,
    /// `new_question`, or `another_way` to ask the nearest question.
    pub suggestion: &'static str,
    /// The question that is nearest; `null` if no question is related.
    pub nearest: Option<NearestReply<'a>>,
}

/// A phrase and how often it was asked.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhraseReply<'a> {
    /// The phrase.
    pub text: &'a str,
    /// How often it was asked.
    pub asked: u64,
}

/// The question that is nearest to a group, and why it does not answer it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NearestReply<'a> {
    /// The question.
    #[serde(flatten)]
    pub question: AskedReply<'a>,
    /// The mean confidence that it answers a phrase of the group, 0 to 1.
    pub confidence: f32,
    /// The cosine of the representative and the question; `null` if the model cannot read one of them.
    pub cosine: Option<f32>,
    /// The part of the group whose closest question it is, 0 to 1.
    pub share: f32,
    /// Words of the representative that other questions contain and this one does not.
    pub lacking: &'a [String],
    /// Words of the representative that no question contains.
    pub missing: &'a [String],
    /// What the question lacks, as text for people.
    pub reason: String,
}

impl<'a> GapsReply<'a> {
    /// Converts a report. Each group has at most `examples` phrases. `unasked` are the questions that nobody asked, if
    /// they are wanted.
    pub fn new(report: &'a Report, examples: usize, unasked: Option<&'a [Question]>) -> Self {
        Self {
            answered: report.answered.into(),
            unanswered: report.unanswered.into(),
            found: report.found,
            small: report.small.into(),
            groups: report.groups.iter().map(|group| GapReply::new(group, examples)).collect(),
            unasked: unasked.map(|questions| questions.iter().map(AskedReply::from).collect()),
        }
    }
}

impl From<Counts> for CountsReply {
    fn from(Counts { phrases, asked }: Counts) -> Self {
        Self { phrases, asked }
    }
}

impl<'a> GapReply<'a> {
    fn new(group: &'a Group, examples: usize) -> Self {
        let phrase = |Phrase { text, count }: &'a Phrase| PhraseReply { text, asked: *count };
        Self {
            id: &group.id,
            representative: &group.representative().text,
            size: CountsReply { phrases: group.phrases.len() as u64, asked: group.count },
            examples: group.phrases.iter().take(examples).map(phrase).collect(),
            suggestion: suggestion_name(group.suggestion),
            nearest: group.nearest.as_ref().map(NearestReply::from),
        }
    }
}

/// The name of a suggestion in JSON and CSV.
pub fn suggestion_name(suggestion: Suggestion) -> &'static str {
    match suggestion {
        Suggestion::NewQuestion => "new_question",
        Suggestion::AnotherWay => "another_way",
    }
}

impl<'a> From<&'a Nearest> for NearestReply<'a> {
    fn from(nearest: &'a Nearest) -> Self {
        Self {
            question: AskedReply::from(&nearest.question),
            confidence: nearest.confidence,
            cosine: nearest.cosine,
            share: nearest.share,
            lacking: &nearest.lacking,
            missing: &nearest.missing,
            reason: gap_reason(nearest),
        }
    }
}
