//! Which of a page's numbered lines are its questions.
//!
//! Answers have numbered lists of their own. What tells the questions apart is that their numbers
//! follow one another through the page, that they read as questions, and that something stands
//! between them. Every numbered line gets points for the second and third, and the chain of
//! numbers with the most points is the page's list of questions.

use std::collections::HashMap;

use super::question_line::{Separator, Style};

/// A numbered line, as much of it as it takes to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The line, from 1.
    pub line: u64,
    /// Its number.
    pub number: u32,
    /// It reads as a question.
    pub question_like: bool,
    /// The line before is a numbered line of the same style, with nothing between.
    pub follows_item: bool,
    /// A section's head stands before it: a title, maybe with a count of questions.
    pub after_heading: bool,
    /// An empty line, or the page's beginning, stands before it.
    pub after_blank: bool,
}

/// How many numbers may be missing from a chain at one place.
const LARGEST_GAP: u32 = 3;

/// The lines of the page's questions, in order, or none where no chain is convincing; and the
/// points they have.
pub fn questions(style: Style, marks: &[Mark]) -> (Vec<u64>, i32) {
    // In a list of nothing but titles every item follows another; that tells nothing there.
    let following = marks.iter().filter(|mark| mark.follows_item).count();
    let dense = (following + 1) * 10 > marks.len() * 7 && following > 0;
    let mut chains: Vec<Link> = Vec::with_capacity(marks.len());
    // Of each number, the best chain that ends with it; and the best of all.
    let mut ending: HashMap<u32, usize> = HashMap::new();
    let mut best: Option<usize> = None;
    for (at, mark) in marks.iter().enumerate() {
        let points = points(mark, style, dense);
        // A page cut off at the top may begin anywhere, but not lightly.
        let beginning = if mark.number == 1 { 0 } else { 4 };
        let mut link = Link { points: points - beginning, before: None };
        for gap in 0..=LARGEST_GAP {
            let number = mark.number.checked_sub(gap + 1).filter(|number| *number > 0);
            if let Some(before) = number.and_then(|number| ending.get(&number)) {
                link.improve(chains[*before].points + points - 3 * gap as i32, *before);
            }
        }
        if mark.number == 1 {
            // A new section begins to count anew, and says so; a list in an answer does not.
            let cost = if mark.after_heading { 0 } else { 4 };
            if let Some(before) = best {
                link.improve(chains[before].points + points - cost, before);
            }
        }
        chains.push(link);
        if ending.get(&mark.number).is_none_or(|known| chains[*known].points <= link.points) {
            ending.insert(mark.number, at);
        }
        if best.is_none_or(|known| chains[known].points <= link.points) {
            best = Some(at);
        }
    }
    let mut lines = Vec::new();
    let points = best.map_or(0, |best| chains[best].points);
    let mut at = best;
    while let Some(link) = at {
        lines.push(marks[link].line);
        at = chains[link].before;
    }
    lines.reverse();
    (lines, points)
}

/// A chain that ends at some mark.
#[derive(Clone, Copy)]
struct Link {
    points: i32,
    before: Option<usize>,
}

impl Link {
    fn improve(&mut self, points: i32, before: usize) {
        if self.before.is_none() && points >= self.points || points > self.points {
            *self = Self { points, before: Some(before) };
        }
    }
}

fn points(mark: &Mark, style: Style, dense: bool) -> i32 {
    let mut points = 1;
    if mark.question_like {
        points += 4;
    }
    if mark.follows_item {
        // Of a table of contents and what it lists, the latter has something between.
        points -= if dense { 1 } else { 4 };
    }
    if !mark.after_blank && !dense && !mark.after_heading {
        points -= 1;
    }
    if style.word {
        points += 2;
    }
    let weak = matches!(style.separator, Separator::Alone | Separator::Space | Separator::Glued);
    if weak && !style.bullet && !mark.question_like {
        points -= 3;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { bullet: false, word: false, indented: false, separator: Separator::Dot };

    /// `12?` is a question after an empty line, `3` an item of an inner list, `1?!` the first of a
    /// new section.
    fn marks(page: &str) -> Vec<Mark> {
        let mut before_was_inner = false;
        (1..)
            .zip(page.split_whitespace())
            .map(|(line, word)| {
                let question_like = word.contains('?');
                let mark = Mark {
                    line,
                    number: word.trim_matches(['?', '!', '~']).parse().unwrap(),
                    question_like,
                    follows_item: !question_like && before_was_inner,
                    after_heading: word.contains('!'),
                    after_blank: question_like || word.contains('~'),
                };
                before_was_inner = !question_like && !word.contains('~');
                mark
            })
            .collect()
    }

    #[track_caller]
    fn check(page: &str, expected: &[u64]) {
        assert_eq!(questions(STYLE, &marks(page)).0, expected, "{page}");
    }

    #[test]
    fn a_chain_costs_points_where_it_begins_late_and_where_numbers_are_missing() {
        for (page, expected) in [
            ("1? 2? 3?", 15),
            ("3? 4?", 6),
            ("1? 3?", 7),
            ("1? 2? 5?", 10),
            ("1?! 2? 1?! 2?", 20),
            ("1?! 2? 1? 2?", 16),
        ] {
            assert_eq!(questions(STYLE, &marks(page)).1, expected, "{page}");
        }
    }

    #[test]
    fn lines_that_ask_and_are_set_apart_have_more_points() {
        let plain = marks("1~")[0];
        let asks = Mark { question_like: true, ..plain };
        let follows = Mark { follows_item: true, ..plain };
        let close = Mark { after_blank: false, ..plain };
        let after_heading = Mark { after_heading: true, ..close };
        let alone = Style { separator: Separator::Alone, ..STYLE };
        for (mark, style, dense, expected) in [
            (plain, STYLE, false, 1),
            (asks, STYLE, false, 5),
            (follows, STYLE, false, -3),
            (follows, STYLE, true, 0),
            (close, STYLE, false, 0),
            (close, STYLE, true, 1),
            (after_heading, STYLE, false, 1),
            (plain, Style { word: true, ..STYLE }, false, 3),
            (plain, alone, false, -2),
            (asks, alone, false, 5),
            (plain, Style { bullet: true, ..alone }, false, 1),
        ] {
            assert_eq!(points(&mark, style, dense), expected, "{mark:?} {style:?} {dense}");
        }
    }

    #[test]
    fn of_equal_chains_the_one_with_lines_before_is_kept() {
        for (before, points, expected) in [
            (None, 5, Some(7)),
            (None, 4, None),
            (Some(3), 5, Some(3)),
            (Some(3), 6, Some(7)),
            (Some(3), 4, Some(3)),
        ] {
            let mut link = Link { points: 5, before };
            link.improve(points, 7);
            assert_eq!(link.before, expected, "{before:?} {points}");
        }
    }

    #[test]
    fn a_plain_list_is_taken_whole() {
        check("1? 2? 3? 4?", &[1, 2, 3, 4]);
    }

    #[test]
    fn lists_inside_answers_are_not_questions() {
        check("1? 1 2 3 2? 1 2 3? 4? 1 2 3 4 5 5?", &[1, 5, 8, 9, 15]);
    }

    #[test]
    fn a_title_that_asks_nothing_still_counts_in_its_place() {
        check("1? 2? 3~ 4? 5?", &[1, 2, 3, 4, 5]);
    }

    #[test]
    fn sections_begin_to_count_anew() {
        check("1?! 2? 3? 1?! 2? 1?! 2? 3?", &[1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_number_may_be_missing() {
        check("1? 2? 4? 5?", &[1, 2, 3, 4]);
    }
}
