//! `rqsearch completions` and `rqsearch man`.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, bail};
use clap::builder::Resettable;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;

use super::outcome::Outcome;
use super::streams::say;
use crate::embed::Builtin;
use crate::hint::hinted;
use crate::index::FORMAT;

const NAME: &str = "rqsearch";

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The command to describe [default: rqsearch itself]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// Write the pages of all commands to a directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// The optional features, and whether this program was built with them.
const FEATURES: [(&str, bool); 7] = [
    ("fastembed", cfg!(feature = "fastembed")),
    ("interactive", cfg!(feature = "interactive")),
    ("mcp", cfg!(feature = "mcp")),
    ("milvus", cfg!(feature = "milvus")),
    ("remote", cfg!(feature = "remote")),
    ("serve", cfg!(feature = "serve")),
    ("watch", cfg!(feature = "watch")),
];

/// The optional features that this program was built with.
pub fn features() -> Vec<&'static str> {
    FEATURES.into_iter().filter(|(_, built)| *built).map(|(name, _)| name).collect()
}

/// The version, with the built-in model, the index format and the features on the lines below.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let model = Builtin::info();
        let features = features();
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
    // Generated in memory, because the generator panics if a write fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut completed(command), NAME, &mut script);
    let mut script = String::from_utf8(script)?;
    if args.shell == Shell::Fish {
        // argparse fails if the value of an option is missing. In that case, no command was typed.
        script = script.replacen("\n    or return\n", "\n    or return 0\n", 1);
    }
    write(script.as_bytes())
}

/// The command line for completion scripts. It has no phrase argument, because zsh would then not complete
/// commands. Files are completed only for arguments that are paths.
fn completed(command: &Command) -> Command {
    let without_files = |arg: Arg| match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    };
    let options = command.get_arguments().filter(|arg| !arg.is_positional()).cloned();
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(options)
        // `--batch` conflicts with the phrase, which is not in this command.
        .mut_arg("batch", |arg| arg.conflicts_with(Resettable::Reset))
        .mut_args(without_files)
        .subcommands(command.get_subcommands().cloned().map(|command| command.mut_args(without_files)))
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
            None => bail!(hinted(
                format!("unknown command {name:?}"),
                "`rqsearch --help` lists the commands; `rqsearch search man …` searches for a phrase"
            )),
        },
    };
    let mut text = Vec::new();
    page(described).render(&mut text)?;
    if io::stdout().is_terminal() {
        say("rqsearch: this is the source of the manual page; to read it: rqsearch man | man -l -\n");
    }
    write(&text)
}

fn page(command: &Command) -> Man {
    Man::new(command.clone())
        // An empty date must be quoted. Otherwise the next field is read as the date.
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
    let mut out = super::streams::data();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(Outcome::Success)
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::FEATURES;

    #[test]
    fn the_version_names_each_feature_of_the_program() {
        let manifest: DocumentMut = include_str!("../../Cargo.toml").parse().unwrap();
        // What has no effect on the program by itself.
        let internal = ["default", "cli", "schema", "unified-build"];
        let declared = manifest["features"].as_table().unwrap().iter().map(|(name, _)| name);
        let mut declared: Vec<&str> = declared.filter(|name| !internal.contains(name)).collect();
        declared.sort();
        assert_eq!(declared, FEATURES.map(|(name, _)| name));
    }
}
