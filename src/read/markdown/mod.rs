//! Markdown: questions as headings, list items, `<details>` or lines of their own.
//!
//! The file is read twice. The first time tells how this file writes its questions down and on
//! which lines they stand ([`survey`]); the second time cuts them out, one answer in memory at a
//! time.

mod block;
mod inline;
mod metadata;
mod survey;

use std::io;
use std::ops::ControlFlow;

use super::item::{labelled_answer, labelled_question, split_level};
use super::sections::Sections;
use super::{BadRecord, Emit, LONGEST_ANSWER, Reader, Text};
use crate::question::Question;
use block::{Block, Blocks, columns, dedented, is_rule};
use inline::{plain, without_tags};
use survey::{Layout, Role, Survey, Way, numbered_title, split_item, summary_title};

/// Reads Markdown files.
pub struct Markdown;

/// How many fences that never close are seen through, each for another reading of the file.
const MOST_UNCLOSED: usize = 4;

impl Reader for Markdown {
    fn name(&self) -> &'static str {
        "Markdown"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        match extension {
            "md" | "markdown" | "mdown" | "mkd" | "mdx" | "rmd" | "qmd" => return 90,
            "html" | "htm" | "xhtml" | "csv" | "tsv" | "json" | "jsonl" | "ndjson" | "xml" => return 0,
            _ => {}
        }
        let mut survey = Survey::default();
        for (number, text) in (1..).zip(head.lines()) {
            survey.look_at(number, text);
        }
        match survey.way() {
            Some((Way::Heading(_), 2..)) => 80,
            Some((Way::Heading(_), _)) if survey.signs() > 0 => 60,
            Some(_) if survey.signs() > 2 => 60,
            _ => 0,
        }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        let mut unclosed = Vec::new();
        let survey = loop {
            let mut survey = Survey::with_unclosed(unclosed.clone());
            while let Some(line) = text.next_line()? {
                // A line that cannot be read is a line all the same.
                let (number, text) = line.unwrap_or_else(|bad| (bad.line, ""));
                survey.look_at(number, text);
            }
            text.rewind()?;
            // One forgotten fence must not swallow the rest of the file.
            match survey.open_fence().filter(|_| unclosed.len() < MOST_UNCLOSED) {
                Some(line) => unclosed.push(line),
                None => break survey,
            }
        };
        let mut extraction = Extraction::new(survey.layout(), unclosed);
        while let Some(line) = text.next_line()? {
            let flow = match line {
                Ok((number, text)) => extraction.take(number, text, emit),
                Err(bad) => extraction.skip(bad, emit),
            };
            if flow.is_break() {
                return Ok(());
            }
        }
        // Nobody is asked for more after the last one.
        let _: ControlFlow<()> = extraction.finish(emit);
        Ok(())
    }
}

/// The second reading: one question in the making.
struct Extraction {
    layout: Layout,
    blocks: Blocks,
    sections: Sections,
    /// What front matter says about every question of the file.
    common: Question,
    current: Option<Question>,
    /// Columns that the current question's answer is indented by.
    indent: usize,
    answer: String,
    /// The current question is a bullet in this column: another one ends it.
    siblings_at: Option<usize>,
    /// Only metadata has followed the title so far.
    metadata_follows: bool,
    /// `<details>` that are open inside the current question's own.
    details: usize,
    /// A `<summary>` over several lines: its line and text.
    summary: Option<(u64, String)>,
    /// The question's title is underlined on the next line.
    underline_follows: bool,
}

impl Extraction {
    fn new(layout: Layout, unclosed: Vec<u64>) -> Self {
        Self {
            layout,
            blocks: Blocks::with_unclosed(unclosed),
            sections: Sections::default(),
            common: Question::default(),
            current: None,
            indent: 0,
            answer: String::new(),
            siblings_at: None,
            metadata_follows: false,
            details: 0,
            summary: None,
            underline_follows: false,
        }
    }

    fn take(&mut self, number: u64, line: &str, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let block = self.blocks.next(line);
        if std::mem::take(&mut self.underline_follows) && matches!(block, Block::Underline(_)) {
            return ControlFlow::Continue(());
        }
        if self.summary.is_some() {
            return self.go_on_with_summary(line, emit);
        }
        match (self.layout.roles.get(&number).copied(), block) {
            (_, Block::FrontMatter(text)) => {
                match metadata::front_matter_title(text).filter(|_| self.layout.titled) {
                    Some(title) => return self.begin(number, title, 0, 0, emit),
                    // What follows the title says something about the question at hand.
                    None => {
                        metadata::take_front_matter(text, self.current.as_mut().unwrap_or(&mut self.common))
                    }
                }
                ControlFlow::Continue(())
            }
            (Some(Role::Section(level)), block) => {
                let flow = self.flush(emit);
                self.underline_follows = !matches!(block, Block::Heading { .. });
                self.sections.enter(level, plain(heading_text(block, line)).text);
                flow
            }
            (Some(Role::Question(Way::Heading(level))), block) => {
                self.underline_follows = !matches!(block, Block::Heading { .. });
                self.begin(number, heading_text(block, line), level, 0, emit)
            }
            (Some(Role::Question(Way::Item { indent, ordered })), Block::Item { title, content, .. }) => {
                let flow = self.begin_item(number, title, content, emit);
                self.siblings_at = (!ordered).then_some(indent);
                flow
            }
            (Some(Role::Question(Way::Summary)), _) => {
                self.summary = Some((number, String::new()));
                self.go_on_with_summary(line, emit)
            }
            (Some(Role::Question(_)), _) => self.begin(number, line.trim(), 7, 0, emit),
            (None, block) => self.go_on(block, line, emit),
        }
    }

    /// A line that cannot be read.
    fn skip(&mut self, bad: BadRecord, emit: &mut Emit<'_>) -> ControlFlow<()> {
        self.blocks.next("");
        emit(Err(bad))
    }

    fn go_on_with_summary(&mut self, line: &str, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let Some((number, mut text)) = self.summary.take() else {
            return ControlFlow::Continue(());
        };
        text.push(' ');
        text.push_str(line.trim());
        let Some(end) = text.find("</summary") else {
            self.summary = Some((number, text));
            return ControlFlow::Continue(());
        };
        let begin = text.find("<summary").unwrap_or(0);
        let title = summary_title(text.get(begin..end).unwrap_or_default());
        let rest = text[end..].split_once('>').map_or(String::new(), |(_, rest)| rest.trim().to_owned());
        let flow = self.begin(number, &title, 7, 0, emit);
        self.details = 1;
        if flow.is_continue() && !rest.is_empty() {
            return self.go_on(Block::Text(&rest), &rest, emit);
        }
        flow
    }

    fn begin_item(
        &mut self,
        number: u64,
        title: &str,
        content: usize,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        match split_item(title) {
            Some((title, answer)) => {
                let answer = answer.to_owned();
                let flow = self.begin(number, title, 7, content, emit);
                self.push(metadata::without_label(&answer));
                flow
            }
            None => self.begin(number, title, 7, content, emit),
        }
    }

    fn begin(
        &mut self,
        number: u64,
        title: &str,
        level: u8,
        indent: usize,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        let flow = self.flush(emit);
        let plain = plain(title);
        let (title, hard) = clean_title(&plain.text);
        if title.is_empty() {
            return flow;
        }
        let mut question = Question { title, ..self.common.clone() };
        question.source.line = number;
        question.level = hard.or(question.level);
        question.section = self.sections.above(level).cloned().or(question.section);
        question.url = plain.link.filter(|link| plain.only_link && link.contains("://")).or(question.url);
        self.current = Some(question);
        self.indent = indent;
        self.siblings_at = None;
        self.metadata_follows = true;
        self.details = 0;
        flow
    }

    /// A line below a question.
    fn go_on(&mut self, block: Block<'_>, line: &str, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let Some(question) = &mut self.current else {
            return ControlFlow::Continue(());
        };
        if self.metadata_follows {
            match block {
                Block::Blank | Block::Comment => return ControlFlow::Continue(()),
                Block::Text(text) | Block::Item { title: text, .. } if metadata::take(text, question) => {
                    return ControlFlow::Continue(());
                }
                _ => {
                    // The next piece of prose, once the label that announces it is gone.
                    self.metadata_follows = matches!(block, Block::Text(text) if is_furniture(text));
                }
            }
        }
        if let Block::Item { indent, title, .. } = block
            && self.siblings_at == Some(indent)
            && labelled_answer(&plain(title).text).is_none()
        {
            return self.flush(emit);
        }
        let line = dedented(line, self.indent.min(columns(line)));
        match block {
            Block::Code => self.push(line),
            Block::Comment | Block::FrontMatter(_) => {}
            Block::Heading { title, .. } if metadata::is_bare_answer_label(&plain(title).text) => {}
            Block::Text(text) => return self.go_on_with_text(text, line, emit),
            // What was taken away leaves no hole behind.
            Block::Blank if self.answer.ends_with("\n\n") => {}
            _ => self.push(line),
        }
        ControlFlow::Continue(())
    }

    fn go_on_with_text(&mut self, text: &str, line: &str, emit: &mut Emit<'_>) -> ControlFlow<()> {
        if self.details > 0 {
            self.details += text.matches("<details").count();
            let closing = text.matches("</details").count();
            if closing >= self.details {
                let before = text.split("</details").next().unwrap_or_default();
                self.push(&without_tags(before));
                self.details = 0;
                return self.flush(emit);
            }
            self.details -= closing;
        }
        if is_furniture(text) {
            return ControlFlow::Continue(());
        }
        let line = without_tags(line);
        let line = if self.answer.trim().is_empty() { metadata::without_label(&line) } else { &line };
        self.push(line);
        ControlFlow::Continue(())
    }

    fn push(&mut self, line: &str) {
        if self.answer.len() + line.len() < LONGEST_ANSWER {
            self.answer.push_str(line.trim_end());
            self.answer.push('\n');
        }
    }

    /// Hands over the question in the making.
    fn flush(&mut self, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let answer = std::mem::take(&mut self.answer);
        let Some(mut question) = self.current.take() else {
            return ControlFlow::Continue(());
        };
        question.answer = trimmed(&answer).to_owned();
        emit(Ok(question))
    }

    fn finish(mut self, emit: &mut Emit<'_>) -> ControlFlow<()> {
        self.flush(emit)
    }
}

/// A heading's text; of an underlined one, the line above the underline.
fn heading_text<'a>(block: Block<'a>, line: &'a str) -> &'a str {
    match block {
        Block::Heading { title, .. } => title,
        _ => line,
    }
}

/// A title without its number or label, and the level that stands at its end.
fn clean_title(text: &str) -> (String, Option<String>) {
    let mut title = text;
    if let Some(item) = numbered_title(title) {
        title = item.title;
    }
    if let Some(label) = labelled_question(title).filter(|label| !label.is_empty()) {
        title = label;
    }
    // `{#anchor}` names the heading for links.
    if let Some((before, _)) = title.split_once(" {#") {
        title = before;
    }
    let (title, level) = split_level(title);
    (title.trim().to_owned(), level.map(str::to_owned))
}

/// Lines that lead through the page and say nothing: a link to its top, the title of a fold.
fn is_furniture(text: &str) -> bool {
    if text.contains("<summary") {
        return true;
    }
    let plain = plain(text);
    if plain.text.is_empty() {
        return text.starts_with('<');
    }
    let to_anchor = plain.only_link && plain.link.is_some_and(|link| link.starts_with('#'));
    let few = without_tags(&plain.text).split_whitespace().count() <= 6;
    few && (to_anchor || text.starts_with('<') && text.contains("href=\"#"))
}

/// An answer without blank lines and rules at its ends.
fn trimmed(answer: &str) -> &str {
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

#[cfg(test)]
mod tests;
