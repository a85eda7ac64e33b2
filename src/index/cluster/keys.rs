//! The keys of the texts in `NAME_parts`.

use crate::index::Shard;

/// The commit, which all else belongs to.
pub const COMMIT: &str = "commit";

/// What the keys of the statistics of a generation begin with.
pub const STATISTICS: &str = "statistics/";

/// What the keys of the records of files begin with.
pub const FILE: &str = "file/";

/// What the keys of the leases of writers begin with.
pub const LEASE: &str = "writer/";

/// What the keys begin with of what a shard leaves for the worker that finishes: its changes to the statistics, its metadata,
/// the means that its questions are stored for, and its records of files.
pub const COUNTS: &str = "counts/";
pub const ROOTS: &str = "roots/";
pub const STORED_FOR: &str = "stored-for/";
pub const SHARD_FILE: &str = "shard-file/";

/// The record of a file that a shard has removed.
pub const REMOVED: &str = "-";

/// What stands for a shard in keys.
pub fn shard_key(shard: Shard) -> String {
    format!("{}-{}", shard.nth, shard.of)
}
