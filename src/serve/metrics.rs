//! Metrics for Prometheus.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::core::Collector;
use prometheus::{
    Counter, Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::app::Shared;

/// The upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The metrics of a server.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    searches: IntCounter,
    search_seconds: Counter,
    embedding_seconds: Counter,
    phrases: IntCounterVec,
    jobs: IntGaugeVec,
}

impl Metrics {
    pub fn new() -> Self {
        let registry = Registry::new();
        let latency = HistogramOpts::new(
            "rqsearch_http_request_seconds",
            "Time from the head of a request to its reply.",
        );
        Self {
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
                        "Requests that run or wait: searches, and surveys that find all duplicates.",
                    ),
                    &["limit", "state"],
                ),
            ),
            registry,
        }
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

/// Counts every request and measures its time.
pub async fn observe(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    // The label is the route, not the path: otherwise each unknown path would create a label.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)".to_owned(), |path| path.as_str().to_owned());
    // Clients can invent methods as well.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "OPTIONS") => known.to_owned(),
        _ => "(other)".to_owned(),
    };
    let response = next.run(request).await;
    app.metrics.answered(&route, &method, response.status().as_u16(), start.elapsed());
    response
}

/// `GET /metrics`
pub async fn get(State(app): State<Shared>) -> ([(axum::http::HeaderName, &'static str); 1], Vec<u8>) {
    for (name, limit) in [("search", &app.search_limit), ("survey", &app.duplicates_limit)] {
        for (state, count) in [("running", limit.running()), ("waiting", limit.waiting())] {
            app.metrics.jobs.with_label_values(&[name, state]).set(count as i64);
        }
    }
    let mut text = Vec::new();
    let families = app.metrics.registry.gather();
    TextEncoder::new().encode(&families, &mut text).expect("metrics are written to memory as text");
    ([(axum::http::header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
