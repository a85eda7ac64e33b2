//! What a person names when they choose a model, and loading it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};

use super::{Builtin, Embedder, ModelInfo, Origin, Pooling, Prepare, Reranker};

/// A model, as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSpec {
    /// `builtin`, or the built-in model's own name.
    Builtin,
    /// A name of the catalogue: `bge-small-en-v1.5`.
    Named(String),
    /// A folder: a text with a `/` (or `\`) in it, or one that begins with a dot.
    Folder(PathBuf),
    /// `http://localhost:11434/v1#nomic-embed-text`: an endpoint of OpenAI's kind, and what it calls the
    /// model.
    Endpoint {
        /// The address, without what follows `#`.
        url: String,
        /// What the endpoint calls the model.
        model: String,
    },
}

impl FromStr for ModelSpec {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            bail!("the model has no name\n  hint: `rqsearch models` lists them");
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            let (url, model) = text.split_once('#').unwrap_or((text, ""));
            let authority = url.split('/').nth(2).unwrap_or("");
            // What is named here is stored in the index and shown.
            if authority.contains('@') || url.contains('?') {
                bail!(
                    "an endpoint's address must hold no user, password or query\n  \
                     hint: a key belongs in the environment: RQSEARCH_API_KEY"
                );
            }
            if authority.is_empty() {
                bail!("{url} is no address");
            }
            if model.is_empty() {
                bail!("which model of {url}?\n  hint: name it behind a #: {url}#nomic-embed-text");
            }
            return Ok(Self::Endpoint { url: url.trim_end_matches('/').into(), model: model.into() });
        }
        if text.starts_with('.') || text.starts_with('~') || text.contains(['/', '\\']) {
            return Ok(Self::Folder(text.into()));
        }
        if text == "builtin" || text == Builtin::info().name {
            return Ok(Self::Builtin);
        }
        Ok(Self::Named(text.to_owned()))
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => f.write_str("builtin"),
            Self::Named(name) => f.write_str(name),
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Endpoint { url, model } => write!(f, "{url}#{model}"),
        }
    }
}

/// How a model is used; what is not said is as the model's own files have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What to put before a phrase.
    pub query_prefix: Option<String>,
    /// What to put before everything else.
    pub passage_prefix: Option<String>,
    /// How many numbers of a vector to keep.
    pub dimensions: Option<usize>,
    /// How the vectors of a text's tokens become one.
    pub pooling: Option<Pooling>,
}

/// What a model is loaded for, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loading {
    /// One phrase, or many texts.
    pub prepare: Prepare,
    /// How many threads it may use; `None` for all processors.
    pub threads: Option<usize>,
    /// No network, but for this machine's own addresses.
    pub offline: bool,
}

impl Loading {
    /// With all processors, and with the network where the model is behind one.
    pub fn new(prepare: Prepare) -> Self {
        Self { prepare, threads: None, offline: false }
    }

    /// How many threads that is.
    #[cfg(feature = "fastembed")]
    pub(super) fn thread_count(self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
    }
}

/// Loads a model.
///
/// # Errors
/// It is not on this machine, its files are not what they should be, or the endpoint does not answer; the
/// message says what to do.
pub fn load(spec: &ModelSpec, settings: &Settings, loading: Loading) -> anyhow::Result<Box<dyn Embedder>> {
    match spec {
        ModelSpec::Builtin => load_builtin(settings, loading.prepare),
        ModelSpec::Named(name) => load_named(name, settings, loading),
        ModelSpec::Folder(path) => load_folder(path, settings, loading),
        ModelSpec::Endpoint { url, model } => load_endpoint(url, model, settings, loading),
    }
}

/// Loads the model that made an index's vectors, whichever it is. `elsewhere` says where it is by now, where
/// it is no longer where it was.
///
/// # Errors
/// It is not on this machine, or what is there is another model; the message says what to do.
pub fn open(
    model: &ModelInfo,
    elsewhere: Option<&ModelSpec>,
    loading: Loading,
) -> anyhow::Result<Box<dyn Embedder>> {
    let spec = match (elsewhere, &model.origin) {
        (Some(spec), _) => spec.clone(),
        (None, Origin::Builtin) => ModelSpec::Builtin,
        (None, Origin::Catalogue) => ModelSpec::Named(model.name.clone()),
        (None, Origin::Folder(path)) => ModelSpec::Folder(path.clone()),
        (None, Origin::Endpoint(url)) => ModelSpec::Endpoint { url: url.clone(), model: model.name.clone() },
    };
    let settings = match spec {
        ModelSpec::Builtin => Settings::default(),
        _ => Settings {
            query_prefix: Some(model.query_prefix.clone()),
            passage_prefix: Some(model.passage_prefix.clone()),
            dimensions: Some(model.dimensions),
            pooling: model.pooling,
        },
    };
    let loaded = load(&spec, &settings, loading)
        .with_context(|| format!("could not load {}, which made the index", model.name))?;
    if !loaded.model().is_same(model) {
        bail!(
            "the index was made with {}, and {spec} is {}\n  \
             hint: say where the first is with --model, or `rqsearch index --model {spec}` embeds everything anew",
            model.label(),
            loaded.model().label()
        );
    }
    Ok(loaded)
}

/// Loads a cross-encoder.
///
/// # Errors
/// Those of [`load`]; the built-in model and endpoints rerank nothing.
pub fn load_reranker(spec: &ModelSpec, loading: Loading) -> anyhow::Result<Box<dyn Reranker>> {
    match spec {
        ModelSpec::Named(name) => load_named_reranker(name, loading),
        ModelSpec::Folder(path) => load_folder_reranker(path, loading),
        ModelSpec::Builtin | ModelSpec::Endpoint { .. } => {
            bail!("{spec} is no reranker\n  hint: `rqsearch models` lists those that are; a folder will do")
        }
    }
}

fn load_builtin(settings: &Settings, prepare: Prepare) -> anyhow::Result<Box<dyn Embedder>> {
    if *settings != Settings::default() {
        bail!(
            "the built-in model has no prefixes, one pooling and {} dimensions\n  \
             hint: these settings are for other models",
            Builtin::info().dimensions
        );
    }
    Ok(Box::new(Builtin::load(prepare)?))
}

#[cfg(feature = "fastembed")]
mod local {
    use super::*;
    use crate::embed::catalogue::{Entry, Kind};
    use crate::embed::onnx::{CrossEncoder, Onnx, folder::ModelFolder};

    pub fn load_named(
        name: &str,
        settings: &Settings,
        loading: Loading,
    ) -> anyhow::Result<Box<dyn Embedder>> {
        let entry = Entry::named(name, Kind::Embedding)?;
        let folder = entry.folder()?;
        Ok(Box::new(Onnx::load(&folder, Origin::Catalogue, &entry.settings(settings), loading)?))
    }

    pub fn load_folder(
        path: &Path,
        settings: &Settings,
        loading: Loading,
    ) -> anyhow::Result<Box<dyn Embedder>> {
        let folder = ModelFolder::open(path)?;
        let origin = Origin::Folder(folder.path.clone());
        Ok(Box::new(Onnx::load(&folder, origin, settings, loading)?))
    }

    pub fn load_named_reranker(name: &str, loading: Loading) -> anyhow::Result<Box<dyn Reranker>> {
        let entry = Entry::named(name, Kind::Reranker)?;
        Ok(Box::new(CrossEncoder::load(&entry.folder()?, loading)?))
    }

    pub fn load_folder_reranker(path: &Path, loading: Loading) -> anyhow::Result<Box<dyn Reranker>> {
        Ok(Box::new(CrossEncoder::load(&ModelFolder::open(path)?, loading)?))
    }
}

#[cfg(not(feature = "fastembed"))]
mod local {
    use super::*;

    const WITHOUT: &str = "this program was built without other models\n  \
         hint: build it with the feature `fastembed`, or use an endpoint or the built-in model";

    pub fn load_named(name: &str, _: &Settings, _: Loading) -> anyhow::Result<Box<dyn Embedder>> {
        bail!("cannot load {name}: {WITHOUT}")
    }

    pub fn load_folder(path: &Path, _: &Settings, _: Loading) -> anyhow::Result<Box<dyn Embedder>> {
        bail!("cannot load {}: {WITHOUT}", path.display())
    }

    pub fn load_named_reranker(name: &str, _: Loading) -> anyhow::Result<Box<dyn Reranker>> {
        bail!("cannot load {name}: {WITHOUT}")
    }

    pub fn load_folder_reranker(path: &Path, _: Loading) -> anyhow::Result<Box<dyn Reranker>> {
        bail!("cannot load {}: {WITHOUT}", path.display())
    }
}

use local::{load_folder, load_folder_reranker, load_named, load_named_reranker};

#[cfg(feature = "remote")]
fn load_endpoint(
    url: &str,
    model: &str,
    settings: &Settings,
    loading: Loading,
) -> anyhow::Result<Box<dyn Embedder>> {
    Ok(Box::new(super::remote::Endpoint::open(url, model, settings, loading)?))
}

#[cfg(not(feature = "remote"))]
fn load_endpoint(url: &str, _: &str, _: &Settings, _: Loading) -> anyhow::Result<Box<dyn Embedder>> {
    bail!(
        "cannot ask {url}: this program was built without endpoints\n  hint: build it with the feature `remote`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: ModelSpec) {
        assert_eq!(text.parse::<ModelSpec>().unwrap(), expected);
    }

    #[test]
    fn names_folders_and_endpoints_are_told_apart() {
        check("builtin", ModelSpec::Builtin);
        check("all-MiniLM-L6-v2", ModelSpec::Builtin);
        check("bge-m3", ModelSpec::Named("bge-m3".into()));
        check("./mine", ModelSpec::Folder("./mine".into()));
        check("models/mine", ModelSpec::Folder("models/mine".into()));
        check(
            "http://localhost:11434/v1/#nomic-embed-text",
            ModelSpec::Endpoint { url: "http://localhost:11434/v1".into(), model: "nomic-embed-text".into() },
        );
    }

    #[test]
    fn an_address_with_a_secret_in_it_is_refused_and_not_repeated() {
        for text in ["https://me:secret@host/v1#m", "https://host/v1?key=secret#m"] {
            let error = text.parse::<ModelSpec>().unwrap_err().to_string();
            assert!(error.contains("RQSEARCH_API_KEY") && !error.contains("secret"), "{error}");
        }
        assert!("https://host/v1".parse::<ModelSpec>().unwrap_err().to_string().contains("#"));
        assert!(" ".parse::<ModelSpec>().is_err());
    }
}
