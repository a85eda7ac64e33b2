//! Output formats: text, JSON, the map of duplicates, and the report on search quality.

mod duplicate_reasons;
pub mod escape;
pub mod graph;
pub mod json;
pub mod report;
#[cfg(feature = "cli")]
pub mod terminal;
