//! Files that are replaced when they are complete.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::regular_file::directory_of;

/// Writes a file. One that exists is replaced when the new one is complete.
pub fn write_file(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<NamedTempFile>) -> io::Result<()>,
) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        let mut builder = tempfile::Builder::new();
        // The permissions of any other file: those of a temporary file are for its owner only.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut out = BufWriter::new(builder.tempfile_in(directory_of(path))?);
        content(&mut out)?;
        out.flush()?;
        out.into_inner()?.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}
