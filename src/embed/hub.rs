//! Finds installed models, and downloads others from a hub such as Hugging Face.
//!
//! Each model has a directory in our cache, laid out as on the hub. Models that other programs downloaded
//! into the hub's own cache are found as well.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::{Agent, Body, Proxy};

use super::address::Address;
use super::catalogue::{Entry, Kind};

/// The default hub. `HF_ENDPOINT` overrides it.
const HUB: &str = "https://huggingface.co";

/// The files of a tokenizer. The first is required, the others are optional.
const TOKENIZER: [&str; 4] =
    ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json"];

/// Optional files with settings for embedding (pooling, prompts, maximum length).
const SETTINGS: [&str; 3] =
    ["1_Pooling/config.json", "config_sentence_transformers.json", "sentence_bert_config.json"];

/// The maximum number of redirects for a file.
const REDIRECTS: usize = 5;

/// The number of attempts to download a file if the network fails.
const ATTEMPTS: u32 = 3;

/// Receives the progress of a download.
pub trait Watcher {
    /// The download of a file starts. `bytes` is its size, if the hub announces it.
    fn begins(&self, file: &str, bytes: Option<u64>);
    /// This many more bytes were received.
    fn more(&self, bytes: u64);
}

/// The cache directory: `RQSEARCH_CACHE`, or else `rqsearch` in the platform's cache directory.
///
/// # Errors
/// The platform has no cache directory.
pub fn cache() -> anyhow::Result<PathBuf> {
    if let Some(path) = env::var_os("RQSEARCH_CACHE").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let caches =
        dirs::cache_dir().context("could not find a cache directory\n  hint: set RQSEARCH_CACHE to one")?;
    Ok(caches.join("rqsearch"))
}

/// The directory that [`fetch`] downloads a model to. It may not exist.
///
/// # Errors
/// See [`cache`].
pub fn place(entry: &Entry) -> anyhow::Result<PathBuf> {
    Ok(cache()?.join("models").join(entry.name))
}

/// The directory of an installed model; `None` if it is not installed or a file is missing.
pub fn find(entry: &Entry) -> Option<PathBuf> {
    let is_complete = |path: &PathBuf| required(entry).all(|file| path.join(file).is_file());
    place(entry).ok().filter(is_complete).or_else(|| snapshot(entry).filter(is_complete))
}

/// The directory of a model in the hub's own cache.
fn snapshot(entry: &Entry) -> Option<PathBuf> {
    let home = env::var_os("HF_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(dirs::home_dir()?.join(".cache/huggingface")));
    let hub = env::var_os("HF_HUB_CACHE").map(PathBuf::from).or_else(|| Some(home?.join("hub")))?;
    let model = hub.join(format!("models--{}", entry.repository.replace('/', "--")));
    let commit = fs::read_to_string(model.join("refs/main")).ok()?;
    Some(model.join("snapshots").join(commit.trim()))
}

/// The files that a model cannot run without.
fn required(entry: &Entry) -> impl Iterator<Item = &str> {
    [entry.file, TOKENIZER[0]].into_iter().chain(entry.more_files.iter().map(String::as_str))
}

/// Downloads a model and returns its directory. The directory is created only if the download is complete.
///
/// # Errors
/// - `HF_HUB_OFFLINE` forbids the network.
/// - The hub cannot be reached, or lacks a required file.
/// - A file does not have the size or hash that the hub announced.
/// - The disk is full.
pub fn fetch(entry: &Entry, watcher: &dyn Watcher) -> anyhow::Result<PathBuf> {
    if super::is_offline() {
        bail!("could not download {}: HF_HUB_OFFLINE forbids the network", entry.name);
    }
    let place = place(entry)?;
    let parent = place.parent().context("the cache has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("could not create {}", parent.display()))?;
    // Removed on an error; otherwise it is renamed to the model's directory.
    let part =
        tempfile::Builder::new().prefix(".part-").tempdir_in(parent).context("could not write the cache")?;
    let hub = Hub::new();
    for file in required(entry) {
        hub.get(entry, file, part.path(), watcher)?.with_context(|| {
            format!(
                "{} has no {file}, which {} needs\n  \
                 hint: if HF_ENDPOINT is set, check that it is a complete mirror",
                entry.repository, entry.name
            )
        })?;
    }
    let settings: &[&str] = if entry.kind == Kind::Embedding { &SETTINGS } else { &[] };
    for file in TOKENIZER[1..].iter().chain(settings) {
        hub.get(entry, file, part.path(), watcher)?;
    }
    // An earlier, incomplete download.
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("could not replace {}", place.display()))?;
    }
    fs::rename(part.path(), &place).with_context(|| format!("could not create {}", place.display()))?;
    Ok(place)
}

/// A hub.
struct Hub {
    agent: Agent,
    address: String,
    token: Option<String>,
}

impl Hub {
    fn new() -> Self {
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
        Self { agent: config.into(), address, token: set("HF_TOKEN") }
    }

    /// Downloads a file into a directory; `None` if the hub does not have it.
    fn get(
        &self,
        entry: &Entry,
        file: &str,
        folder: &Path,
        watcher: &dyn Watcher,
    ) -> anyhow::Result<Option<()>> {
        let url = format!("{}/{}/resolve/main/{file}", self.address, entry.repository);
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut attempt = 1;
        loop {
            match self.try_get(&url, file, &path, watcher) {
                Ok(got) => return Ok(got),
                Err(Failure::Permanent(error)) => return Err(error),
                Err(Failure::Transient(error)) if attempt == ATTEMPTS => return Err(error),
                Err(Failure::Transient(_)) => {
                    std::thread::sleep(Duration::from_millis(500 << attempt));
                    attempt += 1;
                }
            }
        }
    }

    fn try_get(
        &self,
        url: &str,
        file: &str,
        path: &Path,
        watcher: &dyn Watcher,
    ) -> Result<Option<()>, Failure> {
        let (mut response, announced) = self.request(url)?;
        let status = response.status();
        match status.as_u16() {
            404 => return Ok(None),
            401 | 403 => {
                return Err(Failure::Permanent(anyhow::anyhow!(
                    "{url} needs permission\n  \
                     hint: accept the model's terms on its page, and set HF_TOKEN to your token"
                )));
            }
            429 | 500..=599 => return Err(Failure::Transient(anyhow::anyhow!("{url} returned {status}"))),
            _ if !status.is_success() => {
                return Err(Failure::Permanent(anyhow::anyhow!("{url} returned {status}")));
            }
            _ => {}
        }
        watcher.begins(file, announced.bytes);
        let (bytes, sha256) = copy(response.body_mut().as_reader(), path, watcher).map_err(|error| {
            Failure::Transient(anyhow::Error::new(error).context(format!("could not download {url}")))
        })?;
        announced
            .check(bytes, &sha256)
            .map_err(|error| Failure::Transient(error.context(format!("could not download {url}"))))?;
        Ok(Some(()))
    }
}

impl Hub {
    /// Requests a file and follows redirects. Returns the last response, and the announced size and hash.
    fn request(&self, url: &str) -> Result<(Response<Body>, Announced), Failure> {
        let mut url = url.to_owned();
        let mut announced = Announced::default();
        for _ in 0..=REDIRECTS {
            let mut request = self.agent.get(&url);
            // The token is sent only to the hub, not to the servers that it redirects to.
            if let Some(token) = self.token.as_ref().filter(|_| origin(&url) == origin(&self.address)) {
                request = request.header("Authorization", format!("Bearer {}", token.trim()));
            }
            // Connection errors are not retried: a refused connection will be refused again.
            let response = request.call().map_err(|error| {
                Failure::Permanent(anyhow::Error::new(error).context(format!(
                    "could not reach {}\n  \
                     hint: check the network, set HF_ENDPOINT to a mirror, or copy the model's directory to \
                     this machine and pass its path with --model",
                    origin(&url)
                )))
            })?;
            announced.update(&response);
            let location = response.headers().get("location").and_then(|location| location.to_str().ok());
            match location.filter(|_| response.status().is_redirection()) {
                None => return Ok((response, announced)),
                Some(path) if path.starts_with('/') => url = format!("{}{path}", origin(&url)),
                Some(location) => url = location.to_owned(),
            }
        }
        Err(Failure::Permanent(anyhow::anyhow!(
            "{} redirected more than {REDIRECTS} times\n  hint: check HF_ENDPOINT",
            self.address
        )))
    }
}

/// The origin of a URL (`https://host:port`), or the whole text if it is not a valid URL.
fn origin(url: &str) -> String {
    let uri = url.parse::<Uri>().ok();
    let origin = uri.and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
    origin.unwrap_or_else(|| url.to_owned())
}

/// Why a download failed.
enum Failure {
    /// Another attempt may succeed.
    Transient(anyhow::Error),
    /// Another attempt would fail too.
    Permanent(anyhow::Error),
}

/// The size and hash that the hub announces for a file.
#[derive(Default)]
struct Announced {
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

/// Writes a download to a file. Returns its size in bytes and its SHA-256.
fn copy(mut from: impl Read, path: &Path, watcher: &dyn Watcher) -> io::Result<(u64, String)> {
    let mut file = File::create(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            file.sync_all()?;
            let digest = hasher.finalize();
            return Ok((bytes, digest.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
        file.write_all(&buffer[..len])?;
        hasher.update(&buffer[..len]);
        bytes += len as u64;
        watcher.more(len as u64);
    }
}
