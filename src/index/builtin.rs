//! The index inside the program: our own Rust questions (`corpus/`), indexed and committed
//! (`index/`).

use std::path::Path;

use anyhow::Context;
use tantivy::Directory;
use tantivy::directory::RamDirectory;

use super::Index;

/// Its files: names and contents.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/builtin_index.rs"));

/// How messages call it.
const NAME: &str = "(built-in)";

impl Index {
    /// Opens the index inside the program. The disk is not touched; some 4 MB are copied.
    ///
    /// # Errors
    /// The program was built without one, or from one that it cannot read: a test rules out both.
    pub fn builtin() -> anyhow::Result<Self> {
        anyhow::ensure!(!FILES.is_empty(), "this program was built without an index inside");
        let directory = RamDirectory::create();
        for (name, content) in FILES {
            directory
                .atomic_write(Path::new(name), content)
                .context("could not unpack the built-in index")?;
        }
        Ok(Self::open_directory(directory, Path::new(NAME))?)
    }
}
