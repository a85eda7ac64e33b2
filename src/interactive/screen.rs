//! The terminal, taken and given back: at the end, on an error, on a panic, and on a signal.

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
use super::signals::Watch;

/// A terminal that shows the picker, until this is dropped.
pub struct Screen {
    tty: Arc<Tty>,
    terminal: Terminal<CrosstermBackend<Output>>,
    /// What a panic did before us.
    hook: Arc<PanicHook>,
    _watch: Watch,
}

type PanicHook = dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync;

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It is none, or is gone. It is as it was, then.
    pub fn take(file: File) -> io::Result<Self> {
        let tty = Arc::new(Tty { file, is_taken: Mutex::new(false), is_lent: AtomicBool::new(false) });
        let output = Output { tty: Arc::clone(&tty), frame: Vec::new() };
        let terminal = Terminal::new(CrosstermBackend::new(output))?;
        let watched = Arc::clone(&tty);
        let watch = Watch::begin(move |by_key| {
            let is_for_another = by_key && watched.is_lent.load(Ordering::SeqCst);
            if !is_for_another {
                // Of the two troubles, the signal is the one that counts.
                let _ = watched.give_back();
            }
            is_for_another
        })?;
        // A panic's message has to be written where it can be read.
        let hook: Arc<PanicHook> = Arc::from(panic::take_hook());
        let (before, shown) = (Arc::clone(&hook), Arc::clone(&tty));
        panic::set_hook(Box::new(move |info| {
            // Of the two troubles, the panic is the one to tell.
            let _ = shown.give_back();
            before(info);
        }));
        let screen = Self { tty, terminal, hook, _watch: watch };
        screen.tty.take()?;
        Ok(screen)
    }

    /// Draws a frame; of it, only what changed is sent.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(frame).map(|_| ())
    }

    /// Whether there is a key to read within so long.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn is_ready(&self, patience: Duration) -> io::Result<bool> {
        input::is_ready(&self.tty.file, patience)
    }

    /// Gives the terminal to something else for a while, and the keys that end programs as well.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn lend<T>(&mut self, to: impl FnOnce(&File) -> T) -> io::Result<T> {
        self.tty.give_back()?;
        self.tty.is_lent.store(true, Ordering::SeqCst);
        let lent = to(&self.tty.file);
        self.tty.is_lent.store(false, Ordering::SeqCst);
        self.tty.take()?;
        // Nothing of what was shown is there any more. (`Terminal::clear` would ask the terminal where its
        // cursor is, and wait for the answer.)
        self.terminal.resize(self.terminal.size()?.into())?;
        Ok(lent)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is no one to tell; a terminal that is gone needs nothing back.
        let _ = self.tty.give_back();
        if !thread::panicking() {
            let hook = Arc::clone(&self.hook);
            panic::set_hook(Box::new(move |info| hook(info)));
        }
    }
}

struct Tty {
    file: File,
    /// Held while anything is written, so that a frame never follows what gives the terminal back, on
    /// whichever thread that happens. Given back once and not twice: the second time would put the cursor
    /// back as well, onto what was written since.
    is_taken: Mutex<bool>,
    /// Something else has it, such as an editor.
    is_lent: AtomicBool,
}

impl Tty {
    fn take(&self) -> io::Result<()> {
        let mut is_taken = self.is_taken.lock().unwrap_or_else(PoisonError::into_inner);
        *is_taken = true;
        enable_raw_mode()?;
        execute!(&self.file, EnterAlternateScreen, EnableBracketedPaste)
    }

    fn give_back(&self) -> io::Result<()> {
        let mut is_taken = self.is_taken.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut *is_taken) {
            return Ok(());
        }
        let written = execute!(&self.file, DisableBracketedPaste, LeaveAlternateScreen, Show);
        disable_raw_mode().and(written)
    }
}

/// What frames are written to: the terminal while it is taken, and nothing else.
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
        let is_taken = self.tty.is_taken.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = std::mem::take(&mut self.frame);
        if *is_taken { (&self.tty.file).write_all(&frame) } else { Ok(()) }
    }
}
