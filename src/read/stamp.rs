//! What the file system says about a file: enough to know that its content has not changed.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// How old a change must be, so that a later one has another time. Two seconds is the coarsest clock of a file system
/// (FAT).
const CLOCK: Duration = Duration::from_secs(2);

/// The size, times and identity of a file at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    state: State,
    is_settled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    bytes: u64,
    modified: Option<SystemTime>,
    /// The time of the last change of the content or the metadata, which no program can set, and the number of the file.
    #[cfg(unix)]
    changed: (i64, i64, u64),
}

impl Stamp {
    /// The stamp of a file with this metadata, which was read just now.
    pub fn new(metadata: &Metadata) -> Self {
        Self::at(metadata, SystemTime::now())
    }

    /// The stamp of a file with this metadata, which was read at this time.
    pub(crate) fn at(metadata: &Metadata, now: SystemTime) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        let modified = metadata.modified().ok();
        #[cfg(unix)]
        let changed = u64::try_from(metadata.ctime())
            .ok()
            .map(|time| SystemTime::UNIX_EPOCH + Duration::from_secs(time));
        #[cfg(not(unix))]
        let changed = modified;
        Self {
            state: State {
                bytes: metadata.len(),
                modified,
                #[cfg(unix)]
                changed: (metadata.ctime(), metadata.ctime_nsec(), metadata.ino()),
            },
            is_settled: changed
                .is_some_and(|changed| now.duration_since(changed).is_ok_and(|age| age > CLOCK)),
        }
    }

    /// Whether two stamps are the same. Only if the earlier one [is settled](Self::is_settled), the content is too.
    pub fn is_same(&self, other: &Self) -> bool {
        self.state == other.state
    }

    /// Whether every change after this stamp leads to another one: the last change before it was more than two seconds
    /// earlier. File systems round times, so two changes at nearly the same time can have the same one.
    pub fn is_settled(&self) -> bool {
        self.is_settled
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_stamp_changes_with_the_file_and_settles_with_time() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a.md"), dir.path().join("b.md"));
        fs::write(&path, "one").unwrap();
        let stamp =
            |age: u64| Stamp::at(&path.metadata().unwrap(), SystemTime::now() + Duration::from_secs(age));
        let first = stamp(0);
        assert!(!first.is_settled() && stamp(4).is_settled() && first.is_same(&stamp(4)));
        fs::write(&path, "three").unwrap();
        assert!(!first.is_same(&stamp(0)), "another size");
        let first = stamp(0);
        // Replaced by a file of the same size, as many editors do.
        fs::write(&other, "THREE").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(!first.is_same(&stamp(0)), "another file");
        let first = stamp(0);
        path.metadata().unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(!first.is_same(&stamp(0)), "another time");
    }
}
