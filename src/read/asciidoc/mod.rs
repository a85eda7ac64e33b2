//! AsciiDoc → blocks and Markdown.

mod attributes;
mod inline;
mod syntax;
mod table;

use std::collections::HashMap;

use super::document::inline_markup::{Substitutions, folded, to_markdown};
use super::document::writer::Lines;
use super::document::{Document, Kind, Line, Marker, Writer};
use attributes::Attributes;
use inline::Inline;
use syntax::{
    Delimiter, admonition, attribute_entry, block_attributes, block_macro, is_condition, list_item, term,
};

/// Parses AsciiDoc.
pub fn parse(text: &str) -> Document {
    let lines = Lines::of(text);
    let mut delimiters: HashMap<&str, usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| Delimiter::of(line.text).is_some()) {
        delimiters.insert(line.text, at);
    }
    let mut parser = Parser {
        lines: &lines,
        delimiters,
        writer: Writer::default(),
        attributes: Substitutions::new(text.len()),
        attached: Attributes::default(),
        title: None,
        label: None,
        blocks: Vec::new(),
        lists: Vec::new(),
        after_blank: true,
        continues: false,
    };
    lines.each_block(|at| parser.block(at));
    parser.close(0);
    parser.writer.document
}

struct Parser<'t> {
    lines: &'t Lines<'t>,
    /// Of each delimiter, the last line that consists of it.
    delimiters: HashMap<&'t str, usize>,
    writer: Writer,
    attributes: Substitutions,
    /// The attributes above the next block (`[source,rust]`).
    attached: Attributes<'t>,
    /// Its title (`.Title`).
    title: Option<(u64, &'t str)>,
    /// What is written in front of the next paragraph (`Note`).
    label: Option<&'static str>,
    /// Open delimited blocks.
    blocks: Vec<Block<'t>>,
    /// Open lists, the innermost last.
    lists: Vec<List<'t>>,
    after_blank: bool,
    /// A line `+` is before: the next block belongs to the item.
    continues: bool,
}

/// A delimited block whose content is blocks.
struct Block<'t> {
    delimiter: &'t str,
    /// How many lists were open before it.
    lists: usize,
    is_fold: bool,
    /// The source of a quotation.
    source: Option<String>,
}

struct List<'t> {
    marker: &'t str,
    /// The column of its items' text in the Markdown.
    content: usize,
    number: u32,
    /// What its terms are. `None` if it is no list of definitions.
    terms: Option<Kind>,
    /// The text of its last term may follow.
    awaits_text: bool,
}

impl<'t> Parser<'t> {
    /// Reads a block and returns where the next one begins.
    fn block(&mut self, at: usize) -> usize {
        let line = self.lines[at];
        let text = line.text;
        if text.is_empty() {
            self.writer.blank(line.number);
            self.after_blank = true;
            return at + 1;
        }
        if text.starts_with("//") && !text.starts_with("///") || is_condition(text) {
            return at + 1;
        }
        if text == "+" && !self.lists.is_empty() {
            return self.continuation(at);
        }
        if line.indent == 0
            && let Some(next) = self.marginal(at)
        {
            return next;
        }
        let next = match Delimiter::of(text) {
            Some(delimiter) => self.delimited(at, delimiter),
            None => self.paragraph_or_item(at),
        };
        (self.after_blank, self.continues) = (false, false);
        self.attached = Attributes::default();
        next
    }

    /// Reads what begins in the first column only: attributes, the title of a block, a section.
    fn marginal(&mut self, at: usize) -> Option<usize> {
        let line = self.lines[at];
        if let Some((name, value)) = attribute_entry(line.text) {
            return Some(self.attribute(at, name, value, self.writer.document.blocks.is_empty()));
        }
        if let Some(inner) = block_attributes(line.text) {
            self.attached.add(inner);
            return Some(at + 1);
        }
        let title = line.text.strip_prefix('.');
        if let Some(title) = title.filter(|title| !title.starts_with(['.', ' ']) && !title.is_empty()) {
            self.title = Some((line.number, title));
            return Some(at + 1);
        }
        let (level, title, used) = self.section(at)?;
        Some(self.heading(at, level, title, used))
    }

    fn inline(&self, text: &str) -> String {
        to_markdown(&Inline { attributes: &self.attributes, is_nested: false }, text)
    }

    fn indent(&self) -> usize {
        self.lists.last().map_or(0, |list| list.content)
    }

    /// How many lists are open around the innermost delimited block.
    fn outer_lists(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.lists)
    }

    /// The block belongs to the item before. Behind a blank line, to the item around that one.
    fn continuation(&mut self, at: usize) -> usize {
        if self.after_blank && self.lists.len() > self.outer_lists() + 1 {
            self.lists.pop();
        }
        self.writer.blank(self.lines[at].number);
        (self.continues, self.after_blank) = (true, false);
        at + 1
    }

    /// `:name: value`, maybe on several lines.
    fn attribute(&mut self, at: usize, name: &'t str, value: &'t str, in_header: bool) -> usize {
        let mut end = at + 1;
        let mut parts = vec![value];
        while let Some(last) = parts.last_mut()
            && let Some(more) = last.strip_suffix(" \\").or_else(|| last.strip_suffix(" +"))
            && let Some(next) = self.lines.get(end).filter(|next| !next.text.is_empty())
        {
            *last = more;
            parts.push(next.text);
            end += 1;
        }
        let value = parts.join(" ");
        if in_header {
            self.writer.metadata(self.lines[at].number, name, &value);
        }
        self.attributes.insert(name, value);
        end
    }

    /// The level and title of the section that begins at a line, and how many lines it takes.
    fn section(&self, at: usize) -> Option<(usize, &'t str, usize)> {
        let text = self.lines[at].text;
        let sign = text.chars().next().filter(|c| matches!(c, '=' | '#'));
        let level = text.chars().take_while(|c| Some(*c) == sign).count();
        if sign.is_some() {
            let title = text[level..].trim();
            return (level <= 6 && text[level..].starts_with(' ') && !title.is_empty())
                .then_some((level, title, 1));
        }
        let under = self.lines.get(at + 1).filter(|under| under.indent == 0 && under.text.len() > 1)?.text;
        let sign = under.chars().next()?;
        let level = ['=', '-', '~', '^', '+'].iter().position(|known| *known == sign)? + 1;
        let fits = under.chars().all(|c| c == sign) && under.len().abs_diff(text.chars().count()) <= 1;
        let words = text.contains(char::is_alphanumeric)
            && Delimiter::of(text).is_none()
            && list_item(text).is_none();
        let closes = self.blocks.iter().any(|block| block.delimiter == under);
        (fits && words && !closes).then_some((level, text, 2))
    }

    fn heading(&mut self, at: usize, level: usize, title: &'t str, used: usize) -> usize {
        let line = self.lines[at];
        let is_first = self.writer.document.blocks.is_empty();
        self.close(0);
        self.lists.clear();
        let markdown = self.inline(title.trim_end_matches([' ', '=']));
        self.writer.heading(level, line.number, &markdown);
        (self.title, self.label, self.continues) = (None, None, false);
        self.attached = Attributes::default();
        let mut end = at + used;
        if is_first && level == 1 {
            // The author, the revision and attributes follow.
            while let Some(line) = self.lines.get(end).filter(|line| !line.text.is_empty()) {
                match attribute_entry(line.text) {
                    Some((name, value)) => end = self.attribute(end, name, value, true),
                    None if block_attributes(line.text).is_some() || Delimiter::of(line.text).is_some() => {
                        break;
                    }
                    None => end += 1,
                }
            }
        }
        end
    }

    /// Closes delimited blocks until as many are open.
    fn close(&mut self, open: usize) {
        while self.blocks.len() > open
            && let Some(block) = self.blocks.pop()
        {
            let line = self.writer.last_line();
            self.lists.truncate(block.lists);
            if let Some(source) = &block.source {
                let (indent, markdown) = (self.indent(), self.inline(source));
                self.writer.paragraph(line, indent, None, &format!("— {markdown}"));
            }
            self.writer.blank(line);
            if block.is_fold {
                self.writer.mark(Kind::FoldEnd, line);
            }
        }
    }

    /// Writes the title of a block.
    fn write_title(&mut self) {
        if let Some((line, title)) = self.title.take() {
            let (indent, markdown) = (self.indent(), self.inline(title));
            self.writer.paragraph(line, indent, None, &format!("**{markdown}**"));
            self.writer.blank(line);
        }
    }

    /// Ends the lists that a block does not belong to.
    fn leave_lists(&mut self) {
        if self.after_blank && !self.continues {
            self.lists.truncate(self.outer_lists());
        }
    }

    fn delimited(&mut self, at: usize, delimiter: Delimiter) -> usize {
        let line = self.lines[at];
        if delimiter == Delimiter::Blocks {
            if let Some(open) = self.blocks.iter().rposition(|block| block.delimiter == line.text) {
                self.close(open);
                return at + 1;
            }
            return self.open_block(at);
        }
        self.leave_lists();
        let closing = if line.text.starts_with("```") { "```" } else { line.text };
        let is_closed = self.delimiters.get(closing).is_some_and(|last| *last > at);
        let ends = |next: &Line<'_>| if is_closed { next.text == closing } else { next.text.is_empty() };
        let end = self.lines.end(at, ends);
        let inner = &self.lines[at + 1..end];
        let indent = self.indent();
        match delimiter {
            Delimiter::Code => {
                self.write_title();
                let language = self.language(line.text.trim_start_matches('`'));
                self.writer.code(line.number, indent, &language, inner);
            }
            Delimiter::Raw if matches!(self.attached.style(), "stem" | "latexmath" | "asciimath") => {
                self.writer.code(line.number, indent, "math", inner);
            }
            Delimiter::Table => {
                self.write_title();
                let mut rows = table::rows(line.text, inner, self.attached.columns);
                rows.iter_mut().flat_map(|(_, cells)| cells).for_each(|cell| *cell = self.inline(cell));
                self.writer.table(indent, &rows);
            }
            Delimiter::Raw | Delimiter::Comment | Delimiter::Blocks => self.title = None,
        }
        self.lists.iter_mut().for_each(|list| list.awaits_text = false);
        end + usize::from(is_closed)
    }

    fn language(&self, fence: &str) -> String {
        let (attached, style) = (&self.attached, self.attached.style());
        let is_fence = !fence.is_empty() && !fence.contains(['-', '.']);
        let positional = attached.positional.get(1).copied();
        let is_diagram = matches!(style, "mermaid" | "plantuml" | "ditaa" | "graphviz");
        let language = is_fence
            .then_some(fence)
            .or(attached.language)
            .or(positional.filter(|_| matches!(style, "source" | "")))
            .or(is_diagram.then_some(style))
            .or_else(|| self.attributes.get("source-language").filter(|_| style == "source"));
        language.unwrap_or_default().to_owned()
    }

    fn open_block(&mut self, at: usize) -> usize {
        let line = self.lines[at];
        // Its end was forgotten.
        if self.delimiters.get(line.text).is_none_or(|last| *last <= at) {
            return at + 1;
        }
        self.leave_lists();
        let style = self.attached.style();
        let is_fold = self.attached.is_fold;
        self.label = admonition(style).or(self.label);
        if is_fold {
            self.writer.mark(Kind::FoldStart, line.number);
            let (number, title) = self.title.take().unwrap_or((line.number, "Details"));
            let markdown = self.inline(title);
            self.writer.title(Kind::Summary, number, &markdown);
        } else {
            self.write_title();
        }
        if style == "source" || style == "listing" || style == "verse" {
            let end = self.lines.end(at, |next| next.text == line.text);
            let (indent, language) = (self.indent(), self.language(""));
            self.writer.code(line.number, indent, &language, &self.lines[at + 1..end]);
            return end + 1;
        }
        let source = self.attached.positional.get(1..).unwrap_or_default().join(", ");
        let source = Some(source).filter(|source| !source.is_empty() && matches!(style, "quote" | "verse"));
        self.lists.iter_mut().for_each(|list| list.awaits_text = false);
        self.blocks.push(Block { delimiter: line.text, lists: self.lists.len(), is_fold, source });
        at + 1
    }

    fn paragraph_or_item(&mut self, at: usize) -> usize {
        let line = self.lines[at];
        let text = line.text;
        if matches!(text, "'''" | "---" | "***" | "- - -" | "* * *") {
            self.lists.truncate(self.outer_lists());
            self.writer.rule(line.number);
            return at + 1;
        }
        if text == "<<<" {
            return at + 1;
        }
        if let Some((name, target, alt)) = block_macro(text) {
            self.block_macro(line.number, name, target, alt);
            return at + 1;
        }
        if let Some((marker, number, rest)) = list_item(text) {
            return self.item(at, marker, number, rest);
        }
        if let Some((term, marker, rest)) = term(text) {
            return self.term(at, term, marker, rest);
        }
        self.paragraph_or_code(at)
    }

    /// Indented lines are code, unless the term before waits for its text.
    fn paragraph_or_code(&mut self, at: usize) -> usize {
        let line = self.lines[at];
        let awaits = self.lists.last_mut().filter(|list| list.awaits_text);
        let awaits_text = awaits.map(|list| list.awaits_text = false).is_some();
        if !awaits_text && line.indent == 0 {
            self.leave_lists();
        }
        self.write_title();
        let indent = self.indent();
        let style = self.attached.style();
        let is_code = matches!(style, "source" | "listing" | "literal");
        if is_code || line.indent > 0 && !awaits_text && !matches!(style, "normal" | "quote" | "verse") {
            let end = self.lines.end(at, |next| next.text.is_empty() || next.text == "+");
            let language = self.language("");
            self.writer.code(line.number, indent, &language, &self.lines[at..end]);
            return end;
        }
        self.label = admonition(style).or(self.label);
        self.paragraph(at, line.text, None)
    }

    fn block_macro(&mut self, line: u64, name: &str, target: &str, alt: &str) {
        if name == "image" {
            let alt = alt.split(',').next().unwrap_or_default().trim_matches('"').replace(['[', ']'], "");
            self.write_title();
            self.writer.paragraph(line, self.indent(), None, &format!("![{alt}]({target})"));
        }
    }

    fn item(&mut self, at: usize, marker: &'t str, number: Option<u32>, rest: &'t str) -> usize {
        let indent = self.enter_list(marker, None);
        let is_numbered = number.is_some() || marker.starts_with('.');
        let mut number = number.filter(|number| *number > 0);
        if let Some(list) = self.lists.last_mut() {
            list.number = number.unwrap_or(list.number + 1);
            number = is_numbered.then_some(list.number);
        }
        let marker = Writer::marker(number, indent);
        if let Some(list) = self.lists.last_mut() {
            list.content = marker.content;
        }
        self.title = None;
        self.paragraph(at, rest, Some((indent, marker)))
    }

    /// Goes to the list with this marker, which may begin here, and returns the column of its items.
    fn enter_list(&mut self, marker: &'t str, terms: Option<Kind>) -> usize {
        let outer = self.outer_lists();
        match self.lists[outer..].iter().position(|list| list.marker == marker) {
            Some(known) => self.lists.truncate(outer + known + 1),
            None => {
                let content = self.indent();
                self.lists.push(List { marker, content, number: 0, terms, awaits_text: false });
            }
        }
        let own = self.lists.len() - 1;
        own.checked_sub(1).map_or(0, |around| self.lists[around].content)
    }

    fn term(&mut self, at: usize, term: &'t str, marker: &'t str, rest: &'t str) -> usize {
        let line = self.lines[at];
        let kind = if self.attached.style() == "qanda" { Kind::Declared } else { Kind::Term };
        let indent = self.enter_list(marker, Some(kind));
        let is_outermost = self.lists.len() == 1;
        let markdown = self.inline(term);
        let kind = self.lists.last().and_then(|list| list.terms).unwrap_or(kind);
        if is_outermost {
            self.writer.title(kind, line.number, &markdown);
        } else {
            self.writer.paragraph(line.number, indent, None, &format!("**{markdown}**"));
        }
        if let Some(list) = self.lists.last_mut() {
            (list.content, list.awaits_text) = (indent, rest.is_empty());
        }
        self.title = None;
        if rest.is_empty() { at + 1 } else { self.paragraph(at, rest, None) }
    }

    /// Writes the paragraph that begins with `text`, maybe as the item of a list in some column.
    fn paragraph(&mut self, at: usize, text: &'t str, item: Option<(usize, Marker)>) -> usize {
        let line = self.lines[at];
        let in_list = !self.lists.is_empty();
        let ends = |next: &Line<'_>| {
            next.text.is_empty()
                || next.text == "+" && in_list
                || Delimiter::of(next.text).is_some()
                || next.indent == 0 && block_attributes(next.text).is_some()
                || in_list && (list_item(next.text).is_some() || term(next.text).is_some())
        };
        let end = self.lines.end(at, ends);
        let rest = self.lines[at + 1..end].iter().map(|line| line.text);
        let rest = rest.filter(|text| !text.starts_with("//") && !is_condition(text));
        let all = [text].into_iter().chain(rest).collect::<Vec<_>>().join("\n");
        let all = if item.is_some() && !all.contains(" +\n") { folded(&all) } else { all };
        let (label, all) =
            match all.split_once(": ").and_then(|(label, rest)| Some((admonition(label)?, rest))) {
                Some((label, rest)) => (Some(label), rest),
                None => (self.label.take(), all.as_str()),
            };
        let label = label.map_or(String::new(), |label| format!("{label}: "));
        let (indent, marker) = item.map_or((self.indent(), None), |(indent, marker)| (indent, Some(marker)));
        let markdown = self.inline(all);
        self.writer.paragraph(line.number, indent, marker, &format!("{label}{markdown}"));
        end
    }
}
