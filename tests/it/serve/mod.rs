//! `rqsearch serve`, used by real clients.

pub mod browser;
mod changes;
mod curation;
mod decisions;
mod failures;
mod feedback;
mod host_check;
mod limits;
mod load;
mod log;
mod query_log;
mod routes;
mod schema;
mod suggest;
mod tokens;
mod watch;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::util::{Dir, PATIENCE};

pub use crate::util::until;

/// A running server. Dropping it ends the server.
pub struct Served {
    child: Child,
    /// `127.0.0.1:PORT`
    pub address: String,
    /// What it wrote to stderr after its address.
    log: Arc<Mutex<Vec<String>>>,
}

/// A reply of any status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, with values, in order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Served {
    /// Starts `rqsearch serve ARGS` in a directory, at a free port of this machine.
    pub fn start(dir: &Dir, args: &[&str]) -> Self {
        Self::listening(dir, "127.0.0.1:0", args)
    }

    /// Starts it at the given address.
    pub fn listening(dir: &Dir, listen: &str, args: &[&str]) -> Self {
        let mut command = dir.command(&[&["serve", "--listen", listen], args].concat());
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut output = String::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {output}")).unwrap();
            if let Some((_, rest)) = line.split_once(" at http://").filter(|_| line.contains("Ctrl-C")) {
                break rest.split('/').next().unwrap().to_owned();
            }
            output += &line;
        };
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&log);
        thread::spawn(move || lines.for_each(|line| written.lock().unwrap().push(line.unwrap())));
        Self { child, address, log }
    }

    /// The lines of the log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits until a line of the log contains `words`.
    #[track_caller]
    pub fn logs(&self, words: &str) {
        until(words, || self.log().iter().any(|line| line.contains(words)).then_some(()));
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], &body.to_string())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            "" => agent.run(request.body(()).unwrap()),
            body => agent.run(request.body(body).unwrap()),
        };
        let mut response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    /// Sends the text as it is, and reads until the server closes the connection.
    pub fn raw(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(stream)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The value of a metric of `/metrics`; 0 if it does not exist yet.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        until("the server ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Answer {
    pub fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// Checks that the reply is an error with this status, and that its detail contains `words`.
    #[track_caller]
    pub fn problem(self, status: u16, words: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(
            (&problem["type"], &problem["status"]),
            (&"about:blank".into(), &status.into()),
            "{self:?}"
        );
        assert!(problem["detail"].as_str().unwrap().contains(words), "{words:?} is missing: {self:?}");
        self
    }
}
