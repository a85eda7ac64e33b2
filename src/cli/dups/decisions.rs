//! Which file of decisions `dups` uses.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::cli::locate_index::IndexLocation;
use crate::cli::streams::say;
use crate::cli::text::plural;
use crate::decisions::{Decisions, FILE_NAME};
use crate::duplicates::Unapplied;
use crate::hint::hinted;

/// How many decisions that were not applied are named.
const NAMED: usize = 10;

/// The file of decisions.
pub struct Source {
    /// The file that was named, or the one beside the index. `None` for the built-in index.
    path: Option<PathBuf>,
    /// Whether the user named it.
    is_named: bool,
}

impl Source {
    /// The file that was named with --decisions, or `duplicates.jsonl` beside the directory of the index.
    pub fn new(named: Option<&Path>, location: IndexLocation<'_>) -> anyhow::Result<Self> {
        if let Some(path) = named {
            return Ok(Self { path: Some(path.to_owned()), is_named: true });
        }
        let dir = location.find()?;
        let path = dir.map(|dir| dir.parent().unwrap_or(Path::new("")).join(FILE_NAME));
        // A short name for messages.
        let here = std::env::current_dir().unwrap_or_default();
        let path = path.map(|path| path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path));
        Ok(Self { path, is_named: false })
    }

    /// The file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref().filter(|path| self.is_named || path.exists())
    }

    /// The file to save decisions in.
    ///
    /// # Errors
    /// There is no place for it.
    #[cfg(feature = "interactive")]
    pub fn to_write(&self) -> anyhow::Result<&Path> {
        self.path.as_deref().context(hinted(
            "the built-in index has no place for decisions",
            "name a file with --decisions duplicates.jsonl",
        ))
    }

    /// The decisions, if there are any.
    ///
    /// # Errors
    /// The file is not valid, or a named file cannot be read.
    pub fn read(&self) -> anyhow::Result<Decisions> {
        let Some(path) = self.path() else { return Ok(Decisions::default()) };
        if self.is_named && !path.exists() {
            bail!(hinted(
                format!("{} does not exist", path.display()),
                format!("`rqsearch dups --review --decisions {}` creates it", path.display())
            ));
        }
        match Decisions::read(path) {
            Err(error) if !self.is_named => Err(error).with_context(|| {
                format!(
                    "could not use {}, which is beside the index; to use another file, add --decisions FILE",
                    path.display()
                )
            }),
            read => read,
        }
    }

    /// Names the decisions that were not applied on stderr.
    pub fn say_unapplied(&self, unapplied: &[Unapplied]) {
        let name = self.path.as_deref().unwrap_or(Path::new("")).display();
        for Unapplied { decision, reason } in unapplied.iter().take(NAMED) {
            say(&format!(
                "rqsearch: {name}: the decision about {} and {} is not applied: {reason}",
                decision.one.id, decision.two.id
            ));
        }
        if let Some(more) = unapplied.len().checked_sub(NAMED).filter(|more| *more > 0) {
            say(&format!("rqsearch: {name}: {more} more {} not applied", plural(more as u64, "decision")));
        }
        if !unapplied.is_empty() {
            say("  hint: decide again with `rqsearch dups --review`, or remove the lines");
        }
    }
}
