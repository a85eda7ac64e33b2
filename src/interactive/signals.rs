//! Signals that end or stop a program: the terminal is given back first.

use std::io;

#[cfg(unix)]
mod unix {
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::{Handle, Signals};
    use signal_hook::low_level;

    use super::io;

    /// Watches for signals until it is dropped: on a thread of its own, since the one that reads keys may be
    /// inside an editor, or in a terminal that does not answer.
    pub struct Watch(Handle);

    impl Watch {
        /// Begins to watch for what ends programs. `is_ignored` says whether one is not meant for us, and is the
        /// last that is done before it ends us; it gets whether the signal is one that terminals send for a key,
        /// to whatever is in the foreground.
        ///
        /// # Errors
        /// The system refuses.
        pub fn begin(is_ignored: impl Fn(bool) -> bool + Send + 'static) -> io::Result<Self> {
            let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
            let watch = Self(signals.handle());
            thread::spawn(move || {
                for signal in signals.forever() {
                    let by_key = matches!(signal, SIGINT | SIGQUIT);
                    if !is_ignored(by_key) {
                        // As it does to a program that does not watch for it. There is nothing left that an
                        // error could be told to.
                        let _ = low_level::emulate_default_handler(signal);
                    }
                }
            });
            Ok(watch)
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            self.0.close();
        }
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
pub use unix::{Watch, stop};

/// Where there are none.
#[cfg(not(unix))]
mod none {
    use super::io;

    pub struct Watch;

    impl Watch {
        pub fn begin(_: impl Fn(bool) -> bool + Send + 'static) -> io::Result<Self> {
            Ok(Self)
        }
    }

    pub fn stop() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
pub use none::{Watch, stop};
