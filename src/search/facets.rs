//! Facets: how many of the questions that match a query have each section, tag, level, language, source and year.

use std::collections::HashMap;

use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocId};

use super::facet::Facet;
use super::matching::Matching;
use super::query::Query;
use super::retrieval::Retrieval;
#[cfg(any(test, feature = "milvus"))]
use crate::index::{CandidateDocument, Candidates, Store};
use crate::index::{DATE, Index, year};

/// The number of questions that match a query, and their counts by some properties.
///
/// A question matches a phrase if its cosine is at least half of that of the best question, and above the limit of unrelated
/// questions, as for a hit; or if it contains at least three quarters of what the best question contains of the phrase,
/// weighted by idf; or if a title of it is the phrase.
/// [`Mode::Keyword`](super::Mode::Keyword) does not compare cosines, and [`Mode::Semantic`](super::Mode::Semantic) does
/// not compare words. Every question is compared, unlike for the hits, of which [`Results::total`](super::Results::total)
/// says how many were ranked.
///
/// The best question is that of the whole index: a filter never makes another question match, so a filter for a value
/// leaves as many questions as its count says. (A filter for a section or a source also finds values that contain it.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    /// The number of questions that match.
    pub matching: u64,
    /// The counts, in the order of [`Query::facets`].
    pub counts: Vec<FacetCounts>,
}

/// The values of a property, and how many of the questions that match have each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCounts {
    /// The property.
    pub facet: Facet,
    /// The most frequent values first, and equally frequent ones in alphabetical order. Years are in order, latest first.
    /// At most [`Query::facet_values`]; for years, the latest.
    pub values: Vec<FacetValue>,
    /// How many other values there are.
    pub more: usize,
}

/// A value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// The value. Sections, levels and tags that differ only in case are one value, spelled as in one of the questions.
    pub value: String,
    /// How many of the questions that match have it.
    pub count: u64,
}

impl Facets {
    /// The facets of a query, if it requests any.
    ///
    /// # Errors
    /// The index is damaged.
    pub(super) fn requested(retrieval: &Retrieval<'_>) -> anyhow::Result<Option<Self>> {
        match retrieval.query.facets.is_empty() {
            true => Ok(None),
            false => Self::count(retrieval.index, &retrieval.matching()?, retrieval.query).map(Some),
        }
    }

    /// Counts the values of the facets of a query.
    ///
    /// # Errors
    /// The index is damaged.
    pub(super) fn count(index: &Index, matching: &Matching, query: &Query) -> anyhow::Result<Self> {
        let count = |facet: &Facet| count(index, matching, *facet, query.facet_values);
        let counts = query.facets.iter().map(count).collect::<anyhow::Result<_>>()?;
        Ok(Self { matching: matching.count(), counts })
    }
}

fn count(index: &Index, matching: &Matching, facet: Facet, most: usize) -> anyhow::Result<FacetCounts> {
    let Some(field) = facet.field(index.fields()) else {
        return years(index, matching, most);
    };
    let mut counted: Vec<(String, Counted)> = terms(index, matching, facet, field)?.into_iter().collect();
    counted.sort_by(|(a, one), (b, other)| other.count.cmp(&one.count).then_with(|| a.cmp(b)));
    let more = counted.len().saturating_sub(most);
    counted.truncate(most);
    index.prepare(counted.iter().map(|(_, counted)| counted.first))?;
    let value = |(term, Counted { count, first }): (String, Counted)| -> anyhow::Result<FacetValue> {
        Ok(FacetValue { value: spelled(index, facet, term, first)?, count })
    };
    let values = counted.into_iter().map(value).collect::<anyhow::Result<_>>()?;
    Ok(FacetCounts { facet, values, more })
}

/// The number of documents with a term, and the first of them.
struct Counted {
    count: u64,
    first: DocAddress,
}

/// Counts the documents with each value of a facet, which are the terms of a field.
fn terms(
    index: &Index,
    matching: &Matching,
    facet: Facet,
    field: Field,
) -> anyhow::Result<HashMap<String, Counted>> {
    let mut counted: HashMap<String, Counted> = HashMap::new();
    #[cfg(any(test, feature = "milvus"))]
    if let Store::Candidates(candidates) = index.store() {
        for (doc, document) in matching_candidates(candidates, matching) {
            for value in facet.values_of(document) {
                let first = DocAddress::new(0, doc);
                counted.entry(value.to_owned()).or_insert(Counted { count: 0, first }).count += 1;
            }
        }
        return Ok(counted);
    }
    #[cfg(not(any(test, feature = "milvus")))]
    let _ = facet;
    for (ord, segment) in (0..).zip(index.searcher()?.segment_readers()) {
        let inverted = segment.inverted_index(field)?;
        let mut terms = inverted.terms().stream()?;
        while terms.advance() {
            // A question in memory has no source.
            if terms.key().is_empty() {
                continue;
            }
            let mut postings =
                inverted.read_block_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            let (mut count, mut first) = (0, None);
            while !postings.docs().is_empty() {
                let matches = |doc: &&DocId| matching.contains(ord as usize, **doc);
                let mut docs = postings.docs().iter().filter(matches);
                first = first.or_else(|| docs.next().inspect(|_| count += 1).copied());
                count += docs.count() as u64;
                postings.advance();
            }
            if let (Some(first), Ok(term)) = (first, std::str::from_utf8(terms.key())) {
                let first = DocAddress::new(ord, first);
                let known = counted.entry(term.to_owned()).or_insert(Counted { count: 0, first });
                known.count += count;
            }
        }
    }
    Ok(counted)
}

/// A value as the question with it spells it.
fn spelled(index: &Index, facet: Facet, term: String, address: DocAddress) -> anyhow::Result<String> {
    if !matches!(facet, Facet::Section | Facet::Tag | Facet::Level) {
        return Ok(term);
    }
    let question = index.question(address)?;
    let spelling = facet.folded_values(&question).find(|value| value.to_lowercase() == term);
    Ok(spelling.cloned().unwrap_or(term))
}

/// The candidates that match.
#[cfg(any(test, feature = "milvus"))]
fn matching_candidates<'a>(
    candidates: &'a Candidates,
    matching: &'a Matching,
) -> impl Iterator<Item = (DocId, &'a CandidateDocument)> {
    (0..).zip(candidates.documents()).filter(|(doc, _)| matching.contains(0, *doc))
}

const DAY: i64 = 86_400;

/// Counts the questions of each year.
fn years(index: &Index, matching: &Matching, most: usize) -> anyhow::Result<FacetCounts> {
    let mut days: HashMap<i64, u64> = HashMap::new();
    #[cfg(any(test, feature = "milvus"))]
    if let Store::Candidates(candidates) = index.store() {
        let dates = matching_candidates(candidates, matching).filter_map(|(_, document)| document.date);
        dates.for_each(|seconds| *days.entry(seconds.div_euclid(DAY)).or_default() += 1);
        return Ok(most_recent(days, most));
    }
    for (ord, segment) in index.searcher()?.segment_readers().iter().enumerate() {
        let Some(dates) = segment.fast_fields().column_opt::<i64>(DATE)? else { continue };
        for doc in (0..segment.max_doc()).filter(|doc| matching.contains(ord, *doc)) {
            if let Some(seconds) = dates.first(doc) {
                *days.entry(seconds.div_euclid(DAY)).or_default() += 1;
            }
        }
    }
    Ok(most_recent(days, most))
}

/// The counts of years, from those of days.
fn most_recent(days: HashMap<i64, u64>, most: usize) -> FacetCounts {
    let mut years: HashMap<i64, u64> = HashMap::new();
    days.into_iter().for_each(|(day, count)| *years.entry(year(day * DAY)).or_default() += count);
    let mut years: Vec<(i64, u64)> = years.into_iter().collect();
    years.sort_unstable_by(|a, b| b.cmp(a));
    let more = years.len().saturating_sub(most);
    let value = |(year, count): (i64, u64)| FacetValue { value: year.to_string(), count };
    FacetCounts { facet: Facet::Year, values: years.into_iter().take(most).map(value).collect(), more }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::embed::{Builtin, Embedder, Prepare};
    use crate::question::Question;
    use crate::search::{Filters, Mode, TitleMatch, search};

    const WORDS: [&str; 8] = ["roses", "prune", "bread", "dough", "knife", "sharpen", "tomato", "water"];
    const SECTIONS: [&str; 4] = ["Kitchen", "kitchen", "Garden", "Kitchen garden"];
    const TAGS: [&str; 5] = ["yeast", "Yeast", "tools", "spring", "Spring work"];
    const DATES: [&str; 4] = ["1999-12-31T23:59:59Z", "2000-01-01", "2024-02-29", "2024-12-31"];

    fn some<T: Clone + std::fmt::Debug + 'static>(
        of: &'static [T],
        range: std::ops::Range<usize>,
    ) -> impl Strategy<Value = Vec<T>> {
        proptest::collection::vec(proptest::sample::select(of), range)
    }

    fn one<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = Option<T>> {
        proptest::option::of(proptest::sample::select(of))
    }

    fn questions() -> impl Strategy<Value = Vec<Question>> {
        let german = "Wie lange muss der Teig für das Brot an einem warmen Ort gehen?";
        let question =
            (some(&WORDS, 1..5), one(&SECTIONS), some(&TAGS, 0..4), one(&["Easy", "HARD"]), one(&DATES));
        let question =
            (question, any::<bool>()).prop_map(move |((words, section, tags, level, date), is_german)| {
                let mut question = Question::new(words.join(" "), 1);
                question.answer = if is_german { german.to_owned() } else { String::new() };
                question.section = section.map(str::to_owned);
                question.tags = tags.into_iter().map(str::to_owned).collect();
                question.level = level.map(str::to_owned);
                question.date = date.map(str::to_owned);
                question.source.path = format!("{}.md", question.title.len() % 3);
                question
            });
        proptest::collection::vec(question, 1..40)
    }

    fn filters() -> impl Strategy<Value = Filters> {
        let owned = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect();
        (
            some(&["garden", "Kitchen"], 0..2),
            some(&["yeast", "SPRING"], 0..3),
            some(&["de", "EN"], 0..2),
            one(&[0_i64, 946_684_800]),
        )
            .prop_map(move |(sections, tags, languages, since)| Filters {
                sections: owned(sections),
                tags: owned(tags),
                languages: owned(languages),
                since,
                ..Filters::default()
            })
    }

    /// The questions with their languages.
    fn read(index: &Index) -> Vec<(Question, String)> {
        let questions = index.addressed_questions().unwrap().into_iter();
        let language = |address| index.language_of(address).unwrap().unwrap().code().to_owned();
        questions.map(|(address, question)| (question, language(address))).collect()
    }

    fn passes(filters: &Filters, question: &Question, language: &str) -> bool {
        let any = |wanted: &[String], fits: &dyn Fn(&str) -> bool| {
            wanted.is_empty() || wanted.iter().any(|wanted| fits(&wanted.to_lowercase()))
        };
        let section = question.section.as_ref().map(|section| section.to_lowercase());
        any(&filters.sections, &|wanted| section.as_ref().is_some_and(|section| section.contains(wanted)))
            && any(&filters.tags, &|wanted| question.tags.iter().any(|tag| tag.to_lowercase() == wanted))
            && any(&filters.languages, &|wanted| wanted == language)
            && filters.since.is_none_or(|since| {
                question
                    .date
                    .as_deref()
                    .and_then(crate::index::date_span)
                    .is_some_and(|(date, _)| date >= since)
            })
    }

    /// The ids of the questions that match, from the scores of the hits of a search for all questions.
    fn matching(index: &Index, embedder: Option<&dyn Embedder>, query: &Query) -> Vec<u64> {
        let all = Query { limit: 1_000, filters: Filters::default(), facets: Vec::new(), ..query.clone() };
        let hits = search(index, embedder, &all).unwrap().hits;
        let covered = hits.iter().map(|hit| hit.scores.covered).fold(0.0, f32::max);
        let nearest = hits.iter().filter_map(|hit| hit.scores.cosine).fold(0.0, f32::max);
        let hits = hits.into_iter().filter(|hit| {
            let contains = hit.scores.covered > 0.0 && hit.scores.covered >= 0.75 * covered;
            let near = hit.scores.cosine.is_some_and(|cosine| cosine > 0.15 && cosine >= 0.5 * nearest);
            hit.title_match == TitleMatch::Exact || near || (contains && query.mode != Mode::Semantic)
        });
        hits.map(|hit| hit.question.source.line).collect()
    }

    /// Counts the values of the questions for which `matches` is true.
    fn counted<'a>(
        questions: impl Iterator<Item = &'a (Question, String)> + Clone,
    ) -> (u64, HashMap<(Facet, String), u64>) {
        let mut counts = HashMap::new();
        for (question, language) in questions.clone() {
            let mut values: Vec<(Facet, String)> =
                vec![(Facet::Language, language.clone()), (Facet::Source, question.source.path.clone())];
            for facet in [Facet::Section, Facet::Tag, Facet::Level] {
                values.extend(facet.folded_values(question).map(|value| (facet, value.to_lowercase())));
            }
            values.extend(question.date.iter().map(|date| (Facet::Year, date[..4].to_owned())));
            values.retain(|(_, value)| !value.is_empty());
            values.sort_by(|a, b| (a.0.name(), &a.1).cmp(&(b.0.name(), &b.1)));
            values.dedup();
            values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
        }
        (questions.count() as u64, counts)
    }

    /// Compares the facets of a query with an exhaustive count.
    fn check(index: &Index, embedder: Option<&dyn Embedder>, query: &Query) {
        let questions = read(index);
        let query = Query { facets: Facet::ALL.into(), facet_values: 100, ..query.clone() };
        let ids = match query.phrase.is_empty() {
            true => questions.iter().map(|(question, _)| question.source.line).collect(),
            false => matching(index, embedder, &query),
        };
        let matching = questions.iter().filter(|(question, language)| {
            ids.contains(&question.source.line) && passes(&query.filters, question, language)
        });
        let facets = search(index, embedder, &query).unwrap().facets.unwrap();
        let mut found = HashMap::new();
        for FacetCounts { facet, values, more } in &facets.counts {
            assert_eq!(*more, 0);
            let key = |value: &FacetValue| {
                (
                    *facet,
                    if *facet == Facet::Source { value.value.clone() } else { value.value.to_lowercase() },
                )
            };
            found.extend(values.iter().map(|value| (key(value), value.count)));
        }
        assert_eq!((facets.matching, found), counted(matching), "{query:?}");
    }

    /// Each question has another line.
    fn numbered(questions: Vec<Question>) -> Vec<Question> {
        let mut questions = questions;
        (1..).zip(&mut questions).for_each(|(line, question)| question.source.line = line);
        questions
    }

    static MODEL: LazyLock<Builtin> = LazyLock::new(|| Builtin::load(Prepare::Many).unwrap());
    static INDEX: LazyLock<Index> = LazyLock::new(|| {
        let title = |nth: usize| {
            format!("How do I {} {} with {}?", WORDS[nth % 8], WORDS[nth * 3 % 7], WORDS[nth * 5 % 8])
        };
        let question = |nth: usize| Question {
            section: Some(SECTIONS[nth % 4].to_owned()),
            tags: TAGS[..nth % 5].iter().map(|tag| (*tag).to_owned()).collect(),
            date: Some(DATES[nth % 4].to_owned()),
            ..Question::new(title(nth), nth as u64)
        };
        Index::in_memory(&(1..30).map(question).collect::<Vec<_>>(), Some(&*MODEL)).unwrap()
    });

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn counts_equal_an_exhaustive_count(
            questions in questions(), words in some(&WORDS, 0..4), filters in filters()
        ) {
            let index = Index::in_memory(&numbered(questions), None).unwrap();
            let query = Query { filters, mode: Mode::Keyword, ..Query::plain(&words.join(" ")) };
            check(&index, None, &query);
        }

        #[test]
        fn they_do_with_vectors(
            words in some(&WORDS, 1..4),
            filters in filters(),
            mode in proptest::sample::select(&[Mode::Hybrid, Mode::Semantic]),
        ) {
            check(&INDEX, Some(&*MODEL), &Query { filters, mode, ..Query::plain(&words.join(" ")) });
        }
    }

    #[test]
    fn a_filter_leaves_as_many_questions_as_the_count_says() {
        let query = Query { facets: vec![Facet::Tag], ..Query::plain("how to sharpen a knife") };
        let facets = search(&INDEX, Some(&*MODEL), &query).unwrap().facets.unwrap();
        assert!(!facets.counts[0].values.is_empty());
        for FacetValue { value, count } in &facets.counts[0].values {
            let filters = Filters { tags: vec![value.clone()], ..Filters::default() };
            let left = search(&INDEX, Some(&*MODEL), &Query { filters, ..query.clone() }).unwrap();
            assert_eq!(left.facets.unwrap().matching, *count, "{value}");
        }
    }

    #[test]
    fn the_most_frequent_values_come_first_and_the_rest_is_counted() {
        let question = |(line, tags): (u64, &[&str])| Question {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Question::new("Why wax a rope?", line)
        };
        let questions: Vec<Question> =
            (1..).zip([&["b", "Rare"][..], &["B"], &["c", "a"], &["a", "a"]]).map(question).collect();
        let index = Index::in_memory(&questions, None).unwrap();
        let query = Query { facets: vec![Facet::Tag], facet_values: 3, ..Query::plain("") };
        let results = search(&index, None, &query).unwrap();
        let facets = results.facets.unwrap();
        assert_eq!((results.hits.len(), facets.matching, facets.counts[0].more), (0, 4, 1));
        let values: Vec<(&str, u64)> =
            facets.counts[0].values.iter().map(|value| (value.value.as_str(), value.count)).collect();
        assert_eq!(values, [("a", 2), ("b", 2), ("c", 1)]);
    }
}
