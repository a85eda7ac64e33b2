//! ONNX models, run by fastembed on ONNX Runtime.

mod fingerprints;
pub mod folder;
mod rerank;
pub mod runtime;
mod sessions;

use anyhow::{Context, bail};
use fastembed::{
    InitOptionsUserDefined, OutputKey, QuantizationMode, TextEmbedding, UserDefinedEmbeddingModel,
};
use tokenizers::Tokenizer;

use super::{Embedder, Loading, ModelInfo, Origin, Pooling, Role, Settings, hub, truncated};
use fingerprints::Entry;
use folder::ModelFolder;
use sessions::Sessions;

pub use rerank::CrossEncoder;

/// An embedding model from the catalogue or from a directory.
pub struct Onnx {
    info: ModelInfo,
    sessions: Sessions<TextEmbedding>,
    /// Counts tokens, without truncation.
    tokenizer: Tokenizer,
}

impl Onnx {
    /// Loads a model. Settings that are `None` are taken from the model's files.
    ///
    /// # Errors
    /// ONNX Runtime is not installed, a file of the model is damaged, the model fails, or it has fewer
    /// dimensions than `settings` request.
    pub fn load(
        folder: &ModelFolder,
        origin: Origin,
        settings: &Settings,
        loading: Loading,
    ) -> anyhow::Result<Self> {
        runtime::ensure()?;
        let configuration = folder.configuration()?;
        let pooling = settings.pooling.or(configuration.pooling).unwrap_or(Pooling::Mean);
        let window = configuration.window;
        let source = folder.clone();
        let load = move |threads| session(&source, pooling, window, threads);
        let sessions = Sessions::new(load, folder.bytes(), loading)?;
        let mut tokenizer = sessions.with(|session| Ok(session.tokenizer.clone()))?;
        tokenizer
            .with_truncation(None)
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("could not use the tokenizer of {}", folder.path.display()))?;
        tokenizer.with_padding(None);
        let info = ModelInfo {
            name: folder.name.clone(),
            fingerprint: String::new(),
            dimensions: 0,
            window,
            origin,
            query_prefix: settings.query_prefix.clone().unwrap_or(configuration.query_prefix),
            passage_prefix: settings.passage_prefix.clone().unwrap_or(configuration.passage_prefix),
            pooling: Some(pooling),
        };
        let mut model = Self { info, sessions, tokenizer };
        model.info.dimensions = model.dimensions(settings.dimensions)?;
        model.info.fingerprint = model.fingerprint(folder)?;
        Ok(model)
    }

    /// The number of dimensions to truncate vectors to. Runs the model to determine how many it has.
    fn dimensions(&self, requested: Option<usize>) -> anyhow::Result<usize> {
        let full = self.run("dimensions")?.len();
        match requested {
            Some(0) => bail!("--dimensions must be at least 1\n  hint: {} has {full}", self.info.name),
            Some(requested) if requested > full => bail!(
                "{} has {full} dimensions, not {requested}\n  hint: --dimensions can only shorten vectors",
                self.info.name
            ),
            requested => Ok(requested.unwrap_or(full)),
        }
    }

    /// Hashes the files and the settings, or takes the hash from the cache.
    fn fingerprint(&self, folder: &ModelFolder) -> anyhow::Result<String> {
        let used = serde_json::to_vec(&ModelInfo {
            name: String::new(),
            origin: Origin::Builtin,
            ..self.info.clone()
        })?;
        let cached = hub::cache().ok().and_then(|cache| Entry::new(&cache, &folder.hashed_files(), &used));
        if let Some(known) = cached.as_ref().and_then(Entry::read) {
            return Ok(known);
        }
        let mut hasher = folder.hash()?;
        hasher.update(&used);
        let fingerprint = format!("{:016x}", hasher.digest());
        if let Some(entry) = cached {
            // A cache that cannot be written costs time only.
            _ = entry.write(&fingerprint);
        }
        Ok(fingerprint)
    }

    /// Computes the full-length vector of a text. Each run embeds one text: with quantized activations, texts
    /// in the same run change each other's vectors. It also avoids computing padding.
    fn run(&self, text: &str) -> anyhow::Result<Vec<f32>> {
        let vectors = self.sessions.with(|session| Ok(session.embed([text], None)?));
        let vectors = vectors.with_context(|| format!("{} failed", self.info.name))?;
        let vector = vectors.into_iter().next().context("the model returned no vector")?;
        anyhow::ensure!(
            vector.iter().all(|x| x.is_finite()),
            "{} returned a vector with NaN or infinite values",
            self.info.name
        );
        Ok(vector)
    }
}

impl Embedder for Onnx {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        let vector = self.run(&self.info.prefixed(text, role))?;
        Ok(truncated(vector, self.info.dimensions))
    }

    fn count_tokens(&self, text: &str) -> usize {
        // A text that cannot be tokenized must not be added to a chunk.
        self.tokenizer.encode_fast(text, false).map_or(usize::MAX, |encoding| encoding.len())
    }
}

fn session(
    folder: &ModelFolder,
    pooling: Pooling,
    window: usize,
    threads: usize,
) -> anyhow::Result<TextEmbedding> {
    let mut model = UserDefinedEmbeddingModel::new(folder.graph()?, folder.tokenizer()?)
        .with_quantization(QuantizationMode::None)
        .with_pooling(match pooling {
            Pooling::Mean => fastembed::Pooling::Mean,
            Pooling::Cls => fastembed::Pooling::Cls,
        });
    for (name, bytes) in folder.external()? {
        model = model.with_external_initializer(name, bytes);
    }
    model.output_key = folder.output.map(OutputKey::ByName);
    let options = InitOptionsUserDefined::new().with_max_length(window).with_intra_threads(threads);
    TextEmbedding::try_new_from_user_defined(model, options)
        .with_context(|| format!("could not load the model in {}", folder.path.display()))
}
