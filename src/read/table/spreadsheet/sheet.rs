//! The rows of a sheet → records.

use std::io;
use std::ops::ControlFlow;

use csv::StringRecord;
use serde_json::Value;

use crate::read::emit::{BadRecord, Emit, invalid};
use crate::read::mapping::Mapping;
use crate::read::table::delimited::{columns, is_header, mapped_columns};
use crate::read::table::record::Record;

/// What error messages call the file.
pub const KIND: &str = "spreadsheet";

/// How many rows are looked at to find the header, or to tell columns apart that have no names.
const SAMPLE: usize = 50;

/// A header is not further down than this. A title and notes may be above it.
const HEADER_WITHIN: usize = 10;

/// The largest row, in bytes of text.
const LARGEST_ROW: usize = 16 << 20;

/// The last column that a spreadsheet can have, from 1.
pub const LAST_COLUMN: usize = 16_384;

/// The cells of a row that have a text, by column from 0.
#[derive(Default)]
pub struct Row {
    /// From 1.
    pub line: u64,
    cells: Vec<(usize, String)>,
    bytes: usize,
}

impl Row {
    /// An empty row.
    pub fn new(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    /// Adds a cell.
    ///
    /// # Errors
    /// The row is too large.
    pub fn push(&mut self, column: usize, text: &str) -> io::Result<()> {
        if !text.trim().is_empty() {
            self.bytes += text.len();
            if self.bytes > LARGEST_ROW {
                return Err(invalid(format!("row {}: more than {} MiB", self.line, LARGEST_ROW >> 20)));
            }
            self.cells.push((column, text.to_owned()));
        }
        Ok(())
    }

    /// As a record with its empty fields.
    fn dense(&self) -> StringRecord {
        let columns = self.cells.iter().map(|(column, _)| column + 1).max().unwrap_or_default();
        let mut fields = vec![""; columns.min(LAST_COLUMN)];
        for (column, text) in &self.cells {
            if let Some(field) = fields.get_mut(*column) {
                *field = text;
            }
        }
        fields.into()
    }
}

/// A sheet that is being read.
pub struct Sheet<'m> {
    mapping: &'m Mapping,
    is_only: bool,
    section: Option<String>,
    /// The first rows, until the columns have names.
    sample: Vec<Row>,
    /// The names of the columns; empty if the sheet holds no questions.
    names: Option<Vec<String>>,
}

impl<'m> Sheet<'m> {
    /// A sheet of a file with this many.
    pub fn new(name: &str, sheets: usize, mapping: &'m Mapping) -> Self {
        let says_something = sheets > 1 || name != "Sheet1";
        let section = (says_something && !name.trim().is_empty()).then(|| name.to_owned());
        Self { mapping, is_only: sheets == 1, section, sample: Vec::new(), names: None }
    }

    /// Reads the next row.
    pub fn take(&mut self, row: Row, emit: &mut Emit<'_>) -> ControlFlow<()> {
        match &self.names {
            _ if row.cells.is_empty() => ControlFlow::Continue(()),
            Some(names) => self.hand_over(names, row, emit),
            None => {
                self.sample.push(row);
                if self.sample.len() < SAMPLE { ControlFlow::Continue(()) } else { self.finish(emit) }
            }
        }
    }

    /// Finds the names of the columns, if that is still to do, and hands the rows so far over.
    pub fn finish(&mut self, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let rows = std::mem::take(&mut self.sample);
        let records: Vec<StringRecord> = rows.iter().map(Row::dense).collect();
        let first = |test: &dyn Fn(&StringRecord) -> bool| records.iter().take(HEADER_WITHIN).position(test);
        let is_mapped = |record: &StringRecord| record.iter().any(|name| self.mapping.names(name));
        let header = first(&is_mapped).or_else(|| first(&is_header));
        let at = header.unwrap_or_default();
        let (names, has_header) = self.names_of_columns(&records, at, header.is_some());
        let rows = rows.into_iter().skip(at + usize::from(has_header));
        let flow = rows.into_iter().try_for_each(|row| self.hand_over(&names, row, emit));
        self.names = Some(names);
        flow
    }

    /// The names of the columns, and whether the row `at` has them. No names: the sheet holds something else.
    fn names_of_columns(&self, records: &[StringRecord], at: usize, has_header: bool) -> (Vec<String>, bool) {
        if self.mapping.is_empty() {
            return columns(&records[at..]).unwrap_or_default();
        }
        let Some(record) = records.get(at) else {
            return Default::default();
        };
        let mut names: Vec<String> = record.iter().map(str::to_owned).collect();
        names.resize(records.iter().map(StringRecord::len).max().unwrap_or_default(), String::new());
        let is_other = !has_header && !self.is_only && self.mapping.number_columns(&mut names.clone());
        if is_other { Default::default() } else { mapped_columns(names, has_header, self.mapping) }
    }

    fn hand_over(&self, names: &[String], row: Row, emit: &mut Emit<'_>) -> ControlFlow<()> {
        if names.is_empty() {
            return ControlFlow::Continue(());
        }
        let pairs = row.cells.into_iter().map(|(column, text)| {
            let name = names.get(column).filter(|name| !name.is_empty()).cloned();
            (name.unwrap_or_else(|| format!("column_{}", column + 1)), Value::String(text))
        });
        let mut question = Record::mapped(pairs, self.mapping).question(row.line);
        if let (Ok(question), Some(section)) = (&mut question, &self.section) {
            question.section.get_or_insert_with(|| section.clone());
        }
        emit(question.map_err(|reason| BadRecord { line: row.line, reason }))
    }
}
