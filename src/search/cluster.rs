//! Search of an index in a cluster: finds the candidates of a phrase, and ranks them like those of any other index.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::keyword::KeywordQuery;
use super::query::{Filters, Mode, Query};
use super::results::Results;
use super::retrieval::{CANDIDATES, DAMAGED, Retrieval, query_vector, synonyms_of};
use super::word_sequence::sequences;
use super::{correct, pins, search};
use crate::analyze::phrase_tokens;
use crate::curation::{Fired, titles, variants};
use crate::embed::{Embedder, ModelInfo, Role};
use crate::index::{Cluster, Found, Index, Quantized, View, term_hash, title_hash};
use crate::title::title_key;

/// How many candidates are found if some will be left out because of their words or their language, or if facets count
/// them.
const MANY: usize = 2_000;

/// Finds the questions that match a phrase.
pub(super) fn search_cluster(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
) -> anyhow::Result<Results> {
    query.filters.validate()?;
    if query.phrase.trim().is_empty() && !query.facets.is_empty() {
        index.ensure_on_this_machine("a count of facets without a phrase")?;
    }
    let remembered = embedder.map(Remembered::new);
    let embedder = remembered.as_ref().map(|model| model as &dyn Embedder);
    let phrase = Phrase::new(index, embedder, query)?;
    let (pinned, view) = phrase.pinned(index, embedder, query)?;
    let candidates = phrase.candidates(index, embedder, query, pinned, view)?;
    search(&candidates, embedder, query)
}

/// How long the cluster takes to find the candidates of a phrase: those by words and those by the vector, at the same time.
/// A benchmark compares it with the time of a search.
///
/// # Errors
/// Those of [`search`], or the index is not in a cluster.
pub fn time_in_cluster(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
) -> anyhow::Result<Duration> {
    let wanted = Phrase::new(index, embedder, query)?.wanted(index, query);
    let start = Instant::now();
    cluster_of(index)?.find(&wanted)?;
    Ok(start.elapsed())
}

fn cluster_of(index: &Index) -> anyhow::Result<&Arc<Cluster>> {
    index.cluster().context("the index is not in a cluster")
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids.dedup();
    ids
}

/// What the candidates of a phrase are found by.
struct Phrase<'a> {
    cluster: &'a Arc<Cluster>,
    keyword: KeywordQuery<'a>,
    synonyms: Vec<Fired>,
    vector: Option<Quantized>,
}

impl<'a> Phrase<'a> {
    fn new(index: &'a Index, embedder: Option<&dyn Embedder>, query: &Query) -> anyhow::Result<Self> {
        let synonyms = synonyms_of(index, query, &query.phrase);
        let keyword = KeywordQuery::new(index, &query.phrase, &synonyms).context(DAMAGED)?;
        let vector = query_vector(index, embedder, query, &synonyms)?;
        Ok(Self { cluster: cluster_of(index)?, keyword, synonyms, vector })
    }

    fn wanted(&self, index: &Index, query: &Query) -> Found {
        let keys = std::iter::once(query.phrase.clone()).chain(titles(&query.phrase, &self.synonyms));
        let keys = keys.filter_map(|title| title_key(&title));
        let words = match query.mode {
            Mode::Semantic => BTreeMap::new(),
            Mode::Hybrid | Mode::Keyword => self.words(index, query),
        };
        Found {
            words,
            vector: self.vector.as_ref().map(|vector| self.cluster.centre(vector.values())),
            titles: keys.map(|key| title_hash(&key)).collect(),
            filter: condition(&query.filters),
            limit: limit(query),
        }
    }

    /// The weight of each term of the phrase, of its synonyms, and of the words that every hit must contain.
    fn words(&self, index: &Index, query: &Query) -> BTreeMap<u32, f32> {
        let mut words = BTreeMap::new();
        let mut add = |keyword: &KeywordQuery<'_>| {
            for (term, weight) in keyword.weighted_terms() {
                let own: &mut f32 = words.entry(term_hash(term)).or_default();
                *own = own.max(weight);
            }
        };
        add(&self.keyword);
        let variants = variants(&query.phrase, &self.synonyms);
        variants.iter().filter_map(|text| KeywordQuery::new(index, text, &[]).ok()).for_each(|it| add(&it));
        let required = sequences("exact", &query.filters.exact).unwrap_or_default();
        for word in required.iter().flat_map(|sequence| sequence.words()) {
            for token in phrase_tokens(word, index.languages()) {
                // More than any word of the phrase.
                words.extend(token.terms().map(|term| (term_hash(term), 30.0)));
            }
        }
        words
    }

    /// An index of the candidates, and of those that the pin of the phrase names.
    fn candidates(
        &self,
        index: &Index,
        embedder: Option<&dyn Embedder>,
        query: &Query,
        pinned: Vec<String>,
        mut view: View,
    ) -> anyhow::Result<Index> {
        let wanted = self.wanted(index, query);
        let is_corrected = correct::has_typos(&self.keyword) && self.vector.is_some();
        let compares_all = !query.facets.is_empty() && !wanted.filter.is_empty();
        if !is_corrected && !compares_all {
            return self.cluster.find_and_view(index, &wanted, pinned, &view);
        }
        let mut ids = pinned;
        ids.extend(match is_corrected {
            true => self.corrected(index, embedder, query, &wanted, &view)?,
            false => self.cluster.find(&wanted)?,
        });
        if compares_all {
            // A filter does not change which questions match: they are compared with the best of all.
            let passing: HashSet<&String> = ids.iter().collect();
            let mut all = self.cluster.find(&Found { filter: String::new(), ..wanted })?;
            all.retain(|id| !passing.contains(id));
            view.outside.extend(all.iter().cloned());
            ids.extend(all);
        }
        self.cluster.view(index, &sorted(ids), &view)
    }

    /// The ids of the candidates of a phrase with typos: it is corrected as the best questions by words write it, and embedded
    /// again.
    fn corrected(
        &self,
        index: &Index,
        embedder: Option<&dyn Embedder>,
        query: &Query,
        wanted: &Found,
        view: &View,
    ) -> anyhow::Result<Vec<String>> {
        let by_words = Found { vector: None, ..wanted.clone() };
        let mut ids = self.cluster.find(&by_words)?;
        let best = self.cluster.view(index, &ids, view)?;
        let corrected = Retrieval::new(&best, embedder, query)?.semantic;
        let vector = corrected.map(|vector| self.cluster.centre(vector.values()));
        let Found { filter, limit, .. } = by_words;
        ids.extend(self.cluster.find(&Found { vector, filter, limit, ..Found::default() })?);
        Ok(ids)
    }

    /// The questions that the pin of the phrase names, and what to read of candidates.
    fn pinned(
        &self,
        index: &Index,
        embedder: Option<&dyn Embedder>,
        query: &Query,
    ) -> anyhow::Result<(Vec<String>, View)> {
        let mut view = View { has_values: !query.facets.is_empty(), ..View::default() };
        let Some((pin, ..)) = pins::chosen(index, embedder, query, self.vector.as_ref())? else {
            return Ok((Vec::new(), view));
        };
        let names = [pin.ids.as_slice(), &pin.hide].concat();
        let named = self.cluster.named(&names, &condition(&query.filters))?;
        view.outside = named.iter().filter(|(_, matches)| !**matches).map(|(id, _)| id.clone()).collect();
        Ok((named.into_keys().collect(), view))
    }
}

fn limit(query: &Query) -> usize {
    let limit = query.end().max(CANDIDATES);
    let Filters { exact, without, languages, .. } = &query.filters;
    let is_complete = exact.is_empty() && without.is_empty() && languages.is_empty();
    if is_complete && query.facets.is_empty() { limit } else { limit.max(MANY) }
}

/// The condition of filters that the cluster evaluates. Empty if there are none.
fn condition(filters: &Filters) -> String {
    let mut conditions = Vec::new();
    let mut any_of = |texts: &[String], test: &dyn Fn(&str) -> String| {
        let tests: Vec<String> = texts.iter().map(|text| test(&text.to_lowercase())).collect();
        if !tests.is_empty() {
            conditions.push(format!("({})", tests.join(" or ")));
        }
    };
    any_of(&filters.sources, &|text| format!("source like {}", quoted(&format!("%{}%", escaped(text)))));
    any_of(&filters.sections, &|text| format!("section like {}", quoted(&format!("%{}%", escaped(text)))));
    any_of(&filters.levels, &|text| format!("level == {}", quoted(text)));
    any_of(&filters.tags, &|text| format!("ARRAY_CONTAINS(tags, {})", quoted(text)));
    if filters.since.is_some() || filters.until.is_some() {
        // A question without a date has the lowest number.
        conditions.push(format!("date >= {}", filters.since.unwrap_or(i64::MIN / 4)));
    }
    conditions.extend(filters.until.map(|until| format!("date <= {until}")));
    conditions.join(" and ")
}

/// A string in a condition. A cluster does not read escapes of control characters, which no source is named with.
fn quoted(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    serde_json::to_string(&text).expect("a string is plain data")
}

/// A text whose characters stand for themselves in a pattern.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A model that embeds each phrase once: to find candidates and to rank them.
struct Remembered<'a> {
    inner: &'a dyn Embedder,
    vectors: Mutex<HashMap<String, Vec<f32>>>,
}

impl<'a> Remembered<'a> {
    fn new(inner: &'a dyn Embedder) -> Self {
        Self { inner, vectors: Mutex::default() }
    }
}

impl Embedder for Remembered<'_> {
    fn model(&self) -> &ModelInfo {
        self.inner.model()
    }

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        ensure!(role == Role::Query, "a search embeds phrases only");
        let known = || self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vector) = known().get(text) {
            return Ok(vector.clone());
        }
        let vector = self.inner.embed(text, role)?;
        known().insert(text.to_owned(), vector.clone());
        Ok(vector)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    fn can_read(&self, text: &str) -> bool {
        self.inner.can_read(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_conditions_whose_texts_cannot_end_them() {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let filters = Filters {
            sources: list(&["A\"b_c", "100%"]),
            tags: list(&["Rust"]),
            levels: list(&["x\\\" or true or \""]),
            since: Some(5),
            until: Some(9),
            ..Filters::default()
        };
        assert_eq!(
            condition(&filters),
            "(source like \"%a\\\"b\\\\_c%\" or source like \"%100\\\\%%\") and (level == \"x\\\\\\\" or true or \\\"\") \
             and (ARRAY_CONTAINS(tags, \"rust\")) and date >= 5 and date <= 9"
        );
        assert_eq!(condition(&Filters::default()), "");
        let until = Filters { until: Some(9), ..Filters::default() };
        assert_eq!(condition(&until), format!("date >= {} and date <= 9", i64::MIN / 4));
    }
}
