//! The properties of questions whose values are counted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tantivy::schema::Field;

#[cfg(any(test, feature = "milvus"))]
use crate::index::CandidateDocument;
use crate::index::Fields;
use crate::question::Question;

/// A property of questions whose values are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    /// The section.
    Section,
    /// Each tag.
    Tag,
    /// The level.
    Level,
    /// The code of the language, such as `de`.
    Language,
    /// The path of the file.
    Source,
    /// The year of the date.
    Year,
}

impl Facet {
    /// All facets.
    pub const ALL: [Self; 6] =
        [Self::Section, Self::Tag, Self::Level, Self::Language, Self::Source, Self::Year];

    /// The name, such as `section`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Section => "section",
            Self::Tag => "tag",
            Self::Level => "level",
            Self::Language => "language",
            Self::Source => "source",
            Self::Year => "year",
        }
    }

    /// The field with the values as terms. `None` for the year.
    pub(super) fn field(self, fields: &Fields) -> Option<Field> {
        match self {
            Self::Section => Some(fields.section),
            Self::Tag => Some(fields.tag),
            Self::Level => Some(fields.level),
            Self::Language => Some(fields.language),
            Self::Source => Some(fields.path),
            Self::Year => None,
        }
    }

    /// The values of a candidate, each once.
    #[cfg(any(test, feature = "milvus"))]
    pub(super) fn values_of(self, document: &CandidateDocument) -> Vec<&str> {
        let values = &document.values;
        let mut found: Vec<&str> = match self {
            Self::Section => vec![&values.section],
            Self::Tag => values.tags.iter().map(String::as_str).collect(),
            Self::Level => vec![&values.level],
            Self::Language => vec![document.language.code()],
            Self::Source => vec![&values.path],
            Self::Year => Vec::new(),
        };
        found.retain(|value| !value.is_empty());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The values of a question that are indexed in lower case.
    pub(super) fn folded_values(self, question: &Question) -> Box<dyn Iterator<Item = &String> + '_> {
        match self {
            Self::Section => Box::new(question.section.iter()),
            Self::Tag => Box::new(question.tags.iter()),
            Self::Level => Box::new(question.level.iter()),
            Self::Language | Self::Source | Self::Year => Box::new(std::iter::empty()),
        }
    }
}

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Facet {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|facet| facet.name() == name.trim());
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{name:?} is not a facet; the facets are {names}")
        })
    }
}
