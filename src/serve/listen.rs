//! The socket: connections in, and a shutdown that lets answers finish.

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

/// How long a request's head may take to arrive, and a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// The largest head of a request, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// How many clients may be connected; more wait until one of them leaves.
const MOST_CONNECTIONS: usize = 1024;

/// A server that has its address and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    /// How many searches run at once.
    threads: usize,
    /// How long answers may take to finish when it is stopped.
    finish: Duration,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// It is not to be had; others than this machine's could reach it, and there is no token; an origin is
    /// none.
    pub fn bind(engine: Engine, options: &Options) -> anyhow::Result<Self> {
        let wanted = options.listen;
        if !wanted.ip().is_loopback() && options.token.is_none() {
            bail!(
                "at {wanted} others than this machine could reach the index\n  \
                 hint: name a token that they have to know with --token-file, or listen on 127.0.0.1"
            );
        }
        let hint = |error: &io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                "\n  hint: another program listens there; --listen 127.0.0.1:0 takes a free port"
            }
            io::ErrorKind::AddrNotAvailable => "\n  hint: this machine does not have the address",
            io::ErrorKind::PermissionDenied => "\n  hint: ports below 1024 are for root",
            _ => "",
        };
        let failed = |error: io::Error| {
            let hint = hint(&error);
            anyhow::anyhow!("could not listen on {wanted}: {error}{hint}")
        };
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        let address = listener.local_addr().context("could not tell the address")?;
        let router = router(Arc::new(App::new(engine, options)), wanted.ip(), options)?;
        let Limits { threads, time, .. } = options.limits;
        Ok(Self { listener, address, router, threads: threads.get(), finish: time })
    }

    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the process is told to stop (Ctrl-C, or SIGTERM), then lets what was begun finish.
    ///
    /// # Errors
    /// The system has no threads, signals or sockets for us.
    pub fn run(self) -> anyhow::Result<()> {
        // Few threads talk to clients, so that clients who are refused and ask again at once leave most of the
        // processors to the searches.
        let talkers = self.threads.div_ceil(4);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(talkers).enable_all().build();
        let runtime = runtime.context("could not start the server's threads")?;
        let served = runtime.block_on(self.serve());
        // What still runs on blocking threads has nobody who waits for it.
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

/// Takes connections in, and answers each on a task of its own.
async fn accept(
    listener: &tokio::net::TcpListener,
    connections: &GracefulShutdown,
    router: &Router,
) -> Infallible {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let Ok((stream, _)) = listener.accept().await else {
            // Gone again, or there are too many open files: what is connected goes on.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let connection = connections.watch(connection(stream, router.clone()));
        tokio::spawn(async move {
            // A connection that breaks is the client's business.
            _ = connection.await;
            drop(place);
        });
    }
}

fn connection(
    stream: TcpStream,
    router: Router,
) -> http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>> {
    // Answers are small and whole: nothing is gained by waiting for more. An old kernel may refuse.
    _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

/// What tells the process to stop.
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
