//! Judged queries, labelled pairs, and files of phrases.

use std::fs;
use std::path::Path;

use rqsearch::evaluate::{Judged, Pairs, Right};
use rqsearch::gaps::{self, LONGEST_PHRASE, Phrases};
use rqsearch::pair::FITTED;
use rqsearch::read::Text;

use super::model::Words;

/// A line with this begins a file of a directory, and has its path.
const PART: &str = "=== ";

/// The files of a directory of judged queries. Others are not read.
const FILES: [&str; 4] = ["corpus.jsonl", "queries.jsonl", "queries_out_of_scope.jsonl", "qrels/test.tsv"];

/// Reads an input as a file of judged queries, as a file of pairs, as files of phrases, and as a directory of judged queries if it has lines
/// `=== PATH`.
///
/// # Panics
/// The library panics, or
///
/// - an error has no reason;
/// - a set without judged queries is read, or a judged query has no relevant question;
/// - a metric of pairs is not from 0 to 1;
/// - a phrase is empty, too long, or was not asked.
pub fn run(data: &[u8]) {
    let dir = tempfile::tempdir().expect("the directory of temporary files is writable");
    let file = dir.path().join("set.tsv");
    fs::write(&file, data).expect("the file is writable");
    check_judged(&file);
    check_pairs(&file);
    ["txt", "jsonl", "csv"].iter().for_each(|extension| check_phrases(&file, extension));
    if data.starts_with(PART.as_bytes()) {
        let set = dir.path().join("set");
        write_parts(&set, data);
        check_judged(&set);
    }
}

fn check_judged(path: &Path) {
    match Judged::read(path) {
        Ok(judged) => {
            assert_eq!(judged.name, "set");
            assert!(!judged.queries.is_empty(), "a set without judged queries");
            for query in &judged.queries {
                let relevant = match &query.right {
                    Right::Keys(keys) => keys.values().filter(|grade| **grade > 0).count(),
                    Right::Titles(titles) => titles.iter().filter(|title| !title.is_empty()).count(),
                    Right::Ids(ids) => ids.len(),
                };
                assert!(relevant > 0, "{query:?}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error without a reason"),
    }
}

fn check_pairs(path: &Path) {
    let pairs = match Pairs::read(path, &Words) {
        Ok(pairs) => pairs,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error without a reason"),
    };
    for example in &pairs.examples {
        assert!(example.features.iter().all(|feature| feature.is_finite()), "{example:?}");
    }
    for measures in [pairs.measure(&FITTED), pairs.measure_cosine()] {
        let figures = [
            Some(measures.average_precision),
            Some(measures.best_f1),
            Some(measures.recall_at_95_precision),
            Some(measures.ece),
            measures.precision,
            measures.recall,
        ];
        for figure in figures.into_iter().flatten() {
            assert!((0.0..=1.0).contains(&figure), "{measures:?}");
        }
    }
}

fn check_phrases(path: &Path, extension: &str) {
    let mut phrases = Phrases::default();
    let mut text = Text::open(path).expect("the file is readable");
    text.set_extension(extension);
    let mut problem = |problem: rqsearch::read::BadRecord| {
        assert!(problem.line > 0 && !problem.reason.is_empty(), "{problem:?}");
    };
    if let Err(error) = gaps::read(&mut text, None, &mut phrases, &mut problem) {
        assert!(!error.to_string().is_empty(), "an error without a reason");
    }
    for phrase in phrases.into_sorted() {
        let length = phrase.text.chars().count();
        assert!(phrase.count > 0 && (1..=LONGEST_PHRASE).contains(&length), "{phrase:?}");
    }
}

/// Writes the parts of an input to the files of a directory.
fn write_parts(dir: &Path, data: &[u8]) {
    fs::create_dir_all(dir.join("qrels")).expect("the directory is writable");
    let mut file: Option<(&str, Vec<u8>)> = None;
    let write = |file: Option<(&str, Vec<u8>)>| {
        if let Some((name, content)) = file {
            fs::write(dir.join(name), content).expect("the file is writable");
        }
    };
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let name = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(PART));
        let name = name.and_then(|name| FILES.into_iter().find(|file| *file == name.trim()));
        if let Some(name) = name {
            write(file.replace((name, Vec::new())));
        } else if let Some((_, content)) = &mut file {
            content.extend(line);
        }
    }
    write(file);
}
