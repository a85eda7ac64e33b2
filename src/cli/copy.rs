//! `rqsearch copy`

use std::path::PathBuf;

use super::outcome::Outcome;
use super::streams::say;
use super::text::plural;
use crate::hint::hinted;
#[cfg(not(feature = "milvus"))]
use crate::index::Index;
use crate::index::is_cluster_address;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The index to copy: a directory, or an address such as milvus://HOST:PORT/COLLECTION
    from: PathBuf,
    /// The new index: a directory or an address, where there is no index yet
    to: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let questions = copy(args)?;
    say(&format!("rqsearch: copied {questions} {} to {}", plural(questions, "question"), args.to.display()));
    Ok(Outcome::Success)
}

#[cfg(feature = "milvus")]
fn copy(args: &Args) -> anyhow::Result<u64> {
    if !is_cluster_address(&args.from) && !is_cluster_address(&args.to) {
        between_directories()?;
    }
    crate::index::copy(&args.from, &args.to)
}

#[cfg(not(feature = "milvus"))]
fn copy(args: &Args) -> anyhow::Result<u64> {
    if let Some(address) = [&args.from, &args.to].into_iter().find(|name| is_cluster_address(name)) {
        // The error has the reason.
        Index::open(address)?;
    }
    between_directories()
}

fn between_directories<T>() -> anyhow::Result<T> {
    anyhow::bail!(hinted(
        "copy moves an index from a directory to a cluster or back",
        "`rqsearch snapshot` and `rqsearch restore` copy an index between directories"
    ))
}
