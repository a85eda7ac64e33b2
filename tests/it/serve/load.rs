//! Much at once, clients that leave, and the end.

use std::io::Write;
use std::thread;

use serde_json::{Value, json};

use super::{Answer, Served, until};
use crate::util::Dir;

/// Some seconds of work for one thread: long phrases, each another, so that none is known.
fn much() -> Value {
    let phrase = |nth: usize| format!("{nth} {}", "why does dough rise in a warm kitchen and ".repeat(40));
    json!({"requests": (0..64).map(|nth| json!({"q": phrase(nth)})).collect::<Vec<_>>()})
}

/// A request that is sent, its connection kept.
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
    served.figure(&format!("rqsearch_jobs{{limit=\"search\",state=\"{state}\"}}")) as usize
}

/// A server of one thread, busy with a batch.
fn busy(args: &[&str]) -> (Served, std::net::TcpStream) {
    let served = Served::start(&Dir::indexed(), &[&["--threads", "1"], args].concat());
    let batch = send(&served, "/search", &much());
    until("the batch runs", || (jobs(&served, "running") == 1).then_some(()));
    (served, batch)
}

#[test]
fn beyond_the_queue_there_is_a_clear_no() {
    let (served, batch) = busy(&["--queue", "1", "--timeout", "600"]);
    // The batch has the thread's place; one more has that of the queue, and the others have none.
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
    assert_eq!(served.get("/health").ok()["status"], "ok", "busy is not ill");
    assert_eq!(Answer::read(batch).ok()["replies"].as_array().unwrap().len(), 64);
    served.get("/search?q=roses").ok();
}

#[test]
fn who_hangs_up_leaves_the_queue() {
    let (served, batch) = busy(&["--queue", "3", "--timeout", "600"]);
    let waiting: Vec<_> = (0..3)
        .map(|nth| send(&served, "/search", &json!({"q": format!("rose {nth}"), "limit": 100})))
        .collect();
    // The batch waits between two of its own, but has its place.
    until("they wait", || (jobs(&served, "waiting") + jobs(&served, "running") >= 3).then_some(()));
    drop(waiting);
    drop(batch);
    until("they are gone", || (jobs(&served, "waiting") + jobs(&served, "running") == 0).then_some(()));
    let searched = served.figure("rqsearch_searches_total");
    assert!(searched < 64.0, "{searched} searches for nobody");
}

#[test]
fn what_takes_too_long_is_given_up() {
    let (served, batch) = busy(&["--timeout", "0.05"]);
    let late = Answer::read(batch).problem(503, "no answer in time");
    assert_eq!(late.header("retry-after"), Some("1"));
    until("the thread is free", || (served.get("/search?q=roses").status == 200).then_some(()));
}

#[test]
fn what_was_begun_finishes_when_it_is_told_to_stop() {
    let (mut served, batch) = busy(&["--timeout", "600"]);
    let idle = served.connect();
    served.terminate();
    until("it listens no more", || std::net::TcpStream::connect(&served.address).is_err().then_some(()));
    assert_eq!(Answer::read(batch).ok()["replies"].as_array().unwrap().len(), 64);
    assert!(served.wait().success());
    drop(idle);
}

#[test]
fn who_tells_it_twice_means_it() {
    let (mut served, _batch) = busy(&["--timeout", "600"]);
    served.terminate();
    until("it listens no more", || std::net::TcpStream::connect(&served.address).is_err().then_some(()));
    served.terminate();
    assert!(served.wait().success());
}

#[test]
fn garbage_is_answered_or_dropped_and_harms_nobody() {
    let served = Served::start(&Dir::indexed(), &[]);
    for garbage in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = served.connect();
        // The server may hang up in the middle of it.
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
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "a head without end");
    for query in ["%00", "%F0%9F%A6%80", "%ff%fe", "a%0d%0aSet-Cookie:x=y", "..%2f..%2f", "%E0%A4%95"] {
        let answer = served.get(&format!("/search?q={query}"));
        assert!(matches!(answer.status, 200 | 400 | 422), "{answer:?}");
        assert_eq!(answer.header("set-cookie"), None);
        served.get(&format!("/questions/{query}"));
    }
    served.get("/search?q=roses").ok();
}
