//! Exclusive access to an index directory for a writer.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, fs, thread};

use anyhow::{Context, anyhow, bail};
use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    DirectoryLock, FileHandle, INDEX_WRITER_LOCK, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};

use super::commit_file;
use super::read_only::{MANAGED, ensure_lockable, ensure_readable};
use crate::curation::{PINS, SYNONYMS};
use crate::hint::{hinted, with_hint};
use crate::regular_file::is_irregular;

/// How long a writer waits for another one. That is long enough for a commit of written questions, and not for an update
/// from files.
pub const SHORT_WAIT: Duration = Duration::from_secs(2);

/// How often a writer that waits for another one tries to lock the index.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// An index directory that this process alone may write until the value and all its clones are dropped.
///
/// Read the state of the index after taking the lock. What was read before may belong to an older commit.
///
/// It is also the tantivy directory to write with. Tantivy takes its own writer lock later than the state is
/// read, so this one is the same lock, taken earlier.
#[derive(Clone)]
pub struct WriteLock {
    directory: MmapDirectory,
    dir: Arc<Path>,
    /// The commit that tantivy reads instead of the one on disk, until it writes another one.
    assumed: Arc<Mutex<Option<Vec<u8>>>>,
    /// Closing the file releases the lock.
    _file: Arc<File>,
}

impl WriteLock {
    /// Locks a directory for writing. Creates it if it does not exist. Does not wait for another writer.
    ///
    /// # Errors
    /// [`Busy`] if another process is writing; or the directory cannot be created or written.
    pub fn take(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).map_err(|error| cannot_write(dir, error))?;
        let path = dir.join(&INDEX_WRITER_LOCK.filepath);
        if is_irregular(&path) {
            bail!(hinted(format!("{} is not a regular file", path.display()), "remove it"));
        }
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| cannot_write(dir, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Busy { dir: dir.to_owned(), holder: None }.into()),
            Err(TryLockError::Error(error)) => {
                let what = format!("could not lock {} for writing", dir.display());
                return Err(anyhow!(error).context(what));
            }
        }
        let directory =
            MmapDirectory::open(dir).with_context(|| format!("could not open {}", dir.display()))?;
        Ok(Self { directory, dir: dir.into(), assumed: Arc::default(), _file: Arc::new(file) })
    }

    /// Like [`take`](Self::take), but waits for another writer, at most for `limit`.
    ///
    /// # Errors
    /// Those of [`take`](Self::take).
    pub fn take_within(dir: &Path, limit: Duration) -> anyhow::Result<Self> {
        let start = Instant::now();
        loop {
            match Self::take(dir) {
                Err(error) if error.is::<Busy>() && start.elapsed() < limit => thread::sleep(RETRY_INTERVAL),
                result => return result,
            }
        }
    }

    /// Makes tantivy read this commit instead of the one on disk, until it writes another one.
    pub fn assume(&self, commit: Vec<u8>) {
        *self.assumed() = Some(commit);
    }

    /// Whether the last commit on disk has a file. Also true if that cannot be determined.
    pub fn is_referenced(&self, name: &str) -> bool {
        let commit = self.directory.atomic_read(Path::new(commit_file::NAME));
        match commit {
            Ok(commit) => {
                // The id of a segment has hyphens there.
                let commit = String::from_utf8_lossy(&commit).replace('-', "");
                name.get(..32).is_none_or(|segment| commit.contains(segment))
            }
            Err(error) => !matches!(error, OpenReadError::FileDoesNotExist(_)),
        }
    }

    /// Writes the file that names the commit, as another index has it.
    pub fn write_commit(&self, content: &[u8]) -> io::Result<()> {
        self.directory.atomic_write(Path::new(commit_file::NAME), content)?;
        *self.assumed() = None;
        self.directory.sync_directory()
    }

    fn assumed(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files that hold segments, whether a commit references them or not.
    pub fn segment_files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in self.dir.read_dir()? {
            let name = PathBuf::from(entry?.file_name());
            if is_segment_file(&name) {
                files.push(name);
            }
        }
        Ok(files)
    }

    /// Deletes the temporary files of writes that were interrupted, which tantivy does not track. No other
    /// process writes the index while this lock exists.
    pub fn delete_temporary_files(&self) -> io::Result<()> {
        for entry in self.dir.read_dir()? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            if name.starts_with(b".tmp") && path.is_file() {
                match fs::remove_file(&path) {
                    // A reader replaces its cache without this lock, and may have renamed the file.
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for WriteLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteLock").field(&self.dir).finish()
    }
}

/// Whether a file belongs to a segment: `0123456789abcdef0123456789abcdef.store`.
pub fn is_segment_file(name: &Path) -> bool {
    let name = name.as_os_str().as_encoded_bytes();
    name.len() > 33 && name[32] == b'.' && name[..32].iter().all(u8::is_ascii_hexdigit)
}

/// Whether a file can be left by a writer that did not reach its first commit: a lock, a list of files, a
/// temporary file, or the file of a segment. Files of synonyms and pins may be there before the first commit.
pub fn is_own_file(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    let is_lock = text.starts_with(".tantivy-") && text.ends_with(".lock");
    let is_curation = text == SYNONYMS || text == PINS;
    is_lock || is_curation || text == MANAGED || text.starts_with(".tmp") || is_segment_file(Path::new(name))
}

impl Directory for WriteLock {
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        if lock.filepath == INDEX_WRITER_LOCK.filepath {
            return Ok(DirectoryLock::from(Box::new(self.clone())));
        }
        ensure_lockable(&self.dir, lock)?;
        self.directory.acquire_lock(lock)
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

    /// Reads a small file. The list of managed files includes every segment file in the directory, so that
    /// tantivy deletes what an interrupted run left, even if the list is damaged or older than the file.
    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        if path == commit_file::NAME
            && let Some(commit) = self.assumed().clone()
        {
            return Ok(commit);
        }
        let stored = ensure_readable(&self.dir, path).and_then(|()| self.directory.atomic_read(path));
        if path != MANAGED {
            return commit_file::verified(path, stored?);
        }
        let wrap = |error| OpenReadError::wrap_io_error(error, path.to_owned());
        let mut files = self.segment_files().map_err(wrap)?;
        match stored {
            Ok(bytes) => files.extend(serde_json::from_slice::<Vec<PathBuf>>(&bytes).unwrap_or_default()),
            Err(error @ OpenReadError::FileDoesNotExist(_)) if files.is_empty() => return Err(error),
            Err(OpenReadError::FileDoesNotExist(_)) => {}
            Err(error) => return Err(error),
        }
        files.retain(|file| file.to_str().is_some());
        serde_json::to_vec(&files).map_err(|error| wrap(error.into()))
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.directory.atomic_write(path, &commit_file::sealed(path, data))?;
        if path == commit_file::NAME {
            *self.assumed() = None;
        }
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.directory.sync_directory()
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.directory.watch(callback)
    }
}

/// Another process is writing the index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "another process is writing the index in {dir}{}",
    .holder.as_ref().map_or_else(String::new, |holder| format!(": {holder}"))
)]
pub struct Busy {
    /// The index directory.
    pub dir: PathBuf,
    /// The process that writes, if it is known: `process 7 on db-1, whose lease ends in 12 s if it is dead`.
    pub holder: Option<String>,
}

/// An error of writing in a directory, with what to do about it.
fn cannot_write(dir: &Path, error: io::Error) -> anyhow::Error {
    let what = format!("could not write the index in {}", dir.display());
    explain_write(anyhow!(error).context(what))
}

/// Adds a hint to an error of writing an index if its cause is outside this program: a full disk, a read-only
/// file system, or a missing permission.
pub fn explain_write(error: anyhow::Error) -> anyhow::Error {
    let hint = match io_kind(&error) {
        Some(ErrorKind::StorageFull) => "the disk is full; free some space and run the command again",
        Some(ErrorKind::QuotaExceeded) => {
            "the disk quota is used up; free some space and run the command again"
        }
        Some(ErrorKind::ReadOnlyFilesystem) => {
            "the file system is read-only; --index names an index elsewhere. You can still search an index that is there"
        }
        Some(ErrorKind::PermissionDenied) => {
            "you have no permission to write there; --index names an index elsewhere. You can still search an index that is there"
        }
        _ => return error,
    };
    with_hint(error, hint).into()
}

/// The kind of the I/O error that caused an error. Tantivy shares its I/O errors in an [`Arc`].
fn io_kind(error: &anyhow::Error) -> Option<ErrorKind> {
    error.chain().find_map(|cause| {
        let shared = || cause.downcast_ref::<Arc<io::Error>>().map(|error| error.kind());
        cause.downcast_ref::<io::Error>().map(io::Error::kind).or_else(shared)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hinted;

    #[test]
    fn names_of_segment_files_are_recognized() {
        for (name, expected) in [
            ("0123456789abcdef0123456789abcdef.store", true),
            ("0123456789abcdef0123456789abcdef.12.del", true),
            ("0123456789abcdef0123456789abcdef", false),
            ("meta.json", false),
            ("notes about an index, long enough.md", false),
            (".tantivy-writer.lock", false),
        ] {
            assert_eq!(is_segment_file(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let lock = WriteLock::take(dir.path()).unwrap();
        let error = WriteLock::take(dir.path()).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Busy { dir: dir.path().to_owned(), holder: None }));
        // Tantivy's lock is the same lock.
        let tantivy = lock.acquire_lock(&INDEX_WRITER_LOCK).unwrap();
        drop(lock);
        assert!(WriteLock::take(dir.path()).is_err());
        drop(tantivy);
        WriteLock::take(dir.path()).unwrap();
    }

    #[test]
    fn causes_outside_the_program_are_told_apart() {
        let explained = |kind: ErrorKind| {
            let shared = TantivyIo(Arc::new(kind.into()));
            let error = explain_write(anyhow!(shared).context("could not commit the index"));
            assert_eq!(
                format!("{error:#}"),
                format!("could not commit the index: an IO error occurred: {kind}")
            );
            Hinted::of(&error).map(str::to_owned)
        };
        let hint = |kind| explained(kind).unwrap();
        assert!(hint(ErrorKind::StorageFull).contains("disk is full"));
        assert!(hint(ErrorKind::ReadOnlyFilesystem).contains("read-only"));
        assert!(hint(ErrorKind::PermissionDenied).contains("permission"));
        assert_eq!(explained(ErrorKind::NotFound), None);
    }

    /// An error whose source is a shared I/O error, like those of tantivy.
    #[derive(Debug)]
    struct TantivyIo(Arc<io::Error>);

    impl fmt::Display for TantivyIo {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an IO error occurred")
        }
    }

    impl std::error::Error for TantivyIo {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
}
