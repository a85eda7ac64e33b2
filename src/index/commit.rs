//! Writing an index: opened, committed, and cleaned up after an interrupted run.

use std::path::Path;

use anyhow::Context;
use tantivy::IndexWriter;

use super::lock::WriteLock;
use super::metadata::{Meta, read_meta};
use super::tantivy_index::prepare;

/// Memory budget in bytes of all tantivy indexing threads before they write a segment.
pub const MEMORY: usize = 128 << 20;

/// The number of tantivy indexing threads.
pub const THREADS: usize = 2;

/// Opens an index that exists, to write it.
pub fn open_to_write(lock: &WriteLock, meta: &Meta) -> anyhow::Result<tantivy::Index> {
    let index = tantivy::Index::open(lock.clone()).context("could not open the index for writing")?;
    Ok(prepare(index, meta))
}

/// A writer whose threads use at most `memory` bytes together.
pub fn writer(index: &tantivy::Index, threads: usize, memory: usize) -> anyhow::Result<IndexWriter> {
    index.writer_with_num_threads(threads, memory).context("could not write the index")
}

/// Deletes the files of an index that the last commit does not reference.
///
/// A run that is killed between writing the deletions of a segment and committing leaves the file with the
/// deletions behind. The next run uses the same file name for its deletions, and tantivy refuses to overwrite
/// a file. Without this cleanup, all later updates would fail.
pub fn collect_leftovers(writer: &IndexWriter, lock: &WriteLock) -> anyhow::Result<()> {
    let collect = || -> anyhow::Result<()> {
        writer.garbage_collect_files().wait()?;
        Ok(lock.delete_temporary_files()?)
    };
    collect().context("could not delete the files of an interrupted update")
}

/// Commits the changes together with the metadata.
pub fn commit(writer: &mut IndexWriter, meta: &Meta) -> anyhow::Result<()> {
    // A commit without a payload would clear the payload of the previous one.
    let payload = serde_json::to_string(meta)?;
    let mut prepared = writer.prepare_commit().context("could not write the index")?;
    prepared.set_payload(&payload);
    prepared.commit().context("could not commit the index")?;
    Ok(())
}

/// Deletes the files of an index that the last commit does not reference.
pub fn delete_unreferenced(lock: &WriteLock) -> anyhow::Result<()> {
    let meta = read_meta(&tantivy::Index::open(lock.clone())?, Path::new(""))?;
    let index = open_to_write(lock, &meta)?;
    let writer = writer(&index, THREADS, MEMORY)?;
    collect_leftovers(&writer, lock)?;
    Ok(writer.wait_merging_threads()?)
}
