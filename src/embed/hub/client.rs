//! Requests to the hub.

use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use ureq::config::Config;
use ureq::http::{Method, Request, Response, StatusCode, Uri};
use ureq::{Agent, Body, Proxy};

use super::failure::Failure;
use super::file::{append, length, remove};
use super::{TOKENIZER, Watcher};
use crate::embed::address::Address;
use crate::embed::catalogue::Entry;
use crate::hint::hinted;

/// The default hub. `HF_ENDPOINT` overrides it.
const HUB: &str = "https://huggingface.co";

/// The maximum number of redirects for a file.
const REDIRECTS: usize = 5;

/// The number of attempts to download a file if the network fails and nearly nothing arrives.
const ATTEMPTS: u32 = 3;

/// An attempt that receives this many bytes does not count as failed.
const PROGRESS: u64 = 1 << 20;

/// How long the hub may send nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// A hub.
pub struct Hub {
    agent: Agent,
    address: String,
    token: Option<String>,
    /// How long it may send nothing.
    silence: Duration,
}

impl Hub {
    /// The hub that `HF_ENDPOINT` names.
    pub fn new() -> Self {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let address = set("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned()).trim_end_matches('/').to_owned();
        let is_loopback = address.parse().is_ok_and(|address: Address| address.is_loopback());
        let config = Config::builder()
            // A proxy cannot reach a mirror on this machine.
            .proxy(if is_loopback { None } else { Proxy::try_from_env() })
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            // Redirects are followed below: the size and hash of a file are in the first response.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("rqsearch/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), address, token: set("HF_TOKEN"), silence: SILENCE }
    }

    /// The commit that `main` names, so that all files are of the same one. `None` if the hub does not say.
    ///
    /// # Errors
    /// The hub cannot be reached.
    pub fn commit(&self, entry: &Entry) -> anyhow::Result<Option<String>> {
        let url = format!("{}/{}/resolve/main/{}", self.address, entry.repository, TOKENIZER[0]);
        let (_, announced) = self.request(Method::HEAD, &url, 0).map_err(Failure::into_error)?;
        let is_commit = |commit: &String| {
            (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        Ok(announced.commit.filter(is_commit))
    }

    /// Downloads a file into a directory; `None` if the hub does not have it. A file that is there already is
    /// complete.
    ///
    /// # Errors
    /// The file cannot be downloaded or written.
    pub fn get(
        &self,
        entry: &Entry,
        revision: &str,
        file: &str,
        folder: &Path,
        watcher: &dyn Watcher,
    ) -> anyhow::Result<Option<()>> {
        let url = format!("{}/{}/resolve/{revision}/{file}", self.address, entry.repository);
        let path = folder.join(file);
        if path.is_file() {
            return Ok(Some(()));
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("could not create {}", parent.display()))?;
        }
        let partial = folder.join(format!("{file}.partial"));
        if self.get_partial(&url, file, &partial, watcher)?.is_none() {
            return Ok(None);
        }
        fs::rename(&partial, &path).with_context(|| format!("could not create {}", path.display()))?;
        Ok(Some(()))
    }

    /// Downloads a file, and tries again if the network fails.
    fn get_partial(
        &self,
        url: &str,
        file: &str,
        partial: &Path,
        watcher: &dyn Watcher,
    ) -> anyhow::Result<Option<()>> {
        let mut attempt = 1;
        loop {
            let before = length(partial);
            match self.try_get(url, file, partial, watcher) {
                Ok(found) => return Ok(found),
                Err(Failure::Permanent(error)) => return Err(error),
                Err(Failure::Transient(_)) if length(partial) >= before + PROGRESS => attempt = 1,
                Err(Failure::Transient(error)) if attempt == ATTEMPTS => {
                    return Err(error.context("gave up; the same command continues the download"));
                }
                Err(Failure::Transient(_)) => {
                    std::thread::sleep(Duration::from_millis(500 << attempt));
                    attempt += 1;
                }
            }
        }
    }

    /// Downloads the rest of a file.
    fn try_get(
        &self,
        url: &str,
        file: &str,
        partial: &Path,
        watcher: &dyn Watcher,
    ) -> Result<Option<()>, Failure> {
        let have = length(partial);
        let (response, announced) = self.request(Method::GET, url, have)?;
        match response.status().as_u16() {
            404 => return Ok(None),
            // The part is as long as the file or longer.
            416 => remove(partial)?,
            _ => {}
        }
        check_status(url, response.status())?;
        let have = if is_rest(&response, have) { have } else { 0 };
        watcher.begins(file, announced.bytes.map(|bytes| bytes + have));
        watcher.more(have);
        let body = response.into_body().into_reader();
        let failed = || format!("could not download {url}");
        let (bytes, sha256) = append(body, partial, have, self.silence, watcher)
            .map_err(|failure| failure.context(failed()))?;
        announced
            .check(bytes - have, &sha256)
            .map_err(|error| Failure::Transient(error.context(failed())))
            .or_else(|failure| {
            // Whatever arrived is damaged.
            remove(partial)?;
            Err(failure)
        })?;
        Ok(Some(()))
    }

    /// Requests a file from byte `have` on, and follows redirects. Returns the last response, and what was
    /// announced.
    fn request(&self, method: Method, url: &str, have: u64) -> Result<(Response<Body>, Announced), Failure> {
        let mut url = url.to_owned();
        let mut announced = Announced::default();
        for _ in 0..=REDIRECTS {
            let response = self.send(&method, &url, have)?;
            announced.update(&response);
            let location = response.headers().get("location").and_then(|location| location.to_str().ok());
            match location.filter(|_| response.status().is_redirection()) {
                None => return Ok((response, announced)),
                Some(path) if path.starts_with('/') => url = format!("{}{path}", origin(&url)),
                Some(location) => url = location.to_owned(),
            }
        }
        Err(Failure::Permanent(
            hinted(format!("{} redirected more than {REDIRECTS} times", self.address), "check HF_ENDPOINT")
                .into(),
        ))
    }

    fn send(&self, method: &Method, url: &str, have: u64) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder().method(method).uri(url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        // The token is sent only to the hub, not to the servers that it redirects to.
        if let Some(token) = self.token.as_ref().filter(|_| origin(url) == origin(&self.address)) {
            request = request.header("Authorization", format!("Bearer {}", token.trim()));
        }
        // Connection errors are not retried: a refused connection will be refused again.
        let request = request.body(()).map_err(|error| {
            Failure::Permanent(anyhow::anyhow!("{url:?} is not a valid address: {error}"))
        })?;
        self.agent.run(request).map_err(|error| {
            Failure::Permanent(anyhow::Error::new(error).context(hinted(
                format!("could not reach {}", origin(url)),
                "check the network, set HF_ENDPOINT to a mirror, or copy the model's directory to \
                 this machine and pass its path with --model",
            )))
        })
    }
}

/// Fails unless a status is that of a response with a file.
fn check_status(url: &str, status: StatusCode) -> Result<(), Failure> {
    match status.as_u16() {
        401 | 403 => Err(Failure::Permanent(
            hinted(
                format!("{url} needs permission"),
                "accept the model's terms on its page, and set HF_TOKEN to your token",
            )
            .into(),
        )),
        416 | 429 | 500..=599 => Err(Failure::Transient(anyhow::anyhow!("{url} returned {status}"))),
        _ if !status.is_success() => Err(Failure::Permanent(anyhow::anyhow!("{url} returned {status}"))),
        _ => Ok(()),
    }
}

/// The origin of a URL (`https://host:port`), or the whole text if it is not a valid URL.
fn origin(url: &str) -> String {
    let uri = url.parse::<Uri>().ok();
    let origin = uri.and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
    origin.unwrap_or_else(|| url.to_owned())
}

/// What the hub announces for a file: the size of the rest that it sends, the hash of the whole file, and the
/// commit that it belongs to.
#[derive(Default)]
struct Announced {
    commit: Option<String>,
    bytes: Option<u64>,
    /// In hexadecimal; `None` if it is not announced. Hubs announce it for large files only.
    sha256: Option<String>,
}

impl Announced {
    /// Updates the size and hash from a response. The first hash is kept: servers behind a redirect can have
    /// other tags.
    fn update(&mut self, response: &Response<Body>) {
        let header = |name: &str| {
            response.headers().get(name)?.to_str().ok().map(|value| value.trim_matches('"').to_owned())
        };
        let is_sha256 = |tag: &String| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
        let tag = header("x-linked-etag").or_else(|| header("etag")).filter(is_sha256);
        self.sha256 = self.sha256.take().or(tag);
        self.commit = self.commit.take().or_else(|| header("x-repo-commit"));
        self.bytes = header("content-length").and_then(|length| length.parse().ok());
    }

    fn check(&self, bytes: u64, sha256: &str) -> anyhow::Result<()> {
        if let Some(announced) = self.bytes.filter(|announced| *announced != bytes) {
            bail!("received {bytes} bytes instead of {announced}");
        }
        if self.sha256.as_ref().is_some_and(|announced| !announced.eq_ignore_ascii_case(sha256)) {
            bail!("the download is damaged: its SHA-256 differs from the one that the hub announced");
        }
        Ok(())
    }
}

/// Whether a response contains a file from byte `have` on. If not, it contains the whole file.
fn is_rest(response: &Response<Body>, have: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|range| range.to_str().ok());
    response.status().as_u16() == 206
        && range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}
