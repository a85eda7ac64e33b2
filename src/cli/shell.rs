//! `rqsearch completions` and `rqsearch man`: the command line, described to shells and to `man`.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, bail};
use clap::builder::Resettable;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Outcome, say};
use crate::embed::Builtin;
use crate::index::FORMAT;

const NAME: &str = "rqsearch";

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell that completes
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The command to describe; rqsearch itself, if none is named
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// Write the pages of all commands into a folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// The version, and below it what this program was built of.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let model = Builtin::info();
        let features = [
            ("fastembed", cfg!(feature = "fastembed")),
            ("interactive", cfg!(feature = "interactive")),
            ("mcp", cfg!(feature = "mcp")),
            ("remote", cfg!(feature = "remote")),
            ("serve", cfg!(feature = "serve")),
        ];
        let features: Vec<&str> =
            features.iter().filter(|(_, built)| *built).map(|(name, _)| *name).collect();
        format!(
            "{}\nmodel: {} ({})\nindex format: {FORMAT}\nfeatures: {}",
            env!("CARGO_PKG_VERSION"),
            model.name,
            model.fingerprint,
            if features.is_empty() { "none".into() } else { features.join(", ") },
        )
    });
    &VERSION
}

pub fn completions(args: &CompletionsArgs, command: &Command) -> anyhow::Result<Outcome> {
    // By way of memory: a pipe that closes is no panic then.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut completed(command), NAME, &mut script);
    let mut script = String::from_utf8(script)?;
    if args.shell == Shell::Fish {
        // While an option's value is being typed, argparse fails over what lacks it; no command was typed then.
        script = script.replacen("\n    or return\n", "\n    or return 0\n", 1);
    }
    write(script.as_bytes())
}

/// The command line as shells complete it: where a phrase may stand they offer commands, since zsh would
/// offer either; and no files where there are only words.
fn completed(command: &Command) -> Command {
    let words = |arg: Arg| match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    };
    let options = command.get_arguments().filter(|arg| !arg.is_positional()).cloned();
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(options)
        // There is no phrase any more.
        .mut_arg("batch", |arg| arg.conflicts_with(Resettable::Reset))
        .mut_args(words)
        .subcommands(command.get_subcommands().cloned().map(|command| command.mut_args(words)))
}

pub fn man(args: &ManArgs, mut command: Command) -> anyhow::Result<Outcome> {
    command.build();
    if let Some(dir) = &args.dir {
        return write_pages(&command, dir);
    }
    let described = match &args.command {
        None => &command,
        Some(name) => match command.find_subcommand(name) {
            Some(described) => described,
            None => bail!(
                "there is no command {name}\n  hint: to search for a phrase that begins with `man`, use `rqsearch search man …`"
            ),
        },
    };
    let mut text = Vec::new();
    page(described).render(&mut text)?;
    if io::stdout().is_terminal() {
        say("rqsearch: this is what man reads: rqsearch man | man -l -\n");
    }
    write(&text)
}

fn page(command: &Command) -> Man {
    Man::new(command.clone())
        // An empty one has to be quoted, or else what follows is taken for it.
        .date("\"\"")
        .source(concat!("rqsearch ", env!("CARGO_PKG_VERSION")))
        .manual(NAME)
}

fn write_pages(command: &Command, dir: &Path) -> anyhow::Result<Outcome> {
    let context = || format!("could not write to {}", dir.display());
    fs::create_dir_all(dir).with_context(context)?;
    for command in std::iter::once(command).chain(command.get_subcommands()) {
        page(command).generate_to(dir).with_context(context)?;
    }
    Ok(Outcome::Success)
}

fn write(bytes: &[u8]) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(Outcome::Success)
}
