//! Files of phrases: a phrase per line, JSON Lines, CSV or TSV, or the query log of a server.

use std::io;

use anyhow::{Context, bail};
use csv::StringRecord;
use serde_json::{Map, Value};

use super::phrases::{Phrases, Refused};
use crate::hint::hinted;
use crate::read::{BadRecord, Text, delimited};

/// The columns and keys that hold a phrase, unless one is named.
const NAMES: [&str; 8] = ["q", "query", "phrase", "text", "question", "search", "search term", "title"];

/// The column or key that holds how often the phrase was asked.
const COUNT: &str = "count";

/// The key of the hit that a user opened, in a query log. Such a line is not a search.
const CLICKED: &str = "clicked";

/// How a file holds phrases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Lines,
    JsonLines,
    /// With this delimiter.
    Table(u8),
}

impl Layout {
    /// The layout by the extension and the beginning of a file. With a named column, a file is a table unless it is
    /// JSON Lines.
    fn of(extension: &str, head: &str, has_column: bool) -> anyhow::Result<Self> {
        let start = head.trim_start();
        match extension {
            "json" if start.starts_with('[') => bail!(hinted(
                "a JSON array is not read",
                "write one JSON object per line, for example with `jq -c '.[]'`"
            )),
            "jsonl" | "ndjson" | "json" => Ok(Self::JsonLines),
            "csv" | "tsv" => Ok(Self::Table(delimited::delimiter(extension, head))),
            _ if start.starts_with('{') => Ok(Self::JsonLines),
            _ if has_column => Ok(Self::Table(delimited::delimiter(extension, head))),
            _ => Ok(Self::Lines),
        }
    }
}

/// Counts the phrases of a file. `column` is the name of the column or key with the phrase, or the number of a column,
/// from 1. Without it, it is one of the usual names. `problems` gets each line that is skipped.
///
/// # Errors
/// The file cannot be read, or it is a table without such a column.
pub fn read(
    text: &mut Text,
    column: Option<&str>,
    phrases: &mut Phrases,
    problems: &mut dyn FnMut(BadRecord),
) -> anyhow::Result<()> {
    let head = text.head()?;
    let layout = Layout::of(text.extension(), &head, column.is_some())?;
    let mut add = |line, found: Result<(String, u64), String>| {
        let added = found.and_then(|(phrase, count)| match phrases.add(&phrase, count) {
            // An empty search is nothing that a question could answer.
            Err(Refused::Empty) | Ok(()) => Ok(()),
            Err(refused) => Err(refused.to_string()),
        });
        if let Err(reason) = added {
            problems(BadRecord { line, reason });
        }
    };
    match layout {
        Layout::Lines => read_lines(text, |line, text| add(line, text.map(|text| (text.to_owned(), 1))))?,
        Layout::JsonLines => {
            read_lines(text, |line, text| match text.and_then(|text| from_json(text, column)) {
                Ok(None) => {}
                Ok(Some(found)) => add(line, Ok(found)),
                Err(reason) => add(line, Err(reason)),
            })?
        }
        Layout::Table(delimiter) => read_table(text, delimiter, column, add)?,
    }
    Ok(())
}

/// Calls a function with each line that is not empty, and its number.
fn read_lines(text: &mut Text, mut line: impl FnMut(u64, Result<&str, String>)) -> io::Result<()> {
    while let Some(next) = text.next_line()? {
        match next {
            Ok((_, text)) if text.trim().is_empty() => {}
            Ok((number, text)) => line(number, Ok(text)),
            Err(BadRecord { line: number, reason }) => line(number, Err(reason)),
        }
    }
    Ok(())
}

/// The phrase of a JSON object and its count. `None` for the line of a query log that is not a search.
fn from_json(line: &str, key: Option<&str>) -> Result<Option<(String, u64)>, String> {
    let object: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
        // The position in the file is that of the line.
        let reason = error.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
        format!("expected a JSON object: {reason}")
    })?;
    if object.get(CLICKED).is_some_and(Value::is_string) {
        return Ok(None);
    }
    let phrase = match key {
        Some(key) => object.get(key).ok_or_else(|| format!("the object has no {key:?}"))?,
        None => NAMES
            .iter()
            .find_map(|name| object.get(*name))
            .ok_or_else(|| format!("the object has none of {}", quoted(NAMES)))?,
    };
    let phrase = phrase.as_str().ok_or("the phrase is not a string")?;
    let count = match object.get(COUNT) {
        None | Some(Value::Null) => 1,
        Some(count) => count.as_u64().ok_or_else(|| format!("{COUNT:?} is not a whole number"))?,
    };
    Ok((count > 0).then(|| (phrase.to_owned(), count)))
}

fn quoted(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    names.into_iter().map(|name| format!("{:?}", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn read_table(
    text: &mut Text,
    delimiter: u8,
    column: Option<&str>,
    mut add: impl FnMut(u64, Result<(String, u64), String>),
) -> anyhow::Result<()> {
    let source = delimited::Limited::new(text);
    let mut reader = delimited::builder(delimiter, false).from_reader(source.clone());
    let mut record = StringRecord::new();
    if !reader.read_record(&mut record).context("line 1")? {
        return Ok(());
    }
    let columns = Columns::of(&record, column)?;
    loop {
        source.begin_record();
        let from = reader.position().line();
        // The next record cannot be found after a broken one.
        if !reader.read_record(&mut record).with_context(|| format!("line {from}"))? {
            return Ok(());
        }
        let line = record.position().map_or(from, csv::Position::line);
        match source.is_unreadable(line..reader.position().line().max(line + 1)) {
            true => add(line, Err("not UTF-8".to_owned())),
            false if record.iter().all(|field| field.trim().is_empty()) => {}
            false => add(line, columns.phrase(&record)),
        }
    }
}

/// The positions of the columns of a table.
struct Columns {
    phrase: usize,
    count: Option<usize>,
}

impl Columns {
    fn of(header: &StringRecord, column: Option<&str>) -> anyhow::Result<Self> {
        let position = |wanted: &str| {
            header.iter().position(|name| name.trim().to_lowercase() == wanted.trim().to_lowercase())
        };
        let by_number =
            |column: &str| column.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < header.len());
        let phrase = match column {
            Some(column) => position(column).or_else(|| by_number(column)),
            None => NAMES.iter().find_map(|name| position(name)),
        };
        let Some(phrase) = phrase else {
            let named = column.map_or_else(|| quoted(NAMES), |column| format!("{column:?}"));
            bail!(hinted(
                format!("line 1: no column is named {named}; the columns are {}", quoted(header)),
                "name the column with the phrases with --column NAME"
            ));
        };
        Ok(Self { phrase, count: position(COUNT).filter(|count| *count != phrase) })
    }

    fn phrase(&self, record: &StringRecord) -> Result<(String, u64), String> {
        let phrase = record.get(self.phrase).unwrap_or_default().to_owned();
        let count = self.count.and_then(|column| record.get(column)).map(str::trim).unwrap_or_default();
        match count {
            "" => Ok((phrase, 1)),
            count => match count.parse() {
                Ok(0) => Ok((String::new(), 0)),
                Ok(count) => Ok((phrase, count)),
                Err(_) => Err(format!("{COUNT:?} is not a whole number: {count:?}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::hint::Hinted;

    /// The phrases with their counts, and the lines that were skipped with a part of the reason.
    type Expected<'a> = (&'a [(&'a str, u64)], &'a [(u64, &'a str)]);

    fn read_text(
        extension: &str,
        content: &[u8],
        column: Option<&str>,
    ) -> anyhow::Result<(Phrases, Vec<BadRecord>)> {
        let mut file = tempfile::tempfile()?;
        file.write_all(content)?;
        let (mut phrases, mut problems) = (Phrases::default(), Vec::new());
        let mut text = Text::new(file, extension.to_owned())?;
        text.rewind()?;
        read(&mut text, column, &mut phrases, &mut |problem| problems.push(problem))?;
        Ok((phrases, problems))
    }

    #[track_caller]
    fn check(extension: &str, content: &str, column: Option<&str>, expected: Expected<'_>) {
        let (phrases, problems) = read_text(extension, content.as_bytes(), column).unwrap();
        let phrases = phrases.into_sorted();
        let found: Vec<(&str, u64)> =
            phrases.iter().map(|phrase| (phrase.text.as_str(), phrase.count)).collect();
        assert_eq!(found, expected.0);
        assert_eq!(problems.len(), expected.1.len(), "{problems:?}");
        for (problem, (line, reason)) in problems.iter().zip(expected.1) {
            assert!(problem.line == *line && problem.reason.contains(reason), "{problem:?}");
        }
    }

    #[test]
    fn text_has_a_phrase_per_line() {
        check("", "b c\n\n  b C?\r\na, \"d\"\n???", None, (&[("b c", 2), ("a, \"d\"", 1)], &[]));
        check("txt", "", None, (&[], &[]));
        // A replacement character that the file has is text.
        check("txt", "a \u{fffd} b", None, (&[("a \u{fffd} b", 1)], &[]));
    }

    #[test]
    fn json_lines_have_a_key_with_the_phrase() {
        let lines = "{\"q\": \"a\", \"count\": 3}\n{\"text\": \"b\"}\n\n{\"q\": \"a\", \"clicked\": \"0123456789ab\"}\n\
                     {\"q\": \"b\", \"clicked\": null}\n{\"x\": \"c\"}\n{\"q\": 1}\n{\"q\": \"d\", \"count\": -1}\n{\"q\":";
        let problems = [
            (6, "has none of \"q\""),
            (7, "not a string"),
            (8, "not a whole number"),
            (9, "expected a JSON object"),
        ];
        check("", lines, None, (&[("a", 3), ("b", 2)], &problems));
        check("log", "{\"x\": \"c\", \"q\": \"a\"}", Some("x"), (&[("c", 1)], &[]));
        check("jsonl", "{\"q\": \"a\"}", Some("x"), (&[], &[(1, "has no \"x\"")]));
        let array = read_text("json", b"[{\"q\": \"a\"}]", None).unwrap_err();
        assert!(array.to_string().contains("JSON array"));
    }

    #[test]
    fn tables_have_a_column_with_the_phrase() {
        check(
            "csv",
            "Query,Count\n\"a, b\",2\n\nc,\nd,x\ne,0\n",
            None,
            (&[("a, b", 2), ("c", 1)], &[(5, "\"x\"")]),
        );
        check("tsv", "when\tq\n1\ta\n2\tb", None, (&[("a", 1), ("b", 1)], &[]));
        check("txt", "when;asked\n1;a\n2;b", Some("Asked"), (&[("a", 1), ("b", 1)], &[]));
        check("csv", "when,asked\n1,a", Some("2"), (&[("a", 1)], &[]));
        for (column, reason) in [
            (None, "no column is named \"q\""),
            (Some("x"), "named \"x\"; the columns are \"when\", \"asked\""),
        ] {
            let error = read_text("csv", b"when,asked\n1,a", column).err().unwrap();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(Hinted::of(&error).unwrap().contains("--column"));
        }
    }

    #[test]
    fn lines_that_are_not_text_are_skipped() {
        let (phrases, problems) = read_text("", b"a\n\xff\xfe\xff\nb\nc", None).unwrap();
        assert_eq!((phrases.into_sorted().len(), problems[0].line), (3, 2));
        let (phrases, problems) = read_text("csv", b"q\na\n\xff\nb\nc", None).unwrap();
        assert_eq!((phrases.into_sorted().len(), problems[0].line), (3, 3));
    }
}
