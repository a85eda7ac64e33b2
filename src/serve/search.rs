//! `GET /search`, `POST /search`

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::app::{App, Shared};
use super::extractors::{Json, Query};
use super::problem::Problem;
use crate::embed::Embedder;
use crate::engine::Opened;
use crate::render::json::{AnySearchRequest, SearchReply, SearchRequest};
use crate::search::{self, Mode, search};

/// The length limit of a phrase, in characters. The model reads only about its first 200 words.
pub const LONGEST_PHRASE: usize = 2_000;

/// The greatest number of hits that a request may ask for.
pub const MOST_HITS: usize = 100;

/// The greatest number of searches in one `POST`.
pub const MOST_REQUESTS: usize = 64;

pub async fn get(
    State(app): State<Shared>,
    Query(request): Query<SearchRequest>,
) -> Result<Response, Problem> {
    one(app, &request).await
}

pub async fn post(State(app): State<Shared>, Json(sent): Json<Value>) -> Result<Response, Problem> {
    let request = AnySearchRequest::parse(sent)
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    match request {
        AnySearchRequest::One(request) => one(app, &request).await,
        AnySearchRequest::Many(several) => many(app, &several.requests).await,
    }
}

async fn one(app: Shared, request: &SearchRequest) -> Result<Response, Problem> {
    let search = ValidSearch::new(request).map_err(|error| Problem::refused(&error))?;
    let slot = app.search_limit.enter()?;
    let reply = slot.run(move || app.answer(&search)).await??;
    Ok(json(reply))
}

/// Runs the searches of a batch one after another, in one slot of the concurrency limit. Other requests can
/// run between them, so a batch does not bypass the queue.
async fn many(app: Shared, requests: &[SearchRequest]) -> Result<Response, Problem> {
    if requests.len() > MOST_REQUESTS {
        let detail = format!("the batch has {} requests; the limit is {MOST_REQUESTS}", requests.len());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let validate = |(nth, request)| {
        ValidSearch::new(request)
            .map_err(|error| Problem::refused(&error.context(format!("requests[{nth}]"))))
    };
    let searches: Vec<ValidSearch> = requests.iter().enumerate().map(validate).collect::<Result<_, _>>()?;
    let slot = app.search_limit.enter()?;
    let mut replies = Vec::with_capacity(searches.len());
    for search in searches {
        let app = Arc::clone(&app);
        let reply = slot.run(move || app.answer(&search)).await??;
        replies.push(
            RawValue::from_string(String::from_utf8(reply).expect("JSON is UTF-8")).expect("it is JSON"),
        );
    }
    #[derive(Serialize)]
    struct Replies {
        replies: Vec<Box<RawValue>>,
    }
    Ok(json(serde_json::to_vec(&Replies { replies }).expect("raw JSON can be written as JSON")))
}

/// A search request whose values are valid.
struct ValidSearch {
    query: search::Query,
    min_confidence: f32,
}

impl ValidSearch {
    fn new(request: &SearchRequest) -> anyhow::Result<Self> {
        ensure_short(&request.q)?;
        ensure!((1..=MOST_HITS).contains(&request.limit), "limit must be a number from 1 to {MOST_HITS}");
        Ok(Self { query: request.query()?, min_confidence: request.min_confidence })
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

impl App {
    /// The reply to a phrase, as JSON.
    fn answer(&self, request: &ValidSearch) -> Result<Vec<u8>, Problem> {
        let opened = self.engine.current()?;
        let query = opened.possible(&request.query).map_err(|error| Problem::refused(&error.into()))?;
        if query.mode == Mode::Semantic && opened.embedder.is_none() {
            let detail = "the index has keywords only; search without mode=semantic";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        let start = Instant::now();
        let mut results = self.with_model(&opened, |model| search(&opened.index, model, &query))?;
        results.notice = opened.notice().or(results.notice);
        self.metrics.searched(start.elapsed());
        Ok(serde_json::to_vec(&SearchReply::new(&results, request.min_confidence))
            .map_err(anyhow::Error::from)?)
    }

    /// Calls a function with the model of the index, wrapped in the embedding cache.
    pub fn with_model<T>(&self, opened: &Opened, work: impl FnOnce(Option<&dyn Embedder>) -> T) -> T {
        let model = opened.embedder.as_deref().map(|model| self.embeddings.wrap(model, &self.metrics));
        work(model.as_ref().map(|model| model as &dyn Embedder))
    }
}
