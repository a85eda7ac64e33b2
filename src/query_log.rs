//! The query log: what people searched for, whether it was answered, and which hits they opened. `rqsearch serve
//! --query-log` writes it as JSON Lines, and `rqsearch gaps` reads it.
//!
//! It has no addresses, tokens or names of people. The phrases themselves can be private.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::hint::hinted;
use crate::line_file::LineFile;

/// A line of a query log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Entry {
    /// A hit that a person opened.
    Click {
        /// When, RFC 3339.
        time: String,
        /// The phrase.
        q: String,
        /// The id of the question that was opened.
        clicked: String,
    },
    /// A search.
    Search {
        /// When, RFC 3339.
        time: String,
        /// The phrase.
        q: String,
        /// Whether the best hit answers it.
        answered: bool,
        /// The id of the first hit. `None` if there are no hits.
        first: Option<String>,
    },
}

/// How large a query log becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The size of a file in bytes from which on a new one is begun.
    pub size: u64,
    /// How many old files are kept: `FILE.1`, the latest, to `FILE.N`.
    pub files: usize,
}

impl Default for Rotation {
    /// Files of 64 MiB, about half a million searches, and four old ones.
    fn default() -> Self {
        Self { size: 64 << 20, files: 4 }
    }
}

/// A query log that is appended to. One process writes it at a time.
#[derive(Debug)]
pub struct QueryLog {
    path: PathBuf,
    rotation: Rotation,
    file: LineFile,
}

impl QueryLog {
    /// Opens a query log, or creates it. Only its owner may read a new file, because it contains phrases of people.
    ///
    /// # Errors
    /// The file cannot be opened or created.
    pub fn open(path: &Path, rotation: Rotation) -> anyhow::Result<Self> {
        let file = LineFile::open(path).with_context(|| {
            hinted(
                format!("could not open {} for the query log", path.display()),
                "name a file that this user may write, in a directory \
                 that exists",
            )
        })?;
        Ok(Self { path: path.to_owned(), rotation, file })
    }

    /// The path of the current file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When a new file is begun.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// Appends a line. If the file has reached the size of the [rotation](Rotation), begins a new one before.
    ///
    /// # Errors
    /// The line could not be written, or no new file could be begun.
    pub fn append(&mut self, entry: &Entry) -> io::Result<()> {
        if self.file.size() >= self.rotation.size {
            self.rotate()?;
        }
        self.file.append(&serde_json::to_vec(entry)?)
    }

    /// Renames the files, the oldest of which is replaced, and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        let names = old_files(&self.path, self.rotation.files);
        for (older, newer) in names.iter().rev().zip(names.iter().rev().skip(1)) {
            match fs::rename(newer, older) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match names.first() {
            Some(latest) => fs::rename(&self.path, latest)?,
            None => fs::remove_file(&self.path)?,
        }
        self.file = LineFile::open(&self.path)?;
        Ok(())
    }
}

/// The files of a query log that exist, the oldest first.
pub fn files(path: &Path, rotation: Rotation) -> Vec<PathBuf> {
    let old = old_files(path, rotation.files).into_iter().rev();
    old.chain([path.to_owned()]).filter(|path| path.is_file()).collect()
}

/// The names of the old files, the latest first.
fn old_files(path: &Path, count: usize) -> Vec<PathBuf> {
    let name = |number: usize| {
        let mut name: OsString = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    (1..=count).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(q: &str) -> Entry {
        Entry::Search { time: "2026-01-02T03:04:05Z".into(), q: q.into(), answered: false, first: None }
    }

    fn lines(path: &Path) -> Vec<Entry> {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let click = Entry::Click { time: "t".into(), q: "a\nb".into(), clicked: "0123456789ab".into() };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for entry in [&search("a"), &click] {
            // Each time, the file is opened again.
            QueryLog::open(&path, Rotation::default()).unwrap().append(entry).unwrap();
        }
        assert_eq!(lines(&path), [search("a"), click]);
    }

    #[test]
    fn a_line_after_an_incomplete_one_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "{\"q\": \"to").unwrap();
        QueryLog::open(&path, Rotation::default()).unwrap().append(&search("next")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let last = text.lines().last().unwrap();
        assert_eq!(serde_json::from_str::<Entry>(last).unwrap(), search("next"));
    }

    #[test]
    fn a_full_file_becomes_an_old_one() {
        for (count, expected) in
            [(0, &[&["d"][..]][..]), (1, &[&["c"], &["d"]]), (2, &[&["b"], &["c"], &["d"]])]
        {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log");
            let rotation = Rotation { size: 10, files: count };
            let mut log = QueryLog::open(&path, rotation).unwrap();
            ["a", "b", "c", "d"].iter().for_each(|q| log.append(&search(q)).unwrap());
            let found: Vec<Vec<Entry>> = files(&path, rotation).iter().map(|path| lines(path)).collect();
            let expected: Vec<Vec<Entry>> =
                expected.iter().map(|file| file.iter().map(|q| search(q)).collect()).collect();
            assert_eq!(found, expected, "{count}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), count + 1);
        }
    }
}
