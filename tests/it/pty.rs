//! A pseudo-terminal for tests, and a terminal emulator to read its screen.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

/// The timeout for each wait of a test.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A program that runs on a pseudo-terminal.
pub struct Pty {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    screen: Arc<Mutex<Parser>>,
    reader: Option<JoinHandle<()>>,
    is_hung_up: Arc<AtomicBool>,
    modes: String,
}

impl Pty {
    /// Starts a program in a directory, on a terminal with this many columns and rows.
    pub fn start(dir: &Path, program: &[&str], envs: &[(&str, &str)], (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::from_argv(program.iter().map(Into::into).collect());
        command.cwd(dir);
        command.env("TERM", "xterm-256color");
        for name in ["RQSEARCH_INDEX", "NO_COLOR", "VISUAL", "EDITOR"] {
            command.env_remove(name);
        }
        envs.iter().for_each(|(name, value)| command.env(name, value));
        let modes = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        // If this handle stayed open, the terminal would not close when the program exits.
        drop(pair.slave);
        let parser = Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 100);
        let screen = Arc::new(Mutex::new(parser));
        let (mut output, shown) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&screen));
        let is_hung_up = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&is_hung_up);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux, reading from a closed terminal is an error.
            while let Ok(length @ 1..) = output.read(&mut buffer)
                && !is_over.load(Ordering::SeqCst)
            {
                shown.lock().unwrap().process(&buffer[..length]);
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self { master: pair.master, child, writer, screen, reader: Some(reader), is_hung_up, modes }
    }

    /// Sends input, as the bytes that a terminal sends.
    pub fn send(&mut self, bytes: &str) {
        self.writer.write_all(bytes.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let (wide, high): (NonZeroU16, NonZeroU16) = (columns.try_into().unwrap(), rows.try_into().unwrap());
        self.screen.lock().unwrap().set_size(high, wide);
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Waits until the screen meets a condition, and returns its text.
    #[track_caller]
    pub fn wait(&self, what: &str, condition: impl Fn(&Screen) -> bool) -> String {
        let start = Instant::now();
        loop {
            let parser = self.screen.lock().unwrap();
            if condition(parser.screen()) {
                return parser.screen().contents();
            }
            let contents = parser.screen().contents();
            drop(parser);
            assert!(start.elapsed() < TIMEOUT, "timeout waiting for {what} on the screen:\n{contents}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the screen contains a text, and returns the text of the screen.
    #[track_caller]
    pub fn shows(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contents().contains(text))
    }

    pub fn kill(&self, signal: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Closes the terminal while the program is running.
    pub fn hang_up(mut self) {
        self.is_hung_up.store(true, Ordering::SeqCst);
        // The output for this key wakes the reader, which also holds the terminal open.
        self.send("x");
        self.reader.take().unwrap().join().unwrap();
    }

    /// Waits until the program exits. Returns its status and the text of the screen.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() < TIMEOUT => thread::sleep(Duration::from_millis(5)),
                None => {
                    self.child.kill().unwrap();
                    panic!("the program does not exit:\n{}", self.screen.lock().unwrap().screen().contents());
                }
            }
        };
        assert_eq!(modes(&*self.master), self.modes, "the terminal modes were not restored");
        self.reader.take().unwrap().join().unwrap();
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        (status, screen.contents())
    }
}

/// Waits until a condition is met.
#[track_caller]
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < TIMEOUT, "timeout waiting for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// The terminal modes of the kernel, such as echo and line editing.
fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}
