//! The document model: what each text format is parsed into, and what the question finder sees.
//!
//! ```text
//! bytes → format parser → blocks → question finder → Question
//! ```
//!
//! A parser knows one format and nothing about questions. [`finder`] knows what marks a question and
//! nothing about formats. To add a format, write a parser that returns a [`Document`]; `saved_page.rs` is the
//! shortest one to copy.

mod answer;
mod boilerplate;
mod contents;
mod extract;
pub mod finder;
mod inline;
pub mod inline_markup;
mod labels;
mod list_item;
mod numbering;
mod question_line;
mod sections;
mod title;
mod words;
pub mod writer;

use std::ops::Range;

use crate::question::Question;

pub use extract::article;
pub use inline::{Inline, inline, without_tags};
pub use labels::take_front_matter;
pub use question_line::{ends_asking, is_question_like, labelled_question};
pub use writer::{Line, Writer};

/// A parsed document.
#[derive(Debug, Default)]
pub struct Document {
    /// Markdown, or text without markup. Answers are cut from it.
    pub text: String,
    /// Its blocks in order. A block that is part of an answer is copied from [`text`](Self::text) as it is.
    pub blocks: Vec<Block>,
    /// What the document says about all of its questions (front matter).
    pub common: Question,
    /// A title that is not part of the text, with its line (front matter).
    pub title: Option<(u64, String)>,
}

/// A piece of a document: a line, or an element that stands on lines of its own.
#[derive(Clone, Debug)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// Its line in the file, from 1.
    pub line: u64,
    /// Its place in [`Document::text`], in bytes, without the line end.
    pub source: Range<usize>,
    /// Columns of white space before it.
    pub indent: usize,
    /// The list marker in front of it.
    pub marker: Option<Marker>,
    /// Its text without markup; empty for code, rules and blank lines.
    pub text: Inline,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A heading, level 1 to 6.
    Heading(u8),
    /// The title of a fold (`<summary>`).
    Summary,
    /// The term of a definition list.
    Term,
    /// An element that the document itself declares to be a question, such as `class="faq-question"`.
    Declared,
    /// A button that shows or hides what follows.
    Button,
    /// A line of text, a row of a table.
    Text,
    /// A line of code, its fences included.
    Code,
    /// A horizontal rule.
    Rule,
    /// An empty line.
    Blank,
    /// A fold begins. Its title follows as [`Kind::Summary`].
    FoldStart,
    /// A fold ends.
    FoldEnd,
    /// The end of what can belong to an answer: a footer, the end of a definition list.
    Boundary,
}

/// A list marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The number; `None` for a bullet.
    pub number: Option<u32>,
    /// The column of the text behind the marker. Lines indented at least as far belong to the item.
    pub content: usize,
}

impl Marker {
    /// The column of the marker itself.
    pub fn column(self) -> usize {
        self.content - self.sign().len()
    }

    /// The marker as it is written, with the space behind it.
    pub fn sign(self) -> String {
        self.number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "))
    }
}

impl Document {
    /// Adds a block that is not preceded by a list marker. `source` is its place in [`text`](Self::text).
    pub fn push(&mut self, kind: Kind, line: u64, source: Range<usize>, text: Inline) {
        self.blocks.push(Block { kind, line, source, indent: 0, marker: None, text });
    }

    /// Appends a line to [`text`](Self::text) and returns its place.
    pub fn write_line(&mut self, line: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(line);
        self.text.push('\n');
        start..start + line.len()
    }

    /// Adds a block without text.
    pub fn mark(&mut self, kind: Kind, line: u64) {
        let end = self.text.len();
        self.push(kind, line, end..end, Inline::default());
    }

    /// Writes a blank line, if none was written directly before.
    pub fn blank(&mut self, line: u64) {
        if self.blocks.last().is_some_and(|last| last.kind != Kind::Blank) {
            self.mark(Kind::Blank, line);
            self.text.push('\n');
        }
    }

    /// The text of a block, as the document has it.
    pub fn source(&self, block: &Block) -> &str {
        &self.text[block.source.clone()]
    }
}

/// Columns of white space before a line's text. A tab advances to the next multiple of four.
pub fn columns(line: &str) -> usize {
    let mut columns = 0;
    for c in line.chars() {
        match c {
            ' ' => columns += 1,
            '\t' => columns += 4 - columns % 4,
            _ => break,
        }
    }
    columns
}

/// A line without its first `columns` columns of white space, or without as many as it has.
pub fn dedented(line: &str, columns: usize) -> &str {
    let mut passed = 0;
    for (at, c) in line.char_indices() {
        match c {
            ' ' if passed < columns => passed += 1,
            '\t' if passed < columns => passed += 4 - passed % 4,
            _ => return &line[at..],
        }
    }
    ""
}

/// Whether a line is three or more of one of the signs `*`, `_`, `-`, with or without space between.
pub fn is_rule(text: &str) -> bool {
    let mut signs = text.chars().filter(|c| !c.is_whitespace());
    let Some(first) = signs.next().filter(|c| matches!(c, '*' | '_' | '-')) else {
        return false;
    };
    signs.clone().count() >= 2 && signs.all(|c| c == first)
}
