//! Classes of questions, some of which must stay apart.

use std::collections::{HashMap, HashSet};

/// Pairs of questions that must not be in one class.
#[derive(Clone, Debug, Default)]
pub(super) struct Different(HashMap<usize, HashSet<usize>>);

impl Different {
    pub fn insert(&mut self, one: usize, two: usize) {
        self.0.entry(one).or_default().insert(two);
        self.0.entry(two).or_default().insert(one);
    }
}

/// A partition of questions. Classes are joined, unless a question of one is different from a question of the other.
#[derive(Clone, Debug)]
pub(super) struct Classes<'a> {
    /// The least question of the class of each question.
    least: Vec<usize>,
    /// The questions of each class with more than one, by its least question.
    members: HashMap<usize, Vec<usize>>,
    different: &'a Different,
}

impl<'a> Classes<'a> {
    /// Each of `count` questions is a class of its own.
    pub fn new(count: usize, different: &'a Different) -> Self {
        Self { least: (0..count).collect(), members: HashMap::new(), different }
    }

    /// The least question of the class of a question.
    pub fn of(&self, question: usize) -> usize {
        self.least[question]
    }

    /// The questions of the class of a question.
    pub fn members(&self, question: usize) -> &[usize] {
        let least = &self.least[question];
        self.members.get(least).map_or(std::slice::from_ref(least), Vec::as_slice)
    }

    /// Whether a question of one class is different from a question of the other.
    pub fn are_foes(&self, one: usize, two: usize) -> bool {
        let foes = self.members(one).iter().filter_map(|member| self.different.0.get(member));
        foes.flatten().any(|foe| self.of(*foe) == self.of(two))
    }

    /// Joins the classes of two questions. Returns whether they are in one class now.
    pub fn join(&mut self, one: usize, two: usize) -> bool {
        let (one, two) = (self.of(one), self.of(two));
        if one == two {
            return true;
        }
        if self.are_foes(one, two) {
            return false;
        }
        let (least, other) = (one.min(two), one.max(two));
        let joined = self.members.remove(&other).unwrap_or_else(|| vec![other]);
        joined.iter().for_each(|member| self.least[*member] = least);
        self.members.entry(least).or_insert_with(|| vec![least]).extend(joined);
        true
    }

    /// The classes with more than one question, each in order.
    pub fn into_sorted(self) -> Vec<Vec<usize>> {
        let mut classes: Vec<Vec<usize>> = self.members.into_values().collect();
        classes.iter_mut().for_each(|class| class.sort_unstable());
        classes.sort_unstable();
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_questions_are_never_in_one_class() {
        let mut different = Different::default();
        different.insert(0, 3);
        let mut classes = Classes::new(5, &different);
        assert!(classes.join(1, 0) && classes.join(3, 4) && classes.join(0, 1));
        assert!(!classes.join(1, 4) && classes.are_foes(4, 1) && !classes.are_foes(2, 4));
        assert!(classes.join(2, 4));
        assert_eq!((classes.of(4), classes.members(1)), (2, &[0, 1][..]));
        assert_eq!(classes.into_sorted(), [vec![0, 1], vec![2, 3, 4]]);
    }
}
