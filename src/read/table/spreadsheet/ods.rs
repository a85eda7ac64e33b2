//! ODS, from its XML. The reader of `calamine` holds every cell between the first and the last one.

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::str::FromStr;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::sheet::{KIND, LAST_COLUMN, Row, Sheet};
use crate::read::emit::{Emit, invalid};
use crate::read::mapping::Mapping;
use crate::read::office::{self, attribute, broken};

/// A text that is repeated in more columns holds no more than this many.
const MOST_COPIES: usize = 100;

/// Reads `content.xml` (<https://docs.oasis-open.org/office/OpenDocument/v1.3/os/part3-schema>).
pub fn read<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    mapping: &Mapping,
    emit: &mut Emit<'_>,
) -> io::Result<()> {
    let is_table = |tag: &io::Result<Vec<u8>>| tag.as_ref().is_ok_and(|tag| tag.starts_with(b"table:table "));
    let content = BufReader::new(archive.by_name("content.xml").map_err(broken(KIND))?);
    let sheets = content.split(b'<').filter(is_table).count();
    let mut xml = Reader::from_reader(BufReader::new(archive.by_name("content.xml").map_err(broken(KIND))?));
    xml.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut book = Book {
        mapping,
        sheets,
        sheet: Sheet::new("", 1, mapping),
        row: Row::default(),
        line: 1,
        rows: 1,
        column: 0,
        columns: 1,
        cell: None,
    };
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer).map_err(broken_xml)?;
        match &event {
            Event::Eof => return Ok(()),
            // A comment.
            Event::Start(element) if element.name().as_ref() == "office:annotation" => {
                xml.read_to_end_into(element.to_end().name(), &mut Vec::new()).map_err(broken_xml)?;
            }
            Event::Start(element) => book.start(element),
            Event::End(element) if book.end(element.name().as_ref(), emit)?.is_break() => return Ok(()),
            _ => {}
        }
        if let Some(cell) = &mut book.cell {
            push_text(&event, cell);
        }
    }
}

/// A file that is being read.
struct Book<'m> {
    mapping: &'m Mapping,
    /// How many sheets it has.
    sheets: usize,
    sheet: Sheet<'m>,
    row: Row,
    /// The line of the row, and how often it is repeated.
    line: u64,
    rows: u64,
    /// The column of the next cell, and how often it is repeated.
    column: usize,
    columns: usize,
    /// The text of the open cell.
    cell: Option<String>,
}

impl Book<'_> {
    fn start(&mut self, element: &BytesStart<'_>) {
        match element.name().as_ref() {
            "table:table" => {
                let name = attribute(element, "name").unwrap_or_default();
                (self.sheet, self.line) = (Sheet::new(&name, self.sheets, self.mapping), 1);
            }
            "table:table-row" => {
                self.rows = repeated(element, "number-rows-repeated");
                (self.row, self.column) = (Row::new(self.line), 0);
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.columns = repeated(element, "number-columns-repeated");
                self.cell = Some(String::new());
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str, emit: &mut Emit<'_>) -> io::Result<ControlFlow<()>> {
        match name {
            "table:table-cell" | "table:covered-table-cell" => self.end_cell()?,
            // A repeated row is the same question again.
            "table:table-row" => {
                self.line = self.line.saturating_add(self.rows);
                return Ok(self.sheet.take(std::mem::take(&mut self.row), emit));
            }
            "table:table" => return Ok(self.sheet.finish(emit)),
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end_cell(&mut self) -> io::Result<()> {
        let text = self.cell.take().unwrap_or_default();
        let end = usize::min(LAST_COLUMN, self.column + self.columns.min(LAST_COLUMN));
        let copies = if text.trim().is_empty() { 0 } else { MOST_COPIES };
        (self.column..end).take(copies).try_for_each(|column| self.row.push(column, &text))?;
        self.column = end;
        Ok(())
    }
}

/// Adds what is shown of an event within a cell.
fn push_text(event: &Event<'_>, cell: &mut String) {
    match event {
        Event::Start(element) => match element.name().as_ref() {
            "text:p" if !cell.is_empty() => cell.push('\n'),
            "text:line-break" => cell.push('\n'),
            "text:s" | "text:tab" => cell.push(' '),
            _ => {}
        },
        event => office::push_text(event, cell),
    }
}

fn broken_xml(error: quick_xml::Error) -> io::Error {
    match error {
        quick_xml::Error::Io(error) => io::Error::new(error.kind(), error.to_string()),
        error => invalid(format!("broken spreadsheet: {error}")),
    }
}

/// How often a row or a cell is repeated.
fn repeated<T: FromStr + From<u8>>(element: &BytesStart<'_>, name: &str) -> T {
    attribute(element, name).and_then(|count| count.parse().ok()).unwrap_or_else(|| 1.into())
}
