//! Writes a document as Markdown. The parsers of all other markups use it.

use std::ops::{Deref, Range};

use super::inline::{Inline, inline};
use super::inline_markup::FOLDED;
use super::labels::take_front_matter;
use super::model::{Document, Kind, Marker};
use crate::read::line::{columns, dedented, one_line};

/// A line of a file.
#[derive(Clone, Copy, Debug)]
pub struct Line<'t> {
    /// Its number, from 1.
    pub number: u64,
    /// Columns of white space before its text.
    pub indent: usize,
    /// Its text without the white space around it; empty for a blank line.
    pub text: &'t str,
    raw: &'t str,
}

impl<'t> Line<'t> {
    /// A line with this number.
    pub fn new(number: u64, raw: &'t str) -> Self {
        Self { number, indent: columns(raw), text: raw.trim(), raw: raw.trim_end() }
    }

    /// The line from a column on.
    pub fn from(&self, column: usize) -> &'t str {
        dedented(self.raw, column)
    }

    /// The line behind the first bytes of its text.
    pub fn behind(&self, bytes: usize) -> Self {
        Self::new(self.number, &self.text[bytes..])
    }
}

/// The lines of a text.
pub struct Lines<'t>(Vec<Line<'t>>);

impl<'t> Lines<'t> {
    /// The lines of this text.
    pub fn of(text: &'t str) -> Self {
        Self((1..).zip(text.lines()).map(|(number, raw)| Line::new(number, raw)).collect())
    }

    /// Calls `read` with the index of the first line of each block. It returns the index of the next block.
    pub fn each_block(&self, mut read: impl FnMut(usize) -> usize) {
        let mut at = 0;
        while at < self.len() {
            at = read(at).max(at + 1);
        }
    }

    /// The end of a block that begins at a line: the index of the next line for which `ends` is true.
    pub fn end(&self, at: usize, ends: impl Fn(&Line<'_>) -> bool) -> usize {
        let below = &self[at + 1..];
        at + 1 + below.iter().position(ends).unwrap_or(below.len())
    }

    /// Whether there is no text on a line.
    pub fn is_blank(&self, at: usize) -> bool {
        self.get(at).is_none_or(|line| line.text.is_empty())
    }

    /// A text and the lines that continue it.
    pub fn joined(&self, first: &str, rest: Range<usize>) -> String {
        let rest = self[rest].iter().map(|line| line.text);
        [first].into_iter().chain(rest).collect::<Vec<_>>().join("\n")
    }
}

impl<'t> Deref for Lines<'t> {
    type Target = [Line<'t>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The label of an admonition by its name, whatever its case.
pub fn admonition(name: &str) -> Option<&'static str> {
    let labels = ["Note", "Tip", "Important", "Caution", "Warning"];
    labels.into_iter().find(|label| label.eq_ignore_ascii_case(name))
}

/// Whether a text is a name of letters, digits, `-` and `_`.
pub fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

/// Deeper text is not indented further, in columns.
const DEEPEST: usize = 40;

/// Rows are not filled up to more columns than this.
const WIDEST: usize = 30;

/// A row of a table: its line, and its cells in Markdown.
pub type Row = (u64, Vec<String>);

/// Writes Markdown, block by block.
#[derive(Default)]
pub struct Writer {
    /// What was written so far.
    pub document: Document,
    /// The last definition list ends at the next heading.
    after_terms: bool,
}

impl Writer {
    /// The line of the last block; 1 if there is none.
    pub fn last_line(&self) -> u64 {
        self.document.blocks.last().map_or(1, |last| last.line)
    }

    /// Writes a heading.
    pub fn heading(&mut self, level: usize, line: u64, markdown: &str) {
        let level = level.clamp(1, 6) as u8;
        if std::mem::take(&mut self.after_terms) {
            self.mark(Kind::Boundary, line);
        }
        let source = format!("{} {markdown}", "#".repeat(level.into()));
        self.line(Kind::Heading(level), line, 0, None, markdown, &source);
    }

    /// Writes the term of a definition list, a declared question or the title of a fold.
    pub fn title(&mut self, kind: Kind, line: u64, markdown: &str) {
        self.after_terms |= kind == Kind::Term;
        self.blank(line);
        let source = if markdown.contains('*') { markdown.to_owned() } else { format!("**{markdown}**") };
        self.line(kind, line, 0, None, markdown, &source);
    }

    /// Writes a paragraph. With a `marker`, it begins an item of a list and continues in the column of its
    /// content.
    pub fn paragraph(&mut self, line: u64, indent: usize, marker: Option<Marker>, markdown: &str) {
        let mut number = line;
        let mut marker = marker;
        let mut indent = indent;
        for piece in markdown.split('\n') {
            let text = one_line(piece);
            let sign = marker.map(Marker::sign).unwrap_or_default();
            // In Markdown, the line would be a heading.
            let escape = if text.starts_with('#') { "\\" } else { "" };
            if !text.is_empty() || marker.is_some() {
                self.line(Kind::Text, number, indent, marker, &text, &format!("{sign}{escape}{text}"));
            }
            if let Some(Marker { content, .. }) = marker.take() {
                indent = content;
            }
            number += 1 + piece.matches(FOLDED).count() as u64;
        }
    }

    /// The marker of an item in this column.
    pub fn marker(number: Option<u32>, indent: usize) -> Marker {
        let marker = Marker { number, content: 0 };
        Marker { content: indent.min(DEEPEST) + marker.sign().len(), ..marker }
    }

    /// Writes code between fences, without the white space that all of its lines begin with.
    pub fn code(&mut self, line: u64, indent: usize, language: &str, lines: &[Line<'_>]) {
        let is_text = |line: &Line<'_>| !line.text.is_empty();
        let Some(first) = lines.iter().position(is_text) else {
            return;
        };
        let lines = &lines[first..=lines.iter().rposition(is_text).unwrap_or(first)];
        let common = lines.iter().filter(|line| is_text(line)).map(|line| line.indent).min().unwrap_or(0);
        let fence = if lines.iter().any(|line| line.text.contains("```")) { "~~~~" } else { "```" };
        let language = language.split([' ', ',']).next().unwrap_or_default();
        self.line(Kind::Code, line, indent, None, "", &format!("{fence}{language}"));
        for code in lines {
            self.line(Kind::Code, code.number, indent, None, "", code.from(common));
        }
        let last = lines[lines.len() - 1].number;
        self.line(Kind::Code, last, indent, None, "", fence);
        self.blank(last);
    }

    /// Writes a table; the first row is its header. A header `Question`, `Answer` declares the questions.
    pub fn table(&mut self, indent: usize, rows: &[Row]) {
        let Some((_, header)) = rows.first() else {
            return;
        };
        let named = |names: &[&str]| {
            let is_named =
                |cell: &String| names.contains(&inline(cell).text.trim_matches(':').to_lowercase().as_str());
            header.iter().position(is_named)
        };
        let question = named(&["question", "questions", "q"]);
        match question.zip(named(&["answer", "answers", "a", "response"])) {
            Some((question, answer)) => self.table_of_questions(indent, rows, question, answer),
            None => self.plain_table(indent, rows),
        }
    }

    /// Writes a table with columns of questions and of answers. The other columns describe the question.
    fn table_of_questions(&mut self, indent: usize, rows: &[Row], question: usize, answer: usize) {
        let is_asked = |cells: &Vec<String>| cells.get(question).is_some_and(|cell| !cell.is_empty());
        for (line, cells) in rows.iter().skip(1).filter(|(_, cells)| is_asked(cells)) {
            self.title(Kind::Declared, *line, &one_line(&cells[question]));
            for (at, (name, cell)) in rows[0].1.iter().zip(cells).enumerate() {
                if at != question && at != answer && !cell.is_empty() {
                    let name = inline(name).text;
                    let name = name.trim_end_matches(['.', ':']);
                    self.paragraph(*line, indent, None, &format!("**{name}**: {cell}"));
                }
            }
            self.paragraph(*line, indent, None, cells.get(answer).map_or("", String::as_str));
            self.blank(*line);
        }
        self.mark(Kind::Boundary, rows[rows.len() - 1].0);
    }

    fn plain_table(&mut self, indent: usize, rows: &[Row]) {
        let width = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        for (at, (line, cells)) in rows.iter().enumerate() {
            let cells: Vec<String> = cells.iter().map(|cell| one_line(cell).replace('|', "\\|")).collect();
            let missing = width.min(WIDEST).saturating_sub(cells.len());
            let row = format!("| {} {}|", cells.join(" | "), "| ".repeat(missing));
            self.line(Kind::Text, *line, indent, None, &row, &row);
            if at == 0 {
                let columns = "---|".repeat(cells.len() + missing);
                self.line(Kind::Text, *line, indent, None, "", &format!("|{columns}"));
            }
        }
    }

    /// Writes a horizontal rule.
    pub fn rule(&mut self, line: u64) {
        self.line(Kind::Rule, line, 0, None, "", "---");
    }

    /// Writes a blank line, if none was written directly before.
    pub fn blank(&mut self, line: u64) {
        self.document.blank(line);
    }

    /// Adds a block without text.
    pub fn mark(&mut self, kind: Kind, line: u64) {
        self.document.mark(kind, line);
    }

    /// Takes what the document says about all of its questions.
    pub fn metadata(&mut self, line: u64, key: &str, value: &str) {
        match key.to_lowercase().as_str() {
            "title" => {
                self.document.title = Some((line, inline(value).text)).filter(|(_, title)| !title.is_empty())
            }
            _ => take_front_matter(&format!("{key}: {value}"), &mut self.document.common),
        }
    }

    fn line(
        &mut self,
        kind: Kind,
        line: u64,
        indent: usize,
        marker: Option<Marker>,
        markdown: &str,
        source: &str,
    ) {
        let indent = indent.min(DEEPEST);
        let source = self.document.write_line(&format!("{:indent$}{source}", ""));
        self.document.push(
            kind,
            line,
            source,
            if markdown.is_empty() { Inline::default() } else { inline(markdown) },
        );
        if let Some(block) = self.document.blocks.last_mut() {
            (block.indent, block.marker) = (indent, marker);
        }
    }
}
