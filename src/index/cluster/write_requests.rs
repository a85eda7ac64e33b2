//! Requests that write to the cluster.

use std::thread;
use std::time::Duration;

use milvus::v2::prelude::*;

use super::client::Client;
use super::entity::{Entity, question_fields, vector_fields};
use super::requests::is_one_of;
use super::schema::{self, ID, TEXT, VECTOR};
use crate::index::Space;
use crate::index::bm25::FieldWeights;
use crate::index::rows::Row;

/// The number of entities in one request.
pub const BATCH: usize = 500;

/// The number of vectors in one request, and the number of bytes of questions.
const VECTORS: usize = 1_000;
pub const BYTES: usize = 8 << 20;

impl Client {
    /// Creates the collections that do not exist.
    pub fn create_collections(&self, dimensions: usize) -> anyhow::Result<()> {
        for request in schema::creation(self.address(), dimensions)? {
            if self.has_collection(request.collection_name())? {
                continue;
            }
            let name = request.collection_name().to_owned();
            let created = self.write(move |client| {
                let request = request.clone();
                async move { client.create_collection(request).await }
            });
            if let Err(error) = created
                && !self.appears(&name)?
            {
                return Err(error);
            }
        }
        self.load()
    }

    /// Whether a collection exists, or soon does because another worker is creating it.
    fn appears(&self, name: &str) -> anyhow::Result<bool> {
        for _ in 0..20 {
            if self.has_collection(name)? {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(250));
        }
        Ok(false)
    }

    fn upsert(&self, collection: &str, columns: &[FieldData]) -> anyhow::Result<()> {
        let insert =
            InsertRequest::builder().collection_name(collection).columns(columns.to_vec()).build()?;
        let request = UpsertRequest::builder().insert(insert).build()?;
        self.write(move |client| {
            let request = request.clone();
            async move { client.upsert(request).await.map(drop) }
        })
    }

    /// Deletes the entities whose field has one of these values.
    pub fn delete(&self, collection: &str, field: &str, values: &[String]) -> anyhow::Result<()> {
        for values in values.chunks(BATCH) {
            let request = DeleteRequest::builder()
                .collection_name(collection)
                .filter(is_one_of(field, values))
                .build()?;
            self.write(move |client| {
                let request = request.clone();
                async move { client.delete(request).await.map(drop) }
            })?;
        }
        Ok(())
    }

    /// Stores texts by their keys.
    pub fn put_texts(&self, texts: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<()> {
        let texts: Vec<(String, String)> = texts.into_iter().collect();
        for texts in texts.chunks(64) {
            let (keys, values) = texts.iter().cloned().unzip();
            let columns = [
                FieldData::varchar(ID, keys),
                FieldData::varchar(TEXT, values),
                FieldData::float_vector(VECTOR, vec![vec![1.0, 0.0]; texts.len()]),
            ];
            self.upsert(&schema::parts(self.address()), &columns)?;
        }
        Ok(())
    }

    pub fn delete_texts(&self, keys: &[String]) -> anyhow::Result<()> {
        self.delete(&schema::parts(self.address()), ID, keys)
    }

    /// Stores questions: what is too long for a field, then vectors, then the questions.
    pub fn put_questions(
        &self,
        entities: &[Entity],
        space: &Space,
        weights: &FieldWeights,
    ) -> anyhow::Result<()> {
        let parts = entities.iter().flat_map(|entity| &entity.parts);
        self.put_texts(parts.map(|(key, part)| (key.clone(), part.clone())))?;
        let centre = |row: &Row| space.centre(row.vector.values()).values().collect();
        let mut start = 0;
        while start < entities.len() {
            let mut rows = 0;
            let enough = entities[start..].iter().take_while(|entity| {
                rows += entity.rows.len();
                rows <= VECTORS
            });
            let end = start + enough.count().max(1);
            let here = &entities[start..end];
            if here.iter().any(|entity| !entity.rows.is_empty()) {
                self.upsert(&schema::vectors(self.address()), &vector_fields(here, centre))?;
            }
            start = end;
        }
        let mut rest = entities;
        while !rest.is_empty() {
            let mut bytes = 0;
            let enough = rest.iter().take_while(|entity| {
                bytes += entity.data.len() + entity.record.len();
                bytes <= BYTES
            });
            let (here, after) = rest.split_at(enough.count().max(1));
            self.upsert(&schema::questions(self.address()), &question_fields(here, weights))?;
            rest = after;
        }
        Ok(())
    }

    pub fn flush_collection(&self, collection: &str) -> anyhow::Result<()> {
        let request = FlushRequest::builder().collection_names([collection]).build()?;
        self.write(move |client| {
            let request = request.clone();
            async move { client.flush(request).await.map(drop) }
        })
    }

    /// Writes what the server has in memory, so that searches are fast.
    pub fn flush(&self) -> anyhow::Result<()> {
        schema::collections(self.address())
            .iter()
            .try_for_each(|collection| self.flush_collection(collection))
    }
}
