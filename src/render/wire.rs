//! The JSON contract: the only types of ours that other programs read.
//!
//! `--json`, `--batch`, `show --json` and `export` write these and nothing else. Absent values
//! are `null`, absent lists empty; every key is always there. Offsets are UTF-8 bytes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::question::Question;
use crate::search::{Hit, Results};

/// The answer to one phrase.
#[derive(Debug, Serialize)]
pub struct SearchReply<'a> {
    /// The phrase as typed.
    pub query: &'a str,
    /// Milliseconds from the parsed phrase to the last snippet, loading not included.
    pub took_ms: f64,
    /// Best first.
    pub hits: Vec<HitReply<'a>>,
}

/// The answer to one line of a batch.
#[derive(Debug, Serialize)]
pub struct BatchReply<'a> {
    /// What the line called itself, as it did.
    #[serde(rename = "_id")]
    pub id: Option<&'a Value>,
    /// The answer.
    #[serde(flatten)]
    pub reply: SearchReply<'a>,
}

/// A line of a batch that could not be answered.
#[derive(Debug, Serialize)]
pub struct BatchError<'a> {
    /// What the line called itself, as it did.
    #[serde(rename = "_id")]
    pub id: Option<&'a Value>,
    /// Why.
    pub error: String,
}

/// A question that was found.
#[derive(Debug, Serialize)]
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
}

/// A place in a file.
#[derive(Debug, Serialize)]
pub struct SourceReply<'a> {
    /// Relative to the folder that holds the index where it lies below it, else absolute.
    pub path: &'a str,
    /// From 1.
    pub line: u64,
}

/// A piece of an answer.
#[derive(Debug, Serialize)]
pub struct SnippetReply<'a> {
    /// Markdown.
    pub text: &'a str,
    /// `[start, end]` of what matches the phrase.
    pub highlights: Vec<[usize; 2]>,
}

/// A whole question: a line of `export`, the answer of `show --json`.
#[derive(Debug, Serialize)]
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

impl<'a> From<&'a Results> for SearchReply<'a> {
    fn from(results: &'a Results) -> Self {
        Self {
            query: &results.phrase,
            // Microseconds are enough to tell.
            took_ms: (results.took.as_secs_f64() * 1e6).round() / 1e3,
            hits: results.hits.iter().map(HitReply::from).collect(),
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
