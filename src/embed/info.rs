//! Metadata of models.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::hint::Hinted;

/// The metadata that an index stores about its model: enough to load the model again, and to distinguish it
/// from other models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The name, such as `all-MiniLM-L6-v2`.
    pub name: String,
    /// A hash of the weights and of the settings (prefixes, pooling, dimensions). Models with equal
    /// fingerprints give equal vectors. The weights behind an endpoint are not available, so the hash covers
    /// the name of the model at the endpoint instead.
    pub fingerprint: String,
    /// The length of a vector.
    pub dimensions: usize,
    /// The maximum number of tokens of a text that the model reads. Longer texts are truncated.
    pub window: usize,
    /// Where the model comes from.
    #[serde(default, skip_serializing_if = "Origin::is_builtin")]
    pub origin: Origin,
    /// The text that is prepended to each phrase.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query_prefix: String,
    /// The text that is prepended to each title and passage.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub passage_prefix: String,
    /// How the vectors of the tokens are combined into one; `None` if the model does that itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
}

impl ModelInfo {
    /// Metadata of a model that is part of a program.
    pub fn new(
        name: impl Into<String>,
        fingerprint: impl Into<String>,
        dimensions: usize,
        window: usize,
    ) -> Self {
        Self {
            name: name.into(),
            fingerprint: fingerprint.into(),
            dimensions,
            window,
            origin: Origin::Builtin,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            pooling: None,
        }
    }

    /// Whether both models give the same vectors: their fingerprints are equal.
    pub fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// Whether the model is behind an endpoint: embedding a text waits for another program.
    pub fn is_remote(&self) -> bool {
        matches!(self.origin, Origin::Endpoint(_))
    }

    /// `name (fingerprint)`, for messages.
    pub fn label(&self) -> String {
        format!("{} ({})", printable(&self.name), printable(&self.fingerprint))
    }

    /// `the built-in model`, or `the model NAME`, for sentences.
    pub fn spoken_name(&self) -> String {
        match self.origin {
            Origin::Builtin => "the built-in model".to_owned(),
            _ => format!("the model {}", printable(&self.name)),
        }
    }

    /// A text with the prefix of its role.
    #[cfg(any(feature = "fastembed", feature = "remote"))]
    pub(super) fn prefixed<'a>(&self, text: &'a str, role: super::Role) -> std::borrow::Cow<'a, str> {
        let prefix = match role {
            super::Role::Query => &self.query_prefix,
            super::Role::Passage => &self.passage_prefix,
        };
        if prefix.is_empty() { text.into() } else { format!("{prefix}{text}").into() }
    }
}

/// An error: an index was searched without the model that it was built with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index was built with {}, {}", .made_with.label(), unlike(.given.as_ref()))]
pub struct WrongModel {
    /// The model of the index.
    pub made_with: ModelInfo,
    /// The model that was passed instead; `None` if there was none.
    pub given: Option<ModelInfo>,
}

/// How a search differs from the model of the index.
fn unlike(given: Option<&ModelInfo>) -> String {
    match given {
        Some(given) => format!("not with {}", given.label()),
        None => "and a semantic search needs that model".to_owned(),
    }
}

/// An error: an index uses an endpoint that the user has not approved. Nothing was sent to the endpoint.
///
/// [`Engine`](crate::engine::Engine) searches such an index by keywords.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index uses the model {model} at {url}, an endpoint that you have not approved")]
pub struct NotApproved {
    /// The address of the endpoint.
    pub url: String,
    /// The name of the model at the endpoint, without control characters: the index can come from anyone.
    pub model: String,
}

impl NotApproved {
    /// The error for the model of an index.
    pub fn new(url: String, model: &str) -> Self {
        Self { url, model: printable(model) }
    }
}

/// An error: the endpoint of a model returned no vector. It did not answer in time, or answered with an error.
///
/// Keyword search does not need the endpoint. See
/// [`search_or_fall_back`](crate::search::search_or_fall_back).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unavailable {
    /// What happened.
    pub message: String,
    /// What to try, for the person at the terminal. It may name commands and options of the program.
    pub hint: Option<String>,
    /// Whether the time ran out before the endpoint answered.
    pub timed_out: bool,
}

impl Unavailable {
    /// The error for a call that failed. The error itself is kept if it is an [`Unavailable`].
    pub fn new(error: anyhow::Error) -> Self {
        error.downcast().unwrap_or_else(|error| Self {
            message: format!("{error:#}"),
            hint: Hinted::of(&error).map(str::to_owned),
            timed_out: false,
        })
    }
}

/// A text from an index or a server, without the control characters that could affect a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The built-in model.
    #[default]
    Builtin,
    /// A model of the catalogue.
    Catalogue,
    /// A directory, as an absolute path.
    Folder(PathBuf),
    /// An HTTP endpoint, as its address without a key.
    Endpoint(String),
}

impl Origin {
    fn is_builtin(&self) -> bool {
        *self == Self::Builtin
    }
}

/// How the vectors of the tokens of a text are combined into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Pooling {
    /// The mean over all tokens.
    Mean,
    /// The vector of the first token.
    Cls,
}
