//! Reading files that must be regular files.
//!
//! To open a named pipe waits until another process writes it, and a device may have no end. Files of an index
//! and of the user's configuration are therefore checked before they are opened.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Makes sure that a path leads to a regular file.
///
/// # Errors
/// Nothing is there ([`ErrorKind::NotFound`]), or it is something else ([`ErrorKind::InvalidInput`]).
pub fn ensure_regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path)?.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// Whether something that is not a regular file has this path.
pub fn is_irregular(path: &Path) -> bool {
    refuse_irregular(path).is_err()
}

/// Refuses what has this path and is not a regular file. Nothing need be there.
pub fn refuse_irregular(path: &Path) -> io::Result<()> {
    match ensure_regular(path) {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(error),
        _ => Ok(()),
    }
}

/// The directory that a file is in: the current one for a name without a directory.
pub fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a regular file for reading.
pub fn open(path: &Path) -> io::Result<File> {
    ensure_regular(path)?;
    File::open(path)
}

/// Reads all of a regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    ensure_regular(path)?;
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        assert_eq!(read(&file).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!is_irregular(&file));
        fs::write(&file, "text").unwrap();
        assert_eq!(read(&file).unwrap(), b"text");
        assert_eq!(open(dir.path()).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(is_irregular(dir.path()) && !is_irregular(&file));
    }
}
