//! Reads from the cluster.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use milvus::v2::prelude::*;

use super::Cluster;
use super::client::{Client, Sent, TooLong};
use super::entity::{self, Data};
use super::schema::{
    self, DATA, DATE, HASH, ID, KEY, LEVEL, PATH, QUESTION, RECORD, ROW, SECTION, TAGS, TEXT, VECTOR, WORDS,
};
use crate::index::Index;
use crate::index::candidates::{CandidateDocument, FacetValues, title_hash};
use crate::index::rows::Row;
use crate::question::Question;
use crate::title::title_key;

/// The number of entities in one request.
const PAGE: usize = 250;

/// The most results of a search that a cluster returns.
const MOST: usize = 16_384;

/// How many questions are compared with a phrase that may ask the same.
const SIMILAR: usize = 300;

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

fn texts(results: &QueryResults, field: &str) -> anyhow::Result<Vec<String>> {
    match results.get_output_field(field) {
        Some(FieldData::VarChar { values, .. }) => Ok(values.clone()),
        None if results.get_output_fields().is_empty() => Ok(Vec::new()),
        _ => Err(anyhow::anyhow!("the reply of the cluster has no texts in {field}")),
    }
}

fn lists(results: &QueryResults, field: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let lists = results.get_output_field(field).and_then(FieldData::as_array_varchar);
    lists.map(<[_]>::to_vec).with_context(|| format!("the reply of the cluster has no lists in {field}"))
}

fn integers(results: &QueryResults, field: &str) -> anyhow::Result<Vec<i64>> {
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

    fn query_request(collection: &str, filter: &str, fields: &[&str]) -> anyhow::Result<QueryRequest> {
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

    fn stored_in(&self, results: &QueryResults) -> anyhow::Result<Vec<StoredQuestion>> {
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

/// Ends a loop over pages.
#[derive(Debug)]
struct Enough;

impl std::fmt::Display for Enough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no more is needed")
    }
}

impl std::error::Error for Enough {}

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

/// What is read of candidates besides what ranks them.
#[derive(Default)]
pub(crate) struct View {
    /// Whether to read the values that facets count.
    pub has_values: bool,
    /// The candidates that do not match the filters.
    pub outside: HashSet<String>,
}

impl Cluster {
    /// The ids of candidates.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); the cluster refuses a request.
    pub(crate) fn find(&self, wanted: &Found) -> anyhow::Result<Vec<String>> {
        let limit = wanted.limit.clamp(1, MOST);
        let words = self.ask_by_words(wanted, limit)?;
        let meaning = self.ask_by_vector(wanted, limit)?;
        let mut ids = match words {
            Some(words) => words.reply(&self.client)?,
            None => Vec::new(),
        };
        if let Some(meaning) = meaning {
            let mut seen = HashSet::new();
            let near = meaning.reply(&self.client)?.into_iter().filter(|id| seen.insert(id.clone()));
            ids.extend(near.take(limit));
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    fn ask_by_words(&self, wanted: &Found, limit: usize) -> anyhow::Result<Option<Asked>> {
        /// More than all words of a phrase add to a question.
        const TITLE: f32 = 1e4;
        let titles = wanted.titles.iter().map(|hash| (entity::title_dimension(*hash), TITLE));
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
        self.client.ask(request).map(Some)
    }

    /// An index of the questions that may ask the same as a phrase. `vector` is that of the phrase.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); a question is damaged.
    pub(crate) fn similar(
        self: &Arc<Self>,
        index: &Index,
        phrase: &str,
        vector: Option<Vec<f32>>,
    ) -> anyhow::Result<Index> {
        let wanted = Found {
            vector: vector.map(|vector| self.centre(vector.into_iter())),
            titles: title_key(phrase).map(|key| title_hash(&key)).into_iter().collect(),
            limit: SIMILAR,
            ..Found::default()
        };
        self.view(index, &self.find(&wanted)?, &View::default())
    }

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

    /// An index of some questions, with the statistics of all.
    ///
    /// # Errors
    /// [`ClusterAway`](super::ClusterAway); a question is damaged.
    pub(crate) fn view(
        self: &Arc<Self>,
        index: &Index,
        ids: &[String],
        view: &View,
    ) -> anyhow::Result<Index> {
        let mut documents = self.documents(ids, view)?;
        documents.sort_by(|a, b| a.id.cmp(&b.id));
        let ids: Vec<String> = documents.iter().map(|document| document.id.clone()).collect();
        let cluster = Arc::clone(self);
        let read = move |wanted: &[u32]| {
            let wanted: Vec<String> = wanted.iter().map(|doc| ids[*doc as usize].clone()).collect();
            cluster.questions_in_order(&wanted)
        };
        let corpus = Arc::clone(self.corpus());
        let view = Index::of_candidates(index.meta().clone(), index.dir(), corpus, documents, Box::new(read));
        Ok(view.with_curation(Arc::clone(index.curation())))
    }

    /// What ranks candidates, in no particular order.
    fn documents(&self, ids: &[String], view: &View) -> anyhow::Result<Vec<CandidateDocument>> {
        let collection = schema::questions(self.client.address());
        let mut documents: Vec<CandidateDocument> = Vec::with_capacity(ids.len());
        let mut fields = vec![ID, KEY, DATA, DATE, WORDS];
        if view.has_values {
            fields.extend([PATH, SECTION, LEVEL, TAGS]);
        }
        // All parts are asked for at once.
        let parts: Vec<&[String]> = ids.chunks(self.candidates_in_reply()).collect();
        let sent = parts.iter().map(|ids| {
            let request = Client::query_request(&collection, &is_one_of(ID, ids), &fields)?;
            self.client.send(move |client| async move { client.query(request).await })
        });
        for (sent, ids) in sent.collect::<anyhow::Result<Vec<_>>>()?.iter().zip(parts) {
            // What failed is asked for again, in parts if need be.
            match self.client.reply(sent)? {
                Some(reply) => self.add_candidates(reply.results(), view, &mut documents)?,
                None => {
                    for results in self.client.query_keys(&collection, ids, &fields)? {
                        self.add_candidates(&results, view, &mut documents)?;
                    }
                }
            }
        }
        Ok(documents)
    }

    /// How many candidates are likely to fit into a reply.
    fn candidates_in_reply(&self) -> usize {
        /// The bytes of a vector, and of everything else of a question.
        const VECTOR: u64 = 560;
        const REST: u64 = 4_000;
        let each = REST + VECTOR * self.rows_per_question();
        ((2 << 20) / each).clamp(10, 250) as usize
    }

    fn add_candidates(
        &self,
        results: &QueryResults,
        view: &View,
        documents: &mut Vec<CandidateDocument>,
    ) -> anyhow::Result<()> {
        let (ids, data, dates) = (texts(results, ID)?, texts(results, DATA)?, integers(results, DATE)?);
        let first = documents.len();
        let words = match results.get_output_field(WORDS) {
            Some(FieldData::SparseFloatVector { values, .. }) => values.as_slice(),
            _ => &[],
        };
        let keys: Vec<String> = data.iter().flat_map(|text| entity::part_keys(text)).collect();
        let parts = if keys.is_empty() { HashMap::new() } else { self.client.texts(&keys)? };
        for (((id, data), date), words) in ids.into_iter().zip(data).zip(dates).zip(words) {
            documents.push(entity::candidate(id, &entity::joined(&data, &parts)?, words, date)?);
        }
        let new = &mut documents[first..];
        new.iter_mut().zip(texts(results, KEY)?).for_each(|(document, key)| document.key = key);
        for document in new.iter_mut() {
            document.is_outside = view.outside.contains(&document.id);
        }
        if view.has_values && !new.is_empty() {
            new.iter_mut().zip(values(results)?).for_each(|(document, values)| document.values = values);
        }
        Ok(())
    }

    /// The questions with these ids, in their order.
    fn questions_in_order(&self, ids: &[String]) -> anyhow::Result<Vec<Question>> {
        let mut found: HashMap<String, Question> = HashMap::new();
        for stored in self.client.stored(ids)? {
            found.insert(stored.id.clone(), stored.question()?);
        }
        let question = |id: &String| {
            found.remove(id).with_context(|| {
                format!("the question {id} was removed while it was searched for\n  hint: search again")
            })
        };
        ids.iter().map(question).collect()
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
        Ok(self.client.texts_with_prefix(super::write::FILE)?.into_values().collect())
    }
}

fn values(results: &QueryResults) -> anyhow::Result<Vec<FacetValues>> {
    let (paths, sections) = (texts(results, PATH)?, texts(results, SECTION)?);
    let (levels, tags) = (texts(results, LEVEL)?, lists(results, TAGS)?);
    let of = |(((path, section), level), tags)| FacetValues { section, level, tags, path };
    Ok(paths.into_iter().zip(sections).zip(levels).zip(tags).map(of).collect())
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
