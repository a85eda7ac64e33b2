//! Groups pairs of duplicates.

use std::collections::HashMap;

use super::classes::Classes;
use super::{Kind, Pair};
use crate::question::Question;

/// Questions that ask the same, as indexes into [`Duplicates::questions`](super::Duplicates::questions).
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The question to keep: the one that people decided to keep, otherwise the one with the best answer. If several are
    /// equally good, the first in source order.
    pub canonical: usize,
    /// Why this is the question to keep.
    pub chosen: Chosen,
    /// The other questions, most probable duplicates first.
    pub members: Vec<Member>,
}

/// Why a question of a group is the one to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// People decided so.
    Decided,
    /// No other question has an answer that is as good.
    BestAnswer,
    /// It is the first of those with the best answers.
    First,
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
    /// Whether people decided that it asks the same as the canonical question.
    pub is_decided: bool,
}

impl Group {
    /// A group of these questions. `kept` has the questions to keep, each with those that it was preferred to, and `same` the
    /// classes of questions that were decided to be the same. `judge` says how the second question duplicates the first, the
    /// one to keep.
    pub(super) fn new(
        questions: &[Question],
        members: Vec<usize>,
        kept: &HashMap<usize, Vec<usize>>,
        same: &Classes<'_>,
        judge: impl Fn(usize, usize) -> (Kind, f32),
    ) -> Self {
        let (canonical, chosen) = canonical(questions, &members, kept);
        let member = |question: usize| {
            let (kind, probability) = judge(canonical, question);
            Member { question, kind, probability, is_decided: same.of(canonical) == same.of(question) }
        };
        let others = members.into_iter().filter(|member| *member != canonical);
        let mut members: Vec<Member> = others.map(member).collect();
        members.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.question.cmp(&b.question)));
        Self { canonical, chosen, members }
    }

    /// Whether a question of the group was not decided to be the same as the one to keep.
    pub fn is_open(&self) -> bool {
        self.members.iter().any(|member| !member.is_decided)
    }
}

/// Merges pairs into groups, most probable pairs first, by complete linkage with a lower bound. Two groups
/// are merged if at least one pair across them reaches the threshold *and every* pair across them reaches
/// half the threshold. Groups of questions that are different are not merged.
///
/// Groups do not chain: if A duplicates B and B duplicates C, A need not duplicate C. Complete linkage at the
/// threshold itself would split a group because of a single pair just below it (0.45 with a threshold of
/// 0.5). Average linkage would let one strong pair add an unrelated question.
///
/// `pairs` are the pairs that reach the threshold, in any order. The questions of each class of `units` count as one, its
/// least. `probability` returns the probability that two of those ask the same.
pub(super) fn linked(
    pairs: &[Pair],
    units: &Classes<'_>,
    threshold: f32,
    probability: impl Fn(usize, usize) -> f32,
) -> Vec<Vec<usize>> {
    let bound = threshold / 2.0;
    let mut groups = units.clone();
    let mut by_probability: Vec<&Pair> = pairs.iter().collect();
    by_probability
        .sort_by(|a, b| b.probability.total_cmp(&a.probability).then((a.one, a.two).cmp(&(b.one, b.two))));
    for pair in by_probability {
        if groups.of(pair.one) == groups.of(pair.two) {
            continue;
        }
        let [left, right] = [pair.one, pair.two].map(|question| {
            groups.members(question).iter().copied().filter(|member| units.of(*member) == *member)
        });
        let mut across = left.flat_map(|a| right.clone().map(move |b| (a, b)));
        if across.all(|(a, b)| probability(a.min(b), a.max(b)) >= bound) {
            groups.join(pair.one, pair.two);
        }
    }
    groups.into_sorted()
}

/// The question of a group to keep, and why. The criteria, in order:
///
/// 1. People chose to keep it. If they chose several, it is the one that no other was preferred to.
/// 2. The highest score, if all questions have one.
/// 3. The longest answer. Lengths are compared by powers of two, so that one more comma does not decide.
/// 4. The first in source order.
fn canonical(
    questions: &[Question],
    members: &[usize],
    kept: &HashMap<usize, Vec<usize>>,
) -> (usize, Chosen) {
    let chosen: Vec<usize> = members.iter().copied().filter(|member| kept.contains_key(member)).collect();
    let is_beaten = |member: &usize| chosen.iter().any(|other| kept[other].contains(member));
    let unbeaten: Vec<usize> = chosen.iter().copied().filter(|member| !is_beaten(member)).collect();
    if let [only] = unbeaten.as_slice() {
        return (*only, Chosen::Decided);
    }
    // People who prefer each of several to the next one, and the last one to the first, have chosen none.
    let candidates = if unbeaten.is_empty() { members } else { &unbeaten };
    let scored = members.iter().all(|member| questions[*member].score.is_some());
    let rank = |member: &usize| {
        let question = &questions[*member];
        let score = question.score.filter(|_| scored).unwrap_or(0.0);
        (score, question.answer.trim().len().checked_ilog2())
    };
    let compare = |a: &usize, b: &usize| {
        let ((a_score, a_length), (b_score, b_length)) = (rank(a), rank(b));
        a_score.total_cmp(&b_score).then(a_length.cmp(&b_length))
    };
    let best = candidates.iter().max_by(|a, b| compare(a, b).then(b.cmp(a)));
    let best = *best.expect("a group has members");
    let is_only = candidates.iter().all(|other| *other == best || compare(other, &best).is_lt());
    (best, if is_only { Chosen::BestAnswer } else { Chosen::First })
}

#[cfg(test)]
mod tests {
    use super::super::Why;
    use super::super::classes::Different;
    use super::*;

    fn questions(answers: &[&str]) -> Vec<Question> {
        let question = |answer: &&str| Question { answer: (*answer).to_owned(), ..Question::new("?", 1) };
        answers.iter().map(question).collect()
    }

    /// Groups questions without answers by pairs with these probabilities. Other pairs have probability 0.
    #[track_caller]
    fn check(count: usize, pairs: &[(usize, usize, f32)], expected: &[&[usize]]) {
        check_apart(count, pairs, &[], expected);
    }

    /// Like [`check`], with pairs of different questions.
    #[track_caller]
    fn check_apart(
        count: usize,
        pairs: &[(usize, usize, f32)],
        apart: &[(usize, usize)],
        expected: &[&[usize]],
    ) {
        let mut different = Different::default();
        apart.iter().for_each(|(one, two)| different.insert(*one, *two));
        let of = |one: usize, two: usize| {
            pairs.iter().find(|pair| (pair.0, pair.1) == (one, two)).map_or(0.0, |pair| pair.2)
        };
        let kind = Kind::Paraphrase;
        let reach = pairs.iter().filter(|pair| pair.2 >= 0.5);
        let reach: Vec<Pair> = reach
            .map(|&(one, two, probability)| Pair {
                one,
                two,
                kind,
                probability,
                why: Why::default(),
                is_decided: false,
            })
            .collect();
        let found = linked(&reach, &Classes::new(count, &different), 0.5, of);
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
    fn different_questions_split_a_group() {
        let all = [(0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.7)];
        check_apart(3, &all, &[(0, 2)], &[&[0, 1]]);
        check_apart(3, &all, &[(0, 1)], &[&[1, 2]]);
        check_apart(3, &all, &[(0, 1), (1, 2)], &[&[0, 2]]);
    }

    #[test]
    fn every_member_is_judged_against_the_question_to_keep() {
        let judge = |canonical: usize, question: usize| match (canonical, question) {
            (2, 0) => (Kind::Repeat, 1.0),
            (2, 1) => (Kind::Paraphrase, 0.8),
            _ => panic!("{canonical} {question}"),
        };
        let different = Different::default();
        let mut same = Classes::new(3, &different);
        same.join(1, 2);
        let questions = questions(&["", "", "The answer."]);
        let group = Group::new(&questions, vec![0, 1, 2], &HashMap::new(), &same, judge);
        assert_eq!((group.canonical, group.chosen), (2, Chosen::BestAnswer));
        let decided: Vec<bool> = group.members.iter().map(|member| member.is_decided).collect();
        assert_eq!(decided, [false, true]);
        let members: Vec<(usize, Kind)> =
            group.members.iter().map(|member| (member.question, member.kind)).collect();
        assert_eq!(members, [(0, Kind::Repeat), (1, Kind::Paraphrase)]);
    }

    #[test]
    fn the_canonical_question_was_chosen_or_has_the_best_answer_or_comes_first() {
        #[track_caller]
        fn check(questions: &[Question], kept: &[(usize, usize)], expected: (usize, Chosen)) {
            let mut chosen: HashMap<usize, Vec<usize>> = HashMap::new();
            kept.iter().for_each(|(best, other)| chosen.entry(*best).or_default().push(*other));
            let members: Vec<usize> = (0..questions.len()).rev().collect();
            assert_eq!(canonical(questions, &members, &chosen), expected, "{kept:?}");
        }
        let long = questions(&["", "yes", "A long answer with its reasons."]);
        check(&long, &[], (2, Chosen::BestAnswer));
        check(&questions(&["", ""]), &[], (0, Chosen::First));
        // A slightly longer answer is not better.
        check(
            &questions(&["an answer of some length", "an answer of some length."]),
            &[],
            (0, Chosen::First),
        );
        let mut scored = questions(&["a long answer that nobody likes", "short"]);
        (scored[0].score, scored[1].score) = (Some(-1.0), Some(7.0));
        check(&scored, &[], (1, Chosen::BestAnswer));
        check(&long, &[(0, 2)], (0, Chosen::Decided));
        check(&long, &[(0, 2), (1, 0)], (1, Chosen::Decided));
        // Nobody compared 0 with 1. In a circle, nothing was chosen.
        check(&long, &[(0, 2), (1, 2)], (1, Chosen::BestAnswer));
        check(&long, &[(0, 1), (1, 2), (2, 0)], (2, Chosen::BestAnswer));
    }
}
