//! Drives the real program on real files.

mod architecture;
mod builtin;
mod cli;
mod dups;
mod durability;
mod eval;
mod index;
mod json;
#[cfg(all(feature = "fastembed", feature = "remote"))]
mod models;
mod search;
#[cfg(feature = "remote")]
mod server;
mod util;
