//! A file of decisions that several processes can change.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, ensure};
use tempfile::NamedTempFile;

use super::Decisions;
use crate::hint::hinted;
use crate::regular_file::directory_of;

/// A file of decisions that is changed.
#[derive(Debug)]
pub struct DecisionFile {
    path: PathBuf,
    /// One change at a time within the process.
    changing: Mutex<()>,
}

impl DecisionFile {
    /// A file of decisions. It is created with the first decision if it does not exist.
    ///
    /// # Errors
    /// The file exists and is not valid, or its directory does not exist.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let path = match path.canonicalize() {
            // A link stays one: the file that it names is replaced.
            Ok(path) => path,
            Err(_) => path.to_owned(),
        };
        let parent = directory_of(&path);
        ensure!(
            parent.is_dir(),
            hinted(
                format!(
                    "could not open {} for decisions: the directory {} does not exist",
                    path.display(),
                    parent.display()
                ),
                "create it"
            )
        );
        let file = Self { path, changing: Mutex::new(()) };
        file.read()?;
        Ok(file)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The decisions in the file. There are none if it does not exist.
    ///
    /// # Errors
    /// The file cannot be read, or is not valid.
    pub fn read(&self) -> anyhow::Result<Decisions> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Decisions::parse(&text, &self.path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Decisions::default()),
            Err(error) => Err(error).with_context(|| format!("could not read {}", self.path.display())),
        }
    }

    /// Changes the decisions, and returns the new ones and what `change` returned. The file is replaced by a complete one,
    /// so that a process that is killed loses no decision. Changes of other processes are kept.
    ///
    /// # Errors
    /// The file cannot be read or written, or is not valid. It is then as before.
    pub fn change<T>(&self, change: impl FnOnce(&mut Decisions) -> T) -> anyhow::Result<(Decisions, T)> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = locked(&self.path)?;
        let mut decisions = self.read()?;
        let before = decisions.clone();
        let returned = change(&mut decisions);
        if decisions != before {
            self.replace(&decisions).with_context(|| format!("could not write {}", self.path.display()))?;
        }
        Ok((decisions, returned))
    }

    fn replace(&self, decisions: &Decisions) -> anyhow::Result<()> {
        let mut new = NamedTempFile::new_in(directory_of(&self.path))?;
        decisions.write(&mut io::BufWriter::new(&mut new))?;
        new.as_file().set_permissions(fs::metadata(&self.path)?.permissions())?;
        new.as_file().sync_all()?;
        new.persist(&self.path)?;
        Ok(())
    }
}

/// Locks a file, which is created if it does not exist, until the returned value is dropped.
fn locked(path: &Path) -> anyhow::Result<File> {
    let what = || {
        hinted(
            format!("could not open {} for decisions", path.display()),
            "name a file that this user may write",
        )
    };
    loop {
        let file = OpenOptions::new().append(true).create(true).open(path).with_context(what)?;
        // Other systems do not let a locked file be replaced.
        if cfg!(unix)
            && let Err(error) = file.lock()
            && error.kind() != io::ErrorKind::Unsupported
        {
            return Err(error).with_context(|| format!("could not lock {}", path.display()));
        }
        // Another process may have replaced the file before it was locked.
        if is_current(&file, path).with_context(what)? {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_current(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let locked = file.metadata()?;
    match fs::metadata(path) {
        Ok(current) => Ok((current.dev(), current.ino()) == (locked.dev(), locked.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_current(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::{Choice, Decided, Decision, FILE_NAME, has_decisions};
    use super::*;

    fn decision(one: &str, two: &str, choice: Choice) -> Decision {
        let decided = |id: &str| Decided { id: id.into(), title: format!("What is \"{id}\"?") };
        Decision::new(decided(one), decided(two), choice)
    }

    #[test]
    fn saved_decisions_are_sorted_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let all = [
            decision("c", "b", Choice::KeepOne),
            Decision {
                note: "another\nlimit".into(),
                author: "ann".into(),
                ..decision("a", "b", Choice::Different)
            },
            decision("a", "c", Choice::Same),
        ];
        for one in all.clone() {
            // Each time, the file is opened again.
            DecisionFile::open(&path).unwrap().change(|decisions| decisions.insert(one)).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let pairs: Vec<&str> = text.lines().map(|line| &line[..14]).collect();
        assert_eq!(pairs, [r#"{"one":{"id":""#; 3].map(|start| &start[..14]));
        assert!(text.starts_with(r#"{"one":{"id":"a","title":"What is \"a\"?"},"two":{"id":"b","#), "{text}");
        assert!(text.ends_with("\"decision\":\"keep\",\"keep\":\"c\"}\n"), "{text}");
        assert_eq!(Decisions::read(&path).unwrap(), all.into_iter().collect());
        assert!(has_decisions(&path));
        let file = DecisionFile::open(&path).unwrap();
        let (left, removed) = file.change(|decisions| decisions.remove("c", "a")).unwrap();
        assert_eq!((left.len(), removed.unwrap().choice), (2, Choice::Same));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no other file is left");
    }

    #[test]
    fn concurrent_changes_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    // A file of its own, as another process has it.
                    let file = DecisionFile::open(path).unwrap();
                    for nth in 0..25 {
                        let one = decision(&format!("a{writer}"), &format!("b{nth}"), Choice::Same);
                        file.change(|decisions| decisions.insert(one)).unwrap();
                    }
                });
            }
        });
        assert_eq!(Decisions::read(&path).unwrap().len(), 100);
    }
}
