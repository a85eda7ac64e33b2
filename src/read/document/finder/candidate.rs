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

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Candidates from words such as `Q?`. The last character says whether the candidate asks: `?` surely, `~` maybe, `.`
    /// not. Before it, `Q` is a label, `#` a number, `c` the table of contents, `b` bold, and a digit the level of a heading
    /// (else 2).
    pub fn candidates(words: &str) -> Vec<Candidate> {
        let candidate = |(at, word): (usize, &str)| Candidate {
            at,
            marking: Marking::Heading(word.bytes().find(u8::is_ascii_digit).map_or(2, |digit| digit - b'0')),
            number: word.contains('#').then_some(at as u32 + 1),
            word: word.contains('Q'),
            asks: match word.chars().last() {
                Some('?') => Asks::Surely,
                Some('~') => Asks::Maybe,
                _ => Asks::No,
            },
            bold: word.contains('b'),
            in_contents: word.contains('c'),
            of_answer: false,
            follows_item: false,
            after_blank: true,
            after_heading: false,
        };
        words.split_whitespace().enumerate().map(candidate).collect()
    }

    #[test]
    fn a_question_is_sure_if_it_asks_or_is_marked_as_one() {
        for (word, sure, marked) in [
            ("?", true, false),
            ("~", false, false),
            (".", false, false),
            ("#.", false, true),
            ("#~", true, true),
            ("Q.", true, true),
            ("c.", true, true),
        ] {
            let candidate = candidates(word)[0];
            assert_eq!((candidate.is_sure(), candidate.marked()), (sure, marked), "{word}");
        }
    }

    #[test]
    fn texts_ask_surely_maybe_or_not() {
        for (title, expected) in [
            ("Why wax?", Asks::Surely),
            ("Why wax? (Senior)", Asks::Surely),
            ("Explain how to wax", Asks::Maybe),
            ("Wax", Asks::No),
        ] {
            assert_eq!(Asks::of(title), expected, "{title}");
        }
    }
}
