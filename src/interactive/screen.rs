//! The terminal, taken and given back: at the end, on an error, and on a panic.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::{panic, thread};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// A terminal that shows the picker, until this is dropped.
pub struct Screen {
    tty: Arc<Tty>,
    terminal: Terminal<CrosstermBackend<Output>>,
    /// What a panic did before us.
    hook: Arc<PanicHook>,
}

type PanicHook = dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync;

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It is none, or is gone. It is as it was, then.
    pub fn take(file: File) -> io::Result<Self> {
        let tty = Arc::new(Tty { file, is_taken: Mutex::new(false) });
        let output = Output { tty: Arc::clone(&tty), frame: Vec::new() };
        let terminal = Terminal::new(CrosstermBackend::new(output))?;
        // A panic's message has to be written where it can be read.
        let hook: Arc<PanicHook> = Arc::from(panic::take_hook());
        let (before, shown) = (Arc::clone(&hook), Arc::clone(&tty));
        panic::set_hook(Box::new(move |info| {
            // Of the two troubles, the panic is the one to tell.
            let _ = shown.give_back();
            before(info);
        }));
        let screen = Self { tty, terminal, hook };
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

    /// Gives the terminal to something else for a while.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn lend<T>(&mut self, to: impl FnOnce(&File) -> T) -> io::Result<T> {
        self.tty.give_back()?;
        let lent = to(&self.tty.file);
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
