//! `rqsearch mcp`

use std::future::Future;
use std::io::{self, IsTerminal};
use std::thread;

use anyhow::Context;
use tokio::runtime;

use super::locate_index::engine;
use super::{IndexLocation, Outcome, say};
use crate::mcp::Server;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A program starts this, and speaks MCP with it on stdin and stdout; stderr is for people. \
                        It ends when stdin does. Exit status: 0 ended, 2 what came was not MCP."
)]
pub struct Args {}

pub fn run(_: &Args, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let dir = location.dir()?;
    let (server, opened) = Server::new(move || engine(dir.as_deref()));
    if let Err(error) = opened {
        say(&format!("rqsearch: {error:#}\nrqsearch: until then, every tool says so"));
    }
    if io::stdin().is_terminal() {
        say("rqsearch: waiting for MCP on stdin, which a program is meant to send; Ctrl-D ends");
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = told_to_stop()?;
        tokio::select! {
            ended = server.serve() => ended,
            () = stop => Ok(()),
        }
    });
    // A read of stdin cannot be called off: nobody waits for it.
    runtime.shutdown_background();
    ended.map(|()| Outcome::Success)
}

/// One thread that passes messages; as many that search as there are processors, and those that read stdin and
/// write stdout.
fn runtime() -> anyhow::Result<runtime::Runtime> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(processors + 2)
        .build()
        .context("could not start")
}

/// Comes to an end with Ctrl-C or, where there is such a thing, SIGTERM.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
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
        // Without a handler, Ctrl-C ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
