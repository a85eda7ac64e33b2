//! The index inside the program is the corpus beside it, and answers well.

use std::path::{Path, PathBuf};

use rqsearch::chunk::{chunks, is_markup_only};
use rqsearch::embed::{Builtin, Embedder as _, Prepare};
use rqsearch::index::{FORMAT, Index};
use serde_json::Value;

use crate::util::Dir;

const MEND: &str = "mend it with: cargo run --release -- index --reread --index index corpus";

#[test]
fn the_built_in_index_is_that_of_the_corpus() {
    let builtin = Index::builtin().unwrap();
    assert_eq!(builtin.meta().model.as_ref(), Some(Builtin::info()), "the model has changed: {MEND}");
    assert_eq!(builtin.meta().format, FORMAT, "the format has changed: {MEND}");
    assert_eq!(builtin.meta().roots, ["corpus"]);
    // Read again, the corpus has the questions of the index, to the letter.
    let dir = Dir::new();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for file in corpus.read_dir().unwrap() {
        let file = file.unwrap();
        let name = format!("corpus/{}", file.file_name().to_string_lossy());
        dir.write(&name, std::fs::read(file.path()).unwrap());
    }
    dir.run(&["index", "--keyword-only", "corpus"]).success();
    let read = Index::open(&dir.path().join(".rqsearch")).unwrap().questions().unwrap();
    assert!(read.len() >= 400, "{} questions", read.len());
    let changed: Vec<&str> = read
        .iter()
        .filter(|question| !builtin.matching(builtin.fields().id, &question.id).unwrap().contains(question))
        .map(|question| question.title.as_str())
        .collect();
    assert!(changed.is_empty(), "not in the built-in index: {changed:?}\n{MEND}");
    assert_eq!(builtin.question_count().unwrap(), read.len() as u64, "{MEND}");
}

#[test]
fn every_file_of_the_corpus_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = std::fs::read_to_string(root.join("src/corpus.rs")).unwrap();
    for file in root.join("corpus").read_dir().unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(listed.contains(&format!("\"{name}\"")), "{name} is missing in src/corpus.rs");
    }
}

#[test]
fn every_question_of_the_corpus_says_what_it_has_to() {
    let mut titles = std::collections::HashSet::new();
    for question in Index::builtin().unwrap().questions().unwrap() {
        let title = &question.title;
        assert!(titles.insert(title.to_lowercase()), "asked twice: {title}");
        let level = question.level.as_deref().unwrap_or_default();
        assert!(matches!(level, "beginner" | "intermediate" | "senior"), "{title}: level {level:?}");
        assert!(!question.tags.is_empty() && question.also.len() >= 2, "{title}");
        assert!(question.section.is_some() && title.ends_with('?'), "{title}");
        let prose = question.answer.split("```").step_by(2).flat_map(str::split_whitespace).count();
        assert!((70..=300).contains(&prose), "{title}: {prose} words");
    }
}

#[test]
fn no_chunk_and_no_excerpt_of_the_corpus_is_markup_only() {
    let model = Builtin::load(Prepare::Once).unwrap();
    for question in Index::builtin().unwrap().questions().unwrap() {
        for chunk in chunks(&question, |text| model.count_tokens(text), model.model().window) {
            let text = chunk.text.strip_prefix(question.title.as_str()).unwrap_or(&chunk.text);
            assert!(text.is_empty() || !is_markup_only(text), "{}: {chunk:?}", question.title);
        }
    }
    let phrases: String = std::fs::read_to_string(judged())
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| format!("{}\n", line.split('\t').next().unwrap()))
        .collect();
    let replies = Dir::new().run_with_input(&["--builtin", "--batch", "-"], &phrases).success().stdout;
    let mut excerpts = 0;
    for reply in replies.lines() {
        let reply: Value = serde_json::from_str(reply).unwrap();
        for hit in reply["hits"].as_array().unwrap() {
            let excerpt = hit["snippet"]["text"].as_str().unwrap();
            assert!(!is_markup_only(excerpt), "{}: {excerpt:?}", hit["title"]);
            excerpts += 1;
        }
    }
    assert!(excerpts > 5_000, "{excerpts}");
}

#[test]
fn without_an_index_the_built_in_questions_answer() {
    let dir = Dir::new();
    let found = dir.run(&["borrowed value does not live long enough"]).success();
    assert!(found.stdout.contains("E0597"), "{found:?}");
    assert!(found.stderr.contains("built-in Rust questions"), "{found:?}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "nothing was written");
    let json: Value =
        serde_json::from_str(&dir.run(&["--json", "-n", "1", "E0597"]).success().stdout).unwrap();
    let id = json["hits"][0]["id"].as_str().unwrap();
    assert!(dir.run(&["show", id]).success().stdout.contains("also asked as: "));
    // With an index near, it takes a word to mean the other one.
    let dir = Dir::indexed();
    assert!(!dir.run(&["E0597"]).stdout.contains("E0597"));
    let found = dir.run(&["--builtin", "E0597"]).success();
    assert!(found.stdout.contains("E0597") && found.stderr.is_empty(), "{found:?}");
    dir.run(&["--builtin", "index", "faq.md"]).exits(2).says("unexpected argument '--builtin'");
}

/// `eval/rust.tsv`: the 36 phrases that the project began with, then hundreds more of every kind.
fn judged() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("eval/rust.tsv")
}

/// A change here is a change that people notice: say in the commit why it is one for the better.
#[test]
fn the_corpus_answers_what_people_type() {
    let output =
        Dir::new().run(&["--builtin", "eval", "--json", judged().to_str().unwrap()]).success().stdout;
    let report: Value = serde_json::from_str(&output).unwrap();
    let hybrid = report["rows"].as_array().unwrap().iter().find(|row| row["mode"] == "hybrid").unwrap();
    for (figure, pinned) in [("ndcg_10", 0.857), ("success_1", 0.819), ("success_5", 0.947)] {
        let found = hybrid[figure].as_f64().unwrap();
        // Processors round differently.
        assert!((found - pinned).abs() < 0.01, "{figure} was {pinned} and is {found:.4}");
    }
    let calibration = &report["calibration"][0];
    for (figure, pinned) in [("turned_away", 0.032), ("out_of_scope_turned_away", 0.631), ("ece", 0.09)] {
        let found = calibration[figure].as_f64().unwrap();
        assert!((found - pinned).abs() < 0.02, "{figure} was {pinned} and is {found:.4}");
    }
}

#[test]
fn the_first_phrases_find_their_question_first_or_second() {
    let judged = std::fs::read_to_string(judged()).unwrap();
    let first: Vec<(&str, &str)> = judged
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.split_once('\t').unwrap())
        .take(36)
        .collect();
    let phrases: String = first.iter().map(|(phrase, _)| format!("{phrase}\n")).collect();
    let output = Dir::new().run_with_input(&["--builtin", "--batch", "-", "-n", "2"], &phrases).success();
    let mut found = 0;
    for (line, (_, titles)) in output.stdout.lines().zip(&first) {
        let reply: Value = serde_json::from_str(line).unwrap();
        let hits: Vec<String> = reply["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["title"].as_str().unwrap().to_lowercase())
            .collect();
        found += usize::from(
            titles.to_lowercase().split('|').any(|part| hits.iter().any(|hit| hit.contains(part))),
        );
    }
    assert!(found >= 34, "{found} of {}", first.len());
}
