//! Finds the question that any phrase is about.

pub mod analyze;
pub mod chunk;
pub mod cli;
pub mod embed;
pub mod evaluate;
pub mod index;
pub mod mermaid;
pub mod question;
pub mod read;
pub mod render;
pub mod search;
