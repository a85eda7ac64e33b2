//! Finds the questions of a document.
//!
//! The finder works in two passes. The first collects every block that may be a question, as [`Candidate`]s, and
//! chooses the [`Marking`] that explains the document best. The second cuts the questions out (`extract`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Range;

use super::boilerplate::{counted_heading, is_heading_like, is_question_count};
use super::contents::{self, Contents};
use super::labels;
use super::numbering::{self, Mark};
use super::question_line::{
    Separator, Style, asked, dotted, ends_asking, is_question_like, labelled_answer, labelled_question,
    numbered, split_level,
};
use super::{Block, Document, Kind, extract, inline};
use crate::question::Question;
use crate::read::Report;

/// How a document marks its questions. Of two markings that explain it equally well, the first one is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Marking {
    /// The title of the document asks, and all of it is the answer.
    Title,
    /// Elements that the document declares to be questions.
    Declared,
    /// Titles of folds.
    Summary,
    /// Terms of definition lists.
    Term,
    /// Headings of this level.
    Heading(u8),
    /// Lines with a label: `Q: …`.
    Label,
    /// Somebody asks in quotes: `The interviewer asks: "…"`.
    Quoted,
    /// Bold lines.
    Bold,
    /// Numbered lines and list items.
    Numbered(Style),
    /// List items with a bullet in this column.
    Bullet(usize),
    /// Buttons.
    Button,
    /// Lines that end in a question mark, each followed by prose.
    Bare,
}

/// A block that may be a question.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its place among the blocks.
    pub at: usize,
    marking: Marking,
    number: Option<u32>,
    /// `Q` or `Question` precedes the number, or replaces it.
    word: bool,
    asks: Asks,
    bold: bool,
    /// A table of contents names it, as an entry without entries below.
    in_contents: bool,
    /// `Answer`, `Example`: it belongs to the question above, whatever its level.
    of_answer: bool,
    follows_item: bool,
    after_blank: bool,
    after_heading: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asks {
    No,
    /// It begins as a question or a request does.
    Maybe,
    /// It ends in a question mark.
    Surely,
}

impl Asks {
    fn of(title: &str) -> Self {
        let (title, _) = split_level(extract::split_emoji(title).0);
        if ends_asking(title) {
            Self::Surely
        } else if is_question_like(title) {
            Self::Maybe
        } else {
            Self::No
        }
    }
}

impl Candidate {
    fn marked(&self) -> bool {
        self.word || self.number.is_some() || self.in_contents
    }

    fn level(&self) -> u8 {
        if let Marking::Heading(level) = self.marking { level } else { 7 }
    }
}

/// The questions of a document, and how they were found.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order of the document.
    pub questions: Vec<Question>,
    /// The marking that explains most of the document.
    pub marking: Option<Marking>,
    /// Why it was chosen.
    pub why: Option<String>,
}

impl Findings {
    /// What the finder tells about the document.
    pub fn report(&self) -> Report {
        let marking = self.marking.map(|marking| marking.to_string());
        Report { marking, why: self.why.clone(), letters: 0 }
    }
}

impl fmt::Display for Marking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Title => "the title of the document",
            Self::Declared => "elements that the document declares to be questions",
            Self::Summary => "titles of folds",
            Self::Term => "terms of definition lists",
            Self::Heading(level) => return write!(f, "headings of level {level}"),
            Self::Label => "lines with a label such as `Q:`",
            Self::Quoted => "quoted questions",
            Self::Bold => "bold lines",
            Self::Numbered(_) => "numbered lines",
            Self::Bullet(_) => "list items",
            Self::Button => "buttons",
            Self::Bare => "lines that end with a question mark",
        })
    }
}

/// Finds the questions of a document.
pub fn find(document: &Document) -> Findings {
    let finder = Finder::new(document);
    let best = finder.best(&(0..document.blocks.len()), |_| true);
    let asking_title = document.title.as_ref().filter(|(_, title)| Asks::of(title) == Asks::Surely);
    if let Some((line, title)) = asking_title
        && best.as_ref().is_none_or(|choice| choice.chosen.len() < 2)
    {
        return extract::whole(document, *line, title);
    }
    let Some(best) = best else {
        return Findings::default();
    };
    let marking = best.marking;
    let mut why = best.why.clone();
    let chosen = finder.chosen(best);
    let others: BTreeSet<String> =
        chosen.values().filter(|other| **other != marking).map(ToString::to_string).collect();
    if !others.is_empty() {
        why += &format!("; in other parts, {}", others.into_iter().collect::<Vec<_>>().join(", "));
    }
    Findings {
        marking: Some(marking),
        why: Some(why),
        ..extract::extract(document, &chosen, &finder.parts(&chosen))
    }
}

/// The blocks that are questions, with their markings.
pub type Chosen = BTreeMap<usize, Marking>;

struct Finder<'d> {
    document: &'d Document,
    candidates: Vec<Candidate>,
    says_questions: bool,
    is_faq: bool,
    /// A heading asks.
    heading_asks: bool,
    /// A line has a label such as `A:`.
    labels_answers: bool,
}

/// Fewer questions do not make a marking, except for headings, folds and labels, and the first line of a document.
const FEWEST: usize = 2;

/// A line that asks without any other mark is no longer than this, in bytes.
const LONGEST_BARE: usize = 200;

impl<'d> Finder<'d> {
    fn new(document: &'d Document) -> Self {
        let candidates = Survey::new(document).candidates();
        let asks = |candidate: &Candidate| candidate.level() < 7 && candidate.asks > Asks::No;
        Self {
            document,
            says_questions: contents::says_questions(document),
            is_faq: contents::is_faq(document),
            heading_asks: candidates.iter().any(asks),
            labels_answers: document.blocks.iter().any(|block| labelled_answer(&block.text.text).is_some()),
            candidates,
        }
    }

    /// The marking that gives most among the blocks of a range.
    fn best(&self, range: &Range<usize>, allowed: impl Fn(Marking) -> bool) -> Option<Choice> {
        let first = |at: usize| self.candidates.partition_point(|candidate| candidate.at < at);
        let within = &self.candidates[first(range.start)..first(range.end)];
        let mut groups: BTreeMap<Marking, Vec<Candidate>> = BTreeMap::new();
        for candidate in within.iter().filter(|candidate| allowed(candidate.marking)) {
            groups.entry(candidate.marking).or_default().push(*candidate);
        }
        let bare = groups.remove(&Marking::Bare).unwrap_or_default();
        let is_heading = |marking: &Marking| matches!(marking, Marking::Heading(_));
        // Headings that only begin as questions do count if no level has better ones.
        let headings = groups.iter().filter(|(marking, _)| is_heading(marking));
        let heading = headings.map(|(marking, all)| self.choice(*marking, all, &[])).max_by_key(|choice| {
            (choice.points > 0, choice.surely > 0, choice.points, choice.surely, choice.marking)
        });
        let answers = heading.as_ref().map(|choice| answers(choice, within)).unwrap_or_default();
        // If the document labels its headings as questions, a question below one is part of its answer.
        let labelled = heading.as_ref().is_some_and(|choice| choice.labelled);
        let outside = |candidate: &Candidate| !labelled || !is_inside(candidate, &answers);
        let others = groups.iter().filter(|(marking, _)| !is_heading(marking));
        others
            .map(|(marking, all)| self.choice(*marking, &only(all, outside), &answers))
            .chain(heading)
            .max_by_key(|choice| (choice.points, std::cmp::Reverse(choice.marking)))
            .filter(|choice| choice.points > 0)
            .or_else(|| Some(self.choice(Marking::Bare, &bare, &[])).filter(|choice| choice.points > 0))
    }

    /// Whether a block is the first of the document.
    fn begins_with(&self, at: usize) -> bool {
        self.document.blocks[..at].iter().all(|block| block.kind == Kind::Blank)
    }

    fn headings(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| matches!(candidate.marking, Marking::Heading(_)))
    }

    /// The questions that one marking gives, with points.
    fn choice(&self, marking: Marking, all: &[Candidate], answers: &[Range<usize>]) -> Choice {
        let own = only(all, |candidate| !candidate.of_answer);
        let chosen = match marking {
            Marking::Heading(_) => self.chosen_headings(&own),
            Marking::Summary | Marking::Term => most_or_asking(&own),
            Marking::Title | Marking::Declared | Marking::Label | Marking::Quoted | Marking::Bare => {
                own.clone()
            }
            Marking::Bold => only(&own, |line| {
                line.asks == Asks::Surely || line.marked() && (line.asks > Asks::No || line.in_contents)
            }),
            Marking::Numbered(style) => chosen_numbers(style, &own),
            Marking::Bullet(_) => chosen_bullets(&own),
            Marking::Button => only(&own, |button| button.asks == Asks::Surely),
        };
        let is_sure = |question: &Candidate| {
            question.asks == Asks::Surely
                || question.marked() && question.asks > Asks::No
                || question.word
                || question.in_contents
        };
        let surely = count(&chosen, is_sure);
        let asking =
            count(&chosen, |question| is_sure(question) && (question.asks > Asks::No || question.word));
        let labelled = !chosen.is_empty() && chosen.iter().all(|question| question.word);
        let fewest = match marking {
            Marking::Heading(_) | Marking::Summary | Marking::Term | Marking::Declared | Marking::Button => 1,
            Marking::Bold if labelled => 1,
            Marking::Label if labelled && self.labels_answers => 1,
            Marking::Bare if chosen.first().is_some_and(|first| self.begins_with(first.at)) => 1,
            _ => FEWEST,
        };
        let mut points = 0;
        if chosen.len() >= fewest {
            for question in &chosen {
                let weight = match question.asks {
                    Asks::Surely => 4,
                    _ if question.word || question.in_contents => 3,
                    Asks::Maybe | Asks::No => 1,
                };
                // A question inside an answer asks the reader something.
                let inside = is_inside(question, answers);
                // A list of nothing but titles is more likely a table of contents than what it lists.
                points += if inside || question.follows_item { weight } else { 2 * weight };
            }
            if matches!(marking, Marking::Heading(_)) {
                points += points / 2;
            }
        }
        Choice {
            marking,
            chosen: chosen.iter().map(|question| question.at).collect(),
            points,
            surely,
            asking,
            labelled: labelled && chosen.len() > 1,
            why: why(&own, &chosen),
        }
    }

    /// If most headings of a level that ask are numbered or named by the table of contents, then these are the
    /// questions, and no others. Otherwise the headings that ask are.
    fn chosen_headings(&self, level: &[Candidate]) -> Vec<Candidate> {
        let asking = count(level, |heading| heading.asks > Asks::No);
        let enough = |marked: usize, marked_asking: usize| {
            let asks = marked_asking * 2 >= marked || self.says_questions;
            marked > 1 && marked * 10 >= asking * 7 && asks
                || marked == 1 && asking <= 1 && marked_asking == 1
        };
        let is_numbered = |heading: &Candidate| heading.number.is_some() || heading.word;
        let numbered = count(level, is_numbered);
        let words = count(level, |heading| heading.word);
        // A list of exercises with numbers may end with questions that have labels.
        let mostly_words = words * 2 > numbered || !self.says_questions;
        if words > 0 && words * 10 >= asking * 7 && mostly_words {
            return only(level, |heading| heading.word);
        }
        if enough(numbered, count(level, |heading| is_numbered(heading) && heading.asks > Asks::No)) {
            return only(level, is_numbered);
        }
        let listed = count(level, |heading| heading.in_contents);
        let listed_asking = count(level, |heading| heading.in_contents && heading.asks > Asks::No);
        if listed * 10 >= level.len() * 6 && enough(listed, listed_asking) {
            let is_whole = listed * 10 >= level.len() * 9;
            return only(level, |heading| is_whole || heading.in_contents || heading.asks == Asks::Surely);
        }
        if self.is_faq && level.len() > 1 && (asking * 7 >= level.len() || self.states_problems(level)) {
            let headings: Vec<&Candidate> = self.headings().collect();
            let above = holders(&headings, |heading| heading.asks == Asks::Surely);
            return only(level, |heading| heading.asks > Asks::No || !above.contains(&heading.at));
        }
        // Where nearly all headings of a level ask, the others do too: `Hoisting`, `Make this work`.
        if level.len() > 9 && asking * 10 >= level.len() * 9 && self.says_questions {
            return level.to_vec();
        }
        let surely = count(level, |heading| heading.asks == Asks::Surely);
        let weakest = if surely > 0 || asking * 2 >= level.len() { Asks::Maybe } else { Asks::Surely };
        only(level, |heading| heading.asks >= weakest)
    }

    /// Whether no heading of the document asks, and those of this level are sentences. People state problems in a FAQ:
    /// `The build fails with error 12`.
    fn states_problems(&self, level: &[Candidate]) -> bool {
        let is_sentence = |heading: &Candidate| self.title(heading.at).split_whitespace().nth(3).is_some();
        !self.heading_asks && level.iter().all(is_sentence)
    }

    /// The chosen blocks. Between chosen headings, headings of other levels that surely ask are questions as well,
    /// unless they contain or are contained in one; and parts of the document without any question are looked at
    /// on their own.
    fn chosen(&self, best: Choice) -> Chosen {
        let marking = best.marking;
        let mut chosen: Chosen = best.chosen.into_iter().map(|at| (at, marking)).collect();
        if let Marking::Heading(level) = marking {
            self.add_other_levels(level, &mut chosen);
        }
        let titles: HashSet<String> = chosen.keys().map(|at| self.title(*at)).collect();
        let mut added = Chosen::new();
        for gap in extract::gaps(self.document, &chosen, &self.parts(&chosen)) {
            let Some(choice) = self.best(&gap, |own| own != Marking::Bare) else {
                continue;
            };
            let is_sure = choice.chosen.len() >= FEWEST && choice.asking * 2 >= choice.chosen.len();
            // A list of the titles is not another part of the document.
            let repeats = choice.chosen.iter().filter(|at| titles.contains(&self.title(**at))).count();
            if is_sure && repeats * 2 < choice.chosen.len() {
                added.extend(choice.chosen.iter().map(|at| (*at, choice.marking)));
            }
        }
        chosen.extend(added);
        chosen
    }

    /// The title of a candidate, for comparisons.
    fn title(&self, at: usize) -> String {
        let (title, _) = extract::clean_title(&self.document.blocks[at].text.text);
        title.to_lowercase()
    }

    fn add_other_levels(&self, level: u8, chosen: &mut Chosen) {
        let headings: Vec<&Candidate> = self.headings().collect();
        let is_chosen = |heading: &&&Candidate| chosen.contains_key(&heading.at);
        // Where questions have a label, headings of other levels with a label are questions too, and no others.
        if headings.iter().filter(is_chosen).any(|heading| heading.word) {
            let labelled = headings.iter().filter(|heading| heading.word && heading.asks > Asks::No);
            let labelled: Vec<_> = labelled.map(|heading| (heading.at, heading.marking)).collect();
            return chosen.extend(labelled);
        }
        if headings.iter().filter(is_chosen).any(|heading| heading.marked()) {
            return;
        }
        let holders = holders(&headings, |heading| chosen.contains_key(&heading.at));
        let mut open: Option<u8> = None;
        for heading in headings {
            let own = heading.level();
            if open.is_some_and(|open| open < own || heading.of_answer) {
                continue;
            }
            let is_chosen = chosen.contains_key(&heading.at)
                || own != level && heading.asks == Asks::Surely && !holders.contains(&heading.at);
            if is_chosen {
                chosen.entry(heading.at).or_insert(Marking::Heading(own));
            }
            open = is_chosen.then_some(own);
        }
    }

    /// Headings that are parts of answers whatever their level: labels such as `Answer`, and texts that recur
    /// under question after question.
    fn parts(&self, chosen: &Chosen) -> HashSet<usize> {
        let unchosen = || self.headings().filter(|heading| !chosen.contains_key(&heading.at));
        let text = |heading: &Candidate| self.document.blocks[heading.at].text.text.as_str();
        let mut counts: HashMap<String, usize> = HashMap::new();
        for heading in unchosen() {
            *counts.entry(contents::bare_slug(text(heading))).or_default() += 1;
        }
        let recurs = |heading: &Candidate| counts[&contents::bare_slug(text(heading))] > 2;
        unchosen().filter(|heading| heading.of_answer || recurs(heading)).map(|heading| heading.at).collect()
    }
}

/// The blocks of the answers below chosen headings, which are of one level.
fn answers(choice: &Choice, candidates: &[Candidate]) -> Vec<Range<usize>> {
    let is_heading = |candidate: &&Candidate| matches!(candidate.marking, Marking::Heading(_));
    let headings: Vec<&Candidate> = candidates.iter().filter(is_heading).collect();
    let chosen: HashSet<usize> = choice.chosen.iter().copied().collect();
    let mut answers = Vec::new();
    for (at, heading) in headings.iter().enumerate().filter(|(_, heading)| chosen.contains(&heading.at)) {
        let end = headings[at + 1..].iter().find(|next| next.level() <= heading.level());
        answers.push(heading.at..end.map_or(usize::MAX, |end| end.at));
    }
    answers
}

/// The questions that one marking gives.
struct Choice {
    marking: Marking,
    chosen: Vec<usize>,
    points: usize,
    /// How many are surely questions.
    surely: usize,
    /// How many of these read as questions; the others are only named by a table of contents.
    asking: usize,
    /// The document labels all of them as questions: `Question 3: …`.
    labelled: bool,
    /// What the chosen ones have in common.
    why: String,
}

/// Whether a candidate is in one of these ranges, which are in order.
fn is_inside(candidate: &Candidate, answers: &[Range<usize>]) -> bool {
    let around = answers.partition_point(|answer| answer.end <= candidate.at);
    answers.get(around).is_some_and(|answer| answer.start <= candidate.at)
}

/// The headings above at least one heading with a property, before the next heading of their own or a higher rank.
fn holders(headings: &[&Candidate], is: impl Fn(&Candidate) -> bool) -> HashSet<usize> {
    // For each level: whether a heading of it, or one below that, has the property.
    let mut found = [false; 8];
    let mut holders = HashSet::new();
    for heading in headings.iter().rev() {
        let below = usize::from(heading.level()) + 1;
        let holds = found[below..].iter().any(|found| *found);
        found[below..].fill(false);
        found[below - 1] |= holds || is(heading);
        if holds {
            holders.insert(heading.at);
        }
    }
    holders
}

/// Why some of the candidates of one marking were chosen: `118 of 130, 110 end with a question mark`.
fn why(all: &[Candidate], chosen: &[Candidate]) -> String {
    let mut why = format!("{} of {}", chosen.len(), all.len());
    for (count, what) in [
        (count(chosen, |question| question.asks == Asks::Surely), "end with a question mark"),
        (count(chosen, |question| question.asks == Asks::Maybe), "begin as a question or a request does"),
        (count(chosen, |question| question.word), "have a label"),
        (count(chosen, |question| question.number.is_some()), "are numbered"),
        (count(chosen, |question| question.in_contents), "are in the table of contents"),
    ] {
        if count > 0 {
            why += &format!(", {count} {what}");
        }
    }
    why
}

/// In a list of folds or definitions half of which ask, the others are questions as well.
fn most_or_asking(all: &[Candidate]) -> Vec<Candidate> {
    let asking = count(all, |title| title.asks > Asks::No || title.marked());
    if asking > 0 && asking * 2 >= all.len() {
        all.to_vec()
    } else {
        only(all, |title| title.asks == Asks::Surely)
    }
}

fn chosen_bullets(all: &[Candidate]) -> Vec<Candidate> {
    let all = bold_ones(all);
    let surely = count(&all, |item| item.asks == Asks::Surely);
    let weakest = if surely * 2 >= all.len() { Asks::Maybe } else { Asks::Surely };
    only(&all, |item| item.asks >= weakest)
}

/// If most items that ask are bold, the bold ones; else all.
fn bold_ones(all: &[Candidate]) -> Vec<Candidate> {
    let asking = count(all, |item| item.asks > Asks::No);
    let bold = count(all, |item| item.asks > Asks::No && item.bold);
    if bold * 10 > asking * 6 { only(all, |item| item.bold) } else { all.to_vec() }
}

fn chosen_numbers(style: Style, all: &[Candidate]) -> Vec<Candidate> {
    let all = bold_ones(all);
    let marks: Vec<Mark> = all
        .iter()
        .filter_map(|item| {
            Some(Mark {
                line: item.at as u64,
                number: item.number?,
                question_like: item.asks > Asks::No,
                follows_item: item.follows_item,
                after_heading: item.after_heading,
                after_blank: item.after_blank,
            })
        })
        .collect();
    let (lines, points) = numbering::questions(style, &marks);
    let lines: HashSet<usize> = lines.into_iter().map(|line| line as usize).collect();
    let chosen = only(&all, |item| lines.contains(&item.at));
    // A number is a weak mark: steps and the paragraphs of a license ask nothing.
    let asking = count(&chosen, |item| item.asks > Asks::No);
    if points < 4 * FEWEST as i32 || asking * 4 < chosen.len() {
        return only(&all, |item| item.asks == Asks::Surely);
    }
    chosen
}

fn count(all: &[Candidate], is: impl Fn(&Candidate) -> bool) -> usize {
    all.iter().filter(|candidate| is(candidate)).count()
}

fn only(all: &[Candidate], is: impl Fn(&Candidate) -> bool) -> Vec<Candidate> {
    all.iter().filter(|candidate| is(candidate)).copied().collect()
}

/// Collects candidates, block by block.
struct Survey<'d> {
    document: &'d Document,
    contents: Contents,
    candidates: Vec<Candidate>,
    blank_before: bool,
    heading_before: bool,
    /// The style of the numbered line directly before.
    style_before: Option<Style>,
    /// A number alone on its line: the next line is its title.
    alone: Option<usize>,
    /// A line that asks and waits for its prose.
    waiting: Option<Candidate>,
    /// The last line of text.
    last: Option<&'d str>,
    /// Anchors named since the last block that is neither blank nor empty of text.
    anchors: Vec<String>,
    /// For each open fold, whether its title asks.
    folds: Vec<bool>,
    /// How many open folds have a title that asks.
    asking_folds: usize,
}

impl<'d> Survey<'d> {
    fn new(document: &'d Document) -> Self {
        Self {
            document,
            contents: Contents::of(document),
            candidates: Vec::new(),
            blank_before: true,
            heading_before: true,
            style_before: None,
            alone: None,
            waiting: None,
            last: None,
            anchors: Vec::new(),
            folds: Vec::new(),
            asking_folds: 0,
        }
    }

    /// The candidates in the order of their blocks.
    fn candidates(mut self) -> Vec<Candidate> {
        let document = self.document;
        for (at, block) in document.blocks.iter().enumerate() {
            self.look_at(at, block);
        }
        // A line that asks without a mark is added after what follows it.
        self.candidates.sort_by_key(|candidate| candidate.at);
        self.drop_contents_headings();
        self.mark_recurring();
        self.candidates
    }

    /// Drops headings that are entries of a table of contents: links to a heading that has the same text.
    fn drop_contents_headings(&mut self) {
        let block = |candidate: &Candidate| &self.document.blocks[candidate.at];
        let is_entry = |candidate: &Candidate| {
            let text = &block(candidate).text;
            candidate.level() < 7
                && text.only_link
                && text.link.as_ref().is_some_and(|to| to.starts_with('#'))
        };
        if !self.candidates.iter().any(is_entry) {
            return;
        }
        let key = |candidate: &Candidate| contents::bare_slug(&block(candidate).text.text);
        let headings = self.candidates.iter().filter(|other| other.level() < 7 && !is_entry(other));
        let others: HashSet<String> = headings.map(key).collect();
        let kept = |candidate: &Candidate| !is_entry(candidate) || !others.contains(&key(candidate));
        self.candidates = only(&self.candidates, kept);
    }

    /// Headings that recur, each time once below another numbered or asking heading (`What is it?`, `When to use it?`),
    /// are parts of the answers to those.
    fn mark_recurring(&mut self) {
        let mut above: BTreeMap<u8, usize> = BTreeMap::new();
        // For each text and level: the candidates and the headings above them.
        let mut recurring: HashMap<(u8, String), (Vec<usize>, HashSet<usize>)> = HashMap::new();
        for (nth, heading) in self.candidates.iter().enumerate().filter(|(_, heading)| heading.level() < 7) {
            let level = heading.level();
            above.split_off(&level);
            if let Some((_, parent)) = above.last_key_value() {
                let key = contents::bare_slug(&self.document.blocks[heading.at].text.text);
                let (all, parents) = recurring.entry((level, key)).or_default();
                all.push(nth);
                parents.insert(*parent);
            }
            above.insert(level, nth);
        }
        let is_question = |at: &usize| self.candidates[*at].marked() || self.candidates[*at].asks > Asks::No;
        let parts: Vec<usize> = recurring
            .into_values()
            .filter(|(all, parents)| {
                all.len() > 2 && parents.len() == all.len() && parents.iter().all(is_question)
            })
            .flat_map(|(all, _)| all)
            .collect();
        for part in parts {
            self.candidates[part].of_answer = true;
        }
    }

    fn look_at(&mut self, at: usize, block: &'d Block) {
        let text = block.text.text.as_str();
        match block.kind {
            Kind::Blank => {
                self.blank_before = true;
                return;
            }
            Kind::FoldStart => return self.folds.push(false),
            Kind::FoldEnd => {
                self.asking_folds -= usize::from(self.folds.pop() == Some(true));
                return;
            }
            Kind::Text if text.is_empty() => {
                self.anchors.extend(contents::anchors(self.document.source(block)));
                return;
            }
            Kind::Text => self.look_at_text(at, block),
            Kind::Heading(level) => self.push(at, block, Marking::Heading(level), text),
            // A fold inside an answer is part of it.
            Kind::Summary if self.asking_folds > 0 => {}
            Kind::Summary => {
                self.push(at, block, Marking::Summary, text);
                if let (Some(fold), Some(candidate)) = (self.folds.last_mut(), self.candidates.last()) {
                    let asks = candidate.asks > Asks::No || candidate.marked();
                    let asked = std::mem::replace(fold, asks);
                    self.asking_folds = self.asking_folds + usize::from(asks) - usize::from(asked);
                }
            }
            Kind::Term => self.push(at, block, Marking::Term, text),
            Kind::Declared => self.push(at, block, Marking::Declared, text),
            Kind::Button => self.push(at, block, Marking::Button, text),
            Kind::Code | Kind::Rule | Kind::Boundary => {}
        }
        self.heading_before = matches!(block.kind, Kind::Heading(_));
        if block.kind != Kind::Text {
            self.style_before = None;
            self.last = None;
        }
        self.blank_before = false;
        self.anchors.clear();
    }

    /// Adds a candidate of this marking.
    fn push(&mut self, at: usize, block: &Block, marking: Marking, text: &str) {
        let mut candidate = Candidate {
            at,
            marking,
            number: block.marker.and_then(|marker| marker.number),
            word: false,
            asks: Asks::No,
            bold: block.text.bold,
            in_contents: false,
            of_answer: labels::is_answer_label(text),
            follows_item: false,
            after_blank: self.blank_before,
            after_heading: self.heading_before || self.last.is_some_and(|last| self.is_section_title(last)),
        };
        let mut title = text;
        if let Some(item) = numbered_title(text) {
            (title, candidate.number, candidate.word) = (item.title, Some(item.number), item.style.word);
        } else if let Some(label) = labelled_question(text) {
            (title, candidate.word) = (label, true);
        }
        candidate.asks = Asks::of(title);
        if !self.contents.is_empty() {
            let mut anchors = contents::anchors(self.document.source(block));
            anchors.append(&mut self.anchors);
            candidate.in_contents = self.contents.names(text, &anchors);
        }
        self.candidates.push(candidate);
    }

    /// Whether the line before a numbered line is the title of its section.
    fn is_section_title(&self, last: &str) -> bool {
        is_question_count(last)
            || counted_heading(last).is_some()
            || self.blank_before && is_heading_like(last)
    }

    fn look_at_text(&mut self, at: usize, block: &'d Block) {
        let text = block.text.text.as_str();
        let waiting = self.waiting.take();
        let alone = self.alone.take();
        let style_before = self.style_before.take();
        if let Some(number) = alone {
            self.candidates[number].asks = Asks::of(text);
        }
        // A table of contents asks everything too, be it of this file or of the files next to it.
        let is_local = |link: &String| !link.contains("://");
        if block.text.only_link && block.text.link.as_ref().is_some_and(is_local) {
            self.last = Some(text);
            return;
        }
        let style = self.look_at_line(at, block, style_before);
        self.style_before = style;
        if style.is_some_and(|style| style.separator == Separator::Alone) {
            self.alone = Some(self.candidates.len() - 1);
        }
        self.look_for_bare(at, block, waiting);
        self.last = Some(text);
    }

    /// Adds the candidate that a line of text is, and returns its style if it is numbered.
    fn look_at_line(&mut self, at: usize, block: &Block, style_before: Option<Style>) -> Option<Style> {
        let text = block.text.text.as_str();
        let (title, bold) = item_title(self.document, block);
        if asked(text).is_some() {
            self.push(at, block, Marking::Quoted, text);
            self.candidates.last_mut()?.asks = Asks::Surely;
            return None;
        }
        if let Some(number) = block.marker.and_then(|marker| marker.number) {
            let style =
                Style { bullet: false, word: false, indented: block.indent > 0, separator: Separator::Dot };
            self.push(at, block, Marking::Numbered(style), &title);
            return self.number(number, bold, style, style_before);
        }
        if let Some(item) = numbered(text).filter(|item| {
            !block.text.bold && (block.marker.is_none() || item.style.separator != Separator::Space)
        }) {
            let style = Style {
                bullet: block.marker.is_some() || item.style.bullet,
                indented: block.indent > 0,
                ..item.style
            };
            let labelled = style.word && style.separator != Separator::Alone && !style.bullet;
            self.push(
                at,
                block,
                if labelled { Marking::Label } else { Marking::Numbered(style) },
                item.title,
            );
            self.number(item.number, bold, style, style_before)?;
            self.candidates.last_mut()?.word = style.word;
            return Some(style);
        }
        let labelled = labelled_question(text).is_some_and(|rest| !rest.is_empty());
        if block.marker.is_some() && !labelled {
            if Asks::of(&title) > Asks::No {
                self.push(at, block, Marking::Bullet(block.indent), &title);
                self.candidates.last_mut()?.bold = bold;
            }
            return None;
        }
        if labelled || block.text.bold {
            self.push(at, block, if block.text.bold { Marking::Bold } else { Marking::Label }, text);
            let candidate = self.candidates.last()?;
            if !candidate.marked() && candidate.asks == Asks::No {
                self.candidates.pop();
            }
        }
        None
    }

    fn number(
        &mut self,
        number: u32,
        bold: bool,
        style: Style,
        style_before: Option<Style>,
    ) -> Option<Style> {
        let follows_item = style_before == Some(style) && !self.blank_before;
        let candidate = self.candidates.last_mut()?;
        candidate.number = Some(number);
        candidate.bold = bold;
        candidate.follows_item = follows_item;
        Some(style)
    }

    /// A line that asks, followed by one that does not.
    fn look_for_bare(&mut self, at: usize, block: &Block, waiting: Option<Candidate>) {
        let text = block.text.text.as_str();
        let asks = text.ends_with(['?', '？', '؟'])
            && block.indent == 0
            && block.marker.is_none()
            && text.len() <= LONGEST_BARE;
        // The end of a sentence in a wrapped paragraph is not a question of its own.
        let begins = text.starts_with(|c: char| !c.is_lowercase()) && !text.contains(". ");
        let words = text.split_whitespace().nth(1).is_some() || !text.is_ascii();
        let asks = asks && begins && words && !text.starts_with("//");
        if let Some(question) = waiting.filter(|_| !asks && text.len() > 30) {
            self.candidates.push(question);
        }
        if asks {
            self.push(at, block, Marking::Bare, text);
            self.waiting = self.candidates.pop();
        }
    }
}

/// The number of a title, if something more than white space follows it.
pub fn numbered_title(text: &str) -> Option<super::question_line::Item<'_>> {
    if let Some(item) = dotted(text) {
        return Some(item);
    }
    let item = numbered(text).filter(|item| !item.style.bullet && !item.title.is_empty())?;
    let sign = matches!(item.style.separator, Separator::Dot | Separator::Parenthesis | Separator::Colon);
    (sign || item.style.word).then_some(item)
}

/// What an item asks, and whether in bold: its bold beginning if it has one (`- **What?** It …`), else all of it up
/// to its last question mark.
fn item_title(document: &Document, block: &Block) -> (String, bool) {
    match block.marker.and_then(|_| split_item(content(document, block))) {
        Some((title, _)) => {
            let title = inline(title);
            (title.text, title.bold)
        }
        None => (block.text.text.clone(), block.text.bold),
    }
}

/// The source of an item behind its marker.
pub fn content<'d>(document: &'d Document, block: &Block) -> &'d str {
    let source = document.source(block).trim_start();
    let Some(marker) = block.marker else {
        return source;
    };
    let rest = match marker.number {
        Some(_) => source.trim_start_matches(|c: char| c.is_ascii_digit()).get(1..),
        None => source.char_indices().nth(1).map(|(at, _)| &source[at..]),
    };
    rest.unwrap_or_default().trim_start()
}

/// The question of an item, and the answer that begins on the same line.
pub fn split_item(raw: &str) -> Option<(&str, &str)> {
    let (at, rest) = match raw.strip_prefix("**").and_then(|inner| inner.find("**")) {
        Some(close) => (close + 4, &raw[close + 4..]),
        None => {
            if split_level(raw).1.is_some() {
                return None;
            }
            let at = raw.find("? ")? + 1;
            // `[Why? And how?](link)` is one title.
            if raw[..at].matches('[').count() > raw[..at].matches(']').count() {
                return None;
            }
            (at, &raw[at..])
        }
    };
    let rest = rest.trim_start_matches([':', ' ', '-', '–', '—']);
    // `**Q:** What is it?`
    let label = raw[..at].trim_matches('*').trim_end_matches([':', '.']);
    let is_label = label.len() <= 8 && !label.contains(' ');
    // `May I? And if not, why?` is one question.
    (!rest.trim().is_empty() && !is_label && !ends_asking(rest)).then_some((&raw[..at], rest))
}

/// How often each of some lines occurs.
pub fn counts<'a>(lines: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}
