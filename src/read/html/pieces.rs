//! A page's HTML, cut into what the reader decides by: titles, markup, ends of elements.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use html5gum::{DefaultEmitter, EndTag, IoReader, StartTag, Token, Tokenizer};

use crate::read::Text;
use crate::read::markup::one_line;

/// How a page marks its questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// `<summary>` of a `<details>`.
    Summary,
    /// `<dt>` of a list of definitions.
    Term,
    /// Any element whose class or `itemprop` speaks of a question.
    Class,
    /// `<button>` that opens an answer.
    Button,
    /// `<h1>` to `<h6>`.
    Heading(u8),
    /// A paragraph that begins in bold.
    Bold,
}

/// A part of a page.
pub enum Piece<'a> {
    /// An element that may be a question or a heading.
    Title {
        /// How it is marked.
        way: Way,
        /// Its line, from 1.
        line: u64,
        /// Its text on one line; `<code>` in backticks.
        text: String,
        /// The whole element.
        html: String,
    },
    /// A tag or text outside titles, as HTML.
    Markup(&'a str),
    /// An element begins. Its tag follows as [`Piece::Markup`].
    Open(&'a str),
    /// An element ends. Its tag came before as [`Piece::Markup`].
    Close(&'a str),
    /// A `<script type="application/ld+json">`.
    JsonLd {
        /// Its line, from 1.
        line: u64,
        /// What it holds.
        script: String,
    },
}

/// Elements whose content is no text of the page.
const SILENT: [&str; 8] = ["script", "style", "noscript", "template", "svg", "nav", "form", "iframe"];

/// Elements that have no end.
const VOID: [&str; 7] = ["br", "hr", "img", "input", "link", "meta", "wbr"];

/// A title ends where one is longer than this, in bytes: its end tag was forgotten.
const LONGEST_TITLE: usize = 4000;

/// The longest script that is looked into, in bytes.
const LONGEST_SCRIPT: usize = 16 << 20;

/// Hands over the pieces of a page in order.
///
/// # Errors
/// The text cannot be read on.
pub fn scan(text: &mut Text, on: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>) -> io::Result<()> {
    let source =
        Counted(Rc::new(RefCell::new(Count { text, offset: 0, line_ends: VecDeque::new(), line: 1 })));
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut scan = Scan { on, title: None, silent: None, script: None, block_begins: false };
    for token in Tokenizer::new_with_emitter(IoReader::new(source.clone()), emitter) {
        let flow = match token? {
            Token::StartTag(tag) => scan.start(&tag, source.line_at(tag.span.start)),
            Token::EndTag(tag) => scan.end(&tag),
            Token::String(text) => scan.text(&String::from_utf8_lossy(&text.value)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => ControlFlow::Continue(()),
        };
        if flow.is_break() {
            return Ok(());
        }
    }
    // Nobody is asked for more after the last piece.
    let _: ControlFlow<()> = scan.end_title();
    Ok(())
}

struct Scan<'f> {
    on: &'f mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    title: Option<Title>,
    /// An element whose content is left out, and how many of its kind are open in it.
    silent: Option<(String, usize)>,
    script: Option<(u64, String)>,
    /// A block has just begun and has no text yet.
    block_begins: bool,
}

/// A title in the making.
struct Title {
    way: Way,
    line: u64,
    element: String,
    /// Elements of the same name that are open in it.
    depth: usize,
    text: String,
    html: String,
}

impl Scan<'_> {
    fn start(&mut self, tag: &StartTag<usize>, line: u64) -> ControlFlow<()> {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some((silent, depth)) = &mut self.silent {
            *depth += usize::from(*silent == name && !tag.self_closing);
            return ControlFlow::Continue(());
        }
        let attribute = |wanted: &str| {
            let value = tag.attributes.get(wanted.as_bytes())?;
            Some(String::from_utf8_lossy(&value.value).into_owned())
        };
        if SILENT.contains(&name.as_str()) && !tag.self_closing {
            let kind = attribute("type").unwrap_or_default();
            if name == "script" && kind.to_lowercase().contains("ld+json") {
                self.script = Some((line, String::new()));
            }
            self.silent = Some((name, 1));
            return ControlFlow::Continue(());
        }
        let marks = [attribute("class"), attribute("itemprop")].map(Option::unwrap_or_default).join(" ");
        let html = markup(&name, &attribute, tag.self_closing);
        if let Some(title) = &mut self.title {
            if !begins_another(&title.way, &name) {
                title.depth += usize::from(title.element == name);
                title.html.push_str(&html);
                match name.as_str() {
                    "code" => title.text.push('`'),
                    "br" | "p" | "div" => title.text.push(' '),
                    _ => {}
                }
                return ControlFlow::Continue(());
            }
            self.end_title()?;
        }
        let block_begins = self.block_begins;
        self.block_begins =
            matches!(name.as_str(), "p" | "div" | "li" | "td") || block_begins && name == "span";
        if let Some(way) = way(&name, &marks, block_begins) {
            let title = Title { way, line, element: name, depth: 1, text: String::new(), html };
            self.title = Some(title);
            return ControlFlow::Continue(());
        }
        (self.on)(Piece::Open(&name))?;
        (self.on)(Piece::Markup(&html))
    }

    fn end(&mut self, tag: &EndTag<usize>) -> ControlFlow<()> {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some((silent, depth)) = &mut self.silent {
            if *silent == name {
                *depth -= 1;
                if *depth == 0 {
                    self.silent = None;
                    if let Some((line, script)) = self.script.take() {
                        return (self.on)(Piece::JsonLd { line, script });
                    }
                }
            }
            return ControlFlow::Continue(());
        }
        let html = format!("</{name}>");
        if let Some(title) = &mut self.title {
            title.html.push_str(&html);
            if name == "code" {
                title.text.push('`');
            }
            if title.element == name {
                title.depth -= 1;
                if title.depth == 0 {
                    return self.end_title();
                }
            }
            return ControlFlow::Continue(());
        }
        self.block_begins = false;
        (self.on)(Piece::Markup(&html))?;
        (self.on)(Piece::Close(&name))
    }

    fn text(&mut self, text: &str) -> ControlFlow<()> {
        if let Some((_, script)) = &mut self.script {
            if script.len() + text.len() <= LONGEST_SCRIPT {
                script.push_str(text);
            }
            return ControlFlow::Continue(());
        }
        if self.silent.is_some() {
            return ControlFlow::Continue(());
        }
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if let Some(title) = &mut self.title {
            title.text.push_str(text);
            title.html.push_str(&escaped);
            if title.text.len() > LONGEST_TITLE {
                return self.end_title();
            }
            return ControlFlow::Continue(());
        }
        self.block_begins &= text.trim().is_empty();
        (self.on)(Piece::Markup(&escaped))
    }

    fn end_title(&mut self) -> ControlFlow<()> {
        let Some(Title { way, line, text, html, .. }) = self.title.take() else {
            return ControlFlow::Continue(());
        };
        (self.on)(Piece::Title { way, line, text: one_line(&text), html })
    }
}

/// A new title begins although the last one has not ended: its end tag was forgotten.
fn begins_another(open: &Way, name: &str) -> bool {
    let heading = name.len() == 2 && name.starts_with('h') && name != "hr";
    match open {
        Way::Heading(_) => heading || matches!(name, "dt" | "summary"),
        Way::Term => matches!(name, "dt" | "dd"),
        Way::Summary | Way::Class | Way::Button | Way::Bold => false,
    }
}

fn way(name: &str, marks: &str, block_begins: bool) -> Option<Way> {
    match name {
        "summary" => return Some(Way::Summary),
        "dt" => return Some(Way::Term),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => return Some(Way::Heading(name.as_bytes()[1] - b'0')),
        "button" => return Some(Way::Button),
        "strong" | "b" if block_begins => return Some(Way::Bold),
        _ => {}
    }
    // `faq-question`, `question-title`, but not the box around a question and its answer.
    let is_question = marks.split_whitespace().any(|class| {
        let class = class.to_lowercase();
        let words: Vec<&str> = class.split(['-', '_']).collect();
        let last = words.last().copied().unwrap_or_default();
        words.contains(&"question")
            && !matches!(last, "item" | "wrapper" | "container" | "block" | "list" | "box" | "answer")
            || class == "accordion-header"
            || class == "faq-q"
            || class == "q"
    });
    let fits = matches!(name, "div" | "p" | "span" | "a" | "li" | "label");
    (is_question && fits).then_some(Way::Class)
}

/// A start tag with the attributes that say something: where a link leads, the language of code.
fn markup(name: &str, attribute: &impl Fn(&str) -> Option<String>, self_closing: bool) -> String {
    let mut html = format!("<{name}");
    for wanted in ["href", "src", "alt", "class"] {
        // Only the language of code is worth a class.
        let worth = wanted != "class" || matches!(name, "code" | "pre");
        if let Some(value) = attribute(wanted).filter(|_| worth) {
            html.push_str(&format!(" {wanted}=\"{}\"", value.replace('&', "&amp;").replace('"', "&quot;")));
        }
    }
    html.push_str(if self_closing || VOID.contains(&name) { "/>" } else { ">" });
    html
}

/// The text, with its line ends counted as far as the tokenizer has come.
#[derive(Clone)]
struct Counted<'a>(Rc<RefCell<Count<'a>>>);

struct Count<'a> {
    text: &'a mut Text,
    /// Bytes handed to the tokenizer.
    offset: usize,
    /// Where in them lines end, behind `line`.
    line_ends: VecDeque<usize>,
    line: u64,
}

impl Counted<'_> {
    /// The line of an offset that is no smaller than the one asked for before.
    fn line_at(&self, offset: usize) -> u64 {
        let mut count = self.0.borrow_mut();
        while count.line_ends.front().is_some_and(|end| *end < offset) {
            count.line_ends.pop_front();
            count.line += 1;
        }
        count.line
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut count = self.0.borrow_mut();
        let read = count.text.read(buf)?;
        let offset = count.offset;
        count
            .line_ends
            .extend(buf[..read].iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| offset + at));
        count.offset += read;
        Ok(read)
    }
}
