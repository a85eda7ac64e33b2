//! Feedback of users as judged queries.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Judged, JudgedQuery, Right};
use crate::feedback::{Feedback, bounded_title};
use crate::question::Question;

/// The judged queries in a file of feedback.
#[derive(Clone, Debug)]
pub struct FromFeedback {
    /// The phrases with at least one useful question.
    pub judged: Judged,
    /// The phrases that are left out because none of their judged questions is useful. Another question may
    /// answer them, so they do not count as phrases without an answer.
    pub without_useful: usize,
    /// The judgements that are left out because the index has neither the id nor the title.
    pub unknown: usize,
}

/// Converts feedback to judged queries. A question is relevant for a phrase if more users found it useful than not
/// useful. It is identified by its id or, if no question has the id, by its title without regard to case. If
/// several questions have that title, all of them are judged.
pub fn from_feedback(name: &str, feedback: &[Feedback], questions: &[Question]) -> FromFeedback {
    let ids: HashSet<&str> = questions.iter().map(|question| question.id.as_str()).collect();
    let mut by_title: HashMap<String, Vec<&str>> = HashMap::new();
    for question in questions {
        by_title.entry(normalized(&question.title)).or_default().push(&question.id);
    }
    // Phrases in the order of their first judgement. For each id, the useful judgements less the others.
    let mut order = Vec::new();
    let mut votes: HashMap<&str, BTreeMap<&str, i64>> = HashMap::new();
    let mut unknown = 0;
    for one in feedback {
        let judged = match ids.get(one.id.as_str()) {
            Some(id) => vec![*id],
            None => by_title.get(&normalized(&one.title)).cloned().unwrap_or_default(),
        };
        if judged.is_empty() {
            unknown += 1;
            continue;
        }
        let phrase = one.q.trim();
        let votes = votes.entry(phrase).or_insert_with(|| {
            order.push(phrase);
            BTreeMap::new()
        });
        for id in judged {
            *votes.entry(id).or_default() += if one.useful { 1 } else { -1 };
        }
    }
    let all = order.len();
    let queries = (1..).zip(order).filter_map(|(number, phrase)| {
        let useful = votes[phrase].iter().filter(|(_, votes)| **votes > 0).map(|(id, _)| (*id).to_owned());
        let useful: HashSet<String> = useful.collect();
        (!useful.is_empty()).then(|| JudgedQuery {
            id: number.to_string(),
            text: phrase.to_owned(),
            right: Right::Ids(useful),
        })
    });
    let queries: Vec<JudgedQuery> = queries.collect();
    FromFeedback {
        without_useful: all - queries.len(),
        judged: Judged { name: name.to_owned(), corpus: None, queries, out_of_scope: Vec::new() },
        unknown,
    }
}

fn normalized(title: &str) -> String {
    bounded_title(title).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASE: &str = "when to cut";

    fn questions() -> Vec<Question> {
        [("a", "Prune roses?"), ("b", "Cut hair?"), ("c", "Cut hair?")]
            .map(|(id, title)| Question { id: id.into(), title: title.into(), ..Question::default() })
            .into()
    }

    /// `lines` are the id, the title and the judgement of each line.
    #[track_caller]
    fn check(lines: &[(&str, &str, bool)], useful: &[&str], without_useful: usize, unknown: usize) {
        let feedback: Vec<Feedback> = lines
            .iter()
            .map(|(id, title, useful)| Feedback {
                date: String::new(),
                q: format!(" {PHRASE}"),
                id: (*id).into(),
                title: (*title).into(),
                useful: *useful,
            })
            .collect();
        let found = from_feedback("set", &feedback, &questions());
        let ids: Vec<HashSet<String>> = found
            .judged
            .queries
            .iter()
            .map(|query| match &query.right {
                Right::Ids(ids) if query.text == PHRASE => ids.clone(),
                right => panic!("{right:?}"),
            })
            .collect();
        let expected: Vec<HashSet<String>> = match useful {
            [] => Vec::new(),
            ids => vec![ids.iter().map(|id| (*id).to_owned()).collect()],
        };
        assert_eq!((ids, found.without_useful, found.unknown), (expected, without_useful, unknown));
    }

    #[test]
    fn the_majority_of_judgements_decides() {
        check(&[("a", "", true)], &["a"], 0, 0);
        check(&[("a", "", true), ("b", "", true), ("c", "", false)], &["a", "b"], 0, 0);
        check(&[("a", "", false), ("a", "", true), ("a", "", true)], &["a"], 0, 0);
        check(&[("a", "", true), ("a", "", false)], &[], 1, 0);
        check(&[("a", "", false)], &[], 1, 0);
    }

    #[test]
    fn a_question_without_its_id_is_found_by_its_title() {
        check(&[("old", "prune ROSES?", true)], &["a"], 0, 0);
        // A judgement of the old id and one of the new id are about the same question.
        check(&[("old", "Prune roses?", true), ("a", "Prune roses?", false)], &[], 1, 0);
        check(&[("old", "Cut hair?", true)], &["b", "c"], 0, 0);
        check(&[("old", "Gone?", true), ("a", "", true)], &["a"], 0, 1);
        check(&[("old", "Gone?", true)], &[], 0, 1);
    }
}
