//! Files that the index has questions of and that no longer exist.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::file_record::FileRecord;
use super::item::{Items, Root};
use super::missing_path::is_missing;
use super::options::{Build, Missing};
use super::state::State;
use crate::hint::hinted;
use crate::index::metadata::Meta;
use crate::index::stored_path::{STDIN, path_of};
use crate::read;

impl Build<'_> {
    /// Makes sure that the build does not remove the questions of a disk that is not mounted.
    pub(super) fn ensure_not_emptied(
        &self,
        roots: &[Root],
        items: &Items,
        files: &[FileRecord],
        base: &Path,
    ) -> anyhow::Result<()> {
        if self.missing != Missing::Remove {
            return Ok(());
        }
        // The files on disk that the index has questions of. For a file in an archive, the archive.
        let on_disk = files.iter().filter_map(|file| match file.within.as_deref() {
            Some(holder) if holder == STDIN || read::is_url(holder) => None,
            holder => Some(base.join(path_of(holder.unwrap_or(&file.path)))),
        });
        let on_disk: Vec<PathBuf> = on_disk.collect();
        for root in roots {
            let indexed = on_disk.iter().filter(|file| root.contains(file)).count();
            let (path, lost) = match root {
                Root::Path(path) => {
                    let is_found = items.list.iter().any(|item| root.contains(&item.path));
                    (path, path.is_dir() && !is_found && !items.is_incomplete(root))
                }
                Root::Missing(path) => {
                    let is_only_source = indexed == files.len();
                    (path, is_only_source || !path.parent().is_some_and(Path::is_dir))
                }
                Root::Stdin | Root::Web(_) => continue,
            };
            if lost && indexed > 0 {
                bail!(hinted(
                    format!("all indexed files of {} are gone; the index was not changed", path.display()),
                    "if a disk is not mounted, mount it; --keep-missing keeps the questions of files that are \
                     gone, --remove-missing removes them"
                ));
            }
        }
        Ok(())
    }

    /// Removes the roots that no longer exist from the roots of the index, unless they are to be kept. Returns
    /// them as stored in the index.
    pub(super) fn forget_missing(&self, roots: &mut Vec<Root>, base: &Path, meta: &mut Meta) -> Vec<String> {
        let missing = roots.extract_if(.., |root| matches!(root, Root::Missing(_)));
        let missing: Vec<String> = missing.map(|root| root.stored(base)).collect();
        if self.missing != Missing::Keep {
            meta.roots.retain(|root| !missing.contains(root));
            meta.reading.retain(|root, _| !missing.contains(root));
        }
        missing
    }
}

impl State<'_> {
    /// The paths of files in the index below the roots that no longer exist, and of pages that are no longer listed.
    pub fn gone(&self, roots: &[Root], items: &Items) -> HashSet<String> {
        let found: HashSet<&str> = items.list.iter().map(|item| item.name.as_str()).collect();
        let is_gone = |name: &str| {
            let path = self.base.join(path_of(name));
            let below = roots.iter().filter(|root| root.contains(&path)).collect::<Vec<_>>();
            !found.contains(name)
                && !below.is_empty()
                && match is_missing(&path) {
                    true => self.build.missing != Missing::Keep,
                    // The file is excluded now, unless a directory could not be listed.
                    false => !below.iter().any(|root| items.is_incomplete(root)),
                }
        };
        let gone = self.files.iter().filter(|file| match file.within.as_deref() {
            None => is_gone(&file.path),
            Some(STDIN) => false,
            Some(url) if read::is_url(url) => {
                items.complete.contains(url) && !found.contains(file.path.as_str())
            }
            Some(archive) => is_gone(archive),
        });
        gone.map(|file| file.path.clone()).collect()
    }

    /// Deletes the files with these paths and their questions.
    pub fn remove_files(&self, gone: &HashSet<String>) -> anyhow::Result<()> {
        self.files.iter().filter(|file| gone.contains(&file.path)).try_for_each(|file| self.remove(file))
    }

    /// Deletes a file and its questions.
    pub fn remove(&self, file: &FileRecord) -> anyhow::Result<()> {
        self.output.remove_file(&file.path)?;
        self.summary().removed_files += 1;
        Ok(())
    }
}
