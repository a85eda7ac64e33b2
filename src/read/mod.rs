//! Files → questions. Each format has a reader, which is chosen by extension and content.

mod asciidoc;
mod date;
mod document;
mod docx;
mod emit;
mod expand;
mod html;
mod json_ld;
mod keys;
mod line;
mod mapping;
mod markdown;
mod markup;
mod mdx;
mod mojibake;
mod office;
mod org;
mod phrasings;
mod reader;
mod report;
mod rst;
mod saved_page;
mod stackexchange;
mod stamp;
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
use emit::{invalid, no_questions};
use line::one_line;
use table::spreadsheet::Spreadsheet;

#[cfg(feature = "serve")]
pub(crate) use date::time_text as rfc3339;
pub(crate) use date::{span as date_span, year};
pub use emit::{BadRecord, Emit, has_no_questions};
pub use expand::{Compression, MAX_EXPANDED, MAX_RATIO, extract};
pub use mapping::{Assignment, Mapping, PARTS};
pub use phrasings::{PHRASINGS, Phrasing, append_phrasings, is_phrasings, phrasings};
pub use reader::Reader;
pub use report::{Report, letters};
pub use stamp::Stamp;
pub(crate) use table::delimited;
pub use table::record::InvalidRecord;
pub use text::Text;
pub use walk::{Found, Tree, has_known_extension, inner_extension, is_archive, is_url, walk};

/// All readers. If two fit a file equally well, the first one reads it.
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
    /// A document without questions is an article: an entry with its title, its headings as other titles, and its
    /// whole text as the answer. Formats of records ignore this.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub articles: bool,
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let map: Vec<String> = self.map.iter().map(ToString::to_string).collect();
        let format = self.format.as_ref().map(|format| format!("format {format}"));
        let map = (!map.is_empty()).then(|| format!("map {}", map.join(",")));
        let articles = self.articles.then(|| "articles".to_owned());
        f.write_str(&[format, map, articles].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// The reader that fits a file best; `None` if none fits.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A reader took it, and may have found questions.
    Read {
        /// The name of the reader's format.
        format: &'static str,
        /// What the reader tells about a document; `None` for records.
        report: Option<Report>,
    },
    /// No reader fits, and the user did not name the file.
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
    /// The title of an article that has none of its own.
    pub title: &'a str,
    /// The user named this file, so it is an error if no reader knows it.
    pub named: bool,
    /// How to read it.
    pub options: &'a Options,
}

/// Reads a file with the reader of the named format, or the one that fits it best.
///
/// # Errors
/// The file cannot be read, or not to its end; it is empty or binary; or the user named it and no reader fits.
pub fn read(input: Input<'_>, emit: &mut Emit<'_>) -> io::Result<Outcome> {
    let Input { file, extension, directory, title, named, options } = input;
    let mut text = Text::new(file, extension)?;
    text.set_directory(directory.map(Path::to_owned));
    let format = options.format.as_deref().map(format).transpose().map_err(invalid)?;
    if let Some(format) = format {
        text.set_extension(format.extension);
    }
    let is_text = Spreadsheet.fit(text.extension(), "") + text_formats::Docx.fit(text.extension(), "") == 0;
    let head = if is_text { text.head()? } else { String::new() };
    if is_text && head.trim().is_empty() {
        if !named && table::settings::is_settings(text.extension()) {
            return Ok(Outcome::NotQuestions);
        }
        return Err(no_questions("empty file"));
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
        let unknown = "no reader knows the format of this file; --format names one";
        return if named { Err(no_questions(unknown)) } else { Ok(Outcome::NotQuestions) };
    };
    text.set_mapping(Mapping::new(&options.map));
    text.set_article(options.articles.then(|| title.to_owned()));
    let mapping = text.mapping();
    let mut stopped = false;
    reader.read(&mut text, &mut |record| {
        let flow = emit(record.and_then(without_control_characters));
        stopped |= flow.is_break();
        flow
    })?;
    if named && !mapping.is_empty() && mapping.records() == 0 {
        return Err(no_mapped_records(reader.name()));
    }
    if let Some(reason) = mapping.missing().filter(|_| !stopped) {
        let _: ControlFlow<()> = emit(Err(BadRecord { line: 1, reason }));
    }
    Ok(Outcome::Read { format: reader.name(), report: text.take_report() })
}

/// The error for a mapping that applied to nothing in a file of a format.
fn no_mapped_records(format: &str) -> io::Error {
    let why = match format {
        "table" => "no record has its keys".to_owned(),
        "spreadsheet" => "no sheet has the columns".to_owned(),
        name => format!("the file was read as {name}; name its format with --format"),
    };
    invalid(format!("--map applies to records, but {why}"))
}

/// The question of one record, as in a file of JSON Lines: `question`, `answer`, `id`, `tags` and so on. Values that a
/// file would lose are errors here. The id becomes the [key](Question::key) of the question.
///
/// # Errors
/// The record has no question, or a value does not fit its key.
pub fn record(record: serde_json::Map<String, serde_json::Value>) -> Result<Question, InvalidRecord> {
    let question = table::record::Record::new(record).strict_question()?;
    without_control_characters(question)
        .map_err(|BadRecord { reason, .. }| InvalidRecord { field: "question".to_owned(), reason })
}

/// A question whose titles have white space in place of control characters, which no format means to have in a title.
fn without_control_characters(mut question: Question) -> Result<Question, BadRecord> {
    let has_control = |title: &String| title.contains(char::is_control);
    for title in question.also.iter_mut().chain([&mut question.title]).filter(|title| has_control(title)) {
        *title = one_line(&title.replace(char::is_control, " "));
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
    use super::{Options, record, testing};

    #[test]
    fn a_record_of_a_program_is_stored_completely_or_refused() {
        let read = |text: &str| match record(serde_json::from_str(text).unwrap()) {
            Ok(question) => {
                format!("{} = {} {:?} {:?}", question.title, question.answer, question.tags, question.fields)
            }
            Err(error) => format!("! {error}"),
        };
        for (text, expected) in [
            (
                r#"{"q": "Why?", "a": "<p>It lasts.</p>", "tags": ["a", 1], "x": 2}"#,
                r#"Why? = It lasts. ["a", "1"] {"x": "2"}"#,
            ),
            (r#"{"question": "Why?", "date": null, "score": ""}"#, "Why? =  [] {}"),
            (r#"{"answer": "So."}"#, "! question: it is missing or empty"),
            (r#"{"question": "\u0001"}"#, "! question: a title of nothing but control characters"),
            (r#"{"question": "Why?", "date": "soon"}"#, "! date: it is not a date; write YYYY-MM-DD"),
            (r#"{"question": "Why?", "score": "good"}"#, "! score: it is not a number"),
            (r#"{"question": "Why?", "tags": {"a": 1}}"#, "! tags: it is not a text or a list of texts"),
            (r#"{"question": "Why?", "id": ["a"]}"#, "! id: it is not a text or a number"),
            (r#"{"question": "Why?", "more": {"a": 1}}"#, "! more: it is an object"),
            (
                &format!(r#"{{"question": "Why?", "more": "{}"}}"#, "x".repeat(501)),
                "! more: the value of a field",
            ),
        ] {
            assert!(read(text).starts_with(expected), "{text}: {}", read(text));
        }
    }

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
