//! Addresses of indexes in a cluster, and what is not possible with such an index.

use std::path::{Path, PathBuf};

/// Whether the name of an index is the address of one in a cluster, and not a directory.
pub fn is_cluster_address(name: &Path) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("milvus://") || name.starts_with("milvuss://"))
}

/// What needs all questions of an index at once, so that an index in a cluster must be copied for it first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not supported with an index in a cluster yet")]
pub struct NeedsCopy {
    /// What was asked for, as the subject of a sentence.
    pub what: &'static str,
    /// The address of the index.
    pub address: PathBuf,
}

impl NeedsCopy {
    /// Refuses the address of an index in a cluster.
    ///
    /// # Errors
    /// `name` is one.
    pub fn ensure_directory(name: &Path, what: &'static str) -> Result<(), Self> {
        if is_cluster_address(name) { Err(Self { what, address: name.to_owned() }) } else { Ok(()) }
    }
}
