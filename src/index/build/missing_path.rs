//! Paths that may not exist.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;

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
