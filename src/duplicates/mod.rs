//! Questions that ask the same.
//!
//! ```text
//! index → phrasings (titles, other ways to ask) → candidates (near in meaning) → pairs → groups
//! ```
//!
//! A pair is two questions of which some phrasing of the one repeats some phrasing of the other, judged by
//! [`pair`](crate::pair). Groups do not chain: see [`groups`](Duplicates::groups).

mod cache;
mod candidates;
mod groups;

use std::cmp::Reverse;
use std::collections::HashMap;

use anyhow::bail;
use rayon::prelude::*;
use tantivy::DocAddress;

use crate::chunk::Passage;
use crate::embed::{Embedder, Role, normalized};
use crate::index::{Index, Quantized, RowView};
use crate::pair::{Difference, FITTED, LEAST_COSINE, Phrasing, repeat_key};
use crate::question::Question;

pub use cache::Cache;
pub use candidates::{Near, nearest_exact, nearest_probed};
pub use groups::{Group, Member, groups};

/// Answers of which the one is the other, and at least this long (in bytes), answer one question; shorter
/// ones ("Yes.", "See the manual.") answer many.
const TELLING_ANSWER: usize = 120;

/// How sure one is of two questions with one and the same answer, at least: a judgement, not fitted, as no
/// labelled pairs have answers.
const SAME_ANSWER: f32 = 0.8;

/// How two questions are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The same text.
    Exact,
    /// The same words but for case, punctuation, markup and white space.
    Repeat,
    /// The same in other words.
    Paraphrase,
}

impl Kind {
    /// What it is called in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Repeat => "repeat",
            Self::Paraphrase => "paraphrase",
        }
    }
}

/// Two questions, by their place in [`Duplicates::questions`], that may ask the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The one that comes first in source order.
    pub one: usize,
    /// The other.
    pub two: usize,
    /// How they are alike.
    pub kind: Kind,
    /// The probability that they ask the same; 1 for exact ones and repeats.
    pub probability: f32,
    /// Why.
    pub why: Why,
}

/// What speaks for and against a pair.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Why {
    /// The cosine of the two phrasings that are nearest; `None` where no vectors were needed or are there.
    pub cosine: Option<f32>,
    /// The two phrasings, where one is not the title.
    pub asked_as: Option<(String, String)>,
    /// The words that both have, as the first writes them, silent ones left out.
    pub shared: Vec<String>,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Both have one and the same answer.
    pub same_answer: bool,
}

/// Which pairs are looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Only questions of files whose path contains this, case ignored.
    pub within: Option<String>,
    /// Only pairs of different files.
    pub across: bool,
    /// The least probability of a pair.
    pub threshold: f32,
}

impl Default for Options {
    /// Of all questions, at the probability that the model's own threshold is.
    fn default() -> Self {
        Self { within: None, across: false, threshold: FITTED.threshold }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Duplicates {
    /// The questions that were compared, in order of source and line.
    pub questions: Vec<Question>,
    /// The pairs that reach the threshold, likeliest first; repeats are paired with the first of their
    /// kind only.
    pub pairs: Vec<Pair>,
    /// The groups, largest first.
    pub groups: Vec<Group>,
    /// How many different phrasings there are, and how many of them were new since the last time.
    pub compared: (usize, usize),
}

/// A phrasing of a question that has a vector.
#[derive(Clone, Copy, Debug)]
struct Row {
    question: usize,
    segment: usize,
    row: usize,
    /// The hash of its text: one text, one vector.
    hash: u64,
}

/// Finds the questions of an index that ask the same.
///
/// Every phrasing is compared with those near to it in meaning; an index without vectors gives exact ones and
/// repeats only. `cache`, if any, knows what was near to what the last time, so that only new phrasings
/// are compared, and learns what is new.
///
/// # Errors
/// The index is damaged.
pub fn duplicates(index: &Index, options: &Options, cache: &mut Cache) -> anyhow::Result<Duplicates> {
    let compared = Compared::new(index, options)?;
    let questions = &compared.questions;
    let repeats = repeats(questions);
    // Repeats are one question from here on: the first of each speaks for the others.
    let mut first: Vec<usize> = (0..questions.len()).collect();
    repeats.iter().for_each(|pair| first[pair.two] = pair.one);
    let near = cache.candidates(index, &compared.rows, options.within.is_none());
    let is_wanted = |pair: &Pair| {
        let is_across = questions[pair.one].source.path != questions[pair.two].source.path;
        pair.probability >= options.threshold && (is_across || !options.across)
    };
    let mut paraphrases = compared.judged(&first, &near.pairs);
    paraphrases.retain(is_wanted);
    let mut groups =
        groups(questions, &paraphrases, options.threshold, |one, two| compared.probability(one, two));
    let mut pairs = repeats;
    pairs.retain(is_wanted);
    add_repeats(&mut groups, questions, &pairs);
    pairs.extend(paraphrases);
    pairs.sort_by(|a, b| {
        (b.probability.total_cmp(&a.probability)).then((a.kind, a.one, a.two).cmp(&(b.kind, b.one, b.two)))
    });
    Ok(Duplicates { questions: compared.questions, pairs, groups, compared: (near.phrasings, near.new) })
}

/// Where groups lie on a map of their subjects: the vectors of their canonical titles, seen along the two
/// directions in which they differ most. Coordinates within about [-1, 1]; all 0 without vectors.
pub fn map(index: &Index, found: &Duplicates) -> anyhow::Result<Vec<[f32; 2]>> {
    let mut vectors = Vec::new();
    for group in &found.groups {
        let id = &found.questions[group.canonical].id;
        vectors.push(index.title_vector(id)?.unwrap_or_default());
    }
    Ok(principal(vectors))
}

/// The first two principal components of some vectors, by power iteration.
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
    let mut places = vec![[0.0; 2]; vectors.len()];
    for axis in 0..2 {
        // Any start will do that is no direction of its own; always the same one, so that the map is too.
        let mut direction: Vec<f32> = (0..size).map(|at| 1.0 + (at % 7) as f32).collect();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; size];
            for vector in &vectors {
                let along = dot(vector, &direction);
                next.iter_mut().zip(vector).for_each(|(next, x)| *next += along * x);
            }
            direction = normalized(next);
        }
        for (vector, place) in vectors.iter_mut().zip(&mut places) {
            place[axis] = dot(vector, &direction);
            let along = place[axis];
            vector.iter_mut().zip(&direction).for_each(|(x, direction)| *x -= along * direction);
        }
    }
    let farthest = places.iter().flatten().fold(0.0_f32, |farthest, x| farthest.max(x.abs()));
    if farthest > 0.0 {
        places.iter_mut().flatten().for_each(|x| *x /= farthest);
    }
    places
}

/// Questions whose titles are the same but for case, punctuation, markup and space: each with the first.
fn repeats(questions: &[Question]) -> Vec<Pair> {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut pairs = Vec::new();
    for (two, question) in questions.iter().enumerate() {
        let key = repeat_key(&question.title);
        if key.is_empty() {
            continue;
        }
        let one = *first.entry(key).or_insert(two);
        if one != two {
            let same = questions[one].title == question.title;
            let kind = if same { Kind::Exact } else { Kind::Repeat };
            let why = Why { same_answer: has_same_answer(&questions[one], question), ..Why::default() };
            pairs.push(Pair { one, two, kind, probability: 1.0, why });
        }
    }
    pairs
}

fn has_same_answer(one: &Question, two: &Question) -> bool {
    one.answer.trim().len() >= TELLING_ANSWER
        && one.answer.split_whitespace().eq(two.answer.split_whitespace())
}

/// The questions that are compared, and what it takes to compare two of them.
struct Compared<'a> {
    index: &'a Index,
    /// In source order.
    questions: Vec<Question>,
    /// Their documents, in the same order.
    addresses: Vec<DocAddress>,
    /// Their phrasings that have vectors, in the same order.
    rows: Vec<Row>,
}

impl<'a> Compared<'a> {
    fn new(index: &'a Index, options: &Options) -> anyhow::Result<Self> {
        let mut found = index.addressed_questions()?;
        if let Some(within) = options.within.as_ref().map(|within| within.to_lowercase()) {
            found.retain(|(_, question)| question.source.path.to_lowercase().contains(&within));
        }
        found.sort_by(|(_, a), (_, b)| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
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

    /// Judges every pair of questions that some of the candidates is of, by their nearest phrasings; a
    /// question's repeats (those with the same `first`) are that question.
    fn judged(&self, first: &[usize], near: &[Near]) -> Vec<Pair> {
        let mut best: HashMap<(usize, usize), &Near> = HashMap::new();
        for near in near.iter().filter(|near| self.tells(&self.rows[near.one], &self.rows[near.two])) {
            let (a, b) = (first[self.rows[near.one].question], first[self.rows[near.two].question]);
            if a != b {
                let best = best.entry((a.min(b), a.max(b))).or_insert(near);
                if near.cosine > best.cosine {
                    *best = near;
                }
            }
        }
        let pair = |((one, two), near): ((usize, usize), &Near)| {
            let (a, b) = (&self.rows[near.one], &self.rows[near.two]);
            // Of repeats, the phrasing may be another's than the first's.
            if first[a.question] == one { self.pair(one, two, a, b) } else { self.pair(one, two, b, a) }
        };
        let best: Vec<_> = best.into_iter().collect();
        best.into_par_iter().map(pair).collect()
    }

    /// Whether two phrasings tell anything of their questions: one has to be a title. Under two questions on
    /// one error both list its message, and are two questions nevertheless.
    fn tells(&self, a: &Row, b: &Row) -> bool {
        let is_title = |row: &Row| self.index.vectors()[row.segment].passage(row.row) == Passage::Title;
        is_title(a) || is_title(b)
    }

    /// Judges two questions by a phrasing of each.
    fn pair(&self, one: usize, two: usize, a: &Row, b: &Row) -> Pair {
        let (questions, views) = (&self.questions, [a, b].map(|row| self.view(row)));
        let cosine = views[0].cosine(&views[1]);
        let texts = [a, b]
            .map(|row| self.index.vectors()[row.segment].passage(row.row).phrasing(&questions[row.question]));
        let [phrasing, other] = texts.map(Phrasing::new);
        let meaning = self.index.centre().between(&views[0], &views[1]);
        let same_answer = has_same_answer(&questions[one], &questions[two]);
        let least = if same_answer { SAME_ANSWER } else { 0.0 };
        let titles = texts[0] == questions[one].title && texts[1] == questions[two].title;
        Pair {
            one,
            two,
            kind: Kind::Paraphrase,
            probability: phrasing.probability(&other, meaning).max(least),
            why: Why {
                cosine: Some(cosine),
                asked_as: (!titles).then(|| (texts[0].to_owned(), texts[1].to_owned())),
                shared: phrasing.shared(&other).into_iter().map(str::to_owned).collect(),
                differences: phrasing.differences(&other),
                same_answer,
            },
        }
    }

    /// The probability that two questions ask the same, by their nearest phrasings; 0 without vectors.
    fn probability(&self, one: usize, two: usize) -> f32 {
        let [a, b] = [one, two].map(|question| self.addresses[question]);
        let Some((a_row, b_row)) = self.index.nearest_pair(a, b) else {
            return 0.0;
        };
        let row = |question, address: DocAddress, row| Row {
            question,
            segment: address.segment_ord as usize,
            row,
            hash: 0,
        };
        self.pair(one, two, &row(one, a, a_row), &row(two, b, b_row)).probability
    }

    fn view(&self, row: &Row) -> RowView<'_> {
        self.index.vectors()[row.segment].view(row.row)
    }
}

/// Puts every repeat into the group of the question it repeats, or makes one of both.
fn add_repeats(groups: &mut Vec<Group>, questions: &[Question], repeats: &[Pair]) {
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    for (nth, group) in groups.iter().enumerate() {
        group_of.insert(group.canonical, nth);
        group.members.iter().for_each(|member| _ = group_of.insert(member.question, nth));
    }
    for pair in repeats {
        let nth = *group_of.entry(pair.one).or_insert_with(|| {
            groups.push(Group { canonical: pair.one, members: Vec::new() });
            groups.len() - 1
        });
        groups[nth].add(pair, questions);
    }
    groups.sort_by_key(|group| (Reverse(group.members.len()), group.canonical));
}

/// A question that a phrase repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The question.
    pub question: Question,
    /// How it is alike.
    pub kind: Kind,
    /// The probability that both ask the same.
    pub probability: f32,
}

/// How many of the nearest questions a phrase is compared with.
const NEAREST: usize = 20;

/// The questions of an index that a phrase repeats with at least this probability, likeliest first.
/// `embedder` is the index's model; without it, only repeats are found.
///
/// # Errors
/// The phrase is empty; the index is damaged; the model fails.
pub fn check(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    phrase: &str,
    threshold: f32,
) -> anyhow::Result<Vec<Found>> {
    if phrase.trim().is_empty() {
        bail!("the phrase is empty");
    }
    let vector = embedder.map(|embedder| embedder.embed(phrase, Role::Passage)).transpose()?;
    let vector = vector.map(|vector| Quantized::from(vector.as_slice()));
    let key = repeat_key(phrase);
    let mut found = Vec::new();
    for question in index.matching(index.fields().title_key, &key)? {
        let same = question.title == phrase.trim();
        let kind = if same { Kind::Exact } else { Kind::Repeat };
        found.push(Found { question, kind, probability: 1.0 });
    }
    if let Some(vector) = &vector {
        let phrasing = Phrasing::new(phrase);
        for (address, row, _) in
            index.nearest_wordings(vector, NEAREST, index.scale().from_builtin(LEAST_COSINE))
        {
            let question = index.question(address)?;
            if found.iter().any(|found| found.question.id == question.id) {
                continue;
            }
            let vectors = &index.vectors()[address.segment_ord as usize];
            let other = Phrasing::new(vectors.passage(row).phrasing(&question));
            let meaning = index.centre().between(&vector.view(), &vectors.view(row));
            let probability = phrasing.probability(&other, meaning);
            if probability >= threshold {
                found.push(Found { question, kind: Kind::Paraphrase, probability });
            }
        }
    }
    found.sort_by(|a, b| {
        (b.probability.total_cmp(&a.probability))
            .then_with(|| (a.kind, &a.question.source).cmp(&(b.kind, &b.question.source)))
    });
    Ok(found)
}
