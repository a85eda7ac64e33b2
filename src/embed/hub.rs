//! Models on this machine, and getting them there.
//!
//! Ours lie in the cache, a folder each, laid out as the hub has them. What other programs of the hub's kind
//! have downloaded is found as well.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::Body;
use ureq::config::Config;
use ureq::http::Response;

use super::catalogue::{Entry, Kind};

/// Where models come from, unless `HF_ENDPOINT` says otherwise.
const HUB: &str = "https://huggingface.co";

/// Files of a tokenizer: the first must be there, the others are taken where they are.
const TOKENIZER: [&str; 4] =
    ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json"];

/// Files that say how a model is used, taken where they are.
const USE: [&str; 3] =
    ["1_Pooling/config.json", "config_sentence_transformers.json", "sentence_bert_config.json"];

/// How many times the hub may send us somewhere else for a file.
const REDIRECTS: usize = 5;

/// How often a file is asked for anew when the network breaks.
const ATTEMPTS: u32 = 3;

/// Hears how a download goes.
pub trait Watcher {
    /// A file begins; its size in bytes, where the hub says it.
    fn begins(&self, file: &str, bytes: Option<u64>);
    /// So many more bytes are here.
    fn more(&self, bytes: u64);
}

/// Where we keep what can be had again: `RQSEARCH_CACHE`, or the user's cache folder.
///
/// # Errors
/// The user has none.
pub fn cache() -> anyhow::Result<PathBuf> {
    if let Some(path) = env::var_os("RQSEARCH_CACHE").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let caches = dirs::cache_dir().context("no cache folder\n  hint: name one in RQSEARCH_CACHE")?;
    Ok(caches.join("rqsearch"))
}

/// Where a model lies once it is fetched.
///
/// # Errors
/// See [`cache`].
pub fn place(entry: &Entry) -> anyhow::Result<PathBuf> {
    Ok(cache()?.join("models").join(entry.name))
}

/// Where a model lies on this machine; `None` where it does not.
pub fn find(entry: &Entry) -> Option<PathBuf> {
    let is_whole = |path: &PathBuf| required(entry).all(|file| path.join(file).is_file());
    place(entry).ok().filter(is_whole).or_else(|| snapshot(entry).filter(is_whole))
}

/// Where the hub's own programs keep a model.
fn snapshot(entry: &Entry) -> Option<PathBuf> {
    let home = env::var_os("HF_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(dirs::home_dir()?.join(".cache/huggingface")));
    let hub = env::var_os("HF_HUB_CACHE").map(PathBuf::from).or_else(|| Some(home?.join("hub")))?;
    let model = hub.join(format!("models--{}", entry.repository.replace('/', "--")));
    let commit = fs::read_to_string(model.join("refs/main")).ok()?;
    Some(model.join("snapshots").join(commit.trim()))
}

/// The files without which a model cannot run.
fn required(entry: &Entry) -> impl Iterator<Item = &str> {
    [entry.file, TOKENIZER[0]].into_iter().chain(entry.more_files.iter().map(String::as_str))
}

/// Gets a model, whole or not at all, and says where it lies.
///
/// # Errors
/// The hub cannot be reached, lacks a file, or sends something else than it promises; the disk is full.
pub fn fetch(entry: &Entry, watcher: &dyn Watcher) -> anyhow::Result<PathBuf> {
    let place = place(entry)?;
    let parent = place.parent().context("the cache has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("could not create {}", parent.display()))?;
    // Gone again unless it becomes the model's folder.
    let part =
        tempfile::Builder::new().prefix(".part-").tempdir_in(parent).context("could not write the cache")?;
    let hub = Hub::new();
    for file in required(entry) {
        hub.get(entry, file, part.path(), watcher)?.with_context(|| {
            format!("{} has no {file}: it is not what the catalogue takes it for", entry.repository)
        })?;
    }
    let for_use: &[&str] = if entry.kind == Kind::Embedding { &USE } else { &[] };
    for file in TOKENIZER[1..].iter().chain(for_use) {
        hub.get(entry, file, part.path(), watcher)?;
    }
    // An older one, or one of which a file is gone.
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("could not replace {}", place.display()))?;
    }
    fs::rename(part.path(), &place).with_context(|| format!("could not create {}", place.display()))?;
    Ok(place)
}

/// The place models come from.
struct Hub {
    agent: Agent,
    address: String,
    token: Option<String>,
}

impl Hub {
    fn new() -> Self {
        let config = Config::builder()
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            // Followed by hand: what is promised of a file stands in the first answer.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("rqsearch/", env!("CARGO_PKG_VERSION")))
            .build();
        let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self {
            agent: config.into(),
            address: set("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned()).trim_end_matches('/').to_owned(),
            token: set("HF_TOKEN"),
        }
    }

    /// Gets a file into a folder; `None` where the hub does not have it.
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
                Err(Broken::ForGood(error)) => return Err(error),
                Err(Broken::ForNow(error)) if attempt == ATTEMPTS => return Err(error),
                Err(Broken::ForNow(_)) => {
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
    ) -> Result<Option<()>, Broken> {
        let (mut response, promised) = self.ask(url)?;
        let status = response.status();
        match status.as_u16() {
            404 => return Ok(None),
            401 | 403 => {
                return Err(Broken::ForGood(anyhow::anyhow!(
                    "{url} is not open to everybody\n  hint: accept the model's terms there, and put your token into HF_TOKEN"
                )));
            }
            429 | 500..=599 => return Err(Broken::ForNow(anyhow::anyhow!("{url} answers {status}"))),
            _ if !status.is_success() => {
                return Err(Broken::ForGood(anyhow::anyhow!("{url} answers {status}")));
            }
            _ => {}
        }
        watcher.begins(file, promised.bytes);
        let (bytes, sha256) = copy(response.body_mut().as_reader(), path, watcher).map_err(|error| {
            Broken::ForNow(anyhow::Error::new(error).context(format!("could not get {url}")))
        })?;
        promised
            .check(bytes, &sha256)
            .map_err(|error| Broken::ForNow(error.context(format!("could not get {url}"))))?;
        Ok(Some(()))
    }
}

impl Hub {
    /// Asks for a file, wherever the hub sends us for it; with what it promises of the file.
    fn ask(&self, url: &str) -> Result<(Response<Body>, Promise), Broken> {
        let mut url = url.to_owned();
        let mut promised = Promise::default();
        for _ in 0..=REDIRECTS {
            let mut request = self.agent.get(&url);
            // The token is the hub's, and nobody else's.
            if let Some(token) = self.token.as_ref().filter(|_| origin(&url) == origin(&self.address)) {
                request = request.header("Authorization", format!("Bearer {}", token.trim()));
            }
            // Who refuses the connection will refuse it again.
            let response = request.call().map_err(|error| {
                Broken::ForGood(anyhow::Error::new(error).context(format!(
                    "could not reach {}\n  hint: is there a network? A mirror is named in HF_ENDPOINT; a model \
                     that lies somewhere else is used by its folder",
                    origin(&url)
                )))
            })?;
            promised.learn(&response);
            let location = response.headers().get("location").and_then(|location| location.to_str().ok());
            match location.filter(|_| response.status().is_redirection()) {
                None => return Ok((response, promised)),
                Some(path) if path.starts_with('/') => url = format!("{}{path}", origin(&url)),
                Some(location) => url = location.to_owned(),
            }
        }
        Err(Broken::ForGood(anyhow::anyhow!("{} sends us in a circle", self.address)))
    }
}

/// `https://host:port` of an address.
fn origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find('/').map_or(url.len(), |at| authority + at);
    &url[..end]
}

/// Why a file did not come.
enum Broken {
    /// Another attempt may do.
    ForNow(anyhow::Error),
    /// It will not.
    ForGood(anyhow::Error),
}

/// What the hub says of a file before it sends it.
#[derive(Default)]
struct Promise {
    bytes: Option<u64>,
    /// In hexadecimal; the hub knows it of large files.
    sha256: Option<String>,
}

impl Promise {
    /// What one answer says: the first that names a hash names the file's.
    fn learn(&mut self, response: &Response<Body>) {
        let header = |name: &str| {
            response.headers().get(name)?.to_str().ok().map(|value| value.trim_matches('"').to_owned())
        };
        let is_sha256 = |tag: &String| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
        let tag = header("x-linked-etag").or_else(|| header("etag")).filter(is_sha256);
        self.sha256 = self.sha256.take().or(tag);
        self.bytes = header("content-length").and_then(|length| length.parse().ok());
    }

    fn check(&self, bytes: u64, sha256: &str) -> anyhow::Result<()> {
        if let Some(promised) = self.bytes.filter(|promised| *promised != bytes) {
            bail!("{bytes} of {promised} bytes came");
        }
        if self.sha256.as_ref().is_some_and(|promised| !promised.eq_ignore_ascii_case(sha256)) {
            bail!("what came is not what was promised: its SHA-256 is another");
        }
        Ok(())
    }
}

/// Copies what comes to a file: how many bytes, and their SHA-256.
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
