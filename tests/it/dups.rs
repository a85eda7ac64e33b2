//! Duplicate detection.

use serde_json::Value;

use crate::util::{Dir, FAQ};

/// Duplicates of every kind, and questions that look similar but are not duplicates.
const FORUM: &str = r#"{"question": "How long should bread dough rise?", "answer": "An hour."}
{"question": "how long should BREAD dough rise", "answer": ""}
{"question": "How long should bread dough rise?", "answer": ""}
{"question": "How long does bread dough have to rise?", "answer": ""}
{"question": "What is the difference between `Rc` and `Arc` in Rust programs?", "answer": ""}
{"question": "What is the difference between `Rc` and `Box` in Rust programs?", "answer": ""}
{"question": "How do I import contacts from Gmail?", "answer": ""}
{"question": "How do I export contacts to Gmail?", "answer": ""}
{"question": "Why can't I log in after an update?", "answer": ""}
{"question": "When should I prune roses?", "answer": ""}
"#;

fn forum() -> Dir {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write("forum.jsonl", FORUM);
    dir.run(&["index", "faq.md", "forum.jsonl"]).success();
    dir
}

fn duplicates(dir: &Dir, args: &[&str]) -> Value {
    let output = dir.run(&[&["dups", "--json"], args].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Each group: the location of the canonical question, and the locations and kinds of its duplicates, sorted.
fn groups(reply: &Value) -> Vec<(String, Vec<(String, String)>)> {
    let location = |question: &Value| {
        format!("{}:{}", question["source"]["path"].as_str().unwrap(), question["source"]["line"])
    };
    reply["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let mut others: Vec<(String, String)> = group["duplicates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|other| (location(other), other["kind"].as_str().unwrap().to_owned()))
                .collect();
            others.sort();
            (location(&group["canonical"]), others)
        })
        .collect()
}

#[test]
fn repeats_and_paraphrases_are_found_with_their_kind() {
    let dir = forum();
    let expected = |kinds: &[(&str, &str)]| -> Vec<(String, String)> {
        kinds.iter().map(|(location, kind)| ((*location).to_owned(), (*kind).to_owned())).collect()
    };
    let reply = duplicates(&dir, &[]);
    assert_eq!(
        groups(&reply),
        [
            // The question with the best answer is in the FAQ.
            (
                "faq.md:3".to_owned(),
                expected(&[
                    ("forum.jsonl:1", "exact"),
                    ("forum.jsonl:2", "repeat"),
                    ("forum.jsonl:3", "exact"),
                    ("forum.jsonl:4", "paraphrase"),
                ])
            ),
            ("faq.md:29".to_owned(), expected(&[("forum.jsonl:10", "exact")])),
        ],
        "{reply}"
    );
    assert_eq!(reply["questions"], 15);
    let first = &reply["pairs"][0];
    assert_eq!((&first["kind"], &first["probability"]), (&"exact".into(), &1.0.into()));
    // Text output has groups, or pairs with reasons.
    let listed = dir.run(&["dups"]).exits(1);
    assert!(listed.stdout.contains("repeat how long should BREAD dough rise"), "{listed:?}");
    assert!(listed.stderr.contains("15 questions, 5 duplicates in 2 groups"), "{listed:?}");
    let pairs = dir.run(&["dups", "--top", "9"]).exits(1).stdout;
    for reason in [
        "the same text",
        "except for case, punctuation or markup",
        "cosine 0.9",
        "words in common: How, long, bread",
    ] {
        assert!(pairs.contains(reason), "{reason:?} is missing: {pairs}");
    }
    let table = dir.run(&["dups", "--csv"]).exits(1).stdout;
    assert_eq!(table.lines().count(), 1 + 7, "{table}");
    assert!(table.starts_with("group,kind,probability,id,title,path,line\n1,canonical,1.0000,"), "{table}");
}

#[test]
fn one_different_word_makes_a_different_question() {
    let dir = forum();
    dir.run(&["dups", "--check", "What is the difference between `Rc` and `Cell` in Rust programs?"])
        .success()
        .says("not a duplicate");
    let reply = duplicates(&dir, &["--threshold", "0.1"]);
    let differences: Vec<&Value> = reply["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|pair| pair["differences"].as_array().unwrap())
        .collect();
    for difference in ["another name", "an opposite"] {
        assert!(differences.iter().any(|found| **found == difference), "{difference} is missing: {reply}");
    }
}

#[test]
fn duplicates_can_be_limited_to_files_or_to_pairs_across_files() {
    let dir = forum();
    let within = duplicates(&dir, &["--within", "FORUM"]);
    assert_eq!((&within["questions"], groups(&within).len()), (&10.into(), 1), "{within}");
    let across = duplicates(&dir, &["--across"]);
    let pairs = across["pairs"].as_array().unwrap();
    assert!(!pairs.is_empty());
    for pair in pairs {
        assert_ne!(pair["one"]["source"]["path"], pair["two"]["source"]["path"], "{pair}");
    }
    assert!(groups(&duplicates(&dir, &["--within", "faq"])).is_empty());
    dir.run(&["dups", "--within", "faq"]).success();
}

#[test]
fn check_finds_questions_that_a_new_one_duplicates() {
    let dir = forum();
    for phrase in ["when should I prune ROSES", "How long does bread dough need to rise?"] {
        let found = dir.run(&["dups", "--check", phrase]).exits(1);
        assert!(found.stdout.contains("faq.md:"), "{found:?}");
    }
    let fresh = dir.run(&["dups", "--check", "Which saw cuts plywood without splinters?"]).success();
    assert!(fresh.stderr.contains("not a duplicate"), "{fresh:?}");
    let lines = "when should I prune ROSES\n\n{\"_id\": 7, \"text\": \"Which saw cuts plywood?\"}\n";
    let output = dir.run_with_input(&["dups", "--check", "-"], lines).exits(1).stdout;
    let replies: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(replies.len(), 2);
    assert_eq!((&replies[0]["duplicate"], &replies[1]["duplicate"]), (&true.into(), &false.into()));
    assert_eq!((&replies[1]["_id"], replies[0].get("_id")), (&7.into(), None));
    assert_eq!(replies[0]["duplicates"][0]["kind"], "repeat");
    let output = dir.run_with_input(&["dups", "--check", "-"], "{\"text\": 1}\n").exits(2);
    assert!(output.stdout.contains("error"), "{output:?}");
    dir.run(&["dups", "--check", " "]).exits(2).says("the phrase is empty");
    dir.run(&["dups", "--check", "x", "--within", "y"]).exits(2).says("cannot be used with");
}

#[test]
fn only_new_phrasings_are_compared() {
    let dir = forum();
    dir.run(&["dups"]).exits(1).says("; 12 phrasings compared, 12 of them for the first time");
    dir.run(&["dups"]).exits(1).says(", 0 of them for the first time");
    dir.write("more/new.jsonl", "{\"question\": \"How do I sharpen kitchen knives?\"}\n");
    dir.run(&["index", "more"]).success();
    dir.run(&["dups"]).exits(1).says(", 1 of them for the first time");
    let updated = duplicates(&dir, &[]);
    assert_eq!(groups(&updated).len(), 3, "{updated}");
    std::fs::remove_file(dir.path().join(".rqsearch/duplicates.cache")).unwrap();
    assert_eq!(duplicates(&dir, &[]), updated, "without a cache");
    // A run with --within keeps the cache of the other questions.
    duplicates(&dir, &["--within", "faq"]);
    dir.run(&["dups"]).exits(1).says(", 0 of them for the first time");
    // A damaged cache is ignored.
    dir.write(".rqsearch/duplicates.cache", "garbage");
    assert_eq!(duplicates(&dir, &[]), updated);
    // Deleted questions are no longer found.
    std::fs::remove_file(dir.path().join("more/new.jsonl")).unwrap();
    dir.run(&["index"]).success();
    assert_eq!(groups(&duplicates(&dir, &[])).len(), 2);
}

#[test]
fn shared_alternative_titles_alone_are_not_evidence() {
    let dir = Dir::new();
    let lines = [
        r#"{"question": "Why must the kettle be descaled?", "also": ["white flakes in the water"], "answer": "It lasts."}"#,
        r#"{"question": "What are the grains in my tea?", "also": ["white flakes in the water"], "answer": "Lime."}"#,
        r#"{"question": "White flakes in the water", "answer": ""}"#,
    ];
    // Two questions with the same alternative title are not duplicates. A title that equals an alternative
    // title of another question is evidence.
    dir.write("two.jsonl", lines[..2].join("\n"));
    dir.run(&["index", "two.jsonl"]).success();
    dir.run(&["dups"]).success();
    dir.write("two.jsonl", [lines[0], lines[2]].join("\n"));
    dir.run(&["index"]).success();
    let found = duplicates(&dir, &[]);
    assert_eq!(groups(&found).len(), 1, "{found}");
    assert_eq!(found["pairs"][0]["asked_as"][1], "White flakes in the water", "{found}");
}

#[test]
fn a_keyword_only_index_finds_repeats() {
    let dir = Dir::new();
    dir.write("forum.jsonl", FORUM);
    dir.run(&["index", "--keyword-only", "forum.jsonl"]).success();
    let found = dir.run(&["dups"]).exits(1).says("keywords only");
    assert!(found.stderr.contains("10 questions, 2 duplicates"), "{found:?}");
    dir.run(&["dups", "--check", "When should I prune roses"]).exits(1);
}

#[test]
fn search_collapses_duplicates() {
    let dir = forum();
    let titles = dir.titles(&["how long must dough rise"]);
    let rises = titles.iter().filter(|title| title.to_lowercase().contains("bread dough")).count();
    assert_eq!(rises, 1, "{titles:?}");
    let all = dir.titles(&["--all", "how long must dough rise"]);
    assert_eq!(all.iter().filter(|title| title.to_lowercase().contains("bread dough")).count(), 5, "{all:?}");
    // Collapsed questions do not count towards the limit.
    assert_eq!(dir.titles(&["-n", "3", "how long must dough rise"]).len(), 3);
    let shown = dir.run(&["-n", "1", "how long must dough rise"]).stdout;
    assert!(
        shown.contains("also asked as: ") && shown.contains("… and 1 more (--all shows each)"),
        "{shown}"
    );
}

#[test]
fn the_map_is_self_contained_and_escapes_titles() {
    let dir = Dir::new();
    let evil = r#"{"question": "Is </script><script>alert(1)</script> a title?"}"#;
    dir.write("a.jsonl", format!("{evil}\n{evil}\n"));
    dir.run(&["index", "a.jsonl"]).success();
    dir.run(&["dups", "--graph", "map.html"]).exits(1);
    let page = std::fs::read_to_string(dir.path().join("map.html")).unwrap();
    assert!(page.contains(r"\u003cscript>alert(1)") && !page.contains("<script>alert(1)"), "escaped");
    assert!(!page.contains("http://") && !page.contains("https://"), "it loads no resources");
    assert!(page.contains("Content-Security-Policy"));
    dir.run(&["dups", "--graph", "nowhere/map.html"]).exits(2).says("could not write nowhere/map.html");
}

#[test]
fn labelled_pairs_are_evaluated() {
    let dir = Dir::new();
    dir.write(
        "pairs.tsv",
        "label\tid\ttext1\ttext2\n1\t1\tHow do I sharpen a knife?\thow to sharpen knives\n0\t2\tHow do I sharpen a knife?\tWhen are roses pruned?\n",
    );
    let output = dir.run(&["eval", "--pairs", "pairs.tsv", "--json"]).success().stdout;
    let report: Value = serde_json::from_str(&output).unwrap();
    let metrics = &report["metrics"];
    assert_eq!(
        (&metrics["average_precision"], &metrics["best_f1"], &metrics["recall_at_95_precision"]),
        (&1.0.into(), &1.0.into(), &1.0.into())
    );
    assert!(metrics["ece"].as_f64().unwrap() < 0.5);
    let table = dir.run(&["eval", "--pairs", "pairs.tsv"]).success().stdout;
    assert!(table.contains("average precision") && table.contains("cosine"), "{table}");
    dir.write("pairs.tsv", "label\tid\ttext1\ttext2\n1\ta\tb\n");
    dir.run(&["eval", "--pairs", "pairs.tsv"]).exits(2).says("pairs.tsv:2: expected a label");
    dir.write("pairs.tsv", "label\tid\ttext1\ttext2\n1\t1\ta\tb\n");
    dir.run(&["eval", "--pairs", "pairs.tsv"])
        .exits(2)
        .says("must contain pairs with label 0 and pairs with label 1");
}

/// Pins the metrics on `eval/pairs.tsv`, hard pairs written for this project. Users notice a change of these
/// metrics.
#[test]
fn metrics_on_our_own_pairs_are_pinned() {
    let pairs = concat!(env!("CARGO_MANIFEST_DIR"), "/eval/pairs.tsv");
    let output = Dir::new().run(&["eval", "--pairs", pairs, "--json"]).success().stdout;
    let report: Value = serde_json::from_str(&output).unwrap();
    for (metric, pinned) in [("average_precision", 0.699), ("best_f1", 0.687)] {
        let found = report["metrics"][metric].as_f64().unwrap();
        assert!((found - pinned).abs() < 0.01, "{metric} was {pinned} and is {found:.4}");
    }
}
