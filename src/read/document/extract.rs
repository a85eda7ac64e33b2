//! Cuts the questions out of a document, once it is known which blocks are questions.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::answer::{LONGEST_ANSWER, Lines, trimmed};
use super::boilerplate::{begins_footer, cleaned, counted_heading, is_heading_like, is_question_count};
use super::contents::is_way_back;
use super::findings::{Chosen, Findings, Marking};
use super::inline::inline;
use super::labels;
use super::list_item::{content, split_item};
use super::model::{Block, Document, Kind};
use super::question_line::{asked, labelled_answer, labelled_question, level_alone, numbered, split_level};
use super::sections::Sections;
use super::title::{clean_title, section_title, trimmed_title};
use crate::question::Question;
use crate::read::line::one_line;

/// How many blocks after a heading may be empty if it leads to a question.
const LOOK_AHEAD: usize = 100;

/// A longer heading is not the title of a section, in bytes. It would be repeated with every question.
const LONGEST_SECTION: usize = 400;

/// Cuts out the chosen questions. `parts` are headings that are parts of answers.
pub fn extract(document: &Document, chosen: &Chosen, parts: &HashSet<usize>) -> Findings {
    Extraction::new(document, chosen, parts).run()
}

/// The findings of a document that is one question as a whole.
pub fn whole(document: &Document, line: u64, title: &str) -> Findings {
    let all = 0..document.blocks.len();
    let question = entry(document, line, &inline(title).text, std::slice::from_ref(&all));
    let why = "it ends with a question mark, and nothing else in the document asks".to_owned();
    Findings { questions: vec![question], marking: Some(Marking::Title), why: Some(why) }
}

/// The most headings of an article that are other titles.
const MOST_HEADINGS: usize = 32;

/// A document without questions as an entry: its title or else the first heading or else `title`, its other headings
/// as other titles, and its whole text as the answer. `None` if it has no text.
pub fn article(document: &Document, title: &str) -> Option<Question> {
    let heading = |at: &usize| {
        let block = &document.blocks[*at];
        matches!(block.kind, Kind::Heading(_)) && !section_title(&block.text.text).is_empty()
    };
    let mut headings = (0..document.blocks.len()).filter(heading);
    let first = if document.title.is_some() { None } else { headings.next() };
    let (line, title) = match (&document.title, first) {
        (Some((line, title)), _) => (*line, inline(title).text),
        (None, Some(at)) => (document.blocks[at].line, document.blocks[at].text.text.clone()),
        (None, None) => (1, title.to_owned()),
    };
    // The text above the first heading is part of the article.
    let (above, below) = first.map_or((0, 0), |at| (at, at + 1));
    let mut question = entry(document, line, &title, &[0..above, below..document.blocks.len()]);
    let others = headings.map(|at| section_title(&document.blocks[at].text.text));
    question.also.extend(others.take(MOST_HEADINGS));
    (!question.answer.is_empty() && !question.title.is_empty()).then_some(question)
}

/// A question whose answer is in some ranges of the blocks of a document.
fn entry(document: &Document, line: u64, title: &str, answer: &[Range<usize>]) -> Question {
    let (title, level) = clean_title(title);
    let mut question = Question { title, ..document.common.clone() };
    question.level = level.or(question.level);
    question.source.line = line;
    let (chosen, parts) = (Chosen::new(), HashSet::new());
    let extraction = Extraction::new(document, &chosen, &parts);
    let texts = answer.iter().filter(|range| !range.is_empty());
    let texts: Vec<String> = texts
        .map(|range| extraction.answer(&mut question, String::new(), range.clone(), 0, false))
        .filter(|text| !text.is_empty())
        .collect();
    question.answer = texts.join("\n\n");
    question
}

/// The blocks between answers: from where an answer ends to the next question.
pub fn gaps(document: &Document, chosen: &Chosen, parts: &HashSet<usize>) -> Vec<Range<usize>> {
    let extraction = Extraction::new(document, chosen, parts);
    let mut gaps = Vec::new();
    let mut from = 0;
    for (at, marking) in chosen {
        if *at > from {
            gaps.push(from..*at);
        }
        from = extraction.end(*at, *marking);
    }
    gaps.push(from..document.blocks.len());
    gaps.retain(|gap| gap.len() > 3);
    gaps
}

struct Extraction<'d> {
    document: &'d Document,
    chosen: &'d Chosen,
    parts: &'d HashSet<usize>,
    /// The document has nothing but lines: sections, footers and buttons are lines like any other.
    is_flat: bool,
    /// Short lines that a flat document repeats.
    repeated: HashSet<&'d str>,
    /// Most titles of a flat document end in a level.
    leveled: bool,
}

/// A question in the document.
struct Found {
    at: usize,
    marking: Marking,
    /// The blocks of its answer.
    answer: Range<usize>,
}

impl<'d> Extraction<'d> {
    fn new(document: &'d Document, chosen: &'d Chosen, parts: &'d HashSet<usize>) -> Self {
        let has_structure = |block: &Block| {
            let is_title = matches!(
                block.kind,
                Kind::Heading(_) | Kind::Declared | Kind::Term | Kind::Summary | Kind::Button
            );
            is_title || block.marker.is_some()
        };
        let is_flat = !document.blocks.iter().any(has_structure);
        let mut extraction =
            Self { document, chosen, parts, is_flat, repeated: HashSet::new(), leveled: false };
        if is_flat {
            let lines = document.blocks.iter().filter(|block| block.kind == Kind::Text && block.indent == 0);
            let lines = lines.map(|block| block.text.text.as_str()).filter(|text| text.len() <= 80);
            let often = (chosen.len() / 3).max(4);
            extraction.repeated = counts(lines)
                .into_iter()
                .filter(|(_, count)| *count >= often)
                .map(|(line, _)| line)
                .collect();
            let levels =
                chosen.keys().filter(|at| split_level(&document.blocks[**at].text.text).1.is_some()).count();
            extraction.leveled = levels * 2 > chosen.len();
        }
        extraction
    }

    fn run(&self) -> Findings {
        let mut findings = Findings::default();
        let mut sections = Sections::default();
        let mut flat_section = None;
        let mut answered = 0usize;
        let mut is_first_heading = true;
        let mut at = 0;
        while at < self.document.blocks.len() {
            let block = &self.document.blocks[at];
            let Some(marking) = self.chosen.get(&at).copied() else {
                if let Kind::Heading(level) = block.kind {
                    let names_document = std::mem::replace(&mut is_first_heading, false) && level == 1;
                    self.enter_section(at, level, names_document, &mut sections);
                }
                at += 1;
                continue;
            };
            is_first_heading = false;
            let mut found = Found { at, marking, answer: at + 1..self.end(at, marking) };
            if self.is_flat {
                if let Some(section) = self.section_before(at, !findings.questions.is_empty()) {
                    flat_section = Some(section);
                }
                found.answer.end = self.flat_end(&found, answered, findings.questions.len() + 1);
            }
            let level = if let Marking::Heading(level) = marking { level } else { 7 };
            let section = flat_section.clone().or_else(|| sections.above(level).cloned());
            let end = found.answer.end;
            if let Some(question) = self.question(&found, section) {
                answered += usize::from(!question.answer.is_empty());
                findings.questions.push(question);
            }
            at = end.max(at + 1);
        }
        findings
    }

    fn enter_section(&self, at: usize, level: u8, names_document: bool, sections: &mut Sections) {
        let title = section_title(&self.document.blocks[at].text.text);
        if !title.is_empty() && title.len() <= LONGEST_SECTION {
            let rank = if self.leads_to_question(at) { level.saturating_sub(1).max(1) } else { level };
            sections.enter(rank, title, names_document);
        }
    }

    /// Whether a question of the same level follows a heading directly: the heading is the title of a section.
    fn leads_to_question(&self, at: usize) -> bool {
        let is_empty = |block: &Block| {
            block.text.text.is_empty() && block.kind != Kind::Code || is_way_back(&block.text.text)
        };
        let following = at + 1..usize::min(at + LOOK_AHEAD, self.document.blocks.len());
        let next = following.into_iter().find(|next| !is_empty(&self.document.blocks[*next]));
        next.is_some_and(|next| {
            self.chosen.contains_key(&next)
                && self.document.blocks[next].kind == self.document.blocks[at].kind
        })
    }

    /// Where the answer to the question at a block ends.
    fn end(&self, at: usize, marking: Marking) -> usize {
        let blocks = &self.document.blocks;
        let question = &blocks[at];
        let mut folds = 0usize;
        for (next, block) in blocks.iter().enumerate().skip(at + 1) {
            let in_item = question.marker.is_some() && block.indent > question.indent;
            let ends = match block.kind {
                _ if self.chosen.contains_key(&next) => true,
                Kind::Boundary => true,
                Kind::Heading(level) => {
                    let deeper = matches!(marking, Marking::Heading(own) if level > own)
                        || matches!(marking, Marking::Summary | Marking::Term);
                    !(deeper || in_item || self.parts.contains(&next))
                }
                Kind::FoldStart => {
                    folds += 1;
                    false
                }
                Kind::FoldEnd if marking == Marking::Summary => {
                    let ends = folds == 0;
                    folds = folds.saturating_sub(1);
                    ends
                }
                Kind::Term => marking == Marking::Term,
                Kind::Text => matches!(marking, Marking::Bullet(column) if self.is_sibling(block, column)),
                _ => false,
            };
            if ends {
                return next;
            }
        }
        blocks.len()
    }

    /// Another item of the list of a question ends it, unless it is labelled as the answer.
    fn is_sibling(&self, block: &Block, column: usize) -> bool {
        block.marker.is_some() && block.indent == column && labelled_answer(&block.text.text).is_none()
    }

    /// In a flat document, the lines before the first question of a section end with its title, and maybe a count.
    fn section_title_before(&self, at: usize, not_first: bool) -> Option<(usize, String)> {
        let text = |at: usize| self.document.blocks[at].text.text.as_str();
        let before = |at: usize| (0..at).rev().find(|before| !text(*before).is_empty());
        let last = before(at)?;
        if let Some(title) = counted_heading(text(last)) {
            return Some((last, title.to_owned()));
        }
        let is_counted = is_question_count(text(last));
        let title = if is_counted { before(last)? } else { last };
        // Before the first question of a document without counts, the last line may be its introduction.
        (is_heading_like(text(title)) && (is_counted || not_first)).then(|| (title, text(title).to_owned()))
    }

    fn section_before(&self, at: usize, not_first: bool) -> Option<String> {
        self.begins_section(at)
            .then(|| self.section_title_before(at, not_first))
            .flatten()
            .map(|(_, title)| title)
    }

    /// Whether the question at a block has the number 1.
    fn begins_section(&self, at: usize) -> bool {
        let text = &self.document.blocks[at].text.text;
        matches!(self.chosen.get(&at), Some(Marking::Numbered(_) | Marking::Label))
            && numbered(text).is_some_and(|item| item.number == 1)
    }

    /// Where an answer of a flat document ends: before the title of the next section, or before the footer.
    fn flat_end(&self, found: &Found, answered: usize, questions: usize) -> usize {
        let end = found.answer.end;
        if end < self.document.blocks.len() {
            let title = self.begins_section(end).then(|| self.section_title_before(end, true)).flatten();
            return title.map_or(end, |(at, _)| at.max(found.answer.start));
        }
        // A list of titles has no answers: everything that follows is the footer.
        if answered * 4 < questions - 1 || answered == 0 && questions > 3 {
            return found.answer.start;
        }
        let blocks = &self.document.blocks[found.answer.clone()];
        let is_blank = |at: usize| blocks.get(at).is_none_or(|block| block.kind == Kind::Blank);
        // A document without empty lines sets nothing apart.
        let is_dense = !blocks.iter().any(|block| block.kind == Kind::Blank);
        let footer = (1..blocks.len())
            .find(|at| (is_dense || is_blank(at - 1)) && begins_footer(&blocks[*at].text.text));
        footer.map_or(end, |at| found.answer.start + at)
    }

    fn question(&self, found: &Found, section: Option<String>) -> Option<Question> {
        let block = &self.document.blocks[found.at];
        let mut answer = found.answer.clone();
        let mut line = block.line;
        let mut first = String::new();
        let mut raw = block.text.text.clone();
        match found.marking {
            Marking::Quoted => raw = asked(&raw)?.to_owned(),
            _ if block.marker.is_some() && block.kind == Kind::Text => {
                if let Some((title, rest)) = split_item(content(self.document, block)) {
                    raw = inline(title).text;
                    first = labels::without_label(rest).to_owned();
                }
            }
            _ => {}
        }
        // The number is alone on its line: the title follows.
        if numbered(&raw).is_some_and(|item| item.title.is_empty()) {
            let next = answer.clone().find(|at| !self.document.blocks[*at].text.text.is_empty())?;
            (raw, line) = (self.document.blocks[next].text.text.clone(), self.document.blocks[next].line);
            answer.start = next + 1;
        }
        let (title, level) = if self.is_flat { self.flat_title(&raw) } else { clean_title(&raw) };
        if title.is_empty() {
            return None;
        }
        let mut question = Question { title, ..self.document.common.clone() };
        question.source.line = line;
        question.level = level.or(question.level);
        question.section = section.or(question.section);
        let link = block.text.link.as_ref().filter(|link| block.text.only_link && link.contains("://"));
        question.url = link.cloned().or(question.url);
        let indent = block.marker.map_or(0, |marker| marker.content);
        question.answer = self.answer(&mut question, first, answer, indent, true);
        Some(question)
    }

    /// A title of a flat document. A level at its end counts if most titles have one: it may be the last word of
    /// the sentence.
    fn flat_title(&self, raw: &str) -> (String, Option<String>) {
        let bare = numbered(raw).filter(|item| !item.title.is_empty()).map_or(raw, |item| item.title);
        let bare = labelled_question(bare).filter(|label| !label.is_empty()).unwrap_or(bare);
        let (title, level) = split_level(bare);
        if self.leveled || title.ends_with('?') {
            return (trimmed_title(title), level.map(str::to_owned));
        }
        (trimmed_title(bare), None)
    }

    /// The answer in some blocks, and what they say about the question.
    fn answer(
        &self,
        question: &mut Question,
        first: String,
        blocks: Range<usize>,
        indent: usize,
        after_title: bool,
    ) -> String {
        if self.is_flat && after_title {
            return self.flat_answer(question, blocks);
        }
        let mut lines = Lines { text: first, after_title };
        if !lines.text.is_empty() {
            lines.text.push('\n');
            lines.after_title = false;
        }
        for block in &self.document.blocks[blocks] {
            lines.add(self.document, block, indent, question);
        }
        trimmed(&lines.text).to_owned()
    }

    fn flat_answer(&self, question: &mut Question, blocks: Range<usize>) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut bytes = 0;
        let mut begins = true;
        for block in &self.document.blocks[blocks] {
            let text = self.document.source(block);
            if begins
                && question.level.is_none()
                && let Some(level) = level_alone(text)
            {
                question.level = Some(level.to_owned());
                continue;
            }
            bytes += text.len();
            if bytes > LONGEST_ANSWER {
                break;
            }
            let line = labelled_answer(text).filter(|_| begins).unwrap_or(text);
            begins &= line.trim().is_empty();
            lines.push(line.to_owned());
        }
        // Code repeats itself for good reasons.
        let is_prose =
            |line: &str| line.contains(' ') && !line.ends_with([':', ';', '{', '}', '.', ',', ')']);
        cleaned(&lines, |line| is_prose(line.trim()) && self.repeated.contains(one_line(line).as_str()))
    }
}

/// How often each of some lines occurs.
fn counts<'a>(lines: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}
