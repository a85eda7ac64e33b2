//! XLSX, with `calamine`. Its ranges hold every cell between the first and the last one; its reader of cells holds one.

use std::io::{self, Read, Seek};

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};

use super::sheet::{Row, Sheet};
use crate::read::emit::{Emit, invalid};
use crate::read::mapping::Mapping;

/// Reads the sheets, cell by cell.
pub fn read<R: Read + Seek>(file: R, mapping: &Mapping, emit: &mut Emit<'_>) -> io::Result<()> {
    let broken = |error: XlsxError| invalid(format!("broken spreadsheet: {error}"));
    let mut book = Xlsx::new(file).map_err(broken)?;
    let names = book.sheet_names();
    for name in &names {
        let mut cells = match book.worksheet_cells_reader(name) {
            Ok(cells) => cells,
            // A chart.
            Err(XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(broken(error)),
        };
        let mut sheet = Sheet::new(name, names.len(), mapping);
        let mut row = Row::default();
        while let Some(cell) = cells.next_cell().map_err(broken)? {
            let (line, column) = cell.get_position();
            if row.line != u64::from(line) + 1 {
                let full = std::mem::replace(&mut row, Row::new(u64::from(line) + 1));
                if sheet.take(full, emit).is_break() {
                    return Ok(());
                }
            }
            row.push(column as usize, &text_of(cell.get_value()))?;
        }
        if sheet.take(row, emit).is_break() || sheet.finish(emit).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) == (0, 0, 0) {
                date
            } else {
                format!("{date} {hour:02}:{minute:02}:{second:02}")
            }
        }
        DataRef::DateTime(duration) => duration.as_f64().to_string(),
    }
}
