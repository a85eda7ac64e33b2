//! Where a build writes questions.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use tantivy::{IndexWriter, Searcher, TantivyDocument, Term};
use xxhash_rust::xxh3::xxh3_64;

use super::file_record::FileRecord;
use crate::index::document::document;
use crate::index::rows::Row;
use crate::index::schema::{FILE, Fields, PHRASINGS};
use crate::question::Question;

/// Where a build writes questions.
pub enum Output<'a> {
    /// To tantivy segments. Nothing is visible before the commit.
    Segments(Segments<'a>),
    /// To a cluster.
    #[cfg(feature = "milvus")]
    Cluster(&'a crate::index::cluster::Writer),
}

/// Where a build writes segments.
pub struct Segments<'a> {
    writer: &'a IndexWriter,
    fields: Fields,
    /// What was committed before. `None` if it cannot be read.
    committed: Option<Searcher>,
    /// The hashes of the ids that were written.
    written: Mutex<HashSet<u64>>,
}

impl<'a> Segments<'a> {
    pub fn new(writer: &'a IndexWriter, fields: Fields, committed: Option<Searcher>) -> Self {
        Self { writer, fields, committed, written: Mutex::default() }
    }

    /// Deletes the document with an id before it is written again. If there is none, tantivy does not have to know: until the
    /// commit, it keeps a kilobyte for each deletion, and it looks for each in every new segment.
    fn replace(&self, id: &str) {
        let is_first =
            self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(xxh3_64(id.as_bytes()));
        let term = Term::from_field_text(self.fields.id, id);
        let is_missing = |searcher: &Searcher| searcher.doc_freq(&term).is_ok_and(|count| count == 0);
        if !is_first || !self.committed.as_ref().is_some_and(is_missing) {
            self.writer.delete_term(term);
        }
    }
}

impl Output<'_> {
    /// Whether questions are written to a cluster.
    pub fn is_cluster(&self) -> bool {
        match self {
            Self::Segments(_) => false,
            #[cfg(feature = "milvus")]
            Self::Cluster(_) => true,
        }
    }

    /// Deletes everything. In a cluster, nothing: an index there keeps its model.
    pub fn delete_all(&self) -> anyhow::Result<()> {
        match self {
            Self::Segments(segments) => {
                segments.writer.delete_all_documents().context("could not write the index")?;
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(_) => {}
        }
        Ok(())
    }

    /// Deletes a question that will be added again. In a cluster, the addition replaces it.
    pub fn replace(&self, id: &str) {
        match self {
            Self::Segments(segments) => segments.replace(id),
            #[cfg(feature = "milvus")]
            Self::Cluster(_) => {}
        }
    }

    /// Deletes a question.
    pub fn remove(&self, id: &str) {
        match self {
            Self::Segments(Segments { writer, fields, .. }) => {
                writer.delete_term(Term::from_field_text(fields.id, id));
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(writer) => writer.remove(id),
        }
    }

    /// Deletes the record of a file and its questions.
    pub fn remove_file(&self, path: &str) -> anyhow::Result<()> {
        match self {
            Self::Segments(Segments { writer, fields, .. }) => {
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
            Self::Segments(Segments { writer, fields, .. }) => {
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
            Self::Segments(segments) => {
                let (key, Segments { writer, fields, .. }) = (FileRecord::id_of(&record.path), segments);
                segments.replace(&key);
                let mut doc = TantivyDocument::new();
                doc.add_text(fields.kind, FILE);
                if !record.phrasings.is_empty() {
                    doc.add_text(fields.kind, PHRASINGS);
                }
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
            Self::Segments(_) => {
                let _ = path;
                Ok(HashMap::new())
            }
            #[cfg(feature = "milvus")]
            Self::Cluster(writer) => writer.question_hashes(path),
        }
    }
}
