//! The lines of an answer, without metadata and boilerplate.

use super::contents::is_way_back;
use super::inline::without_tags;
use super::labels;
use super::model::{Block, Document, Kind};
use crate::question::Question;
use crate::read::line::{dedented, is_rule};

/// The longest answer in a document, in bytes. The rest is dropped.
pub const LONGEST_ANSWER: usize = 1 << 20;

/// The lines of an answer.
pub struct Lines {
    /// Its text.
    pub text: String,
    /// Only metadata has followed the title so far.
    pub after_title: bool,
}

impl Lines {
    /// Adds a block, without the columns of white space that the item of a question is indented by. Metadata is moved into `question`.
    pub fn add(&mut self, document: &Document, block: &Block, indent: usize, question: &mut Question) {
        let source = document.source(block);
        let text = block.text.text.as_str();
        if self.after_title {
            match block.kind {
                Kind::Blank => return,
                Kind::Text if !text.is_empty() && labels::take(source, question) => return,
                _ => self.after_title = block.kind == Kind::Text && is_boilerplate(block, source),
            }
        }
        match block.kind {
            Kind::FoldStart | Kind::FoldEnd | Kind::Boundary => {}
            // What was left out leaves no hole.
            Kind::Blank if self.text.ends_with("\n\n") => {}
            Kind::Heading(_) | Kind::Summary if labels::is_bare_answer_label(text) => {}
            Kind::Summary | Kind::Term | Kind::Button if text.is_empty() => {}
            Kind::Text if is_boilerplate(block, source) => {}
            Kind::Text => {
                let line = dedented(source, indent);
                let line = if line.contains('<') { without_tags(line) } else { line.to_owned() };
                let is_first = self.text.trim().is_empty();
                self.push(if is_first { labels::without_label(&line) } else { &line });
            }
            Kind::Summary => self.push(text),
            _ => self.push(dedented(source, indent)),
        }
    }

    fn push(&mut self, line: &str) {
        if self.text.len() + line.len() < LONGEST_ANSWER {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

/// A line that leads through the page and says nothing: a link to its top, an empty box.
fn is_boilerplate(block: &Block, source: &str) -> bool {
    let text = &block.text;
    if text.text.is_empty() {
        return source.trim_start().starts_with('<');
    }
    let few = text.text.split_whitespace().count() <= 6;
    few && text.link.as_ref().is_some_and(|link| link.starts_with('#'))
        && (text.only_link || is_way_back(&text.text))
}

/// An answer without blank lines and rules at its ends.
pub fn trimmed(answer: &str) -> &str {
    let mut text = answer.trim_matches('\n').trim_end();
    loop {
        let last = text.rsplit('\n').next().unwrap_or_default();
        if !is_rule(last) {
            break;
        }
        text = text[..text.len() - last.len()].trim_end();
    }
    // A rule at the top divides the title from the answer.
    while let Some((first, rest)) = text.split_once('\n') {
        let bare = first.trim();
        if !(bare.is_empty() || bare.len() >= 3 && bare.chars().all(|c| c == '-' || c == '*')) {
            break;
        }
        text = rest;
    }
    text
}
