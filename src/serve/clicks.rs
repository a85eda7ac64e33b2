//! `POST /clicks`: a person opened a hit.

use axum::extract::State;
use axum::http::StatusCode;

use super::app::{App, Shared};
use super::extractors::Json;
use super::log;
use super::problem::Problem;
use super::questions::record;
use crate::query_log::Entry;
use crate::question::Question;
use crate::render::json::ClickRequest;

/// Records that a person opened a hit.
pub async fn post(
    State(app): State<Shared>,
    Json(request): Json<ClickRequest>,
) -> Result<StatusCode, Problem> {
    request.ensure_phrase().map_err(|error| Problem::refused(&error))?;
    let append = |app: &App, q: String, question: Question| {
        let log = app.query_log.as_ref().ok_or_else(Problem::no_path)?;
        log.write(Entry::Click { time: log::now(), q, clicked: question.id });
        Ok(())
    };
    record(app, request.q, request.id, append).await
}
