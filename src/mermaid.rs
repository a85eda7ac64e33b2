//! Diagrams → text.

use std::borrow::Cow;

/// Replaces diagrams.
pub fn replace_diagrams(answer: &str) -> Cow<'_, str> {
    Cow::Borrowed(answer)
}
