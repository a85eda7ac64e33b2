//! What the readers' tests share: a text in, what was read out.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Cursor, Write as _};
use std::ops::ControlFlow;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{BadRecord, Input, Options, Outcome, Reader, Text, inner_extension};
use crate::question::Question;

/// Everything that a reader reads in a file of this extension and content.
pub fn read(reader: &dyn Reader, extension: &str, content: &[u8]) -> Vec<Result<Question, BadRecord>> {
    let mut file = tempfile::Builder::new().suffix(&format!(".{extension}")).tempfile().unwrap();
    file.write_all(content).unwrap();
    let mut records = Vec::new();
    let mut emit = |record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    reader.read(&mut Text::open(file.path()).unwrap(), &mut emit).unwrap();
    records
}

/// What is read in a named file with these options, shown as in [`check`]; an error of the whole file is the last line.
pub fn read_named(name: &str, content: &[u8], options: &Options) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let mut records = Vec::new();
    let mut emit = |record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    let extension = inner_extension(&path);
    let file = File::open(&path).unwrap();
    let input = Input { file, extension, directory: path.parent(), title: "untitled", named: true, options };
    let outcome = super::read(input, &mut emit);
    let mut shown = show_all(records);
    match outcome {
        Ok(Outcome::Read { .. }) => {}
        Ok(Outcome::NotQuestions) => shown += "no questions\n",
        Err(error) => writeln!(shown, "! {error}").unwrap(),
    }
    shown
}

/// Compares what is read with a line each: `3 #key Section > Title [level] = answer`, or
/// `3 ! reason`. Line ends in answers become `|`; white space before expected lines is ignored.
#[track_caller]
pub fn check(reader: &dyn Reader, extension: &str, content: &str, expected: &str) {
    check_records(read(reader, extension, content.as_bytes()), expected, content);
}

/// Compares records as [`check`] does.
#[track_caller]
pub fn check_records(records: Vec<Result<Question, BadRecord>>, expected: &str, content: &str) {
    let shown = show_all(records);
    let expected: String = expected.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    assert_eq!(shown, expected, "{content}");
}

/// A ZIP archive of these names and contents.
pub fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn show_all(records: Vec<Result<Question, BadRecord>>) -> String {
    let mut shown = String::new();
    for record in records {
        match record {
            Ok(question) => show(&question, &mut shown),
            Err(bad) => writeln!(shown, "{} ! {}", bad.line, bad.reason).unwrap(),
        }
    }
    shown
}

fn show(question: &Question, shown: &mut String) {
    write!(shown, "{} ", question.source.line).unwrap();
    if let Some(key) = &question.key {
        write!(shown, "#{key} ").unwrap();
    }
    if let Some(section) = &question.section {
        write!(shown, "{section} > ").unwrap();
    }
    write!(shown, "{}", question.title).unwrap();
    if let Some(level) = &question.level {
        write!(shown, " [{level}]").unwrap();
    }
    writeln!(shown, " = {}", question.answer.replace('\n', "|")).unwrap();
}
