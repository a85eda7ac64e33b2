//! The layer that requires a token, and `POST /session`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::app::{App, Shared};
use super::attempts::ONE_MORE_AFTER;
use super::extractors::{Client, Json};
use super::problem::Problem;
use super::tokens::{AcceptedToken, COOKIE, Credential, Right, Token, digest};

/// The tokens and the right that a route requires.
#[derive(Clone)]
pub struct Required {
    pub app: Shared,
    pub right: Right,
}

impl App {
    /// The token that a request sends, which has a right. Only programs write questions, so a cookie does not have the right
    /// to do that.
    fn accepted(&self, headers: &HeaderMap, right: Right, client: IpAddr) -> Result<Token, Problem> {
        let is_usable = |given: &Credential| right != Right::Write || matches!(given, Credential::Token(_));
        let detail = "this server requires a token; send the header `Authorization: Bearer TOKEN`";
        let given = Credential::of(headers).filter(is_usable).ok_or_else(|| unauthorized(detail))?;
        let token = self.authenticate(&given, client)?;
        if !token.rights.contains(&right) {
            self.metrics.token_rejected("right");
            let detail = format!("the token {:?} does not have the right `{}`", token.name, right.name());
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        Ok(token)
    }

    /// Finds the token of a credential.
    fn authenticate(&self, given: &Credential, address: IpAddr) -> Result<Token, Problem> {
        let now = Instant::now();
        // A token of both files has the rights of the first.
        let files = || self.admin_tokens.iter().chain(&self.tokens);
        files().filter_map(|tokens| tokens.refresh(now)).for_each(|message| self.log.event(&message));
        let find = || files().find_map(|tokens| tokens.find(given));
        // A cookie is a hash that cannot be guessed. Browsers send old ones again and again.
        let Credential::Token(digest) = given else {
            return find().ok_or_else(|| {
                self.metrics.token_rejected("session");
                unauthorized("the session has ended; sign in again")
            });
        };
        if !self.attempts.may_check(address, digest, now) {
            self.metrics.token_rejected("limited");
            return Err(Problem::too_many_attempts(ONE_MORE_AFTER));
        }
        let found = find();
        self.attempts.checked(address, digest, found.is_some(), now);
        found.ok_or_else(|| {
            self.metrics.token_rejected("wrong");
            self.log.event(&format!("a wrong token was sent from {address}"));
            unauthorized("the token is wrong")
        })
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

/// A layer that refuses requests without a token that has a right.
pub async fn require(
    State(Required { app, right }): State<Required>,
    Extension(Client(client)): Extension<Client>,
    mut request: Request,
    next: Next,
) -> Response {
    let protects = if right == Right::Write { &app.admin_tokens } else { &app.tokens };
    match (protects, right) {
        (None, Right::Write) => return Problem::no_changes().into_response(),
        (None, _) => return next.run(request).await,
        (Some(_), _) => {}
    }
    let token = match app.accepted(request.headers(), right, client) {
        Ok(token) => token,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(AcceptedToken(Arc::clone(&token.name)));
    let mut response = next.run(request).await;
    response.extensions_mut().insert(AcceptedToken(token.name));
    response
}

/// The body of `POST /session`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    token: String,
}

/// `POST /session`: exchanges a token for a cookie.
pub async fn sign_in(
    State(app): State<Shared>,
    Extension(Client(client)): Extension<Client>,
    Json(given): Json<SignIn>,
) -> Result<Response, Problem> {
    let token = app.authenticate(&Credential::Token(digest(given.token.trim())), client)?;
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", token.session);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
