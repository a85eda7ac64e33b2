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

/// The longest phrase, in characters: the model reads some 200 words of it.
pub const LONGEST_PHRASE: usize = 2_000;

/// How many hits at most.
pub const MOST_HITS: usize = 100;

/// How many requests at most in one.
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
    let asked = Asked::new(request).map_err(|error| Problem::refused(&error))?;
    let place = app.searches.enter()?;
    let reply = place.run(move || app.answer(&asked)).await??;
    Ok(json(reply))
}

/// They share a place, and take turns with others one by one: a batch is no way past the queue.
async fn many(app: Shared, requests: &[SearchRequest]) -> Result<Response, Problem> {
    if requests.len() > MOST_REQUESTS {
        let detail = format!("{} requests are too many at once: {MOST_REQUESTS} at most", requests.len());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let asked = |(nth, request)| {
        Asked::new(request).map_err(|error| Problem::refused(&error.context(format!("requests[{nth}]"))))
    };
    let asked: Vec<Asked> = requests.iter().enumerate().map(asked).collect::<Result<_, _>>()?;
    let place = app.searches.enter()?;
    let mut replies = Vec::with_capacity(asked.len());
    for asked in asked {
        let app = Arc::clone(&app);
        let reply = place.run(move || app.answer(&asked)).await??;
        replies.push(
            RawValue::from_string(String::from_utf8(reply).expect("JSON is UTF-8")).expect("it is JSON"),
        );
    }
    #[derive(Serialize)]
    struct Replies {
        replies: Vec<Box<RawValue>>,
    }
    Ok(json(serde_json::to_vec(&Replies { replies }).expect("JSON goes into JSON")))
}

/// A request that can be answered.
struct Asked {
    query: search::Query,
    min_confidence: f32,
}

impl Asked {
    fn new(request: &SearchRequest) -> anyhow::Result<Self> {
        ensure_short(&request.q)?;
        ensure!((1..=MOST_HITS).contains(&request.limit), "limit must be a number from 1 to {MOST_HITS}");
        Ok(Self { query: request.query()?, min_confidence: request.min_confidence })
    }
}

/// Refuses a phrase that nobody types.
pub fn ensure_short(phrase: &str) -> anyhow::Result<()> {
    let length = phrase.chars().count();
    ensure!(length <= LONGEST_PHRASE, "the phrase has {length} characters: {LONGEST_PHRASE} at most");
    Ok(())
}

/// JSON that is written already.
pub fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl App {
    /// The reply to a phrase, as JSON.
    fn answer(&self, asked: &Asked) -> Result<Vec<u8>, Problem> {
        let opened = self.engine.current()?;
        let query = opened.possible(&asked.query).map_err(|error| Problem::refused(&error.into()))?;
        if query.mode == Mode::Semantic && opened.embedder.is_none() {
            let detail = "the index has keywords only: ask without mode=semantic";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        let start = Instant::now();
        let mut results = self.with_model(&opened, |model| search(&opened.index, model, &query))?;
        results.notice = opened.notice();
        self.metrics.searched(start.elapsed());
        Ok(serde_json::to_vec(&SearchReply::new(&results, asked.min_confidence))
            .map_err(anyhow::Error::from)?)
    }

    /// Uses the index's model, with the phrases that are known before it.
    pub fn with_model<T>(&self, opened: &Opened, work: impl FnOnce(Option<&dyn Embedder>) -> T) -> T {
        let model = opened.embedder.as_deref().map(|model| self.phrases.before(model, &self.metrics));
        work(model.as_ref().map(|model| model as &dyn Embedder))
    }
}
