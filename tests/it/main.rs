//! Drives the real program on real files.

mod architecture;
mod cli;
mod durability;
mod index;
mod json;
mod search;
mod util;
