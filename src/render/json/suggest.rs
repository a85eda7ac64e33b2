//! The JSON of suggestions.

use serde::{Deserialize, Serialize};

use crate::question::Question;

/// A request for the questions whose titles begin like a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SuggestRequest {
    /// The text so far. The last word may be incomplete, unless white space follows it.
    pub q: String,
    /// The maximum number of questions, 1 to 20.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

impl SuggestRequest {
    /// The greatest [`limit`](Self::limit).
    pub const MOST: usize = 20;
}

fn default_limit() -> usize {
    8
}

/// A question whose title has the words of a text.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SuggestionReply<'a> {
    /// The id of the question.
    pub id: &'a str,
    /// The title of the question.
    pub title: &'a str,
    /// The web address of the question.
    pub url: Option<&'a str>,
}

impl<'a> From<&'a Question> for SuggestionReply<'a> {
    fn from(question: &'a Question) -> Self {
        Self { id: &question.id, title: &question.title, url: question.url.as_deref() }
    }
}
