//! The built-in index matches `corpus/`, and its search quality does not drop.

use std::path::{Path, PathBuf};

use rqsearch::chunk::{chunks, is_markup_only};
use rqsearch::embed::{Builtin, Embedder as _, Prepare};
use rqsearch::index::{FORMAT, Index};
use serde_json::Value;

use crate::util::Dir;

const REBUILD: &str = "rebuild it with: cargo run --release -- index --reread --index index corpus";

#[test]
fn the_built_in_index_matches_the_corpus() {
    let builtin = Index::builtin().unwrap();
    assert_eq!(builtin.meta().model.as_ref(), Some(Builtin::info()), "the model has changed: {REBUILD}");
    assert_eq!(builtin.meta().format, FORMAT, "the format has changed: {REBUILD}");
    assert_eq!(builtin.meta().roots, ["corpus"]);
    // Reading the corpus again gives exactly the questions of the index.
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
    assert!(changed.is_empty(), "not in the built-in index: {changed:?}\n{REBUILD}");
    assert_eq!(builtin.question_count().unwrap(), read.len() as u64, "{REBUILD}");
}

#[test]
fn the_code_of_every_corpus_file_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = std::fs::read_to_string(root.join("src/corpus.rs")).unwrap();
    for file in root.join("corpus").read_dir().unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(listed.contains(&format!("\"{name}\"")), "{name} is missing from src/corpus.rs");
    }
}

#[test]
fn every_question_of_the_corpus_is_complete() {
    let mut titles = std::collections::HashSet::new();
    for question in Index::builtin().unwrap().questions().unwrap() {
        let title = &question.title;
        assert!(titles.insert(title.to_lowercase()), "duplicate title: {title}");
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
    let (mut excerpts, mut cut) = (0, 0);
    for reply in replies.lines() {
        let reply: Value = serde_json::from_str(reply).unwrap();
        for hit in reply["hits"].as_array().unwrap() {
            check_excerpt(&hit["snippet"], &format!("{}: {}", reply["query"], hit["title"]));
            excerpts += 1;
            cut += u32::from(hit["snippet"]["text"].as_str().unwrap().starts_with('…'));
        }
    }
    assert!(excerpts > 5_000, "{excerpts}");
    // The corpus has a few sentences that are too long to show whole.
    assert!(cut * 100 < excerpts, "{cut} excerpts of {excerpts} start inside a sentence");
}

/// Checks that an excerpt consists of whole sentences or lines of code, and starts with a word.
#[track_caller]
fn check_excerpt(snippet: &Value, of: &str) {
    let text = snippet["text"].as_str().unwrap();
    assert!(!is_markup_only(text), "{of}: {text:?}");
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let first = lines[0].trim_start();
    assert!(first.contains(char::is_alphanumeric), "{of}: {text:?}");
    for sign in ["```", "~~~", "}", ")", "]", "- ["] {
        assert!(!first.starts_with(sign), "{of}: {text:?}");
    }
    // In code, it is an operator.
    assert!(snippet["kind"] == "code" || !first.starts_with('|'), "{of}: {text:?}");
    assert!(!lines.iter().any(|line| line.starts_with("```")), "{of}: {text:?}");
    match snippet["kind"].as_str().unwrap() {
        "code" => {
            assert!(lines.len() <= 5 && lines.iter().any(|line| !line.starts_with(' ')), "{of}: {text:?}");
        }
        kind => {
            assert_eq!((kind, &snippet["language"]), ("text", &Value::Null));
            let columns = text.chars().count();
            assert!((20..=470).contains(&columns), "{of}: {columns} columns: {text:?}");
            assert!(
                text.ends_with(['.', '!', '?', ':', ')', '"', '`', '*', '…']) || text.contains("\n"),
                "{of}: {text:?}"
            );
        }
    }
    let mut end = 0;
    for range in snippet["highlights"].as_array().unwrap() {
        let [from, to] = [0, 1].map(|at| range[at].as_u64().unwrap() as usize);
        assert!(end <= from && from < to && text.get(from..to).is_some(), "{of}: {text:?}");
        end = to;
    }
}

#[test]
fn without_an_index_the_built_in_questions_are_searched() {
    let dir = Dir::new();
    let found = dir.run(&["borrowed value does not live long enough"]).success();
    assert!(found.stdout.contains("E0597"), "{found:?}");
    assert!(found.stderr.contains("built-in Rust questions"), "{found:?}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "nothing was written");
    let json: Value =
        serde_json::from_str(&dir.run(&["--json", "-n", "1", "E0597"]).success().stdout).unwrap();
    let id = json["hits"][0]["id"].as_str().unwrap();
    assert!(dir.run(&["show", id]).success().stdout.contains("also asked as: "));
    // If there is an index, the built-in index needs --builtin.
    let dir = Dir::indexed();
    assert!(!dir.run(&["E0597"]).stdout.contains("E0597"));
    let found = dir.run(&["--builtin", "E0597"]).success();
    assert!(found.stdout.contains("E0597") && found.stderr.is_empty(), "{found:?}");
    dir.run(&["--builtin", "index", "faq.md"]).exits(2).says("unexpected argument '--builtin'");
}

/// The questions of the corpus are deliberately different.
#[test]
fn the_corpus_has_hardly_any_duplicates() {
    let output = Dir::new().run(&["dups", "--builtin", "--json"]).stdout;
    let found: Value = serde_json::from_str(&output).unwrap();
    let pairs: Vec<String> = found["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| format!("{} | {}", pair["one"]["title"], pair["two"]["title"]))
        .collect();
    assert!(pairs.len() <= 3, "{pairs:#?}");
}

/// The judged queries in `eval/rust.tsv`: the first 36 phrases of the project, then hundreds more of all
/// kinds.
fn judged() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("eval/rust.tsv")
}

/// Users notice a change of these metrics. If you change them, explain in the commit why the change is an
/// improvement.
#[test]
fn search_metrics_of_the_corpus_are_pinned() {
    let output =
        Dir::new().run(&["--builtin", "eval", "--json", judged().to_str().unwrap()]).success().stdout;
    let report: Value = serde_json::from_str(&output).unwrap();
    let hybrid = report["rows"].as_array().unwrap().iter().find(|row| row["mode"] == "hybrid").unwrap();
    for (metric, pinned) in [("ndcg_10", 0.862), ("success_1", 0.817), ("success_5", 0.960)] {
        let found = hybrid[metric].as_f64().unwrap();
        // Rounding differs between processors.
        assert!((found - pinned).abs() < 0.01, "{metric} was {pinned} and is {found:.4}");
    }
    let collapsed = report["rows"].as_array().unwrap().iter().find(|row| row["mode"] == "collapsed").unwrap();
    assert!(
        collapsed["success_10"].as_f64() >= hybrid["success_10"].as_f64(),
        "collapsing hides right answers: {collapsed}"
    );
    // The confidence is fitted with every other phrase. docs/decisions/0009-confidence.md has the figures of the others.
    let calibration = &report["calibration"][0];
    for (metric, pinned) in [("rejected", 0.017), ("out_of_scope_rejected", 0.688), ("ece", 0.087)] {
        let found = calibration[metric].as_f64().unwrap();
        assert!((found - pinned).abs() < 0.02, "{metric} was {pinned} and is {found:.4}");
    }
}

#[test]
fn the_first_phrases_find_their_question_in_the_top_two() {
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
