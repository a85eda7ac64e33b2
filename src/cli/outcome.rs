//! How a command ends.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done; a search found an answer.
    Success,
    /// A search found no answer, or duplicates were found.
    Nothing,
    /// Done, but something was skipped. It is reported on stderr.
    Partial,
    /// The user left interactive search without a selection.
    Left,
}

impl Outcome {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Nothing => 1,
            Self::Partial => 2,
            // What a shell returns for a command that Ctrl-C ended.
            Self::Left => 130,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.status())
    }
}
