//! Groups pairs of duplicates.

use std::collections::HashMap;

use super::{Kind, Pair};
use crate::question::Question;

/// Questions that ask the same, as indexes into [`Duplicates::questions`](super::Duplicates::questions).
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The question to keep: the one with the best answer. If several are equally good, the first in source
    /// order.
    pub canonical: usize,
    /// The other questions, most probable duplicates first.
    pub members: Vec<Member>,
}

/// A duplicate of a group's canonical question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// The question's index.
    pub question: usize,
    /// How it duplicates the canonical question.
    pub kind: Kind,
    /// The probability that it asks the same as the canonical question.
    pub probability: f32,
}

impl Group {
    /// A group of these questions. `judge` says how the second question duplicates the first, the one to keep.
    pub(super) fn new(
        questions: &[Question],
        members: Vec<usize>,
        judge: impl Fn(usize, usize) -> (Kind, f32),
    ) -> Self {
        let canonical = canonical(questions, &members);
        let member = |question: usize| {
            let (kind, probability) = judge(canonical, question);
            Member { question, kind, probability }
        };
        let others = members.into_iter().filter(|member| *member != canonical);
        let mut members: Vec<Member> = others.map(member).collect();
        members.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.question.cmp(&b.question)));
        Self { canonical, members }
    }
}

/// Merges pairs into groups, most probable pairs first, by complete linkage with a lower bound. Two groups
/// are merged if at least one pair across them reaches the threshold *and every* pair across them reaches
/// half the threshold.
///
/// Groups do not chain: if A duplicates B and B duplicates C, A need not duplicate C. Complete linkage at the
/// threshold itself would split a group because of a single pair just below it (0.45 with a threshold of
/// 0.5). Average linkage would let one strong pair add an unrelated question.
///
/// `pairs` are the pairs that reach the threshold, in any order. Repeats count as one question, `first`.
/// `probability` returns the probability that two questions ask the same.
pub(super) fn linked(
    pairs: &[Pair],
    first: &[usize],
    threshold: f32,
    probability: impl Fn(usize, usize) -> f32,
) -> Vec<Vec<usize>> {
    let bound = threshold / 2.0;
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut by_probability: Vec<&Pair> = pairs.iter().collect();
    by_probability
        .sort_by(|a, b| b.probability.total_cmp(&a.probability).then((a.one, a.two).cmp(&(b.one, b.two))));
    for pair in by_probability {
        let [a, b] = [pair.one, pair.two].map(|question| {
            let question = first[question];
            *group_of.entry(question).or_insert(question)
        });
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
    let mut linked: Vec<Vec<usize>> = members.into_values().collect();
    linked.iter_mut().for_each(|group| group.sort_unstable());
    linked.sort_unstable();
    linked
}

/// The question of a group to keep. The criteria, in order:
///
/// 1. The highest score, if all questions have one.
/// 2. The longest answer. Lengths are compared by powers of two, so that one more comma does not decide.
/// 3. The first in source order.
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

    /// Groups questions without answers by pairs with these probabilities. Other pairs have probability 0.
    #[track_caller]
    fn check(count: usize, pairs: &[(usize, usize, f32)], expected: &[&[usize]]) {
        let first: Vec<usize> = (0..count).collect();
        let of = |one: usize, two: usize| {
            pairs.iter().find(|pair| (pair.0, pair.1) == (one, two)).map_or(0.0, |pair| pair.2)
        };
        let kind = Kind::Paraphrase;
        let reach = pairs.iter().filter(|pair| pair.2 >= 0.5);
        let reach: Vec<Pair> = reach
            .map(|&(one, two, probability)| Pair { one, two, kind, probability, why: Why::default() })
            .collect();
        let found = linked(&reach, &first, 0.5, of);
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
    fn every_member_is_judged_against_the_question_to_keep() {
        let judge = |canonical: usize, question: usize| match (canonical, question) {
            (2, 0) => (Kind::Repeat, 1.0),
            (2, 1) => (Kind::Paraphrase, 0.8),
            _ => panic!("{canonical} {question}"),
        };
        let group = Group::new(&questions(&["", "", "The answer."]), vec![0, 1, 2], judge);
        assert_eq!(group.canonical, 2);
        let members: Vec<(usize, Kind)> =
            group.members.iter().map(|member| (member.question, member.kind)).collect();
        assert_eq!(members, [(0, Kind::Repeat), (1, Kind::Paraphrase)]);
    }

    #[test]
    fn the_canonical_question_has_the_best_answer_or_comes_first() {
        assert_eq!(canonical(&questions(&["", "yes", "A long answer with its reasons."]), &[0, 1, 2]), 2);
        assert_eq!(canonical(&questions(&["", ""]), &[1, 0]), 0);
        // A slightly longer answer is not better.
        assert_eq!(
            canonical(&questions(&["an answer of some length", "an answer of some length."]), &[0, 1]),
            0
        );
        let mut scored = questions(&["a long answer that nobody likes", "short"]);
        (scored[0].score, scored[1].score) = (Some(-1.0), Some(7.0));
        assert_eq!(canonical(&scored, &[0, 1]), 1);
    }
}
