//! `GET /stats`, `GET /health`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::app::Shared;
use super::problem::Problem;
use super::search::json;
use super::tokens::Tokens;
use crate::render::json::{HealthReply, StatsReply};

pub async fn stats(State(app): State<Shared>) -> Result<Response, Problem> {
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    let work = move || {
        app.stats.get(&opened, (), |opened| {
            let stats = opened.index.stats()?;
            Ok(serde_json::to_vec(&StatsReply::new(&opened.index, &stats))?)
        })
    };
    let stats: Arc<Vec<u8>> = slot.run(work).await??;
    Ok(json(stats.to_vec()))
}

/// What works and what does not. Searches are possible, or the server would not run: a commit that cannot be
/// opened does not replace the one before it. The reply contains nothing of the index, and does not wait in
/// the queue: a busy server is healthy.
pub async fn health(State(app): State<Shared>) -> Result<Response, Problem> {
    app.opened(app.search_limit.deadline()).await?;
    let tokens_failed = app.tokens.iter().chain(&app.admin_tokens).any(Tokens::has_problem);
    let watch_failed = app.watch.as_ref().is_some_and(|watch| watch.failure().is_some());
    let problems = [
        (
            app.current.has_failed(),
            "the last commit of the index cannot be opened; the one before it is searched",
        ),
        (
            app.endpoint.has_failed(),
            "the embedding endpoint is not available; hybrid searches use keywords only",
        ),
        (
            app.current.has_curation_failed(),
            "the synonyms or pins cannot be read; those that were read before are used",
        ),
        (tokens_failed, "the token file cannot be used; the tokens read before stay valid"),
        (watch_failed, "the files could not be watched or indexed; the last commit of the index is searched"),
    ];
    let problems: Vec<&str> =
        problems.into_iter().filter(|(is_problem, _)| *is_problem).map(|(_, problem)| problem).collect();
    let reply = HealthReply {
        status: if problems.is_empty() { "ok" } else { "degraded" },
        version: env!("CARGO_PKG_VERSION"),
        problems,
        feedback: app.feedback.is_some(),
        decisions: app.decisions.is_some(),
        watching: app.watch.is_some(),
        query_log: app.query_log.is_some(),
        writable: app.changes.is_some(),
        rejected_tokens: app.metrics.rejected_tokens(),
    };
    Ok(json(serde_json::to_vec(&reply).map_err(anyhow::Error::from)?))
}
