//! The messages on stdin and stdout: one JSON object per line.
//!
//! Stdin and stdout have a thread each, apart from the threads of tools: tools that wait cannot stop messages.
//! Lines that are not valid messages are answered with an error, and the session goes on.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rmcp::RoleServer;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 4 << 20;

/// How many lines wait to be handled, and how many replies wait to be written. A client that does not read its
/// replies is not read from either.
const WAITING: usize = 64;

/// The error codes of JSON-RPC.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;

/// The standard streams of a client.
pub struct Stdio {
    lines: mpsc::Receiver<Line>,
    replies: mpsc::Sender<Reply>,
    failure: Failure,
}

/// Why stdout could not be written, if it could not.
#[derive(Clone, Default)]
pub struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    /// Takes the error.
    pub fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: io::Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// A line of the client, without the line feed.
#[derive(Debug, PartialEq)]
enum Line {
    Read(Vec<u8>),
    TooLong,
}

/// A line to write, and who waits for it to be written.
struct Reply {
    line: Vec<u8>,
    written: oneshot::Sender<bool>,
}

impl Stdio {
    /// Reads from `input` and writes to `output` on threads of their own.
    pub fn new(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Self {
        let (line, lines) = mpsc::channel(WAITING);
        let (replies, reply) = mpsc::channel(WAITING);
        let failure = Failure::default();
        thread::spawn(move || read_lines(BufReader::new(input), &line));
        let failed = failure.clone();
        thread::spawn(move || write_replies(output, reply, &failed));
        Self { lines, replies, failure }
    }

    /// Why stdout cannot be written, once it cannot.
    pub fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// Sends an error for a line that is not a message.
    async fn refuse(&self, id: Value, code: i32, message: &str) -> Result<(), io::Error> {
        let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
        write(self.replies.clone(), error.to_string().into_bytes()).await
    }
}

impl Transport<RoleServer> for Stdio {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let replies = self.replies.clone();
        async move { write(replies, serde_json::to_vec(&message)?).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            // Waits while many replies are not read. An error means that stdout is closed: the session ends.
            drop(self.replies.reserve().await.ok()?);
            let line = tokio::select! {
                line = self.lines.recv() => line?,
                () = self.replies.closed() => return None,
            };
            let refused = match parse(&line) {
                Ok(Some(message)) => return Some(message),
                Ok(None) => continue,
                Err(refused) => refused,
            };
            self.refuse(refused.id, refused.code, &refused.message).await.ok()?;
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.lines.close();
        Ok(())
    }
}

/// Hands a line to the thread that writes, and waits until it is written.
async fn write(replies: mpsc::Sender<Reply>, line: Vec<u8>) -> Result<(), io::Error> {
    let (written, done) = oneshot::channel();
    let closed = || io::Error::from(ErrorKind::BrokenPipe);
    replies.send(Reply { line, written }).await.map_err(|_| closed())?;
    if done.await.unwrap_or(false) { Ok(()) } else { Err(closed()) }
}

/// Why a line is not a message.
#[derive(Debug, PartialEq)]
struct Refused {
    /// The id of the message, or `null`.
    id: Value,
    code: i32,
    message: String,
}

/// Parses a line. `None` for an empty line, and for an unknown notification, which needs no reply.
fn parse(line: &Line) -> Result<Option<RxJsonRpcMessage<RoleServer>>, Refused> {
    let refused = |id: Value, code, message| Refused { id, code, message };
    let Line::Read(line) = line else {
        let message = format!("the message is longer than {LONGEST_LINE} bytes");
        return Err(refused(Value::Null, INVALID_REQUEST, message));
    };
    // A byte order mark is allowed before JSON.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(line)
        .map_err(|error| refused(Value::Null, PARSE_ERROR, format!("the line is not valid JSON: {error}")))?;
    let id = value.get("id").filter(|id| id.is_string() || id.is_number()).cloned();
    let is_notification = id.is_none() && value.get("method").is_some_and(Value::is_string);
    match serde_json::from_slice(line) {
        Ok(message) => Ok(Some(message)),
        Err(_) if is_notification => Ok(None),
        Err(error) => {
            let message = format!("the line is not a JSON-RPC message of MCP: {error}");
            Err(refused(id.unwrap_or_default(), INVALID_REQUEST, message))
        }
    }
}

/// Reads lines until the end of the input, an error, or the end of the session. A last line without a line
/// feed is incomplete and is skipped.
fn read_lines(mut input: impl BufRead, lines: &mpsc::Sender<Line>) {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let (length, is_end) = match input.fill_buf() {
            Ok([]) => return,
            Ok(bytes) => {
                let end = bytes.iter().position(|byte| *byte == b'\n');
                let length = end.unwrap_or(bytes.len());
                is_too_long |= line.len() + length > LONGEST_LINE;
                if !is_too_long {
                    line.extend_from_slice(&bytes[..length]);
                }
                (length + usize::from(end.is_some()), end.is_some())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // The client is gone.
            Err(_) => return,
        };
        input.consume(length);
        if is_end {
            let read = std::mem::take(&mut line);
            let read = if std::mem::take(&mut is_too_long) { Line::TooLong } else { Line::Read(read) };
            if lines.blocking_send(read).is_err() {
                return;
            }
        }
    }
}

/// Writes replies until the end of the session or an error. Ending closes the channel, which ends the session.
fn write_replies(mut output: impl Write, mut replies: mpsc::Receiver<Reply>, failure: &Failure) {
    while let Some(Reply { mut line, written }) = replies.blocking_recv() {
        line.push(b'\n');
        let result = output.write_all(&line).and_then(|()| output.flush());
        let is_written = result.is_ok();
        if let Err(error) = result {
            failure.set(error);
        }
        // The session may have ended while the reply was written.
        _ = written.send(is_written);
        if !is_written {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Vec<Line> {
        let (line, mut lines) = mpsc::channel(100);
        read_lines(BufReader::with_capacity(7, text), &line);
        drop(line);
        std::iter::from_fn(|| lines.try_recv().ok()).collect()
    }

    #[test]
    fn only_complete_lines_are_read_and_long_ones_are_skipped() {
        let long = [vec![b'x'; LONGEST_LINE + 1], b"\nafter\nincomplete".to_vec()].concat();
        assert_eq!(read(&long), [Line::TooLong, Line::Read(b"after".to_vec())]);
        assert_eq!(read(b"\n\r\n"), [Line::Read(vec![]), Line::Read(b"\r".to_vec())]);
    }

    #[track_caller]
    fn check(line: &[u8], expected: Result<bool, (Value, i32)>) {
        let parsed = parse(&Line::Read(line.to_vec()));
        let parsed = parsed.map(|message| message.is_some()).map_err(|refused| (refused.id, refused.code));
        assert_eq!(parsed, expected, "{}", String::from_utf8_lossy(line));
    }

    #[test]
    fn invalid_lines_are_refused_with_the_code_of_json_rpc() {
        let null = Value::Null;
        check(br#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#, Ok(true));
        check(b"\xef\xbb\xbf{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}\r", Ok(true));
        check(b" \r", Ok(false));
        check(br#"{"jsonrpc": "1.0", "method": "notifications/unheard"}"#, Ok(false));
        for broken in [&b"{"[..], b"hello", b"\xff", b"{} {}"] {
            check(broken, Err((null.clone(), PARSE_ERROR)));
        }
        for wrong in [&b"[]"[..], b"{}", b"null", b"7"] {
            check(wrong, Err((null.clone(), INVALID_REQUEST)));
        }
        check(br#"{"jsonrpc": "1.0", "id": "a", "method": "ping"}"#, Err(("a".into(), INVALID_REQUEST)));
        assert_eq!(parse(&Line::TooLong).unwrap_err().code, INVALID_REQUEST);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in prop::collection::vec(any::<u8>(), 0..200)) {
            _ = parse(&Line::Read(line));
        }

        #[test]
        fn no_message_panics(
            id in prop_oneof![Just("7"), Just("\"a\""), Just("null"), Just("[]"), Just("1e400")],
            method in prop_oneof![Just("ping"), Just("tools/call"), Just("notifications/cancelled"), Just("x")],
            params in prop_oneof![Just("{}"), Just("[]"), Just("null"), Just("{\"name\": 7}"), Just("{\"requestId\": {}}")],
        ) {
            let line = format!("{{\"jsonrpc\": \"2.0\", \"id\": {id}, \"method\": \"{method}\", \"params\": {params}}}");
            _ = parse(&Line::Read(line.into_bytes()));
        }
    }
}
