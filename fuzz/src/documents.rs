//! Documents: how bytes become a file, and what must hold for everything that is read in it.

use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::ops::ControlFlow;

use flate2::write::GzEncoder;
use rqsearch::question::Question;
use rqsearch::read::{Assignment, BadRecord, Input, Options, extract, read};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// How an input becomes a file.
#[derive(Clone, Copy)]
pub enum Wrap {
    /// It is the file.
    No,
    /// It is the text of the files in a ZIP archive, see [`zip`].
    Zip,
    /// It is a compressed file, and the text of another one.
    Compressed,
    /// The first line has the assignments of `--map`, with commas between them. The rest is the file.
    Map,
    /// Every byte is a line of Markdown, see [`document`].
    Lines,
}

/// Reads an input, and returns how many bytes of text all questions have. `extensions` are those of the files that it
/// is read as, one after another.
///
/// # Panics
/// The reader panics, or
///
/// - a title is empty, has more than one line, or has control characters;
/// - a question or a bad record is at a line that the file does not have;
/// - there are more questions than bytes, or their texts are many times larger than the file;
/// - an error has no reason;
/// - records arrive after the reader was told to stop;
/// - `--map` is written otherwise than it is read.
pub fn run(extensions: &[&str], wrap: Wrap, data: &[u8]) -> usize {
    let options = Options::default();
    let each = |file: &[u8], limits: Limits, options: &Options| {
        extensions.iter().map(|extension| limits.check(extension, file, options)).sum()
    };
    match wrap {
        Wrap::No => each(data, Limits::of(data), &options),
        Wrap::Zip => each(&zip(data), Limits { lines: LAST_ROW, ..Limits::of(data) }, &options),
        Wrap::Compressed => {
            extract_all(data);
            each(data, Limits::NONE, &options) + each(&gzip(data), Limits::of(data), &options)
        }
        Wrap::Map => {
            let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
            let map = String::from_utf8_lossy(&data[..end]);
            let map: Vec<Assignment> = map.split(',').filter_map(|one| one.parse().ok()).collect();
            for assignment in &map {
                assert_eq!(assignment.to_string().parse().as_ref(), Ok(assignment));
            }
            let file = data.get(end + 1..).unwrap_or_default();
            each(file, Limits::of(file), &Options { map, ..options })
        }
        Wrap::Lines => {
            let file = document(data);
            each(file.as_bytes(), Limits::of(file.as_bytes()), &options)
        }
    }
}

/// What a file can hold.
struct Limits {
    lines: u64,
    questions: usize,
    /// Of all texts, in bytes.
    text: usize,
}

/// Smaller files are read a second time, by somebody who wants one record.
const LARGEST_TWICE: usize = 4 << 10;

/// A row of a spreadsheet can have this number in a small file.
const LAST_ROW: u64 = 1 << 20;

impl Limits {
    const NONE: Self = Self { lines: u64::MAX, questions: usize::MAX, text: usize::MAX };

    /// Those of a file with this text. A section, and the keys of a file, can be repeated with every question.
    fn of(text: &[u8]) -> Self {
        let line_ends = text.iter().filter(|byte| **byte == b'\n').count();
        Self { lines: line_ends as u64 + 1, questions: text.len(), text: (text.len() * 64).max(1 << 20) }
    }

    /// Reads a file, and checks what was read. Returns the size of its texts.
    fn check(&self, extension: &str, content: &[u8], options: &Options) -> usize {
        let (mut questions, mut text) = (0, 0);
        let mut emit = |record: Result<Question, BadRecord>| {
            let line = match record {
                Ok(question) => {
                    questions += 1;
                    text += check_question(&question);
                    question.source.line
                }
                Err(bad) => {
                    assert!(!bad.reason.is_empty(), "a bad record without a reason at line {}", bad.line);
                    bad.line
                }
            };
            assert!((1..=self.lines).contains(&line), "line {line} of {}", self.lines);
            ControlFlow::Continue(())
        };
        if let Err(error) = read(input(content, extension, options), &mut emit) {
            assert!(!error.to_string().is_empty(), "an error without a reason");
        }
        let mut more = 0;
        let mut stop = |_| {
            more += 1;
            ControlFlow::Break(())
        };
        if questions > 1
            && content.len() < LARGEST_TWICE
            && read(input(content, extension, options), &mut stop).is_ok()
        {
            assert_eq!(more, 1, "{extension}: records after the reader was told to stop");
        }
        assert!(questions <= self.questions, "{questions} questions in {} bytes", self.questions);
        assert!(text <= self.text, "the questions have {text} bytes, the file has {}", content.len());
        text
    }
}

/// A temporary file to read.
fn input<'a>(content: &[u8], extension: &str, options: &'a Options) -> Input<'a> {
    let file = file(content);
    Input { file, extension: extension.to_owned(), directory: None, title: "untitled", named: true, options }
}

/// A temporary file.
fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("the directory of temporary files is writable");
    file.write_all(content).and_then(|()| file.rewind()).expect("the file is writable");
    file
}

/// Checks what holds for a question of any format. Returns the size of its texts.
fn check_question(question: &Question) -> usize {
    let Question { title, also, answer, section, level, tags, fields, .. } = question;
    for title in also.iter().chain([title]) {
        assert!(!title.trim().is_empty(), "an empty title: {question:?}");
        assert!(!title.contains(char::is_control), "control characters: {question:?}");
    }
    let texts = also.iter().chain(tags).chain(section).chain(level).chain([title, answer]);
    let fields = fields.iter().flat_map(|(key, value)| [key, value]);
    texts.chain(fields).map(String::len).sum()
}

/// Reads all files of an archive.
fn extract_all(data: &[u8]) {
    let directory = tempfile::tempdir().expect("the directory of temporary files is writable");
    let mut each = |_: &str, _: File| ControlFlow::Continue(());
    if let Err(error) = extract(file(data), directory.path(), |_| true, &mut each) {
        assert!(!error.to_string().is_empty(), "an error without a reason");
    }
}

/// A gzip file with this content.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory is writable")
}

/// A ZIP archive. A line `=== PATH` begins each of its files. What begins with `PK` is an archive already.
fn zip(parts: &[u8]) -> Vec<u8> {
    const PART: &str = "=== ";
    if parts.starts_with(b"PK") {
        return parts.to_vec();
    }
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut is_open = false;
    for line in parts.split_inclusive(|byte| *byte == b'\n') {
        let path = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(PART));
        if let Some(path) = path {
            // A second file of the same name is an error, and what follows belongs to none.
            is_open = archive.start_file(path.trim(), stored).is_ok();
        } else if is_open {
            archive.write_all(line).expect("memory is writable");
        }
    }
    archive.finish().expect("memory is writable").into_inner()
}

/// Lines that the question finder takes for structure. `@` is replaced by a number.
const LINES: [&str; 32] = [
    "",
    "# Part @",
    "## Why is it @?",
    "### What is @",
    "#### Q@. How does it work?",
    "@. What is the first?",
    "   @. Which one is second?",
    "- Is it item @?",
    "  - an item @",
    "**@. Is it bold?**",
    "**Q: Does it ask @?**",
    "Q@: Is it a label?",
    "A: It is answer @.",
    "**Answer:** it is @.",
    "Some text of number @.",
    "Does a line ask @?",
    "---",
    "===",
    "```",
    "> a quote of @",
    "<details><summary>Is @ folded?</summary>",
    "</details>",
    "| a | @ |",
    "|---|---|",
    "- [Why is it @?](#why-is-it-@)",
    "**Level**: easy @",
    "## Table of contents",
    "Is @ a term?",
    ": its definition @",
    "1. ### Is @ a heading in a list?",
    "**[⬆ Back to top](#part-@)**",
    "<a name=\"why-is-it-@\"></a>",
];

/// A document of a line each byte: which one, and its number.
fn document(data: &[u8]) -> String {
    let line = |byte: &u8| {
        let (number, line) = (byte / 32, usize::from(byte % 32));
        LINES[line].replace('@', &number.to_string()) + "\n"
    };
    data.iter().map(line).collect()
}
