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

use crate::hint::hinted;

pub use rerank::CrossEncoder;

/// An embedding model from the catalogue or from a directory.
pub struct Onnx {
    info: ModelInfo,
    sessions: Sessions<TextEmbedding>,
    /// Counts tokens, without truncation.
    tokenizer: Tokenizer,
    /// See [`reads_letters`].
    reads_letters: bool,
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
        let reads_letters = reads_letters(&tokenizer);
        let mut model = Self { info, sessions, tokenizer, reads_letters };
        model.info.dimensions = model.dimensions(settings.dimensions)?;
        model.info.fingerprint = model.fingerprint(folder)?;
        Ok(model)
    }

    /// The number of dimensions to truncate vectors to. Runs the model to determine how many it has.
    fn dimensions(&self, requested: Option<usize>) -> anyhow::Result<usize> {
        let full = self.run("dimensions")?.len();
        match requested {
            Some(0) => {
                bail!(hinted("--dimensions must be at least 1", format!("{} has {full}", self.info.name)))
            }
            Some(requested) if requested > full => bail!(hinted(
                format!("{} has {full} dimensions, not {requested}", self.info.name),
                "--dimensions can only shorten vectors"
            )),
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

    fn can_read(&self, text: &str) -> bool {
        // A text that cannot be tokenized fails when it is embedded.
        let tokens = self.tokenizer.encode_fast(text, false);
        text.is_ascii() || tokens.is_ok_and(|tokens| is_readable(tokens.get_tokens(), self.reads_letters))
    }

    fn count_tokens(&self, text: &str) -> usize {
        // A text that cannot be tokenized must not be added to a chunk.
        self.tokenizer.encode_fast(text, false).map_or(usize::MAX, |encoding| encoding.len())
    }
}

/// A model whose vocabulary has at least this many single letters outside ASCII was trained on languages in
/// which a letter can be a word. The vocabulary of an English model has about 1,500 of them, to spell names,
/// that of a Chinese one 14,000.
const MANY_LETTERS: usize = 4_000;

fn reads_letters(tokenizer: &Tokenizer) -> bool {
    tokenizer.get_vocab(false).keys().filter(|token| is_letter(token)).nth(MANY_LETTERS).is_some()
}

/// The letters of a token, without the marks of the start or the inside of a word.
fn letters(token: &str) -> &str {
    token.trim_start_matches("##").trim_start_matches(['▁', 'Ġ'])
}

fn is_letter(token: &str) -> bool {
    let mut chars = letters(token).chars();
    chars.next().is_some_and(|c| !c.is_ascii() && c.is_alphabetic()) && chars.next().is_none()
}

/// See [`Embedder::can_read`].
fn is_readable(tokens: &[String], reads_letters: bool) -> bool {
    let (mut read, mut unread) = (0, 0);
    for token in tokens {
        if matches!(token.as_str(), "[UNK]" | "<unk>") || (!reads_letters && is_letter(token)) {
            unread += 1;
        } else if letters(token).contains(char::is_alphanumeric) {
            read += 1;
        }
    }
    read >= unread
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_tokens_and_single_letters_are_not_read() {
        let check = |tokens: &[&str], reads_letters: bool| {
            is_readable(&tokens.iter().map(ToString::to_string).collect::<Vec<_>>(), reads_letters)
        };
        assert!(check(&["how", "do", "[UNK]"], false));
        assert!(!check(&["[UNK]", "[UNK]", "vpn"], false));
        assert!(!check(&["п", "##а", "##р", "##о", "##л", "##ь"], false));
        assert!(!check(&["重", "[UNK]", "密", "？"], false));
        assert!(check(&["重", "置", "密", "码", "？"], true));
        assert!(check(&["▁Как", "▁с", "бро", "сить", "▁пароль"], false));
        assert!(check(&[], false));
    }
}
