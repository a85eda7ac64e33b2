//! Extractors that parse a request, or reject it with a [`Problem`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
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

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let exchange = request.extensions().get::<Arc<Exchange>>().cloned();
        let read = timeout(BODY_WITHIN, axum::Json::<T>::from_request(request, state));
        let late =
            |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body of the request did not arrive in time");
        let axum::Json(read) = read.await.map_err(late)??;
        if let Some(exchange) = exchange {
            exchange.arrived();
        }
        Ok(Self(read))
    }
}
