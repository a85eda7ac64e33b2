//! AsciiDoc → blocks and Markdown.

use std::collections::HashMap;

use super::document::inline_markup::{
    Mark, Markup, Rest, Substitutions, code, folded, link, may_begin, push_text, to_markdown,
};
use super::document::writer::{self, Lines};
use super::document::{Document, Kind, Line, Marker, Writer};

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

/// The attributes of a block.
#[derive(Default)]
struct Attributes<'t> {
    /// The style, then what follows the commas.
    positional: Vec<&'t str>,
    language: Option<&'t str>,
    columns: Option<usize>,
    is_fold: bool,
}

impl<'t> Attributes<'t> {
    fn style(&self) -> &'t str {
        self.positional.first().copied().unwrap_or_default()
    }

    /// Adds the attributes of a line in brackets.
    fn add(&mut self, inner: &'t str) {
        let mut rest = inner;
        let mut first = true;
        while !rest.is_empty() {
            let mut quoted = false;
            let end = rest.find(|c| {
                quoted ^= c == '"';
                c == ',' && !quoted
            });
            let part = rest[..end.unwrap_or(rest.len())].trim();
            rest = end.map_or("", |end| &rest[end + 1..]);
            self.is_fold |= part.contains("collapsible");
            match part.split_once('=') {
                Some(("language" | "lang", value)) => self.language = Some(value.trim_matches('"')),
                Some(("cols", value)) => self.columns = Some(count_columns(value.trim_matches('"'))),
                Some(_) => {}
                None if first => {
                    let style = part.split(['#', '.', '%']).next().unwrap_or_default();
                    if !style.is_empty() || inner.starts_with(',') {
                        self.positional = vec![style];
                    }
                }
                None => self.positional.push(part.trim_matches('"')),
            }
            first = false;
        }
    }
}

/// How many columns `1,2` or `3*,1` are.
fn count_columns(spec: &str) -> usize {
    let count =
        |part: &str| part.split_once('*').and_then(|(count, _)| count.trim().parse().ok()).unwrap_or(1usize);
    let parts = spec.split([',', ';']).filter(|part| !part.trim().is_empty());
    parts.map(count).fold(0usize, usize::saturating_add).clamp(1, 1000)
}

/// What a line of delimiter signs begins or ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    Code,
    Raw,
    Comment,
    Table,
    Blocks,
}

impl Delimiter {
    fn of(text: &str) -> Option<Self> {
        let sign = text.chars().next()?;
        if text == "--" {
            return Some(Self::Blocks);
        }
        if text.starts_with("```") && !text[3..].contains('`') {
            return Some(Self::Code);
        }
        if text.len() == 4 && text.ends_with("===") && matches!(sign, '|' | ',' | ':' | '!') {
            return Some(Self::Table);
        }
        if text.len() < 4 || text.chars().any(|c| c != sign) {
            return None;
        }
        match sign {
            '-' | '.' => Some(Self::Code),
            '+' => Some(Self::Raw),
            '/' => Some(Self::Comment),
            '=' | '*' | '_' => Some(Self::Blocks),
            _ => None,
        }
    }
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
        if line.indent == 0 {
            if let Some((name, value)) = attribute_entry(text) {
                return self.attribute(at, name, value, self.writer.document.blocks.is_empty());
            }
            if let Some(inner) = block_attributes(text) {
                self.attached.add(inner);
                return at + 1;
            }
            let title =
                text.strip_prefix('.').filter(|title| !title.starts_with(['.', ' ']) && !title.is_empty());
            if let Some(title) = title {
                self.title = Some((line.number, title));
                return at + 1;
            }
            if let Some((level, title, used)) = self.section(at) {
                return self.heading(at, level, title, used);
            }
        }
        let next = match Delimiter::of(text) {
            Some(delimiter) => self.delimited(at, delimiter),
            None => self.paragraph_or_item(at),
        };
        (self.after_blank, self.continues) = (false, false);
        self.attached = Attributes::default();
        next
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
            let line = self.writer.document.blocks.last().map_or(1, |last| last.line);
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
                self.table(line.text, inner);
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
            if name == "image" {
                let alt = alt.split(',').next().unwrap_or_default().trim_matches('"').replace(['[', ']'], "");
                let indent = self.indent();
                self.write_title();
                self.writer.paragraph(line.number, indent, None, &format!("![{alt}]({target})"));
            }
            return at + 1;
        }
        if let Some((marker, number, rest)) = list_item(text) {
            return self.item(at, marker, number, rest);
        }
        if let Some((term, marker, rest)) = term(text) {
            return self.term(at, term, marker, rest);
        }
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
        self.paragraph(at, text, None)
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

    fn table(&mut self, delimiter: &str, lines: &[Line<'_>]) {
        let separator = delimiter.chars().next().filter(|sign| matches!(sign, ':' | ',')).unwrap_or('|');
        let mut cells: Vec<(u64, String)> = Vec::new();
        let mut in_first_line = 0;
        for line in lines.iter().filter(|line| !line.text.starts_with("//")) {
            if separator != '|' {
                let pieces = line.text.split(separator).map(|cell| cell.trim().trim_matches('"'));
                cells.extend(pieces.map(|cell| (line.number, cell.to_owned())));
            } else {
                let mut pieces = split_cells(line.text).into_iter();
                // What is before the first separator belongs to the cell of the line before.
                if let (Some(before), Some((_, last))) = (pieces.next(), cells.last_mut()) {
                    last.push('\n');
                    last.push_str(before);
                }
                cells.extend(pieces.map(|cell| (line.number, cell.to_owned())));
            }
            if in_first_line == 0 {
                in_first_line = cells.len();
            }
        }
        let width = self.attached.columns.unwrap_or(in_first_line).max(1);
        let cell = |(_, cell): &(u64, String)| self.inline(&cell.trim().replace("\\|", "|"));
        let row = |cells: &[(u64, String)]| (cells[0].0, cells.iter().map(cell).collect());
        let rows: Vec<(u64, Vec<String>)> = cells.chunks(width).map(row).collect();
        let indent = self.indent();
        if !rows.is_empty() {
            self.writer.table(indent, &rows);
        }
    }
}

/// The cells of a row, without what specifies them (`2+^|cell`). The first one is what is before the first separator.
fn split_cells(text: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices('|').filter(|(at, _)| !text[..*at].ends_with('\\')) {
        let cell = &text[start..at];
        let bare = cell.trim_end_matches(|c: char| c.is_ascii_digit() || "+*.<^>aehlmsdv".contains(c));
        let is_specified = bare.len() < cell.len() && (bare.is_empty() || bare.ends_with(' '));
        let fits =
            cell.len() - bare.len() == 1 || cell[bare.len()..].contains(['+', '*', '.', '<', '^', '>']);
        cells.push(if is_specified && fits { bare } else { cell }.trim());
        start = at + 1;
    }
    cells.push(text[start..].trim());
    cells
}

fn admonition(name: &str) -> Option<&'static str> {
    writer::admonition(name).filter(|_| name.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// A line that includes a file or depends on an attribute.
fn is_condition(text: &str) -> bool {
    let name =
        ["include::", "ifdef::", "ifndef::", "ifeval::", "endif::"].iter().any(|name| text.starts_with(name));
    name && text.ends_with(']')
}

/// `:name: value`, `:!name:`.
fn attribute_entry(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix(':')?.split_once(':')?;
    let name = name.trim_matches('!');
    let fits = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    (fits && (value.is_empty() || value.starts_with(' '))).then_some((name, value.trim()))
}

/// The inside of a line in brackets; empty for an anchor.
fn block_attributes(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.starts_with('[') && inner.ends_with(']') {
        return Some("");
    }
    let begins = inner.is_empty()
        || inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, ',' | '.' | '#' | '%' | '"'));
    (begins && !inner.contains(['[', ']'])).then_some(inner)
}

/// `name::target[text]` on a line of its own.
fn block_macro(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.strip_suffix(']')?.split_once("::")?;
    let (target, alt) = rest.split_once('[')?;
    let fits = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    (fits && !target.contains(' ')).then_some((name, target, alt))
}

/// The marker of a list item, its number if it has one, and its text.
fn list_item(text: &str) -> Option<(&str, Option<u32>, &str)> {
    let sign = text.chars().next()?;
    let end = match sign {
        '*' | '.' => text.chars().take_while(|c| *c == sign).count(),
        '-' => 1,
        '<' => text.find('>')? + 1,
        '0'..='9' => text.bytes().take_while(u8::is_ascii_digit).count() + 1,
        _ => return None,
    };
    let rest = text.get(end..)?.strip_prefix(' ')?.trim();
    let marker = &text[..end];
    if rest.is_empty() || matches!(sign, '*' | '.') && end > 5 {
        return None;
    }
    match sign {
        '<' if marker == "<.>" => Some(("<", Some(0), rest)),
        '<' => Some(("<", Some(marker[1..end - 1].parse().ok()?), rest)),
        '0'..='9' if end <= 5 => Some(("1", Some(marker.strip_suffix('.')?.parse().ok()?), rest)),
        '0'..='9' => None,
        _ => Some((marker, None, rest)),
    }
}

/// The term of a definition list, its marker, and the text on the same line.
fn term(text: &str) -> Option<(&str, &str, &str)> {
    let signs = text.match_indices("::").take(9).chain(text.match_indices(";;").take(9));
    let found = signs.filter_map(|(at, sign)| {
        let width = text[at..].bytes().take_while(|byte| sign.as_bytes()[0] == *byte).count();
        let after = &text[at + width..];
        let fits = at > 0
            && !text[..at].ends_with([':', ';'])
            && width <= 4
            && (after.is_empty() || after.starts_with(' '));
        fits.then_some((at, width))
    });
    let (at, width) = found.min_by_key(|(at, _)| *at)?;
    let term = text[..at].trim_end();
    (!term.is_empty()).then(|| (term, &text[at..at + width], text[at + width..].trim()))
}

struct Inline<'a> {
    attributes: &'a Substitutions,
    is_nested: bool,
}

/// The text of an attribute that every document has.
fn sign(name: &str) -> Option<&'static str> {
    Some(match name {
        "nbsp" | "sp" => " ",
        "empty" | "zwsp" | "wj" => "",
        "plus" => "+",
        "asterisk" => "*",
        "backtick" => "`",
        "tilde" => "~",
        "caret" => "^",
        "startsb" => "[",
        "endsb" => "]",
        "vbar" => "|",
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "cpp" => "C++",
        "quot" => "\"",
        "apos" => "'",
        "backslash" => "\\",
        _ => return None,
    })
}

impl Markup for Inline<'_> {
    const MARKS: &'static [Mark] = &[
        Mark { sign: "``", markdown: "`", anywhere: true },
        Mark::new("`", "`"),
        Mark { sign: "**", markdown: "**", anywhere: true },
        Mark::new("*", "**"),
        Mark { sign: "__", markdown: "*", anywhere: true },
        Mark::new("_", "*"),
        Mark { sign: "##", markdown: "", anywhere: true },
        Mark::new("#", ""),
        Mark { sign: "+++", markdown: "\\", anywhere: true },
        Mark::new("+", "\\"),
    ];

    fn special(&self, scan: &Rest<'_>, before: Option<char>, written: &mut String) -> Option<usize> {
        let rest = scan.text;
        match rest.chars().next()? {
            '\\' => {
                let next = rest[1..]
                    .chars()
                    .next()
                    .filter(|c| matches!(c, '*' | '_' | '`' | '#' | '{' | '[' | '<' | '+' | 'h' | '\\'))?;
                written.extend(Some('\\').filter(|_| matches!(next, '*' | '_' | '`')));
                written.push(next);
                Some(2)
            }
            ' ' if rest.starts_with(" +\n") || rest == " +" => Some(2),
            '{' => {
                let (name, used) = scan
                    .until(1, "}")
                    .filter(|(name, _)| name.len() < 60 && !name.contains(char::is_whitespace))?;
                if let Some(sign) = sign(name) {
                    written.push_str(sign);
                } else if let Some(text) = self.attributes.get(name).filter(|_| !self.is_nested) {
                    written.push_str(&self.nested(text));
                } else if !name.starts_with("counter") && !name.starts_with("set:") {
                    return None;
                }
                Some(1 + used)
            }
            '<' if rest.starts_with("<<") && !rest.starts_with("<< ") && !self.is_nested => {
                let (inner, used) = scan.until(2, ">>").filter(|(inner, _)| !inner.contains('<'))?;
                let (target, text) = inner.split_once(',').unwrap_or((inner, ""));
                written.push_str(&self.reference(target, text));
                Some(2 + used)
            }
            '[' if rest.starts_with("[[") => {
                scan.until(2, "]]").filter(|(id, _)| !id.contains(['[', ' '])).map(|(_, used)| 2 + used)
            }
            '[' => {
                let (role, used) =
                    scan.until(1, "]").filter(|(role, _)| role.len() < 60 && !role.contains('['))?;
                let marks = rest[1 + used..].starts_with(['#', '*', '_', '`']);
                (marks && may_begin(before) && !role.is_empty()).then_some(1 + used)
            }
            '(' if rest.starts_with("(((") => scan.until(3, ")))").map(|(_, used)| 3 + used),
            '(' if rest.starts_with("((") && may_begin(before) => {
                let (text, used) = scan.until(2, "))").filter(|(text, _)| !text.contains(['(', ')']))?;
                push_text(text, written);
                Some(2 + used)
            }
            quote @ ('"' | '\'') if rest[1..].starts_with('`') && may_begin(before) && !self.is_nested => {
                let (text, used) = scan.until(2, if quote == '"' { "`\"" } else { "`'" })?;
                written.push_str(&format!("{quote}{}{quote}", self.nested(text)));
                Some(2 + used)
            }
            '`' if rest.starts_with("`+") => {
                let (text, used) = scan.until(2, "+`")?;
                written.push_str(&code(text));
                Some(2 + used)
            }
            c if c.is_ascii_alphabetic() && may_begin(before) && !self.is_nested => {
                self.inline_macro(scan, written)
            }
            _ => None,
        }
    }
}

impl Inline<'_> {
    fn nested(&self, text: &str) -> String {
        to_markdown(&Inline { attributes: self.attributes, is_nested: true }, text)
    }

    /// A link to a place in this document or in another one.
    fn reference(&self, target: &str, text: &str) -> String {
        let target = target.trim();
        let name =
            target.rsplit('#').next().unwrap_or(target).trim_start_matches('_').replace(['_', '-'], " ");
        let text = if text.trim().is_empty() { &name } else { text };
        let is_own = !target.contains(['#', '.', '/', ':']);
        link(&self.nested(text), &if is_own { format!("#{target}") } else { target.to_owned() })
    }

    /// `name:target[text]`.
    fn inline_macro(&self, scan: &Rest<'_>, written: &mut String) -> Option<usize> {
        let rest = scan.text;
        let width = rest.bytes().take(20).take_while(u8::is_ascii_alphanumeric).count();
        rest[width..].strip_prefix(':').filter(|after| !after.starts_with([' ', ':']))?;
        let (target, used) =
            scan.until(width + 1, "[").filter(|(target, _)| !target.contains(char::is_whitespace))?;
        let (text, end) = scan.until(width + 1 + used, "]")?;
        let all = width + 1 + used + end;
        // Attributes of a link follow its text.
        let words =
            text.split_once(',').filter(|(_, rest)| rest.contains('=')).map_or(text, |(words, _)| words);
        let words = words.trim_matches('"').trim_end_matches('^');
        let first = || text.split(',').next().unwrap_or_default().to_owned();
        let name = &rest[..width];
        let markdown = match name {
            "http" | "https" | "ftp" | "irc" if target.starts_with("//") => {
                link(&self.nested(words), &format!("{name}:{target}"))
            }
            "link" => link(&self.nested(words), target),
            "mailto" => link(&self.nested(words), &format!("mailto:{target}")),
            "xref" => self.reference(target, words),
            "image" | "icon" if first().is_empty() => String::new(),
            "image" | "icon" => format!("![{}]({target})", first()),
            "kbd" | "btn" => code(text),
            "menu" => format!("{target} > {text}").trim_end_matches([' ', '>']).to_owned(),
            "footnote" => format!(" ({})", self.nested(text)),
            "stem" | "latexmath" | "asciimath" => code(text),
            "pass" => text.to_owned(),
            "anchor" | "indexterm" | "indexterm2" => String::new(),
            "linkgit" | "man" | "manpage" => format!("{target}({text})"),
            _ => return None,
        };
        written.push_str(&markdown);
        Some(all)
    }
}
