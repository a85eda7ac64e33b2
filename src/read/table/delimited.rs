//! Delimited text: CSV, TSV and similar formats, with or without quotes and a header.

use std::cell::RefCell;
use std::io::{self, Read};
use std::ops::Range;
use std::rc::Rc;

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use super::record::{Record, is_question};
use crate::read::emit::{BadRecord, Emit, invalid};
use crate::read::keys::{is_answer, is_title, normalized};
use crate::read::mapping::Mapping;
use crate::read::text::Text;

/// The longest record, in bytes. It limits what a missing closing quote can take in.
const LONGEST_RECORD: u64 = 16 << 20;

/// How many records are examined to find the columns of a file.
const SAMPLE: usize = 50;

/// What a delimited file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Between two fields.
    pub delimiter: u8,
    /// The names of the columns: those of the header, or generated ones.
    pub names: Vec<String>,
    /// The first record is a header.
    pub has_header: bool,
}

/// The layout of a file by its beginning; `None` if no column has questions.
pub fn layout(extension: &str, head: &str, mapping: &Mapping) -> Option<Layout> {
    let delimiter = delimiter(extension, head);
    if !mapping.is_empty() {
        return mapped_layout(delimiter, extension, head, mapping);
    }
    let (names, has_header) = columns(&sample(&builder(delimiter, false), head, 1))?;
    Some(Layout { delimiter, names, has_header })
}

/// The first records of a file. The last of them may be cut, and is left out if there are more than `fewest`.
pub fn sample(builder: &ReaderBuilder, head: &str, fewest: usize) -> Vec<StringRecord> {
    let mut reader = builder.from_reader(head.as_bytes());
    let mut sample: Vec<StringRecord> = reader.records().take(SAMPLE).filter_map(Result::ok).collect();
    if sample.len() > fewest {
        sample.pop();
    }
    sample
}

/// The names of a table's columns by its first records, and whether the first record is a header.
pub fn columns(sample: &[StringRecord]) -> Option<(Vec<String>, bool)> {
    let first = sample.first()?;
    if is_header(first) {
        return Some((first.iter().map(|name| normalized(name).into_owned()).collect(), true));
    }
    Some((guessed_names(sample)?, false))
}

/// Whether a record has the names of columns.
pub fn is_header(record: &StringRecord) -> bool {
    let names: Vec<String> = record.iter().map(|name| normalized(name).into_owned()).collect();
    let has_key = names.iter().any(|name| name == "_id" || name == "id");
    names.iter().any(|name| is_title(name)) && !record.iter().any(is_question)
        || has_key && names.iter().any(|name| is_answer(name))
}

/// The layout of a file whose columns are mapped. The first record is the header if a column is mapped by name, or if
/// it would be one without the mapping.
fn mapped_layout(delimiter: u8, extension: &str, head: &str, mapping: &Mapping) -> Option<Layout> {
    let first = builder(delimiter, false).from_reader(head.as_bytes()).into_records().next()?.ok()?;
    let unmapped = layout(extension, head, &Mapping::default());
    let names = first.iter().map(str::to_owned).collect();
    let is_header = unmapped.is_some_and(|layout| layout.has_header);
    let (names, has_header) = mapped_columns(names, is_header, mapping);
    Some(Layout { delimiter, names, has_header })
}

/// The names of mapped columns by the first record, and whether it is the header.
pub fn mapped_columns(mut names: Vec<String>, is_header: bool, mapping: &Mapping) -> (Vec<String>, bool) {
    let has_header = mapping.number_columns(&mut names) || is_header;
    if !has_header {
        names = (1..=names.len()).map(|number| format!("column_{number}")).collect();
        mapping.number_columns(&mut names);
    }
    (names, has_header)
}

/// Names for the columns of a table without a header: the question is in the column with the most questions, and the
/// answer in the one of the others with the most text.
fn guessed_names(sample: &[StringRecord]) -> Option<Vec<String>> {
    let columns = sample.iter().map(StringRecord::len).max()?;
    let field = |record: &StringRecord, column: usize| record.get(column).unwrap_or_default().to_owned();
    let asking = |column: usize| sample.iter().filter(|record| is_question(&field(record, column))).count();
    let length = |column: usize| sample.iter().map(|record| field(record, column).len()).sum::<usize>();
    let title = (0..columns).rev().max_by_key(|column| asking(*column))?;
    if asking(title) * 2 < sample.len() {
        return None;
    }
    let answer = (0..columns).rev().filter(|column| *column != title).max_by_key(|column| length(*column));
    let mut names: Vec<String> = (0..columns).map(|column| format!("column_{}", column + 1)).collect();
    names[title] = "question".to_owned();
    if let Some(answer) = answer {
        names[answer] = "answer".to_owned();
    }
    Some(names)
}

/// What separates the fields of a file, by its extension or its first line.
pub fn delimiter(extension: &str, head: &str) -> u8 {
    if extension == "tsv" {
        return b'\t';
    }
    let first = head.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    // Of equals, `max_by_key` returns the last: a comma.
    [b'|', b';', b'\t', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// A parser of records; `comments` are lines that begin with `#`.
pub fn builder(delimiter: u8, comments: bool) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true).comment(comments.then_some(b'#'));
    builder
}

/// Reads the records of a file with named columns.
pub fn read(layout: &Layout, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    let record = |fields: &StringRecord| {
        Record::mapped(layout.names.iter().cloned().zip(fields.iter().map(Value::from)), &mapping)
    };
    read_records(&mut builder(layout.delimiter, false), layout.has_header, text, record, emit)
}

/// Reads record by record. `record` gives names to the fields of one.
pub fn read_records(
    builder: &mut ReaderBuilder,
    has_header: bool,
    text: &mut Text,
    to_record: impl Fn(&StringRecord) -> Record,
    emit: &mut Emit<'_>,
) -> io::Result<()> {
    let source = Limited::new(text);
    let mut reader = builder.buffer_capacity(8 << 10).from_reader(source.clone());
    let mut record = StringRecord::new();
    let mut header_follows = has_header;
    loop {
        source.begin_record();
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => {
                // The next record cannot be found.
                let _ = emit(Err(broken_record(error, line)?));
                return Ok(());
            }
        }
        if std::mem::take(&mut header_follows) {
            continue;
        }
        let line = first_line(
            record.position().map_or(line, csv::Position::line),
            &record,
            reader.position().line(),
        );
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        let question = match source.is_unreadable(line..reader.position().line().max(line + 1)) {
            true => Err(BadRecord::not_utf8(line)),
            false => to_record(&record).question(line).map_err(|reason| BadRecord { line, reason }),
        };
        if emit(question).is_break() {
            return Ok(());
        }
    }
}

/// What is wrong with a record, if it is not the file that cannot be read.
fn broken_record(error: csv::Error, line: u64) -> io::Result<BadRecord> {
    let line = error.position().map_or(line, csv::Position::line);
    let reason = match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => "broken record".to_owned(),
    };
    Ok(BadRecord { line, reason })
}

/// The line on which a record begins. The reader has read the lines from `from`, which may be empty ones, to `to`.
fn first_line(from: u64, record: &StringRecord, to: u64) -> u64 {
    let within = record.iter().map(|field| field.matches('\n').count() as u64).sum::<u64>();
    // The last record may end without a line end.
    let ends = u64::from(to > from + within);
    to.saturating_sub(within + ends).max(from)
}

/// The text. Reading it fails within a record that is too long.
#[derive(Clone)]
pub struct Limited<'a>(Rc<RefCell<Source<'a>>>);

struct Source<'a> {
    text: &'a mut Text,
    /// How many bytes were read since the last record began.
    read: u64,
    /// Lines that are not UTF-8. The reader reads ahead of its records.
    unreadable: Vec<u64>,
}

impl<'a> Limited<'a> {
    pub fn new(text: &'a mut Text) -> Self {
        Self(Rc::new(RefCell::new(Source { text, read: 0, unreadable: Vec::new() })))
    }

    /// Allows another record of the greatest length.
    pub fn begin_record(&self) {
        self.0.borrow_mut().read = 0;
    }

    /// Whether a line of a record is not UTF-8. Records are asked for in order.
    pub fn is_unreadable(&self, record: Range<u64>) -> bool {
        let Source { text, unreadable, .. } = &mut *self.0.borrow_mut();
        unreadable.extend(std::iter::from_fn(|| text.take_unreadable()));
        let is_bad = unreadable.iter().any(|bad| record.contains(bad));
        unreadable.retain(|bad| *bad >= record.end);
        is_bad
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Source { text, read, .. } = &mut *self.0.borrow_mut();
        if *read > LONGEST_RECORD {
            return Err(invalid("a record of more than 16 MiB: a quote that never closes?"));
        }
        let bytes = text.read(buf)?;
        *read += bytes as u64;
        Ok(bytes)
    }
}
