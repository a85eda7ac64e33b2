//! Searches of the cluster: the ids of the questions that a phrase may be about.

use std::collections::{BTreeMap, HashMap, HashSet};

use milvus::v2::prelude::*;

use super::Cluster;
use super::client::{Client, Sent};
use super::entity::title_dimension;
use super::requests::MOST;
use super::schema::{self, ID, QUESTION, VECTOR, WORDS};

/// What a search for candidates asks for. Each part is asked at the same time.
#[derive(Clone, Default)]
pub(crate) struct Found {
    /// A weight for the hash of each term.
    pub words: BTreeMap<u32, f32>,
    /// A vector without the mean of the corpus, and of length one.
    pub vector: Option<Vec<f32>>,
    /// The hashes of the keys of titles that are wanted before anything else by words.
    pub titles: Vec<u64>,
    /// The condition that a candidate must match. Empty for all.
    pub filter: String,
    /// How many questions are wanted by words, and as many by the vector.
    pub limit: usize,
}

impl Cluster {
    /// The ids of candidates.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); the cluster refuses a request.
    pub(crate) fn find(&self, wanted: &Found) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        self.find_each(wanted, |ids| {
            found.extend(ids);
            Ok(())
        })?;
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Calls a function with the ids of the candidates by words, and then with those by the vector, as soon as the cluster has
    /// found them. Both can have the same ids.
    ///
    /// # Errors
    /// Those of [`find`](Self::find) and of the function.
    pub(super) fn find_each(
        &self,
        wanted: &Found,
        mut each: impl FnMut(Vec<String>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let limit = wanted.limit.clamp(1, MOST);
        let words = self.ask_by_words(wanted, limit)?;
        let meaning = self.ask_by_vector(wanted, limit)?;
        if let Some(words) = words {
            each(words.reply(&self.client)?)?;
        }
        if let Some(meaning) = meaning {
            let mut seen = HashSet::new();
            let near = meaning.reply(&self.client)?.into_iter().filter(|id| seen.insert(id.clone()));
            each(near.take(limit).collect())?;
        }
        Ok(())
    }

    fn ask_by_words(&self, wanted: &Found, limit: usize) -> anyhow::Result<Option<Asked>> {
        /// More than all words of a phrase add to a question.
        const TITLE: f32 = 1e4;
        let titles = wanted.titles.iter().map(|hash| (title_dimension(*hash), TITLE));
        let words: BTreeMap<u32, f32> = wanted.words.clone().into_iter().chain(titles).collect();
        if words.is_empty() {
            return Ok(None);
        }
        let vectors = SearchVectors::SparseFloat(vec![words]);
        let questions = schema::questions(self.client.address());
        // Without a field, a small server sends all of them.
        let request = search_request(questions, WORDS, vectors, &wanted.filter, limit, &[ID])?;
        self.client.ask(request).map(Some)
    }

    fn ask_by_vector(&self, wanted: &Found, limit: usize) -> anyhow::Result<Option<Asked>> {
        let Some(vector) = &wanted.vector else { return Ok(None) };
        // A question may have several vectors that are near.
        let rows = (limit as u64).saturating_mul(self.rows_per_question()).min(MOST as u64) as usize;
        let vectors = SearchVectors::Float(vec![vector.clone()]);
        let collection = schema::vectors(self.client.address());
        let request = search_request(collection, VECTOR, vectors, &wanted.filter, rows, &[QUESTION])?;
        // The candidates of an HNSW index, which also `AUTOINDEX` is. Its default of 64 finds few of more results, or is an
        // error; other indexes ignore it.
        let explored = HashMap::from([("ef".to_owned(), (2 * rows).to_string())]);
        self.client.ask(request.into_builder().extra_params(explored).build()?).map(Some)
    }
}

fn search_request(
    collection: String,
    field: &str,
    vectors: SearchVectors,
    filter: &str,
    limit: usize,
    output: &[&str],
) -> anyhow::Result<SearchRequest> {
    let request = SearchRequest::builder()
        .collection_name(collection)
        .vector_field(field)
        .vectors(vectors)
        .metric_type(MetricType::Ip)
        .limit(limit as i64)
        .consistency_level(ConsistencyLevel::Bounded)
        .output_fields(output.iter().copied());
    Ok(if filter.is_empty() { request.build()? } else { request.filter(filter).build()? })
}

/// A search that was sent.
struct Asked {
    sent: Sent<SearchResponse>,
    again: SearchRequest,
}

impl Client {
    fn ask(&self, request: SearchRequest) -> anyhow::Result<Asked> {
        let again = request.clone();
        let sent = self.send(move |client| async move { client.search(request).await })?;
        Ok(Asked { sent, again })
    }
}

impl Asked {
    /// The ids of the questions that were found, best first.
    fn reply(self, client: &Client) -> anyhow::Result<Vec<String>> {
        let again = self.again;
        let reply = client.wait(&self.sent, |client| {
            let again = again.clone();
            async move { client.search(again).await }
        })?;
        let Some(found) = reply.results().iter().next() else {
            return Ok(Vec::new());
        };
        for field in found.get_output_fields() {
            if let FieldData::VarChar { name, values } = field
                && name == QUESTION
            {
                return Ok(values.clone());
            }
        }
        match found.get_ids() {
            Ids::VarChar(ids) => Ok(ids.clone()),
            _ => Ok(Vec::new()),
        }
    }
}
