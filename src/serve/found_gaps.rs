//! Reports of gaps that were computed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::cache::CommitCache;
use crate::gaps::Report;

/// How long a report is returned again, at least. The query log has new phrases all the time.
const FRESH: Duration = Duration::from_secs(60);

/// A report is returned again for so many times the time that it took: gaps take at most a tenth of the server.
const TIMES: u32 = 10;

/// Reports by the minimum size of a group.
pub type GapsCache = CommitCache<u64, Found>;

/// A report and its age.
pub struct Found {
    pub report: Report,
    /// When the representative of each group was asked first, RFC 3339, by the id of the group.
    pub since: HashMap<String, String>,
    pub finished: Instant,
    pub took: Duration,
}

impl Found {
    /// Whether it can be returned again.
    pub fn is_fresh(&self) -> bool {
        self.finished.elapsed() < FRESH.max(self.took * TIMES)
    }
}
