//! Load, disconnecting clients, time limits and shutdown.

use std::io::Write;
use std::thread;

use serde_json::{Value, json};

use super::{Answer, Served, until};
use crate::util::Dir;

/// A batch that takes one thread some seconds: long phrases, all different, so that no vector is cached.
fn large_batch() -> Value {
    let phrase = |nth: usize| format!("{nth} {}", "why does dough rise in a warm kitchen and ".repeat(40));
    json!({"requests": (0..64).map(|nth| json!({"q": phrase(nth)})).collect::<Vec<_>>()})
}

/// Sends a request and returns its open connection.
fn send(served: &Served, path: &str, body: &Value) -> std::net::TcpStream {
    let mut stream = served.connect();
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    stream
}

fn jobs(served: &Served, state: &str) -> usize {
    served.metric(&format!("rqsearch_jobs{{limit=\"search\",state=\"{state}\"}}")) as usize
}

/// Starts a server with one thread that runs a large batch.
/// The directory of its index must exist until the end.
fn busy(args: &[&str]) -> (Dir, Served, std::net::TcpStream) {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[&["--threads", "1"], args].concat());
    let batch = send(&served, "/search", &large_batch());
    until("the batch runs", || (jobs(&served, "running") == 1).then_some(()));
    (dir, served, batch)
}

#[test]
fn a_full_queue_is_reported_with_503() {
    let (_dir, served, batch) = busy(&["--queue", "1", "--timeout", "600"]);
    // The batch has the slot of the thread. One more request waits in the queue; the others are refused.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let ask = |nth: usize| served.get(&format!("/search?q=rose+{nth}"));
        let asking: Vec<_> = (0..24).map(|nth| scope.spawn(move || ask(nth))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(!refused.is_empty() && refused.len() < 24, "{} refused", refused.len());
    for answer in refused {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    assert_eq!(served.get("/health").ok()["status"], "ok", "a busy server is healthy");
    assert_eq!(Answer::read(batch).ok()["replies"].as_array().unwrap().len(), 64);
    served.get("/search?q=roses").ok();
}

#[test]
fn a_request_whose_client_disconnects_leaves_the_queue() {
    let (_dir, served, batch) = busy(&["--queue", "3", "--timeout", "600"]);
    let waiting: Vec<_> = (0..3)
        .map(|nth| send(&served, "/search", &json!({"q": format!("rose {nth}"), "limit": 100})))
        .collect();
    // Between two of its searches, the batch counts as waiting.
    until("they wait", || (jobs(&served, "waiting") + jobs(&served, "running") >= 3).then_some(()));
    drop(waiting);
    drop(batch);
    until("they are gone", || (jobs(&served, "waiting") + jobs(&served, "running") == 0).then_some(()));
    let searched = served.metric("rqsearch_searches_total");
    assert!(searched < 64.0, "{searched} searches although the client disconnected");
}

#[test]
fn a_request_that_takes_too_long_is_reported_with_503() {
    let (_dir, served, batch) = busy(&["--timeout", "0.05"]);
    let late = Answer::read(batch).problem(503, "took too long");
    assert_eq!(late.header("retry-after"), Some("1"));
    until("the thread is free", || (served.get("/search?q=roses").status == 200).then_some(()));
}

#[test]
fn running_requests_finish_after_a_signal() {
    let (_dir, mut served, batch) = busy(&["--timeout", "600"]);
    let idle = served.connect();
    served.terminate();
    until("it stops listening", || std::net::TcpStream::connect(&served.address).is_err().then_some(()));
    assert_eq!(Answer::read(batch).ok()["replies"].as_array().unwrap().len(), 64);
    assert!(served.wait().success());
    drop(idle);
}

#[test]
fn a_second_signal_stops_it_at_once() {
    let (_dir, mut served, _batch) = busy(&["--timeout", "600"]);
    served.terminate();
    until("it stops listening", || std::net::TcpStream::connect(&served.address).is_err().then_some(()));
    served.terminate();
    assert!(served.wait().success());
}

#[test]
fn malformed_requests_do_no_harm() {
    let served = Served::start(&Dir::indexed(), &[]);
    for garbage in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = served.connect();
        // The server may close the connection before it has read everything.
        _ = stream.write_all(garbage.as_bytes());
        _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        _ = std::io::Read::read_to_end(&mut stream, &mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{garbage:?}");
    }
    let long = format!("GET /search?q={} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    let mut stream = served.connect();
    _ = stream.write_all(long.as_bytes());
    let mut rest = Vec::new();
    _ = std::io::Read::read_to_end(&mut stream, &mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "a head that is too large");
    for query in ["%00", "%F0%9F%A6%80", "%ff%fe", "a%0d%0aSet-Cookie:x=y", "..%2f..%2f", "%E0%A4%95"] {
        let answer = served.get(&format!("/search?q={query}"));
        assert!(matches!(answer.status, 200 | 400 | 422), "{answer:?}");
        assert_eq!(answer.header("set-cookie"), None);
        served.get(&format!("/questions/{query}"));
    }
    served.get("/search?q=roses").ok();
}
