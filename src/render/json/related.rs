//! Related questions, as JSON.

use serde::Serialize;

use super::{QuestionReply, SourceReply};
use crate::question::Question;
use crate::related::Related;

/// The questions on the same subject as a question, as written by `related --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RelatedReply<'a> {
    /// The id of the question, unique in the index.
    pub id: &'a str,
    /// The title of the question.
    pub title: &'a str,
    /// The related questions, the most useful first.
    pub related: Vec<RelatedQuestion<'a>>,
}

/// A question on the same subject as another one.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RelatedQuestion<'a> {
    /// The id of the question, unique in the index.
    pub id: &'a str,
    /// The id that the source gives the question.
    pub key: Option<&'a str>,
    /// The title of the question.
    pub title: &'a str,
    /// The location of the question.
    pub source: SourceReply<'a>,
    /// The section of the source that contains the question.
    pub section: Option<&'a str>,
    /// The web address of the question.
    pub url: Option<&'a str>,
    /// How similar the titles and answers of both questions are, 1 at most; `null` without embeddings.
    pub similarity: Option<f32>,
}

/// A whole question, as written by `export`.
#[derive(Debug, Serialize)]
pub struct ExportReply<'a> {
    /// The question.
    #[serde(flatten)]
    pub question: QuestionReply<'a>,
    /// The related questions, with `--related` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<Vec<RelatedQuestion<'a>>>,
}

impl<'a> RelatedReply<'a> {
    /// Converts the questions that are related to a question.
    pub fn new(question: &'a Question, related: &'a [Related]) -> Self {
        let Question { id, title, .. } = question;
        Self { id, title, related: related.iter().map(RelatedQuestion::from).collect() }
    }
}

impl<'a> From<&'a Related> for RelatedQuestion<'a> {
    fn from(Related { question, similarity }: &'a Related) -> Self {
        Self {
            id: &question.id,
            key: question.key.as_deref(),
            title: &question.title,
            source: SourceReply::from(question),
            section: question.section.as_deref(),
            url: question.url.as_deref(),
            similarity: *similarity,
        }
    }
}
