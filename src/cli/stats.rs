//! `rqsearch stats`

use std::collections::BTreeMap;
use std::io::{self, Write};

use indicatif::{HumanBytes, HumanCount};

use super::locate_index::IndexArgs;
use super::outcome::Outcome;
use super::streams::{stdout, write_json};
use super::text::{layout, plural};
use crate::analyze::Language;
use crate::index::{Index, LanguageStats, Stats};
use crate::render::json;
use crate::search::DEFAULT_SEMANTIC_WEIGHT;

/// The maximum number of sections, levels and tags that are listed, those with most questions first.
const NAMED: usize = 12;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    let index = location.open()?.on_this_machine()?;
    let stats = index.stats()?;
    let mut out = stdout();
    if args.json {
        write_json(&mut out, &json::StatsReply::new(&index, &stats))?;
    } else {
        write_stats(&mut out, &index, &stats)?;
    }
    out.flush()?;
    Ok(Outcome::Success)
}

fn write_stats(out: &mut impl Write, index: &Index, stats: &Stats) -> io::Result<()> {
    let layout = layout();
    let counted = |count: u64, noun: &str| format!("{} {}", HumanCount(count), plural(count, noun));
    write!(out, "questions  {}, {} answered", HumanCount(stats.questions), HumanCount(stats.answered))?;
    match stats.also {
        0 => writeln!(out)?,
        also => writeln!(out, ", {}", counted(also, "alternative title"))?,
    }
    if !stats.languages.is_empty() {
        writeln!(out, "languages  {}", layout.shown(&languages(&stats.languages)))?;
    }
    let roots = index.meta().roots.join(", ");
    writeln!(out, "files      {} in {}", HumanCount(stats.files), layout.shown(&roots))?;
    if stats.written > 0 {
        writeln!(out, "written    {} by programs, without files", counted(stats.written, "question"))?;
    }
    for (root, options) in &index.meta().reading {
        writeln!(out, "reading    {}", layout.shown(&format!("{root}: {options}")))?;
    }
    writeln!(
        out,
        "index      {}: {} in {}",
        layout.shown(&index.dir().display().to_string()),
        HumanBytes(stats.bytes),
        counted(stats.segments, "segment")
    )?;
    match &index.meta().model {
        Some(model) => writeln!(
            out,
            "model      {} ({}), {} of {} dimensions",
            layout.shown(&model.name),
            layout.shown(&model.fingerprint),
            counted(stats.vectors, "vector"),
            model.dimensions
        )?,
        None => writeln!(out, "model      none (keyword search only)")?,
    }
    if index.meta().model.is_some() {
        let weight = index.meta().semantic_weight.unwrap_or(DEFAULT_SEMANTIC_WEIGHT);
        let how = match index.meta().semantic_weight {
            Some(_) => format!("tuned on {}", counted(index.meta().tuned_on, "question")),
            None => "default".to_owned(),
        };
        writeln!(out, "weight     {weight:.2} semantic, {:.2} keyword ({how})", 1.0 - weight)?;
    }
    for (name, counts) in [("sections", &stats.sections), ("levels", &stats.levels), ("tags", &stats.tags)] {
        if !counts.is_empty() {
            writeln!(out, "{name:<10} {}", layout.shown(&largest(counts)))?;
        }
    }
    Ok(())
}

/// Lists the languages: `English 120, Chinese 212 (found by words only)`.
fn languages(counts: &BTreeMap<Language, LanguageStats>) -> String {
    let mut counts: Vec<(&Language, &LanguageStats)> = counts.iter().collect();
    counts.sort_by_key(|(_, stats)| std::cmp::Reverse(stats.questions));
    let language = |(language, stats): (&Language, &LanguageStats)| {
        let unread = match stats.unread {
            0 => String::new(),
            all if all == stats.questions => " (found by words only)".to_owned(),
            some => format!(" ({some} found by words only)"),
        };
        format!("{language} {}{unread}", stats.questions)
    };
    counts.into_iter().map(language).collect::<Vec<_>>().join(", ")
}

/// Lists names with counts, largest first: `async 33, traits 30 … and 5 more`.
fn largest(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    let named: Vec<String> =
        counts.iter().take(NAMED).map(|(name, count)| format!("{name} {count}")).collect();
    match counts.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} … and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_say_what_the_model_cannot_read() {
        let stats = |questions, unread| LanguageStats { questions, unread };
        let counts = BTreeMap::from([
            (Language::English, stats(3, 0)),
            (Language::Russian, stats(5, 5)),
            (Language::Greek, stats(2, 1)),
        ]);
        assert_eq!(
            languages(&counts),
            "Russian 5 (found by words only), English 3, Greek 2 (1 found by words only)"
        );
    }

    #[test]
    fn the_largest_are_listed_first() {
        let counts: BTreeMap<String, u64> = (0..14).map(|nth| (format!("t{nth:02}"), nth / 7)).collect();
        assert!(largest(&counts).starts_with("t07 1, t08 1"), "{}", largest(&counts));
        assert!(largest(&counts).ends_with("t04 0 … and 2 more"), "{}", largest(&counts));
        assert_eq!(largest(&BTreeMap::new()), "");
    }
}
