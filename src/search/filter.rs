//! Filters, as bit sets of the documents that match. Both retrievers check them before ranking.

use std::collections::HashSet;
use std::ops::Bound;

use tantivy::collector::DocSetCollector;
use tantivy::query::{BooleanQuery, Query as TantivyQuery, RangeQuery, TermQuery, TermSetQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocAddress, DocId, Searcher, Term};

use super::query::Filters;
use super::word_sequence::{FoldedQuestion, WordSequence, sequences};
use crate::analyze::{Language, phrase_tokens};
#[cfg(any(test, feature = "milvus"))]
use crate::index::{CandidateDocument, Candidates, Store};
use crate::index::{Index, QUESTION};

/// The documents that match the filters of a query.
pub struct Allowed {
    /// One bit set per segment. `None` if all questions match.
    sets: Option<Vec<BitSet>>,
    /// Documents that are excluded whatever the sets say.
    hidden: HashSet<DocAddress>,
}

impl Allowed {
    /// Finds the documents that match filters.
    ///
    /// # Errors
    /// - An item of `exact` or `without` has no words.
    /// - The index is damaged.
    pub fn new(index: &Index, filters: &Filters) -> anyhow::Result<Self> {
        let exact = sequences("exact", &filters.exact)?;
        let without = sequences("without", &filters.without)?;
        #[cfg(any(test, feature = "milvus"))]
        if let Store::Candidates(candidates) = index.store() {
            return Self::among(index, candidates, &filters.languages, &exact, &without);
        }
        let (searcher, fields) = (index.searcher()?, index.fields());
        let mut clauses = clauses(index, filters)?;
        clauses.extend(exact.iter().flat_map(|sequence| may_contain(index, sequence)));
        if clauses.is_empty() && exact.is_empty() && without.is_empty() {
            return Ok(Self::matching(None));
        }
        clauses.push(exactly(fields.kind, QUESTION));
        let found = searcher.search(&all_of(clauses), &DocSetCollector)?;
        let excluded = Suspects::new(index, &without)?;
        let mut found: Vec<DocAddress> = found.into_iter().collect();
        // Documents that were stored together are read together.
        found.sort();
        let mut sets: Vec<BitSet> = searcher
            .segment_readers()
            .iter()
            .map(|segment| BitSet::with_max_value(segment.max_doc()))
            .collect();
        for address in found {
            let without: &[WordSequence] = if excluded.contains(&address) { &without } else { &[] };
            if matches_words(index, address, &exact, without)? {
                sets[address.segment_ord as usize].insert(address.doc_id);
            }
        }
        Ok(Self::matching(Some(sets)))
    }

    /// The candidates in some languages, with and without words. What sent them has checked the other filters.
    #[cfg(any(test, feature = "milvus"))]
    fn among(
        index: &Index,
        candidates: &Candidates,
        languages: &[String],
        exact: &[WordSequence],
        without: &[WordSequence],
    ) -> anyhow::Result<Self> {
        let is_wanted = |document: &CandidateDocument| {
            let code = document.language.code();
            !document.is_outside
                && (languages.is_empty() || languages.iter().any(|wanted| wanted.to_lowercase() == code))
        };
        let documents = candidates.documents();
        let wanted = (0..).zip(documents).filter(|(_, document)| is_wanted(document));
        let wanted: Vec<DocId> = wanted.map(|(doc, _)| doc).collect();
        let has_words = !exact.is_empty() || !without.is_empty();
        if wanted.len() == documents.len() && !has_words {
            return Ok(Self::matching(None));
        }
        if has_words {
            candidates.prepare(wanted.iter().copied())?;
        }
        let mut set = BitSet::with_max_value(documents.len() as DocId);
        for doc in wanted {
            if matches_words(index, DocAddress::new(0, doc), exact, without)? {
                set.insert(doc);
            }
        }
        Ok(Self::matching(Some(vec![set])))
    }

    fn matching(sets: Option<Vec<BitSet>>) -> Self {
        Self { sets, hidden: HashSet::new() }
    }

    /// Excludes some documents.
    pub fn hide(&mut self, hidden: &[DocAddress]) {
        self.hidden.extend(hidden);
    }

    /// Whether a document matches. The caller must skip deleted documents.
    pub fn contains(&self, segment: usize, doc: DocId) -> bool {
        self.sets.as_ref().is_none_or(|sets| sets[segment].contains(doc))
            && (self.hidden.is_empty() || !self.hidden.contains(&DocAddress::new(segment as u32, doc)))
    }
}

/// The documents whose text must be read, because they may contain excluded words.
enum Suspects {
    All,
    Some(HashSet<DocAddress>),
}

impl Suspects {
    fn new(index: &Index, without: &[WordSequence]) -> anyhow::Result<Self> {
        let queries = without.iter().map(|sequence| may_contain(index, sequence));
        // Nothing is known of words that are not in the term dictionary, such as `()`.
        let Some(queries) = queries.map(|clauses| (!clauses.is_empty()).then(|| all_of(clauses))).collect()
        else {
            return Ok(Self::All);
        };
        Ok(Self::Some(index.searcher()?.search(&any_of(queries), &DocSetCollector)?))
    }

    fn contains(&self, address: &DocAddress) -> bool {
        match self {
            Self::All => true,
            Self::Some(found) => found.contains(address),
        }
    }
}

/// Whether the text of a question contains all words of `exact`, and none of `without`.
fn matches_words(
    index: &Index,
    address: DocAddress,
    exact: &[WordSequence],
    without: &[WordSequence],
) -> anyhow::Result<bool> {
    if exact.is_empty() && without.is_empty() {
        return Ok(true);
    }
    let question = FoldedQuestion::new(&index.question(address)?);
    Ok(exact.iter().all(|sequence| question.contains(sequence))
        && !without.iter().any(|sequence| question.contains(sequence)))
}

fn clauses(index: &Index, filters: &Filters) -> anyhow::Result<Vec<Box<dyn TantivyQuery>>> {
    let (searcher, fields) = (index.searcher()?, index.fields());
    let mut clauses: Vec<Box<dyn TantivyQuery>> = Vec::new();
    for (field, wanted, fits) in [
        (fields.path, &filters.sources, contains as fn(&str, &str) -> bool),
        (fields.section, &filters.sections, contains),
        (fields.level, &filters.levels, is),
        (fields.tag, &filters.tags, is),
        (fields.language, &filters.languages, is),
    ] {
        if !wanted.is_empty() {
            let fits = |value: &str| {
                let value = value.to_lowercase();
                wanted.iter().any(|wanted| fits(&value, &wanted.to_lowercase()))
            };
            clauses.push(Box::new(TermSetQuery::new(terms_where(searcher, field, fits)?)));
        }
    }
    if filters.since.is_some() || filters.until.is_some() {
        let bound = |time: Option<i64>| {
            time.map_or(Bound::Unbounded, |time| Bound::Included(Term::from_field_i64(fields.date, time)))
        };
        clauses.push(Box::new(RangeQuery::new(bound(filters.since), bound(filters.until))));
    }
    Ok(clauses)
}

/// Says which languages of the filters no question is in, and which languages the index has. `None` if there are questions
/// in each of them.
pub fn language_notice(index: &Index, filters: &Filters) -> Option<String> {
    let is_there =
        |code: &String| index.languages().iter().any(|language| language.code().eq_ignore_ascii_case(code));
    let named = |language: Language| format!("{} ({language})", language.code());
    let absent = filters.languages.iter().filter(|code| !is_there(code));
    let absent: Vec<String> = absent
        .map(|code| Language::from_code(&code.to_lowercase()).map_or_else(|| format!("“{code}”"), named))
        .collect();
    let present: Vec<String> = index.languages().iter().map(|language| named(*language)).collect();
    let has = if present.is_empty() { "no questions".to_owned() } else { present.join(", ") };
    let absent = (!absent.is_empty()).then(|| absent.join(", "))?;
    Some(format!("no question is in the language {absent}; the index has {has}"))
}

fn contains(value: &str, wanted: &str) -> bool {
    value.contains(wanted)
}

fn is(value: &str, wanted: &str) -> bool {
    value == wanted
}

/// The terms of a field for which `fits` is true.
fn terms_where(searcher: &Searcher, field: Field, fits: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Term>> {
    let mut terms = Vec::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut stream = index.terms().stream()?;
        while stream.advance() {
            if let Some(value) = std::str::from_utf8(stream.key()).ok().filter(|value| fits(value)) {
                terms.push(Term::from_field_text(field, value));
            }
        }
    }
    Ok(terms)
}

/// Queries that every document with these words matches. Others may match as well: the index has stems, and
/// the text decides.
fn may_contain(index: &Index, sequence: &WordSequence) -> Vec<Box<dyn TantivyQuery>> {
    let fields = index.fields();
    let in_any_field = |text: &str| {
        any_of([fields.title, fields.also, fields.answer].map(|field| exactly(field, text)).into())
    };
    let mut queries = Vec::new();
    for word in sequence.words() {
        for part in phrase_tokens(word, index.languages()).into_iter().filter(|token| !token.whole) {
            // `mutexguard` is one part here and two in `MutexGuard`, whose whole is spelled like this.
            let written = &word[part.start..part.end];
            // `1.10` occurs in `v1.10`, whose first part is `v1`.
            let version = format!("v{written}");
            let terms = part.terms().chain([written, &version]);
            queries.push(any_of(terms.map(in_any_field).collect()));
        }
    }
    queries
}

fn exactly(field: Field, text: &str) -> Box<dyn TantivyQuery> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}

fn any_of(queries: Vec<Box<dyn TantivyQuery>>) -> Box<dyn TantivyQuery> {
    Box::new(BooleanQuery::union(queries))
}

fn all_of(queries: Vec<Box<dyn TantivyQuery>>) -> Box<dyn TantivyQuery> {
    Box::new(BooleanQuery::intersection(queries))
}
