//! What a client has to know where others than this machine's reach us.
//!
//! Programs send it as `Authorization: Bearer TOKEN`. The page sends it once and gets a cookie that holds a
//! hash of it, out of reach of scripts, so that links such as the map's work as well.

use std::fmt;
use std::sync::Arc;

use anyhow::ensure;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::extractors::Json;
use super::problem::Problem;

/// The shortest token, in bytes: what can be guessed is none.
const SHORTEST: usize = 16;

/// The cookie of the page.
const COOKIE: &str = "rqsearch_session";

/// What a client has to know; of it, only hashes are kept.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
    /// What the cookie holds.
    session: String,
}

/// What the page sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    token: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The token that a file holds; white space around it does not count.
    ///
    /// # Errors
    /// It is short, or cannot stand in a header.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let token = text.trim();
        ensure!(
            token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic()),
            "the token must have {SHORTEST} characters or more, of ASCII, without spaces\n  \
             hint: head -c 24 /dev/urandom | base64 > FILE makes a good one"
        );
        let session = Sha256::new().chain_update(b"rqsearch session ").chain_update(token).finalize();
        Ok(Self { digest: digest(token), session: URL_SAFE_NO_PAD.encode(session) })
    }

    // Hashes are compared, so that the time it takes tells nothing of the token, its length included.
    fn is(&self, given: &str) -> bool {
        digest(given).ct_eq(&self.digest).into()
    }

    fn is_session(&self, given: &str) -> bool {
        digest(given).ct_eq(&digest(&self.session)).into()
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let cookies = text(header::COOKIE).unwrap_or_default().split(';');
        let session =
            cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == COOKIE);
        bearer.is_some_and(|(_, given)| self.is(given.trim()))
            || session.is_some_and(|(_, given)| self.is_session(given))
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

/// Turns away who does not know the token.
pub async fn demand(State(token): State<Arc<Token>>, request: Request, next: Next) -> Response {
    if token.lets_in(request.headers()) {
        return next.run(request).await;
    }
    unauthorized("this server wants a token: send it as Authorization: Bearer TOKEN").into_response()
}

/// `POST /session`: the token for a cookie.
pub async fn sign_in(
    State(token): State<Arc<Token>>,
    Json(given): Json<SignIn>,
) -> Result<Response, Problem> {
    if !token.is(given.token.trim()) {
        return Err(unauthorized("this is not the token"));
    }
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", token.session);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets_in(name: header::HeaderName, value: &str) -> bool {
        let token = Token::new("correct horse".replace(' ', "-battery-").as_str()).unwrap();
        token.lets_in(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
    }

    #[test]
    fn by_header_or_cookie_and_not_otherwise() {
        let session = Token::new("correct-battery-horse").unwrap().session;
        assert!(lets_in(header::AUTHORIZATION, "Bearer correct-battery-horse"));
        assert!(lets_in(header::AUTHORIZATION, "bearer  correct-battery-horse"));
        assert!(lets_in(header::COOKIE, &format!("a=b; {COOKIE}={session}; c=d")));
        for wrong in [
            "Bearer correct-battery-hors",
            "Bearer",
            "Bearer ",
            "Basic correct-battery-horse",
            "correct-battery-horse",
        ] {
            assert!(!lets_in(header::AUTHORIZATION, wrong), "{wrong}");
        }
        assert!(
            !lets_in(header::COOKIE, &format!("{COOKIE}=correct-battery-horse")),
            "the cookie is no token"
        );
        assert!(!lets_in(header::AUTHORIZATION, &format!("Bearer {session}")), "nor the token a cookie");
    }

    #[test]
    fn what_can_be_guessed_is_refused() {
        assert!(
            Token::new(" hunter2\n").is_err()
                && Token::new("").is_err()
                && Token::new("with space inside it").is_err()
        );
        assert_eq!(format!("{:?}", Token::new("correct-battery-horse\n").unwrap()), "Token(…)");
    }
}
