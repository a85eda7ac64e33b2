//! `rqsearch dups` without `--check` and `--review`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::Context;
use indicatif::HumanCount;

use super::args::{Args, Format};
use super::decisions::Source;
use super::shared::{outcome, say_keywords_only};
use super::tables;
use crate::cli::outcome::Outcome;
use crate::cli::streams::{say, stdout, write_json};
use crate::cli::text::{layout, plural};
use crate::duplicates::{Cache, Duplicates, Options, duplicates, map};
use crate::index::Index;
use crate::render::duplicates::{Redirects, write_github, write_markdown, write_sarif};
use crate::render::{graph, json, terminal};

/// Lists the duplicates of an index.
pub fn run(args: &Args, index: &Index, source: &Source) -> anyhow::Result<Outcome> {
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
