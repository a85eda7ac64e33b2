//! Models behind an endpoint: requests, keys, and the user's consent.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rqsearch::embed::{Builtin, Embedder, Prepare, Role};
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::util::{Dir, FAQ, Output};

/// Runs the program with these environment variables.
fn run_with(dir: &Dir, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = dir.command(args);
    command.envs(variables.iter().copied());
    Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), "")
}

/// A directory like a clone of another user's repository: it contains an index that uses an endpoint.
fn cloned(server: &Server) -> Dir {
    let original = Dir::new();
    original.write("faq.md", FAQ);
    original.run(&["index", "faq.md", "--model", &format!("{}/v1#m", server.address())]).success();
    let clone = Dir::new();
    clone.write("faq.md", FAQ);
    copy(&original.path().join(".rqsearch"), &clone.path().join(".rqsearch"));
    clone
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for path in walk(from) {
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Replaces the address of the endpoint in an index.
fn rename_endpoint(dir: &Dir, from: &str, to: &str) {
    dir.rewrite_meta(from, to);
}

const KEY: [(&str, &str); 1] = [("RQSEARCH_API_KEY", "sk-secret")];

// ---- requests ----

/// An embedding endpoint that returns the vectors of the built-in model.
pub fn endpoint(model: &'static str) -> Server {
    let builtin = Builtin::load(Prepare::Many).unwrap();
    Server::new(move |request| {
        if request.path != "/v1/embeddings" || request.method != "POST" {
            return Answer::status(404);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if body["model"] != model {
            return Answer::json(
                404,
                &serde_json::json!({"error": {"message": format!("no model {}", body["model"])}}),
            );
        }
        let vectors = body["input"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| builtin.embed(text.as_str().unwrap(), Role::Passage).unwrap());
        // In reverse order: the field `index` tells which text a vector belongs to.
        let mut data: Vec<Value> = vectors
            .zip(0..)
            .map(|(vector, index): (_, u32)| serde_json::json!({"index": index, "embedding": vector}))
            .collect();
        data.reverse();
        Answer::json(200, &serde_json::json!({"object": "list", "data": data, "model": model}))
    })
}

#[test]
fn an_index_can_use_an_endpoint() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let server = endpoint("nomic");
    let model = format!("{}/v1#nomic", server.address());
    dir.run(&["index", "faq.md", "--model", &model])
        .success()
        .says("5 questions")
        .says(&format!("approved {}/v1; recorded in ", server.address()));
    let requests = server.requests();
    assert!(requests.len() < 10, "{} requests for 10 texts: they are not sent in batches", requests.len());
    // The endpoint returns the vectors of the built-in model, so the same questions are found.
    let own = Dir::indexed();
    for phrase in ["how long must dough rest", "yellow leaves", "blunt knives"] {
        let titles = own.titles(&["--all", phrase]);
        assert!(!titles.is_empty(), "{phrase}");
        assert_eq!(dir.titles(&["--all", phrase]), titles, "{phrase}");
    }
    // Only the phrase is sent, and not what its typos may mean.
    let before = server.requests().len();
    assert_eq!(dir.titles(&["-n", "1", "yellw leavs"]), ["Why are the leaves of my tomato plants yellow?"]);
    assert_eq!(server.requests().len(), before + 1);
    dir.run(&["index", "--offline"]).success();
    dir.run(&["dough", "--model", &format!("{}/v1#other", server.address())]).exits(2).says("other");
    drop(server);
    dir.run(&["dough"]).exits(2).says("could not reach").says("nomic");
    // Keyword search works without the endpoint.
    dir.run(&["dough", "--mode", "keyword"]).success();
}

#[test]
fn busy_endpoints_are_retried_and_keys_are_not_stored() {
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
    let wrong = run(Some("not-the-secret")).exits(2).says("check the key in RQSEARCH_API_KEY");
    assert!(!wrong.stderr.contains("not-the-secret"), "{wrong:?}");
    run(Some("very-secret")).success();
    let config = std::fs::read_to_string(dir.config()).unwrap();
    assert!(config.contains("key_env = \"RQSEARCH_API_KEY\""), "{config}");
    for entry in walk(&dir.path().join(".rqsearch")).into_iter().chain([dir.config()]) {
        let bytes = std::fs::read(entry).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"very-secret"), "the key is stored");
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

#[test]
fn invalid_replies_of_an_endpoint_are_errors() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let answers = [
        (serde_json::json!({"hello": 1}), "is not that of an embedding endpoint"),
        (serde_json::json!({"data": []}), "dimensions"),
        (serde_json::json!({"data": [{"index": 7, "embedding": [1.0]}]}), "was not sent"),
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

// ---- consent ----

#[test]
fn an_unapproved_endpoint_is_never_contacted() {
    let server = endpoint("m");
    let clone = cloned(&server);
    let before = server.requests().len();
    let allow = format!("rqsearch models allow {}/v1", server.address());
    let run = |args: &[&str]| run_with(&clone, args, &KEY);

    let found = run(&["roses"]).success();
    assert!(found.stdout.contains("When should I prune roses?"), "{found:?}");
    found.says("using keyword search only").says(&server.address()).says(&allow);
    run(&["qqqqqq"]).exits(1);
    let reply: Value = serde_json::from_str(&run(&["roses", "--json"]).success().stdout).unwrap();
    let notice = reply["notice"].as_str().unwrap();
    assert!(notice.contains("have not approved") && !notice.contains("rqsearch models"), "{notice}");
    assert_eq!(reply["hits"][0]["title"], "When should I prune roses?");
    let keyword = run(&["roses", "--mode", "keyword"]).success();
    assert!(!keyword.stderr.contains("rqsearch"), "{keyword:?}");
    run(&["roses", "--mode", "semantic"]).exits(2).says("have not approved").says(&allow);

    clone.write("phrases.txt", "roses\nyellow leaves\n");
    let batch = run(&["--batch", "phrases.txt"]).success();
    assert_eq!(
        (batch.stdout.lines().count(), batch.stderr.matches("keyword search only").count()),
        (2, 1),
        "{batch:?}"
    );
    run(&["--batch", "phrases.txt", "--mode", "semantic"]).exits(2).says(&allow);
    run(&["dups", "--check", "When should I prune roses?"]).exits(1).says(&allow);
    run(&["dups", "--check", "-"]).success().says(&allow);
    run(&["index"]).exits(2).says("have not approved").says(&allow);
    run(&["stats"]).success();
    run(&["models"]).success();

    assert_eq!(server.requests().len(), before);
    assert!(!clone.config().exists());
    // The model of the index can be changed without consent.
    run(&["index", "--model", "builtin"]).success();
    assert_eq!(server.requests().len(), before);
}

#[test]
fn allow_and_deny_change_consent() {
    let server = endpoint("m");
    let clone = cloned(&server);
    let address = format!("{}/v1", server.address());
    let before = server.requests().len();
    clone.run(&["models", "allow", &address]).success().says("without a key");
    let found = run_with(&clone, &["how long must dough rest"], &KEY).success();
    assert!(!found.stderr.contains("keyword search only"), "{found:?}");
    let requests = server.requests();
    assert_eq!(requests.len(), before + 1);
    assert_eq!(requests[before].header("authorization"), None, "no key was approved");
    let list = clone.run(&["models"]).success().stdout;
    assert!(list.contains(&format!("{address}  no key")), "{list}");

    clone
        .run(&["models", "allow", &address, "--key-env", "MY_KEY"])
        .success()
        .says("MY_KEY, which is not set");
    run_with(&clone, &["dough"], &[KEY[0], ("MY_KEY", "mine")]).success();
    assert_eq!(server.requests().last().unwrap().header("authorization"), Some("Bearer mine"));
    let rows = clone.run(&["models", "endpoint", "--json"]).success().stdout;
    let row: Value = serde_json::from_str(&rows).unwrap();
    assert_eq!((&row["name"], &row["key_env"]), (&address.as_str().into(), &"MY_KEY".into()));

    let count = server.requests().len();
    clone.run(&["models", "deny", &address]).success().says("no longer approved");
    clone.run(&["models", "deny", &address]).exits(1).says("was not approved");
    clone.run(&["dough"]).success().says("keyword search only");
    assert_eq!(server.requests().len(), count);
    clone.run(&["models", "allow", &address, "--key-env", "sk-secret"]).exits(2).says("not a key");
    clone.run(&["models", "allow", "http://example.org/v1"]).success().says("not encrypted");
    for invalid in ["example.org", "http://me:x@example.org", "http://example.org/../v1"] {
        clone.run(&["models", "allow", invalid]).exits(2);
    }
}

#[test]
fn specifying_an_endpoint_is_consent_for_one_search() {
    let server = endpoint("m");
    let clone = cloned(&server);
    let before = server.requests().len();
    let model = format!("{}/v1#m", server.address());
    let found = clone.run(&["how long must dough rest", "--model", &model]).success();
    assert!(!found.stderr.contains("keyword search only"), "{found:?}");
    assert_eq!(server.requests().len(), before + 1);
    assert!(!clone.config().exists());
    clone.run(&["dough"]).success().says("keyword search only");
    assert_eq!(server.requests().len(), before + 1);
}

#[cfg(unix)]
#[test]
fn consent_is_stored_in_the_configuration_file() {
    use std::os::unix::fs::PermissionsExt;

    let server = endpoint("m");
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let index = ["index", "faq.md", "--model", &format!("{}/v1#m", server.address())];
    dir.run(&index).success().says(&dir.config().display().to_string());
    assert_eq!(std::fs::metadata(dir.config()).unwrap().permissions().mode() & 0o777, 0o600);
    let written = std::fs::read_to_string(dir.config()).unwrap();
    let again = dir.run(&index).success();
    assert!(!again.stderr.contains("approved"), "{again:?}");
    assert_eq!(std::fs::read_to_string(dir.config()).unwrap(), written);
    // A relative path would name a file in the current directory, which may belong to anyone.
    let relative = [("RQSEARCH_CONFIG", ".config/config.toml")];
    run_with(&dir, &["dough"], &relative).exits(2).says("not an absolute path").says("RQSEARCH_CONFIG");
    std::fs::write(dir.config(), "[[endpoint]]\nurl = 1\n").unwrap();
    dir.run(&["dough"]).exits(2).says("could not parse the configuration file");
    // A configuration file that cannot be read is an error.
    std::fs::remove_dir_all(dir.config().parent().unwrap()).unwrap();
    dir.write(".config", "not a directory");
    let variables = [("RQSEARCH_CONFIG", dir.path().join(".config/config.toml").display().to_string())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    run_with(&dir, &["dough"], &variables).exits(2).says("could not read");
}

#[test]
fn a_key_is_sent_only_to_its_endpoint() {
    let (first, second) = (endpoint("m"), endpoint("m"));
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let index = |server: &Server| {
        let model = format!("{}/v1#m", server.address());
        run_with(&dir, &["index", "faq.md", "--model", &model], &KEY).success()
    };
    index(&first).says("with the key in RQSEARCH_API_KEY");
    index(&second);
    let keys = |server: &Server| -> Vec<Option<String>> {
        server.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect()
    };
    assert!(keys(&first).iter().all(|key| key.as_deref() == Some("Bearer sk-secret")));
    assert!(keys(&second).iter().all(Option::is_none), "the key is bound to the first endpoint");

    // A server that redirects requests to the second endpoint.
    let (count, target) = (second.requests().len(), second.address());
    let redirecting = Server::new(move |request| {
        Answer::status(307).header("Location", &format!("{target}{}", request.path))
    });
    let address = format!("{}/v1", redirecting.address());
    dir.run(&["models", "allow", &address, "--key-env", "REDIRECTED"]).success();
    rename_endpoint(&dir, &second.address(), &redirecting.address());
    run_with(&dir, &["dough"], &[("REDIRECTED", "sk-other")]).exits(2).says("307").says("not followed");
    assert_eq!(redirecting.requests().last().unwrap().header("authorization"), Some("Bearer sk-other"));
    assert_eq!(second.requests().len(), count);
}

#[cfg(feature = "serve")]
#[test]
fn the_http_server_never_contacts_an_unapproved_endpoint() {
    use crate::serve::Served;

    let server = endpoint("m");
    let clone = cloned(&server);
    let before = server.requests().len();
    let served = Served::start(&clone, &[]);
    let reply = served.get("/search?q=roses").ok();
    assert_eq!(reply["hits"][0]["title"], "When should I prune roses?");
    let notice = reply["notice"].as_str().unwrap();
    assert!(notice.contains("have not approved") && !notice.contains("rqsearch models"), "{notice}");
    served.get("/search?q=roses&mode=semantic").problem(422, "have not approved");
    assert_eq!(server.requests().len(), before);
    drop(served);
    let served = Served::start(&clone, &["--model", &format!("{}/v1#m", server.address())]);
    assert_eq!(served.get("/search?q=roses").ok()["notice"], Value::Null);
    assert_eq!(server.requests().len(), before + 1);
}

#[cfg(feature = "mcp")]
#[test]
fn the_mcp_server_never_contacts_an_unapproved_endpoint() {
    let server = endpoint("m");
    let clone = cloned(&server);
    let before = server.requests().len();
    let initialize = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    });
    let call = |id: u32, arguments: Value| {
        let params = serde_json::json!({"name": "search_questions", "arguments": arguments});
        serde_json::json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
    };
    let initialized = serde_json::json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let input = [
        initialize.to_string(),
        initialized.to_string(),
        call(2, serde_json::json!({"q": "roses"})),
        call(3, serde_json::json!({"q": "roses", "mode": "semantic"})),
    ];
    let output =
        clone.run_with_input(&["mcp"], &(input.join("\n") + "\n")).success().says("keyword search only");
    let answers: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answer = |id: u32| &answers.iter().find(|answer| answer["id"] == id).unwrap()["result"];
    let text = answer(2)["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("using keyword search only") && text.contains("prune roses"), "{text}");
    assert_eq!(answer(3)["isError"], true);
    assert!(answer(3).to_string().contains("have not approved"), "{}", answer(3));
    assert_eq!(server.requests().len(), before);
}

#[cfg(all(unix, feature = "interactive"))]
#[test]
fn interactive_search_never_contacts_an_unapproved_endpoint() {
    use crate::pty::Pty;

    let server = endpoint("m");
    let clone = cloned(&server);
    let before = server.requests().len();
    let config = clone.config().display().to_string();
    let envs = [("RQSEARCH_CONFIG", config.as_str())];
    let mut pty = Pty::start(clone.path(), &[env!("CARGO_BIN_EXE_rqsearch"), "-i"], &envs, (120, 30));
    pty.shows("5 questions in");
    pty.send("roses");
    pty.shows("using keyword search only");
    pty.shows("When should I prune roses?");
    pty.send("\x1b");
    pty.end();
    assert_eq!(server.requests().len(), before);
}

// ---- offline ----

#[test]
fn offline_cannot_be_bypassed_by_an_index() {
    let server = endpoint("m");
    let clone = cloned(&server);
    let before = server.requests().len();
    let host = server.address().trim_start_matches("http://").to_owned();
    let meta = std::fs::read_to_string(clone.path().join(".rqsearch/meta.json")).unwrap();
    for hidden in
        [format!("localhost:x@{host}"), format!("localhost@{host}"), format!("localhost\\\\\\\\@{host}")]
    {
        rename_endpoint(&clone, &host, &hidden);
        clone.run(&["roses", "--offline"]).exits(2).says("could not");
        clone.run(&["roses"]).exits(2).says("could not");
        std::fs::write(clone.path().join(".rqsearch/meta.json"), &meta).unwrap();
    }
    assert_eq!(server.requests().len(), before);
    // An approved endpoint on another machine, with an address that is reserved for documentation.
    rename_endpoint(&clone, &host, "192.0.2.1");
    clone.run(&["models", "allow", "http://192.0.2.1/v1"]).success();
    for variable in [("HF_HUB_OFFLINE", "1"), ("HF_HUB_OFFLINE", "True")] {
        run_with(&clone, &["roses"], &[variable]).exits(2).says("192.0.2.1").says("HF_HUB_OFFLINE");
    }
    clone.run(&["roses", "--offline"]).exits(2).says("--offline");
    clone.run(&["roses", "--offline", "--mode", "keyword"]).success();
}

#[test]
fn requests_to_this_machine_do_not_use_a_proxy() {
    let (server, proxy) = (endpoint("m"), Server::new(|_| Answer::status(502)));
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let address = proxy.address();
    let variables =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, address.as_str()));
    let model = format!("{}/v1#m", server.address());
    run_with(&dir, &["index", "--offline", "faq.md", "--model", &model], &variables).success();
    run_with(&dir, &["dough"], &variables).success();
    run_with(&dir, &["dough", "--offline"], &variables).success();
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());
}

#[cfg(all(feature = "mcp", feature = "serve"))]
#[test]
fn servers_support_offline_and_a_moved_model() {
    let server = endpoint("m");
    let dir = cloned(&server);
    let host = server.address().trim_start_matches("http://").to_owned();
    rename_endpoint(&dir, &host, "192.0.2.1");
    dir.run(&["models", "allow", "http://192.0.2.1/v1"]).success();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["mcp"]] {
        let offline = dir.run(&[command, &["--offline"]].concat());
        let says =
            |output: &Output| output.stderr.contains("192.0.2.1") && output.stderr.contains("--offline");
        assert!(says(&offline), "{offline:?}");
        let variable = run_with(&dir, command, &[("HF_HUB_OFFLINE", "1")]);
        assert!(says(&variable), "{variable:?}");
    }
    // The model has moved.
    let moved = format!("{}/v1#m", server.address());
    let before = server.requests().len();
    let served = crate::serve::Served::start(&dir, &["--model", &moved, "--offline"]);
    assert_eq!(served.get("/search?q=dough").ok()["notice"], Value::Null);
    assert_eq!(server.requests().len(), before + 1);
    drop(served);
    let wrong = ["serve", "--builtin", "--model", &moved];
    dir.run(&wrong).exits(2).says("the built-in index uses the built-in model");
}
