//! The record type for questions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::mermaid;

/// A question with its answer and metadata, as written in its source.
///
/// All fields except [`id`](Self::id), [`title`](Self::title) and [`source`](Self::source) can be empty. For
/// example, a plain list of questions has no answers, and a table has no sections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Question {
    /// Identifies the question in its index: twelve hexadecimal digits. The id stays the same as long as the
    /// question's file and key (or title, if it has no key) do not change. Readers leave it empty, and
    /// [`read`](crate::read) sets it.
    pub id: String,
    /// The identifier of the record in its source: `id` or `_id` of a table, or the key of a JSON object. For a question
    /// that a program wrote into the index, the id that the program gave it.
    pub key: Option<String>,
    /// The question: one line, without markup except inline code. Never empty.
    pub title: String,
    /// Alternative titles: other phrasings of the question that the source lists, then those of
    /// [files of phrasings](crate::read::PHRASINGS).
    pub also: Vec<String>,
    /// How many of the alternative titles, at the end of their list, come from files of phrasings.
    #[serde(skip_serializing_if = "is_zero")]
    pub attached: usize,
    /// The answer as Markdown, possibly empty. Fenced code and diagrams are complete.
    pub answer: String,
    /// The file and line of the question.
    pub source: Source,
    /// The heading above the question, or its category.
    pub section: Option<String>,
    /// The difficulty as written in the source (`beginner`, `Senior`).
    pub level: Option<String>,
    /// The tags, in source order.
    pub tags: Vec<String>,
    /// The web address of the question.
    pub url: Option<String>,
    /// The date of the question: `YYYY-MM-DD`, or RFC 3339 in UTC (`2024-03-01T10:20:30Z`). The text can be compared.
    pub date: Option<String>,
    /// The source's rating of the question, such as votes. It is unrelated to search scores.
    pub score: Option<f64>,
    /// All other `key: value` pairs from the source, with keys in lower case (`probability` → `92`).
    pub fields: BTreeMap<String, String>,
}

impl Question {
    /// The answer as Markdown, with each Mermaid diagram replaced by its words.
    ///
    /// Search, chunks and snippets use this text. [`answer`](Self::answer) is the original.
    pub fn readable_answer(&self) -> Cow<'_, str> {
        mermaid::replace_diagrams(&self.answer)
    }

    /// Creates a question with a title and a line. All other fields are empty.
    pub fn new(title: impl Into<String>, line: u64) -> Self {
        Self { title: title.into(), source: Source { path: String::new(), line }, ..Self::default() }
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The location of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The path of the file. It is relative to the directory that contains the index if the file is below it,
    /// else absolute. Readers leave it empty. [`WRITTEN`](crate::index::WRITTEN) for a question without a file.
    pub path: String,
    /// The line of the title or record, starting at 1; 0 for a question without a file.
    pub line: u64,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.path),
            line => write!(f, "{}:{line}", self.path),
        }
    }
}
