//! Questions of the cluster by their ids, keys and words, and all of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::keys::FILE;
use super::requests::{is_one_of, quoted, texts};
use super::schema::{self, DATA, ID, KEY, RECORD};
use super::stored::StoredQuestion;
use super::{Cluster, Found};
use crate::index::rows::Row;
use crate::question::Question;

/// Ends a loop over pages.
#[derive(Debug)]
struct Enough;

impl std::fmt::Display for Enough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no more is needed")
    }
}

impl std::error::Error for Enough {}

impl Cluster {
    /// The ids of the questions with one of these ids or keys, and whether each matches a condition.
    ///
    /// # Errors
    /// Those of [`find`](Self::find).
    pub(crate) fn named(&self, names: &[String], condition: &str) -> anyhow::Result<HashMap<String, bool>> {
        let is_named = format!("({} or {})", is_one_of(ID, names), is_one_of(KEY, names));
        let questions = schema::questions(self.client.address());
        let find = |filter: &str| texts(&self.client.query(&questions, filter, &[ID])?, ID);
        let mut named: HashMap<String, bool> = find(&is_named)?.into_iter().map(|id| (id, true)).collect();
        if !condition.is_empty() && !named.is_empty() {
            let matching: HashSet<String> =
                find(&format!("{is_named} and ({condition})"))?.into_iter().collect();
            named.iter_mut().for_each(|(id, matches)| *matches = matching.contains(id));
        }
        Ok(named)
    }

    /// Calls a function with all questions and their vectors, in no particular order.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); a question is damaged; `each` fails.
    pub(crate) fn each_question(
        &self,
        mut each: impl FnMut(Question, Vec<Row>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.client.each_stored("", |stored| {
            stored.into_iter().try_for_each(|stored| each(stored.question()?, stored.rows()?))
        })
    }

    /// All questions, in no particular order.
    ///
    /// # Errors
    /// Those of [`each_question`](Self::each_question).
    pub(crate) fn questions(&self) -> anyhow::Result<Vec<Question>> {
        let mut questions = Vec::new();
        self.each_question(|question, _| {
            questions.push(question);
            Ok(())
        })?;
        Ok(questions)
    }

    /// The questions with some of these terms, given as weighted hashes: the best `limit` by words.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); a question is damaged.
    pub(crate) fn questions_with(
        &self,
        words: BTreeMap<u32, f32>,
        limit: usize,
    ) -> anyhow::Result<Vec<Question>> {
        let ids = self.find(&Found { words, limit, ..Found::default() })?;
        self.client.stored(&ids)?.iter().map(StoredQuestion::question).collect()
    }

    fn matching(&self, filter: &str) -> anyhow::Result<Vec<Question>> {
        let collection = schema::questions(self.client.address());
        let results = self.client.query(&collection, filter, &[ID, DATA, RECORD])?;
        self.client.stored_in(&results)?.iter().map(StoredQuestion::question).collect()
    }

    /// The questions with this id or key, or whose id starts with at least `shortest` hexadecimal digits, ordered by source.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); a question is damaged.
    pub(crate) fn find_named(&self, name: &str, shortest: usize) -> anyhow::Result<Vec<Question>> {
        for field in [ID, KEY] {
            let found = self.matching(&format!("{field} == {}", quoted(name)))?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        if name.len() < shortest || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let prefix = quoted(&format!("{}%", name.to_lowercase()));
        let mut found = self.matching(&format!("{ID} like {prefix}"))?;
        found.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        Ok(found)
    }

    /// The question with exactly this id, as JSON.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); it is damaged.
    pub(crate) fn record(&self, id: &str) -> anyhow::Result<Option<String>> {
        let stored = self.client.stored(&[id.to_owned()])?;
        Ok(stored.into_iter().next().map(|stored| stored.record))
    }

    /// The questions with exactly this key.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); a question is damaged.
    pub(crate) fn with_key(&self, key: &str) -> anyhow::Result<Vec<Question>> {
        self.matching(&format!("{KEY} == {}", quoted(key)))
    }

    /// An arbitrary question; `None` if there are none.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); a question is damaged.
    pub(crate) fn any_question(&self) -> anyhow::Result<Option<Question>> {
        let mut first = None;
        self.client
            .each_stored("", |stored| {
                first = stored.first().map(StoredQuestion::question).transpose()?;
                anyhow::bail!(Enough)
            })
            .or_else(|error| if error.is::<Enough>() { Ok(()) } else { Err(error) })?;
        Ok(first)
    }

    /// The records of files, as JSON.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway).
    pub(crate) fn file_records(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.client.texts_with_prefix(FILE)?.into_values().collect())
    }
}
