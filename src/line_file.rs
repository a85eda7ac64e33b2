//! A file that lines are appended to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A file that lines are appended to, each in one write, so that lines of several processes do not mix.
#[derive(Debug)]
pub struct LineFile {
    file: File,
    /// The size in bytes when it was opened, and what was appended since.
    size: u64,
    /// Whether the last line has no end, because a write failed or a process was killed.
    is_torn: bool,
}

impl LineFile {
    /// Opens a file, or creates it. Only its owner may read a new file.
    ///
    /// # Errors
    /// The file cannot be opened or created.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let size = file.metadata()?.len();
        let mut last = [b'\n'];
        if size > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(Self { file, size, is_torn: last != *b"\n" })
    }

    /// The size of the file in bytes, as far as this process knows.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a line, without its end. After a failure, the next line starts on a line of its own.
    ///
    /// # Errors
    /// The line could not be written, or only a part of it.
    pub fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let start: &[u8] = if self.is_torn { b"\n" } else { b"" };
        let line = [start, line, b"\n"].concat();
        let written = loop {
            match self.file.write(&line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written?,
            }
        };
        self.size += written as u64;
        self.is_torn = written < line.len();
        match self.is_torn {
            true => Err(io::Error::new(io::ErrorKind::WriteZero, "only a part of the line was written")),
            false => Ok(()),
        }
    }
}
