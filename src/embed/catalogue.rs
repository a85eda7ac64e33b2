//! The models that have a name: fastembed's, with what else a person wants to know before choosing one.
//!
//! What fastembed knows (repository, file, dimensions, pooling) is asked of it. `catalogue.tsv` adds names,
//! languages, licences, the prefixes that each model's card asks for, and sizes, which are those of its
//! weights by their number and precision and may be a few per cent off.

use std::sync::LazyLock;

use anyhow::{Context, bail};
use fastembed::{OutputKey, TextEmbedding, TextRerank};

use super::onnx::folder::ModelFolder;
use super::{Pooling, Settings, hub};

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text → vector.
    Embedding,
    /// Phrase with passage → relevance.
    Reranker,
}

/// A model that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is called here.
    pub name: &'static str,
    /// What it is for.
    pub kind: Kind,
    /// Where it is kept: `Xenova/bge-small-en-v1.5`.
    pub repository: &'static str,
    /// The graph's file in there.
    pub file: &'static str,
    /// Further files that the graph needs.
    pub more_files: Vec<String>,
    /// How many numbers a vector has; `None` for a reranker.
    pub dimensions: Option<usize>,
    /// Which languages it understands.
    pub languages: &'static str,
    /// The licence of its weights, as its card says.
    pub licence: &'static str,
    /// How large it is, about.
    pub megabytes: u64,
    pooling: Option<Pooling>,
    output: Option<&'static str>,
    query_prefix: &'static str,
    passage_prefix: &'static str,
}

/// Every model there is, embedding models first.
pub static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let lines = include_str!("catalogue.tsv").lines().skip(1);
    lines.map(|line| entry(line).expect("catalogue.tsv holds models that fastembed has")).collect()
});

impl Entry {
    /// The model with this name, case ignored.
    ///
    /// # Errors
    /// There is none: the message names those that are written almost so.
    pub fn named(name: &str, kind: Kind) -> anyhow::Result<&'static Self> {
        let same = |entry: &&Entry| {
            entry.name.eq_ignore_ascii_case(name) || entry.repository.eq_ignore_ascii_case(name)
        };
        match CATALOGUE.iter().find(same) {
            Some(entry) if entry.kind == kind => Ok(entry),
            Some(entry) if kind == Kind::Embedding => {
                bail!("{} reranks, and gives no vectors\n  hint: use it with --rerank", entry.name)
            }
            Some(entry) => {
                bail!("{} gives vectors, and reranks nothing\n  hint: {}", entry.name, nearest(name, kind))
            }
            None => bail!("no model is called {name:?}\n  hint: {}", nearest(name, kind)),
        }
    }

    /// The model of this name, whatever it is for.
    ///
    /// # Errors
    /// There is none.
    pub fn any(name: &str) -> anyhow::Result<&'static Self> {
        Self::named(name, Kind::Reranker).or_else(|_| Self::named(name, Kind::Embedding))
    }

    /// Where it is on this machine.
    ///
    /// # Errors
    /// It is not here: the message says how to get it.
    pub fn folder(&self) -> anyhow::Result<ModelFolder> {
        let path = hub::find(self).with_context(|| {
            format!(
                "the model {} is not on this machine\n  hint: `rqsearch models fetch {}` gets it (about {} MB)",
                self.name, self.name, self.megabytes
            )
        })?;
        Ok(ModelFolder { path, name: self.name.to_owned(), graph: self.file.to_owned(), output: self.output })
    }

    /// How it is used, where somebody does not say otherwise.
    pub fn settings(&self, settings: &Settings) -> Settings {
        Settings {
            query_prefix: settings.query_prefix.clone().or_else(|| Some(self.query_prefix.to_owned())),
            passage_prefix: settings.passage_prefix.clone().or_else(|| Some(self.passage_prefix.to_owned())),
            dimensions: settings.dimensions,
            pooling: settings.pooling.or(self.pooling),
        }
    }
}

fn entry(line: &'static str) -> Option<Entry> {
    let [name, repository, file, languages, licence, megabytes, query_prefix, passage_prefix] =
        line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let mut entry = Entry {
        name,
        kind: Kind::Embedding,
        repository,
        file,
        more_files: Vec::new(),
        dimensions: None,
        languages,
        licence,
        megabytes: megabytes.parse().ok()?,
        pooling: None,
        output: None,
        query_prefix,
        passage_prefix,
    };
    let is_this = |code: &str, model_file: &str| code == repository && model_file == file;
    if let Some(model) = TextEmbedding::list_supported_models()
        .into_iter()
        .find(|model| is_this(&model.model_code, &model.model_file))
    {
        entry.dimensions = Some(model.dim);
        entry.more_files = model.additional_files;
        entry.pooling =
            TextEmbedding::get_default_pooling_method(&model.model).map(|pooling| match pooling {
                fastembed::Pooling::Mean => Pooling::Mean,
                fastembed::Pooling::Cls => Pooling::Cls,
            });
        entry.output = match model.output_key {
            Some(OutputKey::ByName(output)) => Some(output),
            _ => None,
        };
        return Some(entry);
    }
    let model = TextRerank::list_supported_models()
        .into_iter()
        .find(|model| is_this(&model.model_code, &model.model_file))?;
    entry.kind = Kind::Reranker;
    entry.more_files = model.additional_files;
    Some(entry)
}

/// `did you mean …`, or where to look.
fn nearest(name: &str, kind: Kind) -> String {
    let likeness = |entry: &Entry| strsim::jaro_winkler(&entry.name.to_lowercase(), &name.to_lowercase());
    let mut like: Vec<(f64, &str)> = CATALOGUE
        .iter()
        .filter(|entry| entry.kind == kind)
        .map(|entry| (likeness(entry), entry.name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    like.sort_by(|a, b| b.0.total_cmp(&a.0));
    like.truncate(3);
    match like.as_slice() {
        [] => "`rqsearch models` lists them; a folder is named with a / in it".to_owned(),
        like => {
            let names: Vec<&str> = like.iter().map(|(_, name)| *name).collect();
            format!("did you mean {}? `rqsearch models` lists all", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_model_of_fastembed_is_here_under_one_name() {
        let ours: BTreeSet<(String, String)> =
            CATALOGUE.iter().map(|entry| (entry.repository.to_owned(), entry.file.to_owned())).collect();
        let theirs = TextEmbedding::list_supported_models()
            .into_iter()
            .map(|model| (model.model_code, model.model_file));
        let rerankers =
            TextRerank::list_supported_models().into_iter().map(|model| (model.model_code, model.model_file));
        assert_eq!(ours, theirs.chain(rerankers).collect());
        let names: BTreeSet<String> = CATALOGUE.iter().map(|entry| entry.name.to_lowercase()).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        assert!(!names.contains(&super::super::Builtin::info().name.to_lowercase()));
    }

    #[test]
    fn a_name_that_is_almost_right_is_told() {
        let error = Entry::named("bge-smal-en", Kind::Embedding).unwrap_err().to_string();
        assert!(error.contains("did you mean bge-small-en-v1.5"), "{error}");
        let error = Entry::named("qqq", Kind::Embedding).unwrap_err().to_string();
        assert!(error.contains("`rqsearch models`"), "{error}");
        assert_eq!(Entry::named("BGE-M3", Kind::Embedding).unwrap().name, "bge-m3");
        assert!(
            Entry::named("bge-reranker-base", Kind::Embedding).unwrap_err().to_string().contains("--rerank")
        );
        assert!(Entry::named("bge-m3", Kind::Reranker).is_err());
    }
}
