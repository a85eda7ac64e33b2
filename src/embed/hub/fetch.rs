//! Downloads a model.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::client::Hub;
use super::{TOKENIZER, Watcher, place, required};
use crate::embed::catalogue::{Entry, Kind};
use crate::embed::is_offline;
use crate::hint::hinted;

/// Optional files with settings for embedding (pooling, prompts, maximum length).
const SETTINGS: [&str; 3] =
    ["1_Pooling/config.json", "config_sentence_transformers.json", "sentence_bert_config.json"];

/// The file in the directory of a model that names the commit on the hub.
const COMMIT: &str = ".commit";

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
    if is_offline() {
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
            hinted(
                format!("{} has no {file}, which {} needs", entry.repository, entry.name),
                "if HF_ENDPOINT is set, check that it is a complete mirror",
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
            bail!(hinted(format!("another process downloads {}", entry.name), "wait until it has finished"))
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

#[cfg(test)]
mod tests {
    use super::*;

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
