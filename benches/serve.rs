//! The throughput and latency of the HTTP server.
//!
//!     cargo bench --bench serve [-- SECONDS]
//!
//! This needs `wrk` (Debian package `wrk`). It starts `rqsearch serve --builtin` and sends phrases over 1, 8,
//! 64 and 256 connections. Each phrase combines halves of two phrases in eval/rust.tsv. No phrase is sent
//! twice, so no vector is in the cache. For comparison, the same phrases run through the model alone and
//! through searches without HTTP, on as many threads as there are processors, before and after. Results are
//! in docs/http.md.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rqsearch::embed::{Builtin, Embedder, Prepare, Role};
use rqsearch::index::Index;
use rqsearch::render::json::SearchRequest;
use rqsearch::search::search;
use rqsearch::worker_threads;

/// The numbers of concurrent connections.
const CONNECTIONS: [usize; 4] = [1, 8, 64, 256];

/// The number of phrases, and the distance between the first phrases of two runs.
const PHRASES: usize = 400_000;
const RUN_OFFSET: usize = 80_000;

fn main() {
    // Cargo passes `--bench`.
    let seconds = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(15);
    let dir = tempfile::tempdir().expect("a temporary directory can be created");
    let phrases = phrases();
    let list = dir.path().join("phrases");
    let encoded: String = phrases.iter().map(|phrase| encoded(phrase) + "\n").collect();
    std::fs::write(&list, encoded).expect("the temporary directory is writable");

    println!("before: {}", throughput(&phrases));
    let (mut server, address) = serve(dir.path());
    for (nth, connections) in CONNECTIONS.into_iter().enumerate() {
        let names = ["searches_total", "search_seconds_total", "embedding_seconds_total"];
        let before = names.map(|name| metric(&address, name));
        load(&address, &list, connections, nth * RUN_OFFSET, seconds);
        let [searches, all, model] = [0, 1, 2].map(|nth| metric(&address, names[nth]) - before[nth]);
        println!(
            "  {:.2} ms per search, {:.0} % of it in the model",
            all / searches * 1e3,
            model / all * 100.0
        );
    }
    server.kill().expect("the server runs");
    server.wait().expect("the server exits");
    println!("after: {}", throughput(&phrases));
}

/// Phrases that combine halves of two judged phrases, in a fixed order.
fn phrases() -> Vec<String> {
    let judged = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/eval/rust.tsv"))
        .expect("eval/rust.tsv is committed");
    let judged: Vec<Vec<&str>> = judged
        .lines()
        .filter(|line| !line.starts_with("# "))
        .filter_map(|line| Some(line.split_once('\t')?.0.split_whitespace().collect()))
        .collect();
    let count = judged.len();
    let phrase = |nth: usize| {
        // Each pair occurs once: the first half cycles through the list, and the second is shifted by one
        // more in each cycle.
        let (one, two) = (&judged[nth % count], &judged[(nth + nth / count + 1) % count]);
        let halves = one[..one.len().div_ceil(2)].iter().chain(&two[two.len() / 2..]);
        halves.copied().collect::<Vec<_>>().join(" ")
    };
    (0..PHRASES.min(count * (count - 1))).map(phrase).collect()
}

fn encoded(phrase: &str) -> String {
    phrase.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string does not fail");
        }
        text
    })
}

/// The phrases per second of the model alone and of searches.
fn throughput(phrases: &[String]) -> String {
    let model = Builtin::load(Prepare::Many).expect("the model is in the binary");
    let index = Index::builtin().expect("the index is in the binary");
    let some: Vec<&String> = phrases.iter().step_by(phrases.len() / 2000).collect();
    let rate = |work: &(dyn Fn(&str) + Sync)| {
        let start = Instant::now();
        worker_threads::map(&some, |phrase| work(phrase));
        some.len() as f64 / start.elapsed().as_secs_f64()
    };
    let embedding = rate(&|phrase| {
        black_box(model.embed(phrase, Role::Query).expect("the model runs"));
    });
    let searching = rate(&|phrase| {
        let query = SearchRequest::new(phrase).query().expect("the phrase is valid");
        black_box(search(&index, Some(&model), &query).expect("the search runs"));
    });
    format!("model alone {embedding:.0} phrases/s, searches without HTTP {searching:.0} phrases/s")
}

fn serve(dir: &Path) -> (Child, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_rqsearch"))
        .args(["serve", "--builtin", "--listen", "127.0.0.1:0"])
        .current_dir(dir)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(server.stderr.take().expect("stderr is piped"))
        .read_line(&mut line)
        .expect("the server prints its address");
    let (_, rest) = line.split_once("http://").expect("the server prints its address");
    (server, format!("http://{}", rest.split('/').next().unwrap_or_default()))
}

fn metric(address: &str, name: &str) -> f64 {
    let mut response = ureq::get(format!("{address}/metrics")).call().expect("the server responds");
    let text = response.body_mut().read_to_string().expect("the server responds");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("rqsearch_{name} ")));
    line.and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

fn load(address: &str, list: &Path, connections: usize, from: usize, seconds: u64) {
    let threads = connections.min(2);
    let output = Command::new("wrk")
        .args(["--threads", &threads.to_string(), "--connections", &connections.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--timeout", "15s"])
        .args(["--script", concat!(env!("CARGO_MANIFEST_DIR"), "/benches/serve.lua"), address, "--"])
        .arg(list)
        .args([from.to_string(), (RUN_OFFSET / 2).to_string()])
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let results = text.lines().find_map(|line| line.strip_prefix("result "));
    let results: Vec<u64> = results
        .unwrap_or_else(|| panic!("wrk failed: {output:?}"))
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let [requests, took, refused, failed, p50, p99, most] = results[..] else { panic!("wrk failed: {text}") };
    let milliseconds = |micros: u64| Duration::from_micros(micros).as_secs_f64() * 1e3;
    println!(
        "{connections} connections: {:.0} responses/s, p50 {:.1} ms, p99 {:.1} ms, max {:.0} ms; {refused} refused, {failed} failed",
        (requests - refused) as f64 / Duration::from_micros(took).as_secs_f64(),
        milliseconds(p50),
        milliseconds(p99),
        milliseconds(most)
    );
}
