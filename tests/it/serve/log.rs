//! The log.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Served, until};
use crate::util::Dir;

/// Waits for this many lines of requests, and parses them.
fn requests(served: &Served, count: usize) -> Vec<Value> {
    until("the requests are logged", || {
        let lines: Vec<Value> = served.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let requests: Vec<Value> = lines.into_iter().filter(|line| line.get("request").is_some()).collect();
        (requests.len() >= count).then_some(requests)
    })
}

#[test]
fn json_has_one_line_for_each_request_and_no_phrases() {
    let served = Served::start(&Dir::indexed(), &["--log", "json"]);
    served.get("/search?q=roses").ok();
    served.get("/search?q=roses&limit=0").problem(422, "limit");
    served.post("/search", &json!({"requests": [{"q": "roses"}, {"q": "dough"}]})).ok();
    served.get("/questions/roses").problem(404, "roses");
    served.get("/roses").problem(404, "path");
    let requests = requests(&served, 5);
    let seen: Vec<(&str, &str, u64)> = requests
        .iter()
        .map(|one| {
            (one["method"].as_str().unwrap(), one["route"].as_str().unwrap(), one["status"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("GET", "/search", 200),
            ("GET", "/search", 422),
            ("POST", "/search", 200),
            ("GET", "/questions/{id}", 404),
            ("GET", "(none)", 404)
        ]
    );
    assert_eq!((&requests[0]["client"], &requests[0]["request"]), (&"127.0.0.1".into(), &1.into()));
    assert!(
        requests[0]["time"].as_str().unwrap().ends_with('Z') && requests[0]["ms"].as_f64().unwrap() > 0.0
    );
    assert!(!served.log().iter().any(|line| line.contains("roses")), "{:?}", served.log());
}

#[test]
fn the_first_line_is_json_too() {
    let dir = Dir::indexed();
    let mut command = dir.command(&["serve", "--log", "json", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert!(event["event"].as_str().unwrap().contains("5 questions at http://127.0.0.1:"), "{event}");
}

#[test]
fn phrases_are_logged_if_asked_for() {
    let served = Served::start(&Dir::indexed(), &["--log", "json", "--log-phrases"]);
    served.post("/search", &json!({"requests": [{"q": "roses"}, {"q": "dough"}]})).ok();
    assert_eq!(requests(&served, 1)[0]["phrases"], json!(["roses", "dough"]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let dir = Dir::indexed();
    // A server whose stderr is full writes its address nowhere: the port is chosen here.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = dir.command(&["serve", "--log", "json", "--listen", &listen]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(full).spawn().unwrap();
    let mut stream = until("it listens", || std::net::TcpStream::connect(&listen).ok());
    stream
        .write_all(b"GET /search?q=roses HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    super::Answer::read(stream).ok();
    child.kill().unwrap();
    child.wait().unwrap();
}
