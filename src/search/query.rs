//! Search queries and the phrase syntax.

use std::str::FromStr;

use anyhow::bail;
use serde::{Deserialize, Serialize};

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

/// Restricts a search to some questions. A question must match every filter that is set, and at least one
/// value of each.
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
}

/// A parsed phrase and the search options.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The phrase as typed.
    pub phrase: String,
    /// The text to search for: the phrase without quotation marks and excluded words.
    pub text: String,
    /// Sequences of words that must occur in the question's title, alternative titles or answer.
    pub exact: Vec<String>,
    /// Words that must not occur there.
    pub excluded: Vec<String>,
    /// How questions are ranked.
    pub mode: Mode,
    /// The maximum number of hits.
    pub limit: usize,
    /// Which questions are searched.
    pub filters: Filters,
    /// The weight of semantic search in the hybrid score, in [0, 1]. `None` uses the weight tuned on the
    /// corpus.
    pub semantic_weight: Option<f32>,
    /// Explain why each hit is ranked where it is. This takes a little longer.
    pub explain: bool,
    /// Return one hit for questions that ask the same.
    pub collapse: bool,
}

impl Query {
    /// The default number of hits.
    pub const DEFAULT_LIMIT: usize = 10;

    /// A query for a literal text: quotation marks and dashes have no special meaning.
    pub fn plain(text: &str) -> Self {
        Self {
            phrase: text.to_owned(),
            text: text.to_owned(),
            exact: Vec::new(),
            excluded: Vec::new(),
            mode: Mode::default(),
            limit: Self::DEFAULT_LIMIT,
            filters: Filters::default(),
            semantic_weight: None,
            explain: false,
            collapse: false,
        }
    }
}

impl FromStr for Query {
    type Err = anyhow::Error;

    /// Parses a phrase. `"quoted words"` must occur exactly as written and `-word` must not occur. Everything
    /// else, including code, is plain text.
    ///
    /// # Errors
    /// The phrase has nothing to search for: it is empty or has only excluded words.
    fn from_str(phrase: &str) -> anyhow::Result<Self> {
        let mut query = Self { phrase: phrase.to_owned(), ..Self::plain("") };
        let mut rest = phrase;
        while let Some(c) = rest.chars().next() {
            let at_start = query.text.chars().next_back().is_none_or(char::is_whitespace);
            rest = if let Some((quoted, after)) = quoted(rest).filter(|_| at_start) {
                query.exact.push(quoted.to_owned());
                query.text.push_str(quoted);
                after
            } else if let Some((word, after)) = excluded(rest).filter(|_| at_start) {
                query.excluded.push(word.to_owned());
                after
            } else {
                query.text.push(c);
                &rest[c.len_utf8()..]
            };
        }
        query.text = query.text.trim().to_owned();
        if phrase.trim().is_empty() {
            bail!("the phrase is empty\n  hint: rqsearch \"how do lifetimes work\"");
        }
        if query.text.is_empty() {
            bail!("the phrase has only excluded words\n  hint: add words to search for before `-word`");
        }
        Ok(query)
    }
}

/// Splits `"words" rest` into (`words`, ` rest`). The closing quotation mark must be followed by white space
/// or the end of the text.
///
/// The caller checks that the quotation starts a word, so the one in `println!("x")` is not a quotation.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (close, inner) = [('"', '"'), ('“', '”')]
        .into_iter()
        .find_map(|(open, close)| Some((close, text.strip_prefix(open)?)))?;
    let end = inner.find(close)?;
    let after = &inner[end + close.len_utf8()..];
    let ends = after.chars().next().is_none_or(char::is_whitespace);
    (ends && !inner[..end].trim().is_empty()).then_some((&inner[..end], after))
}

/// Splits `-word rest` into (`word`, ` rest`). A single letter (`-C`) is not an exclusion but a flag that
/// somebody asks about.
fn excluded(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('-')?;
    let end = inner.find(char::is_whitespace).unwrap_or(inner.len());
    let word = &inner[..end];
    let is_word = word.starts_with(char::is_alphabetic) && word.chars().nth(1).is_some();
    is_word.then_some((word, &inner[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, text: &str, exact: &[&str], excluded: &[&str]) {
        let query: Query = phrase.parse().unwrap();
        assert_eq!(
            (query.text.as_str(), query.exact, query.excluded),
            (
                text,
                exact.iter().map(|s| s.to_string()).collect(),
                excluded.iter().map(|s| s.to_string()).collect()
            )
        );
    }

    #[test]
    fn quotes_require_and_dashes_exclude() {
        check("plain words", "plain words", &[], &[]);
        check(r#"a "borrow checker" error"#, "a borrow checker error", &["borrow checker"], &[]);
        check("pin -tokio", "pin", &[], &["tokio"]);
        check("“exact words” -no thing", "exact words  thing", &["exact words"], &["no"]);
    }

    #[test]
    fn code_is_plain_text() {
        check(r#"println!("{}", x)"#, r#"println!("{}", x)"#, &[], &[]);
        check("a->b work-stealing --release -C 'static", "a->b work-stealing --release -C 'static", &[], &[]);
        check(r#"unclosed "quote"#, r#"unclosed "quote"#, &[], &[]);
        check(r#"x "" y"#, r#"x "" y"#, &[], &[]);
        check("-", "-", &[], &[]);
    }

    #[test]
    fn a_phrase_with_nothing_to_search_for_fails() {
        for phrase in ["", "  \n", "-word", "-a-b -cd"] {
            assert!(phrase.parse::<Query>().is_err(), "{phrase:?}");
        }
    }
}
