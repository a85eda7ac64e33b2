//! The metadata of a commit.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cluster_address::is_cluster_address;
use super::open_error::OpenError;
use super::read_only::ReadOnly;
use super::schema::FORMAT;
use super::stored_path::{STDIN, base_of, path_of};
use super::{commit_file, lock, schema};
use crate::analyze;
use crate::embed::ModelInfo;
use crate::logistic::Scaling;
use crate::read;

/// The default name of an index directory. It is created in the directory that is indexed.
pub const FOLDER: &str = ".rqsearch";

/// Metadata of an index. It is stored in the commit payload, so it always matches the committed questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The [`FORMAT`] of the version that wrote the index.
    pub format: u32,
    /// The [`VERSION`](crate::analyze::VERSION) of the analysis of the words. 1 in indexes that do not say.
    #[serde(default = "first_analysis")]
    pub analysis: u32,
    /// The model that computed the vectors; `None` in an index without vectors (keywords only).
    pub model: Option<ModelInfo>,
    /// Weight of the semantic retriever in the fused score, 0 to 1, tuned on the corpus itself; `None` if it
    /// was never tuned.
    pub semantic_weight: Option<f32>,
    /// See [`CosineScale`](super::CosineScale); `None` for the built-in model, and if it was never measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f32>,
    /// The number of questions in the index when the weight was tuned.
    pub tuned_on: u64,
    /// Converts the confidence of a hit to a probability; `None` if the index was not calibrated on judged phrases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Scaling>,
    /// The files and directories that were indexed. Paths below the parent of the index directory are stored
    /// relative to it, other paths are absolute. [`STDIN`] is standard input, and
    /// addresses of pages and sitemaps are stored as they are.
    pub roots: Vec<String>,
    /// How to read the files of a root, if not by detection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reading: BTreeMap<String, read::Options>,
}

impl Meta {
    /// Metadata of a new index.
    pub(super) fn new(model: Option<ModelInfo>) -> Self {
        Self {
            format: FORMAT,
            analysis: analyze::VERSION,
            model,
            semantic_weight: None,
            spread: None,
            tuned_on: 0,
            calibration: None,
            roots: Vec::new(),
            reading: BTreeMap::new(),
        }
    }
}

/// The version of the analysis before it was stored.
fn first_analysis() -> u32 {
    1
}

/// The number of elements of the vectors; 0 in an index without vectors.
pub fn dimensions(meta: &Meta) -> usize {
    meta.model.as_ref().map_or(0, |model| model.dimensions)
}

/// Reads the metadata from the last commit.
pub fn read_meta(index: &tantivy::Index, dir: &Path) -> Result<Meta, OpenError> {
    #[derive(Deserialize)]
    struct AnyFormat {
        format: u32,
        #[serde(default = "first_analysis")]
        analysis: u32,
    }
    let metas = index.load_metas().map_err(|source| OpenError::broken(dir, source))?;
    let foreign = || OpenError::Foreign { dir: dir.to_owned() };
    let payload = match metas.payload {
        Some(payload) => payload,
        // The index was created, and the process was killed before the first commit.
        None if metas.segments.is_empty() => return Err(OpenError::Missing { dir: dir.to_owned() }),
        None => return Err(foreign()),
    };
    let AnyFormat { format, analysis } = serde_json::from_str(&payload).map_err(|_| foreign())?;
    if format == FORMAT && analysis != analyze::VERSION {
        return Err(OpenError::Analysis { dir: dir.to_owned(), found: analysis });
    }
    if format != FORMAT || metas.schema != schema::schema().0 {
        return Err(OpenError::Format { dir: dir.to_owned(), found: format });
    }
    serde_json::from_str(&payload).map_err(|_| foreign())
}

/// Makes sure that a directory has a commit of an index.
pub fn ensure_commit(dir: &Path) -> Result<(), OpenError> {
    if dir.join(commit_file::NAME).is_file() {
        return Ok(());
    }
    // What a writer creates before the first commit does not make a directory foreign.
    let is_foreign =
        |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|entry| !lock::is_own_file(&entry.file_name()));
    let occupied = dir.read_dir().is_ok_and(|mut entries| entries.any(is_foreign));
    let is_file = dir.is_file();
    let dir = dir.to_owned();
    Err(if is_file || (occupied && dir.file_name() != Some(FOLDER.as_ref())) {
        OpenError::Foreign { dir }
    } else {
        OpenError::Missing { dir }
    })
}

/// The model and the [roots](super::Index::roots) of an index, which may have damaged segments.
///
/// # Errors
/// See [`OpenError`].
pub fn read_roots(dir: &Path) -> anyhow::Result<(Option<ModelInfo>, Vec<PathBuf>)> {
    if is_cluster_address(dir) {
        #[cfg(feature = "milvus")]
        let meta = super::cluster::Cluster::last_meta(dir)?;
        #[cfg(not(feature = "milvus"))]
        let meta: Meta = Err(OpenError::no_cluster(dir))?;
        let roots = absolute_roots(&meta, dir)?;
        return Ok((meta.model, roots));
    }
    ensure_commit(dir)?;
    let broken = |source| OpenError::broken(dir, source);
    let directory = ReadOnly::open(dir).map_err(|error| broken(error.into()))?;
    let index = tantivy::Index::open(directory).map_err(broken)?;
    let meta = read_meta(&index, dir)?;
    let roots = absolute_roots(&meta, dir)?;
    Ok((meta.model, roots))
}

/// The roots as absolute paths and addresses, without standard input.
pub fn absolute_roots(meta: &Meta, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let base = base_of(dir)?;
    let roots = meta.roots.iter().filter(|root| *root != STDIN);
    let path = |root: &String| {
        if read::is_url(root) { root.into() } else { base.join(path_of(root)) }
    };
    Ok(roots.map(path).collect())
}
