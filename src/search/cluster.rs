//! Search of an index in a cluster: finds the candidates of a phrase, and ranks them like those of any other index.

use std::collections::BTreeMap;

use anyhow::Context;

use super::keyword::KeywordQuery;
use super::query::{Filters, Mode, Query};
use super::results::Results;
use super::retrieval::{CANDIDATES, DAMAGED, Retrieval, query_vector};
use super::word_sequence::sequences;
use super::{correct, search};
use crate::analyze::phrase_tokens;
use crate::embed::{Embedder, ModelInfo, Role};
use crate::index::{Found, Index, term_hash, title_hash};
use crate::title::title_key;

/// How many candidates are found if some will be left out because of their words.
const FOR_WORDS: usize = 2_000;

/// Finds the questions that match a phrase.
pub(super) fn search_cluster(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
) -> anyhow::Result<Results> {
    let cluster = index.cluster().context("the index is in a cluster")?;
    query.filters.validate()?;
    if !query.facets.is_empty() {
        index.ensure_on_this_machine("a count of facets")?;
    }
    if !index.curation().is_empty() {
        index.ensure_on_this_machine("the use of synonyms and pins")?;
    }
    let keyword = KeywordQuery::new(index, &query.phrase, &[]).context(DAMAGED)?;
    let phrase = query_vector(index, embedder, query, &[])?;
    let known = embedder.zip(phrase.as_ref()).map(|(inner, vector)| Known {
        inner,
        phrase: &query.phrase,
        vector: vector.values().collect(),
    });
    let embedder = known.as_ref().map(|known| known as &dyn Embedder).or(embedder);
    let mut wanted = Found {
        words: words(index, &keyword, query),
        vector: phrase.as_ref().map(|phrase| cluster.centre(phrase.values())),
        title: title_key(&query.phrase).map(|key| title_hash(&key)),
        filter: condition(&query.filters),
        limit: limit(query),
    };
    if query.mode == Mode::Semantic {
        wanted.words.clear();
    }
    if correct::has_typos(&keyword) && phrase.is_some() {
        // The phrase is corrected as the best questions by words write it, and embedded again.
        let by_words = Found { vector: None, ..wanted };
        let mut ids = cluster.find(&by_words)?;
        let view = cluster.view(index, &ids)?;
        let corrected = Retrieval::new(&view, embedder, query)?.semantic;
        let vector = corrected.map(|vector| cluster.centre(vector.values()));
        ids.extend(cluster.find(&Found {
            vector,
            filter: by_words.filter,
            limit: by_words.limit,
            ..Found::default()
        })?);
        ids.sort();
        ids.dedup();
        return search(&cluster.view(index, &ids)?, embedder, query);
    }
    search(&cluster.view(index, &cluster.find(&wanted)?)?, embedder, query)
}

fn limit(query: &Query) -> usize {
    let limit = query.end().max(CANDIDATES);
    let Filters { exact, without, .. } = &query.filters;
    if exact.is_empty() && without.is_empty() { limit } else { limit.max(FOR_WORDS) }
}

/// The weight of each term of a phrase, and of the words that every hit must contain.
fn words(index: &Index, keyword: &KeywordQuery<'_>, query: &Query) -> BTreeMap<u32, f32> {
    let mut words = BTreeMap::new();
    for (term, weight) in keyword.weighted_terms() {
        let own: &mut f32 = words.entry(term_hash(term)).or_default();
        *own = own.max(weight);
    }
    let required = sequences("exact", &query.filters.exact).unwrap_or_default();
    for word in required.iter().flat_map(|sequence| sequence.words()) {
        for token in phrase_tokens(word, index.languages()) {
            // More than any word of the phrase.
            words.extend(token.terms().map(|term| (term_hash(term), 30.0)));
        }
    }
    words
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

/// A model that knows the vector of a phrase, so that it is embedded once.
struct Known<'a> {
    inner: &'a dyn Embedder,
    phrase: &'a str,
    vector: Vec<f32>,
}

impl Embedder for Known<'_> {
    fn model(&self) -> &ModelInfo {
        self.inner.model()
    }

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        if text == self.phrase && role == Role::Query {
            Ok(self.vector.clone())
        } else {
            self.inner.embed(text, role)
        }
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
