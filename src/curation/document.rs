//! TOML with the lines of its values, for errors.

use std::fmt;
use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike, Value};

/// What is wrong with a file of synonyms or pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurationError {
    /// The path of the file.
    pub file: String,
    /// The line, from 1. `None` if the file cannot be read.
    pub line: Option<u64>,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

impl fmt::Display for CurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.reason),
            None => write!(f, "could not read {}: {}", self.file, self.reason),
        }
    }
}

impl std::error::Error for CurationError {}

/// A TOML text with its name.
pub struct Source<'t> {
    file: &'t str,
    text: &'t str,
    line_ends: Vec<usize>,
}

/// A text of a file, and its line.
pub struct Text {
    pub text: String,
    pub line: u64,
}

impl<'t> Source<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, line_ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    pub fn parse(&self) -> Result<Table, CurationError> {
        // Parsed in place: `into_mut` would forget the spans.
        Document::parse(self.text)
            .map(|document| document.as_table().clone())
            .map_err(|error| self.error(error.span(), error.message().replace('\n', " ")))
    }

    /// The line of a span, from 1.
    pub fn line(&self, span: Option<Range<usize>>) -> u64 {
        let begin = span.map_or(0, |span| span.start);
        self.line_ends.partition_point(|end| *end < begin) as u64 + 1
    }

    pub fn error(&self, span: Option<Range<usize>>, reason: impl Into<String>) -> CurationError {
        self.error_in(self.line(span), reason)
    }

    pub fn error_in(&self, line: u64, reason: impl Into<String>) -> CurationError {
        CurationError { file: self.file.to_owned(), line: Some(line), reason: reason.into() }
    }

    /// The error for a key that is not allowed.
    pub fn unknown_key(&self, table: &dyn TableLike, name: &str, allowed: &str) -> CurationError {
        let span = table.key(name).and_then(toml_edit::Key::span);
        self.error(span, format!("{name:?} is not a key here; allowed are {allowed}"))
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str, item: &Item) -> Result<Text, CurationError> {
        let found = item.as_value().and_then(|value| self.text_of(value));
        found.ok_or_else(|| self.error(item.span(), format!("{name} must be a text that is not empty")))
    }

    /// A text, or a list of them that is not empty.
    pub fn texts(&self, name: &str, item: &Item) -> Result<Vec<Text>, CurationError> {
        let value = item.as_value();
        let texts = value.and_then(|value| self.texts_of(value)).filter(|texts| !texts.is_empty());
        let reason = || format!("{name} must be a text or a list of texts, none of them empty");
        texts.ok_or_else(|| self.error(item.span(), reason()))
    }

    /// The same for a value.
    pub fn texts_of(&self, value: &Value) -> Option<Vec<Text>> {
        match value {
            Value::Array(values) => values.iter().map(|value| self.text_of(value)).collect(),
            value => Some(vec![self.text_of(value)?]),
        }
    }

    fn text_of(&self, value: &Value) -> Option<Text> {
        let text = value.as_str()?.trim();
        (!text.is_empty()).then(|| Text { text: text.to_owned(), line: self.line(value.span()) })
    }
}
