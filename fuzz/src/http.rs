//! HTTP requests.

use std::future::pending;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rqsearch::engine::Engine;
use rqsearch::feedback::FeedbackFile;
use rqsearch::index::Index;
use rqsearch::query_log::{QueryLog, Rotation};
use rqsearch::serve::{Limits, Log, LogFormat, Options, Server};

/// How long the client waits for more of a reply. The server waits longer for the rest of an incomplete request.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long the client waits for the metrics.
const METRICS_WITHIN: Duration = Duration::from_secs(30);

/// A last request. The server closes the connection after it.
const LAST: &[u8] = b"\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Asks how many requests had which status.
const METRICS: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The address of the server of this process.
static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| start().expect("a server starts"));

/// The connection for the metrics.
static MONITOR: LazyLock<Mutex<BufReader<TcpStream>>> = LazyLock::new(|| {
    let stream = connect(METRICS_WITHIN);
    Mutex::new(BufReader::new(stream))
});

/// Starts a server with the built-in index.
fn start() -> anyhow::Result<SocketAddr> {
    let limits = Limits {
        threads: NonZeroUsize::new(2).unwrap_or(NonZeroUsize::MIN),
        queue: 64,
        time: Limits::TIME,
        connections: Limits::CONNECTIONS,
        connections_per_address: Limits::CONNECTIONS_PER_ADDRESS,
    };
    // The server has them open, so they can be deleted.
    let feedback = tempfile::NamedTempFile::new()?;
    let queries = tempfile::NamedTempFile::new()?;
    let rotation = Rotation { size: u64::MAX, files: 0 };
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        allow_hosts: Vec::new(),
        allow_origins: vec!["https://example.org".to_owned()],
        tokens: None,
        admin_tokens: None,
        feedback: Some(FeedbackFile::open(feedback.path())?),
        // A file that is replaced cannot be deleted before.
        decisions: None,
        watch: None,
        query_log: Some(QueryLog::open(queries.path(), rotation)?),
        log: Log::new(LogFormat::Json, true, std::io::sink()),
        limits,
    };
    let server = Server::bind(Engine::fixed(Index::builtin()?)?, options)?;
    let address = server.address();
    thread::spawn(move || server.run_until(pending()));
    Ok(address)
}

fn connect(timeout: Duration) -> TcpStream {
    let stream = TcpStream::connect(*SERVER).expect("the server accepts connections");
    stream.set_read_timeout(Some(timeout)).expect("the timeout is not zero");
    stream.set_nodelay(true).expect("a new connection has options");
    stream
}

/// Sends an input to a server, and then a last request.
///
/// # Panics
/// The library panics, or
///
/// - what the server sends does not begin with the status of a reply;
/// - a request had a status of a failed server;
/// - the server does not answer other clients any more.
pub fn run(data: &[u8]) {
    let mut stream = connect(PATIENCE);
    // The server may close the connection before it has read everything.
    _ = stream.write_all(data).and_then(|()| stream.write_all(LAST));
    let mut reply = Vec::new();
    match stream.read_to_end(&mut reply) {
        Ok(_) => {}
        Err(error) => {
            let expected = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::ConnectionReset];
            assert!(expected.contains(&error.kind()), "{error}");
        }
    }
    drop(stream);
    if !reply.is_empty() {
        let line = String::from_utf8_lossy(reply.split(|byte| *byte == b'\r').next().unwrap_or_default());
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
        assert!(status.is_some_and(|status| (100..500).contains(&status)), "{line}");
    }
    let metrics = metrics().expect("the server answers");
    let failed = metrics
        .lines()
        .find(|line| line.starts_with("rqsearch_http_requests_total") && line.contains("status=\"5"));
    assert_eq!(failed, None);
}

/// The metrics of the server.
fn metrics() -> std::io::Result<String> {
    let mut monitor = MONITOR.lock().unwrap_or_else(PoisonError::into_inner);
    monitor.get_mut().write_all(METRICS)?;
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        if monitor.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let header = line.to_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("the length is a number");
        }
    }
    let mut body = vec![0; length];
    monitor.read_exact(&mut body)?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}
