//! `rqsearch mcp`

use std::future::Future;
use std::io::{self, IsTerminal};
use std::panic;
use std::path::PathBuf;

use anyhow::Context;
use tokio::runtime;

use super::curation::CurationArgs;
use super::hints::{explained, keywords_only};
use super::locate_index::IndexArgs;
use super::model::ModelArgs;
use super::outcome::Outcome;
use super::streams::say;
use crate::curation::CurationFiles;
use crate::embed::Patience;
use crate::engine::Engine;
use crate::index::is_panic_caught;
use crate::mcp::Server;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "An MCP client starts this command and exchanges messages with it on stdin and stdout; \
                        messages for people are on stderr. It ends when stdin is closed. \
                        Exit status: 0 ended, 2 error."
)]
pub struct Args {
    #[command(flatten)]
    index: IndexArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    curation: CurationArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    panic::set_hook(Box::new(|panic| {
        if !is_panic_caught() {
            say(&format!("rqsearch: internal error: {panic}"));
        }
    }));
    let location = args.index.location();
    let dirs = location.dirs()?;
    let (model, files) = (args.model.clone(), args.curation.files());
    let (server, opened) = Server::new(move || open(&model, &files, &dirs));
    if let Err(error) = opened {
        say(&format!(
            "rqsearch: {}\nrqsearch: every tool returns this error until the index can be opened",
            explained(&error)
        ));
    }
    if io::stdin().is_terminal() {
        say("rqsearch: waiting for an MCP client on stdin (end with Ctrl-D)");
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            ended = server.serve(io::stdin(), io::stdout()) => ended,
            () = stop => Ok(()),
        }
    });
    // Work that still runs has no client.
    runtime.shutdown_background();
    match ended {
        Err(error) if !is_disconnected(&error) => Err(error),
        _ => Ok(Outcome::Success),
    }
}

/// Whether the client has closed stdout, which ends a session like the end of stdin.
fn is_disconnected(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Opens the index. Reports on stderr if its model must not be used.
fn open(model: &ModelArgs, files: &CurationFiles, dirs: &[PathBuf]) -> anyhow::Result<Engine> {
    let engine = model.clone().engine(dirs, Patience::PHRASE)?.with_curation(files.clone())?;
    if let Some(reason) = &engine.current()?.not_approved {
        say(&format!("rqsearch: {}", keywords_only(reason)));
    }
    Ok(engine)
}

/// A runtime with one thread for messages. The server limits its other threads itself.
fn runtime() -> anyhow::Result<runtime::Runtime> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("could not start the runtime of the MCP server")
}

/// Completes on Ctrl-C and, on Unix, on SIGTERM.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without a handler, Ctrl-C ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
