//! The state that all requests share, and the router.

use std::any::Any;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;

use super::attempts::Attempts;
use super::cache::CommitCache;
use super::change_queue::ChangeQueue;
use super::concurrency::ConcurrencyLimit;
use super::connections::Connections;
use super::current::Current;
use super::duplicates::DuplicatesCache;
use super::embedding_cache::EmbeddingCache;
use super::endpoint::Endpoint;
use super::gaps::{self, GapsCache};
use super::host_check::{AllowedHosts, check_host};
use super::log::Log;
use super::metrics::{self, Metrics, observe};
use super::origin_check::{AllowedOrigins, check_origin};
use super::problem::Problem;
use super::query_log::{self, QueryLogWriter};
use super::token::{Required, Right, Tokens, require};
use super::{
    Limits, changes, decisions, duplicates, feed, feedback, headers, openapi, page, questions, search, stats,
    suggest, token,
};
use crate::decisions::DecisionFile;
use crate::engine::Engine;
use crate::feedback::FeedbackFile;
use crate::query_log::QueryLog;
use crate::question::Question;
use crate::watch;

/// The largest body of a request, in bytes. 64 phrases of the greatest length fit.
const LARGEST_BODY: usize = 512 << 10;

/// The state that all requests share.
pub type Shared = Arc<App>;

pub struct App {
    pub engine: Engine,
    pub current: Current,
    pub endpoint: Endpoint,
    /// The limit of searches, and of other short requests.
    pub search_limit: ConcurrencyLimit,
    /// The limit of searches for all duplicates or gaps of an index. They run one at a time, because each uses all
    /// processors.
    pub duplicates_limit: ConcurrencyLimit,
    pub connections: Arc<Connections>,
    pub embeddings: EmbeddingCache,
    pub metrics: Metrics,
    pub log: Log,
    /// `None` accepts every client.
    pub tokens: Option<Tokens>,
    /// `None` accepts no changes.
    pub admin_tokens: Option<Tokens>,
    /// The changes that wait for their commit. `None` if the server accepts none.
    pub changes: Option<ChangeQueue>,
    pub attempts: Attempts,
    /// `None` accepts no judgements of users.
    pub feedback: Option<FeedbackFile>,
    /// `None` applies and accepts no decisions about duplicates.
    pub decisions: Option<DecisionFile>,
    /// `None` if the index is not kept current by this process.
    pub watch: Option<Arc<watch::Status>>,
    /// `None` records no searches.
    pub query_log: Option<QueryLogWriter>,
    pub duplicates: DuplicatesCache,
    pub gaps: GapsCache,
    /// The body of `/stats`.
    pub stats: CommitCache<(), Vec<u8>>,
    /// The questions of `/feed.atom` with their dates.
    pub newest: CommitCache<(), Vec<(i64, Question)>>,
}

/// The options of the state.
pub struct AppOptions {
    pub tokens: Option<Tokens>,
    pub admin_tokens: Option<Tokens>,
    pub feedback: Option<FeedbackFile>,
    pub decisions: Option<DecisionFile>,
    pub query_log: Option<QueryLog>,
    pub watch: Option<Arc<watch::Status>>,
    pub log: Log,
    pub limits: Limits,
}

impl App {
    /// The state of a server with these options.
    pub fn new(engine: Engine, options: AppOptions) -> Self {
        let AppOptions { tokens, admin_tokens, feedback, decisions, query_log, watch, log, limits } = options;
        Self {
            engine,
            current: Current::default(),
            endpoint: Endpoint::default(),
            search_limit: ConcurrencyLimit::new(limits.threads.get(), limits.queue, limits.time),
            duplicates_limit: ConcurrencyLimit::new(1, limits.queue, limits.time),
            connections: Connections::new(limits.connections.get(), limits.connections_per_address.get()),
            embeddings: EmbeddingCache::new(),
            metrics: Metrics::new(),
            query_log: query_log.map(|file| QueryLogWriter::new(file, log.clone())),
            log,
            tokens,
            changes: admin_tokens.as_ref().map(|_| ChangeQueue::new(limits.queue, limits.time / 2)),
            admin_tokens,
            attempts: Attempts::new(),
            feedback,
            decisions,
            watch,
            duplicates: DuplicatesCache::new(),
            gaps: GapsCache::new(),
            stats: CommitCache::new(),
            newest: CommitCache::new(),
        }
    }
}

/// All routes, with the middleware that every request passes.
pub fn router(app: Shared, hosts: AllowedHosts, origins: &Origins) -> Router {
    let requires = |right| middleware::from_fn_with_state(Required { app: Arc::clone(&app), right }, require);
    let checked_origin = middleware::from_fn_with_state(Arc::clone(&origins.names), check_origin);
    let private = corpus_routes(&app)
        .route_layer(requires(Right::Search))
        .merge(admin_routes(&app).route_layer(requires(Right::Admin)))
        .merge(change_routes().route_layer(requires(Right::Write)))
        .route_layer(checked_origin);
    let mut open = open_routes();
    if app.tokens.is_some() {
        open = open.route("/session", post(token::sign_in));
    }
    let mut router = private
        .merge(open)
        .fallback(|| async { Problem::no_path() })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not support this method")
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CompressionLayer::new());
    if let Some(cors) = &origins.cors {
        router = router.layer(cors.clone());
    }
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::new(hosts), check_host))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), observe))
        .layer(middleware::map_response(headers::secure))
        .with_state(app)
}

/// The routes that reveal the index. They require a token, if there are any.
fn corpus_routes(app: &App) -> Router<Shared> {
    let mut routes = Router::new()
        .route("/search", get(search::get).post(search::post))
        .route("/questions/{id}", get(questions::get))
        .route("/questions/{id}/related", get(questions::related))
        .route("/duplicates", get(duplicates::get))
        .route("/duplicates/map", get(duplicates::map))
        .route("/duplicates/check", post(duplicates::check))
        .route("/stats", get(stats::stats))
        .route("/suggest", get(suggest::get))
        .route("/suggest/opensearch", get(suggest::opensearch))
        .route("/feed.atom", get(feed::questions));
    if app.feedback.is_some() {
        routes = routes.route("/feedback", post(feedback::post));
    }
    if app.decisions.is_some() {
        routes = routes.route("/duplicates/decisions", post(decisions::post));
    }
    if app.query_log.is_some() {
        routes = routes.route("/clicks", post(query_log::clicked));
    }
    routes
}

/// The routes that reveal what the server does and what people ask. They require a token with the right `admin`, if there
/// are any.
fn admin_routes(app: &App) -> Router<Shared> {
    let routes = Router::new().route("/metrics", get(metrics::get));
    match app.query_log.is_some() {
        true => routes
            .route("/gaps", get(gaps::get))
            .route("/gaps/page", get(gaps::page))
            .route("/gaps/feed.atom", get(feed::gaps)),
        false => routes,
    }
}

/// The routes that change the index. They require a token of the admin token file.
fn change_routes() -> Router<Shared> {
    Router::new()
        .route("/questions", post(changes::post))
        .route("/questions/{id}", put(changes::put).delete(changes::delete))
        .layer(DefaultBodyLimit::max(changes::LARGEST_RECORDS))
}

/// The routes that are the same on every server. They never require a token.
fn open_routes() -> Router<Shared> {
    let files = page::FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, get(move |headers| async move { file.answer(&headers) }))
    });
    let files = files.route("/opensearch.xml", get(suggest::description));
    files.route("/health", get(stats::health)).route("/openapi.json", get(openapi::get))
}

/// The origins whose web pages may send requests and read replies.
pub struct Origins {
    names: AllowedOrigins,
    cors: Option<CorsLayer>,
}

impl Origins {
    /// # Errors
    /// A name is not an origin.
    pub fn new(names: &[String]) -> anyhow::Result<Self> {
        let origin = |origin: &String| -> anyhow::Result<HeaderValue> {
            let (scheme, host) = origin.split_once("://").unwrap_or_default();
            let is_origin =
                matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', '*', ' ']);
            anyhow::ensure!(
                is_origin,
                "{origin:?} is not an origin\n  \
                 hint: give the scheme and the host, as in --allow-origin https://example.org"
            );
            origin.to_lowercase().parse().with_context(|| format!("{origin:?} is not an origin"))
        };
        let values: Vec<HeaderValue> = names.iter().map(origin).collect::<anyhow::Result<_>>()?;
        let cors = (!values.is_empty()).then(|| {
            CorsLayer::new()
                .allow_origin(values)
                .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
                .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
                .expose_headers([header::RETRY_AFTER])
        });
        Ok(Self { names: names.iter().map(|name| name.to_lowercase()).collect(), cors })
    }
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::internal(format!("panicked: {message}")).into_response()
}
