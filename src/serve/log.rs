//! The log of the server: failures as lines for people, or everything as JSON Lines.
//!
//! A request must not wait for the log: the terminal or pipe behind it may block. Lines are therefore written
//! by a thread of their own. If it falls behind, lines are dropped and counted.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::render::escape::escaped;

/// How many lines may wait to be written.
const WAITING: usize = 1024;

/// How long the end of the server waits for the last lines.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// What the log contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum LogFormat {
    /// Failures and their ends, as lines for people
    #[default]
    Text,
    /// One JSON object for each request and each failure
    Json,
}

/// A log, written by its own thread. Clones write to the same log.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    format: LogFormat,
    phrases: bool,
    /// `None` at the end of the server.
    lines: Mutex<Option<SyncSender<String>>>,
    dropped: AtomicU64,
    /// Disconnected when the thread has written the last line.
    ended: Mutex<Receiver<()>>,
}

/// A request and its reply, for the log.
#[derive(Debug, Serialize)]
pub struct Logged<'a> {
    /// When the reply was ready, RFC 3339.
    pub time: String,
    /// The number of the request since the start of the server.
    pub request: u64,
    /// The address of the client, or of the proxy in front of it.
    pub client: String,
    pub method: &'a str,
    /// The route, not the path: paths contain ids.
    pub route: &'a str,
    pub status: u16,
    pub ms: f64,
    /// The name of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<&'a str>,
    /// Why the search was limited to keywords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<&'a str>,
    /// Why the server failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// The phrases, if they are logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrases: Option<&'a [String]>,
}

#[derive(Serialize)]
struct Event<'a> {
    time: String,
    event: &'a str,
}

impl Log {
    /// A log that writes to `out`. Errors of `out` are ignored: a log that cannot be written must not stop the
    /// server.
    pub fn new(format: LogFormat, phrases: bool, mut out: impl Write + Send + 'static) -> Self {
        let (lines, received) = sync_channel::<String>(WAITING);
        let (end, ended) = channel::<()>();
        thread::spawn(move || {
            for line in received {
                // See above.
                _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
            }
            drop(end);
        });
        let lines = Mutex::new(Some(lines));
        let dropped = AtomicU64::new(0);
        Self(Arc::new(Inner { format, phrases, lines, dropped, ended: Mutex::new(ended) }))
    }

    /// Whether phrases are logged.
    pub(super) fn has_phrases(&self) -> bool {
        self.0.phrases
    }

    /// How many lines were dropped because the thread fell behind.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Writes a message: something failed, or works again.
    pub fn event(&self, message: &str) {
        self.write(match self.0.format {
            LogFormat::Text => format!("rqsearch: {}", escaped(message)),
            LogFormat::Json => json(&Event { time: now(), event: message }),
        });
    }

    /// Writes a request. As text, only one that failed inside the server is written.
    pub(super) fn request(&self, logged: &Logged<'_>) {
        match (self.0.format, logged.error) {
            (LogFormat::Json, _) => self.write(json(logged)),
            (LogFormat::Text, Some(error)) => {
                self.event(&format!(
                    "{} {} failed ({}): {error}",
                    logged.method, logged.route, logged.status
                ));
            }
            (LogFormat::Text, None) => {}
        }
    }

    fn write(&self, line: String) {
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = lines.as_ref().map(|lines| lines.try_send(line + "\n"));
        if !matches!(sent, Some(Ok(()))) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until the lines so far are written, for at most one second. Later lines are dropped.
    pub(super) fn finish(&self) {
        drop(self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // An error means that the thread has ended or that the time is up: both are fine.
        _ = ended.recv_timeout(FINISH_WITHIN);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("format", &self.0.format).field("phrases", &self.0.phrases).finish()
    }
}

/// The time, RFC 3339.
pub(super) fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("strings and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use std::io;

    use serde_json::Value;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, write: impl FnOnce(&Log)) -> String {
        let kept = Kept::default();
        let log = Log::new(format, false, kept.clone());
        write(&log);
        log.finish();
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn logged(error: Option<&'static str>) -> Logged<'static> {
        Logged {
            time: now(),
            request: 7,
            client: "127.0.0.1".into(),
            method: "GET",
            route: "/search",
            status: 200,
            ms: 1.5,
            token: None,
            notice: None,
            error,
            phrases: None,
        }
    }

    #[test]
    fn text_has_failures_only_and_no_control_characters() {
        let text = written(LogFormat::Text, |log| {
            log.request(&logged(None));
            log.request(&logged(Some("bad \u{1b}[31m name")));
            log.event("works again");
        });
        assert_eq!(text, "rqsearch: GET /search failed (200): bad \\u{1b}[31m name\nrqsearch: works again\n");
    }

    #[test]
    fn json_has_one_line_for_everything() {
        let text = written(LogFormat::Json, |log| {
            log.request(&logged(None));
            log.event("two\nlines");
        });
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (lines.len(), &lines[0]["request"], &lines[1]["event"]),
            (2, &7.into(), &"two\nlines".into())
        );
        assert!(lines[0]["time"].as_str().unwrap().ends_with('Z') && lines[0].get("phrases").is_none());
    }

    /// Blocks until it is dropped by the sender of its channel.
    struct Blocked(Receiver<()>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_dropped_and_counted_if_nobody_reads() {
        let (go, wait) = channel();
        let log = Log::new(LogFormat::Text, false, Blocked(wait));
        for _ in 0..WAITING + 10 {
            log.event("x");
        }
        assert!((9..=10).contains(&log.dropped()), "{}", log.dropped());
        drop(go);
    }
}
