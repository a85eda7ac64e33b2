//! An input file as text: decoded to UTF-8, repaired, in lines of bounded length.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use super::emit::{BadRecord, invalid};
use super::mapping::Mapping;
use super::report::Report;
use super::walk::inner_extension;
use super::{expand, mojibake};

/// The longest line that [`Text::next_line`] returns, in bytes. A longer one is a [`BadRecord`].
///
/// Questions with their answers take kilobytes. A line of 16 MiB is a JSON array or a minified page, which is read as a
/// stream ([`BufRead`]).
pub const MAX_LINE: usize = 16 << 20;

/// A stream returns longer lines in pieces of about this size, in bytes.
const PIECE: usize = 1 << 20;

/// How much of a file [`Text::head`] returns, in bytes.
const HEAD: usize = 64 << 10;

/// An open text file, read as lines ([`next_line`](Self::next_line)) or as a stream
/// ([`Read`], [`BufRead`]). Use one or the other between two [`rewind`](Self::rewind)s.
///
/// A byte order mark selects UTF-8 or UTF-16 and is removed. Lines end with `\n` or `\r\n`. Mojibake is repaired line
/// by line. A compressed file is expanded as it is read. In a stream, lines may have any length. Bytes that are not UTF-8
/// become U+FFFD, and [`take_unreadable`](Self::take_unreadable) returns the line.
pub struct Text {
    input: BufReader<DecodeReaderBytes<Box<dyn Read>, Vec<u8>>>,
    /// Number of the line last read, from 1; 0 before the first.
    line: u64,
    raw: Vec<u8>,
    repaired: String,
    /// How many bytes of `repaired` the stream has returned.
    taken: usize,
    /// The stream has returned the first piece of a line, but not its end.
    within_line: bool,
    /// Lines of the stream that are not UTF-8, until they are taken.
    unreadable: VecDeque<u64>,
    extension: String,
    mapping: Rc<Mapping>,
    directory: Option<PathBuf>,
    article: Option<String>,
    report: Option<Report>,
    file: File,
}

impl Text {
    /// Opens a file at its beginning.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::new(File::open(path)?, inner_extension(path))
    }

    /// Reads an open file with this extension (lower case, no dot) from its beginning.
    ///
    /// # Errors
    /// The file cannot be read, or is a pipe.
    pub fn new(file: File, extension: String) -> io::Result<Self> {
        let decoder = DecodeReaderBytesBuilder::new()
            .bom_sniffing(true)
            .utf8_passthru(true)
            .strip_bom(true)
            .build_with_buffer(expand::expanded(file.try_clone()?)?, vec![0; 64 << 10])?;
        Ok(Self {
            input: BufReader::with_capacity(64 << 10, decoder),
            line: 0,
            raw: Vec::new(),
            repaired: String::new(),
            taken: 0,
            within_line: false,
            unreadable: VecDeque::new(),
            extension,
            mapping: Rc::default(),
            directory: None,
            article: None,
            report: None,
            file,
        })
    }

    /// Goes back to the beginning.
    ///
    /// # Errors
    /// The file is a pipe, or cannot be read.
    pub fn rewind(&mut self) -> io::Result<()> {
        let new = Self::new(self.file.try_clone()?, std::mem::take(&mut self.extension))?;
        *self = Self {
            mapping: Rc::clone(&self.mapping),
            directory: self.directory.take(),
            article: self.article.take(),
            ..new
        };
        Ok(())
    }

    /// The beginning of the text, up to 64 KiB and to a whole line, for
    /// [`Reader::fit`](super::Reader::fit). Leaves the text at its beginning.
    ///
    /// # Errors
    /// The file cannot be read, or `InvalidData`: its beginning is binary (a NUL byte), or more than
    /// half of its lines are not UTF-8. Fewer are read as bad records.
    pub fn head(&mut self) -> io::Result<String> {
        let mut bytes = Vec::with_capacity(HEAD);
        (&mut self.input).take(HEAD as u64).read_to_end(&mut bytes)?;
        self.rewind()?;
        if bytes.contains(&0) {
            return Err(invalid("binary file"));
        }
        // The last character may be cut.
        if let Err(error) = std::str::from_utf8(&bytes)
            && bytes.len() == HEAD
            && error.valid_up_to() + 4 > bytes.len()
        {
            bytes.truncate(error.valid_up_to());
        }
        let lines = || bytes.split(|byte| *byte == b'\n');
        let unreadable = lines().filter(|line| std::str::from_utf8(line).is_err()).count();
        if unreadable * 2 > lines().count() {
            let first = lines().take_while(|line| std::str::from_utf8(line).is_ok()).count() + 1;
            return Err(invalid(format!("not UTF-8 from line {first} on")));
        }
        let text = String::from_utf8_lossy(&bytes);
        Ok(mojibake::repair(&text).into_owned())
    }

    /// The file's extension in lower case and without a dot; empty if it has none. That of a compressed file is the
    /// inner one.
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// Reads the text as a file with this extension (lower case, no dot).
    pub fn set_extension(&mut self, extension: &str) {
        extension.clone_into(&mut self.extension);
    }

    /// The keys that are assigned to parts of a question. A reader of records uses it for each record.
    pub fn mapping(&self) -> Rc<Mapping> {
        Rc::clone(&self.mapping)
    }

    /// The file itself at its beginning, for content that is not text.
    ///
    /// # Errors
    /// The file is a pipe, or gone.
    pub fn file(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    /// The directory of the file, if it is in one.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The directory in which a reader looks for files that belong to this one.
    pub fn set_directory(&mut self, directory: Option<PathBuf>) {
        self.directory = directory;
    }

    /// Assigns keys to parts of a question.
    pub fn set_mapping(&mut self, mapping: Mapping) {
        self.mapping = Rc::new(mapping);
    }

    /// If a document without questions is an article: the title of one that has none of its own.
    pub fn article(&self) -> Option<&str> {
        self.article.as_deref()
    }

    /// Makes articles of documents without questions; see [`article`](Self::article).
    pub fn set_article(&mut self, title: Option<String>) {
        self.article = title;
    }

    /// What the reader told about the document.
    pub fn take_report(&mut self) -> Option<Report> {
        self.report.take()
    }

    /// Tells about the document.
    pub fn set_report(&mut self, report: Report) {
        self.report = Some(report);
    }

    /// The next line of the stream that is not UTF-8. Each is returned once.
    pub fn take_unreadable(&mut self) -> Option<u64> {
        self.unreadable.pop_front()
    }

    /// The next line of the stream with its line end, or the next piece of a long one.
    fn next_piece(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.repaired.clear();
        // `raw` begins with the incomplete character at the end of the last piece.
        let mut limited = (&mut self.input).take(PIECE as u64);
        limited.read_until(b'\n', &mut self.raw)?;
        if self.raw.is_empty() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.within_line, true) {
            self.line += 1;
        }
        let ends = chomp(&mut self.raw);
        self.within_line = !ends;
        let cut = match std::str::from_utf8(&self.raw) {
            // Only the character at the end of a piece may be incomplete.
            Err(error) if !ends && error.error_len().is_none() && error.valid_up_to() > 0 => {
                error.valid_up_to()
            }
            _ => self.raw.len(),
        };
        let piece = String::from_utf8_lossy(&self.raw[..cut]);
        if matches!(piece, Cow::Owned(_)) {
            self.unreadable.push_back(self.line);
        }
        self.repaired.push_str(&mojibake::repair(&piece));
        if ends {
            self.repaired.push('\n');
        }
        self.raw.drain(..cut);
        Ok(())
    }

    /// The number of the line last read, from 1; 0 before the first.
    pub fn line_number(&self) -> u64 {
        self.line
    }

    /// The number of the next line and its text without the line end; `None` at the end of the file. A line that is not
    /// UTF-8, or longer than 16 MiB, is a bad record.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Result<(u64, &str), BadRecord>>> {
        self.raw.clear();
        let mut limited = (&mut self.input).take(MAX_LINE as u64 + 1);
        if limited.read_until(b'\n', &mut self.raw)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if !chomp(&mut self.raw) && self.raw.len() > MAX_LINE {
            skip_line(&mut self.input)?;
            self.raw = Vec::new();
            let reason = "the line is too long".to_owned();
            return Ok(Some(Err(BadRecord { line: self.line, reason })));
        }
        let Ok(text) = std::str::from_utf8(&self.raw) else {
            return Ok(Some(Err(BadRecord::not_utf8(self.line))));
        };
        self.repaired.clear();
        self.repaired.push_str(&mojibake::repair(text));
        Ok(Some(Ok((self.line, &self.repaired))))
    }
}

/// Removes the line end. Returns whether there was one.
fn chomp(line: &mut Vec<u8>) -> bool {
    let ends = line.pop_if(|byte| *byte == b'\n').is_some();
    if ends {
        line.pop_if(|byte| *byte == b'\r');
    }
    ends
}

/// Skips the rest of a line.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                input.consume(end + 1);
                return Ok(());
            }
            None => {
                let len = buffer.len();
                input.consume(len);
            }
        }
    }
}

impl Read for Text {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let len = available.len().min(buf.len());
        buf[..len].copy_from_slice(&available[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Text {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // A piece can be empty before the end of the file: a byte order mark within the text is removed.
        while self.taken >= self.repaired.len() {
            let at = self.line;
            self.next_piece()?;
            if self.repaired.is_empty() && self.line == at {
                break;
            }
        }
        Ok(&self.repaired.as_bytes()[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount;
    }
}
