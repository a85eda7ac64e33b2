//! The state that all requests share, and the router.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;

use super::cache::CommitCache;
use super::concurrency::ConcurrencyLimit;
use super::duplicates::DuplicatesCache;
use super::embedding_cache::EmbeddingCache;
use super::host_check::{AllowedHosts, check_host};
use super::metrics::{self, Metrics, observe};
use super::problem::Problem;
use super::{Options, duplicates, headers, openapi, page, questions, search, stats, token};
use crate::engine::Engine;

/// The largest body of a request, in bytes. 64 phrases of the greatest length fit.
const LARGEST_BODY: usize = 512 << 10;

/// The state that all requests share.
pub type Shared = Arc<App>;

pub struct App {
    pub engine: Engine,
    /// The limit of searches, and of other short requests.
    pub search_limit: ConcurrencyLimit,
    /// The limit of searches for all duplicates of an index. They run one at a time, because each uses all
    /// processors.
    pub duplicates_limit: ConcurrencyLimit,
    pub embeddings: EmbeddingCache,
    pub metrics: Metrics,
    pub duplicates: DuplicatesCache,
    /// The body of `/stats`.
    pub stats: CommitCache<(), Vec<u8>>,
}

impl App {
    pub fn new(engine: Engine, options: &Options) -> Self {
        let limits = &options.limits;
        Self {
            engine,
            search_limit: ConcurrencyLimit::new(limits.threads.get(), limits.queue, limits.time),
            duplicates_limit: ConcurrencyLimit::new(1, limits.queue, limits.time),
            embeddings: EmbeddingCache::new(),
            metrics: Metrics::new(),
            duplicates: DuplicatesCache::new(),
            stats: CommitCache::new(),
        }
    }
}

/// All routes, with the middleware that every request passes.
///
/// # Errors
/// An allowed origin is not valid.
pub fn router(app: Shared, listen: IpAddr, options: &Options) -> anyhow::Result<Router> {
    let hosts = Arc::new(AllowedHosts::new(listen, &options.allow_hosts));
    let mut private = corpus_routes();
    let mut open = open_routes();
    if let Some(token) = options.token.clone().map(Arc::new) {
        private = private.route_layer(middleware::from_fn_with_state(Arc::clone(&token), token::require));
        open = open.route("/session", post(token::sign_in).with_state(token));
    }
    let mut router = private
        .merge(open)
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "this path does not exist") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not support this method")
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CompressionLayer::new());
    if !options.allow_origins.is_empty() {
        router = router.layer(cors(&options.allow_origins)?);
    }
    Ok(router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(hosts, check_host))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), observe))
        .layer(middleware::map_response(headers::secure))
        .with_state(app))
}

/// The routes that reveal the index. They require the token, if there is one.
fn corpus_routes() -> Router<Shared> {
    Router::new()
        .route("/search", get(search::get).post(search::post))
        .route("/questions/{id}", get(questions::get))
        .route("/duplicates", get(duplicates::get))
        .route("/duplicates/map", get(duplicates::map))
        .route("/duplicates/check", post(duplicates::check))
        .route("/stats", get(stats::stats))
        .route("/metrics", get(metrics::get))
}

/// The routes that are the same on every server. They never require a token.
fn open_routes() -> Router<Shared> {
    let files = page::FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, get(move |headers| async move { file.answer(&headers) }))
    });
    files.route("/health", get(stats::health)).route("/openapi.json", get(openapi::get))
}

/// Lets web pages of these origins read replies.
fn cors(origins: &[String]) -> anyhow::Result<CorsLayer> {
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
    let origins: Vec<HeaderValue> = origins.iter().map(origin).collect::<anyhow::Result<_>>()?;
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER]))
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("the server failed; see its log").into_response()
}
