//! Builds of indexes in a cluster.

use std::collections::HashMap;
use std::path::Path;

use anyhow::bail;

use super::before::Before;
use super::file_record::FileRecord;
use super::options::Build;
use super::output::Output;
use super::summary::Summary;
use crate::index::cluster::Writer;

impl Build<'_> {
    /// Updates an index in a cluster. Questions are visible when their batch was sent, and statistics when all were.
    pub(super) fn run_in_cluster(&self) -> anyhow::Result<Summary> {
        let model = self.embedder.map(|embedder| embedder.model());
        let writer = Writer::open(self.dir, model, self.shard)?;
        let mut meta = writer.meta().clone();
        let records = writer.file_records()?;
        let files: Vec<FileRecord> =
            records.iter().map(|record| Ok(serde_json::from_str(record)?)).collect::<anyhow::Result<_>>()?;
        // The cluster has what was there before.
        let before = Before { index: None, rows: HashMap::new() };
        let written = self.write(Output::Cluster(&writer), &before, &mut meta, files, &[])?;
        let Some(mut summary) = written else {
            bail!("the update was cancelled; the next one goes on from there");
        };
        *writer.meta() = meta;
        summary.questions = writer.finish()?;
        Ok(summary)
    }
}

/// Renews the statistics of an index in a cluster after several workers have written their parts. Returns the number of
/// questions.
///
/// # Errors
/// A worker is still writing; the cluster is away; there is nothing to finish.
pub fn finish_shards(address: &Path) -> anyhow::Result<u64> {
    Writer::open_to_finish(address)?.finish()
}
