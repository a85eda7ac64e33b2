//! Requests that read from the cluster.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use milvus::v2::prelude::*;

use super::client::{Client, TooLong};
use super::schema::{self, HASH, ID, QUESTION, ROW, TEXT};

/// The number of entities in one request.
pub const PAGE: usize = 250;

/// The most results of a search that a cluster returns.
pub const MOST: usize = 16_384;

/// A string in a filter.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is plain data")
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
}

/// The filter for a field with one of these values.
pub fn is_one_of(field: &str, values: &[String]) -> String {
    format!("{field} in [{}]", list(values))
}

pub fn texts(results: &QueryResults, field: &str) -> anyhow::Result<Vec<String>> {
    match results.get_output_field(field) {
        Some(FieldData::VarChar { values, .. }) => Ok(values.clone()),
        None if results.get_output_fields().is_empty() => Ok(Vec::new()),
        _ => Err(anyhow::anyhow!("the reply of the cluster has no texts in {field}")),
    }
}

pub fn lists(results: &QueryResults, field: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let lists = results.get_output_field(field).and_then(FieldData::as_array_varchar);
    lists.map(<[_]>::to_vec).with_context(|| format!("the reply of the cluster has no lists in {field}"))
}

pub fn integers(results: &QueryResults, field: &str) -> anyhow::Result<Vec<i64>> {
    match results.get_output_field(field) {
        Some(FieldData::Int64 { values, .. }) => Ok(values.clone()),
        None if results.get_output_fields().is_empty() => Ok(Vec::new()),
        _ => Err(anyhow::anyhow!("the reply of the cluster has no numbers in {field}")),
    }
}

impl Client {
    /// Whether a collection exists.
    ///
    /// # Errors
    /// Those of a request, as for all functions here.
    pub fn has_collection(&self, name: &str) -> anyhow::Result<bool> {
        let name = name.to_owned();
        self.read(move |client| {
            let name = name.clone();
            async move {
                let request = HasCollectionRequest::builder().collection_name(name).build()?;
                Ok(client.has_collection(request).await?.exists())
            }
        })
    }

    pub fn query_request(collection: &str, filter: &str, fields: &[&str]) -> anyhow::Result<QueryRequest> {
        Ok(QueryRequest::builder()
            .collection_name(collection)
            .filter(filter)
            .output_fields(fields.iter().copied())
            .consistency_level(ConsistencyLevel::Strong)
            .limit(MOST as i64)
            .build()?)
    }

    /// The entities that match a filter, which must be few.
    pub fn query(&self, collection: &str, filter: &str, fields: &[&str]) -> anyhow::Result<QueryResults> {
        let request = Self::query_request(collection, filter, fields)?;
        let reply = self.read(move |client| {
            let request = request.clone();
            async move { client.query(request).await }
        })?;
        Ok(reply.results().clone())
    }

    /// The entities with these keys, in several replies. A reply that is too long is asked for in halves.
    pub fn query_keys(
        &self,
        collection: &str,
        keys: &[String],
        fields: &[&str],
    ) -> anyhow::Result<Vec<QueryResults>> {
        match self.query(collection, &is_one_of(ID, keys), fields) {
            Ok(results) => Ok(vec![results]),
            Err(error) if error.is::<TooLong>() && keys.len() > 1 => {
                let (first, second) = keys.split_at(keys.len() / 2);
                let mut all = self.query_keys(collection, first, fields)?;
                all.extend(self.query_keys(collection, second, fields)?);
                Ok(all)
            }
            Err(error) => Err(error),
        }
    }

    /// Calls a function with pages of the entities that match a filter, in the order of their keys. The fields must include
    /// the key. An entity that is written in the meantime may be missing.
    pub fn each_page(
        &self,
        collection: &str,
        filter: &str,
        fields: &[&str],
        mut each: impl FnMut(&QueryResults) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        // With these parameters, the server returns the first entities in the order of their keys.
        let ordered = [("iterator", "True"), ("reduce_stop_for_best", "False")];
        let ordered: HashMap<String, String> =
            ordered.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let (mut last, mut size) = (String::new(), PAGE);
        loop {
            let after = format!("{ID} > {}", quoted(&last));
            let condition = if filter.is_empty() { after } else { format!("{after} and ({filter})") };
            let request = Self::query_request(collection, &condition, fields)?
                .into_builder()
                .limit(size as i64)
                .extra_params(ordered.clone())
                .build()?;
            let reply = self.read(move |client| {
                let request = request.clone();
                async move { client.query(request).await }
            });
            let reply = match reply {
                Err(error) if error.is::<TooLong>() && size > 1 => {
                    size /= 2;
                    continue;
                }
                reply => reply?,
            };
            let ids = texts(reply.results(), ID)?;
            let Some(greatest) = ids.iter().max() else { return Ok(()) };
            last.clone_from(greatest);
            each(reply.results())?;
            if ids.len() < size {
                return Ok(());
            }
        }
    }

    /// The text with a key.
    pub fn text(&self, key: &str) -> anyhow::Result<Option<String>> {
        Ok(self.texts(&[key.to_owned()])?.remove(key))
    }

    /// The texts with these keys, those that exist.
    pub fn texts(&self, keys: &[String]) -> anyhow::Result<HashMap<String, String>> {
        let mut found = HashMap::new();
        let collection = schema::parts(self.address());
        // A message has a limit of some MiB.
        for keys in keys.chunks(32) {
            for results in self.query_keys(&collection, keys, &[ID, TEXT])? {
                found.extend(texts(&results, ID)?.into_iter().zip(texts(&results, TEXT)?));
            }
        }
        Ok(found)
    }

    /// The texts whose keys begin with a prefix of letters and slashes.
    pub fn texts_with_prefix(&self, prefix: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        let filter = format!("{ID} like {}", quoted(&format!("{prefix}%")));
        self.each_page(&schema::parts(self.address()), &filter, &[ID, TEXT], |page| {
            found.extend(texts(page, ID)?.into_iter().zip(texts(page, TEXT)?));
            Ok(())
        })?;
        Ok(found)
    }

    /// The keys of all texts.
    pub fn text_keys(&self) -> anyhow::Result<Vec<String>> {
        let mut keys = Vec::new();
        self.each_page(&schema::parts(self.address()), "", &[ID], |page| {
            keys.extend(texts(page, ID)?);
            Ok(())
        })?;
        Ok(keys)
    }

    /// Calls a function with the key, the question and the number of all vectors.
    pub fn each_vector(
        &self,
        mut each: impl FnMut(Vec<(String, String, i64)>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.each_page(&schema::vectors(self.address()), "", &[ID, QUESTION, ROW], |page| {
            let (keys, questions) = (texts(page, ID)?, texts(page, QUESTION)?);
            let vectors = keys.into_iter().zip(questions).zip(integers(page, ROW)?);
            each(vectors.map(|((key, question), row)| (key, question, row)).collect())
        })
    }

    /// The ids and hashes of the questions that match a filter.
    pub fn hashes(&self, filter: &str) -> anyhow::Result<HashMap<String, u64>> {
        let mut found = HashMap::new();
        self.each_page(&schema::questions(self.address()), filter, &[ID, HASH], |page| {
            let hashes = integers(page, HASH)?.into_iter().map(|hash| hash as u64);
            found.extend(texts(page, ID)?.into_iter().zip(hashes));
            Ok(())
        })?;
        Ok(found)
    }
}
