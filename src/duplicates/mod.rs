//! Duplicate detection: finds questions that ask the same.
//!
//! ```text
//! index → phrasings (titles, alternative titles) → candidates (near vectors) → pairs → groups
//! ```
//!
//! A pair is two questions that have phrasings which ask the same. [`pair`](crate::pair) computes the
//! probability. Groups do not chain: see [`groups`](groups()).

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
use crate::pair::{Difference, FITTED, LEAST_COSINE, Phrasing};
use crate::question::Question;
use crate::title::title_key;

pub use cache::Cache;
pub use candidates::{Near, nearest_exact, nearest_probed};
pub use groups::{Group, Member, groups};

/// Equal answers of at least this length (in bytes) are evidence that two questions ask the same. Shorter
/// answers ("Yes.", "See the manual.") fit many questions.
const MIN_ANSWER_LENGTH: usize = 120;

/// The minimum probability of a pair of questions with the same answer. This is an estimate. It could not be
/// fitted, because no labelled pairs have answers.
const SAME_ANSWER_PROBABILITY: f32 = 0.8;

/// How one question duplicates another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The titles are equal.
    Exact,
    /// The titles differ only in case, punctuation, markup or white space.
    Repeat,
    /// The questions ask the same in other words.
    Paraphrase,
}

impl Kind {
    /// The name in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Repeat => "repeat",
            Self::Paraphrase => "paraphrase",
        }
    }
}

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

/// The evidence for and against a pair.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Why {
    /// The cosine of the two nearest phrasings. `None` for exact duplicates and repeats, which need no
    /// vectors.
    pub cosine: Option<f32>,
    /// The two phrasings, if one of them is not the title.
    pub asked_as: Option<(String, String)>,
    /// The words that both phrasings have, without stop words, as written in the first.
    pub shared: Vec<String>,
    /// The differences between the phrasings.
    pub differences: Vec<Difference>,
    /// Whether both questions have the same answer of at least 120 bytes.
    pub same_answer: bool,
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
    /// The pairs that reach the threshold, most probable first. Questions with the same title are paired with
    /// the first of them only.
    pub pairs: Vec<Pair>,
    /// The groups, largest first.
    pub groups: Vec<Group>,
    /// The number of different phrasings, and how many of them were not in the cache.
    pub compared: (usize, usize),
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
    let repeats = repeats(questions);
    // From here on, questions with the same title count as one question, the first of them.
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

/// Computes a position for each group on a two-dimensional map of subjects. The coordinates are the first two
/// principal components of the vectors of the canonical titles, scaled to [-1, 1]. They are all 0 without
/// vectors.
///
/// # Errors
/// The index is damaged.
pub fn map(index: &Index, found: &Duplicates) -> anyhow::Result<Vec<[f32; 2]>> {
    let mut vectors = Vec::new();
    for group in &found.groups {
        let id = &found.questions[group.canonical].id;
        vectors.push(index.title_vector(id)?.unwrap_or_default());
    }
    Ok(principal(vectors))
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

/// The pairs of questions whose titles differ at most in case, punctuation, markup or white space. Each
/// question is paired with the first one that has its title.
fn repeats(questions: &[Question]) -> Vec<Pair> {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut pairs = Vec::new();
    for (two, question) in questions.iter().enumerate() {
        let Some(key) = title_key(&question.title) else {
            continue;
        };
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
    one.answer.trim().len() >= MIN_ANSWER_LENGTH
        && one.answer.split_whitespace().eq(two.answer.split_whitespace())
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

    /// Judges all candidate pairs of questions by their nearest phrasings. Questions with the same title (the
    /// same `first`) count as one question.
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
        let pair = |((one, two), near): ((usize, usize), &Near)| {
            let (a, b) = (&self.rows[near.one], &self.rows[near.two]);
            // The phrasing can come from another question with the same title.
            if first[a.question] == one { self.pair(one, two, a, b) } else { self.pair(one, two, b, a) }
        };
        let best: Vec<_> = best.into_iter().collect();
        best.into_par_iter().map(pair).collect()
    }

    /// Whether one of two phrasings is a title. Two alternative titles are not evidence: two different
    /// questions about one error can both list its message.
    fn includes_title(&self, a: &Row, b: &Row) -> bool {
        let is_title = |row: &Row| self.index.vectors()[row.segment].passage(row.row) == Passage::Title;
        is_title(a) || is_title(b)
    }

    /// Judges two questions by one phrasing of each.
    fn pair(&self, one: usize, two: usize, a: &Row, b: &Row) -> Pair {
        let (questions, views) = (&self.questions, [a, b].map(|row| self.view(row)));
        let cosine = views[0].cosine(&views[1]);
        let texts = [a, b]
            .map(|row| self.index.vectors()[row.segment].passage(row.row).phrasing(&questions[row.question]));
        let [phrasing, other] = texts.map(Phrasing::new);
        let meaning = self.index.centre().between(&views[0], &views[1]);
        let same_answer = has_same_answer(&questions[one], &questions[two]);
        let min_probability = if same_answer { SAME_ANSWER_PROBABILITY } else { 0.0 };
        let titles = texts[0] == questions[one].title && texts[1] == questions[two].title;
        Pair {
            one,
            two,
            kind: Kind::Paraphrase,
            probability: phrasing.probability(&other, meaning).max(min_probability),
            why: Why {
                cosine: Some(cosine),
                asked_as: (!titles).then(|| (texts[0].to_owned(), texts[1].to_owned())),
                shared: phrasing.shared(&other).into_iter().map(str::to_owned).collect(),
                differences: phrasing.differences(&other),
                same_answer,
            },
        }
    }

    /// The probability that two questions ask the same, by their nearest phrasings. 0 without vectors.
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

/// Adds each repeat to the group of the question it repeats. If there is no such group, creates one.
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
/// most probable first. `embedder` is the model of the index. Without it, only exact duplicates and repeats
/// are found.
///
/// # Errors
/// The phrase is empty, the index is damaged, or the model fails.
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
    let mut found = Vec::new();
    let repeats = title_key(phrase).map(|key| index.matching(index.fields().title_key, &key));
    for question in repeats.transpose()?.unwrap_or_default() {
        let same = question.title == phrase.trim();
        let kind = if same { Kind::Exact } else { Kind::Repeat };
        found.push(Found { question, kind, probability: 1.0 });
    }
    if let Some(vector) = &vector {
        let phrasing = Phrasing::new(phrase);
        for (address, row, _) in
            index.nearest_phrasings(vector, NEAREST, index.scale().from_builtin(LEAST_COSINE))
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
