//! The state of a review. It turns keys into changes of the decisions and does not access the terminal.

use std::collections::{HashMap, HashSet};

use crossterm::event::KeyEvent;

use super::keys::{Command, command};
use crate::decisions::{Choice, Decided, Decision, Decisions};
use crate::duplicates::{Judged, Pair};
use crate::interactive::state::stepped;
use crate::question::Question;

/// Two questions to decide about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The number of the group, from 0.
    pub group: usize,
    /// The question to keep, as far as it is known.
    pub one: usize,
    /// Its duplicate.
    pub two: usize,
}

impl Item {
    fn pair(&self) -> (usize, usize) {
        (self.one.min(self.two), self.one.max(self.two))
    }
}

/// A change of the decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The ids of both questions.
    pub ids: [String; 2],
    /// The new decision. `None` removes it.
    pub decision: Option<Decision>,
    /// Whether it takes back the last change.
    pub is_undo: bool,
}

/// An action that the caller must take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Save a change, and call [`State::saved`].
    Change(Box<Change>),
    /// Suspend the program until the shell resumes it.
    Suspend,
    /// Exit.
    Leave,
}

/// What was decided in a review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of pairs that were decided.
    pub decided: usize,
    /// The number of pairs that were shown or waiting, and are not decided.
    pub open: usize,
}

/// A change that can be taken back.
#[derive(Debug)]
struct Done {
    /// The pair that was shown.
    at: usize,
    item: Item,
    /// The decision before.
    before: Option<Decision>,
}

/// The state of a review.
pub struct State<'a> {
    judged: &'a Judged<'a>,
    decisions: Decisions,
    items: Vec<Item>,
    /// The position of the pair that is shown. The number of pairs if all were shown.
    at: usize,
    /// Whether the second question is selected.
    pub is_second_selected: bool,
    /// The index of the first visible line of the answers.
    pub scroll: usize,
    /// The number of visible lines, and of all lines of the longer answer, in the last frame.
    pub seen: (usize, usize),
    /// Whether the help is shown.
    pub help: bool,
    /// An error or another message to show.
    pub notice: Option<String>,
    /// The pairs that were decided in this review.
    decided: HashSet<(usize, usize)>,
    done: Vec<Done>,
}

impl<'a> State<'a> {
    /// The pairs of the open groups, according to decisions.
    pub fn new(judged: &'a Judged<'a>, decisions: Decisions) -> Self {
        let mut state = Self {
            judged,
            decisions,
            items: Vec::new(),
            at: 0,
            is_second_selected: false,
            scroll: 0,
            seen: (0, 0),
            help: false,
            notice: None,
            decided: HashSet::new(),
            done: Vec::new(),
        };
        state.add_open();
        state
    }

    /// The pair that is shown. `None` if there is no further pair.
    pub fn current(&self) -> Option<Item> {
        self.items.get(self.at).copied()
    }

    /// A question of a pair.
    pub fn question(&self, nth: usize) -> &'a Question {
        &self.judged.questions()[nth]
    }

    /// Why the questions of a pair are duplicates.
    pub fn pair(&self, item: Item) -> Pair {
        let (one, two) = item.pair();
        self.judged.pair(one, two)
    }

    /// What was decided about a pair.
    pub fn decision(&self, item: Item) -> Option<&Decision> {
        self.decisions.get(&self.question(item.one).id, &self.question(item.two).id)
    }

    /// The position of the pair that is shown, and the number of pairs; and the same of the groups.
    pub fn position(&self) -> [(usize, usize); 2] {
        let groups = self.items.last().map_or(0, |last| last.group + 1);
        let group = self.current().map_or(groups, |item| item.group + 1);
        [((self.at + 1).min(self.items.len()), self.items.len()), (group, groups)]
    }

    /// What was decided so far.
    pub fn progress(&self) -> Progress {
        let is_open = |item: &&Item| self.decision(**item).is_none();
        Progress { decided: self.decided.len(), open: self.items.iter().filter(is_open).count() }
    }

    /// Handles a key. Returns the effect that the caller must carry out, if there is one.
    pub fn on(&mut self, key: KeyEvent) -> Option<Effect> {
        let command = command(key)?;
        self.notice = None;
        if std::mem::take(&mut self.help) && matches!(command, Command::Leave | Command::Help) {
            return None;
        }
        match command {
            Command::Same => return self.decide(Choice::Same),
            Command::Different => return self.decide(Choice::Different),
            Command::Keep if self.is_second_selected => return self.decide(Choice::KeepTwo),
            Command::Keep => return self.decide(Choice::KeepOne),
            Command::Undo => return self.undo(),
            Command::Move(step) => self.show(self.at.saturating_add_signed(step)),
            Command::SelectFirst => self.is_second_selected = false,
            Command::SelectSecond => self.is_second_selected = true,
            Command::SelectOther => self.is_second_selected = !self.is_second_selected,
            Command::Scroll(step) => {
                let (shown, lines) = self.seen;
                self.scroll = stepped(self.scroll, step, shown, lines.saturating_sub(shown) + 1);
            }
            Command::Help => self.help = true,
            Command::Suspend => return Some(Effect::Suspend),
            Command::Leave => return Some(Effect::Leave),
        }
        None
    }

    fn decide(&mut self, choice: Choice) -> Option<Effect> {
        let item = self.current()?;
        let [one, two] = [item.one, item.two].map(|nth| Decided::from(self.question(nth)));
        let ids = [one.id.clone(), two.id.clone()];
        if ids[0] == ids[1] {
            self.notice = Some("these questions have the same id, so nothing can be decided".to_owned());
            return None;
        }
        let decision = Decision::new(one, two, choice);
        let note = self.decision(item).map(|before| before.note.clone()).unwrap_or_default();
        let decision = Some(Decision { note, ..decision });
        Some(Effect::Change(Box::new(Change { ids, decision, is_undo: false })))
    }

    fn undo(&mut self) -> Option<Effect> {
        let Some(done) = self.done.last() else {
            self.notice = Some("there is nothing to undo".to_owned());
            return None;
        };
        let ids = [done.item.one, done.item.two].map(|nth| self.question(nth).id.clone());
        Some(Effect::Change(Box::new(Change { ids, decision: done.before.clone(), is_undo: true })))
    }

    /// Shows what follows a change that was saved. `decisions` are all in the file.
    pub fn saved(&mut self, change: &Change, decisions: Decisions) {
        let before = std::mem::replace(&mut self.decisions, decisions);
        if change.is_undo {
            self.undone();
            return;
        }
        let Some(item) = self.current() else { return };
        let before = before.get(&change.ids[0], &change.ids[1]).cloned();
        self.done.push(Done { at: self.at, item, before });
        self.decided.insert(item.pair());
        // The other questions of the group are compared with the one to keep.
        let kept = change.decision.as_ref().and_then(Decision::kept).map(|kept| kept.id.as_str());
        if kept == Some(self.question(item.two).id.as_str()) {
            self.replace(self.at, item, item.two);
        }
        self.show(self.at + 1);
    }

    /// Shows the pair again whose decision was taken back.
    fn undone(&mut self) {
        let Some(Done { at, item, .. }) = self.done.pop() else { return };
        let is_decided_before = self.done.iter().any(|done| done.item.pair() == item.pair());
        if !is_decided_before {
            self.decided.remove(&item.pair());
        }
        self.replace(at, Item { one: item.two, ..item }, item.one);
        self.items[at] = item;
        self.show(at);
    }

    /// Replaces the question to keep in the pairs of a group after a position.
    fn replace(&mut self, at: usize, item: Item, one: usize) {
        let later = self.items.iter_mut().skip(at + 1).filter(|later| later.group == item.group);
        later.filter(|later| later.one == item.one && later.two != one).for_each(|later| later.one = one);
    }

    /// Shows a pair. After the last one, the groups are built again with the decisions: the rest of a group that was split
    /// can be a group.
    fn show(&mut self, at: usize) {
        if at >= self.items.len() {
            self.add_open();
        }
        self.at = at.min(self.items.len());
        self.is_second_selected = false;
        self.scroll = 0;
    }

    /// Adds the pairs of open groups that were not shown yet.
    fn add_open(&mut self) {
        let known: HashSet<(usize, usize)> = self.items.iter().map(Item::pair).collect();
        let grouped = self.judged.grouped(&self.decisions);
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let mut next = self.items.last().map_or(0, |last| last.group + 1);
        for group in &grouped.groups {
            for member in group.members.iter().filter(|member| !member.is_decided) {
                let item = Item { group: 0, one: group.canonical, two: member.question };
                if !known.contains(&item.pair()) {
                    let group = *numbers.entry(group.canonical).or_insert_with(|| {
                        next += 1;
                        next - 1
                    });
                    self.items.push(Item { group, ..item });
                }
            }
        }
    }
}
