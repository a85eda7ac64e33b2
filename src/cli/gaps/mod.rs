//! `rqsearch gaps FILE…`

mod accept;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use self::accept::Acceptance;
use super::curation::CurationArgs;
use super::locate_index::IndexesArgs;
use super::model::ModelArgs;
use super::option_values::{at_least_one, weight};
use super::outcome::Outcome;
use super::streams::{say, stdout};
use super::text::{cell, layout, plural};
use super::write_file::write_file;
use crate::embed::Prepare;
use crate::gaps::{self, Group, Options, Phrase, Phrases, Report, gaps};
use crate::hint::hinted;
use crate::index::guarded;
use crate::read::{BadRecord, MAX_EXPANDED, Text, inner_extension};
use crate::render::gaps::write_page;
use crate::render::{json, terminal};
use crate::search::{FITTED, Mode};

/// How many groups are listed on a terminal.
const LISTED: usize = 20;

/// How many phrases of a group are listed on a terminal.
const EXAMPLES: usize = 4;

/// How many skipped lines of a file are named.
const PROBLEMS: usize = 5;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 everything is answered, 1 gaps or unasked questions found, 2 error, or a line was skipped."
)]
pub struct Args {
    /// What people asked: text with a phrase per line, JSON Lines, CSV, TSV, or a query log of `rqsearch serve`
    /// (- for stdin)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The column or key that holds the phrase, or the number of a column [default: q, query, phrase, text, question or
    /// another usual name]
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// List the questions that nobody asked instead: those that are the first hit of no answered phrase
    #[arg(long, conflicts_with_all = ["similarity", "min_size", "examples", "html"])]
    unasked: bool,
    /// Add the phrases of this group to a file of phrasings, as other ways to ask the question that is suggested, or the
    /// question that is named. Then `rqsearch index` makes searches find the question by them. Can be repeated
    #[arg(
        long,
        value_name = "GROUP[=QUESTION]",
        value_parser = accept::acceptance,
        conflicts_with_all = ["unasked", "limit", "json", "csv", "html"]
    )]
    accept: Vec<Acceptance>,
    /// With --accept, the file to add to. Its name is phrasings.jsonl or ends with .phrasings.jsonl [default:
    /// phrasings.jsonl beside the first file of the index]
    #[arg(long, value_name = "FILE", requires = "accept")]
    phrasings: Option<PathBuf>,
    /// Minimum confidence, 0 to 1, of an answer
    #[arg(long, value_name = "C", value_parser = weight, default_value_t = FITTED.threshold)]
    min_confidence: f32,
    /// How similar the phrases of a group are, 0 to 1. More gives smaller groups
    #[arg(long, value_name = "S", value_parser = weight, default_value_t = gaps::SIMILARITY)]
    similarity: f32,
    /// Only groups that were asked N times or more
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value = "2")]
    min_size: NonZeroUsize,
    /// List at most N groups or questions [default: 20; all with --json, --csv or --html]
    #[arg(short = 'n', long, value_name = "N", value_parser = at_least_one)]
    limit: Option<NonZeroUsize>,
    /// List at most N phrases of each group [default: 4; all with --json, --csv or --html]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    examples: Option<NonZeroUsize>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Write a table as CSV, one line per phrase of a group
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Write a self-contained web page
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
    #[command(flatten)]
    index: IndexesArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    curation: CurationArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut phrases = Phrases::default();
    let mut is_skipped = false;
    for path in &args.files {
        is_skipped |= read(path, args.column.as_deref(), &mut phrases)?;
    }
    let phrases = phrases.into_sorted();
    if phrases.is_empty() {
        bail!(hinted("no phrases to search for", "rqsearch gaps FILE, with a phrase per line"));
    }
    let index = args.curation.open(args.index.location())?.on_this_machine()?;
    // Without vectors, nothing tells what an answer is.
    let model = args.model.open(&index, Mode::Semantic, Prepare::Many)?;
    let bar = progress_bar(phrases.len());
    let search =
        || gaps(&index, model.embedder(), &phrases, &args.options(), &|done| bar.set_position(done as u64));
    let report = guarded(index.dir(), search)?;
    bar.finish_and_clear();
    if !args.accept.is_empty() {
        accept::run(args, &index, &report)?;
        return Ok(if is_skipped { Outcome::Partial } else { Outcome::Success });
    }
    args.write(&report)?;
    Ok(match (is_skipped, args.is_nothing(&report)) {
        (true, _) => Outcome::Partial,
        (false, true) => Outcome::Success,
        (false, false) => Outcome::Nothing,
    })
}

/// Adds the phrases of a file, and names the lines that are skipped on stderr. Returns whether there are any.
fn read(path: &Path, column: Option<&str>, phrases: &mut Phrases) -> anyhow::Result<bool> {
    let name = if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
    let mut text = open(path).with_context(|| format!("could not read {name}"))?;
    let mut skipped = 0_u64;
    let mut problem = |BadRecord { line, reason }: BadRecord| {
        skipped += 1;
        if skipped <= PROBLEMS as u64 {
            say(&format!("rqsearch: {name}:{line}: skipped: {reason}"));
        }
    };
    gaps::read(&mut text, column, phrases, &mut problem)
        .with_context(|| format!("could not read the phrases in {name}"))?;
    if let Some(more) = skipped.checked_sub(PROBLEMS as u64).filter(|more| *more > 0) {
        say(&format!("rqsearch: {name}: {} more {} skipped", HumanCount(more), plural(more, "line")));
    }
    Ok(skipped > 0)
}

/// A file, or a stream as a temporary file.
fn open(path: &Path) -> io::Result<Text> {
    if path == Path::new("-") {
        return spooled(io::stdin().lock(), String::new());
    }
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    match kind.is_dir() || kind.is_file() {
        true => Text::new(file, inner_extension(path)),
        false => spooled(file, inner_extension(path)),
    }
}

fn spooled(input: impl io::Read, extension: String) -> io::Result<Text> {
    let mut file = tempfile::tempfile()?;
    if io::copy(&mut input.take(MAX_EXPANDED + 1), &mut file)? > MAX_EXPANDED {
        return Err(io::Error::other(format!("it has more than {} GiB, the limit", MAX_EXPANDED >> 30)));
    }
    let mut text = Text::new(file, extension)?;
    text.rewind()?;
    Ok(text)
}

fn progress_bar(phrases: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = "{spinner} {wide_bar} {percent:>3}%  {human_pos} of {human_len} phrases  {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is valid");
    ProgressBar::new(phrases as u64).with_style(style.progress_chars("━╸ "))
}

impl Args {
    fn options(&self) -> Options {
        Options {
            min_confidence: self.min_confidence,
            similarity: self.similarity,
            min_size: if self.accept.is_empty() { self.min_size.get() as u64 } else { 1 },
            limit: self.limit().filter(|_| self.accept.is_empty()),
            unasked: self.unasked,
            ids: self.accept.iter().map(|acceptance| acceptance.group.clone()).collect(),
        }
    }

    /// Whether all is written, and not only what a person reads on a terminal.
    fn is_complete(&self) -> bool {
        self.json || self.csv || self.html.is_some()
    }

    fn limit(&self) -> Option<usize> {
        self.limit.map(NonZeroUsize::get).or_else(|| (!self.is_complete()).then_some(LISTED))
    }

    fn examples(&self) -> usize {
        let default = if self.is_complete() { usize::MAX } else { EXAMPLES };
        self.examples.map_or(default, NonZeroUsize::get)
    }

    fn is_nothing(&self, report: &Report) -> bool {
        if self.unasked { report.unasked.is_empty() } else { report.unanswered.phrases == 0 }
    }

    fn write(&self, report: &Report) -> anyhow::Result<()> {
        if let Some(path) = &self.html {
            write_file(path, |out| write_page(out, report, self.examples()))?;
            say(&format!("the page is in {}", path.display()));
        }
        let mut out = BufWriter::new(stdout());
        let unasked = &report.unasked[..report.unasked.len().min(self.limit().unwrap_or(usize::MAX))];
        match (self.json, self.csv, self.unasked) {
            (true, ..) => {
                let reply = json::GapsReply::new(report, self.examples(), self.unasked.then_some(unasked));
                serde_json::to_writer(&mut out, &reply).map_err(io::Error::from)?;
                writeln!(out)?;
            }
            (_, true, true) => write_questions(&mut out, unasked)?,
            (_, true, false) => write_csv(&mut out, &report.groups, self.examples())?,
            (.., true) => terminal::write_titles(&mut out, unasked, layout())?,
            _ if self.html.is_some() => {}
            _ => terminal::write_gaps(&mut out, &report.groups, self.examples(), layout())?,
        }
        out.flush()?;
        say(&self.summary(report, unasked.len()));
        Ok(())
    }

    fn summary(&self, report: &Report, unasked: usize) -> String {
        let counted = |count: u64, noun| format!("{} {}", HumanCount(count), plural(count, noun));
        let phrases = report.answered.phrases + report.unanswered.phrases;
        let asked = report.answered.asked + report.unanswered.asked;
        let times = if asked == 1 { "once".to_owned() } else { format!("{} times", HumanCount(asked)) };
        let all = format!("{} (asked {times})", counted(phrases, "phrase"));
        if self.unasked {
            let questions = report.unasked.len() as u64;
            let listed =
                if unasked < report.unasked.len() { format!(", {unasked} listed") } else { String::new() };
            return format!("{} asked by none of {all}{listed}", counted(questions, "question"));
        }
        let listed = match report.groups.len() {
            listed if listed < report.found => format!(", {listed} listed (--limit N lists more)"),
            _ => String::new(),
        };
        let small = match report.small.phrases {
            0 => String::new(),
            few => format!("; {few} in smaller groups (--min-size 1 lists them)"),
        };
        format!(
            "{all}, {} without an answer; {}{listed}{small}",
            HumanCount(report.unanswered.phrases),
            counted(report.found as u64, "group"),
        )
    }
}

fn write_csv(out: &mut impl Write, groups: &[Group], examples: usize) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let columns = "group,group_asked,phrase,asked,suggestion,id,title,path,line,confidence,reason";
    table.write_record(columns.split(','))?;
    for group in groups {
        let nearest = group.nearest.as_ref().map(json::NearestReply::from);
        let question = nearest.as_ref().map(|nearest| &nearest.question);
        let rest = [
            json::suggestion_name(group.suggestion).to_owned(),
            question.map(|question| question.id.to_owned()).unwrap_or_default(),
            question.map(|question| cell(question.title)).unwrap_or_default(),
            question.map(|question| cell(question.source.path)).unwrap_or_default(),
            question.map(|question| question.source.line.to_string()).unwrap_or_default(),
            nearest.as_ref().map(|nearest| format!("{:.4}", nearest.confidence)).unwrap_or_default(),
            nearest.as_ref().map(|nearest| cell(&nearest.reason)).unwrap_or_default(),
        ];
        for Phrase { text, count } in group.phrases.iter().take(examples) {
            let first = [group.id.clone(), group.count.to_string(), cell(text), count.to_string()];
            table.write_record(first.iter().chain(&rest))?;
        }
    }
    table.flush()?;
    Ok(())
}

fn write_questions(out: &mut impl Write, questions: &[crate::question::Question]) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["id", "title", "path", "line"])?;
    for question in questions {
        let line = question.source.line.to_string();
        table.write_record([&question.id, &cell(&question.title), &cell(&question.source.path), &line])?;
    }
    table.flush()?;
    Ok(())
}
