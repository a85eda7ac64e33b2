//! The catalogue of models that you can use by name: the models of fastembed, with the information needed to
//! choose one.
//!
//! Repository, file, dimensions and pooling come from fastembed. `catalogue.tsv` adds names, languages,
//! licences, the prefixes that the model cards require, and sizes. Sizes are computed from the number and
//! precision of the weights; they are off by a few per cent at most.

use std::sync::LazyLock;

use anyhow::{Context, bail};
use fastembed::{OutputKey, TextEmbedding, TextRerank};

use super::{Pooling, Settings};
use crate::hint::hinted;

/// The task of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text → vector.
    Embedding,
    /// Phrase with passage → relevance.
    Reranker,
}

/// A model of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name in this catalogue.
    pub name: &'static str,
    /// The task of the model.
    pub kind: Kind,
    /// The repository on the hub, such as `Xenova/bge-small-en-v1.5`.
    pub repository: &'static str,
    /// The path of the graph in the repository.
    pub file: &'static str,
    /// Additional files that the graph needs.
    pub more_files: Vec<String>,
    /// The length of a vector; `None` for a reranker.
    pub dimensions: Option<usize>,
    /// The languages that the model was trained for.
    pub languages: &'static str,
    /// The licence of the weights, according to the model card.
    pub licence: &'static str,
    /// The approximate size of the weights in megabytes.
    pub megabytes: u64,
    pooling: Option<Pooling>,
    pub(super) output: Option<&'static str>,
    query_prefix: &'static str,
    passage_prefix: &'static str,
}

/// All models of the catalogue, embedding models first.
pub static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let lines = include_str!("catalogue.tsv").lines().skip(1);
    lines.map(|line| entry(line).expect("fastembed has every model of catalogue.tsv")).collect()
});

impl Entry {
    /// The model of this kind with this name or repository. Case is ignored.
    ///
    /// # Errors
    /// No model of this kind has the name. The message suggests similar names.
    pub fn named(name: &str, kind: Kind) -> anyhow::Result<&'static Self> {
        match find(name) {
            Some(entry) if entry.kind == kind => Ok(entry),
            Some(entry) if kind == Kind::Embedding => bail!(hinted(
                format!("{} is a reranker and cannot embed texts", entry.name),
                format!("use it with --rerank {}", entry.name)
            )),
            Some(entry) => bail!(hinted(
                format!("{} is an embedding model and cannot rerank", entry.name),
                "`rqsearch models reranker` lists rerankers"
            )),
            None => bail!(hinted(format!("no model is called {name:?}"), similar(name, Some(kind)))),
        }
    }

    /// The model of any kind with this name or repository. Case is ignored.
    ///
    /// # Errors
    /// No model has the name. The message suggests similar names.
    pub fn any(name: &str) -> anyhow::Result<&'static Self> {
        find(name).with_context(|| hinted(format!("no model is called {name:?}"), similar(name, None)))
    }

    /// Completes `settings` with the defaults of the catalogue.
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

/// The model with this name or repository.
fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name) || entry.repository.eq_ignore_ascii_case(name))
}

/// A hint with similar names (of the given kind, or of any kind), or with the command that lists all names.
fn similar(name: &str, kind: Option<Kind>) -> String {
    let likeness = |entry: &Entry| strsim::jaro_winkler(&entry.name.to_lowercase(), &name.to_lowercase());
    let mut like: Vec<(f64, &str)> = CATALOGUE
        .iter()
        .filter(|entry| kind.is_none_or(|kind| entry.kind == kind))
        .map(|entry| (likeness(entry), entry.name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    like.sort_by(|a, b| b.0.total_cmp(&a.0));
    like.truncate(3);
    match like.as_slice() {
        [] => "`rqsearch models` lists the names; the path of a directory contains a /".to_owned(),
        like => {
            let names: Vec<&str> = like.iter().map(|(_, name)| *name).collect();
            format!("did you mean {}? `rqsearch models` lists all names", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hint::Hinted;

    #[test]
    fn every_fastembed_model_is_listed_once() {
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
    fn suggestions_have_the_requested_kind() {
        let hint = |found: anyhow::Result<&Entry>| Hinted::of(&found.unwrap_err()).unwrap().to_owned();
        let embedding = |name| hint(Entry::named(name, Kind::Embedding));
        for (hint, expected) in [
            (embedding("bge-smal-en"), "did you mean bge-small-en-v1.5"),
            (embedding("qqq"), "`rqsearch models`"),
            (embedding("bge-reranker-base"), "--rerank"),
            (hint(Entry::any("bge-reranker-bas")), "did you mean bge-reranker-base"),
            (hint(Entry::any("bge-smal-en-v1.5")), "did you mean bge-small-en-v1.5"),
        ] {
            assert!(hint.contains(expected), "{hint}");
        }
        assert_eq!(Entry::named("BGE-M3", Kind::Embedding).unwrap().name, "bge-m3");
        assert!(Entry::named("bge-m3", Kind::Reranker).is_err());
    }
}
