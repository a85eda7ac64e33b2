//! What fails is reported, and does not stop what works.

use serde_json::Value;

use super::{Served, until};
use crate::util::{Dir, FAQ};

#[test]
fn a_commit_that_cannot_be_opened_does_not_replace_the_one_before() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    assert_eq!(served.get("/health").ok()["status"], "ok");
    let meta = dir.path().join(".rqsearch/meta.json");
    let sound = std::fs::read(&meta).unwrap();
    std::fs::write(&meta, "not JSON").unwrap();
    let degraded = until("the failure is seen", || {
        served.get("/search?q=roses").ok();
        Some(served.get("/health").ok()).filter(|health| health["status"] == "degraded")
    });
    assert!(degraded["problems"][0].as_str().unwrap().contains("the last commit"), "{degraded}");
    served.logs("could not open the last commit of the index");
    assert_eq!(served.metric("rqsearch_failing{part=\"index\"}"), 1.0);
    for path in ["/search?q=roses", "/stats", "/duplicates", "/questions/nothing"] {
        for _ in 0..20 {
            assert!(matches!(served.get(path).status, 200 | 404), "{path}");
        }
    }
    let reports = served.log().iter().filter(|line| line.contains("could not open")).count();
    assert_eq!(reports, 1, "{:?}", served.log());
    // The next sound commit is used.
    std::fs::write(&meta, sound).unwrap();
    dir.write("rope.md", "## Why wax a rope?\n\nIt lasts longer.\n");
    dir.run(&["index", "rope.md"]).success();
    until("the new commit is served", || (served.get("/stats").ok()["questions"] == 6).then_some(()));
    assert_eq!(served.get("/health").ok()["status"], "ok");
    assert_eq!(served.metric("rqsearch_failing{part=\"index\"}"), 0.0);
}

#[test]
fn a_server_answers_while_its_index_is_replaced_again_and_again() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    for round in 0..4 {
        std::fs::remove_dir_all(dir.path().join(".rqsearch")).unwrap();
        assert_eq!(served.get("/search?q=roses").status, 200, "the index is gone");
        until("the failure is seen", || (served.get("/health").ok()["status"] == "degraded").then_some(()));
        dir.write("faq.md", format!("{FAQ}\n## Question {round}?\n\nAnswer {round}.\n"));
        std::thread::scope(|scope| {
            let indexing = scope.spawn(|| dir.run(&["index", "faq.md"]).success());
            while !indexing.is_finished() {
                let answer = served.get("/search?q=roses");
                assert!(answer.status == 200 || answer.header("retry-after").is_some(), "{answer:?}");
            }
        });
        until("the new index is served", || (served.get("/stats").ok()["questions"] == 6).then_some(()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn old_commits_are_not_kept_open() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    for path in ["/stats", "/duplicates", "/search?q=roses"] {
        served.get(path).ok();
    }
    // The only question of this file is removed, so its segment is deleted.
    dir.write("faq.md", FAQ.replace("roses", "hedges").replace("dough", "batter"));
    dir.run(&["index", "--reread", "faq.md"]).success();
    let maps = || std::fs::read_to_string(format!("/proc/{}/maps", served.id())).unwrap();
    until("the old files are closed", || {
        served.get("/health").ok();
        let is_old = |line: &&str| line.contains(".rqsearch") && line.ends_with("(deleted)");
        maps().lines().find(is_old).is_none().then_some(())
    });
    let titles = served.get("/search?q=prune+hedges").ok();
    assert_eq!(titles["hits"][0]["title"], "When should I prune hedges?");
}

#[test]
fn an_id_that_is_not_utf_8_is_a_problem() {
    let served = Served::start(&Dir::indexed(), &[]);
    served.get("/questions/%ff").problem(400, "UTF-8");
}

#[test]
fn a_request_of_a_batch_that_is_not_possible_is_named_before_any_search() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.run(&["index", "--keyword-only", "faq.md"]).success();
    let served = Served::start(&dir, &[]);
    let batch = serde_json::json!({"requests": [{"q": "roses"}, {"q": "roses", "mode": "semantic"}]});
    served.post("/search", &batch).problem(422, "requests[1]: the index has keywords only");
    assert_eq!(served.metric("rqsearch_searches_total"), 0.0);
}

#[cfg(feature = "remote")]
mod endpoint {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::endpoints::endpoint;
    use crate::server::Server;

    /// An endpoint that hangs while the flag is set.
    fn hanging() -> (Server, Arc<AtomicBool>) {
        let hangs = Arc::new(AtomicBool::new(false));
        let (inner, hung) = (endpoint("m"), Arc::clone(&hangs));
        let forward = inner.handler();
        let server = Server::new(move |request| {
            while hung.load(Ordering::SeqCst) {
                thread::park_timeout(Duration::from_millis(20));
            }
            forward(request)
        });
        (server, hangs)
    }

    fn indexed(server: &Server) -> Dir {
        let dir = Dir::new();
        dir.write("faq.md", FAQ);
        dir.run(&["index", "faq.md", "--model", &format!("{}/v1#m", server.address())]).success();
        dir
    }

    #[test]
    fn an_endpoint_that_hangs_takes_nothing_else_down() {
        let (server, hangs) = hanging();
        let dir = indexed(&server);
        // One thread and no queue: a search that kept its place would make all others fail.
        let served = Served::start(&dir, &["--threads", "1", "--queue", "0", "--timeout", "20"]);
        assert_eq!(served.get("/search?q=first").ok()["notice"], Value::Null);
        hangs.store(true, Ordering::SeqCst);
        let (sent, served) = (server.requests().len(), &served);
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..4)
                .map(|nth| scope.spawn(move || served.get(&format!("/search?q=dough+{nth}"))))
                .collect();
            until("the endpoint is asked", || (server.requests().len() >= sent + 4).then_some(()));
            for path in ["/search?q=dough&mode=keyword", "/health", "/stats", "/duplicates", "/metrics"] {
                assert_eq!(served.get(path).status, 200, "{path}");
            }
            served.get("/questions/nothing").problem(404, "no question");
            assert!(waiting.iter().all(|waiting| !waiting.is_finished()), "the endpoint still hangs");
            for waiting in waiting {
                let answer = waiting.join().unwrap();
                // There is one place for searches: some of those that end together do not get it.
                if answer.status == 200 {
                    let reply = answer.ok();
                    assert!(reply["notice"].as_str().unwrap().starts_with("using keyword search only"));
                    assert_eq!(reply["hits"][0]["title"], "How long should bread dough rise?");
                } else {
                    answer.problem(503, "");
                }
            }
        });
        served.logs("the embedding endpoint is not available");
        let health = served.get("/health").ok();
        assert!(health["problems"][0].as_str().unwrap().contains("endpoint"), "{health}");
        assert!(served.metric("rqsearch_endpoint_failures_total") >= 4.0);
        assert!(served.metric("rqsearch_keyword_fallbacks_total") >= 1.0);
        served.get("/search?q=semantics&mode=semantic").problem(504, "the embedding endpoint");
        served
            .post("/duplicates/check", &serde_json::json!({"q": "When should I prune roses, please?"}))
            .problem(504, "the embedding endpoint");
        let batch =
            serde_json::json!({"requests": [{"q": "a", "mode": "keyword"}, {"q": "b", "mode": "semantic"}]});
        served.post("/search", &batch).problem(504, "requests[1]: the embedding endpoint");
        // A vector that was cached before is still used.
        assert_eq!(served.get("/search?q=first").ok()["notice"], Value::Null);
        hangs.store(false, Ordering::SeqCst);
        until("the endpoint is used again", || {
            served.get("/search?q=dough+again").ok()["notice"].is_null().then_some(())
        });
        served.logs("available again");
        assert_eq!(served.get("/health").ok()["status"], "ok");
    }

    #[test]
    fn an_endpoint_that_refuses_connections_is_a_bad_gateway() {
        let server = endpoint("m");
        let dir = indexed(&server);
        let served = Served::start(&dir, &[]);
        drop(server);
        let reply = served.get("/search?q=roses").ok();
        assert_eq!(reply["hits"][0]["title"], "When should I prune roses?");
        assert!(reply["notice"].as_str().unwrap().contains("could not reach"), "{reply}");
        served.get("/search?q=roses&mode=semantic").problem(502, "could not reach");
    }
}
