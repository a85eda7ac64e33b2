use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::question::Question;
use crate::read::{BadRecord, testing};

/// A file in a directory that is removed at the end.
fn file(extension: &str, entries: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("faq").with_extension(extension);
    fs::write(&path, testing::zip(entries)).unwrap();
    (directory, path)
}

const STRINGS: &str = "<sst><si><t>Why wax?</t></si><si><r><t xml:space=\"preserve\">It </t></r><r><t>lasts.</t></r></si></sst>";
const STYLES: &str = r#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

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
    file("ods", &[("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", &content)])
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
    let cells = cells
        .iter()
        .zip('A'..)
        .map(|(text, column)| format!(r#"<c r="{column}{line}" t="inlineStr"><is><t>{text}</t></is></c>"#));
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
    check_records(read(&xlsx(&[("Sheet1", &format!("{header}{date}"))])).unwrap(), "2 Why wax? = 2023-03-15");
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
    check(&book, "question=prompt text,answer=3,section=kind", &format!("4 Care > Wax = It lasts.\n{bad}"));
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
    let table = |name: &str, rows: &str| format!(r#"<table:table table:name="{name}">{rows}</table:table>"#);
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
    let far = r#"<row r="1048576"><c r="A1048576" t="s"><v>0</v></c><c r="XFD1048576"><v>1</v></c></row>"#;
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
