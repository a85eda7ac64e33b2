//! The routes, and the middleware that every request passes.

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

use super::app::{App, Shared};
use super::authenticate::{Required, require, sign_in};
use super::host_check::{AllowedHosts, check_host};
use super::origin_check::{AllowedOrigins, check_origin};
use super::problem::Problem;
use super::tokens::Right;
use super::{
    changes, clicks, decisions, duplicates, feed, feedback, gaps, headers, observe, openapi, page, questions,
    search, stats, suggest,
};
use crate::hint::hinted;

/// The largest body of a request, in bytes. 64 phrases of the greatest length fit.
const LARGEST_BODY: usize = 512 << 10;

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
        open = open.route("/session", post(sign_in));
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
        .layer(middleware::from_fn_with_state(Arc::clone(&app), observe::observe))
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
        routes = routes.route("/clicks", post(clicks::post));
    }
    routes
}

/// The routes that reveal what the server does and what people ask. They require a token with the right `admin`, if there
/// are any.
fn admin_routes(app: &App) -> Router<Shared> {
    let routes = Router::new().route("/metrics", get(observe::metrics));
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
                hinted(
                    format!("{origin:?} is not an origin"),
                    "give the scheme and the host, as in --allow-origin https://example.org"
                )
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
