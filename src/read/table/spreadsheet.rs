//! Spreadsheets, sheet by sheet and row by row: XLSX with `calamine`, ODS from its XML.
//!
//! calamine's reader of ODS, and its ranges of XLSX, hold every cell between the first and the last one, so a
//! small file could take all memory. Its reader of cells holds one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::str::FromStr;

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};
use csv::StringRecord;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;
use zip::ZipArchive;
use zip::result::ZipError;

use super::delimited::{columns, is_header, mapped_columns};
use super::record::Record;
use crate::read::mapping::Mapping;
use crate::read::office::{self, attribute};
use crate::read::{BadRecord, Compression, Emit, Text, expand, invalid};

/// What error messages call the file.
const KIND: &str = "spreadsheet";

/// The extensions of spreadsheets, in lower case.
const EXTENSIONS: [&str; 3] = ["xlsx", "xlsm", "ods"];

/// The largest file, expanded, in bytes.
const LARGEST: u64 = 128 << 20;

/// How many rows are looked at to find the header, or to tell columns apart that have no names.
const SAMPLE: usize = 50;

/// A header is not further down than this. A title and notes may be above it.
const HEADER_WITHIN: usize = 10;

/// The largest row, in bytes of text.
const LARGEST_ROW: usize = 16 << 20;

/// The last column that a spreadsheet can have, from 1.
const LAST_COLUMN: usize = 16_384;

/// A text that is repeated in more columns holds no more than this many.
const MOST_COPIES: usize = 100;

/// Reads spreadsheets. The line of a question is its row.
pub struct Spreadsheet;

impl crate::read::Reader for Spreadsheet {
    fn name(&self) -> &'static str {
        "spreadsheet"
    }

    fn fit(&self, extension: &str, _: &str) -> u8 {
        if EXTENSIONS.contains(&extension) { 100 } else { 0 }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        read(text.file()?, &text.mapping(), emit)
    }
}

fn read(file: File, mapping: &Mapping, emit: &mut Emit<'_>) -> io::Result<()> {
    let file = BufReader::new(expanded(file)?);
    let mut archive = office::open(file, KIND, "spreadsheet, or one of Excel 97")?;
    check_size(&mut archive)?;
    if archive.index_for_name("content.xml").is_some() {
        return read_ods(&mut archive, mapping, emit);
    }
    read_xlsx(archive.into_inner(), mapping, emit)
}

/// The file itself, or the content of a compressed one.
fn expanded(mut file: File) -> io::Result<File> {
    if Compression::of(&mut file)?.is_none() {
        return Ok(file);
    }
    let mut content = tempfile::tempfile()?;
    let bytes = io::copy(&mut expand::expanded(file)?.take(LARGEST + 1), &mut content)?;
    if bytes > LARGEST {
        return Err(too_large());
    }
    content.rewind()?;
    Ok(content)
}

fn too_large() -> io::Error {
    invalid(format!("a spreadsheet that expands to more than {} MiB", LARGEST >> 20))
}

fn broken(error: impl Into<ZipError>) -> io::Error {
    office::broken(KIND, error)
}

/// The sizes that an archive declares may be wrong, so this expands it.
fn check_size<R: Read + Seek>(archive: &mut ZipArchive<R>) -> io::Result<()> {
    let mut rest = LARGEST;
    for index in 0..archive.len() {
        let bytes = io::copy(&mut archive.by_index(index).map_err(broken)?.take(rest + 1), &mut io::sink());
        rest = rest.checked_sub(bytes.map_err(broken)?).ok_or_else(too_large)?;
    }
    Ok(())
}

fn read_xlsx<R: Read + Seek>(file: R, mapping: &Mapping, emit: &mut Emit<'_>) -> io::Result<()> {
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
                let full = std::mem::replace(&mut row, Row { line: u64::from(line) + 1, ..Row::default() });
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

/// Reads `content.xml` (<https://docs.oasis-open.org/office/OpenDocument/v1.3/os/part3-schema>).
fn read_ods<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    mapping: &Mapping,
    emit: &mut Emit<'_>,
) -> io::Result<()> {
    let is_table = |tag: &io::Result<Vec<u8>>| tag.as_ref().is_ok_and(|tag| tag.starts_with(b"table:table "));
    let content = BufReader::new(archive.by_name("content.xml").map_err(broken)?);
    let sheets = content.split(b'<').filter(is_table).count();
    let mut xml = Reader::from_reader(BufReader::new(archive.by_name("content.xml").map_err(broken)?));
    xml.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut sheet = Sheet::new("", 1, mapping);
    // Where the next row and the next cell are.
    let (mut row, mut line, mut rows, mut column, mut columns) = (Row::default(), 1, 1, 0, 1);
    // The text of the cell that is being read.
    let mut cell = None::<String>;
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer).map_err(broken_xml)?;
        match &event {
            Event::Eof => return Ok(()),
            Event::Start(element) => match element.name().as_ref() {
                "table:table" => {
                    let name = attribute(element, "name").unwrap_or_default();
                    (sheet, line) = (Sheet::new(&name, sheets, mapping), 1)
                }
                "table:table-row" => {
                    rows = repeated(element, "number-rows-repeated");
                    (row, column) = (Row { line, ..Row::default() }, 0);
                }
                "table:table-cell" | "table:covered-table-cell" => {
                    columns = repeated(element, "number-columns-repeated");
                    cell = Some(String::new());
                }
                // A comment.
                "office:annotation" => {
                    xml.read_to_end_into(element.to_end().name(), &mut Vec::new()).map_err(broken_xml)?;
                }
                _ => {}
            },
            Event::End(element) => match element.name().as_ref() {
                "table:table-cell" | "table:covered-table-cell" => {
                    let text = cell.take().unwrap_or_default();
                    let end = usize::min(LAST_COLUMN, column + columns.min(LAST_COLUMN));
                    let copies = if text.trim().is_empty() { 0 } else { MOST_COPIES };
                    (column..end).take(copies).try_for_each(|column| row.push(column, &text))?;
                    column = end;
                }
                // A repeated row is the same question again.
                "table:table-row" => {
                    line = u64::saturating_add(line, rows);
                    if sheet.take(std::mem::take(&mut row), emit).is_break() {
                        return Ok(());
                    }
                }
                "table:table" if sheet.finish(emit).is_break() => return Ok(()),
                _ => {}
            },
            _ => {}
        }
        if let Some(cell) = &mut cell {
            push_text(&event, cell);
        }
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

/// The cells of a row that have a text, by column from 0.
#[derive(Default)]
struct Row {
    /// From 1.
    line: u64,
    cells: Vec<(usize, String)>,
    bytes: usize,
}

impl Row {
    fn push(&mut self, column: usize, text: &str) -> io::Result<()> {
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
struct Sheet<'m> {
    mapping: &'m Mapping,
    is_only: bool,
    section: Option<String>,
    /// The first rows, until the columns have names.
    sample: Vec<Row>,
    /// The names of the columns; empty if the sheet holds no questions.
    names: Option<Vec<String>>,
}

impl<'m> Sheet<'m> {
    fn new(name: &str, sheets: usize, mapping: &'m Mapping) -> Self {
        let says_something = sheets > 1 || name != "Sheet1";
        let section = (says_something && !name.trim().is_empty()).then(|| name.to_owned());
        Self { mapping, is_only: sheets == 1, section, sample: Vec::new(), names: None }
    }

    fn take(&mut self, row: Row, emit: &mut Emit<'_>) -> ControlFlow<()> {
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
    fn finish(&mut self, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let rows = std::mem::take(&mut self.sample);
        let records: Vec<StringRecord> = rows.iter().map(Row::dense).collect();
        let first = |test: &dyn Fn(&StringRecord) -> bool| records.iter().take(HEADER_WITHIN).position(test);
        let is_mapped = |record: &StringRecord| record.iter().any(|name| self.mapping.names(name));
        let header = first(&is_mapped).or_else(|| first(&is_header));
        let at = header.unwrap_or_default();
        let (names, has_header) = if self.mapping.is_empty() {
            columns(&records[at..]).unwrap_or_default()
        } else if let Some(record) = records.get(at) {
            let mut names: Vec<String> = record.iter().map(str::to_owned).collect();
            names.resize(records.iter().map(StringRecord::len).max().unwrap_or_default(), String::new());
            // A sheet of something else.
            let is_other =
                header.is_none() && !self.is_only && self.mapping.number_columns(&mut names.clone());
            if is_other { Default::default() } else { mapped_columns(names, header.is_some(), self.mapping) }
        } else {
            Default::default()
        };
        let rows = rows.into_iter().skip(at + usize::from(has_header));
        let flow = rows.into_iter().try_for_each(|row| self.hand_over(&names, row, emit));
        self.names = Some(names);
        flow
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::question::Question;
    use crate::read::testing;

    /// A file in a directory that is removed at the end.
    fn file(extension: &str, entries: &[(&str, &str)]) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("faq").with_extension(extension);
        fs::write(&path, testing::zip(entries)).unwrap();
        (directory, path)
    }

    const STRINGS: &str = "<sst><si><t>Why wax?</t></si><si><r><t xml:space=\"preserve\">It </t></r><r><t>lasts.</t></r></si></sst>";
    const STYLES: &str =
        r#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

    /// A workbook; each sheet is its name and its rows.
    fn xlsx(sheets: &[(&str, &str)]) -> (TempDir, PathBuf) {
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let relationships = |inner: String| {
            let package = "http://schemas.openxmlformats.org/package/2006/relationships";
            format!(r#"<Relationships xmlns="{package}">{inner}</Relationships>"#)
        };
        let relation = |id: usize, kind: &str, target: &str| {
            format!(r#"<Relationship Id="r{id}" Type="{office}/{kind}" Target="{target}"/>"#)
        };
        let (mut book, mut relations, mut files) = (String::new(), String::new(), Vec::new());
        for (id, (name, rows)) in sheets.iter().enumerate() {
            book.push_str(&format!(r#"<sheet name="{name}" sheetId="{id}" r:id="r{id}"/>"#));
            relations.push_str(&relation(id, "worksheet", &format!("worksheets/{id}.xml")));
            let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
            files.push((format!("xl/worksheets/{id}.xml"), sheet));
        }
        let book = format!(r#"<workbook xmlns:r="{office}"><sheets>{book}</sheets></workbook>"#);
        let (root, relations) =
            (relationships(relation(0, "officeDocument", "xl/workbook.xml")), relationships(relations));
        let mut entries = vec![
            ("_rels/.rels", root.as_str()),
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", &relations),
            ("xl/sharedStrings.xml", STRINGS),
            ("xl/styles.xml", STYLES),
        ];
        entries.extend(files.iter().map(|(name, content)| (name.as_str(), content.as_str())));
        file("xlsx", &entries)
    }

    fn ods(tables: &str) -> (TempDir, PathBuf) {
        let body = format!("<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>");
        let content = format!("<?xml version=\"1.0\"?><office:document>{body}</office:document>");
        file(
            "ods",
            &[("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", &content)],
        )
    }

    fn read((_directory, path): &(TempDir, PathBuf)) -> io::Result<Vec<Result<Question, BadRecord>>> {
        let mut records = Vec::new();
        super::read(File::open(path)?, &Mapping::default(), &mut |record| {
            records.push(record);
            ControlFlow::Continue(())
        })?;
        Ok(records)
    }

    #[track_caller]
    fn check_records(records: Vec<Result<Question, BadRecord>>, expected: &str) {
        testing::check_records(records, expected, "");
    }

    /// A row of inline strings.
    fn row(line: u32, cells: &[&str]) -> String {
        let cells = cells.iter().zip('A'..).map(|(text, column)| {
            format!(r#"<c r="{column}{line}" t="inlineStr"><is><t>{text}</t></is></c>"#)
        });
        format!(r#"<row r="{line}">{}</row>"#, cells.collect::<String>())
    }

    #[test]
    fn sheets_of_xlsx() {
        let header = row(1, &["Question", "Answer", "ID", "Votes"]);
        let rows = r#"<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c><c r="C3"><v>7</v></c></row>
            <row r="4"><c r="B4" t="s"><v>1</v></c></row>"#;
        check_records(
            read(&xlsx(&[("Sheet1", &format!("{header}{rows}"))])).unwrap(),
            "3 #7 Why wax? = It lasts.\n4 ! no question: the keys are answer; --map question=KEY,answer=KEY names the right ones",
        );
        let date = r#"<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" s="1"><v>45000</v></c></row>"#;
        check_records(
            read(&xlsx(&[("Sheet1", &format!("{header}{date}"))])).unwrap(),
            "2 Why wax? = 2023-03-15",
        );
        let notes = row(1, &["Budget", "2024"]) + &row(2, &["a", "1"]);
        let titled = row(1, &["Questions of Nets Ltd."])
            + &row(3, &["Question", "Answer"])
            + &row(4, &["Is it hard?", "No &amp; yes."]);
        let bare = row(9, &["1", "Which knot?", "A bend."]);
        check_records(
            read(&xlsx(&[("Notes", &notes), ("Nets", &titled), ("Sheet3", &bare)])).unwrap(),
            "4 Nets > Is it hard? = No & yes.\n9 Sheet3 > Which knot? = A bend.",
        );
    }

    #[test]
    fn mapped_columns_by_name_and_number() {
        let check = |book: &(TempDir, PathBuf), map: &str, expected: &str| {
            let map = map.split(',').map(|one| one.parse().unwrap()).collect();
            let options = crate::read::Options { map, ..Default::default() };
            let shown = testing::read_named("a.xlsx", &fs::read(&book.1).unwrap(), &options);
            assert_eq!(shown.trim_end(), expected);
        };
        let rows = row(1, &["Ropes Ltd."])
            + &row(3, &["Prompt Text", "kind", "reply"])
            + &row(4, &["Wax", "Care", "It lasts."])
            + &row(5, &["", "Care"]);
        let notes = row(1, &["a", "b"]) + &row(2, &["c", "d"]);
        let book = xlsx(&[("Ropes", &rows), ("Notes", &notes)]);
        let bad = "5 ! no question: the mapped key is missing or empty";
        check(
            &book,
            "question=prompt text,answer=3,section=kind",
            &format!("4 Care > Wax = It lasts.\n{bad}"),
        );
        let single = xlsx(&[("Sheet1", &rows)]);
        check(
            &single,
            "question=1,answer=3",
            "1 Ropes Ltd. = \n3 Prompt Text = reply\n4 Wax = It lasts.\n5 ! no question: the mapped key is missing or empty",
        );
        check(
            &xlsx(&[("Sheet1", &notes)]),
            "question=x",
            "2 ! no question: the mapped key is missing or empty\n1 ! no record has the key `x` (--map question=x); the keys are a, b",
        );
        check(
            &xlsx(&[("Sheet1", &notes), ("Notes", &notes)]),
            "question=x",
            "! --map applies to records, but no sheet has the columns",
        );
    }

    #[test]
    fn compressed_spreadsheets() {
        let (_directory, path) = xlsx(&[("Sheet1", &row(1, &["Why wax?", "It lasts."]))]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&fs::read(path).unwrap()).unwrap();
        let shown = testing::read_named("a.xlsx.gz", &gzip.finish().unwrap(), &Default::default());
        assert_eq!(shown, "1 Why wax? = It lasts.\n");
    }

    const ODS: &str = r#"<table:table-column/>
        <table:table-row>
          <table:table-cell><text:p>Question</text:p></table:table-cell>
          <table:table-cell table:number-columns-repeated="2"/>
          <table:table-cell><text:p>Answer</text:p></table:table-cell>
        </table:table-row>
        <table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-row>
          <table:table-cell><office:annotation><text:p>a comment</text:p></office:annotation><text:p>Why <text:span>wax</text:span>?</text:p></table:table-cell>
          <table:table-cell table:number-columns-repeated="2"/>
          <table:table-cell><text:p>It lasts.</text:p><text:p>It<text:s/>shines &lt; &#956;.</text:p></table:table-cell>
        </table:table-row>
        <table:table-row table:number-rows-repeated="1000000000000"><table:table-cell table:number-columns-repeated="999999999999"/></table:table-row>"#;

    #[test]
    fn sheets_of_ods() {
        let table =
            |name: &str, rows: &str| format!(r#"<table:table table:name="{name}">{rows}</table:table>"#);
        let question = "Why wax? = It lasts.|It shines < \u{3bc}.";
        check_records(read(&ods(&table("Sheet1", ODS))).unwrap(), &format!("5 {question}"));
        check_records(
            read(&ods(&(table("Ropes", ODS) + &table("Notes", "")))).unwrap(),
            &format!("5 Ropes > {question}"),
        );
    }

    #[test]
    fn cells_far_away_cost_nothing() {
        let header = row(1, &["Question", "Answer"]);
        let far =
            r#"<row r="1048576"><c r="A1048576" t="s"><v>0</v></c><c r="XFD1048576"><v>1</v></c></row>"#;
        check_records(read(&xlsx(&[("Sheet1", &format!("{header}{far}"))])).unwrap(), "1048576 Why wax? = ");
        let wide = r#"<table:table><table:table-row><table:table-cell table:number-columns-repeated="4000000000"><text:p>Why wax?</text:p></table:table-cell></table:table-row></table:table>"#;
        assert_eq!(read(&ods(wide)).unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let error = |file: &(TempDir, PathBuf)| read(file).unwrap_err().to_string();
        let half = " ".repeat(LARGEST as usize / 2 + 1);
        let bomb = file("xlsx", &[("xl/workbook.xml", &half), ("x", &half)]);
        assert_eq!(error(&bomb), "a spreadsheet that expands to more than 128 MiB");
        assert!(error(&file("xlsx", &[("x", "")])).starts_with("broken spreadsheet: "));
        assert!(error(&ods("<table:table></table:row>")).starts_with("broken spreadsheet: "));
        for (bytes, expected) in [
            (&b"text"[..], "not a spreadsheet: no ZIP archive"),
            (b"\xd0\xcf\x11\xe0\xa1", "an encrypted spreadsheet, or one of Excel 97"),
        ] {
            let (directory, path) = file("xlsx", &[]);
            fs::write(&path, bytes).unwrap();
            assert_eq!(error(&(directory, path)), expected);
        }
    }

    #[test]
    fn any_xml_is_read_without_a_panic() {
        let pieces = "(<table:table table:name=\"a\">|</table:table>|<table:table-row>|</table:table-row>|<table:table-row table:number-rows-repeated=\"9\"/>|<table:table-cell>|</table:table-cell>|<text:p>|</text:p>|why wax\\?|&amp;|<office:annotation>|<row>|<c>|<v>|</c>){0,40}";
        proptest::proptest!(|(text in pieces)| {
            let _ = read(&ods(&text));
            let _ = read(&xlsx(&[("Sheet1", &text)]));
        });
    }
}
