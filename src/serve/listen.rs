//! The socket: accepts connections, and shuts down after the running requests.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tower::Service;

use super::app::{App, AppOptions};
use super::change_queue::ChangeQueue;
use super::committer;
use super::connections::{Admitted, Place};
use super::extractors::Client;
use super::host_check::AllowedHosts;
use super::options::{Limits, Options};
use super::query_log::QueryLogWriter;
use super::router::{Origins, router};
use crate::engine::Engine;
use crate::hint::{hinted, with_hint};

/// How long the head of a request may take to arrive. It also limits how long a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// The size limit of a request's head, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// How long a client may take to read a part of a reply. Replies are in memory until they are read.
const WRITE_WITHIN: Duration = Duration::from_secs(30);

/// What a client gets that is refused because every connection is busy.
const REFUSED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

/// A server that is bound to its address and does not reply yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    router: Router,
    /// How many searches run at once.
    threads: usize,
    /// How long running requests may take after the server is told to stop.
    finish: Duration,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// The address cannot be bound. It is not a loopback address, and there is no token. An allowed host or
    /// origin is not valid.
    pub fn bind(engine: Engine, options: Options) -> anyhow::Result<Self> {
        let Options {
            listen: wanted,
            allow_hosts,
            allow_origins,
            tokens,
            admin_tokens,
            feedback,
            decisions,
            query_log,
            watch,
            log,
            limits,
        } = options;
        if !wanted.ip().is_loopback() && tokens.is_none() {
            bail!(hinted(
                format!("listening on {wanted} would open the index to other machines without a token"),
                "require a token with --token-file FILE, or listen on 127.0.0.1"
            ));
        }
        if admin_tokens.is_some() && engine.dir().is_none() {
            bail!(hinted(
                "the built-in index cannot be changed, so no questions can be written",
                "name an index with --index DIR; an empty one is created if there is none"
            ));
        }
        let hosts = AllowedHosts::new(wanted.ip(), &allow_hosts)?;
        let origins = Origins::new(&allow_origins)?;
        let listener = TcpListener::bind(wanted).map_err(|error| cannot_listen(wanted, &error))?;
        let address = listener.local_addr().context("could not determine the local address")?;
        let options = AppOptions { tokens, admin_tokens, feedback, decisions, query_log, watch, log, limits };
        let app = Arc::new(App::new(engine, options));
        let router = router(Arc::clone(&app), hosts, &origins);
        let Limits { threads, time, .. } = limits;
        Ok(Self { listener, address, app, router, threads: threads.get(), finish: time })
    }

    /// The address that the server listens on, with the port that was picked if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves requests until Ctrl-C or SIGTERM. Running requests then have the time limit of a request to
    /// finish. A second signal stops the server at once.
    ///
    /// # Errors
    /// The system refuses threads, signal handlers or sockets.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = self.runtime()?;
        let mut signals = {
            let _context = runtime.enter();
            Signals::new().context("could not listen for signals")?
        };
        self.run_in(runtime, async || signals.next().await)
    }

    /// Serves requests until `stop` completes, and handles no signals. Use this in a program that has other
    /// work than the server. Running requests then have the time limit of a request to finish.
    ///
    /// This function returns when the server has stopped, so call it on a thread of its own. It must not be
    /// called from asynchronous code, because it starts a tokio runtime.
    ///
    /// # Errors
    /// The system refuses threads or sockets.
    pub fn run_until(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let runtime = self.runtime()?;
        let mut stop = Some(stop);
        self.run_in(runtime, async || match stop.take() {
            Some(stop) => stop.await,
            // Nothing ends the server before the time limit.
            None => pending().await,
        })
    }

    /// The threads of the server. Few threads do network I/O. Clients that are refused and retry at once then
    /// leave most of the processor time to the searches.
    fn runtime(&self) -> anyhow::Result<Runtime> {
        let io_threads = self.threads.div_ceil(4);
        let runtime = Builder::new_multi_thread().worker_threads(io_threads).enable_all().build();
        runtime.context("could not start the server's threads")
    }

    /// Serves requests until the first call of `stop` completes. The second call ends the running requests.
    fn run_in(self, runtime: Runtime, stop: impl AsyncFnMut()) -> anyhow::Result<()> {
        let app = Arc::clone(&self.app);
        committer::start(&app);
        let served = runtime.block_on(self.serve(stop));
        // No client waits for the jobs that still run on blocking threads.
        runtime.shutdown_background();
        app.changes.iter().for_each(ChangeQueue::finish);
        app.query_log.iter().for_each(QueryLogWriter::finish);
        app.log.finish();
        served
    }

    async fn serve(self, mut stop: impl AsyncFnMut()) -> anyhow::Result<()> {
        self.listener.set_nonblocking(true).context("could not use the socket")?;
        let listener =
            tokio::net::TcpListener::from_std(self.listener).context("could not use the socket")?;
        let connections = GracefulShutdown::new();
        tokio::select! {
            never = accept(&listener, &connections, &self.app, &self.router) => match never {},
            () = stop() => {}
        }
        drop(listener);
        tokio::select! {
            _ = timeout(self.finish, connections.shutdown()) => {}
            () = stop() => {}
        }
        Ok(())
    }
}

/// Why the server cannot listen on an address, and what to try.
fn cannot_listen(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let message = anyhow::anyhow!("could not listen on {address}: {error}");
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens on this port; --listen 127.0.0.1:0 picks a free port"
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have this address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need root; use a higher port",
        _ => return message,
    };
    with_hint(message, hint).into()
}

/// Accepts connections, and serves each on its own task.
async fn accept(
    listener: &tokio::net::TcpListener,
    shutdown: &GracefulShutdown,
    app: &Arc<App>,
    router: &Router,
) -> Infallible {
    loop {
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // The client disconnected, or too many files are open. An idle connection makes room.
                if app.connections.close_idle() {
                    app.metrics.connection_closed("idle");
                }
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let place = match app.connections.admit(client.ip()) {
            Admitted::Free(place) => place,
            Admitted::Instead(place) => {
                app.metrics.connection_closed("idle");
                place
            }
            Admitted::Refused => {
                app.metrics.connection_closed("refused");
                // The buffer of a new socket is empty: this does not wait. If it fails, the client is gone.
                _ = stream.try_write(REFUSED);
                continue;
            }
        };
        let number = place.number();
        let connection = connection(stream, client, place, shutdown, router.clone());
        let task = tokio::spawn(connection);
        app.connections.started(number, task.abort_handle());
    }
}

/// Serves a connection until it is closed.
fn connection(
    stream: TcpStream,
    client: SocketAddr,
    place: Place,
    shutdown: &GracefulShutdown,
    router: Router,
) -> impl Future<Output = ()> + Send + 'static {
    // Replies are written in one piece, so delaying small packets gains nothing. An error is ignored, because
    // an old kernel may refuse this.
    _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_WITHIN));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Client(client.ip()));
        let (exchange, mut router) = (Arc::new(place.exchange()), router.clone());
        // Only these requests have bodies that are read.
        let has_body = [Method::POST, Method::PUT].contains(request.method());
        if request.body().is_end_stream() || !has_body {
            exchange.arrived();
        }
        request.extensions_mut().insert(Arc::clone(&exchange));
        async move {
            let response = router.call(request).await;
            drop(exchange);
            response
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let served = shutdown.watch(served);
    async move {
        // Errors of a connection are the client's and are ignored.
        _ = served.await;
    }
}

/// The signals that stop the server.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        let terminated = self.terminate.recv();
        #[cfg(not(unix))]
        let terminated = pending::<()>();
        tokio::select! {
            _ = terminated => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::num::NonZeroUsize;
    use std::thread;

    use super::super::{Log, LogFormat};
    use super::*;
    use crate::index::Index;

    #[test]
    fn a_program_can_stop_its_server() {
        let limits = Limits {
            threads: NonZeroUsize::MIN,
            queue: 1,
            time: Limits::TIME,
            connections: Limits::CONNECTIONS,
            connections_per_address: Limits::CONNECTIONS_PER_ADDRESS,
        };
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            tokens: None,
            admin_tokens: None,
            feedback: None,
            decisions: None,
            watch: None,
            query_log: None,
            log: Log::new(LogFormat::Text, false, io::sink()),
            limits,
        };
        let server = Server::bind(Engine::fixed(Index::builtin().unwrap()).unwrap(), options).unwrap();
        let address = server.address();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let running = thread::spawn(move || server.run_until(async { stopped.await.unwrap() }));
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
        stop.send(()).unwrap();
        running.join().unwrap().unwrap();
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}
