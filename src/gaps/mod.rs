//! Gaps: what people ask and nothing answers.
//!
//! ```text
//! files → phrases, each counted once → searches → those without an answer → groups → suggestions
//! ```
//!
//! A phrase has an answer if a search for it says so: its best hit has the least confidence. The others are grouped by
//! the cosines of their vectors without the mean of the index and without their own. A group is either a question that is
//! missing, or another way to ask one that is there.

mod cluster;
mod describe;
mod phrases;
mod read;
mod searched;

use std::cmp::Reverse;

use anyhow::bail;

use crate::embed::{Embedder, normalized};
use crate::hint::hinted;
use crate::index::{Index, Quantized, text_hash, unrelated_cosine};
use crate::question::Question;
use crate::search::FITTED;
use crate::title::title_key;
use crate::worker_threads;
use searched::{Searched, Unanswered, search_all};

pub use describe::RELATED;
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
    /// Only the groups whose [ids](Group::id) begin with one of these. Empty for all.
    pub ids: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            min_confidence: FITTED.threshold,
            similarity: SIMILARITY,
            min_size: 2,
            limit: None,
            unasked: false,
            ids: Vec::new(),
        }
    }
}

/// The default of [`Options::similarity`].
pub const SIMILARITY: f32 = 0.6;

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
    /// Identifies the group as long as its representative stays the same: twelve hexadecimal digits; see [`group_id`].
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
/// Each phrase is embedded once. The memory is that of the phrases and of up to 7 KB for each without an answer. The
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
    index.ensure_on_this_machine("a report on gaps")?;
    let (Some(embedder), Some(_)) = (embedder, &index.meta().model) else {
        bail!(hinted(
            "the index has keywords only, which do not tell whether a question answers a phrase",
            "`rqsearch index --model builtin` adds embeddings"
        ));
    };
    let searched = search_all(index, embedder, phrases, options, progress)?;
    let unasked = if options.unasked { unasked(index, &searched)? } else { Vec::new() };
    let mut groups = groups(index, &searched.unanswered, options);
    let found = groups.partition_point(|group| asked(group) >= options.min_size);
    let small = groups.split_off(found);
    let is_wanted = |group: &Vec<&Unanswered>| {
        let id = group_id(&group[0].phrase.text);
        options.ids.iter().any(|wanted| id.starts_with(wanted))
    };
    groups.retain(|group| options.ids.is_empty() || is_wanted(group));
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
    let vectors: Vec<&Quantized> = read.iter().filter_map(|unanswered| unanswered.vector.as_ref()).collect();
    let (vectors, left) = without_mean(&vectors);
    let unrelated = unrelated_cosine(index.space().unrelated(index.scale().from_builtin(UNRELATED)), left);
    let clusters = cluster::clusters(&vectors, unrelated + (1.0 - unrelated) * options.similarity);
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

/// The cosine of unrelated questions with the built-in model.
const UNRELATED: f32 = 0.1;

/// The vectors without their own mean, and the part of the mean that was not subtracted, because the vectors are few.
///
/// The mean of the index was subtracted before, but only a part of it if the index is small. Phrases that nothing answers
/// also have a subject of their own. Without this step, phrases on one subject are one group: at the same size of the
/// groups, their purity falls from .75 to .61 on covidfaq, and from .75 to .72 on covid_q (docs/gaps.md).
fn without_mean(vectors: &[&Quantized]) -> (Vec<Quantized>, f32) {
    /// The mean of so many vectors is subtracted by half.
    const FEW: f32 = 100.0;
    let count = vectors.len() as f32 + FEW;
    let mut mean = vec![0.0_f32; vectors.first().map_or(0, |vector| vector.values().len())];
    for vector in vectors {
        mean.iter_mut().zip(vector.values()).for_each(|(mean, x)| *mean += x / count);
    }
    let centred = |vector: &&Quantized| {
        let difference = vector.values().zip(&mean).map(|(x, mean)| x - mean).collect();
        Quantized::from(normalized(difference).as_slice())
    };
    (vectors.iter().map(centred).collect(), FEW / count)
}

/// The questions that are the first hit of no answered phrase.
fn unasked(index: &Index, searched: &Searched) -> anyhow::Result<Vec<Question>> {
    let mut questions = index.questions()?;
    questions.retain(|question| !searched.asked.contains(&question.id));
    questions.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
    Ok(questions)
}

/// The id of a group with this representative.
pub fn group_id(representative: &str) -> String {
    let key = title_key(representative).unwrap_or_default();
    format!("{:012x}", text_hash(&key) >> 16)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::embed::{Builtin, ModelInfo, Prepare, Role};

    /// The built-in model, which counts the texts that it embeds.
    struct Counting(Builtin, AtomicUsize);

    impl Embedder for Counting {
        fn model(&self) -> &ModelInfo {
            self.0.model()
        }

        fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.embed(text, role)
        }

        fn can_read(&self, text: &str) -> bool {
            self.0.can_read(text)
        }

        fn count_tokens(&self, text: &str) -> usize {
            self.0.count_tokens(text)
        }
    }

    fn index() -> (Index, Counting) {
        let titles =
            ["When should I prune roses?", "How long should bread dough rise?", "How do I sharpen a knife?"];
        let questions: Vec<Question> = (1..)
            .zip(titles)
            .map(|(line, title)| Question { id: format!("{line:012}"), ..Question::new(title, line) })
            .collect();
        let model = Counting(Builtin::load(Prepare::Many).unwrap(), AtomicUsize::new(0));
        (Index::in_memory(&questions, Some(&model)).unwrap(), model)
    }

    fn phrases(texts: &[(&str, u64)]) -> Vec<Phrase> {
        let mut phrases = Phrases::default();
        texts.iter().for_each(|(text, count)| phrases.add(text, *count).unwrap());
        phrases.into_sorted()
    }

    const ASKED: [(&str, u64); 8] = [
        ("how to clean a cast iron skillet", 1),
        ("when do I prune roses", 5),
        ("How do I clean a cast iron pan?", 3),
        ("how long must dough rise", 2),
        ("cleaning cast iron pans", 1),
        ("Which paint is best for a wooden fence?", 1),
        ("best paint for wooden fences", 1),
        ("what is the capital of France", 1),
    ];

    fn find(options: &Options) -> Report {
        let (index, model) = index();
        gaps(&index, Some(&model), &phrases(&ASKED), options, &|_| {}).unwrap()
    }

    #[test]
    fn phrases_without_an_answer_are_grouped_by_meaning() {
        let report = find(&Options { unasked: true, ..Options::default() });
        assert_eq!(report.answered, Counts { phrases: 2, asked: 7 });
        assert_eq!(report.unanswered, Counts { phrases: 6, asked: 8 });
        assert_eq!(report.small, Counts { phrases: 1, asked: 1 });
        let texts =
            |group: &Group| group.phrases.iter().map(|phrase| phrase.text.clone()).collect::<Vec<_>>();
        let [iron, paint] = report.groups.as_slice() else { panic!("{:?}", report.groups) };
        assert_eq!((iron.count, iron.phrases.len(), report.found), (5, 3, 2));
        // The most frequent phrase stands for the group.
        assert_eq!(texts(iron)[0], "How do I clean a cast iron pan?");
        assert_eq!(iron.suggestion, Suggestion::NewQuestion);
        assert_eq!((paint.count, paint.phrases.len()), (2, 2));
        let unasked: Vec<&str> = report.unasked.iter().map(|question| question.title.as_str()).collect();
        assert_eq!(unasked, ["How do I sharpen a knife?"]);
    }

    #[test]
    fn the_report_does_not_depend_on_the_order_of_the_input() {
        let (index, model) = index();
        let mut reversed = ASKED;
        reversed.reverse();
        let find = |texts: &[(&str, u64)]| {
            gaps(&index, Some(&model), &phrases(texts), &Options::default(), &|_| {}).unwrap().groups
        };
        assert_eq!(find(&ASKED), find(&reversed));
    }

    #[test]
    fn each_phrase_is_embedded_once() {
        let (index, model) = index();
        let options = Options { limit: Some(0), ..Options::default() };
        let embedded = |texts: &[(&str, u64)]| {
            let before = model.1.load(Ordering::Relaxed);
            gaps(&index, Some(&model), &phrases(texts), &options, &|_| {}).unwrap();
            model.1.load(Ordering::Relaxed) - before
        };
        let once = embedded(&ASKED);
        assert_eq!(once, ASKED.len());
        assert_eq!(embedded(&[ASKED, ASKED].concat()), once);
    }

    #[test]
    fn limits_apply_to_groups() {
        let all = find(&Options { min_size: 1, ..Options::default() });
        assert_eq!((all.groups.len(), all.found, all.small.phrases), (3, 3, 0));
        let first = find(&Options { min_size: 1, limit: Some(1), ..Options::default() });
        assert_eq!((first.groups.len(), first.found), (1, 3));
        assert_eq!(first.groups[0], all.groups[0]);
        let strict = find(&Options { min_confidence: 1.0, ..Options::default() });
        assert_eq!(strict.answered.phrases, 0, "{:?}", strict.answered);
    }

    #[test]
    fn a_phrase_near_a_question_is_another_way_to_ask_it() {
        let (index, model) = index();
        // The confidence of an answer is set so high that a paraphrase does not reach it.
        let options = Options { min_confidence: 0.99, min_size: 1, ..Options::default() };
        let asked = phrases(&[("rose cutting season", 1), ("sharpen", 1)]);
        let report = gaps(&index, Some(&model), &asked, &options, &|_| {}).unwrap();
        let roses =
            report.groups.iter().find(|group| group.representative().text.starts_with("rose")).unwrap();
        let nearest = roses.nearest.as_ref().unwrap();
        assert_eq!(nearest.question.title, "When should I prune roses?");
        assert_eq!(roses.suggestion, Suggestion::AnotherWay);
        assert!(nearest.share == 1.0 && nearest.cosine > Some(RELATED), "{nearest:?}");
        assert!(nearest.missing.iter().any(|word| word == "season"), "{nearest:?}");
    }

    #[test]
    fn phrases_that_the_model_cannot_read_are_not_grouped() {
        let (index, model) = index();
        let asked = phrases(&[("如何烤面包", 2), ("如何修剪玫瑰", 2)]);
        let report = gaps(&index, Some(&model), &asked, &Options::default(), &|_| {}).unwrap();
        assert_eq!(report.groups.iter().map(|group| group.phrases.len()).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn progress_reaches_the_number_of_phrases() {
        let (index, model) = index();
        let seen = RefCell::new(Vec::new());
        gaps(&index, Some(&model), &phrases(&ASKED), &Options::default(), &|done| {
            seen.borrow_mut().push(done)
        })
        .unwrap();
        assert_eq!(seen.into_inner(), [ASKED.len()]);
    }

    #[test]
    fn an_index_with_keywords_only_is_refused() {
        let index = Index::in_memory(&[Question::new("Why?", 1)], None).unwrap();
        let error = gaps(&index, None, &phrases(&ASKED), &Options::default(), &|_| {}).unwrap_err();
        assert!(error.to_string().contains("keywords only"), "{error}");
    }
}
