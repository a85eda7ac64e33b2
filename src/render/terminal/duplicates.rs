//! Duplicates of questions, and related questions, as text.

use std::io::{self, Write};

use super::{INDENT, Layout, QUIET, TITLE, wrapped, write_location};
use crate::duplicates::{Chosen, Duplicates, Found, Kind};
use crate::question::Question;
use crate::related::Related;
use crate::render::duplicate_reasons::duplicate_reasons;

/// Writes groups: each question to keep, with its duplicates below it.
///
/// # Errors
/// The stream cannot be written.
pub fn write_groups(out: &mut impl Write, found: &Duplicates, layout: Layout) -> io::Result<()> {
    for (nth, group) in found.groups.iter().enumerate() {
        if nth > 0 {
            writeln!(out)?;
        }
        let chosen = (group.chosen == Chosen::Decided).then_some("kept by decision");
        write_asked(out, &found.questions[group.canonical], &format!("{:>3} ", nth + 1), chosen, layout)?;
        for member in &group.members {
            let label = format!("{INDENT}{:>6} ", kind_label(member.kind, member.probability));
            let decided = member.is_decided.then_some("the same by decision");
            write_asked(out, &found.questions[member.question], &label, decided, layout)?;
        }
    }
    Ok(())
}

/// Writes the `top` most probable pairs, with the reasons for each.
///
/// # Errors
/// The stream cannot be written.
pub fn write_pairs(out: &mut impl Write, found: &Duplicates, top: usize, layout: Layout) -> io::Result<()> {
    for (nth, pair) in found.pairs.iter().take(top).enumerate() {
        if nth > 0 {
            writeln!(out)?;
        }
        let kind = kind_label(pair.kind, pair.probability);
        let decided = pair.is_decided.then_some("the same by decision");
        write_asked(out, &found.questions[pair.one], &format!("{kind:>6} "), None, layout)?;
        write_asked(out, &found.questions[pair.two], "       ", decided, layout)?;
        writeln!(out, "       {QUIET}{}{QUIET:#}", layout.shown(&duplicate_reasons(pair).join("; ")))?;
    }
    Ok(())
}

/// Writes the questions that a new question duplicates.
///
/// # Errors
/// The stream cannot be written.
pub fn write_found(out: &mut impl Write, found: &[Found], layout: Layout) -> io::Result<()> {
    for found in found {
        let kind = kind_label(found.kind, found.probability);
        write_asked(out, &found.question, &format!("{kind:>6} "), None, layout)?;
    }
    Ok(())
}

/// Writes related questions, numbered.
///
/// # Errors
/// The stream cannot be written.
pub fn write_related(out: &mut impl Write, found: &[Related], layout: Layout) -> io::Result<()> {
    for (nth, related) in found.iter().enumerate() {
        write_asked(out, &related.question, &format!("{:>2} ", nth + 1), None, layout)?;
    }
    Ok(())
}

/// Writes a label and the title of a question, and its location and what was decided below.
fn write_asked(
    out: &mut impl Write,
    question: &Question,
    label: &str,
    decided: Option<&str>,
    layout: Layout,
) -> io::Result<()> {
    let margin = " ".repeat(label.chars().count());
    let width = layout.width.map(|width| width.saturating_sub(margin.len()).max(20));
    for (nth, line) in wrapped(&question.title, width).into_iter().enumerate() {
        let before = if nth == 0 { label } else { &margin };
        writeln!(out, "{QUIET}{before}{QUIET:#}{TITLE}{}{TITLE:#}", layout.shown(&question.title[line]))?;
    }
    write!(out, "{margin}")?;
    write_location(out, question, decided, margin.len(), layout)
}

/// The label of a duplicate: its kind, or the probability of a paraphrase.
fn kind_label(kind: Kind, probability: f32) -> String {
    match kind {
        Kind::Exact => "same".to_owned(),
        Kind::Repeat => "repeat".to_owned(),
        Kind::Paraphrase => format!("{:.0} %", 100.0 * probability),
    }
}
