//! Where the index lies.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::index::{FOLDER, Index};

/// Opens the index that was named, or the nearest one upward from here.
pub fn open(named: Option<&Path>) -> anyhow::Result<Index> {
    let dir = match named {
        Some(dir) => dir.to_owned(),
        None => match nearest()? {
            Some(dir) => dir,
            None => bail!(
                "no index here or in a folder above\n  hint: make one with `rqsearch index PATH…`, or name one with --index"
            ),
        },
    };
    Ok(Index::open(&dir)?)
}

/// Where to build: what was named, or the nearest index upward from here, or a new one here.
pub fn to_build(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    Ok(match named {
        Some(dir) => dir.to_owned(),
        None => nearest()?.unwrap_or_else(|| PathBuf::from(FOLDER)),
    })
}

fn nearest() -> anyhow::Result<Option<PathBuf>> {
    let here = env::current_dir().context("could not find the current folder")?;
    Ok(here.ancestors().map(|folder| folder.join(FOLDER)).find(|dir| dir.join("meta.json").is_file()))
}
