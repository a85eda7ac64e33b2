//! The text within a block: words, emphasis, links, code.

use std::borrow::Cow;

use super::Parser;
use super::elements::INLINE;
use crate::read::line::one_line;

/// A title ends where one is longer than this, in bytes: its end tag was forgotten.
const LONGEST_TITLE: usize = 4000;

/// The longest script that is looked at, in bytes.
const LONGEST_SCRIPT: usize = 16 << 20;

/// More emphasis, links and code that are open at the same time are text: each copies what is inside when it ends.
const MOST_MARKS: usize = 16;

impl Parser {
    pub fn inline_start(&mut self, name: &str, attribute: &impl Fn(&str) -> Option<String>) {
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

    /// The end tag of an element that is part of a line of text.
    pub fn inline_end(&mut self, name: &str) {
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

    pub fn text(&mut self, text: &str) {
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
        let mut line = self.line;
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            if !word.is_empty() {
                if self.plain.is_empty() {
                    self.began = line;
                }
                self.word(word);
            }
            if word.len() < piece.len() {
                self.space();
            }
            line += u64::from(piece.ends_with('\n'));
        }
        if self.title.is_some() && self.plain.len() > LONGEST_TITLE {
            self.flush();
        }
    }

    fn word(&mut self, word: &str) {
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

    pub fn space(&mut self) {
        for text in [&mut self.plain, &mut self.markdown] {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
        }
    }

    pub fn begin_mark(&mut self, mark: &'static str) {
        if self.marks.len() < MOST_MARKS {
            self.marks.push((mark, self.markdown.len()));
        }
    }

    /// Puts a mark around what was written since it began.
    pub fn end_mark(&mut self, mark: &str) {
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
