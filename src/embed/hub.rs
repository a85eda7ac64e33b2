//! Finds installed models, and downloads others from a hub such as Hugging Face.
//!
//! Each model has a directory in our cache, laid out as on the hub. Models that other programs downloaded
//! into the hub's own cache are found as well.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use ureq::config::Config;
use ureq::http::{Method, Request, Response, Uri};
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

/// The number of attempts to download a file if the network fails and nearly nothing arrives.
const ATTEMPTS: u32 = 3;

/// An attempt that receives this many bytes does not count as failed.
const PROGRESS: u64 = 1 << 20;

/// How long the hub may send nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// The file in the directory of a model that names the commit on the hub.
const COMMIT: &str = ".commit";

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

/// Downloads a model and returns its directory. The directory is created only if the download is complete. A
/// download that was interrupted is resumed, if the hub still has the same commit of the model.
///
/// # Errors
/// - `HF_HUB_OFFLINE` forbids the network.
/// - The hub cannot be reached, sends nothing for a minute, or lacks a required file.
/// - A file does not have the size or hash that the hub announced.
/// - The disk is full.
/// - Another process downloads the same model.
pub fn fetch(entry: &Entry, watcher: &dyn Watcher) -> anyhow::Result<PathBuf> {
    if super::is_offline() {
        bail!("could not download {}: HF_HUB_OFFLINE forbids the network", entry.name);
    }
    let place = place(entry)?;
    let parent = place.parent().context("the cache has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("could not create {}", parent.display()))?;
    let _lock = lock(&parent.join(format!(".part-{}.lock", entry.name)), entry)?;
    let hub = Hub::new();
    let commit = hub.commit(entry)?;
    let part = parent.join(format!(".part-{}", entry.name));
    prepare(&part, commit.as_deref()).with_context(|| format!("could not write {}", part.display()))?;
    let revision = commit.as_deref().unwrap_or("main");
    for file in required(entry) {
        hub.get(entry, revision, file, &part, watcher)?.with_context(|| {
            format!(
                "{} has no {file}, which {} needs\n  \
                 hint: if HF_ENDPOINT is set, check that it is a complete mirror",
                entry.repository, entry.name
            )
        })?;
    }
    let settings: &[&str] = if entry.kind == Kind::Embedding { &SETTINGS } else { &[] };
    for file in TOKENIZER[1..].iter().chain(settings) {
        hub.get(entry, revision, file, &part, watcher)?;
    }
    // An earlier, incomplete download.
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("could not replace {}", place.display()))?;
    }
    fs::rename(&part, &place).with_context(|| format!("could not create {}", place.display()))?;
    Ok(place)
}

/// Locks the download of a model until the returned file is closed.
fn lock(path: &Path, entry: &Entry) -> anyhow::Result<File> {
    let failed = || format!("could not lock {}", path.display());
    let file = File::options().create(true).append(true).open(path).with_context(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another process downloads {}\n  hint: wait until it has finished", entry.name)
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(failed),
    }
}

/// Prepares the directory of a download. Files of another commit are removed, and those of a hub that does not
/// name its commit: they could be of another one.
fn prepare(part: &Path, commit: Option<&str>) -> io::Result<()> {
    let record = part.join(COMMIT);
    let is_same = commit.is_some() && fs::read_to_string(&record).ok().as_deref() == commit;
    if !is_same && part.exists() {
        fs::remove_dir_all(part)?;
    }
    fs::create_dir_all(part)?;
    fs::write(record, commit.unwrap_or_default())
}

/// A hub.
struct Hub {
    agent: Agent,
    address: String,
    token: Option<String>,
    /// How long it may send nothing.
    silence: Duration,
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
        Self { agent: config.into(), address, token: set("HF_TOKEN"), silence: SILENCE }
    }

    /// The commit that `main` names, so that all files are of the same one. `None` if the hub does not say.
    fn commit(&self, entry: &Entry) -> anyhow::Result<Option<String>> {
        let url = format!("{}/{}/resolve/main/{}", self.address, entry.repository, TOKENIZER[0]);
        let (_, announced) = self.request(Method::HEAD, &url, 0).map_err(Failure::into_error)?;
        let is_commit = |commit: &String| {
            (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        Ok(announced.commit.filter(is_commit))
    }

    /// Downloads a file into a directory; `None` if the hub does not have it. A file that is there already is
    /// complete.
    fn get(
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
        let mut attempt = 1;
        loop {
            let before = length(&partial);
            match self.try_get(&url, file, &partial, watcher) {
                Ok(None) => return Ok(None),
                Ok(Some(())) => {
                    fs::rename(&partial, &path)
                        .with_context(|| format!("could not create {}", path.display()))?;
                    return Ok(Some(()));
                }
                Err(Failure::Permanent(error)) => return Err(error),
                Err(Failure::Transient(_)) if length(&partial) >= before + PROGRESS => attempt = 1,
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
        let status = response.status();
        match status.as_u16() {
            404 => return Ok(None),
            401 | 403 => {
                return Err(Failure::Permanent(anyhow::anyhow!(
                    "{url} needs permission\n  \
                     hint: accept the model's terms on its page, and set HF_TOKEN to your token"
                )));
            }
            // The part is as long as the file or longer.
            416 => {
                remove(partial)?;
                return Err(Failure::Transient(anyhow::anyhow!("{url} returned {status}")));
            }
            429 | 500..=599 => return Err(Failure::Transient(anyhow::anyhow!("{url} returned {status}"))),
            _ if !status.is_success() => {
                return Err(Failure::Permanent(anyhow::anyhow!("{url} returned {status}")));
            }
            _ => {}
        }
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
}

/// The length of a file; 0 if there is none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn remove(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| {
        Failure::Permanent(anyhow::Error::new(error).context(format!("could not remove {}", path.display())))
    })
}

/// Whether a response contains a file from byte `have` on. If not, it contains the whole file.
fn is_rest(response: &Response<Body>, have: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|range| range.to_str().ok());
    response.status().as_u16() == 206
        && range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

impl Hub {
    /// Requests a file from byte `have` on, and follows redirects. Returns the last response, and what was
    /// announced.
    fn request(&self, method: Method, url: &str, have: u64) -> Result<(Response<Body>, Announced), Failure> {
        let mut url = url.to_owned();
        let mut announced = Announced::default();
        for _ in 0..=REDIRECTS {
            let mut request = Request::builder().method(&method).uri(&url);
            if have > 0 {
                request = request.header("Range", format!("bytes={have}-"));
            }
            // The token is sent only to the hub, not to the servers that it redirects to.
            if let Some(token) = self.token.as_ref().filter(|_| origin(&url) == origin(&self.address)) {
                request = request.header("Authorization", format!("Bearer {}", token.trim()));
            }
            // Connection errors are not retried: a refused connection will be refused again.
            let request = request.body(()).map_err(|error| {
                Failure::Permanent(anyhow::anyhow!("{url:?} is not a valid address: {error}"))
            })?;
            let response = self.agent.run(request).map_err(|error| {
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

impl Failure {
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Transient(error) | Self::Permanent(error) => error,
        }
    }

    fn context(self, context: String) -> Self {
        match self {
            Self::Transient(error) => Self::Transient(error.context(context)),
            Self::Permanent(error) => Self::Permanent(error.context(context)),
        }
    }
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

/// Appends a download to the first `have` bytes of a file. Returns the size of the file in bytes and its
/// SHA-256.
///
/// # Errors
/// [`Failure::Transient`] if the network fails or nothing arrives for `silence`; [`Failure::Permanent`] if the
/// disk fails.
fn append(
    from: impl Read + Send + 'static,
    path: &Path,
    have: u64,
    silence: Duration,
    watcher: &dyn Watcher,
) -> Result<(u64, String), Failure> {
    let disk = |error: io::Error| {
        Failure::Permanent(anyhow::Error::new(error).context(format!("could not write {}", path.display())))
    };
    let (mut file, mut hasher) = resumed(path, have).map_err(disk)?;
    let mut bytes = have;
    let received = receive(from);
    loop {
        let piece = received.recv_timeout(silence).map_err(|_| {
            Failure::Transient(anyhow::anyhow!("nothing arrived for {} seconds", silence.as_secs()))
        })?;
        let piece = piece.map_err(|error| Failure::Transient(error.into()))?;
        if piece.is_empty() {
            file.sync_all().map_err(disk)?;
            return Ok((bytes, hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()));
        }
        file.write_all(&piece).map_err(disk)?;
        hasher.update(&piece);
        bytes += piece.len() as u64;
        watcher.more(piece.len() as u64);
    }
}

/// Opens a file to continue after its first `have` bytes, and hashes these.
fn resumed(path: &Path, have: u64) -> io::Result<(File, Sha256)> {
    let mut file = File::options().create(true).read(true).write(true).truncate(false).open(path)?;
    file.set_len(have)?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((file, hasher)),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Reads on a thread of its own, because a read cannot be given a time limit. The last piece is empty. If the
/// receiver is dropped, the thread ends with its next read.
fn receive(mut from: impl Read + Send + 'static) -> Receiver<io::Result<Vec<u8>>> {
    let (piece, received) = sync_channel(4);
    std::thread::spawn(move || {
        loop {
            let mut buffer = vec![0; 64 << 10];
            let read = from.read(&mut buffer).map(|length| {
                buffer.truncate(length);
                buffer
            });
            let is_last = read.as_ref().map_or(true, Vec::is_empty);
            if piece.send(read).is_err() || is_last {
                return;
            }
        }
    });
    received
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    struct Silent;

    impl Watcher for Silent {
        fn begins(&self, _: &str, _: Option<u64>) {}

        fn more(&self, _: u64) {}
    }

    /// Returns one piece, and then waits until the sender of the channel is dropped.
    struct Stalling(Option<&'static [u8]>, Receiver<()>);

    impl Read for Stalling {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.take() else {
                _ = self.1.recv();
                return Ok(0);
            };
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn stalling(piece: &'static [u8]) -> (Sender<()>, Stalling) {
        let (go, wait) = std::sync::mpsc::channel();
        (go, Stalling(Some(piece), wait))
    }

    #[test]
    fn a_download_that_stalls_ends_and_is_resumed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx.partial");
        let (_go, body) = stalling(b"first ");
        let stalled = append(body, &path, 0, Duration::from_millis(20), &Silent);
        assert!(
            matches!(stalled, Err(Failure::Transient(error)) if error.to_string().contains("nothing arrived"))
        );
        assert_eq!(length(&path), 6);
        let (bytes, sha256) = append(&b"second"[..], &path, 6, SILENCE, &Silent).ok().unwrap();
        assert_eq!((bytes, fs::read_to_string(&path).unwrap().as_str()), (12, "first second"));
        let expected = Sha256::digest("first second");
        assert_eq!(sha256, expected.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        // A server that ignores the range sends the whole file.
        append(&b"all"[..], &path, 0, SILENCE, &Silent).ok().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "all");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_not_tried_again() {
        let full = append(&b"x"[..], Path::new("/dev/full"), 0, SILENCE, &Silent);
        assert!(matches!(full, Err(Failure::Permanent(_))));
    }

    #[test]
    fn only_a_download_of_the_same_commit_is_continued() {
        let dir = tempfile::tempdir().unwrap();
        let part = dir.path().join(".part-m");
        let kept = |commit: Option<&str>| {
            prepare(&part, commit).unwrap();
            let kept = part.join("model.onnx.partial").exists();
            fs::write(part.join("model.onnx.partial"), "x").unwrap();
            kept
        };
        assert!(!kept(Some("0123456789")));
        assert!(kept(Some("0123456789")));
        assert!(!kept(Some("abcdef0123")));
        assert!(!kept(None));
        assert!(!kept(None));
    }
}
