//! The JSON that other programs read and write.
//!
//! `--json`, `--batch`, `show --json`, `export`, `serve` and `mcp` write these types only. Every key is
//! always present, except where its documentation says otherwise: an absent value is `null`, and an absent
//! list is empty. Offsets are in bytes of UTF-8.

mod changes;
mod curation;
mod duplicates;
mod explanation;
mod facets;
mod gaps;
mod preview;
mod related;
mod request;
mod stats;
mod suggest;
mod update;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::question::Question;
use crate::search::{AlsoAsked, Hit, Quality, Results, Snippet, SnippetKind};

pub use changes::{ChangeReply, ChangesReply, EffectReply, InvalidReply, QuestionRecord};
pub use curation::{CurationReply, ListedPinReply, ListedSynonymReply, PinnedReply};
pub use duplicates::{
    AskedReply, CheckReply, CheckRequest, DecisionRequest, DecisionWord, DuplicatesReply, DuplicatesRequest,
    GroupReply, MemberReply, PairReply, UnappliedReply,
};
pub use explanation::{ExplanationReply, PinReply, SynonymReply};
pub use facets::{FacetReply, FacetValueReply, FacetsReply};
pub use gaps::{CountsReply, GapReply, GapsReply, GapsRequest, NearestReply, PhraseReply, suggestion_name};
pub use preview::{PreviewReply, ProblemOfFile};
pub use related::{ExportReply, RelatedQuestion, RelatedReply};
pub use request::{
    AnySearchRequest, ClickRequest, FeedbackRequest, IndexRequest, QuestionRequest, RelatedRequest,
    SearchRequest, SearchesRequest,
};
pub use stats::{LanguageReply, ModelReply, ReadingReply, StatsReply};
pub use suggest::{SuggestRequest, SuggestionReply};
pub use update::{SkippedPart, UpdateReply, UpdatedFile};

/// The results for one phrase.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchReply<'a> {
    /// The phrase as given.
    pub query: &'a str,
    /// Whether the confidence of the best hit is at least `min_confidence`, or a hit is pinned. If not, the hits are only the
    /// closest questions. Without embeddings, whether there is a hit.
    pub answered: bool,
    /// The search time in milliseconds, without loading the index and the model.
    pub took_ms: f64,
    /// The number of questions that the search ranked, before those that ask the same become one hit. At most
    /// 300 come from keyword and from semantic search, or as many as `offset` and `limit` need.
    pub total: usize,
    /// The `offset` of the next page; `null` if this is the last one.
    pub next: Option<usize>,
    /// The hits in the requested order, by default the best first.
    pub hits: Vec<HitReply<'a>>,
    /// The counts of all matching questions by section, tag and so on. The key is present only if facets are requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<FacetsReply<'a>>,
    /// Why the search was limited, such as to keywords if the index's model must not be used; `null` if it
    /// was not.
    pub notice: Option<&'a str>,
}

/// The results for several phrases.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchesReply<'a> {
    /// One reply per request, in the order of the requests.
    pub replies: Vec<SearchReply<'a>>,
}

/// An error response (RFC 9457, problem details).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemReply<'a> {
    /// Always `about:blank`, which means that the status code identifies the problem.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The name of the status code.
    pub title: &'a str,
    /// The HTTP status code.
    pub status: u16,
    /// A description of the error.
    pub detail: &'a str,
}

/// The health of a server.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthReply<'a> {
    /// `ok`, or `degraded` if there are problems. Searches are possible in both cases.
    pub status: &'a str,
    /// The version of the program.
    pub version: &'a str,
    /// What does not work, as sentences for people. The log of the server has the details.
    pub problems: Vec<&'a str>,
    /// Whether the server accepts judgements of users at `/feedback`.
    pub feedback: bool,
    /// Whether the server applies decisions about duplicates, and accepts them at `/duplicates/decisions`.
    pub decisions: bool,
    /// Whether the server watches the files of the index and indexes their changes.
    pub watching: bool,
    /// Whether the server writes a query log, accepts clicks at `/clicks`, and finds gaps at `/gaps`.
    pub query_log: bool,
    /// Whether the server accepts questions at `/questions`.
    pub writable: bool,
    /// How many requests were rejected because of their token since the server was started.
    pub rejected_tokens: u64,
}

/// The results for one line of a batch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchReply<'a> {
    /// The `_id` of the line, unchanged; `null` if it has none.
    #[serde(rename = "_id")]
    pub id: Option<&'a Value>,
    /// The results.
    #[serde(flatten)]
    pub reply: SearchReply<'a>,
}

/// A reply of limited length.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TruncatedReply<T> {
    /// The reply.
    #[serde(flatten)]
    pub reply: T,
    /// What was left out, and how to get it; `null` if the reply is complete.
    pub cut: Option<String>,
}

/// The error for one line of a batch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchError<'a> {
    /// The `_id` of the line, unchanged; `null` if it has none.
    #[serde(rename = "_id")]
    pub id: Option<&'a Value>,
    /// The error message.
    pub error: String,
}

/// A question that matches a phrase.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HitReply<'a> {
    /// The position among the hits, from 1.
    pub rank: usize,
    /// The id of the question, unique in the index.
    pub id: &'a str,
    /// The id that the source gives the question.
    pub key: Option<&'a str>,
    /// The title of the question.
    pub title: &'a str,
    /// If other questions in the index have the same title: the first line of code of the answer, or else of
    /// text, that none of them has; otherwise `null`.
    pub distinction: Option<&'a str>,
    /// The index that the question is from, as it was named. The key is present only if several indexes are searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<&'a str>,
    /// The location of the question.
    pub source: SourceReply<'a>,
    /// The section of the source that contains the question.
    pub section: Option<&'a str>,
    /// The difficulty, as written in the source.
    pub level: Option<&'a str>,
    /// The tags.
    pub tags: &'a [String],
    /// The score, comparable only with other hits for the same phrase. Hybrid: the fused score, 0 to 1, which
    /// is 1 if the phrase is the title. Semantic: the cosine. Keyword: BM25.
    pub score: f32,
    /// How sure it is that the hit answers the phrase, 0 to 1. It orders hits of all phrases, but it is not a
    /// probability; `null` if the index has no embeddings and the phrase is not the title.
    pub confidence: Option<f32>,
    /// The probability that the hit answers the phrase, 0 to 1; `null` unless the index is calibrated with
    /// `rqsearch eval --calibrate`.
    pub probability: Option<f32>,
    /// A word for the confidence: `strong`, `likely` (at least the default of `min_confidence`) or `weak`; `null` if
    /// there is no confidence.
    pub quality: Option<Quality>,
    /// Whether the owner of the index put the question first for this phrase. `confidence` does not depend on it.
    pub pinned: bool,
    /// The part of the answer that shows best why it was found.
    pub snippet: SnippetReply<'a>,
    /// The web address of the question.
    pub url: Option<&'a str>,
    /// The date of the question: `YYYY-MM-DD`, or RFC 3339 in UTC.
    pub date: Option<&'a str>,
    /// Lower-ranked questions that ask the same. They are not hits of their own. Empty if all hits are
    /// requested.
    pub also_asked: Vec<AgainReply<'a>>,
    /// Why the hit is ranked where it is. The key is present only if an explanation is requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<ExplanationReply<'a>>,
}

/// A question that asks the same as a higher-ranked hit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgainReply<'a> {
    /// The question.
    #[serde(flatten)]
    pub question: AskedReply<'a>,
    /// `exact` or `repeat` (the same title and an answer that agrees) or `paraphrase`.
    pub kind: &'static str,
    /// The probability that both ask the same, 0 to 1.
    pub probability: f32,
}

impl<'a> From<&'a AlsoAsked> for AgainReply<'a> {
    fn from(asked: &'a AlsoAsked) -> Self {
        Self {
            question: AskedReply::from(&asked.question),
            kind: asked.kind.name(),
            probability: asked.probability,
        }
    }
}

/// A location in a file.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceReply<'a> {
    /// The path of the file, relative to the directory that contains the index; absolute if the file is not
    /// below that directory. `api:` for a question that a program wrote into the index.
    pub path: &'a str,
    /// The line number, from 1; 0 for a question without a file.
    pub line: u64,
}

/// An excerpt of an answer: whole sentences or whole lines of code.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SnippetReply<'a> {
    /// Sentences, as Markdown with inline markup only, or lines of code without their fence.
    pub text: &'a str,
    /// Whether `text` is text or code.
    pub kind: SnippetKindReply,
    /// The language of the code in lower case, as the answer names it; `null` for text and if it has no
    /// name.
    pub language: Option<&'a str>,
    /// The parts of `text` that match the phrase, each as `[start, end]` in bytes.
    pub highlights: Vec<[usize; 2]>,
}

/// Whether an excerpt is text or code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SnippetKindReply {
    /// Sentences.
    Text,
    /// Lines of code.
    Code,
}

impl<'a> From<&'a Snippet> for SnippetReply<'a> {
    fn from(snippet: &'a Snippet) -> Self {
        let (kind, language) = match &snippet.kind {
            SnippetKind::Text => (SnippetKindReply::Text, None),
            SnippetKind::Code { language } => (SnippetKindReply::Code, language.as_deref()),
        };
        let highlights = snippet.highlights.iter().map(|range| [range.start, range.end]).collect();
        Self { text: &snippet.text, kind, language, highlights }
    }
}

/// A full question. `export` writes one per line, and `show --json` writes one.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuestionReply<'a> {
    /// The id of the question, unique in the index.
    pub id: &'a str,
    /// The id that the source gives the question.
    pub key: Option<&'a str>,
    /// The title of the question.
    pub title: &'a str,
    /// Alternative titles: other ways to ask the same.
    pub also: &'a [String],
    /// The answer as written in the source, Markdown. Mermaid diagrams are not converted to text.
    pub answer: &'a str,
    /// The location of the question.
    pub source: SourceReply<'a>,
    /// The section of the source that contains the question.
    pub section: Option<&'a str>,
    /// The difficulty, as written in the source.
    pub level: Option<&'a str>,
    /// The tags.
    pub tags: &'a [String],
    /// The web address of the question.
    pub url: Option<&'a str>,
    /// The date of the question: `YYYY-MM-DD`, or RFC 3339 in UTC.
    pub date: Option<&'a str>,
    /// A score from the source, such as votes or a rating.
    pub score: Option<f64>,
    /// All other fields of the source.
    pub fields: &'a BTreeMap<String, String>,
}

/// Checks that a number is from 0 to 1. NaN is an error.
fn ensure_zero_to_one(name: &str, value: f32) -> anyhow::Result<()> {
    anyhow::ensure!((0.0..=1.0).contains(&value), "{name} must be a number from 0 to 1");
    Ok(())
}

impl<'a> SearchReply<'a> {
    /// Converts results. `min_confidence` (0 to 1) decides [`answered`](Self::answered).
    pub fn new(results: &'a Results, min_confidence: f32) -> Self {
        Self {
            query: &results.phrase,
            answered: results.is_answered(min_confidence),
            // Rounded to microseconds.
            took_ms: (results.took.as_secs_f64() * 1e6).round() / 1e3,
            total: results.total,
            next: results.next,
            hits: results.hits.iter().map(HitReply::from).collect(),
            facets: results.facets.as_ref().map(FacetsReply::from),
            notice: results.notice.as_deref(),
        }
    }
}

impl<'a> From<&'a Hit> for HitReply<'a> {
    fn from(hit: &'a Hit) -> Self {
        let question = &hit.question;
        Self {
            rank: hit.rank,
            id: &question.id,
            key: question.key.as_deref(),
            title: &question.title,
            distinction: hit.distinction.as_deref(),
            index: hit.index.as_deref(),
            source: SourceReply::from(question),
            section: question.section.as_deref(),
            level: question.level.as_deref(),
            tags: &question.tags,
            score: hit.score,
            confidence: hit.confidence,
            probability: hit.probability,
            quality: hit.quality(),
            pinned: hit.pinned,
            snippet: SnippetReply::from(&hit.snippet),
            url: question.url.as_deref(),
            date: question.date.as_deref(),
            also_asked: hit.also_asked.iter().map(AgainReply::from).collect(),
            explanation: hit.explanation.as_ref().map(|why| ExplanationReply::new(hit, why)),
        }
    }
}

impl<'a> From<&'a Question> for SourceReply<'a> {
    fn from(question: &'a Question) -> Self {
        Self { path: &question.source.path, line: question.source.line }
    }
}

impl<'a> From<&'a Question> for QuestionReply<'a> {
    fn from(question: &'a Question) -> Self {
        Self {
            id: &question.id,
            key: question.key.as_deref(),
            title: &question.title,
            also: &question.also,
            answer: &question.answer,
            source: SourceReply::from(question),
            section: question.section.as_deref(),
            level: question.level.as_deref(),
            tags: &question.tags,
            url: question.url.as_deref(),
            date: question.date.as_deref(),
            score: question.score,
            fields: &question.fields,
        }
    }
}
