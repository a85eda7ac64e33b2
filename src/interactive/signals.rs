//! Handles signals that terminate or suspend the program, so that the terminal is restored first.

use std::io;

#[cfg(unix)]
mod unix {
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::{Handle, Signals};
    use signal_hook::low_level;

    use super::io;

    /// Watches for signals until it is dropped. It uses its own thread, because the main thread may be
    /// waiting for an editor or for a terminal that does not respond.
    pub struct SignalWatcher(Handle);

    impl SignalWatcher {
        /// Watches for signals that terminate the program. `is_ignored` is called for each signal, and the
        /// program ends after it returns `false`. Its argument is whether the terminal sends this signal for
        /// a key, to all programs in the foreground.
        ///
        /// # Errors
        /// The signal handlers cannot be installed.
        pub fn start(is_ignored: impl Fn(bool) -> bool + Send + 'static) -> io::Result<Self> {
            let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
            let watcher = Self(signals.handle());
            thread::spawn(move || {
                for signal in signals.forever() {
                    let is_from_key = matches!(signal, SIGINT | SIGQUIT);
                    if !is_ignored(is_from_key) {
                        // Ends the program as if the signal had no handler. An error cannot be reported any
                        // more.
                        let _ = low_level::emulate_default_handler(signal);
                    }
                }
            });
            Ok(watcher)
        }
    }

    impl Drop for SignalWatcher {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    /// Suspends the program until the shell resumes it.
    ///
    /// # Errors
    /// The signal cannot be sent.
    pub fn stop() -> io::Result<()> {
        low_level::emulate_default_handler(SIGTSTP)
    }
}

#[cfg(unix)]
pub use unix::{SignalWatcher, stop};

/// Does nothing on systems without these signals.
#[cfg(not(unix))]
mod none {
    use super::io;

    pub struct SignalWatcher;

    impl SignalWatcher {
        pub fn start(_: impl Fn(bool) -> bool + Send + 'static) -> io::Result<Self> {
            Ok(Self)
        }
    }

    pub fn stop() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
pub use none::{SignalWatcher, stop};
