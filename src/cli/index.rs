//! `rqsearch index [PATH…]`

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use super::locate_index::BuildArgs;
use super::model::{NetworkArgs, SettingsArgs, load_for_index};
use super::{IndexLocation, Outcome, dry_run, plural, say};
use crate::analyze::Language;
use crate::embed::{self, Embedder, Loading, ModelInfo, ModelSpec, Prepare};
use crate::index::{
    AUTO, Build, Index, Missing, NeedsCopy, OpenError, Problem, Progress, STDIN, Shard, Summary,
};
#[cfg(feature = "milvus")]
use crate::index::{finish_shards, is_cluster_address};
use crate::read::{self, Assignment};
use crate::search::retune;

/// The smallest model of the catalogue that reads most languages.
const MULTILINGUAL: &str = "multilingual-e5-small";

/// How many files the summary names. The others are counted.
const FILES_NAMED: usize = 20;

/// How many characters of a question the example of a search takes at most.
const EXAMPLE: usize = 60;

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
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelSpec>,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Read every file again, also unchanged ones. Unchanged text keeps its embedding
    #[arg(long)]
    reread: bool,
    /// Use N threads [default: the number of processors]
    #[arg(short = 'j', long, value_name = "N", value_parser = super::search::at_least_one)]
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
    let paths = paths(args, before.as_ref())?;
    let embedder = if args.dry_run { None } else { embedder(args, before.as_ref())? };
    let embedder = embedder.as_deref();
    let map = map(args)?;
    if args.dry_run {
        NeedsCopy::ensure_directory(&dir, "--dry-run")?;
        let build = Build {
            format: args.format.as_deref(),
            map: map.as_deref(),
            articles: args.articles,
            offline: args.network.is_offline(),
            ..Build::new(&dir, &paths)
        };
        return dry_run::run(&build, args.json, args.verbose);
    }
    say_if_switched(before.as_ref(), embedder);
    let threads = args.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, Into::into);
    let progress = Progress::default();
    let bar = progress_bar();
    let problems = |problem: &Problem| bar.suspend(|| say(&format!("rqsearch: {problem}")));
    let build = Build {
        dir: &dir,
        paths: &paths,
        missing: missing(args),
        format: args.format.as_deref(),
        map: map.as_deref(),
        articles: args.articles,
        embedder,
        reread: args.reread,
        switch_model: args.model.is_some() || args.keyword_only,
        offline: args.network.is_offline(),
        threads,
        problems: &problems,
        progress: Some(&progress),
        hashes: None,
        cancel: None,
        shard: args.shard,
    };
    let summary = thread::scope(|scope| {
        let building = scope.spawn(|| build.run());
        while !building.is_finished() {
            thread::sleep(Duration::from_millis(if bar.is_hidden() { 10 } else { 80 }));
            show_progress(&bar, &progress);
        }
        building.join().expect("the build does not panic")
    });
    bar.finish_and_clear();
    let summary = summary?;
    if let Some(shard) = args.shard {
        report_shard(shard, summary.questions);
        return Ok(if summary.problems > 0 { Outcome::Partial } else { Outcome::Success });
    }
    if let Some(embedder) = embedder {
        retune(&dir, embedder)?;
    }
    let index = Index::open(&dir).context("the index is updated, but it could not be opened again")?;
    report(&summary, &dir, start.elapsed(), args.verbose);
    report_missing(&summary, args.keep_missing);
    report_unread(&index)?;
    suggest_search(&index, location)?;
    Ok(if summary.problems > 0 { Outcome::Partial } else { Outcome::Success })
}

fn report_shard(shard: Shard, questions: u64) {
    say(&format!(
        "rqsearch: part {shard} is written, with {questions} new {}; when all parts are, run `rqsearch index --finish`",
        plural(questions, "question")
    ));
}

/// Completes an index in a cluster that several workers have written.
#[cfg(feature = "milvus")]
fn finish(args: &Args, address: &Path) -> anyhow::Result<Outcome> {
    if !is_cluster_address(address) {
        bail!(
            "only an index in a cluster is written in parts\n  hint: --index milvus://HOST:PORT/COLLECTION"
        );
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
    bail!("only an index in a cluster is written in parts\n  hint: --index milvus://HOST:PORT/COLLECTION");
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
    match Index::open(dir) {
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
        let hint = match is_word {
            true => "\n  hint: to search for a phrase that begins with `index`, put it in quotes",
            false => "",
        };
        bail!("{} does not exist{hint}", missing.display());
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
        None => bail!("no files to index\n  hint: rqsearch index docs/ questions.md"),
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

/// Reports on stderr what a build did.
fn report(summary: &Summary, dir: &Path, took: Duration, verbose: bool) {
    report_files(summary, verbose);
    let took = if took < Duration::from_secs(60) {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        HumanDuration(took).to_string()
    };
    say(&format!(
        "{} in {} ({} written, {} embedded, {took})",
        counted(summary.questions, "question"),
        dir.display(),
        counted(summary.chunks, "chunk"),
        HumanCount(summary.embedded),
    ));
    let formats = by_format(summary);
    if formats.len() > 1 {
        let formats = formats.iter().map(|(format, questions)| format!("{questions} {format}"));
        say(&format!("  by format: {}", formats.collect::<Vec<_>>().join(", ")));
    }
    let skipped = [
        (summary.failed_files, "could not be read or not to the end (see above)"),
        (summary.unrecognized.len() as u64, "without a layout of questions and answers"),
    ];
    let skipped = skipped.iter().filter(|(count, _)| *count > 0);
    let skipped: Vec<String> =
        skipped.map(|(count, why)| format!("{} {why}", counted(*count, "file"))).collect();
    if !skipped.is_empty() {
        say(&format!("  skipped: {}", skipped.join(", ")));
    }
    if summary.problems > summary.failed_files {
        let records = counted(summary.problems - summary.failed_files, "record");
        say(&format!("  skipped: {records} (see above)"));
    }
    if summary.possible_articles > 0 {
        let documents = counted(summary.possible_articles, "document");
        say(&format!("  hint: --articles adds {documents} without questions, each as one entry"));
    }
}

/// Reports the paths that the index was built from and that no longer exist.
pub(super) fn report_missing(summary: &Summary, kept: bool) {
    for path in &summary.missing_paths {
        say(&match kept {
            true => format!("  missing: {path}; its questions are kept"),
            false => format!(
                "  missing: {path}; its questions were removed, and `rqsearch index` no longer looks for it"
            ),
        });
    }
}

/// Says which questions the model cannot read, if there are any.
fn report_unread(index: &Index) -> anyhow::Result<()> {
    let stats = index.language_stats()?;
    let mut unread: Vec<(Language, u64)> = stats
        .iter()
        .map(|(language, counts)| (*language, counts.unread))
        .filter(|(_, count)| *count > 0)
        .collect();
    let (Some(model), false) = (&index.meta().model, unread.is_empty()) else {
        return Ok(());
    };
    unread.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all: u64 = stats.values().map(|counts| counts.questions).sum();
    let count: u64 = unread.iter().map(|(_, count)| count).sum();
    let languages = listed(unread.iter().map(|(language, _)| language.to_string()).collect());
    let (are, they) = if count == 1 { ("is", "it is") } else { ("are", "they are") };
    say(&format!(
        "{} of {} {are} in {languages}, which {} cannot read; {they} found by words only.\n\
         For meaning, use --model {MULTILINGUAL}.",
        HumanCount(count),
        counted(all, "question"),
        model.spoken_name(),
    ));
    Ok(())
}

/// Joins names: `A`, `A and B`, `A, B and C`.
fn listed(mut names: Vec<String>) -> String {
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// Reports how many questions each file holds.
fn report_files(summary: &Summary, verbose: bool) {
    let (with, without): (Vec<_>, Vec<_>) =
        summary.files.iter().partition(|file| file.counts.added + file.counts.kept + file.counts.removed > 0);
    for file in with.iter().take(FILES_NAMED) {
        let all = file.counts.added + file.counts.kept;
        let mut line =
            format!("{:>7} {:<9}  {}", HumanCount(all).to_string(), plural(all, "question"), file.path);
        if file.counts.kept > 0 || file.counts.removed > 0 {
            line += &format!("  ({} new, {} removed)", file.counts.added, file.counts.removed);
        }
        say(&line);
    }
    if with.len() > FILES_NAMED {
        say(&format!("        … and {}", counted((with.len() - FILES_NAMED) as u64, "more file")));
    }
    let mut named: Vec<&str> = without.iter().map(|file| file.path.as_str()).collect();
    named.extend(summary.unrecognized.iter().map(String::as_str).filter(|_| verbose));
    if verbose || without.len() == 1 {
        named.iter().for_each(|path| say(&format!("      0 questions  {path}")));
    } else if !without.is_empty() {
        say(&format!("{:>7} files without questions (-v lists them)", without.len()));
    }
    for (count, what) in [(summary.unchanged_files, "unchanged"), (summary.removed_files, "gone")] {
        if count > 0 {
            say(&format!("{:>7} {} {what}", HumanCount(count).to_string(), plural(count, "file")));
        }
    }
}

/// The questions of the files that were read, by the name of the layout.
fn by_format(summary: &Summary) -> BTreeMap<&'static str, u64> {
    let mut formats = BTreeMap::new();
    for file in &summary.files {
        let questions = file.counts.added + file.counts.kept;
        if let (Some(format), 1..) = (file.format, questions) {
            *formats.entry(format).or_default() += questions;
        }
    }
    formats
}

pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{} {}", HumanCount(count), plural(count, noun))
}

/// Says on a terminal how to search the index, with one of its questions as the phrase.
fn suggest_search(index: &Index, location: IndexLocation<'_>) -> anyhow::Result<()> {
    if !io::stderr().is_terminal() {
        return Ok(());
    }
    match index.any_question()? {
        Some(question) => {
            let option = match location {
                IndexLocation::Named(dir) => format!("--index {} ", dir.display()),
                IndexLocation::Several(_)
                | IndexLocation::Variable
                | IndexLocation::Builtin
                | IndexLocation::Nearest => String::new(),
            };
            say(&format!("\nTo search it: rqsearch {option}\"{}\"", example(&question.title)));
        }
        None => say(
            "\nNo question was found. rqsearch reads headings and lists in Markdown, HTML and text, tables in CSV \
             and JSON,\nand Stack Exchange dumps. See docs/formats.md.",
        ),
    }
    Ok(())
}

/// The first words of a title, without what is special inside double quotes in a shell.
fn example(title: &str) -> String {
    let plain: String = title.chars().filter(|c| !matches!(c, '"' | '`' | '$' | '\\' | '!' | '?')).collect();
    let mut example = String::new();
    for word in plain.split_whitespace() {
        if !example.is_empty() && example.chars().count() + word.chars().count() >= EXAMPLE {
            break;
        }
        example += if example.is_empty() { "" } else { " " };
        example.extend(word.chars().take(EXAMPLE));
    }
    example
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed() {
        let list = |names: &[&str]| listed(names.iter().map(ToString::to_string).collect());
        assert_eq!(list(&["Thai"]), "Thai");
        assert_eq!(list(&["Thai", "Lao", "Khmer"]), "Thai, Lao and Khmer");
    }

    #[test]
    fn an_example_is_short_and_safe_in_a_shell() {
        for (title, expected) in [
            ("How long must dough rise?", "How long must dough rise"),
            ("What does `$x` \"do\"?", "What does x do"),
            (&"word ".repeat(40), &["word"; 12].join(" ")),
            ("", ""),
        ] {
            assert_eq!(example(title), expected);
        }
    }
}
