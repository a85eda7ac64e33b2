//! `GET /search`, `POST /search`

use std::sync::Arc;

use anyhow::ensure;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::app::{App, Shared};
use super::endpoint::{Asked, Share};
use super::extractors::{Json, Query};
use super::problem::Problem;
use crate::embed::Role;
use crate::engine::Opened;
use crate::render::json::{AnySearchRequest, SearchReply, SearchRequest};
use crate::search::{self, Mode};

/// The header of a search whose phrase may be incomplete. The web page searches while a person types, and sends the search
/// again without it when the person reads the hits.
const TYPING: &str = "rqsearch-typing";

/// Whether a request says that its phrase may be incomplete.
fn is_typing(headers: &HeaderMap) -> bool {
    headers.contains_key(TYPING)
}

/// The length limit of a phrase, in characters. The model reads only about its first 200 words.
pub const LONGEST_PHRASE: usize = 2_000;

/// The greatest number of hits that a request may ask for.
pub const MOST_HITS: usize = 100;

/// The greatest offset. All hits before it are computed as well.
pub const GREATEST_OFFSET: usize = 1_000;

/// The greatest number of searches in one `POST`.
pub const MOST_REQUESTS: usize = 64;

/// The greatest sum of the limits of the searches in one `POST`.
pub const MOST_HITS_OF_BATCH: usize = 1_000;

/// The greatest size of the replies to one `POST`, in bytes. They are in memory until the client has read them.
const LARGEST_BATCH: usize = 8 << 20;

/// Why a search was limited to keywords. An extension of the response, for the log.
#[derive(Clone)]
pub struct Notice(pub String);

/// The phrases of a request. An extension of the response, for the log.
#[derive(Clone)]
pub struct Phrases(pub Vec<String>);

pub async fn get(
    State(app): State<Shared>,
    headers: HeaderMap,
    Query(request): Query<SearchRequest>,
) -> Result<Response, Problem> {
    one(app, &request, is_typing(&headers)).await
}

pub async fn post(
    State(app): State<Shared>,
    headers: HeaderMap,
    Json(sent): Json<Value>,
) -> Result<Response, Problem> {
    let request = AnySearchRequest::parse(sent)
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    match request {
        AnySearchRequest::One(request) => one(app, &request, is_typing(&headers)).await,
        AnySearchRequest::Many(several) => many(app, &several.requests, is_typing(&headers)).await,
    }
}

async fn one(app: Shared, request: &SearchRequest, is_typing: bool) -> Result<Response, Problem> {
    let deadline = app.search_limit.deadline();
    let search = ValidSearch::new(request, is_typing).map_err(|error| Problem::refused(&error))?;
    let opened = app.opened(deadline).await?;
    let search = search.possible_in(&opened)?;
    let asked = app.ask_for(&opened, &search, deadline).await?;
    let phrases = app.logged_phrases(std::slice::from_ref(&search));
    let slot = app.search_limit.enter(deadline)?;
    let answer = slot.run(move || app.answer(&opened, &search, asked.as_ref())).await??;
    Ok(with_notes(json(answer.body), answer.notice, phrases))
}

/// Runs the searches of a batch one after another, in one slot of the concurrency limit. Other requests can
/// run between them, so a batch does not bypass the queue.
async fn many(app: Shared, requests: &[SearchRequest], is_typing: bool) -> Result<Response, Problem> {
    let deadline = app.search_limit.deadline();
    let refused = |detail| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    if requests.len() > MOST_REQUESTS {
        return refused(format!("the batch has {} requests; the limit is {MOST_REQUESTS}", requests.len()));
    }
    let validate = |(nth, request)| {
        ValidSearch::new(request, is_typing)
            .map_err(|error| Problem::refused(&error.context(format!("requests[{nth}]"))))
    };
    let searches: Vec<ValidSearch> = requests.iter().enumerate().map(validate).collect::<Result<_, _>>()?;
    let hits: usize = searches.iter().map(|search| search.query.limit).sum();
    if hits > MOST_HITS_OF_BATCH {
        return refused(format!(
            "the limits of the requests sum up to {hits} hits; the limit of a batch is {MOST_HITS_OF_BATCH}"
        ));
    }
    let opened = app.opened(deadline).await?;
    let possible = |(nth, search): (usize, ValidSearch)| {
        search.possible_in(&opened).map_err(|problem| problem.of_request(nth))
    };
    let searches: Vec<ValidSearch> =
        searches.into_iter().enumerate().map(possible).collect::<Result<_, _>>()?;
    let phrases = app.logged_phrases(&searches);
    let mut ready = Vec::with_capacity(searches.len());
    for (nth, search) in searches.into_iter().enumerate() {
        let asked =
            app.ask_for(&opened, &search, deadline).await.map_err(|problem| problem.of_request(nth))?;
        ready.push((search, asked));
    }
    let slot = app.search_limit.enter(deadline)?;
    let (mut replies, mut size, mut notice) = (Vec::with_capacity(ready.len()), 0, None);
    for (nth, (search, asked)) in ready.into_iter().enumerate() {
        let (app, opened) = (Arc::clone(&app), Arc::clone(&opened));
        let answer = slot.run(move || app.answer(&opened, &search, asked.as_ref())).await?;
        let answer = answer.map_err(|problem| problem.of_request(nth))?;
        size += answer.body.len();
        if size > LARGEST_BATCH {
            return refused(format!(
                "the replies are larger than {LARGEST_BATCH} bytes; send smaller batches"
            ));
        }
        notice = notice.or(answer.notice);
        replies.push(
            RawValue::from_string(String::from_utf8(answer.body).expect("JSON is UTF-8"))
                .expect("it is JSON"),
        );
    }
    #[derive(Serialize)]
    struct Replies {
        replies: Vec<Box<RawValue>>,
    }
    let body = serde_json::to_vec(&Replies { replies }).expect("raw JSON can be written as JSON");
    Ok(with_notes(json(body), notice, phrases))
}

/// Checks the number of hits, or of related questions.
pub fn ensure_limit(limit: usize) -> anyhow::Result<()> {
    ensure!((1..=MOST_HITS).contains(&limit), "limit must be a number from 1 to {MOST_HITS}");
    Ok(())
}

/// A search request whose values are valid.
struct ValidSearch {
    query: search::Query,
    min_confidence: f32,
    /// Whether the query log has it: a person asks it, and not for more hits or an explanation of a search before.
    is_recorded: bool,
}

impl ValidSearch {
    fn new(request: &SearchRequest, is_typing: bool) -> anyhow::Result<Self> {
        ensure_short(&request.q)?;
        ensure_limit(request.limit)?;
        ensure!(request.offset <= GREATEST_OFFSET, "offset must be a number from 0 to {GREATEST_OFFSET}");
        for words in request.exact.iter().chain(&request.without) {
            ensure_short(words)?;
        }
        Ok(Self {
            query: request.query()?,
            min_confidence: request.min_confidence,
            is_recorded: !is_typing && request.offset == 0 && !request.explain,
        })
    }

    /// The search that is possible in an index.
    ///
    /// # Errors
    /// The search is semantic, and the index has no model or one that is not approved.
    fn possible_in(self, opened: &Opened) -> Result<Self, Problem> {
        let possible = opened.possible(&self.query).map_err(|error| Problem::refused(&error.into()))?;
        let query = possible.into_owned();
        if query.mode == Mode::Semantic && opened.embedder.is_none() {
            let detail = "the index has keywords only; search without mode=semantic";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        Ok(Self { query, ..self })
    }
}

/// Checks the length of a phrase or an id.
///
/// # Errors
/// It has more than [`LONGEST_PHRASE`] characters.
pub fn ensure_short(text: &str) -> anyhow::Result<()> {
    let length = text.chars().count();
    ensure!(length <= LONGEST_PHRASE, "the text has {length} characters; the limit is {LONGEST_PHRASE}");
    Ok(())
}

/// A reply whose body is JSON.
pub fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The reply to a phrase.
struct Answer {
    /// JSON.
    body: Vec<u8>,
    notice: Option<String>,
}

/// Adds what the log says about a request.
fn with_notes(mut response: Response, notice: Option<String>, phrases: Option<Phrases>) -> Response {
    let extensions = response.extensions_mut();
    notice.map(|notice| extensions.insert(Notice(notice)));
    phrases.map(|phrases| extensions.insert(phrases));
    response
}

impl App {
    /// The vector of the phrase, if the model is behind an endpoint.
    ///
    /// # Errors
    /// The endpoint is not available and the search needs it.
    async fn ask_for(
        &self,
        opened: &Opened,
        search: &ValidSearch,
        deadline: Instant,
    ) -> Result<Option<Asked>, Problem> {
        let share = match search.query.mode {
            Mode::Keyword => return Ok(None),
            Mode::Hybrid => Share::Half,
            Mode::Semantic => Share::Most,
        };
        let asked = self.ask(opened, &search.query.phrase, Role::Query, deadline.into_std(), share).await;
        match asked {
            Some(asked) if search.query.mode == Mode::Semantic => Ok(Some(asked.available()?)),
            asked => Ok(asked),
        }
    }

    fn logged_phrases(&self, searches: &[ValidSearch]) -> Option<Phrases> {
        let phrases = || searches.iter().map(|search| search.query.phrase.clone()).collect();
        self.log.has_phrases().then(|| Phrases(phrases()))
    }

    fn answer(
        &self,
        opened: &Opened,
        request: &ValidSearch,
        asked: Option<&Asked>,
    ) -> Result<Answer, Problem> {
        let start = std::time::Instant::now();
        let results = self.with_model(opened, asked, |model| opened.search_with(model, &request.query))?;
        self.metrics.searched(start.elapsed());
        if results.notice.is_some() {
            self.metrics.fell_back();
        }
        if let Some(log) = self.query_log.as_ref().filter(|_| request.is_recorded) {
            log.searched(&request.query.phrase, &results, request.min_confidence);
        }
        let body = serde_json::to_vec(&SearchReply::new(&results, request.min_confidence))
            .map_err(anyhow::Error::from)?;
        Ok(Answer { body, notice: results.notice })
    }
}
