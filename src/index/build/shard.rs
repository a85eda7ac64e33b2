//! Parts of the questions, for several workers.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

/// A part of the questions, for several workers that write an index in a cluster at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which of the parts, starting at 1.
    pub nth: u32,
    /// The number of parts.
    pub of: u32,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.nth, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Parses `2/4`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (nth, of) = text.split_once('/')?;
            Some(Self { nth: nth.parse().ok()?, of: of.parse().ok()? })
        };
        match parse() {
            Some(shard) if (1..=shard.of).contains(&shard.nth) => Ok(shard),
            _ => Err("must be a part and the number of parts, such as 2/4".to_owned()),
        }
    }
}

impl Shard {
    /// Whether a question belongs to this part.
    pub fn has(self, id: &str) -> bool {
        xxh3_64(id.as_bytes()) % u64::from(self.of.max(1)) + 1 == u64::from(self.nth)
    }
}
