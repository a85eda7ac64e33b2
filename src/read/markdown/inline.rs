//! One line of Markdown → plain text.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::read::markup::one_line;

/// A line without its markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// The text on one line, white space folded; inline code keeps its backticks.
    pub text: String,
    /// Where the line's links lead, the first of them.
    pub link: Option<String>,
    /// Nothing stands outside a link.
    pub only_link: bool,
    /// Its first letter is bold.
    pub bold: bool,
}

/// Takes emphasis, links, images and HTML tags from a line.
///
/// A tag that HTML does not know stays: `Vec<T>` without backticks is common where Rust is.
pub fn plain(line: &str) -> Plain {
    if line.trim().is_empty() {
        return Plain::default();
    }
    let mut plain = Plain { only_link: true, ..Plain::default() };
    let mut text = String::with_capacity(line.len());
    let mut bold = false;
    let mut seen = false;
    let mut images = 0;
    let mut links = 0;
    // Something before it keeps the line from being read as a list, a heading or a quotation.
    let guarded = format!("x {}", line.trim());
    for event in Parser::new_ext(&guarded, Options::ENABLE_STRIKETHROUGH) {
        let (piece, code) = match &event {
            Event::Start(Tag::Image { .. }) => {
                images += 1;
                continue;
            }
            Event::End(TagEnd::Image) => {
                images -= 1;
                continue;
            }
            Event::Start(Tag::Strong) => {
                bold = true;
                continue;
            }
            Event::End(TagEnd::Strong) => {
                bold = false;
                continue;
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                links += 1;
                plain.link.get_or_insert_with(|| dest_url.to_string());
                continue;
            }
            Event::End(TagEnd::Link) => {
                links -= 1;
                continue;
            }
            Event::Text(piece) => (&**piece, false),
            Event::Code(piece) => (&**piece, true),
            Event::Html(tag) | Event::InlineHtml(tag) if !is_html(tag) => (&**tag, false),
            Event::Html(tag) | Event::InlineHtml(tag) => match &**tag {
                "<code>" | "</code>" => ("`", false),
                tag if tag.starts_with("<br") => (" ", false),
                _ => continue,
            },
            Event::SoftBreak | Event::HardBreak => (" ", false),
            _ => continue,
        };
        if images > 0 {
            continue;
        }
        let piece = if text.is_empty() && !seen { piece.strip_prefix("x ").unwrap_or(piece) } else { piece };
        if !seen && !piece.trim().is_empty() {
            plain.bold = bold;
            seen = true;
        }
        plain.only_link &= links > 0 || piece.trim().is_empty();
        if code {
            text.push('`');
        }
        text.push_str(piece);
        if code {
            text.push('`');
        }
    }
    plain.text = one_line(&text);
    plain.only_link &= seen;
    plain
}

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
        let end = rest.find('>').map_or(1, |end| end + 1);
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
const ELEMENTS: [&str; 52] = [
    "a",
    "abbr",
    "b",
    "big",
    "blockquote",
    "br",
    "center",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "figure",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "picture",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Whether `<…>` is a tag of HTML or a comment.
fn is_html(tag: &str) -> bool {
    if tag.starts_with("<!--") {
        return true;
    }
    let name = tag.trim_start_matches(['<', '/']);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    tag.ends_with('>') && ELEMENTS.contains(&name[..end].to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(plain(line).text, expected, "{line:?}");
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
        let linked = plain("[Why so?](https://example.org)");
        assert_eq!((linked.link.as_deref(), linked.only_link), (Some("https://example.org"), true));
        assert!(!plain("see [this](x)").only_link);
        assert!(!plain("").only_link);
    }

    #[test]
    fn tags_go_and_generics_stay() {
        assert_eq!(without_tags("<p>A <code>Vec</code> of Option<T></p>"), "A `Vec` of Option<T>");
        assert_eq!(without_tags("`<b>` stays, a < b too"), "`<b>` stays, a < b too");
        assert_eq!(without_tags("<"), "<");
    }
}
