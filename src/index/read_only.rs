//! A tantivy directory for searching that does not need write permission.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};

use super::commit_file;
use crate::regular_file::refuse_irregular;

/// The list of files that tantivy created and deletes when no commit needs them.
pub const MANAGED: &str = ".managed.json";

/// An [`MmapDirectory`] that also works without write permission: on a read-only file system, or in a
/// directory of another user.
///
/// A reader holds a lock file while it opens the index, so that a writer on the same machine does not remove
/// the index files during that time. If the lock file cannot be created, the index is opened without the
/// lock. In the worst case a file is removed while the index is being opened; that open fails, and the next
/// one succeeds.
#[derive(Clone, Debug)]
pub struct ReadOnly {
    directory: MmapDirectory,
    dir: Arc<Path>,
}

impl ReadOnly {
    /// # Errors
    /// The directory does not exist.
    pub fn open(dir: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Self { directory: MmapDirectory::open(dir)?, dir: dir.into() })
    }
}

impl Directory for ReadOnly {
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        ensure_lockable(&self.dir, lock)?;
        match self.directory.acquire_lock(lock) {
            Err(LockError::IoError(error)) if cannot_write(&error) => Ok(DirectoryLock::from(Box::new(()))),
            result => result,
        }
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        ensure_readable(&self.dir, path)?;
        self.directory.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.directory.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.directory.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.directory.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        ensure_readable(&self.dir, path)?;
        let bytes = self.directory.atomic_read(path)?;
        if path == MANAGED && serde_json::from_slice::<Vec<PathBuf>>(&bytes).is_err() {
            // A reader does not need the list of files to delete, so a damaged one does not matter to it.
            return Err(OpenReadError::FileDoesNotExist(path.to_owned()));
        }
        commit_file::verified(path, bytes)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.directory.atomic_write(path, data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.directory.sync_directory()
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.directory.watch(callback)
    }
}

/// Refuses to read what is not a regular file. A file that is gone may still be mapped: an open index stays usable.
pub fn ensure_readable(dir: &Path, path: &Path) -> Result<(), OpenReadError> {
    refuse_irregular(&dir.join(path)).map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))
}

/// Refuses a lock file that exists and is not a regular file.
pub fn ensure_lockable(dir: &Path, lock: &Lock) -> Result<(), LockError> {
    refuse_irregular(&dir.join(&lock.filepath)).map_err(LockError::wrap_io_error)
}

fn cannot_write(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_write_permission_is_ignored() {
        assert!(cannot_write(&ErrorKind::PermissionDenied.into()));
        assert!(cannot_write(&ErrorKind::ReadOnlyFilesystem.into()));
        assert!(!cannot_write(&ErrorKind::NotFound.into()));
        assert!(!cannot_write(&ErrorKind::StorageFull.into()));
    }
}
