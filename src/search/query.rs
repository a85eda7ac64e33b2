//! What was asked for.

use std::str::FromStr;

use anyhow::bail;
use serde::{Deserialize, Serialize};

/// Which legs rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Both, fused.
    #[default]
    Hybrid,
    /// Words only (BM25).
    Keyword,
    /// Meaning only (vectors).
    Semantic,
}

/// Which questions may be found. Every filter that is set must hold; of its values, one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// The file's path contains one of these, case ignored.
    pub sources: Vec<String>,
    /// The section contains one of these, case ignored.
    pub sections: Vec<String>,
    /// The level is one of these, case ignored.
    pub levels: Vec<String>,
    /// A tag is one of these, case ignored.
    pub tags: Vec<String>,
}

/// A phrase taken apart, and how to search for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The phrase as typed.
    pub phrase: String,
    /// What is searched for: the phrase without what is excluded, quotes taken away.
    pub text: String,
    /// Word sequences that must stand in a question's title, other ways to ask, or answer.
    pub exact: Vec<String>,
    /// Words that must not stand there.
    pub excluded: Vec<String>,
    /// Which legs rank.
    pub mode: Mode,
    /// How many hits at most.
    pub limit: usize,
    /// Which questions may be found.
    pub filters: Filters,
    /// The share of the semantic leg, in [0, 1], instead of the one tuned on the corpus.
    pub semantic_weight: Option<f32>,
    /// Say of every hit why it stands where it does; takes a little longer.
    pub explain: bool,
    /// Show one hit for questions that ask the same.
    pub collapse: bool,
}

impl Query {
    /// How many hits there are when nobody says how many.
    pub const DEFAULT_LIMIT: usize = 10;

    /// A query for a text as it is: no quotes, no exclusions.
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

    /// Reads a phrase: `"quoted words"` must stand as they are, `-word` must not stand at all,
    /// everything else is plain language, code included. The only thing that fails is a phrase
    /// with nothing to search for.
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
            bail!("the phrase only says what to leave out\n  hint: add what to look for before `-word`");
        }
        Ok(query)
    }
}

/// `"words" rest` → (`words`, ` rest`): a quotation that is closed and ends at a space.
///
/// The quote in `println!("x")` begins inside a word, so it never gets here.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (close, inner) = [('"', '"'), ('“', '”')]
        .into_iter()
        .find_map(|(open, close)| Some((close, text.strip_prefix(open)?)))?;
    let end = inner.find(close)?;
    let after = &inner[end + close.len_utf8()..];
    let ends = after.chars().next().is_none_or(char::is_whitespace);
    (ends && !inner[..end].trim().is_empty()).then_some((&inner[..end], after))
}

/// `-word rest` → (`word`, ` rest`). A single letter (`-C`) is a flag that somebody asks about.
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
    fn quotes_demand_and_dashes_exclude() {
        check("plain words", "plain words", &[], &[]);
        check(r#"a "borrow checker" error"#, "a borrow checker error", &["borrow checker"], &[]);
        check("pin -tokio", "pin", &[], &["tokio"]);
        check("“exact words” -no thing", "exact words  thing", &["exact words"], &["no"]);
    }

    #[test]
    fn code_is_plain_language() {
        check(r#"println!("{}", x)"#, r#"println!("{}", x)"#, &[], &[]);
        check("a->b work-stealing --release -C 'static", "a->b work-stealing --release -C 'static", &[], &[]);
        check(r#"unclosed "quote"#, r#"unclosed "quote"#, &[], &[]);
        check(r#"x "" y"#, r#"x "" y"#, &[], &[]);
        check("-", "-", &[], &[]);
    }

    #[test]
    fn only_nothing_to_search_for_fails() {
        for phrase in ["", "  \n", "-word", "-a-b -cd"] {
            assert!(phrase.parse::<Query>().is_err(), "{phrase:?}");
        }
    }
}
