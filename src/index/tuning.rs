//! How an index is tuned to its corpus. It is stored in commits of its own.

use std::path::Path;

use anyhow::Context;

#[cfg(feature = "milvus")]
use super::cluster_address::is_cluster_address;
use super::commit::{MEMORY, THREADS, collect_leftovers, commit, open_to_write, writer};
use super::lock::{SHORT_WAIT, WriteLock, explain_write};
use super::metadata::{Meta, ensure_commit};
use super::reader::Index;
use crate::logistic::Scaling;

/// How an index is tuned to its corpus; see the fields of the same names in [`Meta`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// The weight of the semantic retriever, 0 to 1.
    pub semantic_weight: f32,
    /// The spread of the model's cosines.
    pub spread: Option<f32>,
    /// The number of questions that it was tuned on.
    pub tuned_on: u64,
}

/// Stores a new tuning in an index, in a separate commit. `tune` is called with the last commit; if it returns
/// `None`, nothing changes.
///
/// Other processes can write the index while `tune` runs. A tuning is an estimate from a sample of the questions, and stays
/// valid when some of them change. It is dropped if the index has another model or another tuning by then.
///
/// # Errors
/// Another process is writing the index ([`Busy`](super::Busy)); the index cannot be opened or written; `tune` fails.
pub fn update_tuning(
    dir: &Path,
    tune: impl FnOnce(&Index) -> anyhow::Result<Option<Tuning>>,
) -> anyhow::Result<()> {
    let snapshot = Index::open(dir)?;
    let Some(tuning) = tune(&snapshot)? else { return Ok(()) };
    let before = snapshot.meta();
    update_meta(dir, |now| {
        let Tuning { semantic_weight, spread, tuned_on } = tuning;
        let now = now.meta();
        let is_valid = match (&before.model, &now.model) {
            (Some(before), Some(now)) => before.is_same(now),
            (before, now) => before.is_none() && now.is_none(),
        };
        let of = |meta: &Meta| (meta.semantic_weight, meta.spread, meta.tuned_on);
        let tuned = || Meta { semantic_weight: Some(semantic_weight), spread, tuned_on, ..now.clone() };
        Ok((is_valid && of(before) == of(now)).then(tuned))
    })
}

/// Stores in an index how its confidence is calibrated, in a separate commit. `None` removes what is stored.
///
/// # Errors
/// Another process is writing the index ([`Busy`](super::Busy)); the index cannot be opened or written.
pub fn store_calibration(dir: &Path, calibration: Option<Scaling>) -> anyhow::Result<()> {
    update_meta(dir, |before| Ok(Some(Meta { calibration, ..before.meta().clone() })))
}

/// Commits new metadata. `change` is called with the last commit; if it returns `None`, nothing changes.
fn update_meta(
    dir: &Path,
    change: impl FnOnce(&Index) -> anyhow::Result<Option<Meta>>,
) -> anyhow::Result<()> {
    #[cfg(feature = "milvus")]
    if is_cluster_address(dir) {
        return update_meta_in_cluster(dir, change);
    }
    ensure_commit(dir)?;
    let lock = WriteLock::take_within(dir, SHORT_WAIT)?;
    let before = Index::open(dir)?;
    let Some(meta) = change(&before)? else {
        return Ok(());
    };
    let store = || {
        let index = open_to_write(&lock, &meta)?;
        let mut writer = writer(&index, THREADS, MEMORY)?;
        collect_leftovers(&writer, &lock)?;
        commit(&mut writer, &meta)?;
        writer.wait_merging_threads().context("could not finish the index")
    };
    store().map_err(explain_write)
}

/// Commits new metadata for the same questions.
#[cfg(feature = "milvus")]
fn update_meta_in_cluster(
    address: &Path,
    change: impl FnOnce(&Index) -> anyhow::Result<Option<Meta>>,
) -> anyhow::Result<()> {
    let before = Index::open_patiently(address)?;
    match (change(&before)?, before.cluster()) {
        (Some(meta), Some(cluster)) => cluster.replace_meta(meta),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::index::Build;

    #[test]
    fn an_index_can_be_written_while_it_is_tuned() {
        let base = tempfile::tempdir().unwrap();
        let (dir, file) = (base.path().join("index"), base.path().join("a.md"));
        fs::write(&file, "## Why wax a rope?\n").unwrap();
        let paths = [file.clone()];
        let build = Build::new(&dir, &paths);
        build.run().unwrap();
        let tuning = |semantic_weight| Tuning { semantic_weight, spread: None, tuned_on: 1 };
        let tune = |index: &Index| {
            fs::write(&file, "## Why wax a rope?\n## Why wax two ropes?\n")?;
            build.run()?;
            Ok((index.question_count()? == 1).then(|| tuning(0.25)))
        };
        update_tuning(&dir, tune).unwrap();
        let index = Index::open(&dir).unwrap();
        assert_eq!((index.question_count().unwrap(), index.meta().semantic_weight), (2, Some(0.25)));
        // Another process has tuned it in the meantime.
        let tune = |_: &Index| {
            update_tuning(&dir, |_| Ok(Some(tuning(0.5))))?;
            Ok(Some(tuning(0.75)))
        };
        update_tuning(&dir, tune).unwrap();
        assert_eq!(Index::open(&dir).unwrap().meta().semantic_weight, Some(0.5));
    }
}
