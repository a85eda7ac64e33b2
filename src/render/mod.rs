//! Results as text for a terminal, as JSON, and as a graph.

mod duplicate_reasons;
pub mod escape;
pub mod graph;
pub mod json;
#[cfg(feature = "cli")]
mod quality;
#[cfg(feature = "cli")]
pub mod terminal;
