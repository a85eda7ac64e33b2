//! Org → blocks and Markdown.

use std::collections::HashMap;

use super::document::inline_markup::{
    Mark, Markup, Rest, anchor, code, folded, link, may_begin, to_markdown,
};
use super::document::writer::{Lines, Row, admonition, is_identifier};
use super::document::{Document, Kind, Line, Marker, Writer};

/// Parses an Org file.
pub fn parse(text: &str) -> Document {
    let lines = Lines::of(text);
    let is_end = |line: &Line<'_>| {
        line.text.len() < 80
            && (line.text.eq_ignore_ascii_case(":end:") || keyword(line.text, "#+end_").is_some())
    };
    let ends = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| is_end(line))
        .map(|(at, line)| (line.text.to_lowercase(), at))
        .collect();
    let mut parser =
        Parser { lines: &lines, ends, writer: Writer::default(), open: Vec::new(), states: Vec::new() };
    lines.each_block(|at| parser.block(at));
    parser.writer.document
}

struct Parser<'t> {
    lines: &'t Lines<'t>,
    /// Of each line that ends a block or a drawer, the last one, in lower case.
    ends: HashMap<String, usize>,
    writer: Writer,
    /// Open items: their column, and the column of their text in the Markdown.
    open: Vec<(usize, usize)>,
    /// Words in front of a heading that tell how far it is done, as the file defines them.
    states: Vec<&'t str>,
}

/// The states that headings have if a file does not define any.
const STATES: &str = "TODO DONE NEXT WAITING WAIT HOLD CANCELLED CANCELED SOMEDAY STARTED IN-PROGRESS \
    INPROGRESS";

/// Tags that say how to export a heading, not what it is about.
const EXPORT_TAGS: [&str; 6] = ["toc", "noexport", "export", "ignore", "archive", "unnumbered"];

/// A drawer that does not end within as many lines is none.
const LONGEST_DRAWER: usize = 300;

impl<'t> Parser<'t> {
    /// Reads a block and returns where the next one begins.
    fn block(&mut self, at: usize) -> usize {
        let line = self.lines[at];
        let text = line.text;
        if text.is_empty() {
            self.writer.blank(line.number);
            return at + 1;
        }
        if let Some((level, title)) = heading(&line) {
            return self.heading(at, level, title);
        }
        while self.open.pop_if(|(column, _)| *column >= line.indent).is_some() {}
        let indent = self.indent();
        if let Some(rest) = keyword(text, "#+begin_") {
            return self.delimited(at, rest);
        }
        if let Some(rest) = text.strip_prefix("#+") {
            self.setting(line.number, rest);
            return at + 1;
        }
        if text == "#"
            || text.starts_with("# ")
            || ["CLOCK:", "SCHEDULED:", "DEADLINE:", "CLOSED:"].iter().any(|key| text.starts_with(key))
        {
            return at + 1;
        }
        if is_drawer(text) {
            return self.drawer(at);
        }
        if is_fixed(text) {
            let end = self.lines.end(at, |next| !is_fixed(next.text));
            let lines: Vec<Line<'_>> = self.lines[at..end].iter().map(|line| line.behind(1)).collect();
            self.writer.code(line.number, indent, "", &lines);
            return end;
        }
        if text.starts_with('|') {
            return self.table(at);
        }
        if text.len() >= 5 && text.bytes().all(|b| b == b'-') {
            self.writer.rule(line.number);
            return at + 1;
        }
        match item(&line) {
            Some((number, rest)) => self.item(at, number, rest),
            None => self.paragraph(at, text, None),
        }
    }

    fn indent(&self) -> usize {
        self.open.last().map_or(0, |(_, content)| *content)
    }

    fn heading(&mut self, at: usize, level: usize, title: &'t str) -> usize {
        let line = self.lines[at];
        self.open.clear();
        let mut title = title;
        if let Some((word, rest)) = title.split_once(' ')
            && (self.states.contains(&word)
                || self.states.is_empty() && STATES.split(' ').any(|state| state == word))
        {
            title = rest.trim_start();
        }
        if title == "COMMENT" || title.starts_with("COMMENT ") {
            return self.lines.end(at, |next| heading(next).is_some_and(|(next, _)| next <= level));
        }
        if title.starts_with("[#") && title[2..].chars().next().is_some_and(char::is_alphanumeric) {
            title = title.split_once(']').map_or(title, |(_, rest)| rest.trim_start());
        }
        let (title, tags) = split_tags(title);
        // How many of its tasks are done.
        let is_count = |word: &str| {
            word.len() > 2
                && word[1..word.len() - 1].chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | '%'))
        };
        let title = title
            .rsplit_once(' ')
            .filter(|(_, word)| word.starts_with('[') && word.ends_with(']') && is_count(word))
            .map_or(title, |(title, _)| title);
        self.writer.heading(level, line.number, &convert(title));
        let tags: Vec<&str> = tags
            .split(':')
            .filter(|tag| !tag.is_empty() && !EXPORT_TAGS.contains(&tag.to_lowercase().as_str()))
            .collect();
        if !tags.is_empty() {
            self.writer.paragraph(line.number, 0, None, &format!("**Tags**: {}", tags.join(", ")));
        }
        at + 1
    }

    /// `#+NAME: value`.
    fn setting(&mut self, line: u64, rest: &'t str) {
        let Some((name, value)) = rest.split_once(':') else {
            return;
        };
        let value = value.trim();
        match name.to_lowercase().as_str() {
            "title" => self.writer.metadata(line, "title", &convert(value)),
            "filetags" => self.writer.metadata(line, "tags", &value.trim_matches(':').replace(':', ",")),
            "keywords" | "category" | "date" => self.writer.metadata(line, name, value),
            "todo" | "seq_todo" | "typ_todo" => {
                let words = value.split_whitespace().filter(|word| *word != "|");
                self.states.extend(words.map(|word| word.split('(').next().unwrap_or(word)));
            }
            "caption" => {
                let indent = self.indent();
                self.writer.paragraph(line, indent, None, &convert(value));
            }
            _ => {}
        }
    }

    /// `:NAME:`, and lines until `:END:`.
    fn drawer(&mut self, at: usize) -> usize {
        let is_own = |name: &str| {
            self.lines[at].text[1..].strip_suffix(':').is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        if !(is_own("properties") || is_own("logbook"))
            || self.ends.get(":end:").is_none_or(|last| *last < at)
        {
            return at + 1;
        }
        let end = self.lines[at..]
            .iter()
            .take(LONGEST_DRAWER)
            .position(|line| line.text.eq_ignore_ascii_case(":end:") || heading(line).is_some());
        end.map_or(at + 1, |end| at + end + usize::from(heading(&self.lines[at + end]).is_none()))
    }

    /// A block between `#+BEGIN_NAME` and `#+END_NAME`.
    fn delimited(&mut self, at: usize, rest: &'t str) -> usize {
        let line = self.lines[at];
        let (name, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = name.to_lowercase();
        let indent = self.indent();
        if !matches!(name.as_str(), "src" | "example" | "export" | "comment") {
            if let Some(label) = admonition(&name) {
                self.writer.paragraph(line.number, indent, None, &format!("{label}:"));
            }
            return at + 1;
        }
        let closing = format!("#+end_{name}");
        let is_closed = self.ends.get(&closing).is_some_and(|last| *last > at);
        let end = self.lines.end(at, |next| {
            if is_closed { next.text.eq_ignore_ascii_case(&closing) } else { next.text.is_empty() }
        });
        let language = if name == "src" { arguments.trim() } else { "" };
        let is_markdown =
            name == "export" && matches!(arguments.trim().to_lowercase().as_str(), "md" | "markdown");
        if is_markdown {
            for line in &self.lines[at + 1..end] {
                self.writer.paragraph(line.number, indent, None, line.text);
            }
        } else if matches!(name.as_str(), "src" | "example") {
            // A comma protects what would be a heading.
            let is_protected = |line: &Line<'_>| {
                line.indent == 0 && [",*", ",#+", ",,"].iter().any(|sign| line.text.starts_with(sign))
            };
            let lines: Vec<Line<'_>> = self.lines[at + 1..end]
                .iter()
                .map(|line| if is_protected(line) { line.behind(1) } else { *line })
                .collect();
            self.writer.code(line.number, indent, language, &lines);
        }
        end + usize::from(is_closed)
    }

    fn item(&mut self, at: usize, number: Option<u32>, rest: &'t str) -> usize {
        let line = self.lines[at];
        let indent = self.indent();
        let mut number = number;
        let mut rest = rest;
        if let Some((start, after)) = rest.strip_prefix("[@").and_then(|rest| rest.split_once(']')) {
            number = number.and(start.parse().ok()).or(number);
            rest = after.trim_start();
        }
        let term = rest
            .split_once(" :: ")
            .or_else(|| rest.strip_suffix(" ::").map(|term| (term, "")))
            .filter(|_| number.is_none());
        if let Some((term, text)) = term.filter(|_| self.open.is_empty()) {
            self.writer.title(Kind::Term, line.number, &convert(term));
            self.open.push((line.indent, indent));
            return self.paragraph(at, text.trim_start(), None);
        }
        let marker = Writer::marker(number, indent);
        self.open.push((line.indent, marker.content));
        let (label, text) =
            term.map_or((String::new(), rest), |(term, text)| (format!("**{}**: ", convert(term)), text));
        self.paragraph(at, text, Some((marker, label)))
    }

    /// Writes the paragraph that begins with `text`. `item` is the marker and the term of the item that it begins.
    fn paragraph(&mut self, at: usize, text: &'t str, item_before: Option<(Marker, String)>) -> usize {
        let column = self.open.last().map(|(column, _)| *column);
        let ends = |next: &Line<'_>| {
            let text = next.text;
            let begins =
                text.starts_with("#+") || text.starts_with('|') || text == "#" || text.starts_with("# ");
            text.is_empty()
                || begins
                || column.is_some_and(|column| next.indent <= column)
                || is_fixed(text)
                || is_drawer(text)
                || item(next).is_some()
                || heading(next).is_some()
        };
        let end = self.lines.end(at, ends);
        let all = self.lines.joined(text, at + 1..end);
        let all = if item_before.is_some() { folded(&all) } else { all };
        let (marker, term) = item_before.map_or((None, String::new()), |(marker, term)| (Some(marker), term));
        let indent = marker.map_or(self.indent(), Marker::column);
        self.writer.paragraph(self.lines[at].number, indent, marker, &format!("{term}{}", convert(&all)));
        end
    }

    fn table(&mut self, at: usize) -> usize {
        let end = self.lines.end(at, |next| !next.text.starts_with('|'));
        let is_row = |line: &&Line<'_>| !line.text.starts_with("|-");
        let cells = |line: &Line<'_>| {
            let inner = line.text.trim_start_matches('|');
            let inner = inner.strip_suffix('|').unwrap_or(inner);
            (line.number, inner.split('|').map(|cell| convert(&cell.trim().replace("\\vert", "|"))).collect())
        };
        let rows: Vec<Row> = self.lines[at..end].iter().filter(is_row).map(cells).collect();
        self.writer.table(self.indent(), &rows);
        end
    }
}

/// The level and the text of a heading.
fn heading<'t>(line: &Line<'t>) -> Option<(usize, &'t str)> {
    let level = line.text.bytes().take_while(|b| *b == b'*').count();
    (level > 0 && line.indent == 0 && line.text[level..].starts_with(' '))
        .then(|| (level, line.text[level..].trim()))
}

/// The tags at the end of a heading: `Why? :rope:care:`.
fn split_tags(title: &str) -> (&str, &str) {
    let at = title.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let tags = title.get(at..).unwrap_or_default();
    let fits = tags.len() > 2 && tags.starts_with(':') && tags.ends_with(':');
    let fits =
        fits && tags.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '%' | ':' | '-'));
    if fits { (title[..at].trim_end(), tags) } else { (title, "") }
}

/// What is behind the beginning of a line, whatever its case.
fn keyword<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start).then(|| &text[start.len()..])
}

/// `:NAME:` alone on a line.
fn is_drawer(text: &str) -> bool {
    let name = text.strip_prefix(':').and_then(|text| text.strip_suffix(':')).unwrap_or_default();
    is_identifier(name)
}

/// A line of code: `: text`.
fn is_fixed(text: &str) -> bool {
    text == ":" || text.starts_with(": ")
}

/// The number of a list item, if it has one, and its text.
fn item<'t>(line: &Line<'t>) -> Option<(Option<u32>, &'t str)> {
    let text = line.text;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = match digits {
        0 if line.indent == 0 => (None, text.strip_prefix(['-', '+'])?),
        0 => (None, text.strip_prefix(['-', '+', '*'])?),
        1..=4 => (Some(text[..digits].parse().ok()?), text[digits..].strip_prefix(['.', ')'])?),
        _ => return None,
    };
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| (number, rest.trim_start()))
}

fn convert(text: &str) -> String {
    to_markdown(&Inline { is_nested: false }, text)
}

struct Inline {
    is_nested: bool,
}

impl Markup for Inline {
    const MARKS: &'static [Mark] = &[
        Mark::new("=", "`"),
        Mark::new("~", "`"),
        Mark::new("*", "**"),
        Mark::new("/", "*"),
        Mark::new("+", "~~"),
    ];

    fn special(&self, scan: &Rest<'_>, before: Option<char>, written: &mut String) -> Option<usize> {
        let rest = scan.text;
        match rest.chars().next()? {
            '[' if rest.starts_with("[[") && !self.is_nested => {
                let (inner, used) = scan.until(2, "]]")?;
                let (target, text) = inner.split_once("][").unwrap_or((inner, ""));
                written.push_str(&reference(target, text));
                Some(2 + used)
            }
            '[' if rest.starts_with("[fn:") => {
                let (note, used) = scan.until(4, "]")?;
                match note.split_once(':') {
                    Some((_, text)) => written
                        .push_str(&format!(" ({})", to_markdown(&Inline { is_nested: true }, text.trim()))),
                    None => written.push_str(&format!("[{note}]")),
                }
                Some(4 + used)
            }
            '\\' if rest.starts_with("\\\\\n") || rest == "\\\\" => Some(2),
            '@' if rest.starts_with("@@") => scan.until(2, "@@").map(|(_, used)| 2 + used),
            '<' if rest.starts_with("<<<") => {
                let (text, used) = scan.until(3, ">>>")?;
                written.push_str(text);
                Some(3 + used)
            }
            '<' if rest.starts_with("<<") => {
                scan.until(2, ">>").filter(|(name, _)| !name.contains('\n')).map(|(_, used)| 2 + used)
            }
            '{' if rest.starts_with("{{{") && may_begin(before) => {
                let (text, used) = scan.until(3, "}}}")?;
                let arguments = text.split_once('(').and_then(|(_, arguments)| arguments.strip_suffix(')'));
                written.push_str(&code(arguments.unwrap_or(text)));
                Some(3 + used)
            }
            _ => None,
        }
    }
}

/// `[[target][text]]`.
fn reference(target: &str, text: &str) -> String {
    let path = target.strip_prefix("file:").unwrap_or(target);
    let extension = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    if text.is_empty() && matches!(extension.as_str(), "png" | "jpg" | "jpeg" | "gif" | "svg" | "webp") {
        return format!("![]({path})");
    }
    let words = to_markdown(&Inline { is_nested: true }, text);
    match target.strip_prefix('*') {
        Some(heading) => link(if text.is_empty() { heading } else { &words }, &anchor(heading)),
        // Other kinds of links are known to Emacs only.
        None if is_other(target) && !text.is_empty() => words,
        None if is_other(target) => target.split_once(':').map_or(target, |(_, name)| name).to_owned(),
        None => link(&words, path.split_once("::").map_or(path, |(path, _)| path)),
    }
}

fn is_other(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme =
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+'));
    is_scheme && !matches!(scheme, "http" | "https" | "ftp" | "mailto" | "file")
}
