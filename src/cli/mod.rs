//! The command line: arguments are parsed, and each command has a file of its own.

mod batch;
mod check;
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
#[cfg(feature = "watch")]
mod watch;
mod welcome;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ColorChoice, CommandFactory, Parser, Subcommand};
use tempfile::NamedTempFile;

use crate::regular_file::directory_of;
use crate::render::terminal::Layout;
use locate_index::IndexLocation;

pub use hints::report;
pub use streams::{is_stdout_closed, say};

/// Find the question that any phrase is about
///
/// rqsearch searches the index named by --index or RQSEARCH_INDEX, or else the nearest .rqsearch in the
/// current directory or above, or else the built-in Rust questions.
#[derive(Debug, Parser)]
#[command(
    name = "rqsearch",
    version,
    long_version = shell::version(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "rqsearch [OPTIONS] PHRASE…\n       rqsearch COMMAND",
    after_help = "Exit status: 0 found, 1 no question matches well enough, 2 error, 130 cancelled.\n\n\
                  Examples:\n  \
                    rqsearch \"holding a mutex across await\"\n  \
                    rqsearch index faq.md notes/\n  \
                    rqsearch --limit 3 --level senior \"cow vs clone\"",
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    search: search::Args,
    /// When to use colors
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: ColorChoice,
    /// Neither a phrase nor an option of a search was typed.
    #[arg(skip)]
    is_bare: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search for a phrase, also one that begins with the name of a command
    Search(search::Args),
    /// Create or update an index
    Index(index::Args),
    /// Update the index whenever its files change
    #[cfg(feature = "watch")]
    Watch(watch::Args),
    /// Find duplicate questions, or check a new question for duplicates
    Dups(dups::Args),
    /// Find what people ask and nothing answers
    Gaps(gaps::Args),
    /// Show a whole question
    Show(show::Args),
    /// List questions on the same subject as a question that ask something else
    Related(related::Args),
    /// Write every question of the index as JSON Lines
    Export(export::Args),
    /// Verify the files of the index, and repair a damaged one
    Check(check::Args),
    /// Write the index to one file, also while it is in use
    Snapshot(snapshot::SnapshotArgs),
    /// Create an index from a file that `snapshot` wrote
    Restore(snapshot::RestoreArgs),
    /// Copy an index with its embeddings from a directory to a cluster or back
    Copy(copy::Args),
    /// Write a search for a static web site: files that need no server
    Site(site::Args),
    /// Serve a web page and an HTTP API
    #[cfg(feature = "serve")]
    Serve(serve::Args),
    /// Show what the index holds
    Stats(stats::Args),
    /// List the synonyms and pins of the index, and those that have no effect
    Curation(curation::Args),
    /// List models, download one, or approve an endpoint
    #[cfg(any(feature = "fastembed", feature = "remote"))]
    Models(models::Args),
    /// Serve the Model Context Protocol on stdin and stdout
    #[cfg(feature = "mcp")]
    Mcp(mcp::Args),
    /// Measure search quality on judged queries
    Eval(eval::Args),
    /// Show the version, the index in use, and the environment, for a bug report
    Doctor(doctor::Args),
    /// Write a shell completion script
    Completions(shell::CompletionsArgs),
    /// Write the manual page
    Man(shell::ManArgs),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done; a search found an answer.
    Success,
    /// A search found no answer, or duplicates were found.
    Nothing,
    /// Done, but something was skipped. It is reported on stderr.
    Partial,
    /// The user left interactive search without a selection.
    Left,
}

impl Outcome {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Nothing => 1,
            Self::Partial => 2,
            // What a shell returns for a command that Ctrl-C ended.
            Self::Left => 130,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.status())
    }
}

/// Parses the arguments. Prints help or an error and ends the program if that is what they ask for.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Cli {
    let args = commands_first(args);
    let cli = Cli::try_parse_from(&args).unwrap_or_else(|mut error| {
        if is_phrase_like_command(&args, &error) {
            let words: Vec<_> = args[1..].iter().map(|word| word.to_string_lossy()).collect();
            let tip = format!("to search for this phrase, use 'rqsearch search {}'", words.join(" "));
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        } else if is_phrase_with_flag(&args, &error) {
            let tip = "to search for words that begin with '-', put '--' before the phrase: \
                       rqsearch -- what does -Wall do";
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        exit(&error)
    });
    Cli { is_bare: index_options_end(&args) == args.len(), ..cli }
}

/// Prints help, the version or an error of the arguments, and ends the program. Help that cannot be written is
/// an error, unless its reader wants no more of it.
fn exit(error: &clap::Error) -> ! {
    let printed = error.print().and_then(|()| io::stdout().flush());
    let is_lost = printed.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe);
    std::process::exit(if is_lost { 2 } else { error.exit_code() })
}

/// Whether an argument was not accepted because a phrase begins with the name of a command: only words follow.
fn is_phrase_like_command(args: &[OsString], error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidValue)
        && args.len() > 2
        && is_command(&args[1])
        && args[2..].iter().all(|word| !word.as_encoded_bytes().starts_with(b"-"))
}

/// Whether an argument was not accepted because a word of a phrase looks like an option, and not like a known one.
fn is_phrase_with_flag(args: &[OsString], error: &clap::Error) -> bool {
    error.kind() == ErrorKind::UnknownArgument
        && error.get(ContextKind::SuggestedArg).is_none()
        && args.get(1).is_some_and(|first| !is_command(first))
}

fn is_command(arg: &OsString) -> bool {
    arg.to_str().is_some_and(|arg| Cli::command().find_subcommand(arg).is_some())
}

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

/// The layout of text on stdout.
fn layout() -> Layout {
    let terminal = io::stdout().is_terminal();
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    Layout { width: terminal.then_some(width.clamp(30, 100)), escape: terminal }
}

/// Writes a file. One that exists is replaced when the new one is complete.
fn write_file(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<NamedTempFile>) -> io::Result<()>,
) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        let mut builder = tempfile::Builder::new();
        // The permissions of any other file: those of a temporary file are for its owner only.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut out = BufWriter::new(builder.tempfile_in(directory_of(path))?);
        content(&mut out)?;
        out.flush()?;
        out.into_inner()?.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}

/// A cell of text. Spreadsheets run cells that start with some characters as formulas, so such a cell gets an
/// apostrophe, which they do not show. On a terminal, control characters are escaped.
fn cell(text: &str) -> String {
    let apostrophe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{apostrophe}{}", layout().shown(text))
}

/// A noun in the singular for one, in the plural for any other count.
fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// Moves the options that stand before a command behind it: `--index DIR eval SET` means `eval --index DIR
/// SET`, and not the phrase "eval SET", as clap understands it where a phrase may be any words.
///
/// Only the options that name an index or a color are moved. After any other, the name of a command is a
/// word of the phrase.
fn commands_first(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let end = index_options_end(&args);
    if end > 1 && args.get(end).is_some_and(is_command) {
        let command = args.remove(end);
        args.insert(1, command);
    }
    args
}

/// The position of the first argument that is not an option that names an index or a color.
fn index_options_end(args: &[OsString]) -> usize {
    let mut at = 1;
    while let Some(arg) = args.get(at).and_then(|arg| arg.to_str()) {
        at += match arg {
            "--index" | "--color" => 2,
            "--builtin" => 1,
            _ if arg.starts_with("--index=") || arg.starts_with("--color=") => 1,
            _ => break,
        };
    }
    at.min(args.len())
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
    fn index_and_color_may_stand_before_a_command() {
        check("rqsearch --index a eval b", "rqsearch eval --index a b");
        check("rqsearch --index=a --builtin show b", "rqsearch show --index=a --builtin b");
        check("rqsearch eval --index a b", "rqsearch eval --index a b");
        check("rqsearch --index a how to index", "rqsearch --index a how to index");
        check("rqsearch --index a -n 3 index", "rqsearch --index a -n 3 index");
        check("rqsearch --index", "rqsearch --index");
        check("rqsearch", "rqsearch");
    }
}
