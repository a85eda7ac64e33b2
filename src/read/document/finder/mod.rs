//! Finds the questions of a document.
//!
//! The finder works in two passes. The first collects every block that may be a question, as [`Candidate`]s, and
//! chooses the [`Marking`] that explains the document best. The second cuts the questions out (`extract`).

mod candidate;
mod choice;
mod collect;
mod layout;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::findings::{Chosen, Findings, Marking};
use super::model::Document;
use super::{contents, extract};
use candidate::{Asks, Candidate, holders, is_inside, only};
use choice::{Choice, FEWEST};
use layout::Layout;

/// Finds the questions of a document.
pub fn find(document: &Document) -> Findings {
    let layout = Layout::of(document);
    let best = layout.best(&(0..document.blocks.len()), |_| true);
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
    let chosen = layout.chosen(best);
    let others: BTreeSet<String> =
        chosen.values().filter(|other| **other != marking).map(ToString::to_string).collect();
    if !others.is_empty() {
        why += &format!("; in other parts, {}", others.into_iter().collect::<Vec<_>>().join(", "));
    }
    Findings {
        marking: Some(marking),
        why: Some(why),
        ..extract::extract(document, &chosen, &layout.parts(&chosen))
    }
}

impl Layout<'_> {
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

#[cfg(test)]
mod tests {
    use super::candidate::tests::candidates;
    use super::*;

    #[test]
    fn a_candidate_is_inside_an_answer_from_its_start_to_its_end() {
        let all = candidates(&"? ".repeat(10));
        let inside: Vec<usize> =
            all.iter().filter(|one| is_inside(one, &[2..5, 8..9])).map(|one| one.at).collect();
        assert_eq!(inside, [2, 3, 4, 8]);
    }

    #[test]
    fn holders_are_above_a_heading_that_asks() {
        for (levels, expected) in [
            ("2. 3? 2. 3.", &[0][..]),
            ("2? 3.", &[]),
            ("1. 2. 3? 2.", &[0, 1]),
            ("2. 3. 2. 3?", &[2]),
            ("3. 2? 3.", &[]),
            ("1. 3? 2. 3.", &[0]),
        ] {
            let all = candidates(levels);
            let headings: Vec<&Candidate> = all.iter().collect();
            let mut found: Vec<usize> =
                holders(&headings, |heading| heading.asks == Asks::Surely).into_iter().collect();
            found.sort();
            assert_eq!(found, expected, "{levels}");
        }
    }

    #[test]
    fn an_answer_ends_at_the_next_heading_of_its_level_or_above() {
        let all = candidates("2? 3. 2? 3? 1.");
        let choice = Choice {
            marking: Marking::Heading(2),
            chosen: vec![0, 2],
            points: 0,
            surely: 0,
            asking: 0,
            labelled: false,
            why: String::new(),
        };
        assert_eq!(answers(&choice, &all), [0..2, 2..4]);
        assert_eq!(answers(&choice, &all[..4]), [0..2, 2..usize::MAX]);
    }
}
