//! `rqsearch dups`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::HumanCount;

use super::batch::{self, Line};
use super::locate_index::IndexArgs;
use super::model::ModelArgs;
use super::streams::{say, stdout};
use super::{Outcome, cell, layout, plural};
use crate::duplicates::{Cache, Duplicates, Options, check, duplicates, map};
use crate::embed::Prepare;
use crate::index::Index;
use crate::pair::FITTED;
use crate::render::{graph, json, terminal};
use crate::search::Mode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 no duplicates, 1 duplicates found, 2 error.")]
pub struct Args {
    /// List the questions of the index that a new question duplicates. With -, read one question per line
    /// from stdin (plain, or {"_id": …, "text": …}) and write JSON Lines
    #[arg(long, value_name = "PHRASE", conflicts_with_all = ["within", "across", "top", "graph", "csv"])]
    check: Option<String>,
    /// Minimum probability, 0 to 1, that two questions ask the same
    #[arg(long, value_name = "P", value_parser = super::search::weight, default_value_t = FITTED.threshold)]
    threshold: f32,
    /// Only questions from files whose path contains TEXT
    #[arg(long, value_name = "TEXT")]
    within: Option<String>,
    /// Only pairs of questions from different files
    #[arg(long)]
    across: bool,
    /// List the N most probable pairs instead of groups
    #[arg(long, value_name = "N", value_parser = super::search::at_least_one)]
    top: Option<NonZeroUsize>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Write a table as CSV, one line per question of a group
    #[arg(long, conflicts_with_all = ["json", "top"])]
    csv: bool,
    /// Write a self-contained web page that shows the groups as a map
    #[arg(long, value_name = "FILE.html")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    index: IndexArgs,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    let index = location.open()?;
    match args.check.as_deref() {
        Some("-") => check_lines(args, &index),
        Some(phrase) => check_one(args, &index, phrase),
        None => list(args, &index),
    }
}

fn list(args: &Args, index: &Index) -> anyhow::Result<Outcome> {
    if index.meta().model.is_none() {
        say(
            "rqsearch: the index has keywords only; paraphrases are not found\n  hint: `rqsearch index --model builtin` adds embeddings",
        );
    }
    let options = Options { within: args.within.clone(), across: args.across, threshold: args.threshold, ..Options::default() };
    let found = duplicates(index, &options, &mut Cache::open(index))?;
    if let Some(path) = &args.graph {
        write_graph(path, index, &found, args.threshold)?;
        say(&format!("the map is in {}", path.display()));
    }
    let mut out = BufWriter::new(stdout());
    if args.json {
        let reply = json::DuplicatesReply::new(&found, args.threshold, args.top.map(NonZeroUsize::get));
        serde_json::to_writer(&mut out, &reply).map_err(io::Error::from)?;
        writeln!(out)?;
    } else if args.csv {
        write_csv(&mut out, &found)?;
    } else if let Some(top) = args.top {
        terminal::write_pairs(&mut out, &found, top.get(), layout())?;
    } else {
        terminal::write_groups(&mut out, &found, layout())?;
    }
    out.flush()?;
    let duplicates = found.groups.iter().map(|group| group.members.len() as u64).sum::<u64>();
    let groups = found.groups.len() as u64;
    say(&format!(
        "{} {}, {} in {groups} {}; {} phrasings compared, {} of them for the first time",
        HumanCount(found.questions.len() as u64),
        plural(found.questions.len() as u64, "question"),
        counted_duplicates(duplicates),
        plural(groups, "group"),
        HumanCount(found.compared.0 as u64),
        HumanCount(found.compared.1 as u64),
    ));
    Ok(outcome(found.groups.is_empty()))
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
    graph::write_graph(&mut out, &index.dir().display().to_string(), found, &positions, threshold)
        .and_then(|()| out.flush())
        .with_context(|| format!("could not write {}", path.display()))
}

fn write_csv(out: &mut impl Write, found: &Duplicates) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["group", "kind", "probability", "id", "title", "path", "line"])?;
    for (nth, group) in (1..).zip(&found.groups) {
        let canonical = (group.canonical, "canonical", 1.0);
        let others =
            group.members.iter().map(|member| (member.question, member.kind.name(), member.probability));
        for (question, kind, probability) in std::iter::once(canonical).chain(others) {
            let question = &found.questions[question];
            table.write_record([
                &nth.to_string(),
                kind,
                &format!("{probability:.4}"),
                &question.id,
                &cell(&question.title),
                &cell(&question.source.path),
                &question.source.line.to_string(),
            ])?;
        }
    }
    table.flush()?;
    Ok(())
}

fn check_one(args: &Args, index: &Index, phrase: &str) -> anyhow::Result<Outcome> {
    let mut found =
        check(index, args.model.open(index, Mode::Hybrid, Prepare::Once)?.embedder(), phrase, 0.0)?;
    let below = found.split_off(found.partition_point(|found| found.probability >= args.threshold));
    let mut out = BufWriter::new(stdout());
    if args.json {
        let reply = json::CheckReply::new(None, phrase, &found);
        serde_json::to_writer(&mut out, &reply).map_err(io::Error::from)?;
        writeln!(out)?;
    } else if found.is_empty() {
        match below.first() {
            Some(nearest) => {
                say("not a duplicate; closest question:");
                terminal::write_found(&mut out, std::slice::from_ref(nearest), layout())?;
            }
            None => say("not a duplicate"),
        }
    } else {
        terminal::write_found(&mut out, &found, layout())?;
    }
    out.flush()?;
    Ok(outcome(found.is_empty()))
}

fn check_lines(args: &Args, index: &Index) -> anyhow::Result<Outcome> {
    let model = args.model.open(index, Mode::Hybrid, Prepare::Many)?;
    let done = batch::run(Path::new("-"), |Line { id, text, .. }| {
        let found = check(index, model.embedder(), text, args.threshold)?;
        let reply = json::CheckReply::new(id.as_ref(), text, &found);
        Ok((serde_json::to_string(&reply)?, !found.is_empty()))
    })?;
    Ok(if done.refused { Outcome::Partial } else { outcome(!done.any) })
}
