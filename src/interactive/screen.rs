//! The terminal, taken and given back: at the end, on an error, and on a panic.

use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    terminal: Terminal<CrosstermBackend<BufWriter<File>>>,
    /// What a panic did before us.
    hook: Arc<PanicHook>,
}

type PanicHook = dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync;

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It is none, or is gone. It is as it was, then.
    pub fn take(tty: File) -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::new(tty.try_clone()?)))?;
        let tty = Arc::new(Tty { file: tty, is_taken: AtomicBool::new(false) });
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

    /// Draws a frame; of it, only what changed is sent. Nothing on a terminal that a panic on another
    /// thread gave back.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if self.tty.is_taken.load(Ordering::SeqCst) {
            self.terminal.draw(frame)?;
        }
        Ok(())
    }

    /// Gives the terminal to something else for a while.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn lend<T>(&mut self, to: impl FnOnce(&File) -> T) -> io::Result<T> {
        self.tty.give_back()?;
        let lent = to(&self.tty.file);
        self.tty.take()?;
        // Nothing of what was shown is there any more.
        self.terminal.clear()?;
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
    /// Given back once and not twice: the second time would put the cursor back as well, onto what was
    /// written since.
    is_taken: AtomicBool,
}

impl Tty {
    fn take(&self) -> io::Result<()> {
        self.is_taken.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(&self.file, EnterAlternateScreen, EnableBracketedPaste)
    }

    fn give_back(&self) -> io::Result<()> {
        if !self.is_taken.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let written = execute!(&self.file, DisableBracketedPaste, LeaveAlternateScreen, Show);
        disable_raw_mode().and(written)
    }
}
