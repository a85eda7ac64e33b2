//! `rqsearch serve`: search over HTTP

use std::env;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::panic;
use std::path::PathBuf;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::value_parser;

use super::curation::CurationArgs;
use super::hints::{explained, explained_problem, keywords_only};
use super::locate_index::{IndexLocation, IndexesArgs};
use super::model::ModelArgs;
use super::outcome::Outcome;
use super::text::plural;
use crate::decisions::DecisionFile;
use crate::embed::Patience;
use crate::engine::Engine;
use crate::feedback::FeedbackFile;
use crate::hint::hinted;
use crate::index::{Index, OpenError, is_panic_caught};
use crate::query_log::{QueryLog, Rotation};
use crate::serve::{Limits, Log, LogFormat, Options, Server, Tokens};
use crate::watch::{self, Update, Watcher};

/// The environment variable with the token of programs that write questions.
const ADMIN_TOKEN: &str = "RQSEARCH_ADMIN_TOKEN";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7700")]
    listen: String,
    /// The file with the tokens that clients must send one of: a token, or lines `NAME RIGHTS TOKEN`; required
    /// when listening on anything but loopback. Changes take effect without a restart
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Accept questions from programs that send a token of this file (POST /questions, PUT and DELETE /questions/ID) and
    /// write them into the index. RQSEARCH_ADMIN_TOKEN names one token instead
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// Accept this Host header as well, for a proxy or another name of this machine (repeatable)
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Let web pages of this origin send requests and read replies, for example https://example.org
    /// (repeatable)
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Accept judgements of users (POST /feedback, thumbs on the web page) and append them to this file. `rqsearch
    /// eval --from-feedback` reads it
    #[arg(long, value_name = "FILE")]
    feedback: Option<PathBuf>,
    /// Apply the decisions about duplicates in this file, and save new ones there (POST /duplicates/decisions, buttons on
    /// the map of duplicates). `rqsearch dups` reads the same file
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Watch the files that the index was built from, and update the index when they change
    #[arg(long)]
    watch: bool,
    /// With --watch, look for changes at this interval instead of being notified by the system
    #[arg(long, value_name = "SECONDS", value_parser = super::watch::seconds, requires = "watch")]
    poll: Option<f32>,
    /// Append every search and every hit that is opened on the web page to this file: phrase, time, whether it was
    /// answered, first hit. No addresses and no tokens. `rqsearch gaps` reads it
    #[arg(long, value_name = "FILE")]
    query_log: Option<PathBuf>,
    /// Begin a new file of the query log after N MiB; the old one becomes FILE.1
    #[arg(long, value_name = "N", requires = "query_log", value_parser = up_to::<1_000_000>, default_value = "64")]
    query_log_size: NonZeroUsize,
    /// How many old files of the query log to keep
    #[arg(long, value_name = "N", requires = "query_log", default_value_t = Rotation::default().files)]
    query_log_files: usize,
    /// How many searches run at once, at most 1,024 [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = up_to::<1_024>)]
    threads: Option<NonZeroUsize>,
    /// How many requests may wait, at most 65,536; more are refused with 503 [default: 32 per thread]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(..=65_536))]
    queue: Option<u32>,
    /// How many clients may be connected; more replace those that are idle [default: 4,096, or what the limit
    /// of open files allows]
    #[arg(long, value_name = "N", value_parser = up_to::<1_000_000>)]
    connections: Option<NonZeroUsize>,
    /// How many clients with one address may be connected [default: 1,024]
    #[arg(long, value_name = "N", value_parser = up_to::<1_000_000>)]
    connections_per_address: Option<NonZeroUsize>,
    /// How long a request may take, including the wait in the queue
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = Limits::TIME.as_secs_f32())]
    timeout: f32,
    /// What to log on stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log: LogFormat,
    /// Log the phrases of requests as well
    #[arg(long)]
    log_phrases: bool,
    #[command(flatten)]
    index: IndexesArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    curation: CurationArgs,
}

/// Parses the time limit of a request.
fn seconds(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0.001 to 3600".into()),
    }
}

/// Parses a number from 1 to `MOST`.
fn up_to<const MOST: usize>(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse() {
        Ok(number) if number <= NonZeroUsize::new(MOST).unwrap_or(NonZeroUsize::MIN) => Ok(number),
        _ => Err(format!("must be a number from 1 to {MOST}")),
    }
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    let watcher = args.watch.then(|| args.watcher()).transpose()?;
    let options = Options {
        watch: watcher.as_ref().map(|watcher| watcher.control().status().clone()),
        ..args.options()?
    };
    let log = options.log.clone();
    report_panics(log.clone());
    if options.admin_tokens.is_some() {
        ensure!(
            !matches!(location, IndexLocation::Several(_)),
            hinted("several indexes cannot be written", "serve one index, or leave --admin-token-file out")
        );
        create_if_missing(location, &log)?;
    }
    let patience = Patience::Waiting(options.limits.time);
    let engine = args.model.clone().engine(&location.dirs()?, patience)?;
    let engine = engine.with_curation(args.curation.files())?;
    let opened = engine.current()?;
    if let Some(reason) = &opened.not_approved {
        log.event(&format!("{}\n  (restart the server after that)", keywords_only(reason)));
    }
    let questions = opened.index.question_count()?;
    drop(opened);
    let server = Server::bind(engine, options)?;
    log.event(&format!(
        "{questions} {} at http://{}/ (stop with Ctrl-C)",
        plural(questions, "question"),
        server.address()
    ));
    match watcher {
        Some(watcher) => run_with(server, watcher, &log)?,
        None => server.run()?,
    }
    Ok(Outcome::Success)
}

/// Creates an empty index with the built-in model in the directory that the user names, if there is none. Programs will
/// write its questions.
fn create_if_missing(location: IndexLocation<'_>, log: &Log) -> anyhow::Result<()> {
    let (IndexLocation::Named(_) | IndexLocation::Variable, Some(dir)) = (location, location.find()?) else {
        return Ok(());
    };
    if matches!(Index::open(&dir), Err(OpenError::Missing { .. })) {
        Engine::build(&dir, &[], |_| {})?;
        log.event(&format!("created an empty index in {}", dir.display()));
    }
    Ok(())
}

/// Serves requests, and keeps the index current on another thread.
fn run_with(server: Server, watcher: Watcher, log: &Log) -> anyhow::Result<()> {
    log.event(&super::watch::watching(&watcher));
    let control = watcher.control();
    let mut has_failed = false;
    let report = |update: &Update| {
        update.problems.iter().for_each(|problem| log.event(&explained_problem(problem)));
        match &update.result {
            Err(error) => {
                let error = explained(error);
                log.event(&format!("{error}\n  (the last commit is searched, and the update tried again)"));
            }
            Ok(_) if has_failed => log.event("the index is up to date again"),
            Ok(_) => {}
        }
        has_failed = update.result.is_err();
        Ok(())
    };
    thread::scope(|scope| {
        let watching = scope.spawn(|| watcher.run(report));
        let served = server.run();
        control.stop();
        // A panic was logged when it happened, and `/health` has reported it since.
        served.and(watching.join().unwrap_or(Ok(())))
    })
}

/// Writes panics to the log, except those that become errors.
fn report_panics(log: Log) {
    panic::set_hook(Box::new(move |panic| {
        if !is_panic_caught() {
            log.event(&panic.to_string());
        }
    }));
}

impl Args {
    fn watcher(&self) -> anyhow::Result<Watcher> {
        let dir = self.index.location().find()?.context(hinted(
            "the built-in index has no files to watch",
            "create an index with `rqsearch index PATH`",
        ))?;
        let model = self.model.clone();
        Watcher::new(watch::Options {
            poll: self.poll.map(Duration::from_secs_f32),
            load: Box::new(move |info| model.load_for_updates(info)),
            ..watch::Options::new(dir, Vec::new())
        })
    }

    fn options(&self) -> anyhow::Result<Options> {
        if self.log_phrases && self.log != LogFormat::Json {
            bail!(hinted("--log-phrases adds phrases to the requests in the log", "add --log json"));
        }
        let threads = self.threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        Ok(Options {
            listen: address(&self.listen)?,
            allow_hosts: self.allow_host.clone(),
            allow_origins: self.allow_origin.clone(),
            tokens: self.token_file.as_deref().map(Tokens::open).transpose()?,
            admin_tokens: self.admin_tokens()?,
            feedback: self.feedback.as_deref().map(FeedbackFile::open).transpose()?,
            decisions: self.decisions.as_deref().map(DecisionFile::open).transpose()?,
            watch: None,
            query_log: self.query_log()?,
            log: Log::new(self.log, self.log_phrases, io::stderr()),
            limits: Limits {
                threads,
                queue: self.queue.map_or(threads.get() * Limits::QUEUE_PER_THREAD, |queue| queue as usize),
                time: Duration::from_secs_f32(self.timeout),
                connections: self.connections.unwrap_or_else(default_connections),
                connections_per_address: self
                    .connections_per_address
                    .unwrap_or(Limits::CONNECTIONS_PER_ADDRESS),
            },
        })
    }
}

impl Args {
    /// The tokens of programs that write questions.
    fn admin_tokens(&self) -> anyhow::Result<Option<Tokens>> {
        let variable = env::var(ADMIN_TOKEN).ok().filter(|token| !token.trim().is_empty());
        let tokens = match (&self.admin_token_file, variable) {
            (Some(_), Some(_)) => {
                bail!(hinted(format!("--admin-token-file and {ADMIN_TOKEN} are both set"), "use one of them"))
            }
            (Some(file), None) => Tokens::open(file)?,
            (None, Some(token)) => {
                Tokens::of(&token).with_context(|| format!("could not use {ADMIN_TOKEN}"))?
            }
            (None, None) => return Ok(None),
        };
        tokens.for_writing().map(Some)
    }

    fn query_log(&self) -> anyhow::Result<Option<QueryLog>> {
        let rotation =
            Rotation { size: (self.query_log_size.get() as u64) << 20, files: self.query_log_files };
        self.query_log.as_deref().map(|path| QueryLog::open(path, rotation)).transpose()
    }
}

fn address(text: &str) -> anyhow::Result<SocketAddr> {
    let invalid = || {
        let hint = "for example --listen 127.0.0.1:7700; port 0 picks a free port";
        hinted(format!("{text:?} is not an address to listen on"), hint)
    };
    let mut found = text.to_socket_addrs().with_context(invalid)?;
    found.next().with_context(invalid)
}

/// As many connections as the limit of open files allows, up to the default. Each connection is an open file;
/// the rest are for the index.
fn default_connections() -> NonZeroUsize {
    const RESERVED: usize = 128;
    let limit = open_files_limit().and_then(|limit| NonZeroUsize::new(limit.saturating_sub(RESERVED)));
    limit.map_or(Limits::CONNECTIONS, |limit| limit.min(Limits::CONNECTIONS))
}

/// The limit of open files of this process, where the system has a file that says so.
fn open_files_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
