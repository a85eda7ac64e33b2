//! Finds the questions of a document.
//!
//! The finder works in two passes. The first collects every block that may be a question, as [`Candidate`]s, and
//! chooses the [`Marking`] that explains the document best. The second cuts the questions out (`extract`).

mod candidate;
mod choice;
mod collect;
mod marking;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::question_line::labelled_answer;
use super::title::clean_title;
use super::{Document, Kind, contents, extract};
use crate::question::Question;
use crate::read::Report;
use candidate::{Asks, Candidate, only};
use choice::Choice;
use collect::Collector;
pub use marking::Marking;

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

impl<'d> Finder<'d> {
    fn new(document: &'d Document) -> Self {
        let candidates = Collector::new(document).candidates();
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
        let (title, _) = clean_title(&self.document.blocks[at].text.text);
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
