//! What a search reads of a document.

use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, Term};

use super::reader::Index;
#[cfg(any(test, feature = "milvus"))]
use super::rows::Row;
use super::schema::{DATE, SCORE};
use super::store::Store;
use crate::analyze::Language;

impl Index {
    /// The documents that were not deleted, in the order of the index.
    pub(crate) fn documents(&self) -> impl Iterator<Item = DocAddress> + '_ {
        (0..).zip(self.vectors()).flat_map(move |(ord, vectors)| {
            let documents = (0..vectors.document_count()).map(move |doc| DocAddress::new(ord, doc));
            documents.filter(|address| self.is_alive(*address))
        })
    }

    /// Whether a document was not deleted.
    pub(crate) fn is_alive(&self, address: DocAddress) -> bool {
        match &self.store {
            Store::Local(local) => {
                !local.searcher().segment_reader(address.segment_ord).is_deleted(address.doc_id)
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(_) => true,
        }
    }

    /// The language that a question was analyzed in. `None` if the document is not a question.
    pub(crate) fn language_of(&self, address: DocAddress) -> tantivy::Result<Option<Language>> {
        if let [language] = *self.languages {
            return Ok(Some(language));
        }
        #[cfg(any(test, feature = "milvus"))]
        if let Store::Candidates(candidates) = &self.store {
            return Ok(Some(candidates.documents()[address.doc_id as usize].language));
        }
        let segment =
            self.searcher()?.segment_reader(address.segment_ord).inverted_index(self.fields.language)?;
        for language in self.languages.iter() {
            let term = Term::from_field_text(self.fields.language, language.code());
            if let Some(mut questions) = segment.read_postings(&term, IndexRecordOption::Basic)?
                && (questions.doc() == address.doc_id
                    || questions.doc() < address.doc_id && questions.seek(address.doc_id) == address.doc_id)
            {
                return Ok(Some(*language));
            }
        }
        Ok(None)
    }

    /// How many terms the title of a question has, and whether it has alternative titles.
    ///
    /// # Errors
    /// The index is damaged.
    pub(crate) fn title_length(&self, address: DocAddress) -> anyhow::Result<(usize, bool)> {
        match &self.store {
            Store::Local(local) => {
                let segment = local.searcher().segment_reader(address.segment_ord);
                let length = |field| -> tantivy::Result<u32> {
                    Ok(segment.get_fieldnorms_reader(field)?.fieldnorm(address.doc_id))
                };
                Ok((length(self.fields.title)? as usize, length(self.fields.also)? > 0))
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => {
                let document = &candidates.documents()[address.doc_id as usize];
                Ok((document.title_length as usize, document.has_also))
            }
        }
    }

    /// The date of a question in seconds since 1970.
    ///
    /// # Errors
    /// The index is damaged.
    pub(crate) fn date(&self, address: DocAddress) -> anyhow::Result<Option<i64>> {
        match &self.store {
            Store::Local(local) => {
                let columns = local.searcher().segment_reader(address.segment_ord).fast_fields();
                Ok(columns.column_opt::<i64>(DATE)?.and_then(|column| column.first(address.doc_id)))
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.documents()[address.doc_id as usize].date),
        }
    }

    /// The source's rating of a question.
    ///
    /// # Errors
    /// The index is damaged.
    pub(crate) fn rating(&self, address: DocAddress) -> anyhow::Result<Option<f64>> {
        match &self.store {
            Store::Local(local) => {
                let columns = local.searcher().segment_reader(address.segment_ord).fast_fields();
                Ok(columns.column_opt::<f64>(SCORE)?.and_then(|column| column.first(address.doc_id)))
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.documents()[address.doc_id as usize].score),
        }
    }

    /// The vectors of a question.
    #[cfg(any(test, feature = "milvus"))]
    pub(crate) fn rows(&self, address: DocAddress) -> Vec<Row> {
        let vectors = &self.vectors()[address.segment_ord as usize];
        let row =
            |row| Row { hash: vectors.hash(row), passage: vectors.passage(row), vector: vectors.row(row) };
        vectors.rows_of(address.doc_id).map(row).collect()
    }
}
