//! One line of Markdown → its text.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::read::line::one_line;
use crate::read::mdx::is_component;

/// The text of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inline {
    /// The text on one line, white space folded. Inline code keeps its backticks, other markup is removed.
    pub text: String,
    /// All words are bold.
    pub bold: bool,
    /// Where the first link leads.
    pub link: Option<String>,
    /// All words are part of a link.
    pub only_link: bool,
}

impl Inline {
    /// Text without markup.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The anchor that the block links to, if it is an entry of a table of contents: all words are part of a
    /// link into the same document.
    pub fn contents_target(&self) -> Option<&str> {
        self.link.as_deref().filter(|_| self.only_link)?.strip_prefix('#')
    }
}

/// Longer lines are paragraphs, or not prose at all. Only their beginning is looked at, in bytes.
const LONGEST_LINE: usize = 4000;

/// Removes emphasis, links, images and HTML tags from a line.
///
/// A tag that HTML does not have stays: people write `Vec<T>` without backticks.
pub fn inline(line: &str) -> Inline {
    let line = line.trim();
    let line = &line[..line.floor_char_boundary(LONGEST_LINE)];
    if !line.contains(['*', '_', '`', '[', '<', '&', '\\', '~']) {
        return Inline::plain(one_line(line));
    }
    let mut scan = Scan::default();
    // The prefix keeps the line from being read as a list item, a heading or a quotation.
    let guarded = format!("x {line}");
    for event in Parser::new_ext(&guarded, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Image { .. }) => scan.images += 1,
            Event::End(TagEnd::Image) => scan.images -= 1,
            Event::Start(Tag::Strong) => scan.bold += 1,
            Event::End(TagEnd::Strong) => scan.bold -= 1,
            Event::Start(Tag::Link { dest_url, .. }) => {
                scan.links += 1;
                scan.link.get_or_insert_with(|| dest_url.to_string());
            }
            Event::End(TagEnd::Link) => scan.links -= 1,
            Event::Text(piece) => scan.add(&piece),
            Event::Code(piece) => scan.add(&format!("`{piece}`")),
            Event::Html(tag) | Event::InlineHtml(tag) if !is_html(&tag) => scan.add(&tag),
            Event::Html(tag) | Event::InlineHtml(tag) => scan.tag(&tag),
            Event::SoftBreak | Event::HardBreak => scan.text.push(' '),
            _ => {}
        }
    }
    let text = one_line(scan.text.strip_prefix("x ").unwrap_or(&scan.text));
    let words = scan.words;
    Inline {
        text,
        bold: words > 0 && scan.in_bold == words,
        link: scan.link,
        only_link: words > 0 && scan.in_link == words,
    }
}

/// What is known of a line so far. Letters and digits are counted, so that list numbers, table rules and emoji
/// around bold text or a link do not matter.
#[derive(Default)]
struct Scan {
    text: String,
    link: Option<String>,
    images: i32,
    bold: i32,
    links: i32,
    words: usize,
    in_bold: usize,
    in_link: usize,
    /// The guard `x` has been passed.
    begun: bool,
}

impl Scan {
    fn add(&mut self, piece: &str) {
        if self.images > 0 {
            return;
        }
        self.text.push_str(piece);
        let skipped = usize::from(!std::mem::replace(&mut self.begun, true));
        let words = piece.chars().skip(skipped).filter(|c| c.is_alphabetic()).count();
        self.words += words;
        self.in_bold += if self.bold > 0 { words } else { 0 };
        self.in_link += if self.links > 0 { words } else { 0 };
    }

    fn tag(&mut self, tag: &str) {
        let name = tag.trim_start_matches(['<', '/']);
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        let step = if tag.starts_with("</") { -1 } else { 1 };
        match name[..end].to_ascii_lowercase().as_str() {
            "code" => self.text.push('`'),
            "br" => self.text.push(' '),
            "b" | "strong" => self.bold += step,
            "a" => {
                if let Some(target) = attribute(tag, "href") {
                    self.links += 1;
                    self.link.get_or_insert_with(|| target.to_owned());
                } else if step < 0 && self.links > 0 {
                    self.links -= 1;
                }
            }
            _ => {}
        }
    }
}

/// The value of an attribute in a tag.
pub fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.find(&format!("{name}="))?;
    let value = &tag[at + name.len() + 1..];
    match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next(),
        _ => value.split(|c: char| c.is_whitespace() || c == '>').next(),
    }
}

/// The longest tag that is removed, in bytes.
const LONGEST_TAG: usize = 2000;

/// A line of prose without its HTML tags; `<code>` becomes backticks, everything else of Markdown
/// stays as it is.
pub fn without_tags(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    let mut code = false;
    while let Some(at) = rest.find(['<', '`']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('`') {
            code = !code;
            text.push('`');
            rest = &rest[1..];
            continue;
        }
        // No tag is longer: a line full of `<` is not searched to its end each time.
        let end = rest.as_bytes().iter().take(LONGEST_TAG).position(|b| *b == b'>').map_or(1, |end| end + 1);
        match &rest[..end] {
            tag if code || !is_html(tag) => {
                text.push('<');
                rest = &rest[1..];
            }
            tag => {
                if matches!(tag, "<code>" | "</code>") {
                    text.push('`');
                }
                rest = &rest[end..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// Elements of HTML that people put into Markdown.
const ELEMENTS: &str = "a abbr b big blockquote br center code dd del details div dl dt em figure font h1 h2 \
    h3 h4 h5 h6 hr i img ins kbd li mark ol p picture pre q s samp section small source span strong sub \
    summary sup table tbody td th thead tr ul";

/// Whether `<…>` is a tag of HTML or of a component, or a comment.
fn is_html(tag: &str) -> bool {
    if tag.starts_with("<!--") {
        return true;
    }
    let name = tag.trim_start_matches(['<', '/']);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let is_element = || ELEMENTS.split(' ').any(|element| element.eq_ignore_ascii_case(&name[..end]));
    tag.ends_with('>') && (is_element() || is_component(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(inline(line).text, expected, "{line:?}");
    }

    #[test]
    fn only_code_keeps_its_marks() {
        check("**What** is _really_ `a * b`?", "What is really `a * b`?");
        check("1. **What is it?**", "1. What is it?");
        check("What does `*const T` of snake_case do?", "What does `*const T` of snake_case do?");
        check("[Why so?](https://example.org) ![badge](b.svg)", "Why so?");
        check("Is <code>a</code> or Vec<T> a <b>list</b>?", "Is `a` or Vec<T> a list?");
        check("# no heading", "# no heading");
        check("a \\* b &amp; c", "a * b & c");
        check("", "");
    }

    #[test]
    fn a_link_is_remembered() {
        let linked = inline("[Why so?](https://example.org)");
        assert_eq!((linked.link.as_deref(), linked.only_link), (Some("https://example.org"), true));
        assert!(!inline("see [this](x)").only_link);
        assert!(!inline("").only_link);
    }

    #[test]
    fn tags_go_and_generics_stay() {
        assert_eq!(without_tags("<p>A <code>Vec</code> of Option<T></p>"), "A `Vec` of Option<T>");
        assert_eq!(without_tags("`<b>` stays, a < b too"), "`<b>` stays, a < b too");
        assert_eq!(without_tags("<"), "<");
    }
}
