//! Replaces a damaged index by one of its sound segments, its readable records and its sources.

use std::path::PathBuf;

use anyhow::bail;

use super::build::{Build, Missing, Summary};
use super::check::{AffectedQuestion, Damage, Report, check, commit_without};
use super::lock::{WriteLock, explain_write};
use super::metadata::ensure_commit;
use super::open_error::OpenError;
use super::reader::Index;
use crate::hint::hinted;

/// The result of a repair.
#[derive(Clone, Debug, Default)]
pub struct Repaired {
    /// What was damaged.
    pub report: Report,
    /// What reading the sources again did; `None` if no segment was damaged, so that nothing was done.
    pub summary: Option<Summary>,
    /// The affected questions that are in the index again.
    pub restored: Vec<AffectedQuestion>,
    /// The affected questions that are not in the index any more.
    pub lost: Vec<AffectedQuestion>,
    /// Number of documents of segments so damaged that not even the ids of their questions could be read. Whether
    /// they were restored is not known.
    pub unknown: u64,
}

impl Build<'_> {
    /// Repairs a damaged index: drops the damaged segments, keeps their questions if the file that stores them is
    /// sound, and reads all sources that exist again. Readers see the damaged index until all of this is committed
    /// at once. `paths` are the roots of the index; [`reread`](Self::reread) and [`missing`](Self::missing) have no
    /// effect.
    ///
    /// # Errors
    /// Those of [`run`](Self::run); or the file that names the commit is damaged, so that it is not known which
    /// segments the index has.
    pub fn repair(&self) -> anyhow::Result<Repaired> {
        ensure_commit(self.dir)?;
        let repair = || {
            let lock = WriteLock::take(self.dir)?;
            self.repair_locked(&lock)
        };
        repair().map_err(explain_write)
    }

    fn repair_locked(&self, lock: &WriteLock) -> anyhow::Result<Repaired> {
        let report = check(self.dir)?;
        if report.is_commit_damaged() {
            bail!(hinted(
                format!(
                    "meta.json in {} is damaged, so the segments of the index are not known",
                    self.dir.display()
                ),
                format!(
                    "remove the directory and build the index again with `rqsearch index --index {} PATH…`",
                    self.dir.display()
                )
            ));
        }
        if let Some(Damage { file, reason, .. }) =
            report.damage.iter().find(|damage| damage.segment.is_none())
        {
            bail!("{}: {reason}", self.dir.join(file).display());
        }
        if report.segments.is_empty() {
            return Ok(Repaired { report, ..Repaired::default() });
        }
        let before = |source| OpenError::broken(self.dir, source);
        let metas =
            tantivy::Index::open(lock.clone()).and_then(|index| index.load_metas()).map_err(before)?;
        lock.assume(commit_without(&metas, &report.segments)?);
        let sound = Index::open_directory(lock.clone(), self.dir);
        let records: Vec<String> =
            report.segments.iter().flat_map(|segment| segment.records.iter().flatten().cloned()).collect();
        let paths: Vec<PathBuf> = self.paths.to_vec();
        let build = Build { paths: &paths, reread: true, missing: Missing::Keep, ..*self };
        let summary = build.run_locked(lock, sound, Some(&records))?;
        let now = Index::open(self.dir)?;
        let mut repaired = Repaired { summary: Some(summary), ..Repaired::default() };
        for segment in &report.segments {
            if !segment.is_complete {
                repaired.unknown += segment.documents;
            }
            for question in &segment.questions {
                let found = now.matching(now.fields().id, &question.id)?;
                if found.is_empty() { &mut repaired.lost } else { &mut repaired.restored }
                    .push(question.clone());
            }
        }
        Ok(Repaired { report, ..repaired })
    }
}
