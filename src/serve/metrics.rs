//! Metrics for Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::core::Collector;
use prometheus::{
    Counter, Encoder, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

use super::app::Shared;
use super::change_queue::Results;
use super::extractors::Client;
use super::log::{self, Logged};
use super::problem::Cause;
use super::query_log::QueryLogWriter;
use super::search::{Notice, Phrases};
use super::token::{AcceptedToken, Tokens};
use crate::index::Effect;
use crate::watch::Status;

/// The upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The metrics of a server.
pub struct Metrics {
    registry: Registry,
    /// How many requests were answered: the number of the last one in the log.
    requests_total: AtomicU64,
    requests: IntCounterVec,
    seconds: HistogramVec,
    searches: IntCounter,
    search_seconds: Counter,
    embedding_seconds: Counter,
    phrases: IntCounterVec,
    jobs: IntGaugeVec,
    endpoint_failures: IntCounter,
    fallbacks: IntCounter,
    rejected_tokens: IntCounterVec,
    connections: IntGauge,
    closed: IntCounterVec,
    failing: IntGaugeVec,
    dropped_lines: IntGauge,
    updates: IntCounterVec,
    last_update: Gauge,
    lost_queries: IntGauge,
    changes: IntCounterVec,
    change_commits: IntCounter,
}

impl Metrics {
    pub fn new() -> Self {
        let registry = Registry::new();
        let latency = HistogramOpts::new(
            "rqsearch_http_request_seconds",
            "Time from the head of a request to its reply.",
        );
        Self {
            requests_total: AtomicU64::new(0),
            requests: register(
                &registry,
                IntCounterVec::new(
                    Opts::new("rqsearch_http_requests_total", "Requests by route, method and status."),
                    &["route", "method", "status"],
                ),
            ),
            seconds: register(&registry, HistogramVec::new(latency.buckets(BUCKETS.to_vec()), &["route"])),
            searches: register(
                &registry,
                IntCounter::new("rqsearch_searches_total", "Searches that were completed."),
            ),
            search_seconds: register(
                &registry,
                Counter::new(
                    "rqsearch_search_seconds_total",
                    "Time of searches, without the wait in the queue.",
                ),
            ),
            embedding_seconds: register(
                &registry,
                Counter::new("rqsearch_embedding_seconds_total", "Time of the embedding model."),
            ),
            phrases: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "rqsearch_phrases_total",
                        "Phrases whose vector was cached (known) or computed (embedded).",
                    ),
                    &["vector"],
                ),
            ),
            jobs: register(
                &registry,
                IntGaugeVec::new(
                    Opts::new(
                        "rqsearch_jobs",
                        "Requests that run or wait: searches, surveys that find all duplicates, and changes.",
                    ),
                    &["limit", "state"],
                ),
            ),
            endpoint_failures: register(
                &registry,
                IntCounter::new(
                    "rqsearch_endpoint_failures_total",
                    "Calls of the embedding endpoint that failed, or that were not made because of a failure before.",
                ),
            ),
            fallbacks: register(
                &registry,
                IntCounter::new(
                    "rqsearch_keyword_fallbacks_total",
                    "Hybrid searches that used keywords only, because the model was not available.",
                ),
            ),
            rejected_tokens: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "rqsearch_rejected_tokens_total",
                        "Requests whose token was wrong or lacked the right, whose session had ended (session), or \
                         that were not checked after too many wrong tokens (limited).",
                    ),
                    &["reason"],
                ),
            ),
            connections: register(&registry, IntGauge::new("rqsearch_connections", "Open connections.")),
            closed: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "rqsearch_connections_closed_total",
                        "Connections that were closed because a limit was reached: while idle, or at once (refused).",
                    ),
                    &["reason"],
                ),
            ),
            failing: register(
                &registry,
                IntGaugeVec::new(
                    Opts::new(
                        "rqsearch_failing",
                        "1 if the last commit of the index (index), the embedding endpoint (endpoint), the token \
                         file (tokens) or the synonyms and pins (curation) cannot be used, or the last update by --watch failed (watch), else 0.",
                    ),
                    &["part"],
                ),
            ),
            dropped_lines: register(
                &registry,
                IntGauge::new(
                    "rqsearch_log_lines_dropped",
                    "Lines of the log that were dropped because nobody read the log fast enough.",
                ),
            ),
            updates: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "rqsearch_updates_total",
                        "Updates of the index by --watch: succeeded, failed.",
                    ),
                    &["result"],
                ),
            ),
            last_update: register(
                &registry,
                Gauge::new(
                    "rqsearch_last_update_timestamp_seconds",
                    "When the last update by --watch succeeded, in seconds since 1970; 0 if none did.",
                ),
            ),
            lost_queries: register(
                &registry,
                IntGauge::new(
                    "rqsearch_query_log_lines_lost",
                    "Lines of the query log that could not be written, or were dropped because the disk was too slow.",
                ),
            ),
            changes: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "rqsearch_changes_total",
                        "Changes of written questions by their result: created, replaced, unchanged, deleted, refused, \
                         failed.",
                    ),
                    &["result"],
                ),
            ),
            change_commits: register(
                &registry,
                IntCounter::new("rqsearch_change_commits_total", "Commits of changes of written questions."),
            ),
            registry,
        }
    }

    /// Sets the metrics of updates.
    fn set_updates(&self, watch: &Status) {
        for (result, count) in [("succeeded", watch.updates()), ("failed", watch.failures())] {
            let counter = self.updates.with_label_values(&[result]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        let last = watch.last().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        self.last_update.set(last.map_or(0.0, |time| time.as_secs_f64()));
    }

    /// Counts the changes of a commit.
    pub fn committed(&self, results: &Results) {
        self.change_commits.inc();
        for result in results {
            let result = match result.as_ref().map(|written| written.effect) {
                Ok(Effect::Created) => "created",
                Ok(Effect::Replaced) => "replaced",
                Ok(Effect::Unchanged) => "unchanged",
                Ok(Effect::Deleted) => "deleted",
                Err(_) => "refused",
            };
            self.changes.with_label_values(&[result]).inc();
        }
    }

    /// Counts changes that were not made, because another process was writing the index or something failed.
    pub fn changes_failed(&self, count: usize) {
        self.changes.with_label_values(&["failed"]).inc_by(count as u64);
    }

    /// Counts a completed search.
    pub fn searched(&self, took: Duration) {
        self.searches.inc();
        self.search_seconds.inc_by(took.as_secs_f64());
    }

    /// Counts a phrase that the model embedded.
    pub fn phrase_embedded(&self, took: Duration) {
        self.phrases.with_label_values(&["embedded"]).inc();
        self.embedding_seconds.inc_by(took.as_secs_f64());
    }

    /// Counts a phrase whose vector was cached.
    pub fn phrase_cached(&self) {
        self.phrases.with_label_values(&["known"]).inc();
    }

    /// Counts a call of the embedding endpoint that failed.
    pub fn endpoint_failed(&self) {
        self.endpoint_failures.inc();
    }

    /// Counts a search that used keywords only because the model was not available.
    pub fn fell_back(&self) {
        self.fallbacks.inc();
    }

    /// Counts a request that was rejected because of its token.
    pub fn token_rejected(&self, reason: &str) {
        self.rejected_tokens.with_label_values(&[reason]).inc();
    }

    /// How many requests were rejected because of their token.
    pub fn rejected_tokens(&self) -> u64 {
        let reasons = ["wrong", "right", "session", "limited"];
        reasons.iter().map(|reason| self.rejected_tokens.with_label_values(&[reason]).get()).sum()
    }

    /// Counts a connection that was closed because a limit was reached.
    pub fn connection_closed(&self, reason: &str) {
        self.closed.with_label_values(&[reason]).inc();
    }

    fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, created: prometheus::Result<C>) -> C {
    let collector = created.expect("names and labels are well-formed");
    registry.register(Box::new(collector.clone())).expect("each name is registered once");
    collector
}

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
pub async fn get(State(app): State<Shared>) -> ([(axum::http::HeaderName, &'static str); 1], Vec<u8>) {
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
