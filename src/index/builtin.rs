//! The built-in index: this project's own questions about Rust (`corpus/`), indexed and checked in as
//! `index/`.

use std::path::Path;

use anyhow::Context;
use tantivy::Directory;
use tantivy::directory::RamDirectory;

use super::reader::Index;

/// The files of the built-in index: names and contents.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/builtin_index.rs"));

/// The name of the built-in index in messages.
const NAME: &str = "(built-in)";

impl Index {
    /// Opens the built-in index in memory. It does not access the disk; it copies about 4 MB.
    ///
    /// # Errors
    /// The program was built without a built-in index, or with one that it cannot read. A test rules out
    /// both.
    pub fn builtin() -> anyhow::Result<Self> {
        anyhow::ensure!(!FILES.is_empty(), "this program was built without the built-in index");
        let directory = RamDirectory::create();
        for (name, content) in FILES {
            directory
                .atomic_write(Path::new(name), content)
                .context("could not unpack the built-in index")?;
        }
        Ok(Self::open_directory(directory, Path::new(NAME))?)
    }
}
