//! The HTTP server: routes that return the JSON types, and a web page.
//!
//! ```text
//! connection → host check → origin check → token → endpoint → concurrency limit → engine → JSON
//! ```
//!
//! If the model of the index is behind an endpoint, the server asks it for the vector of a phrase before the
//! search takes a thread. If the endpoint does not answer, hybrid searches use keywords only.
//!
//! Searches run on blocking threads, by default as many as there are processors. A bounded number of requests
//! wait in a queue; further requests are refused at once. The asynchronous threads only do network I/O.

mod address;
mod app;
mod attempts;
mod authenticate;
mod cache;
mod change_queue;
mod changes;
mod clicks;
mod committer;
mod concurrency;
mod connections;
mod current;
mod decisions;
mod duplicates;
mod embedding_cache;
mod endpoint;
mod extractors;
mod feed;
mod feedback;
mod found_gaps;
mod gaps;
mod headers;
mod host_check;
mod listen;
mod log;
mod metrics;
mod observe;
mod openapi;
mod options;
mod origin_check;
mod page;
mod problem;
mod query_log;
mod questions;
mod router;
mod search;
mod stats;
mod suggest;
mod tokens;

pub use listen::Server;
pub use log::{Log, LogFormat};
pub use options::{Limits, Options};
pub use tokens::{Right, Token, Tokens};
