//! The questions of an index, and which of them probably ask the same.
//!
//! This does not depend on what people decided, so that groups can be built again after each decision.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use tantivy::DocAddress;

use super::cache::Candidates;
use super::classes::Classes;
use super::decided::{Resolved, resolve};
use super::{Cache, Duplicates, Group, Kind, Near, Options, Pair, Row, Unapplied, Why, groups};
use crate::chunk::Passage;
use crate::decisions::Decisions;
use crate::index::Index;
use crate::question::Question;
use crate::same_question::{Answer, Asked, Verdict, judge, likely_paraphrase, probability, repeat};
use crate::title::{title_hash, title_key};

/// The questions of an index, and the pairs that probably ask the same.
pub struct Judged<'a> {
    compared: Compared<'a>,
    across: bool,
    threshold: f32,
    /// The first question with the same title and an answer that agrees, for each question. Such repeats count as one
    /// question.
    first: Vec<usize>,
    /// The repeats of each first question, with itself.
    classes: Vec<Vec<usize>>,
    /// Each repeat with the first question.
    repeats: Vec<Pair>,
    /// The pairs of first questions that reach the threshold.
    paraphrases: Vec<Pair>,
    /// The number of different phrasings, and how many of them were not in the cache.
    phrasings: (usize, usize),
}

/// The groups and pairs of duplicates, according to decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouped {
    /// The pairs that reach the threshold, most probable first, without those that were decided to be different.
    pub pairs: Vec<Pair>,
    /// The groups, largest first.
    pub groups: Vec<Group>,
    /// The number of decisions that were applied.
    pub applied: usize,
    /// The decisions that were not applied.
    pub unapplied: Vec<Unapplied>,
}

impl<'a> Judged<'a> {
    /// Judges the questions of an index. [`Options::decisions`] has no effect.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn new(index: &'a Index, options: &Options, cache: &mut Cache) -> anyhow::Result<Self> {
        let compared = Compared::new(index, options)?;
        let count = compared.questions.len();
        let titles = title_hashes(&compared.questions);
        let repeats = repeats(&compared.questions, &titles);
        // From here on, repeats count as one question, the first of them.
        let mut first: Vec<usize> = (0..count).collect();
        repeats.iter().for_each(|pair| first[pair.two] = pair.one);
        let near = cache.candidates(index, &compared.rows, options.within.is_none());
        let paraphrases = compared.judged(&first, &titles, &near, options.threshold);
        let mut classes: Vec<Vec<usize>> = vec![Vec::new(); count];
        first.iter().enumerate().for_each(|(question, first)| classes[*first].push(question));
        let phrasings = (near.phrasings(), near.new);
        let Options { across, threshold, .. } = *options;
        Ok(Self { compared, across, threshold, first, classes, repeats, paraphrases, phrasings })
    }

    /// The questions that were compared, in order of source and line.
    pub fn questions(&self) -> &[Question] {
        &self.compared.questions
    }

    /// How two questions duplicate each other, and why, whatever the threshold and the decisions.
    pub fn pair(&self, one: usize, two: usize) -> Pair {
        let (one, two) = (one.min(two), one.max(two));
        let verdict = match self.first[one] == self.first[two] {
            true => Some(repeat(&self.compared.questions[one], &self.compared.questions[two])),
            false => self.compared.verdict(one, two),
        };
        let none = Verdict { kind: Kind::Paraphrase, probability: 0.0, why: Why::default() };
        let Verdict { kind, probability, why } = verdict.unwrap_or(none);
        Pair { one, two, kind, probability, why, is_decided: false }
    }

    /// Builds groups and lists pairs according to decisions. Questions that were decided to be the same are in one group.
    /// Questions that were decided to be different are never in one group.
    pub fn grouped(&self, decisions: &Decisions) -> Grouped {
        let Resolved { different, links, mut unapplied } =
            resolve(decisions, &self.compared.questions, &self.compared.elsewhere);
        let mut same = Classes::new(self.compared.questions.len(), &different);
        let mut kept: HashMap<usize, Vec<usize>> = HashMap::new();
        for link in links {
            if !same.join(link.one, link.two) {
                unapplied.push(Unapplied::contradiction(link.decision));
            } else if let Some((best, other)) = link.kept() {
                kept.entry(best).or_default().push(other);
            }
        }
        let mut units = same.clone();
        self.repeats.iter().for_each(|pair| _ = units.join(pair.one, pair.two));
        let mut pairs = self.pairs(&units);
        let linked =
            groups::linked(&pairs, &units, self.threshold, |one, two| self.between(&units, one, two));
        let mut groups: Vec<Group> = linked
            .into_iter()
            .filter(|members| !(self.across && self.are_of_one_file(members)))
            .map(|members| {
                let judge = |one, two| self.compared.member(&self.first, one, two);
                Group::new(self.questions(), members, &kept, &same, judge)
            })
            .collect();
        groups.sort_by_key(|group| (Reverse(group.members.len()), group.canonical));
        pairs = self.listed(pairs, &units);
        pairs.iter_mut().for_each(|pair| pair.is_decided = same.of(pair.one) == same.of(pair.two));
        Grouped { pairs, groups, applied: decisions.len() - unapplied.len(), unapplied }
    }

    fn are_of_one_file(&self, members: &[usize]) -> bool {
        let path = |member: &usize| &self.questions()[*member].source.path;
        members.iter().all(|member| path(member) == path(&members[0]))
    }

    /// The pairs that reach the threshold, of questions that may be in one group. `units` are classes of questions that count
    /// as one.
    fn pairs(&self, units: &Classes<'_>) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for pair in &self.paraphrases {
            let [ones, twos] = [pair.one, pair.two].map(|first| self.one_of_each(first, units));
            for (one, two) in ones.iter().flat_map(|one| twos.iter().map(|two| (*one, *two))) {
                let [one, two] = [one.min(two), one.max(two)];
                if !units.are_foes(one, two) {
                    pairs.push(Pair { one, two, ..pair.clone() });
                }
            }
        }
        pairs
    }

    /// The repeats of a question, one of each class.
    fn one_of_each(&self, first: usize, units: &Classes<'_>) -> Vec<usize> {
        let mut seen = HashSet::new();
        self.classes[first].iter().copied().filter(|member| seen.insert(units.of(*member))).collect()
    }

    /// The probability that the questions of two classes ask the same: that of the most similar two of them.
    fn between(&self, units: &Classes<'_>, one: usize, two: usize) -> f32 {
        let firsts = |unit: usize| {
            let mut firsts: Vec<usize> =
                units.members(unit).iter().map(|member| self.first[*member]).collect();
            firsts.sort_unstable();
            firsts.dedup();
            firsts
        };
        let (ones, twos) = (firsts(one), firsts(two));
        let pairs = ones.iter().flat_map(|one| twos.iter().map(move |two| (one.min(two), one.max(two))));
        pairs.map(|(one, two)| self.compared.probability(*one, *two)).fold(0.0, f32::max)
    }

    /// The pairs to list, in order: paraphrases and repeats.
    fn listed(&self, mut pairs: Vec<Pair>, units: &Classes<'_>) -> Vec<Pair> {
        let questions = &self.compared.questions;
        let mut repeats = self.repeats.clone();
        repeats.retain(|pair| units.of(pair.one) == units.of(pair.two));
        if self.across {
            pairs = pairs.into_iter().filter_map(|pair| self.across_files(pair, units)).collect();
            repeats.retain(|pair| questions[pair.one].source.path != questions[pair.two].source.path);
        }
        pairs.extend(repeats);
        pairs.sort_by(|a, b| {
            (b.probability.total_cmp(&a.probability))
                .then((a.kind, a.one, a.two).cmp(&(b.kind, b.one, b.two)))
        });
        pairs
    }

    /// A pair of repeats of the same two questions that are in different files, if there is one.
    fn across_files(&self, pair: Pair, units: &Classes<'_>) -> Option<Pair> {
        let path = |question: usize| &self.compared.questions[question].source.path;
        let alike = |question: usize| {
            let repeats = &self.classes[self.first[question]];
            repeats.iter().copied().filter(move |other| units.of(*other) == units.of(question))
        };
        let (one, two) = alike(pair.one)
            .flat_map(|one| alike(pair.two).map(move |two| (one, two)))
            .find(|(one, two)| path(*one) != path(*two))?;
        let (one, two) = (one.min(two), one.max(two));
        Some(Pair { one, two, ..pair })
    }

    /// The duplicates of the index, with these groups.
    pub(super) fn into_duplicates(self, grouped: Grouped) -> Duplicates {
        let Grouped { pairs, groups, applied, unapplied } = grouped;
        let Compared { questions, addresses, .. } = self.compared;
        Duplicates { questions, pairs, groups, applied, unapplied, compared: self.phrasings, addresses }
    }
}

/// The hash of the key of each title; `None` for a title without a key.
fn title_hashes(questions: &[Question]) -> Vec<Option<u64>> {
    questions.par_iter().map(|question| title_key(&question.title).map(|key| title_hash(&key))).collect()
}

/// The pairs of questions with equal titles whose answers agree. Each question is paired with the first one that
/// it repeats.
fn repeats(questions: &[Question], titles: &[Option<u64>]) -> Vec<Pair> {
    let mut titled: Vec<usize> = (0..questions.len()).filter(|nth| titles[*nth].is_some()).collect();
    titled.sort_unstable_by_key(|nth| (titles[*nth], *nth));
    let same_title = titled.chunk_by(|one, two| titles[*one] == titles[*two]).filter(|same| same.len() > 1);
    let classes = same_title.flat_map(|same| agreeing(questions, same));
    let pair = |one: usize, two: usize| {
        let Verdict { kind, probability, why } = repeat(&questions[one], &questions[two]);
        Pair { one, two, kind, probability, why, is_decided: false }
    };
    let pairs =
        classes.flat_map(|class| class[1..].iter().map(|two| pair(class[0], *two)).collect::<Vec<_>>());
    pairs.collect()
}

/// Divides questions with one title by their answers, each class in source order. Questions without an answer
/// are in the first class: they must not connect others whose answers do not agree.
fn agreeing(questions: &[Question], same_title: &[usize]) -> Vec<Vec<usize>> {
    /// How many different answers an answer is compared with, unless it is equal to one.
    const COMPARED: usize = 100;
    let mut classes: Vec<(Answer, Vec<usize>)> = Vec::new();
    let mut equal: HashMap<Answer, usize> = HashMap::new();
    let mut unanswered = Vec::new();
    for nth in same_title.iter().copied() {
        let answer = Answer::new(&questions[nth].answer);
        if answer.is_empty() {
            unanswered.push(nth);
            continue;
        }
        let found = equal.get(&answer).copied();
        let class =
            found.or_else(|| classes.iter().take(COMPARED).position(|(other, _)| answer.agrees(other)));
        let class = class.unwrap_or_else(|| {
            classes.push((answer.clone(), Vec::new()));
            classes.len() - 1
        });
        classes[class].1.push(nth);
        equal.insert(answer, class);
    }
    let mut classes: Vec<Vec<usize>> = classes.into_iter().map(|(_, class)| class).collect();
    match classes.first_mut() {
        Some(first) => {
            first.extend(unanswered);
            first.sort_unstable();
        }
        None => classes.push(unanswered),
    }
    classes
}

/// The questions to compare, with their documents and vectors.
struct Compared<'a> {
    index: &'a Index,
    /// In source order.
    questions: Vec<Question>,
    /// Their documents, in the same order.
    addresses: Vec<DocAddress>,
    /// Their phrasings with vectors, in the same order.
    rows: Vec<Row>,
    /// The ids and titles of the other questions of the index.
    elsewhere: Vec<(String, String)>,
}

impl<'a> Compared<'a> {
    fn new(index: &'a Index, options: &Options) -> anyhow::Result<Self> {
        let mut found = index.addressed_questions()?;
        let mut elsewhere = Vec::new();
        if let Some(within) = options.within.as_ref().map(|within| within.to_lowercase()) {
            let is_within =
                |(_, question): &mut (_, Question)| question.source.path.to_lowercase().contains(&within);
            let mut others = found.extract_if(.., |found| !is_within(found)).collect::<Vec<_>>();
            elsewhere = others.drain(..).map(|(_, question)| (question.id, question.title)).collect();
        }
        found.sort_by(|(a_address, a), (b_address, b)| {
            (&a.source, &a.id, a_address).cmp(&(&b.source, &b.id, b_address))
        });
        let mut rows = Vec::new();
        for (question, (address, _)) in found.iter().enumerate() {
            let segment = address.segment_ord as usize;
            let vectors = &index.vectors()[segment];
            for row in vectors.rows_of(address.doc_id) {
                if vectors.passage(row).asks() {
                    rows.push(Row { question, segment, row, hash: vectors.hash(row) });
                }
            }
        }
        let (addresses, questions) = found.into_iter().unzip();
        Ok(Self { index, questions, addresses, rows, elsewhere })
    }

    /// Judges all candidate pairs of questions by their nearest phrasings, and returns those that reach the threshold.
    /// Repeats (the same `first`) count as one question. Questions with equal titles are never paraphrases; `titles` are the
    /// hashes of the titles.
    fn judged(
        &self,
        first: &[usize],
        titles: &[Option<u64>],
        near: &Candidates,
        threshold: f32,
    ) -> Vec<Pair> {
        let near = self.nearest_phrasings(first, near);
        let mut answered: Vec<usize> = (0..first.len()).collect();
        let has_answer = |nth: usize| !self.questions[nth].answer.trim().is_empty();
        for (nth, first) in first.iter().enumerate() {
            if has_answer(nth) && !has_answer(answered[*first]) {
                answered[*first] = nth;
            }
        }
        let pair = |Near { one, two, .. }: &Near| {
            let (a, b) = (&self.rows[*one as usize], &self.rows[*two as usize]);
            let (a, b) = if first[a.question] < first[b.question] { (a, b) } else { (b, a) };
            let (one, two) = (first[a.question], first[b.question]);
            if titles[one].is_some() && titles[one] == titles[two] {
                return None;
            }
            let mut verdict = likely_paraphrase(self.index, &self.asked(a), &self.asked(b), threshold)?;
            // The phrasing can come from a repeat without an answer. The answers of the others count as well.
            let (one_answered, two_answered) = (answered[one], answered[two]);
            if (a.question, b.question) != (one_answered, two_answered)
                && self.verdict(one_answered, two_answered).is_some_and(|verdict| verdict.probability == 0.0)
            {
                verdict.probability = 0.0;
            }
            let Verdict { kind, probability, why } = verdict;
            let pair = Pair { one, two, kind, probability, why, is_decided: false };
            (pair.probability >= threshold).then_some(pair)
        };
        near.par_iter().filter_map(pair).collect()
    }

    /// The nearest phrasings of each two questions, of which repeats (the same `first`) count as one. One of the phrasings is
    /// a title.
    fn nearest_phrasings(&self, first: &[usize], near: &Candidates) -> Vec<Near> {
        let questions = |near: &Near| {
            let [a, b] = [near.one, near.two].map(|row| first[self.rows[row as usize].question]);
            (a.min(b), a.max(b))
        };
        let is_pair = |near: &Near| {
            let (a, b) = questions(near);
            a != b && self.includes_title(&self.rows[near.one as usize], &self.rows[near.two as usize])
        };
        let mut pairs: Vec<Near> = near.pairs().filter(is_pair).collect();
        pairs.par_sort_unstable_by(|a, b| {
            (questions(a).cmp(&questions(b)))
                .then(b.cosine.total_cmp(&a.cosine))
                .then((a.one, a.two).cmp(&(b.one, b.two)))
        });
        pairs.dedup_by_key(|near| questions(near));
        pairs
    }

    /// Whether one of two phrasings is a title. Two alternative titles are not evidence: two different
    /// questions about one error can both list its message.
    fn includes_title(&self, a: &Row, b: &Row) -> bool {
        let is_title = |row: &Row| self.index.vectors()[row.segment].passage(row.row) == Passage::Title;
        is_title(a) || is_title(b)
    }

    fn asked(&self, row: &Row) -> Asked<'_> {
        Asked::new(self.index, self.addresses[row.question], row.row, &self.questions[row.question])
    }

    fn verdict(&self, one: usize, two: usize) -> Option<Verdict> {
        let of = |question: usize| (self.addresses[question], &self.questions[question]);
        judge(self.index, of(one), of(two))
    }

    fn probability(&self, one: usize, two: usize) -> f32 {
        let of = |question: usize| (self.addresses[question], &self.questions[question]);
        probability(self.index, of(one), of(two))
    }

    /// How a question of a group duplicates the one to keep. Repeats of it can have an answer that agrees with the
    /// first answer of their class only.
    fn member(&self, first: &[usize], canonical: usize, question: usize) -> (Kind, f32) {
        let of_titles = || Kind::of_titles(&self.questions[canonical].title, &self.questions[question].title);
        match self.verdict(canonical.min(question), canonical.max(question)) {
            _ if first[canonical] == first[question] => (of_titles(), 1.0),
            Some(verdict) => (verdict.kind, verdict.probability),
            None => (Kind::Paraphrase, 0.0),
        }
    }
}
