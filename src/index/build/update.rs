//! What a build does between the last commit and the next one: reads the sources, and writes what has changed.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::before::Before;
use super::file_record::FileRecord;
use super::item::{Items, Root};
use super::options::Build;
use super::output::Output;
use super::sources::ensure_known;
use super::state::State;
use super::summary::{Progress, Summary};
use crate::index::metadata::Meta;
use crate::index::stored_path::base_of;

impl Build<'_> {
    /// Reads the sources, and writes what has changed. `files` are the records of the files that were read before. A repair
    /// also keeps the records in `rescued`. Returns a summary without the number of questions; `None` if the update was
    /// cancelled.
    pub(super) fn write(
        &self,
        output: Output<'_>,
        before: &Before,
        meta: &mut Meta,
        files: Vec<FileRecord>,
        rescued: &[String],
    ) -> anyhow::Result<Option<Summary>> {
        let unobserved = Progress::default();
        let progress = self.progress.unwrap_or(&unobserved);
        let (mut roots, base) = (self.roots()?, &base_of(self.dir)?);
        ensure_known(&roots, base, &meta.roots)?;
        self.remember_reading(&roots, base, meta)?;
        let items = self.items(&roots, base, meta, &files);
        if let Some(hashes) = self.hashes {
            hashes.retain(&items.list);
        }
        self.ensure_not_emptied(&roots, &items, &files, base)?;
        progress.bytes.store(items.list.iter().map(|item| item.bytes).sum(), Ordering::Relaxed);
        let mut state = State::new(self, progress, output, before, base, files);
        state.summary().problems = items.problems;
        let gone = state.gone(&roots, &items);
        state.attachments = state.read_attachments(&items.list, &gone);
        state.switch_model()?;
        state.remove_files(&gone)?;
        state.keep_rescued(rescued, &items)?;
        state.embed(|jobs| state.read(&items.list, jobs));
        state.embed(|jobs| state.attach_to_unread(&gone, jobs));
        state.store_phrasings(&items.list)?;
        let Some(mut summary) = state.finish()? else { return Ok(None) };
        summary.missing_paths = self.forget_missing(&mut roots, base, meta);
        add_roots(&roots, &items, base, meta);
        Ok(Some(summary))
    }
}

/// Adds the roots that were read to the metadata.
fn add_roots(roots: &[Root], items: &Items, base: &Path, meta: &mut Meta) {
    for root in roots.iter().map(|root| root.stored(base)) {
        if meta.roots.contains(&root) {
            continue;
        }
        // An address that never worked may be mistyped.
        if items.failed.contains(&root) {
            meta.reading.remove(&root);
        } else {
            meta.roots.push(root);
        }
    }
}
