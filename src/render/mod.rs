//! Results → what leaves the process.

pub mod escape;
pub mod graph;
pub mod terminal;
pub mod wire;
