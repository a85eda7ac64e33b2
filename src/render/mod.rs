//! Output formats: text, JSON, the map of duplicates, the report on search quality, and the page of gaps.

pub mod atom;
pub(crate) mod duplicate_reasons;
pub mod duplicates;
pub mod escape;
pub(crate) mod gap_reason;
pub mod gaps;
pub mod graph;
mod html;
pub mod json;
pub mod report;
#[cfg(feature = "cli")]
pub mod terminal;
