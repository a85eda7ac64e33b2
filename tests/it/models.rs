//! Other models than the built-in one: real ones, run by the real ONNX Runtime, and a real endpoint.

use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rqsearch::embed::{Embedder, Loading, ModelSpec, Prepare, Role, Settings, load};
use serde::Deserialize;
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::util::{Dir, FAQ, Output, tools};

/// Where the models and the library are.
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

    /// The program in a folder, with the library.
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

    /// A folder with the usual questions, indexed with a model.
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

/// The vectors of the full-precision model, as another program computed them.
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
fn vectors_are_those_of_the_reference_whatever_is_beside_a_text() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    // The library is found by a variable of the process, and tests share theirs: a process of its own embeds.
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
    assert_eq!(one, all, "what is beside a text changes its vector");
    for ((text, expected), vector) in recorded.iter().zip(&one) {
        assert_eq!(vector.len(), expected.len());
        let furthest = expected.iter().zip(vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest < 1e-3, "{text}: {furthest}");
    }
}

#[test]
#[ignore = "runs in a process of its own, started by another test"]
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

/// All texts at once, on several threads, the last first.
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
fn an_index_remembers_its_model_and_loads_it_by_itself() {
    let Some(models) = Models::new() else { return };
    let dir = models.indexed("minilm", &[]);
    assert_eq!(stats(&dir)["model"]["name"], "minilm");
    assert_eq!(models.titles(&dir, &["how long must dough rest"])[0], "How long should bread dough rise?");
    // Bringing it up to date needs no name either.
    dir.write("faq.md", format!("{FAQ}\n## Why does a kettle whistle?\n\nSteam leaves through a hole.\n"));
    models.run(&dir, &["index"]).success().says("2 embedded");
    assert_eq!(models.titles(&dir, &["noise of boiling water"])[0], "Why does a kettle whistle?");
    models.run(&dir, &["dups", "--check", "How long should dough for bread rise?"]).exits(1);
}

#[test]
fn another_model_is_refused_with_both_names_and_the_way_out() {
    let Some(models) = Models::new() else { return };
    let dir = models.indexed("minilm", &[]);
    let other = models.run(&dir, &["dough", "--model", &models.path("minilm-int8")]).exits(2);
    let (own, other_name) = (stats(&dir)["model"]["fingerprint"].as_str().unwrap().to_owned(), "minilm-int8");
    other.says(&own).says(other_name).says("rqsearch index --model");
    // The same model in another place is the same model.
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
fn an_index_changes_its_model_without_the_files_it_was_read_from() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::indexed();
    let before = dir.export();
    // What is in no file any more is embedded anew as well: the questions are in the index.
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
    dir.run(&["index", "--keyword-only"]).success().says("to words only");
    assert_eq!(stats(&dir)["model"], Value::Null);
    // Words only it stays, until somebody says otherwise.
    dir.run(&["index"]).success();
    assert_eq!(stats(&dir)["model"], Value::Null);
    dir.run(&["index", "--model", "builtin"]).success();
    assert_eq!(stats(&dir)["vectors"], 10);
}

#[test]
fn while_an_index_changes_its_model_the_old_one_serves_and_a_crash_leaves_it() {
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
    assert!(child.try_wait().unwrap().is_none(), "it was done before it could be looked at");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(dir.export(), before);
    assert_eq!(stats(&dir)["model"]["name"], "all-MiniLM-L6-v2");
    dir.run(&["-n", "1", "question number 7 of many"]).success();
    // And it can be built on.
    dir.run(&["index", "--model", "builtin", "many.jsonl"]).success();
}

#[test]
fn a_phrase_in_another_language_finds_the_question_through_prefixes_and_external_weights() {
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
    // Other prefixes make another model of it.
    models
        .run(&dir, &["index", "--model", &models.path("bilingual"), "--query-prefix", ""])
        .success()
        .says("anew");
    assert_eq!(stats(&dir)["model"]["query_prefix"], "");
}

#[test]
fn vectors_can_be_kept_shorter_but_not_longer() {
    let Some(models) = Models::new() else { return };
    let dir = models.indexed("minilm", &["--dimensions", "128"]);
    assert_eq!(stats(&dir)["model"]["dimensions"], 128);
    assert_eq!(models.titles(&dir, &["how long must dough rest"])[0], "How long should bread dough rise?");
    let longer = ["index", "--model", &models.path("minilm"), "--dimensions", "385"];
    models.run(&dir, &longer).exits(2).says("has 384 dimensions, not 385");
    dir.run(&["index", "--model", "builtin", "--dimensions", "64"]).exits(2).says("384 dimensions");
}

#[test]
fn a_reranker_enters_the_order_and_its_time_is_bounded() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    // By meaning all are alike; by the number of words they share with the phrase they are not.
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
    // What a reranker of random weights says is no better, but it says it.
    models.run(&dir, &[phrase, "--rerank", &models.path("cross-encoder"), "--min-confidence", "0"]).success();
    // No time, no change.
    let plain = models.titles(&dir, &[phrase]);
    assert_eq!(models.titles(&dir, &[phrase, "--rerank", &reranker, "--rerank-ms", "0"]), plain);
    models.run(&dir, &[phrase, "--rerank", &models.path("minilm")]).exits(2).says("is no reranker");
    models.run(&dir, &[phrase, "--rerank", "builtin"]).exits(2).says("is no reranker");
}

#[test]
fn onnx_runtime_that_is_missing_or_too_old_is_an_error_that_says_how_to_get_it() {
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
    // Nothing was begun.
    assert!(!dir.path().join(".rqsearch").exists());
    // In the cache it is found by itself.
    let cache = dir.path().join("cache/onnxruntime");
    std::fs::create_dir_all(&cache).unwrap();
    let library = models.library("onnxruntime");
    std::fs::hard_link(&library, cache.join(library.file_name().unwrap()))
        .or_else(|_| std::fs::copy(&library, cache.join(library.file_name().unwrap())).map(drop))
        .unwrap();
    models.run_with(&dir, &index, &[("ORT_DYLIB_PATH", "")]).success();
}

#[test]
fn what_is_no_model_is_told_from_what_is_broken() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let index = |model: &str| models.run(&dir, &["index", "faq.md", "--model", model]).exits(2);
    index("./nowhere").says("could not find the model's folder ./nowhere");
    dir.write("empty/readme.md", "");
    index("./empty").says("holds no model").says("tokenizer.json");
    dir.write("broken/model.onnx", "garbage");
    dir.write("broken/tokenizer.json", "{}");
    index("./broken").says("could not load the model in");
    index("bge-smal-en").says("did you mean bge-small-en-v1.5");
    index("bge-reranker-base").says("--rerank");
    index("https://example.org/v1").says("behind a #");
    index("https://user:secret@example.org/v1#m").says("RQSEARCH_API_KEY");
    assert!(!dir.path().join(".rqsearch").exists());
}

// ---- models from a hub ----

/// Serves the model as a hub does: the large file from another address, with its hash.
fn hub(models: &Models, spoil: bool) -> Server {
    let folder = models.0.join("minilm");
    Server::new(move |request| {
        let Some(file) = request.path.strip_prefix("/Xenova/bge-small-en-v1.5/resolve/main/") else {
            return match request.path.strip_prefix("/blob/") {
                Some(file) => Answer::file(&folder.join(file.replace("--", "/"))).spoilt(spoil),
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
fn a_model_is_fetched_when_asked_for_and_only_then() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let server = hub(&models, false);
    let endpoint = server.address();
    let env = [("HF_ENDPOINT", endpoint.as_str())];
    let index = ["index", "faq.md", "--model", "bge-small-en-v1.5"];
    models.run_with(&dir, &index, &env).exits(2).says("rqsearch models fetch bge-small-en-v1.5");
    assert_eq!(server.requests().len(), 0, "nothing is downloaded unless it is asked for");
    let fetch = ["models", "fetch", "bge-small-en-v1.5"];
    let offline = [env[0], ("HF_HUB_OFFLINE", "1")];
    models.run_with(&dir, &fetch, &offline).exits(2).says("HF_HUB_OFFLINE");
    models.run_with(&dir, &[&fetch[..], &["--offline"]].concat(), &env).exits(2);
    assert_eq!(server.requests().len(), 0);
    models.run_with(&dir, &fetch, &env).success().says("is here");
    let count = server.requests().len();
    models.run_with(&dir, &fetch, &env).success().says("already");
    assert_eq!(server.requests().len(), count);
    let path = models.run_with(&dir, &["models", "path", "bge-small-en-v1.5"], &env).success().stdout;
    assert!(PathBuf::from(path.trim()).join("onnx/model.onnx").is_file());
    // The card's prefix comes with the name.
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
fn a_download_that_fails_leaves_nothing_behind() {
    let Some(models) = Models::new() else { return };
    let dir = Dir::new();
    let fetch = ["models", "fetch", "bge-small-en-v1.5"];
    let left = || std::fs::read_dir(dir.path().join("cache/models")).map_or(0, Iterator::count);
    // Nobody listens there.
    let refused = [("HF_ENDPOINT", "http://127.0.0.1:9")];
    models.run_with(&dir, &fetch, &refused).exits(2).says("could not reach http://127.0.0.1:9").says("hint");
    assert_eq!(left(), 0);
    let spoilt = hub(&models, true);
    models.run_with(&dir, &fetch, &[("HF_ENDPOINT", &spoilt.address())]).exits(2).says("SHA-256");
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
fn a_hubs_token_goes_to_the_hub_alone() {
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

// ---- models behind an endpoint ----

/// Plays an embedding endpoint with the vectors of the built-in model.
fn endpoint(model: &'static str) -> Server {
    let builtin = rqsearch::embed::Builtin::load(Prepare::Many).unwrap();
    Server::new(move |request| {
        if request.path != "/v1/embeddings" || request.method != "POST" {
            return Answer::status(404);
        }
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        if asked["model"] != model {
            return Answer::json(
                404,
                &serde_json::json!({"error": {"message": format!("no model {}", asked["model"])}}),
            );
        }
        let vectors = asked["input"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| builtin.embed(text.as_str().unwrap(), Role::Passage).unwrap());
        // The last first: the index says which is whose.
        let mut data: Vec<Value> = vectors
            .zip(0..)
            .map(|(vector, index): (_, u32)| serde_json::json!({"index": index, "embedding": vector}))
            .collect();
        data.reverse();
        Answer::json(200, &serde_json::json!({"object": "list", "data": data, "model": model}))
    })
}

#[test]
fn an_endpoint_is_a_model_like_any_other() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let server = endpoint("nomic");
    let model = format!("{}/v1#nomic", server.address());
    dir.run(&["index", "faq.md", "--model", &model]).success().says("5 questions");
    let requests = server.requests();
    assert!(requests.len() < 10, "{} requests for 10 texts: they go together", requests.len());
    // Vectors are the built-in model's, so what it finds is what that finds.
    let own = Dir::indexed();
    for phrase in ["how long must dough rest", "yellow leaves", "blunt knives"] {
        assert_eq!(dir.titles(&[phrase])[..2], own.titles(&[phrase])[..2], "{phrase}");
    }
    dir.run(&["index", "--offline"]).success();
    dir.run(&["dough", "--model", &format!("{}/v1#other", server.address())]).exits(2).says("other");
    drop(server);
    dir.run(&["dough"]).exits(2).says("could not reach").says("nomic");
    // Words are searched without it.
    dir.run(&["dough", "--mode", "keyword"]).success();
}

#[test]
fn an_endpoint_that_is_busy_is_asked_again_and_its_key_goes_nowhere_else() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let inner = endpoint("m");
    let (forward, seen) = (inner.handler(), std::sync::atomic::AtomicUsize::new(0));
    let server = Server::new(move |request| {
        if request.header("authorization") != Some("Bearer very-secret") {
            let message = format!("wrong key {}", request.header("authorization").unwrap_or("none"));
            return Answer::json(401, &serde_json::json!({"error": {"message": message}}));
        }
        match seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Answer::status(503),
            1 => Answer::status(429).header("Retry-After", "1"),
            _ => forward(request),
        }
    });
    let index = ["index", "faq.md", "--model", &format!("{}/v1#m", server.address())];
    let run = |key: Option<&str>| {
        let mut command = dir.command(&index);
        command.env_remove("RQSEARCH_API_KEY").envs(key.map(|key| ("RQSEARCH_API_KEY", key)));
        Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), "")
    };
    run(None).exits(2).says("401").says("RQSEARCH_API_KEY");
    let wrong = run(Some("not-the-secret")).exits(2).says("is the key in RQSEARCH_API_KEY the right one?");
    assert!(!wrong.stderr.contains("not-the-secret"), "{wrong:?}");
    run(Some("very-secret")).success();
    for entry in walk(&dir.path().join(".rqsearch")) {
        let bytes = std::fs::read(entry).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"very-secret"), "the key is stored");
    }
}

fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

#[test]
fn an_endpoint_that_answers_nonsense_is_told_so() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let answers = [
        (serde_json::json!({"hello": 1}), "does not answer as an embedding endpoint does"),
        (serde_json::json!({"data": []}), "dimensions"),
        (serde_json::json!({"data": [{"index": 7, "embedding": [1.0]}]}), "more vectors"),
        (serde_json::json!({"data": [{"index": 0, "embedding": []}]}), "dimensions"),
    ];
    for (answer, message) in answers {
        let server = Server::new(move |_| Answer::json(200, &answer));
        let model = format!("{}/v1#m", server.address());
        dir.run(&["index", "faq.md", "--model", &model]).exits(2).says(message);
    }
    dir.run(&["index", "faq.md", "--model", "http://10.255.255.1/v1#m", "--offline"])
        .exits(2)
        .says("--offline");
    assert!(!dir.path().join(".rqsearch").exists());
}
