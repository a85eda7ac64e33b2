//! The JSON contract: the only types of ours that other programs read.
//!
//! `--json`, `--batch`, `show --json`, `export` and `serve` write these and nothing else. Absent values
//! are `null`, absent lists empty; every key is always there. Offsets are UTF-8 bytes.

mod duplicates;
mod explanation;
mod request;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::embed::{ModelInfo, Origin, Pooling};
use crate::index::{Index, Stats};
use crate::question::Question;
use crate::search::{AlsoAsked, Hit, Results};

pub use duplicates::{
    AskedReply, CheckReply, CheckRequest, DuplicatesReply, DuplicatesRequest, GroupReply, MemberReply,
    PairReply,
};
pub use explanation::ExplanationReply;
pub use request::{AnySearchRequest, QuestionRequest, SearchRequest, SearchesRequest};

/// The answer to one phrase.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchReply<'a> {
    /// The phrase as typed.
    pub query: &'a str,
    /// Whether we are sure enough of the best hit; if not, the hits are the nearest misses.
    pub answered: bool,
    /// Milliseconds from the parsed phrase to the last snippet, loading not included.
    pub took_ms: f64,
    /// Best first.
    pub hits: Vec<HitReply<'a>>,
    /// Why less was searched than was asked for; `null` if nothing was left out.
    pub notice: Option<&'a str>,
}

/// The answers to several phrases.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchesReply<'a> {
    /// In the order of the requests.
    pub replies: Vec<SearchReply<'a>>,
}

/// Why a request was not answered (RFC 9457).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemReply<'a> {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// What the status is called.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, for people.
    pub detail: &'a str,
}

/// Whether a server can answer.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthReply<'a> {
    /// `ok`.
    pub status: &'a str,
    /// The program's version.
    pub version: &'a str,
}

/// The answer to one line of a batch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchReply<'a> {
    /// What the line called itself, as it did.
    #[serde(rename = "_id")]
    pub id: Option<&'a Value>,
    /// The answer.
    #[serde(flatten)]
    pub reply: SearchReply<'a>,
}

/// A reply that was kept short.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TruncatedReply<T> {
    /// The reply.
    #[serde(flatten)]
    pub reply: T,
    /// What was left out, and how to get it; `null` where this is all.
    pub cut: Option<String>,
}

/// A line of a batch that could not be answered.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchError<'a> {
    /// What the line called itself, as it did.
    #[serde(rename = "_id")]
    pub id: Option<&'a Value>,
    /// Why.
    pub error: String,
}

/// A question that was found.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HitReply<'a> {
    /// From 1.
    pub rank: usize,
    /// Names the question in its index.
    pub id: &'a str,
    /// The source's own name for it.
    pub key: Option<&'a str>,
    /// The question as asked.
    pub title: &'a str,
    /// Where it stands.
    pub source: SourceReply<'a>,
    /// The heading it stands under.
    pub section: Option<&'a str>,
    /// How hard the source says it is.
    pub level: Option<&'a str>,
    /// Subjects.
    pub tags: &'a [String],
    /// How well it fits, compared with the other hits of this phrase.
    pub score: f32,
    /// The probability that it answers the phrase.
    pub confidence: Option<f32>,
    /// The passage that answers.
    pub snippet: SnippetReply<'a>,
    /// A web address of the question.
    pub url: Option<&'a str>,
    /// Questions further down that ask the same, shown here only; empty with `--all`.
    pub also_asked: Vec<AgainReply<'a>>,
    /// Why it stands where it does; only there with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<ExplanationReply<'a>>,
}

/// A question that asks what a better hit asks.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgainReply<'a> {
    /// The question.
    #[serde(flatten)]
    pub question: AskedReply<'a>,
    /// The probability that it asks the same.
    pub probability: f32,
}

impl<'a> From<&'a AlsoAsked> for AgainReply<'a> {
    fn from(again: &'a AlsoAsked) -> Self {
        Self { question: AskedReply::from(&again.question), probability: again.probability }
    }
}

/// A place in a file.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceReply<'a> {
    /// Relative to the folder that holds the index where it lies below it, else absolute.
    pub path: &'a str,
    /// From 1.
    pub line: u64,
}

/// A piece of an answer.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SnippetReply<'a> {
    /// Markdown.
    pub text: &'a str,
    /// `[start, end]` of what matches the phrase.
    pub highlights: Vec<[usize; 2]>,
}

/// What an index holds.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatsReply<'a> {
    /// Where it lies.
    pub index: String,
    /// The format of what it keeps.
    pub format: u32,
    /// Questions.
    pub questions: u64,
    /// Questions that have an answer.
    pub answered: u64,
    /// Other ways to ask them, all together.
    pub also: u64,
    /// Files that were read, those without questions included.
    pub files: u64,
    /// What was named to be read.
    pub roots: &'a [String],
    /// Pieces of questions that have a vector.
    pub vectors: u64,
    /// Tantivy segments.
    pub segments: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// The model of its vectors; `null` in an index of words only.
    pub model: Option<ModelReply<'a>>,
    /// The share of meaning in the score, tuned on the corpus; `null` where it never was.
    pub semantic_weight: Option<f32>,
    /// How many questions there were when it was tuned.
    pub tuned_on: u64,
    /// How many questions each section has.
    pub sections: &'a BTreeMap<String, u64>,
    /// How many questions each level has.
    pub levels: &'a BTreeMap<String, u64>,
    /// How many questions each tag has.
    pub tags: &'a BTreeMap<String, u64>,
}

/// The model that made an index's vectors.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelReply<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Names its weights and how they are used.
    pub fingerprint: &'a str,
    /// How many numbers a vector has.
    pub dimensions: usize,
    /// How many tokens of a text it reads.
    pub window: usize,
    /// `builtin`, `catalogue`, a folder, or the address of an endpoint.
    pub origin: String,
    /// What is put before a phrase.
    pub query_prefix: &'a str,
    /// What is put before everything else.
    pub passage_prefix: &'a str,
    /// `mean` or `cls`; `null` where the model pools by itself.
    pub pooling: Option<Pooling>,
}

impl<'a> From<&'a ModelInfo> for ModelReply<'a> {
    fn from(model: &'a ModelInfo) -> Self {
        Self {
            name: &model.name,
            fingerprint: &model.fingerprint,
            dimensions: model.dimensions,
            window: model.window,
            origin: match &model.origin {
                Origin::Builtin => "builtin".to_owned(),
                Origin::Catalogue => "catalogue".to_owned(),
                Origin::Folder(path) => path.display().to_string(),
                Origin::Endpoint(url) => url.clone(),
            },
            query_prefix: &model.query_prefix,
            passage_prefix: &model.passage_prefix,
            pooling: model.pooling,
        }
    }
}

impl<'a> StatsReply<'a> {
    /// The statistics of an index.
    pub fn new(index: &'a Index, stats: &'a Stats) -> Self {
        let meta = index.meta();
        Self {
            index: index.dir().display().to_string(),
            format: meta.format,
            questions: stats.questions,
            answered: stats.answered,
            also: stats.also,
            files: stats.files,
            roots: &meta.roots,
            vectors: stats.vectors,
            segments: stats.segments,
            bytes: stats.bytes,
            model: meta.model.as_ref().map(ModelReply::from),
            semantic_weight: meta.semantic_weight,
            tuned_on: meta.tuned_on,
            sections: &stats.sections,
            levels: &stats.levels,
            tags: &stats.tags,
        }
    }
}

/// A whole question: a line of `export`, the answer of `show --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuestionReply<'a> {
    /// Names the question in its index.
    pub id: &'a str,
    /// The source's own name for it.
    pub key: Option<&'a str>,
    /// The question as asked.
    pub title: &'a str,
    /// Other ways people ask the same.
    pub also: &'a [String],
    /// The answer as its source has it, Markdown; diagrams are not turned into words.
    pub answer: &'a str,
    /// Where it stands.
    pub source: SourceReply<'a>,
    /// The heading it stands under.
    pub section: Option<&'a str>,
    /// How hard the source says it is.
    pub level: Option<&'a str>,
    /// Subjects.
    pub tags: &'a [String],
    /// A web address of the question.
    pub url: Option<&'a str>,
    /// The source's own measure of it: votes, rating.
    pub score: Option<f64>,
    /// Whatever else the source says of it.
    pub fields: &'a BTreeMap<String, String>,
}

/// Refuses what is no number from 0 to 1.
fn ensure_share(name: &str, share: f32) -> anyhow::Result<()> {
    anyhow::ensure!((0.0..=1.0).contains(&share), "{name} must be a number from 0 to 1");
    Ok(())
}

impl<'a> SearchReply<'a> {
    /// The answer to a phrase; it is one where we are at least so sure of the best hit.
    pub fn new(results: &'a Results, min_confidence: f32) -> Self {
        Self {
            query: &results.phrase,
            answered: results.is_answered(min_confidence),
            // Microseconds are enough to tell.
            took_ms: (results.took.as_secs_f64() * 1e6).round() / 1e3,
            hits: results.hits.iter().map(HitReply::from).collect(),
            notice: results.notice.as_deref(),
        }
    }
}

impl<'a> From<&'a Hit> for HitReply<'a> {
    fn from(hit: &'a Hit) -> Self {
        let question = &hit.question;
        Self {
            rank: hit.rank,
            id: &question.id,
            key: question.key.as_deref(),
            title: &question.title,
            source: SourceReply::from(question),
            section: question.section.as_deref(),
            level: question.level.as_deref(),
            tags: &question.tags,
            score: hit.score,
            confidence: hit.confidence,
            snippet: SnippetReply {
                text: &hit.snippet.text,
                highlights: hit.snippet.highlights.iter().map(|range| [range.start, range.end]).collect(),
            },
            url: question.url.as_deref(),
            also_asked: hit.also_asked.iter().map(AgainReply::from).collect(),
            explanation: hit.explanation.as_ref().map(|why| ExplanationReply::new(hit, why)),
        }
    }
}

impl<'a> From<&'a Question> for SourceReply<'a> {
    fn from(question: &'a Question) -> Self {
        Self { path: &question.source.path, line: question.source.line }
    }
}

impl<'a> From<&'a Question> for QuestionReply<'a> {
    fn from(question: &'a Question) -> Self {
        Self {
            id: &question.id,
            key: question.key.as_deref(),
            title: &question.title,
            also: &question.also,
            answer: &question.answer,
            source: SourceReply::from(question),
            section: question.section.as_deref(),
            level: question.level.as_deref(),
            tags: &question.tags,
            url: question.url.as_deref(),
            score: question.score,
            fields: &question.fields,
        }
    }
}
