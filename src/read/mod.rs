//! Files → questions: one reader a layout, chosen by extension and content.

mod asciidoc;
mod date;
mod document;
mod docx;
mod expand;
mod html;
mod json_ld;
mod mapping;
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
#[cfg(feature = "remote")]
pub mod web;

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::question::Question;
use table::spreadsheet::Spreadsheet;

pub use expand::{Compression, MAX_EXPANDED, MAX_RATIO, extract};
pub use mapping::{Assignment, Mapping, PARTS};
pub use text::Text;
pub use walk::{Found, has_known_extension, inner_extension, is_url, walk};

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
pub const READERS: [&dyn Reader; 10] = [
    &text_formats::Markdown,
    &text_formats::SavedPage,
    &text_formats::Html,
    &text_formats::RST,
    &text_formats::ASCIIDOC,
    &text_formats::ORG,
    &text_formats::Docx,
    &table::Table,
    &Spreadsheet,
    &stackexchange::StackExchange,
];

/// A format that can be named instead of detected.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// The extension that makes the reader expect this format.
    extension: &'static str,
    reader: &'static dyn Reader,
}

/// Every format that can be named.
pub const FORMATS: [Format; 16] = {
    const fn format(name: &'static str, extension: &'static str, reader: &'static dyn Reader) -> Format {
        Format { name, extension, reader }
    }
    [
        format("markdown", "md", &text_formats::Markdown),
        format("page", "txt", &text_formats::SavedPage),
        format("html", "html", &text_formats::Html),
        format("rst", "rst", &text_formats::RST),
        format("asciidoc", "adoc", &text_formats::ASCIIDOC),
        format("org", "org", &text_formats::ORG),
        format("docx", "docx", &text_formats::Docx),
        format("csv", "csv", &table::Table),
        format("tsv", "tsv", &table::Table),
        format("json", "json", &table::Table),
        format("jsonl", "jsonl", &table::Table),
        format("yaml", "yaml", &table::Table),
        format("toml", "toml", &table::Table),
        format("anki", "anki", &table::Table),
        format("spreadsheet", "xlsx", &Spreadsheet),
        format("stackexchange", "xml", &stackexchange::StackExchange),
    ]
};

/// The format of a name.
///
/// # Errors
/// There is no such format. The message lists all.
pub fn format(name: &str) -> Result<&'static Format, String> {
    FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        format!("unknown format `{name}`; the formats are {}", names.join(", "))
    })
}

/// How to read files, as the user requires it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// The name of the [`Format`]; `None` to detect it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The keys of records that hold the parts of a question. Other formats than records ignore it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub map: Vec<Assignment>,
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let map: Vec<String> = self.map.iter().map(ToString::to_string).collect();
        let parts = [("format", self.format.clone()), ("map", (!map.is_empty()).then(|| map.join(",")))];
        let given = parts.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
        f.write_str(&given.collect::<Vec<_>>().join(", "))
    }
}

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

/// An open file to read, and what is known about it.
pub struct Input<'a> {
    /// The content, perhaps compressed.
    pub file: File,
    /// The extension of the content in lower case, without a dot; see [`inner_extension`].
    pub extension: String,
    /// The directory of the file, if it is in one. A reader may look there for files that belong to it.
    pub directory: Option<&'a Path>,
    /// The user named this file, so it is an error if no reader knows it.
    pub named: bool,
    /// How to read it.
    pub options: &'a Options,
}

/// Reads a file with the reader of the named format, or the one that fits it best.
///
/// # Errors
/// The file cannot be read (on), is empty or binary, or was named and no reader knows it.
pub fn read(input: Input<'_>, emit: &mut Emit<'_>) -> io::Result<Outcome> {
    let Input { file, extension, directory, named, options } = input;
    let mut text = Text::new(file, extension)?;
    text.set_directory(directory.map(Path::to_owned));
    let format = options.format.as_deref().map(format).transpose().map_err(invalid)?;
    if let Some(format) = format {
        text.set_extension(format.extension);
    }
    let is_text = Spreadsheet.fit(text.extension(), "") + text_formats::Docx.fit(text.extension(), "") == 0;
    let head = if is_text { text.head()? } else { String::new() };
    if is_text && head.trim().is_empty() {
        if !named && table::is_settings(text.extension()) {
            return Ok(Outcome::NotQuestions);
        }
        return Err(invalid("empty file"));
    }
    let reader = match format {
        Some(format) => Some(format.reader),
        // Which columns ask does not matter if they are mapped.
        None if !options.map.is_empty() && matches!(text.extension(), "csv" | "tsv") => {
            Some(&table::Table as &dyn Reader)
        }
        None => reader_for(text.extension(), &head),
    };
    let Some(reader) = reader else {
        return if named {
            Err(invalid("no question-and-answer layout is known for this file; --format names one"))
        } else {
            Ok(Outcome::NotQuestions)
        };
    };
    text.set_mapping(Mapping::new(&options.map));
    let mapping = text.mapping();
    let mut stopped = false;
    reader.read(&mut text, &mut |record| {
        let flow = emit(record.and_then(without_control_characters));
        stopped |= flow.is_break();
        flow
    })?;
    if named && !mapping.is_empty() && mapping.records() == 0 {
        let why = match reader.name() {
            "table" => "no record has its keys".to_owned(),
            "spreadsheet" => "no sheet has the columns".to_owned(),
            name => format!("the file was read as {name}; name its format with --format"),
        };
        return Err(invalid(format!("--map applies to records, but {why}")));
    }
    if let Some(reason) = mapping.missing().filter(|_| !stopped) {
        let _: ControlFlow<()> = emit(Err(BadRecord { line: 1, reason }));
    }
    Ok(Outcome::Read(reader.name()))
}

/// A question whose titles have white space in place of control characters, which no format means to have in a title.
fn without_control_characters(mut question: Question) -> Result<Question, BadRecord> {
    let has_control = |title: &String| title.contains(char::is_control);
    for title in question.also.iter_mut().chain([&mut question.title]).filter(|title| has_control(title)) {
        *title = markup::one_line(&title.replace(char::is_control, " "));
    }
    question.also.retain(|title| !title.is_empty());
    if question.title.is_empty() {
        let reason = "a title of nothing but control characters".to_owned();
        return Err(BadRecord { line: question.source.line, reason });
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::{Options, testing};

    #[test]
    fn titles_have_no_control_characters() {
        let shown = testing::read_named(
            "a.jsonl",
            br#"{"q":"Why\u001b[2J wax\u0007?"}
{"q":"\u0001","a":"It lasts."}
"#,
            &Options::default(),
        );
        assert_eq!(shown, "1 Why [2J wax ? = \n2 ! a title of nothing but control characters\n");
        assert_eq!(
            testing::read_named("a.md", b"## Why\x1b wax?\nIt \x1b lasts.\n", &Options::default()),
            "1 Why wax? = It \x1b lasts.\n"
        );
    }
}
