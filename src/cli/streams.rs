//! Where commands write: results to stdout, messages to stderr.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::render::escape::{escaped, is_dangerous};

/// Standard output with colours where they are wanted. An error of it that says that its reader has
/// closed it is a [`StdoutClosed`].
///
/// What could control a terminal is escaped there, except the colours.
pub fn stdout() -> impl Write {
    let is_terminal = io::stdout().is_terminal();
    Stdout(Escaping::new(anstream::AutoStream::auto(io::stdout().lock()), is_terminal))
}

/// Standard output for data, byte by byte as written. Its errors are those of [`stdout`].
/// On a terminal, what could control it is escaped as JSON does.
pub fn data() -> impl Write {
    let is_terminal = io::stdout().is_terminal();
    Stdout(Escaping::new(io::stdout().lock(), is_terminal))
}

/// Writes a JSON value and the end of its line.
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// Writes a message for the user. A stderr that is closed or full stops no command.
pub fn say(line: &str) {
    let mut stderr = io::stderr();
    let line = if stderr.is_terminal() { escaped(line) } else { line.into() };
    let _ = writeln!(stderr, "{line}");
}

/// Escapes what could control a terminal or reorder its text, wherever it comes from: names, titles, replies of
/// servers. Colours (`ESC [ … m`) pass. An escape is that of JSON (`\u009b`), so JSON stays valid.
struct Escaping<W: Write> {
    out: W,
    is_active: bool,
    /// The beginning of a character or of a colour whose rest was not written yet.
    pending: Vec<u8>,
}

/// The longest colour sequence in bytes.
const LONGEST_COLOUR: usize = 32;

impl<W: Write> Escaping<W> {
    fn new(out: W, is_active: bool) -> Self {
        Self { out, is_active, pending: Vec::new() }
    }

    /// Writes the pending bytes. Unless this is the end (`all`), keeps an incomplete character or colour.
    fn drain(&mut self, all: bool) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.pending);
        let mut clean = Vec::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match next(rest, all) {
                Next::Pass(length) => {
                    clean.extend_from_slice(&rest[..length]);
                    rest = &rest[length..];
                }
                Next::Escape(c) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        write!(clean, "\\u{unit:04x}")?;
                    }
                    rest = &rest[c.len_utf8()..];
                }
                Next::Incomplete => break,
            }
        }
        self.pending = rest.to_vec();
        self.out.write_all(&clean)
    }
}

/// What to do with the beginning of some bytes.
enum Next {
    /// Write as many bytes as they are.
    Pass(usize),
    Escape(char),
    /// More bytes are needed to tell.
    Incomplete,
}

fn next(bytes: &[u8], is_end: bool) -> Next {
    let length = bytes.len().min(4);
    let (c, width) = match std::str::from_utf8(&bytes[..length]).map_err(|error| (error.valid_up_to(), error))
    {
        Ok(text) => text.chars().next().map_or(('\0', 0), |c| (c, c.len_utf8())),
        Err((0, error)) if error.error_len().is_none() && !is_end => return Next::Incomplete,
        // Not text. A terminal shows a replacement character.
        Err((0, error)) => return Next::Pass(error.error_len().unwrap_or(length)),
        Err((valid, _)) => {
            let text = std::str::from_utf8(&bytes[..valid]).unwrap_or_default();
            text.chars().next().map_or(('\0', 0), |c| (c, c.len_utf8()))
        }
    };
    if c == '\x1b' {
        let parameters =
            bytes[1..].iter().skip(1).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        return match (bytes.get(1), bytes.get(2 + parameters)) {
            (Some(b'['), Some(b'm')) => Next::Pass(parameters + 3),
            (None, _) | (Some(b'['), None) if !is_end && parameters < LONGEST_COLOUR => Next::Incomplete,
            _ => Next::Escape(c),
        };
    }
    if is_dangerous(c) { Next::Escape(c) } else { Next::Pass(width) }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_active {
            return self.out.write(bytes);
        }
        self.pending.extend_from_slice(bytes);
        self.drain(false)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain(true)?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Escaping<W> {
    fn drop(&mut self) {
        // Commands flush and report errors. This is for the rest of an output that already failed.
        let _ = self.drain(true);
    }
}

/// The reader of standard output wants no more: `rqsearch export | head`.
#[derive(Debug)]
struct StdoutClosed;

impl fmt::Display for StdoutClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the output has closed it")
    }
}

impl Error for StdoutClosed {}

/// Whether an error says that the reader of standard output has closed it. A pipe or connection to
/// anything else that breaks is not meant.
pub fn is_stdout_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(|inner| inner.is::<StdoutClosed>())
    })
}

struct Stdout<W>(W);

impl<W: Write> Write for Stdout<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, StdoutClosed),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    struct Closed(io::ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        for size in 1..=text.len() {
            let mut out = Escaping::new(Vec::new(), true);
            text.as_bytes().chunks(size).for_each(|chunk| out.write_all(chunk).unwrap());
            out.flush().unwrap();
            assert_eq!(String::from_utf8(out.out.clone()).unwrap(), expected, "in chunks of {size}");
        }
    }

    #[test]
    fn a_terminal_gets_colours_and_nothing_else_that_controls_it() {
        check("\x1b[1;31mred\x1b[0m\n", "\x1b[1;31mred\x1b[0m\n");
        check("a\x1b]0;title\x07b", "a\\u001b]0;title\\u0007b");
        check("\x1b[2J\u{9b}31m\u{202e}", "\\u001b[2J\\u009b31m\\u202e");
        check("\u{e0041}é日🦀\t|\x1b", "\\udb40\\udc41é日🦀\t|\\u001b");
    }

    #[test]
    fn other_outputs_are_unchanged() {
        let mut out = Escaping::new(Vec::new(), false);
        out.write_all(b"a\x1b[2J\xff").unwrap();
        assert_eq!(out.out, b"a\x1b[2J\xff");
    }

    #[test]
    fn only_a_closed_stdout_is_no_error() {
        let closed = || Stdout(Closed(io::ErrorKind::BrokenPipe));
        let plain = writeln!(closed(), "x").context("while writing").unwrap_err();
        assert!(is_stdout_closed(&plain));
        let json = serde_json::to_writer(closed(), &1).map_err(io::Error::from).unwrap_err();
        assert!(is_stdout_closed(&json.into()));
        let mut table = csv::Writer::from_writer(closed());
        table.write_record(["x"]).unwrap();
        assert!(is_stdout_closed(&table.flush().unwrap_err().into()));
        let full = writeln!(Stdout(Closed(io::ErrorKind::StorageFull)), "x").unwrap_err();
        assert!(!is_stdout_closed(&full.into()));
        let elsewhere = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!is_stdout_closed(&elsewhere.into()));
    }
}
