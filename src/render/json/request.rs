//! The JSON of requests.

use anyhow::{bail, ensure};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::hint::hinted;
use crate::search::{FITTED, Facet, Filters, Mode, Query, Sort, date_span};

/// The greatest number of values of each facet that a request may ask for.
const MOST_FACET_VALUES: usize = 1_000;

/// A judgement of a user: whether a hit is useful for a phrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FeedbackRequest {
    /// The phrase that was searched for.
    pub q: String,
    /// The id of the hit.
    pub id: String,
    /// Whether the hit is useful for the phrase.
    pub useful: bool,
}

impl FeedbackRequest {
    /// # Errors
    /// The phrase is empty.
    pub fn ensure_phrase(&self) -> anyhow::Result<()> {
        ensure!(!self.q.trim().is_empty(), "the phrase is empty");
        Ok(())
    }
}

/// A hit that a user opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClickRequest {
    /// The phrase that was searched for.
    pub q: String,
    /// The id of the hit.
    pub id: String,
}

impl ClickRequest {
    /// # Errors
    /// The phrase is empty.
    pub fn ensure_phrase(&self) -> anyhow::Result<()> {
        ensure!(!self.q.trim().is_empty(), "the phrase is empty");
        Ok(())
    }
}

/// A search. All fields except `q` are optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// The phrase: plain language, code or an error message. All of it is text. "Quoted words" raise questions
    /// that contain them in this order.
    pub q: String,
    /// The maximum number of hits.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// How many of the first hits to skip.
    #[serde(default)]
    pub offset: usize,
    /// The order of the hits: the most relevant first, or the relevant ones by date or by score.
    #[serde(default)]
    pub sort: Sort,
    /// Only questions that contain these words next to each other in this order. Other forms of a word do not
    /// match. Each item must occur.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Only questions that contain none of these words. Other forms of a word do not match.
    #[serde(default)]
    pub without: Vec<String>,
    /// Only questions of this date or later: a year, month, day or time, such as 2024-03-01.
    #[serde(default)]
    pub since: Option<String>,
    /// Only questions of this date or earlier.
    #[serde(default)]
    pub until: Option<String>,
    /// Rank by keywords, by semantic similarity, or by both (hybrid).
    #[serde(default)]
    pub mode: Mode,
    /// Only questions from files whose path contains one of these strings.
    #[serde(default)]
    pub source: Vec<String>,
    /// Only questions from sections whose name contains one of these strings.
    #[serde(default)]
    pub section: Vec<String>,
    /// Only questions with one of these levels.
    #[serde(default)]
    pub level: Vec<String>,
    /// Only questions with one of these tags.
    #[serde(default)]
    pub tag: Vec<String>,
    /// Only questions in one of these languages, by its code, such as `de`.
    #[serde(default)]
    pub language: Vec<String>,
    /// The weight of semantic against keyword search, 0 to 1. Default: the weight tuned on the index.
    #[serde(default)]
    pub semantic_weight: Option<f32>,
    /// If the confidence of the best hit (0 to 1) is lower than this, `answered` is false.
    #[serde(default = "default_min_confidence")]
    pub min_confidence: f32,
    /// Also return hits that ask the same as a better hit.
    #[serde(default)]
    pub all: bool,
    /// Compare the phrase with every vector of a large index, instead of with those whose estimated cosines are highest.
    #[serde(default)]
    pub exact_vectors: bool,
    /// Explain why each hit is ranked where it is.
    #[serde(default)]
    pub explain: bool,
    /// Use the synonyms of the index.
    #[serde(default = "yes")]
    pub synonyms: bool,
    /// Use the pins of the index: questions that come first for a phrase, or are hidden.
    #[serde(default = "yes")]
    pub pins: bool,
    /// Count all matching questions by these properties: section, tag, level, language, source or year. In a query string,
    /// the names can be separated by commas. With an empty phrase, all questions are counted.
    #[serde(default, deserialize_with = "facets")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Facet>"))]
    pub facets: Vec<Facet>,
    /// The maximum number of values of each facet, 1 to 1,000.
    #[serde(default = "default_facet_values")]
    pub facet_values: usize,
}

/// Several searches in one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SearchesRequest {
    /// The searches. They do not affect each other.
    pub requests: Vec<SearchRequest>,
}

/// One search, or several in one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum AnySearchRequest {
    /// Several searches.
    Many(SearchesRequest),
    /// One search.
    One(Box<SearchRequest>),
}

impl AnySearchRequest {
    /// Parses a request body. An object with the key `requests` is several searches. The derived
    /// implementation for an untagged enum would not name the wrong key in its error.
    ///
    /// # Errors
    /// The value is not an object, or a key is missing, unknown or has the wrong type. The message names the
    /// key.
    pub fn parse(body: Value) -> serde_json::Result<Self> {
        match body.get("requests") {
            // Derived implementations accept an array as a struct.
            _ if !body.is_object() => Err(serde_json::Error::custom("expected an object")),
            Some(_) => SearchesRequest::deserialize(body).map(Self::Many),
            None => SearchRequest::deserialize(body).map(|one| Self::One(Box::new(one))),
        }
    }
}

fn default_limit() -> usize {
    Query::DEFAULT_LIMIT
}

fn yes() -> bool {
    true
}

fn default_facet_values() -> usize {
    Query::DEFAULT_FACET_VALUES
}

/// Reads a list of facets. An item can have several names, separated by commas.
fn facets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Facet>, D::Error> {
    let items = Vec::<String>::deserialize(from)?;
    let mut facets = Vec::new();
    for name in items.iter().flat_map(|item| item.split(',')) {
        let facet: Facet = name.parse().map_err(D::Error::custom)?;
        if !facets.contains(&facet) {
            facets.push(facet);
        }
    }
    Ok(facets)
}

fn default_min_confidence() -> f32 {
    FITTED.threshold
}

impl SearchRequest {
    /// A search for a phrase with default settings.
    pub fn new(q: impl Into<String>) -> Self {
        Self {
            q: q.into(),
            limit: default_limit(),
            offset: 0,
            sort: Sort::default(),
            exact: Vec::new(),
            without: Vec::new(),
            since: None,
            until: None,
            mode: Mode::default(),
            source: Vec::new(),
            section: Vec::new(),
            level: Vec::new(),
            tag: Vec::new(),
            semantic_weight: None,
            min_confidence: default_min_confidence(),
            all: false,
            language: Vec::new(),
            exact_vectors: false,
            explain: false,
            synonyms: true,
            pins: true,
            facets: Vec::new(),
            facet_values: default_facet_values(),
        }
    }

    /// Converts the request to a query.
    ///
    /// # Errors
    /// The phrase is empty, an item of `exact` or `without` has no words, `since` or `until` is not a date, or a number is
    /// out of its range. An empty phrase is possible with `exact`, whose words are then the phrase, and with `facets`.
    pub fn query(&self) -> anyhow::Result<Query> {
        self.semantic_weight.map_or(Ok(()), |weight| super::ensure_zero_to_one("semantic_weight", weight))?;
        super::ensure_zero_to_one("min_confidence", self.min_confidence)?;
        let phrase = if self.q.trim().is_empty() { self.exact.join(" ") } else { self.q.clone() };
        ensure!(
            (1..=MOST_FACET_VALUES).contains(&self.facet_values),
            "facet_values must be a number from 1 to {MOST_FACET_VALUES}"
        );
        if phrase.trim().is_empty() && self.facets.is_empty() {
            bail!(hinted("the phrase is empty", "rqsearch \"how do lifetimes work\""));
        }
        let filters = Filters {
            sources: self.source.clone(),
            sections: self.section.clone(),
            levels: self.level.clone(),
            tags: self.tag.clone(),
            languages: self.language.clone(),
            exact: self.exact.clone(),
            without: self.without.clone(),
            since: date("since", self.since.as_deref())?.map(|(first, _)| first),
            until: date("until", self.until.as_deref())?.map(|(_, last)| last),
        };
        filters.validate()?;
        Ok(Query {
            mode: self.mode,
            limit: self.limit,
            offset: self.offset,
            sort: self.sort,
            filters,
            semantic_weight: self.semantic_weight,
            exact_vectors: self.exact_vectors,
            explain: self.explain,
            collapse: !self.all,
            synonyms: self.synonyms,
            pins: self.pins,
            facets: self.facets.clone(),
            facet_values: self.facet_values,
            ..Query::plain(&phrase)
        })
    }
}

/// The times that a date covers.
fn date(name: &str, text: Option<&str>) -> anyhow::Result<Option<(i64, i64)>> {
    let Some(text) = text else {
        return Ok(None);
    };
    match date_span(text) {
        Some(span) => Ok(Some(span)),
        None => {
            bail!("{name} {text:?} is not a date: write 2024, 2024-03, 2024-03-01 or 2024-03-01T10:20:30Z")
        }
    }
}

/// A request for one full question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuestionRequest {
    /// The id of the question, a prefix of the id (at least four digits), or its key.
    pub id: String,
    /// Where to start in the answer, in bytes. A long answer is returned in parts.
    #[serde(default)]
    pub offset: usize,
}

/// Which index has a question, if a server searches several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IndexRequest {
    /// The `index` of a hit. Needed only if several indexes have a question with the id.
    #[serde(default)]
    pub index: Option<String>,
}

/// A request for the questions on the same subject as a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RelatedRequest {
    /// The maximum number of questions, 1 to 100.
    #[serde(default = "default_related_limit")]
    pub limit: usize,
}

fn default_related_limit() -> usize {
    crate::related::LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_command_line() {
        let request: SearchRequest = serde_json::from_str(r#"{"q": " \"pin\" -tokio "}"#).unwrap();
        assert_eq!(request, SearchRequest::new(" \"pin\" -tokio "));
        let query = request.query().unwrap();
        assert_eq!(query, Query { collapse: true, ..Query::plain("\"pin\" -tokio") });
    }

    #[test]
    fn dates_cover_whole_years_months_and_days() {
        let dates = |since: &str, until: &str| {
            let request = SearchRequest {
                since: Some(since.into()),
                until: Some(until.into()),
                ..SearchRequest::new("a")
            };
            request.query().map(|query| (query.filters.since.unwrap(), query.filters.until.unwrap()))
        };
        assert_eq!(dates("1970", "1970").unwrap(), (0, 365 * 86_400 - 1));
        assert_eq!(dates("1970-01-02", "1970-01").unwrap(), (86_400, 31 * 86_400 - 1));
        assert_eq!(dates("1970-01-01T00:01:00Z", "1970-01-01T00:01:00Z").unwrap(), (60, 60));
        let message = dates("1970", "3/1/2024").unwrap_err().to_string();
        assert!(message.contains("until \"3/1/2024\" is not a date"), "{message}");
    }

    #[test]
    fn exact_words_without_a_phrase_are_the_phrase() {
        let request =
            SearchRequest { exact: vec!["must not".into(), "unwrap".into()], ..SearchRequest::new(" ") };
        assert_eq!(request.query().unwrap().phrase, "must not unwrap");
    }

    #[test]
    fn one_or_several_searches_are_parsed_and_errors_name_the_key() {
        let parse = |text: &str| AnySearchRequest::parse(serde_json::from_str(text).unwrap());
        let one = SearchRequest::new("a");
        assert_eq!(parse(r#"{"q": "a"}"#).unwrap(), AnySearchRequest::One(Box::new(one.clone())));
        let several = SearchesRequest { requests: vec![one.clone(), one] };
        assert_eq!(
            parse(r#"{"requests": [{"q": "a"}, {"q": "a"}]}"#).unwrap(),
            AnySearchRequest::Many(several)
        );
        for (wrong, named) in
            [(r#"{"requests": [{"x": 1}]}"#, "`x`"), (r#"{"limit": 3}"#, "`q`"), ("[]", "an object")]
        {
            let message = parse(wrong).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn unknown_keys_and_values_out_of_range_are_errors() {
        assert!(serde_json::from_str::<SearchRequest>(r#"{"q": "a", "limt": 3}"#).is_err());
        let out = SearchRequest { semantic_weight: Some(f32::NAN), ..SearchRequest::new("a") };
        assert!(out.query().unwrap_err().to_string().contains("semantic_weight"));
        assert!(SearchRequest::new(" ").query().is_err());
    }
}
