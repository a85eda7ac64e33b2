//! Gaps: what people ask and nothing answers.
//!
//! ```text
//! files → phrases, each counted once → searches → those without an answer → groups → suggestions
//! ```
//!
//! A phrase has an answer if a search for it says so: its best hit has the least confidence. The others are grouped by
//! the cosines of their vectors without the mean of the index. A group is either a question that is missing, or another
//! way to ask one that is there.

mod cluster;
mod describe;
mod phrases;
mod read;
mod searched;

use std::cmp::Reverse;

use anyhow::bail;

use crate::embed::Embedder;
use crate::index::{Index, text_hash};
use crate::question::Question;
use crate::search::FITTED;
use crate::title::title_key;
use crate::worker_threads;
use searched::{Searched, Unanswered, search_all};

pub use phrases::{LONGEST_PHRASE, MOST_PHRASES, Phrase, Phrases, Refused};
pub use read::read;

/// How to find gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The least confidence of an answer, 0 to 1, as in a search.
    pub min_confidence: f32,
    /// How similar the phrases of a group are on average: 0 for unrelated phrases, 1 for equal ones.
    pub similarity: f32,
    /// How often a group must have been asked.
    pub min_size: u64,
    /// The greatest number of groups in the report. `None` for all.
    pub limit: Option<usize>,
    /// Also find the questions that nobody asked.
    pub unasked: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            min_confidence: FITTED.threshold,
            similarity: SIMILARITY,
            min_size: 2,
            limit: None,
            unasked: false,
        }
    }
}

/// The default of [`Options::similarity`].
pub const SIMILARITY: f32 = 0.5;

/// How many phrases there are, and how often they were asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The number of different phrases.
    pub phrases: u64,
    /// The number of times that they were asked.
    pub asked: u64,
}

impl Counts {
    fn add(&mut self, phrase: &Phrase) {
        self.phrases += 1;
        self.asked += phrase.count;
    }

    fn of<'a>(phrases: impl IntoIterator<Item = &'a Phrase>) -> Self {
        let mut counts = Self::default();
        phrases.into_iter().for_each(|phrase| counts.add(phrase));
        counts
    }
}

/// What nothing answers.
#[derive(Clone, Debug)]
pub struct Report {
    /// The phrases that have an answer.
    pub answered: Counts,
    /// The phrases that have none.
    pub unanswered: Counts,
    /// The groups of phrases without an answer that have the minimum size, the most asked first. At most
    /// [`Options::limit`].
    pub groups: Vec<Group>,
    /// The number of groups that have the minimum size.
    pub found: usize,
    /// The phrases of groups that have not.
    pub small: Counts,
    /// The questions that are the first hit of no answered phrase, in the order of their sources. Empty unless
    /// [`Options::unasked`] is set.
    pub unasked: Vec<Question>,
}

/// Phrases that ask the same and have no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Identifies the group as long as its representative stays the same: twelve hexadecimal digits.
    pub id: String,
    /// The phrases: the representative, then the others, the most frequent first. Never empty.
    pub phrases: Vec<Phrase>,
    /// How often they were asked.
    pub count: u64,
    /// The question that is nearest. `None` if no question is related to the representative.
    pub nearest: Option<Nearest>,
    /// What to do.
    pub suggestion: Suggestion,
}

impl Group {
    /// The phrase that stands for the group: the most frequent one, or of equally frequent ones the one that is nearest
    /// to their mean.
    pub fn representative(&self) -> &Phrase {
        &self.phrases[0]
    }
}

/// The question that is nearest to a group, and what it lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// The question.
    pub question: Question,
    /// The mean confidence that it answers a phrase of the group whose best hit it is.
    pub confidence: f32,
    /// The cosine of the representative and the nearest part of the question, on the scale of the built-in model.
    /// `None` if the model cannot read one of them.
    pub cosine: Option<f32>,
    /// The part of the group whose best hit it is, 0 to 1.
    pub share: f32,
    /// The words of the representative that other questions contain and this one does not, the rarest first.
    pub lacking: Vec<String>,
    /// The words of the representative that no question contains.
    pub missing: Vec<String>,
}

/// What to do about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suggestion {
    /// No question is near: add one.
    NewQuestion,
    /// The nearest question is near, although not enough: the representative may be another way to ask it.
    AnotherWay,
}

/// Finds the phrases that nothing answers, in groups that ask the same. `embedder` is the model of the index. `progress`
/// gets the number of phrases that were searched for.
///
/// Each phrase is embedded once. The memory is that of the phrases and of about 400 bytes for each without an answer. The
/// result depends only on the index, the options, and the phrases in their order.
///
/// # Errors
/// - The index has keywords only. Nearly every phrase shares a word with a question, so that words alone do not tell
///   whether a question answers a phrase.
/// - The index is damaged, or the model fails or is another one.
pub fn gaps(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    phrases: &[Phrase],
    options: &Options,
    progress: &dyn Fn(usize),
) -> anyhow::Result<Report> {
    let (Some(embedder), Some(_)) = (embedder, &index.meta().model) else {
        bail!(
            "the index has keywords only, which do not tell whether a question answers a phrase\n  \
             hint: `rqsearch index --model builtin` adds embeddings"
        );
    };
    let searched = search_all(index, embedder, phrases, options, progress)?;
    let unasked = if options.unasked { unasked(index, &searched)? } else { Vec::new() };
    let mut groups = groups(index, &searched.unanswered, options);
    let found = groups.partition_point(|group| asked(group) >= options.min_size);
    let small = groups.split_off(found);
    groups.truncate(options.limit.unwrap_or(usize::MAX));
    let described = worker_threads::map(&groups, |group| describe::describe(index, embedder, group));
    Ok(Report {
        answered: searched.answered,
        unanswered: Counts::of(searched.unanswered.iter().map(|unanswered| &unanswered.phrase)),
        groups: described.into_iter().collect::<anyhow::Result<_>>()?,
        found,
        small: Counts::of(small.iter().flatten().map(|unanswered| &unanswered.phrase)),
        unasked,
    })
}

/// The groups of phrases, the most asked first, each in order.
fn groups<'a>(index: &Index, unanswered: &'a [Unanswered], options: &Options) -> Vec<Vec<&'a Unanswered>> {
    let (read, unread): (Vec<&Unanswered>, Vec<&Unanswered>) =
        unanswered.iter().partition(|unanswered| unanswered.vector.is_some());
    let vectors: Vec<_> = read.iter().filter_map(|unanswered| unanswered.vector.clone()).collect();
    let clusters = cluster::clusters(&vectors, least_cosine(index, options.similarity));
    let clusters = clusters.into_iter().map(|members| members.iter().map(|member| read[*member]).collect());
    // A phrase that the model cannot read is a group of its own.
    let alone = unread.into_iter().map(|unanswered| vec![unanswered]);
    let mut groups: Vec<Vec<&Unanswered>> =
        clusters.chain(alone).map(|members: Vec<_>| describe::in_order(&members)).collect();
    groups.sort_by_cached_key(|group| (Reverse(asked(group)), Reverse(group.len()), &group[0].phrase.text));
    groups
}

fn asked(group: &[&Unanswered]) -> u64 {
    group.iter().map(|unanswered| unanswered.phrase.count).sum()
}

/// The cosine of vectors without the mean of an index that are so similar. Unrelated ones have a cosine of about 0 in a
/// large index; in a small one it depends on the model, because the mean of few questions is hardly subtracted.
fn least_cosine(index: &Index, similarity: f32) -> f32 {
    /// The cosine of unrelated questions with the built-in model.
    const UNRELATED: f32 = 0.1;
    let unrelated = index.space().unrelated(index.scale().from_builtin(UNRELATED));
    unrelated + (1.0 - unrelated) * similarity
}

/// The questions that are the first hit of no answered phrase.
fn unasked(index: &Index, searched: &Searched) -> anyhow::Result<Vec<Question>> {
    let mut questions = index.questions()?;
    questions.retain(|question| !searched.asked.contains(&question.id));
    questions.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
    Ok(questions)
}

/// The id of a group with this representative.
fn group_id(representative: &str) -> String {
    let key = title_key(representative).unwrap_or_default();
    format!("{:012x}", text_hash(&key) >> 16)
}
