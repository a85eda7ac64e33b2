//! `rqsearch models fetch`, `rqsearch models path`

use std::io::Write;
use std::path::Path;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::model::NetworkArgs;
use crate::cli::outcome::Outcome;
use crate::cli::streams::say;
use crate::embed::catalogue::Entry;
use crate::embed::hub::{self, Watcher};
use crate::embed::{Builtin, ModelSpec};
use crate::hint::hinted;

#[derive(Debug, clap::Args)]
pub struct FetchArgs {
    /// The model's name, from `rqsearch models`
    name: String,
    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, clap::Args)]
pub struct PathArgs {
    /// The model's name
    name: Option<String>,
}

pub fn fetch(args: &FetchArgs) -> anyhow::Result<Outcome> {
    let name = &args.name;
    match name.parse()? {
        ModelSpec::Builtin => {
            say(&format!("{} is inside the program: nothing to fetch", Builtin::info().name));
            return Ok(Outcome::Success);
        }
        ModelSpec::Named(_) => {}
        ModelSpec::Folder(_) => {
            bail!(hinted(
                format!("{name} is a directory, not a name"),
                format!("use it as it is: --model {name}")
            ))
        }
        ModelSpec::Endpoint { .. } => {
            bail!(hinted(
                format!("{name} is an endpoint, not a name"),
                format!("use it as it is: --model {name}")
            ))
        }
    }
    let entry = Entry::any(name)?;
    if let Some(path) = hub::find(entry) {
        say(&format!("{} is installed already: {}", entry.name, path.display()));
        return Ok(Outcome::Success);
    }
    if args.network.is_offline() {
        bail!(hinted(
            format!("could not fetch {}: --offline (or HF_HUB_OFFLINE) forbids the network", entry.name),
            "copy the model's directory to this machine, and name it with --model ./DIRECTORY"
        ));
    }
    let bar = Bar::new();
    let path = hub::fetch(entry, &bar);
    bar.0.finish_and_clear();
    say(&format!("{} is installed: {}", entry.name, path?.display()));
    Ok(Outcome::Success)
}

pub fn path(args: &PathArgs) -> anyhow::Result<Outcome> {
    let print = |path: &Path| writeln!(crate::cli::streams::data(), "{}", path.display());
    match args.name.as_deref() {
        None => print(&hub::cache()?.join("models"))?,
        Some(name) if matches!(name.parse()?, ModelSpec::Builtin) => {
            bail!("{} is inside the program: it has no directory", Builtin::info().name)
        }
        Some(name) => print(&Entry::any(name)?.folder()?.path)?,
    }
    Ok(Outcome::Success)
}

/// Shows the progress of a download.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let style = "{spinner} {bar:24} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(style).expect("the template is valid");
        Self(ProgressBar::new(0).with_style(style.progress_chars("━╸ ")))
    }
}

impl Watcher for Bar {
    fn begins(&self, file: &str, bytes: Option<u64>) {
        self.0.reset();
        self.0.set_length(bytes.unwrap_or(0));
        self.0.set_message(file.to_owned());
    }

    fn more(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}
