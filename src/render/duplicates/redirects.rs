//! A map from duplicates to the questions to keep.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::duplicates::{Chosen, Duplicates, Kind};
use crate::question::Question;

/// A duplicate and the question that replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redirect<'a> {
    /// The web address of the duplicate, or its id if one of both questions has no web address.
    pub from: &'a str,
    /// The web address of the question to keep, or its id.
    pub to: &'a str,
    /// The id of the duplicate.
    pub from_id: &'a str,
    /// The id of the question to keep.
    pub to_id: &'a str,
}

/// The redirects of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirects<'a> {
    /// In the order of the groups. No `to` is a `from`.
    pub redirects: Vec<Redirect<'a>>,
    /// The number of duplicates that are left out because nobody decided about them, or which question to keep.
    pub open: usize,
    /// The number of duplicates that are left out because their web address is also that of a question to keep.
    pub shared: usize,
}

impl<'a> Redirects<'a> {
    /// The redirects of all duplicates that are certain: people decided that they are the same, or they are repeats. The
    /// question to keep must be decided, or be the only one with the best answer. A duplicate with the web address of the
    /// question to keep needs no redirect.
    ///
    /// There are no chains and no cycles: a web address is only redirected if all questions that have it are.
    pub fn new(found: &'a Duplicates) -> Self {
        let mut redirects = Self::default();
        let (mut certain, mut shared) = (Vec::new(), 0);
        for group in &found.groups {
            for member in &group.members {
                let is_certain = member.is_decided || member.kind != Kind::Paraphrase;
                if is_certain && group.chosen != Chosen::First {
                    certain.push((&found.questions[member.question], &found.questions[group.canonical]));
                } else {
                    redirects.open += 1;
                }
            }
        }
        let targets = targets(&found.questions, &certain);
        // Two questions on one page can both be replaced by one question.
        let mut seen = HashSet::new();
        let mut add = |from: &'a str, to: &'a str, duplicate: &'a Question, keep: &'a Question| {
            if seen.insert(from) {
                redirects.redirects.push(Redirect { from, to, from_id: &duplicate.id, to_id: &keep.id });
            }
        };
        for (duplicate, keep) in certain {
            match (&duplicate.url, &keep.url) {
                (Some(from), Some(to)) if from == to => {}
                (Some(from), Some(_)) if targets[from.as_str()].is_none() => shared += 1,
                (Some(from), Some(to)) => add(from, to, duplicate, keep),
                _ => add(&duplicate.id, &keep.id, duplicate, keep),
            }
        }
        Self { shared, ..redirects }
    }
}

/// Where each web address leads. `None` if it is also that of a question that is kept, or leads to several addresses.
fn targets<'a>(
    questions: &'a [Question],
    certain: &[(&'a Question, &'a Question)],
) -> HashMap<&'a str, Option<&'a str>> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for url in questions.iter().filter_map(|question| question.url.as_deref()) {
        *count.entry(url).or_default() += 1;
    }
    let mut targets: HashMap<&str, Option<&str>> = HashMap::new();
    for (duplicate, keep) in certain {
        let (Some(from), to) = (duplicate.url.as_deref(), keep.url.as_deref()) else { continue };
        targets
            .entry(from)
            .and_modify(|known| *known = known.filter(|known| Some(*known) == to))
            .or_insert(to);
        count.entry(from).and_modify(|count| *count -= 1);
    }
    for (from, to) in &mut targets {
        *to = to.filter(|_| count[from] == 0);
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, question};
    use super::*;
    use crate::decisions::Choice;

    /// Questions with this id, title and web address, and the redirects as `from > to`.
    #[track_caller]
    fn check(
        questions: &[(&str, &str, Option<&str>)],
        decisions: &[(&str, &str, Choice)],
        expected: (&[&str], usize, usize),
    ) {
        let questions: Vec<Question> = (1..)
            .zip(questions)
            .map(|(line, (id, title, url))| Question {
                url: url.map(str::to_owned),
                ..question(id, title, "a.md", line)
            })
            .collect();
        let found = found(&questions, decisions);
        let redirects = Redirects::new(&found);
        let shown: Vec<String> =
            redirects.redirects.iter().map(|one| format!("{} > {}", one.from, one.to)).collect();
        assert_eq!(
            (shown.as_slice(), redirects.open, redirects.shared),
            (
                expected.0.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>().as_slice(),
                expected.1,
                expected.2
            )
        );
        for redirect in &redirects.redirects {
            assert!(redirects.redirects.iter().all(|other| other.from != redirect.to), "a chain: {shown:?}");
        }
    }

    #[test]
    fn duplicates_lead_to_the_question_that_was_kept() {
        let (x, y) = (Some("/x"), Some("/y"));
        check(&[("a", "Why?", None), ("b", "why", None)], &[], (&[], 1, 0));
        check(&[("a", "Why?", None), ("b", "why", None)], &[("b", "a", Choice::KeepOne)], (&["a > b"], 0, 0));
        check(&[("a", "Why?", x), ("b", "why", y)], &[("b", "a", Choice::KeepOne)], (&["/x > /y"], 0, 0));
        check(&[("a", "Why?", x), ("b", "why", None)], &[("b", "a", Choice::KeepOne)], (&["a > b"], 0, 0));
        check(&[("a", "Why?", x), ("b", "why", x)], &[("b", "a", Choice::KeepOne)], (&[], 0, 0));
        // Decided to be the same, in other words.
        check(
            &[("a", "Why?", x), ("b", "What for?", y)],
            &[("a", "b", Choice::KeepOne)],
            (&["/y > /x"], 0, 0),
        );
        check(&[("a", "Why?", x), ("b", "What for?", y)], &[("a", "b", Choice::Same)], (&[], 1, 0));
    }

    #[test]
    fn there_are_no_chains_and_no_cycles() {
        let keep = [("b", "a", Choice::KeepOne), ("d", "c", Choice::KeepOne)];
        let questions = |a, b, c, d| {
            [("a", "Why?", Some(a)), ("b", "why", Some(b)), ("c", "Who?", Some(c)), ("d", "who", Some(d))]
        };
        check(&questions("/1", "/2", "/3", "/4"), &keep, (&["/1 > /2", "/3 > /4"], 0, 0));
        check(&questions("/1", "/2", "/2", "/1"), &keep, (&[], 0, 2));
        check(&questions("/1", "/2", "/2", "/4"), &keep, (&["/1 > /2"], 0, 1));
        check(&questions("/1", "/2", "/1", "/4"), &keep, (&[], 0, 2));
        check(&questions("/1", "/2", "/1", "/2"), &keep, (&["/1 > /2"], 0, 0));
    }
}
