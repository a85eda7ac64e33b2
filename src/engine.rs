//! An index and its model, kept open for programs that search more than once.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use std::{fs, io};

use crate::duplicates::{Found, check};
use crate::embed::{self, Builtin, Embedder, Loading, ModelInfo, NotApproved, Prepare};
use crate::index::{Build, Index, OpenError, Problem};
use crate::search::{Mode, Query, Results, retune, search};

/// How often the engine checks for a new commit.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// An index at one commit, with its model.
pub struct Opened {
    /// The index.
    pub index: Index,
    /// The model. `None` if the index has no vectors, or if its model is [not approved](Self::not_approved).
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Set if the model is at an endpoint that the user has not approved. Only keyword search is possible
    /// then, although the index has vectors.
    pub not_approved: Option<NotApproved>,
    /// The contents of `meta.json` when the index was opened.
    commit: Vec<u8>,
}

impl Opened {
    /// Finds the questions that match a phrase, best first.
    ///
    /// # Errors
    /// Returns the errors of [`search`](search()) and [`possible`](Self::possible).
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        let results = search(&self.index, self.embedder.as_deref(), self.possible(query)?.as_ref())?;
        Ok(Results { notice: self.notice().or(results.notice), ..results })
    }

    /// A message for people that explains why only keyword search is possible, if the model is
    /// [not approved](Self::not_approved).
    pub fn notice(&self) -> Option<String> {
        self.not_approved.as_ref().map(keywords_only)
    }

    /// Returns the query, or the same query in [`Mode::Keyword`] if it is hybrid and the model is
    /// [not approved](Self::not_approved).
    ///
    /// # Errors
    /// Returns [`NotApproved`] if the model is not approved and the query requires [`Mode::Semantic`].
    pub fn possible<'a>(&self, query: &'a Query) -> Result<Cow<'a, Query>, NotApproved> {
        possible(query, self.not_approved.as_ref())
    }

    /// Finds the questions that ask the same as a phrase with at least the probability `threshold`, most
    /// probable first. Without a model, only exact duplicates and repeats are found.
    ///
    /// # Errors
    /// Returns the errors of [`check`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        check(&self.index, self.embedder.as_deref(), phrase, threshold)
    }
}

/// The message that only keyword search is possible because the model is not approved.
pub fn keywords_only(reason: &NotApproved) -> String {
    format!("using keyword search only: {reason}")
}

/// Returns the query, or the same query in [`Mode::Keyword`] if it is hybrid and the model is not approved.
/// See [`Opened::possible`].
///
/// # Errors
/// Returns [`NotApproved`] if the model is not approved and the query requires [`Mode::Semantic`].
pub fn possible<'a>(
    query: &'a Query,
    not_approved: Option<&NotApproved>,
) -> Result<Cow<'a, Query>, NotApproved> {
    match (not_approved, query.mode) {
        (None, _) | (_, Mode::Keyword) => Ok(Cow::Borrowed(query)),
        (Some(reason), Mode::Semantic) => Err(reason.clone()),
        (Some(_), Mode::Hybrid) => Ok(Cow::Owned(Query { mode: Mode::Keyword, ..query.clone() })),
    }
}

/// Loads the model that an index was built with.
type LoadModel = dyn Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync;

/// An open index that any number of threads can search at once. A search sees a new commit at most 100 ms
/// after it was made.
pub struct Engine {
    /// The directory of the index. `None` for an index in memory, which does not change.
    dir: Option<PathBuf>,
    load: Box<LoadModel>,
    opened: RwLock<Arc<Opened>>,
    last_check: Mutex<Instant>,
}

impl Engine {
    /// Opens the index in a directory and loads its model. If the model is at an endpoint that the user has
    /// not approved, only keyword search is possible: see [`Opened::not_approved`].
    ///
    /// # Errors
    /// See [`OpenError`] and [`embed::open`].
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        Self::open_with(dir, load_model)
    }

    /// Updates the index in a directory from files and directories of questions, like `rqsearch index`, and
    /// opens it. If there is no index, creates one with the built-in model. `problems` is called for each
    /// record and file that is skipped.
    ///
    /// [`Build`] has more options and returns a summary.
    ///
    /// # Errors
    /// Returns the errors of [`Build::run`], [`retune`] and [`open`](Self::open).
    pub fn build(dir: &Path, paths: &[PathBuf], problems: impl Fn(&Problem) + Sync) -> anyhow::Result<Self> {
        let embedder = match Index::open(dir) {
            Ok(index) => index.meta().model.as_ref().map(batch_model).transpose()?,
            Err(OpenError::Missing { .. }) => Some(batch_model(Builtin::info())?),
            Err(error) => return Err(error.into()),
        };
        let embedder = embedder.as_deref();
        Build { embedder, problems: &problems, ..Build::new(dir, paths) }.run()?;
        if let Some(embedder) = embedder {
            retune(dir, embedder)?;
        }
        Self::open(dir)
    }

    /// Opens the index in a directory and loads its model with `load`. Use this for a model that is not
    /// supported by this crate or that has moved. `load` is called with the index's description of the model,
    /// now and after each commit with another model. If it fails with [`NotApproved`], only keyword search is
    /// possible.
    ///
    /// # Errors
    /// Returns [`OpenError`] and the errors of `load`.
    pub fn open_with(
        dir: &Path,
        load: impl Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let commit = commit(dir).unwrap_or_default();
        Self::new(Some(dir.to_owned()), Index::open(dir)?, commit, Box::new(load))
    }

    /// Uses an index that does not change: the built-in one or one in memory.
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
        let (embedder, not_approved) = loaded(&index, &load)?;
        let opened = RwLock::new(Arc::new(Opened { index, embedder, not_approved, commit }));
        Ok(Self { dir, load, opened, last_check: Mutex::new(Instant::now()) })
    }

    /// Finds the questions that match a phrase, best first, in the [current](Self::current) commit.
    ///
    /// # Errors
    /// Returns the errors of [`current`](Self::current) and [`Opened::search`].
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        self.current()?.search(query)
    }

    /// Finds the questions of the [current](Self::current) commit that ask the same as a phrase with at least
    /// the probability `threshold`, most probable first.
    ///
    /// # Errors
    /// Returns the errors of [`current`](Self::current) and [`Opened::check`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        self.current()?.check(phrase, threshold)
    }

    /// The index at the last commit, with its model. Later commits do not change the returned value.
    ///
    /// # Errors
    /// A new commit cannot be opened or its model cannot be loaded. A later call tries again.
    pub fn current(&self) -> anyhow::Result<Arc<Opened>> {
        let opened = self.opened();
        let Some(dir) = self.dir.as_deref().filter(|_| self.is_check_due()) else {
            return Ok(opened);
        };
        match commit(dir) {
            Ok(commit) if commit != opened.commit => self.reopen(dir, &opened, commit),
            // The index was deleted or is being replaced. The open one can still be searched.
            _ => Ok(opened),
        }
    }

    fn reopen(&self, dir: &Path, old: &Opened, commit: Vec<u8>) -> anyhow::Result<Arc<Opened>> {
        let index = Index::open(dir)?;
        let is_loaded = old.embedder.is_some() && index.meta().model == old.index.meta().model;
        let (embedder, not_approved) = match is_loaded {
            true => (old.embedder.clone(), None),
            false => loaded(&index, &self.load)?,
        };
        let opened = Arc::new(Opened { index, embedder, not_approved, commit });
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&opened);
        Ok(opened)
    }

    fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether to check for a new commit: true for one call per [`CHECK_INTERVAL`].
    fn is_check_due(&self) -> bool {
        let mut last_check = self.last_check.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last_check.elapsed() >= CHECK_INTERVAL;
        if due {
            *last_check = Instant::now();
        }
        due
    }
}

fn load_model(model: &ModelInfo) -> anyhow::Result<Box<dyn Embedder>> {
    embed::open(model, None, Loading::interactive())
}

/// Loads a model for indexing, which embeds many texts.
fn batch_model(model: &ModelInfo) -> anyhow::Result<Box<dyn Embedder>> {
    embed::open(model, None, Loading::new(Prepare::Many))
}

/// The model of an index, or the reason why it must not be used. Both are `None` if the index has no vectors.
type Loaded = (Option<Arc<dyn Embedder>>, Option<NotApproved>);

fn loaded(index: &Index, load: &LoadModel) -> anyhow::Result<Loaded> {
    let Some(model) = &index.meta().model else {
        return Ok((None, None));
    };
    match load(model) {
        Ok(embedder) => Ok((Some(Arc::from(embedder)), None)),
        Err(error) => Ok((None, Some(error.downcast::<NotApproved>()?))),
    }
}

/// The contents of `meta.json`, which identify the last commit of an index. Tantivy replaces this file
/// atomically.
fn commit(dir: &Path) -> io::Result<Vec<u8>> {
    fs::read(dir.join("meta.json"))
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn a_new_commit_is_searched_and_an_old_one_stays_usable() {
        let dir = tempfile::tempdir().unwrap();
        let (file, index) = (dir.path().join("faq.md"), dir.path().join("index"));
        let build = |text: &str| {
            fs::write(&file, text).unwrap();
            Engine::build(&index, std::slice::from_ref(&file), |problem| panic!("{problem}")).unwrap()
        };
        let engine = build("## How long must dough rise?\n\nUntil it has doubled.\n");
        let before = engine.current().unwrap();
        build("## How long must dough rise?\n\nAn hour.\n\n## Why wax a rope?\n\nIt lasts.\n");
        sleep(CHECK_INTERVAL);
        let query = Query::plain("why is rope waxed");
        assert_eq!(
            engine.current().unwrap().search(&query).unwrap().hits[0].question.title,
            "Why wax a rope?"
        );
        assert_eq!(before.index.question_count().unwrap(), 1);
        // An index stays usable after its directory is deleted.
        fs::remove_dir_all(&index).unwrap();
        sleep(CHECK_INTERVAL);
        assert_eq!(engine.current().unwrap().index.question_count().unwrap(), 2);
    }
}
