//! Feedback of users: whether a hit was useful for a phrase. `rqsearch serve --feedback` appends it to a file, one
//! JSON object per line, and `rqsearch eval --from-feedback` reads the file.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::hint::hinted;
use crate::line_file::LineFile;

/// The maximum length of a title in a file of feedback, in characters.
const LONGEST_TITLE: usize = 2_000;

/// A judgement of a user: a line of a file of feedback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// When the judgement was made, RFC 3339. Empty if the line does not say so.
    #[serde(default)]
    pub date: String,
    /// The phrase.
    pub q: String,
    /// The id of the question.
    pub id: String,
    /// The title of the question, shortened by [`bounded_title`]. It identifies the question if its id has
    /// changed.
    #[serde(default)]
    pub title: String,
    /// Whether the question is useful for the phrase.
    pub useful: bool,
}

/// A line of a file of feedback that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLine {
    /// The number of the line, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// The title as a file of feedback contains it: at most its first 2,000 characters.
pub fn bounded_title(title: &str) -> String {
    title.chars().take(LONGEST_TITLE).collect()
}

/// Reads a file of feedback. Empty lines are ignored. Lines that are not valid are returned, and the others are
/// still read.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path) -> anyhow::Result<(Vec<Feedback>, Vec<InvalidLine>)> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let lines = BufReader::new(file).split(b'\n');
    let (mut valid, mut invalid) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(lines) {
        let line = line.with_context(|| format!("could not read {}", path.display()))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match parse(&line) {
            Ok(feedback) => valid.push(feedback),
            Err(reason) => invalid.push(InvalidLine { number, reason }),
        }
    }
    Ok((valid, invalid))
}

fn parse(line: &[u8]) -> Result<Feedback, String> {
    let feedback: Feedback = serde_json::from_slice(line).map_err(|error| {
        // The position in the file is that of the line.
        let reason = error.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
        format!("expected a JSON object with `q`, `id` and `useful`: {reason}")
    })?;
    match feedback.q.trim().is_empty() {
        true => Err("the phrase `q` is empty".into()),
        false => Ok(feedback),
    }
}

/// A file that feedback is appended to.
#[derive(Debug)]
pub struct FeedbackFile(Mutex<LineFile>);

impl FeedbackFile {
    /// Opens a file, or creates it. Only its owner may read a new file, because it contains phrases of users.
    ///
    /// # Errors
    /// The file cannot be opened or created.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = LineFile::open(path).with_context(|| {
            hinted(
                format!("could not open {} for feedback", path.display()),
                "name a file that this user may write, in a directory \
                 that exists",
            )
        })?;
        Ok(Self(Mutex::new(file)))
    }

    /// Appends a line. After a failure, the next line starts on a line of its own.
    ///
    /// # Errors
    /// The line could not be written, or only a part of it.
    pub fn append(&self, feedback: &Feedback) -> io::Result<()> {
        let line = serde_json::to_vec(feedback)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(&line)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn feedback(q: &str, useful: bool) -> Feedback {
        let [date, id, title] =
            ["2026-01-02T03:04:05Z", "0123456789ab", "a \"title\"\nof 🦀"].map(String::from);
        Feedback { date, q: q.into(), id, title, useful }
    }

    #[test]
    fn lines_are_read_as_they_were_appended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("feedback.jsonl");
        let written = [feedback("one", true), feedback("one\ntwo", false)];
        for one in &written {
            // Each time, the file is opened again.
            FeedbackFile::open(&path).unwrap().append(one).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        assert_eq!(read(&path).unwrap(), (written.into(), Vec::new()));
    }

    #[test]
    fn a_line_after_an_incomplete_one_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("feedback.jsonl");
        fs::write(&path, "{\"q\": \"to").unwrap();
        FeedbackFile::open(&path).unwrap().append(&feedback("next", true)).unwrap();
        let (valid, invalid) = read(&path).unwrap();
        assert_eq!((valid, invalid[0].number), (vec![feedback("next", true)], 1));
    }

    #[test]
    fn invalid_lines_have_a_number_and_a_reason() {
        #[track_caller]
        fn check(line: &str, reason: &str) {
            let found = parse(line.as_bytes()).unwrap_err();
            assert!(found.contains(reason), "{found}");
        }
        check("{\"q\": \"a\", \"id\": \"b\"}", "missing field `useful`");
        check("{\"q\": \" \", \"id\": \"b\", \"useful\": true}", "`q` is empty");
        check("{\"q\": \"a\", \"id\": \"b\", \"useful\": 1}", "invalid type");
        check("[1]", "expected a JSON object");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("feedback.jsonl");
        fs::write(&path, b"\n{\"q\": \"a\", \"id\": \"b\", \"useful\": true}\nx\n\xff\n").unwrap();
        let (valid, invalid) = read(&path).unwrap();
        assert_eq!(valid.len(), 1);
        assert_eq!(invalid.iter().map(|line| line.number).collect::<Vec<_>>(), [3, 4]);
    }
}
