//! The socket: accepts connections, and shuts down after the running requests.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::app::{App, router};
use super::{Limits, Options};
use crate::engine::Engine;

/// How long the head of a request may take to arrive. It also limits how long a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// The size limit of a request's head, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// How many clients may be connected. Further clients wait until one of them disconnects.
const MOST_CONNECTIONS: usize = 1024;

/// A server that is bound to its address and does not reply yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
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
    /// The address cannot be bound. It is not a loopback address, and there is no token. An allowed origin is
    /// not valid.
    pub fn bind(engine: Engine, options: &Options) -> anyhow::Result<Self> {
        let wanted = options.listen;
        if !wanted.ip().is_loopback() && options.token.is_none() {
            bail!(
                "listening on {wanted} would open the index to other machines without a token\n  \
                 hint: require a token with --token-file FILE, or listen on 127.0.0.1"
            );
        }
        let hint = |error: &io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                "\n  hint: another program listens on this port; --listen 127.0.0.1:0 picks a free port"
            }
            io::ErrorKind::AddrNotAvailable => "\n  hint: this machine does not have this address",
            io::ErrorKind::PermissionDenied => "\n  hint: ports below 1024 need root; use a higher port",
            _ => "",
        };
        let failed = |error: io::Error| {
            let hint = hint(&error);
            anyhow::anyhow!("could not listen on {wanted}: {error}{hint}")
        };
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        let address = listener.local_addr().context("could not determine the local address")?;
        let router = router(Arc::new(App::new(engine, options)), wanted.ip(), options)?;
        let Limits { threads, time, .. } = options.limits;
        Ok(Self { listener, address, router, threads: threads.get(), finish: time })
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
        // Few threads do network I/O. Clients that are refused and retry at once then leave most of the
        // processor time to the searches.
        let io_threads = self.threads.div_ceil(4);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(io_threads).enable_all().build();
        let runtime = runtime.context("could not start the server's threads")?;
        let served = runtime.block_on(self.serve());
        // No client waits for the jobs that still run on blocking threads.
        runtime.shutdown_background();
        served
    }

    async fn serve(self) -> anyhow::Result<()> {
        let mut signals = Signals::new().context("could not listen for signals")?;
        self.listener.set_nonblocking(true).context("could not use the socket")?;
        let listener =
            tokio::net::TcpListener::from_std(self.listener).context("could not use the socket")?;
        let connections = GracefulShutdown::new();
        tokio::select! {
            never = accept(&listener, &connections, &self.router) => match never {},
            () = signals.next() => {}
        }
        drop(listener);
        tokio::select! {
            _ = timeout(self.finish, connections.shutdown()) => {}
            () = signals.next() => {}
        }
        Ok(())
    }
}

/// Accepts connections, and serves each on its own task.
async fn accept(
    listener: &tokio::net::TcpListener,
    connections: &GracefulShutdown,
    router: &Router,
) -> Infallible {
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await.expect("the semaphore is never closed");
        let Ok((stream, _)) = listener.accept().await else {
            // The client disconnected, or too many files are open. Existing connections are not affected.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let connection = connections.watch(connection(stream, router.clone()));
        tokio::spawn(async move {
            // Errors of a connection are the client's and are ignored.
            _ = connection.await;
            drop(permit);
        });
    }
}

fn connection(
    stream: TcpStream,
    router: Router,
) -> http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>> {
    // Replies are written in one piece, so delaying small packets gains nothing. An error is ignored, because
    // an old kernel may refuse this.
    _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
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
        let terminated = std::future::pending::<()>();
        tokio::select! {
            _ = terminated => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}
