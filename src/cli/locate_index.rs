//! Where the index lies.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::say;
use crate::index::{FOLDER, Index};

/// Which index is meant.
#[derive(Debug, Clone, Copy)]
pub enum IndexLocation<'a> {
    /// This folder's.
    Named(&'a Path),
    /// The one inside the program.
    Builtin,
    /// The nearest one upward from here; without one, the one inside the program.
    Nearest,
}

impl IndexLocation<'_> {
    /// Opens it for searching.
    pub fn open(self) -> anyhow::Result<Index> {
        match self.dir()? {
            Some(dir) => Ok(Index::open(&dir)?),
            None => Index::builtin(),
        }
    }

    /// The folder it lies in; `None` where it is inside the program, which is said if nobody asked for it.
    pub fn dir(self) -> anyhow::Result<Option<PathBuf>> {
        let dir = self.folder()?;
        if dir.is_none() && matches!(self, Self::Nearest) {
            say(
                "rqsearch: no index here: searching the built-in Rust questions (rqsearch index PATH… makes your own)",
            );
        }
        Ok(dir)
    }

    /// The folder it lies in; `None` where it is inside the program.
    pub fn folder(self) -> anyhow::Result<Option<PathBuf>> {
        match self {
            Self::Named(dir) => Ok(Some(dir.to_owned())),
            Self::Builtin => Ok(None),
            Self::Nearest => nearest(),
        }
    }

    /// Where to build: what was named, or the nearest index upward from here, or a new one here.
    pub fn to_build(self) -> anyhow::Result<PathBuf> {
        match self {
            Self::Named(dir) => Ok(dir.to_owned()),
            Self::Builtin => {
                bail!("the built-in index cannot be changed\n  hint: name a folder with --index")
            }
            Self::Nearest => Ok(nearest()?.unwrap_or_else(|| PathBuf::from(FOLDER))),
        }
    }
}

fn nearest() -> anyhow::Result<Option<PathBuf>> {
    let here = env::current_dir().context("could not find the current folder")?;
    Ok(here.ancestors().map(|folder| folder.join(FOLDER)).find(|dir| dir.join("meta.json").is_file()))
}
