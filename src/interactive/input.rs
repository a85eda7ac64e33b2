//! Waits for input from the terminal.

use std::fs::File;
use std::io;
use std::time::Duration;

use crossterm::event;

/// Waits at most `timeout` for an event. Returns whether there is one to read.
///
/// # Errors
/// The terminal was closed. crossterm does not detect this and would loop forever.
#[cfg(unix)]
pub fn is_ready(tty: &File, timeout: Duration) -> io::Result<bool> {
    use std::io::IsTerminal;
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    // The file that crossterm reads from.
    let stdin = io::stdin();
    let input = if stdin.is_terminal() { stdin.as_fd() } else { tty.as_fd() };
    let mut input = [PollFd::new(&input, PollFlags::IN)];
    let limit = Timespec::try_from(timeout).expect("the timeout is short");
    match poll(&mut input, Some(&limit)) {
        // A signal arrived. The terminal may have been resized.
        Err(rustix::io::Errno::INTR) => return event::poll(Duration::ZERO),
        found => _ = found?,
    }
    let seen = input[0].revents();
    if seen.intersects(PollFlags::HUP | PollFlags::ERR) {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the terminal was closed"));
    }
    // On macOS, `poll` does not support /dev/tty.
    let is_unsupported = seen.contains(PollFlags::NVAL);
    event::poll(if is_unsupported { timeout } else { Duration::ZERO })
}

/// Waits at most `timeout` for an event. Returns whether there is one to read.
///
/// # Errors
/// The terminal was closed.
#[cfg(not(unix))]
pub fn is_ready(_: &File, timeout: Duration) -> io::Result<bool> {
    event::poll(timeout)
}
