//! The query log, clicks, and gaps from it.

use std::fs;

use serde_json::{Value, json};

use super::schema::Schemas;
use super::{Served, until};
use crate::util::Dir;

/// The lines of the log once there are as many. A thread of the server writes them.
fn lines(dir: &Dir, count: usize) -> Vec<Value> {
    until("the log is written", || {
        let text = fs::read_to_string(dir.path().join("queries.jsonl")).ok()?;
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (lines.len() >= count).then_some(lines)
    })
}

fn serve(dir: &Dir, args: &[&str]) -> Served {
    Served::start(dir, &[&["--query-log", "queries.jsonl"], args].concat())
}

#[test]
fn searches_and_clicks_are_recorded_without_addresses() {
    let dir = Dir::indexed();
    let served = serve(&dir, &[]);
    assert_eq!(served.get("/health").ok()["query_log"], true);
    let roses = served.get("/search?q=prune+roses").ok()["hits"][0]["id"].clone();
    served.get("/search?q=capital+of+France").ok();
    served.post("/search", &json!({"requests": [{"q": "dough"}, {"q": "tomato leaves"}]})).ok();
    let click = json!({"q": "prune roses", "id": roses});
    Schemas::of(&served).check("ClickRequest", &click);
    assert_eq!(served.post("/clicks", &click).status, 204);
    // The next hits, an explanation, and what the page searches for while a person types.
    served.get("/search?q=prune+roses&offset=1").ok();
    served.get("/search?q=prune+roses&explain=true").ok();
    assert_eq!(served.send("GET", "/search?q=pru", &[("rqsearch-typing", "1")], "").status, 200);
    served.get("/search?q=last").ok();

    let lines = lines(&dir, 6);
    let phrases: Vec<&str> = lines.iter().map(|line| line["q"].as_str().unwrap()).collect();
    assert_eq!(
        phrases,
        ["prune roses", "capital of France", "dough", "tomato leaves", "prune roses", "last"]
    );
    let keys = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&lines[0]), ["answered", "first", "q", "time"]);
    assert_eq!((&lines[0]["answered"], &lines[0]["first"]), (&true.into(), &roses));
    assert_eq!(lines[1]["answered"], false);
    assert_eq!(
        (keys(&lines[4]), &lines[4]["clicked"]),
        (vec!["clicked".into(), "q".into(), "time".into()], &roses)
    );
    #[cfg(unix)]
    {
        let metadata = fs::metadata(dir.path().join("queries.jsonl")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&metadata) & 0o777, 0o600);
    }
    // A click is not a search.
    let report = dir.run(&["gaps", "--json", "--min-size", "1", "queries.jsonl"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let asked = |part: &str| report[part]["asked"].as_u64().unwrap();
    assert_eq!(asked("answered") + asked("unanswered"), 5, "{report:#}");
}

#[test]
fn invalid_clicks_are_refused() {
    let dir = Dir::indexed();
    let served = serve(&dir, &[]);
    let post = |body: Value| served.post("/clicks", &body);
    post(json!({"q": " ", "id": "0123"})).problem(422, "the phrase is empty");
    post(json!({"q": "a".repeat(2_001), "id": "0123"})).problem(422, "the limit is 2000");
    post(json!({"q": "a", "id": "nothing"})).problem(404, "no question has the id");
    post(json!({"q": "a", "id": "b", "x": 1})).problem(422, "unknown field `x`");
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "cross-site")];
    served.send("POST", "/clicks", &headers, "{}").problem(403, "other sites");
    served.get("/clicks").problem(405, "does not support this method");
}

#[test]
fn without_the_option_nothing_is_recorded() {
    let served = Served::start(&Dir::indexed(), &[]);
    assert_eq!(served.get("/health").ok()["query_log"], false);
    served.post("/clicks", &json!({"q": "a", "id": "b"})).problem(404, "does not exist");
    for path in ["/gaps", "/gaps/page"] {
        served.get(path).problem(404, "does not exist");
    }
    let dir = Dir::indexed();
    dir.run(&["serve", "--query-log-size", "1"]).exits(2).says("--query-log <FILE>");
    dir.run(&["serve", "--listen", "127.0.0.1:0", "--query-log", "no/such/file"])
        .exits(2)
        .says("could not open no/such/file for the query log")
        .says("hint: name a file that this user may write");
}

#[cfg(target_os = "linux")]
#[test]
fn lines_that_cannot_be_written_are_reported_once_and_counted() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &["--query-log", "/dev/full"]);
    for _ in 0..3 {
        served.get("/search?q=roses").ok();
    }
    served.logs("could not write to the file of --query-log: No space left on device");
    until("all are counted", || (served.metric("rqsearch_query_log_lines_lost") == 3.0).then_some(()));
    assert_eq!(served.log().iter().filter(|line| line.contains("--query-log")).count(), 1);
}

#[test]
fn gaps_are_found_in_the_query_log() {
    let dir = Dir::indexed();
    // What was recorded before, also in an older file.
    let line = |q: &str| {
        json!({"time": "2026-01-02T03:04:05Z", "q": q, "answered": true, "first": null}).to_string()
    };
    dir.write("queries.jsonl.1", line("best paint for wooden fences") + "\n");
    dir.write(
        "queries.jsonl",
        line("prune roses") + "\n" + &line("Which paint is best for a wooden fence?") + "\n{\"torn",
    );
    let served = serve(&dir, &[]);
    let schemas = Schemas::of(&served);
    let answer = served.get("/gaps");
    schemas.check("GapsReply", &answer.json());
    let reply = answer.ok();
    assert_eq!(reply["answered"], json!({"phrases": 1, "asked": 1}));
    assert_eq!((&reply["found"], &reply["groups"][0]["asked"]), (&1.into(), &2.into()), "{reply:#}");
    assert_eq!(reply["groups"][0]["examples"].as_array().unwrap().len(), 2);
    assert_eq!(reply["unasked"], Value::Null);
    // The report is returned for a while, although there are new phrases.
    served.get("/search?q=capital+of+France").ok();
    let again = served.get("/gaps?examples=1&unasked=true").ok();
    assert_eq!((&again["unanswered"], &again["found"]), (&reply["unanswered"], &reply["found"]));
    assert_eq!(again["groups"][0]["examples"].as_array().unwrap().len(), 1);
    assert_eq!(again["unasked"].as_array().unwrap().len(), 4);

    let page = served.get("/gaps/page");
    assert!(page.body.contains("wooden fence") && page.status == 200, "{page:?}");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'none'; style-src 'sha256-"), "{policy}");
    served.get("/gaps?limit=501").problem(422, "limit must be a number from 1 to 500");
    served.get("/gaps?examples=0").problem(422, "examples must be a number from 1 to 100");
    served.get("/gaps?min_size=0").problem(422, "min_size must be 1 or more");
}

#[test]
fn an_index_with_keywords_only_has_no_gaps() {
    let dir = Dir::indexed();
    dir.run(&["index", "--index", "words", "--keyword-only", "faq.md"]).success();
    serve(&dir, &["--index", "words"]).get("/gaps").problem(422, "keywords only");
}

#[test]
fn gaps_need_the_right_admin_and_clicks_the_right_search() {
    let dir = Dir::indexed();
    dir.write("tokens", "wiki search wiki-0123456789abcdef\nops admin ops-0123456789abcdef\n");
    let served = serve(&dir, &["--token-file", "tokens"]);
    let send = |method: &str, path: &str, token: &str| {
        let bearer = format!("Bearer {token}-0123456789abcdef");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let body = if method == "POST" { r#"{"q": "a", "id": "nothing"}"# } else { "" };
        served.send(method, path, &headers, body)
    };
    for path in ["/gaps", "/gaps/page"] {
        send("GET", path, "wiki").problem(403, "does not have the right `admin`");
        assert_eq!(send("GET", path, "ops").status, 200);
    }
    send("POST", "/clicks", "wiki").problem(404, "no question has the id");
    send("POST", "/clicks", "ops").problem(403, "does not have the right `search`");
}
