//! Phrases and the options of a search.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use rqsearch::engine::{Engine, Opened};
use rqsearch::index::Index;
use rqsearch::render::json::{CheckReply, SearchReply};
use rqsearch::search::{FITTED, Facet, Filters, Mode, Query, Results, Sort, date_span};

/// The built-in index.
pub static BUILTIN: LazyLock<Arc<Opened>> = LazyLock::new(|| {
    let engine = Index::builtin().and_then(Engine::fixed).expect("the built-in index opens");
    engine.current().expect("an index that does not change is open")
});

/// The most characters of a phrase, which the interfaces accept.
const LONGEST_PHRASE: usize = 2_000;

/// Searches the built-in index in every mode, and checks whether it has the phrase already. The first line of an input
/// is the phrase. Each of the others is an option and its value: see [`query`].
///
/// # Panics
/// The library panics, or
///
/// - there are more hits than the limit, or they are not in order;
/// - a score is not finite, or a confidence or a probability is not from 0 to 1;
/// - a range is not within its text, or not at the boundaries of characters;
/// - a reply cannot be written as JSON;
/// - a search fails although its options are valid.
pub fn run(data: &[u8]) {
    let text: String = String::from_utf8_lossy(data).chars().take(LONGEST_PHRASE).collect();
    let (phrase, options) = text.split_once('\n').unwrap_or((&text, ""));
    let query = query(phrase, options);
    for mode in [Mode::Hybrid, Mode::Keyword, Mode::Semantic] {
        let query = Query { mode, ..query.clone() };
        match BUILTIN.search(&query) {
            Ok(results) => check(&query, &results),
            Err(error) => {
                let error = error.to_string();
                assert!(query.filters.validate().is_err() && !error.is_empty(), "{query:?}: {error}");
            }
        }
    }
    match BUILTIN.check(phrase, 0.0) {
        Ok(found) => {
            for one in &found {
                assert!((0.0..=1.0).contains(&one.probability), "{}", one.probability);
            }
            serde_json::to_string(&CheckReply::new(None, phrase, &found)).expect("a reply is JSON");
        }
        Err(error) => assert!(phrase.trim().is_empty(), "{error}"),
    }
}

/// The query with a phrase and the options of the lines `NAME VALUE`.
fn query(phrase: &str, options: &str) -> Query {
    let mut query = Query { limit: 3, ..Query::plain(phrase) };
    for line in options.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let Filters { sources, sections, levels, tags, languages, exact, without, since, until } =
            &mut query.filters;
        match name {
            "exact" => exact.push(value.to_owned()),
            "without" => without.push(value.to_owned()),
            "source" => sources.push(value.to_owned()),
            "section" => sections.push(value.to_owned()),
            "level" => levels.push(value.to_owned()),
            "tag" => tags.push(value.to_owned()),
            "language" => languages.push(value.to_owned()),
            "facets" => query.facets.extend(value.parse::<Facet>()),
            "since" => *since = date_span(value).map(|(first, _)| first),
            "until" => *until = date_span(value).map(|(_, last)| last),
            "limit" => query.limit = value.parse().map_or(query.limit, |limit: usize| limit % 100),
            "offset" => query.offset = value.parse().unwrap_or(query.offset),
            "newest" => query.sort = Sort::Newest,
            "score" => query.sort = Sort::Score,
            "weight" => {
                query.semantic_weight = value.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))
            }
            "explain" => query.explain = true,
            "collapse" => query.collapse = true,
            _ => {}
        }
    }
    query
}

/// Checks the results of a query.
fn check(query: &Query, results: &Results) {
    assert!(results.hits.len() <= query.limit, "{} hits", results.hits.len());
    assert!(results.hits.len() <= results.total, "{} hits of {}", results.hits.len(), results.total);
    for (nth, hit) in (0..).zip(&results.hits) {
        assert_eq!(hit.rank, query.offset + nth + 1);
        assert!(hit.score.is_finite(), "the score {}", hit.score);
        for number in hit.confidence.into_iter().chain(hit.probability) {
            assert!((0.0..=1.0).contains(&number), "the confidence {number}");
        }
        let answer = hit.question.readable_answer();
        assert!(answer.get(hit.passage.clone()).is_some(), "the passage {:?} of {answer:?}", hit.passage);
        check_ranges(&hit.question.title, &hit.title_highlights);
        check_ranges(&hit.snippet.text, &hit.snippet.highlights);
        check_ranges(&answer, &results.highlights(&answer));
        assert_eq!(hit.explanation.is_some(), query.explain);
        assert!(query.collapse || hit.also_asked.is_empty(), "collapsed without the option");
    }
    if query.sort == Sort::Relevance {
        assert!(results.hits.is_sorted_by(|a, b| a.score >= b.score), "the hits are not in order");
    }
    assert!(
        results.best_confidence.is_none_or(|best| (0.0..=1.0).contains(&best)),
        "{:?}",
        results.best_confidence
    );
    assert!(results.listed(FITTED.threshold) <= results.hits.len(), "more are listed than found");
    serde_json::to_string(&SearchReply::new(results, FITTED.threshold)).expect("a reply is JSON");
}

/// Checks that ranges are in order, do not overlap, and have characters of a text.
fn check_ranges(text: &str, ranges: &[Range<usize>]) {
    for range in ranges {
        assert!(text.get(range.clone()).is_some_and(|words| !words.is_empty()), "{range:?} of {text:?}");
    }
    assert!(ranges.is_sorted_by(|a, b| a.end <= b.start), "{ranges:?}");
}
