//! The tokens that clients must send. They are required if other machines can connect.
//!
//! Programs send a token as `Authorization: Bearer TOKEN`. The web page sends it once, and gets a cookie with
//! a hash of it. Scripts cannot read the cookie. The cookie makes links work as well, such as the one to the
//! map.
//!
//! Tokens are read from a file. The file is read again when it changes.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::hint::hinted;
use crate::regular_file;

/// The least length of a token, in bytes. A shorter token could be guessed.
const SHORTEST: usize = 16;

/// The name of the cookie.
pub const COOKIE: &str = "rqsearch_session";

/// How often the file is checked for changes.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The SHA-256 of a token.
pub(super) type Digest = [u8; 32];

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Search, questions, duplicates and statistics.
    Search,
    /// Metrics, and what people ask.
    Admin,
    /// Writing questions. No file names it: the tokens with the right `admin` of [`Tokens::for_writing`] have it.
    Write,
}

impl Right {
    /// The rights that a file can name.
    const ALL: [Self; 2] = [Self::Search, Self::Admin];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Admin => "admin",
            Self::Write => "write",
        }
    }
}

/// A token with a name and rights. Only hashes of it are stored.
#[derive(Clone)]
pub struct Token {
    pub(super) name: Arc<str>,
    pub(super) rights: Vec<Right>,
    digest: Digest,
    /// The value of the cookie.
    pub(super) session: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("rights", &self.rights).finish()
    }
}

impl Token {
    /// Parses a line of a token file: `NAME RIGHTS TOKEN`, with rights such as `search,admin`, or only a
    /// token, which has all rights.
    fn parse(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, rights, token) = match words.as_slice() {
            [token] => ("token", Right::ALL.to_vec(), *token),
            [name, rights, token] => (*name, parse_rights(rights)?, *token),
            _ => bail!("expected a token, or a name, rights and a token, separated by spaces"),
        };
        ensure!(
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
            "a name consists of letters, digits, `-`, `_` and `.`"
        );
        ensure!(
            token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic()),
            hinted(
                format!("a token must have at least {SHORTEST} characters of printable ASCII"),
                "create one with `head -c 24 /dev/urandom | base64`"
            )
        );
        let session = Sha256::new().chain_update(b"rqsearch session ").chain_update(token).finalize();
        Ok(Self {
            name: name.into(),
            rights,
            digest: digest(token),
            session: URL_SAFE_NO_PAD.encode(session),
        })
    }

    // Hashes are compared in constant time, so the time reveals neither the token nor its length.
    fn is(&self, given: &Credential) -> bool {
        match given {
            Credential::Token(given) => given.ct_eq(&self.digest).into(),
            Credential::Session(given) => given.ct_eq(&digest(&self.session)).into(),
        }
    }
}

fn parse_rights(text: &str) -> anyhow::Result<Vec<Right>> {
    let right = |name: &str| {
        let found = Right::ALL.into_iter().find(|right| right.name() == name);
        found.with_context(|| format!("unknown right {name:?}; the rights are `search` and `admin`"))
    };
    text.split(',').map(right).collect()
}

/// The hash of a token or of a cookie.
pub fn digest(text: &str) -> Digest {
    Sha256::digest(text).into()
}

/// What a request sends to identify itself, hashed.
pub enum Credential {
    Token(Digest),
    Session(Digest),
}

impl Credential {
    /// The credential of a request. A token takes precedence over a cookie.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if let Some(value) = text(header::AUTHORIZATION) {
            let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
            return scheme.eq_ignore_ascii_case("bearer").then(|| Self::Token(digest(token.trim())));
        }
        let cookies = text(header::COOKIE).unwrap_or_default().split(';');
        let mut cookies = cookies.filter_map(|cookie| cookie.trim().split_once('='));
        cookies.find(|(name, _)| *name == COOKIE).map(|(_, value)| Self::Session(digest(value)))
    }
}

/// The tokens of a server.
pub struct Tokens {
    /// `None` if they do not come from a file.
    path: Option<PathBuf>,
    /// Whether the tokens with the right `admin` may write questions.
    writes: bool,
    state: RwLock<Contents>,
    last_check: Mutex<Instant>,
}

/// The tokens of a file.
struct Contents {
    /// What the file contained when it was read last.
    read: Result<String, String>,
    /// The tokens when the file was valid last.
    tokens: Vec<Token>,
    /// Why the file cannot be used, if it cannot.
    problem: Option<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads the tokens of a file: one per line, as `NAME RIGHTS TOKEN` or only `TOKEN`. Empty lines and lines
    /// that start with `#` are skipped.
    ///
    /// While the server runs, it reads the file again when it changes. If the new file cannot be used, the
    /// tokens that were read before stay valid.
    ///
    /// # Errors
    /// The file cannot be read, a line is not valid, two tokens have the same name, or there is no token.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        let tokens =
            parse(&text).with_context(|| format!("could not use the tokens in {}", path.display()))?;
        let state = Contents { read: Ok(text), tokens, problem: None };
        Ok(Self::new(Some(path.to_owned()), state))
    }

    /// One token, which has all rights.
    ///
    /// # Errors
    /// The text is not a token.
    pub fn of(token: &str) -> anyhow::Result<Self> {
        let tokens = vec![Token::parse(token.trim())?];
        Ok(Self::new(None, Contents { read: Ok(String::new()), tokens, problem: None }))
    }

    fn new(path: Option<PathBuf>, state: Contents) -> Self {
        let (state, last_check) = (RwLock::new(state), Mutex::new(Instant::now()));
        Self { path, writes: false, state, last_check }
    }

    /// The same tokens. Those with the right `admin` also have the right to write questions.
    ///
    /// # Errors
    /// No token has the right `admin`.
    pub fn for_writing(mut self) -> anyhow::Result<Self> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        ensure!(
            state.tokens.iter().any(|token| token.rights.contains(&Right::Admin)),
            hinted(
                "no token may write questions",
                "give one of them the right `admin`: NAME search,admin TOKEN"
            )
        );
        self.writes = true;
        Ok(self)
    }

    /// Reads the file again if it has changed since the last check. Returns a message if that changed the
    /// tokens or failed.
    pub(super) fn refresh(&self, now: Instant) -> Option<String> {
        let path = self.path.as_deref()?;
        {
            let mut last_check = self.last_check.lock().unwrap_or_else(PoisonError::into_inner);
            if now.saturating_duration_since(*last_check) < CHECK_INTERVAL {
                return None;
            }
            *last_check = now;
        }
        let read = regular_file::read(path).map_err(|error| error.to_string());
        let read = read.and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string()));
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.read == read {
            return None;
        }
        let parsed = read
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|text| parse(text).map_err(|error| format!("{error:#}")));
        state.read = read;
        let path = path.display();
        match parsed {
            Ok(tokens) => {
                state.problem = None;
                state.tokens = tokens;
                Some(format!("read {} tokens from {path}", state.tokens.len()))
            }
            Err(error) => {
                let problem = format!("could not use {path}; the tokens read before stay valid: {error}");
                state.problem = Some(problem.clone());
                Some(problem)
            }
        }
    }

    /// Whether the file cannot be used any more.
    pub(super) fn has_problem(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).problem.is_some()
    }

    /// The token of a credential.
    pub(super) fn find(&self, given: &Credential) -> Option<Token> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        // All tokens are compared, so the time does not reveal which one matches.
        let mut found = state
            .tokens
            .iter()
            .fold(None, |found, token| if token.is(given) { Some(token.clone()) } else { found });
        if let Some(token) =
            found.as_mut().filter(|token| self.writes && token.rights.contains(&Right::Admin))
        {
            token.rights.push(Right::Write);
        }
        found
    }
}

fn parse(text: &str) -> anyhow::Result<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let token = Token::parse(line).with_context(|| format!("line {number}"))?;
        ensure!(
            tokens.iter().all(|other| other.name != token.name),
            hinted(
                format!("line {number}: another token has the name {:?}", token.name),
                "write `NAME RIGHTS TOKEN` in each line"
            )
        );
        tokens.push(token);
    }
    ensure!(
        !tokens.is_empty(),
        hinted(
            format!("there is no token; a token must have at least {SHORTEST} characters"),
            "create one with `head -c 24 /dev/urandom | base64`"
        )
    );
    Ok(tokens)
}

/// The name of the token that a request was accepted with. An extension of the request and of the response.
#[derive(Clone)]
pub struct AcceptedToken(pub Arc<str>);

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "correct-battery-horse";

    fn accepts(name: header::HeaderName, value: &str) -> bool {
        let token = Token::parse(TOKEN).unwrap();
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        Credential::of(&headers).is_some_and(|given| token.is(&given))
    }

    #[test]
    fn the_header_or_the_cookie_is_accepted() {
        let session = Token::parse(TOKEN).unwrap().session;
        assert!(accepts(header::AUTHORIZATION, "Bearer correct-battery-horse"));
        assert!(accepts(header::AUTHORIZATION, "bearer  correct-battery-horse"));
        assert!(accepts(header::COOKIE, &format!("a=b; {COOKIE}={session}; c=d")));
        for wrong in [
            "Bearer correct-battery-hors",
            "Bearer",
            "Bearer ",
            "Basic correct-battery-horse",
            "correct-battery-horse",
        ] {
            assert!(!accepts(header::AUTHORIZATION, wrong), "{wrong}");
        }
        assert!(!accepts(header::COOKIE, &format!("{COOKIE}={TOKEN}")), "the token is not a cookie");
        assert!(!accepts(header::AUTHORIZATION, &format!("Bearer {session}")), "the cookie is not a token");
    }

    #[test]
    fn a_file_has_one_token_or_several_with_names_and_rights() {
        let parsed = |text: &str| -> Vec<(String, Vec<Right>)> {
            let tokens = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error:#}"));
            tokens.into_iter().map(|token| (token.name.to_string(), token.rights)).collect()
        };
        assert_eq!(parsed(&format!("{TOKEN}\n")), [("token".to_owned(), Right::ALL.to_vec())]);
        let several = "# pages\nwiki search 0123456789abcdef\n\n ops search,admin fedcba9876543210 \n";
        assert_eq!(
            parsed(several),
            [("wiki".to_owned(), vec![Right::Search]), ("ops".to_owned(), Right::ALL.to_vec())]
        );
        assert!(!format!("{:?}", Token::parse(TOKEN).unwrap()).contains(TOKEN));
    }

    #[test]
    fn invalid_files_are_refused_with_the_line() {
        for (text, reason) in [
            ("", "there is no token"),
            ("# only a comment\n", "there is no token"),
            (" hunter2\n", "line 1: a token must have at least 16 characters"),
            ("a search 0123456789abcdef\nb serch 0123456789abcdeg\n", "line 2: unknown right \"serch\""),
            ("a search 0123456789abcdef\na admin 0123456789abcdeg\n", "line 2: another token has the name"),
            ("with space inside it\n", "line 1: expected a token"),
            ("a/b search 0123456789abcdef\n", "line 1: a name consists of"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.starts_with(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_is_not_used() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| fs::write(file.path(), text).unwrap();
        write("0123456789abcdef");
        let tokens = Tokens::open(file.path()).unwrap();
        let mut now = Instant::now();
        let mut refresh = || {
            now += CHECK_INTERVAL;
            tokens.refresh(now)
        };
        let accepts = |token: &str| tokens.find(&Credential::Token(digest(token))).is_some();
        assert_eq!(refresh(), None);
        write("a search 0123456789abcdef\nb search fedcba9876543210\n");
        assert!(!accepts("fedcba9876543210"));
        assert!(refresh().unwrap().contains("read 2 tokens"));
        assert!(accepts("fedcba9876543210"));
        write("short");
        assert!(refresh().unwrap().contains("stay valid"));
        assert_eq!(refresh(), None, "a problem is reported once");
        assert!(accepts("fedcba9876543210") && tokens.has_problem());
        write("b search fedcba9876543210\n");
        assert!(refresh().unwrap().contains("read 1 token"));
        assert!(!accepts("0123456789abcdef") && !tokens.has_problem());
        #[cfg(unix)]
        {
            fs::remove_file(file.path()).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(file.path()).status().unwrap().success());
            assert!(refresh().unwrap().contains("not a regular file"));
            assert!(accepts("fedcba9876543210"));
        }
    }
}
