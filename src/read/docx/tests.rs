use std::io::Cursor;

use super::*;
use crate::read::document::finder;
use crate::read::testing;

const STYLES: &str = r#"<w:styles>
    <w:style w:styleId="berschrift1"><w:name w:val="heading 1"/><w:rPr><w:b/></w:rPr></w:style>
    <w:style w:styleId="berschrift2"><w:name w:val="heading 2"/><w:basedOn w:val="berschrift1"/></w:style>
    <w:style w:styleId="Mein2"><w:name w:val="Mein"/><w:basedOn w:val="berschrift2"/></w:style>
    <w:style w:styleId="T"><w:name w:val="Title"/></w:style>
    <w:style w:styleId="V"><w:name w:val="toc 1"/></w:style>
    <w:style w:styleId="FQ"><w:name w:val="FAQ Question"/><w:rPr><w:b/></w:rPr></w:style>
    <w:style w:styleId="C"><w:name w:val="Source Code"/></w:style>
    <w:style w:styleId="L"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>
    <w:style w:styleId="A"><w:name w:val="circle"/><w:basedOn w:val="B"/></w:style>
    <w:style w:styleId="B"><w:name w:val="circle 2"/><w:basedOn w:val="A"/></w:style></w:styles>"#;
const NUMBERING: &str = r#"<w:numbering>
    <w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/></w:lvl>
    <w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="lowerLetter"/></w:lvl></w:abstractNum>
    <w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
    <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num>
    <w:num w:numId="3"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num></w:numbering>"#;
const LINKS: &str = r#"<Relationships><Relationship Id="r1" Type="http://x/hyperlink" Target="https://a.example/?a=1&amp;b"/></Relationships>"#;

/// A DOCX file with these paragraphs.
fn file(body: &str) -> Cursor<Vec<u8>> {
    let document = format!("<?xml version=\"1.0\"?><w:document><w:body>{body}</w:body></w:document>");
    Cursor::new(testing::zip(&[
        ("word/document.xml", document.as_str()),
        ("word/styles.xml", STYLES),
        ("word/numbering.xml", NUMBERING),
        ("word/_rels/document.xml.rels", LINKS),
    ]))
}

/// A paragraph of a style, with runs.
fn p(style: &str, runs: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>{runs}</w:p>")
}

/// A run with properties.
fn r(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

#[track_caller]
fn check_markdown(body: &str, expected: &str) {
    assert_eq!(parse(file(body)).unwrap().text.trim_end(), expected, "{body}");
}

/// Compares the questions with `line section > title = answer`.
#[track_caller]
fn check(body: &str, expected: &[&str]) {
    let questions = finder::find(&parse(file(body)).unwrap()).questions;
    let shown = questions.iter().map(|found| {
        format!(
            "{} {} > {} = {}",
            found.source.line,
            found.section.as_deref().unwrap_or("-"),
            found.title,
            found.answer.replace('\n', "|")
        )
    });
    assert_eq!(shown.collect::<Vec<_>>(), expected, "{body}");
}

#[test]
fn headings_by_style() {
    let body = [
        p("T", &r("", "Ropes")),
        p("V", &r("", "Care 1")),
        p("berschrift1", &r("", "Care")),
        p("Mein2", &r("", "Why wax?")),
        p("", &r("", "It lasts.")),
        p("berschrift2", &r("", "Is it hard?")),
        p("", &r("", "No.")),
    ];
    check(&body.concat(), &["4 Care > Why wax? = It lasts.", "6 Care > Is it hard? = No."]);
}

#[test]
fn bold_paragraphs_numbers_and_declared_questions() {
    let body = [
        p("", &(r("<w:b/>", "Why ") + &r("<w:b/>", "wax?"))),
        p("", &r("", "It lasts.")),
        p("", &r("<w:b/>", "Is it hard?")),
        p("", &r("", "No.")),
    ];
    check(&body.concat(), &["1 - > Why wax? = It lasts.", "3 - > Is it hard? = No."]);
    let numbered = |text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr></w:pPr>{}</w:p>",
            r("", text)
        )
    };
    let body =
        [numbered("Why wax?"), p("", &r("", "It lasts.")), numbered("Is it hard?"), p("", &r("", "No."))];
    check(&body.concat(), &["1 - > Why wax? = It lasts.", "3 - > Is it hard? = No."]);
    let body = [
        p("FQ", &r("", "Why wax?")),
        p("", &r("", "It lasts.")),
        p("FQ", &r("", "Cost")),
        p("", &r("", "Low.")),
    ];
    check(&body.concat(), &["1 - > Why wax? = It lasts.", "3 - > Cost = Low."]);
}

#[test]
fn a_table_of_questions() {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", p("", &r("", text)));
    let row =
        |cells: &[&str]| format!("<w:tr>{}</w:tr>", cells.iter().map(|text| cell(text)).collect::<String>());
    let rows = [
        row(&["No.", "Question", "Answer"]),
        row(&["1", "Why wax?", "It lasts."]),
        row(&["2", "Is it hard?", "No."]),
    ]
    .concat();
    let body = p("berschrift1", &r("", "Care")) + &format!("<w:tbl>{rows}</w:tbl>");
    check(&body, &["5 Care > Why wax? = It lasts.", "8 Care > Is it hard? = No."]);
    check_markdown(
        &format!("<w:tbl>{}</w:tbl>", row(&["a", "b|c"]) + &row(&["d", ""])),
        "| a | b\\|c |\n|---|---|\n| d |  |",
    );
    check_markdown(&format!("<w:tbl>{}</w:tbl>", row(&["a"]) + &row(&["b"])), "a\n\nb");
}

#[test]
fn formatting_becomes_markdown() {
    check_markdown(
        &p(
            "",
            &(r("<w:b/>", "a ")
                + &r("<w:b/><w:i/>", "b")
                + &r("", " &lt;c> 2*3 ")
                + &r("<w:rFonts w:ascii=\"Courier New\"/>", "d*e")),
        ),
        "**a *b*** &lt;c> 2\\*3 `d*e`",
    );
    check_markdown(
        &p(
            "",
            &format!(
                "<w:hyperlink r:id=\"r1\">{}</w:hyperlink> {}",
                r("", "a"),
                r("<w:b w:val=\"0\"/>", "b")
            ),
        ),
        "[a](https://a.example/?a=1&b)b",
    );
    check_markdown(
        &p("", &format!("{}<w:del>{}</w:del><w:r><w:br/></w:r>{}", r("", "a"), r("", "gone"), r("", "b"))),
        "a\nb",
    );
    check_markdown(
        &(p("C", &r("", "def f():")) + &p("C", &r("", "    pass"))),
        "```\ndef f():\n    pass\n```",
    );
}

#[test]
fn lists_count() {
    let item = |list: u8, level: u8, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr></w:pPr>{}</w:p>",
            r("", text)
        )
    };
    let body = [
        item(1, 0, "a"),
        item(1, 1, "b"),
        item(1, 1, "c"),
        item(1, 0, "d"),
        item(3, 0, "e"),
        p("L", &r("", "f")),
        p("", &r("", "g")),
        item(1, 0, "h"),
    ];
    check_markdown(&body.concat(), "1. a\n   3. b\n   4. c\n2. d\n5. e\n- f\n\ng\n\n3. h");
}

#[test]
fn what_is_no_docx_file_says_so() {
    let error = |bytes: &[u8]| parse(Cursor::new(bytes.to_vec())).unwrap_err().to_string();
    assert_eq!(error(b"text"), "not a DOCX file: no ZIP archive");
    assert_eq!(error(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1]), "an encrypted document, or one of Word 97");
    assert!(error(b"PK\x03\x04").starts_with("broken DOCX file: "));
    assert!(parse(file("<w:p><w:r>")).unwrap_err().to_string().starts_with("broken DOCX file: "));
}

#[test]
fn nested_elements_do_not_overflow_the_stack() {
    let body = "<w:p><w:r><w:txbxContent>".repeat(20_000) + &"</w:txbxContent></w:r></w:p>".repeat(20_000);
    assert_eq!(parse(file(&body)).unwrap().text, "");
    let tables =
        "<w:tbl><w:tr><w:tc>".repeat(20_000) + &p("", &r("", "a")) + &"</w:tc></w:tr></w:tbl>".repeat(20_000);
    assert_eq!(parse(file(&tables)).unwrap().text, "a\n");
}
