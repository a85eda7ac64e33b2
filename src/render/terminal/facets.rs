//! Facets as text.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{Layout, QUIET, TITLE};
use crate::analyze::Language;
use crate::search::{Facet, FacetCounts, Facets};

/// The width of the names of facets in columns, including the space after them.
const NAME_COLUMNS: usize = 10;

/// Writes how many questions match, and a paragraph for each facet: its values with their counts.
///
/// # Errors
/// The stream cannot be written.
pub fn write_facets(out: &mut impl Write, facets: &Facets, layout: Layout) -> io::Result<()> {
    let (questions, verb) = if facets.matching == 1 { ("question", "es") } else { ("questions", "") };
    writeln!(out, "{QUIET}{} {questions} match{verb}{QUIET:#}", facets.matching)?;
    facets.counts.iter().try_for_each(|counts| write_counts(out, counts, layout))
}

fn write_counts(out: &mut impl Write, counts: &FacetCounts, layout: Layout) -> io::Result<()> {
    write!(out, "{TITLE}{:<NAME_COLUMNS$}{TITLE:#}", counts.facet)?;
    let mut values: Vec<String> = counts
        .values
        .iter()
        .map(|value| format!("{} {}", layout.shown(&shown(counts.facet, &value.value)), value.count))
        .collect();
    match counts.more {
        0 => {}
        more => values.push(format!("… and {more} more (--facet-values)")),
    }
    if values.is_empty() {
        values.push("none".to_owned());
    }
    let mut at = NAME_COLUMNS;
    for (nth, value) in values.iter().enumerate() {
        let columns = value.width() + " · ".width();
        if nth > 0 && layout.width.is_some_and(|width| at + columns > width) {
            write!(out, "\n{:NAME_COLUMNS$}", "")?;
            at = NAME_COLUMNS;
        } else if nth > 0 {
            write!(out, "{QUIET} · {QUIET:#}")?;
        }
        write!(out, "{value}")?;
        at += columns;
    }
    writeln!(out)
}

/// A value for people: a language has its name as well as its code.
fn shown(facet: Facet, value: &str) -> String {
    match Language::from_code(value).filter(|_| facet == Facet::Language) {
        Some(language) => format!("{value} ({language})"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::FacetValue;

    #[test]
    fn values_are_wrapped_and_what_is_left_out_is_counted() {
        let value = |value: &str, count| FacetValue { value: value.into(), count };
        let tags =
            FacetCounts { facet: Facet::Tag, values: vec![value("a b", 12), value("\u{1b}", 3)], more: 2 };
        let languages = FacetCounts { facet: Facet::Language, values: vec![value("de", 1)], more: 0 };
        let years = FacetCounts { facet: Facet::Year, values: Vec::new(), more: 0 };
        let facets = Facets { matching: 15, counts: vec![tags, languages, years] };
        let mut text = Vec::new();
        write_facets(&mut text, &facets, Layout { width: Some(30), escape: true }).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&text).unwrap()).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "15 questions match");
        assert!(lines[1].starts_with("tag       a b 12 · ") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(lines[2], "          … and 2 more (--facet-values)");
        assert_eq!(lines[3..], ["language  de (German) 1", "year      none"]);
    }
}
