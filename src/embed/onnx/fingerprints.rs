//! A cache of fingerprints, so that the weights of a model are not hashed again each time it is loaded.
//!
//! A fingerprint is found by the paths, lengths and modification times of the files, and by the settings. The
//! cache only saves time: an entry that is missing or damaged is computed again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// A file that was changed this recently may be changed again without a new modification time.
const RECENT: Duration = Duration::from_secs(2);

/// The place of a fingerprint in the cache.
pub struct Entry {
    path: PathBuf,
    key: String,
}

impl Entry {
    /// The entry for files and settings, in the directory `cache`. `None` if the entry would not be reliable: a
    /// file was changed a moment ago or cannot be examined, or the directory depends on the current one.
    pub fn new(cache: &Path, files: &[PathBuf], settings: &[u8]) -> Option<Self> {
        if !cache.is_absolute() {
            return None;
        }
        let mut hasher = Xxh3Default::new();
        for file in files {
            let metadata = fs::metadata(file).ok()?;
            let modified = metadata.modified().ok()?;
            if SystemTime::now().duration_since(modified).ok()? < RECENT {
                return None;
            }
            let age = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            hasher.update(file.as_os_str().as_encoded_bytes());
            hasher.update(format!("\n{} {}\n", metadata.len(), age.as_nanos()).as_bytes());
        }
        hasher.update(settings);
        let key = format!("{:032x}", hasher.digest128());
        Some(Self { path: cache.join("fingerprints").join(&key), key })
    }

    /// The fingerprint in the cache.
    pub fn read(&self) -> Option<String> {
        let text = fs::read_to_string(&self.path).ok()?;
        let (fingerprint, checksum) = text.trim_end().split_once(' ')?;
        (checksum == self.checksum(fingerprint)).then(|| fingerprint.to_owned())
    }

    /// Adds a fingerprint.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, fingerprint: &str) -> std::io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        writeln!(file, "{fingerprint} {}", self.checksum(fingerprint))?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn checksum(&self, fingerprint: &str) -> String {
        format!("{:016x}", xxh3_64(format!("{} {fingerprint}", self.key).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn an_entry_is_valid_until_a_file_or_a_setting_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, file) = (dir.path().join("cache"), dir.path().join("model.onnx"));
        let modify = |text: &str, seconds: u64| {
            fs::write(&file, text).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        };
        let entry = |settings: &[u8]| Entry::new(&cache, std::slice::from_ref(&file), settings).unwrap();
        modify("weights", 1_000);
        assert_eq!(entry(b"a").read(), None);
        entry(b"a").write("0123456789abcdef").unwrap();
        assert_eq!(entry(b"a").read().unwrap(), "0123456789abcdef");
        assert_eq!(entry(b"b").read(), None);
        modify("weightz", 1_001);
        assert_eq!(entry(b"a").read(), None);
        modify("weights", 1_000);
        assert!(entry(b"a").read().is_some());
        modify("weights and more", 1_000);
        assert_eq!(entry(b"a").read(), None);
    }

    #[test]
    fn damaged_entries_and_recent_files_are_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("model.onnx");
        fs::write(&file, "weights").unwrap();
        assert!(Entry::new(dir.path(), std::slice::from_ref(&file), b"").is_none(), "changed a moment ago");
        File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(Entry::new(Path::new("cache"), std::slice::from_ref(&file), b"").is_none(), "relative");
        let entry = Entry::new(dir.path(), std::slice::from_ref(&file), b"").unwrap();
        entry.write("0123456789abcdef").unwrap();
        let written = fs::read(&entry.path).unwrap();
        for at in 0..written.len() - 1 {
            let mut damaged = written.clone();
            damaged[at] ^= 1;
            fs::write(&entry.path, damaged).unwrap();
            assert_eq!(entry.read(), None, "byte {at}");
        }
    }
}
