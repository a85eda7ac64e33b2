//! reStructuredText → blocks and Markdown.

use super::document::inline_markup::{
    Mark, Markup, Rest, Substitutions, anchor, code, folded, link, may_begin, push_text, to_markdown,
};
use super::document::writer::Lines;
use super::document::{Document, Kind, Line, Marker, Writer};
use super::markup::one_line;

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

struct Parser<'t> {
    lines: &'t Lines<'t>,
    names: Names,
    writer: Writer,
    open: Vec<Container>,
    /// The lists with automatic numbers (`#.`): their column, and the last number.
    counters: Vec<(usize, u32)>,
    /// The adornments of titles in the order of their appearance: the sign, and whether it is above as well.
    levels: Vec<(char, bool)>,
}

/// Something that indented lines belong to.
struct Container {
    /// The column where it begins: deeper lines belong to it.
    column: usize,
    /// The column of its content in the Markdown.
    indent: usize,
    kind: Within,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Item,
    Definition,
    Fold,
    Directive,
}

/// What a directive does with its content.
enum Directive {
    Code,
    /// Nothing of it is read.
    Silent,
    /// A label is in front of it.
    Labelled(&'static str),
    /// Its arguments only say how it looks.
    Container,
    /// Its arguments are a title.
    Titled,
    Fold,
    Image,
    Other,
}

impl Directive {
    fn of(name: &str) -> Self {
        match name {
            "code-block" | "code" | "sourcecode" | "parsed-literal" | "literal" | "doctest" | "testcode"
            | "testoutput" | "testsetup" | "prompt" | "ipython" | "console" | "productionlist"
            | "mermaid" | "graphviz" | "math" => Self::Code,
            "contents" | "toctree" | "index" | "include" | "literalinclude" | "raw" | "meta"
            | "currentmodule" | "module" | "py:module" | "py:currentmodule" | "highlight" | "sectnum"
            | "section-numbering" | "default-role" | "role" | "tabularcolumns" | "target-notes"
            | "header" | "footer" | "default-domain" | "automodule" | "autoclass" | "autofunction"
            | "autosummary" | "moduleauthor" | "sectionauthor" | "todolist" => Self::Silent,
            "note" => Self::Labelled("Note"),
            "warning" => Self::Labelled("Warning"),
            "tip" => Self::Labelled("Tip"),
            "hint" => Self::Labelled("Hint"),
            "important" => Self::Labelled("Important"),
            "caution" => Self::Labelled("Caution"),
            "danger" => Self::Labelled("Danger"),
            "error" => Self::Labelled("Error"),
            "attention" => Self::Labelled("Attention"),
            "seealso" => Self::Labelled("See also"),
            "versionadded" => Self::Labelled("New in version"),
            "versionchanged" => Self::Labelled("Changed in version"),
            "deprecated" => Self::Labelled("Deprecated since version"),
            "todo" => Self::Labelled("To do"),
            "only" | "container" | "rst-class" | "cssclass" | "tabs" | "tab-set" | "grid" | "glossary"
            | "compound" => Self::Container,
            "rubric" | "topic" | "sidebar" | "admonition" | "card" | "tab" | "tab-item" | "group-tab"
            | "table" | "list-table" | "csv-table" | "centered" => Self::Titled,
            "dropdown" | "collapse" | "details" | "toggle" => Self::Fold,
            "image" | "figure" => Self::Image,
            _ => Self::Other,
        }
    }
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
            self.leave(0);
            let key = (sign, over);
            let level = self.levels.iter().position(|known| *known == key).unwrap_or_else(|| {
                self.levels.push(key);
                self.levels.len() - 1
            });
            let text = self.lines[at + usize::from(over)];
            let markdown = self.inline(text.text);
            self.writer.heading(level + 1, text.number, &markdown);
            return at + 2 + usize::from(over);
        }
        self.leave(line.indent);
        let ends = |(column, _): &mut (usize, u32)| {
            *column > line.indent || *column == line.indent && !line.text.starts_with("#.")
        };
        while self.counters.pop_if(ends).is_some() {}
        if adornment(line.text).is_some() && line.text.len() >= 4 && self.is_blank(at + 1) {
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
            return self.table(at);
        }
        if text.starts_with("| ") || text == "|" {
            let markdown = self.inline(text[1..].trim());
            self.writer.paragraph(line.number, indent, None, &markdown);
            return at + 1;
        }
        self.paragraph(at, column, text, None)
    }

    /// Where the block of lines that are indented deeper than `column` ends.
    fn indented_end(&self, at: usize, column: usize) -> usize {
        self.lines.end(at, |next| !next.text.is_empty() && next.indent <= column)
    }

    fn is_blank(&self, at: usize) -> bool {
        self.lines.get(at).is_none_or(|line| line.text.is_empty())
    }

    /// Closes what a line in this column does not belong to.
    fn leave(&mut self, column: usize) {
        while let Some(last) = self.open.pop_if(|last| last.column >= column) {
            if last.kind == Within::Fold {
                let line = self.writer.document.blocks.last().map_or(1, |last| last.line);
                self.writer.mark(Kind::FoldEnd, line);
            }
        }
    }

    fn enter(&mut self, column: usize, indent: usize, kind: Within) {
        self.open.push(Container { column, indent, kind });
    }

    fn indent(&self) -> usize {
        self.open.last().map_or(0, |last| last.indent)
    }

    fn inline(&self, text: &str) -> String {
        to_markdown(&Inline { names: &self.names, is_nested: false }, text)
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

    /// A paragraph, or what begins as one: a term, the introduction of code. `item` is the column and the marker of
    /// the item that it begins.
    fn paragraph(
        &mut self,
        at: usize,
        column: usize,
        text: &'t str,
        item_before: Option<(usize, Marker)>,
    ) -> usize {
        let line = self.lines[at];
        let continues = |next: &Line<'_>| match item_before {
            Some((own, _)) => next.indent > own && item(next.text).is_none(),
            None => next.indent == line.indent,
        };
        let ends = |at: &usize| {
            let next = &self.lines[*at];
            next.text.is_empty() || !continues(next) || is_directive(next.text) || self.title(*at).is_some()
        };
        let end = (at + 1..self.lines.len()).find(ends).unwrap_or(self.lines.len());
        let indent = self.indent();
        let next = self.lines.get(end).filter(|next| !next.text.is_empty() && next.indent > line.indent);
        let is_term = end == at + 1 && item_before.is_none() && !text.ends_with(':');
        if is_term && next.is_some_and(|next| item(next.text).is_none()) {
            let markdown = self.inline(text);
            if self.open.iter().all(|open| open.kind == Within::Directive) {
                self.writer.title(Kind::Term, line.number, &markdown);
            } else {
                self.writer.paragraph(line.number, indent, None, &format!("**{markdown}**"));
            }
            self.enter(line.indent, indent, Within::Definition);
            return end;
        }
        let all = self.lines.joined(text, at + 1..end);
        let all = if item_before.is_some() { folded(&all) } else { all };
        let marker = item_before.map(|(_, marker)| marker);
        let before =
            marker.map_or(indent, |marker| marker.content - Writer::marker(marker.number, 0).content);
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

    /// A literal block: deeper than `column`, or lines that begin with the same sign.
    fn literal(&mut self, at: usize, column: usize) -> usize {
        let Some(start) = (at..self.lines.len()).find(|at| !self.is_blank(*at)) else {
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

    /// `.. ` and what follows: a target, a footnote, a directive or a comment.
    fn explicit(&mut self, at: usize, rest: &'t str) -> usize {
        let line = self.lines[at];
        if rest.is_empty() && self.is_blank(at + 1) {
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

    fn directive(&mut self, at: usize, end: usize, name: &str, arguments: &'t str) -> usize {
        let line = self.lines[at];
        let options = self.lines[at + 1..end].iter().take_while(|line| field(line.text).is_some());
        let body = at + 1 + options.clone().count();
        let indent = self.indent();
        let directive = Directive::of(name);
        match directive {
            Directive::Code => {
                let is_language = matches!(name, "mermaid" | "graphviz" | "console");
                let language = if is_language { name } else { arguments };
                self.writer.code(line.number, indent, language, &self.lines[body..end]);
                return end;
            }
            Directive::Silent => return end,
            _ => {}
        }
        // A title or a text may go on in the next lines.
        let below = if body == at + 1 && !arguments.is_empty() {
            self.lines.end(at, |next| next.text.is_empty()).min(end)
        } else {
            body
        };
        let text = self.lines.joined(arguments, at + 1..if below > body { below } else { at + 1 });
        let markdown = match directive {
            Directive::Image => {
                let alt = options.filter_map(|line| field(line.text)).find(|(name, _)| *name == "alt");
                let alt = alt.map(|(_, alt)| format!("![{}]({arguments})", alt.replace(['[', ']'], "")));
                alt.unwrap_or_default()
            }
            Directive::Labelled(label) => format!("{label}: {}", self.inline(&text)),
            Directive::Container => String::new(),
            _ if text.is_empty() => text,
            Directive::Titled => format!("**{}**", self.inline(&text)),
            Directive::Fold => {
                self.writer.mark(Kind::FoldStart, line.number);
                let markdown = self.inline(&text);
                self.writer.title(Kind::Summary, line.number, &one_line(&markdown));
                self.enter(line.indent, indent, Within::Fold);
                return below;
            }
            _ if text.contains('(') || text.split_whitespace().nth(2).is_none() => code(&text),
            _ => self.inline(&text),
        };
        self.writer.paragraph(line.number, indent, None, &markdown);
        self.enter(line.indent, indent, Within::Directive);
        below.max(body)
    }

    /// A grid table (`+---+`) or a simple one (`=== ===`).
    fn table(&mut self, at: usize) -> usize {
        let border = self.lines[at];
        let is_grid = border.text.starts_with('+');
        let is_border =
            |line: &Line<'_>| line.text.starts_with('=') && line.text.chars().all(|c| matches!(c, '=' | ' '));
        let end = if is_grid {
            self.lines.end(at, |next| !next.text.starts_with(['+', '|']))
        } else {
            let last = |at: &usize| is_border(&self.lines[*at]) && self.is_blank(at + 1);
            let last = (at + 1..self.lines.len().min(at + MOST_ROWS)).find(last);
            last.map_or_else(|| self.lines.end(at, |next| next.text.is_empty()), |last| last + 1)
        };
        let signs: Vec<char> = border.text.chars().collect();
        let begins_cell = |at: &usize| match is_grid {
            true => *at > 0 && signs[at - 1] == '+',
            false => signs[*at] == '=' && (*at == 0 || signs[at - 1] == ' '),
        };
        let starts: Vec<usize> = (0..signs.len()).filter(begins_cell).take(MOST_COLUMNS).collect();
        let mut rows: Vec<(u64, Vec<String>)> = Vec::new();
        let mut begins = true;
        for line in &self.lines[at..end] {
            let is_between = line.text.chars().all(|c| matches!(c, '+' | '-' | '=' | '|' | ' '));
            if line.text.is_empty() || is_between {
                begins |= is_grid && line.text.starts_with('+');
                continue;
            }
            let signs: Vec<char> = line.from(border.indent).chars().collect();
            let cell = |(at, start): (usize, &usize)| {
                let end = starts.get(at + 1).map_or(signs.len(), |next| next - 1).min(signs.len());
                let cell: String = signs.get(*start..end).unwrap_or_default().iter().collect();
                cell.trim().trim_end_matches('|').trim().to_owned()
            };
            let cells: Vec<String> = starts.iter().enumerate().map(cell).collect();
            begins |= !is_grid && cells.first().is_some_and(|first| !first.is_empty());
            match rows.last_mut().filter(|_| !begins) {
                Some((_, last)) => last.iter_mut().zip(&cells).filter(|(_, cell)| !cell.is_empty()).for_each(
                    |(last, cell)| {
                        last.push(' ');
                        last.push_str(cell);
                    },
                ),
                None => rows.push((line.number, cells)),
            }
            begins = false;
        }
        for cell in rows.iter_mut().flat_map(|(_, cells)| cells) {
            *cell = to_markdown(&Inline { names: &self.names, is_nested: false }, cell);
        }
        let indent = self.indent();
        self.writer.table(indent, &rows);
        end
    }
}

/// More columns of a table are left out.
const MOST_COLUMNS: usize = 100;

/// A simple table that does not end within as many lines is none.
const MOST_ROWS: usize = 500;

/// More items that begin on one line are text.
const MOST_OPEN: usize = 50;

/// The sign of a line of nothing but one sign.
fn adornment(text: &str) -> Option<char> {
    let sign = text.chars().next().filter(char::is_ascii_punctuation)?;
    (text.len() > 1 && text.chars().all(|c| c == sign) && text != "::" && text != "..").then_some(sign)
}

/// `:name: value`.
fn field(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix(':')?.split_once(':')?;
    let fits = !name.is_empty()
        && !name.starts_with(' ')
        && !name.contains('`')
        && (value.is_empty() || value.starts_with(' '));
    fits.then_some((name, value.trim()))
}

/// The name and the arguments of a directive (`note:: text`).
fn directive(rest: &str) -> Option<(&str, &str)> {
    let (at, _) = rest
        .match_indices("::")
        .take(4)
        .find(|(at, _)| rest[at + 2..].is_empty() || rest[at + 2..].starts_with(' '))?;
    let name = rest[..at].trim_end();
    (!name.is_empty() && name.bytes().all(is_name)).then(|| (name, rest[at + 2..].trim()))
}

fn is_directive(text: &str) -> bool {
    text.strip_prefix(".. ").is_some_and(|rest| directive(rest).is_some())
}

#[derive(Clone, Copy)]
enum Number {
    Is(u32),
    /// One more than the item before.
    Next,
}

/// The width of a list marker with the space behind it, its number, and the text.
fn item(text: &str) -> Option<(usize, Option<Number>, &str)> {
    let open = text.strip_prefix('(').unwrap_or(text);
    let end = open.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(open.len());
    let (label, after) = open.split_at(end);
    let closing = if open.len() < text.len() { &[')'][..] } else { &['.', ')'] };
    let (rest, number) = match (label, after.strip_prefix(closing)) {
        ("", _) if open.len() == text.len() => (text.strip_prefix(['*', '+', '-', '•', '‣', '⁃'])?, None),
        ("#", Some(rest)) => (rest, Some(Number::Next)),
        (label, Some(rest))
            if label.len() <= 4 && label.bytes().all(|b| b.is_ascii_digit()) && !label.is_empty() =>
        {
            (rest, Some(Number::Is(label.parse().ok()?)))
        }
        // A letter stays in the text: Markdown has no such lists.
        (label, Some(rest))
            if label.len() == 1 && label != "#" && rest.starts_with(' ') && after.starts_with(')') =>
        {
            return Some((0, None, text));
        }
        _ => return None,
    };
    let content = rest.trim_start();
    (rest.is_empty() || content.len() < rest.len()).then(|| (text.len() - content.len(), number, content))
}

/// What names stand for.
struct Names {
    /// Addresses of targets (`.. _name: https://…`).
    targets: Substitutions,
    /// Texts of substitutions (`.. |name| replace:: text`).
    texts: Substitutions,
}

impl Names {
    fn collect(document: usize, lines: &Lines<'_>) -> Self {
        let mut names = Self { targets: Substitutions::new(document), texts: Substitutions::new(document) };
        for (at, line) in lines.iter().enumerate() {
            let Some(rest) = line.text.strip_prefix(".. ") else {
                continue;
            };
            // The value may go on in the next lines.
            let end = lines.end(at, |next| next.text.is_empty() || next.indent <= line.indent);
            let value = |first: &str| lines.joined(first, at + 1..end.min(at + 21)).replace('\n', " ");
            if let Some(rest) = rest.strip_prefix('_') {
                let quoted = rest.strip_prefix('`').and_then(|rest| rest.split_once("`:"));
                let split = rest
                    .match_indices(':')
                    .find(|(at, _)| rest[at + 1..].is_empty() || rest[at + 1..].starts_with(' '));
                if let Some((name, first)) =
                    quoted.or_else(|| split.map(|(at, _)| (&rest[..at], &rest[at + 1..])))
                {
                    let target = value(first);
                    names.targets.insert(name, target.split_whitespace().collect::<String>());
                }
            } else if let Some((name, rest)) = rest.strip_prefix('|').and_then(|rest| rest.split_once('|'))
                && let Some(first) = rest.trim().strip_prefix("replace::")
            {
                names.texts.insert(name, value(first.trim()).trim());
            }
        }
        names
    }

    /// The address of a target. A target may name another.
    fn target(&self, name: &str) -> Option<&str> {
        let target = self.targets.get(name)?;
        target.strip_suffix('_').and_then(|name| self.targets.get(name.trim_matches('`'))).or(Some(target))
    }
}

struct Inline<'n> {
    names: &'n Names,
    is_nested: bool,
}

/// Whether the text of a role is code. So is that of the roles of a domain, such as `py:func`.
fn is_code(role: &str, name: &str) -> bool {
    match name {
        "code" | "literal" | "func" | "class" | "meth" | "mod" | "attr" | "data" | "const" | "exc"
        | "obj" | "envvar" | "option" | "file" | "command" | "program" | "kbd" | "samp" | "keyword"
        | "regexp" | "token" | "makevar" | "mailheader" | "mimetype" | "cmdoption" | "setting" | "sig"
        | "math" | "cfunc" | "ctype" | "macro" => true,
        name => role.contains(':') && !matches!(name, "ref" | "doc" | "term"),
    }
}

/// The longest name of a role that is looked at, in bytes.
const LONGEST_ROLE: usize = 60;

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.' | b'+')
}

impl Markup for Inline<'_> {
    const MARKS: &'static [Mark] =
        &[Mark { sign: "``", markdown: "`", anywhere: false }, Mark::new("**", "**"), Mark::new("*", "*")];

    fn special(&self, scan: &Rest<'_>, before: Option<char>, written: &mut String) -> Option<usize> {
        let rest = scan.text;
        let first = rest.chars().next()?;
        match first {
            '\\' => {
                let next = rest[1..].chars().next()?;
                match next {
                    '*' | '_' | '`' | '\\' => written.extend(['\\', next]),
                    next => written.extend(Some(next).filter(|c| !c.is_whitespace())),
                }
                Some(1 + next.len_utf8())
            }
            ':' if may_begin(before) && !self.is_nested => {
                let width = rest[1..].bytes().take(LONGEST_ROLE).take_while(|b| is_name(*b)).count();
                let role = rest[1..1 + width]
                    .strip_suffix(':')
                    .filter(|role| !role.is_empty() && rest[1 + width..].starts_with('`'))?;
                let (text, used) = scan.until(2 + width, "`")?;
                written.push_str(&self.role(role, text));
                Some(2 + width + used)
            }
            '`' if !rest.starts_with("``") && may_begin(before) && !self.is_nested => {
                let (text, used) =
                    scan.until(1, "`").filter(|(text, _)| !text.starts_with(char::is_whitespace))?;
                let after = &rest[1 + used..];
                if after.starts_with('_') {
                    written.push_str(&self.reference(text));
                    return Some(1 + used + after.bytes().take(2).take_while(|b| *b == b'_').count());
                }
                let width = after.bytes().take(LONGEST_ROLE).take_while(|b| is_name(*b)).count();
                match after[..width].strip_prefix(':').and_then(|role| role.strip_suffix(':')) {
                    Some(role) if !role.is_empty() => {
                        written.push_str(&self.role(role, text));
                        Some(1 + used + width)
                    }
                    // Many mean code.
                    _ if !text.contains(char::is_whitespace) => {
                        written.push_str(&code(text));
                        Some(1 + used)
                    }
                    _ => {
                        push_text(text, written);
                        Some(1 + used)
                    }
                }
            }
            '|' if may_begin(before) && !self.is_nested => {
                let (name, used) = scan
                    .until(1, "|")
                    .filter(|(name, _)| !name.is_empty() && name.len() < 80 && name.trim() == *name)?;
                let text = self.names.texts.get(name).unwrap_or(name);
                written.push_str(&self.nested(text));
                Some(1 + used + rest[1 + used..].bytes().take(2).take_while(|b| *b == b'_').count())
            }
            '[' => {
                let (label, used) = scan
                    .until(1, "]_")
                    .filter(|(label, _)| label.len() < 40 && !label.contains(['[', ' ']))?;
                written.push_str(&format!("[{label}]"));
                Some(1 + used)
            }
            // `name_` refers to a target.
            '_' if before.is_some_and(char::is_alphanumeric) && !self.is_nested => {
                let used = rest.bytes().take(2).take_while(|b| *b == b'_').count();
                let ends = Self::may_end(rest[used..].chars().next());
                let start = written
                    .rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '.'))
                    .map_or(0, |at| at + 1);
                let start = start
                    + written[start..]
                        .chars()
                        .next()
                        .filter(|c| !c.is_alphanumeric())
                        .map_or(0, char::len_utf8);
                let name = written[start..].to_owned();
                let target = self.names.target(&name).filter(|_| ends && !name.is_empty())?;
                let target = if target.is_empty() { anchor(&name) } else { target.to_owned() };
                written.truncate(start);
                written.push_str(&link(&name, &target));
                Some(used)
            }
            '_' if rest.starts_with("_`") && may_begin(before) => {
                let (text, used) = scan.until(2, "`")?;
                push_text(text, written);
                Some(2 + used)
            }
            _ => None,
        }
    }
}

impl Inline<'_> {
    fn nested(&self, text: &str) -> String {
        to_markdown(&Inline { names: self.names, is_nested: true }, text)
    }

    /// `:role:`text``, `:role:`text <target>``.
    fn role(&self, role: &str, text: &str) -> String {
        let name = role.rsplit(':').next().unwrap_or(role);
        let titled = text
            .strip_suffix('>')
            .and_then(|text| text.rsplit_once('<'))
            .filter(|(title, _)| !title.trim().is_empty());
        let text = titled.map_or(text, |(title, _)| title.trim()).trim_start_matches('!');
        match name {
            "pep" | "rfc" if titled.is_none() => format!("{} {text}", name.to_uppercase()),
            _ if is_code(role, name) => {
                let short = text.strip_prefix('~').filter(|_| titled.is_none());
                code(short.map_or(text, |path| path.rsplit('.').next().unwrap_or(path)))
            }
            _ => self.nested(text.trim_start_matches('~')),
        }
    }

    /// `` `text <address>`_ `` or `` `name`_ ``.
    fn reference(&self, text: &str) -> String {
        let (text, target) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((text, target)) => (
                text.trim(),
                target
                    .strip_suffix('_')
                    .and_then(|name| self.names.target(name))
                    .unwrap_or(target)
                    .to_owned(),
            ),
            None => match self.names.target(text) {
                Some(target) if !target.is_empty() => (text, target.to_owned()),
                _ => (text, anchor(text)),
            },
        };
        link(&self.nested(text), &target)
    }
}
