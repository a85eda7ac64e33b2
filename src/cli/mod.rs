//! The command line: what was typed → what it means → one subcommand a file.

mod dups;
mod eval;
mod export;
mod index;
#[cfg(feature = "interactive")]
mod interactive;
mod locate_index;
#[cfg(feature = "mcp")]
mod mcp;
mod model;
#[cfg(any(feature = "fastembed", feature = "remote"))]
mod models;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod shell;
mod show;
mod stats;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ColorChoice, CommandFactory, Parser, Subcommand};

use crate::render::terminal::Layout;
use locate_index::IndexLocation;

/// Finds the question that any phrase is about, offline and at once.
///
/// Without --index, RQSEARCH_INDEX names the index; without that, it is the nearest .rqsearch in
/// this folder or one above it; and without any, the Rust questions that come with the program.
#[derive(Debug, Parser)]
#[command(
    name = "rqsearch",
    version,
    long_version = shell::version(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "rqsearch [OPTIONS] PHRASE…\n       rqsearch COMMAND",
    after_help = "Exit status: 0 found, 1 nothing here answers the phrase, 2 error, 130 left the picker.",
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    search: search::Args,
    /// The index to use
    #[arg(long, value_name = "DIR", global = true, env = "RQSEARCH_INDEX", hide_env_values = true)]
    index: Option<PathBuf>,
    /// Search the Rust questions that come with the program, whatever index is near
    #[arg(long, global = true, conflicts_with = "index")]
    builtin: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search for a phrase that begins like a command: rqsearch search index out of bounds
    Search(search::Args),
    /// Build or update an index: only what changed is read and embedded again
    Index(index::Args),
    /// Find questions that ask the same, or say whether a new one was asked before
    Dups(dups::Args),
    /// Show one question, whole
    Show(show::Args),
    /// Write every indexed question as JSON Lines
    Export,
    /// Answer over HTTP, with a page to search from
    #[cfg(feature = "serve")]
    Serve(serve::Args),
    /// Say what the index holds: questions, files, model, weight between words and meaning
    Stats(stats::Args),
    /// List models, download one, or approve an endpoint: nothing is downloaded without this command
    #[cfg(any(feature = "fastembed", feature = "remote"))]
    Models(models::Args),
    /// Let a program that runs a language model search: the Model Context Protocol on stdin and stdout
    #[cfg(feature = "mcp")]
    Mcp(mcp::Args),
    /// Measure the search on judged queries: nDCG@10, MRR@10, recall@100, success@1 and @5
    Eval(eval::Args),
    /// Write a script by which a shell completes commands and options
    Completions(shell::CompletionsArgs),
    /// Write a page for man
    Man(shell::ManArgs),
}

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Found, or done.
    Success,
    /// Nothing found.
    Nothing,
    /// Done, but something had to be skipped, and was named on stderr.
    Partial,
    /// Somebody was asked, and left without an answer.
    Left,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::SUCCESS,
            Outcome::Nothing => Self::from(1),
            Outcome::Partial => Self::from(2),
            // As a shell has it of what Ctrl-C ended.
            Outcome::Left => Self::from(130),
        }
    }
}

/// What was typed. Help, and what cannot be understood, end the program.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Cli {
    let args = commands_first(args);
    Cli::try_parse_from(&args).unwrap_or_else(|mut error| {
        if is_phrase_like_command(&args, &error) {
            let words: Vec<_> = args[1..].iter().map(|word| word.to_string_lossy()).collect();
            let tip = format!("to search for this phrase, use 'rqsearch search {}'", words.join(" "));
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error.exit()
    })
}

/// Whether a command was not understood because it is the first word of a phrase: nothing but words follow.
fn is_phrase_like_command(args: &[OsString], error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidValue)
        && args.len() > 2
        && is_command(&args[1])
        && args[2..].iter().all(|word| !word.as_encoded_bytes().starts_with(b"-"))
}

fn is_command(arg: &OsString) -> bool {
    arg.to_str().is_some_and(|arg| Cli::command().find_subcommand(arg).is_some())
}

/// Does what was typed.
///
/// # Errors
/// The message is for the person at the terminal, ways out included.
pub fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let location = match &cli.index {
        _ if cli.builtin => IndexLocation::Builtin,
        Some(dir) => IndexLocation::Named(dir),
        None => IndexLocation::Nearest,
    };
    match cli.command {
        None => search::run(&cli.search, location),
        Some(Command::Search(args)) => search::run(&args, location),
        Some(Command::Index(args)) => index::run(&args, location),
        Some(Command::Dups(args)) => dups::run(&args, location),
        Some(Command::Show(args)) => show::run(&args, location),
        Some(Command::Export) => export::run(location),
        #[cfg(feature = "serve")]
        Some(Command::Serve(args)) => serve::run(&args, location),
        Some(Command::Stats(args)) => stats::run(&args, location),
        #[cfg(any(feature = "fastembed", feature = "remote"))]
        Some(Command::Models(args)) => models::run(&args),
        #[cfg(feature = "mcp")]
        Some(Command::Mcp(args)) => mcp::run(&args, location),
        Some(Command::Eval(args)) => eval::run(&args, location),
        Some(Command::Completions(args)) => shell::completions(&args, &Cli::command()),
        Some(Command::Man(args)) => shell::man(&args, Cli::command()),
    }
}

/// Whether an error only says that whoever read our output has had enough.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// How to lay out what goes to stdout.
fn layout() -> Layout {
    let terminal = io::stdout().is_terminal();
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    Layout { width: terminal.then_some(width.clamp(30, 100)), escape: terminal }
}

/// `file`, or `files` of more or fewer than one.
fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

#[expect(clippy::print_stderr, reason = "talk for the person at the terminal")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// The arguments with what stands before a command moved behind it: `--index DIR eval SET` means
/// `eval --index DIR SET`, and not the phrase "eval SET", as clap has it where a phrase may be any
/// words.
///
/// Only the options that every command has are moved; with any other before it, the word is one of
/// the phrase.
fn commands_first(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let mut at = 1;
    while let Some(arg) = args.get(at).and_then(|arg| arg.to_str()) {
        at += match arg {
            "--index" | "--color" => 2,
            "--builtin" => 1,
            _ if arg.starts_with("--index=") || arg.starts_with("--color=") => 1,
            _ => break,
        };
    }
    if at > 1 && args.get(at).is_some_and(is_command) {
        let command = args.remove(at);
        args.insert(1, command);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: &str) {
        let args = commands_first(typed.split(' ').map(OsString::from));
        assert_eq!(args.join(" ".as_ref()), expected, "{typed}");
    }

    #[test]
    fn what_every_command_takes_may_stand_before_it() {
        check("rqsearch --index a eval b", "rqsearch eval --index a b");
        check("rqsearch --index=a --builtin show b", "rqsearch show --index=a --builtin b");
        check("rqsearch eval --index a b", "rqsearch eval --index a b");
        check("rqsearch --index a how to index", "rqsearch --index a how to index");
        check("rqsearch --index a -n 3 index", "rqsearch --index a -n 3 index");
        check("rqsearch --index", "rqsearch --index");
        check("rqsearch", "rqsearch");
    }
}
