//! Waiting for a key.

use std::fs::File;
use std::io;
use std::time::Duration;

use crossterm::event;

/// Whether there is an event to read within so long.
///
/// # Errors
/// The terminal is gone: crossterm would read its end for ever.
#[cfg(unix)]
pub fn is_ready(tty: &File, patience: Duration) -> io::Result<bool> {
    use std::io::IsTerminal;
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    // Where crossterm reads from.
    let stdin = io::stdin();
    let input = if stdin.is_terminal() { stdin.as_fd() } else { tty.as_fd() };
    let mut input = [PollFd::new(&input, PollFlags::IN)];
    let timeout = Timespec::try_from(patience).expect("patience is short");
    match poll(&mut input, Some(&timeout)) {
        // A signal: the terminal may have another size.
        Err(rustix::io::Errno::INTR) => return event::poll(Duration::ZERO),
        found => _ = found?,
    }
    let seen = input[0].revents();
    if seen.intersects(PollFlags::HUP | PollFlags::ERR) {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the terminal is gone"));
    }
    // macOS cannot wait for /dev/tty so.
    let cannot = seen.contains(PollFlags::NVAL);
    event::poll(if cannot { patience } else { Duration::ZERO })
}

/// Whether there is an event to read within so long.
///
/// # Errors
/// The terminal is gone.
#[cfg(not(unix))]
pub fn is_ready(_: &File, patience: Duration) -> io::Result<bool> {
    event::poll(patience)
}
