//! Decisions of people about pairs of duplicate questions: the lines of a file, read and saved.
//!
//! The file has one JSON object per line and one line per pair, in the order of the ids. Two people who decide different
//! pairs change different lines, so that version control merges both. A line names each question by its id and its title.
//! The title shows later whether the question is still the one that was decided about.

mod file;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::feedback::bounded_title;
use crate::hint::hinted;
use crate::question::Question;

pub use file::DecisionFile;

/// The name of the file that `rqsearch dups` uses by default: beside the directory of the index.
pub const FILE_NAME: &str = "duplicates.jsonl";

/// A question of a decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The id of the question.
    pub id: String,
    /// The title of the question when it was decided about, shortened by [`bounded_title`].
    pub title: String,
}

impl From<&Question> for Decided {
    fn from(question: &Question) -> Self {
        Self { id: question.id.clone(), title: bounded_title(&question.title) }
    }
}

/// What was decided about two questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// They ask the same.
    Same,
    /// They ask something else.
    Different,
    /// They ask the same, and the first one is the one to keep.
    KeepOne,
    /// They ask the same, and the second one is the one to keep.
    KeepTwo,
}

/// A decision about two questions: a line of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Line", into = "Line")]
pub struct Decision {
    /// The question with the lesser id.
    pub one: Decided,
    /// The question with the greater id.
    pub two: Decided,
    /// What was decided.
    pub choice: Choice,
    /// Why, in words. Can be empty.
    pub note: String,
    /// Who decided. Can be empty.
    pub author: String,
    /// When, RFC 3339. Can be empty.
    pub date: String,
}

impl Decision {
    /// A decision about two questions in any order. `choice` calls the first argument one, and the second one two. The note,
    /// the author and the date are empty.
    pub fn new(one: Decided, two: Decided, choice: Choice) -> Self {
        let decision = |one, two, choice| Self {
            one,
            two,
            choice,
            note: String::new(),
            author: String::new(),
            date: String::new(),
        };
        match (one.id <= two.id, choice) {
            (true, _) => decision(one, two, choice),
            (false, Choice::KeepOne) => decision(two, one, Choice::KeepTwo),
            (false, Choice::KeepTwo) => decision(two, one, Choice::KeepOne),
            (false, _) => decision(two, one, choice),
        }
    }

    /// The question to keep, if one was chosen.
    pub fn kept(&self) -> Option<&Decided> {
        match self.choice {
            Choice::KeepOne => Some(&self.one),
            Choice::KeepTwo => Some(&self.two),
            Choice::Same | Choice::Different => None,
        }
    }

    /// Whether the questions ask the same.
    pub fn is_same(&self) -> bool {
        self.choice != Choice::Different
    }

    fn pair(&self) -> (String, String) {
        (self.one.id.clone(), self.two.id.clone())
    }
}

/// A decision as written in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    one: Decided,
    two: Decided,
    decision: Word,
    /// With `keep`: the id of the question to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    author: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    date: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Same,
    Different,
    Keep,
}

impl TryFrom<Line> for Decision {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let Line { one, two, decision, keep, note, author, date } = line;
        if one.id.is_empty() || two.id.is_empty() {
            return Err("an id is empty".into());
        }
        if one.id == two.id {
            return Err(format!("both ids are {}", one.id));
        }
        let choice = match (decision, keep) {
            (Word::Same, None) => Choice::Same,
            (Word::Different, None) => Choice::Different,
            (Word::Keep, Some(id)) if id == one.id => Choice::KeepOne,
            (Word::Keep, Some(id)) if id == two.id => Choice::KeepTwo,
            (Word::Keep, _) => return Err("`keep` must be the id of one of the questions".into()),
            (_, Some(_)) => return Err("`keep` needs the decision `keep`".into()),
        };
        Ok(Self { note, author, date, ..Self::new(one, two, choice) })
    }
}

impl From<Decision> for Line {
    fn from(decision: Decision) -> Self {
        let keep = decision.kept().map(|kept| kept.id.clone());
        let Decision { one, two, choice, note, author, date } = decision;
        let decision = match choice {
            Choice::Same => Word::Same,
            Choice::Different => Word::Different,
            Choice::KeepOne | Choice::KeepTwo => Word::Keep,
        };
        Self { one, two, decision, keep, note, author, date }
    }
}

/// Decisions, at most one for each pair of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decisions(BTreeMap<(String, String), Decision>);

impl Decisions {
    /// Reads a file of decisions. Empty lines are ignored.
    ///
    /// # Errors
    /// The file cannot be read, a line is not valid, or two lines decide one pair differently.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> anyhow::Result<Self> {
        let mut decisions = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let at = || format!("{}:{number}", path.display());
            if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
                bail!(hinted(
                    format!("{}: a merge conflict", at()),
                    "keep the lines of both sides, and remove the marks"
                ));
            }
            if line.trim().is_empty() {
                continue;
            }
            let decision = parse_line(line).with_context(|| format!("{}: not a decision", at()))?;
            decisions.merge(decision).with_context(at)?;
        }
        Ok(decisions)
    }

    /// Adds a decision of another person. If the same was decided before, the later date is kept.
    fn merge(&mut self, decision: Decision) -> anyhow::Result<()> {
        match self.0.entry(decision.pair()) {
            Entry::Vacant(entry) => _ = entry.insert(decision),
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                ensure!(
                    known.choice == decision.choice,
                    hinted(
                        format!(
                            "another line decides the pair {} and {} differently",
                            decision.one.id, decision.two.id
                        ),
                        "remove one of both lines"
                    )
                );
                if (&known.date, &*known) < (&decision.date, &decision) {
                    *known = decision;
                }
            }
        }
        Ok(())
    }

    /// The decision about two questions, whose ids are given in any order.
    pub fn get(&self, one: &str, two: &str) -> Option<&Decision> {
        let (one, two) = (one.min(two), one.max(two));
        self.0.get(&(one.to_owned(), two.to_owned()))
    }

    /// Adds a decision. Returns the one that it replaces.
    pub fn insert(&mut self, decision: Decision) -> Option<Decision> {
        self.0.insert(decision.pair(), decision)
    }

    /// Removes the decision about two questions, whose ids are given in any order.
    pub fn remove(&mut self, one: &str, two: &str) -> Option<Decision> {
        let (one, two) = (one.min(two), one.max(two));
        self.0.remove(&(one.to_owned(), two.to_owned()))
    }

    /// All decisions, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.0.values()
    }

    /// The number of decisions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no decisions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for decision in self.iter() {
            serde_json::to_writer(&mut *out, decision)?;
            writeln!(out)?;
        }
        out.flush()
    }
}

impl FromIterator<Decision> for Decisions {
    fn from_iter<T: IntoIterator<Item = Decision>>(decisions: T) -> Self {
        Self(decisions.into_iter().map(|decision| (decision.pair(), decision)).collect())
    }
}

fn parse_line(line: &str) -> anyhow::Result<Decision> {
    serde_json::from_str(line).map_err(|error| {
        // The position in the file is that of the line.
        let reason = error.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
        anyhow::anyhow!("{reason}")
    })
}

/// Whether the first line of a file that is not empty is a decision. Such a file has no questions.
pub fn has_decisions(path: &Path) -> bool {
    /// A longer line is not read.
    const LONGEST: u64 = 64 << 10;
    let Ok(file) = File::open(path) else { return false };
    let lines = BufReader::new(file.take(LONGEST)).split(b'\n');
    let first = lines.map_while(Result::ok).find(|line| !line.trim_ascii().is_empty());
    first.is_some_and(|line| serde_json::from_slice::<Decision>(&line).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(id: &str) -> Decided {
        Decided { id: id.into(), title: format!("What is \"{id}\"?") }
    }

    fn decision(one: &str, two: &str, choice: Choice) -> Decision {
        Decision::new(decided(one), decided(two), choice)
    }

    #[test]
    fn a_pair_has_one_order() {
        assert_eq!(decision("b", "a", Choice::KeepOne), decision("a", "b", Choice::KeepTwo));
        assert_eq!(decision("b", "a", Choice::Same), decision("a", "b", Choice::Same));
        assert_eq!(decision("b", "a", Choice::KeepOne).kept().unwrap().id, "b");
    }

    #[track_caller]
    fn check(text: &str, expected: Result<usize, &str>) {
        let found = Decisions::parse(text, Path::new("d.jsonl")).map(|found| found.len());
        match expected {
            Ok(count) => assert_eq!(found.unwrap(), count),
            Err(reason) => {
                let error = format!("{:#}", found.unwrap_err());
                assert!(error.starts_with("d.jsonl:") && error.contains(reason), "{error}");
            }
        }
    }

    #[test]
    fn lines_that_are_not_decisions_are_refused_with_their_place() {
        let line = |decision: &str| {
            format!(
                r#"{{"one":{{"id":"a","title":"A"}},"two":{{"id":"b","title":"B"}},"decision":{decision}}}"#
            )
        };
        check(&format!("\n{}\n\n", line("\"same\"")), Ok(1));
        check(&format!("{0}\n{0}\n", line("\"same\"")), Ok(1));
        check(&format!("{}\n{}", line("\"same\""), line("\"different\"")), Err("differently"));
        check(&line("\"maybe\""), Err("unknown variant `maybe`"));
        check(&line("\"keep\""), Err("`keep` must be the id"));
        check(&line("\"keep\",\"keep\":\"c\""), Err("`keep` must be the id"));
        check(&line("\"same\",\"keep\":\"a\""), Err("needs the decision `keep`"));
        check(&line("\"same\",\"Note\":\"x\""), Err("unknown field `Note`"));
        check(&line("\"same\"").replace("\"b\"", "\"a\""), Err("both ids are a"));
        check(&format!("<<<<<<< ours\n{}", line("\"same\"")), Err("1: a merge conflict"));
        check("[1]", Err("1: not a decision"));
    }

    #[test]
    fn two_lines_with_the_same_decision_give_the_later_one_in_any_order() {
        let [old, new] = ["2025-01-02T00:00:00Z", "2026-01-02T00:00:00Z"]
            .map(|date| Decision { date: date.into(), ..decision("a", "b", Choice::Same) });
        for lines in [[&old, &new], [&new, &old]] {
            let lines = lines.map(|line| serde_json::to_string(line).unwrap()).join("\n");
            let found = Decisions::parse(&lines, Path::new("d.jsonl")).unwrap();
            assert_eq!(found.get("b", "a"), Some(&new));
        }
    }

    #[test]
    fn a_file_of_questions_has_no_decisions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        assert!(!has_decisions(&path));
        fs::write(&path, "{\"question\": \"Why?\", \"decision\": \"same\"}\n").unwrap();
        assert!(!has_decisions(&path));
        assert!(DecisionFile::open(&path).is_err());
        let error = DecisionFile::open(&dir.path().join("none/a.jsonl")).unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}
