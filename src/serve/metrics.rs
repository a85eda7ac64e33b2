//! Metrics for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use super::change_queue::Results;
use crate::index::Effect;
use crate::watch::Status;

/// The upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The metrics of a server.
pub struct Metrics {
    pub registry: Registry,
    /// How many requests were answered: the number of the last one in the log.
    pub requests_total: AtomicU64,
    requests: IntCounterVec,
    seconds: HistogramVec,
    searches: IntCounter,
    search_seconds: Counter,
    embedding_seconds: Counter,
    phrases: IntCounterVec,
    pub jobs: IntGaugeVec,
    endpoint_failures: IntCounter,
    fallbacks: IntCounter,
    rejected_tokens: IntCounterVec,
    pub connections: IntGauge,
    closed: IntCounterVec,
    pub failing: IntGaugeVec,
    pub dropped_lines: IntGauge,
    updates: IntCounterVec,
    last_update: Gauge,
    pub lost_queries: IntGauge,
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
        let counter = |name: &str, help: &str| register(&registry, IntCounter::new(name, help));
        let gauge = |name: &str, help: &str| register(&registry, IntGauge::new(name, help));
        let counters = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntGaugeVec::new(Opts::new(name, help), labels))
        };
        Self {
            requests_total: AtomicU64::new(0),
            requests: counters(
                "rqsearch_http_requests_total",
                "Requests by route, method and status.",
                &["route", "method", "status"],
            ),
            seconds: register(&registry, HistogramVec::new(latency.buckets(BUCKETS.to_vec()), &["route"])),
            searches: counter("rqsearch_searches_total", "Searches that were completed."),
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
            phrases: counters(
                "rqsearch_phrases_total",
                "Phrases whose vector was cached (known) or computed (embedded).",
                &["vector"],
            ),
            jobs: gauges(
                "rqsearch_jobs",
                "Requests that run or wait: searches, surveys that find all duplicates, and changes.",
                &["limit", "state"],
            ),
            endpoint_failures: counter(
                "rqsearch_endpoint_failures_total",
                "Calls of the embedding endpoint that failed, or that were not made because of a failure before.",
            ),
            fallbacks: counter(
                "rqsearch_keyword_fallbacks_total",
                "Hybrid searches that used keywords only, because the model was not available.",
            ),
            rejected_tokens: counters(
                "rqsearch_rejected_tokens_total",
                "Requests whose token was wrong or lacked the right, whose session had ended (session), or \
                 that were not checked after too many wrong tokens (limited).",
                &["reason"],
            ),
            connections: gauge("rqsearch_connections", "Open connections."),
            closed: counters(
                "rqsearch_connections_closed_total",
                "Connections that were closed because a limit was reached: while idle, or at once (refused).",
                &["reason"],
            ),
            failing: gauges(
                "rqsearch_failing",
                "1 if the last commit of the index (index), the embedding endpoint (endpoint), the token file (tokens) or \
                 the synonyms and pins (curation) cannot be used, or the last update by --watch failed (watch), else 0.",
                &["part"],
            ),
            dropped_lines: gauge(
                "rqsearch_log_lines_dropped",
                "Lines of the log that were dropped because nobody read the log fast enough.",
            ),
            updates: counters(
                "rqsearch_updates_total",
                "Updates of the index by --watch: succeeded, failed.",
                &["result"],
            ),
            last_update: register(
                &registry,
                Gauge::new(
                    "rqsearch_last_update_timestamp_seconds",
                    "When the last update by --watch succeeded, in seconds since 1970; 0 if none did.",
                ),
            ),
            lost_queries: gauge(
                "rqsearch_query_log_lines_lost",
                "Lines of the query log that could not be written, or were dropped because the disk was too slow.",
            ),
            changes: counters(
                "rqsearch_changes_total",
                "Changes of written questions by their result: created, replaced, unchanged, deleted, refused, \
                 failed.",
                &["result"],
            ),
            change_commits: counter(
                "rqsearch_change_commits_total",
                "Commits of changes of written questions.",
            ),
            registry,
        }
    }

    /// Sets the metrics of updates.
    pub fn set_updates(&self, watch: &Status) {
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

    /// Counts a request.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, created: prometheus::Result<C>) -> C {
    let collector = created.expect("names and labels are well-formed");
    registry.register(Box::new(collector.clone())).expect("each name is registered once");
    collector
}
