//! An index and its model that stay open, for programs that search more than once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use std::{fs, io};

use crate::duplicates::{Found, check};
use crate::embed::{self, Builtin, Embedder, Loading, ModelInfo, Prepare};
use crate::index::{Build, Index, OpenError, Problem};
use crate::search::{Query, Results, retune, search};

/// How long a commit may go unnoticed.
const NOTICED_WITHIN: Duration = Duration::from_millis(100);

/// An index with the model that its phrases are embedded by, as one commit left it.
pub struct Opened {
    /// The index.
    pub index: Index,
    /// Its model; `None` in an index of words only.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// What `meta.json` held when the index was opened.
    commit: Vec<u8>,
}

impl Opened {
    /// Finds the questions a phrase is about, best first.
    ///
    /// # Errors
    /// Those of [`search`](search()).
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        search(&self.index, self.embedder.as_deref(), query)
    }

    /// The questions that a phrase repeats with at least this probability, likeliest first.
    ///
    /// # Errors
    /// Those of [`check`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        check(&self.index, self.embedder.as_deref(), phrase, threshold)
    }
}

/// Loads the model that an index names.
type LoadModel = dyn Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync;

/// An index that stays open, from as many threads as like: each search sees the last commit there is
/// when it begins.
pub struct Engine {
    /// Where the index lies; `None` where it is in memory and stays as it is.
    dir: Option<PathBuf>,
    load: Box<LoadModel>,
    opened: RwLock<Arc<Opened>>,
    looked: Mutex<Instant>,
}

impl Engine {
    /// Opens the index in a folder, and loads its model.
    ///
    /// # Errors
    /// See [`OpenError`] and [`embed::open`].
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        Self::open_with(dir, load_model)
    }

    /// Brings the index in a folder up to date with files and folders, as `rqsearch index` does, and opens
    /// it: made with its own model, or a new one with the built-in. `problems` hears of every record and
    /// file that had to be skipped.
    ///
    /// [`Build`] is the same with more to choose from, and tells what it did.
    ///
    /// # Errors
    /// Those of [`Build::run`], [`retune`] and [`open`](Self::open).
    pub fn build(dir: &Path, paths: &[PathBuf], problems: impl Fn(&Problem) + Sync) -> anyhow::Result<Self> {
        let embedder = match Index::open(dir) {
            Ok(index) => index.meta().model.as_ref().map(load_model).transpose()?,
            Err(OpenError::Missing { .. }) => Some(load_model(Builtin::info())?),
            Err(error) => return Err(error.into()),
        };
        let embedder = embedder.as_deref();
        Build { embedder, problems: &problems, ..Build::new(dir, paths) }.run()?;
        if let Some(embedder) = embedder {
            retune(dir, embedder)?;
        }
        Self::open(dir)
    }

    /// Opens the index in a folder whose model is loaded in a way of its own: one that this crate does not
    /// know, or one that is no longer where it was. `load` gets what the index says of its model, now and
    /// after every commit by another model.
    ///
    /// # Errors
    /// See [`OpenError`]; those of `load`.
    pub fn open_with(
        dir: &Path,
        load: impl Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let commit = commit(dir).unwrap_or_default();
        Self::new(Some(dir.to_owned()), Index::open(dir)?, commit, Box::new(load))
    }

    /// The index inside the program, or one in memory.
    ///
    /// # Errors
    /// See [`embed::open`].
    pub fn fixed(index: Index) -> anyhow::Result<Self> {
        Self::new(None, index, Vec::new(), Box::new(load_model))
    }

    fn new(
        dir: Option<PathBuf>,
        index: Index,
        commit: Vec<u8>,
        load: Box<LoadModel>,
    ) -> anyhow::Result<Self> {
        let embedder = index.meta().model.as_ref().map(&load).transpose()?.map(Arc::from);
        let opened = RwLock::new(Arc::new(Opened { index, embedder, commit }));
        Ok(Self { dir, load, opened, looked: Mutex::new(Instant::now()) })
    }

    /// Finds the questions a phrase is about, best first, in the last commit there is.
    ///
    /// # Errors
    /// Those of [`current`](Self::current) and [`search`](search()).
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        self.current()?.search(query)
    }

    /// The questions that a phrase repeats with at least this probability, likeliest first, in the last
    /// commit there is.
    ///
    /// # Errors
    /// Those of [`current`](Self::current) and [`check`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        self.current()?.check(phrase, threshold)
    }

    /// The index as the last commit left it, with its model. What is held stays as it is.
    ///
    /// # Errors
    /// There is a new commit and it cannot be opened, or its model cannot be loaded; the next call tries
    /// again.
    pub fn current(&self) -> anyhow::Result<Arc<Opened>> {
        let opened = self.held();
        let Some(dir) = self.dir.as_deref().filter(|_| self.is_time_to_look()) else {
            return Ok(opened);
        };
        match commit(dir) {
            Ok(commit) if commit != opened.commit => self.renew(dir, &opened, commit),
            // Gone, or being replaced: what is open can be searched on.
            _ => Ok(opened),
        }
    }

    fn renew(&self, dir: &Path, old: &Opened, commit: Vec<u8>) -> anyhow::Result<Arc<Opened>> {
        let index = Index::open(dir)?;
        let embedder = match &index.meta().model {
            None => None,
            same if *same == old.index.meta().model => old.embedder.clone(),
            Some(model) => Some(Arc::from((self.load)(model)?)),
        };
        let opened = Arc::new(Opened { index, embedder, commit });
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&opened);
        Ok(opened)
    }

    fn held(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this call is the one that looks for a new commit.
    fn is_time_to_look(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.elapsed() >= NOTICED_WITHIN;
        if due {
            *looked = Instant::now();
        }
        due
    }
}

fn load_model(model: &ModelInfo) -> anyhow::Result<Box<dyn Embedder>> {
    embed::open(model, None, Loading::new(Prepare::Many))
}

/// What names the last commit of an index: tantivy replaces the file as a whole.
fn commit(dir: &Path) -> io::Result<Vec<u8>> {
    fs::read(dir.join("meta.json"))
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn a_new_commit_is_seen_and_what_is_held_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (file, index) = (dir.path().join("faq.md"), dir.path().join("index"));
        let build = |text: &str| {
            fs::write(&file, text).unwrap();
            Engine::build(&index, std::slice::from_ref(&file), |problem| panic!("{problem}")).unwrap()
        };
        let engine = build("## How long must dough rise?\n\nUntil it has doubled.\n");
        let before = engine.current().unwrap();
        build("## How long must dough rise?\n\nAn hour.\n\n## Why wax a rope?\n\nIt lasts.\n");
        sleep(NOTICED_WITHIN);
        let query = Query::plain("why is rope waxed");
        assert_eq!(
            engine.current().unwrap().search(&query).unwrap().hits[0].question.title,
            "Why wax a rope?"
        );
        assert_eq!(before.index.question_count().unwrap(), 1);
        // An index that is taken away can be searched on.
        fs::remove_dir_all(&index).unwrap();
        sleep(NOTICED_WITHIN);
        assert_eq!(engine.current().unwrap().index.question_count().unwrap(), 2);
    }
}
