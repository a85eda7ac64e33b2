//! Indexes in a Milvus cluster. Each test starts a small server on the loopback interface, and stops it.

mod faults;
#[cfg(all(feature = "serve", feature = "watch"))]
mod features;
mod secure;

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::util::{Dir, tools, until};

/// A server with an empty directory. It is killed when it is dropped.
struct Server {
    program: PathBuf,
    data: TempDir,
    port: u16,
    process: Child,
}

impl Server {
    /// `None` if it is not installed.
    fn start() -> Option<Self> {
        let program = tools("milvus")?.join("python/bin/milvus-lite");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = TempDir::new().unwrap();
        let process = Self::spawn(&program, &data, port);
        // The process is stopped even if it does not answer in time.
        let server = Self { program, data, port, process };
        server.wait();
        Some(server)
    }

    fn spawn(program: &PathBuf, data: &TempDir, port: u16) -> Child {
        let mut command = Command::new(program);
        command.args(["server", "--host", "127.0.0.1", "--port", &port.to_string(), "--data-dir"]);
        command.arg(data.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    fn wait(&self) {
        until("the server", || TcpStream::connect(("127.0.0.1", self.port)).ok());
    }

    fn stop(&mut self) {
        self.process.kill().ok();
        self.process.wait().unwrap();
    }

    fn restart(&mut self) {
        self.stop();
        self.process = Self::spawn(&self.program, &self.data, self.port);
        self.wait();
    }

    fn address(&self, collection: &str) -> String {
        format!("milvus://127.0.0.1:{}/{collection}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The index inside the program, as a directory.
fn builtin() -> String {
    format!("{}/index", env!("CARGO_MANIFEST_DIR"))
}

fn ids(output: &str) -> Vec<String> {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    output.lines().map(id).collect()
}

fn hits(dir: &Dir, args: &[&str]) -> Vec<(String, f64)> {
    let output = dir.run(&[&["--json", "--all"], args].concat());
    assert!(output.code.is_some_and(|code| code < 2), "{output:?}");
    let reply: Value = serde_json::from_str(&output.stdout).unwrap();
    let hit = |hit: &Value| (hit["id"].as_str().unwrap().to_owned(), hit["score"].as_f64().unwrap());
    reply["hits"].as_array().unwrap().iter().map(hit).collect()
}

#[test]
fn a_copy_answers_as_the_index_it_was_copied_from() {
    let Some(server) = Server::start() else { return };
    let (dir, local, remote) = (Dir::new(), builtin(), server.address("rust"));
    dir.run(&["copy", &local, &remote]).success().says("copied");
    dir.run(&["copy", &local, &remote]).exits(2).says("there is an index");

    let phrases = std::fs::read_to_string(format!("{}/eval/rust.tsv", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let phrases: Vec<&str> = phrases.lines().filter_map(|line| line.split('\t').next()).collect();
    let phrases: Vec<&str> = phrases.into_iter().filter(|phrase| !phrase.starts_with('#')).take(60).collect();
    dir.write("phrases", phrases.join("\n"));
    let firsts = |index: &str| -> Vec<Option<String>> {
        let output = dir.run(&["--batch", "phrases", "--index", index]);
        let first = |line: &str| {
            let reply: Value = serde_json::from_str(line).unwrap();
            Some(reply["hits"].get(0)?["id"].as_str().unwrap().to_owned())
        };
        output.stdout.lines().map(first).collect()
    };
    let (expected, found) = (firsts(&local), firsts(&remote));
    let same = expected.iter().zip(&found).filter(|(expected, found)| expected == found).count();
    assert!(
        expected.len() == phrases.len() && same * 100 >= expected.len() * 98,
        "{same} of {}",
        expected.len()
    );

    for args in [
        &["what is a mutex", "--level", "senior"][..],
        &["ownership", "--section", "async", "--section", "lifetimes"],
        &["error", "--tag", "e0502", "--mode", "keyword"],
        &["error", "--source", "COMPILER-e"],
        &["lock", "--exact", "across an await"],
        &["lock", "--without", "tokio", "--limit", "5"],
        &["zzzz"],
        &["\"trait object\" dyn"],
        &["borow checker eror"],
        &["What is `Pin` for?", "--mode", "semantic", "--limit", "3"],
    ] {
        let (expected, found) = (
            hits(&dir, &[args, &["--index", &local]].concat()),
            hits(&dir, &[args, &["--index", &remote]].concat()),
        );
        let first = |hits: &[(String, f64)]| hits.first().map(|(id, _)| id.clone());
        assert_eq!(first(&found), first(&expected), "{args:?}");
        let set = |hits: &[(String, f64)]| hits.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>();
        let common = set(&found).intersection(&set(&expected)).count();
        assert!(common * 10 >= expected.len() * 8, "{args:?}: {found:?} {expected:?}");
    }

    let export = |index: &str| dir.run(&["export", "--index", index]).success().stdout;
    assert_eq!(export(&remote), export(&local));
    dir.run(&["copy", &remote, "back"]).success();
    assert_eq!(export("back"), export(&local));
    let id = &ids(&export(&local))[7];
    let show = |index: &str, id: &str| dir.run(&["show", "--json", "--index", index, id]).success().stdout;
    assert_eq!(show(&remote, &id[..8]), show(&local, id));
    let check = |index: &str| {
        dir.run(&[
            "dups",
            "--json",
            "--check",
            "What is the difference between String and str?",
            "--index",
            index,
        ])
        .stdout
    };
    let found: Value = serde_json::from_str(&check(&remote)).unwrap();
    let expected: Value = serde_json::from_str(&check(&local)).unwrap();
    let all = |reply: &Value| {
        reply["duplicates"].as_array().unwrap().iter().map(|found| found["id"].clone()).collect::<Vec<_>>()
    };
    assert!(!all(&expected).is_empty() && all(&found) == all(&expected), "{found} {expected}");
    let stats = |index: &str| -> Value {
        serde_json::from_str(&dir.run(&["stats", "--json", "--index", index]).success().stdout).unwrap()
    };
    assert_eq!(
        (&stats(&remote)["questions"], &stats(&remote)["tags"]),
        (&stats(&local)["questions"], &stats(&local)["tags"])
    );
}

/// Files with questions, some of them long, in a directory.
fn write_questions(dir: &Dir, files: u32, each: u32) {
    for file in 0..files {
        let question = |nth| {
            let answer = if nth % 97 == 5 {
                "It is a long answer about sheds. ".repeat(4_000)
            } else {
                format!("Number {nth}.")
            };
            format!("## How do I paint the shed number {file}-{nth}?\n\n{answer}\n\n")
        };
        dir.write(&format!("docs/{file}.md"), (0..each).map(question).collect::<String>());
    }
}

#[test]
fn only_changes_are_sent_and_the_result_is_that_of_a_new_index() {
    let Some(server) = Server::start() else { return };
    let (dir, remote) = (Dir::new(), server.address("faq"));
    let index = |index: &str| dir.run(&["index", "docs", "--keyword-only", "--index", index]);
    let export = |index: &str| dir.run(&["export", "--index", index]).stdout;
    write_questions(&dir, 3, 120);
    index(&remote).success().says("360 questions");
    index(".rqsearch").success();
    assert_eq!(export(&remote), export(".rqsearch"));

    dir.write(
        "docs/1.md",
        "## How do I paint the shed number 1-7?\n\nIn green.\n\n## What is a zebra?\n\nA horse.\n",
    );
    std::fs::remove_file(dir.path().join("docs/2.md")).unwrap();
    index(&remote).success().says("122 questions");
    index(".rqsearch").success();
    assert_eq!(export(&remote), export(".rqsearch"));
    for phrase in ["zebra", "shed number 7 green", "long answer about sheds"] {
        let of = |index: &str| hits(&dir, &[phrase, "--index", index]).first().map(|(id, _)| id.clone());
        assert_eq!(of(&remote), of(".rqsearch"), "{phrase}");
    }
    assert_eq!(hits(&dir, &["number 2-3", "--exact", "number 2-3", "--index", &remote]), []);
    index(&remote).success().says("122 questions");
    dir.run(&["index", "docs", "--index", &remote, "--model", "builtin"])
        .exits(2)
        .says("was built with keywords only");
}

#[test]
fn four_shards_at_once_write_what_one_worker_writes() {
    let Some(server) = Server::start() else { return };
    let (dir, one, four) = (Dir::new(), server.address("one"), server.address("four"));
    write_questions(&dir, 4, 100);
    dir.run(&["index", "docs", "--keyword-only", "--index", &one]).success();
    thread::scope(|scope| {
        for part in 1..=4 {
            let (dir, four) = (&dir, &four);
            scope.spawn(move || {
                let shard = format!("{part}/4");
                let args = ["index", "docs", "--keyword-only", "--index", four, "--shard", &shard];
                dir.run(&args).success().says(&format!("part {part}/4 is written"));
            });
        }
    });
    dir.run(&["index", "--finish", "--index", &four]).success().says("has 400 questions");
    let export = |index: &str| dir.run(&["export", "--index", index]).success().stdout;
    assert_eq!(export(&four), export(&one));
    for phrase in ["number 2-55", "a long answer about sheds"] {
        let of = |index: &str| {
            let hits = hits(&dir, &[phrase, "--index", index]);
            // Which of many equal questions are candidates depends on the order in which the server has them.
            let last = hits.last().map_or(0.0, |(_, score)| *score);
            let scores: Vec<f64> = hits.iter().map(|(_, score)| *score).collect();
            (hits.into_iter().filter(|(_, score)| *score > last).collect::<Vec<_>>(), scores)
        };
        assert_eq!(of(&four), of(&one), "{phrase}");
    }
    // Nothing is left to do for one worker.
    dir.run(&["index", "docs", "--keyword-only", "--index", &four]).success().says("400 questions");
    dir.run(&["index", "docs", "--shard", "5/4", "--index", &four]).exits(2).says("such as 2/4");
    dir.run(&["index", "docs", "--shard", "1/4"]).exits(2).says("only an index in a cluster");
}

#[test]
fn errors_say_what_is_wrong_and_what_to_do() {
    let Some(server) = Server::start() else { return };
    let (dir, remote) = (Dir::indexed(), server.address("faq"));
    dir.run(&["zebra", "--index", &remote])
        .exits(2)
        .says("no index in milvus://")
        .says("rqsearch index --index");
    dir.run(&["zebra", "--index", "milvus://127.0.0.1:1/faq"]).exits(2).says("127.0.0.1:1 does not answer");
    dir.run(&["zebra", "--index", "milvus://root:secret@h/faq"]).exits(2).says("RQSEARCH_MILVUS_TOKEN");
    dir.run(&["copy", ".rqsearch", "elsewhere"]).exits(2).says("rqsearch snapshot");
    dir.run(&["copy", ".rqsearch", &remote]).success();
    for args in [&["check"][..], &["snapshot", "backup.zip"], &["--facets", "tag"]] {
        let output = dir.run(&[args, &["--index", &remote]].concat());
        output.exits(2).says("in a cluster yet").says("rqsearch copy milvus://");
    }
    // The collection with the questions of an index is not an index.
    dir.run(&["zebra", "--index", &server.address("faq_parts")]).exits(2).says("is not an rqsearch index");
}

#[cfg(feature = "serve")]
#[test]
fn a_server_goes_on_while_the_cluster_is_away() {
    let Some(mut server) = Server::start() else { return };
    let (dir, remote) = (Dir::indexed(), server.address("faq"));
    dir.run(&["copy", ".rqsearch", &remote]).success();
    let served = crate::serve::Served::start(&dir, &["--index", &remote]);
    let search = "/search?q=when+to+prune+roses";
    assert_eq!(served.get(search).ok()["hits"][0]["title"], "When should I prune roses?");
    served.get("/duplicates").problem(501, "not supported with an index in a cluster");
    server.stop();
    let answer = served.get(search).problem(503, "the cluster with the questions does not answer");
    assert_eq!(answer.header("retry-after"), Some("5"));
    server.restart();
    until("the server", || (served.get(search).status == 200).then_some(()));
}
