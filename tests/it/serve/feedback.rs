//! `POST /feedback`, and the evaluation of what users said.

use std::fs;

use serde_json::{Value, json};

use super::Served;
use super::schema::Schemas;
use crate::util::Dir;

#[test]
fn a_judgement_is_appended_and_evaluated() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &["--feedback", "feedback.jsonl"]);
    assert_eq!(served.get("/health").ok()["feedback"], true);
    let hit = |phrase: &str| {
        let found = served.get(&format!("/search?q={phrase}")).ok();
        (found["hits"][0]["id"].as_str().unwrap().to_owned(), found["hits"][0]["title"].clone())
    };
    let (id, title) = hit("prune+roses");
    let request = json!({"q": "cutting roses", "id": &id[..6], "useful": true});
    Schemas::of(&served).check("FeedbackRequest", &request);
    let answer = served.post("/feedback", &request);
    assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{answer:?}");
    assert_eq!(served.post("/feedback", &json!({"q": "dough", "id": id, "useful": false})).status, 204);
    let path = dir.path().join("feedback.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let line = lines[0].as_object().unwrap();
    assert_eq!(line.keys().collect::<Vec<_>>(), ["date", "id", "q", "title", "useful"]);
    assert_eq!((&lines[0]["q"], &lines[0]["title"]), (&"cutting roses".into(), &title));
    assert_eq!((&lines[0]["id"], &lines[1]["useful"]), (&id.into(), &false.into()));
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap()) & 0o777, 0o600);

    let report = dir.run(&["eval", "--json", "--from-feedback", "feedback.jsonl"]).success();
    assert!(
        report.stderr.contains("1 phrase left out, because no judged hit is useful"),
        "{}",
        report.stderr
    );
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let hybrid = report["rows"].as_array().unwrap().iter().find(|row| row["mode"] == "hybrid").unwrap();
    assert_eq!((&hybrid["queries"], &hybrid["success_1"]), (&1.into(), &1.0.into()), "{hybrid}");

    // Lines that are not valid are reported, and the others count.
    fs::write(&path, format!("{text}\n{{\"q\": \"torn\n")).unwrap();
    dir.run(&["eval", "--from-feedback", "feedback.jsonl", "--run", "run.txt"])
        .exits(2)
        .says("feedback.jsonl:4: expected a JSON object with `q`, `id` and `useful`");
    dir.run(&["eval", "--from-feedback", "feedback.jsonl", "--compare", "run.txt"])
        .exits(2)
        .says("nDCG@10 1.0000 compared with 1.0000");
    fs::write(&path, &text).unwrap();
    dir.run(&["eval", "--calibrate", "--from-feedback", "feedback.jsonl"])
        .exits(2)
        .says("needs at least 50 judged phrases");
    fs::write(&path, text.replace("true", "false")).unwrap();
    dir.run(&["eval", "--from-feedback", "feedback.jsonl"])
        .exits(2)
        .says("contains no phrase with a useful hit of this index");
}

#[test]
fn invalid_judgements_are_refused_and_not_written() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &["--feedback", "feedback.jsonl"]);
    let id = served.get("/search?q=roses").ok()["hits"][0]["id"].clone();
    let post = |body: Value| served.post("/feedback", &body);
    post(json!({"q": " ", "id": id, "useful": true})).problem(422, "the phrase is empty");
    post(json!({"q": "a".repeat(2_001), "id": id, "useful": true})).problem(422, "the limit is 2000");
    post(json!({"q": "a", "id": "nothing", "useful": true})).problem(404, "no question has the id");
    post(json!({"q": "a", "id": id, "useful": true, "extra": 1})).problem(422, "unknown field `extra`");
    post(json!({"q": "a", "id": id})).problem(422, "missing field `useful`");
    post(json!({"q": "a", "id": id, "useful": "yes"})).problem(422, "invalid type");
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "cross-site")];
    let body = json!({"q": "a", "id": id, "useful": true}).to_string();
    served.send("POST", "/feedback", &headers, &body).problem(403, "other sites");
    served.send("POST", "/feedback", &[("content-type", "text/plain")], &body).problem(415, "");
    served.get("/feedback").problem(405, "does not support this method");
    assert_eq!(fs::read_to_string(dir.path().join("feedback.jsonl")).unwrap(), "");
}

#[test]
fn without_the_option_there_is_no_feedback() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    assert_eq!(served.get("/health").ok()["feedback"], false);
    served.post("/feedback", &json!({"q": "a", "id": "b", "useful": true})).problem(404, "does not exist");
}

#[test]
fn feedback_needs_the_right_to_search() {
    let dir = Dir::indexed();
    dir.write("tokens", "wiki search wiki-0123456789abcdef\nops admin ops-0123456789abcdef\n");
    let served = Served::start(&dir, &["--token-file", "tokens", "--feedback", "feedback.jsonl"]);
    let send = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let body = json!({"q": "a", "id": "nothing", "useful": true}).to_string();
        served.send("POST", "/feedback", &headers, &body)
    };
    send("wiki-0123456789abcdef").problem(404, "no question has the id");
    send("ops-0123456789abcdef").problem(403, "does not have the right `search`");
    send("guess-0123456789abcdef").problem(401, "");
}

#[test]
fn a_file_that_cannot_be_opened_is_reported_at_the_start() {
    let dir = Dir::indexed();
    dir.run(&["serve", "--listen", "127.0.0.1:0", "--feedback", "no/such/file"])
        .exits(2)
        .says("could not open no/such/file for feedback")
        .says("hint: name a file that this user may write");
}

#[cfg(target_os = "linux")]
#[test]
fn a_judgement_that_cannot_be_written_is_reported() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &["--feedback", "/dev/full"]);
    let id = served.get("/search?q=roses").ok()["hits"][0]["id"].clone();
    served
        .post("/feedback", &json!({"q": "a", "id": id, "useful": true}))
        .problem(500, "the feedback could not be saved");
    served.logs("could not write to the file of --feedback: No space left on device");
}
