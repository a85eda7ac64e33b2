//! Tables of duplicates, as CSV.

use std::io::Write;

use crate::cli::text::cell;
use crate::duplicates::{Chosen, Duplicates};
use crate::render::duplicates::Redirects;

/// Writes one line per question of a group. The last column is the decision: `keep`, `same`, `open`, or nothing for a question
/// to keep that nobody chose.
pub fn write_groups(out: &mut impl Write, found: &Duplicates) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["group", "kind", "probability", "id", "title", "path", "line", "decision"])?;
    for (nth, group) in (1..).zip(&found.groups) {
        let chosen = if group.chosen == Chosen::Decided { "keep" } else { "" };
        let canonical = (group.canonical, "canonical", 1.0, chosen);
        let others = group.members.iter().map(|member| {
            let decision = if member.is_decided { "same" } else { "open" };
            (member.question, member.kind.name(), member.probability, decision)
        });
        for (question, kind, probability, decision) in std::iter::once(canonical).chain(others) {
            let question = &found.questions[question];
            table.write_record([
                &nth.to_string(),
                kind,
                &format!("{probability:.4}"),
                &question.id,
                &cell(&question.title),
                &cell(&question.source.path),
                &question.source.line.to_string(),
                decision,
            ])?;
        }
    }
    table.flush()?;
    Ok(())
}

/// Writes one line per redirect.
pub fn write_redirects(out: &mut impl Write, redirects: &Redirects<'_>) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["from", "to", "from_id", "to_id"])?;
    for redirect in &redirects.redirects {
        table.write_record([&cell(redirect.from), &cell(redirect.to), redirect.from_id, redirect.to_id])?;
    }
    table.flush()?;
    Ok(())
}
