//! Finds and reads the questions of an index.

use std::collections::{BTreeSet, HashSet};

use anyhow::Context;
use tantivy::collector::{Count, DocSetCollector, TopDocs};
use tantivy::query::TermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, Term};

use super::document::stored_record;
use super::reader::Index;
use super::schema::QUESTION;
use super::statistics::count_questions;
use super::store::Store;
use crate::question::Question;

/// The shortest prefix of an id that [`Index::find`] accepts.
const SHORTEST_ID: usize = 4;

impl Index {
    /// The number of questions in the index.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn question_count(&self) -> anyhow::Result<u64> {
        match &self.store {
            Store::Local(local) => Ok(count_questions(local.searcher(), &self.fields)?),
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.corpus().questions),
        }
    }

    /// All questions, ordered by source and line.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn questions(&self) -> anyhow::Result<Vec<Question>> {
        #[cfg(feature = "milvus")]
        let mut questions = match &self.cluster {
            Some(cluster) => cluster.questions()?,
            None => self.matching(self.fields.kind, QUESTION)?,
        };
        #[cfg(not(feature = "milvus"))]
        let mut questions = self.matching(self.fields.kind, QUESTION)?;
        questions.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        Ok(questions)
    }

    /// All questions with the addresses of their documents, in no particular order.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn addressed_questions(&self) -> anyhow::Result<Vec<(DocAddress, Question)>> {
        let addresses = self.question_addresses()?;
        addresses.into_iter().map(|address| Ok((address, self.question(address)?))).collect()
    }

    /// The documents of all questions, in no particular order.
    pub(super) fn question_addresses(&self) -> anyhow::Result<HashSet<DocAddress>> {
        let query =
            TermQuery::new(Term::from_field_text(self.fields.kind, QUESTION), IndexRecordOption::Basic);
        Ok(self.searcher()?.search(&query, &DocSetCollector)?)
    }

    /// An arbitrary question; `None` if the index is empty.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn any_question(&self) -> anyhow::Result<Option<Question>> {
        #[cfg(feature = "milvus")]
        if let Some(cluster) = &self.cluster {
            return cluster.any_question();
        }
        let query =
            TermQuery::new(Term::from_field_text(self.fields.kind, QUESTION), IndexRecordOption::Basic);
        let first = self.searcher()?.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        first.first().map(|(_, address)| self.question(*address)).transpose()
    }

    /// The questions whose field contains exactly this term, in no particular order.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn matching(&self, field: Field, text: &str) -> anyhow::Result<Vec<Question>> {
        self.records(field, text)?.iter().map(|record| parse_question(record)).collect()
    }

    /// The questions with this id or key, or whose id starts with `id` (at least four hexadecimal digits). A
    /// short prefix can match several questions.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn find(&self, id: &str) -> anyhow::Result<Vec<Question>> {
        self.find_in(id, None)
    }

    /// Like [`find`](Self::find), in one of [several indexes](Self::open_several): the one whose directory is `member`.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn find_in(&self, id: &str, member: Option<&str>) -> anyhow::Result<Vec<Question>> {
        let is_in = |address: &DocAddress| {
            member.is_none_or(|member| {
                self.member(*address).is_some_and(|dir| dir.display().to_string() == member)
            })
        };
        let matching = |field, id: &str| -> anyhow::Result<Vec<Question>> {
            let addresses = self.addresses(field, id)?.into_iter().filter(is_in);
            addresses.map(|address| self.question(address)).collect()
        };
        // Ids with a colon belong to records of files.
        let fields = [(self.fields.id, !id.contains(':')), (self.fields.key, true)];
        #[cfg(feature = "milvus")]
        if let Some(cluster) = &self.cluster {
            return cluster.find_named(id, SHORTEST_ID);
        }
        for (field, _) in fields.into_iter().filter(|(_, applies)| *applies) {
            let found = matching(field, id)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        if id.len() < SHORTEST_ID || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for id in self.ids_with_prefix(&id.to_lowercase())? {
            found.append(&mut matching(self.fields.id, &id)?);
        }
        found.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        Ok(found)
    }

    /// The ids that start with a prefix, also those of deleted questions.
    pub(super) fn ids_with_prefix(&self, prefix: &str) -> tantivy::Result<BTreeSet<String>> {
        let mut ids = BTreeSet::new();
        for segment in self.searcher()?.segment_readers() {
            let index = segment.inverted_index(self.fields.id)?;
            let mut stream = index.terms().range().ge(prefix).into_stream()?;
            while stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
                ids.extend(std::str::from_utf8(stream.key()).map(str::to_owned));
            }
        }
        Ok(ids)
    }

    /// The record of the question with exactly this id.
    pub(super) fn record_of(&self, id: &str) -> anyhow::Result<Option<String>> {
        #[cfg(feature = "milvus")]
        if let Some(cluster) = &self.cluster {
            return cluster.record(id);
        }
        Ok(self.records(self.fields.id, id)?.into_iter().next())
    }

    /// The questions with exactly this key.
    pub(super) fn with_key(&self, key: &str) -> anyhow::Result<Vec<Question>> {
        #[cfg(feature = "milvus")]
        if let Some(cluster) = &self.cluster {
            return cluster.with_key(key);
        }
        self.matching(self.fields.key, key)
    }

    /// Where the question with exactly this id is. `None` if there is none.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn address(&self, id: &str) -> anyhow::Result<Option<DocAddress>> {
        Ok(self.addresses(self.fields.id, id)?.into_iter().min())
    }

    /// Reads the question of a document.
    ///
    /// # Errors
    /// The document store is damaged, or the document is not a question.
    pub fn question(&self, address: DocAddress) -> anyhow::Result<Question> {
        match &self.store {
            Store::Local(_) => parse_question(&self.record(address)?),
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => Ok(candidates.question(address.doc_id)?.clone()),
        }
    }

    /// Says that the questions of some documents will be needed. Questions on another machine are read at once.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) fn prepare(&self, addresses: impl IntoIterator<Item = DocAddress>) -> anyhow::Result<()> {
        match &self.store {
            Store::Local(_) => {
                drop(addresses);
                Ok(())
            }
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(candidates) => {
                candidates.prepare(addresses.into_iter().map(|address| address.doc_id))
            }
        }
    }

    /// The number of documents whose field contains exactly this term.
    pub(super) fn count(&self, field: Field, text: &str) -> tantivy::Result<usize> {
        self.searcher()?
            .search(&TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic), &Count)
    }

    /// All documents whose field contains exactly this term, in no particular order.
    pub(super) fn addresses(&self, field: Field, text: &str) -> tantivy::Result<HashSet<DocAddress>> {
        let query = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
        self.searcher()?.search(&query, &DocSetCollector)
    }

    /// The records of all documents whose field contains exactly this term, in no particular order.
    pub(super) fn records(&self, field: Field, text: &str) -> anyhow::Result<Vec<String>> {
        self.addresses(field, text)?.into_iter().map(|address| self.record(address)).collect()
    }

    pub(super) fn record(&self, address: DocAddress) -> anyhow::Result<String> {
        let bytes = self.local()?.stores()[address.segment_ord as usize]
            .get_document_bytes(address.doc_id)
            .context("could not read a question from the index")?;
        let record = stored_record(&bytes).map(str::to_owned);
        record.context("could not read a question from the index: its record is damaged")
    }
}

/// Parses the record of a question.
pub fn parse_question(record: &str) -> anyhow::Result<Question> {
    serde_json::from_str(record).context("could not read a question from the index")
}
