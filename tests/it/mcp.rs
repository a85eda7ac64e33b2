//! The Model Context Protocol: by the official clients, and as bytes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::util::{Dir, Output, tools};

/// A server, and what a client would write and read.
struct Session {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    last: u64,
}

impl Session {
    /// A server that was greeted.
    fn start(dir: &Dir, args: &[&str]) -> Self {
        let mut session = Self::ungreeted(dir, args);
        let about = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}
        });
        let info = session.ask("initialize", about);
        assert_eq!(info["result"]["serverInfo"]["name"], "rqsearch", "{info}");
        session.write(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        session
    }

    fn ungreeted(dir: &Dir, args: &[&str]) -> Self {
        let args = [&["mcp"], args].concat();
        let mut command = dir.command(&args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout, last: 0 }
    }

    fn write(&mut self, line: impl AsRef<[u8]>) {
        self.stdin.write_all(line.as_ref()).unwrap();
        self.stdin.write_all(b"\n").unwrap();
    }

    /// The next line, which is a message of the protocol.
    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        message(&line)
    }

    /// The answer to a request, whatever is said before it.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.write(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        loop {
            let message = self.read();
            if message["id"] == id {
                return message;
            }
        }
    }

    fn search(&mut self, phrase: &str) -> Value {
        let call = json!({"name": "search_questions", "arguments": {"q": phrase}});
        self.ask("tools/call", call)["result"].clone()
    }

    /// Closes stdin; what is left to read is messages too.
    fn close(self) -> Output {
        let Self { child, stdin, mut stdout, .. } = self;
        drop(stdin);
        let mut rest = String::new();
        while stdout.read_line(&mut rest).unwrap() > 0 {}
        rest.lines().for_each(|line| drop(message(line)));
        let output = child.wait_with_output().unwrap();
        Output { code: output.status.code(), stdout: rest, stderr: String::from_utf8(output.stderr).unwrap() }
    }
}

#[track_caller]
fn message(line: &str) -> Value {
    let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    assert_eq!(message["jsonrpc"], "2.0", "{line:?}");
    message
}

fn run(program: &Path, args: &[&Path]) {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_official_python_client_is_content() {
    let Some(tools) = tools("mcp") else { return };
    let dir = Dir::indexed();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/client.py");
    run(&tools.join("python/bin/python"), &[&script, Path::new(env!("CARGO_BIN_EXE_rqsearch")), dir.path()]);
}

#[test]
fn the_official_javascript_client_is_content() {
    let Some(tools) = tools("mcp") else { return };
    let dir = Dir::indexed();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/client.mjs");
    let program = Path::new(env!("CARGO_BIN_EXE_rqsearch"));
    run(Path::new("node"), &[&script, &tools, program, dir.path()]);
}

#[test]
fn a_client_that_closes_stdin_ends_the_server() {
    let dir = Dir::indexed();
    Session::start(&dir, &[]).close().success();
    let output = Session::ungreeted(&dir, &[]).close().success();
    assert_eq!(output.stdout, "");
    let mut session = Session::start(&dir, &[]);
    session.stdin.write_all(br#"{"jsonrpc": "2.0", "id": 7, "method": "tools/ca"#).unwrap();
    session.close().success();
}

#[test]
fn what_was_asked_before_stdin_closed_is_answered() {
    let dir = Dir::indexed();
    let mut session = Session::start(&dir, &[]);
    let call = json!({"name": "search_questions", "arguments": {"q": "roses"}});
    session
        .write(json!({"jsonrpc": "2.0", "id": "last", "method": "tools/call", "params": call}).to_string());
    let output = session.close().success();
    let answer = message(output.stdout.lines().last().unwrap());
    assert_eq!(answer["id"], "last");
    assert_eq!(answer["result"]["structuredContent"]["hits"][0]["title"], "When should I prune roses?");
}

#[test]
fn garbage_is_refused_and_the_session_goes_on() {
    let dir = Dir::indexed();
    let mut session = Session::start(&dir, &[]);
    let garbage: [&[u8]; 12] = [
        b"hello",
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe\x00",
        br#"{"jsonrpc": "1.0", "id": 90, "method": "ping"}"#,
        br#"{"jsonrpc": "2.0", "id": 91}"#,
        br#"{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4711}}"#,
        br#"{"jsonrpc": "2.0", "method": "notifications/unheard", "params": 3}"#,
        br#"{"jsonrpc": "2.0", "id": 92, "result": {"to": "nothing that was asked"}}"#,
    ];
    for line in garbage {
        session.write(line);
    }
    let mut refused = |method: &str, params: Value, code: i64| {
        let answer = session.ask(method, params);
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
    };
    refused("no/such/method", json!({}), -32601);
    refused("tools/call", json!({"name": "no_such_tool"}), -32602);
    refused("tools/call", json!({"arguments": {"q": "roses"}}), -32602);
    refused("tools/call", json!({"name": "search_questions", "arguments": ["roses"]}), -32602);
    refused("resources/read", json!({"uri": 7}), -32602);
    refused("resources/list", json!({"cursor": "nowhere"}), -32602);
    assert_eq!(
        session.search("roses")["structuredContent"]["hits"][0]["title"],
        "When should I prune roses?"
    );
    session.close().success();
}

#[test]
fn what_does_not_begin_like_the_protocol_is_an_error_for_people() {
    let dir = Dir::indexed();
    let mut session = Session::ungreeted(&dir, &[]);
    session.write(r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#);
    session.close().exits(2).says("does not begin like MCP");
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_does_not_listen_is_no_error_and_a_full_disk_is() {
    let dir = Dir::indexed();
    let Session { mut child, mut stdin, stdout, .. } = Session::ungreeted(&dir, &[]);
    drop(stdout);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
    }});
    writeln!(stdin, "{hello}").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child =
        dir.command(&["mcp"]).stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.as_ref().unwrap(), "{hello}").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("could not answer: No space left"), "{said}");
}

#[test]
fn an_index_that_is_missing_is_said_by_every_tool_and_served_once_it_is_there() {
    let dir = Dir::new();
    let mut session = Session::start(&dir, &["--index", "mine"]);
    let refused = session.search("roses");
    assert_eq!(refused["isError"], true, "{refused}");
    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("no index in mine") && text.contains("rqsearch index --index mine"), "{text}");
    assert_eq!(session.ask("resources/list", json!({}))["error"]["code"], -32603);
    dir.write("faq.md", crate::util::FAQ);
    dir.run(&["index", "--index", "mine", "faq.md"]).success();
    assert_eq!(
        session.search("roses")["structuredContent"]["hits"][0]["title"],
        "When should I prune roses?"
    );
    session.close().success().says("no index in mine");
}

#[test]
fn a_new_commit_is_served_and_listed() {
    let dir = Dir::indexed();
    let mut session = Session::start(&dir, &[]);
    let count = |session: &mut Session| {
        session.ask("resources/list", json!({}))["result"]["resources"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut session), 5);
    dir.write("more.md", "## Why wax a rope?\n\nIt lasts longer.\n");
    dir.run(&["index", "more.md"]).success();
    // The engine looks for a new commit now and then.
    while count(&mut session) == 5 {
        std::thread::yield_now();
    }
    assert_eq!(count(&mut session), 6);
    let found = session.search("wax a rope");
    assert_eq!(found["structuredContent"]["hits"][0]["title"], "Why wax a rope?");
    session.close().success();
}

#[test]
fn the_built_in_questions_are_announced_to_people_only() {
    let dir = Dir::new();
    let mut session = Session::start(&dir, &[]);
    let found = session.search("borrow checker");
    assert!(!found["structuredContent"]["hits"].as_array().unwrap().is_empty(), "{found}");
    session.close().success().says("searching the built-in Rust questions");
}

#[test]
fn a_long_answer_comes_in_pieces() {
    let dir = Dir::new();
    let answer = "Größe zählt. ".repeat(6_000);
    dir.write(
        "long.jsonl",
        json!({"id": "long", "question": "How long is long?", "answer": answer}).to_string(),
    );
    dir.run(&["index", "long.jsonl"]).success();
    let mut session = Session::start(&dir, &[]);
    let (mut read, mut pieces) = (String::new(), 0);
    loop {
        let call = json!({"name": "get_question", "arguments": {"id": "long", "offset": read.len()}});
        let piece = session.ask("tools/call", call)["result"]["structuredContent"].clone();
        read += piece["answer"].as_str().unwrap();
        pieces += 1;
        assert!(piece["cut"].is_string(), "{}", piece["cut"]);
        if !piece["cut"].as_str().unwrap().contains("goes on") {
            break;
        }
    }
    assert_eq!((read.trim(), pieces), (answer.trim(), 3));
    let call = json!({"name": "get_question", "arguments": {"id": "long", "offset": 1_000_000}});
    assert_eq!(session.ask("tools/call", call)["result"]["isError"], true);
    session.close().success();
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_server() {
    let dir = Dir::indexed();
    for signal in ["-TERM", "-INT"] {
        let session = Session::start(&dir, &[]);
        let id = session.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        // Stdin stays open until the server is gone.
        let Session { mut child, stdin, .. } = session;
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        drop(stdin);
    }
}
