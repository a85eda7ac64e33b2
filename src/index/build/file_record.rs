//! What an index remembers of each file that it was built from.

use serde::{Deserialize, Serialize};

use crate::index::reader::Index;
use crate::index::schema::FILE;
#[cfg(feature = "remote")]
use crate::read;
use crate::read::Phrasing;

/// The stored record of an indexed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    pub path: String,
    pub hash: u64,
    /// Number of records skipped. A file with bad records is read in every build, so that they are reported
    /// every time.
    pub bad: u64,
    /// The name of the archive, or the root, that holds the file; `None` for a file on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// What a file of phrasings holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phrasings: Vec<Phrasing>,
    /// The version of a page on the web.
    #[cfg(feature = "remote")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageVersion>,
}

/// The version of a page that was read.
#[cfg(feature = "remote")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageVersion {
    /// Of the options that it was read with, and of the version of this program.
    pub reading: u64,
    #[serde(flatten)]
    pub validators: read::web::Validators,
}

impl FileRecord {
    /// The record of a file that is not a page.
    pub fn new(path: &str, hash: u64, bad: u64, within: Option<String>) -> Self {
        Self {
            path: path.to_owned(),
            hash,
            bad,
            within,
            phrasings: Vec::new(),
            #[cfg(feature = "remote")]
            page: None,
        }
    }

    /// The id of the document that holds the record of a file. It differs from the ids of questions.
    pub fn id_of(path: &str) -> String {
        format!("file:{path}")
    }

    /// Whether the file had this hash, and no bad records, which are reported again.
    pub fn is_unchanged(&self, hash: u64) -> bool {
        self.hash == hash && self.bad == 0
    }

    /// Whether the file is in this archive, or below this root.
    pub fn is_within(&self, holder: &str) -> bool {
        self.within.as_deref() == Some(holder)
    }
}

/// The files in an index.
pub fn file_records(index: &Index) -> anyhow::Result<Vec<FileRecord>> {
    let records = index.records(index.fields.kind, FILE)?;
    records.iter().map(|record| Ok(serde_json::from_str(record)?)).collect()
}
