//! The token that clients must send. It is required if other machines can connect.
//!
//! Programs send it as `Authorization: Bearer TOKEN`. The web page sends it once, and gets a cookie with a
//! hash of it. Scripts cannot read the cookie. The cookie makes links work as well, such as the one to the
//! map.

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

/// The least length of a token, in bytes. A shorter token could be guessed.
const SHORTEST: usize = 16;

/// The name of the cookie.
const COOKIE: &str = "rqsearch_session";

/// The token that clients must send. Only hashes of it are stored.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
    /// The value of the cookie.
    session: String,
}

/// The body of `POST /session`.
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
    /// Reads a token from the text of a file. White space around it is removed.
    ///
    /// # Errors
    /// The token has fewer than 16 characters, a space, or characters other than printable ASCII.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let token = text.trim();
        ensure!(
            token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic()),
            "the token must have at least {SHORTEST} characters of printable ASCII, without spaces\n  \
             hint: create one with `head -c 24 /dev/urandom | base64 > FILE`"
        );
        let session = Sha256::new().chain_update(b"rqsearch session ").chain_update(token).finalize();
        Ok(Self { digest: digest(token), session: URL_SAFE_NO_PAD.encode(session) })
    }

    // Hashes are compared in constant time, so the time reveals neither the token nor its length.
    fn is(&self, given: &str) -> bool {
        digest(given).ct_eq(&self.digest).into()
    }

    fn is_session(&self, given: &str) -> bool {
        digest(given).ct_eq(&digest(&self.session)).into()
    }

    fn authorizes(&self, headers: &HeaderMap) -> bool {
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

/// Refuses requests without the token.
pub async fn require(State(token): State<Arc<Token>>, request: Request, next: Next) -> Response {
    if token.authorizes(request.headers()) {
        return next.run(request).await;
    }
    unauthorized("this server requires a token; send the header `Authorization: Bearer TOKEN`")
        .into_response()
}

/// `POST /session`: exchanges the token for a cookie.
pub async fn sign_in(
    State(token): State<Arc<Token>>,
    Json(given): Json<SignIn>,
) -> Result<Response, Problem> {
    if !token.is(given.token.trim()) {
        return Err(unauthorized("the token is wrong"));
    }
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", token.session);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorizes(name: header::HeaderName, value: &str) -> bool {
        let token = Token::new("correct horse".replace(' ', "-battery-").as_str()).unwrap();
        token.authorizes(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
    }

    #[test]
    fn the_header_or_the_cookie_authorizes() {
        let session = Token::new("correct-battery-horse").unwrap().session;
        assert!(authorizes(header::AUTHORIZATION, "Bearer correct-battery-horse"));
        assert!(authorizes(header::AUTHORIZATION, "bearer  correct-battery-horse"));
        assert!(authorizes(header::COOKIE, &format!("a=b; {COOKIE}={session}; c=d")));
        for wrong in [
            "Bearer correct-battery-hors",
            "Bearer",
            "Bearer ",
            "Basic correct-battery-horse",
            "correct-battery-horse",
        ] {
            assert!(!authorizes(header::AUTHORIZATION, wrong), "{wrong}");
        }
        assert!(
            !authorizes(header::COOKIE, &format!("{COOKIE}=correct-battery-horse")),
            "the token is not a cookie"
        );
        assert!(
            !authorizes(header::AUTHORIZATION, &format!("Bearer {session}")),
            "the cookie is not a token"
        );
    }

    #[test]
    fn a_token_that_is_short_or_has_spaces_is_refused() {
        assert!(
            Token::new(" hunter2\n").is_err()
                && Token::new("").is_err()
                && Token::new("with space inside it").is_err()
        );
        assert_eq!(format!("{:?}", Token::new("correct-battery-horse\n").unwrap()), "Token(…)");
    }
}
