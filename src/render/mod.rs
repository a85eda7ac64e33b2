//! Results → what leaves the process.

pub mod escape;
pub mod graph;
mod reasons;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod wire;
