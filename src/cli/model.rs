//! Which model, where more than one may be meant.

use std::env;

use crate::embed::{self, Embedder, Loading, ModelInfo, ModelSpec, Pooling, Prepare, Settings};
use crate::index::Index;

/// Says where an index's model is, where it cannot be found otherwise.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ModelArgs {
    /// Where the index's model is by now, if it is no longer where it was: a name, a folder, or an
    /// endpoint; any other model is refused
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelSpec>,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// Whether there is a network.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NetworkArgs {
    /// Use no network but this machine's own addresses (HF_HUB_OFFLINE=1 says the same)
    #[arg(long)]
    offline: bool,
}

/// How another model than the built-in one is used.
#[derive(Debug, Default, clap::Args)]
pub struct SettingsArgs {
    /// What to put before each phrase, where the model's own files do not say
    #[arg(long, value_name = "TEXT", requires = "model")]
    query_prefix: Option<String>,
    /// What to put before everything that is searched
    #[arg(long, value_name = "TEXT", requires = "model")]
    passage_prefix: Option<String>,
    /// Keep the first N numbers of each vector: for models that were trained for it (Matryoshka)
    #[arg(long, value_name = "N", requires = "model")]
    dimensions: Option<usize>,
    /// How the vectors of a text's tokens become one, where the model's own files do not say
    #[arg(long, value_enum, requires = "model")]
    pooling: Option<Pooling>,
}

impl ModelArgs {
    /// Loads the model of an index; `None` where it has words only.
    pub fn open(&self, index: &Index, prepare: Prepare) -> anyhow::Result<Option<Box<dyn Embedder>>> {
        index.meta().model.as_ref().map(|model| self.load(model, prepare)).transpose()
    }

    /// Loads the model that an index names.
    pub fn load(&self, model: &ModelInfo, prepare: Prepare) -> anyhow::Result<Box<dyn Embedder>> {
        embed::open(model, self.model.as_ref(), self.network.loading(prepare))
    }
}

impl NetworkArgs {
    /// Whether the network is forbidden.
    pub fn is_offline(&self) -> bool {
        let set =
            |name| env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false" | "no"));
        self.offline || set("HF_HUB_OFFLINE")
    }

    /// Loading as far as it is allowed.
    pub fn loading(&self, prepare: Prepare) -> Loading {
        Loading { offline: self.is_offline(), ..Loading::new(prepare) }
    }
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
