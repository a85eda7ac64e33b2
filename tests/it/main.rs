//! Drives the real program on real files.

mod architecture;
mod builtin;
mod cli;
mod dups;
mod durability;
mod eval;
mod index;
mod json;
#[cfg(feature = "mcp")]
mod mcp;
mod search;
mod shell;
mod util;
