//! The text within a block: words, emphasis, links, code.

use std::borrow::Cow;

use crate::read::document::Inline;
use crate::read::line::one_line;

/// More emphasis, links and code that are open at the same time are text: each copies what is inside when it ends.
const MOST_MARKS: usize = 16;

/// The text of the current block.
#[derive(Default)]
pub struct Text {
    /// With markup.
    pub markdown: String,
    /// Without markup.
    pub plain: String,
    /// Where the open emphasis, links and code begin in `markdown`.
    pub marks: Vec<(&'static str, usize)>,
    link: Option<String>,
    bold: usize,
    links: usize,
    code: usize,
    words: usize,
    bold_words: usize,
    link_words: usize,
}

impl Text {
    /// Begins an element that is part of a line. `target` is where a link leads.
    pub fn start(&mut self, name: &str, target: Option<String>) {
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
                if let Some(target) = target {
                    self.links += 1;
                    self.link.get_or_insert(target);
                    self.begin_mark("a");
                }
            }
            _ => {}
        }
    }

    /// Ends an element that is part of a line.
    pub fn end(&mut self, name: &str) {
        match name {
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
            _ => {}
        }
    }

    /// Adds a word.
    pub fn word(&mut self, word: &str) {
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

    /// Adds a space, unless there is one.
    pub fn space(&mut self) {
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

    /// Ends the block and returns its Markdown, and its text without markup.
    pub fn take(&mut self) -> (String, Inline) {
        while let Some((mark, _)) = self.marks.last().copied() {
            self.end_mark(mark);
        }
        let [words, bold, links] =
            [&mut self.words, &mut self.bold_words, &mut self.link_words].map(std::mem::take);
        let inline = Inline {
            text: one_line(&std::mem::take(&mut self.plain)),
            bold: words > 0 && bold == words,
            link: self.link.take(),
            only_link: words > 0 && links == words,
        };
        (std::mem::take(&mut self.markdown), inline)
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
