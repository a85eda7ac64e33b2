//! The record every stage speaks.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::mermaid;

/// One question, as its source wrote it, with whatever the source said about it.
///
/// Everything but [`id`](Self::id), [`title`](Self::title) and [`source`](Self::source) may be
/// absent: a bare list of questions has no answers, a table no sections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Question {
    /// Names this question in its index: twelve hexadecimal digits, the same as long as the
    /// question keeps its file and its key (or, without a key, its title). Readers leave it
    /// empty; [`read`](crate::read) fills it in.
    pub id: String,
    /// The source's own name for the record (`id` or `_id` of a table, a JSON object's key).
    pub key: Option<String>,
    /// The question as asked: one line, no markup but inline code, never empty.
    pub title: String,
    /// Other ways people ask the same, as the source lists them.
    pub also: Vec<String>,
    /// The answer as Markdown, possibly empty. Fenced code and diagrams are whole.
    pub answer: String,
    /// Where the question stands.
    pub source: Source,
    /// The heading the question stands under, or its category.
    pub section: Option<String>,
    /// How hard the source says it is (`beginner`, `Senior`), in the source's own words.
    pub level: Option<String>,
    /// Subjects, in source order.
    pub tags: Vec<String>,
    /// A web address of the question.
    pub url: Option<String>,
    /// The source's own measure of the question: votes, rating. Unrelated to search scores.
    pub score: Option<f64>,
    /// Every other `key: value` the source gave, keys in lower case (`probability` → `92`).
    pub fields: BTreeMap<String, String>,
}

impl Question {
    /// The answer as people read it: Markdown with every diagram turned into its words.
    ///
    /// Search, chunks and snippets all speak of this text; [`answer`](Self::answer) keeps the
    /// source.
    pub fn readable_answer(&self) -> Cow<'_, str> {
        mermaid::replace_diagrams(&self.answer)
    }

    /// A question of which only the title and its line are known yet.
    pub fn new(title: impl Into<String>, line: u64) -> Self {
        Self { title: title.into(), source: Source { path: String::new(), line }, ..Self::default() }
    }
}

/// Where a question stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The file: relative to the folder that holds the index where it lies below it, else
    /// absolute. Readers leave it empty.
    pub path: String,
    /// The line of the title or the record, from 1.
    pub line: u64,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}
