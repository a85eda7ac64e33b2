//! Integration tests: they run the program on real files.

mod architecture;
mod backup;
mod builtin;
#[cfg(unix)]
mod campaign;
mod cli;
#[cfg(all(unix, feature = "milvus"))]
mod cluster;
mod curation;
mod decisions;
mod documentation;
mod dups;
mod durability;
#[cfg(feature = "remote")]
mod endpoints;
mod eval;
mod examples;
mod facets;
mod fuzz;
mod gaps;
mod index;
#[cfg(all(unix, feature = "interactive"))]
mod interactive;
mod json;
mod languages;
#[cfg(feature = "mcp")]
mod mcp;
mod missing;
#[cfg(all(feature = "fastembed", feature = "remote"))]
mod models;
#[cfg(all(unix, feature = "interactive"))]
mod pty;
#[cfg(all(unix, feature = "interactive"))]
mod review;
mod search;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "remote")]
mod server;
mod several;
mod shell;
mod site;
mod sources;
mod streams;
#[cfg(all(target_os = "linux", feature = "serve"))]
mod tutorials;
mod util;
#[cfg(all(unix, feature = "watch"))]
mod watch;
