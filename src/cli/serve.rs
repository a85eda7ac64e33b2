//! `rqsearch serve`: search over HTTP

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::locate_index::IndexArgs;
use super::model::ModelArgs;
use super::{Outcome, plural, say};
use crate::embed::Patience;
use crate::serve::{Limits, Options, Server, Token};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7700")]
    listen: String,
    /// The file with the token that clients must send; required when listening on anything but loopback
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Accept this Host header as well, for a proxy or another name of this machine (repeatable)
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Let web pages of this origin read replies, for example https://example.org (repeatable)
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// How many searches run at once [default: the number of processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// How many requests may wait; more are refused with 503 [default: 32 per thread]
    #[arg(long, value_name = "N")]
    queue: Option<usize>,
    /// How long a request may take, including the wait in the queue
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = Limits::TIME.as_secs_f32())]
    timeout: f32,
    #[command(flatten)]
    index: IndexArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// Parses the time limit of a request.
fn seconds(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0.001 to 3600".into()),
    }
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    let options = args.options()?;
    let patience = Patience::Waiting(options.limits.time);
    let engine = args.model.clone().engine(location.dir()?.as_deref(), patience)?;
    let opened = engine.current()?;
    if let Some(notice) = opened.notice() {
        say(&format!("rqsearch: {notice}\n  (restart the server after that)"));
    }
    let questions = opened.index.question_count()?;
    drop(opened);
    let server = Server::bind(engine, &options)?;
    say(&format!(
        "rqsearch: {questions} {} at http://{}/ (stop with Ctrl-C)",
        plural(questions, "question"),
        server.address()
    ));
    server.run()?;
    Ok(Outcome::Success)
}

impl Args {
    fn options(&self) -> anyhow::Result<Options> {
        let threads = self.threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        Ok(Options {
            listen: address(&self.listen)?,
            allow_hosts: self.allow_host.clone(),
            allow_origins: self.allow_origin.clone(),
            token: self.token_file.as_deref().map(token).transpose()?,
            limits: Limits {
                threads,
                queue: self.queue.unwrap_or(threads.get() * Limits::QUEUE_PER_THREAD),
                time: Duration::from_secs_f32(self.timeout),
            },
        })
    }
}

fn address(text: &str) -> anyhow::Result<SocketAddr> {
    let hint = "\n  hint: for example --listen 127.0.0.1:7700; port 0 picks a free port";
    let mut found = text
        .to_socket_addrs()
        .map_err(|error| anyhow!("{text:?} is not an address to listen on: {error}{hint}"))?;
    found.next().with_context(|| format!("{text:?} is not an address to listen on{hint}"))
}

fn token(path: &Path) -> anyhow::Result<Token> {
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    Token::new(&text).with_context(|| format!("could not use the token in {}", path.display()))
}
