//! What `rqsearch index` says when it is done.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration};

use crate::analyze::Language;
use crate::cli::locate_index::IndexLocation;
use crate::cli::streams::say;
use crate::cli::text::plural;
use crate::index::{Index, PHRASINGS_FORMAT, Shard, Summary};

/// How many files the summary names. The others are counted.
const FILES_NAMED: usize = 20;

/// How many characters of a question the example of a search takes at most.
const EXAMPLE: usize = 60;

/// The smallest model of the catalogue that reads most languages.
const MULTILINGUAL: &str = "multilingual-e5-small";

/// Says that a part is written.
pub fn report_shard(shard: Shard, questions: u64) {
    say(&format!(
        "rqsearch: part {shard} is written, with {questions} new {}; when all parts are, run `rqsearch index --finish`",
        plural(questions, "question")
    ));
}

/// Reports on stderr what a build did.
pub fn report(summary: &Summary, dir: &Path, took: Duration, verbose: bool) {
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
pub fn report_missing(summary: &Summary, kept: bool) {
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
pub fn report_unread(index: &Index) -> anyhow::Result<()> {
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
        let noun = if file.format == Some(PHRASINGS_FORMAT) { "phrasing" } else { "question" };
        let mut line = format!("{:>7} {:<9}  {}", HumanCount(all).to_string(), plural(all, noun), file.path);
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
    for file in summary.files.iter().filter(|file| file.format != Some(PHRASINGS_FORMAT)) {
        let questions = file.counts.added + file.counts.kept;
        if let (Some(format), 1..) = (file.format, questions) {
            *formats.entry(format).or_default() += questions;
        }
    }
    formats
}

pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {}", HumanCount(count), plural(count, noun))
}

/// Says on a terminal how to search the index, with one of its questions as the phrase.
pub fn suggest_search(index: &Index, location: IndexLocation<'_>) -> anyhow::Result<()> {
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
