//! reStructuredText → blocks and Markdown.

mod directive;
mod inline;
mod names;
mod parser;
mod syntax;
mod table;

use super::document::inline_markup::folded;
use super::document::writer::Lines;
use super::document::{Document, Kind, Line, Marker, Writer};
use names::Names;
use parser::{Parser, Within};
use syntax::{Number, adornment, directive, field, is_directive, item};

/// Parses reStructuredText, with the directives and roles of Sphinx.
pub fn parse(text: &str) -> Document {
    let lines = Lines::of(text);
    let names = Names::collect(text.len(), &lines);
    let mut parser = Parser {
        lines: &lines,
        names,
        writer: Writer::default(),
        open: Vec::new(),
        counters: Vec::new(),
        levels: Vec::new(),
    };
    lines.each_block(|at| parser.block(at));
    parser.leave(0);
    parser.writer.document
}

impl<'t> Parser<'t> {
    /// Reads a block and returns where the next one begins.
    fn block(&mut self, at: usize) -> usize {
        let line = self.lines[at];
        if line.text.is_empty() {
            self.writer.blank(line.number);
            return at + 1;
        }
        if let Some((sign, over)) = self.title(at) {
            return self.heading(at, sign, over);
        }
        self.leave(line.indent);
        let ends = |(column, _): &mut (usize, u32)| {
            *column > line.indent || *column == line.indent && !line.text.starts_with("#.")
        };
        while self.counters.pop_if(ends).is_some() {}
        if adornment(line.text).is_some() && line.text.len() >= 4 && self.lines.is_blank(at + 1) {
            self.writer.rule(line.number);
            return at + 1;
        }
        if let Some(rest) =
            line.text.strip_prefix("..").filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            return self.explicit(at, rest.trim());
        }
        if line.text.starts_with("__ ") {
            return at + 1;
        }
        self.content(at, line.indent, line.text)
    }

    /// `.. ` and what follows: a target, a footnote, a directive or a comment.
    fn explicit(&mut self, at: usize, rest: &'t str) -> usize {
        let line = self.lines[at];
        if rest.is_empty() && self.lines.is_blank(at + 1) {
            return at + 1;
        }
        let end = self.indented_end(at, line.indent);
        if rest.starts_with('[') {
            self.enter(line.indent, self.indent(), Within::Directive);
            return self.paragraph(at, line.indent + 3, rest, None);
        }
        match directive(rest).filter(|_| !rest.starts_with(['|', '_'])) {
            Some((name, arguments)) => self.directive(at, end, &name.to_lowercase(), arguments),
            None => end,
        }
    }

    /// Writes the title at a line. `over`: its adornment is above as well.
    fn heading(&mut self, at: usize, sign: char, over: bool) -> usize {
        self.leave(0);
        let key = (sign, over);
        let level = self.levels.iter().position(|known| *known == key).unwrap_or_else(|| {
            self.levels.push(key);
            self.levels.len() - 1
        });
        let text = self.lines[at + usize::from(over)];
        let markdown = self.inline(text.text);
        self.writer.heading(level + 1, text.number, &markdown);
        at + 2 + usize::from(over)
    }

    /// Reads what begins with `text` in this column of a line.
    fn content(&mut self, at: usize, column: usize, text: &'t str) -> usize {
        let line = self.lines[at];
        let indent = self.indent();
        if let Some((name, value)) = field(text) {
            return self.field(at, name, value);
        }
        if let Some((width, number, rest)) = item(text) {
            return self.item(at, column, width, number, rest);
        }
        if text.starts_with(">>> ") {
            let end = self.lines.end(at, |next| next.text.is_empty());
            self.writer.code(line.number, indent, "pycon", &self.lines[at..end]);
            return end;
        }
        if text.starts_with("+-") || text.starts_with("+=") || text.starts_with("===") && text.contains(" =")
        {
            let (mut rows, end) = table::rows(self.lines, at);
            rows.iter_mut().flat_map(|(_, cells)| cells).for_each(|cell| *cell = self.inline(cell));
            self.writer.table(indent, &rows);
            return end;
        }
        if text.starts_with("| ") || text == "|" {
            let markdown = self.inline(text[1..].trim());
            self.writer.paragraph(line.number, indent, None, &markdown);
            return at + 1;
        }
        self.paragraph(at, column, text, None)
    }

    /// The sign of the title that begins at a line, and whether it is above as well.
    fn title(&self, at: usize) -> Option<(char, bool)> {
        let text = |at: usize| self.lines.get(at).filter(|line| !line.text.is_empty());
        let line = text(at)?;
        let next = text(at + 1)?;
        if let Some(sign) = adornment(line.text) {
            let under = text(at + 2)?;
            let fits =
                line.indent == 0 && adornment(next.text).is_none() && adornment(under.text) == Some(sign);
            return (fits && line.text.len() == under.text.len()).then_some((sign, true));
        }
        let sign = adornment(next.text).filter(|_| line.indent == 0 && next.indent == 0)?;
        let long = next.text.len() >= line.text.chars().count() || next.text.len() >= 4;
        (long && !line.text.starts_with(".. ")).then_some((sign, false))
    }

    fn field(&mut self, at: usize, name: &str, value: &str) -> usize {
        let line = self.lines[at];
        let end = self.indented_end(at, line.indent);
        if self.writer.document.blocks.is_empty() {
            let value = self.lines.joined(value, at + 1..end).replace('\n', " ");
            self.writer.metadata(line.number, name, value.trim());
            return end;
        }
        let markdown = format!("**{}**: {}", self.inline(name), self.inline(value));
        let indent = self.indent();
        self.writer.paragraph(line.number, indent, None, &markdown);
        self.enter(line.indent, indent, Within::Directive);
        at + 1
    }

    fn item(
        &mut self,
        at: usize,
        column: usize,
        width: usize,
        number: Option<Number>,
        rest: &'t str,
    ) -> usize {
        let indent = self.indent();
        let number = number.map(|number| match number {
            Number::Is(number) => number,
            Number::Next => {
                if self.counters.last().is_none_or(|(last, _)| *last != column) {
                    self.counters.push((column, 0));
                }
                let last = self.counters.len() - 1;
                self.counters[last].1 += 1;
                self.counters[last].1
            }
        });
        let marker = Writer::marker(number, indent);
        self.enter(column, marker.content, Within::Item);
        // An item may begin with an item (`* - cell`).
        if width > 0 && item(rest).is_some() && number.is_none() && self.open.len() < MOST_OPEN {
            return self.content(at, column + width, rest);
        }
        self.paragraph(at, column + width, rest, Some((column, marker)))
    }

    /// A paragraph, or what begins as one: a term, the introduction of code. `own` is the column and the marker of
    /// the item that it begins.
    fn paragraph(&mut self, at: usize, column: usize, text: &'t str, own: Option<(usize, Marker)>) -> usize {
        let line = self.lines[at];
        let continues = |next: &Line<'_>| match own {
            Some((begin, _)) => next.indent > begin && item(next.text).is_none(),
            None => next.indent == line.indent,
        };
        let ends = |at: &usize| {
            let next = &self.lines[*at];
            next.text.is_empty() || !continues(next) || is_directive(next.text) || self.title(*at).is_some()
        };
        let end = (at + 1..self.lines.len()).find(ends).unwrap_or(self.lines.len());
        let indent = self.indent();
        let next = self.lines.get(end).filter(|next| !next.text.is_empty() && next.indent > line.indent);
        let is_term = end == at + 1 && own.is_none() && !text.ends_with(':');
        if is_term && next.is_some_and(|next| item(next.text).is_none()) {
            self.term(line, text);
            return end;
        }
        let all = self.lines.joined(text, at + 1..end);
        let all = if own.is_some() { folded(&all) } else { all };
        let marker = own.map(|(_, marker)| marker);
        let before = marker.map_or(indent, Marker::column);
        let Some(intro) = all.strip_suffix("::") else {
            let markdown = self.inline(&all);
            self.writer.paragraph(line.number, before, marker, &markdown);
            return end;
        };
        let colon = if intro.ends_with(|c: char| !c.is_whitespace()) { ":" } else { "" };
        let markdown = self.inline(intro.trim_end());
        self.writer.paragraph(line.number, before, marker, &format!("{markdown}{colon}"));
        self.literal(end, column)
    }

    /// The term of a definition list. Only the outermost ones may be questions.
    fn term(&mut self, line: Line<'_>, text: &str) {
        let (markdown, indent) = (self.inline(text), self.indent());
        if self.open.iter().all(|open| open.kind == Within::Directive) {
            self.writer.title(Kind::Term, line.number, &markdown);
        } else {
            self.writer.paragraph(line.number, indent, None, &format!("**{markdown}**"));
        }
        self.enter(line.indent, indent, Within::Definition);
    }

    /// A literal block: deeper than `column`, or lines that begin with the same sign.
    fn literal(&mut self, at: usize, column: usize) -> usize {
        let Some(start) = (at..self.lines.len()).find(|at| !self.lines.is_blank(*at)) else {
            return at;
        };
        let first = self.lines[start];
        let sign = first.text.chars().next().filter(char::is_ascii_punctuation);
        let end = if first.indent > column {
            self.indented_end(start, column)
        } else if let Some(sign) =
            sign.filter(|_| first.indent == column && start > at && !first.text.starts_with(".."))
        {
            self.lines.end(start, |next| !next.text.starts_with(sign))
        } else {
            return at;
        };
        if start > at {
            self.writer.blank(first.number);
        }
        let indent = self.indent();
        self.writer.code(first.number, indent, "", &self.lines[start..end]);
        end
    }
}

/// More items that begin on one line are text.
const MOST_OPEN: usize = 50;
