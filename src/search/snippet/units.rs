//! Splits an answer into the units of which an excerpt consists: sentences of prose and lines of code.

use std::ops::Range;

use super::sentences::{columns, is_wide, pieces, sentences};
use crate::chunk::is_markup_only;

/// A line of prose with at least this many columns that is followed by another one was wrapped by its author.
/// The two belong together.
const WRAPPED: usize = 50;

/// How imports begin in common languages.
const IMPORTS: [&str; 7] = ["use ", "import ", "from ", "#include", "using ", "package ", "extern crate "];

/// All prose of an answer, or one code block.
#[derive(Debug, Default)]
pub struct Run {
    /// The code's language, or that it has none; `None` for prose.
    pub code: Option<Option<String>>,
    /// The sentences or lines, in order.
    pub units: Vec<Unit>,
}

/// A sentence, or a line of code. A very long one is split into several units.
#[derive(Debug)]
pub struct Unit {
    /// The text, as shown. Never empty, except for an empty line of code.
    pub text: String,
    /// Where the unit starts in the answer, in bytes.
    pub at: usize,
    /// What separates it from the unit before.
    pub joint: Joint,
    /// Whether an excerpt can start here.
    pub starts: bool,
    /// Whether it is a heading or an import. An excerpt starts there only if that is what matches.
    pub is_lead_in: bool,
}

/// What separates a unit from the unit before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// The unit continues the paragraph.
    Space,
    /// The unit continues a paragraph in a script without spaces.
    Nothing,
    /// The unit continues a long sentence or line that was split. `true` if it was split at a space.
    Cut(bool),
    /// The unit starts a line of a list, table or code.
    Line,
    /// The unit starts a paragraph.
    Paragraph,
    /// The unit starts a paragraph after code.
    Code,
}

impl Unit {
    /// The width of the unit, in columns.
    pub fn columns(&self) -> usize {
        columns(&self.text) + 1
    }
}

/// Splits an answer. The first run has all prose; each further run is a code block. Lines without words
/// (rules, empty list items, rows of dashes) are left out, and so are markers that mean nothing outside of
/// their block: fences, quote markers, boxes of tasks, hash signs of headings.
///
/// `max_prose` and `max_code` are the maximum columns of a unit. A wider one is split into pieces of half that
/// width.
pub fn runs(answer: &str, max_prose: usize, max_code: usize) -> Vec<Run> {
    let mut scan = Scan {
        prose: Run::default(),
        paragraph: Paragraph::default(),
        next: Joint::Paragraph,
        in_list: false,
        max_prose,
    };
    let mut code: Vec<Run> = Vec::new();
    let mut open: Option<Fence> = None;
    let mut is_indented = false;
    let mut start = 0;
    for whole in answer.split_inclusive('\n') {
        let (depth, line) = unquoted(whole, open.as_ref().map(|fence| fence.depth));
        let at = start + (whole.len() - line.len());
        let line = line.trim_end();
        start += whole.len();
        if let Some(fence) = &open {
            match fence.is_closed_by(line) {
                true => open = None,
                false => push_code(code.last_mut().expect("opened with the fence"), line, at, max_code),
            }
        } else if let Some(fence) = Fence::of(line, depth) {
            scan.code();
            code.push(Run { code: Some(language(fence.info(line))), units: Vec::new() });
            open = Some(fence);
        } else if line.starts_with("    ") || line.starts_with('\t') {
            // Code, unless it continues a list item or a paragraph.
            if !is_indented && !scan.is_open() && !scan.in_list {
                scan.code();
                code.push(Run { code: Some(None), units: Vec::new() });
                is_indented = true;
            }
            match code.last_mut().filter(|_| is_indented) {
                Some(run) => push_code(run, line, at, max_code),
                None => scan.line(line, at),
            }
            continue;
        } else {
            scan.line(line, at);
        }
        is_indented &= line.is_empty();
    }
    scan.end_paragraph();
    let mut runs = vec![scan.prose];
    runs.extend(code);
    // If there are only headings and imports, they are all there is to show.
    if !runs.iter().flat_map(|run| &run.units).any(|unit| unit.starts) {
        let units = runs.iter_mut().flat_map(|run| &mut run.units);
        units.for_each(|unit| unit.starts = unit.is_lead_in);
    }
    runs
}

/// Removes the markers of block quotes: all of them, or as many as the quote with the code has. Returns how
/// many were removed.
fn unquoted(line: &str, depth: Option<usize>) -> (usize, &str) {
    let (mut rest, mut removed) = (line, 0);
    while depth.is_none_or(|depth| removed < depth) {
        let bare = rest.trim_start_matches(' ');
        let Some(inner) = bare.strip_prefix('>').filter(|_| rest.len() - bare.len() < 4) else { break };
        rest = inner.strip_prefix(' ').unwrap_or(inner);
        removed += 1;
    }
    (removed, rest)
}

/// The opening fence of a code block.
struct Fence {
    sign: char,
    length: usize,
    /// The depth of the block quote that contains it.
    depth: usize,
}

impl Fence {
    fn of(line: &str, depth: usize) -> Option<Self> {
        // The fence can follow the marker of a list item.
        let bare = after_marker(line.trim_start());
        let sign = bare.chars().next().filter(|sign| ['`', '~'].contains(sign))?;
        let info = bare.trim_start_matches(sign);
        let length = bare.len() - info.len();
        (length >= 3 && !info.contains('`')).then_some(Self { sign, length, depth })
    }

    fn info<'a>(&self, line: &'a str) -> &'a str {
        after_marker(line.trim_start()).trim_start_matches(self.sign)
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let bare = line.trim();
        bare.len() >= self.length && bare.trim_start_matches(self.sign).is_empty()
    }
}

/// The name of a language in the info string of a fence (`rust,ignore`, `{.python}`), in lower case. `None`
/// if it names none, or plain text.
fn language(info: &str) -> Option<String> {
    let is_name = |c: char| c.is_alphanumeric() || "+#-_".contains(c);
    let info = info.trim_start_matches(|c: char| !is_name(c));
    let name = info.split(|c: char| !is_name(c)).next().unwrap_or_default().to_lowercase();
    Some(name).filter(|name| !matches!(name.as_str(), "" | "text" | "txt" | "plain" | "plaintext" | "none"))
}

fn push_code(run: &mut Run, line: &str, at: usize, max: usize) {
    if line.trim().is_empty() {
        if !run.units.is_empty() {
            run.units.push(Unit {
                text: String::new(),
                at,
                joint: Joint::Line,
                starts: false,
                is_lead_in: false,
            });
        }
        return;
    }
    for (nth, piece) in split(line, max).into_iter().enumerate() {
        let text = &line[piece.clone()];
        let bare = text.trim_start();
        let is_lead_in = IMPORTS.iter().any(|import| bare.starts_with(import));
        let is_start = bare.contains(char::is_alphanumeric) && !bare.starts_with(['}', ')', ']']);
        let starts = is_start && !is_lead_in;
        let joint = match nth {
            0 => Joint::Line,
            _ => Joint::Cut(line[..piece.start].ends_with(char::is_whitespace)),
        };
        run.units.push(Unit { text: text.to_owned(), at: at + piece.start, joint, starts, is_lead_in });
    }
}

/// The whole text, or its pieces if it is wider than `max` columns.
fn split(text: &str, max: usize) -> Vec<Range<usize>> {
    if columns(text) <= max { std::iter::once(0..text.len()).collect() } else { pieces(text, max / 2) }
}

/// The text of a paragraph, of which lines are added.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// For each line: where it starts in the text and in the answer.
    lines: Vec<(usize, usize)>,
}

/// Reads the lines of prose.
struct Scan {
    prose: Run,
    paragraph: Paragraph,
    /// The joint of the next unit.
    next: Joint,
    /// Whether indented lines belong to a list item.
    in_list: bool,
    max_prose: usize,
}

impl Scan {
    fn is_open(&self) -> bool {
        !self.paragraph.text.is_empty()
    }

    /// Ends the paragraph before a code block.
    fn code(&mut self) {
        self.end_paragraph();
        self.next = Joint::Code;
    }

    fn line(&mut self, line: &str, at: usize) {
        let bare = line.trim_start();
        let at = at + (line.len() - bare.len());
        if bare.is_empty() {
            self.end_paragraph();
            self.interrupt(Joint::Paragraph);
        } else if !has_words(bare) {
            self.end_paragraph();
        } else if let Some(heading) = heading(bare) {
            self.end_paragraph();
            self.interrupt(Joint::Paragraph);
            self.push_block(heading, at, true);
            self.next = Joint::Paragraph;
        } else if let Some(row) = table_row(bare) {
            self.end_paragraph();
            self.push_block(&row, at, false);
            self.next = Joint::Line;
        } else if let Some(item) = item(bare) {
            self.end_paragraph();
            self.interrupt(Joint::Line);
            self.in_list = true;
            self.paragraph = Paragraph { text: item, lines: vec![(0, at)] };
        } else {
            self.in_list &= self.is_open() || bare.len() < line.len();
            self.continue_paragraph(bare, at);
        }
    }

    /// Sets the joint of the next unit, unless code is before it.
    fn interrupt(&mut self, joint: Joint) {
        if self.next != Joint::Code {
            self.next = joint;
        }
    }

    /// Adds a line to the paragraph. A short line was ended by its author, not by a margin.
    fn continue_paragraph(&mut self, line: &str, at: usize) {
        let last = self.paragraph.lines.last().map_or(0, |(start, _)| *start);
        let line_break = self.paragraph.text.ends_with("<br>") || self.paragraph.text.ends_with('\\');
        if self.is_open() && (line_break || columns(&self.paragraph.text[last..]) < WRAPPED) {
            self.end_paragraph();
            self.next = Joint::Line;
        }
        if let Some(before) = self.paragraph.text.chars().next_back()
            && !(is_wide(before) && line.starts_with(is_wide))
        {
            self.paragraph.text.push(' ');
        }
        self.paragraph.lines.push((self.paragraph.text.len(), at));
        self.paragraph.text.push_str(line);
    }

    fn end_paragraph(&mut self) {
        let Paragraph { text, lines } = std::mem::take(&mut self.paragraph);
        for sentence in sentences(&text) {
            let (start, line_at) =
                lines[lines.partition_point(|(start, _)| *start <= sentence.start).max(1) - 1];
            let follows_wide = text[..sentence.start].ends_with(is_wide);
            let at = line_at + (sentence.start - start);
            self.push_sentence(&text[sentence], at, follows_wide);
        }
        if !text.is_empty() {
            self.next = Joint::Paragraph;
        }
    }

    fn push_sentence(&mut self, text: &str, at: usize, follows_wide: bool) {
        for (nth, piece) in split(text, self.max_prose).into_iter().enumerate() {
            let is_cut = text[..piece.start].ends_with(char::is_whitespace);
            let joint = if nth > 0 { Joint::Cut(is_cut) } else { self.next };
            let (at, text) = (at + piece.start, text[piece].to_owned());
            let starts = has_words(&text);
            self.prose.units.push(Unit { text, at, joint, starts, is_lead_in: false });
        }
        self.next =
            if follows_wide || text.ends_with(['。', '！', '？']) { Joint::Nothing } else { Joint::Space };
    }

    /// Adds a heading or a row of a table as one unit.
    fn push_block(&mut self, text: &str, at: usize, is_heading: bool) {
        let from = self.prose.units.len();
        self.push_sentence(text, at, false);
        for unit in &mut self.prose.units[from..] {
            unit.is_lead_in = is_heading;
            unit.starts &= !is_heading;
        }
    }
}

/// Whether a line of prose has words or code. HTML tags, comments, images and definitions of links are not
/// words.
fn has_words(line: &str) -> bool {
    if is_image(line) || is_link_definition(line) {
        return false;
    }
    if line.starts_with('<') && line.ends_with('>') {
        let mut rest = line;
        let mut outside = String::new();
        while let Some((before, after)) = rest.split_once('<') {
            outside.push_str(before);
            rest = after.split_once('>').map_or("", |(_, after)| after);
        }
        return !is_markup_only(&outside);
    }
    let unboxed = after_box(after_marker(line));
    // `=>` has no letter, but it is what a question can be about.
    !is_markup_only(unboxed) || unboxed.starts_with('`') && !unboxed.trim_matches('`').trim().is_empty()
}

fn is_image(line: &str) -> bool {
    line.starts_with("![") && line.ends_with(')') && line.matches("](").count() == 1
}

fn is_link_definition(line: &str) -> bool {
    line.starts_with('[') && line.split_once("]: ").is_some_and(|(_, target)| !target.trim().contains(' '))
}

/// The text of a heading.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| text.trim().trim_end_matches('#').trim_end())
}

/// The cells of a row, with `·` between them.
fn table_row(line: &str) -> Option<String> {
    let inner = line.strip_prefix('|')?.trim_end();
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let mut cells = vec![String::new()];
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'|') => cells.last_mut()?.extend(chars.next()),
            '|' => cells.push(String::new()),
            c => cells.last_mut()?.push(c),
        }
    }
    let cells: Vec<&str> = cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    Some(cells.join(" · "))
}

/// An item of a list, with `-` for any bullet and without a box.
fn item(line: &str) -> Option<String> {
    let rest = after_marker(line);
    let marker = line[..line.len() - rest.len()].trim_end();
    let text = after_box(rest);
    match marker {
        "" if text.len() < line.len() => Some(format!("- {text}")),
        "" => None,
        "-" | "*" | "+" | "•" => Some(format!("- {text}")),
        number => Some(format!("{number} {text}")),
    }
}

/// The text after the marker of a list item (`-`, `2.`), if the line has one.
fn after_marker(line: &str) -> &str {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = (1..=3).contains(&(line.len() - digits.len()));
    let rest = match line.strip_prefix(['-', '*', '+', '•']) {
        Some(rest) => Some(rest),
        None => digits.strip_prefix(['.', ')']).filter(|_| numbered),
    };
    rest.filter(|rest| rest.starts_with([' ', '\t'])).map_or(line, str::trim_start)
}

/// The text after the box of a task, if there is one.
fn after_box(text: &str) -> &str {
    let boxes = ["[ ]", "[x]", "[X]", "☐", "☑", "☒", "□", "▢"];
    boxes.iter().find_map(|sign| text.strip_prefix(sign)).map_or(text, str::trim_start)
}
