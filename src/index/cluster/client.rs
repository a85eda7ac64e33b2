//! Requests to the cluster, from threads that wait for the reply.

use std::future::Future;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use milvus::v2::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::address::{Address, TOKEN, token};
use crate::hint::hinted;

/// Limits for connecting and for one request.
const CONNECT: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(60);

/// A read is tried so often. It changes nothing, so that it is safe to send it again.
const READ_ATTEMPTS: u32 = 3;

/// A write is tried so often, with waits that double: about a minute in all. Every write replaces or deletes entities by
/// their keys, so that it is safe to send it again.
const WRITE_ATTEMPTS: u32 = 9;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(16);

/// The server says that a collection must be loaded, which it forgets when it restarts.
const NOT_LOADED: i32 = 101;

/// The cluster does not answer, or not in time. It may answer later.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the cluster at {place} does not answer: {why}")]
pub struct ClusterAway {
    /// The host and port.
    place: String,
    why: String,
    /// Whether the address asks for TLS.
    pub(crate) is_encrypted: bool,
}

/// A reply is longer than the client accepts: 4 MiB. What was asked for must be asked for in parts.
#[derive(Debug, thiserror::Error)]
#[error("a reply of the cluster is too long")]
pub struct TooLong;

/// The connection to a cluster. Copies share it.
#[derive(Clone)]
pub struct Client {
    address: Address,
    client: ClientV2,
    /// How often a read is tried.
    read_attempts: u32,
}

/// The threads that send requests. They do not depend on a runtime of the caller, who may have one or none.
fn runtime() -> anyhow::Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let start = || Builder::new_multi_thread().worker_threads(2).enable_all().build();
    RUNTIME.get_or_init(start).as_ref().map_err(|error| anyhow::anyhow!("could not start threads: {error}"))
}

/// A request that was sent.
pub struct Sent<T>(mpsc::Receiver<Result<T>>);

impl Client {
    /// Connects to the cluster.
    ///
    /// # Errors
    /// [`ClusterAway`]; the credentials cannot be read or are not accepted.
    pub fn connect(address: &Address) -> anyhow::Result<Self> {
        let mut config = ConnectConfig::new()
            .uri(address.server())
            .connect_timeout(CONNECT)
            .rpc_timeout(REQUEST)
            .retry(RetryConfig::new().max_attempts(1))
            .telemetry(TelemetryConfig::new().enabled(false));
        if let Some(token) = token()? {
            config = config.token(token);
        }
        let (sender, reply) = mpsc::channel();
        runtime()?.spawn(async move {
            let connected = tokio::time::timeout(CONNECT, ClientV2::new(&config)).await;
            sender.send(connected).ok();
        });
        match reply.recv().context("a thread has stopped")? {
            Ok(Ok(client)) => Ok(Self { address: address.clone(), client, read_attempts: READ_ATTEMPTS }),
            Ok(Err(error)) => Err(explain(address, error)),
            Err(_) => Err(away(address, "it did not answer in time")),
        }
    }

    /// Connects to the cluster, and waits for it like a write.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_patiently(address: &Address) -> anyhow::Result<Self> {
        let mut wait = FIRST_WAIT;
        for _ in 1..WRITE_ATTEMPTS {
            match Self::connect(address) {
                Err(error) if error.is::<ClusterAway>() => thread::sleep(wait),
                connected => return Ok(Self { read_attempts: WRITE_ATTEMPTS, ..connected? }),
            }
            wait = (2 * wait).min(LONGEST_WAIT);
        }
        Ok(Self { read_attempts: WRITE_ATTEMPTS, ..Self::connect(address)? })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a request without waiting for the reply.
    pub fn send<T: Send + 'static, F>(&self, request: impl FnOnce(ClientV2) -> F) -> anyhow::Result<Sent<T>>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (sender, reply) = mpsc::channel();
        let request = request(self.client.clone());
        runtime()?.spawn(async move {
            sender.send(request.await).ok();
        });
        Ok(Sent(reply))
    }

    /// Waits for the reply to a read, and sends it again if the server was away or has not loaded the collection.
    ///
    /// # Errors
    /// [`ClusterAway`]; the server refuses the request.
    pub fn read<T: Send + 'static, F>(&self, request: impl Fn(ClientV2) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.repeat(self.read_attempts, request)
    }

    /// The same for a write, which is worth more patience.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn write<T: Send + 'static, F>(&self, request: impl Fn(ClientV2) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.repeat(WRITE_ATTEMPTS, request)
    }

    fn repeat<T: Send + 'static, F>(
        &self,
        attempts: u32,
        request: impl Fn(ClientV2) -> F,
    ) -> anyhow::Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut wait = FIRST_WAIT;
        for _ in 1..attempts {
            let error = match self.send(&request)?.0.recv().context("a thread has stopped")? {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            match server_code(&error) {
                Some(NOT_LOADED) => self.load()?,
                None if is_away(&error) => {}
                _ => return Err(explain(&self.address, error)),
            }
            thread::sleep(wait);
            wait = (2 * wait).min(LONGEST_WAIT);
        }
        let last = self.send(&request)?.0.recv().context("a thread has stopped")?;
        last.map_err(|error| explain(&self.address, error))
    }

    /// Waits for the reply to a request that was sent. If it failed in a way that another attempt may not, sends `again`.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn wait<T: Send + 'static, F>(
        &self,
        sent: &Sent<T>,
        again: impl Fn(ClientV2) -> F,
    ) -> anyhow::Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        match sent.0.recv().context("a thread has stopped")? {
            Ok(reply) => Ok(reply),
            Err(error) if is_away(&error) || server_code(&error) == Some(NOT_LOADED) => self.read(again),
            Err(error) => Err(explain(&self.address, error)),
        }
    }

    /// The reply to a read that was sent. `None` if it failed in a way that another attempt, or one in parts, may not.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn reply<T: Send + 'static>(&self, sent: &Sent<T>) -> anyhow::Result<Option<T>> {
        match sent.0.recv().context("a thread has stopped")? {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if is_away(&error) || server_code(&error) == Some(NOT_LOADED) => Ok(None),
            Err(error) => match explain(&self.address, error) {
                error if error.is::<TooLong>() => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Loads the collections of the index.
    ///
    /// # Errors
    /// Those of a request.
    pub fn load(&self) -> anyhow::Result<()> {
        for collection in super::schema::collections(&self.address) {
            let load = |client: ClientV2| {
                let collection = collection.clone();
                async move {
                    let request =
                        LoadCollectionRequest::builder().collection_name(collection).sync(false).build()?;
                    client.load_collection(request).await
                }
            };
            match self.send(load)?.0.recv().context("a thread has stopped")? {
                Ok(()) => {}
                Err(error) if is_away(&error) => {}
                Err(error) => return Err(explain(&self.address, error)),
            }
        }
        Ok(())
    }
}

fn server_code(error: &Error) -> Option<i32> {
    match error {
        Error::Server(error) => Some(error.code()),
        Error::RetryExhausted { source, .. } => server_code(source),
        _ => None,
    }
}

/// Whether another attempt may succeed: the server is away, is starting, has too much to do, or was too slow.
fn is_away(error: &Error) -> bool {
    match error {
        Error::Grpc(status) => {
            // The names of the codes, without a dependency on the crate that has the type.
            matches!(status.code() as i32, 1 | 2 | 4 | 8 | 14)
        }
        Error::Timeout(_) => true,
        Error::RetryExhausted { source, .. } => is_away(source),
        _ => false,
    }
}

fn away(address: &Address, why: &str) -> anyhow::Error {
    let place = format!("{}:{}", address.host, address.port);
    ClusterAway { place, why: why.to_owned(), is_encrypted: address.is_encrypted }.into()
}

/// The error of a request, for the user.
fn explain(address: &Address, error: Error) -> anyhow::Error {
    let text = error.to_string();
    let lower = text.to_lowercase();
    if lower.contains("message length too large") {
        return TooLong.into();
    }
    let is_denied = matches!(&error, Error::Grpc(status) if matches!(status.code() as i32, 7 | 16))
        || ["auth check failure", "unauthenticated", "permission deny", "privilege"]
            .iter()
            .any(|part| lower.contains(part));
    if is_denied {
        return hinted(
            format!(
                "the cluster at {}:{} does not accept the credentials: {text}",
                address.host, address.port
            ),
            format!("set {TOKEN} to a token or USER:PASSWORD"),
        )
        .into();
    }
    if is_away(&error) {
        return away(address, &text);
    }
    anyhow::anyhow!("the cluster refused a request for {address}: {text}")
}
