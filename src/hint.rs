//! Advice for the person at the terminal, beside the message of an error.
//!
//! Advice may name commands and options of the program, which do not help a program, a client of the server or a language
//! model. It is therefore no part of the message. The command line shows it (`cli::hints`).

use std::error::Error;
use std::fmt;

/// An error with advice. It is displayed without the advice.
#[derive(Debug)]
pub struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl Hinted {
    /// The advice of an error: the outermost, if its contexts have several.
    pub fn of(error: &anyhow::Error) -> Option<&str> {
        error.downcast_ref().map(|Self { hint, .. }| hint.as_str())
    }
}

/// An error with a message and advice. It can also be the context of another error.
pub fn hinted(message: impl Into<String>, hint: impl Into<String>) -> Hinted {
    with_hint(anyhow::Error::msg(message.into()), hint)
}

/// Adds advice to an error, whose message stays as it is.
pub fn with_hint(error: anyhow::Error, hint: impl Into<String>) -> Hinted {
    Hinted { error, hint: hint.into() }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
