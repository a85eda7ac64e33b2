//! `rqsearch mcp`: with the official clients, and as raw messages.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::util::{Dir, Output, tools};

/// A running server and its streams.
struct Session {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    last: u64,
}

impl Session {
    /// Starts a server and completes the handshake.
    fn start(dir: &Dir, args: &[&str]) -> Self {
        let mut session = Self::without_handshake(dir, args);
        let params = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}
        });
        let info = session.ask("initialize", params);
        assert_eq!(info["result"]["serverInfo"]["name"], "rqsearch", "{info}");
        session.write(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        session
    }

    fn without_handshake(dir: &Dir, args: &[&str]) -> Self {
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

    /// Reads the next line, which must be a JSON-RPC message.
    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        message(&line)
    }

    /// Sends a request and returns its reply. Messages before it are skipped.
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

    /// Closes stdin and reads the remaining messages.
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
fn the_official_python_client_works() {
    let Some(tools) = tools("mcp") else { return };
    let dir = Dir::indexed();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/client.py");
    run(&tools.join("python/bin/python"), &[&script, Path::new(env!("CARGO_BIN_EXE_rqsearch")), dir.path()]);
}

#[test]
fn the_official_javascript_client_works() {
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
    let output = Session::without_handshake(&dir, &[]).close().success();
    assert_eq!(output.stdout, "");
    let mut session = Session::start(&dir, &[]);
    session.stdin.write_all(br#"{"jsonrpc": "2.0", "id": 7, "method": "tools/ca"#).unwrap();
    session.close().success();
}

#[test]
fn requests_before_the_end_of_stdin_are_answered() {
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
fn invalid_messages_do_not_end_the_session() {
    let dir = Dir::indexed();
    let mut session = Session::start(&dir, &[]);
    let invalid: [&[u8]; 12] = [
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
    for line in invalid {
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
fn input_without_initialize_is_an_error() {
    let dir = Dir::indexed();
    let mut session = Session::without_handshake(&dir, &[]);
    session.write(r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#);
    session.close().exits(2).says("the first request must be `initialize`");
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_stdout_ends_the_session_and_a_full_disk_is_an_error() {
    let dir = Dir::indexed();
    let Session { mut child, mut stdin, stdout, .. } = Session::without_handshake(&dir, &[]);
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
    assert!(
        output.status.code() == Some(2) && said.contains("could not write the reply: No space left"),
        "{said}"
    );
}

#[test]
fn a_missing_index_is_a_tool_error_until_it_is_created() {
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
fn a_new_commit_is_searched_and_listed() {
    let dir = Dir::indexed();
    let mut session = Session::start(&dir, &[]);
    let count = |session: &mut Session| {
        session.ask("resources/list", json!({}))["result"]["resources"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut session), 5);
    dir.write("more.md", "## Why wax a rope?\n\nIt lasts longer.\n");
    dir.run(&["index", "more.md"]).success();
    // The engine checks for a new commit at most every 100 ms.
    while count(&mut session) == 5 {
        std::thread::yield_now();
    }
    assert_eq!(count(&mut session), 6);
    let found = session.search("wax a rope");
    assert_eq!(found["structuredContent"]["hits"][0]["title"], "Why wax a rope?");
    session.close().success();
}

#[test]
fn the_built_in_questions_are_announced_on_stderr() {
    let dir = Dir::new();
    let mut session = Session::start(&dir, &[]);
    let found = session.search("borrow checker");
    assert!(!found["structuredContent"]["hits"].as_array().unwrap().is_empty(), "{found}");
    session.close().success().says("searching the built-in Rust questions");
}

#[test]
fn a_long_answer_is_returned_in_parts() {
    let dir = Dir::new();
    let answer = "Größe zählt. ".repeat(6_000);
    dir.write(
        "long.jsonl",
        json!({"id": "long", "question": "How long is long?", "answer": answer}).to_string(),
    );
    dir.run(&["index", "long.jsonl"]).success();
    let mut session = Session::start(&dir, &[]);
    let (mut read, mut parts) = (String::new(), 0);
    loop {
        let call = json!({"name": "get_question", "arguments": {"id": "long", "offset": read.len()}});
        let part = session.ask("tools/call", call)["result"]["structuredContent"].clone();
        read += part["answer"].as_str().unwrap();
        parts += 1;
        assert!(part["cut"].is_string(), "{}", part["cut"]);
        if !part["cut"].as_str().unwrap().contains("to continue") {
            break;
        }
    }
    assert_eq!((read.trim(), parts), (answer.trim(), 3));
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
        // Stdin stays open until the server has ended.
        let Session { mut child, stdin, .. } = session;
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        drop(stdin);
    }
}
