//! Finds installed models, and downloads others from a hub such as Hugging Face.
//!
//! Each model has a directory in our cache, laid out as on the hub. Models that other programs downloaded
//! into the hub's own cache are found as well.

mod client;
mod failure;
mod fetch;
mod file;

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use super::catalogue::Entry;
use super::onnx::folder::ModelFolder;
use crate::hint::hinted;
pub use fetch::fetch;

/// The files of a tokenizer. The first is required, the others are optional.
const TOKENIZER: [&str; 4] =
    ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json"];

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
        dirs::cache_dir().context(hinted("could not find a cache directory", "set RQSEARCH_CACHE to one"))?;
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

impl Entry {
    /// The local directory of the model.
    ///
    /// # Errors
    /// The model is not installed. The message says how to install it.
    pub fn folder(&self) -> anyhow::Result<ModelFolder> {
        let path = find(self).with_context(|| {
            hinted(
                format!("the model {} is not installed", self.name),
                format!("`rqsearch models fetch {}` downloads it (about {} MB)", self.name, self.megabytes),
            )
        })?;
        Ok(ModelFolder { path, name: self.name.to_owned(), graph: self.file.to_owned(), output: self.output })
    }
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
