//! Messages of the Model Context Protocol.

use std::io::{Cursor, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rqsearch::engine::Engine;
use rqsearch::index::Index;
use rqsearch::mcp::Server;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// The lines that begin a session.
const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","#,
    r#""capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    "\n",
);

/// How the reply to a call whose tool panicked begins.
const PANICKED: &str = "internal error in rqsearch";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime starts")
});

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let (server, opened) = Server::new(|| Engine::fixed(Index::builtin()?));
    opened.expect("the built-in index opens");
    server
});

/// What a server wrote.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sends an input to a server as the lines of a session that has begun.
///
/// # Panics
/// The library panics, or
///
/// - the session fails;
/// - the first line of a session has no reply;
/// - a line of the server is not a message of JSON-RPC 2.0;
/// - the reply to a call is that its tool panicked.
pub fn run(data: &[u8]) {
    let input = Cursor::new([INITIALIZE.as_bytes(), data, b"\n"].concat());
    let output = Output::default();
    let ended = RUNTIME.block_on(SERVER.clone().serve(input, output.clone()));
    ended.expect("a session ends with its input");
    let lines = output.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let lines = String::from_utf8(lines).expect("a line is UTF-8");
    assert!(lines.ends_with('\n'), "{lines}");
    for line in lines.lines() {
        let message: Value = serde_json::from_str(line).expect("a line is JSON");
        let has = |key| message.get(key).is_some();
        let is_reply = has("id") && (has("result") != has("error"));
        assert!(message["jsonrpc"] == "2.0" && (has("method") || is_reply), "{line}");
        let reason = message["error"]["message"].as_str().unwrap_or_default();
        assert!(!reason.starts_with(PANICKED), "{reason}");
    }
}
