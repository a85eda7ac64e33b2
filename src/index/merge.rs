//! Merges the segments of an index, so that a search opens few of them.

use std::path::Path;

use tantivy::{IndexWriter, SegmentMeta};

use super::cluster_address::is_cluster_address;
use super::commit::{MEMORY, open_to_write, writer};
use super::lock::{Busy, SHORT_WAIT, WriteLock, explain_write};
use super::metadata::ensure_commit;
use super::reader::Index;

/// Up to this many questions, the segments of an index are merged into one, so that a search opens only one. In an index
/// of more than [`ALWAYS_MERGED`], this waits until it is worth the time: a merge writes the index again.
const ONE_SEGMENT: u64 = 50_000;
const ALWAYS_MERGED: u64 = 2_000;

/// Segments are merged if there are more, or if more than this fraction of the documents is deleted or not in the largest
/// segment.
const MOST_SEGMENTS: usize = 4;
const MOST_UNMERGED: f64 = 0.1;

/// Merges the segments of a committed index: so that a search opens only one, and so that deleted questions
/// have no effect on scores. Then deletes the files that are no longer needed. A new index is always merged: how its
/// questions are divided among segments depends on the threads.
pub fn merge(
    index: &tantivy::Index,
    mut writer: IndexWriter,
    questions: u64,
    is_new: bool,
) -> anyhow::Result<()> {
    if questions <= ONE_SEGMENT {
        let segments = index.searchable_segment_metas()?;
        if is_new && segments.len() > 1 || is_worth_merging(&segments, questions) {
            let ids: Vec<_> = segments.iter().map(|segment| segment.id()).collect();
            writer.merge(&ids).wait()?;
        }
    }
    // Files that cannot be deleted now are deleted by the next update.
    writer.garbage_collect_files().wait().ok();
    Ok(writer.wait_merging_threads()?)
}

/// Merges the segments of an index as a [`Build`](super::Build) does at its end. Does nothing if another process is writing the index:
/// that one merges them.
///
/// # Errors
/// The index cannot be opened or written. It is as it was before.
pub fn merge_segments(dir: &Path) -> anyhow::Result<()> {
    if is_cluster_address(dir) {
        return Ok(()); // It merges by itself.
    }
    ensure_commit(dir)?;
    let lock = match WriteLock::take_within(dir, SHORT_WAIT) {
        Err(error) if error.is::<Busy>() => return Ok(()),
        lock => lock?,
    };
    let (meta, questions) = {
        let index = Index::open(dir)?;
        (index.meta().clone(), index.question_count()?)
    };
    let index = open_to_write(&lock, &meta)?;
    let writer = writer(&index, 1, MEMORY)?;
    merge(&index, writer, questions, false).map_err(explain_write)
}

fn is_worth_merging(segments: &[SegmentMeta], questions: u64) -> bool {
    let is_merged = segments.len() <= 1 && !segments.iter().any(SegmentMeta::has_deletes);
    let sum = |count: fn(&SegmentMeta) -> u32| {
        segments.iter().map(|segment| u64::from(count(segment))).sum::<u64>()
    };
    let largest = segments.iter().map(|segment| u64::from(segment.num_docs())).max().unwrap_or(0);
    let unmerged = sum(SegmentMeta::num_docs) - largest + sum(SegmentMeta::num_deleted_docs);
    let is_much = unmerged as f64 > MOST_UNMERGED * sum(SegmentMeta::max_doc) as f64;
    !is_merged && (questions <= ALWAYS_MERGED || segments.len() > MOST_SEGMENTS || is_much)
}
