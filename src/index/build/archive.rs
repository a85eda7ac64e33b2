//! The files of an archive, each as a source of its own.

use std::collections::HashSet;
use std::fs::File;
use std::ops::ControlFlow;

use crossbeam_channel::Sender;

use super::content::Content;
use super::file_record::FileRecord;
use super::item::Item;
use super::state::State;
use crate::question::Question;
use crate::read;

/// Why an archive without files to read is an error, if the user named it.
pub const NO_MEMBERS: &str = "the archive holds no file with a known extension";

/// Why a page or standard input that is an archive is not read.
pub const NO_FILE: &str = "archives are only read from files";

impl State<'_> {
    /// Reads the files of an archive, each as a source of its own, unless the archive is unchanged.
    pub fn read_archive(
        &self,
        archive: &Item,
        content: Content,
        jobs: &Sender<Question>,
    ) -> anyhow::Result<()> {
        let Content { file, hash, .. } = content;
        if !self.build.reread && self.keep_archive(archive, hash)? {
            return Ok(());
        }
        let mut seen = HashSet::new();
        let mut result = Ok(());
        let mut each = |name: &str, file: File| {
            let member = archive.member(name);
            let extension = read::inner_extension(&member.path);
            result = self.read_changed_file(&member, Content::hashed(file, extension, hash), jobs);
            seen.insert(member.name);
            if result.is_err() || self.is_stopped() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let extracted =
            read::extract(file, &self.build.temporary(), |name| archive.wants_member(name), &mut each);
        result?;
        if let Err(error) = extracted {
            self.fail(archive, &error);
            // Read in the next build again, and reported again.
            let within = Some(archive.name.clone());
            return self.output.put_file(&FileRecord::new(&archive.name, hash, 1, within));
        }
        self.remove_other_members(archive, &seen)
    }

    /// Keeps the files of an archive if its content is unchanged. Returns whether it is.
    pub fn keep_archive(&self, archive: &Item, hash: u64) -> anyhow::Result<bool> {
        let old: Vec<&FileRecord> = self.members(archive).collect();
        let is_unchanged = !old.is_empty() && old.iter().all(|old| old.is_unchanged(hash));
        if is_unchanged {
            self.keep(&old.iter().map(|old| old.path.as_str()).collect::<Vec<_>>())?;
        }
        Ok(is_unchanged)
    }

    /// Removes the files that are no longer in an archive. `seen` are those that are.
    fn remove_other_members(&self, archive: &Item, seen: &HashSet<String>) -> anyhow::Result<()> {
        if seen.is_empty() {
            if archive.named {
                self.fail(archive, &NO_MEMBERS);
            } else {
                self.summary().unrecognized.push(archive.name.clone());
            }
        }
        self.output.remove_file(&archive.name)?;
        let mut gone =
            self.members(archive).filter(|old| !seen.contains(&old.path) && old.path != archive.name);
        gone.try_for_each(|gone| self.remove(gone))
    }

    /// The files of an archive in the index.
    fn members(&self, archive: &Item) -> impl Iterator<Item = &FileRecord> {
        self.files.iter().filter(|old| old.is_within(&archive.name))
    }
}
