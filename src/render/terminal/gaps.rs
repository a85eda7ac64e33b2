//! Gaps as text.

use std::io::{self, Write};

use super::{Layout, QUIET, TITLE, wrapped, write_location};
use crate::gaps::{Group, Nearest, Suggestion};
use crate::question::Question;
use crate::render::gap_reason::gap_reason;

/// The least number of columns for how often a group was asked.
const LEAST_COUNT: usize = 3;

/// Writes groups of phrases that nothing answers: how often each was asked and its representative, other phrases, its id
/// with the suggestion, and the nearest question with what it lacks. At most `examples` phrases of each group.
///
/// # Errors
/// The stream cannot be written.
pub fn write_gaps(out: &mut impl Write, groups: &[Group], examples: usize, layout: Layout) -> io::Result<()> {
    let greatest = groups.iter().map(|group| group.count).max().unwrap_or(0);
    let columns = greatest.to_string().len().max(LEAST_COUNT);
    for (nth, group) in groups.iter().enumerate() {
        if nth > 0 {
            writeln!(out)?;
        }
        write_gap(out, group, examples, columns, layout)?;
    }
    Ok(())
}

fn write_gap(
    out: &mut impl Write,
    group: &Group,
    examples: usize,
    columns: usize,
    layout: Layout,
) -> io::Result<()> {
    let margin = columns + 2;
    let indent = " ".repeat(margin);
    let width = layout.width.map(|width| width.saturating_sub(margin).max(20));
    let representative = &group.representative().text;
    for (nth, line) in wrapped(representative, width).into_iter().enumerate() {
        let count = if nth == 0 { format!("{:>columns$}  ", group.count) } else { indent.clone() };
        writeln!(out, "{count}{TITLE}{}{TITLE:#}", layout.shown(&representative[line]))?;
    }
    for phrase in group.phrases.iter().take(examples).skip(1) {
        let first = wrapped(&phrase.text, width).into_iter().next().unwrap_or(0..0);
        let rest = if first.end < phrase.text.len() { "…" } else { "" };
        writeln!(out, "{indent}{}{rest}", layout.shown(&phrase.text[first]))?;
    }
    if let Some(more) = group.phrases.len().checked_sub(examples.max(1)).filter(|more| *more > 0) {
        writeln!(out, "{indent}{QUIET}… and {more} more{QUIET:#}")?;
    }
    write_suggestion(out, group, margin, layout)
}

/// Writes the suggestion, and the nearest question with its location and what it lacks.
fn write_suggestion(out: &mut impl Write, group: &Group, margin: usize, layout: Layout) -> io::Result<()> {
    let indent = " ".repeat(margin);
    let width = layout.width.map(|width| width.saturating_sub(margin).max(20));
    let id = &group.id;
    let Some(nearest) = &group.nearest else {
        return writeln!(out, "{indent}{QUIET}{id}: new question; no question is related{QUIET:#}");
    };
    for line in suggested(id, group.suggestion, nearest) {
        for range in wrapped(&line, width) {
            writeln!(out, "{indent}{QUIET}{}{QUIET:#}", layout.shown(&line[range]))?;
        }
    }
    write!(out, "{indent}")?;
    write_location(out, &nearest.question, None, margin, layout)
}

fn suggested(id: &str, suggestion: Suggestion, nearest: &Nearest) -> [String; 2] {
    let title = &nearest.question.title;
    let first = match suggestion {
        Suggestion::NewQuestion => format!("{id}: new question; the closest: {title}"),
        Suggestion::AnotherWay => format!("{id}: another way to ask: {title}"),
    };
    [first, format!("it {}", gap_reason(nearest))]
}

/// Writes the titles of questions, each with its location below.
///
/// # Errors
/// The stream cannot be written.
pub fn write_titles(out: &mut impl Write, questions: &[Question], layout: Layout) -> io::Result<()> {
    const INDENT: usize = 2;
    for question in questions {
        for line in wrapped(&question.title, layout.width) {
            writeln!(out, "{TITLE}{}{TITLE:#}", layout.shown(&question.title[line]))?;
        }
        write!(out, "{:INDENT$}", "")?;
        write_location(out, question, None, INDENT, layout)?;
    }
    Ok(())
}
