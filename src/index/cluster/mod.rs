//! Indexes in a Milvus cluster.
//!
//! The cluster finds candidates, and evaluates filters. Everything else is the same as for an index in a directory: a
//! search reads what it needs of each candidate, and ranks [`Candidates`](super::candidates::Candidates). Statistics of
//! all questions are stored beside them, and are read when the index is opened.
//!
//! A commit is one entity, the key `commit`: metadata, and the number of the generation of statistics that belong to it.

mod address;
mod candidates;
mod client;
mod commit;
mod entity;
mod find;
mod keys;
mod lease;
mod lookup;
mod requests;
mod schema;
mod shards;
mod statistics;
mod stored;
mod write;
mod write_requests;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use super::candidates::Corpus;
use super::corpus_counts::CorpusCounts;
use super::{Index, Meta, OpenError, Space};

pub use address::Address;
pub(crate) use candidates::View;
use client::Client;
pub use client::ClusterAway;
use commit::{Commit, ensure_collections, read_commit, replace_commit};
pub(crate) use find::Found;
use keys::COMMIT;
pub(crate) use write::Writer;

/// How long a cluster that does not answer is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// Half a second.
    Search,
    /// About a minute.
    Write,
}

/// An index in a cluster, at one commit.
pub struct Cluster {
    client: Client,
    commit: Commit,
    counts: CorpusCounts,
    corpus: Arc<Corpus>,
}

impl Cluster {
    /// Opens the last commit.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(name: &Path, patience: Patience) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Cluster { address: name.to_owned(), source };
        let address = Address::parse(name).map_err(failed)?;
        let client = match patience {
            Patience::Search => Client::connect(&address),
            Patience::Write => Client::connect_patiently(&address),
        };
        Self::open_with(client.map_err(failed)?, name)
    }

    /// The metadata of the last commit, without the statistics.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn last_meta(name: &Path) -> Result<Meta, OpenError> {
        let failed = |source| OpenError::Cluster { address: name.to_owned(), source };
        let client = Address::parse(name).and_then(|address| Client::connect(&address)).map_err(failed)?;
        ensure_collections(&client, name)?;
        Ok(read_commit(&client, name)?.meta)
    }

    fn open_with(client: Client, name: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Cluster { address: name.to_owned(), source };
        ensure_collections(&client, name)?;
        // A commit can be replaced, and its statistics deleted, while it is read.
        for attempt in 0.. {
            let commit = read_commit(&client, name)?;
            match statistics::read(&client, commit.generation, commit.statistics) {
                Ok(counts) => {
                    let corpus = Arc::new(counts.corpus().map_err(failed)?);
                    return Ok(Self { client, commit, counts, corpus });
                }
                Err(error) if attempt == 2 || error.is::<ClusterAway>() => return Err(failed(error)),
                Err(_) => {}
            }
        }
        unreachable!("the third attempt returns")
    }

    /// What identifies this commit.
    pub(crate) fn commit_id(&self) -> Vec<u8> {
        self.commit.generation.to_le_bytes().to_vec()
    }

    /// What identifies the last commit in the cluster.
    ///
    /// # Errors
    /// [`ClusterAway`]; the index was removed.
    pub(crate) fn last_commit_id(&self) -> anyhow::Result<Vec<u8>> {
        let text =
            self.client.text(COMMIT)?.with_context(|| format!("there is no index at {}", self.address()))?;
        let commit: Commit = serde_json::from_str(&text)?;
        Ok(commit.generation.to_le_bytes().to_vec())
    }

    /// The metadata of the commit.
    pub fn meta(&self) -> &Meta {
        &self.commit.meta
    }

    /// The statistics of all questions.
    pub(crate) fn corpus(&self) -> &Arc<Corpus> {
        &self.corpus
    }

    /// The number of questions in each language.
    pub(crate) fn languages(&self) -> impl Iterator<Item = (&String, &i64)> {
        self.counts.languages.iter()
    }

    /// The address of the index.
    pub fn address(&self) -> &Address {
        self.client.address()
    }

    /// A vector as those in the cluster are: without the mean of the corpus, and of length one.
    pub(crate) fn centre(&self, vector: impl Iterator<Item = f32>) -> Vec<f32> {
        Space::of_mean(&self.commit.mean).centre(vector).values().collect()
    }

    /// The mean number of vectors of a question, rounded up.
    pub(crate) fn rows_per_question(&self) -> u64 {
        self.corpus.mean.1.div_ceil(self.corpus.questions.max(1)).max(1)
    }

    /// Replaces the metadata, for the same questions.
    ///
    /// # Errors
    /// Those of a request; another writer has committed in the meantime.
    pub(crate) fn replace_meta(&self, meta: Meta) -> anyhow::Result<()> {
        let commit = Commit { meta, generation: self.commit.generation + 1, ..self.commit.clone() };
        replace_commit(&self.client, self.commit.generation, &commit, &self.counts)
    }
}

impl Index {
    /// Opens the index at an address. Its questions stay in the cluster.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(super) fn open_cluster(name: &Path, patience: Patience) -> Result<Self, OpenError> {
        let cluster = Arc::new(Cluster::open(name, patience)?);
        let (meta, corpus) = (cluster.meta().clone(), Arc::clone(cluster.corpus()));
        let read = |_: &[u32]| bail!("an index in a cluster has no candidates of its own");
        Ok(Self::of_candidates(meta, name, corpus, Vec::new(), Box::new(read)).in_cluster(cluster))
    }

    /// The cluster that stores the questions, if one does.
    pub(crate) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.as_ref()
    }

    fn in_cluster(mut self, cluster: Arc<Cluster>) -> Self {
        self.cluster = Some(cluster);
        self
    }
}
