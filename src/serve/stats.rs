//! `GET /stats`, `GET /health`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::app::Shared;
use super::problem::Problem;
use super::search::json;
use crate::render::json::{HealthReply, StatsReply};

pub async fn stats(State(app): State<Shared>) -> Result<Response, Problem> {
    let place = app.searches.enter()?;
    let work = move || {
        app.stats.get(&app.engine.current()?, (), |opened| {
            let stats = opened.index.stats()?;
            Ok(serde_json::to_vec(&StatsReply::new(&opened.index, &stats))?)
        })
    };
    let stats: Arc<Vec<u8>> = place.run(work).await??;
    Ok(json(stats.to_vec()))
}

/// Whether the index can be opened; a server that only has much to do is healthy.
pub async fn health(State(app): State<Shared>) -> Result<Response, Problem> {
    let opened = tokio::task::spawn_blocking(move || app.engine.current().map(|_| ())).await;
    opened.map_err(|_| Problem::internal("the index could not be looked at"))??;
    let reply = HealthReply { status: "ok", version: env!("CARGO_PKG_VERSION") };
    Ok(json(serde_json::to_vec(&reply).map_err(anyhow::Error::from)?))
}
