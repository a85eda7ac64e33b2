//! A block that may be a question.

use std::collections::HashSet;
use std::ops::Range;

use crate::read::document::findings::Marking;
use crate::read::document::question_line::{ends_asking, is_question_like, split_level};
use crate::read::document::title::split_emoji;

/// A block that may be a question.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its place among the blocks.
    pub at: usize,
    /// How it is marked.
    pub marking: Marking,
    /// Its number.
    pub number: Option<u32>,
    /// `Q` or `Question` precedes the number, or replaces it.
    pub word: bool,
    /// Whether it asks.
    pub asks: Asks,
    /// All of it is bold.
    pub bold: bool,
    /// A table of contents names it, as an entry without entries below.
    pub in_contents: bool,
    /// `Answer`, `Example`: it belongs to the question above, whatever its level.
    pub of_answer: bool,
    /// The line before is numbered in the same style.
    pub follows_item: bool,
    /// A blank line is before it.
    pub after_blank: bool,
    /// A heading is before it.
    pub after_heading: bool,
}

/// Whether a text asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    /// It does not read as a question.
    No,
    /// It begins as a question or a request does.
    Maybe,
    /// It ends in a question mark.
    Surely,
}

impl Asks {
    /// What a title does.
    pub fn of(title: &str) -> Self {
        let (title, _) = split_level(split_emoji(title).0);
        if ends_asking(title) {
            Self::Surely
        } else if is_question_like(title) {
            Self::Maybe
        } else {
            Self::No
        }
    }
}

impl Candidate {
    /// The document sets it apart from other blocks: by a label, a number, or its table of contents.
    pub fn marked(&self) -> bool {
        self.word || self.number.is_some() || self.in_contents
    }

    /// Its level as a heading; 7 if it is none.
    pub fn level(&self) -> u8 {
        if let Marking::Heading(level) = self.marking { level } else { 7 }
    }

    /// Whether it is surely a question.
    pub fn is_sure(&self) -> bool {
        self.asks == Asks::Surely
            || self.word
            || self.in_contents
            || self.number.is_some() && self.asks > Asks::No
    }
}

/// How many candidates have a property.
pub fn count(all: &[Candidate], is: impl Fn(&Candidate) -> bool) -> usize {
    all.iter().filter(|candidate| is(candidate)).count()
}

/// The candidates with a property.
pub fn only(all: &[Candidate], is: impl Fn(&Candidate) -> bool) -> Vec<Candidate> {
    all.iter().filter(|candidate| is(candidate)).copied().collect()
}

/// Whether a candidate is in one of these ranges, which are in order.
pub fn is_inside(candidate: &Candidate, answers: &[Range<usize>]) -> bool {
    let around = answers.partition_point(|answer| answer.end <= candidate.at);
    answers.get(around).is_some_and(|answer| answer.start <= candidate.at)
}

/// The headings above at least one heading with a property, before the next heading of their own or a higher rank.
pub fn holders(headings: &[&Candidate], is: impl Fn(&Candidate) -> bool) -> HashSet<usize> {
    // For each level: whether a heading of it, or one below that, has the property.
    let mut found = [false; 8];
    let mut holders = HashSet::new();
    for heading in headings.iter().rev() {
        let below = usize::from(heading.level()) + 1;
        let holds = found[below..].iter().any(|found| *found);
        found[below..].fill(false);
        found[below - 1] |= holds || is(heading);
        if holds {
            holders.insert(heading.at);
        }
    }
    holders
}
