//! `rqsearch dups`

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::model::ModelArgs;
use super::{IndexLocation, Outcome, layout, plural, say};
use crate::duplicates::{Cache, Duplicates, Options, check, duplicates, map};
use crate::embed::Prepare;
use crate::index::Index;
use crate::pair::FITTED;
use crate::render::{graph, json, terminal};
use crate::search::Mode;
use crate::worker_threads;

/// How many phrases are checked before what was found is written.
const BATCH: usize = 64;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 no duplicates, 1 duplicates found, 2 error.")]
pub struct Args {
    /// Say which questions of the index a new one repeats; - reads one a line (a phrase, or
    /// {"_id", "text"}) and writes JSON Lines
    #[arg(long, value_name = "PHRASE", conflicts_with_all = ["within", "across", "top", "graph", "csv"])]
    check: Option<String>,
    /// How likely two questions have to ask the same, 0 to 1
    #[arg(long, value_name = "P", value_parser = super::search::weight, default_value_t = FITTED.threshold)]
    threshold: f32,
    /// Only questions from files whose path contains this
    #[arg(long, value_name = "TEXT")]
    within: Option<String>,
    /// Only pairs of different files
    #[arg(long)]
    across: bool,
    /// List the N likeliest pairs instead of groups
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Write a table: a line a question of each group
    #[arg(long, conflicts_with_all = ["json", "top"])]
    csv: bool,
    /// Write a page that shows the groups as a map; it needs nothing else to be looked at
    #[arg(long, value_name = "FILE.html")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let index = location.open()?;
    match args.check.as_deref() {
        Some("-") => check_lines(args, &index),
        Some(phrase) => check_one(args, &index, phrase),
        None => list(args, &index),
    }
}

fn list(args: &Args, index: &Index) -> anyhow::Result<Outcome> {
    if index.meta().model.is_none() {
        say("rqsearch: the index has keywords only: repeats are found, other words for the same are not");
    }
    let options = Options { within: args.within.clone(), across: args.across, threshold: args.threshold };
    let found = duplicates(index, &options, &mut Cache::open(index))?;
    if let Some(path) = &args.graph {
        write_graph(path, index, &found, args.threshold)?;
    }
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    if args.json {
        let reply = json::DuplicatesReply::new(&found, args.threshold, args.top);
        serde_json::to_writer(&mut out, &reply).map_err(io::Error::from)?;
        writeln!(out)?;
    } else if args.csv {
        write_csv(&mut out, &found)?;
    } else if let Some(top) = args.top {
        terminal::write_pairs(&mut BufWriter::new(&mut out), &found, top, layout())?;
    } else {
        terminal::write_groups(&mut BufWriter::new(&mut out), &found, layout())?;
    }
    out.flush()?;
    let more = found.groups.iter().map(|group| group.members.len() as u64).sum::<u64>();
    let groups = found.groups.len() as u64;
    say(&format!(
        "{more} of {} {} ask what another one asks, in {groups} {} ({} phrasings compared, {} of them new)",
        found.questions.len(),
        plural(found.questions.len() as u64, "question"),
        plural(groups, "group"),
        found.compared.0,
        found.compared.1,
    ));
    Ok(outcome(found.groups.is_empty()))
}

fn outcome(none: bool) -> Outcome {
    if none { Outcome::Success } else { Outcome::Nothing }
}

fn write_graph(path: &Path, index: &Index, found: &Duplicates, threshold: f32) -> anyhow::Result<()> {
    let places = map(index, found)?;
    let file = File::create(path).with_context(|| format!("could not write {}", path.display()))?;
    let mut out = BufWriter::new(file);
    graph::write_graph(&mut out, &index.dir().display().to_string(), found, &places, threshold)
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
                &question.title,
                &question.source.path,
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
    let far = found.split_off(found.partition_point(|found| found.probability >= args.threshold));
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    if args.json {
        let reply = json::CheckReply::new(None, phrase, &found);
        serde_json::to_writer(&mut out, &reply).map_err(io::Error::from)?;
        writeln!(out)?;
    } else if found.is_empty() {
        match far.first() {
            Some(nearest) => {
                say("no question asks this; the nearest:");
                terminal::write_found(&mut out, std::slice::from_ref(nearest), layout())?;
            }
            None => say("no question asks this"),
        }
    } else {
        terminal::write_found(&mut out, &found, layout())?;
    }
    out.flush()?;
    Ok(outcome(found.is_empty()))
}

fn check_lines(args: &Args, index: &Index) -> anyhow::Result<Outcome> {
    let model = args.model.open(index, Mode::Hybrid, Prepare::Many)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut lines = io::stdin().lock().lines();
    let (mut any, mut refused) = (false, false);
    loop {
        let batch: Vec<String> =
            lines.by_ref().take(BATCH).collect::<io::Result<_>>().context("could not read the phrases")?;
        if batch.is_empty() {
            return Ok(if refused { Outcome::Partial } else { outcome(!any) });
        }
        let batch: Vec<&String> = batch.iter().filter(|line| !line.trim().is_empty()).collect();
        let answers = worker_threads::map(&batch, |line| {
            let line = super::search::Line::parse(line)?;
            let found = check(index, model.embedder(), &line.text, args.threshold)?;
            anyhow::Ok((
                serde_json::to_string(&json::CheckReply::new(line.id.as_ref(), &line.text, &found))?,
                found,
            ))
        });
        for answer in answers {
            match answer {
                Ok((reply, found)) => {
                    any |= !found.is_empty();
                    writeln!(out, "{reply}")?;
                }
                Err(error) => {
                    refused = true;
                    let error = json::BatchError { id: None, error: format!("{error:#}") };
                    writeln!(out, "{}", serde_json::to_string(&error)?)?;
                }
            }
        }
        out.flush()?;
    }
}
