//! A paragraph → inline Markdown.

use super::styles::{Format, Role, Style};
use crate::read::document::inline_markup::{code, link, push_text};

/// A paragraph, with the formatting of its text.
#[derive(Default)]
pub struct Paragraph {
    /// From 1.
    pub number: u64,
    /// What it is for.
    pub role: Role,
    /// The formatting of its style.
    pub format: Format,
    /// The id of its list, and its level.
    pub list: Option<(String, usize)>,
    /// The formatting of the open run.
    pub run: Option<Format>,
    /// The address of the open link.
    pub link: Option<String>,
    /// Its text.
    pub pieces: Vec<(String, Format)>,
}

impl Paragraph {
    /// Gives it a style. What was set before does not count.
    pub fn set_style(&mut self, style: &Style) {
        self.role = style.role;
        self.format = Format { code: style.role == Role::Code || style.format.code, ..style.format.clone() };
        self.list = style.list.clone();
    }

    /// All of it is code.
    pub fn is_code(&self) -> bool {
        let mut words = self.pieces.iter().filter(|(text, _)| !text.trim().is_empty()).peekable();
        self.role == Role::Code && self.list.is_none()
            || words.peek().is_some()
                && self.role == Role::Text
                && self.list.is_none()
                && words.all(|(_, format)| format.code)
    }

    /// As Markdown, on one or more lines.
    pub fn markdown(&self) -> String {
        let mut lines: Vec<Vec<(&str, &Format)>> = vec![Vec::new()];
        for (text, format) in &self.pieces {
            for (at, part) in text.split('\n').enumerate() {
                if at > 0 {
                    lines.push(Vec::new());
                }
                lines.iter_mut().next_back().into_iter().for_each(|line| line.push((part, format)));
            }
        }
        let line = |mut pieces: Vec<(&str, &Format)>| {
            // White space between two words that are alike is like them.
            for at in 1..pieces.len().saturating_sub(1) {
                if pieces[at].0.trim().is_empty() && pieces[at - 1].1 == pieces[at + 1].1 {
                    pieces[at].1 = pieces[at - 1].1;
                }
            }
            let mut written = String::new();
            render(&pieces, &[Layer::Link, Layer::Bold, Layer::Italic], &mut written);
            written.trim().to_owned()
        };
        lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[derive(Clone, Copy)]
enum Layer {
    Link,
    Bold,
    Italic,
}

/// Writes pieces of text with marks around those that are alike, one layer of marks inside the other.
fn render(pieces: &[(&str, &Format)], layers: &[Layer], written: &mut String) {
    let Some((layer, inner_layers)) = layers.split_first() else {
        for group in pieces.chunk_by(|(_, a), (_, b)| a.code == b.code) {
            let text: String = group.iter().map(|(text, _)| *text).collect();
            if group[0].1.code { written.push_str(&spaced(&text, code)) } else { push_text(&text, written) }
        }
        return;
    };
    let key = |format: &Format| match layer {
        Layer::Link => format.link.clone(),
        Layer::Bold => format.bold.then(|| "**".to_owned()),
        Layer::Italic => format.italic.then(|| "*".to_owned()),
    };
    for group in pieces.chunk_by(|(_, a), (_, b)| key(a) == key(b)) {
        let mut inner = String::new();
        render(group, inner_layers, &mut inner);
        written.push_str(&match (key(group[0].1), layer) {
            (None, _) => inner,
            (Some(target), Layer::Link) => spaced(&inner, |text| link(text, &target)),
            (Some(mark), _) => spaced(&inner, |text| format!("{mark}{text}{mark}")),
        });
    }
}

/// A text with marks directly around its words: `" a "` → `" **a** "`.
fn spaced(text: &str, marked: impl Fn(&str) -> String) -> String {
    let bare = text.trim();
    if bare.is_empty() {
        return text.to_owned();
    }
    let start = text.len() - text.trim_start().len();
    format!("{}{}{}", &text[..start], marked(bare), &text[start + bare.len()..])
}
