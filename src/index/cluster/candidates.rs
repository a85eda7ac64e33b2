//! What a search reads of candidates to rank them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use milvus::v2::prelude::*;

use super::client::{Client, Sent};
use super::requests::{integers, is_one_of, lists, texts};
use super::schema::{self, DATA, DATE, ID, KEY, LEVEL, PATH, SECTION, TAGS, WORDS};
use super::{Cluster, Found, entity};
use crate::hint::hinted;
use crate::index::Index;
use crate::index::candidates::{CandidateDocument, FacetValues, title_hash};
use crate::question::Question;
use crate::title::title_key;

/// How many questions are compared with a phrase that may ask the same.
const SIMILAR: usize = 300;

/// What is read of candidates besides what ranks them.
#[derive(Default)]
pub(crate) struct View {
    /// Whether to read the values that facets count.
    pub has_values: bool,
    /// The candidates that do not match the filters.
    pub outside: HashSet<String>,
}

impl View {
    fn fields(&self) -> Vec<&'static str> {
        let mut fields = vec![ID, KEY, DATA, DATE, WORDS];
        if self.has_values {
            fields.extend([PATH, SECTION, LEVEL, TAGS]);
        }
        fields
    }
}

/// Questions that were asked for.
struct AskedDocuments {
    sent: Sent<QueryResponse>,
    ids: Vec<String>,
}

impl Cluster {
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
        let asked = self.ask_documents(ids, view)?;
        Ok(self.index_of(index, self.documents(asked, view)?))
    }

    /// An index of the questions that are wanted, and of some others: that of [`view`](Self::view). Candidates by words are read
    /// while those by the vector are searched for.
    ///
    /// # Errors
    /// Those of [`find`](Self::find) and [`view`](Self::view).
    pub(crate) fn find_and_view(
        self: &Arc<Self>,
        index: &Index,
        wanted: &Found,
        others: Vec<String>,
        view: &View,
    ) -> anyhow::Result<Index> {
        let mut known = HashSet::new();
        let mut asked = Vec::new();
        let mut ask = |mut ids: Vec<String>| {
            ids.retain(|id| known.insert(id.clone()));
            asked.extend(self.ask_documents(&ids, view)?);
            Ok(())
        };
        ask(others)?;
        self.find_each(wanted, ask)?;
        Ok(self.index_of(index, self.documents(asked, view)?))
    }

    /// An index of candidates, with the statistics of all questions.
    fn index_of(self: &Arc<Self>, index: &Index, mut documents: Vec<CandidateDocument>) -> Index {
        documents.sort_by(|a, b| a.id.cmp(&b.id));
        let ids: Vec<String> = documents.iter().map(|document| document.id.clone()).collect();
        let cluster = Arc::clone(self);
        let read = move |wanted: &[u32]| {
            let wanted: Vec<String> = wanted.iter().map(|doc| ids[*doc as usize].clone()).collect();
            cluster.questions_in_order(&wanted)
        };
        let corpus = Arc::clone(self.corpus());
        let view = Index::of_candidates(index.meta().clone(), index.dir(), corpus, documents, Box::new(read));
        view.with_curation(Arc::clone(index.curation()))
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
        self.find_and_view(index, &wanted, Vec::new(), &View::default())
    }

    /// Asks for what ranks questions: all parts at once.
    fn ask_documents(&self, ids: &[String], view: &View) -> anyhow::Result<Vec<AskedDocuments>> {
        let collection = schema::questions(self.client.address());
        let ask = |ids: &[String]| {
            let request = Client::query_request(&collection, &is_one_of(ID, ids), &view.fields())?;
            let sent = self.client.send(move |client| async move { client.query(request).await })?;
            Ok(AskedDocuments { sent, ids: ids.to_vec() })
        };
        ids.chunks(self.candidates_in_reply()).map(ask).collect()
    }

    /// What ranks candidates, in no particular order.
    fn documents(&self, asked: Vec<AskedDocuments>, view: &View) -> anyhow::Result<Vec<CandidateDocument>> {
        let collection = schema::questions(self.client.address());
        let mut documents = Vec::new();
        for AskedDocuments { sent, ids } in asked {
            // What failed is asked for again, in parts if need be.
            match self.client.reply(&sent)? {
                Some(reply) => self.add_candidates(reply.results(), view, &mut documents)?,
                None => {
                    for results in self.client.query_keys(&collection, &ids, &view.fields())? {
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
                hinted(format!("the question {id} was removed while it was searched for"), "search again")
            })
        };
        ids.iter().map(question).collect()
    }
}

fn values(results: &QueryResults) -> anyhow::Result<Vec<FacetValues>> {
    let (paths, sections) = (texts(results, PATH)?, texts(results, SECTION)?);
    let (levels, tags) = (texts(results, LEVEL)?, lists(results, TAGS)?);
    let of = |(((path, section), level), tags)| FacetValues { section, level, tags, path };
    Ok(paths.into_iter().zip(sections).zip(levels).zip(tags).map(of).collect())
}
