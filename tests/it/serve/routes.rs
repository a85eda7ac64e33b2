//! The reply of each route.

use serde_json::{Value, json};

use super::schema::Schemas;
use super::{Answer, Served, until};
use crate::util::{Dir, FAQ};

/// Removes the time that a search took.
fn timeless(mut reply: Value) -> Value {
    reply.as_object_mut().unwrap().remove("took_ms").unwrap();
    reply
}

#[test]
fn a_search_returns_the_json_of_the_command_line() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    let cases: [(&[&str], &str); 6] = [
        (&["tomato leaves"], "q=tomato+leaves"),
        (&["-n", "2", "--mode", "keyword", "bread"], "q=bread&limit=2&mode=keyword"),
        (&["--tag", "bread", "--tag", "roses", "when"], "q=when&tag=bread&tag=roses"),
        (
            &["--level", "advanced", "--section", "garden", "--source", "faq", "cut"],
            "q=cut&level=advanced&section=garden&source=faq",
        ),
        (
            &["--semantic-weight", "0.3", "--min-confidence", "0.9", "--all", "knife"],
            "q=knife&semantic_weight=0.3&min_confidence=0.9&all=true",
        ),
        (&["--explain", "prune \"roses\" -bread"], "q=prune+%22roses%22+-bread&explain=true"),
    ];
    for (args, query) in cases {
        let printed = dir.run(&[&["--json"], args].concat()).stdout;
        let printed = timeless(serde_json::from_str(&printed).unwrap());
        assert_eq!(timeless(served.get(&format!("/search?{query}")).ok()), printed, "{query}");
    }
    let posted = served
        .post(
            "/search",
            &json!({"q": "cut", "level": ["advanced"], "section": ["garden"], "source": ["faq"]}),
        )
        .ok();
    assert_eq!(
        timeless(posted),
        timeless(served.get("/search?q=cut&level=advanced&section=garden&source=faq").ok())
    );
}

#[test]
fn a_batch_returns_the_replies_of_single_searches() {
    let served = Served::start(&Dir::indexed(), &[]);
    let several = json!({"requests": [{"q": "dough"}, {"q": "roses", "limit": 1}]});
    let replies = served.post("/search", &several).ok()["replies"].clone();
    let alone = [served.get("/search?q=dough").ok(), served.get("/search?q=roses&limit=1").ok()];
    assert_eq!(replies.as_array().unwrap().len(), 2);
    for (reply, alone) in replies.as_array().unwrap().iter().zip(alone) {
        assert_eq!(timeless(reply.clone()), timeless(alone));
    }
    assert_eq!(served.post("/search", &json!({"requests": []})).ok(), json!({"replies": []}));
    let one_wrong = json!({"requests": [{"q": "dough"}, {"q": " "}]});
    served.post("/search", &one_wrong).problem(422, "requests[1]: the phrase is empty");
    let too_many = json!({"requests": vec![json!({"q": "a"}); 65]});
    served.post("/search", &too_many).problem(422, "the batch has 65 requests");
}

#[test]
fn questions_duplicates_and_stats() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write("more.jsonl", "{\"question\": \"When should I prune roses?\", \"id\": \"r 1\"}\n{\"question\": \"a\", \"id\": \"twice\"}\n{\"question\": \"b\", \"id\": \"twice\"}\n");
    dir.run(&["index", "faq.md", "more.jsonl"]).success();
    let served = Served::start(&dir, &[]);
    let schemas = Schemas::of(&served);

    let hit = served.get("/search?q=prune+roses").ok()["hits"][0].clone();
    let id = hit["id"].as_str().unwrap();
    let question = served.get(&format!("/questions/{id}")).ok();
    assert_eq!(question, serde_json::from_str::<Value>(&dir.run(&["show", "--json", id]).stdout).unwrap());
    assert_eq!(served.get(&format!("/questions/{}", &id[..6])).ok(), question);
    assert_eq!(served.get("/questions/r%201").ok()["key"], "r 1");
    served.get("/questions/nothing").problem(404, "no question has the id");

    let related = served.get(&format!("/questions/{id}/related?limit=1")).ok();
    assert_eq!(
        related,
        serde_json::from_str::<Value>(&dir.run(&["related", "--json", "-n", "1", id]).stdout).unwrap()
    );
    assert_eq!(related["title"], question["title"]);
    schemas.check("RelatedReply", &related);
    served.get("/questions/nothing/related").problem(404, "no question has the id");
    served.get("/questions/twice/related").problem(409, "2 questions");
    served
        .get(&format!("/questions/{id}/related?limit=0"))
        .problem(422, "limit must be a number from 1 to 100");
    served.get("/questions/twice").problem(409, "2 questions");

    let found = served.get("/duplicates").ok();
    assert_eq!(found, serde_json::from_str::<Value>(&dir.run(&["dups", "--json"]).stdout).unwrap());
    assert_eq!(found["groups"].as_array().unwrap().len(), 1, "{found}");
    schemas.check("DuplicatesReply", &found);
    assert_eq!(served.get("/duplicates?within=faq").ok()["groups"], json!([]));
    assert_eq!(served.get("/duplicates?across=true&top=0&threshold=0.9").ok()["pairs"], json!([]));
    served.get("/duplicates?threshold=2").problem(422, "threshold");
    let map = served.get("/duplicates/map?threshold=0.9");
    assert!(
        map.status == 200 && map.body.contains("When should I prune roses?") && map.body.contains("<canvas"),
        "{map:?}"
    );

    let repeated = served.post("/duplicates/check", &json!({"q": "when should i prune ROSES"})).ok();
    assert_eq!((&repeated["duplicate"], repeated["duplicates"].as_array().unwrap().len()), (&true.into(), 2));
    schemas.check("CheckReply", &repeated);
    let fresh =
        served.post("/duplicates/check", &json!({"q": "Which saw cuts plywood?", "threshold": 0.5})).ok();
    assert_eq!(fresh["duplicate"], false);

    let stats = served.get("/stats").ok();
    assert_eq!(
        stats,
        serde_json::from_str::<Value>(&dir.run(&["stats", "--json"]).stdout).unwrap_or_default()
    );
    schemas.check("StatsReply", &stats);
    assert_eq!(served.get("/health").ok()["status"], "ok");
}

#[test]
fn invalid_paths_methods_and_queries_are_reported() {
    let served = Served::start(&Dir::indexed(), &[]);
    let schemas = Schemas::of(&served);
    let long = format!("/search?q={}", "a".repeat(2001));
    for (path, status, words) in [
        ("/nowhere", 404, "this path does not exist"),
        ("/index.html/../../etc/passwd", 404, ""),
        ("/search", 400, "the query string is not valid: missing field `q`"),
        ("/search?q=a&limt=3", 400, "unknown field `limt`"),
        ("/search?q=a&limit=three", 400, "invalid digit"),
        ("/search?q=a&mode=psychic", 400, "unknown variant"),
        ("/search?q=", 422, "the phrase is empty"),
        ("/search?q=a&offset=1001", 422, "offset must be a number from 0 to 1000"),
        ("/search?q=a&sort=oldest", 400, "unknown variant"),
        ("/search?q=a&since=someday", 422, "since \"someday\" is not a date"),
        ("/search?q=a&exact=%3F", 422, "exact \"?\" has no words"),
        ("/search?q=a&limit=0", 422, "from 1 to 100"),
        ("/search?q=a&limit=101", 422, "from 1 to 100"),
        ("/search?q=a&semantic_weight=2", 422, "semantic_weight"),
        ("/search?q=a&min_confidence=NaN", 422, "min_confidence"),
        (&long, 422, "2001 characters"),
    ] {
        schemas.check("ProblemReply", &served.get(path).problem(status, words).json());
    }
    for (method, path) in
        [("POST", "/stats"), ("DELETE", "/search"), ("PUT", "/"), ("GET", "/duplicates/check")]
    {
        let answer = served.send(method, path, &[], "").problem(405, "does not support this method");
        assert!(answer.header("allow").is_some(), "{answer:?}");
    }
}

#[test]
fn invalid_bodies_are_reported() {
    let served = Served::start(&Dir::indexed(), &[]);
    let json = "application/json";
    let large = format!("{{\"q\": \"{}\"}}", " ".repeat(600_000));
    for (path, kind, body, status, words) in [
        ("/search", json, "{\"q\": ", 400, "EOF"),
        ("/search", json, "[\"a\"]", 422, "expected an object"),
        ("/search", json, "{\"q\": \"a\", \"limt\": 1}", 422, "unknown field `limt`"),
        ("/search", "text/plain", "{\"q\": \"a\"}", 415, "Content-Type"),
        ("/search", json, &large, 413, "limit"),
        ("/duplicates/check", json, "{\"q\": \" \"}", 422, "the phrase is empty"),
        ("/duplicates/check", json, "{}", 422, "missing field `q`"),
        ("/session", json, "{}", 404, "this path does not exist"),
    ] {
        served.send("POST", path, &[("content-type", kind)], body).problem(status, words);
    }
}

#[test]
fn a_keyword_only_index_refuses_semantic_search() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.run(&["index", "--keyword-only", "faq.md"]).success();
    let served = Served::start(&dir, &[]);
    assert_eq!(served.get("/search?q=roses").ok()["hits"][0]["confidence"], Value::Null);
    served.get("/search?q=roses&mode=semantic").problem(422, "keywords only");
    assert_eq!(
        served.post("/duplicates/check", &json!({"q": "when should I prune roses"})).ok()["duplicate"],
        true
    );
}

#[test]
fn a_new_commit_is_served_without_a_restart() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    let first = |query: &str| served.get(&format!("/search?q={query}")).ok()["hits"][0]["title"].clone();
    assert_ne!(first("waxing+a+rope"), "Why wax a rope?");
    assert_eq!(served.get("/stats").ok()["questions"], 5);
    assert_eq!(served.get("/duplicates").ok()["questions"], 5);
    dir.write("rope.md", "## Why wax a rope?\n\nIt lasts longer.\n");
    dir.run(&["index", "rope.md"]).success();
    until("the commit is seen", || (first("waxing+a+rope") == "Why wax a rope?").then_some(()));
    assert_eq!(served.get("/stats").ok()["questions"], 6);
    assert_eq!(served.get("/duplicates").ok()["questions"], 6);
}

#[test]
fn a_phrase_is_embedded_once() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    for query in ["q=old+roses", "q=old+roses", "q=old+roses&level=advanced"] {
        served.get(&format!("/search?{query}")).ok();
    }
    let phrases = |how: &str| served.metric(&format!("rqsearch_phrases_total{{vector=\"{how}\"}}"));
    assert_eq!((phrases("embedded"), phrases("known")), (1.0, 2.0));
    dir.write("rope.md", "## Why wax a rope?\n\nIt lasts longer.\n");
    dir.run(&["index", "rope.md"]).success();
    until("the commit is seen", || {
        (served.get("/search?q=old+roses&limit=100").ok()["hits"]
            .as_array()?
            .iter()
            .any(|hit| hit["title"] == "Why wax a rope?")
            || served.get("/stats").ok()["questions"] == 6)
            .then_some(())
    });
    assert_eq!(phrases("embedded"), 1.0, "a commit keeps the cached vectors");
}

#[test]
fn metrics_for_prometheus() {
    let served = Served::start(&Dir::indexed(), &[]);
    for path in ["/search?q=roses", "/search?q=", "/nowhere/1", "/nowhere/2"] {
        served.get(path);
    }
    let text = served.get("/metrics");
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4"));
    for line in [
        "rqsearch_http_requests_total{method=\"GET\",route=\"/search\",status=\"200\"} 1",
        "rqsearch_http_requests_total{method=\"GET\",route=\"/search\",status=\"422\"} 1",
        "rqsearch_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} 2",
        "rqsearch_http_request_seconds_count{route=\"/search\"} 2",
        "rqsearch_searches_total 1",
        "rqsearch_jobs{limit=\"search\",state=\"running\"} 0",
    ] {
        assert!(text.body.contains(line), "{line}\n{}", text.body);
    }
    let [all, model] =
        ["search", "embedding"].map(|name| served.metric(&format!("rqsearch_{name}_seconds_total")));
    assert!(0.0 < model && model < all, "{model} of {all}");
}

#[test]
fn replies_are_compressed_if_the_client_accepts_it() {
    let served = Served::start(&Dir::indexed(), &[]);
    let head = |encoding: &str| -> Answer {
        let request = format!(
            "HEAD /search?q=roses HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
        );
        served.raw(&request)
    };
    assert_eq!(head("gzip").header("content-encoding"), Some("gzip"));
    assert_eq!(head("identity").header("content-encoding"), None);
    // This client decompresses the body.
    assert_eq!(served.get("/search?q=roses").ok()["query"], "roses");
}

#[test]
fn the_built_in_questions_are_served_without_an_index() {
    let served = Served::start(&Dir::new(), &[]);
    let reply = served.get("/search?q=E0597&limit=1").ok();
    assert!(reply["hits"][0]["title"].as_str().unwrap().contains("E0597"), "{reply}");
    assert!(served.get("/stats").ok()["questions"].as_u64().unwrap() > 600);
}
