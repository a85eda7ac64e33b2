//! The arguments of the program, and which command they name.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ColorChoice, CommandFactory, Parser, Subcommand};

#[cfg(feature = "mcp")]
use super::mcp;
#[cfg(any(feature = "fastembed", feature = "remote"))]
use super::models;
#[cfg(feature = "serve")]
use super::serve;
#[cfg(feature = "watch")]
use super::watch;
use super::{
    check, copy, curation, doctor, dups, eval, export, gaps, index, related, search, shell, show, site,
    snapshot, stats,
};

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
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) search: search::Args,
    /// When to use colors
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(super) color: ColorChoice,
    /// Neither a phrase nor an option of a search was typed.
    #[arg(skip)]
    pub(super) is_bare: bool,
}

/// A command with its arguments.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
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
