//! Results as text, for a terminal or a pipe.

mod curation;
mod duplicates;
mod explanation;
mod facets;
mod gaps;
mod plain;
mod preview;

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape::escaped;
use crate::question::Question;
use crate::search::{AlsoAsked, Hit, Quality, Results, Snippet, SnippetKind, percent};
use explanation::write_explanation;
use plain::plain;

pub use curation::write_curation;
pub use duplicates::{write_found, write_groups, write_pairs, write_related};
pub use facets::write_facets;
pub use gaps::{write_gaps, write_titles};
pub use preview::write_preview;

const TITLE: Style = Style::new().bold();
const MATCH: Style = AnsiColor::Yellow.on_default().bold();
const LOCATION: Style = AnsiColor::Cyan.on_default();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = AnsiColor::Green.on_default();
const LIKELY: Style = AnsiColor::Yellow.on_default();

/// The indentation of a hit's lines. A rank takes as many columns.
const INDENT: &str = "    ";

/// The width of a hit's quality in columns, including the space after it.
const QUALITY_COLUMNS: usize = 13;

/// The mark of a hit that the owner of the index put first.
const PINNED: &str = "pinned";

/// The mark before each line of code.
const CODE: &str = "│ ";

/// How results are laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Wrap at this many columns; `None` in a pipe, where lines are not wrapped.
    pub width: Option<usize>,
    /// The output is a terminal: escape control characters.
    pub escape: bool,
}

impl Layout {
    /// The text, with control characters escaped if [`escape`](Self::escape) is set.
    pub fn shown(self, text: &str) -> Cow<'_, str> {
        if self.escape { escaped(text) } else { text.into() }
    }
}

/// Writes hits: rank and title; the quality of the hit, its location and id; an excerpt of the answer.
///
/// # Errors
/// The stream cannot be written.
pub fn write_results(out: &mut impl Write, results: &Results, layout: Layout) -> io::Result<()> {
    for (nth, hit) in results.hits.iter().enumerate() {
        if nth > 0 {
            writeln!(out)?;
        }
        write_hit(out, hit, layout)?;
    }
    Ok(())
}

fn write_hit(out: &mut impl Write, hit: &Hit, layout: Layout) -> io::Result<()> {
    let Hit { rank, question, snippet, title_highlights, .. } = hit;
    let width = layout.width.map(|width| width.saturating_sub(INDENT.len()).max(20));
    for (nth, line) in wrapped(&question.title, width).into_iter().enumerate() {
        match nth {
            0 => write!(out, "{QUIET}{rank:>2}{QUIET:#}  ")?,
            _ => write!(out, "{INDENT}")?,
        }
        write_marked(out, &question.title, line, title_highlights, TITLE, layout)?;
        writeln!(out)?;
    }
    if let Some(line) = &hit.distinction {
        writeln!(out, "{INDENT}{QUIET}{}{QUIET:#}", layout.shown(line))?;
    }
    write!(out, "{INDENT}")?;
    write_quality(out, hit)?;
    if hit.pinned {
        write!(out, "{MATCH}{PINNED}{MATCH:#}{QUIET} · {QUIET:#}")?;
    }
    let pinned = if hit.pinned { PINNED.len() + " · ".width() } else { 0 };
    let column = INDENT.len() + QUALITY_COLUMNS + pinned;
    write_places(out, hit.index.as_deref(), question, None, column, layout)?;
    write_snippet(out, snippet, width, layout)?;
    write_also_asked(out, &hit.also_asked, width, layout)?;
    match &hit.explanation {
        Some(why) => write_explanation(out, hit, why, layout),
        None => Ok(()),
    }
}

/// Writes an excerpt. Prose is without the marks of Markdown; code has its language above it and a bar before each line.
fn write_snippet(
    out: &mut impl Write,
    snippet: &Snippet,
    width: Option<usize>,
    layout: Layout,
) -> io::Result<()> {
    let prose;
    let (bar, width, text, highlights) = match &snippet.kind {
        SnippetKind::Text => {
            prose = plain(&snippet.text, &snippet.highlights);
            ("", width, &prose.0, &prose.1)
        }
        SnippetKind::Code { language } => {
            if let Some(language) = language {
                writeln!(out, "{INDENT}{QUIET}{}{QUIET:#}", layout.shown(language))?;
            }
            (CODE, width.map(|width| width - CODE.width()), &snippet.text, &snippet.highlights)
        }
    };
    for line in wrapped(text, width) {
        write!(out, "{INDENT}{QUIET}{bar}{QUIET:#}")?;
        write_marked(out, text, line, highlights, Style::new(), layout)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Writes the quality of a hit, and its probability if the index is calibrated. Writes its score if it has no confidence
/// (the index has no embeddings).
fn write_quality(out: &mut impl Write, hit: &Hit) -> io::Result<()> {
    let Some(confidence) = hit.confidence else {
        return write!(out, "{QUIET}score {:>5.2}{QUIET:#}  ", hit.score);
    };
    let quality = Quality::of(confidence);
    let style = match quality {
        Quality::Strong => STRONG,
        Quality::Likely => LIKELY,
        Quality::Weak => QUIET,
    };
    write!(out, "{style}{:<6}", quality.name())?;
    if let Some(probability) = hit.probability {
        write!(out, " {:>2} %", percent(probability))?;
    }
    write!(out, "{style:#}  ")
}

/// Writes the other questions that ask the same, one per line, and the number of those left out.
fn write_also_asked(
    out: &mut impl Write,
    also_asked: &[AlsoAsked],
    width: Option<usize>,
    layout: Layout,
) -> io::Result<()> {
    const SHOWN: usize = 3;
    for AlsoAsked { question, .. } in also_asked.iter().take(SHOWN) {
        let line = format!("also asked as: {} ({})", question.title, question.source);
        let first = wrapped(&line, width).into_iter().next().unwrap_or(0..line.len());
        let more = if first.end < line.len() { "…" } else { "" };
        writeln!(out, "{INDENT}{QUIET}{}{more}{QUIET:#}", layout.shown(&line[first]))?;
    }
    if let Some(more) = also_asked.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(out, "{INDENT}{QUIET}… and {more} more (--all shows each){QUIET:#}")?;
    }
    Ok(())
}

/// Writes a full question.
///
/// # Errors
/// The stream cannot be written.
pub fn write_question(out: &mut impl Write, question: &Question, layout: Layout) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}", layout.shown(&question.title))?;
    write_location(out, question, None, 0, layout)?;
    for also in &question.also {
        writeln!(out, "{QUIET}also asked as: {}{QUIET:#}", layout.shown(also))?;
    }
    let facts = [
        ("tags", Some(question.tags.join(", ")).filter(|tags| !tags.is_empty())),
        ("key", question.key.clone()),
        ("score", question.score.map(|score| score.to_string())),
        ("url", question.url.clone()),
        ("date", question.date.clone()),
    ];
    let fields = question.fields.iter().map(|(key, value)| (key.as_str(), Some(value.clone())));
    for (name, value) in facts.into_iter().chain(fields) {
        if let Some(value) = value {
            writeln!(out, "{QUIET}{}: {}{QUIET:#}", layout.shown(name), layout.shown(&value))?;
        }
    }
    let readable = question.readable_answer();
    if !readable.trim().is_empty() {
        writeln!(out, "\n{}", layout.shown(readable.trim_end()))?;
    }
    if readable != question.answer {
        writeln!(out, "\n{QUIET}source:{QUIET:#}\n\n{}", layout.shown(question.answer.trim_end()))?;
    }
    Ok(())
}

/// Writes the source, section, level and id of a question and another fact, and ends the line. The text starts at `column`. If
/// it is wider than the terminal, it continues at the same column of the next line.
fn write_location(
    out: &mut impl Write,
    question: &Question,
    fact: Option<&str>,
    column: usize,
    layout: Layout,
) -> io::Result<()> {
    write_places(out, None, question, fact, column, layout)
}

/// The same, after the index that the question is from, if several are searched.
fn write_places(
    out: &mut impl Write,
    index: Option<&str>,
    question: &Question,
    fact: Option<&str>,
    column: usize,
    layout: Layout,
) -> io::Result<()> {
    let source = question.source.to_string();
    let facts =
        [&question.section, &question.level].into_iter().flatten().map(|fact| (fact.as_str(), Style::new()));
    let places = index.into_iter().map(|index| (index, QUIET)).chain([(source.as_str(), LOCATION)]);
    let facts = places.chain(facts).chain([(question.id.as_str(), QUIET)]);
    let facts = facts.chain(fact.map(|fact| (fact, QUIET)));
    let mut at = column;
    for (nth, (fact, style)) in facts.enumerate() {
        let fact = layout.shown(fact);
        let columns = fact.width() + " · ".width();
        if nth > 0 {
            if layout.width.is_some_and(|width| at + columns > width) {
                write!(out, "\n{:column$}", "")?;
                at = column;
            } else {
                write!(out, "{QUIET} · {QUIET:#}")?;
            }
        }
        write!(out, "{style}{fact}{style:#}")?;
        at += columns;
    }
    writeln!(out)
}

/// Writes `text[line]` with the matching parts in another style.
fn write_marked(
    out: &mut impl Write,
    text: &str,
    line: Range<usize>,
    highlights: &[Range<usize>],
    style: Style,
    layout: Layout,
) -> io::Result<()> {
    let mut write = |range: Range<usize>, style: Style| {
        let part = layout.shown(&text[range]);
        if part.is_empty() { Ok(()) } else { write!(out, "{style}{part}{style:#}") }
    };
    let mut at = line.start;
    for highlight in highlights {
        let (start, end) = (highlight.start.clamp(at, line.end), highlight.end.clamp(at, line.end));
        if start < end {
            write(at..start, style)?;
            write(start..end, MATCH)?;
            at = end;
        }
    }
    write(at..line.end, style)
}

/// The byte ranges of a text's lines. Lines wider than `width` columns are wrapped between words; a word
/// wider than a line is split. Empty lines are left out.
fn wrapped(text: &str, width: Option<usize>) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        if start < end {
            match width {
                Some(width) => wrap_line(text, start..end, width, &mut lines),
                None => lines.push(start..end),
            }
        }
        start += line.len();
    }
    lines
}

fn wrap_line(text: &str, line: Range<usize>, width: usize, lines: &mut Vec<Range<usize>>) {
    let (mut start, mut columns, mut last_space) = (line.start, 0, None);
    for (offset, c) in text[line.clone()].char_indices() {
        let at = line.start + offset;
        let wide = c.width().unwrap_or(8);
        if columns + wide > width && at > start {
            let (end, next) = match last_space {
                Some(space) if space > start => (space, space + 1),
                _ => (at, at),
            };
            lines.push(start..end);
            start = next;
            columns = text[start..at].chars().map(|c| c.width().unwrap_or(8)).sum();
            last_space = None;
        }
        if c == ' ' {
            last_space = Some(at);
        }
        columns += wide;
    }
    if start < line.end {
        lines.push(start..line.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, width: usize, expected: &[&str]) {
        let lines: Vec<&str> = wrapped(text, Some(width)).into_iter().map(|line| &text[line]).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        check("one two three four", 9, &["one two", "three", "four"]);
        check("one\n\n  two", 20, &["one", "  two"]);
        check("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check("東京東京", 4, &["東京", "東京"]);
        check("", 4, &[]);
    }
}
