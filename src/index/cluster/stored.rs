//! Questions as the cluster stores them.

use std::collections::HashMap;

use anyhow::Context;
use milvus::v2::prelude::*;

use super::client::Client;
use super::entity::{self, Data};
use super::requests::{PAGE, texts};
use super::schema::{self, DATA, ID, RECORD};
use crate::index::rows::Row;
use crate::question::Question;

/// A question as the cluster stores it.
pub(crate) struct StoredQuestion {
    pub id: String,
    /// The question as JSON.
    pub record: String,
    data: Data,
    /// The keys of its texts that were too long for a field.
    pub part_keys: Vec<String>,
}

impl StoredQuestion {
    /// # Errors
    /// It is damaged.
    pub fn question(&self) -> anyhow::Result<Question> {
        serde_json::from_str(&self.record).context("a question in the cluster is damaged")
    }

    /// # Errors
    /// They are damaged.
    pub fn rows(&self) -> anyhow::Result<Vec<Row>> {
        self.data.rows()
    }

    pub fn row_count(&self) -> usize {
        self.data.row_count()
    }
}

impl Client {
    /// The stored questions of these ids, those that exist.
    pub fn stored(&self, ids: &[String]) -> anyhow::Result<Vec<StoredQuestion>> {
        let mut found = Vec::new();
        let collection = schema::questions(self.address());
        for ids in ids.chunks(PAGE) {
            for results in self.query_keys(&collection, ids, &[ID, DATA, RECORD])? {
                found.extend(self.stored_in(&results)?);
            }
        }
        Ok(found)
    }

    pub fn stored_in(&self, results: &QueryResults) -> anyhow::Result<Vec<StoredQuestion>> {
        let (ids, data, records) = (texts(results, ID)?, texts(results, DATA)?, texts(results, RECORD)?);
        let keys: Vec<String> =
            data.iter().chain(&records).flat_map(|text| entity::part_keys(text)).collect();
        let parts = if keys.is_empty() { HashMap::new() } else { self.texts(&keys)? };
        let stored = |((id, data), record): ((String, String), String)| {
            let part_keys = [&data, &record].into_iter().flat_map(|text| entity::part_keys(text)).collect();
            let data = serde_json::from_str(&entity::joined(&data, &parts)?)
                .context("a question in the cluster is damaged")?;
            Ok(StoredQuestion { id, data, record: entity::joined(&record, &parts)?, part_keys })
        };
        ids.into_iter().zip(data).zip(records).map(stored).collect()
    }

    /// Calls a function with the stored questions that match a filter.
    pub fn each_stored(
        &self,
        filter: &str,
        mut each: impl FnMut(Vec<StoredQuestion>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let collection = schema::questions(self.address());
        self.each_page(&collection, filter, &[ID, DATA, RECORD], |page| each(self.stored_in(page)?))
    }
}
