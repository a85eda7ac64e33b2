//! `rqsearch index [PATH…]`

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use super::model::{NetworkArgs, SettingsArgs, load_for_index};
use super::{IndexLocation, Outcome, plural, say};
use crate::embed::{self, Embedder, Loading, ModelInfo, ModelSpec, Prepare};
use crate::index::{Build, Index, OpenError, Problem, Progress, Summary};
use crate::search::retune;

/// How many files the summary names before it only counts them.
const FILES_NAMED: usize = 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files and folders of questions; without any, those that were indexed before
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Index words only: faster, and found only by the words that stand there
    #[arg(long, conflicts_with = "model")]
    keyword_only: bool,
    /// The model that makes the vectors: a name (see `rqsearch models`), a folder with an ONNX model, or
    /// an endpoint such as http://localhost:11434/v1#nomic-embed-text; an index of another model is embedded
    /// anew, and is searched as it was until that is done [default: the index's own, or builtin]
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelSpec>,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Read every file, whether it changed or not; what was embedded is not embedded again
    #[arg(long)]
    reread: bool,
    /// How many threads embed [default: all processors]
    #[arg(short = 'j', long, value_name = "N")]
    threads: Option<usize>,
}

pub fn run(args: &Args, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let dir = location.to_build()?;
    let paths = paths(args, &dir)?;
    let before = before(&dir)?;
    let embedder = embedder(args, before.as_ref())?;
    let embedder = embedder.as_deref();
    say_if_switched(before.as_ref(), embedder);
    let threads = args.threads.or_else(|| thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let progress = Progress::default();
    let bar = progress_bar();
    let problems = |problem: &Problem| bar.suspend(|| say(&format!("rqsearch: {problem}")));
    let build = Build {
        dir: &dir,
        paths: &paths,
        embedder,
        reread: args.reread,
        switch_model: args.model.is_some() || args.keyword_only,
        threads,
        problems: &problems,
        progress: Some(&progress),
    };
    let summary = thread::scope(|scope| {
        let building = scope.spawn(|| build.run());
        while !building.is_finished() {
            show_progress(&bar, &progress);
            thread::sleep(Duration::from_millis(if bar.is_hidden() { 10 } else { 80 }));
        }
        building.join().expect("the build does not panic")
    });
    bar.finish_and_clear();
    let summary = summary?;
    if let Some(embedder) = embedder {
        retune(&dir, embedder)?;
    }
    report(&summary, &dir, start.elapsed());
    Ok(if summary.problems > 0 { Outcome::Partial } else { Outcome::Success })
}

/// The index that is there; `None` where none is.
fn before(dir: &Path) -> anyhow::Result<Option<Index>> {
    match Index::open(dir) {
        Ok(index) => Ok(Some(index)),
        Err(OpenError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The model that was named, or the index's own, or the built-in one; `None` for words only.
fn embedder(args: &Args, before: Option<&Index>) -> anyhow::Result<Option<Box<dyn Embedder>>> {
    let loading = Loading { threads: args.threads, ..args.network.loading(Prepare::Many) };
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
        let name = |model: Option<&ModelInfo>| model.map_or("words only".to_owned(), ModelInfo::label);
        say(&format!(
            "from {} to {}: everything is indexed anew; until that is done, the index is searched as it was",
            name(old),
            name(new)
        ));
    }
}

/// What to read: what was named, or what the index remembers.
fn paths(args: &Args, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(missing) = args.paths.iter().find(|path| !path.exists()) {
        bail!(
            "{} does not exist\n  hint: to search for a phrase that begins with `index`, put it in quotes",
            missing.display()
        );
    }
    if !args.paths.is_empty() {
        return Ok(args.paths.clone());
    }
    match Index::open(dir) {
        Ok(index) => index.roots(),
        Err(_) => bail!("what should be indexed?\n  hint: rqsearch index docs/ questions.md"),
    }
}

fn progress_bar() -> ProgressBar {
    let style = "{spinner} {bar:24} {bytes}/{total_bytes}  {msg}  {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is valid");
    ProgressBar::new(0).with_style(style.progress_chars("━╸ "))
}

fn show_progress(bar: &ProgressBar, progress: &Progress) {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    bar.set_length(count(&progress.bytes));
    bar.set_position(count(&progress.bytes_done));
    let seconds = bar.elapsed().as_secs_f64().max(0.001);
    let rate = count(&progress.tokens) as f64 / seconds;
    bar.set_message(format!("{} questions, {rate:.0} tokens/s", HumanCount(count(&progress.questions))));
}

fn report(summary: &Summary, dir: &Path, took: Duration) {
    let (with, without): (Vec<_>, Vec<_>) =
        summary.files.iter().partition(|(_, counts)| counts.added + counts.kept + counts.removed > 0);
    for (path, counts) in with.iter().take(FILES_NAMED) {
        let all = counts.added + counts.kept;
        let mut line = format!("{all:>7} {:<9}  {path}", plural(all, "question"));
        if counts.kept > 0 || counts.removed > 0 {
            line += &format!("  ({} new, {} removed)", counts.added, counts.removed);
        }
        say(&line);
    }
    if with.len() > FILES_NAMED {
        say(&format!("        … and {} more files", with.len() - FILES_NAMED));
    }
    if let [(path, _)] = without.as_slice() {
        say(&format!("      0 questions  {path}"));
    } else if !without.is_empty() {
        say(&format!("{:>7} files without questions", without.len()));
    }
    for (count, what) in [(summary.unchanged_files, "unchanged"), (summary.removed_files, "gone")] {
        if count > 0 {
            say(&format!("{count:>7} {} {what}", plural(count, "file")));
        }
    }
    let took = if took < Duration::from_secs(60) {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        HumanDuration(took).to_string()
    };
    say(&format!(
        "{} {} in {}: {} {} written, {} embedded, in {took}",
        HumanCount(summary.questions),
        plural(summary.questions, "question"),
        dir.display(),
        HumanCount(summary.chunks),
        plural(summary.chunks, "chunk"),
        HumanCount(summary.embedded),
    ));
    if summary.problems > 0 {
        let problems = plural(summary.problems, "problem");
        say(&format!("rqsearch: {} {problems}, named above; the rest is indexed", summary.problems));
    }
}
