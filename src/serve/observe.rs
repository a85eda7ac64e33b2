//! What is recorded of requests: `GET /metrics`, and the layer that counts and logs each request.

use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{Encoder, TextEncoder};

use super::app::Shared;
use super::extractors::Client;
use super::log::{self, Logged};
use super::problem::Cause;
use super::query_log::QueryLogWriter;
use super::search::{Notice, Phrases};
use super::tokens::{AcceptedToken, Tokens};

/// Counts every request, measures its time, and logs it.
pub async fn observe(
    State(app): State<Shared>,
    Extension(Client(client)): Extension<Client>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    // The label is the route, not the path: otherwise each unknown path would create a label.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)".to_owned(), |path| path.as_str().to_owned());
    // Clients can invent methods as well.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "(other)".to_owned(),
    };
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), start.elapsed());
    app.metrics.answered(&route, &method, status, took);
    let extensions = response.extensions();
    app.log.request(&Logged {
        time: log::now(),
        request: app.metrics.requests_total.fetch_add(1, Ordering::Relaxed) + 1,
        client: client.to_string(),
        method: &method,
        route: &route,
        status,
        ms: (took.as_secs_f64() * 1e6).round() / 1e3,
        token: extensions.get().map(|AcceptedToken(name)| &**name),
        notice: extensions.get().map(|Notice(notice)| notice.as_str()),
        error: extensions.get().map(|Cause(cause)| cause.as_str()),
        phrases: extensions.get().map(|Phrases(phrases)| phrases.as_slice()),
    });
    response
}

/// `GET /metrics`
pub async fn metrics(State(app): State<Shared>) -> ([(axum::http::HeaderName, &'static str); 1], Vec<u8>) {
    let metrics = &app.metrics;
    for (name, limit) in [("search", &app.search_limit), ("survey", &app.duplicates_limit)] {
        for (state, count) in [("running", limit.running()), ("waiting", limit.waiting())] {
            metrics.jobs.with_label_values(&[name, state]).set(count as i64);
        }
    }
    if let Some(changes) = &app.changes {
        metrics.jobs.with_label_values(&["changes", "waiting"]).set(changes.waiting() as i64);
    }
    metrics.connections.set(app.connections.count() as i64);
    metrics.dropped_lines.set(i64::try_from(app.log.dropped()).unwrap_or(i64::MAX));
    let lost = app.query_log.as_ref().map_or(0, QueryLogWriter::lost);
    metrics.lost_queries.set(i64::try_from(lost).unwrap_or(i64::MAX));
    for (part, has_failed) in [
        ("index", app.current.has_failed()),
        ("endpoint", app.endpoint.has_failed()),
        ("tokens", app.tokens.iter().chain(&app.admin_tokens).any(Tokens::has_problem)),
        ("curation", app.current.has_curation_failed()),
        ("watch", app.watch.as_ref().is_some_and(|watch| watch.failure().is_some())),
    ] {
        metrics.failing.with_label_values(&[part]).set(has_failed.into());
    }
    if let Some(watch) = &app.watch {
        metrics.set_updates(watch);
    }
    let mut text = Vec::new();
    let families = metrics.registry.gather();
    TextEncoder::new().encode(&families, &mut text).expect("metrics are written to memory as text");
    ([(axum::http::header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
