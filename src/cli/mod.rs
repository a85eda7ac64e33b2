//! The command line: arguments are parsed, and each command has a file of its own.

mod batch;
mod check;
mod command_line;
mod copy;
mod curation;
mod doctor;
mod dry_run;
mod dups;
mod eval;
mod export;
mod gaps;
mod hints;
mod index;
#[cfg(feature = "interactive")]
mod interactive;
mod locate_index;
#[cfg(feature = "mcp")]
mod mcp;
mod model;
#[cfg(any(feature = "fastembed", feature = "remote"))]
mod models;
mod option_values;
mod outcome;
mod panic;
mod related;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod shell;
mod show;
mod site;
mod snapshot;
mod stats;
mod streams;
mod text;
#[cfg(feature = "watch")]
mod watch;
mod welcome;
mod write_file;

use clap::{ColorChoice, CommandFactory};

use command_line::Command;

pub use command_line::{Cli, parse};
pub use hints::report;
pub use outcome::Outcome;
pub use streams::{is_stdout_closed, say};

/// Runs a command.
///
/// # Errors
/// The message is for the user at the terminal: what failed, where, and what to try.
pub fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    match &cli.command {
        // Servers report panics as they happen, and go on.
        #[cfg(feature = "serve")]
        Some(Command::Serve(_)) => run_command(cli),
        #[cfg(feature = "mcp")]
        Some(Command::Mcp(_)) => run_command(cli),
        _ => panic::caught(|| run_command(cli)),
    }
}

fn run_command(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.command {
        None if cli.is_bare => welcome::run(cli.search.index.location()),
        None => search::run(&cli.search),
        Some(Command::Search(args)) => search::run(&args),
        Some(Command::Index(args)) => index::run(&args),
        #[cfg(feature = "watch")]
        Some(Command::Watch(args)) => watch::run(&args),
        Some(Command::Dups(args)) => dups::run(&args),
        Some(Command::Gaps(args)) => gaps::run(&args),
        Some(Command::Show(args)) => show::run(&args),
        Some(Command::Related(args)) => related::run(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Snapshot(args)) => snapshot::snapshot(&args),
        Some(Command::Restore(args)) => snapshot::restore(&args),
        Some(Command::Copy(args)) => copy::run(&args),
        Some(Command::Site(args)) => site::run(&args),
        #[cfg(feature = "serve")]
        Some(Command::Serve(args)) => serve::run(&args),
        Some(Command::Stats(args)) => stats::run(&args),
        Some(Command::Curation(args)) => curation::run(&args),
        #[cfg(any(feature = "fastembed", feature = "remote"))]
        Some(Command::Models(args)) => models::run(&args),
        #[cfg(feature = "mcp")]
        Some(Command::Mcp(args)) => mcp::run(&args),
        Some(Command::Eval(args)) => eval::run(&args),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Completions(args)) => shell::completions(&args, &Cli::command()),
        Some(Command::Man(args)) => shell::man(&args, Cli::command()),
    }
}
