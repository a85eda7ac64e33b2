//! Rerankers that are ONNX cross-encoders.

use anyhow::Context;
use fastembed::{RerankInitOptionsUserDefined, TextRerank, UserDefinedRerankingModel};

use super::folder::ModelFolder;
use super::runtime;
use super::sessions::Sessions;
use crate::embed::{Loading, Reranker};

/// A cross-encoder: a model that reads a phrase and a passage together.
pub struct CrossEncoder {
    name: String,
    sessions: Sessions<TextRerank>,
}

impl CrossEncoder {
    /// Loads a cross-encoder.
    ///
    /// # Errors
    /// ONNX Runtime is not installed, a file of the model is damaged, or the model is not a cross-encoder.
    pub fn load(folder: &ModelFolder, loading: Loading) -> anyhow::Result<Self> {
        runtime::ensure()?;
        let window = folder.configuration()?.window;
        let source = folder.clone();
        let load = move |threads| {
            // The graph is passed as a path so that external weights are found.
            let model = UserDefinedRerankingModel::new(source.path.join(&source.graph), source.tokenizer()?);
            let options =
                RerankInitOptionsUserDefined::new().with_max_length(window).with_intra_threads(threads);
            TextRerank::try_new_from_user_defined(model, options)
                .with_context(|| format!("could not load the reranker in {}", source.path.display()))
        };
        let sessions = Sessions::new(load, folder.bytes(), loading)?;
        let reranker = Self { name: folder.name.clone(), sessions };
        reranker.score("try", "it").with_context(|| format!("{} is not a reranker", reranker.name))?;
        Ok(reranker)
    }
}

impl Reranker for CrossEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, phrase: &str, passage: &str) -> anyhow::Result<f32> {
        let scored = self.sessions.with(|session| Ok(session.rerank(phrase, [passage], false, None)?))?;
        scored.first().map(|result| result.score).context("the reranker returned no score")
    }
}
