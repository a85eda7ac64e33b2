//! Gaps as a self-contained web page.
//!
//! The page (`gaps.html`) is one file without scripts that loads nothing. Phrases and titles are untrusted: they are
//! escaped.

use std::io::{self, Write};

use super::gap_reason::gap_reason;
use super::html::{Escaped, write_around};
use crate::gaps::{Counts, Group, Phrase, Report, Suggestion};

/// The page without data.
pub const PAGE: &str = concat!(include_str!("page_head.html"), include_str!("gaps.html"));

/// How many phrases of a group are shown before the reader opens the list of the others.
const SHOWN: usize = 5;

/// Writes the page, with at most `examples` phrases of each group.
///
/// # Errors
/// The stream cannot be written.
pub fn write_page(out: &mut impl Write, report: &Report, examples: usize) -> io::Result<()> {
    write_around(out, PAGE, "GAPS", |mut out| {
        write_counts(&mut out, report)?;
        out.write_all(b"<ol class=\"gaps\">\n")?;
        for group in &report.groups {
            write_group(&mut out, group, examples)?;
        }
        out.write_all(b"</ol>\n")
    })
}

fn counted(counts: Counts) -> String {
    let phrases = if counts.phrases == 1 { "phrase" } else { "phrases" };
    let times = if counts.asked == 1 { "once".to_owned() } else { format!("{} times", counts.asked) };
    format!("{} {phrases}, asked {times}", counts.phrases)
}

fn write_counts(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "<dl class=\"counts\">")?;
    let groups = match report.groups.len() {
        listed if listed < report.found => format!("{} ({listed} listed)", report.found),
        listed => listed.to_string(),
    };
    let rows = [
        ("Answered", counted(report.answered)),
        ("Without an answer", counted(report.unanswered)),
        ("Groups", groups),
        ("In smaller groups", counted(report.small)),
    ];
    for (name, value) in rows {
        writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
    }
    writeln!(out, "</dl>")
}

fn write_group(out: &mut impl Write, group: &Group, examples: usize) -> io::Result<()> {
    writeln!(
        out,
        "<li id=\"{id}\"><p class=\"count\">{}</p><div>\n<h2><bdi>{}</bdi></h2>",
        group.count,
        Escaped(&group.representative().text),
        id = group.id,
    )?;
    write_suggestion(out, group)?;
    let others = &group.phrases[1..group.phrases.len().min(examples.max(1))];
    let (shown, more) = others.split_at(others.len().min(SHOWN));
    write_phrases(out, shown)?;
    if !more.is_empty() {
        writeln!(out, "<details><summary>{} more</summary>", more.len())?;
        write_phrases(out, more)?;
        writeln!(out, "</details>")?;
    }
    writeln!(out, "</div></li>")
}

fn write_suggestion(out: &mut impl Write, group: &Group) -> io::Result<()> {
    let Some(nearest) = &group.nearest else {
        return writeln!(
            out,
            "<p><b class=\"new\">New question</b> No question is related.</p>\n\
             <p class=\"soft\">Group <code>{}</code></p>",
            group.id,
        );
    };
    let (class, suggestion) = match group.suggestion {
        Suggestion::NewQuestion => ("new", "New question"),
        Suggestion::AnotherWay => ("also", "Another way to ask"),
    };
    let lead = if group.suggestion == Suggestion::NewQuestion { "Closest: " } else { "" };
    writeln!(
        out,
        "<p><b class=\"{class}\">{suggestion}</b> {lead}<bdi>{}</bdi></p>\n\
         <p class=\"soft\">It {}. <code>{}</code> · Group <code>{id}</code></p>",
        Escaped(&nearest.question.title),
        Escaped(&gap_reason(nearest)),
        Escaped(&nearest.question.source.to_string()),
        id = group.id,
    )
}

fn write_phrases(out: &mut impl Write, phrases: &[Phrase]) -> io::Result<()> {
    if phrases.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul>")?;
    for Phrase { text, count } in phrases {
        let times = if *count > 1 { format!(" <small>{count} ×</small>") } else { String::new() };
        writeln!(out, "<li><bdi>{}</bdi>{times}</li>", Escaped(text))?;
    }
    writeln!(out, "</ul>")
}
