//! `rqsearch models`

use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;
use clap::Subcommand;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::model::NetworkArgs;
use super::{Outcome, say};
use crate::embed::catalogue::{CATALOGUE, Entry, Kind};
use crate::embed::hub::{self, Watcher};
use crate::embed::onnx::runtime;
use crate::embed::{Builtin, ModelSpec};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only models with this in their name, language or licence
    #[arg(value_name = "TEXT")]
    contains: Option<String>,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Download a model, check it, and keep it in the cache
    Fetch {
        /// Its name
        name: String,
        #[command(flatten)]
        network: NetworkArgs,
    },
    /// Say where a model lies on this machine; without a name, where models are kept
    Path {
        /// Its name
        name: Option<String>,
    },
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    match &args.command {
        None => list(args.contains.as_deref(), args.json),
        Some(Command::Fetch { name, network }) => fetch(name, network),
        Some(Command::Path { name }) => path(name.as_deref()),
    }
}

/// A line of the table.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    /// `embedding` or `reranker`.
    kind: &'static str,
    dimensions: Option<usize>,
    /// About how large it is.
    megabytes: u64,
    languages: &'static str,
    licence: &'static str,
    /// Where it lies, if it is on this machine.
    path: Option<String>,
}

fn rows() -> impl Iterator<Item = Row> {
    let builtin = Row {
        name: &Builtin::info().name,
        kind: "embedding",
        dimensions: Some(Builtin::info().dimensions),
        megabytes: 23,
        languages: "English",
        licence: "Apache-2.0",
        path: Some("(built in)".to_owned()),
    };
    std::iter::once(builtin).chain(CATALOGUE.iter().map(|entry| Row {
        name: entry.name,
        kind: match entry.kind {
            Kind::Embedding => "embedding",
            Kind::Reranker => "reranker",
        },
        dimensions: entry.dimensions,
        megabytes: entry.megabytes,
        languages: entry.languages,
        licence: entry.licence,
        path: hub::find(entry).map(|path| path.display().to_string()),
    }))
}

fn list(contains: Option<&str>, json: bool) -> anyhow::Result<Outcome> {
    let contains = contains.map(str::to_lowercase);
    let wanted = |row: &Row| {
        let texts = [row.name, row.kind, row.languages, row.licence];
        contains.as_ref().is_none_or(|part| texts.iter().any(|text| text.to_lowercase().contains(part)))
    };
    let rows: Vec<Row> = rows().filter(wanted).collect();
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    if json {
        for row in &rows {
            writeln!(out, "{}", serde_json::to_string(row)?)?;
        }
    } else if rows.is_empty() {
        say("no model has that in its name, language or licence");
    } else {
        write_table(&mut out, &rows)?;
    }
    out.flush()?;
    if !json {
        say_how();
    }
    Ok(if rows.is_empty() { Outcome::Nothing } else { Outcome::Success })
}

fn write_table(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut kind = "";
    for row in rows {
        if row.kind != kind {
            kind = row.kind;
            let title = if kind == "embedding" { "for --model" } else { "for --rerank" };
            writeln!(out, "{title:<width$}  dim     size  here  licence       languages")?;
        }
        let dimensions = row.dimensions.map(|dimensions| dimensions.to_string()).unwrap_or_default();
        let size = HumanBytes(row.megabytes * 1_000_000).to_string();
        let here = match row.path {
            Some(_) => "yes",
            None => "",
        };
        writeln!(
            out,
            "{:<width$}  {dimensions:>4}  ~{:>7}  {here:<4}  {:<12}  {}",
            row.name,
            size.replace(" MiB", " MB").replace(" GiB", " GB"),
            row.licence,
            row.languages,
        )?;
    }
    Ok(())
}

/// What else there is to know: whether models other than the built-in one could run at all.
fn say_how() {
    match runtime::find() {
        Ok(library) => say(&format!("\nONNX Runtime: {}", library.display())),
        Err(error) => say(&format!("\nAll but the built-in model need ONNX Runtime: {error}")),
    }
    say(
        "A folder with model.onnx and tokenizer.json, and an endpoint (http://…/v1#name) are models as well.",
    );
}

fn fetch(name: &str, network: &NetworkArgs) -> anyhow::Result<Outcome> {
    match name.parse()? {
        ModelSpec::Builtin => {
            say("it is in the program: there is nothing to fetch");
            return Ok(Outcome::Success);
        }
        ModelSpec::Named(_) => {}
        ModelSpec::Folder(_) | ModelSpec::Endpoint { .. } => {
            bail!("{name} is used as it is: there is nothing to fetch")
        }
    }
    let entry = Entry::any(name)?;
    if let Some(path) = hub::find(entry) {
        say(&format!("{} is here already: {}", entry.name, path.display()));
        return Ok(Outcome::Success);
    }
    if network.is_offline() {
        bail!("{} is not on this machine, and --offline (or HF_HUB_OFFLINE) forbids to get it", entry.name);
    }
    let bar = Bar::new();
    let path = hub::fetch(entry, &bar);
    bar.0.finish_and_clear();
    say(&format!("{} is here: {}", entry.name, path?.display()));
    Ok(Outcome::Success)
}

fn path(name: Option<&str>) -> anyhow::Result<Outcome> {
    let shown = |path: &Path| writeln!(io::stdout(), "{}", path.display());
    match name {
        None => shown(&hub::cache()?.join("models"))?,
        Some(name) if matches!(name.parse()?, ModelSpec::Builtin) => {
            bail!("it is in the program: no file holds it")
        }
        Some(name) => shown(&Entry::any(name)?.folder()?.path)?,
    }
    Ok(Outcome::Success)
}

/// Shows a download.
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
