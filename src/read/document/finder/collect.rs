//! Collects the blocks of a document that may be questions.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::candidate::{Asks, Candidate, only};
use crate::read::document::boilerplate::{counted_heading, is_heading_like, is_question_count};
use crate::read::document::contents::{self, Contents};
use crate::read::document::findings::Marking;
use crate::read::document::labels;
use crate::read::document::list_item::item_title;
use crate::read::document::model::{Block, Document, Kind};
use crate::read::document::question_line::{
    Item, Separator, Style, asked, labelled_question, numbered, numbered_title,
};

/// A line that asks without any other mark is no longer than this, in bytes.
const LONGEST_BARE: usize = 200;

/// Collects candidates, block by block.
pub struct Collector<'d> {
    document: &'d Document,
    contents: Contents,
    candidates: Vec<Candidate>,
    blank_before: bool,
    heading_before: bool,
    /// The style of the numbered line directly before.
    style_before: Option<Style>,
    /// A number alone on its line: the next line is its title.
    alone: Option<usize>,
    /// A line that asks and waits for its prose.
    waiting: Option<Candidate>,
    /// The last line of text.
    last: Option<&'d str>,
    /// Anchors named since the last block that is neither blank nor empty of text.
    anchors: Vec<String>,
    /// For each open fold, whether its title asks.
    folds: Vec<bool>,
    /// How many open folds have a title that asks.
    asking_folds: usize,
}

impl<'d> Collector<'d> {
    /// A collector for a document.
    pub fn new(document: &'d Document) -> Self {
        Self {
            document,
            contents: Contents::of(document),
            candidates: Vec::new(),
            blank_before: true,
            heading_before: true,
            style_before: None,
            alone: None,
            waiting: None,
            last: None,
            anchors: Vec::new(),
            folds: Vec::new(),
            asking_folds: 0,
        }
    }

    /// The candidates in the order of their blocks.
    pub fn candidates(mut self) -> Vec<Candidate> {
        let document = self.document;
        for (at, block) in document.blocks.iter().enumerate() {
            self.look_at(at, block);
        }
        // A line that asks without a mark is added after what follows it.
        self.candidates.sort_by_key(|candidate| candidate.at);
        self.drop_contents_headings();
        self.mark_recurring();
        self.candidates
    }

    /// Drops headings that are entries of a table of contents: links to a heading that has the same text.
    fn drop_contents_headings(&mut self) {
        let block = |candidate: &Candidate| &self.document.blocks[candidate.at];
        let is_entry = |candidate: &Candidate| {
            let text = &block(candidate).text;
            candidate.level() < 7
                && text.only_link
                && text.link.as_ref().is_some_and(|to| to.starts_with('#'))
        };
        if !self.candidates.iter().any(is_entry) {
            return;
        }
        let key = |candidate: &Candidate| contents::bare_slug(&block(candidate).text.text);
        let headings = self.candidates.iter().filter(|other| other.level() < 7 && !is_entry(other));
        let others: HashSet<String> = headings.map(key).collect();
        let kept = |candidate: &Candidate| !is_entry(candidate) || !others.contains(&key(candidate));
        self.candidates = only(&self.candidates, kept);
    }

    /// Headings that recur, each time once below another numbered or asking heading (`What is it?`, `When to use it?`),
    /// are parts of the answers to those.
    fn mark_recurring(&mut self) {
        let mut above: BTreeMap<u8, usize> = BTreeMap::new();
        // For each text and level: the candidates and the headings above them.
        let mut recurring: HashMap<(u8, String), (Vec<usize>, HashSet<usize>)> = HashMap::new();
        for (nth, heading) in self.candidates.iter().enumerate().filter(|(_, heading)| heading.level() < 7) {
            let level = heading.level();
            above.split_off(&level);
            if let Some((_, parent)) = above.last_key_value() {
                let key = contents::bare_slug(&self.document.blocks[heading.at].text.text);
                let (all, parents) = recurring.entry((level, key)).or_default();
                all.push(nth);
                parents.insert(*parent);
            }
            above.insert(level, nth);
        }
        let is_question = |at: &usize| self.candidates[*at].marked() || self.candidates[*at].asks > Asks::No;
        let parts: Vec<usize> = recurring
            .into_values()
            .filter(|(all, parents)| {
                all.len() > 2 && parents.len() == all.len() && parents.iter().all(is_question)
            })
            .flat_map(|(all, _)| all)
            .collect();
        for part in parts {
            self.candidates[part].of_answer = true;
        }
    }

    fn look_at(&mut self, at: usize, block: &'d Block) {
        let text = block.text.text.as_str();
        match block.kind {
            Kind::Blank => {
                self.blank_before = true;
                return;
            }
            Kind::FoldStart => return self.folds.push(false),
            Kind::FoldEnd => {
                self.asking_folds -= usize::from(self.folds.pop() == Some(true));
                return;
            }
            Kind::Text if text.is_empty() => {
                self.anchors.extend(contents::anchors(self.document.source(block)));
                return;
            }
            Kind::Text => self.look_at_text(at, block),
            Kind::Heading(level) => self.push(at, block, Marking::Heading(level), text),
            // A fold inside an answer is part of it.
            Kind::Summary if self.asking_folds > 0 => {}
            Kind::Summary => self.push_summary(at, block),
            Kind::Term => self.push(at, block, Marking::Term, text),
            Kind::Declared => self.push(at, block, Marking::Declared, text),
            Kind::Button => self.push(at, block, Marking::Button, text),
            Kind::Code | Kind::Rule | Kind::Boundary => {}
        }
        self.heading_before = matches!(block.kind, Kind::Heading(_));
        if block.kind != Kind::Text {
            self.style_before = None;
            self.last = None;
        }
        self.blank_before = false;
        self.anchors.clear();
    }

    /// Adds the title of the innermost fold.
    fn push_summary(&mut self, at: usize, block: &Block) {
        self.push(at, block, Marking::Summary, &block.text.text);
        if let (Some(fold), Some(candidate)) = (self.folds.last_mut(), self.candidates.last()) {
            let asks = candidate.asks > Asks::No || candidate.marked();
            let asked = std::mem::replace(fold, asks);
            self.asking_folds = self.asking_folds + usize::from(asks) - usize::from(asked);
        }
    }

    /// Adds a candidate of this marking.
    fn push(&mut self, at: usize, block: &Block, marking: Marking, text: &str) {
        let mut candidate = Candidate {
            at,
            marking,
            number: block.marker.and_then(|marker| marker.number),
            word: false,
            asks: Asks::No,
            bold: block.text.bold,
            in_contents: false,
            of_answer: labels::is_answer_label(text),
            follows_item: false,
            after_blank: self.blank_before,
            after_heading: self.heading_before || self.last.is_some_and(|last| self.is_section_title(last)),
        };
        let mut title = text;
        if let Some(item) = numbered_title(text) {
            (title, candidate.number, candidate.word) = (item.title, Some(item.number), item.style.word);
        } else if let Some(label) = labelled_question(text) {
            (title, candidate.word) = (label, true);
        }
        candidate.asks = Asks::of(title);
        if !self.contents.is_empty() {
            let mut anchors = contents::anchors(self.document.source(block));
            anchors.append(&mut self.anchors);
            candidate.in_contents = self.contents.names(text, &anchors);
        }
        self.candidates.push(candidate);
    }

    /// Whether the line before a numbered line is the title of its section.
    fn is_section_title(&self, last: &str) -> bool {
        is_question_count(last)
            || counted_heading(last).is_some()
            || self.blank_before && is_heading_like(last)
    }

    fn look_at_text(&mut self, at: usize, block: &'d Block) {
        let text = block.text.text.as_str();
        let waiting = self.waiting.take();
        let alone = self.alone.take();
        let style_before = self.style_before.take();
        if let Some(number) = alone {
            self.candidates[number].asks = Asks::of(text);
        }
        // A table of contents asks everything too, be it of this file or of the files next to it.
        let is_local = |link: &String| !link.contains("://");
        if block.text.only_link && block.text.link.as_ref().is_some_and(is_local) {
            self.last = Some(text);
            return;
        }
        let style = self.look_at_line(at, block, style_before);
        self.style_before = style;
        if style.is_some_and(|style| style.separator == Separator::Alone) {
            self.alone = Some(self.candidates.len() - 1);
        }
        self.look_for_bare(at, block, waiting);
        self.last = Some(text);
    }

    /// Adds the candidate that a line of text is, and returns its style if it is numbered.
    fn look_at_line(&mut self, at: usize, block: &Block, style_before: Option<Style>) -> Option<Style> {
        let text = block.text.text.as_str();
        let (title, bold) = item_title(self.document, block);
        if asked(text).is_some() {
            self.push(at, block, Marking::Quoted, text);
            self.candidates.last_mut()?.asks = Asks::Surely;
            return None;
        }
        if let Some(number) = block.marker.and_then(|marker| marker.number) {
            let style =
                Style { bullet: false, word: false, indented: block.indent > 0, separator: Separator::Dot };
            self.push(at, block, Marking::Numbered(style), &title);
            return self.number(number, bold, style, style_before);
        }
        let is_numbered = |item: &Item<'_>| {
            !block.text.bold && (block.marker.is_none() || item.style.separator != Separator::Space)
        };
        if let Some(item) = numbered(text).filter(is_numbered) {
            return self.push_numbered(at, block, item, bold, style_before);
        }
        self.push_unnumbered(at, block, &title, bold);
        None
    }

    /// Adds a line that begins with a number.
    fn push_numbered(
        &mut self,
        at: usize,
        block: &Block,
        item: Item<'_>,
        bold: bool,
        style_before: Option<Style>,
    ) -> Option<Style> {
        let bullet = block.marker.is_some() || item.style.bullet;
        let style = Style { bullet, indented: block.indent > 0, ..item.style };
        let labelled = style.word && style.separator != Separator::Alone && !style.bullet;
        let marking = if labelled { Marking::Label } else { Marking::Numbered(style) };
        self.push(at, block, marking, item.title);
        self.number(item.number, bold, style, style_before)?;
        self.candidates.last_mut()?.word = style.word;
        Some(style)
    }

    /// Adds a line without a number if it has a label, is bold, or is a list item that asks.
    fn push_unnumbered(&mut self, at: usize, block: &Block, title: &str, bold: bool) {
        let text = block.text.text.as_str();
        let labelled = labelled_question(text).is_some_and(|rest| !rest.is_empty());
        if block.marker.is_some() && !labelled {
            if Asks::of(title) > Asks::No {
                self.push(at, block, Marking::Bullet(block.indent), title);
                if let Some(item) = self.candidates.last_mut() {
                    item.bold = bold;
                }
            }
        } else if labelled || block.text.bold {
            self.push(at, block, if block.text.bold { Marking::Bold } else { Marking::Label }, text);
            self.candidates.pop_if(|line| !line.marked() && line.asks == Asks::No);
        }
    }

    fn number(&mut self, number: u32, bold: bool, style: Style, before: Option<Style>) -> Option<Style> {
        let follows_item = before == Some(style) && !self.blank_before;
        let candidate = self.candidates.last_mut()?;
        candidate.number = Some(number);
        candidate.bold = bold;
        candidate.follows_item = follows_item;
        Some(style)
    }

    /// A line that asks, followed by one that does not.
    fn look_for_bare(&mut self, at: usize, block: &Block, waiting: Option<Candidate>) {
        let text = block.text.text.as_str();
        let asks = text.ends_with(['?', '？', '؟'])
            && block.indent == 0
            && block.marker.is_none()
            && text.len() <= LONGEST_BARE;
        // The end of a sentence in a wrapped paragraph is not a question of its own.
        let begins = text.starts_with(|c: char| !c.is_lowercase()) && !text.contains(". ");
        let words = text.split_whitespace().nth(1).is_some() || !text.is_ascii();
        let asks = asks && begins && words && !text.starts_with("//");
        if let Some(question) = waiting.filter(|_| !asks && text.len() > 30) {
            self.candidates.push(question);
        }
        if asks {
            self.push(at, block, Marking::Bare, text);
            self.waiting = self.candidates.pop();
        }
    }
}
