//! Model specifications, as users write them, and loading of models.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};

use super::info::printable;
use super::{Builtin, Embedder, ModelInfo, NotApproved, Origin, Pooling, Prepare, Reranker};
use crate::hint::hinted;

/// A model, as a user specifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSpec {
    /// `builtin`, or the built-in model's name.
    Builtin,
    /// A name in the catalogue, such as `bge-small-en-v1.5`.
    Named(String),
    /// A directory. A text is a path if it contains `/` or `\`, or starts with `.` or `~`.
    Folder(PathBuf),
    /// An endpoint that is compatible with OpenAI's, and the name of the model at the endpoint, such as
    /// `http://localhost:11434/v1#nomic-embed-text`.
    Endpoint {
        /// The address, without `#` and the name. See [`Address`](super::address::Address).
        url: String,
        /// The name of the model at the endpoint.
        model: String,
    },
}

impl FromStr for ModelSpec {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            bail!(hinted("the name of the model is empty", "`rqsearch models` lists the models"));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
                bail!("an endpoint address starts with http:// or https://, not {scheme}://");
            }
            return endpoint(text);
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

/// Parses `URL#MODEL`.
#[cfg(feature = "remote")]
fn endpoint(text: &str) -> anyhow::Result<ModelSpec> {
    let (url, model) = text.split_once('#').unwrap_or((text, ""));
    let url: super::address::Address = url.parse()?;
    if model.is_empty() {
        bail!(hinted(
            format!("{url} has no model name"),
            format!("append it after a #: {url}#nomic-embed-text")
        ));
    }
    Ok(ModelSpec::Endpoint { url: url.to_string(), model: model.into() })
}

#[cfg(not(feature = "remote"))]
fn endpoint(_: &str) -> anyhow::Result<ModelSpec> {
    bail!(hinted(
        "this program was built without support for endpoints",
        "build it with the feature `remote`"
    ))
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

/// Settings of a model. `None` uses the setting in the model's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The text to prepend to each phrase.
    pub query_prefix: Option<String>,
    /// The text to prepend to each title and passage.
    pub passage_prefix: Option<String>,
    /// The number of dimensions to truncate vectors to.
    pub dimensions: Option<usize>,
    /// How to combine the vectors of the tokens of a text into one.
    pub pooling: Option<Pooling>,
}

/// How to load and run a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loading {
    /// Prepare the model for one phrase or for many texts.
    pub prepare: Prepare,
    /// The number of threads that the model may use; `None` for one per processor.
    pub threads: Option<usize>,
    /// Do not use the network: an endpoint must be on this machine.
    pub offline: bool,
    /// How long to wait for an endpoint.
    pub patience: Patience,
}

/// The time limit of a call to a model behind an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// A user is waiting. The call takes at most this long, including one retry and the pause before it.
    Waiting(Duration),
    /// No user is waiting. Each request may take 120 s, and is retried up to five times.
    Batch,
}

impl Patience {
    /// The time limit for a phrase.
    pub const PHRASE: Self = Self::Waiting(Duration::from_secs(20));
}

impl Loading {
    /// The default options: one thread per processor, offline if [`is_offline`]. The patience is
    /// [`Patience::PHRASE`] for [`Prepare::Once`], and [`Patience::Batch`] for [`Prepare::Many`].
    pub fn new(prepare: Prepare) -> Self {
        let patience = match prepare {
            Prepare::Once => Patience::PHRASE,
            Prepare::Many => Patience::Batch,
        };
        Self { prepare, threads: None, offline: is_offline(), patience }
    }

    /// The options for a program that stays open and answers phrases while a user waits.
    pub fn interactive() -> Self {
        Self { patience: Patience::PHRASE, ..Self::new(Prepare::Many) }
    }

    /// The number of threads that the model may use.
    #[cfg(feature = "fastembed")]
    pub(super) fn thread_count(self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
    }
}

/// Whether `HF_HUB_OFFLINE` forbids the network: it is set, and its value is not empty, `0`, `false`, `no` or
/// `off`.
pub fn is_offline() -> bool {
    let value = env::var("HF_HUB_OFFLINE").unwrap_or_default().to_ascii_lowercase();
    !matches!(value.as_str(), "" | "0" | "false" | "no" | "off")
}

/// Loads a model that the user specifies. Specifying an endpoint is consent to use it in this process.
/// [`approvals`](super::approvals) stores consent for later processes.
///
/// # Errors
/// The model is not on this machine, its files are damaged, or the endpoint does not answer. The message says
/// what to do.
pub fn load(spec: &ModelSpec, settings: &Settings, loading: Loading) -> anyhow::Result<Box<dyn Embedder>> {
    match spec {
        ModelSpec::Builtin => load_builtin(settings, loading.prepare),
        ModelSpec::Named(name) => load_named(name, settings, loading),
        ModelSpec::Folder(path) => load_folder(path, settings, loading),
        ModelSpec::Endpoint { url, model } => load_endpoint(url, model, settings, loading),
    }
}

/// Loads the model of an index. If the model has moved, `moved_to` is its new path or address, as the user
/// specifies it.
///
/// # Errors
/// [`NotApproved`](super::NotApproved) if `moved_to` is `None` and the user has not approved the index's
/// endpoint. The model was not found, or another model was found instead. The message says what to do.
pub fn open(
    model: &ModelInfo,
    moved_to: Option<&ModelSpec>,
    loading: Loading,
) -> anyhow::Result<Box<dyn Embedder>> {
    let spec = match (moved_to, &model.origin) {
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
    let loaded = match &spec {
        // An endpoint that only the index names needs an approval.
        ModelSpec::Endpoint { url, model } if moved_to.is_none() => {
            load_endpoint_of_index(url, model, &settings, loading)
        }
        spec => load(spec, &settings, loading),
    };
    let loaded = match loaded {
        Err(error) if error.is::<NotApproved>() => return Err(error),
        loaded => {
            loaded.with_context(|| format!("could not load the index's model {}", printable(&model.name)))?
        }
    };
    if !loaded.model().is_same(model) {
        bail!(hinted(
            format!("the index was built with {}, but {spec} is {}", model.label(), loaded.model().label()),
            format!(
                "pass the model of the index with --model, or embed everything again with \
             `rqsearch index --model {spec}`"
            )
        ));
    }
    Ok(loaded)
}

/// Loads a reranker.
///
/// # Errors
/// Those of [`load`]. The built-in model and endpoints cannot rerank.
pub fn load_reranker(spec: &ModelSpec, loading: Loading) -> anyhow::Result<Box<dyn Reranker>> {
    match spec {
        ModelSpec::Named(name) => load_named_reranker(name, loading),
        ModelSpec::Folder(path) => load_folder_reranker(path, loading),
        ModelSpec::Builtin | ModelSpec::Endpoint { .. } => {
            bail!(hinted(
                format!("{spec} is not a reranker"),
                "`rqsearch models reranker` lists rerankers; or pass the directory of an ONNX cross-encoder"
            ))
        }
    }
}

fn load_builtin(settings: &Settings, prepare: Prepare) -> anyhow::Result<Box<dyn Embedder>> {
    if *settings != Settings::default() {
        bail!(hinted(
            format!(
                "the built-in model has fixed settings: no prefixes, mean pooling, {} dimensions",
                Builtin::info().dimensions
            ),
            "omit --query-prefix, --passage-prefix, --pooling and --dimensions"
        ));
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

    fn without(name: impl fmt::Display) -> anyhow::Error {
        hinted(
            format!("cannot load {name}: this program was built without support for ONNX models"),
            "build it with the feature `fastembed`, or use an endpoint or the built-in model",
        )
        .into()
    }

    pub fn load_named(name: &str, _: &Settings, _: Loading) -> anyhow::Result<Box<dyn Embedder>> {
        Err(without(name))
    }

    pub fn load_folder(path: &Path, _: &Settings, _: Loading) -> anyhow::Result<Box<dyn Embedder>> {
        Err(without(path.display()))
    }

    pub fn load_named_reranker(name: &str, _: Loading) -> anyhow::Result<Box<dyn Reranker>> {
        Err(without(name))
    }

    pub fn load_folder_reranker(path: &Path, _: Loading) -> anyhow::Result<Box<dyn Reranker>> {
        Err(without(path.display()))
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
    Ok(Box::new(super::remote::Endpoint::named(url, model, settings, loading)?))
}

#[cfg(feature = "remote")]
fn load_endpoint_of_index(
    url: &str,
    model: &str,
    settings: &Settings,
    loading: Loading,
) -> anyhow::Result<Box<dyn Embedder>> {
    Ok(Box::new(super::remote::Endpoint::of_index(url, model, settings, loading)?))
}

#[cfg(not(feature = "remote"))]
use load_endpoint as load_endpoint_of_index;

#[cfg(not(feature = "remote"))]
fn load_endpoint(url: &str, _: &str, _: &Settings, _: Loading) -> anyhow::Result<Box<dyn Embedder>> {
    bail!(hinted(
        format!("cannot use {url}: this program was built without support for endpoints"),
        "build it with the feature `remote`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "remote")]
    use crate::hint::Hinted;

    #[track_caller]
    fn check(text: &str, expected: ModelSpec) {
        assert_eq!(text.parse::<ModelSpec>().unwrap(), expected);
    }

    #[test]
    fn names_directories_and_endpoints_are_distinguished() {
        check("builtin", ModelSpec::Builtin);
        check("all-MiniLM-L6-v2", ModelSpec::Builtin);
        check("bge-m3", ModelSpec::Named("bge-m3".into()));
        check("./mine", ModelSpec::Folder("./mine".into()));
        check("models/mine", ModelSpec::Folder("models/mine".into()));
        assert!("ftp://host/v1#m".parse::<ModelSpec>().is_err());
        assert!(" ".parse::<ModelSpec>().is_err());
    }

    #[cfg(feature = "remote")]
    #[test]
    fn an_endpoint_has_an_address_and_a_model_name() {
        check(
            "http://localhost:11434/v1/#nomic-embed-text",
            ModelSpec::Endpoint { url: "http://localhost:11434/v1".into(), model: "nomic-embed-text".into() },
        );
    }

    #[cfg(feature = "remote")]
    #[test]
    fn an_endpoint_without_a_model_name_or_with_a_secret_is_refused() {
        let shown = |text: &str| {
            let error = text.parse::<ModelSpec>().unwrap_err();
            format!("{error:#}\n{}", Hinted::of(&error).unwrap())
        };
        assert!(shown("https://host/v1").contains("https://host/v1#"));
        assert!(shown("https://host/v1#").contains("https://host/v1#"));
        for text in ["https://me:secret@host/v1#m", "https://host/v1?key=secret#m"] {
            assert!(shown(text).contains("RQSEARCH_API_KEY") && !shown(text).contains("secret"));
        }
    }
}
