//! HTML → blocks and Markdown. Elements may be nested to any depth, and end tags may be missing.

use std::borrow::Cow;

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};

use super::document::{Document, Inline, Kind, Marker};
use super::markup::one_line;

/// A page, and what it tells search engines about itself.
#[derive(Default)]
pub struct Page {
    /// The page.
    pub document: Document,
    /// Scripts of type `application/ld+json`, with their lines.
    pub json_ld: Vec<(u64, String)>,
}

/// Parses a page or a piece of HTML.
pub fn parse(html: &str) -> Page {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut parser = Parser { line: 1, ..Parser::default() };
    let mut counted = 0;
    for token in Tokenizer::new_with_emitter(html, emitter) {
        // Reading from memory cannot fail.
        let Ok(token) = token;
        let mut count = |start: usize, parser: &mut Parser| {
            let start = start.min(html.len());
            if start > counted {
                parser.line += html.as_bytes()[counted..start].iter().filter(|b| **b == b'\n').count() as u64;
                counted = start;
            }
        };
        match token {
            Token::StartTag(tag) => {
                count(tag.span.start, &mut parser);
                parser.start(&tag);
            }
            Token::EndTag(tag) => {
                count(tag.span.start, &mut parser);
                parser.end(&tag);
            }
            Token::String(text) => {
                count(text.span.start, &mut parser);
                parser.text(&String::from_utf8_lossy(&text.value));
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    parser.flush();
    parser.page
}

/// A piece of HTML as Markdown.
pub fn to_markdown(html: &str) -> String {
    parse(html).document.text.trim().to_owned()
}

/// Elements whose content is not text of the page.
const SILENT: [&str; 9] =
    ["script", "style", "noscript", "template", "svg", "nav", "form", "iframe", "title"];

/// Elements that are part of a line of text. All others begin and end lines.
const INLINE: [&str; 40] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "img", "input", "ins", "kbd", "label", "mark", "meta", "q", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "link", "picture", "source",
];

/// A title ends where one is longer than this, in bytes: its end tag was forgotten.
const LONGEST_TITLE: usize = 4000;

/// The longest script that is looked at, in bytes.
const LONGEST_SCRIPT: usize = 16 << 20;

/// Deeper lists and quotations are not indented further.
const DEEPEST: usize = 12;

/// More emphasis, links and code that are open at the same time are text: each copies what is inside when it ends.
const MOST_MARKS: usize = 16;

#[derive(Default)]
struct Parser {
    page: Page,
    /// The line of the current token, from 1.
    line: u64,
    /// An element whose content is skipped, and how many of its name are open in it.
    silent: Option<(String, usize)>,
    script: Option<(u64, String)>,
    /// The title that is open: its element, and how many of its name are open in it.
    title: Option<(String, usize)>,
    kind: Option<Kind>,
    /// The line where the current block began.
    began: u64,
    /// The Markdown of the current block.
    markdown: String,
    /// Its text.
    plain: String,
    /// Where the open emphasis, links and code begin in `markdown`.
    marks: Vec<(&'static str, usize)>,
    link: Option<String>,
    bold: usize,
    links: usize,
    code: usize,
    words: usize,
    bold_words: usize,
    link_words: usize,
    /// Open lists: the number of the last item, or `None` for bullets.
    lists: Vec<Option<u32>>,
    marker: Option<Marker>,
    quotes: usize,
    /// Inside `<pre>`: its text and the language of the code.
    pre: Option<(String, String)>,
    row: Option<Vec<String>>,
    rows: usize,
    /// Inside an element of schema.org's type Question, before its name.
    expects_name: bool,
}

impl Parser {
    fn start(&mut self, tag: &StartTag<usize>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some((silent, depth)) = &mut self.silent {
            *depth += usize::from(*silent == name && !tag.self_closing);
            return;
        }
        let attribute = |wanted: &str| {
            let value = tag.attributes.get(wanted.as_bytes())?;
            Some(String::from_utf8_lossy(&value.value).into_owned())
        };
        if SILENT.contains(&name.as_str()) && !tag.self_closing {
            let is_json = attribute("type").is_some_and(|kind| kind.to_lowercase().contains("ld+json"));
            if name == "script" && is_json {
                self.script = Some((self.line, String::new()));
            }
            self.silent = Some((name, 1));
            return;
        }
        if let Some((_, language)) = &mut self.pre {
            if name == "code" && language.is_empty() {
                *language = language_of(&attribute("class").unwrap_or_default());
            }
            if name == "br" {
                self.text("\n");
            }
            return;
        }
        let marks = [attribute("class"), attribute("itemprop")].map(Option::unwrap_or_default).join(" ");
        self.expects_name |= attribute("itemtype").is_some_and(|kind| kind.ends_with("schema.org/Question"));
        let kind = self.title_kind(&name, &marks);
        if let Some((open, depth)) = &mut self.title {
            if !begins_another(open, &name, kind) {
                *depth += usize::from(*open == name);
                return self.inline_start(&name, &attribute);
            }
            self.flush();
        }
        if let Some(kind) = kind {
            self.break_paragraph();
            self.kind = Some(kind);
            self.title = Some((name, 1));
            return;
        }
        self.block_start(&name, &attribute);
    }

    fn block_start(&mut self, name: &str, attribute: &impl Fn(&str) -> Option<String>) {
        match name {
            name if INLINE.contains(&name) => self.inline_start(name, attribute),
            "ul" | "ol" => {
                self.break_paragraph();
                let start = attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1u32);
                self.lists.push((name == "ol").then(|| start.saturating_sub(1)));
            }
            "li" => {
                self.flush();
                let column = self.column();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number = number.saturating_add(1);
                        Marker { number: Some(*number), content: column + number.to_string().len() + 2 }
                    }
                    _ => Marker { number: None, content: column + 2 },
                });
            }
            "blockquote" => {
                self.break_paragraph();
                self.quotes += 1;
            }
            "pre" => {
                self.break_paragraph();
                self.pre = Some((String::new(), language_of(&attribute("class").unwrap_or_default())));
            }
            "hr" => {
                self.break_paragraph();
                let source = self.page.document.write_line("---");
                self.page.document.push(Kind::Rule, self.line, source, Inline::default());
                self.blank();
            }
            "details" => {
                self.break_paragraph();
                self.mark(Kind::FoldStart);
            }
            "footer" | "aside" => {
                self.break_paragraph();
                self.mark(Kind::Boundary);
            }
            "table" => {
                self.break_paragraph();
                self.rows = 0;
            }
            "tr" => {
                self.flush();
                self.row = Some(Vec::new());
            }
            "td" | "th" => self.end_cell(),
            _ => self.break_paragraph(),
        }
    }

    fn inline_start(&mut self, name: &str, attribute: &impl Fn(&str) -> Option<String>) {
        match name {
            "strong" | "b" => {
                self.bold += 1;
                self.begin_mark("**");
            }
            "em" | "i" => self.begin_mark("*"),
            "code" | "kbd" | "samp" | "tt" => {
                self.code += 1;
                self.begin_mark("`");
                self.plain.push('`');
            }
            "a" => {
                if let Some(target) = attribute("href") {
                    self.links += 1;
                    self.link.get_or_insert(target);
                    self.begin_mark("a");
                }
            }
            "img" => {
                if let Some(alt) =
                    attribute("alt").filter(|alt| !alt.trim().is_empty() && self.title.is_none())
                {
                    let alt = one_line(&alt).replace(['[', ']'], "");
                    self.markdown.push_str(&format!("![{alt}]({})", attribute("src").unwrap_or_default()));
                }
            }
            "br" if self.title.is_none() && self.row.is_none() => self.flush(),
            "br" => self.space(),
            _ if INLINE.contains(&name) => {}
            _ => self.space(),
        }
    }

    fn end(&mut self, tag: &EndTag<usize>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some((silent, depth)) = &mut self.silent {
            if *silent == name {
                *depth -= 1;
                if *depth == 0 {
                    self.silent = None;
                    self.page.json_ld.extend(self.script.take());
                }
            }
            return;
        }
        if self.pre.is_some() {
            if name == "pre" {
                self.end_pre();
            }
            return;
        }
        if let Some((_, depth)) = self.title.as_mut().filter(|(open, _)| *open == name) {
            *depth -= 1;
            if *depth == 0 {
                self.flush();
                return self.blank();
            }
        }
        match name.as_str() {
            "strong" | "b" => {
                self.bold = self.bold.saturating_sub(1);
                self.end_mark("**");
            }
            "em" | "i" => self.end_mark("*"),
            "code" | "kbd" | "samp" | "tt" => {
                if self.code > 0 {
                    self.code -= 1;
                    self.plain.push('`');
                }
                self.end_mark("`");
            }
            "a" if self.links > 0 => {
                self.links -= 1;
                self.end_mark("a");
            }
            name if INLINE.contains(&name) => {}
            _ if self.title.is_some() => self.space(),
            "ul" | "ol" => {
                self.break_paragraph();
                self.lists.pop();
            }
            "li" => self.flush(),
            "blockquote" => {
                self.break_paragraph();
                self.quotes = self.quotes.saturating_sub(1);
            }
            "details" => {
                self.break_paragraph();
                self.mark(Kind::FoldEnd);
            }
            "main" | "article" | "body" | "dl" => {
                self.break_paragraph();
                self.mark(Kind::Boundary);
            }
            "td" | "th" => self.end_cell(),
            "tr" => self.end_row(),
            _ => self.break_paragraph(),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, script)) = &mut self.script {
            if script.len() + text.len() <= LONGEST_SCRIPT {
                script.push_str(text);
            }
            return;
        }
        if self.silent.is_some() {
            return;
        }
        if let Some((code, _)) = &mut self.pre {
            return code.push_str(text);
        }
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            if !word.is_empty() {
                if self.plain.is_empty() {
                    self.began = self.line
                        + text[..piece.as_ptr() as usize - text.as_ptr() as usize].matches('\n').count()
                            as u64;
                }
                let letters = word.chars().filter(|c| c.is_alphabetic()).count();
                self.words += letters;
                self.bold_words += if self.bold > 0 { letters } else { 0 };
                self.link_words += if self.links > 0 { letters } else { 0 };
                self.plain.push_str(word);
                if self.code > 0 {
                    self.markdown.push_str(word);
                } else {
                    self.markdown.push_str(&escaped(word));
                }
            }
            if word.len() < piece.len() {
                self.space();
            }
        }
        if self.title.is_some() && self.plain.len() > LONGEST_TITLE {
            self.flush();
        }
    }

    fn space(&mut self) {
        for text in [&mut self.plain, &mut self.markdown] {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
        }
    }

    fn begin_mark(&mut self, mark: &'static str) {
        if self.marks.len() < MOST_MARKS {
            self.marks.push((mark, self.markdown.len()));
        }
    }

    /// Puts a mark around what was written since it began.
    fn end_mark(&mut self, mark: &str) {
        let Some(at) = self.marks.iter().rposition(|(open, _)| *open == mark) else {
            return;
        };
        let (_, start) = self.marks.remove(at);
        let inner = self.markdown.split_off(start.min(self.markdown.len()));
        let bare = inner.trim();
        if bare.is_empty() {
            return self.markdown.push_str(&inner);
        }
        let (before, after) = (inner.starts_with(' '), inner.ends_with(' '));
        let marked = match mark {
            "a" => match self.link.as_deref() {
                Some(target) if self.links == 0 || !target.is_empty() => format!("[{bare}]({target})"),
                _ => bare.to_owned(),
            },
            "`" if bare.contains('`') => format!("`` {bare} ``"),
            _ => format!("{mark}{bare}{mark}"),
        };
        self.markdown.push_str(if before { " " } else { "" });
        self.markdown.push_str(&marked);
        self.markdown.push_str(if after { " " } else { "" });
    }

    /// Ends the current block.
    fn flush(&mut self) {
        if self.row.is_some() && self.title.is_none() {
            // A cell may hold paragraphs.
            return self.space();
        }
        while let Some((mark, _)) = self.marks.last().copied() {
            self.end_mark(mark);
        }
        let kind = self.kind.take().unwrap_or(Kind::Text);
        self.title = None;
        let markdown = std::mem::take(&mut self.markdown);
        let text = one_line(&std::mem::take(&mut self.plain));
        let (words, link) = (std::mem::take(&mut self.words), self.link.take());
        let (bold, only_link) = (std::mem::take(&mut self.bold_words), std::mem::take(&mut self.link_words));
        if markdown.trim().is_empty() {
            return;
        }
        let marker = self.marker.take();
        let prefix = match kind {
            Kind::Heading(level) => format!("{} ", "#".repeat(level.into())),
            Kind::Term | Kind::Summary | Kind::Declared | Kind::Button => String::new(),
            _ => self.prefix(marker),
        };
        let line = format!("{prefix}{}", markdown.trim());
        let source = self.page.document.write_line(&line);
        let inline = Inline {
            text,
            bold: words > 0 && bold == words,
            link,
            only_link: words > 0 && only_link == words,
        };
        self.page.document.push(kind, self.began.max(1), source, inline);
        if let Some(block) = self.page.document.blocks.last_mut() {
            block.indent = prefix.len() - prefix.trim_start().len();
            block.marker = marker;
        }
    }

    /// Columns before the marker of an item in the innermost list.
    fn column(&self) -> usize {
        self.lists.len().saturating_sub(1).min(DEEPEST) * 3
    }

    /// What precedes a line in a list or a quotation.
    fn prefix(&self, marker: Option<Marker>) -> String {
        let quote = "> ".repeat(self.quotes.min(DEEPEST));
        let indent = " ".repeat(self.column());
        match marker {
            Some(Marker { number: Some(number), .. }) => format!("{quote}{indent}{number}. "),
            Some(Marker { number: None, .. }) => format!("{quote}{indent}- "),
            None if self.lists.is_empty() => quote,
            None => format!("{quote}{indent}   "),
        }
    }

    /// Ends the current block; what follows is another paragraph.
    fn break_paragraph(&mut self) {
        self.flush();
        if self.row.is_none() && self.marker.is_none() {
            self.blank();
        }
    }

    fn blank(&mut self) {
        if self.page.document.blocks.last().is_some_and(|last| last.kind != Kind::Blank) {
            self.mark(Kind::Blank);
            self.page.document.text.push('\n');
        }
    }

    /// Adds a block without text.
    fn mark(&mut self, kind: Kind) {
        let end = self.page.document.text.len();
        self.page.document.push(kind, self.line, end..end, Inline::default());
    }

    fn end_pre(&mut self) {
        let Some((code, language)) = self.pre.take() else {
            return;
        };
        let fence = if code.contains("```") { "~~~" } else { "```" };
        let indent = if self.lists.is_empty() { String::new() } else { " ".repeat(self.column() + 3) };
        let lines = code.trim_matches(['\n', '\r']).trim_end().lines();
        let first = format!("{fence}{language}");
        for line in [first.as_str()].into_iter().chain(lines).chain([fence]) {
            let source = self.page.document.write_line(&format!("{indent}{line}"));
            self.page.document.push(Kind::Code, self.line, source, Inline::default());
        }
        self.blank();
    }

    fn end_cell(&mut self) {
        let Some(row) = &mut self.row else {
            return self.break_paragraph();
        };
        let cell = std::mem::take(&mut self.markdown);
        self.plain.push(' ');
        if !cell.trim().is_empty() || !row.is_empty() {
            row.push(one_line(&cell).replace('|', "\\|"));
        }
    }

    fn end_row(&mut self) {
        self.end_cell();
        let Some(cells) = self.row.take().filter(|cells| !cells.is_empty()) else {
            return;
        };
        self.markdown = format!("| {} |", cells.join(" | "));
        self.marks.clear();
        self.flush();
        self.rows += 1;
        if self.rows == 1 {
            let source = self.page.document.write_line(&format!("|{}", "---|".repeat(cells.len())));
            self.page.document.push(Kind::Text, self.line, source, Inline::default());
        }
    }

    /// What kind of title an element is, if it is one.
    fn title_kind(&mut self, name: &str, marks: &str) -> Option<Kind> {
        match name {
            "summary" => return Some(Kind::Summary),
            "dt" => return Some(Kind::Term),
            "button" => return Some(Kind::Button),
            _ => {}
        }
        let level = name
            .strip_prefix('h')
            .and_then(|level| level.parse().ok())
            .filter(|level| (1..=6).contains(level));
        if self.expects_name && marks.split_whitespace().any(|mark| mark == "name") {
            self.expects_name = false;
            return Some(Kind::Declared);
        }
        let fits = matches!(name, "div" | "p" | "span" | "a" | "li" | "label");
        if fits && marks.split_whitespace().any(is_question_class) {
            return Some(Kind::Declared);
        }
        level.map(Kind::Heading)
    }
}

/// A word with what would be a tag or an entity in Markdown escaped.
fn escaped(word: &str) -> Cow<'_, str> {
    let begins_tag =
        |rest: &str| rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
    let is_entity = word.contains('&') && word.contains(';');
    let is_tag = word.match_indices('<').any(|(at, _)| begins_tag(&word[at..]));
    if !is_entity && !is_tag {
        return Cow::Borrowed(word);
    }
    let word = if is_entity { word.replace('&', "&amp;") } else { word.to_owned() };
    Cow::Owned(if is_tag { word.replace('<', "&lt;") } else { word })
}

/// `faq-question`, `question-title`, but not the box around a question and its answer.
fn is_question_class(class: &str) -> bool {
    let class = class.to_lowercase();
    let words: Vec<&str> = class.split(['-', '_']).collect();
    let last = words.last().copied().unwrap_or_default();
    let is_box = matches!(
        last,
        "item" | "items" | "wrapper" | "container" | "block" | "list" | "box" | "answer" | "answers"
    );
    words.contains(&"question") && !is_box || class == "accordion-header" || class == "faq-q" || class == "q"
}

/// Whether a title begins although the one that is open has not ended: its end tag was forgotten.
fn begins_another(open: &str, name: &str, kind: Option<Kind>) -> bool {
    match (open, kind) {
        ("dt", _) => matches!(name, "dt" | "dd"),
        (open, Some(Kind::Heading(_) | Kind::Term | Kind::Summary)) => open.starts_with('h'),
        _ => false,
    }
}

/// The language that a class of `<code>` names.
fn language_of(class: &str) -> String {
    let found = class.split_whitespace().find_map(|class| {
        ["language-", "lang-", "highlight-source-", "brush:"]
            .into_iter()
            .find_map(|prefix| class.strip_prefix(prefix))
    });
    found
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '+' | '#' | '-'))
        .collect()
}
