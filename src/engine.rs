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

/// A new commit is noticed after this time at most.
const NOTICED_WITHIN: Duration = Duration::from_millis(100);

/// An index as one commit left it, with its model.
pub struct Opened {
    /// The index.
    pub index: Index,
    /// Its model; `None` if the index has keywords only, or its model is [not approved](Self::not_approved).
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Why the index is searched by keywords although it has vectors: its model is behind an endpoint that the
    /// user has not approved.
    pub not_approved: Option<NotApproved>,
    /// What `meta.json` held when the index was opened.
    commit: Vec<u8>,
}

impl Opened {
    /// Finds the questions that a phrase is about, best first.
    ///
    /// # Errors
    /// Those of [`search`](search()) and [`possible`](Self::possible).
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        let results = search(&self.index, self.embedder.as_deref(), self.possible(query)?.as_ref())?;
        Ok(Results { notice: self.notice(), ..results })
    }

    /// Why the index is searched by keywords only although it has vectors, for people.
    pub fn notice(&self) -> Option<String> {
        self.not_approved.as_ref().map(keywords_only)
    }

    /// The query that can be answered: the query itself, or the same in [`Mode::Keyword`] if the model is
    /// [not approved](Self::not_approved).
    ///
    /// # Errors
    /// [`NotApproved`], if the query insists on [`Mode::Semantic`].
    pub fn possible<'a>(&self, query: &'a Query) -> Result<Cow<'a, Query>, NotApproved> {
        possible(query, self.not_approved.as_ref())
    }

    /// The questions that a phrase repeats with at least this probability, the most probable first. Without a
    /// model, only literal repeats are found.
    ///
    /// # Errors
    /// Those of [`check`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        check(&self.index, self.embedder.as_deref(), phrase, threshold)
    }
}

/// What to say where an index is searched by keywords only because its model is not approved.
pub fn keywords_only(reason: &NotApproved) -> String {
    format!("searching by keywords only: {reason}")
}

/// The query that can be answered without a model that is not approved: see [`Opened::possible`].
///
/// # Errors
/// [`NotApproved`], if the query insists on [`Mode::Semantic`].
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

/// Loads the model that an index names.
type LoadModel = dyn Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync;

/// An index that stays open and is searched from any number of threads. Each search sees the last commit before
/// it began, or one that is 100 ms older.
pub struct Engine {
    /// The index's directory; `None` for an index in memory, which does not change.
    dir: Option<PathBuf>,
    load: Box<LoadModel>,
    opened: RwLock<Arc<Opened>>,
    looked: Mutex<Instant>,
}

impl Engine {
    /// Opens the index in a directory, and loads its model. If that is behind an endpoint that the user has not
    /// approved, the index is searched by keywords: see [`Opened::not_approved`].
    ///
    /// # Errors
    /// See [`OpenError`] and [`embed::open`].
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        Self::open_with(dir, load_model)
    }

    /// Updates the index in a directory from files and directories of questions, as `rqsearch index` does, and
    /// opens it. A new index gets the built-in model. `problems` is called with every record and file that is
    /// skipped.
    ///
    /// [`Build`] has more options, and returns a summary.
    ///
    /// # Errors
    /// Those of [`Build::run`], [`retune`] and [`open`](Self::open).
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

    /// Opens the index in a directory, and loads its model with `load`: for a model that this crate does not know,
    /// or one that has moved. `load` is called with the index's description of the model, now and after a commit
    /// with another model. If it fails with [`NotApproved`], the index is searched by keywords.
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

    /// Uses the index inside the program, or one in memory.
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
        Ok(Self { dir, load, opened, looked: Mutex::new(Instant::now()) })
    }

    /// Finds the questions that a phrase is about, best first, in the [current](Self::current) commit.
    ///
    /// # Errors
    /// Those of [`current`](Self::current) and [`Opened::search`].
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        self.current()?.search(query)
    }

    /// The questions of the [current](Self::current) commit that a phrase repeats with at least this probability,
    /// the most probable first.
    ///
    /// # Errors
    /// Those of [`current`](Self::current) and [`Opened::check`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        self.current()?.check(phrase, threshold)
    }

    /// The index as the last commit left it, with its model. Later commits do not change what is returned.
    ///
    /// # Errors
    /// A new commit cannot be opened, or its model cannot be loaded; a later call tries again.
    pub fn current(&self) -> anyhow::Result<Arc<Opened>> {
        let opened = self.held();
        let Some(dir) = self.dir.as_deref().filter(|_| self.is_time_to_look()) else {
            return Ok(opened);
        };
        match commit(dir) {
            Ok(commit) if commit != opened.commit => self.renew(dir, &opened, commit),
            // The index is gone or being replaced: what is open can still be searched.
            _ => Ok(opened),
        }
    }

    fn renew(&self, dir: &Path, old: &Opened, commit: Vec<u8>) -> anyhow::Result<Arc<Opened>> {
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

    fn held(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it is time to look for a new commit: true for one call in [`NOTICED_WITHIN`].
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
    embed::open(model, None, Loading::interactive())
}

/// The same for indexing, where nobody waits for a single text.
fn batch_model(model: &ModelInfo) -> anyhow::Result<Box<dyn Embedder>> {
    embed::open(model, None, Loading::new(Prepare::Many))
}

/// The model of an index, if it has one, or why it must not be used.
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

/// What identifies the last commit of an index: tantivy replaces this file as a whole.
fn commit(dir: &Path) -> io::Result<Vec<u8>> {
    fs::read(dir.join("meta.json"))
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn a_new_commit_is_seen_and_an_older_one_can_still_be_searched() {
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
        // So can one whose directory is gone.
        fs::remove_dir_all(&index).unwrap();
        sleep(NOTICED_WITHIN);
        assert_eq!(engine.current().unwrap().index.question_count().unwrap(), 2);
    }
}
