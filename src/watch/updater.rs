//! One update of the index, as `rqsearch index` does it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};

use super::Options;
use crate::embed::{Builtin, Embedder, ModelInfo};
use crate::hint::hinted;
use crate::index::{Build, ContentHashes, OpenError, Problem, Progress, STDIN, Summary, guarded, read_roots};
use crate::read;
use crate::search::retune;

/// Updates an index, and keeps between updates what makes the next one fast.
pub struct Updater {
    options: Options,
    /// The model of the index.
    model: Option<Model>,
    /// The paths to read: those of the options, or those that the index was built from at some time since the start.
    roots: BTreeSet<PathBuf>,
    hashes: ContentHashes,
    /// There is no index yet. The first update creates it.
    is_new: bool,
}

struct Model {
    info: ModelInfo,
    embedder: Box<dyn Embedder>,
}

impl Updater {
    /// # Errors
    /// There is no index, and no path to build it from; the index cannot be opened; its model cannot be loaded; a path is
    /// not on disk; or the index was built from nothing that can be watched.
    pub fn new(options: Options) -> anyhow::Result<Self> {
        let (is_new, model, known) = match read_roots(&options.dir) {
            Ok((model, known)) => (false, model, known),
            Err(error) if is_missing(&error) && !options.paths.is_empty() => {
                (true, Some(Builtin::info().clone()), Vec::new())
            }
            Err(error) => return Err(error),
        };
        let (roots, hashes) = (BTreeSet::new(), ContentHashes::default());
        let mut updater = Self { options, model: None, roots, hashes, is_new };
        updater.load(model)?;
        for path in &updater.options.paths {
            updater.roots.insert(root(path, &known)?);
        }
        updater.remember(known);
        if updater.roots.is_empty() {
            bail!(hinted(
                format!(
                    "the index in {} was built from no file or directory that could be watched",
                    updater.options.dir.display()
                ),
                "name files or directories to index and to watch"
            ));
        }
        Ok(updater)
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The files and directories to read. Those that the index was built from are read from its last commit, unless paths
    /// were named.
    pub fn roots(&mut self) -> Vec<PathBuf> {
        // If the index cannot be read, the next update reports it.
        if let Ok((_, known)) = read_roots(&self.options.dir) {
            self.remember(known);
        }
        self.roots.iter().cloned().collect()
    }

    fn remember(&mut self, known: Vec<PathBuf>) {
        if self.options.paths.is_empty() {
            self.roots.extend(known.into_iter().filter(|path| !is_url(path)));
        }
    }

    /// Updates the index from the roots. Adds what was skipped to `problems`.
    ///
    /// # Errors
    /// Those of [`Build::run`] and [`retune`]; the index is gone; or its new model cannot be loaded.
    pub fn update(
        &mut self,
        cancel: &AtomicBool,
        progress: &Progress,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Summary> {
        let known = self.known()?;
        // The index has forgotten a root that was gone. When it exists again, it is added again.
        let is_usable = |path: &&PathBuf| path.exists() || known.contains(path);
        let paths: Vec<PathBuf> = self.roots.iter().filter(is_usable).cloned().collect();
        let found = Mutex::new(Vec::new());
        let report = |problem: &Problem| {
            found.lock().unwrap_or_else(PoisonError::into_inner).push(problem.clone());
        };
        let Options { dir, missing, threads, .. } = &self.options;
        let embedder = self.model.as_ref().map(|model| &*model.embedder);
        let build = Build {
            missing: *missing,
            embedder,
            threads: *threads,
            problems: &report,
            progress: Some(progress),
            hashes: Some(&self.hashes),
            cancel: Some(cancel),
            ..Build::new(dir, &paths)
        };
        let updated = guarded(dir, || {
            let summary = build.run()?;
            embedder.map_or(Ok(()), |embedder| retune(dir, embedder))?;
            Ok(summary)
        });
        problems.append(&mut found.into_inner().unwrap_or_else(PoisonError::into_inner));
        updated
    }

    /// The roots of the index. Loads its model, which may be another one than before.
    fn known(&mut self) -> anyhow::Result<Vec<PathBuf>> {
        match read_roots(&self.options.dir) {
            Ok((model, known)) => {
                self.is_new = false;
                self.load(model)?;
                Ok(known)
            }
            Err(error) if self.is_new && is_missing(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Loads the model of the index, unless it is loaded already.
    fn load(&mut self, info: Option<ModelInfo>) -> anyhow::Result<()> {
        if self.model.as_ref().map(|model| &model.info) != info.as_ref() {
            self.model = match info {
                Some(info) => Some(Model { embedder: (self.options.load)(&info)?, info }),
                None => None,
            };
        }
        Ok(())
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OpenError::Missing { .. }))
}

fn is_url(path: &Path) -> bool {
    path.to_str().is_some_and(read::is_url)
}

/// The absolute path of a root that the user names. It exists, or the index has questions of it.
fn root(path: &Path, known: &[PathBuf]) -> anyhow::Result<PathBuf> {
    if path == STDIN || is_url(path) {
        bail!(hinted(
            format!("{} cannot be watched: only files and directories can", path.display()),
            format!("`rqsearch index {}` reads it once", path.display())
        ));
    }
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let absolute = std::path::absolute(path).with_context(|| format!("could not find {}", path.display()))?;
    if !known.contains(&absolute) {
        bail!("{} does not exist", path.display());
    }
    Ok(absolute)
}
