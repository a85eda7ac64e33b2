//! Limits of connections and of batches, and malformed input.

use std::io::{Read, Write};
use std::net::TcpStream;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::{Served, until};
use crate::util::Dir;

/// The limit of open files of this process.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(256)
}

#[test]
fn idle_connections_do_not_keep_others_out() {
    // The directory must exist until the end: a server without it is degraded.
    let dir = Dir::indexed();
    let served = Served::start(&dir, &["--connections", "300", "--connections-per-address", "200"]);
    let count = 10_000.min(open_files().saturating_sub(600));
    let mut idle: Vec<TcpStream> = (0..count)
        .map(|nth| {
            if nth % (count / 10) == 0 {
                served.get("/search?q=roses").ok();
            }
            served.connect()
        })
        .collect();
    served.get("/search?q=roses").ok();
    assert!(served.metric("rqsearch_connections") <= 200.0);
    let closed = served.metric("rqsearch_connections_closed_total{reason=\"idle\"}");
    assert!(closed >= (count - 200) as f64, "{closed} of {count}");
    // The oldest connection was closed, and the youngest is still usable.
    assert_eq!(idle[0].read(&mut [0]).unwrap_or(0), 0);
    let mut last = idle.pop().unwrap();
    last.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(super::Answer::read(last).ok()["status"], "ok");
}

#[test]
fn heads_that_arrive_slowly_do_not_keep_others_out() {
    let served = Served::start(&Dir::indexed(), &["--connections", "20", "--connections-per-address", "10"]);
    let mut slow: Vec<TcpStream> = (0..30).map(|_| served.connect()).collect();
    for byte in b"GET /search?q=roses" {
        for stream in &mut slow {
            // The server has closed most of them.
            _ = stream.write_all(&[*byte]);
        }
        served.get("/health").ok();
    }
}

#[test]
fn bodies_that_arrive_slowly_do_not_keep_others_out() {
    let served = Served::start(&Dir::indexed(), &["--connections", "20", "--connections-per-address", "10"]);
    let head = "POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n";
    let mut slow: Vec<TcpStream> = (0..30)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for byte in b"{\"q\": " {
        for stream in &mut slow {
            // The server has closed most of them.
            _ = stream.write_all(&[*byte]);
        }
        served.get("/health").ok();
        served.post("/search", &json!({"q": "roses"})).ok();
    }
}

#[test]
fn a_connection_whose_client_does_not_read_is_closed() {
    let served = Served::start(&Dir::indexed(), &[]);
    let mut stream = served.connect();
    stream.set_nonblocking(true).unwrap();
    // More replies than the buffers of both sides hold.
    let request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    _ = stream.write_all(&request.repeat(1_000));
    until("it is open", || (served.metric("rqsearch_connections") == 2.0).then_some(()));
    until("it is closed", || (served.metric("rqsearch_connections") == 1.0).then_some(()));
}

#[test]
fn replies_to_a_batch_are_bounded() {
    let served = Served::start(&Dir::indexed(), &[]);
    let batch = |count: usize, limit: usize| json!({"requests": (0..count).map(|_| json!({"q": "roses", "limit": limit})).collect::<Vec<_>>()});
    served.post("/search", &batch(10, 100)).ok();
    served.post("/search", &batch(11, 100)).problem(422, "sum up to 1100 hits; the limit of a batch is 1000");
    served.post("/search", &batch(64, 10)).ok();
}

#[test]
fn options_out_of_range_are_refused() {
    let dir = Dir::indexed();
    for (option, value) in [
        ("--queue", "9223372036854775807"),
        ("--queue", "18446744073709551615"),
        ("--queue", "65537"),
        ("--queue", "many"),
        ("--threads", "1152921504606846975"),
        ("--threads", "0"),
        ("--connections", "0"),
        ("--connections-per-address", "x"),
        ("--log", "xml"),
    ] {
        dir.run(&["serve", "--listen", "127.0.0.1:0", option, value]).exits(2).says(option);
    }
    dir.run(&["serve", "--log-phrases"]).exits(2).says("--log json");
    for host in ["https://faq.example.org", "faq.example.org/path", "a b", ""] {
        dir.run(&["serve", "--listen", "127.0.0.1:0", "--allow-host", host])
            .exits(2)
            .says("is not a host name");
    }
    Served::start(&dir, &["--queue", "65536", "--threads", "1024"]).get("/search?q=roses").ok();
}

/// Requests that are nearly valid.
fn nearly_valid() -> impl Strategy<Value = Vec<u8>> {
    let method =
        prop_oneof![Just("GET"), Just("POST"), Just("HEAD"), Just("OPTIONS"), Just("BREW"), Just("")];
    let path = prop_oneof![
        Just("/search?q=roses".to_owned()),
        Just("/search".to_owned()),
        Just("/duplicates/check".to_owned()),
        "/search\\?q=[ -~]{0,20}",
        "/questions/(%[0-9a-f]{2}){0,6}",
        "/[ -~]{0,20}",
    ];
    let version =
        prop_oneof![4 => Just("HTTP/1.1"), 1 => Just("HTTP/1.0"), 1 => Just("HTTP/3"), 1 => Just("")];
    let header = prop_oneof![
        3 => Just("Host: localhost".to_owned()),
        1 => Just("Content-Type: application/json".to_owned()),
        1 => "Content-Length: [0-9]{1,20}",
        1 => Just("Transfer-Encoding: chunked".to_owned()),
        1 => "Authorization: [ -~]{0,20}",
        1 => "Cookie: [ -~]{0,20}",
        1 => "[A-Za-z-]{1,10}: [ -~]{0,20}",
        1 => "[ -~]{0,20}",
    ];
    let body = prop_oneof![
        Just(b"{\"q\": \"roses\"}".to_vec()),
        Just(b"5\r\nhello\r\n0\r\n\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    (method, path, version, prop::collection::vec(header, 0..5), body).prop_map(
        |(method, path, version, headers, body)| {
            let head = format!("{method} {path} {version}\r\n{}\r\n\r\n", headers.join("\r\n"));
            [head.into_bytes(), body].concat()
        },
    )
}

#[test]
fn no_request_makes_the_server_fail() {
    let served = Served::start(&Dir::indexed(), &["--timeout", "60"]);
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let garbage = prop::collection::vec(any::<u8>(), 0..200);
    TestRunner::new(config)
        .run(&prop_oneof![3 => nearly_valid(), 1 => garbage], |request| {
            let mut stream = served.connect();
            // The server may close the connection before it has read everything.
            _ = stream.write_all(&request);
            _ = stream.shutdown(std::net::Shutdown::Write);
            let mut reply = Vec::new();
            _ = stream.read_to_end(&mut reply);
            let reply = String::from_utf8_lossy(&reply);
            prop_assert!(reply.is_empty() || reply.starts_with("HTTP/1."), "{reply}");
            prop_assert!(!reply.starts_with("HTTP/1.1 5"), "{reply}");
            Ok(())
        })
        .unwrap();
    until("no request is left", || {
        (served.metric("rqsearch_jobs{limit=\"search\",state=\"running\"}") == 0.0).then_some(())
    });
    served.get("/search?q=roses").ok();
    assert!(!served.log().iter().any(|line| line.contains("panicked")), "{:?}", served.log());
}
