//! Files → questions: one reader a layout, chosen by extension and content.

mod asciidoc;
mod document;
mod docx;
mod html;
mod json_ld;
mod markdown;
mod markup;
mod mdx;
mod mojibake;
mod org;
mod rst;
mod saved_page;
mod stackexchange;
mod table;
#[cfg(test)]
mod testing;
mod text;
mod text_formats;
mod walk;

use std::io;
use std::ops::ControlFlow;

use crate::question::Question;

pub use text::Text;
pub use walk::{Found, walk};

/// Turns files of one layout into questions.
///
/// A reader never knows any one file: what it looks for is how a *kind* of page is laid out.
pub trait Reader: Sync {
    /// What the layout is called in messages (`markdown`, `page dump`).
    fn name(&self) -> &'static str;

    /// How well this layout fits a file, from 0 (not at all) to 100 (surely), judged by its
    /// extension (lower case, no dot, maybe empty) and the beginning of its text.
    fn fit(&self, extension: &str, head: &str) -> u8;

    /// Hands every question to `emit`, in source order where the layout allows it, and every record that cannot be read as
    /// a [`BadRecord`]; stops when `emit` says so.
    ///
    /// Memory stays bounded by the largest record, not by the file.
    ///
    /// # Errors
    /// The file itself could not be read on. What was handed over before stays valid.
    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()>;
}

/// The longest answer of a page or a Markdown file, in bytes; what follows belongs to no question.
const LONGEST_ANSWER: usize = 1 << 20;

/// Where a reader hands its records; `Break` means that nobody wants more.
pub type Emit<'a> = dyn FnMut(Result<Question, BadRecord>) -> ControlFlow<()> + 'a;

/// A record that was skipped, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Line in the file, from 1.
    pub line: u64,
    /// A lower-case phrase without a full stop: `expected a comma, found "x"`.
    pub reason: String,
}

impl BadRecord {
    fn not_utf8(line: u64) -> Self {
        Self { line, reason: "not UTF-8".to_owned() }
    }
}

/// A file's own error, in the same words as a [`BadRecord`]'s.
fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

/// All formats. If two fit a file equally well, the earlier one reads it.
pub const READERS: [&dyn Reader; 8] = [
    &text_formats::Markdown,
    &text_formats::SavedPage,
    &text_formats::Html,
    &text_formats::RST,
    &text_formats::ASCIIDOC,
    &text_formats::ORG,
    &table::Table,
    &stackexchange::StackExchange,
];

/// The layout that fits best, or `None` where no reader knows what to do with the file.
pub fn reader_for(extension: &str, head: &str) -> Option<&'static dyn Reader> {
    READERS
        .into_iter()
        .map(|reader| (reader.fit(extension, head), reader))
        .rev()
        .max_by_key(|(fit, _)| *fit)
        .filter(|(fit, _)| *fit > 0)
        .map(|(_, reader)| reader)
}

/// How reading a file went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reader of this name took it, and may have found questions.
    Read(&'static str),
    /// No reader knows the layout, and nobody named the file.
    NotQuestions,
}

/// Reads a file with the reader that fits it best.
///
/// # Errors
/// The file cannot be read (on), is empty or binary, or was named and no reader knows it.
pub fn read(file: &Found, emit: &mut Emit<'_>) -> io::Result<Outcome> {
    let extension = file.path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if matches!(extension.as_str(), "docx" | "docm") {
        return text_formats::read_docx(&file.path, emit).map(|()| Outcome::Read("DOCX"));
    }
    let mut text = Text::open(&file.path)?;
    let head = text.head()?;
    if head.trim().is_empty() {
        return Err(invalid("empty file"));
    }
    match reader_for(text.extension(), &head) {
        Some(reader) => reader.read(&mut text, emit).map(|()| Outcome::Read(reader.name())),
        None if file.named => Err(invalid("no question-and-answer layout is known for this file")),
        None => Ok(Outcome::NotQuestions),
    }
}
