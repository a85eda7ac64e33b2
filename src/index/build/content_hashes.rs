//! The hashes of files that were read before.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::content::hasher;
use super::item::Item;
use crate::read::Stamp;

/// The hashes of files, for a program that updates an index again and again. A hash is valid while the size and the times
/// of its file are the same.
///
/// It makes an update cost the listing of the directories and the changed files, and not the reading of all files.
#[derive(Debug, Default)]
pub struct ContentHashes(Mutex<HashMap<PathBuf, Known>>);

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    /// The hash of how the file was read.
    reading: u64,
    hash: u64,
}

impl ContentHashes {
    /// The hash of a file if it is certain that its content has not changed.
    pub(super) fn get(&self, item: &Item) -> Option<u64> {
        let (stamp, reading) = (item.stamp.as_ref()?, hasher(&item.options).digest());
        let known = self.known();
        let known = known.get(&item.path)?;
        let is_valid = known.reading == reading && known.stamp.is_settled() && known.stamp.is_same(stamp);
        is_valid.then_some(known.hash)
    }

    /// Stores the hash of a file that was read after its stamp was taken.
    pub(super) fn insert(&self, item: &Item, hash: u64) {
        if let Some(stamp) = item.stamp {
            let reading = hasher(&item.options).digest();
            self.known().insert(item.path.clone(), Known { stamp, reading, hash });
        }
    }

    /// Removes the files that are not among these items.
    pub(super) fn retain(&self, items: &[Item]) {
        let mut known = self.known();
        if known.len() > items.len() {
            let paths: HashSet<&Path> = items.iter().map(|item| item.path.as_path()).collect();
            known.retain(|path, _| paths.contains(path.as_path()));
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::super::content::hash_file;
    use super::super::item::Place;
    use super::super::options::Build;
    use super::*;
    use crate::index::Index;
    use crate::read;

    fn item(path: &Path, age: u64) -> Item {
        let now = SystemTime::now() + Duration::from_secs(age);
        let stamp = Some(Stamp::at(&path.metadata().unwrap(), now));
        let (name, options) = ("a.md".to_owned(), read::Options::default());
        Item {
            name,
            path: path.to_owned(),
            place: Place::File,
            named: false,
            bytes: 0,
            stamp,
            options,
            within: None,
        }
    }

    #[test]
    fn a_hash_is_valid_while_the_file_is_certainly_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        fs::write(&path, "one").unwrap();
        let hashes = ContentHashes::default();
        hashes.insert(&item(&path, 0), 7);
        assert_eq!(hashes.get(&item(&path, 9)), None, "it could have changed at the same time");
        hashes.insert(&item(&path, 9), 7);
        assert_eq!(hashes.get(&item(&path, 9)), Some(7));
        let options = read::Options { articles: true, ..read::Options::default() };
        assert_eq!(hashes.get(&Item { options, ..item(&path, 9) }), None, "read in another way");
        fs::write(&path, "three").unwrap();
        assert_eq!(hashes.get(&item(&path, 9)), None);
        hashes.insert(&item(&path, 9), 8);
        hashes.retain(&[]);
        assert_eq!(hashes.get(&item(&path, 9)), None);
    }

    /// The hash of the old content is stored for the new file, so that a build that opens the file finds a change.
    #[test]
    fn a_file_with_a_valid_hash_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let docs = dir.path().canonicalize().unwrap().join("docs");
        let (index, path, paths) = (dir.path().join("index"), docs.join("a.md"), [docs.clone()]);
        fs::create_dir(&docs).unwrap();
        fs::write(&path, "## Why wax a rope?\n").unwrap();
        let hashes = ContentHashes::default();
        let build = Build { hashes: Some(&hashes), ..Build::new(&index, &paths) };
        build.run().unwrap();
        let old = hash_file(&mut fs::File::open(&path).unwrap(), &read::Options::default()).unwrap();
        fs::write(&path, "## Why wax two ropes?\n").unwrap();
        hashes.insert(&item(&path, 9), old);
        assert_eq!(build.run().unwrap().unchanged_files, 1);
        let title = || Index::open(&index).unwrap().questions().unwrap()[0].title.clone();
        assert_eq!(title(), "Why wax a rope?");
        // The rule has exceptions: what the user asks for, and a file whose problems are to be reported.
        Build { reread: true, ..build }.run().unwrap();
        assert_eq!(title(), "Why wax two ropes?");
    }
}
