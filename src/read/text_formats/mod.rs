//! The formats of running text. Each has a parser; all share the question finder.

use std::io::{self, BufReader};
use std::ops::ControlFlow;

use super::document::{Document, Marking, article, finder};
use super::emit::{Emit, invalid};
use super::reader::Reader;
use super::report::{Report, letters};
use super::text::Text;
use super::{asciidoc, docx, html, json_ld, markdown, org, rst, saved_page};

/// The largest document, in bytes. It is in memory as a whole, with its blocks.
const LARGEST: usize = 64 << 20;

/// Reads Markdown files.
pub struct Markdown;

/// Reads text saved from a web page, and other text without markup.
pub struct SavedPage;

/// Reads HTML files.
pub struct Html;

/// Reads Word documents. They are files, not text: compressed ones are not expanded.
pub struct Docx;

impl Reader for Markdown {
    fn name(&self) -> &'static str {
        "Markdown"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        match extension {
            "md" | "markdown" | "mdown" | "mkd" | "mdx" | "rmd" | "qmd" => return 90,
            "html" | "htm" | "xhtml" | "csv" | "tsv" | "json" | "jsonl" | "ndjson" | "xml" | "rst"
            | "rest" | "adoc" | "asciidoc" | "org" => return 0,
            _ => {}
        }
        let findings = finder::find(&markdown::parse(head.to_owned()));
        let signs = markdown::signs(head);
        match findings.marking {
            Some(Marking::Heading(_)) if findings.questions.len() > 1 => 80,
            Some(Marking::Heading(_)) if signs > 1 || asks_in_heading(head) => 60,
            Some(_) if signs > 2 => 60,
            _ => 0,
        }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        read_as(text, emit, markdown::parse)
    }
}

impl Reader for SavedPage {
    fn name(&self) -> &'static str {
        "saved page"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        let start = head.trim_start();
        let is_other = start.starts_with(['{', '[', '<']) && !matches!(extension, "txt" | "text");
        if is_other || !matches!(extension, "txt" | "text" | "") {
            return 0;
        }
        // Prose without questions gives none, which is no error.
        if finder::find(&saved_page::parse(head)).questions.is_empty() { 10 } else { 50 }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        read_as(text, emit, |text| saved_page::parse(&text))
    }
}

impl Reader for Docx {
    fn name(&self) -> &'static str {
        "DOCX"
    }

    fn fit(&self, extension: &str, _: &str) -> u8 {
        if matches!(extension, "docx" | "docm") { 100 } else { 0 }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        let document = docx::parse(BufReader::new(text.file()?))?;
        hand_over(&document, text, emit)
    }
}

impl Reader for Html {
    fn name(&self) -> &'static str {
        "HTML"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        let start: String = head.trim_start().chars().take(15).collect::<String>().to_lowercase();
        match extension {
            _ if start.starts_with("<!doctype html") || start.starts_with("<html") => 95,
            "html" | "htm" | "xhtml" | "shtml" => 90,
            _ => 0,
        }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        let Some(source) = whole(text, emit)? else {
            return Ok(());
        };
        let page = html::parse(&source);
        // A page that declares its questions to search engines is taken at its word.
        let mut declared = 0usize;
        for (line, script) in &page.json_ld {
            for question in json_ld::questions(script, *line) {
                declared += usize::from(question.is_ok());
                if emit(question).is_break() {
                    return Ok(());
                }
            }
        }
        if declared > 0 {
            text.set_report(Report {
                marking: Some("the FAQPage data of the page".to_owned()),
                why: Some("a page that declares its questions is taken at its word".to_owned()),
                letters: letters(&page.document.text),
            });
            return Ok(());
        }
        hand_over(&page.document, text, emit)
    }
}

/// Reads files of one extension, whatever they begin with.
pub struct ByExtension {
    name: &'static str,
    extensions: &'static [&'static str],
    parse: fn(&str) -> Document,
}

/// Reads reStructuredText files.
pub const RST: ByExtension =
    ByExtension { name: "reStructuredText", extensions: &["rst", "rest"], parse: rst::parse };

/// Reads AsciiDoc files.
pub const ASCIIDOC: ByExtension =
    ByExtension { name: "AsciiDoc", extensions: &["adoc", "asciidoc"], parse: asciidoc::parse };

/// Reads Org files.
pub const ORG: ByExtension = ByExtension { name: "Org", extensions: &["org"], parse: org::parse };

impl Reader for ByExtension {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fit(&self, extension: &str, _: &str) -> u8 {
        if self.extensions.contains(&extension) { 90 } else { 0 }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        read_as(text, emit, |text| (self.parse)(&text))
    }
}

/// The whole text. A line that cannot be read is reported and left empty. `None`: nobody wants more.
fn whole(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<Option<String>> {
    let mut all = String::new();
    while let Some(line) = text.next_line()? {
        match line {
            Ok((_, line)) => all.push_str(line),
            Err(bad) => {
                if emit(Err(bad)).is_break() {
                    return Ok(None);
                }
            }
        }
        all.push('\n');
        if all.len() > LARGEST {
            return Err(invalid(format!("larger than {} MiB, the limit for running text", LARGEST >> 20)));
        }
    }
    Ok(Some(all))
}

/// Whether a text has a heading of Markdown that is a question.
fn asks_in_heading(text: &str) -> bool {
    text.lines().any(|line| line.starts_with('#') && line.trim_end().ends_with(['?', '？']))
}

/// Parses the whole text and hands over its questions.
fn read_as(text: &mut Text, emit: &mut Emit<'_>, parse: impl FnOnce(String) -> Document) -> io::Result<()> {
    whole(text, emit)?.map(parse).map_or(Ok(()), |document| hand_over(&document, text, emit))
}

/// Finds the questions of a document, or makes an article of it, and reports how.
fn hand_over(document: &Document, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mut findings = finder::find(document);
    let mut report = Report { letters: letters(&document.text), ..findings.report() };
    if findings.questions.is_empty()
        && let Some(title) = text.article()
    {
        findings.questions.extend(article(document, title));
        report.why = Some("No questions; the whole document is an article".to_owned());
    }
    text.set_report(report);
    // Nobody is asked for more after a break.
    let _: ControlFlow<()> = findings.questions.into_iter().map(Ok).try_for_each(emit);
    Ok(())
}

#[cfg(test)]
mod asciidoc_tests;
#[cfg(test)]
mod html_tests;
#[cfg(test)]
mod markdown_tests;
#[cfg(test)]
mod org_tests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod rst_tests;
