//! `GET /questions/{id}`, `GET /questions/{id}/related`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::app::{App, Shared};
use super::extractors::{Path, Query};
use super::problem::Problem;
use super::search::{ensure_limit, ensure_short, json};
use crate::question::Question;
use crate::render::json::{IndexRequest, QuestionReply, RelatedReply, RelatedRequest};

pub async fn get(
    State(app): State<Shared>,
    Path(id): Path<String>,
    Query(IndexRequest { index }): Query<IndexRequest>,
) -> Result<Response, Problem> {
    ensure_short(&id).map_err(|error| Problem::refused(&error))?;
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    let found =
        slot.run(move || Ok::<_, anyhow::Error>((opened.index.find_in(id.trim(), index.as_deref())?, id)));
    let (found, id) = found.await??;
    let question = only(found, &id)?;
    Ok(json(serde_json::to_vec(&QuestionReply::from(&question)).map_err(anyhow::Error::from)?))
}

pub async fn related(
    State(app): State<Shared>,
    Path(id): Path<String>,
    Query(RelatedRequest { limit }): Query<RelatedRequest>,
) -> Result<Response, Problem> {
    let accepted = ensure_short(&id).and_then(|()| ensure_limit(limit));
    accepted.map_err(|error| Problem::refused(&error))?;
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    let reply = slot.run(move || -> Result<Vec<u8>, Problem> {
        let question = only(opened.index.find(id.trim())?, &id)?;
        let found = opened.related(&question.id, limit)?;
        Ok(serde_json::to_vec(&RelatedReply::new(&question, &found)).map_err(anyhow::Error::from)?)
    });
    Ok(json(reply.await??))
}

/// Records what a person did with a question that a search for the phrase `q` found. `append` gets the question.
pub async fn record(
    app: Shared,
    q: String,
    id: String,
    append: impl FnOnce(&App, String, Question) -> Result<(), Problem> + Send + 'static,
) -> Result<StatusCode, Problem> {
    let accepted = ensure_short(&q).and_then(|()| ensure_short(&id));
    accepted.map_err(|error| Problem::refused(&error))?;
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    let work = move || {
        let question = only(opened.index.find(id.trim())?, &id)?;
        append(&app, q, question)
    };
    slot.run(work).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// The only question that was found for an id.
///
/// # Errors
/// None was found, or several.
pub fn only(mut found: Vec<Question>, id: &str) -> Result<Question, Problem> {
    match (found.pop(), found.len()) {
        (Some(question), 0) => Ok(question),
        (None, _) => Err(Problem::new(StatusCode::NOT_FOUND, format!("no question has the id {id:?}"))),
        (Some(_), others) => Err(Problem::new(
            StatusCode::CONFLICT,
            format!("{} questions match {id:?}; use more characters of the id", others + 1),
        )),
    }
}
