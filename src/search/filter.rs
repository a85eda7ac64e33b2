//! Filters, quoted words and excluded words, as bit sets of the documents that match. Both retrievers check
//! them before ranking.

use tantivy::collector::DocSetCollector;
use tantivy::query::{BooleanQuery, Occur, PhraseQuery, Query as TantivyQuery, TermQuery, TermSetQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, Searcher, Term};

use super::query::Query;
use crate::analyze::tokens;
use crate::index::{Fields, Index, QUESTION};

/// The documents that match the filters of a query.
pub struct Allowed {
    /// One bit set per segment. `None` if all questions match.
    sets: Option<Vec<BitSet>>,
}

impl Allowed {
    /// Finds the documents that match the filters, quoted words and excluded words of a query.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn new(index: &Index, query: &Query) -> anyhow::Result<Self> {
        let mut clauses = clauses(index, query)?;
        if clauses.is_empty() {
            return Ok(Self { sets: None });
        }
        clauses.push((Occur::Must, exactly(index.fields().kind, QUESTION)));
        let searcher = index.searcher();
        let mut sets: Vec<BitSet> = searcher
            .segment_readers()
            .iter()
            .map(|segment| BitSet::with_max_value(segment.max_doc()))
            .collect();
        for address in searcher.search(&BooleanQuery::new(clauses), &DocSetCollector)? {
            sets[address.segment_ord as usize].insert(address.doc_id);
        }
        Ok(Self { sets: Some(sets) })
    }

    /// Whether a document matches. The caller must skip deleted documents.
    pub fn contains(&self, segment: usize, doc: DocId) -> bool {
        self.sets.as_ref().is_none_or(|sets| sets[segment].contains(doc))
    }
}

fn clauses(index: &Index, query: &Query) -> anyhow::Result<Vec<(Occur, Box<dyn TantivyQuery>)>> {
    let (searcher, fields) = (index.searcher(), index.fields());
    let mut clauses: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
    let filters = &query.filters;
    for (field, wanted, fits) in [
        (fields.path, &filters.sources, contains as fn(&str, &str) -> bool),
        (fields.section, &filters.sections, contains),
        (fields.level, &filters.levels, is),
        (fields.tag, &filters.tags, is),
    ] {
        if !wanted.is_empty() {
            let fits = |value: &str| {
                let value = value.to_lowercase();
                wanted.iter().any(|wanted| fits(&value, &wanted.to_lowercase()))
            };
            clauses.push((Occur::Must, Box::new(TermSetQuery::new(terms_where(searcher, field, fits)?))));
        }
    }
    for words in &query.exact {
        clauses.extend(sequence(fields, words).map(|query| (Occur::Must, query)));
    }
    for word in &query.excluded {
        clauses.extend(sequence(fields, word).map(|query| (Occur::MustNot, query)));
    }
    Ok(clauses)
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

/// A query for these words in sequence, in the title, an alternative title or the answer. `None` if the text
/// contains no words.
fn sequence(fields: &Fields, words: &str) -> Option<Box<dyn TantivyQuery>> {
    let parts: Vec<_> = tokens(words).into_iter().filter(|token| !token.whole).collect();
    let (first, several) = (parts.first()?, parts.len() > 1);
    let in_field = |field: Field| -> Box<dyn TantivyQuery> {
        if several {
            let at = |position: usize| position - first.position;
            let terms =
                parts.iter().map(|part| (at(part.position), Term::from_field_text(field, &part.text)));
            Box::new(PhraseQuery::new_with_offset(terms.collect()))
        } else {
            exactly(field, &first.text)
        }
    };
    let fields = [fields.title, fields.also, fields.answer];
    Some(Box::new(BooleanQuery::union(fields.map(in_field).into())))
}

fn exactly(field: Field, text: &str) -> Box<dyn TantivyQuery> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}
