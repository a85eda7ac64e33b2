//! Sets up the terminal and restores it: at the end, after an error or a panic, and on a signal.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{panic, thread};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::input;
use super::signals::SignalWatcher;

/// A terminal in raw mode on the alternate screen. Dropping it restores the terminal.
pub struct Screen {
    tty: Arc<Tty>,
    terminal: Terminal<CrosstermBackend<Output>>,
    /// The previous panic hook.
    hook: Arc<PanicHook>,
    _watcher: SignalWatcher,
}

type PanicHook = dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync;

impl Screen {
    /// Sets up the terminal.
    ///
    /// # Errors
    /// The file is not a terminal, or the terminal was closed. The terminal is then unchanged.
    pub fn enter(file: File) -> io::Result<Self> {
        let tty = Arc::new(Tty { file, is_active: Mutex::new(false), is_lent: AtomicBool::new(false) });
        let output = Output { tty: Arc::clone(&tty), frame: Vec::new() };
        let terminal = Terminal::new(CrosstermBackend::new(output))?;
        let watched = Arc::clone(&tty);
        let watcher = SignalWatcher::start(move |is_from_key| {
            let is_for_editor = is_from_key && watched.is_lent.load(Ordering::SeqCst);
            if !is_for_editor {
                // The signal ends the program, even if the terminal cannot be restored.
                let _ = watched.restore();
            }
            is_for_editor
        })?;
        // Restores the terminal before the panic message is written, so that the message stays visible.
        let hook: Arc<PanicHook> = Arc::from(panic::take_hook());
        let (previous, shown) = (Arc::clone(&hook), Arc::clone(&tty));
        panic::set_hook(Box::new(move |info| {
            // The panic is reported, even if the terminal cannot be restored.
            let _ = shown.restore();
            previous(info);
        }));
        let screen = Self { tty, terminal, hook, _watcher: watcher };
        screen.tty.set_up()?;
        Ok(screen)
    }

    /// Draws a frame. Only the changes are sent to the terminal.
    ///
    /// # Errors
    /// The terminal was closed.
    pub fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(frame).map(|_| ())
    }

    /// Waits at most `timeout` for an event. Returns whether there is one to read.
    ///
    /// # Errors
    /// The terminal was closed.
    pub fn is_ready(&self, timeout: Duration) -> io::Result<bool> {
        input::is_ready(&self.tty.file, timeout)
    }

    /// Restores the terminal while `to` runs, then sets it up again. Meanwhile, signals from keys such as
    /// Ctrl-C are ignored, because they are meant for the other program.
    ///
    /// # Errors
    /// The terminal was closed.
    pub fn lend<T>(&mut self, to: impl FnOnce(&File) -> T) -> io::Result<T> {
        self.tty.restore()?;
        self.tty.is_lent.store(true, Ordering::SeqCst);
        let returned = to(&self.tty.file);
        self.tty.is_lent.store(false, Ordering::SeqCst);
        self.tty.set_up()?;
        // The screen is empty now, so everything must be redrawn. `Terminal::clear` would query the cursor
        // position and wait for the reply of the terminal.
        self.terminal.resize(self.terminal.size()?.into())?;
        Ok(returned)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // An error cannot be reported here, and a closed terminal need not be restored.
        let _ = self.tty.restore();
        if !thread::panicking() {
            let hook = Arc::clone(&self.hook);
            panic::set_hook(Box::new(move |info| hook(info)));
        }
    }
}

struct Tty {
    file: File,
    /// Whether the terminal is set up. Locked during every write, so that no thread writes a frame after
    /// another has restored the terminal. It is restored only once: doing it again would also move the cursor
    /// back, over text written since.
    is_active: Mutex<bool>,
    /// Whether another program, such as an editor, uses the terminal.
    is_lent: AtomicBool,
}

impl Tty {
    fn set_up(&self) -> io::Result<()> {
        let mut is_active = self.is_active.lock().unwrap_or_else(PoisonError::into_inner);
        *is_active = true;
        enable_raw_mode()?;
        execute!(&self.file, EnterAlternateScreen, EnableBracketedPaste)
    }

    fn restore(&self) -> io::Result<()> {
        let mut is_active = self.is_active.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut *is_active) {
            return Ok(());
        }
        let written = execute!(&self.file, DisableBracketedPaste, LeaveAlternateScreen, Show);
        disable_raw_mode().and(written)
    }
}

/// The output for frames. Discards frames while the terminal is not set up.
struct Output {
    tty: Arc<Tty>,
    frame: Vec<u8>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let is_active = self.tty.is_active.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = std::mem::take(&mut self.frame);
        if *is_active { (&self.tty.file).write_all(&frame) } else { Ok(()) }
    }
}
