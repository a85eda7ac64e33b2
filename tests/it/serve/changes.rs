//! `POST /questions`, `PUT` and `DELETE /questions/{id}`: questions that programs write.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use tantivy::Directory;
use tantivy::directory::{DirectoryLock, INDEX_WRITER_LOCK, MmapDirectory};

use super::schema::Schemas;
use super::{Answer, Served, until};
use crate::util::Dir;

const TOKEN: &str = "writer-0123456789abcdef";

/// A server that accepts changes of the index of [`FAQ`](crate::util::FAQ).
fn writable(args: &[&str]) -> (Dir, Served) {
    let dir = Dir::indexed();
    dir.write("token", TOKEN);
    let served = start(&dir, args);
    (dir, served)
}

fn start(dir: &Dir, args: &[&str]) -> Served {
    Served::start(dir, &[&["--admin-token-file", "token"], args].concat())
}

fn send(served: &Served, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    served.send(method, path, &headers, &body.to_string())
}

fn put(served: &Served, id: &str, question: &str) -> Answer {
    let record = json!({"question": question, "answer": format!("The answer to {id}."), "tags": ["api"]});
    send(served, "PUT", &format!("/questions/{id}"), &record)
}

fn delete(served: &Served, id: &str) -> Answer {
    let bearer = format!("Bearer {TOKEN}");
    served.send("DELETE", &format!("/questions/{id}"), &[("authorization", &bearer)], "")
}

/// The keys of the written questions in an index.
fn keys(dir: &Dir) -> Vec<String> {
    let written = dir.export().into_iter().filter(|question| question["source"]["path"] == "api:");
    let mut keys: Vec<String> = written.map(|one| one["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

/// Keeps other processes from writing the index.
fn lock(dir: &Dir) -> DirectoryLock {
    let index = MmapDirectory::open(dir.path().join(".rqsearch")).unwrap();
    until("nothing else writes the index", || index.acquire_lock(&INDEX_WRITER_LOCK).ok())
}

#[test]
fn a_written_question_is_found_at_once_and_stays_when_files_are_read_again() {
    let (dir, served) = writable(&[]);
    assert_eq!(served.get("/health").ok()["writable"], true);
    let written = put(&served, "kettle-1", "How do I descale a kettle?").ok();
    assert_eq!(
        (&written["key"], &written["effect"], &written["error"]),
        (&"kettle-1".into(), &"created".into(), &Value::Null)
    );
    let top =
        |served: &Served, phrase: &str| served.get(&format!("/search?q={phrase}")).ok()["hits"][0].clone();
    let hit = top(&served, "removing+lime+from+a+kettle");
    assert_eq!((&hit["id"], &hit["key"]), (&written["id"], &"kettle-1".into()));
    assert_eq!(hit["source"], json!({"path": "api:", "line": 0}));
    assert_eq!(put(&served, "kettle-1", "How do I descale a kettle?").ok()["effect"], "unchanged");
    assert_eq!(put(&served, "kettle-1", "How do I clean a kettle?").ok()["effect"], "replaced");
    assert_eq!(top(&served, "clean+kettle")["title"], "How do I clean a kettle?");
    assert_eq!(served.get("/stats").ok()["questions"], 6);
    drop(served);

    // No update from files removes it, nor does a change of the model.
    for args in [
        vec!["index"],
        vec!["index", "--reread"],
        vec!["index", "--keyword-only"],
        vec!["index", "--model", "builtin"],
    ] {
        dir.run(&args).success();
        assert_eq!(keys(&dir), ["kettle-1"], "{args:?}");
    }
    dir.write("faq.md", "## Why wax a rope?\n\nIt lasts.\n");
    dir.run(&["index", "."]).success();
    std::fs::remove_file(dir.path().join("faq.md")).unwrap();
    dir.write("api:", "## Is this a file?\n\nYes.\n");
    dir.run(&["index", "--format", "markdown", ".", "api:"]).success();
    let titles: Vec<Value> = dir.export().iter().map(|one| one["title"].clone()).collect();
    assert_eq!(titles, ["Is this a file?", "How do I clean a kettle?"]);
    assert!(dir.run(&["show", "kettle-1"]).success().stdout.contains("api:"));
    assert!(dir.run(&["stats"]).success().stdout.contains("written    1 question by programs"));
    assert_eq!(dir.titles(&["cleaning a kettle"])[0], "How do I clean a kettle?");

    let served = start(&dir, &[]);
    assert_eq!(top(&served, "clean+kettle")["key"], "kettle-1");
    let deleted = delete(&served, "kettle-1").ok();
    assert_eq!((&deleted["id"], &deleted["effect"]), (&written["id"], &"deleted".into()));
    delete(&served, "kettle-1").problem(404, "no written question has the id \"kettle-1\"");
    assert_eq!(served.get("/stats").ok()["questions"], 1);
    assert_eq!(keys(&dir), [""; 0]);
}

#[test]
fn a_batch_has_a_result_for_each_record() {
    let (_dir, served) = writable(&[]);
    let schemas = Schemas::of(&served);
    let records = json!([
        {"id": "a", "question": "Why is dough sticky?"},
        {"id": "b", "answer": "No question."},
        {"id": "c\u{1}", "question": "Why is dough dry?"},
        {"question": "Why is dough cold?", "date": "tomorrow"},
        7,
        {"question": "Why is dough warm?"},
        {"id": "a", "question": "Why is dough so sticky?"},
    ]);
    let reply = send(&served, "POST", "/questions", &records).ok();
    schemas.check("ChangesReply", &reply);
    let results = reply["results"].as_array().unwrap();
    let effects: Vec<&Value> = results.iter().map(|result| &result["effect"]).collect();
    assert_eq!(
        effects,
        ["created", "", "", "", "", "created", "replaced"]
            .map(|effect| match effect {
                "" => Value::Null,
                effect => effect.into(),
            })
            .iter()
            .collect::<Vec<_>>(),
        "{reply}"
    );
    for (nth, field, reason) in [
        (1, "question".into(), "missing or empty"),
        (2, "id".into(), "control character"),
        (3, "date".into(), "not a date"),
        (4, Value::Null, "not a JSON object"),
    ] {
        let error = &results[nth]["error"];
        assert_eq!(error["field"], field, "{error}");
        assert!(error["reason"].as_str().unwrap().contains(reason), "{error}");
    }
    // Without an id, the title identifies the question.
    assert_eq!(results[5]["key"], Value::Null);
    let id = results[5]["id"].as_str().unwrap();
    let again =
        send(&served, "POST", "/questions", &json!({"question": "Why is dough warm?", "answer": "Yeast."}));
    let again = again.ok();
    schemas.check("ChangeReply", &again);
    assert_eq!((again["id"].as_str().unwrap(), &again["effect"]), (id, &"replaced".into()));
    assert_eq!(delete(&served, id).ok()["effect"], "deleted");

    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let lines = "{\"id\":\"l1\",\"q\":\"Why one?\"}\n\n{\"id\":\"l2\",\"q\":\"Why two?\"}\n";
    let reply = served.send("POST", "/questions", &headers, lines).ok();
    assert_eq!(reply["results"].as_array().unwrap().len(), 2);
    served.send("POST", "/questions", &headers, "{\"id\":\n").problem(400, "line 1 is not JSON");
    assert_eq!(served.metric("rqsearch_changes_total{result=\"created\"}"), 4.0);
    assert_eq!(served.metric("rqsearch_changes_total{result=\"refused\"}"), 1.0);

    let many: Vec<Value> = (0..1001).map(|nth| json!({"question": format!("Why {nth}?")})).collect();
    send(&served, "POST", "/questions", &many.into()).problem(422, "1001 records; the limit is 1000");
    let padded = json!({"question": "Why?", "answer": " ".repeat(1 << 20)});
    send(&served, "POST", "/questions", &padded).ok();
    let large = json!({"question": "Why?", "answer": "x".repeat(9 << 20)});
    send(&served, "POST", "/questions", &large).problem(413, "");
}

#[test]
fn bad_records_and_ids_are_refused_with_the_reason() {
    let (dir, served) = writable(&[]);
    let post = |record: Value| send(&served, "POST", "/questions", &record);
    post(json!({"answer": "So."})).problem(422, "question: it is missing or empty");
    post(json!({"question": "Why?", "score": "high"})).problem(422, "score: it is not a number");
    post(json!({"question": "Why?", "more": {"deep": 1}})).problem(422, "more: it is an object");
    post(json!({"id": "a\u{7}b", "question": "Why?"})).problem(422, "id: it has a control character");
    post(json!({"id": "x".repeat(201), "question": "Why?"})).problem(422, "id: it has 201 bytes");
    post(json!("Why?")).problem(422, "not a JSON object");
    put(&served, "%2E%2E", "Why?").problem(422, "have a meaning in addresses");
    let body = json!({"id": "b", "question": "Why?"});
    send(&served, "PUT", "/questions/a", &body).problem(422, "it differs from the id of the path");
    send(&served, "PUT", "/questions/a", &json!([])).problem(422, "not one JSON object");
    // The questions of files are not changed.
    let roses = served.get("/search?q=prune+roses").ok()["hits"][0]["id"].as_str().unwrap().to_owned();
    put(&served, &roses, "Why?").problem(409, "is the id that the index gave");
    delete(&served, &roses).problem(409, "comes from faq.md:29; change that file");
    assert_eq!(dir.export().len(), 5);

    // Any other id works, in the address as well.
    for (path, id) in [
        ("a%2Fb%20c%3Fd%23", "a/b c?d#"),
        ("%E6%97%A5%E6%9C%AC", "日本"),
        ("file%3Afaq.md", "file:faq.md"),
        ("%22%27%3Cb%3E", "\"'<b>"),
        ("related", "related"),
        ("0f9a", "0f9a"),
    ] {
        assert_eq!(put(&served, path, &format!("Why {id}?")).ok()["key"], id);
        assert_eq!(served.get(&format!("/questions/{path}")).ok()["key"], id);
        // A question can be sent back as it was returned.
        let question = served.get(&format!("/questions/{path}")).ok();
        let sent = send(&served, "PUT", &format!("/questions/{path}"), &question).ok();
        assert_eq!(sent["effect"], "unchanged", "{question}");
        assert_eq!(delete(&served, path).ok()["key"], id);
        served.get(&format!("/questions/{path}")).problem(404, "");
    }
}

#[test]
fn changes_need_an_admin_token() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    assert_eq!(served.get("/health").ok()["writable"], false);
    served.post("/questions", &json!({})).problem(403, "start it with --admin-token-file");
    put(&served, "a", "Why?").problem(403, "accepts no changes");
    served.get("/questions").problem(405, "does not support this method");
    drop(served);

    dir.write("tokens", format!("wiki search wiki-0123456789abcdef\nops search,admin {TOKEN}\n"));
    dir.write("readers", "reader search,admin reader-0123456789abcdef\n");
    let served =
        Served::start(&dir, &["--token-file", "readers", "--admin-token-file", "tokens", "--log", "json"]);
    let with = |headers: &[(&str, &str)]| {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        served.send("PUT", "/questions/a", &headers, "{\"question\": \"Why?\"}")
    };
    with(&[]).problem(401, "requires a token");
    with(&[("authorization", "Bearer not-the-token-of-anyone")]).problem(401, "the token is wrong");
    for token in ["wiki-0123456789abcdef", "reader-0123456789abcdef"] {
        let bearer = format!("Bearer {token}");
        with(&[("authorization", &bearer)]).problem(403, "does not have the right `write`");
    }
    // A cookie is for the web page. Other pages cannot use it, and nobody writes with it.
    let signed_in = served.post("/session", &json!({"token": TOKEN}));
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    with(&[("cookie", &cookie)]).problem(401, "requires a token");
    let bearer = format!("Bearer {TOKEN}");
    with(&[("authorization", &bearer), ("sec-fetch-site", "cross-site")]).problem(403, "other sites");
    with(&[("authorization", &bearer)]).ok();
    served.logs("\"method\":\"PUT\",\"route\":\"/questions/{id}\",\"status\":200");
    served.send("GET", "/stats", &[("authorization", &bearer)], "").ok();

    dir.run(&["serve", "--admin-token-file", "missing"]).exits(2).says("could not read missing");
    dir.write("search-only", "wiki search wiki-0123456789abcdef\n");
    dir.run(&["serve", "--admin-token-file", "search-only"]).exits(2).says("no token may write questions");
    dir.run(&["serve", "--builtin", "--admin-token-file", "tokens"]).exits(2).says("cannot be changed");
}

#[test]
fn an_index_can_have_written_questions_only() {
    let dir = Dir::new();
    let mut command = dir.command(&["serve", "--listen", "127.0.0.1:0", "--index", "new"]);
    // Both are set.
    command.env("RQSEARCH_ADMIN_TOKEN", TOKEN).args(["--admin-token-file", "token"]);
    let output = command.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("are both set"), "{output:?}");
    dir.write("token", TOKEN);
    let served = start(&dir, &["--index", "new"]);
    assert_eq!(served.get("/stats").ok()["questions"], 0);
    put(&served, "a", "How do I descale a kettle?").ok();
    assert_eq!(served.get("/search?q=lime+in+the+kettle").ok()["hits"][0]["key"], "a");
    drop(served);
    dir.run(&["index", "--index", "new"]).success();
    assert_eq!(dir.titles(&["--index", "new", "lime in the kettle"]), ["How do I descale a kettle?"]);
}

#[test]
fn another_writer_is_waited_for_and_then_reported() {
    let (dir, served) = writable(&["--timeout", "1", "--queue", "1"]);
    let held = lock(&dir);
    let busy = put(&served, "a", "Why?").problem(503, "another process is writing the index");
    assert_eq!(busy.header("retry-after"), Some("2"));
    assert_eq!(served.metric("rqsearch_changes_total{result=\"failed\"}"), 1.0);
    // One request is committed, one waits, and further ones are refused.
    thread::scope(|scope| {
        let waiting = || served.metric("rqsearch_jobs{limit=\"changes\",state=\"waiting\"}");
        let mut refused = 0;
        let running: Vec<_> = (0..6)
            .map(|nth| {
                let served = &served;
                scope.spawn(move || put(served, &format!("q{nth}"), "Why?"))
            })
            .collect();
        until("the queue has jobs", || (waiting() > 0.0).then_some(()));
        for answer in running {
            let answer = answer.join().unwrap();
            assert_eq!(answer.status, 503, "{answer:?}");
            refused += u32::from(answer.body.contains("too many requests are waiting"));
        }
        assert!(refused > 0);
    });
    drop(held);
    until("it works again", || (put(&served, "a", "Why wax a rope?").status == 200).then_some(()));
    assert_eq!(keys(&dir).iter().filter(|key| *key == "a").count(), 1);
}

#[test]
fn requests_that_arrive_together_are_one_commit() {
    let (dir, served) = writable(&[]);
    let commits = || served.metric("rqsearch_change_commits_total");
    let held = lock(&dir);
    thread::scope(|scope| {
        let running: Vec<_> = (0..16)
            .map(|nth| {
                let served = &served;
                scope.spawn(move || put(served, &format!("q{}", nth % 8), &format!("Why {nth}?")))
            })
            .collect();
        let waiting = || served.metric("rqsearch_jobs{limit=\"changes\",state=\"waiting\"}");
        until("all requests wait", || (waiting() == 16.0).then_some(()));
        drop(held);
        let effects: Vec<Value> =
            running.into_iter().map(|answer| answer.join().unwrap().ok()["effect"].clone()).collect();
        assert_eq!(effects.iter().filter(|effect| **effect == "created").count(), 8, "{effects:?}");
    });
    // The first one was alone.
    assert_eq!(commits(), 2.0);
    assert_eq!(keys(&dir), (0..8).map(|nth| format!("q{nth}")).collect::<Vec<_>>());
}

#[test]
fn updates_from_files_and_changes_at_the_same_time_lose_nothing() {
    let (dir, served) = writable(&["--watch"]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut updates = 0;
            while !done.load(Ordering::Relaxed) || updates == 0 {
                dir.write("more.md", format!("## Why {updates}?\n\nSo.\n"));
                // 2 while another process writes the index.
                let code = dir.run(&["index", "faq.md", "more.md"]).code;
                assert!(matches!(code, Some(0 | 2)), "{code:?}");
                updates += u32::from(code == Some(0));
            }
        });
        for nth in 0..20 {
            let id = format!("q{nth}");
            until("it is written", || {
                let answer = put(&served, &id, &format!("How do I wax rope {nth}?"));
                assert!([200, 503].contains(&answer.status), "{answer:?}");
                (answer.status == 200).then_some(())
            });
        }
        done.store(true, Ordering::Relaxed);
    });
    let written = keys(&dir);
    assert_eq!(written.len(), 20, "{written:?}");
    dir.run(&["check"]).success();
}

#[test]
fn no_acknowledged_change_is_lost_when_the_server_is_killed() {
    let dir = Dir::indexed();
    dir.write("token", TOKEN);
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let served = start(&dir, &[]);
        let ids: Vec<String> = (0..4).map(|nth| format!("r{round}-{nth}")).collect();
        for id in &ids {
            put(&served, id, &format!("Why is {id} so?")).ok();
        }
        acknowledged.extend(ids);
        if round > 0 {
            let gone = format!("r{}-0", round - 1);
            delete(&served, &gone).ok();
            acknowledged.retain(|id| *id != gone);
        }
        thread::scope(|scope| {
            // The server is killed while it writes this one. The request may fail.
            let address = served.address.clone();
            scope.spawn(move || {
                let body = "{\"question\": \"Why is it unfinished?\"}";
                _ = ureq::put(format!("http://{address}/questions/unfinished"))
                    .header("authorization", format!("Bearer {TOKEN}"))
                    .content_type("application/json")
                    .send(body);
            });
            let killed = Command::new("kill").args(["-KILL", &served.id().to_string()]).status().unwrap();
            assert!(killed.success());
        });
        drop(served);
        let mut found = keys(&dir);
        found.retain(|id| id != "unfinished");
        acknowledged.sort();
        assert_eq!(found, acknowledged);
        dir.run(&["check"]).success();
    }
}

#[test]
fn a_repair_keeps_written_questions() {
    let (dir, served) = writable(&[]);
    put(&served, "a", "How do I descale a kettle?").ok();
    drop(served);
    let index = dir.path().join(".rqsearch");
    for entry in std::fs::read_dir(index).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    dir.run(&["check"]).exits(2);
    let repaired = dir.run(&["check", "--repair"]);
    assert_eq!(keys(&dir), ["a"], "{repaired:?}");
    assert_eq!(dir.export().len(), 6);
    dir.run(&["check"]).success();
}
