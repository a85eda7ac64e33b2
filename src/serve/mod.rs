//! The HTTP server: routes that return the JSON types, and a web page.
//!
//! ```text
//! connection → host check → token → concurrency limit → engine → JSON
//! ```
//!
//! Searches run on blocking threads, by default as many as there are processors. A bounded number of requests
//! wait in a queue; further requests are refused at once. The asynchronous threads only do network I/O.

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

/// The options of a [`Server`].
#[derive(Debug)]
pub struct Options {
    /// The address to listen on. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// Names to accept in the `Host` header, in addition to `localhost`, loopback addresses and `listen`.
    pub allow_hosts: Vec<String>,
    /// Origins (`https://example.org`) whose web pages may read replies.
    pub allow_origins: Vec<String>,
    /// The token that clients must send. `None` accepts every client, and requires a loopback address.
    pub token: Option<Token>,
    /// The limits of concurrency and time.
    pub limits: Limits,
}

/// The limits of concurrency and time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many searches run at once.
    pub threads: NonZeroUsize,
    /// How many requests may wait. Further requests get status 503.
    pub queue: usize,
    /// How long a request may take, including the wait in the queue.
    pub time: Duration,
}

impl Limits {
    /// The default number of requests that may wait, per thread. It is about a quarter of a second of work.
    pub const QUEUE_PER_THREAD: usize = 32;

    /// The default of [`time`](Self::time).
    pub const TIME: Duration = Duration::from_secs(10);
}
