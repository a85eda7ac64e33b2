//! Which index a command uses.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::streams::say;
use crate::hint::hinted;
use crate::index::{FOLDER, Index};

/// The environment variable that names an index.
const VARIABLE: &str = "RQSEARCH_INDEX";

/// Options of commands that read an index.
#[derive(Debug, clap::Args)]
pub struct IndexArgs {
    #[command(flatten)]
    named: BuildArgs,
    /// Use the built-in Rust questions, even if there is an index nearby
    #[arg(long, conflicts_with = "index")]
    builtin: bool,
}

/// Options of commands that search one or several indexes.
#[derive(Debug, clap::Args)]
pub struct IndexesArgs {
    /// The directory of the index; repeat it to search several indexes with the same model as one [env: RQSEARCH_INDEX]
    /// [default: the nearest .rqsearch in this directory or above]
    #[arg(long, value_name = "DIR")]
    index: Vec<PathBuf>,
    /// Use the built-in Rust questions, even if there is an index nearby
    #[arg(long, conflicts_with = "index")]
    builtin: bool,
}

impl IndexesArgs {
    /// The indexes that the options name.
    pub fn location(&self) -> IndexLocation<'_> {
        match self.index.as_slice() {
            [] if self.builtin => IndexLocation::Builtin,
            [] if variable().is_some() => IndexLocation::Variable,
            [] => IndexLocation::Nearest,
            [dir] => IndexLocation::Named(dir),
            several => IndexLocation::Several(several),
        }
    }
}

/// Options of commands that write an index.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    /// The directory of the index, or its address in a cluster (milvus://HOST:PORT/COLLECTION)
    /// [env: RQSEARCH_INDEX] [default: the nearest .rqsearch in this directory or above]
    // Not by clap's `env`: with the variable set, `--builtin` would be refused.
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
}

impl IndexArgs {
    /// The index that the options name.
    pub fn location(&self) -> IndexLocation<'_> {
        if self.builtin { IndexLocation::Builtin } else { self.named.location() }
    }
}

impl BuildArgs {
    /// The index that the options name.
    pub fn location(&self) -> IndexLocation<'_> {
        match &self.index {
            Some(dir) => IndexLocation::Named(dir),
            None if variable().is_some() => IndexLocation::Variable,
            None => IndexLocation::Nearest,
        }
    }
}

/// Which index to use.
#[derive(Debug, Clone, Copy)]
pub enum IndexLocation<'a> {
    /// The one in this directory.
    Named(&'a Path),
    /// Those in these directories, as one.
    Several(&'a [PathBuf]),
    /// The one in the directory that the environment variable names.
    Variable,
    /// The one inside the program.
    Builtin,
    /// The nearest one in the current directory or above, or else the one inside the program.
    Nearest,
}

impl IndexLocation<'_> {
    /// Opens the index for searching. If it is the built-in one and the user did not ask for it, this is
    /// said on stderr.
    pub fn open(self) -> anyhow::Result<Index> {
        match self.dirs()?.as_slice() {
            [] => Index::builtin(),
            dirs => Ok(Index::open_several(dirs)?),
        }
    }

    /// The directories of the indexes; none for the one inside the program. If the user did not ask for that
    /// one, this is said on stderr.
    pub fn dirs(self) -> anyhow::Result<Vec<PathBuf>> {
        match self {
            Self::Several(dirs) => Ok(dirs.to_vec()),
            _ => Ok(self.dir()?.into_iter().collect()),
        }
    }

    /// The directory of the index; `None` for the one inside the program. If the user did not ask for that
    /// one, this is said on stderr.
    pub fn dir(self) -> anyhow::Result<Option<PathBuf>> {
        let dir = self.find()?;
        if dir.is_none() && matches!(self, Self::Nearest) {
            say(
                "rqsearch: no index here; searching the built-in Rust questions (`rqsearch index PATH` creates an index)",
            );
        }
        Ok(dir)
    }

    /// The directory of the index; `None` for the one inside the program.
    ///
    /// # Errors
    /// Several indexes are named, or the current directory cannot be determined.
    pub fn find(self) -> anyhow::Result<Option<PathBuf>> {
        match self {
            Self::Named(dir) => Ok(Some(dir.to_owned())),
            Self::Several(dirs) => {
                bail!(hinted(
                    format!("this needs one index, and {} are named", dirs.len()),
                    "name one with --index"
                ))
            }
            Self::Variable => Ok(variable()),
            Self::Builtin => Ok(None),
            Self::Nearest => nearest(),
        }
    }

    /// Why this index is used, to follow its name.
    pub fn reason(self) -> String {
        match self {
            Self::Variable => format!("named by {VARIABLE}"),
            Self::Named(_) | Self::Several(_) => "named by --index".to_owned(),
            Self::Builtin => "named by --builtin".to_owned(),
            Self::Nearest => match nearest() {
                Ok(Some(_)) => format!("the nearest {FOLDER} in this directory or above"),
                _ => format!("there is no {FOLDER} in this directory or above"),
            },
        }
    }

    /// The directory to build in: the named one, or the nearest index, or a new one in the current
    /// directory.
    pub fn to_build(self) -> anyhow::Result<PathBuf> {
        if matches!(self, Self::Builtin) {
            bail!(hinted("the built-in index cannot be changed", "name a directory with --index"));
        }
        Ok(self.find()?.unwrap_or_else(|| PathBuf::from(FOLDER)))
    }
}

/// The directory that the environment variable names. An empty value is the same as none.
fn variable() -> Option<PathBuf> {
    env::var_os(VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

/// The nearest index directory. It is found by its name: a directory with a damaged or unfinished index is an
/// error when it is opened, and never a reason to search another index. The path of one in the current directory is
/// relative, as it is after the first `rqsearch index`.
fn nearest() -> anyhow::Result<Option<PathBuf>> {
    let here = env::current_dir().context("cannot determine the current directory")?;
    let is_there = |dir: &PathBuf| dir.symlink_metadata().is_ok();
    let in_here = PathBuf::from(FOLDER);
    if is_there(&in_here) {
        return Ok(Some(in_here));
    }
    Ok(here.ancestors().map(|parent| parent.join(FOLDER)).find(is_there))
}
