//! Duplicate detection: finds questions that ask the same.
//!
//! ```text
//! index → phrasings (titles, alternative titles) → candidates (near vectors) → pairs → groups
//! ```
//!
//! A pair is two questions that ask the same, as [`same_question`](crate::same_question) judges. Groups do not
//! chain: a group is built from pairs, and every two questions of it must be near.

mod cache;
mod candidates;
mod groups;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use anyhow::bail;
use rayon::prelude::*;
use tantivy::DocAddress;

use crate::chunk::Passage;
use crate::embed::{Embedder, Role, WrongModel, normalized};
use crate::index::{Index, Quantized};
use crate::pair::{FITTED, LEAST_COSINE};
use crate::question::Question;
use crate::same_question::{Answer, Asked, Verdict, judge, paraphrase, repeat};
use crate::title::title_key;

pub use crate::same_question::{Kind, Why};
pub use cache::Cache;
pub(crate) use candidates::nearest_of;
pub use candidates::{Near, nearest_exact, nearest_probed};
pub use groups::{Group, Member};

/// Two questions that probably ask the same, as indexes into [`Duplicates::questions`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The question that comes first in source order.
    pub one: usize,
    /// The other question.
    pub two: usize,
    /// How they duplicate each other.
    pub kind: Kind,
    /// The probability that they ask the same. 1 for [`Kind::Exact`] and [`Kind::Repeat`].
    pub probability: f32,
    /// The evidence.
    pub why: Why,
}

/// Which pairs to find.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Compares only questions from files whose path contains this, ignoring case.
    pub within: Option<String>,
    /// Finds only pairs of questions from different files.
    pub across: bool,
    /// The minimum probability of a pair.
    pub threshold: f32,
}

impl Default for Options {
    /// Compares all questions, with the threshold of the [fitted model](FITTED).
    fn default() -> Self {
        Self { within: None, across: false, threshold: FITTED.threshold }
    }
}

/// The duplicates in an index.
#[derive(Clone, Debug)]
pub struct Duplicates {
    /// The questions that were compared, in order of source and line.
    pub questions: Vec<Question>,
    /// The pairs that reach the threshold, most probable first. Repeats are paired with the first of them only.
    pub pairs: Vec<Pair>,
    /// The groups, largest first.
    pub groups: Vec<Group>,
    /// The number of different phrasings, and how many of them were not in the cache.
    pub compared: (usize, usize),
    /// The documents of the questions, in the same order.
    addresses: Vec<DocAddress>,
}

/// A phrasing of a question that has a vector.
#[derive(Clone, Copy, Debug)]
struct Row {
    question: usize,
    segment: usize,
    row: usize,
    /// The hash of its text. Equal texts have equal vectors.
    hash: u64,
}

/// Finds the questions of an index that ask the same.
///
/// Each phrasing is compared with the phrasings whose vectors are near. In an index without vectors, only
/// exact duplicates and repeats are found. `cache` contains the near phrasings of the last run, so only new
/// phrasings are compared. The cache is updated, unless [`Options::within`] is set.
///
/// # Errors
/// The index is damaged.
pub fn duplicates(index: &Index, options: &Options, cache: &mut Cache) -> anyhow::Result<Duplicates> {
    let compared = Compared::new(index, options)?;
    let questions = &compared.questions;
    let mut repeats = repeats(questions);
    // From here on, repeats count as one question, the first of them.
    let mut first: Vec<usize> = (0..questions.len()).collect();
    repeats.iter().for_each(|pair| first[pair.two] = pair.one);
    let near = cache.candidates(index, &compared.rows, options.within.is_none());
    let mut paraphrases = compared.judged(&first, &near.pairs);
    paraphrases.retain(|pair| pair.probability >= options.threshold);
    let mut classes: Vec<Vec<usize>> = vec![Vec::new(); questions.len()];
    first.iter().enumerate().for_each(|(question, first)| classes[*first].push(question));
    if options.across {
        paraphrases = paraphrases.into_iter().filter_map(|pair| across(questions, &classes, pair)).collect();
        repeats.retain(|pair| questions[pair.one].source.path != questions[pair.two].source.path);
    }
    let probability = |one, two| compared.verdict(one, two).map_or(0.0, |verdict| verdict.probability);
    let linked = groups::linked(&paraphrases, &first, options.threshold, probability);
    let grouped: HashSet<usize> = linked.iter().flatten().copied().collect();
    let alone = (0..questions.len()).filter(|nth| classes[*nth].len() > 1 && !grouped.contains(nth));
    let members = linked.iter().cloned().chain(alone.map(|nth| vec![nth]));
    let members = members.map(|firsts| firsts.iter().flat_map(|first| classes[*first].clone()).collect());
    let of_one_file = |members: &[usize]| {
        members.iter().all(|member| questions[*member].source.path == questions[members[0]].source.path)
    };
    let mut groups: Vec<Group> = members
        .filter(|members: &Vec<usize>| !(options.across && of_one_file(members)))
        .map(|members| Group::new(questions, members, |one, two| compared.member(&first, one, two)))
        .collect();
    groups.sort_by_key(|group| (Reverse(group.members.len()), group.canonical));
    let mut pairs = repeats;
    pairs.extend(paraphrases);
    pairs.sort_by(|a, b| {
        (b.probability.total_cmp(&a.probability)).then((a.kind, a.one, a.two).cmp(&(b.kind, b.one, b.two)))
    });
    let compared_phrasings = (near.phrasings, near.new);
    let Compared { questions, addresses, .. } = compared;
    Ok(Duplicates { questions, pairs, groups, compared: compared_phrasings, addresses })
}

/// A pair of the same two classes of repeats whose questions are in different files, if there is one.
fn across(questions: &[Question], classes: &[Vec<usize>], pair: Pair) -> Option<Pair> {
    let path = |question: usize| &questions[question].source.path;
    let (ones, twos) = (&classes[pair.one], &classes[pair.two]);
    let (one, two) = ones
        .iter()
        .flat_map(|one| twos.iter().map(move |two| (*one, *two)))
        .find(|(one, two)| path(*one) != path(*two))?;
    let (one, two) = (one.min(two), one.max(two));
    Some(Pair { one, two, ..pair })
}

/// Computes a position for each group on a two-dimensional map of subjects. The coordinates are the first two
/// principal components of the vectors of the canonical titles, scaled to [-1, 1]. They are all 0 without
/// vectors.
///
/// `index` is the one that `found` was found in.
pub fn map(index: &Index, found: &Duplicates) -> Vec<[f32; 2]> {
    let vector = |group: &Group| index.title_vector(found.addresses[group.canonical]).unwrap_or_default();
    principal(found.groups.iter().map(vector).collect())
}

/// The first two principal components of vectors, by power iteration.
fn principal(mut vectors: Vec<Vec<f32>>) -> Vec<[f32; 2]> {
    const ROUNDS: usize = 30;
    let size = vectors.iter().map(Vec::len).max().unwrap_or(0);
    vectors.iter_mut().for_each(|vector| vector.resize(size, 0.0));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let count = vectors.len().max(1) as f32;
    let mean: Vec<f32> =
        (0..size).map(|at| vectors.iter().map(|vector| vector[at]).sum::<f32>() / count).collect();
    for vector in &mut vectors {
        vector.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
    }
    let mut points = vec![[0.0; 2]; vectors.len()];
    for axis in 0..2 {
        // Any start that is not orthogonal to the component works. A fixed one makes the map reproducible.
        let mut direction: Vec<f32> = (0..size).map(|at| 1.0 + (at % 7) as f32).collect();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; size];
            for vector in &vectors {
                let along = dot(vector, &direction);
                next.iter_mut().zip(vector).for_each(|(next, x)| *next += along * x);
            }
            direction = normalized(next);
        }
        for (vector, point) in vectors.iter_mut().zip(&mut points) {
            point[axis] = dot(vector, &direction);
            let along = point[axis];
            vector.iter_mut().zip(&direction).for_each(|(x, direction)| *x -= along * direction);
        }
    }
    let farthest = points.iter().flatten().fold(0.0_f32, |farthest, x| farthest.max(x.abs()));
    if farthest > 0.0 {
        points.iter_mut().flatten().for_each(|x| *x /= farthest);
    }
    points
}

/// The pairs of questions with equal titles whose answers agree. Each question is paired with the first one that
/// it repeats.
fn repeats(questions: &[Question]) -> Vec<Pair> {
    let mut same_title: HashMap<String, Vec<usize>> = HashMap::new();
    for (nth, question) in questions.iter().enumerate() {
        if let Some(key) = title_key(&question.title) {
            same_title.entry(key).or_default().push(nth);
        }
    }
    let classes =
        same_title.into_values().filter(|same| same.len() > 1).flat_map(|same| agreeing(questions, same));
    let pair = |one: usize, two: usize| {
        let Verdict { kind, probability, why } = repeat(&questions[one], &questions[two]);
        Pair { one, two, kind, probability, why }
    };
    let pairs =
        classes.flat_map(|class| class[1..].iter().map(|two| pair(class[0], *two)).collect::<Vec<_>>());
    pairs.collect()
}

/// Divides questions with one title by their answers, each class in source order. Questions without an answer
/// are in the first class: they must not connect others whose answers do not agree.
fn agreeing(questions: &[Question], same_title: Vec<usize>) -> Vec<Vec<usize>> {
    /// How many different answers an answer is compared with, unless it is equal to one.
    const COMPARED: usize = 100;
    let mut classes: Vec<(Answer, Vec<usize>)> = Vec::new();
    let mut equal: HashMap<Answer, usize> = HashMap::new();
    let mut unanswered = Vec::new();
    for nth in same_title {
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
}

impl<'a> Compared<'a> {
    fn new(index: &'a Index, options: &Options) -> anyhow::Result<Self> {
        let mut found = index.addressed_questions()?;
        if let Some(within) = options.within.as_ref().map(|within| within.to_lowercase()) {
            found.retain(|(_, question)| question.source.path.to_lowercase().contains(&within));
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
        Ok(Self { index, questions, addresses, rows })
    }

    /// Judges all candidate pairs of questions by their nearest phrasings. Repeats (the same `first`) count as one
    /// question. Questions with equal titles are never paraphrases.
    fn judged(&self, first: &[usize], near: &[Near]) -> Vec<Pair> {
        let mut best: HashMap<(usize, usize), &Near> = HashMap::new();
        for near in near.iter().filter(|near| self.includes_title(&self.rows[near.one], &self.rows[near.two]))
        {
            let (a, b) = (first[self.rows[near.one].question], first[self.rows[near.two].question]);
            if a != b {
                let best = best.entry((a.min(b), a.max(b))).or_insert(near);
                if near.cosine > best.cosine {
                    *best = near;
                }
            }
        }
        let mut answered: Vec<usize> = (0..first.len()).collect();
        let has_answer = |nth: usize| !self.questions[nth].answer.trim().is_empty();
        for (nth, first) in first.iter().enumerate() {
            if has_answer(nth) && !has_answer(answered[*first]) {
                answered[*first] = nth;
            }
        }
        let keys: Vec<Option<String>> =
            self.questions.iter().map(|question| title_key(&question.title)).collect();
        let pair = |((one, two), near): ((usize, usize), &Near)| {
            let (a, b) = (&self.rows[near.one], &self.rows[near.two]);
            let (a, b) = if first[a.question] == one { (a, b) } else { (b, a) };
            let mut verdict = paraphrase(self.index, &self.asked(a), &self.asked(b));
            // The phrasing can come from a repeat without an answer. The answers of the others count as well.
            let (one_answered, two_answered) = (answered[one], answered[two]);
            if (a.question, b.question) != (one_answered, two_answered)
                && self.verdict(one_answered, two_answered).is_some_and(|verdict| verdict.probability == 0.0)
            {
                verdict.probability = 0.0;
            }
            let Verdict { kind, probability, why } = verdict;
            Pair { one, two, kind, probability, why }
        };
        let is_other_title =
            |((one, two), _): &((usize, usize), &Near)| keys[*one].is_none() || keys[*one] != keys[*two];
        let best: Vec<_> = best.into_iter().filter(is_other_title).collect();
        best.into_par_iter().map(pair).collect()
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

/// A question that asks the same as a phrase.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The question.
    pub question: Question,
    /// How the phrase duplicates it.
    pub kind: Kind,
    /// The probability that both ask the same.
    pub probability: f32,
}

/// How many of the nearest questions a phrase is compared with.
const NEAREST: usize = 20;

/// Finds the questions of an index that ask the same as a phrase with at least the probability `threshold`,
/// most probable first. The phrase has no answer, so every question with its title is a repeat. `embedder` is the
/// model of the index. Without it, only exact duplicates and repeats are found.
///
/// # Errors
/// - The phrase is empty, the index is damaged, or the model fails.
/// - [`WrongModel`]: the index has vectors of another model.
pub fn check(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    phrase: &str,
    threshold: f32,
) -> anyhow::Result<Vec<Found>> {
    if phrase.trim().is_empty() {
        bail!("the phrase is empty");
    }
    // Without vectors in the index, the model is not needed.
    let embedder = embedder.zip(index.meta().model.as_ref()).map(|(embedder, model)| {
        let given = embedder.model();
        let wrong = || WrongModel { made_with: model.clone(), given: Some(given.clone()) };
        if given.is_same(model) { Ok(embedder) } else { Err(anyhow::Error::from(wrong())) }
    });
    let embedder = embedder.transpose()?;
    let mut found: Vec<(DocAddress, Found)> = Vec::new();
    if let Some(key) = title_key(phrase) {
        for address in index.same_title(&key)? {
            let question = index.question(address)?;
            let kind = Kind::of_titles(&question.title, phrase);
            found.push((address, Found { question, kind, probability: 1.0 }));
        }
    }
    if let Some(embedder) = embedder {
        let vector = Quantized::of(&embedder.embed(phrase, Role::Passage)?, embedder.model())?;
        let asked = Question::new(phrase, 0);
        let asked = Asked { question: &asked, text: phrase, view: vector.view(), title: vector.view() };
        let min_cosine = index.scale().from_builtin(LEAST_COSINE);
        for (address, row, _) in index.nearest_phrasings(&vector, NEAREST, min_cosine) {
            if found.iter().any(|(known, _)| *known == address) {
                continue;
            }
            let question = index.question(address)?;
            let verdict = paraphrase(index, &asked, &Asked::new(index, address, row, &question));
            let Verdict { kind, probability, .. } = verdict;
            if probability >= threshold {
                found.push((address, Found { question, kind, probability }));
            }
        }
    }
    found.sort_by(|(a_address, a), (b_address, b)| {
        (b.probability.total_cmp(&a.probability)).then_with(|| {
            (a.kind, &a.question.source, a_address).cmp(&(b.kind, &b.question.source, b_address))
        })
    });
    Ok(found.into_iter().map(|(_, found)| found).collect())
}
