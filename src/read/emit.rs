//! What a reader passes on: questions, records that it skipped, and why a file cannot be read.

use std::io;
use std::ops::ControlFlow;

use crate::question::Question;

/// Receives the records of a reader. `Break` stops the reader.
pub type Emit<'a> = dyn FnMut(Result<Question, BadRecord>) -> ControlFlow<()> + 'a;

/// A record that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Line in the file, from 1.
    pub line: u64,
    /// Why, in lower case without a full stop: `expected a comma, found "x"`.
    pub reason: String,
}

impl BadRecord {
    pub(super) fn not_utf8(line: u64) -> Self {
        Self { line, reason: "not UTF-8".to_owned() }
    }
}

/// An error of a whole file, with a reason as in [`BadRecord`].
pub(super) fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

/// Why a file that could be read has no questions.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoQuestions(&'static str);

pub(super) fn no_questions(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, NoQuestions(why))
}

/// Whether an error of [`read`](super::read) means that the file was read and has no questions, rather than that some of
/// it could not be read.
pub fn has_no_questions(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<NoQuestions>())
}
