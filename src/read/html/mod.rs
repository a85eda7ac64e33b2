//! HTML → blocks and Markdown. Elements may be nested to any depth, and end tags may be missing.

mod code_and_tables;
mod elements;
mod text;

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};

use super::document::{Document, Inline, Kind, Marker, Writer};
use super::line::one_line;
use elements::{INLINE, SILENT, begins_another, is_question_class, language_of};

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
    for token in Tokenizer::new_with_emitter(html, emitter) {
        // Reading from memory cannot fail.
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                parser.advance(html, tag.span.start);
                parser.start(&tag);
            }
            Token::EndTag(tag) => {
                parser.advance(html, tag.span.start);
                parser.end(&tag);
            }
            Token::String(text) => {
                parser.advance(html, text.span.start);
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

/// Deeper lists and quotations are not indented further.
const DEEPEST: usize = 12;

#[derive(Default)]
struct Parser {
    page: Page,
    /// The line of the current token, from 1.
    line: u64,
    /// How many bytes of the page were counted for it.
    counted: usize,
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
    /// Goes to the line of a place in the page.
    fn advance(&mut self, html: &str, to: usize) {
        let to = to.min(html.len());
        if to > self.counted {
            let passed = &html.as_bytes()[self.counted..to];
            self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.counted = to;
        }
    }

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
            return self.start_silent(name, &attribute);
        }
        if self.pre.is_some() {
            return self.start_in_pre(&name, &attribute);
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

    /// Skips the content of an element, except for data about the page.
    fn start_silent(&mut self, name: String, attribute: &impl Fn(&str) -> Option<String>) {
        let is_json = || attribute("type").is_some_and(|kind| kind.to_lowercase().contains("ld+json"));
        if name == "script" && is_json() {
            self.script = Some((self.line, String::new()));
        }
        self.silent = Some((name, 1));
    }

    fn start_in_pre(&mut self, name: &str, attribute: &impl Fn(&str) -> Option<String>) {
        match (name, &mut self.pre) {
            ("code", Some((_, language))) if language.is_empty() => {
                *language = language_of(&attribute("class").unwrap_or_default());
            }
            ("br", _) => self.text("\n"),
            _ => {}
        }
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
                self.begin_item();
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
            "details" => self.break_and_mark(Kind::FoldStart),
            "footer" | "aside" => self.break_and_mark(Kind::Boundary),
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

    fn end(&mut self, tag: &EndTag<usize>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if self.silent.is_some() {
            return self.end_silent(&name);
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
            name if INLINE.contains(&name) => self.inline_end(name),
            _ if self.title.is_some() => self.space(),
            name => self.block_end(name),
        }
    }

    fn end_silent(&mut self, name: &str) {
        if let Some((_, depth)) = self.silent.as_mut().filter(|(silent, _)| silent == name) {
            *depth -= 1;
            if *depth == 0 {
                self.silent = None;
                self.page.json_ld.extend(self.script.take());
            }
        }
    }

    fn block_end(&mut self, name: &str) {
        match name {
            "ul" | "ol" => {
                self.break_paragraph();
                self.lists.pop();
            }
            "li" => self.flush(),
            "blockquote" => {
                self.break_paragraph();
                self.quotes = self.quotes.saturating_sub(1);
            }
            "details" => self.break_and_mark(Kind::FoldEnd),
            "main" | "article" | "body" | "dl" => self.break_and_mark(Kind::Boundary),
            "td" | "th" => self.end_cell(),
            "tr" => self.end_row(),
            _ => self.break_paragraph(),
        }
    }

    /// Begins an item of the innermost list.
    fn begin_item(&mut self) {
        let number = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                Some(*number)
            }
            _ => None,
        };
        self.marker = Some(Writer::marker(number, self.column()));
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
        let inline = self.take_inline();
        if markdown.trim().is_empty() {
            return;
        }
        let marker = self.marker.take();
        let prefix = match kind {
            Kind::Heading(level) => format!("{} ", "#".repeat(level.into())),
            Kind::Term | Kind::Summary | Kind::Declared | Kind::Button => String::new(),
            _ => self.prefix(marker),
        };
        let source = self.page.document.write_line(&format!("{prefix}{}", markdown.trim()));
        self.page.document.push(kind, self.began.max(1), source, inline);
        if let Some(block) = self.page.document.blocks.last_mut() {
            block.indent = prefix.len() - prefix.trim_start().len();
            block.marker = marker;
        }
    }

    /// The text of the current block.
    fn take_inline(&mut self) -> Inline {
        let [words, bold, links] =
            [&mut self.words, &mut self.bold_words, &mut self.link_words].map(std::mem::take);
        Inline {
            text: one_line(&std::mem::take(&mut self.plain)),
            bold: words > 0 && bold == words,
            link: self.link.take(),
            only_link: words > 0 && links == words,
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
            Some(marker) => format!("{quote}{indent}{}", marker.sign()),
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

    /// Ends the current block and adds one without text.
    fn break_and_mark(&mut self, kind: Kind) {
        self.break_paragraph();
        self.page.document.mark(kind, self.line);
    }

    fn blank(&mut self) {
        self.page.document.blank(self.line);
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
