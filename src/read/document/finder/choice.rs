//! What each marking gives: which of its candidates are questions, and how well they explain the document.

use std::collections::HashSet;
use std::ops::Range;

use super::candidate::{Asks, Candidate, count, holders, is_inside, only};
use super::layout::Layout;
use crate::read::document::findings::Marking;
use crate::read::document::numbering::{self, Mark};
use crate::read::document::question_line::Style;

/// Fewer questions do not make a marking, except for headings, folds and labels, and the first line of a document.
pub const FEWEST: usize = 2;

/// The questions that one marking gives.
pub struct Choice {
    /// The marking.
    pub marking: Marking,
    /// The places of the questions among the blocks.
    pub chosen: Vec<usize>,
    /// How well the marking explains the document.
    pub points: usize,
    /// How many are surely questions.
    pub surely: usize,
    /// How many of these read as questions; the others are only named by a table of contents.
    pub asking: usize,
    /// The document labels all of them as questions: `Question 3: …`.
    pub labelled: bool,
    /// What the chosen ones have in common.
    pub why: String,
}

impl Layout<'_> {
    /// The questions that one marking gives, with points. `answers` are the blocks of the answers below headings.
    pub fn choice(&self, marking: Marking, all: &[Candidate], answers: &[Range<usize>]) -> Choice {
        let own = only(all, |candidate| !candidate.of_answer);
        let chosen = self.choose(marking, &own);
        let labelled = !chosen.is_empty() && chosen.iter().all(|question| question.word);
        let is_enough = chosen.len() >= self.fewest(marking, &chosen, labelled);
        Choice {
            marking,
            chosen: chosen.iter().map(|question| question.at).collect(),
            points: if is_enough { points(marking, &chosen, answers) } else { 0 },
            surely: count(&chosen, Candidate::is_sure),
            asking: count(&chosen, |question| {
                question.is_sure() && (question.asks > Asks::No || question.word)
            }),
            labelled: labelled && chosen.len() > 1,
            why: why(&own, &chosen),
        }
    }

    /// The candidates of one marking that are questions, if it is the marking of the document.
    fn choose(&self, marking: Marking, all: &[Candidate]) -> Vec<Candidate> {
        match marking {
            Marking::Heading(_) => self.chosen_headings(all),
            Marking::Summary | Marking::Term => most_or_asking(all),
            Marking::Title | Marking::Declared | Marking::Label | Marking::Quoted | Marking::Bare => {
                all.to_vec()
            }
            Marking::Bold => only(all, |line| {
                line.asks == Asks::Surely || line.marked() && (line.asks > Asks::No || line.in_contents)
            }),
            Marking::Numbered(style) => chosen_numbers(style, all),
            Marking::Bullet(_) => chosen_bullets(all),
            Marking::Button => only(all, |button| button.asks == Asks::Surely),
        }
    }

    /// How many questions a marking needs at least.
    fn fewest(&self, marking: Marking, chosen: &[Candidate], labelled: bool) -> usize {
        match marking {
            Marking::Heading(_) | Marking::Summary | Marking::Term | Marking::Declared | Marking::Button => 1,
            Marking::Bold if labelled => 1,
            Marking::Label if labelled && self.labels_answers => 1,
            Marking::Bare if chosen.first().is_some_and(|first| self.begins_with(first.at)) => 1,
            _ => FEWEST,
        }
    }

    /// If most headings of a level that ask are numbered or named by the table of contents, then these are the
    /// questions, and no others. Otherwise the headings that ask are.
    fn chosen_headings(&self, level: &[Candidate]) -> Vec<Candidate> {
        let asking = count(level, |heading| heading.asks > Asks::No);
        let enough = |marked: usize, marked_asking: usize| {
            let asks = marked_asking * 2 >= marked || self.says_questions;
            marked > 1 && marked * 10 >= asking * 7 && asks
                || marked == 1 && asking <= 1 && marked_asking == 1
        };
        let is_numbered = |heading: &Candidate| heading.number.is_some() || heading.word;
        let numbered = count(level, is_numbered);
        let words = count(level, |heading| heading.word);
        // A list of exercises with numbers may end with questions that have labels.
        let mostly_words = words * 2 > numbered || !self.says_questions;
        if words > 0 && words * 10 >= asking * 7 && mostly_words {
            return only(level, |heading| heading.word);
        }
        if enough(numbered, count(level, |heading| is_numbered(heading) && heading.asks > Asks::No)) {
            return only(level, is_numbered);
        }
        let listed = count(level, |heading| heading.in_contents);
        let listed_asking = count(level, |heading| heading.in_contents && heading.asks > Asks::No);
        if listed * 10 >= level.len() * 6 && enough(listed, listed_asking) {
            let is_whole = listed * 10 >= level.len() * 9;
            return only(level, |heading| is_whole || heading.in_contents || heading.asks == Asks::Surely);
        }
        if self.is_faq && level.len() > 1 && (asking * 7 >= level.len() || self.states_problems(level)) {
            let headings: Vec<&Candidate> = self.headings().collect();
            let above = holders(&headings, |heading| heading.asks == Asks::Surely);
            return only(level, |heading| heading.asks > Asks::No || !above.contains(&heading.at));
        }
        // Where nearly all headings of a level ask, the others do too: `Hoisting`, `Make this work`.
        if level.len() > 9 && asking * 10 >= level.len() * 9 && self.says_questions {
            return level.to_vec();
        }
        let surely = count(level, |heading| heading.asks == Asks::Surely);
        let weakest = if surely > 0 || asking * 2 >= level.len() { Asks::Maybe } else { Asks::Surely };
        only(level, |heading| heading.asks >= weakest)
    }

    /// Whether no heading of the document asks, and those of this level are sentences. People state problems in a FAQ:
    /// `The build fails with error 12`.
    fn states_problems(&self, level: &[Candidate]) -> bool {
        let is_sentence = |heading: &Candidate| self.title(heading.at).split_whitespace().nth(3).is_some();
        !self.heading_asks && level.iter().all(is_sentence)
    }
}

/// How well a marking with these questions explains a document.
fn points(marking: Marking, chosen: &[Candidate], answers: &[Range<usize>]) -> usize {
    let points = |question: &Candidate| {
        let weight = match question.asks {
            Asks::Surely => 4,
            _ if question.word || question.in_contents => 3,
            Asks::Maybe | Asks::No => 1,
        };
        // A question inside an answer asks the reader something. A list of nothing but titles is more likely a
        // table of contents than what it lists.
        if is_inside(question, answers) || question.follows_item { weight } else { 2 * weight }
    };
    let points = chosen.iter().map(points).sum();
    if matches!(marking, Marking::Heading(_)) { points + points / 2 } else { points }
}

/// Why some of the candidates of one marking were chosen: `118 of 130, 110 end with a question mark`.
fn why(all: &[Candidate], chosen: &[Candidate]) -> String {
    let mut why = format!("{} of {}", chosen.len(), all.len());
    for (count, what) in [
        (count(chosen, |question| question.asks == Asks::Surely), "end with a question mark"),
        (count(chosen, |question| question.asks == Asks::Maybe), "begin as a question or a request does"),
        (count(chosen, |question| question.word), "have a label"),
        (count(chosen, |question| question.number.is_some()), "are numbered"),
        (count(chosen, |question| question.in_contents), "are in the table of contents"),
    ] {
        if count > 0 {
            why += &format!(", {count} {what}");
        }
    }
    why
}

/// In a list of folds or definitions half of which ask, the others are questions as well.
fn most_or_asking(all: &[Candidate]) -> Vec<Candidate> {
    let asking = count(all, |title| title.asks > Asks::No || title.marked());
    if asking > 0 && asking * 2 >= all.len() {
        all.to_vec()
    } else {
        only(all, |title| title.asks == Asks::Surely)
    }
}

fn chosen_bullets(all: &[Candidate]) -> Vec<Candidate> {
    let all = bold_ones(all);
    let surely = count(&all, |item| item.asks == Asks::Surely);
    let weakest = if surely * 2 >= all.len() { Asks::Maybe } else { Asks::Surely };
    only(&all, |item| item.asks >= weakest)
}

/// If most items that ask are bold, the bold ones; else all.
fn bold_ones(all: &[Candidate]) -> Vec<Candidate> {
    let asking = count(all, |item| item.asks > Asks::No);
    let bold = count(all, |item| item.asks > Asks::No && item.bold);
    if bold * 10 > asking * 6 { only(all, |item| item.bold) } else { all.to_vec() }
}

fn chosen_numbers(style: Style, all: &[Candidate]) -> Vec<Candidate> {
    let all = bold_ones(all);
    let marks: Vec<Mark> = all
        .iter()
        .filter_map(|item| {
            Some(Mark {
                line: item.at as u64,
                number: item.number?,
                question_like: item.asks > Asks::No,
                follows_item: item.follows_item,
                after_heading: item.after_heading,
                after_blank: item.after_blank,
            })
        })
        .collect();
    let (lines, points) = numbering::questions(style, &marks);
    let lines: HashSet<usize> = lines.into_iter().map(|line| line as usize).collect();
    let chosen = only(&all, |item| lines.contains(&item.at));
    // A number is a weak mark: steps and the paragraphs of a license ask nothing.
    let asking = count(&chosen, |item| item.asks > Asks::No);
    if points < 4 * FEWEST as i32 || asking * 4 < chosen.len() {
        return only(&all, |item| item.asks == Asks::Surely);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::candidate::tests::candidates;
    use super::*;
    use crate::read::document::model::Document;

    fn places(chosen: &[Candidate]) -> Vec<usize> {
        chosen.iter().map(|candidate| candidate.at).collect()
    }

    /// The layout of a document with these candidates. `facts` are `says` if the document says that it has questions, and `faq` if it is a
    /// FAQ.
    fn layout<'d>(document: &'d Document, facts: &str, candidates: &[Candidate]) -> Layout<'d> {
        Layout {
            document,
            candidates: candidates.to_vec(),
            says_questions: facts.contains("says"),
            is_faq: facts.contains("faq"),
            heading_asks: true,
            labels_answers: false,
        }
    }

    /// Checks which headings of a level are questions. See [`candidates`] for the words.
    #[track_caller]
    fn check(facts: &str, words: &str, expected: &[usize]) {
        let (document, level) = (Document::default(), candidates(words));
        let chosen = layout(&document, facts, &level).chosen_headings(&level);
        assert_eq!(places(&chosen), expected, "{facts} {words}");
    }

    #[test]
    fn a_choice_counts_what_is_sure_what_asks_and_whether_all_have_a_label() {
        for (words, surely, asking, labelled) in [
            ("? ~ . c. Q. #~", 4, 3, false),
            ("Q? Q.", 2, 2, true),
            ("Q? ?", 2, 2, false),
            ("Q?", 1, 1, false),
            ("? ?", 2, 2, false),
            ("", 0, 0, false),
        ] {
            let (document, all) = (Document::default(), candidates(words));
            let choice = layout(&document, "", &all).choice(Marking::Declared, &all, &[]);
            assert_eq!(
                (choice.surely, choice.asking, choice.labelled),
                (surely, asking, labelled),
                "{words}"
            );
        }
    }

    #[test]
    fn headings_that_ask_are_questions() {
        check("", "? ~ .", &[0, 1]);
        check("", "~ .", &[0]);
        check("", "~ . .", &[]);
        check("", "? ~ . . . .", &[0, 1]);
    }

    #[test]
    fn seven_numbered_headings_for_ten_that_ask_are_the_questions() {
        check("", "#? #? #? #? #? #? #? ? ? ?", &[0, 1, 2, 3, 4, 5, 6]);
        check("", "#? #? #? #? #? #? ? ? ? ?", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        check("", "#~ #.", &[0, 1]);
        check("", "#~ #. #.", &[]);
        check("", "#. #.", &[]);
        check("says", "#. #.", &[0, 1]);
        check("", "#? .", &[0]);
        check("", "#? ?", &[0, 1]);
        check("says", "#. ~ .", &[]);
    }

    #[test]
    fn seven_labelled_headings_for_ten_that_ask_are_the_questions() {
        check("", "Q. Q. . ?", &[0, 1]);
        check("", "Q? Q? Q? Q? Q? Q? Q? ? ? ?", &[0, 1, 2, 3, 4, 5, 6]);
        check("", "Q? Q? Q? Q? Q? Q? ? ? ? ?", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        // Exercises with numbers, and questions with labels.
        check("", "#. #. #. Q?", &[3]);
        check("says", "#. #. #. Q?", &[0, 1, 2, 3]);
        check("says", "#. Q?", &[0, 1]);
        check("says", "#. Q? Q?", &[1, 2]);
    }

    #[test]
    fn headings_in_a_table_of_contents_of_most_are_the_questions() {
        check("", "c? c? c. . .", &[0, 1, 2]);
        check("", "c? c. c. . .", &[0]);
        check("", "c~ c~ . . .", &[]);
        check("", "c~ c~ c~ ~ ?", &[0, 1, 2, 3, 4]);
        check("", "c? c? c? c? c? c? c? c? c? .", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        check("", "c? c? c? c? c? c? c? c? . .", &[0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn in_a_faq_and_where_nearly_all_ask_the_others_are_questions_too() {
        check("faq", "? . . . . . .", &[0, 1, 2, 3, 4, 5, 6]);
        check("faq", "? . . . . . . .", &[0]);
        check("says", "? ? ? ? ? ? ? ? ? .", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        check("says", "? ? ? ? ? ? ? ? . .", &[0, 1, 2, 3, 4, 5, 6, 7]);
        check("says", "? ? ? ? ? ? ? ? .", &[0, 1, 2, 3, 4, 5, 6, 7]);
        check("", "? ? ? ? ? ? ? ? ? .", &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn in_a_faq_a_heading_above_questions_is_a_section_unless_it_asks() {
        let (document, all) = (Document::default(), candidates("2? 3? 2. 3? 2. 2?"));
        let level = only(&all, |heading| heading.level() == 2);
        assert_eq!(places(&layout(&document, "faq", &all).chosen_headings(&level)), [0, 4, 5]);
    }

    #[test]
    fn points_are_higher_for_what_asks_outside_of_answers() {
        let of =
            |marking, words: &str, answers: &[Range<usize>]| points(marking, &candidates(words), answers);
        let answer = 1..3;
        let answer = std::slice::from_ref(&answer);
        assert_eq!(of(Marking::Bold, "? Q~ c. ~ .", &[]), 8 + 6 + 6 + 2 + 2);
        assert_eq!(of(Marking::Bold, "? ? ? ?", answer), 8 + 4 + 4 + 8);
        assert_eq!(of(Marking::Heading(2), "? ~", &[]), 15);
        let mut list = candidates("? ?");
        list[1].follows_item = true;
        assert_eq!(points(Marking::Bold, &list, &[]), 8 + 4);
    }

    #[test]
    fn half_of_a_list_decides_about_the_others() {
        assert_eq!(places(&most_or_asking(&candidates("~ ."))), [0, 1]);
        assert_eq!(places(&most_or_asking(&candidates("#. ."))), [0, 1]);
        assert_eq!(places(&most_or_asking(&candidates("? ~ . . ."))), [0]);
        assert_eq!(places(&most_or_asking(&candidates(". ."))), [0_usize; 0]);
        assert_eq!(places(&chosen_bullets(&candidates("? ~ . ?"))), [0, 1, 3]);
        assert_eq!(places(&chosen_bullets(&candidates("? ~ ."))), [0]);
        // More than six of ten items that ask are bold.
        assert_eq!(places(&bold_ones(&candidates("b? b? ? b."))), [0, 1, 3]);
        assert_eq!(places(&bold_ones(&candidates("b? b? b? ? ?"))), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_reason_counts_what_the_questions_have_in_common() {
        let all = candidates("Q? #? c~ .");
        assert_eq!(
            why(&all, &all[..3]),
            "3 of 4, 2 end with a question mark, 1 begin as a question or a request does, 1 have a label, \
             1 are numbered, 1 are in the table of contents"
        );
        assert_eq!(why(&all, &all[3..]), "1 of 4");
    }
}
