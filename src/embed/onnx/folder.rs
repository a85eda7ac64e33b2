//! The directory of an ONNX model, with the same layout as on model hubs.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use fastembed::TokenizerFiles;
use serde_json::{Value, json};
use xxhash_rust::xxh3::Xxh3Default;

use crate::embed::Pooling;
use crate::hint::hinted;

/// The possible paths of the graph, in search order.
const GRAPHS: [&str; 3] = ["model.onnx", "onnx/model.onnx", "model_optimized.onnx"];

/// The maximum number of tokens that a model reads, and the default if its files do not specify it. Chunks
/// are shorter.
const WINDOW: usize = 512;

/// A directory that contains a graph and a tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolder {
    /// The absolute path of the directory.
    pub path: PathBuf,
    /// The name of the model.
    pub name: String,
    /// The path of the graph, relative to the directory.
    pub graph: String,
    /// The name of the output with the vector of the text; `None` for the default output.
    pub output: Option<&'static str>,
}

/// The settings in the files of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// How to combine the vectors of the tokens of a text into one.
    pub pooling: Option<Pooling>,
    /// The text to prepend to each phrase.
    pub query_prefix: String,
    /// The text to prepend to each title and passage.
    pub passage_prefix: String,
    /// The maximum number of tokens of a text that the model reads.
    pub window: usize,
}

impl ModelFolder {
    /// Opens a directory that the user specifies.
    ///
    /// # Errors
    /// The directory does not exist, or does not contain a graph and a tokenizer.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let absolute = path
            .canonicalize()
            .with_context(|| format!("could not find the model directory {}", path.display()))?;
        let Some(graph) = GRAPHS.into_iter().find(|graph| absolute.join(graph).is_file()) else {
            bail!(hinted(
                format!("{} does not contain an ONNX model", path.display()),
                format!("a model directory contains {}, and tokenizer.json", GRAPHS[..2].join(" or "))
            ));
        };
        let name =
            absolute.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
        let folder = Self { path: absolute, name, graph: graph.to_owned(), output: None };
        folder.required("tokenizer.json")?;
        Ok(folder)
    }

    /// Reads the graph.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn graph(&self) -> anyhow::Result<Vec<u8>> {
        self.required(&self.graph)
    }

    /// The total size of the graph and the weights in bytes.
    pub fn bytes(&self) -> u64 {
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
        self.weights().into_iter().map(size).sum::<u64>() + size(self.path.join(&self.graph))
    }

    /// Reads the external weights. Returns the name of each file, as in the graph, and its content.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn external(&self) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let read = |path: PathBuf| {
            let buffer = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
            let file_name =
                path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Ok((file_name, buffer))
        };
        self.weights().into_iter().map(read).collect()
    }

    /// The files with external weights in the directory of the graph: those whose names continue the name of
    /// the graph (`model.onnx_data`, `model.onnx.data`), and those that start with `Constant_`.
    fn weights(&self) -> Vec<PathBuf> {
        let graph = self.path.join(&self.graph);
        let (Some(folder), Some(name)) = (graph.parent(), graph.file_name()) else {
            return Vec::new();
        };
        let name = name.to_string_lossy();
        let entries = folder.read_dir().into_iter().flatten().filter_map(Result::ok);
        let is_weights = |path: &PathBuf| {
            let other = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let rest = other.strip_prefix(&*name).unwrap_or("");
            rest.starts_with("_data") || rest.starts_with(".data") || other.starts_with("Constant_")
        };
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_weights).collect();
        found.sort();
        found
    }

    /// Reads the files of the tokenizer. Missing optional files are replaced by defaults.
    ///
    /// # Errors
    /// The tokenizer is missing, or a file is not JSON.
    pub fn tokenizer(&self) -> anyhow::Result<TokenizerFiles> {
        let mut config = self.json("tokenizer_config.json")?.unwrap_or_else(|| json!({}));
        if !config["model_max_length"].is_number() {
            config["model_max_length"] = json!(WINDOW);
        }
        let named = |value: &Value| value.is_string() || value["content"].is_string();
        if !named(&config["pad_token"]) {
            config["pad_token"] = json!("[PAD]");
        }
        Ok(TokenizerFiles {
            tokenizer_file: self.required("tokenizer.json")?,
            config_file: self.optional("config.json")?.unwrap_or_else(|| b"{}".to_vec()),
            special_tokens_map_file: self
                .optional("special_tokens_map.json")?
                .unwrap_or_else(|| b"{}".to_vec()),
            tokenizer_config_file: serde_json::to_vec(&config)?,
        })
    }

    /// Reads the settings from the files of sentence-transformers, if there are any.
    ///
    /// # Errors
    /// A file is not JSON, or the pooling is not supported.
    pub fn configuration(&self) -> anyhow::Result<Configuration> {
        let prompts = self.json("config_sentence_transformers.json")?.unwrap_or_default()["prompts"].take();
        let prompt = |names: &[&str]| {
            names.iter().find_map(|name| prompts[*name].as_str()).unwrap_or_default().to_owned()
        };
        let lengths = [
            self.json("sentence_bert_config.json")?.unwrap_or_default()["max_seq_length"].as_u64(),
            // Some models have 10³⁰ here, which means no limit.
            self.json("tokenizer_config.json")?.unwrap_or_default()["model_max_length"].as_u64(),
            self.json("config.json")?.unwrap_or_default()["max_position_embeddings"].as_u64(),
        ];
        let window = lengths.into_iter().flatten().min().map_or(WINDOW, |window| window as usize);
        Ok(Configuration {
            pooling: self.pooling()?,
            query_prefix: prompt(&["query"]),
            passage_prefix: prompt(&["passage", "document"]),
            window: window.clamp(16, WINDOW),
        })
    }

    fn pooling(&self) -> anyhow::Result<Option<Pooling>> {
        let Some(config) = self.json("1_Pooling/config.json")? else {
            return Ok(None);
        };
        let set: Vec<&str> = config
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, value)| name.starts_with("pooling_mode_") && **value == Value::Bool(true))
            .map(|(name, _)| name.as_str())
            .collect();
        match set.as_slice() {
            [] => Ok(None),
            ["pooling_mode_mean_tokens"] => Ok(Some(Pooling::Mean)),
            ["pooling_mode_cls_token"] => Ok(Some(Pooling::Cls)),
            other => bail!(hinted(
                format!("{} uses {}, which is not supported", self.name, other.join(" and ")),
                "mean and cls are supported"
            )),
        }
    }

    /// A hash of all files that affect the vectors. The settings are not included.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn hash(&self) -> anyhow::Result<Xxh3Default> {
        let mut hasher = Xxh3Default::new();
        for path in self.hashed_files() {
            hash_file(&mut hasher, &path).with_context(|| format!("could not read {}", path.display()))?;
        }
        Ok(hasher)
    }

    /// The files that affect the vectors, in the order in which they are hashed.
    pub fn hashed_files(&self) -> Vec<PathBuf> {
        let files = [self.path.join(&self.graph), self.path.join("tokenizer.json")];
        files.into_iter().chain(self.weights()).collect()
    }

    fn required(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        self.optional(name)?.with_context(|| format!("{} has no {name}", self.path.display()))
    }

    fn optional(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.path.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
        }
    }

    fn json(&self, name: &str) -> anyhow::Result<Option<Value>> {
        let Some(bytes) = self.optional(name)? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not JSON", self.path.join(name).display()))?;
        Ok(Some(value))
    }
}

fn hash_file(hasher: &mut Xxh3Default, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            len => hasher.update(&buffer[..len]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, anyhow::Result<ModelFolder>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let folder = ModelFolder::open(dir.path());
        (dir, folder)
    }

    #[test]
    fn all_layouts_are_found_and_missing_files_are_reported() {
        for graph in GRAPHS {
            let (_dir, folder) = folder(&[(graph, "g"), ("tokenizer.json", "{}")]);
            assert_eq!(folder.unwrap().graph, graph);
        }
        let (_dir, none) = folder(&[("readme.md", "")]);
        assert!(none.unwrap_err().to_string().contains("does not contain an ONNX model"));
        let (_dir, half) = folder(&[("model.onnx", "g")]);
        assert!(half.unwrap_err().to_string().contains("has no tokenizer.json"));
    }

    #[test]
    fn settings_are_read_from_the_files() {
        let (_dir, folder) = folder(&[
            ("onnx/model.onnx", "g"),
            ("tokenizer.json", "{}"),
            (
                "1_Pooling/config.json",
                r#"{"word_embedding_dimension": 8, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#,
            ),
            (
                "config_sentence_transformers.json",
                r#"{"prompts": {"query": "query: ", "document": "passage: "}}"#,
            ),
            ("sentence_bert_config.json", r#"{"max_seq_length": 128}"#),
            ("tokenizer_config.json", r#"{"model_max_length": 1000000000000000019884624838656}"#),
        ]);
        let expected = Configuration {
            pooling: Some(Pooling::Cls),
            query_prefix: "query: ".into(),
            passage_prefix: "passage: ".into(),
            window: 128,
        };
        assert_eq!(folder.unwrap().configuration().unwrap(), expected);
    }

    #[test]
    fn missing_settings_have_defaults_and_unknown_pooling_is_an_error() {
        let (_dir, bare) = folder(&[("model.onnx", "g"), ("tokenizer.json", "{}")]);
        let bare = bare.unwrap();
        assert_eq!(
            bare.configuration().unwrap(),
            Configuration { window: WINDOW, ..Configuration::default() }
        );
        let tokenizer: Value =
            serde_json::from_slice(&bare.tokenizer().unwrap().tokenizer_config_file).unwrap();
        assert_eq!(tokenizer, json!({"model_max_length": 512, "pad_token": "[PAD]"}));
        let (_dir, last) = folder(&[
            ("model.onnx", "g"),
            ("tokenizer.json", "{}"),
            ("1_Pooling/config.json", r#"{"pooling_mode_lasttoken": true}"#),
        ]);
        assert!(last.unwrap().configuration().unwrap_err().to_string().contains("lasttoken"));
    }

    #[test]
    fn external_weights_are_part_of_the_model() {
        let (dir, folder) = folder(&[
            ("onnx/model.onnx", "graph"),
            ("onnx/model.onnx_data", "weights"),
            ("onnx/model_q4.onnx_data", "other model"),
            ("tokenizer.json", "{}"),
        ]);
        let folder = folder.unwrap();
        let external = folder.external().unwrap();
        assert_eq!(external.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["model.onnx_data"]);
        assert_eq!(folder.bytes(), 12);
        let before = folder.hash().unwrap().digest();
        fs::write(dir.path().join("onnx/model.onnx_data"), "weightz").unwrap();
        assert_ne!(folder.hash().unwrap().digest(), before);
    }
}
