//! The content of a file, and the hash that tells whether it has changed.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use super::file_record::FileRecord;
#[cfg(feature = "remote")]
use super::file_record::PageVersion;
use super::item::Item;
use crate::read;

/// The opened content of an item.
pub struct Content {
    pub file: File,
    pub hash: u64,
    /// In lower case, without a dot.
    pub extension: String,
    #[cfg(feature = "remote")]
    pub page: Option<PageVersion>,
}

impl Content {
    /// Hashes the content of a file.
    pub fn new(mut file: File, extension: String, options: &read::Options) -> io::Result<Self> {
        let hash = hash_file(&mut file, options)?;
        Ok(Self::hashed(file, extension, hash))
    }

    /// The content of a file of an archive. `hash` is that of the archive.
    pub fn hashed(file: File, extension: String, hash: u64) -> Self {
        Self {
            file,
            hash,
            extension,
            #[cfg(feature = "remote")]
            page: None,
        }
    }

    /// The record of an item with this content and without bad records.
    pub fn record(&self, item: &Item) -> FileRecord {
        FileRecord {
            #[cfg(feature = "remote")]
            page: self.page.clone(),
            ..FileRecord::new(&item.name, self.hash, 0, item.within.clone())
        }
    }
}

/// The content of a stream in a temporary file in this directory.
pub fn spool(input: impl Read, dir: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile_in(dir)?;
    let limit = read::MAX_EXPANDED;
    if io::copy(&mut input.take(limit + 1), &mut file)? > limit {
        return Err(io::Error::other(format!("it has more than {} GiB, the limit", limit >> 30)));
    }
    Ok(file)
}

/// A hasher for files that are read in this way by this version of the program.
pub fn hasher(options: &read::Options) -> Xxh3Default {
    let mut hasher = Xxh3Default::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    if *options != read::Options::default() {
        hasher.update(serde_json::to_string(options).expect("options are plain data").as_bytes());
    }
    hasher
}

/// The hash of a file's content, of how it is read, and of the program version, since another version may find more
/// questions in it.
pub fn hash_file(file: &mut File, options: &read::Options) -> io::Result<u64> {
    file.rewind()?;
    let mut hasher = hasher(options);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.digest()),
            Ok(len) => hasher.update(&buffer[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
