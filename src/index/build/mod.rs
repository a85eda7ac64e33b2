//! The build pipeline: files → questions → chunks → vectors ∥ keywords → one commit.
//!
//! [`Build::run`] locks the index, and commits what `update` has written. `sources` lists the files to read, `read_sources`
//! reads those that have changed, `embedding_threads` embeds their questions, and `output` writes them.

mod archive;
mod attached;
mod before;
mod changed_file;
#[cfg(feature = "milvus")]
mod cluster;
mod content;
mod content_hashes;
mod embedding;
mod embedding_threads;
pub(super) mod file_record;
mod item;
mod missing;
mod missing_path;
mod options;
pub(super) mod output;
#[cfg(feature = "remote")]
mod page;
mod preview;
mod question_id;
mod read_sources;
mod rescued;
mod shard;
mod sources;
mod state;
mod summary;
mod switch_model;
mod update;

use anyhow::{Context, bail};

use super::cluster_address::is_cluster_address;
use super::commit::{MEMORY, THREADS, collect_leftovers, commit, writer};
use super::lock::{SHORT_WAIT, WriteLock, explain_write};
use super::merge::merge;
use super::metadata::ensure_commit;
use super::open_error::OpenError;
use super::reader::Index;
use super::schema::schema;
use super::statistics::count_questions;
use super::stored_path::base_of;
use file_record::file_records;
use output::{Output, Segments};

use crate::hint::hinted;

pub(super) use attached::Attachments;
pub use attached::PHRASINGS_FORMAT;
#[cfg(feature = "milvus")]
pub use cluster::finish_shards;
pub use content_hashes::ContentHashes;
pub use options::{AUTO, Build, Missing};
pub use preview::Preview;
pub(super) use question_id::question_hash;
pub use shard::Shard;
pub use summary::{Counts, FileSummary, Problem, Progress, Summary};

impl Build<'_> {
    /// Reads changed files, embeds new texts, and commits keywords and vectors together. Readers see the
    /// previous commit until then. They still see it if the build fails or the process is killed.
    ///
    /// # Errors
    /// Another process is writing the index ([`Busy`](super::Busy)); the index has another model (see
    /// [`switch_model`](Self::switch_model)) or another format; a path does not exist and never did; every file of a
    /// path is gone (see [`Missing`]); the disk is full. A bad file or record is a [`Problem`], not an error.
    pub fn run(&self) -> anyhow::Result<Summary> {
        if is_cluster_address(self.dir) {
            return self.run_in_cluster();
        }
        if self.shard.is_some() {
            bail!(hinted(
                "only an index in a cluster can be written in parts",
                "--index milvus://HOST:PORT/COLLECTION"
            ));
        }
        let run = || {
            match ensure_commit(self.dir) {
                // Nothing is created for paths that do not exist.
                Err(OpenError::Missing { .. }) => {
                    sources::ensure_known(&self.roots()?, &base_of(self.dir)?, &[])?;
                }
                result => result?,
            }
            let lock = WriteLock::take_within(self.dir, SHORT_WAIT)?;
            // From here on no other process changes the index, so what is read now is what the commit replaces.
            self.run_locked(&lock, Index::open(self.dir), None)
        };
        run().map_err(explain_write)
    }

    /// Replaces the last commit, `before`, by a new one. A repair also keeps the records in `rescued`.
    pub(super) fn run_locked(
        &self,
        lock: &WriteLock,
        before: Result<Index, OpenError>,
        rescued: Option<&[String]>,
    ) -> anyhow::Result<Summary> {
        let before = self.before(before)?;
        let (index, mut meta) = self.create_or_open(&before, lock)?;
        let mut writer = writer(&index, THREADS, MEMORY)?;
        // The files of segments that a repair leaves out are needed until it has committed.
        if rescued.is_none() {
            collect_leftovers(&writer, lock)?;
        }
        let files = before.index.as_ref().map_or(Ok(Vec::new()), file_records)?;
        // A repair cannot read all that was committed.
        let committed =
            rescued.is_none().then(|| index.reader()).transpose()?.map(|reader| reader.searcher());
        let output = Output::Segments(Segments::new(&writer, schema().1, committed));
        let written = self.write(output, &before, &mut meta, files, rescued.unwrap_or_default());
        let written = written
            .and_then(|summary| summary.context("the update was cancelled; the index was not changed"));
        let mut summary = written.inspect_err(|_| drop(writer.rollback()))?;
        commit(&mut writer, &meta)?;
        summary.questions = count_questions(&index.reader()?.searcher(), &schema().1)?;
        merge(&index, writer, summary.questions, before.index.is_none()).with_context(|| {
            format!(
                "the new state of the index in {} is committed, but its segments could not be merged; the next \
                 update tries it again",
                self.dir.display()
            )
        })?;
        Ok(summary)
    }

    /// Updates an index in a cluster.
    #[cfg(not(feature = "milvus"))]
    fn run_in_cluster(&self) -> anyhow::Result<Summary> {
        Err(OpenError::no_cluster(self.dir).into())
    }
}
