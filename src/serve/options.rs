//! The options of a server.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::log::Log;
use super::tokens::Tokens;
use crate::decisions::DecisionFile;
use crate::feedback::FeedbackFile;
use crate::query_log::QueryLog;
use crate::watch;

/// The options of a [`Server`](super::Server).
#[derive(Debug)]
pub struct Options {
    /// The address to listen on. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// Names to accept in the `Host` header, in addition to `localhost`, loopback addresses and `listen`.
    pub allow_hosts: Vec<String>,
    /// Origins (`https://example.org`) whose web pages may send requests and read replies.
    pub allow_origins: Vec<String>,
    /// The tokens that clients must send one of. `None` accepts every client, and requires a loopback address.
    pub tokens: Option<Tokens>,
    /// The tokens that clients which write questions must send one of. They are accepted like those of `tokens` as well.
    /// `None` accepts no changes.
    pub admin_tokens: Option<Tokens>,
    /// The file that the judgements of users are appended to. `None` accepts none.
    pub feedback: Option<FeedbackFile>,
    /// The file of decisions about duplicates. `None` applies and accepts none.
    pub decisions: Option<DecisionFile>,
    /// The state of the thread that keeps the index current. `None` if there is none.
    pub watch: Option<Arc<watch::Status>>,
    /// The file that searches and clicks are appended to. `None` records none.
    pub query_log: Option<QueryLog>,
    /// Where failures and, in JSON, requests are logged.
    pub log: Log,
    /// The limits of concurrency and time.
    pub limits: Limits,
}

/// The limits of concurrency and time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many searches run at once.
    pub threads: NonZeroUsize,
    /// How many requests may wait for a search, and how many for a change. Further requests get status 503.
    pub queue: usize,
    /// How long a request may take, including the wait in the queue.
    pub time: Duration,
    /// How many clients may be connected.
    pub connections: NonZeroUsize,
    /// How many clients with one address may be connected. For IPv6, the first 64 bits count.
    pub connections_per_address: NonZeroUsize,
}

impl Limits {
    /// The default number of requests that may wait, per thread. It is about a quarter of a second of work.
    pub const QUEUE_PER_THREAD: usize = 32;

    /// The default of [`time`](Self::time).
    pub const TIME: Duration = Duration::from_secs(10);

    /// The default of [`connections`](Self::connections).
    pub const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

    /// The default of [`connections_per_address`](Self::connections_per_address).
    pub const CONNECTIONS_PER_ADDRESS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
}
