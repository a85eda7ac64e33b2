//! Page dumps: text saved from a web page, with the questions among everything else.
//!
//! The page is read twice. The first time only tells which of a few layouts it has (numbered lines, a
//! quiz, `Q:` and `A:`, bare questions) and on which lines its questions stand; what is kept of it
//! is a few numbers for each line that might be one. The second time the questions are taken out,
//! one answer in memory at a time.

mod furniture;

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;

use xxhash_rust::xxh3::xxh3_64;

use super::chain::{self, Mark};
use super::item::{
    Item, Separator, Style, asked, is_question_like, labelled_answer, labelled_question, level_alone,
    numbered, split_level,
};
use super::markup::one_line;
use super::{Emit, LONGEST_ANSWER, Reader, Text};
use crate::question::Question;
use furniture::{begins_footer, cleaned, counted_heading, is_heading_like, is_question_count};

/// Reads page dumps.
pub struct Page;

/// Fewer questions than this do not make a layout.
const FEWEST: usize = 2;

/// How many different short lines are counted, to know what a page repeats.
const COUNTED_LINES: usize = 1 << 16;

/// A bare question is a line of its own no longer than this, in bytes.
const LONGEST_BARE: usize = 200;

impl Reader for Page {
    fn name(&self) -> &'static str {
        "page dump"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        let start = head.trim_start();
        let other = start.starts_with(['{', '[', '<']) && !matches!(extension, "txt" | "text");
        if other || !matches!(extension, "txt" | "text" | "") {
            return 0;
        }
        let mut survey = Survey::default();
        for (number, line) in (1..).zip(head.lines()) {
            survey.look(number, line);
        }
        match survey.layout() {
            Some(_) => 50,
            // Prose without questions reads to nothing, which is no error.
            None => 10,
        }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        let mut survey = Survey::default();
        while let Some(line) = text.next_line()? {
            if let Ok((number, text)) = line {
                survey.look(number, text);
            }
        }
        text.rewind()?;
        let layout = survey.layout();
        let mut extraction = Extraction::new(layout, survey.repeated());
        while let Some(line) = text.next_line()? {
            let flow = match line {
                Ok((number, text)) => extraction.take(number, text, emit),
                Err(bad) => emit(Err(bad)),
            };
            if flow.is_break() {
                return Ok(());
            }
        }
        extraction.finish(emit);
        Ok(())
    }
}

/// How a page is laid out, and where its questions stand.
#[derive(Debug)]
enum Layout {
    /// Numbered lines.
    Numbered { lines: HashSet<u64>, leveled: bool },
    /// Somebody asks in quotes.
    Quiz,
    /// `Q:` and `A:`.
    Labelled,
    /// Lines that end in a question mark, each followed by prose.
    Bare { lines: HashSet<u64> },
}

/// What the first reading tallies.
#[derive(Default)]
struct Survey {
    marks: HashMap<Style, Vec<Mark>>,
    /// Of each style, how many titles end in a glued level.
    levels: HashMap<Style, usize>,
    asked: usize,
    labelled: usize,
    bare: Vec<u64>,
    /// The last lines that are not empty, newest last.
    tail: Vec<String>,
    after_blank: bool,
    /// The style of the numbered line directly before.
    before: Option<Style>,
    /// A number alone on its line waits for its title.
    alone: Option<Style>,
    /// A bare question waits for its prose.
    waiting: Option<u64>,
    short_lines: HashMap<u64, u32>,
}

impl Survey {
    fn look(&mut self, number: u64, line: &str) {
        let plain = line.trim();
        if plain.is_empty() {
            self.after_blank = true;
            return;
        }
        if asked(plain).is_some() {
            self.asked += 1;
        }
        if labelled_question(plain).is_some() {
            self.labelled += 1;
        }
        self.look_for_number(number, line);
        self.look_for_bare_question(number, line);
        if plain.len() <= 80 && !line.starts_with([' ', '\t']) && self.short_lines.len() < COUNTED_LINES {
            *self.short_lines.entry(xxh3_64(plain.as_bytes())).or_default() += 1;
        }
        if self.tail.len() == 2 {
            self.tail.remove(0);
        }
        self.tail.push(plain.chars().take(100).collect());
        self.after_blank = false;
    }

    fn look_for_number(&mut self, number: u64, line: &str) {
        if let Some(mark) = self.alone.take().and_then(|style| self.marks.get_mut(&style)?.last_mut()) {
            mark.question_like = is_question_like(line.trim());
        }
        let Some(item) = numbered(line) else {
            self.before = None;
            return;
        };
        let (title, level) = split_level(item.title);
        let mark = Mark {
            line: number,
            number: item.number,
            question_like: is_question_like(title),
            follows_item: self.before == Some(item.style) && !self.after_blank,
            after_heading: self.heading_before(),
            after_blank: self.after_blank || self.tail.is_empty(),
        };
        self.marks.entry(item.style).or_default().push(mark);
        *self.levels.entry(item.style).or_default() += usize::from(level.is_some());
        self.before = Some(item.style);
        self.alone = (item.style.separator == Separator::Alone).then_some(item.style);
    }

    fn heading_before(&self) -> bool {
        match self.tail.as_slice() {
            [] => true,
            [.., last] if is_question_count(last) || counted_heading(last).is_some() => true,
            [.., last] => is_heading_like(last) && self.after_blank,
        }
    }

    /// A line that asks, followed by one that does not.
    fn look_for_bare_question(&mut self, number: u64, line: &str) {
        let plain = line.trim();
        let asks =
            plain.ends_with(['?', '？']) && !line.starts_with([' ', '\t']) && plain.len() <= LONGEST_BARE;
        // A sentence's end within a paragraph that was wrapped is no question of its own.
        let begins = plain.starts_with(|c: char| !c.is_lowercase()) && !plain.contains(". ");
        let asks = asks && begins && plain.split_whitespace().nth(1).is_some() && !plain.starts_with("//");
        if let Some(question) = self.waiting.take().filter(|_| !asks && plain.len() > 30) {
            self.bare.push(question);
        }
        if asks {
            self.waiting = Some(number);
        }
    }

    /// The layout with the most questions.
    fn layout(&self) -> Option<Layout> {
        let chain = self.marks.iter().map(|(style, marks)| (*style, chain::questions(*style, marks)));
        let chain =
            chain.max_by_key(|(style, (lines, points))| (*points, lines.len(), std::cmp::Reverse(*style)));
        let (style, lines, points) = match chain {
            Some((style, (lines, points))) => (Some(style), lines, points),
            None => (None, Vec::new(), 0),
        };
        // A number is a weak sign: it takes points as well, and a licence's paragraphs ask nothing.
        let asking = style.and_then(|style| self.marks.get(&style)).map_or(0, |marks| {
            marks.iter().filter(|mark| mark.question_like && lines.binary_search(&mark.line).is_ok()).count()
        });
        let convincing = points >= 4 * FEWEST as i32 && lines.len() >= FEWEST && asking * 4 >= lines.len();
        let numbered = if convincing { lines.len() } else { 0 };
        let most = numbered.max(self.asked).max(self.labelled);
        if most < FEWEST {
            let lines = self.bare.iter().copied().collect();
            return (self.bare.len() >= FEWEST).then_some(Layout::Bare { lines });
        }
        if self.asked == most {
            return Some(Layout::Quiz);
        }
        if self.labelled == most {
            return Some(Layout::Labelled);
        }
        let leveled =
            style.is_some_and(|style| self.levels.get(&style).is_some_and(|levels| levels * 2 > lines.len()));
        Some(Layout::Numbered { lines: lines.into_iter().collect(), leveled })
    }

    /// Short lines that stand in the page again and again: a third as often as there are questions.
    fn repeated(&self) -> HashSet<u64> {
        let questions = match self.layout() {
            Some(Layout::Numbered { lines, .. } | Layout::Bare { lines }) => lines.len(),
            Some(Layout::Quiz) => self.asked,
            Some(Layout::Labelled) => self.labelled,
            None => 0,
        };
        let often = (questions / 3).max(4) as u32;
        self.short_lines.iter().filter(|(_, count)| **count >= often).map(|(hash, _)| *hash).collect()
    }
}

/// The second reading: one question in the making.
struct Extraction {
    layout: Option<Layout>,
    repeated: HashSet<u64>,
    current: Option<Question>,
    answer: Vec<String>,
    answer_bytes: usize,
    section: Option<String>,
    /// Lines since the last question, or since the beginning: where a section's title may be.
    answers_so_far: usize,
    questions_so_far: usize,
    /// The number was alone on its line; the next line is the title.
    title_follows: bool,
}

impl Extraction {
    fn new(layout: Option<Layout>, repeated: HashSet<u64>) -> Self {
        Self {
            layout,
            repeated,
            current: None,
            answer: Vec::new(),
            answer_bytes: 0,
            section: None,
            answers_so_far: 0,
            questions_so_far: 0,
            title_follows: false,
        }
    }

    fn take(&mut self, number: u64, line: &str, emit: &mut Emit<'_>) -> ControlFlow<()> {
        if self.title_follows {
            if !line.trim().is_empty() {
                self.title_follows = false;
                return self.begin(number, line.trim(), None, emit);
            }
            return ControlFlow::Continue(());
        }
        match &self.layout {
            None => ControlFlow::Continue(()),
            Some(Layout::Numbered { lines, leveled }) if lines.contains(&number) => {
                let Some(Item { title, style, number: count }) = numbered(line) else {
                    return ControlFlow::Continue(());
                };
                let (bare, level) = split_level(title);
                let (title, level) =
                    if *leveled || bare.ends_with('?') { (bare, level) } else { (title, None) };
                if count == 1 {
                    self.take_section();
                }
                if style.separator == Separator::Alone {
                    self.title_follows = true;
                    return ControlFlow::Continue(());
                }
                self.begin(number, title, level, emit)
            }
            Some(Layout::Bare { lines }) if lines.contains(&number) => {
                self.begin(number, line.trim(), None, emit)
            }
            Some(Layout::Quiz) => match asked(line) {
                Some(question) => self.begin(number, question, None, emit),
                None => self.add(line),
            },
            Some(Layout::Labelled) => match (labelled_question(line), labelled_answer(line)) {
                (Some(question), _) => self.begin(number, question, None, emit),
                (None, Some(answer)) => self.add(answer),
                (None, None) => self.add(line),
            },
            Some(_) => self.add(line),
        }
    }

    fn add(&mut self, line: &str) -> ControlFlow<()> {
        // A level may stand on a line of its own below the title.
        if let Some(question) = self.current.as_mut().filter(|question| question.level.is_none())
            && self.answer.iter().all(|line| line.trim().is_empty())
            && let Some(level) = level_alone(line)
        {
            question.level = Some(level.to_owned());
            return ControlFlow::Continue(());
        }
        if self.answer_bytes + line.len() <= LONGEST_ANSWER {
            self.answer_bytes += line.len();
            self.answer.push(line.to_owned());
        }
        ControlFlow::Continue(())
    }

    /// The lines before the first question of a section end with its title, and maybe a count.
    fn take_section(&mut self) {
        let pop_blank = |lines: &mut Vec<String>| {
            while lines.last().is_some_and(|line| line.trim().is_empty()) {
                lines.pop();
            }
        };
        pop_blank(&mut self.answer);
        if let Some(title) = self.answer.last().and_then(|line| counted_heading(line)).map(str::to_owned) {
            self.answer.pop();
            self.section = Some(title);
            return;
        }
        let counted = self.answer.last().is_some_and(|line| is_question_count(line));
        if counted {
            self.answer.pop();
            pop_blank(&mut self.answer);
        }
        // Before the first question of a page without counts, the last line is as likely the
        // page's own introduction.
        if self.answer.last().is_some_and(|line| is_heading_like(line))
            && (counted || self.questions_so_far > 0)
        {
            self.section = self.answer.pop().map(|line| line.trim().to_owned());
        }
    }

    fn begin(
        &mut self,
        number: u64,
        title: &str,
        level: Option<&str>,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        let flow = self.flush(false, emit);
        let title = clean_title(title);
        if !title.is_empty() {
            self.questions_so_far += 1;
            let mut question = Question::new(title, number);
            question.section = self.section.clone();
            question.level = level.map(str::to_owned);
            self.current = Some(question);
        }
        flow
    }

    /// Hands over the question in the making.
    fn flush(&mut self, last: bool, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let mut lines = std::mem::take(&mut self.answer);
        self.answer_bytes = 0;
        let Some(mut question) = self.current.take() else {
            return ControlFlow::Continue(());
        };
        if last {
            self.cut_footer(&mut lines);
        }
        let repeated = |line: &str| {
            let plain = line.trim();
            // Code repeats itself honestly.
            let prose = plain.contains(' ') && !plain.ends_with([':', ';', '{', '}', '.', ',', ')']);
            prose && self.repeated.contains(&xxh3_64(plain.as_bytes()))
        };
        question.answer = cleaned(&lines, repeated);
        self.answers_so_far += usize::from(!question.answer.is_empty());
        emit(Ok(question))
    }

    /// Behind the last answer stands the page's footer.
    fn cut_footer(&self, lines: &mut Vec<String>) {
        // A page of titles has no answers, so all that follows the last one is footer.
        if self.answers_so_far * 4 < self.questions_so_far {
            lines.clear();
            return;
        }
        // A page without empty lines sets nothing apart.
        let dense = !lines.iter().any(|line| line.trim().is_empty());
        let footer = lines.iter().enumerate().find(|(at, line)| {
            let alone = dense || at.checked_sub(1).is_none_or(|before| lines[before].trim().is_empty());
            *at > 0 && alone && begins_footer(line)
        });
        if let Some((at, _)) = footer {
            lines.truncate(at);
        }
    }

    fn finish(mut self, emit: &mut Emit<'_>) {
        // Nobody is asked for more after this.
        let _: ControlFlow<()> = self.flush(true, emit);
    }
}

/// A title on one line, without emphasis around it.
fn clean_title(title: &str) -> String {
    let folded = one_line(title);
    let bare = folded.trim_start_matches("**").trim_end_matches("**");
    bare.trim().to_owned()
}

#[cfg(test)]
mod tests;
