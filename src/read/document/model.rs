//! What each text format is parsed into, and what the question finder sees.

use std::ops::Range;

use super::inline::Inline;
use crate::question::Question;

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
