//! Pairs → groups.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Kind, Pair};
use crate::question::Question;

/// Questions that ask the same, by their places in [`Duplicates::questions`](super::Duplicates).
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The one to keep: the best answered, among equals the first in source order.
    pub canonical: usize,
    /// The others, likeliest first.
    pub members: Vec<Member>,
}

/// A question of a group beside its canonical one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// The question.
    pub question: usize,
    /// How it is like the canonical one.
    pub kind: Kind,
    /// The probability that it asks what the canonical one asks; where the two were never compared (a third
    /// one brought them together), that of its likeliest pair in the group.
    pub probability: f32,
}

impl Group {
    /// Adds the second question of a pair whose first one is here: what is like the first is like it as well.
    /// It becomes the canonical one where it is answered better.
    pub(super) fn add(&mut self, pair: &Pair, questions: &[Question]) {
        let of_first = self.members.iter().find(|member| member.question == pair.one);
        let (kind, probability) = match of_first {
            Some(first) => (first.kind, first.probability),
            None => (pair.kind, 1.0),
        };
        let added = Member { question: pair.two, kind, probability };
        if canonical(questions, &[self.canonical, pair.two]) == pair.two {
            let before = Member { question: self.canonical, kind, probability };
            self.canonical = pair.two;
            self.members.push(before);
        } else {
            self.members.push(added);
        }
        self.members
            .sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.question.cmp(&b.question)));
    }
}

/// Puts pairs together, likeliest first, by complete linkage with a bound: two groups become one where
/// some pair across them reaches the threshold *and every* pair across them reaches the bound, half of it.
///
/// So A like B like C does not make A a duplicate of C. And one unlucky pair (0.45 where 0.5 is asked) does
/// not tear apart what everything else holds together, as complete linkage at the threshold would; average
/// linkage would let one strong pair carry a stranger in.
///
/// `pairs` are those that reach the threshold, in any order; `probability` judges any two questions.
pub fn groups(
    questions: &[Question],
    pairs: &[Pair],
    threshold: f32,
    mut probability: impl FnMut(usize, usize) -> f32,
) -> Vec<Group> {
    let bound = threshold / 2.0;
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut likeliest: Vec<&Pair> = pairs.iter().collect();
    likeliest
        .sort_by(|a, b| b.probability.total_cmp(&a.probability).then((a.one, a.two).cmp(&(b.one, b.two))));
    for pair in likeliest {
        let [a, b] = [pair.one, pair.two].map(|question| *group_of.entry(question).or_insert(question));
        if a == b {
            continue;
        }
        let [left, right] = [a, b].map(|group| members.get(&group).cloned().unwrap_or_else(|| vec![group]));
        let across = || left.iter().flat_map(|a| right.iter().map(|b| (*a, *b)));
        if across().all(|(a, b)| probability(a.min(b), a.max(b)) >= bound) {
            let all = [left, right].concat();
            all.iter().for_each(|member| _ = group_of.insert(*member, a));
            members.remove(&b);
            members.insert(a, all);
        }
    }
    let kinds: HashMap<(usize, usize), Kind> =
        pairs.iter().map(|pair| ((pair.one, pair.two), pair.kind)).collect();
    let mut groups: Vec<Group> = members
        .into_values()
        .map(|members| {
            let canonical = canonical(questions, &members);
            let mut others: Vec<Member> = members
                .into_iter()
                .filter(|member| *member != canonical)
                .map(|question| {
                    let pair = (question.min(canonical), question.max(canonical));
                    let kind = kinds.get(&pair).copied().unwrap_or(Kind::Paraphrase);
                    Member { question, kind, probability: probability(pair.0, pair.1) }
                })
                .collect();
            others.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.question.cmp(&b.question)));
            Group { canonical, members: others }
        })
        .collect();
    groups.sort_by_key(|group| (Reverse(group.members.len()), group.canonical));
    groups
}

/// The question of a group to keep: the best answered, among equals the first in source order.
///
/// Best answered is what its readers say (score), where all of them say something; then the longest
/// answer, where only twice as long is longer, so that a comma more does not make a younger question the
/// one to keep.
fn canonical(questions: &[Question], members: &[usize]) -> usize {
    let scored = members.iter().all(|member| questions[*member].score.is_some());
    let rank = |member: &usize| {
        let question = &questions[*member];
        let score = question.score.filter(|_| scored).unwrap_or(0.0);
        (score, question.answer.trim().len().checked_ilog2())
    };
    let best = |a: &&usize, b: &&usize| {
        let ((a_score, a_length), (b_score, b_length)) = (rank(a), rank(b));
        a_score.total_cmp(&b_score).then(a_length.cmp(&b_length)).then(b.cmp(a))
    };
    *members.iter().max_by(best).expect("a group has members")
}

#[cfg(test)]
mod tests {
    use super::super::Why;
    use super::*;

    fn questions(answers: &[&str]) -> Vec<Question> {
        let question = |answer: &&str| Question { answer: (*answer).to_owned(), ..Question::new("?", 1) };
        answers.iter().map(question).collect()
    }

    /// The groups of questions without answers, of pairs with these probabilities; other pairs have none.
    #[track_caller]
    fn check(count: usize, pairs: &[(usize, usize, f32)], expected: &[&[usize]]) {
        let questions = questions(&vec![""; count]);
        let of = |one: usize, two: usize| {
            pairs.iter().find(|pair| (pair.0, pair.1) == (one, two)).map_or(0.0, |pair| pair.2)
        };
        let kind = Kind::Paraphrase;
        let reach = pairs.iter().filter(|pair| pair.2 >= 0.5);
        let reach: Vec<Pair> = reach
            .map(|&(one, two, probability)| Pair { one, two, kind, probability, why: Why::default() })
            .collect();
        let found = groups(&questions, &reach, 0.5, of);
        let found: Vec<Vec<usize>> = found
            .iter()
            .map(|group| {
                let mut all: Vec<usize> = group.members.iter().map(|member| member.question).collect();
                all.push(group.canonical);
                all.sort_unstable();
                all
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn groups_do_not_chain() {
        check(3, &[(0, 1, 0.9), (1, 2, 0.8)], &[&[0, 1]]);
        check(3, &[(0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.3)], &[&[0, 1, 2]]);
        check(4, &[(0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.1), (2, 3, 0.7)], &[&[0, 1], &[2, 3]]);
        check(
            4,
            &[(0, 1, 0.9), (2, 3, 0.9), (1, 2, 0.6), (0, 2, 0.4), (0, 3, 0.4), (1, 3, 0.4)],
            &[&[0, 1, 2, 3]],
        );
        check(2, &[(0, 1, 0.4)], &[]);
    }

    #[test]
    fn the_best_answered_is_kept_then_the_first() {
        assert_eq!(canonical(&questions(&["", "yes", "A long answer with its reasons."]), &[0, 1, 2]), 2);
        assert_eq!(canonical(&questions(&["", ""]), &[1, 0]), 0);
        // Hardly longer is not better.
        assert_eq!(
            canonical(&questions(&["an answer of some length", "an answer of some length."]), &[0, 1]),
            0
        );
        let mut scored = questions(&["a long answer that nobody likes", "short"]);
        (scored[0].score, scored[1].score) = (Some(-1.0), Some(7.0));
        assert_eq!(canonical(&scored, &[0, 1]), 1);
    }
}
