//! Markdown, line by line: people's files are not always what CommonMark says, and one forgotten fence must not
//! swallow a file.

use std::ops::Range;

use super::document::{Document, Inline, Kind, Marker, front_matter_title, inline, take_front_matter};
use super::line::{columns, dedented, is_rule};
use super::mdx::{Mdx, Piece};

/// How many forgotten fences are repaired. Each takes another pass over the file.
const MOST_UNCLOSED: usize = 24;

/// Parses Markdown with the HTML that people put into it (`<details>`, headings, bold text).
pub fn parse(text: String) -> Document {
    let mut unclosed = Vec::new();
    loop {
        let may_repair = unclosed.len() < MOST_UNCLOSED;
        let mut parser = Parser { unclosed: unclosed.clone(), ..Parser::default() };
        let mut at = 0;
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let end = line.trim_end_matches(['\n', '\r']).len();
            parser.line(number, &text, at..at + end);
            at += line.len();
            if may_repair && parser.forgotten.is_some() {
                break;
            }
        }
        let forgotten = parser.forgotten.map(|line| (line, End::Blank));
        let open =
            parser.fence.filter(|fence| fence.end == End::Fence).map(|fence| (fence.line, End::Heading));
        match forgotten.or(open).filter(|_| may_repair) {
            Some(fence) => unclosed.push(fence),
            None => return Document { text, ..parser.document },
        }
    }
}

/// Whether text has signs of Markdown: headings, fences, links, bold text.
pub fn signs(text: &str) -> usize {
    let is_sign = |line: &&str| {
        heading(line).is_some() || line.starts_with("```") || line.contains("**") || line.contains("](")
    };
    text.lines().filter(is_sign).count()
}

#[derive(Default)]
struct Parser {
    /// Its text is filled in at the end.
    document: Document,
    fence: Option<Fence>,
    /// The end of the open comment.
    comment: Option<&'static str>,
    mdx: Mdx,
    front_matter: bool,
    /// The key in front matter whose list may follow.
    key: String,
    /// Lines of fences whose end was forgotten, and where their code ends.
    unclosed: Vec<(u64, End)>,
    /// The line of an open fence in which another one begins: its end was forgotten.
    forgotten: Option<u64>,
    /// A `<summary>` or an HTML heading over several lines: its end tag, its place so far, its block.
    element: Option<Element>,
    /// In the definition of a term, the column of its text. Lines that continue it are indented as far.
    definition: Option<usize>,
}

#[derive(Clone, Copy)]
struct Fence {
    sign: char,
    len: usize,
    line: u64,
    end: End,
}

/// Where fenced code ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// At its closing fence.
    Fence,
    /// Another fence begins in it: at the next blank line.
    Blank,
    /// No other fence follows: at the next heading below level 1, which no comment in code looks like.
    Heading,
}

struct Element {
    kind: Kind,
    end_tag: String,
    line: u64,
    start: usize,
}

/// The longest key of front matter whose list may follow, in bytes.
const LONGEST_KEY: usize = 100;

/// An element longer than this was not closed, in bytes.
const LONGEST_ELEMENT: usize = 2000;

impl Parser {
    fn line(&mut self, number: u64, text: &str, range: Range<usize>) {
        if self.fence.is_none() {
            for _ in 0..self.mdx.close_before(&text[range.clone()]) {
                self.push(Kind::FoldEnd, number, range.start..range.start, "", Inline::default());
            }
        }
        let range = range.start + self.mdx.indent(&text[range.clone()])..range.end;
        let range = if self.fence.is_some() { self.dedent(text, range) } else { range };
        let line = &text[range.clone()];
        let bare = line.trim();
        if self.front_matter || number == 1 && bare == "---" {
            self.front_matter = number == 1 || !matches!(bare, "---" | "...");
            self.front_matter_line(number, bare);
            return;
        }
        if self.is_code(bare) {
            return self.push(Kind::Code, number, range, line, Inline::default());
        }
        if let Some(end) = self.comment {
            self.comment = Some(end).filter(|end| !bare.contains(end));
            return;
        }
        if self.element.is_some() {
            return self.element_line(number, text, range);
        }
        if bare.is_empty() {
            self.mdx.blank();
            return self.push(Kind::Blank, number, range, "", Inline::default());
        }
        if self.begins_comment(bare) {
            return;
        }
        match self.mdx.pieces(line) {
            Some(pieces) => pieces.into_iter().for_each(|piece| self.piece(number, text, range.start, piece)),
            None => self.markdown(number, text, range),
        }
    }

    /// Whether a line is part of open fenced code. If not, it may end the code.
    fn is_code(&mut self, bare: &str) -> bool {
        let Some(open) = self.fence else {
            return false;
        };
        let is_fence = bare.len() >= open.len && bare.chars().all(|c| c == open.sign);
        let ends = match open.end {
            End::Fence => false,
            End::Blank => bare.is_empty(),
            End::Heading => heading(bare).is_some_and(|(level, _)| level > 1),
        };
        if is_fence || ends {
            self.fence = None;
        }
        // No closing fence names a language.
        if !is_fence && fence(bare).is_some_and(|(sign, len)| sign == open.sign && len == open.len) {
            self.forgotten.get_or_insert(open.line);
        }
        is_fence || !ends
    }

    /// Whether a comment begins on a line, and nothing follows it.
    fn begins_comment(&mut self, bare: &str) -> bool {
        let comments = [("<!--", "-->"), ("{/*", "*/}")];
        let Some((_, end)) = comments.into_iter().find(|(start, _)| bare.starts_with(start)) else {
            return false;
        };
        self.comment = Some(end).filter(|end| !bare.contains(end));
        self.comment.is_some() || bare.ends_with(end)
    }

    fn piece(&mut self, number: u64, text: &str, start: usize, piece: Piece) {
        match piece {
            Piece::Text(at) => self.markdown(number, text, start + at.start..start + at.end),
            Piece::FoldStart => self.push(Kind::FoldStart, number, start..start, "", Inline::default()),
            Piece::FoldEnd => self.push(Kind::FoldEnd, number, start..start, "", Inline::default()),
            Piece::Summary(at) => {
                let at = start + at.start..start + at.end;
                self.push(Kind::Summary, number, at.clone(), "", inline(&text[at]));
            }
        }
    }

    /// A line that is not part of a longer block.
    fn markdown(&mut self, number: u64, text: &str, range: Range<usize>) {
        let range = self.in_definition(number, text, range);
        let line = &text[range.clone()];
        let bare = line.trim();
        let indent = columns(line);
        let (marker, content) = match item(bare) {
            Some((width, found, content)) if !is_rule(bare) => {
                (Some(Marker { number: found, content: indent + width }), content)
            }
            _ => (None, bare),
        };
        let kind_and_text = self.block(number, content, marker.is_some() || indent < 4);
        let Some((kind, inner)) = kind_and_text else {
            // `===` or `---` below a line of text.
            return;
        };
        if kind == Kind::Text && inner.contains('<') && contains_element(inner) {
            return self.elements(number, text, range);
        }
        let words = if matches!(kind, Kind::Code | Kind::Rule) { Inline::default() } else { inline(inner) };
        self.push(kind, number, range, line, words);
        if let Some(block) = self.document.blocks.last_mut() {
            block.marker = marker;
        }
    }

    /// Follows definition lists: a term, and below it a line that begins with a colon (PHP Markdown Extra, Pandoc). Returns
    /// the line without the colon or the indentation of a definition.
    fn in_definition(&mut self, number: u64, text: &str, range: Range<usize>) -> Range<usize> {
        let line = &text[range.clone()];
        let indent = columns(line);
        let bare = line.trim_start();
        if let Some(rest) = bare.strip_prefix(':').filter(|rest| indent < 4 && rest.starts_with([' ', '\t']))
            && (self.definition.is_some() || self.make_term(number))
        {
            let content = rest.trim_start();
            self.definition = Some(indent + bare.len() - content.len());
            return range.end - content.len()..range.end;
        }
        let follows_blank = self.document.blocks.last().is_none_or(|block| block.kind == Kind::Blank);
        if indent == 0 && (follows_blank || heading(bare).is_some()) && self.definition.take().is_some() {
            self.push(Kind::Boundary, number, range.start..range.start, "", Inline::default());
        }
        self.dedent(text, range)
    }

    /// A line without the indentation of a definition, if it is in one.
    fn dedent(&self, text: &str, range: Range<usize>) -> Range<usize> {
        let line = &text[range.clone()];
        range.end - dedented(line, self.definition.unwrap_or(0)).len()..range.end
    }

    /// Makes the paragraph of one line before this line a term, if there is one.
    fn make_term(&mut self, number: u64) -> bool {
        let mut before = self.document.blocks.iter_mut().rev();
        let mut last = before.next();
        if last.as_ref().is_some_and(|block| block.kind == Kind::Blank) {
            last = before.next();
        }
        let Some(term) = last.filter(|block| block.kind == Kind::Text && block.line + 2 >= number) else {
            return false;
        };
        let is_paragraph = before.next().is_none_or(|block| !matches!(block.kind, Kind::Text | Kind::Code));
        let is_term = is_paragraph && term.marker.is_none() && term.indent == 0 && !term.text.text.is_empty();
        if is_term {
            term.kind = Kind::Term;
        }
        is_term
    }

    /// The kind of a line behind its list marker, and its text. `None`: it made the line before a heading.
    fn block<'a>(&mut self, number: u64, content: &'a str, may_be_heading: bool) -> Option<(Kind, &'a str)> {
        if let Some((sign, len)) = fence(content) {
            let unclosed = self.unclosed.iter().find(|(line, _)| *line == number);
            self.fence =
                Some(Fence { sign, len, line: number, end: unclosed.map_or(End::Fence, |(_, end)| *end) });
            return Some((Kind::Code, content));
        }
        if may_be_heading {
            if let Some((level, title)) = heading(content) {
                return Some((Kind::Heading(level), title));
            }
            if let Some(level) = underline(content)
                && let [rest @ .., last] = self.document.blocks.as_mut_slice()
                && last.kind == Kind::Text
                && last.line + 1 == number
                && !last.text.text.is_empty()
                && rest.last().is_none_or(|before| before.kind != Kind::Text)
            {
                last.kind = Kind::Heading(level);
                return None;
            }
        }
        Some((
            if is_rule(content) || underline(content).is_some() { Kind::Rule } else { Kind::Text },
            content,
        ))
    }

    fn push(&mut self, kind: Kind, number: u64, range: Range<usize>, line: &str, words: Inline) {
        self.document.push(kind, number, range, words);
        if let Some(block) = self.document.blocks.last_mut() {
            block.indent = columns(line);
        }
    }

    fn front_matter_line(&mut self, number: u64, line: &str) {
        match front_matter_title(line) {
            Some(title) => self.document.title = Some((number, title.to_owned())),
            None => match line.strip_prefix("- ") {
                Some(item) => take_front_matter(&format!("{}: {item}", self.key), &mut self.document.common),
                None => {
                    let key = line.split(':').next().filter(|key| key.len() <= LONGEST_KEY);
                    self.key = key.unwrap_or_default().to_owned();
                    take_front_matter(line, &mut self.document.common);
                }
            },
        }
    }

    /// A line with `<details>`, `<summary>` or an HTML heading: each is a block, and so is the text between.
    fn elements(&mut self, number: u64, text: &str, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let rest = &text[at..range.end];
            let (before, tag) = match next_element(rest) {
                Some((before, tag)) => (before, Some(tag)),
                None => (rest.len(), None),
            };
            self.text_between(number, text, at..at + before);
            let Some(tag) = tag else {
                return;
            };
            let start = at + before;
            let end = text[start..range.end].find('>').map_or(range.end, |end| start + end + 1);
            at = end;
            match tag {
                "<details" => self.push(Kind::FoldStart, number, start..end, "", Inline::default()),
                "</details" => self.push(Kind::FoldEnd, number, start..end, "", Inline::default()),
                _ => {
                    let kind = if tag == "<summary" {
                        Kind::Summary
                    } else {
                        Kind::Heading(tag.as_bytes()[2] - b'0')
                    };
                    let end_tag = format!("</{}", &tag[1..]);
                    self.element = Some(Element { kind, end_tag, line: number, start: end });
                    match self.end_element(text, end..range.end) {
                        Some(after) => at = after,
                        None => return,
                    }
                }
            }
        }
    }

    fn text_between(&mut self, number: u64, text: &str, range: Range<usize>) {
        if !text[range.clone()].trim().is_empty() {
            let words = inline(&text[range.clone()]);
            self.push(Kind::Text, number, range, "", words);
        }
    }

    /// A line inside an element.
    fn element_line(&mut self, number: u64, text: &str, range: Range<usize>) {
        if let Some(after) = self.end_element(text, range.clone()) {
            self.elements(number, text, after..range.end);
        }
    }

    /// Ends the open element, if its end tag is in this part of the text. Returns the place behind the tag.
    fn end_element(&mut self, text: &str, range: Range<usize>) -> Option<usize> {
        let element = self.element.take()?;
        let Some(end) = text[range.clone()].find(&element.end_tag) else {
            self.element = Some(element).filter(|element| range.end - element.start < LONGEST_ELEMENT);
            return None;
        };
        let inner = element.start..range.start + end;
        let mut words = inline(&text[inner.clone()].split_whitespace().collect::<Vec<_>>().join(" "));
        words.text = words.text.trim_start_matches(['#', ' ']).to_owned();
        self.push(element.kind, element.line, inner, "", words);
        let close = text[range.start + end..range.end].find('>');
        Some(close.map_or(range.end, |close| range.start + end + close + 1))
    }
}

/// The elements that are blocks.
const ELEMENTS: [&str; 9] = ["<details", "</details", "<summary", "<h1", "<h2", "<h3", "<h4", "<h5", "<h6"];

/// Whether a line has an element that is a block: a fold, or at its beginning a heading.
fn contains_element(line: &str) -> bool {
    next_element(line).is_some_and(|(at, tag)| at == 0 || !tag.starts_with("<h"))
}

/// The first element of a line that is a block: where it is, and its name. Code spans are skipped.
fn next_element(line: &str) -> Option<(usize, &'static str)> {
    let mut in_code = false;
    line.match_indices(['<', '`']).find_map(|(at, sign)| {
        in_code ^= sign == "`";
        let rest = &line[at..];
        let found = ELEMENTS.into_iter().find(|tag| !in_code && rest.starts_with(tag))?;
        rest[found.len()..].starts_with(['>', ' ']).then_some((at, found))
    })
}

/// The sign of a fence, and how many there are.
fn fence(text: &str) -> Option<(char, usize)> {
    let sign = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let len = text.chars().take_while(|c| *c == sign).count();
    // Backticks behind backticks are code within a line. A semicolon is code on the line of the fence, which no
    // closing fence need follow.
    let info = &text[len..];
    (len >= 3 && !(sign == '`' && info.contains(['`', ';']))).then_some((sign, len))
}

fn heading(text: &str) -> Option<(u8, &str)> {
    let level = text.bytes().take_while(|b| *b == b'#').count();
    let title = &text[level..];
    // Without the space, only what cannot be `#[derive]`, `#include` or `#tag`.
    let glued = level > 1 && title.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '*');
    if level == 0 || level > 6 || !(title.is_empty() || title.starts_with([' ', '\t']) || glued) {
        return None;
    }
    let title = title.trim();
    let bare = title.trim_end_matches('#');
    // Signs at the end close the heading; `C#` has a sign of its own.
    let title = if bare.is_empty() || bare.ends_with([' ', '\t']) { bare.trim_end() } else { title };
    Some((level as u8, title))
}

/// The level of the heading that a line of `=` or `-` makes of the line before.
fn underline(text: &str) -> Option<u8> {
    let all = |sign: char| text.chars().all(|c| c == sign);
    if all('=') {
        Some(1)
    } else if text.len() > 1 && all('-') {
        Some(2)
    } else {
        None
    }
}

/// The width of a list marker with the space behind it, its number, and the text.
fn item(text: &str) -> Option<(usize, Option<u32>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = match digits {
        0 => (None, text.strip_prefix(['-', '*', '+', '•'])?),
        1..=4 => (Some(text[..digits].parse().ok()?), text[digits..].strip_prefix(['.', ')'])?),
        _ => return None,
    };
    let content = rest.trim_start();
    if !rest.starts_with([' ', '\t']) || content.is_empty() {
        return None;
    }
    let marker = text.len() - rest.len();
    // Space beyond four columns belongs to the text.
    let space = (rest.len() - content.len()).min(4);
    Some((marker + space, number, content))
}
