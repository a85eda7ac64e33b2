//! The model that a command uses, and whether it may use the network.

#[cfg(any(feature = "mcp", feature = "serve", feature = "interactive"))]
use std::path::PathBuf;

use std::borrow::Cow;

#[cfg(any(feature = "mcp", feature = "serve", feature = "interactive"))]
use anyhow::bail;

use super::hints::{self};
use super::option_values::parsed;
use super::streams::say;
#[cfg(any(feature = "mcp", feature = "serve", feature = "interactive"))]
use crate::embed::Patience;
use crate::embed::{self, Embedder, Loading, ModelInfo, ModelSpec, NotApproved, Pooling, Prepare, Settings};
#[cfg(any(feature = "mcp", feature = "serve", feature = "interactive"))]
use crate::engine::Engine;
use crate::engine::{self, keywords_only};
#[cfg(any(feature = "mcp", feature = "serve", feature = "interactive"))]
use crate::hint::hinted;
use crate::index::Index;
use crate::search::{Mode, Query};

/// Options of commands that search an index with its own model.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ModelArgs {
    /// Where the model of the index is, if it has moved: a name, a directory, or an endpoint (URL#NAME). Any
    /// other model is refused
    #[arg(long, value_name = "MODEL", value_parser = parsed::<ModelSpec>)]
    model: Option<ModelSpec>,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// Whether the network may be used.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NetworkArgs {
    /// Do not use the network; endpoints on this machine still work [env: HF_HUB_OFFLINE=1]
    #[arg(long)]
    offline: bool,
}

/// How a model other than the built-in one is used.
#[derive(Debug, Default, clap::Args)]
pub struct SettingsArgs {
    /// Text to put before each phrase [default: from the model's files]
    #[arg(long, value_name = "TEXT", requires = "model")]
    query_prefix: Option<String>,
    /// Text to put before each title and passage [default: from the model's files]
    #[arg(long, value_name = "TEXT", requires = "model")]
    passage_prefix: Option<String>,
    /// Keep only the first N numbers of each vector, for models trained for it (Matryoshka)
    #[arg(long, value_name = "N", requires = "model")]
    dimensions: Option<usize>,
    /// How to combine the vectors of a text's tokens [default: from the model's files]
    #[arg(long, value_enum, requires = "model")]
    pooling: Option<Pooling>,
}

/// The model of an index, ready to be used, or the reason why it must not be.
pub struct IndexModel {
    /// `None` if the index has keywords only, or its model is not approved.
    embedder: Option<Box<dyn Embedder>>,
    not_approved: Option<NotApproved>,
}

impl IndexModel {
    /// A loaded model, or `None` for keyword search.
    pub fn new(embedder: Option<Box<dyn Embedder>>) -> Self {
        Self { embedder, not_approved: None }
    }

    /// The model that embeds phrases; `None` if only keyword search is possible.
    pub fn embedder(&self) -> Option<&dyn Embedder> {
        self.embedder.as_deref()
    }

    /// The query that can be executed; see [`engine::possible`].
    pub fn possible<'a>(&self, query: &'a Query) -> Result<Cow<'a, Query>, NotApproved> {
        engine::possible(query, self.not_approved.as_ref())
    }

    /// Why the index is searched by keywords only, although it has vectors; `None` if it is not.
    pub fn notice(&self) -> Option<String> {
        self.not_approved.as_ref().map(keywords_only)
    }
}

impl ModelArgs {
    /// Whether the user names a model.
    pub fn is_named(&self) -> bool {
        self.model.is_some()
    }

    /// Loads the model of an index for searches in this mode. If the model must not be used, reports the
    /// reason on stderr, once.
    ///
    /// # Errors
    /// The model cannot be loaded, or must not be used although [`Mode::Semantic`] needs it.
    pub fn open(&self, index: &Index, mode: Mode, prepare: Prepare) -> anyhow::Result<IndexModel> {
        let Some(model) = index.meta().model.as_ref().filter(|_| mode != Mode::Keyword) else {
            return Ok(IndexModel::new(None));
        };
        match self.load(model, self.network.loading(prepare)) {
            Ok(embedder) => Ok(IndexModel::new(Some(embedder))),
            Err(error) => {
                let reason = error.downcast::<NotApproved>()?;
                if mode == Mode::Semantic {
                    return Err(reason.into());
                }
                say(&format!("rqsearch: {}", hints::keywords_only(&reason)));
                Ok(IndexModel { embedder: None, not_approved: Some(reason) })
            }
        }
    }

    /// Opens an index for repeated searches: those in `dirs` as one, or the built-in one. If its model must not be
    /// used, [`Opened::not_approved`](crate::engine::Opened::not_approved) says why.
    #[cfg(any(feature = "mcp", feature = "serve", feature = "interactive"))]
    pub fn engine(self, dirs: &[PathBuf], patience: Patience) -> anyhow::Result<Engine> {
        match (dirs, &self.model) {
            ([_, ..], _) => Engine::open_several_with(dirs, move |model| {
                self.load(model, Loading { patience, ..self.network.loading(Prepare::Many) })
            }),
            ([], None | Some(ModelSpec::Builtin)) => Engine::fixed(Index::builtin()?),
            ([], Some(spec)) => bail!(hinted(
                format!("the built-in index uses the built-in model, not {spec}"),
                "choose an index with --index, or omit --model"
            )),
        }
    }

    /// Loads a model for updates of its index, which embed many texts.
    #[cfg(feature = "serve")]
    pub fn load_for_updates(&self, model: &ModelInfo) -> anyhow::Result<Box<dyn Embedder>> {
        self.load(model, self.network.loading(Prepare::Many))
    }

    fn load(&self, model: &ModelInfo, loading: Loading) -> anyhow::Result<Box<dyn Embedder>> {
        embed::open(model, self.model.as_ref(), loading)
    }
}

impl NetworkArgs {
    /// Whether the network must not be used.
    pub fn is_offline(&self) -> bool {
        self.offline || embed::is_offline()
    }

    /// How to load a model.
    pub fn loading(&self, prepare: Prepare) -> Loading {
        Loading { offline: self.is_offline(), ..Loading::new(prepare) }
    }
}

/// Loads a model that the user names for an index. Naming an endpoint approves it, so that later searches of
/// the index may use it. The approval is reported on stderr.
pub fn load_for_index(
    spec: &ModelSpec,
    settings: &Settings,
    loading: Loading,
) -> anyhow::Result<Box<dyn Embedder>> {
    let embedder = embed::load(spec, settings, loading)?;
    #[cfg(feature = "remote")]
    if let ModelSpec::Endpoint { url, .. } = spec {
        match embed::approvals::remember(url) {
            Ok(None) => {}
            Ok(Some((approved, path))) => say(&format!(
                "rqsearch: approved {}{}; recorded in {} (`rqsearch models deny {url}` undoes that)",
                approved.address,
                approved.key_env.map_or_else(String::new, |variable| format!(" with the key in {variable}")),
                path.display()
            )),
            // The index can still be built.
            Err(error) => say(&format!(
                "rqsearch: could not record the approval of {url}: {error:#}\n  \
                 hint: pass the endpoint with --model in each search"
            )),
        }
    }
    Ok(embedder)
}

impl From<&SettingsArgs> for Settings {
    fn from(args: &SettingsArgs) -> Self {
        Self {
            query_prefix: args.query_prefix.clone(),
            passage_prefix: args.passage_prefix.clone(),
            dimensions: args.dimensions,
            pooling: args.pooling,
        }
    }
}
