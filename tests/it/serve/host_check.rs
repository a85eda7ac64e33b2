//! Who is let in, and what browsers are told.

use serde_json::json;

use super::{Answer, Served};
use crate::util::Dir;

const TOKEN: &str = "correct-battery-horse-staple";

fn ask(served: &Served, headers: &str) -> Answer {
    served.raw(&format!("GET /health HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"))
}

#[test]
fn a_name_that_is_not_ours_is_turned_away() {
    let served = Served::start(&Dir::indexed(), &["--allow-host", "faq.example.org"]);
    for host in [
        &served.address,
        "localhost",
        "LocalHost:80",
        "[::1]:7700",
        "127.0.0.1",
        "faq.example.org",
        "FAQ.example.org:8080",
    ] {
        assert_eq!(ask(&served, &format!("Host: {host}\r\n")).status, 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:7700",
        "localhost.evil.example",
        "192.168.0.1",
        "example.org",
        "127.0.0.1.evil.example",
    ] {
        ask(&served, &format!("Host: {host}\r\n")).problem(421, "--allow-host");
    }
    for headers in ["", "Host: localhost\r\nHost: evil.example\r\n", "Host: a b\r\n", "Host: \r\n"] {
        ask(&served, headers).problem(400, "one Host header");
    }
    let absolute = "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    served.raw(absolute).problem(421, "evil.example");
    // Whatever the path is, and whether it is there or not.
    for path in ["/", "/search?q=a", "/nowhere"] {
        served
            .raw(&format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
            .problem(421, "");
    }
}

#[test]
fn every_answer_tells_browsers_what_to_refuse() {
    let served = Served::start(&Dir::indexed(), &[]);
    let mut answers: Vec<Answer> = [
        "/",
        "/app.js",
        "/docs",
        "/search?q=roses",
        "/search?q=",
        "/nowhere",
        "/duplicates/map",
        "/openapi.json",
    ]
    .map(|path| served.get(path))
    .into();
    answers.push(ask(&served, "Host: evil.example\r\n"));
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{answer:?}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(served.get("/search?q=roses").header("cache-control"), Some("no-store"));
}

#[test]
fn pages_of_other_origins_read_nothing_unless_allowed() {
    let dir = Dir::indexed();
    let served = Served::start(
        &dir,
        &["--allow-origin", "https://a.example", "--allow-origin", "http://b.example:81"],
    );
    let allowed = |origin: &str| {
        let answer = served.send("GET", "/search?q=roses", &[("origin", origin)], "");
        assert_eq!(answer.status, 200);
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    for origin in ["https://a.example", "http://b.example:81"] {
        assert_eq!(allowed(origin).as_deref(), Some(origin));
    }
    for origin in ["http://a.example", "https://a.example.evil", "http://b.example", "null"] {
        assert_eq!(allowed(origin), None, "{origin}");
    }
    let preflight = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let answer = served.send("OPTIONS", "/search", &preflight, "");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"), "{answer:?}");
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"), "{answer:?}");
    for wrong in ["*", "example.org", "https://example.org/path", "null"] {
        dir.run(&["serve", "--listen", "127.0.0.1:0", "--allow-origin", wrong]).exits(2).says("is no origin");
    }
}

#[test]
fn who_knows_the_token_is_let_in() {
    let dir = Dir::indexed();
    let file = dir.write("token", format!("{TOKEN}\n"));
    let served = Served::start(&dir, &["--token-file", file.to_str().unwrap()]);
    for path in
        ["/search?q=roses", "/questions/abcdef", "/duplicates", "/duplicates/map", "/stats", "/metrics"]
    {
        let refused = served.get(path).problem(401, "Authorization: Bearer");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        let bearer = format!("Bearer {TOKEN}");
        let let_in = served.send("GET", path, &[("authorization", &bearer)], "");
        assert!(matches!(let_in.status, 200 | 404), "{let_in:?}");
    }
    for wrong in
        ["Bearer correct-battery-horse-stapl", "Bearer correct-battery-horse-staplee", "Bearer", "Basic abc"]
    {
        served.send("GET", "/stats", &[("authorization", wrong)], "").problem(401, "");
    }
    served.post("/search", &json!({"q": "roses"})).problem(401, "");
    // What is the same on every server is no secret.
    for path in ["/", "/app.js", "/docs", "/openapi.json", "/health"] {
        assert_eq!(served.get(path).status, 200, "{path}");
    }
    served.get("/nowhere").problem(404, "");
    served.post("/session", &json!({"token": "guess"})).problem(401, "not the token");
    let entered = served.post("/session", &json!({"token": TOKEN}));
    let cookie = entered.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(TOKEN),
        "{cookie}"
    );
    let session = cookie.split(';').next().unwrap();
    assert_eq!(served.send("GET", "/stats", &[("cookie", session)], "").status, 200);
    served.send("GET", "/stats", &[("cookie", "rqsearch_session=guess")], "").problem(401, "");
}

#[test]
fn beyond_this_machine_only_with_a_token() {
    let dir = Dir::indexed();
    for listen in ["0.0.0.0:0", "[::]:0"] {
        dir.run(&["serve", "--listen", listen]).exits(2).says("--token-file");
    }
    dir.write("short", "hunter2");
    dir.run(&["serve", "--listen", "0.0.0.0:0", "--token-file", "short"]).exits(2).says("16 characters");
    dir.run(&["serve", "--token-file", "missing"]).exits(2).says("could not read missing");
    dir.write("token", TOKEN);
    let served = Served::listening(&dir, "0.0.0.0:0", &["--token-file", "token"]);
    served.get("/stats").problem(401, "");
}

#[test]
fn addresses_that_are_none_or_taken() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    dir.run(&["serve", "--listen", &served.address]).exits(2).says("another program listens there");
    for wrong in ["localhost", "127.0.0.1", "127.0.0.1:99999", "nonsense:x"] {
        dir.run(&["serve", "--listen", wrong]).exits(2).says("is not an address to listen on");
    }
    Dir::new().run(&["serve", "--index", "missing"]).exits(2).says("no index in missing");
    dir.run(&["serve", "--timeout", "0"]).exits(2).says("a number of seconds");
    dir.run(&["serve", "--threads", "0"]).exits(2).says("--threads");
}
