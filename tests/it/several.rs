//! Several indexes that are searched as one.

use serde_json::Value;

use crate::util::Dir;

const KITCHEN: &str = "# Kitchen\n\n## How long should bread dough rise?\n\nUntil it has doubled in size.\n\n\
                       ## How do I sharpen a kitchen knife?\n\nUse a whetstone.\n";
const GARDEN: &str = "# Garden\n\n## When should I prune roses?\n\nIn early spring.\n\n\
                      ## Why are the leaves of my tomato plants yellow?\n\nNitrogen is short.\n";

/// A directory with an index of the kitchen, one of the garden, and one of both.
fn indexes() -> Dir {
    let dir = Dir::new();
    dir.write("faq.md", KITCHEN);
    dir.run(&["index", "--index", "kitchen", "faq.md"]).success();
    dir.run(&["index", "--index", "both", "faq.md"]).success();
    dir.write("faq.md", GARDEN);
    dir.run(&["index", "--index", "garden", "faq.md"]).success();
    dir.write("kitchen.md", KITCHEN);
    dir.run(&["index", "--index", "both", "faq.md", "kitchen.md"]).success();
    dir
}

const SEVERAL: [&str; 4] = ["--index", "kitchen", "--index", "garden"];

fn hits(dir: &Dir, args: &[&str]) -> Vec<Value> {
    let output = dir.run(&[args, &["--json", "--all"]].concat());
    let reply: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    reply["hits"].as_array().unwrap().clone()
}

fn titles_and_scores(hits: &[Value]) -> Vec<(&Value, f64)> {
    // The weight of semantic search was tuned on other questions; both have the default.
    hits.iter().map(|hit| (&hit["title"], (hit["score"].as_f64().unwrap() * 1e4).round())).collect()
}

#[test]
fn the_ranking_is_that_of_one_index_with_all_questions() {
    let dir = indexes();
    for phrase in ["when is bread ready", "roses", "sharpen yellow leaves of a knife", "what is short"] {
        for mode in ["hybrid", "keyword", "semantic"] {
            let options = ["--mode", mode, "--semantic-weight", "0.7", phrase];
            let several = hits(&dir, &[&SEVERAL, &options[..]].concat());
            let one = hits(&dir, &[&["--index", "both"], &options[..]].concat());
            assert_eq!(titles_and_scores(&several), titles_and_scores(&one), "{phrase}, {mode}");
            for hit in &several {
                let expected =
                    if KITCHEN.contains(hit["title"].as_str().unwrap()) { "kitchen" } else { "garden" };
                assert_eq!(hit["index"], expected, "{hit}");
            }
            assert!(one.iter().all(|hit| hit.get("index").is_none()));
        }
    }
    let text = dir.run(&[&SEVERAL[..], &["prune roses"]].concat()).success().stdout;
    assert!(text.contains("garden · faq.md:3"), "{text}");
}

#[test]
fn pages_batches_facets_and_whole_questions() {
    let dir = indexes();
    let all = hits(&dir, &[&SEVERAL[..], &["-n", "10", "how long is short"]].concat());
    let paged: Vec<Value> = (0..all.len())
        .flat_map(|nth| {
            hits(
                &dir,
                &[&SEVERAL[..], &["-n", "1", "--offset", &nth.to_string(), "how long is short"]].concat(),
            )
        })
        .collect();
    assert_eq!(paged, all);
    let batch = dir.run_with_input(&[&SEVERAL[..], &["--batch", "-"]].concat(), "roses\ndough\n").success();
    let of_line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["hits"][0]["index"].clone();
    assert_eq!(batch.stdout.lines().map(of_line).collect::<Vec<_>>(), ["garden", "kitchen"]);
    let facets = dir.run(&[&SEVERAL[..], &["--facets", "section"]].concat()).success().stdout;
    assert_eq!(facets, "4 questions match\nsection   Garden 2 · Kitchen 2\n");
    let roses = hits(&dir, &[&SEVERAL[..], &["prune roses"]].concat())[0]["id"].clone();
    let id = roses.as_str().unwrap();
    let shown = dir.run(&[&["show"], &SEVERAL[..], &[id]].concat()).success().stdout;
    assert!(shown.starts_with("When should I prune roses?\nfaq.md:3"), "{shown}");
}

#[test]
fn a_question_that_both_have_is_named_by_its_index() {
    let dir = indexes();
    // The file has the same path and the same question, so the id is the same in both.
    let both = [&["--index", "garden", "--index", "both"][..], &["prune roses"]].concat();
    let found = hits(&dir, &both);
    let roses: Vec<&Value> =
        found.iter().filter(|hit| hit["title"] == "When should I prune roses?").collect();
    let [one, other] = roses[..] else { panic!("{found:?}") };
    assert_eq!(one["id"], other["id"]);
    assert_ne!(one["index"], other["index"]);
    let id = one["id"].as_str().unwrap();
    dir.run(&["show", "--index", "garden", "--index", "both", id])
        .exits(2)
        .says("in garden, both")
        .says("name one index with --index");
}

#[test]
fn what_cannot_be_combined_is_refused() {
    let dir = indexes();
    dir.run(&["index", "--index", "words", "--keyword-only", "faq.md"]).success();
    dir.run(&["--index", "kitchen", "--index", "words", "roses"]).exits(2).says(
        "the index in kitchen has vectors of the built-in model, and the index in words has keywords only",
    );
    dir.run(&["--index", "kitchen", "--index", "./kitchen", "roses"]).exits(2).says("named twice");
    dir.run(&["--index", "kitchen", "--index", "none", "roses"]).exits(2).says("no index in none");
    dir.run(&["index", "--index", "kitchen", "--index", "garden"])
        .exits(2)
        .says("cannot be used multiple times");
    dir.run(&["stats", "--index", "kitchen", "--index", "garden"])
        .exits(2)
        .says("cannot be used multiple times");
    #[cfg(feature = "watch")]
    dir.run(&[&["serve", "--watch"], &SEVERAL[..]].concat())
        .exits(2)
        .says("this needs one index, and 2 are named");
}

#[test]
fn copies_of_an_index_can_be_searched_together() {
    let dir = indexes();
    std::fs::create_dir(dir.path().join("copy")).unwrap();
    for entry in dir.path().join("kitchen").read_dir().unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.path().join("copy").join(path.file_name().unwrap())).unwrap();
    }
    let found = hits(&dir, &["--index", "kitchen", "--index", "copy", "bread dough"]);
    let dough: Vec<&Value> = found
        .iter()
        .filter(|hit| hit["title"] == "How long should bread dough rise?")
        .map(|hit| &hit["index"])
        .collect();
    assert_eq!(dough, ["kitchen", "copy"]);
}
