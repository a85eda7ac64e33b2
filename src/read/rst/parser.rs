//! The state of the parser: what is open, and what was written.

use super::inline::Inline;
use super::names::Names;
use crate::read::document::inline_markup::to_markdown;
use crate::read::document::writer::Lines;
use crate::read::document::{Kind, Writer};

/// Writes what it reads, and knows what is open.
pub struct Parser<'t> {
    pub lines: &'t Lines<'t>,
    pub names: Names,
    pub writer: Writer,
    pub open: Vec<Container>,
    /// The lists with automatic numbers (`#.`): their column, and the last number.
    pub counters: Vec<(usize, u32)>,
    /// The adornments of titles in the order of their appearance: the sign, and whether it is above as well.
    pub levels: Vec<(char, bool)>,
}

/// Something that indented lines belong to.
pub struct Container {
    /// The column where it begins: deeper lines belong to it.
    pub column: usize,
    /// The column of its content in the Markdown.
    pub indent: usize,
    pub kind: Within,
}

/// What indented lines belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Within {
    Item,
    Definition,
    Fold,
    Directive,
}

impl Parser<'_> {
    /// Where the block of lines that are indented deeper than `column` ends.
    pub fn indented_end(&self, at: usize, column: usize) -> usize {
        self.lines.end(at, |next| !next.text.is_empty() && next.indent <= column)
    }

    /// Closes what a line in this column does not belong to.
    pub fn leave(&mut self, column: usize) {
        while let Some(last) = self.open.pop_if(|last| last.column >= column) {
            if last.kind == Within::Fold {
                self.writer.mark(Kind::FoldEnd, self.writer.last_line());
            }
        }
    }

    /// Opens what deeper lines belong to. `indent` is the column of its content in the Markdown.
    pub fn enter(&mut self, column: usize, indent: usize, kind: Within) {
        self.open.push(Container { column, indent, kind });
    }

    /// The column of what is written, in the Markdown.
    pub fn indent(&self) -> usize {
        self.open.last().map_or(0, |last| last.indent)
    }

    /// A text in Markdown.
    pub fn inline(&self, text: &str) -> String {
        to_markdown(&Inline { names: &self.names, is_nested: false }, text)
    }
}
