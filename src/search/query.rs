//! Search queries.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::facet::Facet;
use super::word_sequence::sequences;

/// How questions are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Keyword and semantic search combined.
    #[default]
    Hybrid,
    /// Keyword search only (BM25).
    Keyword,
    /// Semantic search only (vectors).
    Semantic,
}

/// The order of the hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The most relevant first.
    #[default]
    Relevance,
    /// The latest `date` first. Questions without a date come last.
    Newest,
    /// The highest `score` first: the source's rating, such as votes. Questions without a score come last.
    Score,
}

/// Restricts a search to some questions. A question must match every filter that is set. Of `sources`,
/// `sections`, `levels`, `tags` and `languages`, it must match at least one value each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// The path of the question's file contains one of these, ignoring case.
    pub sources: Vec<String>,
    /// The section contains one of these, ignoring case.
    pub sections: Vec<String>,
    /// The level equals one of these, ignoring case.
    pub levels: Vec<String>,
    /// A tag equals one of these, ignoring case.
    pub tags: Vec<String>,
    /// The language that was detected equals one of these: the code of a [`Language`](crate::analyze::Language), such as
    /// `de`, ignoring case.
    pub languages: Vec<String>,
    /// The title, an alternative title or the answer contains all words of each of these, in this order and
    /// next to each other. Case, accents, markup and the punctuation between the words do not count. Other
    /// forms of a word do not match: `test` does not match "testing".
    pub exact: Vec<String>,
    /// Neither the title nor an alternative title nor the answer contains any of these words, or sequences
    /// of words. They are compared as in [`exact`](Self::exact).
    pub without: Vec<String>,
    /// The date is not before this time, in seconds since 1970 (UTC). A question without a date does not
    /// match. [`date_span`] reads dates.
    pub since: Option<i64>,
    /// The date is not after this time, in seconds since 1970 (UTC). A question without a date does not
    /// match.
    pub until: Option<i64>,
}

impl Filters {
    /// Checks the filters without an index.
    ///
    /// # Errors
    /// An item of `exact` or `without` has no words. [`search`](super::search()) would fail.
    pub fn validate(&self) -> anyhow::Result<()> {
        sequences("exact", &self.exact)?;
        sequences("without", &self.without)?;
        Ok(())
    }
}

/// A phrase and the search options.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The phrase: plain language, code or an error message. All of it is text to search for. Words in
    /// quotation marks raise the questions that contain them in that order.
    pub phrase: String,
    /// How questions are ranked.
    pub mode: Mode,
    /// The maximum number of hits.
    pub limit: usize,
    /// How many of the first hits to skip.
    pub offset: usize,
    /// The order of the hits.
    pub sort: Sort,
    /// Which questions are searched.
    pub filters: Filters,
    /// The weight of semantic search in the hybrid score, in [0, 1]. `None` uses the weight tuned on the
    /// corpus.
    pub semantic_weight: Option<f32>,
    /// Compare the phrase with every vector. In an index of many questions, a search otherwise compares it with the few
    /// thousand whose estimated cosines are highest.
    pub exact_vectors: bool,
    /// Explain why each hit is ranked where it is. This takes a little longer.
    pub explain: bool,
    /// Return one hit for questions that ask the same.
    pub collapse: bool,
    /// Use the synonyms of the index, if it has any: see [`Index::with_curation`](crate::index::Index::with_curation).
    pub synonyms: bool,
    /// Use the pins of the index, if it has any.
    pub pins: bool,
    /// The properties whose values are counted in all matching questions: see [`Facets`](super::Facets). With an empty
    /// phrase, all questions match, and there are no hits.
    pub facets: Vec<Facet>,
    /// How many values of each facet are returned at most.
    pub facet_values: usize,
}

impl Query {
    /// The default number of hits.
    pub const DEFAULT_LIMIT: usize = 10;

    /// The default number of values of each facet.
    pub const DEFAULT_FACET_VALUES: usize = 20;

    /// A query for a phrase in plain language. All options have their defaults, and questions that ask the
    /// same are separate hits. Synonyms and pins are used.
    pub fn plain(phrase: &str) -> Self {
        Self {
            phrase: phrase.trim().to_owned(),
            mode: Mode::default(),
            limit: Self::DEFAULT_LIMIT,
            offset: 0,
            sort: Sort::default(),
            filters: Filters::default(),
            semantic_weight: None,
            exact_vectors: false,
            explain: false,
            collapse: false,
            synonyms: true,
            pins: true,
            facets: Vec::new(),
            facet_values: Self::DEFAULT_FACET_VALUES,
        }
    }

    /// The position after the last hit, counted from the most relevant one.
    pub fn end(&self) -> usize {
        self.offset.saturating_add(self.limit)
    }
}

/// The times that a date covers, in seconds since 1970 (UTC), first and last: a year (`2024`), a month
/// (`2024-03`), a day (`2024-03-01`, `March 1, 2024`) or a second (`2024-03-01T10:20:30Z`). `None` if the text
/// is not a date or is ambiguous, such as `3/1/2024`.
pub fn date_span(text: &str) -> Option<(i64, i64)> {
    crate::index::date_span(text)
}

/// The quotation marks that enclose words: opening and closing. Single ones are apostrophes as well and do
/// not count.
const QUOTES: [(char, char); 7] =
    [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('»', '«'), ('「', '」'), ('『', '』')];

/// The byte ranges of the quoted words of a phrase, without the quotation marks. A mark inside a word
/// (`println!("x")`, `5"`) does not open a quotation.
pub(super) fn quotations(phrase: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut before = None;
    let mut at = 0;
    while let Some(c) = phrase[at..].chars().next() {
        at += c.len_utf8();
        if let Some(words) = quotation(phrase, c, at).filter(|_| is_apart(before, c)) {
            at = words.end;
            found.push(words);
            // The closing mark does not open another quotation.
            at += phrase[at..].chars().next().map_or(0, char::len_utf8);
        }
        before = phrase[..at].chars().next_back();
    }
    found
}

/// The words between the mark `open`, which ends at `start`, and its closing mark. `None` if there are none.
fn quotation(phrase: &str, open: char, start: usize) -> Option<Range<usize>> {
    let (_, close) = QUOTES.into_iter().find(|(mark, _)| *mark == open)?;
    let end = start + phrase[start..].find(close)?;
    let after = phrase[end + close.len_utf8()..].chars().next();
    let ends = after.is_none_or(|after| !after.is_alphanumeric()) || is_apart(after, close);
    (ends && phrase[start..end].contains(char::is_alphanumeric)).then_some(start..end)
}

/// Whether a quotation mark is separate from the character beside it. Scripts with the marks 「」 are
/// written without spaces.
fn is_apart(beside: Option<char>, mark: char) -> bool {
    matches!(mark, '「' | '」' | '『' | '』') || beside.is_none_or(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, expected: &[&str]) {
        let found: Vec<&str> = quotations(phrase).into_iter().map(|range| &phrase[range]).collect();
        assert_eq!(found, expected, "{phrase}");
    }

    #[test]
    fn quoted_words_are_found() {
        check("plain words", &[]);
        check(r#"a "borrow checker" error"#, &["borrow checker"]);
        check(r#""shall" vs "will", usage"#, &["shall", "will"]);
        check(
            "“exact words” and „noch mehr“ et «ceci» oder »das«",
            &["exact words", "noch mehr", "ceci", "das"],
        );
        check("如何「重置密码」呢", &["重置密码"]);
        check(r#"("#, &[]);
    }

    #[test]
    fn quotation_marks_in_code_and_measures_do_not_quote() {
        check(r#"println!("{}", x)"#, &[]);
        check(r#"a 5" pipe and a 7" pipe"#, &[]);
        check(r#"unclosed "quote"#, &[]);
        check(r#"x "" y "-" z"#, &[]);
        check("it's 'a and 'static", &[]);
    }
}
