//! Finds the question that any phrase is about.

pub mod question;
pub mod read;
