//! HTML pages: what they tell search engines (JSON-LD), folds, lists of definitions, headings.
//!
//! A page that declares its questions (schema.org) is taken at its word, and nothing else of it is
//! read. Any other page is read twice: the first time tells how it marks its questions.

mod json_ld;
mod pieces;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::ControlFlow;

use super::item::{is_question_like, numbered, split_level};
use super::sections::Sections;
use super::{Emit, LONGEST_ANSWER, Reader, Text, markup};
use crate::question::Question;
use pieces::{Piece, Way, scan};

/// Reads HTML files.
pub struct Html;

impl Reader for Html {
    fn name(&self) -> &'static str {
        "HTML"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        let start: String = head.trim_start().chars().take(15).collect::<String>().to_lowercase();
        match extension {
            _ if start.starts_with("<!doctype html") || start.starts_with("<html") => 95,
            "html" | "htm" | "xhtml" | "shtml" => 90,
            _ => 0,
        }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        let mut survey = Survey::default();
        let mut declared = 0usize;
        scan(text, &mut |piece| match piece {
            Piece::JsonLd { line, script } => {
                json_ld::questions(&script, line).into_iter().try_for_each(|question| {
                    declared += usize::from(question.is_ok());
                    emit(question)
                })
            }
            Piece::Title { way, text, .. } => {
                survey.look(way, &text);
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        })?;
        if declared > 0 {
            return Ok(());
        }
        let Some((way, chosen)) = survey.choose() else {
            return Ok(());
        };
        text.rewind()?;
        let mut extraction = Extraction::new(way, chosen, emit);
        scan(text, &mut |piece| extraction.take(piece))?;
        // Nobody is asked for more after the last one.
        let _: ControlFlow<()> = extraction.flush();
        Ok(())
    }
}

/// Which titles ask, in the order of the page.
#[derive(Default)]
struct Survey {
    titles: Vec<(Way, bool)>,
}

impl Survey {
    fn look(&mut self, way: Way, text: &str) {
        self.titles.push((way, asks(text)));
    }

    /// The way of marking with the most titles that ask, and which titles of the page they are.
    fn choose(&self) -> Option<(Way, HashSet<usize>)> {
        let mut asking: BTreeMap<Way, usize> = BTreeMap::new();
        let mut all: BTreeMap<Way, usize> = BTreeMap::new();
        for (way, asks) in &self.titles {
            *asking.entry(*way).or_default() += usize::from(*asks);
            *all.entry(*way).or_default() += 1;
        }
        // Of equals the way that says most about itself, which is the first.
        let (way, most) =
            asking.iter().rev().max_by_key(|(_, count)| **count).filter(|(_, count)| **count > 0)?;
        // In a list of definitions or folds most of which ask, the others are questions as well.
        let others_too = matches!(way, Way::Summary | Way::Term) && most * 2 > all[way];
        let chosen = self.titles.iter().enumerate();
        let chosen = chosen.filter(|(_, (own, asks))| own == way && (*asks || others_too)).map(|(at, _)| at);
        Some((*way, chosen.collect()))
    }
}

/// Whether a title asks, by its mark or by its number and its first word.
fn asks(text: &str) -> bool {
    let (title, _) = split_level(text);
    title.ends_with(['?', '？', '؟'])
        || numbered(text).is_some_and(|item| item.style.word || is_question_like(item.title))
}

/// The second reading: one question in the making.
struct Extraction<'e, 'f> {
    way: Way,
    chosen: HashSet<usize>,
    /// How many titles have passed.
    titles: usize,
    sections: Sections,
    current: Option<Question>,
    answer: String,
    /// `<details>` that are open in the current answer.
    details: usize,
    emit: &'e mut Emit<'f>,
}

impl<'e, 'f> Extraction<'e, 'f> {
    fn new(way: Way, chosen: HashSet<usize>, emit: &'e mut Emit<'f>) -> Self {
        Self {
            way,
            chosen,
            titles: 0,
            sections: Sections::default(),
            current: None,
            answer: String::new(),
            details: 0,
            emit,
        }
    }

    fn take(&mut self, piece: Piece<'_>) -> ControlFlow<()> {
        match piece {
            Piece::Title { way, line, text, html } => {
                let at = self.titles;
                self.titles += 1;
                // A fold within a fold belongs to the answer.
                let nested = self.way == Way::Summary && self.current.is_some() && self.details > 1;
                if self.chosen.contains(&at) && !nested {
                    return self.begin(line, &text);
                }
                if let Way::Heading(level) = way
                    && !self.is_within_answer(level)
                {
                    let flow = self.flush();
                    self.sections.enter(level, text);
                    return flow;
                }
                self.push(&html);
            }
            Piece::Markup(html) => self.push(html),
            Piece::Open("details") => self.details += 1,
            Piece::Open("footer" | "aside") | Piece::Close("main" | "article" | "body" | "dl") => {
                return self.flush();
            }
            Piece::Close("details") => {
                self.details = self.details.saturating_sub(1);
                if self.details == 0 && self.way == Way::Summary {
                    return self.flush();
                }
            }
            Piece::Open(_) | Piece::Close(_) | Piece::JsonLd { .. } => {}
        }
        ControlFlow::Continue(())
    }

    /// Whether a heading of this level belongs to the current answer.
    fn is_within_answer(&self, level: u8) -> bool {
        let within = match self.way {
            Way::Heading(own) => level > own,
            Way::Summary | Way::Term => true,
            Way::Class | Way::Button | Way::Bold => false,
        };
        within && self.current.is_some()
    }

    fn begin(&mut self, line: u64, text: &str) -> ControlFlow<()> {
        let flow = self.flush();
        let text = match numbered(text) {
            Some(item) if !item.title.is_empty() => item.title,
            _ => text,
        };
        let (title, level) = split_level(text);
        // Folds show a sign that turns.
        let title =
            title.trim_matches(|c: char| c.is_whitespace() || matches!(c, '▶' | '▸' | '▼' | '+' | '›' | '»'));
        if title.is_empty() {
            return flow;
        }
        let mut question = Question::new(title, line);
        question.level = level.map(str::to_owned);
        let own = if let Way::Heading(level) = self.way { level } else { 7 };
        question.section = self.sections.above(own).filter(|section| !section.is_empty()).cloned();
        self.current = Some(question);
        self.details = 1;
        flow
    }

    fn push(&mut self, html: &str) {
        if self.current.is_some() && self.answer.len() + html.len() <= LONGEST_ANSWER {
            self.answer.push_str(html);
        }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        let answer = std::mem::take(&mut self.answer);
        let Some(mut question) = self.current.take() else {
            return ControlFlow::Continue(());
        };
        question.answer = markup::html_to_markdown(&answer);
        (self.emit)(Ok(question))
    }
}

#[cfg(test)]
mod tests;
