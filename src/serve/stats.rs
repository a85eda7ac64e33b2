//! `GET /stats`, `GET /health`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::app::Shared;
use super::problem::Problem;
use super::search::json;
use crate::render::json::{HealthReply, StatsReply};

pub async fn stats(State(app): State<Shared>) -> Result<Response, Problem> {
    let slot = app.search_limit.enter()?;
    let work = move || {
        app.stats.get(&app.engine.current()?, (), |opened| {
            let stats = opened.index.stats()?;
            Ok(serde_json::to_vec(&StatsReply::new(&opened.index, &stats))?)
        })
    };
    let stats: Arc<Vec<u8>> = slot.run(work).await??;
    Ok(json(stats.to_vec()))
}

/// Checks that the index can be opened. A busy server is healthy, so this does not wait in the queue.
pub async fn health(State(app): State<Shared>) -> Result<Response, Problem> {
    let opened = tokio::task::spawn_blocking(move || app.engine.current().map(|_| ())).await;
    opened.map_err(|_| Problem::internal("could not check the index; see the server's log"))??;
    let reply = HealthReply { status: "ok", version: env!("CARGO_PKG_VERSION") };
    Ok(json(serde_json::to_vec(&reply).map_err(anyhow::Error::from)?))
}
