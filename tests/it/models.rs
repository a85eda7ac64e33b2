//! ONNX models, run by ONNX Runtime.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rqsearch::embed::{Embedder, Loading, ModelSpec, Prepare, Role, Settings, load};
use serde::Deserialize;
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::util::{Dir, FAQ, Output, tools};

/// The directory with the models and libraries that `tests/setup/models.sh` installs.
struct Models(PathBuf);

impl Models {
    fn new() -> Option<Self> {
        tools("models").map(Self)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn library(&self, folder: &str) -> PathBuf {
        let entries = self.0.join(folder).read_dir().unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().find(|path| path.to_string_lossy().contains("libonnxruntime")).unwrap()
    }

    /// Runs the program with `ORT_DYLIB_PATH` set to ONNX Runtime.
    fn run(&self, dir: &Dir, args: &[&str]) -> Output {
        self.run_with(dir, args, &[])
    }

    fn run_with(&self, dir: &Dir, args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = dir.command(args);
        command.env("ORT_DYLIB_PATH", self.library("onnxruntime"));
        command.env("RQSEARCH_CACHE", dir.path().join("cache")).env("HF_HOME", dir.path().join("hf"));
        command.envs(env.iter().copied());
        Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), "")
    }

    fn titles(&self, dir: &Dir, args: &[&str]) -> Vec<String> {
        let output = self.run(dir, &[args, &["--json"]].concat());
        let reply: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let hits = reply["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["title"].as_str().unwrap().to_owned()).collect()
    }

    /// A directory with [`FAQ`] in `faq.md`, indexed with a model.
    fn indexed(&self, model: &str, more: &[&str]) -> Dir {
        let dir = Dir::new();
        dir.write("faq.md", FAQ);
        let path = self.path(model);
        let args = [&["index", "faq.md", "--model", &path], more].concat();
        self.run(&dir, &args).success();
        dir
    }
}

fn stats(dir: &Dir) -> Value {
    serde_json::from_str(&dir.run(&["stats", "--json"]).success().stdout).unwrap()
}

/// The reference vectors of the full-precision model, recorded by `models/reference.py`.
fn recorded() -> Vec<(String, Vec<f32>)> {
    #[derive(Deserialize)]
    struct Recorded {
        text: String,
        vector: Vec<f32>,
    }
    let lines = include_str!("../../models/reference.jsonl").lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|Recorded { text, vector }| (text, vector))
        .collect()
}

#[test]
fn vectors_match_the_reference_and_do_not_depend_on_other_texts() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    // The library is named by an environment variable, which all tests of a process share: use another
    // process.
    let recorded = recorded();
    let lines: String =
        recorded.iter().map(|(text, _)| format!("{}\n", serde_json::to_string(text).unwrap())).collect();
    dir.write("texts.jsonl", lines);
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args(["--exact", "models::embeds_for_another_test", "--ignored", "--nocapture"])
        .env("ORT_DYLIB_PATH", models.library("onnxruntime"))
        .env("TEST_MODEL", models.path("minilm"))
        .env("TEST_TEXTS", dir.path().join("texts.jsonl"))
        .env("TEST_VECTORS", dir.path().join("vectors.json"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let vectors = std::fs::read_to_string(dir.path().join("vectors.json")).unwrap();
    let [one, all]: [Vec<Vec<f32>>; 2] = serde_json::from_str(&vectors).unwrap();
    assert_eq!(one, all, "the vector of a text depends on other texts");
    for ((text, expected), vector) in recorded.iter().zip(&one) {
        assert_eq!(vector.len(), expected.len());
        let error = expected.iter().zip(vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error < 1e-3, "{text}: {error}");
    }
}

#[test]
#[ignore = "runs in a separate process, started by another test"]
fn embeds_for_another_test() {
    let var = |name: &str| std::env::var(name).unwrap();
    let texts = std::fs::read_to_string(var("TEST_TEXTS")).unwrap();
    let texts: Vec<String> = texts.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let spec: ModelSpec = var("TEST_MODEL").parse().unwrap();
    let model = load(&spec, &Settings::default(), Loading::new(Prepare::Many)).unwrap();
    let one: Vec<Vec<f32>> = texts.iter().map(|text| model.embed(text, Role::Query).unwrap()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all = in_threads(model.as_ref(), &texts);
    std::fs::write(var("TEST_VECTORS"), serde_json::to_string(&[one, all]).unwrap()).unwrap();
}

/// Embeds the texts in two batches on two threads at the same time.
fn in_threads(model: &dyn Embedder, texts: &[&str]) -> Vec<Vec<f32>> {
    let (first, last) = texts.split_at(texts.len() / 2);
    thread::scope(|scope| {
        let last = scope.spawn(|| model.embed_all(last, Role::Passage).unwrap());
        let mut vectors = model.embed_all(first, Role::Passage).unwrap();
        vectors.extend(last.join().unwrap());
        vectors
    })
}

#[test]
fn searches_and_updates_load_the_model_of_the_index() {
    let Some(models) = Models::new() else { return };
    let dir = models.indexed("minilm", &[]);
    assert_eq!(stats(&dir)["model"]["name"], "minilm");
    assert_eq!(models.titles(&dir, &["how long must dough rest"])[0], "How long should bread dough rise?");
    // An update uses the same model.
    dir.write("faq.md", format!("{FAQ}\n## Why does a kettle whistle?\n\nSteam leaves through a hole.\n"));
    models.run(&dir, &["index"]).success().says("2 embedded");
    assert_eq!(models.titles(&dir, &["noise of boiling water"])[0], "Why does a kettle whistle?");
    models.run(&dir, &["dups", "--check", "How long should dough for bread rise?"]).exits(1);
}

#[test]
fn another_model_is_refused_with_a_hint() {
    let Some(models) = Models::new() else { return };
    let dir = models.indexed("minilm", &[]);
    let other = models.run(&dir, &["dough", "--model", &models.path("minilm-int8")]).exits(2);
    let (own, other_name) = (stats(&dir)["model"]["fingerprint"].as_str().unwrap().to_owned(), "minilm-int8");
    other.says(&own).says(other_name).says("rqsearch index --model");
    // The same model in another directory is accepted.
    let moved = dir.path().join("moved");
    copy(&models.0.join("minilm"), &moved);
    models.run(&dir, &["dough", "--model", &moved.display().to_string()]).success();
    models.run(&dir, &["dough", "--model", "builtin"]).exits(2).says("all-MiniLM-L6-v2");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copy(&path, &to) } else { std::fs::copy(&path, &to).map(drop).unwrap() }
    }
}

#[test]
fn the_model_of_an_index_can_be_changed_without_its_files() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::indexed();
    let before = dir.export();
    // All questions are in the index, so their files are not needed.
    models
        .run(&dir, &["index", "--model", &models.path("minilm-int8")])
        .success()
        .says("from all-MiniLM-L6-v2")
        .says("5 questions in");
    assert_eq!(stats(&dir)["model"]["name"], "minilm-int8");
    assert_eq!(dir.export(), before);
    assert_eq!(models.titles(&dir, &["how long must dough rest"])[0], "How long should bread dough rise?");
    models.run(&dir, &["index", "--model", "builtin"]).success();
    dir.run(&["how long must dough rest"]).success();
    dir.run(&["index", "--keyword-only"]).success().says("to keyword search only");
    assert_eq!(stats(&dir)["model"], Value::Null);
    // The index has keywords only until a model is specified.
    dir.run(&["index"]).success();
    assert_eq!(stats(&dir)["model"], Value::Null);
    dir.run(&["index", "--model", "builtin"]).success();
    assert_eq!(stats(&dir)["vectors"], 10);
}

#[test]
fn an_index_is_searched_with_its_old_model_until_the_change_is_committed() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    let many: String = (0..800)
        .map(|nth| {
            format!(
                "{{\"q\": \"Question number {nth} of many?\", \"a\": \"Answer {nth} is long: {}.\"}}\n",
                "word ".repeat(40)
            )
        })
        .collect();
    dir.write("many.jsonl", many);
    dir.run(&["index", "many.jsonl"]).success();
    let before = dir.export();
    let mut child = dir
        .command(&["index", "--model", &models.path("minilm"), "-j", "1"])
        .env("ORT_DYLIB_PATH", models.library("onnxruntime"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(1_500));
    dir.run(&["-n", "1", "question number 7 of many"]).success();
    assert!(child.try_wait().unwrap().is_none(), "indexing finished before the search");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(dir.export(), before);
    assert_eq!(stats(&dir)["model"]["name"], "all-MiniLM-L6-v2");
    dir.run(&["-n", "1", "question number 7 of many"]).success();
    // The index can still be updated.
    dir.run(&["index", "--model", "builtin", "many.jsonl"]).success();
}

#[test]
fn a_bilingual_model_with_prefixes_and_external_weights_finds_translations() {
    let Some(models) = Models::new() else { return };
    let dir = models.indexed("bilingual", &[]);
    let model = &stats(&dir)["model"];
    assert_eq!((&model["query_prefix"], &model["passage_prefix"]), (&"query: ".into(), &"passage: ".into()));
    for (german, english) in [
        ("Wie lange muss Brotteig gehen?", "How long should bread dough rise?"),
        ("Warum schmeckt mein Sauerteig so sauer?", "Why does my sourdough taste too sour?"),
        ("Wie schärfe ich ein Küchenmesser?", "How do I sharpen a kitchen knife?"),
        (
            "Warum sind die Blätter meiner Tomatenpflanzen gelb?",
            "Why are the leaves of my tomato plants yellow?",
        ),
        ("Wann soll ich Rosen schneiden?", "When should I prune roses?"),
    ] {
        assert_eq!(models.titles(&dir, &[german])[0], english);
    }
    // The same model with another prefix counts as another model.
    models
        .run(&dir, &["index", "--model", &models.path("bilingual"), "--query-prefix", ""])
        .success()
        .says("changing the model");
    assert_eq!(stats(&dir)["model"]["query_prefix"], "");
}

/// multilingual-e5-small behind an endpoint on this machine. It ends with the test.
struct MultilingualE5 {
    process: std::process::Child,
    model: String,
}

impl MultilingualE5 {
    fn new(models: &Models) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/multilingual_e5.py");
        let mut command = std::process::Command::new("python3");
        command.arg(script).env("PYTHONPATH", models.0.join("e5")).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut address).unwrap();
        Self { process, model: format!("{}#multilingual-e5-small", address.trim()) }
    }
}

impl Drop for MultilingualE5 {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn a_multilingual_model_finds_questions_in_another_language_than_the_phrase() {
    let Some(models) = Models::new() else { return };
    let e5 = MultilingualE5::new(&models);
    let dir = Dir::new();
    dir.write("faq.md", MULTILINGUAL_FAQ);
    let prefixes = ["--query-prefix", "query: ", "--passage-prefix", "passage: "];
    dir.run(&[&["index", "faq.md", "--model", &e5.model], &prefixes[..]].concat()).success();
    let languages = &stats(&dir)["languages"];
    assert!(languages.as_object().unwrap().values().all(|language| language["unread"] == 0), "{languages}");
    for (phrase, expected) in [
        ("wie lange dauert der Versand", "How long does delivery take?"),
        ("comment réinitialiser mon mot de passe", "How do I reset my password?"),
        ("jak zresetować hasło", "How do I reset my password?"),
        ("changer mon adresse de livraison", "¿Cómo cambio la dirección de envío?"),
        ("erase the account", "Как удалить аккаунт?"),
        ("passkey login", "パスワード以外でログインできますか？"),
        ("开发票", "如何申请发票？"),
    ] {
        let reply: Value = serde_json::from_str(&dir.run(&[phrase, "--json"]).success().stdout).unwrap();
        let best = &reply["hits"][0];
        assert_eq!(best["title"], expected, "{phrase}");
        assert!(matches!(best["quality"].as_str(), Some("strong" | "likely")), "{phrase}: {best}");
    }
    // Nothing is about this.
    dir.run(&["kubernetes pod eviction"]).exits(1);
}

/// Questions in six languages.
const MULTILINGUAL_FAQ: &str = "\
## How do I return a product?

Send it back within 30 days with the label from your account page.

## How long does delivery take?

Three to five working days.

## How do I reset my password?

Open the sign-in page, and choose \"Forgot password\".

## Wie storniere ich ein Abonnement?

Unter Konto, Abonnement, Kündigen.

## ¿Cómo cambio la dirección de envío?

En tu cuenta, en Direcciones.

## 如何申请发票？

在订单页面点击“开具发票”。

## パスワード以外でログインできますか？

はい、パスキーが使えます。

## Как удалить аккаунт?

Откройте настройки и нажмите «Удалить».
";

#[test]
fn dimensions_can_be_reduced_but_not_increased() {
    let Some(models) = Models::new() else { return };
    let dir = models.indexed("minilm", &["--dimensions", "128"]);
    assert_eq!(stats(&dir)["model"]["dimensions"], 128);
    assert_eq!(models.titles(&dir, &["how long must dough rest"])[0], "How long should bread dough rise?");
    let longer = ["index", "--model", &models.path("minilm"), "--dimensions", "385"];
    models.run(&dir, &longer).exits(2).says("has 384 dimensions, not 385");
    dir.run(&["index", "--model", "builtin", "--dimensions", "64"]).exits(2).says("384 dimensions");
}

#[test]
fn a_reranker_changes_scores_within_its_time_limit() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    models.run(&dir, &["index", "faq.md"]).success();
    let phrase = "prune the leaves of roses with a knife";
    let reranker = models.path("cross-encoder-words");
    let output =
        models.run(&dir, &[phrase, "--rerank", &reranker, "--json", "--explain", "--min-confidence", "0"]);
    let reply: Value = serde_json::from_str(&output.success().stdout).unwrap();
    let hits = reply["hits"].as_array().unwrap();
    assert!(hits.iter().all(|hit| hit["explanation"]["relevance"].is_f64()), "{hits:?}");
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    // A reranker with random weights runs too.
    models.run(&dir, &[phrase, "--rerank", &models.path("cross-encoder"), "--min-confidence", "0"]).success();
    // With a time limit of 0, nothing changes.
    let plain = models.titles(&dir, &[phrase]);
    assert_eq!(models.titles(&dir, &[phrase, "--rerank", &reranker, "--rerank-ms", "0"]), plain);
    models.run(&dir, &[phrase, "--rerank", &models.path("minilm")]).exits(2).says("is not a reranker");
    models.run(&dir, &[phrase, "--rerank", "builtin"]).exits(2).says("is not a reranker");
}

#[test]
fn a_missing_or_old_onnx_runtime_is_an_error_with_a_hint() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let index = ["index", "faq.md", "--model", &models.path("minilm")];
    let old = models.library("onnxruntime-old").display().to_string();
    models
        .run_with(&dir, &index, &[("ORT_DYLIB_PATH", &old)])
        .exits(2)
        .says("version 1.19")
        .says("1.24 or later")
        .says("pip install onnxruntime");
    let gone = [("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")];
    models.run_with(&dir, &index, &gone).exits(2).says("/nowhere").says("pip install onnxruntime");
    let relative = [("ORT_DYLIB_PATH", "./libonnxruntime.so")];
    models.run_with(&dir, &index, &relative).exits(2).says("not an absolute path");
    // No index was created.
    assert!(!dir.path().join(".rqsearch").exists());
    // The library is found in the cache directory.
    let cache = dir.path().join("cache/onnxruntime");
    std::fs::create_dir_all(&cache).unwrap();
    let library = models.library("onnxruntime");
    std::fs::hard_link(&library, cache.join(library.file_name().unwrap()))
        .or_else(|_| std::fs::copy(&library, cache.join(library.file_name().unwrap())).map(drop))
        .unwrap();
    models.run_with(&dir, &index, &[("ORT_DYLIB_PATH", "")]).success();
}

#[test]
fn unusable_models_are_refused_with_the_reason() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let index = |model: &str| models.run(&dir, &["index", "faq.md", "--model", model]).exits(2);
    index("./nowhere").says("could not find the model directory ./nowhere");
    dir.write("empty/readme.md", "");
    index("./empty").says("does not contain an ONNX model").says("tokenizer.json");
    dir.write("broken/model.onnx", "garbage");
    dir.write("broken/tokenizer.json", "{}");
    index("./broken").says("could not load the model in");
    index("bge-smal-en").says("did you mean bge-small-en-v1.5");
    index("bge-reranker-base").says("--rerank");
    index("https://example.org/v1").says("append it after a #");
    index("https://user:secret@example.org/v1#m").says("RQSEARCH_API_KEY");
    assert!(!dir.path().join(".rqsearch").exists());
}

// ---- models from a hub ----

/// Serves a model as a hub does: requests for a large file are redirected, and the redirect contains its
/// hash. If `damage` is true, large files are served with one changed byte.
fn hub(models: &Models, damage: bool) -> Server {
    let folder = models.0.join("minilm");
    Server::new(move |request| {
        let Some(file) = request.path.strip_prefix("/Xenova/bge-small-en-v1.5/resolve/main/") else {
            return match request.path.strip_prefix("/blob/") {
                Some(file) => Answer::file(&folder.join(file.replace("--", "/"))).damaged(damage),
                None => Answer::status(404),
            };
        };
        if !folder.join(file).is_file() {
            return Answer::status(404);
        }
        if !file.ends_with(".onnx") {
            return Answer::file(&folder.join(file));
        }
        let hash = sha256(&std::fs::read(folder.join(file)).unwrap());
        Answer::status(302)
            .header("Location", &format!("/blob/{}", file.replace('/', "--")))
            .header("X-Linked-Etag", &format!("\"{hash}\""))
    })
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn only_models_fetch_downloads_a_model() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let server = hub(&models, false);
    let endpoint = server.address();
    let env = [("HF_ENDPOINT", endpoint.as_str())];
    let index = ["index", "faq.md", "--model", "bge-small-en-v1.5"];
    models.run_with(&dir, &index, &env).exits(2).says("rqsearch models fetch bge-small-en-v1.5");
    assert_eq!(server.requests().len(), 0, "only `models fetch` downloads");
    let fetch = ["models", "fetch", "bge-small-en-v1.5"];
    let offline = [env[0], ("HF_HUB_OFFLINE", "1")];
    models.run_with(&dir, &fetch, &offline).exits(2).says("HF_HUB_OFFLINE");
    models.run_with(&dir, &[&fetch[..], &["--offline"]].concat(), &env).exits(2);
    assert_eq!(server.requests().len(), 0);
    models.run_with(&dir, &fetch, &env).success().says("is installed");
    let count = server.requests().len();
    models.run_with(&dir, &fetch, &env).success().says("already");
    assert_eq!(server.requests().len(), count);
    let path = models.run_with(&dir, &["models", "path", "bge-small-en-v1.5"], &env).success().stdout;
    assert!(PathBuf::from(path.trim()).join("onnx/model.onnx").is_file());
    // The prefix is the one in the model card.
    models.run(&dir, &index).success();
    let model = &stats(&dir)["model"];
    assert_eq!(model["origin"], "catalogue");
    assert!(model["query_prefix"].as_str().unwrap().starts_with("Represent this sentence"));
    models.run(&dir, &["how long must dough rise"]).success();
    let listed = models.run(&dir, &["models", "bge-small-en-v1.5", "--json"]).success().stdout;
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert!(first["path"].is_string());
}

#[test]
fn a_failed_download_installs_nothing() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    let fetch = ["models", "fetch", "bge-small-en-v1.5"];
    // What was downloaded stays in `.part-…`, for the next try.
    let left = || {
        let entries = std::fs::read_dir(dir.path().join("cache/models")).into_iter().flatten().flatten();
        entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".part-")).count()
    };
    // Nothing listens on this port.
    let refused = [("HF_ENDPOINT", "http://127.0.0.1:9")];
    models.run_with(&dir, &fetch, &refused).exits(2).says("could not reach http://127.0.0.1:9").says("hint");
    assert_eq!(left(), 0);
    let damaged = hub(&models, true);
    models.run_with(&dir, &fetch, &[("HF_ENDPOINT", &damaged.address())]).exits(2).says("SHA-256");
    assert_eq!(left(), 0);
    let empty = Server::new(|_| Answer::status(404));
    models
        .run_with(&dir, &fetch, &[("HF_ENDPOINT", &empty.address())])
        .exits(2)
        .says("has no onnx/model.onnx");
    let closed = Server::new(|_| Answer::status(401));
    models.run_with(&dir, &fetch, &[("HF_ENDPOINT", &closed.address())]).exits(2).says("HF_TOKEN");
    assert_eq!(left(), 0);
}

#[test]
fn the_token_is_sent_only_to_the_hub() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    let elsewhere = hub(&models, false);
    let address = elsewhere.address();
    let first = Server::new(move |request| {
        Answer::status(302).header("Location", &format!("{address}{}", request.path))
    });
    let env = [("HF_ENDPOINT", first.address()), ("HF_TOKEN", "hub-secret".to_owned())];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    models.run_with(&dir, &["models", "fetch", "bge-small-en-v1.5"], &env).success();
    assert!(
        first.requests().iter().all(|request| request.header("authorization") == Some("Bearer hub-secret"))
    );
    assert!(elsewhere.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn fetch_suggests_similar_names_of_all_kinds() {
    let dir = Dir::new();
    let fetch = |name: &str| dir.run(&["models", "fetch", name]);
    fetch("bge-reranker-bas").exits(2).says("did you mean bge-reranker-base");
    fetch("bge-smal-en-v1.5").exits(2).says("did you mean bge-small-en-v1.5");
    fetch("./mine").exits(2).says("--model ./mine");
    fetch("builtin").success().says("nothing to fetch");
    dir.run(&["models", "fetch", "bge-m3", "--offline"]).exits(2).says("--offline");
}

#[test]
fn the_list_shows_which_models_are_installed_and_what_they_need() {
    let dir = Dir::new();
    let run = |args: &[&str]| {
        let mut command = dir.command(args);
        command.env("RQSEARCH_CACHE", dir.path().join("cache")).env("HF_HOME", dir.path().join("hf"));
        Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), "").success()
    };
    for file in ["onnx/model.onnx", "tokenizer.json"] {
        dir.write(&format!("cache/models/bge-small-en-v1.5/{file}"), "");
    }
    let list = run(&["models"]);
    let line = |name: &str| list.stdout.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("all-MiniLM-L6-v2 ").contains("built in") && line("all-MiniLM-L6-v2 ").contains(" 23 MB"));
    assert!(
        line("bge-small-en-v1.5 ").contains("installed") && line("bge-small-en-v1.5 ").contains(" 133 MB")
    );
    assert!(line("bge-m3 ").contains(" 2.3 GB") && !line("bge-m3 ").contains("installed"));
    list.says("rqsearch models fetch NAME").says("ONNX Runtime").says("rqsearch models allow URL");
    let rows: Vec<Value> =
        run(&["models", "--json"]).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(
        (&row("all-MiniLM-L6-v2")["path"], &row("all-MiniLM-L6-v2")["installed"]),
        (&Value::Null, &true.into())
    );
    assert_eq!((&row("bge-m3")["path"], &row("bge-m3")["installed"]), (&Value::Null, &false.into()));
    assert!(row("bge-small-en-v1.5")["path"].as_str().unwrap().ends_with("cache/models/bge-small-en-v1.5"));
    assert!(run(&["models", "reranker"]).stdout.starts_with("Rerankers"));
    dir.run(&["models", "no such model"]).exits(1).says("no model has this");
}

// ---- the current directory ----

/// Python code that creates the file `ran-NAME` in `dir`, regardless of the current directory.
#[cfg(unix)]
fn python_trap(dir: &Dir, name: &str) -> String {
    format!("open({:?}, 'w').close()\n", dir.path().join(format!("ran-{name}")).display().to_string())
}

#[cfg(unix)]
#[test]
fn the_search_for_onnx_runtime_ignores_the_current_directory_and_relative_paths() {
    use std::os::unix::fs::PermissionsExt;

    let dir = Dir::new();
    let path = |name: &str| dir.path().join(name);
    for module in
        ["functools", "contextlib", "importlib/__init__", "os", "site", "sitecustomize", "usercustomize"]
    {
        let trap = python_trap(&dir, &module.replace('/', "-"));
        dir.write(&format!("{module}.py"), trap);
    }
    dir.write("onnxruntime/__init__.py", python_trap(&dir, "onnxruntime"));
    for program in ["python3", "python"] {
        let script = dir.write(program, format!("#!/bin/sh\ntouch '{}'\n", path("ran-program").display()));
        std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // A library whose constructor runs when it is loaded. Without a C compiler, only Python is tested.
    let source = format!(
        "#include <stdio.h>\n__attribute__((constructor)) static void run(void) {{ fclose(fopen(\"{}\", \"w\")); }}\n",
        path("ran-library").display()
    );
    let source = dir.write("trap.c", source);
    let library =
        path(if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so.1.30.0" });
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .is_ok_and(|status| status.success());
    assert!(
        compiled || std::env::var_os("RQSEARCH_TEST_EVERYTHING").is_none(),
        "this test needs a C compiler"
    );
    if compiled {
        for directory in ["lib", "cache/onnxruntime", "onnxruntime/capi"] {
            std::fs::create_dir_all(path(directory)).unwrap();
            std::fs::copy(&library, path(directory).join(library.file_name().unwrap())).unwrap();
        }
    }
    // An index, and an ONNX model in this directory.
    dir.write("faq.md", FAQ);
    dir.run(&["index", "faq.md"]).success();
    dir.write("mine/model.onnx", "");
    dir.write("mine/tokenizer.json", "{}");
    let search_path = std::env::var("PATH").unwrap();
    let traps = || {
        let entries = dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| name.to_string_lossy().starts_with("ran-")).collect::<Vec<_>>()
    };
    let run = |args: &[&str], library: &str| {
        let mut command = dir.command(args);
        command
            .env("PATH", format!(".::{search_path}"))
            .env("LD_LIBRARY_PATH", ".:lib:")
            .env("PYTHONPATH", format!(".:{}", dir.path().display()))
            .env("RQSEARCH_CACHE", "cache")
            .env("ORT_DYLIB_PATH", library);
        let output =
            Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), "");
        assert_eq!(traps(), Vec::<std::ffi::OsString>::new(), "{args:?}: {output:?}");
        output
    };
    run(&["models"], "").success();
    for library in ["./libonnxruntime.so.1.30.0", "libonnxruntime.so.1.30.0"] {
        run(&["models"], library).success().says("not an absolute path");
        run(&["index", "--model", "./mine"], library).exits(2).says("not an absolute path");
    }
    run(&["index", "--model", "./mine"], "").exits(2);
    run(&["roses", "--rerank", "./mine"], "").exits(2);
    run(&["roses"], "").success();
    // Check that the trap in the library works.
    if compiled {
        let absolute = library.display().to_string();
        let mut command = dir.command(&["index", "--model", "./mine"]);
        command.env("ORT_DYLIB_PATH", absolute).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(!command.status().unwrap().success());
        assert_eq!(traps(), ["ran-library"]);
    }
}

#[cfg(unix)]
#[test]
fn listing_models_loads_no_library() {
    let dir = Dir::new();
    let source = format!(
        "#include <stdio.h>\n__attribute__((constructor)) static void run(void) {{ fclose(fopen(\"{}\", \"w\")); }}\n",
        dir.path().join("ran").display()
    );
    let source = dir.write("trap.c", source);
    let library = dir.path().join("libonnxruntime.so");
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .is_ok_and(|status| status.success());
    if !compiled {
        dir.write("libonnxruntime.so", "");
    }
    let mut command = dir.command(&["models"]);
    command.env("ORT_DYLIB_PATH", &library);
    let output = Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), "");
    output.success().says(&format!("found {}", library.display()));
    assert!(!dir.path().join("ran").exists());
}
