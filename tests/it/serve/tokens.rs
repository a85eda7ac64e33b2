//! Named tokens with rights, and clients that guess.

use std::path::Path;

use serde_json::json;

use super::{Answer, Served, until};
use crate::util::Dir;

const WIKI: &str = "wiki-0123456789abcdef";
const OPS: &str = "ops-0123456789abcdef";

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn get(served: &Served, path: &str, token: &str) -> Answer {
    served.send("GET", path, &[("authorization", &format!("Bearer {token}"))], "")
}

#[test]
fn tokens_have_rights_and_change_without_a_restart() {
    let dir = Dir::indexed();
    let file = dir.write("tokens", format!("# NAME RIGHTS TOKEN\nwiki search {WIKI}\nops admin {OPS}\n"));
    let served = Served::start(&dir, &["--token-file", "tokens", "--log", "json"]);
    get(&served, "/search?q=roses", WIKI).ok();
    get(&served, "/metrics", WIKI).problem(403, "does not have the right `admin`");
    assert_eq!(get(&served, "/metrics", OPS).status, 200);
    get(&served, "/search?q=roses", OPS).problem(403, "does not have the right `search`");
    served.logs("\"token\":\"wiki\"");
    let signed_in = served.post("/session", &json!({"token": WIKI}));
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let by_cookie = |path: &str| served.send("GET", path, &[("cookie", &cookie)], "");
    by_cookie("/stats").ok();
    by_cookie("/metrics").problem(403, "admin");

    // A file that cannot be used changes nothing, and is reported.
    write(&file, "short\n");
    until("the broken file is seen", || {
        get(&served, "/stats", WIKI).ok();
        (served.get("/health").ok()["status"] == "degraded").then_some(())
    });
    served.logs("the tokens read before stay valid");
    // A token that was removed is not accepted any more, nor is its cookie.
    write(&file, &format!("ops admin,search {OPS}\n"));
    until("the token is removed", || (get(&served, "/stats", WIKI).status == 401).then_some(()));
    by_cookie("/stats").problem(401, "sign in again");
    get(&served, "/stats", OPS).ok();
    assert_eq!(served.get("/health").ok()["status"], "ok");
}

#[test]
fn an_address_that_guesses_is_slowed_down() {
    let dir = Dir::indexed();
    dir.write("tokens", format!("wiki search,admin {WIKI}\nops search {OPS}\n"));
    let served = Served::start(&dir, &["--token-file", "tokens"]);
    get(&served, "/stats", WIKI).ok();
    let guesses: Vec<Answer> =
        (0..40).map(|nth| get(&served, "/stats", &format!("guess-number-{nth}-of-many"))).collect();
    assert_eq!(guesses[0].status, 401);
    let limited: Vec<&Answer> = guesses.iter().filter(|answer| answer.status == 429).collect();
    assert!(limited.len() >= 20, "{}", limited.len());
    assert!(limited[0].header("retry-after").is_some_and(|after| after.parse::<u32>().unwrap() > 0));
    served.post("/session", &json!({"token": "another-guess-of-many"})).problem(429, "too many wrong tokens");
    // A token that was accepted from this address before is not affected.
    get(&served, "/stats", WIKI).ok();
    served.get("/stats").problem(401, "requires a token");
    served.logs("a wrong token was sent from 127.0.0.1");
    assert!(served.get("/health").ok()["rejected_tokens"].as_u64().unwrap() >= 40);
    let metrics = get(&served, "/metrics", WIKI).body;
    assert!(metrics.contains("rqsearch_rejected_tokens_total{reason=\"limited\"}"), "{metrics}");
    assert!(!served.log().iter().any(|line| line.contains("guess-number")), "{:?}", served.log());
}

#[test]
fn requests_from_pages_of_other_sites_are_refused() {
    let served = Served::start(&Dir::indexed(), &["--allow-origin", "https://a.example"]);
    let from = |path: &str, site: &str, origin: &str| {
        served.send("GET", path, &[("sec-fetch-site", site), ("origin", origin)], "")
    };
    for path in ["/search?q=roses", "/duplicates?threshold=0.4", "/duplicates/map", "/stats", "/questions/a"]
    {
        from(path, "cross-site", "https://b.example").problem(403, "--allow-origin");
        from(path, "same-site", "http://localhost:1").problem(403, "--allow-origin");
        assert!(matches!(from(path, "cross-site", "https://a.example").status, 200 | 404), "{path}");
    }
    // A link from another site leads to the page, which sends its requests itself.
    assert_eq!(from("/", "cross-site", "https://b.example").status, 200);
}
