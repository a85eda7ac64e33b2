//! The synonyms and pins of an index.

use std::io::{self, Write};
use std::path::Path;

use super::{LIKELY, Layout, QUIET};
use crate::search::{CurationReport, ListedPin, ListedSynonym};

/// Writes the entries with their lines, and what has no effect.
///
/// # Errors
/// The stream cannot be written.
pub fn write_curation(out: &mut impl Write, report: &CurationReport, layout: Layout) -> io::Result<()> {
    write_head(out, "synonyms", report.synonyms_file.as_deref(), report.synonyms.len(), layout)?;
    for listed in &report.synonyms {
        write_synonym(out, listed, layout)?;
    }
    write_head(out, "pins", report.pins_file.as_deref(), report.pins.len(), layout)?;
    for listed in &report.pins {
        write_pin(out, listed, layout)?;
    }
    Ok(())
}

fn write_head(
    out: &mut impl Write,
    name: &str,
    file: Option<&Path>,
    count: usize,
    layout: Layout,
) -> io::Result<()> {
    let file = file.map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
    writeln!(out, "{name:<9} {count} in {}", layout.shown(&file))
}

fn write_synonym(out: &mut impl Write, listed: &ListedSynonym, layout: Layout) -> io::Result<()> {
    write!(out, "{QUIET}{:>6}{QUIET:#}  {}", listed.synonym.line, layout.shown(&listed.text()))?;
    match listed.has_effect {
        true => writeln!(out),
        false if listed.missing.len() == listed.synonym.to.len() => {
            writeln!(out, "  {LIKELY}no effect: no question contains it{LIKELY:#}")
        }
        false => writeln!(out, "  {LIKELY}no effect: no question is in this language{LIKELY:#}"),
    }
}

fn write_pin(out: &mut impl Write, listed: &ListedPin, layout: Layout) -> io::Result<()> {
    let pin = &listed.pin;
    let meaning = pin.meaning.map_or_else(String::new, |least| format!(" (by meaning from {least:.2})"));
    let phrases = format!("“{}”{meaning}", pin.phrases.join("”, “"));
    writeln!(out, "{QUIET}{:>6}{QUIET:#}  {}", pin.line, layout.shown(&phrases))?;
    let first = pin.ids.iter().zip(&listed.titles).map(|(id, title)| ("first", id, title));
    let hidden = pin.hide.iter().zip(&listed.hidden_titles).map(|(id, title)| ("hidden", id, title));
    for (what, id, title) in first.chain(hidden) {
        write!(out, "        {what:<6}  {}  ", layout.shown(id))?;
        match title {
            Some(title) => writeln!(out, "{}", layout.shown(title))?,
            None => writeln!(out, "{LIKELY}not in the index{LIKELY:#}")?,
        }
    }
    let decided = [&pin.by, &pin.date, &pin.note].into_iter().flatten().map(String::as_str);
    let decided = decided.collect::<Vec<_>>().join(" · ");
    match decided.is_empty() {
        true => Ok(()),
        false => writeln!(out, "        {QUIET}{}{QUIET:#}", layout.shown(&decided)),
    }
}
