//! Drives the real program on real files.

mod architecture;
mod builtin;
mod cli;
mod dups;
mod durability;
mod eval;
mod index;
mod json;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod util;
