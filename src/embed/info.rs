//! What is known of a model without loading it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What an index remembers of the model that made its vectors: enough to load it again, and to tell it
/// from any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// What people call it: `all-MiniLM-L6-v2`.
    pub name: String,
    /// Names these very weights and how they are used (prefixes, pooling, dimensions): two models with
    /// one fingerprint give the same vectors. An endpoint's weights cannot be seen: there it names the
    /// model by what the endpoint calls it.
    pub fingerprint: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
    /// How many tokens of a text the model reads.
    pub window: usize,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Origin::is_builtin")]
    pub origin: Origin,
    /// What is put before a phrase that is looked for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query_prefix: String,
    /// What is put before everything else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub passage_prefix: String,
    /// How the vectors of a text's tokens become one, where the model leaves that to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
}

impl ModelInfo {
    /// Of a model that is part of a program.
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

    /// Whether both give the same vectors.
    pub fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// `name (fingerprint)`, as messages call it.
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.fingerprint)
    }

    /// A text as the model wants it in this role.
    #[cfg(any(feature = "fastembed", feature = "remote"))]
    pub(super) fn prefixed<'a>(&self, text: &'a str, role: super::Role) -> std::borrow::Cow<'a, str> {
        let prefix = match role {
            super::Role::Query => &self.query_prefix,
            super::Role::Passage => &self.passage_prefix,
        };
        if prefix.is_empty() { text.into() } else { format!("{prefix}{text}").into() }
    }
}

/// The vectors of an index are not those of the model that it is to be searched with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongModel {
    /// The one that made them.
    pub made_with: ModelInfo,
    /// The one that was given, if any was.
    pub given: Option<ModelInfo>,
}

impl fmt::Display for WrongModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the index was made with {}, ", self.made_with.label())?;
        match &self.given {
            Some(given) => write!(f, "not with {}", given.label())?,
            None => f.write_str("and searching by meaning needs that model")?,
        }
        f.write_str("\n  hint: search with that model, or index again")
    }
}

impl std::error::Error for WrongModel {}

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It is in the program that made the index.
    #[default]
    Builtin,
    /// The catalogue names it.
    Catalogue,
    /// A folder, as an absolute path.
    Folder(PathBuf),
    /// An HTTP endpoint: its address, without any key.
    Endpoint(String),
}

impl Origin {
    fn is_builtin(&self) -> bool {
        *self == Self::Builtin
    }
}

/// How the vectors of a text's tokens become one.
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
