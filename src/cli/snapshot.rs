//! `rqsearch snapshot FILE` and `rqsearch restore FILE`

use std::path::{Path, PathBuf};

use anyhow::bail;
use indicatif::{HumanBytes, HumanCount};

use super::locate_index::BuildArgs;
use super::outcome::Outcome;
use super::streams::say;
use super::text::plural;
use crate::hint::hinted;
use crate::index::{Contents, NeedsCopy, restore_snapshot, write_snapshot};

#[derive(Debug, clap::Args)]
pub struct SnapshotArgs {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    index: BuildArgs,
}

pub fn snapshot(args: &SnapshotArgs) -> anyhow::Result<Outcome> {
    let Some(dir) = args.index.location().find()? else {
        bail!(hinted("no index here", "--index names one; `rqsearch index PATH` creates one"));
    };
    NeedsCopy::ensure_directory(&dir, "`rqsearch snapshot`")?;
    let contents = write_snapshot(&dir, &args.file, args.force)?;
    report(&contents, &args.file);
    Ok(Outcome::Success)
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The snapshot to read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the index in the directory if there is one
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    index: BuildArgs,
}

pub fn restore(args: &RestoreArgs) -> anyhow::Result<Outcome> {
    let dir = args.index.location().to_build()?;
    NeedsCopy::ensure_directory(&dir, "`rqsearch restore`")?;
    let contents = restore_snapshot(&args.file, &dir, args.force)?;
    report(&contents, &dir);
    Ok(Outcome::Success)
}

/// Says what a snapshot, or an index restored from one, holds.
fn report(contents: &Contents, path: &Path) {
    say(&format!(
        "{} {} in {} ({})",
        HumanCount(contents.questions),
        plural(contents.questions, "question"),
        path.display(),
        HumanBytes(contents.bytes)
    ));
}
