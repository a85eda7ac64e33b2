//! `rqsearch serve`

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::{IndexLocation, Outcome, plural, say};
use crate::serve::{Limits, Options, Server, Token};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7700")]
    listen: String,
    /// A file with the token that clients have to send; needed where others than this machine could
    /// reach the server
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Answer to this name too, as a proxy or a name of this machine's needs it (repeat for several)
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Let pages of this origin read answers, as in https://example.org (repeat for several)
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// How many searches run at once [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// How many requests may wait for their turn; more are refused [default: 32 a thread]
    #[arg(long, value_name = "N")]
    queue: Option<usize>,
    /// How long a request may take, waiting included
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = Limits::TIME.as_secs_f32())]
    timeout: f32,
}

/// A time that somebody may wait.
fn seconds(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds, an hour at most".into()),
    }
}

pub fn run(args: &Args, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let options = args.options()?;
    let engine = super::locate_index::engine(location.dir()?.as_deref())?;
    let questions = engine.current()?.index.question_count()?;
    let server = Server::bind(engine, &options)?;
    say(&format!(
        "rqsearch: {questions} {} at http://{}/ (Ctrl-C stops)",
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
    let hint = "\n  hint: --listen 127.0.0.1:7700, or port 0 for a free one";
    let mut found =
        text.to_socket_addrs().map_err(|error| anyhow!("{text:?} is no address: {error}{hint}"))?;
    found.next().with_context(|| format!("{text:?} is no address{hint}"))
}

fn token(path: &Path) -> anyhow::Result<Token> {
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    Token::new(&text).with_context(|| format!("no token in {}", path.display()))
}
