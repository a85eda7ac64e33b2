//! Figures for Prometheus.

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

/// Bounds of the latencies' buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What is counted.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    searches: IntCounter,
    search_seconds: Counter,
    embedding_seconds: Counter,
    phrases: IntCounterVec,
    lanes: IntGaugeVec,
}

impl Metrics {
    pub fn new() -> Self {
        let registry = Registry::new();
        let latency =
            HistogramOpts::new("rqsearch_http_request_seconds", "From a request's head to its answer.");
        Self {
            requests: register(
                &registry,
                IntCounterVec::new(
                    Opts::new("rqsearch_http_requests_total", "Requests, by route, method and status."),
                    &["route", "method", "status"],
                ),
            ),
            seconds: register(&registry, HistogramVec::new(latency.buckets(BUCKETS.to_vec()), &["route"])),
            searches: register(
                &registry,
                IntCounter::new("rqsearch_searches_total", "EmbeddingCache that were searched for."),
            ),
            search_seconds: register(
                &registry,
                Counter::new(
                    "rqsearch_search_seconds_total",
                    "Time that searches took, waiting not included.",
                ),
            ),
            embedding_seconds: register(
                &registry,
                Counter::new("rqsearch_embedding_seconds_total", "Of that, time that the model took."),
            ),
            phrases: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "rqsearch_phrases_total",
                        "EmbeddingCache that needed a vector: known already, or embedded.",
                    ),
                    &["vector"],
                ),
            ),
            lanes: register(
                &registry,
                IntGaugeVec::new(
                    Opts::new("rqsearch_jobs", "Searches and surveys for duplicates, running or waiting."),
                    &["limit", "state"],
                ),
            ),
            registry,
        }
    }

    /// A phrase was searched for.
    pub fn searched(&self, took: Duration) {
        self.searches.inc();
        self.search_seconds.inc_by(took.as_secs_f64());
    }

    /// The model embedded a phrase.
    pub fn phrase_embedded(&self, took: Duration) {
        self.phrases.with_label_values(&["embedded"]).inc();
        self.embedding_seconds.inc_by(took.as_secs_f64());
    }

    /// A phrase's vector was known.
    pub fn phrase_known(&self) {
        self.phrases.with_label_values(&["known"]).inc();
    }

    fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("names and labels are well-formed");
    registry.register(Box::new(collector.clone())).expect("each name is there once");
    collector
}

/// Counts every request.
pub async fn observe(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    // Not the path as it is: whoever asks for what is not there would make a label each.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)".to_owned(), |path| path.as_str().to_owned());
    // Nor the method: anybody can make one up.
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
    for (name, limit) in [("search", &app.searches), ("survey", &app.surveys)] {
        for (state, count) in [("running", limit.running()), ("waiting", limit.waiting())] {
            app.metrics.lanes.with_label_values(&[name, state]).set(count as i64);
        }
    }
    let mut text = Vec::new();
    let families = app.metrics.registry.gather();
    TextEncoder::new().encode(&families, &mut text).expect("figures are text, and memory takes it");
    ([(axum::http::header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
