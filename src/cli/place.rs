//! Where the index lies.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::say;
#[cfg(feature = "serve")]
use crate::engine::Engine;
use crate::index::{FOLDER, Index};

/// Which index is meant.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// This folder's.
    Named(&'a Path),
    /// The one inside the program.
    Builtin,
    /// The nearest one upward from here; without one, the one inside the program.
    Nearest,
}

impl Place<'_> {
    /// Opens it for searching.
    pub fn open(self) -> anyhow::Result<Index> {
        match self {
            Self::Named(dir) => Ok(Index::open(dir)?),
            Self::Builtin => Index::builtin(),
            Self::Nearest => match nearest()? {
                Some(dir) => Ok(Index::open(&dir)?),
                None => {
                    let index = Index::builtin()?;
                    say_builtin();
                    Ok(index)
                }
            },
        }
    }

    /// Opens it for searching again and again.
    #[cfg(feature = "serve")]
    pub fn engine(self) -> anyhow::Result<Engine> {
        match self {
            Self::Named(dir) => Engine::open(dir),
            Self::Builtin => Engine::fixed(Index::builtin()?),
            Self::Nearest => match nearest()? {
                Some(dir) => Engine::open(&dir),
                None => {
                    let engine = Engine::fixed(Index::builtin()?)?;
                    say_builtin();
                    Ok(engine)
                }
            },
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

fn say_builtin() {
    say(
        "rqsearch: no index here: searching the built-in Rust questions (rqsearch index PATH… makes your own)",
    );
}

fn nearest() -> anyhow::Result<Option<PathBuf>> {
    let here = env::current_dir().context("could not find the current folder")?;
    Ok(here.ancestors().map(|folder| folder.join(FOLDER)).find(|dir| dir.join("meta.json").is_file()))
}
