//! Refuses requests that the web page of another site sends.
//!
//! Such a page cannot read replies, but its requests would still cost time. A browser says where a request
//! comes from in `Sec-Fetch-Site` and `Origin`. Other clients send neither.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// The origins that may send requests besides the pages of this server, in lower case.
pub type AllowedOrigins = Arc<[String]>;

/// Whether a request comes from a page of this server, of an allowed origin, or from no page at all.
fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN.as_str()).map(str::to_lowercase);
    if origin.as_ref().is_some_and(|origin| allowed.contains(origin)) {
        return true;
    }
    match text("sec-fetch-site") {
        // `same-site` is another port or subdomain: another server.
        Some("cross-site" | "same-site") => false,
        Some(_) => true,
        // Browsers that do not send the header send the origin with a POST.
        None => origin.is_none_or(|origin| {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }),
    }
}

/// Refuses requests from pages of other origins.
pub async fn check_origin(State(allowed): State<AllowedOrigins>, request: Request, next: Next) -> Response {
    if is_allowed(request.headers(), &allowed) {
        return next.run(request).await;
    }
    let detail = "requests from pages of other sites are refused; to allow a site, start the server with \
                  --allow-origin";
    Problem::new(StatusCode::FORBIDDEN, detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: bool, headers: &[(&'static str, &str)]) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        assert_eq!(is_allowed(&headers, &["https://a.example".to_owned()]), expected, "{headers:?}");
    }

    #[test]
    fn only_pages_of_this_server_and_of_allowed_origins_may_send_requests() {
        let host = ("host", "localhost:7700");
        check(true, &[host]);
        check(true, &[host, ("sec-fetch-site", "same-origin")]);
        check(true, &[host, ("sec-fetch-site", "none")]);
        check(false, &[host, ("sec-fetch-site", "cross-site")]);
        check(false, &[host, ("sec-fetch-site", "same-site")]);
        check(true, &[host, ("sec-fetch-site", "cross-site"), ("origin", "https://A.example")]);
        check(false, &[host, ("sec-fetch-site", "cross-site"), ("origin", "https://b.example")]);
        check(true, &[host, ("origin", "http://localhost:7700")]);
        check(false, &[host, ("origin", "http://localhost:7701")]);
        check(false, &[host, ("origin", "null")]);
    }
}
