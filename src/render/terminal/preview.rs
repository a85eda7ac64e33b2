//! What a file holds, as text.

use std::io::{self, Write};

use super::{INDENT, Layout, QUIET, TITLE, wrapped};
use crate::index::{Preview, Problem};
use crate::read::Report;

/// Writes the name of a file, how it was read, and its first questions.
///
/// # Errors
/// The stream cannot be written.
pub fn write_preview(out: &mut impl Write, preview: &Preview, layout: Layout) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}", layout.shown(&preview.path))?;
    let mut lines = vec![counts(preview)];
    if let Some(Report { marking, why: Some(why), .. }) = &preview.report {
        lines.push(match marking {
            Some(marking) => format!("Marked by {marking}: {why}"),
            None => why.clone(),
        });
    }
    if let (Some(share), 1..) = (preview.share(), preview.questions) {
        lines.push(format!("{:.0} % of the text is in a title or an answer", share * 100.0));
    }
    for Problem { line, reason, hint, .. } in preview.problems.iter().take(PROBLEMS) {
        lines.push(line.map_or_else(|| reason.clone(), |line| format!("Line {line}: {reason}")));
        lines.extend(hint.as_ref().map(|hint| format!("  hint: {hint}")));
    }
    if preview.problems.len() > PROBLEMS {
        lines.push(format!("{} more bad records", preview.problems.len() - PROBLEMS));
    }
    let width = layout.width.map(|width| width.saturating_sub(INDENT.len()).max(20));
    for line in lines.iter().flat_map(|line| line.lines()) {
        for range in wrapped(line, width) {
            writeln!(out, "{INDENT}{}", layout.shown(&line[range]))?;
        }
    }
    for title in &preview.titles {
        let width = width.map(|width| width - 2);
        let first = wrapped(title, width).into_iter().next().unwrap_or(0..0);
        let rest = if first.end < title.len() { "…" } else { "" };
        writeln!(out, "{INDENT}{QUIET}-{QUIET:#} {}{rest}", layout.shown(&title[first]))?;
    }
    if preview.questions > preview.titles.len() as u64 {
        let more = preview.questions - preview.titles.len() as u64;
        writeln!(out, "{INDENT}{QUIET}… and {more} more{QUIET:#}")?;
    }
    writeln!(out)
}

/// The most problems of a file that are named.
const PROBLEMS: usize = 10;

fn counts(preview: &Preview) -> String {
    let Preview { questions, answered, .. } = preview;
    let format = match preview.format {
        Some(format) => format,
        None if preview.problems.is_empty() => return "No reader knows this file".to_owned(),
        None if *questions == 0 => return "Not read".to_owned(),
        None => "Not read to its end",
    };
    match (questions, answered) {
        (0, _) => format!("{format}: no questions"),
        (1, 1) => format!("{format}: 1 question with an answer"),
        (1, _) => format!("{format}: 1 question without an answer"),
        (all, with) if all == with => format!("{format}: {all} questions, all with an answer"),
        (all, with) => format!("{format}: {all} questions, {with} with an answer"),
    }
}
