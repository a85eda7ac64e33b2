//! The reading speed of each format, without indexing.
//!
//!     cargo bench --bench reading [-- FORMAT...]
//!     cargo bench --bench reading -- dump [MEGABYTES]
//!
//! The first reads a generated file of about 20 MB in each format, three times, and prints the fastest time. The files
//! have the same questions, from a fixed seed: a title, two paragraphs with links and emphasis, a list, and a block of
//! code. MB are those of the text: expanded, in compressed files, DOCX and XLSX.
//!
//! The second reads a generated Stack Exchange dump, of 1,000 MB if no size is given, and prints the peak of the
//! resident memory. It needs that much space in the directory of temporary files.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Cursor, Seek, Write};
use std::ops::ControlFlow;
use std::time::Instant;

use rqsearch::question::Question;
use rqsearch::read::{BadRecord, Input, Options, read};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The size of a file, in bytes.
const SIZE: usize = 20_000_000;

fn main() {
    // `cargo bench` adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if args.first().is_some_and(|arg| arg == "dump") {
        let megabytes =
            args.get(1).map_or(1000, |size| size.parse().expect("a size is a number of megabytes"));
        return dump(megabytes);
    }
    println!("{:<14} {:>8} {:>10} {:>8} {:>8}", "format", "MB", "questions", "seconds", "MB/s");
    for format in FORMATS {
        if args.is_empty() || args.iter().any(|arg| arg == format.name) {
            measure(&format);
        }
    }
}

/// How questions are written in a format.
struct Format {
    name: &'static str,
    extension: &'static str,
    begin: &'static str,
    /// Writes a question, of this number.
    write: fn(&mut String, &Asked, usize),
    end: &'static str,
    /// Makes the file of the text.
    pack: fn(String) -> Vec<u8>,
}

const FORMATS: [Format; 18] = {
    const fn text(
        name: &'static str,
        extension: &'static str,
        write: fn(&mut String, &Asked, usize),
    ) -> Format {
        Format { name, extension, begin: "", write, end: "", pack: String::into_bytes }
    }
    [
        text("markdown", "md", markdown),
        text("mdx", "mdx", markdown),
        Format {
            begin: "<!doctype html><html><body>\n",
            end: "</body></html>\n",
            ..text("html", "html", html)
        },
        text("page", "txt", page),
        text("rst", "rst", rst),
        text("asciidoc", "adoc", asciidoc),
        text("org", "org", org),
        Format {
            begin: "<w:document><w:body>\n",
            end: "</w:body></w:document>\n",
            pack: docx,
            ..text("docx", "docx", docx_paragraphs)
        },
        Format { begin: "question,answer\n", ..text("csv", "csv", csv) },
        Format { begin: "[\n", end: "{}]\n", ..text("json", "json", json) },
        text("jsonl", "jsonl", jsonl),
        text("yaml", "yaml", yaml),
        text("toml", "toml", toml),
        Format { begin: "#separator:tab\n#html:true\n", ..text("anki", "txt", anki) },
        Format { begin: DUMP_BEGIN, end: DUMP_END, ..text("stackexchange", "xml", stackexchange) },
        Format {
            begin: "<worksheet><sheetData>\n",
            end: "</sheetData></worksheet>\n",
            pack: xlsx,
            ..text("xlsx", "xlsx", xlsx_row)
        },
        Format { pack: gzip, ..text("jsonl.gz", "jsonl", jsonl) },
        Format { pack: zstd, ..text("jsonl.zst", "jsonl", jsonl) },
    ]
};

/// Generates a file, reads it, and prints how long that takes.
fn measure(format: &Format) {
    let mut random = Random(7);
    let mut text = format.begin.to_owned();
    let mut asked = 0;
    while text.len() < SIZE {
        (format.write)(&mut text, &Asked::random(&mut random), asked);
        asked += 1;
    }
    text.push_str(format.end);
    let megabytes = text.len() as f64 / 1e6;
    let mut file = tempfile::tempfile().expect("the directory of temporary files is writable");
    file.write_all(&(format.pack)(text)).expect("the directory of temporary files has space");
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let found = count(&file, format.extension);
        best = best.min(start.elapsed().as_secs_f64());
        assert_eq!(found, asked, "{}: not all questions are found", format.name);
    }
    println!("{:<14} {megabytes:>8.1} {asked:>10} {best:>8.2} {:>8.1}", format.name, megabytes / best);
}

/// Reads a file, and counts its questions.
fn count(file: &File, extension: &str) -> usize {
    let mut questions = 0;
    let mut emit = |record: Result<Question, BadRecord>| {
        questions += usize::from(record.is_ok());
        ControlFlow::Continue(())
    };
    let mut file = file.try_clone().expect("a file can be shared");
    file.rewind().expect("a temporary file is no pipe");
    let options = Options::default();
    let input = Input {
        file,
        extension: extension.to_owned(),
        directory: None,
        named: true,
        title: "untitled",
        options: &options,
    };
    read(input, &mut emit).expect("the file is valid");
    questions
}

/// Generates and reads a large dump.
fn dump(megabytes: usize) {
    let file = tempfile::tempfile().expect("the directory of temporary files is writable");
    let mut writer = BufWriter::new(&file);
    let mut random = Random(7);
    let (mut bytes, mut asked, mut rows) = (0, 0, String::new());
    write!(writer, "{DUMP_BEGIN}").expect("there is space");
    while bytes < megabytes * 1_000_000 {
        rows.clear();
        stackexchange(&mut rows, &Asked::random(&mut random), asked);
        writer.write_all(rows.as_bytes()).expect("the directory of temporary files has space");
        bytes += rows.len();
        asked += 1;
    }
    write!(writer, "{DUMP_END}").and_then(|()| writer.flush()).expect("there is space");
    drop(writer);
    let start = Instant::now();
    let found = count(&file, "xml");
    let seconds = start.elapsed().as_secs_f64();
    println!("{found} questions in {megabytes} MB: {seconds:.1} s, {:.1} MB/s", megabytes as f64 / seconds);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    match status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        Some(peak) => println!("peak of the resident memory: {}", peak.trim()),
        None => println!("this system does not tell the peak of the resident memory"),
    }
}

/// A generator of pseudorandom numbers: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end
    }

    fn words(&mut self, count: usize) -> String {
        const WORDS: [&str; 32] = [
            "the", "rope", "wax", "and", "a", "knot", "holds", "when", "linen", "is", "under", "load", "of",
            "net", "sailor", "ties", "bend", "hitch", "to", "mast", "wet", "strands", "in", "salt", "water",
            "dry", "before", "splice", "with", "needle", "thread", "cord",
        ];
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect();
        words.join(" ")
    }
}

/// A generated question.
struct Asked {
    title: String,
    paragraphs: [String; 2],
    items: [String; 3],
    code: [String; 4],
}

impl Asked {
    fn random(random: &mut Random) -> Self {
        Self {
            title: format!("Why does {} hold?", random.words(7)),
            paragraphs: [(); 2].map(|()| random.words(70)),
            items: [(); 3].map(|()| random.words(12)),
            code: [(); 4].map(|()| format!("let {} = 1;", random.words(2).replace(' ', "_"))),
        }
    }

    /// The answer in Markdown.
    fn answer(&self) -> String {
        let [first, second] = &self.paragraphs;
        let items: String = self.items.iter().map(|item| format!("- {item}\n")).collect();
        let code = self.code.join("\n");
        format!(
            "A **short** answer: {first}, see [the page](https://a.example/knots).\n\n{items}\n```rust\n{code}\n```\n\n{second}, \
             and `cord` *too*.\n"
        )
    }

    /// The answer in HTML.
    fn answer_html(&self) -> String {
        let [first, second] = &self.paragraphs;
        let items: String = self.items.iter().map(|item| format!("<li>{item}</li>\n")).collect();
        let code = self.code.join("\n");
        format!(
            "<p>A <strong>short</strong> answer: {first}, see <a href=\"https://a.example/knots\">the page</a>.</p>\n\
             <ul>\n{items}</ul>\n<pre><code>{code}\n</code></pre>\n<p>{second}, and <code>cord</code> <em>too</em>.</p>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn markdown(out: &mut String, asked: &Asked, _: usize) {
    write!(out, "## {}\n\n{}\n", asked.title, asked.answer()).unwrap();
}

fn html(out: &mut String, asked: &Asked, _: usize) {
    writeln!(out, "<h2>{}</h2>\n{}", asked.title, asked.answer_html()).unwrap();
}

fn page(out: &mut String, asked: &Asked, _: usize) {
    let [first, second] = &asked.paragraphs;
    let (items, code) = (asked.items.join("\n"), asked.code.join("\n"));
    write!(out, "Q: {}\n\nA: {first}.\n\n{items}\n\n{code}\n\n{second}.\n\n", asked.title).unwrap();
}

fn rst(out: &mut String, asked: &Asked, _: usize) {
    let [first, second] = &asked.paragraphs;
    let items: String = asked.items.iter().map(|item| format!("* {item}\n")).collect();
    let code: String = asked.code.iter().map(|line| format!("   {line}\n")).collect();
    write!(
        out,
        "{}\n{}\n\nA **short** answer: {first}, see `the page <https://a.example/knots>`_.\n\n{items}\n.. code-block:: \
         rust\n\n{code}\n{second}, and ``cord`` *too*.\n\n",
        asked.title,
        "-".repeat(asked.title.len())
    )
    .unwrap();
}

fn asciidoc(out: &mut String, asked: &Asked, _: usize) {
    let [first, second] = &asked.paragraphs;
    let items: String = asked.items.iter().map(|item| format!("* {item}\n")).collect();
    write!(
        out,
        "== {}\n\nA *short* answer: {first}, see https://a.example/knots[the page].\n\n{items}\n[source,rust]\n----\n{}\n\
         ----\n\n{second}, and `cord` _too_.\n\n",
        asked.title,
        asked.code.join("\n")
    )
    .unwrap();
}

fn org(out: &mut String, asked: &Asked, _: usize) {
    let [first, second] = &asked.paragraphs;
    let items: String = asked.items.iter().map(|item| format!("- {item}\n")).collect();
    write!(
        out,
        "* {}\n\nA *short* answer: {first}, see [[https://a.example/knots][the page]].\n\n{items}\n#+BEGIN_SRC rust\n{}\n\
         #+END_SRC\n\n{second}, and ~cord~ /too/.\n\n",
        asked.title,
        asked.code.join("\n")
    )
    .unwrap();
}

fn docx_paragraphs(out: &mut String, asked: &Asked, _: usize) {
    let mut paragraph = |properties: &str, runs: &str| {
        writeln!(out, "<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>").unwrap();
    };
    let run = |properties: &str, text: &str| {
        format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
    };
    paragraph("<w:pStyle w:val=\"Heading1\"/>", &run("", &asked.title));
    let first =
        run("", "A ") + &run("<w:b/>", "short") + &run("", &format!(" answer: {}.", asked.paragraphs[0]));
    paragraph("", &first);
    for item in &asked.items {
        paragraph("<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>", &run("", item));
    }
    paragraph("", &run("", &asked.code.join(" ")));
    paragraph("", &run("", &asked.paragraphs[1]));
}

fn csv(out: &mut String, asked: &Asked, _: usize) {
    writeln!(out, "{},\"{}\"", asked.title, asked.answer().replace('"', "\"\"")).unwrap();
}

fn json(out: &mut String, asked: &Asked, nth: usize) {
    writeln!(out, "{},", json!({"id": nth, "question": asked.title, "answer": asked.answer()})).unwrap();
}

fn jsonl(out: &mut String, asked: &Asked, nth: usize) {
    writeln!(out, "{}", json!({"id": nth, "question": asked.title, "answer": asked.answer()})).unwrap();
}

fn yaml(out: &mut String, asked: &Asked, nth: usize) {
    let answer = asked.answer().replace('\n', "\n    ");
    writeln!(out, "- id: {nth}\n  question: {}\n  answer: |\n    {}", asked.title, answer.trim_end())
        .unwrap();
}

fn toml(out: &mut String, asked: &Asked, nth: usize) {
    let answer = asked.answer();
    writeln!(out, "[[faq]]\nid = {nth}\nquestion = \"{}\"\nanswer = '''\n{answer}'''", asked.title).unwrap();
}

fn anki(out: &mut String, asked: &Asked, _: usize) {
    writeln!(out, "{}\t\"{}\"", asked.title, asked.answer_html().replace('"', "\"\"")).unwrap();
}

const DUMP_BEGIN: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<posts>\n";
const DUMP_END: &str = "</posts>\n";

/// A question, and the post with its answer.
fn stackexchange(out: &mut String, asked: &Asked, nth: usize) {
    let (question, answer) = (nth * 2 + 1, nth * 2 + 2);
    let (title, body) = (&asked.title, escaped(&asked.answer_html()).replace('\n', "&#xA;"));
    writeln!(
        out,
        "  <row Id=\"{question}\" PostTypeId=\"1\" AcceptedAnswerId=\"{answer}\" Score=\"3\" Title=\"{title}\" \
         Body=\"&lt;p&gt;{title}&lt;/p&gt;\" Tags=\"&lt;rope&gt;\" CreationDate=\"2024-01-01T00:00:00.000\" />\n  \
         <row Id=\"{answer}\" PostTypeId=\"2\" ParentId=\"{question}\" Score=\"5\" Body=\"{body}\" />"
    )
    .unwrap();
}

fn xlsx_row(out: &mut String, asked: &Asked, nth: usize) {
    // The first row names the columns.
    if nth == 0 {
        out.push_str("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Question</t></is></c>");
        out.push_str("<c r=\"B1\" t=\"inlineStr\"><is><t>Answer</t></is></c></row>\n");
    }
    let (row, answer) = (nth + 2, escaped(&asked.answer()));
    writeln!(
        out,
        "<row r=\"{row}\"><c r=\"A{row}\" t=\"inlineStr\"><is><t>{}</t></is></c><c r=\"B{row}\" t=\"inlineStr\"><is><t>{answer}\
         </t></is></c></row>",
        asked.title
    )
    .unwrap();
}

/// An archive of these files.
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(*name, SimpleFileOptions::default()).expect("the names differ");
        archive.write_all(content.as_bytes()).expect("memory is writable");
    }
    archive.finish().expect("memory is writable").into_inner()
}

fn docx(document: String) -> Vec<u8> {
    let styles =
        "<w:styles><w:style w:styleId=\"Heading1\"><w:name w:val=\"heading 1\"/></w:style></w:styles>";
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId=\"1\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"bullet\"/></w:lvl>\
                     </w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>";
    zip(&[("word/document.xml", &document), ("word/styles.xml", styles), ("word/numbering.xml", numbering)])
}

fn xlsx(sheet: String) -> Vec<u8> {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: &str, kind: &str, target: &str| {
        let package = "http://schemas.openxmlformats.org/package/2006/relationships";
        let one = format!("<Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>");
        format!("<Relationships xmlns=\"{package}\">{one}</Relationships>")
    };
    let book = format!(
        "<workbook xmlns:r=\"{office}\"><sheets><sheet name=\"Ropes\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    zip(&[
        ("_rels/.rels", &relation("r0", "officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &relation("r1", "worksheet", "worksheets/1.xml")),
        ("xl/worksheets/1.xml", &sheet),
    ])
}

fn gzip(text: String) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("memory is writable")
}

fn zstd(text: String) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
}
