//! The first reading of a Markdown file: how it is laid out, and where its questions stand.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::block::{Block, Blocks};
use super::inline::plain;
use super::metadata;
use crate::read::chain::{self, Mark};
use crate::read::item::{
    Separator, Style, ends_asking, is_question_like, labelled_question, numbered, split_level,
};

/// How a file writes its questions down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// As headings of this level.
    Heading(u8),
    /// As `<summary>` of a `<details>`.
    Summary,
    /// As lines of their own: bold, or with a label (`Q: …`).
    Line,
    /// As items of a list.
    Item {
        /// Columns before the marker.
        indent: usize,
        /// With numbers.
        ordered: bool,
    },
}

/// How many `<details>` within one another are followed.
const DEEPEST: usize = 64;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A question begins.
    Question(Way),
    /// A heading of this level that asks nothing: a section begins.
    Section(u8),
}

/// Where a file's questions stand.
#[derive(Debug)]
pub struct Layout {
    /// The role of every line that has one.
    pub roles: HashMap<u64, Role>,
    /// The title in the front matter is the file's only question.
    pub titled: bool,
}

/// A line that may be a question, or divides the file.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    line: u64,
    way: Way,
    number: Option<u32>,
    /// `Q` or `Question` stands before the number or instead of it.
    word: bool,
    asks: Asks,
    bold: bool,
    /// `Answer`, `Example`: a heading that belongs to the question above, whatever its level.
    of_answer: bool,
    follows_item: bool,
    after_blank: bool,
    after_heading: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asks {
    No,
    /// It begins as a question or an order does.
    Maybe,
    /// It ends in a question mark.
    Surely,
}

impl Candidate {
    fn new(line: u64, way: Way, text: &str, bold: bool) -> Self {
        let mut candidate = Self {
            line,
            way,
            number: None,
            word: false,
            asks: Asks::No,
            bold,
            of_answer: metadata::is_answer_label(text),
            follows_item: false,
            after_blank: false,
            after_heading: false,
        };
        let mut title = text;
        if let Some(item) = numbered_title(text) {
            (title, candidate.number, candidate.word) = (item.title, Some(item.number), item.style.word);
        } else if let Some(label) = labelled_question(text) {
            (title, candidate.word) = (label, true);
        }
        candidate.asks = asks(title);
        candidate
    }

    fn marked(&self) -> bool {
        self.word || self.number.is_some()
    }
}

/// A title's number, where something more than white space stands behind it.
pub fn numbered_title(text: &str) -> Option<crate::read::item::Item<'_>> {
    let item = numbered(text).filter(|item| !item.style.bullet && !item.title.is_empty())?;
    let sign = matches!(item.style.separator, Separator::Dot | Separator::Parenthesis | Separator::Colon);
    (sign || item.style.word).then_some(item)
}

fn asks(title: &str) -> Asks {
    if ends_asking(title) {
        Asks::Surely
    } else if is_question_like(title) {
        Asks::Maybe
    } else {
        Asks::No
    }
}

/// What the first reading tallies: a few numbers for each line that may count.
#[derive(Default)]
pub struct Survey {
    blocks: Blocks,
    candidates: Vec<Candidate>,
    /// A line of prose that an underline would make a heading.
    before: Option<(u64, String)>,
    blank_before: bool,
    heading_before: bool,
    item_before: bool,
    /// A `<summary>` that has not closed yet, and its text so far.
    summary: Option<(u64, String)>,
    /// Of each `<details>` that is open, whether its summary asks.
    details: Vec<bool>,
    /// Signs of Markdown: fences, links, bold text.
    signs: usize,
    /// Front matter has a title that asks.
    asking_title: bool,
}

impl Survey {
    /// A survey that takes for text the fences on these lines, which never close.
    pub fn with_unclosed(unclosed: Vec<u64>) -> Self {
        Self { blocks: Blocks::with_unclosed(unclosed), ..Self::default() }
    }

    /// At the end of the file: the line of a fence that is still open.
    pub fn open_fence(&self) -> Option<u64> {
        self.blocks.open_fence()
    }

    /// The next line.
    pub fn look_at(&mut self, number: u64, line: &str) {
        let block = self.blocks.next(line);
        let before = self.before.take();
        let mut heading = false;
        let mut item = false;
        match block {
            Block::Code => self.signs += usize::from(line.trim_start().starts_with("```")),
            Block::FrontMatter(text) => {
                self.asking_title |=
                    metadata::front_matter_title(text).is_some_and(|title| asks(title) == Asks::Surely);
            }
            Block::Heading { level, title } => {
                heading = true;
                self.push(Candidate::new(number, Way::Heading(level), &plain(title).text, false));
            }
            Block::Underline(level) => {
                if let Some((line, text)) = before {
                    heading = true;
                    self.push(Candidate::new(line, Way::Heading(level), &plain(&text).text, false));
                }
            }
            Block::Item { indent, title, number: count, .. } => {
                item = true;
                self.look_at_item(number, indent, count, title);
            }
            Block::Text(text) => {
                self.look_at_text(number, text);
                if self.blank_before || self.heading_before || self.candidates.is_empty() {
                    self.before = Some((number, text.to_owned()));
                }
            }
            Block::Comment | Block::Rule => {}
            Block::Blank => {
                self.blank_before = true;
                return;
            }
        }
        self.signs += usize::from(line.contains("**") || line.contains("]("));
        self.blank_before = false;
        self.heading_before = heading;
        self.item_before = item;
    }

    fn look_at_item(&mut self, number: u64, indent: usize, count: Option<u32>, title: &str) {
        let plain = plain(title);
        let linked_here = plain.only_link && plain.link.as_deref().is_some_and(leads_nowhere_else);
        // A table of contents asks everything too.
        if linked_here {
            return;
        }
        let way = Way::Item { indent, ordered: count.is_some() };
        let (text, bold) = item_title(title, plain);
        let mut candidate = Candidate::new(number, way, &text, bold);
        candidate.number = candidate.number.or(count);
        candidate.after_heading = self.heading_before;
        candidate.follows_item = self.item_before && !self.blank_before;
        candidate.after_blank = self.blank_before;
        if count.is_some() || candidate.asks > Asks::No || candidate.word {
            self.push(candidate);
        }
    }

    fn look_at_text(&mut self, number: u64, text: &str) {
        if text.contains("<details") && self.details.len() < DEEPEST {
            self.details.push(false);
        }
        self.look_at_prose(number, text);
        for _ in text.matches("</details") {
            self.details.pop();
        }
    }

    fn look_at_prose(&mut self, number: u64, text: &str) {
        if let Some((begin, summary)) = &mut self.summary {
            if summary.len() < 2000 {
                summary.push(' ');
                summary.push_str(text);
            }
            let begin = *begin;
            self.end_summary(begin);
            return;
        }
        if let Some(at) = text.find("<summary") {
            self.summary = Some((number, text[at..].to_owned()));
            self.end_summary(number);
            return;
        }
        let plain = plain(text);
        let is_bold = plain.bold && text.trim_end().ends_with("**");
        let labelled = labelled_question(&plain.text).is_some_and(|rest| !rest.is_empty())
            || numbered(&plain.text).is_some_and(|item| item.style.word && !item.title.is_empty());
        if is_bold || labelled {
            let candidate = Candidate::new(number, Way::Line, &plain.text, is_bold);
            if candidate.marked() || candidate.asks > Asks::No {
                self.push(candidate);
            }
        }
    }

    fn end_summary(&mut self, begin: u64) {
        let Some((_, text)) = self.summary.as_ref().filter(|(_, text)| text.contains("</summary")) else {
            return;
        };
        let candidate = Candidate::new(begin, Way::Summary, &summary_title(text), false);
        self.summary = None;
        // What is folded into an answer is a part of it.
        if self.details.contains(&true) {
            return;
        }
        if let Some(asks) = self.details.last_mut() {
            *asks = candidate.asks > Asks::No || candidate.marked();
        }
        self.push(candidate);
    }

    fn push(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
    }

    /// How many signs of Markdown there are.
    pub fn signs(&self) -> usize {
        self.signs
    }

    /// How the questions are written down, and how many there are.
    pub fn way(&self) -> Option<(Way, usize)> {
        self.best().map(|choice| (choice.way, choice.lines.len()))
    }

    /// The way of writing that gives most.
    fn best(&self) -> Option<Choice> {
        let ways: HashSet<Way> = self.candidates.iter().map(|candidate| candidate.way).collect();
        let levels: Vec<Choice> = ways
            .iter()
            .filter(|way| matches!(way, Way::Heading(_)))
            .map(|way| self.choice(*way, &[]))
            .collect();
        // Headings that only begin as questions do count where no level does better.
        let heading = levels.into_iter().max_by_key(|choice| {
            (choice.points > 0, choice.surely > 0, choice.points, choice.surely, choice.way)
        });
        let answers = heading.as_ref().map(|choice| self.answers(choice)).unwrap_or_default();
        let others =
            ways.iter().filter(|way| !matches!(way, Way::Heading(_))).map(|way| self.choice(*way, &answers));
        others
            .chain(heading)
            .max_by_key(|choice| (choice.points, std::cmp::Reverse(choice.way)))
            .filter(|choice| choice.points > 0)
    }

    /// Where the questions stand.
    pub fn layout(&self) -> Layout {
        let best = self.best();
        let titled = self.asking_title && best.as_ref().is_none_or(|choice| choice.lines.len() < 2);
        let roles = best.filter(|_| !titled).map(|choice| self.roles(choice)).unwrap_or_default();
        Layout { roles, titled }
    }

    fn roles(&self, Choice { way, lines, .. }: Choice) -> HashMap<u64, Role> {
        let chosen: HashSet<u64> = lines.into_iter().collect();
        let Way::Heading(level) = way else {
            let sections = self.headings().filter(|heading| !heading.of_answer);
            let mut roles: HashMap<u64, Role> =
                sections.map(|heading| (heading.line, Role::Section(level_of(heading)))).collect();
            roles.extend(chosen.into_iter().map(|line| (line, Role::Question(way))));
            return roles;
        };
        self.heading_roles(level, &chosen)
    }

    /// Of headings: those chosen, those of other levels that surely ask and hold or are held by no
    /// question, and sections.
    fn heading_roles(&self, level: u8, chosen: &HashSet<u64>) -> HashMap<u64, Role> {
        let headings: Vec<&Candidate> = self.headings().collect();
        let by_number = headings.iter().any(|heading| chosen.contains(&heading.line) && heading.marked());
        let mut roles = HashMap::new();
        let mut open: Option<u8> = None;
        for (at, heading) in headings.iter().enumerate() {
            let own = level_of(heading);
            let holds_question = || {
                headings[at + 1..]
                    .iter()
                    .take_while(|inner| level_of(inner) > own)
                    .any(|inner| chosen.contains(&inner.line))
            };
            let inside = open.is_some_and(|open| open < own);
            let asks = chosen.contains(&heading.line)
                || (!by_number && own != level && heading.asks == Asks::Surely && !holds_question());
            if inside || (open.is_some() && heading.of_answer) {
                continue;
            }
            if asks {
                open = Some(own);
                roles.insert(heading.line, Role::Question(Way::Heading(own)));
            } else {
                open = None;
                roles.insert(heading.line, Role::Section(own));
            }
        }
        roles
    }

    fn headings(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| matches!(candidate.way, Way::Heading(_)))
    }

    /// The lines of the answers below chosen headings, which are of one level: none reaches into
    /// the next.
    fn answers(&self, choice: &Choice) -> Vec<Range<u64>> {
        let chosen: HashSet<u64> = choice.lines.iter().copied().collect();
        let headings: Vec<&Candidate> = self.headings().collect();
        let mut answers = Vec::new();
        for (at, heading) in headings.iter().enumerate().filter(|(_, heading)| chosen.contains(&heading.line))
        {
            let end = headings[at + 1..].iter().find(|next| level_of(next) <= level_of(heading));
            answers.push(heading.line..end.map_or(u64::MAX, |end| end.line));
        }
        answers
    }

    /// The questions that one way of writing gives, weighed.
    fn choice(&self, way: Way, answers: &[Range<u64>]) -> Choice {
        let of_way: Vec<Candidate> = self
            .candidates
            .iter()
            .filter(|candidate| candidate.way == way && !candidate.of_answer)
            .copied()
            .collect();
        let chosen = match way {
            Way::Heading(_) => headings(&of_way),
            Way::Summary => summaries(&of_way),
            Way::Line => lines(&of_way),
            Way::Item { ordered, .. } => items(&of_way, ordered),
        };
        let surely = chosen.iter().filter(|question| question.asks == Asks::Surely || question.word).count();
        let fewest = if matches!(way, Way::Heading(_) | Way::Summary) { 1 } else { 2 };
        let mut points = 0;
        if chosen.len() >= fewest {
            for question in &chosen {
                let weight = match question.asks {
                    Asks::Surely => 4,
                    _ if question.word => 3,
                    Asks::Maybe | Asks::No => 1,
                };
                // What stands in an answer asks the reader something.
                let around = answers.partition_point(|answer| answer.end <= question.line);
                let inside = answers.get(around).is_some_and(|answer| answer.start <= question.line);
                points += if inside { weight } else { 2 * weight };
            }
            if matches!(way, Way::Heading(_)) {
                points += points / 2;
            }
        }
        Choice { way, lines: chosen.iter().map(|question| question.line).collect(), points, surely }
    }
}

/// The questions that one way of writing gives.
struct Choice {
    way: Way,
    lines: Vec<u64>,
    points: usize,
    surely: usize,
}

fn level_of(heading: &Candidate) -> u8 {
    match heading.way {
        Way::Heading(level) => level,
        _ => 7,
    }
}

/// Where most headings of a level that ask are numbered, all numbered ones are questions and only
/// they; elsewhere those that ask.
fn headings(level: &[Candidate]) -> Vec<Candidate> {
    let asking = count(level, |heading| heading.asks > Asks::No);
    let marked = count(level, Candidate::marked);
    let words = count(level, |heading| heading.word);
    let marked_asking = count(level, |heading| heading.marked() && heading.asks > Asks::No);
    if marked > 0 && marked * 10 >= asking * 7 && (words * 2 > marked || marked_asking * 2 >= marked) {
        let by_word = words * 2 > marked;
        return only(level, |heading| if by_word { heading.word } else { heading.number.is_some() });
    }
    let surely = count(level, |heading| heading.asks == Asks::Surely);
    let weakest = if surely > 0 || asking * 2 >= level.len() { Asks::Maybe } else { Asks::Surely };
    only(level, |heading| heading.asks >= weakest)
}

fn summaries(all: &[Candidate]) -> Vec<Candidate> {
    let asking = count(all, |summary| summary.asks > Asks::No || summary.marked());
    if asking * 2 >= all.len() { all.to_vec() } else { only(all, |summary| summary.asks == Asks::Surely) }
}

fn lines(all: &[Candidate]) -> Vec<Candidate> {
    let words = count(all, |line| line.word);
    if words >= 2 && words * 2 >= all.len() {
        return only(all, |line| line.word);
    }
    only(all, |line| line.asks == Asks::Surely || (line.number.is_some() && line.asks > Asks::No))
}

fn items(all: &[Candidate], ordered: bool) -> Vec<Candidate> {
    let asking = count(all, |item| item.asks > Asks::No);
    let bold = count(all, |item| item.asks > Asks::No && item.bold);
    let all = if bold * 10 > asking * 6 { only(all, |item| item.bold) } else { all.to_vec() };
    let surely = count(&all, |item| item.asks == Asks::Surely);
    if !ordered {
        let weakest = if surely * 2 >= all.len() { Asks::Maybe } else { Asks::Surely };
        return only(&all, |item| item.asks >= weakest);
    }
    let marks: Vec<Mark> = all
        .iter()
        .filter_map(|item| {
            Some(Mark {
                line: item.line,
                number: item.number?,
                question_like: item.asks > Asks::No,
                follows_item: item.follows_item,
                after_heading: item.after_heading,
                after_blank: item.after_blank,
            })
        })
        .collect();
    let style = Style { bullet: false, word: false, indented: false, separator: Separator::Dot };
    let (lines, _) = chain::questions(style, &marks);
    let lines: HashSet<u64> = lines.into_iter().collect();
    let chosen = only(&all, |item| lines.contains(&item.line));
    // A chain of steps asks nothing.
    let asking = count(&chosen, |item| item.asks > Asks::No);
    if asking * 2 < chosen.len() { only(&all, |item| item.asks == Asks::Surely) } else { chosen }
}

fn count(all: &[Candidate], is: impl Fn(&Candidate) -> bool) -> usize {
    all.iter().filter(|candidate| is(candidate)).count()
}

fn only(all: &[Candidate], is: impl Fn(&Candidate) -> bool) -> Vec<Candidate> {
    all.iter().filter(|candidate| is(candidate)).copied().collect()
}

/// Whether a link stays in the file or the repository: a table of contents.
fn leads_nowhere_else(link: &str) -> bool {
    !link.contains("://")
}

/// What an item asks, and whether in bold: its bold beginning where it has one (`- **What?** It …`),
/// else all of it up to its last question mark.
pub fn item_title(raw: &str, plain_item: super::inline::Plain) -> (String, bool) {
    match split_item(raw) {
        Some((title, _)) => {
            let title = plain(title);
            (title.text, title.bold)
        }
        None => (plain_item.text, plain_item.bold),
    }
}

/// An item's question and the answer that begins on the same line.
pub fn split_item(raw: &str) -> Option<(&str, &str)> {
    let (at, rest) = match raw.strip_prefix("**").and_then(|inner| inner.find("**")) {
        Some(close) => (close + 4, &raw[close + 4..]),
        None => {
            if split_level(raw).1.is_some() {
                return None;
            }
            let at = raw.rfind("? ")? + 1;
            (at, &raw[at..])
        }
    };
    let rest = rest.trim_start_matches([':', ' ', '-', '–', '—']);
    // `**Q:** What is it?`
    let label = raw[..at].trim_matches('*').trim_end_matches([':', '.']);
    let is_label = label.len() <= 8 && !label.contains(' ');
    (!rest.trim().is_empty() && !is_label).then_some((&raw[..at], rest))
}

/// The text of a `<summary>` element.
pub fn summary_title(element: &str) -> String {
    let inner = element.split_once('>').map_or("", |(_, inner)| inner);
    let inner = inner.split("</summary").next().unwrap_or_default();
    plain(inner).text
}
