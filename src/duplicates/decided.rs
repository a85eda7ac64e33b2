//! Decisions of people, found again in an index.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::Found;
use super::classes::Different;
use crate::decisions::{Decided, Decision, Decisions};
use crate::feedback::bounded_title;
use crate::question::Question;
use crate::title::title_key;

/// A decision that was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unapplied {
    /// The decision.
    pub decision: Decision,
    /// Why it was not applied.
    pub reason: Reason,
}

/// Why a decision was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A question has another title now.
    Changed {
        /// Its id.
        id: String,
        /// Its title when it was decided about.
        from: String,
        /// Its title now.
        to: String,
    },
    /// The index has neither the id of a question nor exactly one question with its title.
    Gone {
        /// Its id.
        id: String,
        /// Its title when it was decided about.
        title: String,
    },
    /// Questions that were decided to be the same would be in one group with questions that are different from them.
    Contradiction,
}

impl Unapplied {
    pub(super) fn contradiction(decision: Decision) -> Self {
        Self { decision, reason: Reason::Contradiction }
    }

    /// Whether the decision is about a question that has changed or is not in the index.
    pub fn is_stale(&self) -> bool {
        self.reason != Reason::Contradiction
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { id, from, to } => {
                write!(f, "the title of {id} was “{from}” and is “{to}” now")
            }
            Self::Gone { id, title } => write!(f, "{id} (“{title}”) is not in the index any more"),
            Self::Contradiction => f.write_str("other decisions say that these questions are different"),
        }
    }
}

/// A decision that two questions are the same.
pub(super) struct Link {
    pub one: usize,
    pub two: usize,
    /// Which of them is the one to keep.
    best: Option<usize>,
    pub decision: Decision,
}

impl Link {
    /// The question to keep and the other one, if one was chosen.
    pub fn kept(&self) -> Option<(usize, usize)> {
        self.best.map(|best| (best, if best == self.one { self.two } else { self.one }))
    }
}

/// Decisions about questions of an index, which are given by their position.
pub(super) struct Resolved {
    pub different: Different,
    /// In the order of the questions. It does not depend on the ids or the order of the decisions.
    pub links: Vec<Link>,
    /// The decisions about questions that have changed or are not in the index any more.
    pub unapplied: Vec<Unapplied>,
}

/// Finds the questions of decisions. `elsewhere` has the ids and titles of questions of the index that are not compared.
/// Decisions about those are left out.
///
/// A question is found by its id if its title is [the same](title_key). If the index does not have the id, because a file was
/// renamed, it is found by its title if only one question has it.
pub(super) fn resolve(
    decisions: &Decisions,
    questions: &[Question],
    elsewhere: &[(String, String)],
) -> Resolved {
    let mut resolved = Resolved { different: Different::default(), links: Vec::new(), unapplied: Vec::new() };
    if decisions.is_empty() {
        return resolved;
    }
    let known = Known::new(questions, elsewhere);
    for decision in decisions.iter() {
        match known.places(decision) {
            Err(reason) => resolved.unapplied.push(Unapplied { decision: decision.clone(), reason }),
            Ok((Place::Here(one), Place::Here(two))) if decision.is_same() => {
                let best = decision.kept().map(|kept| if *kept == decision.one { one } else { two });
                let (one, two) = (one.min(two), one.max(two));
                resolved.links.push(Link { one, two, best, decision: decision.clone() });
            }
            Ok((Place::Here(one), Place::Here(two))) => resolved.different.insert(one, two),
            Ok(_) => {}
        }
    }
    resolved.links.sort_by_key(|link| (link.one, link.two, link.best));
    resolved
}

impl From<Decided> for Reason {
    fn from(Decided { id, title }: Decided) -> Self {
        Self::Gone { id, title }
    }
}

/// Where a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Among the questions that are compared.
    Here(usize),
    /// In the index.
    Elsewhere(usize),
}

/// The questions of an index by id and title.
struct Known<'a> {
    by_id: HashMap<&'a str, (Place, &'a str)>,
    /// By the title as it is, and by what must be equal in two titles. `None` if several questions have it.
    by_title: HashMap<String, Option<Place>>,
    by_key: HashMap<String, Option<Place>>,
}

impl<'a> Known<'a> {
    fn new(questions: &'a [Question], elsewhere: &'a [(String, String)]) -> Self {
        let here = questions.iter().enumerate();
        let here =
            here.map(|(nth, question)| (Place::Here(nth), question.id.as_str(), question.title.as_str()));
        let others = elsewhere.iter().enumerate();
        let others = others.map(|(nth, (id, title))| (Place::Elsewhere(nth), id.as_str(), title.as_str()));
        let mut known = Self { by_id: HashMap::new(), by_title: HashMap::new(), by_key: HashMap::new() };
        for (place, id, title) in here.chain(others) {
            known.by_id.insert(id, (place, title));
            for (places, text) in
                [(&mut known.by_title, bounded_title(title)), (&mut known.by_key, key(title))]
            {
                places.entry(text).and_modify(|place| *place = None).or_insert(Some(place));
            }
        }
        known
    }

    /// Where the questions of a decision are.
    fn places(&self, decision: &Decision) -> Result<(Place, Place), Reason> {
        let (one, two) = (self.place(&decision.one)?, self.place(&decision.two)?);
        if one != two {
            return Ok((one, two));
        }
        // One of two questions with one title is gone, and the other one was found for it.
        let is_gone = |decided: &&Decided| !self.by_id.contains_key(decided.id.as_str());
        let gone = [&decision.one, &decision.two].into_iter().find(is_gone).unwrap_or(&decision.two);
        Err(gone.clone().into())
    }

    fn place(&self, decided: &Decided) -> Result<Place, Reason> {
        match self.by_id.get(decided.id.as_str()) {
            Some((place, title)) if key(title) == key(&decided.title) => Ok(*place),
            Some((_, title)) => Err(Reason::Changed {
                id: decided.id.clone(),
                from: decided.title.clone(),
                to: bounded_title(title),
            }),
            None => {
                let found =
                    self.by_title.get(&decided.title).or_else(|| self.by_key.get(&key(&decided.title)));
                found.copied().flatten().ok_or_else(|| decided.clone().into())
            }
        }
    }
}

/// What must be equal in two titles. A title without words is compared as it is.
fn key(title: &str) -> String {
    let title = bounded_title(title);
    title_key(&title).unwrap_or(title)
}

/// Removes the questions that were decided to be different from a phrase. The phrase is taken for a question of a decision if
/// it has its title, and the other question does not.
pub fn retain_undecided(found: &mut Vec<Found>, phrase: &str, decisions: &Decisions) {
    let phrase = key(phrase);
    let mut different: HashSet<(&str, String)> = HashSet::new();
    for decision in decisions.iter().filter(|decision| !decision.is_same()) {
        let [one, two] = [&decision.one, &decision.two].map(|decided| key(&decided.title));
        if one != two && one == phrase {
            different.insert((&decision.two.id, two));
        } else if one != two && two == phrase {
            different.insert((&decision.one.id, one));
        }
    }
    if !different.is_empty() {
        let is_different =
            |question: &Question| different.contains(&(question.id.as_str(), key(&question.title)));
        found.retain(|found| !is_different(&found.question));
    }
}
