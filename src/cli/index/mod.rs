//! `rqsearch index [PATH…]`

mod report;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::dry_run;
use super::hints::report_problem;
use super::locate_index::BuildArgs;
use super::model::{NetworkArgs, SettingsArgs, load_for_index};
use super::option_values::{at_least_one, parsed};
use super::outcome::Outcome;
use super::streams::say;
use super::text::plural;
use crate::embed::{self, Embedder, Loading, ModelInfo, ModelSpec, Prepare};
use crate::hint::hinted;
use crate::index::{
    AUTO, Build, Index, Missing, NeedsCopy, OpenError, Problem, Progress, STDIN, Shard, Summary,
};
#[cfg(feature = "milvus")]
use crate::index::{finish_shards, is_cluster_address};
use crate::read::{self, Assignment};
use crate::search::retune;
use report::{report, report_shard, report_unread, suggest_search};

#[cfg(feature = "watch")]
pub(super) use report::counted;
pub(super) use report::report_missing;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, directories, and http(s) addresses of pages or sitemaps to read; - for standard input [default: those that the index was built from]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The format of the files, or auto to detect it by extension and content. The index remembers it for the
    /// paths [default: that of the last time, or auto]
    #[arg(long, value_name = "NAME", value_parser = format_names(), requires = "paths")]
    format: Option<String>,
    /// The keys or columns of records that hold the parts of a question: question, answer, id, section, level,
    /// tags, url, score, also, date. A nested key is a path (meta.topic), and a column also has a number. The index
    /// remembers this for the paths; `none` removes it
    #[arg(
        long,
        value_name = "PART=KEY,…",
        value_delimiter = ',',
        value_parser = assignment,
        requires = "paths"
    )]
    map: Vec<MapArg>,
    /// Index documents without questions too, each as one entry: its title, its headings as other titles, and its
    /// whole text as the answer. The index remembers this for the paths; --articles=false removes it
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        requires = "paths"
    )]
    articles: Option<bool>,
    /// Print how each file would be read, and write nothing: its format, what marks its questions and why, their
    /// number and first titles, and the share of the text that is in them
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run, write one JSON object per file
    #[arg(long, requires = "dry_run")]
    json: bool,
    /// List the files without questions
    #[arg(short, long)]
    verbose: bool,
    /// Build an index for keyword search only, without embeddings. This is faster
    #[arg(long, conflicts_with = "model")]
    keyword_only: bool,
    /// The embedding model: a name (see `rqsearch models`), a directory with an ONNX model, or an endpoint
    /// such as http://localhost:11434/v1#nomic-embed-text. If the index has another model, every question is
    /// embedded again; until that is done, searches use the old one [default: that of the index, or builtin]
    #[arg(long, value_name = "MODEL", value_parser = parsed::<ModelSpec>)]
    model: Option<ModelSpec>,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Read every file again, also unchanged ones. Unchanged text keeps its embedding
    #[arg(long)]
    reread: bool,
    /// Use N threads [default: the number of processors]
    #[arg(short = 'j', long, value_name = "N", value_parser = at_least_one)]
    threads: Option<NonZeroUsize>,
    /// Keep the questions of files that no longer exist. Otherwise they are removed
    #[arg(long)]
    keep_missing: bool,
    /// Remove the questions of files that no longer exist, also if all files of a directory are gone. Without
    /// this option, such a directory is an error, since a disk may not be mounted
    #[arg(long, conflicts_with = "keep_missing")]
    remove_missing: bool,
    /// Write only part I of N of the questions, for N workers that write an index in a cluster at the same time. When all
    /// have finished, `rqsearch index --finish` completes it
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Complete an index in a cluster that several workers have written
    #[arg(long, conflicts_with_all = ["paths", "shard", "model", "keyword_only", "reread", "dry_run"])]
    finish: bool,
    #[command(flatten)]
    index: BuildArgs,
}

/// A value of `--map`.
#[derive(Clone, Debug)]
enum MapArg {
    None,
    Assignment(Assignment),
}

impl MapArg {
    fn assignment(&self) -> Option<Assignment> {
        match self {
            Self::None => None,
            Self::Assignment(assignment) => Some(assignment.clone()),
        }
    }
}

fn assignment(text: &str) -> Result<MapArg, String> {
    if text == "none" { Ok(MapArg::None) } else { text.parse().map(MapArg::Assignment) }
}

fn format_names() -> PossibleValuesParser {
    PossibleValuesParser::new([AUTO].into_iter().chain(read::FORMATS.iter().map(|format| format.name)))
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let location = args.index.location();
    let dir = location.to_build()?;
    if args.finish {
        return finish(args, &dir);
    }
    let before = before(&dir)?;
    let (paths, map) = (paths(args, before.as_ref())?, map(args)?);
    let options = Build {
        format: args.format.as_deref(),
        map: map.as_deref(),
        articles: args.articles,
        offline: args.network.is_offline(),
        ..Build::new(&dir, &paths)
    };
    if args.dry_run {
        NeedsCopy::ensure_directory(&dir, "--dry-run")?;
        return dry_run::run(&options, args.json, args.verbose);
    }
    let embedder = embedder(args, before.as_ref())?;
    let embedder = embedder.as_deref();
    say_if_switched(before.as_ref(), embedder);
    let summary = run_with_progress(&Build {
        missing: missing(args),
        embedder,
        reread: args.reread,
        switch_model: args.model.is_some() || args.keyword_only,
        threads: args.threads.map_or(options.threads, Into::into),
        shard: args.shard,
        ..options
    })?;
    let outcome = if summary.problems > 0 { Outcome::Partial } else { Outcome::Success };
    if let Some(shard) = args.shard {
        report_shard(shard, summary.questions);
        return Ok(outcome);
    }
    if let Some(embedder) = embedder {
        retune(&dir, embedder)?;
    }
    let index =
        Index::open_patiently(&dir).context("the index is updated, but it could not be opened again")?;
    report(&summary, &dir, start.elapsed(), args.verbose);
    report_missing(&summary, args.keep_missing);
    report_unread(&index)?;
    suggest_search(&index, location)?;
    Ok(outcome)
}

/// Runs a build. Shows its progress and its problems.
fn run_with_progress(build: &Build<'_>) -> anyhow::Result<Summary> {
    let (progress, bar) = (Progress::default(), progress_bar());
    let problems = |problem: &Problem| bar.suspend(|| report_problem(problem));
    let build = Build { problems: &problems, progress: Some(&progress), ..*build };
    let summary = thread::scope(|scope| {
        let building = scope.spawn(|| build.run());
        while !building.is_finished() {
            thread::sleep(Duration::from_millis(if bar.is_hidden() { 10 } else { 80 }));
            show_progress(&bar, &progress);
        }
        building.join().expect("the build does not panic")
    });
    bar.finish_and_clear();
    summary
}

/// Completes an index in a cluster that several workers have written.
#[cfg(feature = "milvus")]
fn finish(args: &Args, address: &Path) -> anyhow::Result<Outcome> {
    if !is_cluster_address(address) {
        bail!(hinted(
            "only an index in a cluster is written in parts",
            "--index milvus://HOST:PORT/COLLECTION"
        ));
    }
    let questions = finish_shards(address)?;
    if let Some(embedder) = embedder(args, before(address)?.as_ref())? {
        retune(address, &*embedder)?;
    }
    say(&format!("rqsearch: {} has {questions} {}", address.display(), plural(questions, "question")));
    Ok(Outcome::Success)
}

#[cfg(not(feature = "milvus"))]
fn finish(_: &Args, address: &Path) -> anyhow::Result<Outcome> {
    // An address is refused with the reason; for a directory, there is nothing to finish.
    Index::open(address)?;
    bail!(hinted("only an index in a cluster is written in parts", "--index milvus://HOST:PORT/COLLECTION"));
}

fn missing(args: &Args) -> Missing {
    match (args.keep_missing, args.remove_missing) {
        (true, _) => Missing::Keep,
        (_, true) => Missing::RemoveAll,
        _ => Missing::Remove,
    }
}

/// The assignments of `--map`; `None` if it was not given, and none of them for `--map none`.
fn map(args: &Args) -> anyhow::Result<Option<Vec<Assignment>>> {
    let map: Vec<Assignment> = args.map.iter().filter_map(MapArg::assignment).collect();
    if map.len() < args.map.len() && args.map.len() > 1 {
        bail!("--map none cannot be combined with other values");
    }
    Ok((!args.map.is_empty()).then_some(map))
}

/// The index that exists already, if any.
fn before(dir: &Path) -> anyhow::Result<Option<Index>> {
    match Index::open_patiently(dir) {
        Ok(index) => Ok(Some(index)),
        Err(OpenError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The named model, or that of the index, or the built-in one; `None` for keyword search only.
fn embedder(args: &Args, before: Option<&Index>) -> anyhow::Result<Option<Box<dyn Embedder>>> {
    let loading = Loading { threads: args.threads.map(Into::into), ..args.network.loading(Prepare::Many) };
    match (&args.model, before) {
        _ if args.keyword_only => Ok(None),
        (Some(spec), _) => load_for_index(spec, &(&args.settings).into(), loading).map(Some),
        (None, Some(index)) => {
            index.meta().model.as_ref().map(|model| embed::open(model, None, loading)).transpose()
        }
        (None, None) => embed::load(&ModelSpec::Builtin, &(&args.settings).into(), loading).map(Some),
    }
}

fn say_if_switched(before: Option<&Index>, embedder: Option<&dyn Embedder>) {
    let Some(index) = before else { return };
    let (old, new) = (index.meta().model.as_ref(), embedder.map(Embedder::model));
    let same = match (old, new) {
        (Some(old), Some(new)) => old.is_same(new),
        (None, None) => true,
        _ => false,
    };
    if !same {
        let name =
            |model: Option<&ModelInfo>| model.map_or("keyword search only".to_owned(), ModelInfo::label);
        say(&format!(
            "rqsearch: changing the model from {} to {}; searches use the old one until this is done",
            name(old),
            name(new)
        ));
    }
}

/// The paths to read: the named ones, or those that the index was built from.
fn paths(args: &Args, before: Option<&Index>) -> anyhow::Result<Vec<PathBuf>> {
    let is_url = |path: &PathBuf| path.to_str().is_some_and(read::is_url);
    // The index may have questions of a file that no longer exists.
    let known = before.map_or(Ok(Vec::new()), Index::roots)?;
    let is_known = |path: &Path| std::path::absolute(path).is_ok_and(|path| known.contains(&path));
    let is_missing = |path: &&PathBuf| *path != STDIN && !is_url(path) && !path.exists() && !is_known(path);
    if let Some(missing) = args.paths.iter().find(is_missing) {
        let is_word = missing.components().count() == 1 && missing.extension().is_none();
        let message = format!("{} does not exist", missing.display());
        match is_word {
            true => {
                bail!(hinted(message, "to search for a phrase that begins with `index`, put it in quotes"))
            }
            false => bail!(message),
        }
    }
    match before {
        _ if !args.paths.is_empty() => Ok(args.paths.clone()),
        Some(index) => {
            if index.meta().roots.iter().any(|root| root == STDIN) {
                say("rqsearch: the questions from standard input are kept; `rqsearch index -` replaces them");
            }
            let mut roots = known;
            if args.network.is_offline() && roots.iter().any(is_url) {
                say(
                    "rqsearch: the questions from the web are kept as they are: --offline forbids the network",
                );
                roots.retain(|root| !is_url(root));
            }
            Ok(roots)
        }
        None => bail!(hinted("no files to index", "rqsearch index docs/ questions.md")),
    }
}

pub(super) fn progress_bar() -> ProgressBar {
    let style = "{spinner} {wide_bar} {percent:>3}%  {msg}  {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is valid");
    ProgressBar::new(0).with_style(style.progress_chars("━╸ "))
}

pub(super) fn show_progress(bar: &ProgressBar, progress: &Progress) {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    bar.set_length(count(&progress.bytes));
    bar.set_position(count(&progress.bytes_done));
    let questions = count(&progress.questions);
    let rate = questions as f64 / bar.elapsed().as_secs_f64().max(0.001);
    bar.set_message(format!("{} {} ({rate:.0}/s)", HumanCount(questions), plural(questions, "question")));
}
