//! `rqsearch dups`

mod check;
mod decisions;
#[cfg(feature = "interactive")]
mod review;
mod tables;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;
use indicatif::HumanCount;

use super::locate_index::IndexArgs;
use super::model::ModelArgs;
use super::option_values::{at_least_one, weight};
use super::outcome::Outcome;
use super::streams::{say, stdout};
use super::text::{layout, plural};
use crate::duplicates::{Cache, Duplicates, Options, duplicates, map};
use crate::hint::hinted;
use crate::index::Index;
use crate::pair::FITTED;
use crate::render::duplicates::{Redirects, write_github, write_markdown, write_sarif};
use crate::render::{graph, json, terminal};
use decisions::Source;

/// What `dups` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Groups for a person to read
    #[default]
    Text,
    /// One JSON object
    Json,
    /// A table, one line per question of a group
    Csv,
    /// A report for a pull request, with a checklist for each group
    Markdown,
    /// Annotations of GitHub Actions, one per duplicate
    Github,
    /// SARIF 2.1.0 for code scanning, one result per group
    Sarif,
    /// Which question replaces each duplicate, as JSON; only if that is certain
    Redirects,
    /// The same as CSV
    RedirectsCsv,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 no duplicates but those that were decided to be the same, 1 duplicates found, 2 error."
)]
pub struct Args {
    /// List the questions of the index that a new question duplicates. With -, read one question per line
    /// from stdin (plain, or {"_id": …, "text": …}) and write JSON Lines
    #[arg(long, value_name = "PHRASE", conflicts_with_all = ["within", "across", "top", "graph", "csv", "review"])]
    check: Option<String>,
    /// Walk through the open groups in the terminal, and save a decision about each pair
    #[arg(long, conflicts_with_all = ["top", "json", "csv", "format", "graph"])]
    review: bool,
    /// Apply the decisions in this file; with --review, also save new ones there [default: duplicates.jsonl beside
    /// the index, if it exists]
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// With --review, the name to save with each decision
    #[arg(long, value_name = "NAME", requires = "review")]
    author: Option<String>,
    /// Minimum probability, 0 to 1, that two questions ask the same
    #[arg(long, value_name = "P", value_parser = weight, default_value_t = FITTED.threshold)]
    threshold: f32,
    /// Only questions from files whose path contains TEXT
    #[arg(long, value_name = "TEXT")]
    within: Option<String>,
    /// Only pairs of questions from different files
    #[arg(long)]
    across: bool,
    /// List the N most probable pairs instead of groups
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    top: Option<NonZeroUsize>,
    /// What to write [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The same as --format csv
    #[arg(long, conflicts_with_all = ["json", "top", "format"])]
    csv: bool,
    /// With --format markdown, the address before the path of each file, for example
    /// https://github.com/OWNER/REPO/blob/main/
    #[arg(long, value_name = "URL", requires = "format")]
    link_base: Option<String>,
    /// Write a self-contained web page that shows the groups as a map
    #[arg(long, value_name = "FILE.html")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    index: IndexArgs,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    args.ensure_format()?;
    let location = args.index.location();
    #[cfg(not(feature = "interactive"))]
    if args.review {
        bail!(hinted("this build has no interactive review", "edit the file of decisions"));
    }
    #[cfg(feature = "interactive")]
    if args.review {
        review::ensure_terminal()?;
    }
    let mut index = location.open()?;
    if args.check.is_none() {
        index = index.on_this_machine()?;
    }
    let source = Source::new(args.decisions.as_deref(), location)?;
    match args.check.as_deref() {
        Some("-") => check::check_lines(args, &index, &source.read()?),
        Some(phrase) => check::check_one(args, &index, phrase, &source.read()?),
        #[cfg(feature = "interactive")]
        None if args.review => review::run(args, &index, &source),
        None => list(args, &index, &source),
    }
}

impl Args {
    fn format(&self) -> Format {
        match (self.json, self.csv) {
            (true, _) => Format::Json,
            (_, true) => Format::Csv,
            _ => self.format.unwrap_or_default(),
        }
    }

    fn ensure_format(&self) -> anyhow::Result<()> {
        let format = self.format();
        let name = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let is_of_pairs = matches!(format, Format::Text | Format::Json);
        if self.check.is_some() && !is_of_pairs {
            bail!(hinted(format!("--check cannot be written as {name}"), "use --format json"));
        }
        if self.top.is_some() && !is_of_pairs {
            bail!(hinted(format!("--top lists pairs, and --format {name} has groups"), "use --format json"));
        }
        if self.link_base.is_some() && format != Format::Markdown {
            bail!(hinted(format!("--link-base has no effect on {name}"), "use --format markdown"));
        }
        Ok(())
    }

    fn options(&self) -> Options {
        Options {
            within: self.within.clone(),
            across: self.across,
            threshold: self.threshold,
            ..Options::default()
        }
    }
}

fn list(args: &Args, index: &Index, source: &Source) -> anyhow::Result<Outcome> {
    say_keywords_only(index);
    let options = Options { decisions: source.read()?, ..args.options() };
    let found = duplicates(index, &options, &mut Cache::open(index))?;
    if let Some(path) = &args.graph {
        write_graph(path, index, &found, args.threshold)?;
        say(&format!("the map is in {}", path.display()));
    }
    let mut out = BufWriter::new(stdout());
    write(&mut out, args, &options, &found)?;
    out.flush()?;
    source.say_unapplied(&found.unapplied);
    say(&summary(&found, source));
    Ok(outcome(!found.groups.iter().any(crate::duplicates::Group::is_open)))
}

fn say_keywords_only(index: &Index) {
    if index.meta().model.is_none() {
        say(
            "rqsearch: the index has keywords only; paraphrases are not found\n  hint: `rqsearch index --model builtin` adds embeddings",
        );
    }
}

fn write(out: &mut impl Write, args: &Args, options: &Options, found: &Duplicates) -> anyhow::Result<()> {
    match args.format() {
        Format::Text => match args.top {
            Some(top) => terminal::write_pairs(out, found, top.get(), layout())?,
            None => terminal::write_groups(out, found, layout())?,
        },
        Format::Json => {
            let reply = json::DuplicatesReply::new(found, args.threshold, args.top.map(NonZeroUsize::get));
            write_json(out, &reply)?;
        }
        Format::Csv => tables::write_groups(out, found)?,
        Format::Markdown => {
            let base = args.link_base.as_deref().unwrap_or_default();
            write_markdown(out, found, &options.decisions, base)?;
        }
        Format::Github => write_github(out, found)?,
        Format::Sarif => write_sarif(out, found)?,
        Format::Redirects => {
            let redirects = said(Redirects::new(found));
            serde_json::to_writer_pretty(&mut *out, &redirects.redirects).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Format::RedirectsCsv => tables::write_redirects(out, &said(Redirects::new(found)))?,
    }
    Ok(())
}

/// Says how many duplicates have no redirect.
fn said(redirects: Redirects<'_>) -> Redirects<'_> {
    let Redirects { open, shared, .. } = redirects;
    if open > 0 {
        say(&format!(
            "{} without a redirect, because it is not certain which question to keep\n  hint: decide with `rqsearch dups --review`",
            counted_duplicates(open as u64)
        ));
    }
    if shared > 0 {
        say(&format!(
            "{} without a redirect, because a question that is kept has the same web address",
            counted_duplicates(shared as u64)
        ));
    }
    redirects
}

fn write_json(out: &mut impl Write, reply: &impl serde::Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, reply).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// What was found, in one line.
fn summary(found: &Duplicates, source: &Source) -> String {
    let duplicates = found.groups.iter().map(|group| group.members.len() as u64).sum::<u64>();
    let groups = found.groups.len() as u64;
    let mut summary = format!(
        "{} {}, {} in {groups} {}; {} phrasings compared, {} of them for the first time",
        HumanCount(found.questions.len() as u64),
        plural(found.questions.len() as u64, "question"),
        counted_duplicates(duplicates),
        plural(groups, "group"),
        HumanCount(found.compared.0 as u64),
        HumanCount(found.compared.1 as u64),
    );
    if let Some(path) = source.path() {
        let applied = found.applied as u64;
        let open = found.groups.iter().filter(|group| group.is_open()).count();
        summary += &format!(
            "; {} {} of {} applied, {open} {} open",
            HumanCount(applied),
            plural(applied, "decision"),
            path.display(),
            plural(open as u64, "group"),
        );
    }
    summary
}

fn counted_duplicates(count: u64) -> String {
    format!("{count} {}", plural(count, "duplicate"))
}

fn outcome(is_empty: bool) -> Outcome {
    if is_empty { Outcome::Success } else { Outcome::Nothing }
}

fn write_graph(path: &Path, index: &Index, found: &Duplicates, threshold: f32) -> anyhow::Result<()> {
    let positions = map(index, found);
    let file = File::create(path).with_context(|| format!("could not write {}", path.display()))?;
    let mut out = BufWriter::new(file);
    let name = index.dir().display().to_string();
    let map = graph::Map { index: &name, positions: &positions, threshold, can_decide: false };
    graph::write_graph(&mut out, found, &map)
        .and_then(|()| out.flush())
        .with_context(|| format!("could not write {}", path.display()))
}
