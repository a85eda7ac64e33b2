//! The HTTP door: the JSON contract as routes, and a page for people.
//!
//! ```text
//! connection → guard (Host, token) → lane (a bounded number at once, a bounded queue) → engine → wire
//! ```
//!
//! What takes the processor runs on blocking threads, one search each, as many as there are processors;
//! what is beyond the queue is refused at once. The asynchronous threads only read and write.

mod app;
mod cache;
mod concurrency;
mod duplicates;
mod embedding_cache;
mod extractors;
mod headers;
mod host_check;
mod listen;
mod metrics;
mod openapi;
mod page;
mod problem;
mod questions;
mod search;
mod stats;
mod token;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

pub use listen::Server;
pub use token::Token;

/// How to serve.
#[derive(Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Names that may stand in a `Host` header beside those of this machine.
    pub allow_hosts: Vec<String>,
    /// Origins (`https://example.org`) whose pages may read answers.
    pub allow_origins: Vec<String>,
    /// What a client has to know; `None` lets everybody in who reaches us.
    pub token: Option<Token>,
    /// How much at once, and for how long.
    pub limits: Limits,
}

/// How much at once, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Searches that run at once.
    pub threads: NonZeroUsize,
    /// Requests that wait for one of them to end; the next is refused.
    pub queue: usize,
    /// How long a request may wait and be worked on, together.
    pub time: Duration,
}

impl Limits {
    /// How many requests may wait for each thread when nobody says otherwise: a quarter of a second's work.
    pub const QUEUE_PER_THREAD: usize = 32;

    /// How long a request may take when nobody says otherwise.
    pub const TIME: Duration = Duration::from_secs(10);
}
