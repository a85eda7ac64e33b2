//! `POST /feedback`

use axum::extract::State;
use axum::http::StatusCode;

use super::app::{App, Shared};
use super::extractors::Json;
use super::log;
use super::problem::Problem;
use super::questions::record;
use crate::feedback::{Feedback, bounded_title};
use crate::question::Question;
use crate::render::json::FeedbackRequest;

/// Appends a judgement to the file of feedback.
pub async fn post(
    State(app): State<Shared>,
    Json(request): Json<FeedbackRequest>,
) -> Result<StatusCode, Problem> {
    request.ensure_phrase().map_err(|error| Problem::refused(&error))?;
    let FeedbackRequest { q, id, useful } = request;
    let append = move |app: &App, q: String, question: Question| {
        let file = app.feedback.as_ref().ok_or_else(Problem::no_path)?;
        let feedback =
            Feedback { date: log::now(), q, title: bounded_title(&question.title), id: question.id, useful };
        file.append(&feedback).map_err(|error| Problem::not_saved(&error))
    };
    record(app, q, id, append).await
}
