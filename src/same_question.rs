//! Whether two questions are the same: the one rule for `dups`, `dups --check`, and collapsing in search.
//!
//! 1. **Equal titles** ([`title_key`]): the same question if the answers agree, or if one has no answer.
//! 2. **Titles with the same words** apart from stop words: a paraphrase at most, and only on the same
//!    condition.
//! 3. **Other titles**: a paraphrase, with the probability of the pair model for the two titles. An
//!    alternative title counts too, but only together with the titles: the log-odds of both pairs are averaged.
//!
//! Two answers agree if their code is equal, whatever else they say. Without code in both, they agree if one
//! contains the other, or at least seven in ten pairs of consecutive words of the shorter one occur in the
//! longer one, and all its numbers do. If both have code and it differs, they do not agree. White space,
//! letter case and punctuation are ignored, and so is the code of the longer one if it contains that of the
//! shorter one.

use std::collections::HashSet;

use tantivy::DocAddress;

use crate::chunk::{Passage, is_markup_only};
use crate::index::{Index, RowView};
use crate::logistic::average;
use crate::pair::{Difference, LEAST_COSINE, Phrasing};
use crate::question::Question;
use crate::title::title_key;

/// Paraphrases are one hit of a search from this probability on, if they differ in no number, name or symbol.
/// It is far above the threshold of `dups`: a question that is hidden wrongly is worse than two similar hits.
pub const COLLAPSE_THRESHOLD: f32 = 0.86;

/// Equal answers of at least this length (in bytes) are evidence that two questions ask the same. Shorter
/// answers ("Yes.", "See the manual.") fit many questions.
const MIN_ANSWER_LENGTH: usize = 120;

/// The minimum probability of a pair of questions with the same answer and without a difference. This is an
/// estimate. It could not be fitted, because no labelled pairs have answers.
const SAME_ANSWER_PROBABILITY: f32 = 0.85;

/// How one question duplicates another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The titles are equal, and the answers agree.
    Exact,
    /// The same, but the titles differ in case, punctuation, markup or white space.
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

    /// The kind of a pair of questions with equal title keys.
    pub fn of_titles(one: &str, two: &str) -> Self {
        if one.trim() == two.trim() { Self::Exact } else { Self::Repeat }
    }
}

/// How probably two questions are the same, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How one duplicates the other, if it does.
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

/// A phrasing of a question, with its vector.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The question.
    pub question: &'a Question,
    /// The title or an alternative title.
    pub text: &'a str,
    /// The vector of `text`.
    pub view: RowView<'a>,
    /// The vector of the title.
    pub title: RowView<'a>,
}

impl<'a> Asked<'a> {
    /// The phrasing of a question of an index in a row of its vectors.
    pub fn new(index: &'a Index, address: DocAddress, row: usize, question: &'a Question) -> Self {
        let vectors = &index.vectors()[address.segment_ord as usize];
        let title = vectors.rows_of(address.doc_id).find(|row| vectors.passage(*row) == Passage::Title);
        Self {
            question,
            text: vectors.passage(row).phrasing(question),
            view: vectors.view(row),
            title: vectors.view(title.unwrap_or(row)),
        }
    }
}

/// Judges two questions of an index. `None` if they cannot be the same: their titles are equal and their
/// answers do not agree, or their vectors are far apart or missing.
pub fn judge(index: &Index, one: (DocAddress, &Question), two: (DocAddress, &Question)) -> Option<Verdict> {
    if has_same_title(one.1, two.1) {
        return Answer::new(&one.1.answer).agrees(&Answer::new(&two.1.answer)).then(|| repeat(one.1, two.1));
    }
    near(index, one, two).map(|(one, two)| paraphrase(index, &one, &two))
}

/// The probability of [`judge`], without the evidence. 0 if they cannot be the same.
pub fn probability(index: &Index, one: (DocAddress, &Question), two: (DocAddress, &Question)) -> f32 {
    if has_same_title(one.1, two.1) {
        let agree = Answer::new(&one.1.answer).agrees(&Answer::new(&two.1.answer));
        return if agree { 1.0 } else { 0.0 };
    }
    near(index, one, two).map_or(0.0, |(one, two)| weigh(index, &one, &two).probability)
}

fn has_same_title(one: &Question, two: &Question) -> bool {
    let key = title_key(&one.title);
    key.is_some() && key == title_key(&two.title)
}

/// The two closest phrasings of two questions, if they are close enough to compare.
fn near<'a>(
    index: &'a Index,
    one: (DocAddress, &'a Question),
    two: (DocAddress, &'a Question),
) -> Option<(Asked<'a>, Asked<'a>)> {
    let (row, other) = index.nearest_pair(one.0, two.0)?;
    let asked = Asked::new(index, one.0, row, one.1);
    let other = Asked::new(index, two.0, other, two.1);
    (asked.view.cosine(&other.view) >= index.scale().from_builtin(LEAST_COSINE)).then_some((asked, other))
}

/// The verdict on two questions with equal titles whose answers agree.
pub fn repeat(one: &Question, two: &Question) -> Verdict {
    Verdict {
        kind: Kind::of_titles(&one.title, &two.title),
        probability: 1.0,
        why: Why { same_answer: has_same_answer(one, two), ..Why::default() },
    }
}

/// Judges two questions with different titles by one phrasing of each.
pub fn paraphrase(index: &Index, one: &Asked<'_>, two: &Asked<'_>) -> Verdict {
    weigh(index, one, two).verdict(one, two)
}

/// Like [`paraphrase`]. `None` if the probability is below `threshold`, which takes less time.
pub(crate) fn likely_paraphrase(
    index: &Index,
    one: &Asked<'_>,
    two: &Asked<'_>,
    threshold: f32,
) -> Option<Verdict> {
    let weighed = weigh(index, one, two);
    (weighed.probability >= threshold).then(|| weighed.verdict(one, two))
}

/// The probability that two questions with different titles are the same, and what it depends on.
struct Weighed {
    probability: f32,
    phrasings: [Phrasing; 2],
    differences: Vec<Difference>,
    same_answer: bool,
    /// Whether both phrasings are titles.
    is_titles: bool,
}

impl Weighed {
    fn verdict(self, one: &Asked<'_>, two: &Asked<'_>) -> Verdict {
        let Self { probability, phrasings: [phrasing, other], differences, same_answer, is_titles } = self;
        let why = Why {
            cosine: Some(one.view.cosine(&two.view)),
            asked_as: (!is_titles).then(|| (one.text.to_owned(), two.text.to_owned())),
            shared: phrasing.shared(&other).into_iter().map(str::to_owned).collect(),
            differences,
            same_answer,
        };
        Verdict { kind: Kind::Paraphrase, probability, why }
    }
}

fn weigh(index: &Index, one: &Asked<'_>, two: &Asked<'_>) -> Weighed {
    let [phrasing, other] = [one.text, two.text].map(Phrasing::new);
    let differences = phrasing.differences(&other);
    let same_answer = has_same_answer(one.question, two.question);
    let is_titles = one.text == one.question.title && two.text == two.question.title;
    let key = title_key(one.text);
    let is_repeated = key.is_some() && key == title_key(two.text);
    let mut probability = phrasing.probability(&other, index.centre().between(&one.view, &two.view));
    let agree = || Answer::new(&one.question.answer).agrees(&Answer::new(&two.question.answer));
    if is_repeated || phrasing.has_same_words(&other) {
        probability = if agree() { probability } else { 0.0 };
    } else if !is_titles {
        let [title, other_title] = [one, two].map(|asked| Phrasing::new(&asked.question.title));
        let meaning = index.centre().between(&one.title, &two.title);
        probability = average(probability, title.probability(&other_title, meaning)).min(probability);
    }
    if same_answer && differences.is_empty() {
        probability = probability.max(SAME_ANSWER_PROBABILITY);
    }
    Weighed { probability, phrasings: [phrasing, other], differences, same_answer, is_titles }
}

/// Whether a search shows two questions as one hit: repeats, and paraphrases that are nearly certain.
pub fn is_one_hit(one: &Question, two: &Question, verdict: &Verdict) -> bool {
    verdict.kind != Kind::Paraphrase
        || verdict.probability >= COLLAPSE_THRESHOLD
            && verdict.why.asked_as.is_none()
            && verdict.why.differences.is_empty()
            && Phrasing::new(&one.title).has_same_specifics(&Phrasing::new(&two.title))
}

fn has_same_answer(one: &Question, two: &Question) -> bool {
    one.answer.trim().len() >= MIN_ANSWER_LENGTH
        && one.answer.split_whitespace().eq(two.answer.split_whitespace())
}

/// The words and the code of an answer, without markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Answer {
    words: Vec<String>,
    /// The code of all fences, without white space.
    code: String,
}

impl Answer {
    /// Parses an answer in Markdown.
    pub fn new(answer: &str) -> Self {
        let mut parsed = Self::default();
        for (line, is_code) in content_lines(answer) {
            if is_code {
                parsed.code.extend(line.chars().filter(|c| !c.is_whitespace()));
            } else {
                let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
                parsed.words.extend(words.map(str::to_lowercase));
            }
        }
        parsed
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.code.is_empty()
    }

    /// Whether two answers can be those of one question. See the [module](self).
    pub fn agrees(&self, other: &Self) -> bool {
        /// Shorter code (in bytes) is often part of other code.
        const CONTAINED_CODE: usize = 40;
        /// Fewer words are often part of another answer: "Yes", "in an hour".
        const CONTAINED_WORDS: usize = 5;
        if self.is_empty() || other.is_empty() {
            return true;
        }
        if !self.code.is_empty() && !other.code.is_empty() {
            let (short, long) = by_length(&self.code, &other.code, String::len);
            return short == long || short.len() >= CONTAINED_CODE && long.contains(short.as_str());
        }
        let (short, long) = by_length(&self.words, &other.words, Vec::len);
        if short.len() < CONTAINED_WORDS {
            return short == long && self.code == other.code;
        }
        let in_long: HashSet<&[String]> = long.windows(2).collect();
        let found = short.windows(2).filter(|pair| in_long.contains(pair)).count();
        let is_number = |word: &&String| word.contains(|c: char| c.is_ascii_digit());
        10 * found >= 7 * (short.len() - 1) && short.iter().filter(is_number).all(|word| long.contains(word))
    }
}

/// The shorter one of two, and the other one.
fn by_length<'a, T>(one: &'a T, two: &'a T, length: impl Fn(&T) -> usize) -> (&'a T, &'a T) {
    if length(one) <= length(two) { (one, two) } else { (two, one) }
}

/// The lines of an answer with words, without fences, and whether each is code.
fn content_lines(answer: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut fence: Option<&str> = None;
    answer.lines().filter_map(move |line| {
        let text = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| text.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ if fence.is_some() && !text.is_empty() => return Some((text, true)),
            _ if !is_markup_only(text) => return Some((text, false)),
            _ => {}
        }
        None
    })
}

/// What tells a question apart from others with the same title whose answers do not agree with its own: the first
/// line of code of its answer that none of them has, or else the first such line of text. It is at most 120
/// characters long. `None` if there are no such questions, or there is no such line.
pub fn distinction<'a>(
    question: &Question,
    others: impl IntoIterator<Item = &'a Question>,
) -> Option<String> {
    const LONGEST: usize = 120;
    let answer = question.readable_answer();
    let own = Answer::new(&question.answer);
    let others = others.into_iter().filter(|other| !own.agrees(&Answer::new(&other.answer)));
    let others: Vec<_> = others.map(Question::readable_answer).collect();
    if others.is_empty() {
        return None;
    }
    let known: HashSet<&str> =
        others.iter().flat_map(|answer| content_lines(answer)).map(|(line, _)| line).collect();
    let first = |wants_code: bool| {
        let mut lines = content_lines(&answer);
        lines.find(|(line, is_code)| *is_code == wants_code && !known.contains(line)).map(|(line, _)| line)
    };
    let line = first(true).or_else(|| first(false))?;
    let mut shown: String = line.chars().take(LONGEST).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, two: &str, expected: bool) {
        let [a, b] = [one, two].map(Answer::new);
        assert_eq!((a.agrees(&b), b.agrees(&a)), (expected, expected), "{one:?} {two:?}");
    }

    #[test]
    fn answers_agree_if_one_has_what_the_other_says() {
        check("", "Anything.", true);
        check("---", "Anything.", true);
        check("Yes.", "yes", true);
        check("Until it has **doubled** in size.", "until it has\ndoubled in size", true);
        check("Feed it every day at noon.", "Feed it every day at noon. It likes rye flour.", true);
        check("An hour in a warm kitchen is enough.", "An hour in a warm kitchen is plenty, really.", true);
        check("No.", "No, never on a Sunday.", false);
        check("Paris", "Lyon", false);
        check("It lasts until the end of 2020.", "It lasts until the end of 2021.", false);
        check("Turn it off and on again, then wait.", "Write to the support team, please.", false);
    }

    #[test]
    fn code_in_both_answers_decides() {
        let quiz = |code: &str, text: &str| format!("```js\n{code}\n```\n\n{text}");
        check(&quiz("f(1 + 2)", "It adds."), &quiz("f(1+2)", "The sum of both is printed."), true);
        check(
            &quiz("f(1 + 2)", "Answer: B, it adds both numbers."),
            &quiz("f(1 - 2)", "Answer: B, it adds both numbers."),
            false,
        );
        check(&quiz("a()", "Both."), &quiz("a()\nb()", "Both."), false);
        let long = "let total = prices.iter().sum::<u32>();\nprintln!(\"{total}\");";
        check(&quiz(long, "Sum."), &quiz(&format!("let prices = [1, 2];\n{long}"), "Sum up."), true);
        check(
            &quiz("f()", "It calls the function that is named f."),
            "It calls the function that is named f.",
            true,
        );
        check(&quiz("f()", ""), "It calls the function.", false);
    }

    #[test]
    fn the_distinction_is_the_first_line_that_others_lack() {
        let question =
            |answer: &str| Question { answer: answer.to_owned(), ..Question::new("What is printed?", 1) };
        let one = question("Look:\n\n```js\nlet a = 1;\nlog(a)\n```\n");
        let two = question("Look:\n\n```js\nlet a = 1;\nlog(-a)\n```\n\nA sign.");
        assert_eq!(distinction(&one, [&two]).as_deref(), Some("log(a)"));
        assert_eq!(distinction(&two, [&one]).as_deref(), Some("log(-a)"));
        assert_eq!(distinction(&two, [&one, &question("`log(-a)`")]).as_deref(), Some("log(-a)"));
        let prose = question("Look:\n\nA sign.");
        assert_eq!(distinction(&prose, [&one]).as_deref(), Some("A sign."));
        assert_eq!(distinction(&one, [&one, &question("")]), None, "these are repeats");
        assert_eq!(distinction(&one, [&one, &two]).as_deref(), Some("log(a)"));
        assert_eq!(distinction(&question(""), [&one]), None);
        let long = distinction(&question(&"x".repeat(200)), [&one]).unwrap();
        assert_eq!(long.chars().count(), 121);
    }
}
