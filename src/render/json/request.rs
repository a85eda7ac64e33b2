//! What other programs ask, as JSON.

use serde::de::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::search::{FITTED, Filters, Mode, Query};

/// A phrase and how to search for it; everything but the phrase may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// What to look for: plain language or code. "Quoted words" must stand as they are, -word must not
    /// stand at all.
    pub q: String,
    /// How many hits at most.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// What ranks: words, meaning, or both.
    #[serde(default)]
    pub mode: Mode,
    /// Only questions from files whose path contains one of these.
    #[serde(default)]
    pub source: Vec<String>,
    /// Only questions in sections that contain one of these.
    #[serde(default)]
    pub section: Vec<String>,
    /// Only questions of one of these levels.
    #[serde(default)]
    pub level: Vec<String>,
    /// Only questions with one of these tags.
    #[serde(default)]
    pub tag: Vec<String>,
    /// The share of meaning against words, 0 to 1, instead of the one tuned on the corpus.
    #[serde(default)]
    pub semantic_weight: Option<f32>,
    /// Below this confidence in the best hit (0 to 1), `answered` is false.
    #[serde(default = "default_min_confidence")]
    pub min_confidence: f32,
    /// Show every hit, those that ask the same as a better one as well.
    #[serde(default)]
    pub all: bool,
    /// Say why each hit stands where it does.
    #[serde(default)]
    pub explain: bool,
}

/// Several phrases at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SearchesRequest {
    /// Each is answered as if it had come alone.
    pub requests: Vec<SearchRequest>,
}

/// One phrase, or several at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum AnySearchRequest {
    /// Several.
    Many(SearchesRequest),
    /// One.
    One(SearchRequest),
}

impl AnySearchRequest {
    /// Reads what was sent. An object with `requests` is several: an untagged enum would only say that
    /// neither fits.
    ///
    /// # Errors
    /// It is neither; the message names what is missing or unknown.
    pub fn parse(sent: Value) -> serde_json::Result<Self> {
        match sent.get("requests") {
            // A derived reader takes an array for a struct as well.
            _ if !sent.is_object() => Err(serde_json::Error::custom("expected an object")),
            Some(_) => SearchesRequest::deserialize(sent).map(Self::Many),
            None => SearchRequest::deserialize(sent).map(Self::One),
        }
    }
}

fn default_limit() -> usize {
    Query::DEFAULT_LIMIT
}

fn default_min_confidence() -> f32 {
    FITTED.threshold
}

impl SearchRequest {
    /// For a phrase, with everything else as it is when nobody says otherwise.
    pub fn new(q: impl Into<String>) -> Self {
        Self {
            q: q.into(),
            limit: default_limit(),
            mode: Mode::default(),
            source: Vec::new(),
            section: Vec::new(),
            level: Vec::new(),
            tag: Vec::new(),
            semantic_weight: None,
            min_confidence: default_min_confidence(),
            all: false,
            explain: false,
        }
    }

    /// The query that is meant.
    ///
    /// # Errors
    /// There is nothing to search for, or a number is not within its bounds.
    pub fn query(&self) -> anyhow::Result<Query> {
        self.semantic_weight.map_or(Ok(()), |share| super::ensure_share("semantic_weight", share))?;
        super::ensure_share("min_confidence", self.min_confidence)?;
        Ok(Query {
            mode: self.mode,
            limit: self.limit,
            filters: Filters {
                sources: self.source.clone(),
                sections: self.section.clone(),
                levels: self.level.clone(),
                tags: self.tag.clone(),
            },
            semantic_weight: self.semantic_weight,
            explain: self.explain,
            collapse: !self.all,
            ..self.q.parse()?
        })
    }
}

/// Which question is wanted, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuestionRequest {
    /// The question's id, the beginning of it (four digits at least), or its own key.
    pub id: String,
    /// Where in the answer to begin, in bytes: a long answer comes in pieces.
    #[serde(default)]
    pub offset: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_on_the_command_line() {
        let request: SearchRequest = serde_json::from_str(r#"{"q": "-tokio pin"}"#).unwrap();
        assert_eq!(request, SearchRequest::new("-tokio pin"));
        let query = request.query().unwrap();
        assert_eq!(
            (query.text.as_str(), query.excluded, query.limit, query.collapse),
            ("pin", vec!["tokio".to_owned()], 10, true)
        );
    }

    #[test]
    fn one_is_told_from_several_and_errors_name_what_is_wrong() {
        let parse = |text: &str| AnySearchRequest::parse(serde_json::from_str(text).unwrap());
        let one = SearchRequest::new("a");
        assert_eq!(parse(r#"{"q": "a"}"#).unwrap(), AnySearchRequest::One(one.clone()));
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
    fn what_is_misspelt_or_out_of_bounds_is_refused() {
        assert!(serde_json::from_str::<SearchRequest>(r#"{"q": "a", "limt": 3}"#).is_err());
        let out = SearchRequest { semantic_weight: Some(f32::NAN), ..SearchRequest::new("a") };
        assert!(out.query().unwrap_err().to_string().contains("semantic_weight"));
        assert!(SearchRequest::new(" ").query().is_err());
    }
}
