//! Extractors that parse a request, or reject it with a [`Problem`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::connections::Exchange;
use super::problem::Problem;

/// How long a request's body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A query string. A key may be repeated.
#[derive(FromRequestParts)]
#[from_request(via(axum_extra::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// A part of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// The address of the client. Every request has it as an extension.
#[derive(Clone, Copy, Debug)]
pub struct Client(pub IpAddr);

/// A JSON body.
pub struct Json<T>(pub T);

/// The records of a body: a JSON object, a JSON array, or JSON Lines.
pub enum Records {
    One(Map<String, Value>),
    Many(Vec<Value>),
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(read) = read::<axum::Json<T>, S>(request, state).await?;
        Ok(Self(read))
    }
}

impl<S: Send + Sync> FromRequest<S> for Records {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        if JSON_LINES.contains(&content_type.as_str()) {
            let bytes = read::<Bytes, S>(request, state).await?;
            return lines(&bytes).map(Self::Many);
        }
        let Json(value) = Json::<Value>::from_request(request, state).await?;
        match value {
            Value::Object(record) => Ok(Self::One(record)),
            Value::Array(records) => Ok(Self::Many(records)),
            _ => {
                let detail = "the body is not a JSON object or a list of JSON objects";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
            }
        }
    }
}

/// The content types of JSON Lines.
const JSON_LINES: [&str; 4] =
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];

/// The values of JSON Lines. Empty lines are skipped.
fn lines(bytes: &[u8]) -> Result<Vec<Value>, Problem> {
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let value = |(number, line)| {
        let invalid = |error: serde_json::Error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("line {number} is not JSON: {error}"))
        };
        serde_json::from_slice(line).map_err(invalid)
    };
    lines.map(value).collect()
}

/// Reads the body of a request, which must arrive in time.
async fn read<T, S>(request: Request, state: &S) -> Result<T, Problem>
where
    T: FromRequest<S>,
    S: Send + Sync,
    Problem: From<T::Rejection>,
{
    let exchange = request.extensions().get::<Arc<Exchange>>().cloned();
    let read = timeout(BODY_WITHIN, T::from_request(request, state));
    let late =
        |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body of the request did not arrive in time");
    let read = read.await.map_err(late)??;
    if let Some(exchange) = exchange {
        exchange.arrived();
    }
    Ok(read)
}
