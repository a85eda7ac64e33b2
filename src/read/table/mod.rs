//! Records with named parts: CSV, TSV, JSON, JSON Lines, YAML, TOML, Anki exports, spreadsheets.
//!
//! [`keys`](super::keys) knows which name means what (`question`, `title`, `Question Text`), and [`walk`] where records
//! are in nested data. A format only parses.

mod anki;
pub(crate) mod delimited;
pub mod json;
pub mod record;
pub mod settings;
mod shapes;
pub mod spreadsheet;
mod toml;
mod tree;
mod walk;
mod yaml;

use std::io;

use super::emit::Emit;
use super::mapping::Mapping;
use super::reader::Reader;
use super::text::Text;

/// Reads tables and lists of records.
pub struct Table;

/// How a table is written down.
enum Format {
    JsonLines,
    Json,
    Yaml,
    Toml,
    Delimited(delimited::Layout),
    Anki(anki::Notes),
}

impl Format {
    /// By extension, and by the text where that says nothing or too little.
    fn of(extension: &str, head: &str, mapping: &Mapping) -> Option<Self> {
        let start = head.trim_start();
        match extension {
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "json" if is_json_lines(start) => Some(Self::JsonLines),
            "json" => Some(Self::Json),
            "yml" | "yaml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "csv" | "tsv" => delimited::layout(extension, head, mapping).map(Self::Delimited),
            "anki" => anki::notes(head, true).map(Self::Anki),
            "txt" | "text" | "" | "data" | "log" if start.starts_with('{') && is_json_lines(start) => {
                Some(Self::JsonLines)
            }
            "txt" | "text" | "" | "data" if start.starts_with(['{', '[']) && looks_like_json(start) => {
                Some(Self::Json)
            }
            "txt" | "text" | "" | "data" => delimited::layout(extension, head, mapping)
                .filter(|layout| layout.has_header && layout.names.len() > 1)
                .map(Self::Delimited)
                .or_else(|| anki::notes(head, false).map(Self::Anki)),
            _ => None,
        }
    }
}

/// Whether the first line is a whole object and another follows.
fn is_json_lines(start: &str) -> bool {
    let mut lines = start.lines().filter(|line| !line.trim().is_empty());
    let first = lines
        .next()
        .is_some_and(|line| serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(line).is_ok());
    first && lines.next().is_some_and(|line| line.trim_start().starts_with('{'))
}

/// `{"…` or `[{…`: what no prose begins with.
fn looks_like_json(start: &str) -> bool {
    let bare: String = start.chars().filter(|c| !c.is_whitespace()).take(2).collect();
    matches!(bare.as_str(), "{\"" | "[{" | "[\"")
}

impl Reader for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        match (extension, Format::of(extension, head, &Mapping::default())) {
            (_, None) => 0,
            ("csv" | "tsv" | "json" | "jsonl" | "ndjson" | "yml" | "yaml" | "toml", Some(_)) => 90,
            (_, Some(_)) => 85,
        }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        let extension = text.extension().to_owned();
        let head = text.head()?;
        match Format::of(&extension, &head, &text.mapping()) {
            Some(Format::JsonLines) => json::read_lines(text, emit),
            Some(Format::Json) => json::read_stream(text, emit),
            Some(Format::Yaml) => yaml::read(text, emit),
            Some(Format::Toml) => toml::read(text, emit),
            Some(Format::Delimited(layout)) => delimited::read(&layout, text, emit),
            Some(Format::Anki(notes)) => anki::read(&notes, text, emit),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
