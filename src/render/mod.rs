//! Output formats: text, JSON, and the map of duplicates.

mod duplicate_reasons;
pub mod escape;
pub mod graph;
pub mod json;
#[cfg(feature = "cli")]
pub mod terminal;
