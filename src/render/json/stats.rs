//! Statistics of an index.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analyze::Language;
use crate::embed::{ModelInfo, Origin, Pooling};
use crate::index::{Index, LanguageStats, ReadOptions, Stats};

/// Statistics of an index.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatsReply<'a> {
    /// The directory of the index.
    pub index: String,
    /// The version of the index format.
    pub format: u32,
    /// The number of questions.
    pub questions: u64,
    /// The number of questions that have an answer.
    pub answered: u64,
    /// The number of alternative titles of all questions.
    pub also: u64,
    /// The questions in each language, by its ISO 639 code.
    pub languages: BTreeMap<&'static str, LanguageReply>,
    /// The number of indexed files, including files without questions.
    pub files: u64,
    /// The number of questions that programs wrote into the index, without files.
    pub written: u64,
    /// The files and directories that were indexed, as given.
    pub roots: &'a [String],
    /// How the files of a root are read, if the user said so with `--format` or `--map`.
    pub reading: BTreeMap<&'a str, ReadingReply<'a>>,
    /// The number of vectors. Each question has one or more.
    pub vectors: u64,
    /// The number of Tantivy segments.
    pub segments: u64,
    /// The size of all index files, in bytes.
    pub bytes: u64,
    /// The embedding model; `null` if the index has keywords only.
    pub model: Option<ModelReply<'a>>,
    /// The weight of semantic search, 0 to 1, tuned on the index; `null` if it was never tuned.
    pub semantic_weight: Option<f32>,
    /// The number of questions that the weight was tuned on.
    pub tuned_on: u64,
    /// The number of questions in each section.
    pub sections: &'a BTreeMap<String, u64>,
    /// The number of questions of each level.
    pub levels: &'a BTreeMap<String, u64>,
    /// The number of questions with each tag.
    pub tags: &'a BTreeMap<String, u64>,
}

impl<'a> StatsReply<'a> {
    /// Combines the statistics of an index with its metadata.
    pub fn new(index: &'a Index, stats: &'a Stats) -> Self {
        let meta = index.meta();
        Self {
            index: index.dir().display().to_string(),
            format: meta.format,
            questions: stats.questions,
            answered: stats.answered,
            also: stats.also,
            languages: stats.languages.iter().map(language_reply).collect(),
            files: stats.files,
            written: stats.written,
            roots: &meta.roots,
            reading: meta.reading.iter().map(|(root, options)| (root.as_str(), options.into())).collect(),
            vectors: stats.vectors,
            segments: stats.segments,
            bytes: stats.bytes,
            model: meta.model.as_ref().map(ModelReply::from),
            semantic_weight: meta.semantic_weight,
            tuned_on: meta.tuned_on,
            sections: &stats.sections,
            levels: &stats.levels,
            tags: &stats.tags,
        }
    }
}

/// The questions in one language.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LanguageReply {
    /// The English name of the language.
    pub name: String,
    /// The number of questions.
    pub questions: u64,
    /// How many of them the model cannot read: they have no vector and are found by words only. 0 if the
    /// index has keywords only.
    pub unread: u64,
}

fn language_reply((language, stats): (&Language, &LanguageStats)) -> (&'static str, LanguageReply) {
    let LanguageStats { questions, unread } = *stats;
    (language.code(), LanguageReply { name: language.to_string(), questions, unread })
}

/// How the files of a root are read.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadingReply<'a> {
    /// The name of the format; `null` if it is detected for each file.
    pub format: Option<&'a str>,
    /// The keys that hold the parts of a question, each as `part=key`.
    pub map: Vec<String>,
    /// Whether documents without questions are articles.
    pub articles: bool,
}

impl<'a> From<&'a ReadOptions> for ReadingReply<'a> {
    fn from(options: &'a ReadOptions) -> Self {
        Self {
            format: options.format.as_deref(),
            map: options.map.iter().map(ToString::to_string).collect(),
            articles: options.articles,
        }
    }
}

/// The embedding model of an index.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelReply<'a> {
    /// The name of the model.
    pub name: &'a str,
    /// A hash of the weights and settings. Models with the same fingerprint give the same vectors.
    pub fingerprint: &'a str,
    /// The length of a vector.
    pub dimensions: usize,
    /// The maximum number of tokens of a text. The rest is cut off.
    pub window: usize,
    /// `builtin`, `catalogue`, the path of a directory, or the URL of an endpoint.
    pub origin: String,
    /// The text before each phrase.
    pub query_prefix: &'a str,
    /// The text before each title and passage.
    pub passage_prefix: &'a str,
    /// How the vectors of the tokens are combined: `mean` or `cls`; `null` if the model does it itself.
    pub pooling: Option<Pooling>,
}

impl<'a> From<&'a ModelInfo> for ModelReply<'a> {
    fn from(model: &'a ModelInfo) -> Self {
        Self {
            name: &model.name,
            fingerprint: &model.fingerprint,
            dimensions: model.dimensions,
            window: model.window,
            origin: match &model.origin {
                Origin::Builtin => "builtin".to_owned(),
                Origin::Catalogue => "catalogue".to_owned(),
                Origin::Folder(path) => path.display().to_string(),
                Origin::Endpoint(url) => url.clone(),
            },
            query_prefix: &model.query_prefix,
            passage_prefix: &model.passage_prefix,
            pooling: model.pooling,
        }
    }
}
