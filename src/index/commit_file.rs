//! The file that names the last commit, `meta.json`, with a checksum.
//!
//! Tantivy gives every segment file a checksum, but not this one. The checksum is the first entry of the
//! object, which tantivy ignores: `{"rqsearch_checksum":"0123456789abcdef","index_settings":…`. It covers all
//! bytes after its comma.

use std::io::{self, ErrorKind};
use std::path::Path;

use tantivy::directory::error::OpenReadError;
use xxhash_rust::xxh3::xxh3_64;

/// The name of the file.
pub const NAME: &str = "meta.json";

const KEY: &[u8] = br#"{"rqsearch_checksum":""#;
const END: &[u8] = br#"","#;
const DIGITS: usize = 16;

/// The content to write to a file: with a checksum if it is the file of the commit.
pub fn sealed(path: &Path, data: &[u8]) -> Vec<u8> {
    match data.strip_prefix(b"{") {
        Some(rest) if path == NAME => {
            let checksum = format!("{:016x}", xxh3_64(rest));
            [KEY, checksum.as_bytes(), END, rest].concat()
        }
        _ => data.to_vec(),
    }
}

/// The content of a file, unless it is the file of the commit and does not match its checksum.
///
/// # Errors
/// The file is damaged.
pub fn verified(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, OpenReadError> {
    if path == NAME && !is_sound(&bytes) {
        let damaged = io::Error::new(ErrorKind::InvalidData, "its content does not match its checksum");
        return Err(OpenReadError::wrap_io_error(damaged, path.to_owned()));
    }
    Ok(bytes)
}

/// Whether the file of a commit matches its checksum, or was written by a version without checksums.
pub fn is_sound(bytes: &[u8]) -> bool {
    match split(bytes) {
        Some((checksum, rest)) => checksum == format!("{:016x}", xxh3_64(rest)).as_bytes(),
        // Without the whole entry, a valid file starts with another one.
        None => bytes.starts_with(b"{\n"),
    }
}

/// The checksum and what it covers.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (checksum, rest) = bytes.strip_prefix(KEY)?.split_at_checked(DIGITS)?;
    Some((checksum, rest.strip_prefix(END)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_detected() {
        let sealed = sealed(Path::new(NAME), b"{\"index_settings\":{},\"opstamp\":7}");
        assert!(is_sound(&sealed));
        assert!(serde_json::from_slice::<serde_json::Value>(&sealed).is_ok());
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut damaged = sealed.clone();
                damaged[at] ^= 1 << bit;
                assert!(!is_sound(&damaged), "byte {at}, bit {bit}");
            }
            assert!(!is_sound(&sealed[..at]), "cut at {at}");
        }
    }

    #[test]
    fn other_files_and_files_of_older_versions_are_unchanged() {
        assert_eq!(sealed(Path::new(".managed.json"), b"[]"), b"[]");
        assert!(is_sound(b"{\n  \"index_settings\": {}\n}\n"));
        assert!(verified(Path::new(".managed.json"), b"?".to_vec()).is_ok());
    }
}
