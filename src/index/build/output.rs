//! Where a build writes questions.

use std::collections::HashMap;

use anyhow::Context;
use tantivy::{IndexWriter, TantivyDocument, Term};

use super::file_record::FileRecord;
use crate::index::document::document;
use crate::index::rows::Row;
use crate::index::schema::{FILE, Fields};
use crate::question::Question;

/// Where a build writes questions.
pub enum Output<'a> {
    /// To tantivy segments. Nothing is visible before the commit.
    Segments { writer: &'a IndexWriter, fields: Fields },
    /// To a cluster.
    #[cfg(feature = "milvus")]
    Cluster(&'a crate::index::cluster::Writer),
}

impl Output<'_> {
    /// Whether questions are written to a cluster.
    pub fn is_cluster(&self) -> bool {
        match self {
            Self::Segments { .. } => false,
            #[cfg(feature = "milvus")]
            Self::Cluster(_) => true,
        }
    }

    /// Deletes everything. In a cluster, nothing: an index there keeps its model.
    pub fn delete_all(&self) -> anyhow::Result<()> {
        match self {
            Self::Segments { writer, .. } => {
                writer.delete_all_documents().context("could not write the index")?;
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(_) => {}
        }
        Ok(())
    }

    /// Deletes a question that will be added again. In a cluster, the addition replaces it.
    pub fn replace(&self, id: &str) {
        match self {
            Self::Segments { writer, fields } => {
                writer.delete_term(Term::from_field_text(fields.id, id));
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(_) => {}
        }
    }

    /// Deletes a question.
    pub fn remove(&self, id: &str) {
        match self {
            Self::Segments { .. } => self.replace(id),
            #[cfg(feature = "milvus")]
            Self::Cluster(writer) => writer.remove(id),
        }
    }

    /// Deletes the record of a file and its questions.
    pub fn remove_file(&self, path: &str) -> anyhow::Result<()> {
        match self {
            Self::Segments { writer, fields } => {
                writer.delete_term(Term::from_field_text(fields.path, path));
                Ok(())
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(writer) => writer.remove_file(path),
        }
    }

    /// Adds a question. The one with its id was deleted with [`replace`](Self::replace) before.
    pub fn add(&self, question: &Question, rows: Vec<Row>) -> anyhow::Result<()> {
        match self {
            Self::Segments { writer, fields } => {
                writer.add_document(document(fields, question, &rows)?)?;
                Ok(())
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(writer) => writer.add(question, rows),
        }
    }

    /// Stores the record of a file.
    pub fn put_file(&self, record: &FileRecord) -> anyhow::Result<()> {
        let text = serde_json::to_string(record)?;
        match self {
            Self::Segments { writer, fields } => {
                let key = FileRecord::id_of(&record.path);
                writer.delete_term(Term::from_field_text(fields.id, &key));
                let mut doc = TantivyDocument::new();
                doc.add_text(fields.kind, FILE);
                doc.add_text(fields.id, key);
                doc.add_text(fields.path, &record.path);
                doc.add_text(fields.record, text);
                writer.add_document(doc).context("could not write the index")?;
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(writer) => writer.put_file(&record.path, text),
        }
        Ok(())
    }

    /// The ids and hashes of the questions of a file, if no index in a directory has them.
    pub fn question_hashes(&self, path: &str) -> anyhow::Result<HashMap<String, u64>> {
        match self {
            Self::Segments { .. } => {
                let _ = path;
                Ok(HashMap::new())
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(writer) => writer.question_hashes(path),
        }
    }
}
