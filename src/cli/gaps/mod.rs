//! `rqsearch gaps FILE…`

mod accept;
mod acceptance;
mod args;
mod output;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Context, bail};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::outcome::Outcome;
use super::streams::say;
use super::text::plural;
use crate::embed::Prepare;
use crate::gaps::{self, Phrases, gaps};
use crate::hint::hinted;
use crate::index::guarded;
use crate::read::{BadRecord, MAX_EXPANDED, Text, inner_extension};
use crate::search::Mode;

pub use args::Args;

/// How many skipped lines of a file are named.
const PROBLEMS: usize = 5;

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
    output::write(args, &report)?;
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
