//! The JSON of changes of the questions in an index.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::index::{Effect, Refused, Written};
use crate::read::InvalidRecord;

/// A question to write, with the keys of a record in a file of JSON Lines.
///
/// This is the schema of a request. The server also knows the other names that files use, such as `title` and `q`; other
/// keys become fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuestionRecord {
    /// The id that its writer gives the question: 1 to 200 bytes without control characters. A question without an id is
    /// identified by its title.
    #[serde(default)]
    pub id: Option<String>,
    /// The question: one line.
    pub question: String,
    /// The answer: Markdown or HTML.
    #[serde(default)]
    pub answer: String,
    /// Alternative titles: other ways to ask the same.
    #[serde(default)]
    pub also: Vec<String>,
    /// The section of the question.
    #[serde(default)]
    pub section: Option<String>,
    /// The difficulty.
    #[serde(default)]
    pub level: Option<String>,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The web address of the question.
    #[serde(default)]
    pub url: Option<String>,
    /// The date: `YYYY-MM-DD`, or a time such as `2024-03-01T10:20:30Z`.
    #[serde(default)]
    pub date: Option<String>,
    /// A rating, such as votes.
    #[serde(default)]
    pub score: Option<f64>,
    /// All other keys: a text, a number, or a list of them, of at most 500 bytes.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Value>,
}

/// What became of a record or of a deletion.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeReply {
    /// The id of the question in the index; `null` after an error.
    pub id: Option<String>,
    /// The id that its writer gives the question; `null` if it has none.
    pub key: Option<String>,
    /// What the change did; `null` after an error.
    pub effect: Option<EffectReply>,
    /// Why the record was not written; `null` if it was.
    pub error: Option<InvalidReply>,
}

/// What a change did.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EffectReply {
    /// The question is new.
    Created,
    /// The question had another content.
    Replaced,
    /// The question was in the index as it is.
    Unchanged,
    /// The question was deleted.
    Deleted,
}

/// Why a record was not written.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvalidReply {
    /// The key of the value that is missing or not valid; `null` if the error is not about one value.
    pub field: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// What became of the records of a batch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangesReply {
    /// A result for each record, in the order of the records.
    pub results: Vec<ChangeReply>,
}

impl From<Written> for ChangeReply {
    fn from(written: Written) -> Self {
        let Written { id, key, effect } = written;
        let effect = Some(match effect {
            Effect::Created => EffectReply::Created,
            Effect::Replaced => EffectReply::Replaced,
            Effect::Unchanged => EffectReply::Unchanged,
            Effect::Deleted => EffectReply::Deleted,
        });
        Self { id: Some(id), key, effect, error: None }
    }
}

impl ChangeReply {
    /// A record that was not written. `key` is the id that it has, if it has a valid one.
    pub fn failed(key: Option<String>, error: InvalidReply) -> Self {
        Self { id: None, key, effect: None, error: Some(error) }
    }
}

impl From<&Refused> for InvalidReply {
    fn from(refused: &Refused) -> Self {
        let (field, reason) = match refused {
            Refused::Key { reason } => (Some("id"), reason.clone()),
            Refused::NoTitle => (Some("question"), "it is missing or empty".to_owned()),
            Refused::Taken { .. } => (Some("id"), refused.to_string()),
            _ => (None, refused.to_string()),
        };
        Self { field: field.map(str::to_owned), reason }
    }
}

impl From<InvalidRecord> for InvalidReply {
    fn from(InvalidRecord { field, reason }: InvalidRecord) -> Self {
        // An error about the whole record names no key.
        Self { field: Some(field).filter(|field| !field.is_empty()), reason }
    }
}
