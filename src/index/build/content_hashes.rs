//! The hashes of files that were read before.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::hasher;
use super::sources::Item;
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
