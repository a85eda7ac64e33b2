//! Host check, token, cross-origin requests and security headers.

use serde_json::json;

use super::{Answer, Served};
use crate::util::Dir;

const TOKEN: &str = "correct-battery-horse-staple";

fn health(served: &Served, headers: &str) -> Answer {
    served.raw(&format!("GET /health HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"))
}

#[test]
fn only_allowed_hosts_are_accepted() {
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
        assert_eq!(health(&served, &format!("Host: {host}\r\n")).status, 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:7700",
        "localhost.evil.example",
        "192.168.0.1",
        "example.org",
        "127.0.0.1.evil.example",
    ] {
        health(&served, &format!("Host: {host}\r\n")).problem(421, "--allow-host");
    }
    for headers in ["", "Host: localhost\r\nHost: evil.example\r\n", "Host: a b\r\n", "Host: \r\n"] {
        health(&served, headers).problem(400, "one Host header");
    }
    let absolute = "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    served.raw(absolute).problem(421, "evil.example");
    // The host is checked for every path, also for one that does not exist.
    for path in ["/", "/search?q=a", "/nowhere"] {
        served
            .raw(&format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
            .problem(421, "");
    }
}

#[test]
fn every_reply_has_security_headers() {
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
    answers.push(health(&served, "Host: evil.example\r\n"));
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
fn only_allowed_origins_can_read_replies() {
    let dir = Dir::indexed();
    let served = Served::start(
        &dir,
        &["--allow-origin", "https://a.example", "--allow-origin", "http://b.example:81"],
    );
    let allowed = |origin: &str| {
        let answer = served.send("GET", "/search?q=roses", &[("origin", origin)], "");
        let header = answer.header("access-control-allow-origin").map(str::to_owned);
        assert_eq!(answer.status, if header.is_some() { 200 } else { 403 }, "{origin}");
        header
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
        dir.run(&["serve", "--listen", "127.0.0.1:0", "--allow-origin", wrong])
            .exits(2)
            .says("is not an origin");
    }
}

#[test]
fn the_token_or_the_cookie_is_required() {
    let dir = Dir::indexed();
    let file = dir.write("token", format!("{TOKEN}\n"));
    let served = Served::start(&dir, &["--token-file", file.to_str().unwrap()]);
    for path in [
        "/search?q=roses",
        "/suggest?q=r",
        "/questions/abcdef",
        "/duplicates",
        "/duplicates/map",
        "/stats",
        "/metrics",
    ] {
        let refused = served.get(path).problem(401, "Authorization: Bearer");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        let bearer = format!("Bearer {TOKEN}");
        let accepted = served.send("GET", path, &[("authorization", &bearer)], "");
        assert!(matches!(accepted.status, 200 | 404), "{accepted:?}");
    }
    for wrong in
        ["Bearer correct-battery-horse-stapl", "Bearer correct-battery-horse-staplee", "Bearer", "Basic abc"]
    {
        served.send("GET", "/stats", &[("authorization", wrong)], "").problem(401, "");
    }
    served.post("/search", &json!({"q": "roses"})).problem(401, "");
    // Routes that are the same on every server need no token.
    for path in ["/", "/app.js", "/docs", "/openapi.json", "/health"] {
        assert_eq!(served.get(path).status, 200, "{path}");
    }
    served.get("/nowhere").problem(404, "");
    served.post("/session", &json!({"token": "guess"})).problem(401, "the token is wrong");
    let signed_in = served.post("/session", &json!({"token": TOKEN}));
    let cookie = signed_in.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(TOKEN),
        "{cookie}"
    );
    let session = cookie.split(';').next().unwrap();
    assert_eq!(served.send("GET", "/stats", &[("cookie", session)], "").status, 200);
    served.send("GET", "/stats", &[("cookie", "rqsearch_session=guess")], "").problem(401, "");
}

#[test]
fn other_addresses_than_loopback_require_a_token() {
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
fn bad_options_are_reported() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    dir.run(&["serve", "--listen", &served.address]).exits(2).says("another program listens on this port");
    for wrong in ["localhost", "127.0.0.1", "127.0.0.1:99999", "nonsense:x"] {
        dir.run(&["serve", "--listen", wrong]).exits(2).says("is not an address to listen on");
    }
    Dir::new().run(&["serve", "--index", "missing"]).exits(2).says("no index in missing");
    dir.run(&["serve", "--timeout", "0"]).exits(2).says("a number of seconds");
    dir.run(&["serve", "--threads", "0"]).exits(2).says("--threads");
}
