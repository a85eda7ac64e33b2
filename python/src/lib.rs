//! The native part of the Python package `rqsearch`: an engine that returns plain Python data, and the
//! command line. `python/rqsearch/_engine.py` wraps it in typed classes.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pythonize::{Depythonizer, pythonize};
use rqsearch::duplicates::{self, Cache};
use rqsearch::embed::{self, Builtin, Embedder, Loading, ModelSpec, Prepare, Settings};
use rqsearch::engine::{self, Opened};
use rqsearch::index::{Build, Index, OpenError, Problem};
use rqsearch::render::json::{
    CheckReply, CheckRequest, DuplicatesReply, DuplicatesRequest, QuestionReply, SearchReply, SearchRequest,
    StatsReply,
};
use rqsearch::search::retune;
use rqsearch::{cli, worker_threads};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An index with its model, open for searches from any number of threads.
///
/// Every method that works releases the GIL meanwhile.
#[pyclass(frozen, module = "rqsearch._rqsearch")]
struct Engine {
    engine: Arc<engine::Engine>,
    /// The directory of an index of records; removed with the engine.
    _temporary: Option<tempfile::TempDir>,
}

/// A record or file that was skipped: path, line, reason.
type Skipped = (PathBuf, Option<u64>, String);

#[pymethods]
impl Engine {
    #[staticmethod]
    fn builtin(py: Python<'_>) -> PyResult<Self> {
        let engine =
            py.detach(|| engine::Engine::fixed(Index::builtin()?)).map_err(|error| raised(py, &error))?;
        Ok(Self { engine: Arc::new(engine), _temporary: None })
    }

    #[staticmethod]
    fn open(py: Python<'_>, dir: PathBuf) -> PyResult<Self> {
        let engine = py.detach(|| engine::Engine::open(&dir)).map_err(|error| raised(py, &error))?;
        Ok(Self { engine: Arc::new(engine), _temporary: None })
    }

    /// Creates or updates an index, and opens it.
    #[staticmethod]
    #[pyo3(signature = (dir, paths, model, keyword_only, reread))]
    fn build(
        py: Python<'_>,
        dir: PathBuf,
        paths: Vec<PathBuf>,
        model: Option<&str>,
        keyword_only: bool,
        reread: bool,
    ) -> PyResult<(Self, Vec<Skipped>)> {
        let spec: Option<ModelSpec> = model
            .map(str::parse)
            .transpose()
            .map_err(|error| PyValueError::new_err(format!("model: {error:#}")))?;
        let options = BuildOptions { spec, keyword_only, reread };
        let (engine, skipped) =
            py.detach(|| options.build(dir, &paths)).map_err(|error| raised(py, &error))?;
        Ok((Self { engine: Arc::new(engine), _temporary: None }, skipped))
    }

    /// Builds an index of JSON Lines in a temporary directory that lives as long as the engine.
    #[staticmethod]
    fn from_json_lines(py: Python<'_>, lines: &[u8], keyword_only: bool) -> PyResult<(Self, Vec<Skipped>)> {
        let options = BuildOptions { spec: None, keyword_only, reread: false };
        let built = py.detach(|| {
            let temporary = tempfile::tempdir()?;
            let file = temporary.path().join("records.jsonl");
            std::fs::File::create(&file)?.write_all(lines)?;
            let (engine, skipped) = options.build(temporary.path().join(".rqsearch"), &[file])?;
            anyhow::Ok((engine, temporary, skipped))
        });
        let (engine, temporary, skipped) = built.map_err(|error| raised(py, &error))?;
        Ok((Self { engine: Arc::new(engine), _temporary: Some(temporary) }, skipped))
    }

    fn search<'py>(&self, py: Python<'py>, request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let request: SearchRequest = argument(request)?;
        let query = request.query().map_err(|error| PyValueError::new_err(format!("{error:#}")))?;
        let results = py.detach(|| self.engine.search(&query)).map_err(|error| raised(py, &error))?;
        data(py, &SearchReply::new(&results, request.min_confidence))
    }

    /// Answers several requests on all processors.
    fn search_many<'py>(&self, py: Python<'py>, requests: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let requests: Vec<SearchRequest> = argument(requests)?;
        let queries = requests
            .iter()
            .map(SearchRequest::query)
            .collect::<anyhow::Result<Vec<_>>>()
            .map_err(|error| PyValueError::new_err(format!("{error:#}")))?;
        let results = py.detach(|| {
            let opened = self.engine.current()?;
            worker_threads::map(&queries, |query| opened.search(query))
                .into_iter()
                .collect::<anyhow::Result<Vec<_>>>()
        });
        let results = results.map_err(|error| raised(py, &error))?;
        let replies: Vec<SearchReply<'_>> = results
            .iter()
            .zip(&requests)
            .map(|(results, request)| SearchReply::new(results, request.min_confidence))
            .collect();
        data(py, &replies)
    }

    fn check<'py>(&self, py: Python<'py>, request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let request: CheckRequest = argument(request)?;
        let (phrase, threshold) =
            request.accepted().map_err(|error| PyValueError::new_err(format!("{error:#}")))?;
        let found = py.detach(|| self.engine.check(phrase, threshold)).map_err(|error| raised(py, &error))?;
        data(py, &CheckReply::new(None, phrase, &found))
    }

    fn duplicates<'py>(&self, py: Python<'py>, request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let request: DuplicatesRequest = argument(request)?;
        let options = request.options().map_err(|error| PyValueError::new_err(format!("{error:#}")))?;
        let found = py
            .detach(|| {
                let index = &self.engine.current()?.index;
                duplicates::duplicates(index, &options, &mut Cache::open(index))
            })
            .map_err(|error| raised(py, &error))?;
        data(py, &DuplicatesReply::new(&found, request.threshold, request.top))
    }

    /// The questions with this id or key, or whose id begins with it.
    fn find<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Bound<'py, PyAny>> {
        let found = py.detach(|| self.opened()?.index.find(id.trim())).map_err(|error| raised(py, &error))?;
        data(py, &found.iter().map(QuestionReply::from).collect::<Vec<_>>())
    }

    /// Every question, in the order of source and line.
    fn questions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let questions = py.detach(|| self.opened()?.index.questions()).map_err(|error| raised(py, &error))?;
        data(py, &questions.iter().map(QuestionReply::from).collect::<Vec<_>>())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let found = py.detach(|| {
            let opened = self.opened()?;
            let stats = opened.index.stats()?;
            anyhow::Ok((opened, stats))
        });
        let (opened, stats) = found.map_err(|error| raised(py, &error))?;
        data(py, &StatsReply::new(&opened.index, &stats))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let count =
            py.detach(|| self.opened()?.index.question_count()).map_err(|error| raised(py, &error))?;
        Ok(usize::try_from(count)?)
    }
}

impl Engine {
    fn opened(&self) -> anyhow::Result<Arc<Opened>> {
        self.engine.current()
    }
}

struct BuildOptions {
    spec: Option<ModelSpec>,
    keyword_only: bool,
    reread: bool,
}

impl BuildOptions {
    /// Builds as `rqsearch index` does.
    fn build(&self, dir: PathBuf, paths: &[PathBuf]) -> anyhow::Result<(engine::Engine, Vec<Skipped>)> {
        if let Some(missing) = paths.iter().find(|path| !path.exists()) {
            anyhow::bail!("{} does not exist", missing.display());
        }
        let skipped = Mutex::new(Vec::new());
        let embedder = self.embedder(&dir)?;
        let embedder = embedder.as_deref();
        Build {
            embedder,
            reread: self.reread,
            switch_model: self.keyword_only || self.spec.is_some(),
            problems: &|Problem { path, line, reason, .. }: &Problem| {
                let problem = (path.clone(), *line, reason.clone());
                skipped.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(problem);
            },
            ..Build::new(&dir, paths)
        }
        .run()?;
        if let Some(embedder) = embedder {
            retune(&dir, embedder)?;
        }
        Ok((
            engine::Engine::open(&dir)?,
            skipped.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()),
        ))
    }

    /// The named model, or that of the index, or the built-in one; `None` for keyword search only.
    fn embedder(&self, dir: &std::path::Path) -> anyhow::Result<Option<Box<dyn Embedder>>> {
        let loading = Loading::new(Prepare::Many);
        if self.keyword_only {
            return Ok(None);
        }
        if let Some(spec) = &self.spec {
            return embed::load(spec, &Settings::default(), loading).map(Some);
        }
        match Index::open(dir) {
            Ok(index) => {
                index.meta().model.as_ref().map(|model| embed::open(model, None, loading)).transpose()
            }
            Err(OpenError::Missing { .. }) => embed::open(Builtin::info(), None, loading).map(Some),
            Err(error) => Err(error.into()),
        }
    }
}

/// Runs the command line and returns its exit status.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| match cli::run(cli::parse(arguments)) {
        Ok(outcome) => outcome.status(),
        Err(error) if cli::is_stdout_closed(&error) => 0,
        Err(error) => {
            cli::report(&error);
            2
        }
    })
}

/// Reads an argument. What does not fit is a `ValueError`.
fn argument<T: DeserializeOwned>(given: &Bound<'_, PyAny>) -> PyResult<T> {
    serde_path_to_error::deserialize(&mut Depythonizer::from_object(given)).map_err(|error| {
        let path = error.path().to_string();
        PyValueError::new_err(format!("{path}: {}", error.into_inner()))
    })
}

/// A reply as dicts, lists, strings and numbers.
fn data<'py>(py: Python<'py>, reply: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    Ok(pythonize(py, reply)?)
}

/// An error of the library as an exception of the package.
fn raised(py: Python<'_>, error: &anyhow::Error) -> PyErr {
    let name = match error.downcast_ref() {
        Some(OpenError::Missing { .. }) => "IndexNotFoundError",
        _ => "Error",
    };
    let raise = || {
        let class = py.import("rqsearch._errors")?.getattr(name)?;
        Ok(PyErr::from_value(class.call1((PyString::new(py, &format!("{error:#}")),))?))
    };
    raise().unwrap_or_else(|failure| failure)
}

#[pymodule]
fn _rqsearch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<Engine>()?;
    module.add_function(wrap_pyfunction!(main, module)?)
}
