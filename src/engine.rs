//! An index and its model, kept open for programs that search more than once.

mod opened;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;

use crate::curation::{Curation, CurationError, CurationFiles, CurationStamp};
use crate::duplicates::Found;
use crate::embed::{self, Builtin, Embedder, Loading, ModelInfo, NotApproved, Prepare};
use crate::index::{Build, Index, OpenError, Problem, is_cluster_address};
use crate::regular_file;
use crate::search::{Query, Results, retune};

pub use opened::{Opened, keywords_only, possible};

/// How often the engine checks for a new commit.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The same for an index in a cluster, where a check is a request.
const CLUSTER_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// How long the engine waits before it tries again to open a commit that could not be opened.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Loads the model that an index was built with.
type LoadModel = dyn Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync;

/// An open index that any number of threads can search at once. A search sees a new commit, or new
/// [synonyms and pins](crate::curation), at most 100 ms after it was made and opened. While one thread opens a commit and loads its model, the others use the
/// previous one. They also do if the commit cannot be used; see [`Engine::failure`].
pub struct Engine {
    /// The directories of the index. Empty for an index in memory, which does not change.
    dirs: Vec<PathBuf>,
    load: Box<LoadModel>,
    opened: RwLock<Arc<Opened>>,
    last_check: Mutex<Instant>,
    /// Locked by the thread that opens a new commit.
    renewal: Mutex<()>,
    failure: RwLock<Option<Arc<Failure>>>,
    curation_files: CurationFiles,
    /// The state of these files when they were read.
    curation_stamp: Mutex<CurationStamp>,
    curation_failure: RwLock<Option<Arc<CurationError>>>,
}

/// Why the last commit of an index is not used.
pub struct Failure {
    /// The error of the last attempt to open the commit or to load its model.
    pub error: anyhow::Error,
    /// When the first attempt for this commit failed.
    pub since: SystemTime,
    /// The contents of `meta.json` of the commit.
    commit: Vec<u8>,
    tried: Instant,
}

impl Engine {
    /// Opens the index in a directory and loads its model. If the model is at an endpoint that the user has
    /// not approved, only keyword search is possible: see [`Opened::not_approved`].
    ///
    /// # Errors
    /// See [`OpenError`], [`CurationError`] and [`embed::open`].
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
    /// Returns [`OpenError`], [`CurationError`] and the errors of `load`.
    pub fn open_with(
        dir: &Path,
        load: impl Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        Self::open_several_with(&[dir.to_owned()], load)
    }

    /// Opens the indexes in several directories as one (see [`Index::open_several`]), and loads their model with `load`,
    /// as [`open_with`](Self::open_with) does. A commit of any of them is seen.
    ///
    /// # Errors
    /// Returns [`OpenError`] and the errors of `load`.
    ///
    /// # Panics
    /// There is no directory.
    pub fn open_several_with(
        dirs: &[PathBuf],
        load: impl Fn(&ModelInfo) -> anyhow::Result<Box<dyn Embedder>> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let before = commits(dirs).unwrap_or_default();
        let index = Index::open_several(dirs)?;
        let commit = commit_in_cluster(&index).unwrap_or(before);
        Self::new(dirs.to_vec(), index, commit, Box::new(load))
    }

    /// Opens the indexes in several directories as one (see [`Index::open_several`]), and loads their model.
    ///
    /// # Errors
    /// See [`OpenError`] and [`embed::open`].
    ///
    /// # Panics
    /// There is no directory.
    pub fn open_several(dirs: &[PathBuf]) -> anyhow::Result<Self> {
        Self::open_several_with(dirs, load_model)
    }

    /// Uses an index that does not change: the built-in one or one in memory.
    ///
    /// # Errors
    /// See [`embed::open`].
    pub fn fixed(index: Index) -> anyhow::Result<Self> {
        Self::new(Vec::new(), index, Vec::new(), Box::new(load_model))
    }

    fn new(dirs: Vec<PathBuf>, index: Index, commit: Vec<u8>, load: Box<LoadModel>) -> anyhow::Result<Self> {
        let curation_files = CurationFiles::default();
        let curation_stamp = Mutex::new(curation_files.stamp(only(&dirs)));
        let index = index.with_curation(curation_files.read(only(&dirs))?);
        let (embedder, not_approved) = loaded(&index, &load)?;
        Ok(Self {
            dirs,
            load,
            opened: RwLock::new(Arc::new(Opened { index, embedder, not_approved, commit })),
            last_check: Mutex::new(Instant::now()),
            renewal: Mutex::default(),
            failure: RwLock::default(),
            curation_files,
            curation_stamp,
            curation_failure: RwLock::default(),
        })
    }

    /// Uses these files of synonyms and pins instead of those in the index directory. A file that changes later is read
    /// again.
    ///
    /// # Errors
    /// See [`CurationFiles::read`].
    pub fn with_curation(self, files: CurationFiles) -> Result<Self, CurationError> {
        let stamp = files.stamp(self.dir());
        let curation = files.read(self.dir())?;
        self.set_curation(curation);
        Ok(Self { curation_files: files, curation_stamp: Mutex::new(stamp), ..self })
    }

    /// The directory of the index. `None` for an index that does not change, and for several indexes.
    pub fn dir(&self) -> Option<&Path> {
        only(&self.dirs)
    }

    /// Finds the questions that match a phrase, best first, in the [current](Self::current) commit.
    ///
    /// # Errors
    /// Returns the errors of [`Opened::search`].
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        self.current()?.search(query)
    }

    /// Finds the questions of the [current](Self::current) commit that ask the same as a phrase with at least
    /// the probability `threshold`, most probable first.
    ///
    /// # Errors
    /// Returns the errors of [`Opened::check`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        self.current()?.check(phrase, threshold)
    }

    /// The index at the last commit that could be opened, with its model. Later commits do not change the
    /// returned value.
    ///
    /// # Errors
    /// None at present. If a new commit cannot be opened or its model cannot be loaded, the previous commit is
    /// returned, [`failure`](Self::failure) tells why, and a later call tries again.
    pub fn current(&self) -> anyhow::Result<Arc<Opened>> {
        if !self.is_check_due() {
            return Ok(self.opened());
        }
        let _renewing = match self.renewal.try_lock() {
            Ok(renewing) => renewing,
            Err(TryLockError::Poisoned(renewing)) => renewing.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(self.opened()),
        };
        if !self.dirs.is_empty() {
            self.renew_commit();
        }
        self.renew_curation();
        Ok(self.opened())
    }

    fn renew_commit(&self) {
        let opened = self.opened();
        match last_commit(&self.dirs, &opened.index) {
            Ok(commit) if commit == opened.commit => self.set_failure(None),
            Ok(commit) if self.is_retry_due(&commit) => match self.reopen(&opened, commit.clone()) {
                Ok(()) => self.set_failure(None),
                Err(error) => self.record_failure(error, commit),
            },
            Ok(_) => {}
            // The index was deleted or is being replaced. The open one can still be searched.
            Err(error) => {
                self.record_failure(error, Vec::new());
            }
        }
    }

    /// Reads the synonyms and pins again if their files may have changed. If they cannot be read, the last ones stay.
    fn renew_curation(&self) {
        let stamp = self.curation_files.stamp(self.dir());
        let mut last = self.curation_stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if !stamp.may_differ(&last) {
            return;
        }
        *last = stamp;
        let failure = match self.curation_files.read(self.dir()) {
            Ok(curation) => {
                self.set_curation(curation);
                None
            }
            Err(error) => Some(Arc::new(error)),
        };
        *self.curation_failure.write().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Replaces the synonyms and pins, if they are other ones.
    fn set_curation(&self, curation: Curation) {
        let old = self.opened();
        let known = old.index.curation();
        if known.synonyms == curation.synonyms && known.pins == curation.pins {
            return;
        }
        let opened = Opened {
            index: old.index.clone().with_curation(curation),
            embedder: old.embedder.clone(),
            not_approved: old.not_approved.clone(),
            commit: old.commit.clone(),
        };
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(opened);
    }

    /// Why the synonyms and pins are not those of the files, if that is so. Searches use those that were read before.
    pub fn curation_failure(&self) -> Option<Arc<CurationError>> {
        self.curation_failure.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the last commit is not used, if that is so: it cannot be opened, or its model cannot be loaded.
    /// Searches use the commit before it. [`current`](Self::current) tries it again every two seconds.
    pub fn failure(&self) -> Option<Arc<Failure>> {
        self.failure.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_failure(&self, failure: Option<Failure>) {
        *self.failure.write().unwrap_or_else(PoisonError::into_inner) = failure.map(Arc::new);
    }

    fn record_failure(&self, error: anyhow::Error, commit: Vec<u8>) {
        let before = self.failure().filter(|before| before.commit == commit);
        let since = before.map_or_else(SystemTime::now, |before| before.since);
        self.set_failure(Some(Failure { error, since, commit, tried: Instant::now() }));
    }

    fn is_retry_due(&self, commit: &[u8]) -> bool {
        self.failure()
            .is_none_or(|failure| failure.commit != commit || failure.tried.elapsed() >= RETRY_INTERVAL)
    }

    fn reopen(&self, old: &Opened, commit: Vec<u8>) -> anyhow::Result<()> {
        let index = Index::open_several(&self.dirs)?.with_curation(Arc::clone(old.index.curation()));
        let is_loaded = old.embedder.is_some() && index.meta().model == old.index.meta().model;
        let (embedder, not_approved) = match is_loaded {
            true => (old.embedder.clone(), None),
            false => loaded(&index, &self.load)?,
        };
        let commit = commit_in_cluster(&index).unwrap_or(commit);
        let opened = Arc::new(Opened { index, embedder, not_approved, commit });
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(())
    }

    /// Opens the last commit of the index now, for the process that has written it. Waits while another thread opens a
    /// commit.
    fn renew(&self) -> anyhow::Result<Arc<Opened>> {
        let _renewing = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = self.opened();
        let commit = last_commit(&self.dirs, &opened.index)?;
        if commit != opened.commit {
            self.reopen(&opened, commit)?;
        }
        Ok(self.opened())
    }

    fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether to check for a new commit: true for one call per [`CHECK_INTERVAL`].
    fn is_check_due(&self) -> bool {
        let mut last_check = self.last_check.lock().unwrap_or_else(PoisonError::into_inner);
        let interval = match self.dirs.iter().any(|dir| is_cluster_address(dir)) {
            true => CLUSTER_CHECK_INTERVAL,
            false => CHECK_INTERVAL,
        };
        let due = last_check.elapsed() >= interval;
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

/// What identifies the commit of an index in a cluster. `None` for an index in a directory.
fn commit_in_cluster(index: &Index) -> Option<Vec<u8>> {
    #[cfg(feature = "milvus")]
    return index.cluster().map(|cluster| cluster.commit_id());
    #[cfg(not(feature = "milvus"))]
    {
        let _ = index;
        None
    }
}

/// What identifies the last commits of indexes that are open as `index`.
fn last_commit(dirs: &[PathBuf], index: &Index) -> anyhow::Result<Vec<u8>> {
    #[cfg(feature = "milvus")]
    if let Some(cluster) = index.cluster() {
        return cluster.last_commit_id();
    }
    commits(dirs)
        .with_context(|| format!("could not read meta.json of the index in {}", index.dir().display()))
}

/// The directory of a single index.
fn only(dirs: &[PathBuf]) -> Option<&Path> {
    match dirs {
        [dir] => Some(dir),
        _ => None,
    }
}

/// The contents of the files `meta.json`, which identify the last commits of indexes. Tantivy replaces this file
/// atomically.
fn commits(dirs: &[PathBuf]) -> io::Result<Vec<u8>> {
    let commits = dirs.iter().map(|dir| regular_file::read(&dir.join("meta.json")));
    Ok(commits.collect::<io::Result<Vec<_>>>()?.concat())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread::sleep;

    use super::*;

    /// While one thread loads the model of a new commit, the others search the previous commit.
    #[test]
    fn one_thread_opens_a_new_commit_and_the_others_do_not_wait() {
        let dir = tempfile::tempdir().unwrap();
        let (file, index) = (dir.path().join("faq.md"), dir.path().join("index"));
        fs::write(&file, "## How long must dough rise?\n\nUntil it has doubled.\n").unwrap();
        Engine::build(&index, std::slice::from_ref(&file), |problem| panic!("{problem}")).unwrap();
        let (started, loads) = crossbeam_channel::unbounded();
        let (finish, finishes) = crossbeam_channel::unbounded::<()>();
        finish.send(()).unwrap();
        let load = move |model: &ModelInfo| {
            started.send(()).unwrap();
            finishes.recv().unwrap();
            load_model(model)
        };
        let engine = Engine::open_with(&index, load).unwrap();
        loads.recv().unwrap();
        // Another description of the model, so that it is loaded again.
        let mut model = Builtin::info().clone();
        model.name += " renamed";
        let renamed = Renamed(batch_model(Builtin::info()).unwrap(), model);
        let paths = [file];
        Build { embedder: Some(&renamed), ..Build::new(&index, &paths) }.run().unwrap();
        sleep(CHECK_INTERVAL);
        std::thread::scope(|scope| {
            let renewing = scope.spawn(|| engine.current().unwrap());
            loads.recv().unwrap();
            sleep(CHECK_INTERVAL);
            let name = |opened: &Opened| opened.index.meta().model.as_ref().unwrap().name.clone();
            assert_eq!(name(&engine.current().unwrap()), Builtin::info().name);
            assert!(loads.is_empty(), "a second thread loads the model");
            finish.send(()).unwrap();
            assert!(name(&renewing.join().unwrap()).ends_with("renamed"));
        });
    }

    struct Renamed(Box<dyn Embedder>, ModelInfo);

    impl Embedder for Renamed {
        fn model(&self) -> &ModelInfo {
            &self.1
        }

        fn embed(&self, text: &str, role: embed::Role) -> anyhow::Result<Vec<f32>> {
            self.0.embed(text, role)
        }

        fn count_tokens(&self, text: &str) -> usize {
            self.0.count_tokens(text)
        }
    }

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
        // An unusable commit does not replace the one in use.
        let meta = index.join("meta.json");
        let sound = fs::read(&meta).unwrap();
        fs::write(&meta, sound.to_ascii_uppercase()).unwrap();
        for _ in 0..3 {
            sleep(CHECK_INTERVAL);
            assert_eq!(engine.current().unwrap().index.question_count().unwrap(), 2);
            assert!(engine.failure().unwrap().error.to_string().contains("cannot be read"));
        }
        fs::write(&meta, sound).unwrap();
        sleep(CHECK_INTERVAL);
        engine.current().unwrap();
        assert!(engine.failure().is_none());
        // An index stays usable after its directory is deleted.
        fs::remove_dir_all(&index).unwrap();
        sleep(CHECK_INTERVAL);
        assert_eq!(engine.current().unwrap().index.question_count().unwrap(), 2);
        assert!(engine.failure().unwrap().error.to_string().contains("could not read meta.json"));
        build("## Why wax a rope?\n\nIt lasts.\n");
        sleep(CHECK_INTERVAL);
        assert_eq!(engine.current().unwrap().index.question_count().unwrap(), 1);
        assert!(engine.failure().is_none());
    }
}
