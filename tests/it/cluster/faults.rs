//! Workers that are killed and servers that restart while an index is written: nothing is lost, and nothing is there twice.
//!
//! ```text
//! RQSEARCH_CAMPAIGN=50 cargo test --release --features milvus --test it cluster::faults -- --nocapture
//! ```
//!
//! The number is that of the kills; two in five of them come after a restart of the server.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Server;
use crate::campaign::report;
use crate::util::{Dir, Random, tools};

const FILES: u64 = 4;

/// How many questions a file has at most.
const EACH: u64 = 40;

/// How many kills there are between two checks of everything that is stored.
const CHECKED: u64 = 10;

/// Reads all entities of an index, as the server has them, and the counts in its statistics.
const READ_ALL: &str = r#"
import base64, gzip, json, sys
from pymilvus import MilvusClient
client, name = MilvusClient(sys.argv[1]), sys.argv[2]
def read(collection, fields):
    client.load_collection(collection)
    pages = client.query_iterator(collection, batch_size=500, output_fields=fields)
    while page := pages.next():
        yield from page
texts = {entity["id"]: entity["text"] for entity in read(name + "_parts", ["id", "text"])}
commit = json.loads(texts["commit"])
parts = [texts[f"statistics/{commit['generation']}/{nth}"] for nth in range(commit["statistics"])]
statistics = json.loads(gzip.decompress(base64.b64decode("".join(parts))))
for vectors in ["rows", "phrasings"]:
    statistics[vectors] = statistics[vectors]["count"]
print(json.dumps({
    "questions": [entity["id"] for entity in read(name, ["id"])],
    "vectors": [[entity["question"], entity["row"]] for entity in read(name + "_vectors", ["question", "row"])],
    "texts": list(texts),
    "statistics": statistics,
}))
"#;

/// The questions in files, at a version each. They change at random.
struct Questions {
    dir: Dir,
    random: Random,
    /// By file and number. `None` for one that is not in its file.
    versions: BTreeMap<(u64, u64), Option<u64>>,
}

impl Questions {
    fn new() -> Self {
        let all = (0..FILES).flat_map(|file| (0..EACH).map(move |nth| ((file, nth), Some(0))));
        let questions = Self { dir: Dir::new(), random: Random(7), versions: all.collect() };
        (0..FILES).for_each(|file| questions.write(file));
        questions
    }

    fn write(&self, file: u64) {
        let question = |(nth, version): (u64, u64)| {
            // From one phrasing to four, so that the number of vectors changes.
            let also: Vec<String> = (0..(nth + version) % 4)
                .map(|also| format!("Which paint is for shed {file}-{nth}, take {also}?"))
                .collect();
            // The words of a text that is longer than a field are too long to be embedded one by one.
            let long =
                if nth % 20 == 5 { format!(" {}", "x".repeat(250)).repeat(280) } else { String::new() };
            let answer = format!("Version {version} of the paint.{long}");
            let title = format!("How do I paint the shed number {file}-{nth}?");
            json!({"question": title, "answer": answer, "also": also}).to_string() + "\n"
        };
        let of_file = self.versions.range((file, 0)..(file + 1, 0));
        let there = of_file.filter_map(|((_, nth), version)| Some((*nth, (*version)?)));
        self.dir.write(&format!("docs/{file}.jsonl"), there.map(question).collect::<String>());
    }

    /// Changes some questions of a file, removes some, and adds some again.
    fn edit(&mut self, version: u64) {
        let file = self.random.below(FILES);
        for nth in 0..EACH {
            let now = match self.random.below(20) {
                0..4 => Some(version),
                4 => None,
                _ => continue,
            };
            self.versions.insert((file, nth), now);
        }
        self.write(file);
    }

    fn spawn(&self, index: &str) -> Child {
        let mut command = self.dir.command(&["index", "docs", "--index", index]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// What was done, for the report.
#[derive(Default)]
struct Done {
    kills: u64,
    restarts: u64,
    /// Workers that went on after a restart, and finished.
    survived: u64,
    checks: u64,
    questions: usize,
}

#[test]
fn killed_workers_and_restarted_servers_lose_and_repeat_nothing() {
    let Some(mut server) = Server::start() else { return };
    let wanted = std::env::var("RQSEARCH_CAMPAIGN").map_or(3, |kills| kills.parse().unwrap());
    let mut questions = Questions::new();
    let (remote, mut done) = (server.address("faq"), Done::default());
    // The small server cannot use the directory of a collection that it was creating when it was killed.
    questions.dir.run(&["index", "docs", "--index", &remote]).success();
    for round in 1.. {
        questions.edit(round);
        round_of_faults(&mut server, &mut questions, &remote, &mut done);
        let is_over = done.kills >= wanted && done.restarts * 5 >= wanted * 2;
        if is_over || round % CHECKED == 0 {
            check(&server, &questions, &remote, &mut done);
            report(&format!(
                "{} kills, {} restarts of the server ({} workers went on and finished), {} checks of {} questions: 0 lost, \
                 0 twice, 0 left over",
                done.kills, done.restarts, done.survived, done.checks, done.questions
            ));
        }
        if is_over {
            return;
        }
    }
}

/// Kills a worker, or restarts the server while the worker writes and then kills it or lets it finish.
fn round_of_faults(server: &mut Server, questions: &mut Questions, remote: &str, done: &mut Done) {
    let mut worker = questions.spawn(remote);
    let mut wait = |longest| thread::sleep(Duration::from_millis(questions.random.below(longest)));
    wait(2_500);
    let is_running = |worker: &mut Child| worker.try_wait().unwrap().is_none();
    let restarts = done.restarts * 5 <= done.kills * 2;
    if restarts && is_running(&mut worker) {
        server.restart();
        done.restarts += 1;
        if done.restarts.is_multiple_of(3) {
            let output = worker.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            done.survived += 1;
            return;
        }
        wait(2_500);
    }
    done.kills += u64::from(is_running(&mut worker));
    worker.kill().unwrap();
    worker.wait().unwrap();
}

/// Finishes the update, and compares everything that is stored with an index of the same files in a directory.
fn check(server: &Server, questions: &Questions, remote: &str, done: &mut Done) {
    let dir = &questions.dir;
    let index = |index: &str| dir.run(&["index", "docs", "--index", index]).success();
    let export = |index: &str| dir.run(&["export", "--index", index]).success().stdout;
    index(remote);
    index(".rqsearch");
    assert_eq!(export(remote), export(".rqsearch"));
    let chunks = vectors_of(dir);
    let stored = read_all(server, "faq");
    let mut vectors: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for vector in stored["vectors"].as_array().unwrap() {
        let (id, row) = (vector[0].as_str().unwrap().to_owned(), vector[1].as_u64().unwrap());
        vectors.entry(id).or_default().push(row);
    }
    vectors.values_mut().for_each(|rows| rows.sort_unstable());
    assert_eq!(vectors, chunks);
    let mut ids: Vec<&str> =
        stored["questions"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, chunks.keys().map(String::as_str).collect::<Vec<_>>());
    let long =
        questions.versions.iter().filter(|((_, nth), version)| nth % 20 == 5 && version.is_some()).count();
    let texts =
        stored["texts"].as_array().unwrap().iter().filter(|key| key.as_str().unwrap().contains("/record/"));
    assert_eq!(texts.count(), 2 * long);
    let new = format!("new_{}", done.checks);
    dir.run(&["copy", ".rqsearch", &server.address(&new)]).success();
    assert_eq!(stored["statistics"], read_all(server, &new)["statistics"]);
    (done.checks, done.questions) = (done.checks + 1, chunks.len());
}

/// The numbers of the vectors of each question, as an index of the same questions in a directory has them.
fn vectors_of(dir: &Dir) -> BTreeMap<String, Vec<u64>> {
    use rqsearch::index::Index;

    let index = Index::open(&dir.path().join(".rqsearch")).unwrap();
    let of = |address: tantivy::DocAddress| {
        index.vectors()[address.segment_ord as usize].rows_of(address.doc_id).len() as u64
    };
    let questions = index.addressed_questions().unwrap().into_iter();
    questions.map(|(address, question)| (question.id, (0..of(address)).collect())).collect()
}

fn read_all(server: &Server, collection: &str) -> Value {
    let python = tools("milvus").unwrap().join("python/bin/python");
    let mut command = Command::new(python);
    command.args(["-c", READ_ALL, &format!("http://127.0.0.1:{}", server.port), collection]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
