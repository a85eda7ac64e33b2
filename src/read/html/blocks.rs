//! Blocks: paragraphs, titles, items of lists, code and tables.

use super::text::Text;
use crate::read::document::{Document, Inline, Kind, Marker, Writer};
use crate::read::line::one_line;

/// Deeper lists and quotations are not indented further.
const DEEPEST: usize = 12;

/// A title ends where one is longer than this, in bytes: its end tag was forgotten.
const LONGEST_TITLE: usize = 4000;

/// Writes blocks.
#[derive(Default)]
pub struct Blocks {
    /// What was written.
    pub document: Document,
    /// The line of the current token, from 1.
    pub line: u64,
    /// The title that is open: its element, and how many of its name are open in it.
    pub title: Option<(String, usize)>,
    /// What the current block is, if it is not text.
    pub kind: Option<Kind>,
    /// The line where the current block began.
    began: u64,
    /// The text of the current block.
    pub text: Text,
    /// Open lists: the number of the last item, or `None` for bullets.
    pub lists: Vec<Option<u32>>,
    marker: Option<Marker>,
    /// How many quotations are open.
    pub quotes: usize,
    /// Inside `<pre>`: its text and the language of the code.
    pub pre: Option<(String, String)>,
    /// The cells of the open row.
    pub row: Option<Vec<String>>,
    /// How many rows of the table were written.
    pub rows: usize,
}

impl Blocks {
    /// Adds text, in which white space separates words.
    pub fn add(&mut self, text: &str) {
        if let Some((code, _)) = &mut self.pre {
            return code.push_str(text);
        }
        let mut line = self.line;
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            if !word.is_empty() {
                if self.text.plain.is_empty() {
                    self.began = line;
                }
                self.text.word(word);
            }
            if word.len() < piece.len() {
                self.text.space();
            }
            line += u64::from(piece.ends_with('\n'));
        }
        if self.title.is_some() && self.text.plain.len() > LONGEST_TITLE {
            self.flush();
        }
    }

    /// Begins an item of the innermost list.
    pub fn begin_item(&mut self) {
        self.flush();
        let number = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                Some(*number)
            }
            _ => None,
        };
        self.marker = Some(Writer::marker(number, self.column()));
    }

    /// Ends the current block.
    pub fn flush(&mut self) {
        if self.row.is_some() && self.title.is_none() {
            // A cell may hold paragraphs.
            return self.text.space();
        }
        let kind = self.kind.take().unwrap_or(Kind::Text);
        self.title = None;
        let (markdown, inline) = self.text.take();
        if markdown.trim().is_empty() {
            return;
        }
        let marker = self.marker.take();
        let prefix = match kind {
            Kind::Heading(level) => format!("{} ", "#".repeat(level.into())),
            Kind::Term | Kind::Summary | Kind::Declared | Kind::Button => String::new(),
            _ => self.prefix(marker),
        };
        let source = self.document.write_line(&format!("{prefix}{}", markdown.trim()));
        self.document.push(kind, self.began.max(1), source, inline);
        if let Some(block) = self.document.blocks.last_mut() {
            block.indent = prefix.len() - prefix.trim_start().len();
            block.marker = marker;
        }
    }

    /// Columns before the marker of an item in the innermost list.
    fn column(&self) -> usize {
        self.lists.len().saturating_sub(1).min(DEEPEST) * 3
    }

    /// What precedes a line in a list or a quotation.
    fn prefix(&self, marker: Option<Marker>) -> String {
        let quote = "> ".repeat(self.quotes.min(DEEPEST));
        let indent = " ".repeat(self.column());
        match marker {
            Some(marker) => format!("{quote}{indent}{}", marker.sign()),
            None if self.lists.is_empty() => quote,
            None => format!("{quote}{indent}   "),
        }
    }

    /// Ends the current block; what follows is another paragraph.
    pub fn break_paragraph(&mut self) {
        self.flush();
        if self.row.is_none() && self.marker.is_none() {
            self.blank();
        }
    }

    /// Adds a block without text.
    pub fn mark(&mut self, kind: Kind) {
        self.document.mark(kind, self.line);
    }

    /// Adds a line as it is.
    pub fn write(&mut self, kind: Kind, line: &str) {
        let source = self.document.write_line(line);
        self.document.push(kind, self.line, source, Inline::default());
    }

    /// Ends a paragraph.
    pub fn blank(&mut self) {
        self.document.blank(self.line);
    }

    /// Ends preformatted text.
    pub fn end_pre(&mut self) {
        let Some((code, language)) = self.pre.take() else {
            return;
        };
        let fence = if code.contains("```") { "~~~" } else { "```" };
        let indent = if self.lists.is_empty() { String::new() } else { " ".repeat(self.column() + 3) };
        let lines = code.trim_matches(['\n', '\r']).trim_end().lines();
        let first = format!("{fence}{language}");
        for line in [first.as_str()].into_iter().chain(lines).chain([fence]) {
            self.write(Kind::Code, &format!("{indent}{line}"));
        }
        self.blank();
    }

    /// Begins a row of a table.
    pub fn begin_row(&mut self) {
        self.flush();
        self.row = Some(Vec::new());
    }

    /// Ends a cell of a table.
    pub fn end_cell(&mut self) {
        let Some(row) = &mut self.row else {
            return self.break_paragraph();
        };
        let cell = std::mem::take(&mut self.text.markdown);
        self.text.plain.push(' ');
        if !cell.trim().is_empty() || !row.is_empty() {
            row.push(one_line(&cell).replace('|', "\\|"));
        }
    }

    /// Ends a row of a table.
    pub fn end_row(&mut self) {
        self.end_cell();
        let Some(cells) = self.row.take().filter(|cells| !cells.is_empty()) else {
            return;
        };
        self.text.markdown = format!("| {} |", cells.join(" | "));
        self.text.marks.clear();
        self.flush();
        self.rows += 1;
        if self.rows == 1 {
            self.write(Kind::Text, &format!("|{}", "---|".repeat(cells.len())));
        }
    }
}
