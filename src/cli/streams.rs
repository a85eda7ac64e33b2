//! Where commands write: results to stdout, messages to stderr.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

/// Standard output with colours where they are wanted. An error of it that says that its reader has
/// closed it is a [`StdoutClosed`].
pub fn stdout() -> impl Write {
    Stdout(anstream::AutoStream::auto(io::stdout().lock()))
}

/// Standard output for data, byte by byte as written. Its errors are those of [`stdout`].
pub fn data() -> impl Write {
    Stdout(io::stdout().lock())
}

/// Writes a message for the user. A stderr that is closed or full stops no command.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
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
