//! HTML → blocks and Markdown. Elements may be nested to any depth, and end tags may be missing.

mod blocks;
mod elements;
mod text;

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};

use super::document::{Document, Kind};
use super::line::one_line;
use blocks::Blocks;
use elements::{INLINE, SILENT, begins_another, is_question_class, language_of};

/// A page, and what it tells search engines about itself.
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
    let mut parser = Parser::default();
    parser.blocks.line = 1;
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
    parser.blocks.flush();
    Page { document: parser.blocks.document, json_ld: parser.json_ld }
}

/// A piece of HTML as Markdown.
pub fn to_markdown(html: &str) -> String {
    parse(html).document.text.trim().to_owned()
}

/// The longest script that is looked at, in bytes.
const LONGEST_SCRIPT: usize = 16 << 20;

#[derive(Default)]
struct Parser {
    blocks: Blocks,
    json_ld: Vec<(u64, String)>,
    /// How many bytes of the page were counted for the line.
    counted: usize,
    /// An element whose content is skipped, and how many of its name are open in it.
    silent: Option<(String, usize)>,
    script: Option<(u64, String)>,
    /// Inside an element of schema.org's type Question, before its name.
    expects_name: bool,
}

impl Parser {
    /// Goes to the line of a place in the page.
    fn advance(&mut self, html: &str, to: usize) {
        let to = to.min(html.len());
        if to > self.counted {
            let passed = &html.as_bytes()[self.counted..to];
            self.blocks.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
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
        if self.blocks.pre.is_some() {
            return self.start_in_pre(&name, &attribute);
        }
        let marks = [attribute("class"), attribute("itemprop")].map(Option::unwrap_or_default).join(" ");
        self.expects_name |= attribute("itemtype").is_some_and(|kind| kind.ends_with("schema.org/Question"));
        let kind = self.title_kind(&name, &marks);
        if let Some((open, depth)) = &mut self.blocks.title {
            if !begins_another(open, &name, kind) {
                *depth += usize::from(*open == name);
                return self.inline_start(&name, &attribute);
            }
            self.blocks.flush();
        }
        if let Some(kind) = kind {
            self.blocks.break_paragraph();
            self.blocks.kind = Some(kind);
            self.blocks.title = Some((name, 1));
            return;
        }
        self.block_start(&name, &attribute);
    }

    /// Skips the content of an element, except for data about the page.
    fn start_silent(&mut self, name: String, attribute: &impl Fn(&str) -> Option<String>) {
        let is_json = || attribute("type").is_some_and(|kind| kind.to_lowercase().contains("ld+json"));
        if name == "script" && is_json() {
            self.script = Some((self.blocks.line, String::new()));
        }
        self.silent = Some((name, 1));
    }

    fn start_in_pre(&mut self, name: &str, attribute: &impl Fn(&str) -> Option<String>) {
        match (name, &mut self.blocks.pre) {
            ("code", Some((_, language))) if language.is_empty() => {
                *language = language_of(&attribute("class").unwrap_or_default());
            }
            ("br", _) => self.blocks.add("\n"),
            _ => {}
        }
    }

    fn block_start(&mut self, name: &str, attribute: &impl Fn(&str) -> Option<String>) {
        let blocks = &mut self.blocks;
        match name {
            name if INLINE.contains(&name) => return self.inline_start(name, attribute),
            "li" => return blocks.begin_item(),
            "tr" => return blocks.begin_row(),
            "td" | "th" => return blocks.end_cell(),
            _ => blocks.break_paragraph(),
        }
        match name {
            "ul" | "ol" => {
                let start = attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1u32);
                blocks.lists.push((name == "ol").then(|| start.saturating_sub(1)));
            }
            "blockquote" => blocks.quotes += 1,
            "pre" => {
                blocks.pre = Some((String::new(), language_of(&attribute("class").unwrap_or_default())));
            }
            "hr" => {
                blocks.write(Kind::Rule, "---");
                blocks.blank();
            }
            "details" => blocks.mark(Kind::FoldStart),
            "footer" | "aside" => blocks.mark(Kind::Boundary),
            "table" => blocks.rows = 0,
            _ => {}
        }
    }

    fn inline_start(&mut self, name: &str, attribute: &impl Fn(&str) -> Option<String>) {
        let is_plain = self.blocks.title.is_none();
        match name {
            "img" => {
                if let Some(alt) = attribute("alt").filter(|alt| !alt.trim().is_empty() && is_plain) {
                    let (alt, source) = (one_line(&alt).replace(['[', ']'], ""), attribute("src"));
                    let image = format!("![{alt}]({})", source.unwrap_or_default());
                    self.blocks.text.markdown.push_str(&image);
                }
            }
            "br" if is_plain && self.blocks.row.is_none() => self.blocks.flush(),
            "br" => self.blocks.text.space(),
            _ if INLINE.contains(&name) => self.blocks.text.start(name, attribute("href")),
            _ => self.blocks.text.space(),
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.script {
            Some((_, script)) if script.len() + text.len() <= LONGEST_SCRIPT => script.push_str(text),
            None if self.silent.is_none() => self.blocks.add(text),
            _ => {}
        }
    }

    fn end(&mut self, tag: &EndTag<usize>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if self.silent.is_some() {
            return self.end_silent(&name);
        }
        if self.blocks.pre.is_some() {
            if name == "pre" {
                self.blocks.end_pre();
            }
            return;
        }
        if let Some((_, depth)) = self.blocks.title.as_mut().filter(|(open, _)| *open == name) {
            *depth -= 1;
            if *depth == 0 {
                self.blocks.flush();
                return self.blocks.blank();
            }
        }
        match name.as_str() {
            name if INLINE.contains(&name) => self.blocks.text.end(name),
            _ if self.blocks.title.is_some() => self.blocks.text.space(),
            name => self.block_end(name),
        }
    }

    fn end_silent(&mut self, name: &str) {
        if let Some((_, depth)) = self.silent.as_mut().filter(|(silent, _)| silent == name) {
            *depth -= 1;
            if *depth == 0 {
                self.silent = None;
                self.json_ld.extend(self.script.take());
            }
        }
    }

    fn block_end(&mut self, name: &str) {
        let blocks = &mut self.blocks;
        match name {
            "li" => return blocks.flush(),
            "td" | "th" => return blocks.end_cell(),
            "tr" => return blocks.end_row(),
            _ => blocks.break_paragraph(),
        }
        match name {
            "ul" | "ol" => drop(blocks.lists.pop()),
            "blockquote" => blocks.quotes = blocks.quotes.saturating_sub(1),
            "details" => blocks.mark(Kind::FoldEnd),
            "main" | "article" | "body" | "dl" => blocks.mark(Kind::Boundary),
            _ => {}
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
