//! Errors as `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::QueryRejection;

use crate::embed::Unavailable;
use crate::index::NeedsCopy;
use crate::render::json::ProblemReply;

/// After how many seconds a client may try again if the cluster is away.
#[cfg(feature = "milvus")]
const CLUSTER_RETRY: u64 = 5;

/// An error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// What is wrong with this request, for people.
    pub detail: String,
    /// What failed inside the server, for its log only: it may contain paths.
    cause: Option<String>,
    /// After how many seconds the client may try again.
    retry_after: Option<u64>,
}

/// Why the server failed. An extension of the response, for the log.
#[derive(Clone)]
pub struct Cause(pub String);

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self { status, detail: detail.into(), cause: None, retry_after }
    }

    /// The request is well-formed, but a value is not valid.
    pub fn refused(error: &anyhow::Error) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}"))
    }

    /// The path does not exist.
    pub fn no_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "this path does not exist")
    }

    /// The queue is full.
    pub fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are waiting; try again in a moment")
    }

    /// The request took too long.
    pub fn timed_out() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the request took too long; try again in a moment")
    }

    /// The index cannot be opened at the moment, for example because it is being replaced.
    pub fn no_index(error: &anyhow::Error) -> Self {
        let detail = "the index cannot be opened at the moment; try again in a moment";
        Self { cause: Some(format!("{error:#}")), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// The server accepts no changes.
    pub fn no_changes() -> Self {
        let detail =
            "this server accepts no changes; start it with --admin-token-file FILE to write questions";
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// Another process writes the index.
    pub fn index_is_written(retry_after: Duration) -> Self {
        let detail = "another process is writing the index; nothing was changed; try again in a moment";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        Self { retry_after: Some(retry_after.as_secs()), ..problem }
    }

    /// A change did not become part of a commit in time.
    pub fn late_change() -> Self {
        let detail = "the change took too long and may still be made; send it again to be sure";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The index cannot be changed at the moment.
    pub fn not_writable(cause: &str) -> Self {
        let detail = format!("the index cannot be changed: {cause}");
        Self { cause: Some(cause.to_owned()), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// The client sent too many wrong tokens.
    pub fn too_many_attempts(retry_after: Duration) -> Self {
        let detail = "too many wrong tokens were sent from this address; try again in a moment";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        Self { retry_after: Some(retry_after.as_secs()), ..problem }
    }

    /// The server failed. The log says why.
    pub fn internal(cause: impl Into<String>) -> Self {
        let detail = "the server failed; its log says why";
        Self { cause: Some(cause.into()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail) }
    }

    /// A judgement could not be written to the file of feedback.
    pub fn not_saved(error: &std::io::Error) -> Self {
        let detail = "the feedback could not be saved; the log of the server says why";
        let cause = format!("could not write to the file of --feedback: {error}");
        Self { cause: Some(cause), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail) }
    }

    /// A decision could not be written to the file of decisions, or the file is not valid.
    pub fn not_decided(error: &anyhow::Error) -> Self {
        let detail = "the decision could not be saved; the log of the server says why";
        let cause = format!("--decisions: {error:#}");
        Self { cause: Some(cause), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail) }
    }

    /// The same problem, of one request of a batch.
    pub fn of_request(self, nth: usize) -> Self {
        Self { detail: format!("requests[{nth}]: {}", self.detail), ..self }
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        let status = if error.timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
        let detail = format!("the embedding endpoint is not available: {}", error.message);
        Self { cause: Some(error.message), ..Self::new(status, detail) }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        if let Some(error) = error.downcast_ref::<Unavailable>() {
            return error.clone().into();
        }
        if let Some(error) = error.downcast_ref::<NeedsCopy>() {
            return Self::new(StatusCode::NOT_IMPLEMENTED, error.to_string());
        }
        #[cfg(feature = "milvus")]
        if error.is::<crate::index::ClusterAway>() {
            let detail = "the cluster with the questions does not answer; try again in a moment";
            let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            return Self { cause: Some(format!("{error:#}")), retry_after: Some(CLUSTER_RETRY), ..problem };
        }
        Self::internal(format!("{error:#}"))
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let text = rejection.body_text();
        let reason = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        Self::new(rejection.status(), format!("the query string is not valid: {reason}"))
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let reply = ProblemReply {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let body = serde_json::to_vec(&reply).expect("strings and a number are JSON");
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}
