//! `rqsearch mcp`: with the official clients, and as raw messages.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::util::{Dir, Output, tools, until};

/// A running server and its streams.
struct Session {
    child: Child,
    stdin: ChildStdin,
    /// The lines of stdout.
    stdout: Receiver<String>,
    last: u64,
}

/// The time limit of every wait in a test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads lines on a thread, so that waiting for one can end.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (line, lines) = channel();
    thread::spawn(move || {
        // The test may have ended.
        BufReader::new(stdout).lines().for_each(|read| _ = line.send(read.unwrap()));
    });
    lines
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
        let stdout = lines(child.stdout.take().unwrap());
        Self { child, stdin, stdout, last: 0 }
    }

    fn write(&mut self, line: impl AsRef<[u8]>) {
        self.stdin.write_all(line.as_ref()).unwrap();
        self.stdin.write_all(b"\n").unwrap();
    }

    /// Reads the next line, which must be a JSON-RPC message.
    #[track_caller]
    fn read(&mut self) -> Value {
        let line = self.stdout.recv_timeout(PATIENCE).expect("the server writes a line");
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
        let Self { child, stdin, stdout, .. } = self;
        drop(stdin);
        let rest: String = stdout.iter().map(|line| line + "\n").collect();
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
fn broken_lines_get_the_error_of_json_rpc() {
    let dir = Dir::indexed();
    let mut session = Session::start(&dir, &[]);
    let null = Value::Null;
    for (line, id, code) in [
        (&b"{"[..], &null, -32700),
        (b"hello", &null, -32700),
        (b"\xff\xfe", &null, -32700),
        (b"[]", &null, -32600),
        (b"{\"jsonrpc\": \"2.0\", \"id\": 7}", &json!(7), -32600),
        (&[b'x'; 5 << 20], &null, -32600),
    ] {
        session.write(line);
        let answer = session.read();
        assert_eq!((&answer["id"], answer["error"]["code"].as_i64()), (id, Some(code)), "{answer}");
    }
    session.search("roses");
    session.close().success();
}

#[test]
fn the_instructions_and_the_list_of_resources_are_bounded() {
    let dir = Dir::new();
    let names: Vec<String> = (0..250).map(|nth| format!("file-{nth:03}-{}.md", "x".repeat(60))).collect();
    for (nth, name) in names.iter().enumerate() {
        dir.write(name, format!("## What is number {nth}?\n\n{}\n", "It is a number. ".repeat(50)));
    }
    let paths: Vec<&str> = names.iter().map(String::as_str).collect();
    dir.run(&[&["index", "--keyword-only"], &paths[..]].concat()).success();
    let mut session = Session::without_handshake(&dir, &[]);
    let params = json!({
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
    });
    let info = session.ask("initialize", params);
    let instructions = info["result"]["instructions"].as_str().unwrap();
    assert!(instructions.len() < 3_000 && instructions.contains("250 questions"), "{instructions}");
    assert!(instructions.contains("and 245 more"), "{instructions}");
    session.write(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
    let (mut uris, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
        let page = session.ask("resources/list", params)["result"].clone();
        let resources = page["resources"].as_array().unwrap();
        assert!(resources.len() <= 100);
        uris.extend(resources.iter().map(|resource| resource["uri"].as_str().unwrap().to_owned()));
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(uris.len(), 250);
    uris.sort();
    uris.dedup();
    assert_eq!(uris.len(), 250, "no question is listed twice");
    session.close().success();
}

#[cfg(feature = "remote")]
#[test]
fn an_endpoint_that_hangs_does_not_stop_messages_and_other_calls() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let hangs = Arc::new(AtomicBool::new(false));
    let (inner, hung) = (crate::endpoints::endpoint("m"), Arc::clone(&hangs));
    let forward = inner.handler();
    let server = crate::server::Server::new(move |request| {
        while hung.load(Ordering::SeqCst) {
            thread::park_timeout(Duration::from_millis(20));
        }
        forward(request)
    });
    let dir = Dir::new();
    dir.write("faq.md", crate::util::FAQ);
    dir.run(&["index", "faq.md", "--model", &format!("{}/v1#m", server.address())]).success();
    let mut session = Session::start(&dir, &[]);
    hangs.store(true, Ordering::SeqCst);
    let call = |id: u64, arguments: Value| {
        let params = json!({"name": "search_questions", "arguments": arguments});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
    };
    for id in 1_000..1_040 {
        session.write(call(id, json!({"q": format!("roses {id}")})));
    }
    // A call that is cancelled gets no reply.
    let cancel = json!({"requestId": 1_039, "reason": "test"});
    session
        .write(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}).to_string());
    // `ask` skips the replies to the calls above, if there are any already.
    assert!(session.ask("ping", json!({})).get("error").is_none());
    assert_eq!(session.ask("tools/list", json!({}))["result"]["tools"].as_array().unwrap().len(), 4);
    let keyword = json!({"name": "search_questions", "arguments": {"q": "roses", "mode": "keyword"}});
    let found = session.ask("tools/call", keyword)["result"].clone();
    assert_eq!(found["structuredContent"]["hits"][0]["title"], "When should I prune roses?", "{found}");
    let listed = session.ask("resources/list", json!({}));
    assert_eq!(listed["result"]["resources"].as_array().unwrap().len(), 5);
    // Hybrid searches use keywords, and say so.
    let found = session.search("roses in spring");
    let text = found["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("using keyword search only") && text.contains("prune roses"), "{found}");
    assert!(found["structuredContent"]["notice"].is_string());
    let semantic = json!({"name": "search_questions", "arguments": {"q": "roses", "mode": "semantic"}});
    assert_eq!(session.ask("tools/call", semantic)["result"]["isError"], true);
    hangs.store(false, Ordering::SeqCst);
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
    let mut child = dir
        .command(&["mcp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    drop(child.stdout.take());
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

/// A running server reads the files again when they change.
#[test]
fn synonyms_and_pins_apply() {
    let dir = Dir::indexed();
    let mut session = Session::start(&dir, &[]);
    let mut first = |arguments: Value| {
        let call = json!({"name": "search_questions", "arguments": arguments});
        let found = session.ask("tools/call", call)["result"]["structuredContent"].clone();
        let hit = found["hits"].get(0).cloned().unwrap_or_default();
        (
            hit["title"].as_str().unwrap_or_default().to_owned(),
            hit["pinned"] == true,
            found["answered"] == true,
        )
    };
    let word = |extra: Value| {
        let mut arguments = json!({"q": "wtstn", "mode": "keyword"});
        arguments.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        arguments
    };
    let none = (String::new(), false, false);
    assert_eq!(first(word(json!({}))), none);
    dir.write(".rqsearch/synonyms.toml", "same = [[\"WTSTN\", \"whetstone\"]]");
    let knife = "How do I sharpen a kitchen knife?";
    until("the synonym applies", || (first(word(json!({}))).0 == knife).then_some(()));
    assert_eq!(first(word(json!({"synonyms": false}))), none);
    let roses = dir.export().into_iter().find(|one| one["title"] == "When should I prune roses?").unwrap();
    dir.write(".rqsearch/pins.toml", format!("[[pin]]\nphrase = \"wtstn\"\nids = {}\n", roses["id"]));
    let pinned = ("When should I prune roses?".to_owned(), true, true);
    until("the pin applies", || (first(word(json!({}))) == pinned).then_some(()));
    let unpinned = first(word(json!({"pins": false})));
    assert_eq!((unpinned.0.as_str(), unpinned.1), (knife, false));
    session.close().success();
}
