//! The commit of an index in a cluster: one entity, which is replaced at once.

use std::path::Path;

use anyhow::bail;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::keys::{COMMIT, STATISTICS};
use super::{schema, statistics};
use crate::analyze;
use crate::hint::hinted;
use crate::index::corpus_counts::CorpusCounts;
use crate::index::{self, Meta, OpenError};

/// The version of the format of the collections.
pub const FORMAT: u32 = 1;

/// The last commit of an index in a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Commit {
    /// The [`FORMAT`] of the collections.
    pub cluster: u32,
    #[serde(flatten)]
    pub meta: Meta,
    /// Grows with each commit.
    pub generation: u64,
    /// The number of parts of the statistics.
    pub statistics: usize,
    /// The mean of the corpus that was taken from the vectors in the cluster.
    pub mean: Vec<f32>,
    /// The mean lengths of fields for which the words in the cluster are weighted.
    pub mean_lengths: [f32; 3],
}

/// Makes sure that the cluster has the collections of an index.
pub fn ensure_collections(client: &Client, name: &Path) -> Result<(), OpenError> {
    let [questions, _, parts] = schema::collections(client.address());
    let exists = |collection: &String| {
        let failed = |source| OpenError::Cluster { address: name.to_owned(), source };
        client.has_collection(collection).map_err(failed)
    };
    match exists(&parts)? {
        true => Ok(()),
        false if exists(&questions)? => Err(OpenError::Foreign { dir: name.to_owned() }),
        false => Err(OpenError::Missing { dir: name.to_owned() }),
    }
}

pub fn read_commit(client: &Client, name: &Path) -> Result<Commit, OpenError> {
    let text = client.text(COMMIT);
    let text = text.map_err(|source| OpenError::Cluster { address: name.to_owned(), source })?;
    parse_commit(&text.ok_or_else(|| OpenError::Missing { dir: name.to_owned() })?, name)
}

fn parse_commit(text: &str, name: &Path) -> Result<Commit, OpenError> {
    #[derive(Deserialize)]
    struct Versions {
        cluster: u32,
        format: u32,
        analysis: u32,
    }
    let foreign = || OpenError::Foreign { dir: name.to_owned() };
    let versions: Versions = serde_json::from_str(text).map_err(|_| foreign())?;
    if versions.cluster != FORMAT {
        let source = hinted(
            format!(
                "the collections at {} have format {}, and this version reads {FORMAT}",
                name.display(),
                versions.cluster
            ),
            "use the version of rqsearch that wrote them, or name another collection",
        );
        return Err(OpenError::Cluster { address: name.to_owned(), source: source.into() });
    }
    if versions.format != index::FORMAT {
        return Err(OpenError::Format { dir: name.to_owned(), found: versions.format });
    }
    if versions.analysis != analyze::VERSION {
        return Err(OpenError::Analysis { dir: name.to_owned(), found: versions.analysis });
    }
    serde_json::from_str(text).map_err(|_| foreign())
}

/// Replaces the commit. `before` is the generation that it replaces.
///
/// # Errors
/// Another writer has committed in the meantime; those of a request.
pub fn replace_commit(
    client: &Client,
    before: u64,
    commit: &Commit,
    counts: &CorpusCounts,
) -> anyhow::Result<()> {
    #[derive(serde::Deserialize)]
    struct Generation {
        generation: u64,
    }
    let last = client.text(COMMIT)?.and_then(|text| serde_json::from_str(&text).ok());
    if last.map_or(0, |last: Generation| last.generation) != before {
        bail!(hinted(
            format!("another process has committed to {} in the meantime", client.address()),
            "run the command again"
        ));
    }
    let parts = statistics::encode(counts)?;
    let commit = Commit { statistics: parts.len(), ..commit.clone() };
    let generation = commit.generation;
    client.put_texts(
        parts.into_iter().enumerate().map(|(nth, part)| (statistics::key(generation, nth), part)),
    )?;
    client.put_texts([(COMMIT.to_owned(), serde_json::to_string(&commit)?)])?;
    // Searches may still read the statistics of the generation before.
    let is_old = |key: &String| {
        let of = key[STATISTICS.len()..].split('/').next().and_then(|number| number.parse::<u64>().ok());
        of.is_some_and(|of| of + 1 < generation)
    };
    let old: Vec<String> = client.texts_with_prefix(STATISTICS)?.into_keys().filter(is_old).collect();
    client.delete_texts(&old)
}
