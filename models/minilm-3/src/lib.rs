//! The last third of the weights of the built-in model of `rqsearch`. A package on crates.io has 10 MB at most.

/// The bytes.
pub const WEIGHTS: &[u8; 7_686_144] = include_bytes!("../weights");
