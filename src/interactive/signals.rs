//! Signals that end or stop a program: the terminal is given back first.

use std::io;

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::{SigId, flag, low_level};

    use super::io;

    /// Watches for signals until it is dropped.
    pub struct Signals {
        seen: Arc<AtomicUsize>,
        registered: Vec<SigId>,
    }

    impl Signals {
        /// Begins to watch.
        ///
        /// # Errors
        /// The system refuses.
        pub fn watch() -> io::Result<Self> {
            let mut signals = Self { seen: Arc::default(), registered: Vec::new() };
            for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
                let seen = Arc::clone(&signals.seen);
                signals.registered.push(flag::register_usize(signal, seen, signal as usize)?);
            }
            Ok(signals)
        }

        /// The signal that wants the program to end, if there was one.
        pub fn seen(&self) -> Option<i32> {
            i32::try_from(self.seen.load(Ordering::Relaxed)).ok().filter(|signal| *signal != 0)
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            for id in self.registered.drain(..) {
                low_level::unregister(id);
            }
        }
    }

    /// Does what a signal does to a program that does not watch for it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn obey(signal: i32) -> io::Result<()> {
        low_level::emulate_default_handler(signal)
    }

    /// Stops until the shell says to go on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn stop() -> io::Result<()> {
        low_level::emulate_default_handler(SIGTSTP)
    }
}

#[cfg(unix)]
pub use unix::{Signals, obey, stop};

/// Where there are none.
#[cfg(not(unix))]
mod none {
    use super::io;

    pub struct Signals;

    impl Signals {
        pub fn watch() -> io::Result<Self> {
            Ok(Self)
        }

        pub fn seen(&self) -> Option<i32> {
            None
        }
    }

    pub fn obey(_signal: i32) -> io::Result<()> {
        Ok(())
    }

    pub fn stop() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
pub use none::{Signals, obey, stop};
