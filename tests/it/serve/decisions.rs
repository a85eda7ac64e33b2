//! `POST /duplicates/decisions`, and what other routes make of decisions.

use std::fs;

use serde_json::{Value, json};

use super::Served;
use super::schema::Schemas;
use crate::util::Dir;

const FAQ: &str =
    "{\"question\": \"Why is it red?\"}\n{\"question\": \"why is it RED\"}\n{\"question\": \"Who?\"}\n";

fn faq() -> Dir {
    let dir = Dir::new();
    dir.write("faq.jsonl", FAQ);
    dir.run(&["index", "--keyword-only", "faq.jsonl"]).success();
    dir
}

/// The ids of the two questions with one title.
fn ids(served: &Served) -> [String; 2] {
    let group = served.get("/duplicates").ok()["groups"][0].clone();
    [&group["canonical"]["id"], &group["duplicates"][0]["id"]].map(|id| id.as_str().unwrap().to_owned())
}

#[test]
fn a_decision_is_saved_and_applied_at_once() {
    let dir = faq();
    let served = Served::start(&dir, &["--decisions", "d.jsonl"]);
    assert_eq!(served.get("/health").ok()["decisions"], true);
    let [one, two] = ids(&served);
    let request = json!({"one": two, "two": &one[..6], "decision": "keep", "keep": two, "note": "shorter"});
    Schemas::of(&served).check("DecisionRequest", &request);
    let answer = served.post("/duplicates/decisions", &request);
    assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{answer:?}");
    let text = fs::read_to_string(dir.path().join("d.jsonl")).unwrap();
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["keep"], &line["note"]), (&two.clone().into(), &"shorter".into()));
    assert!(line["date"].as_str().unwrap().ends_with('Z') && line.get("author").is_none(), "{line}");
    let group = served.get("/duplicates").ok()["groups"][0].clone();
    assert_eq!((&group["canonical"]["id"], &group["open"]), (&two.clone().into(), &false.into()));
    assert!(served.get("/duplicates/map").body.contains("\"decided\":\"keep\""));
    // Another decision replaces it. Different questions are neither listed nor found for their titles.
    served.post("/duplicates/decisions", &json!({"one": one, "two": two, "decision": "different"}));
    assert_eq!(served.get("/duplicates").ok()["groups"], json!([]));
    // The command line reads the same file.
    dir.run(&["dups", "--decisions", "d.jsonl"]).success();
    let open = json!({"one": one, "two": two, "decision": "open"});
    assert_eq!(served.post("/duplicates/decisions", &open).status, 204);
    assert_eq!(fs::read_to_string(dir.path().join("d.jsonl")).unwrap(), "");
    assert_eq!(ids(&served), [one, two]);
}

#[test]
fn the_map_may_send_requests_only_if_people_can_decide() {
    let dir = faq();
    let policy = |served: &Served| {
        let map = served.get("/duplicates/map");
        (map.header("content-security-policy").unwrap().to_owned(), map.body)
    };
    let (without, page) = policy(&Served::start(&dir, &[]));
    assert!(!without.contains("connect-src") && !page.contains("connect-src 'self'"), "{without}");
    let (with, page) = policy(&Served::start(&dir, &["--decisions", "d.jsonl"]));
    assert!(with.ends_with("; connect-src 'self'") && page.contains("connect-src 'self'"), "{with}");
}

#[test]
fn invalid_decisions_are_refused_and_not_written() {
    let dir = faq();
    let served = Served::start(&dir, &["--decisions", "d.jsonl"]);
    let [one, two] = ids(&served);
    let post = |body: Value| served.post("/duplicates/decisions", &body);
    post(json!({"one": one, "two": one, "decision": "same"})).problem(422, "one question");
    post(json!({"one": one, "two": "nothing", "decision": "same"})).problem(404, "no question has the id");
    post(json!({"one": one, "two": two, "decision": "maybe"})).problem(422, "unknown variant `maybe`");
    post(json!({"one": one, "two": two, "decision": "keep"})).problem(422, "`keep` must be the id");
    post(json!({"one": one, "two": two, "decision": "keep", "keep": "x"}))
        .problem(422, "`keep` must be the id");
    post(json!({"one": one, "two": two, "decision": "same", "keep": one})).problem(422, "needs the decision");
    post(json!({"one": one, "two": two})).problem(422, "missing field `decision`");
    post(json!({"one": one, "two": two, "decision": "same", "extra": 1}))
        .problem(422, "unknown field `extra`");
    post(json!({"one": one, "two": two, "decision": "same", "note": "a".repeat(2_001)}))
        .problem(422, "the limit is 2000");
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "cross-site")];
    let body = json!({"one": one, "two": two, "decision": "same"}).to_string();
    served.send("POST", "/duplicates/decisions", &headers, &body).problem(403, "other sites");
    let headers = [("content-type", "application/json"), ("origin", "https://evil.example")];
    served.send("POST", "/duplicates/decisions", &headers, &body).problem(403, "other sites");
    served.get("/duplicates/decisions").problem(405, "does not support this method");
    assert!(!dir.path().join("d.jsonl").exists());
    // A file that was damaged by hand is not overwritten.
    dir.write("d.jsonl", "<<<<<<< ours\n");
    post(json!({"one": one, "two": two, "decision": "same"})).problem(500, "could not be saved");
    served.logs("d.jsonl:1: a merge conflict");
    assert_eq!(fs::read_to_string(dir.path().join("d.jsonl")).unwrap(), "<<<<<<< ours\n");
}

#[test]
fn without_the_option_there_are_no_decisions() {
    let dir = faq();
    let served = Served::start(&dir, &[]);
    assert_eq!(served.get("/health").ok()["decisions"], false);
    let body = json!({"one": "a", "two": "b", "decision": "same"});
    served.post("/duplicates/decisions", &body).problem(404, "does not exist");
    dir.write("bad.jsonl", "[1]\n");
    dir.run(&["serve", "--listen", "127.0.0.1:0", "--decisions", "bad.jsonl"])
        .exits(2)
        .says("bad.jsonl:1: not a decision");
}

#[test]
fn a_decision_needs_the_right_to_search_and_has_the_name_of_the_token() {
    let dir = faq();
    dir.write("tokens", "wiki search wiki-0123456789abcdef\nops admin ops-0123456789abcdef\n");
    let served = Served::start(&dir, &["--token-file", "tokens", "--decisions", "d.jsonl"]);
    let [one, two] = [0, 1].map(|nth| dir.export()[nth]["id"].clone());
    let send = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let body = json!({"one": one, "two": two, "decision": "same"}).to_string();
        served.send("POST", "/duplicates/decisions", &headers, &body)
    };
    send("ops-0123456789abcdef").problem(403, "does not have the right `search`");
    send("guess-0123456789abcdef").problem(401, "");
    assert_eq!(send("wiki-0123456789abcdef").status, 204);
    assert!(fs::read_to_string(dir.path().join("d.jsonl")).unwrap().contains("\"author\":\"wiki\""));
}
