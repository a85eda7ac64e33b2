//! `POST /feedback`

use axum::extract::State;
use axum::http::StatusCode;

use super::app::Shared;
use super::extractors::Json;
use super::log;
use super::problem::Problem;
use super::questions::only;
use super::search::ensure_short;
use crate::feedback::{Feedback, bounded_title};
use crate::render::json::FeedbackRequest;

/// Appends a judgement to the file of feedback.
pub async fn post(
    State(app): State<Shared>,
    Json(request): Json<FeedbackRequest>,
) -> Result<StatusCode, Problem> {
    let accepted = request
        .ensure_phrase()
        .and_then(|()| ensure_short(&request.q))
        .and_then(|()| ensure_short(&request.id));
    accepted.map_err(|error| Problem::refused(&error))?;
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    let work = move || {
        let file = app.feedback.as_ref().ok_or_else(Problem::no_path)?;
        let question = only(opened.index.find(request.id.trim())?, &request.id)?;
        let feedback = Feedback {
            date: log::now(),
            q: request.q,
            title: bounded_title(&question.title),
            id: question.id,
            useful: request.useful,
        };
        file.append(&feedback).map_err(|error| Problem::not_saved(&error))
    };
    slot.run(work).await??;
    Ok(StatusCode::NO_CONTENT)
}
