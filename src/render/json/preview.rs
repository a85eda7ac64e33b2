//! What a file holds, as JSON.

use serde::Serialize;

use crate::index::{Preview, Problem};

/// What a file holds.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreviewReply<'a> {
    /// The path.
    pub path: &'a str,
    /// The name of the format; `null` if no reader knows the file, or it could not be read to its end.
    pub format: Option<&'a str>,
    /// How the questions of a document are marked, such as `headings of level 3`; `null` for records.
    pub marking: Option<&'a str>,
    /// Why this marking was chosen.
    pub why: Option<&'a str>,
    /// The number of questions.
    pub questions: u64,
    /// The number of questions with an answer.
    pub answered: u64,
    /// The share of the letters and digits of a document that are in a title or an answer, 0 to 1; `null` for records.
    pub share: Option<f64>,
    /// The first titles, up to five.
    pub titles: &'a [String],
    /// Records that cannot be read, and why the file cannot be read.
    pub problems: Vec<ProblemOfFile<'a>>,
}

/// A record that cannot be read, or why a file cannot be read.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemOfFile<'a> {
    /// The line, from 1; `null` if the problem concerns the whole file.
    pub line: Option<u64>,
    /// What is wrong.
    pub reason: &'a str,
}

impl<'a> From<&'a Preview> for PreviewReply<'a> {
    fn from(preview: &'a Preview) -> Self {
        let report = preview.report.as_ref();
        let problem = |Problem { line, reason, .. }: &'a Problem| ProblemOfFile { line: *line, reason };
        Self {
            path: &preview.path,
            format: preview.format,
            marking: report.and_then(|report| report.marking.as_deref()),
            why: report.and_then(|report| report.why.as_deref()),
            questions: preview.questions,
            answered: preview.answered,
            share: preview.share(),
            titles: &preview.titles,
            problems: preview.problems.iter().map(problem).collect(),
        }
    }
}
