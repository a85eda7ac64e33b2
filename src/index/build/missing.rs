//! Files that the index has questions of and that no longer exist.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::sources::{Items, Root};
use super::{Build, FileRecord, STDIN, path_of};
use crate::index::Meta;
use crate::read;

/// What becomes of the questions of files that no longer exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// They are removed. But if every file of a path is gone, or every file of the index, the build fails and
    /// changes nothing: most likely a disk is not mounted.
    #[default]
    Remove,
    /// They are removed, also if every file is gone.
    RemoveAll,
    /// They are kept.
    Keep,
}

/// Whether nothing exists at a path. If that cannot be determined, this returns false.
pub fn is_missing(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
        || path.metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// The absolute path of something that does not exist. The part of it that exists is resolved as it was when
/// the rest existed.
pub fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path).with_context(|| format!("could not find {}", path.display()))?;
    for parent in path.ancestors().skip(1) {
        if let (Ok(existing), Ok(rest)) = (parent.canonicalize(), path.strip_prefix(parent)) {
            return Ok(existing.join(rest));
        }
    }
    Ok(path)
}

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
                bail!(
                    "all indexed files of {} are gone; the index was not changed\n  \
                     hint: if a disk is not mounted, mount it; --keep-missing keeps the questions of files that are \
                     gone, --remove-missing removes them",
                    path.display()
                );
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
