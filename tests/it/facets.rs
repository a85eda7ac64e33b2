//! `--facets`: counts of all questions that match.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::util::{Dir, FAQ};

/// The counts of each facet in the reply of a command.
fn counts(dir: &Dir, args: &[&str]) -> (u64, BTreeMap<String, BTreeMap<String, u64>>) {
    let facets = ["--json", "--facets", "section,tag,level", "--facets", "language,source,year"];
    let output = dir.run(&[&facets, args].concat());
    let reply: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let values = |facet: &Value| {
        assert_eq!(facet["more"], 0, "{facet}");
        let values = facet["values"].as_array().unwrap().iter();
        values
            .map(|one| (one["value"].as_str().unwrap().to_owned(), one["count"].as_u64().unwrap()))
            .collect()
    };
    let counts = reply["facets"]["counts"].as_array().unwrap().iter();
    let counts = counts.map(|facet| (facet["name"].as_str().unwrap().to_owned(), values(facet))).collect();
    (reply["facets"]["matching"].as_u64().unwrap(), counts)
}

/// An exhaustive count over exported questions.
fn exhaustive(questions: &[&Value]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for question in questions {
        let text = |value: &Value| value.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>();
        let tags = question["tags"].as_array().unwrap().iter().flat_map(text).collect();
        let year = text(&question["date"]).into_iter().map(|date| date[..4].to_owned()).collect();
        for (facet, values) in [
            ("section", text(&question["section"])),
            ("tag", tags),
            ("level", text(&question["level"])),
            ("source", text(&question["source"]["path"])),
            ("language", vec!["en".to_owned()]),
            ("year", year),
        ] {
            let counts = counts.entry(facet.to_owned()).or_default();
            values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
        }
    }
    counts
}

/// An index of several segments, with deleted questions.
fn updated() -> Dir {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write("old.jsonl", "{\"question\": \"Is this going to be deleted?\", \"tags\": [\"bread\"]}\n");
    dir.run(&["index", "."]).success();
    let more = "{\"question\": \"How much water does a tomato plant need?\", \"tags\": [\"tomato\"], \
                \"date\": \"2024-03-01\", \"level\": \"beginner\"}\n\
                {\"question\": \"How warm must the water for the dough be?\", \"tags\": [\"bread\", \"yeast\"], \
                \"date\": \"2023\", \"section\": \"Kitchen\"}\n";
    dir.write("more.jsonl", more);
    std::fs::remove_file(dir.path().join("old.jsonl")).unwrap();
    dir.run(&["index"]).success();
    dir
}

#[test]
fn without_a_phrase_all_questions_are_counted() {
    let dir = updated();
    let questions = dir.export();
    let all: Vec<&Value> = questions.iter().collect();
    assert_eq!(counts(&dir, &[]), (7, exhaustive(&all)));
    let bread: Vec<&Value> =
        questions.iter().filter(|one| one["tags"].as_array().unwrap().contains(&"bread".into())).collect();
    assert_eq!(counts(&dir, &["--tag", "Bread"]), (3, exhaustive(&bread)));
    assert_eq!(counts(&dir, &["--language", "de"]).0, 0);
    assert_eq!(counts(&dir, &["--since", "2024", "--until", "2024"]).0, 1);
    dir.run(&["--facets", "tag", "--tag", "nothing"]).exits(1);
    let text = dir.run(&["--facets", "tag,year", "--facet-values", "1"]).success().stdout;
    assert_eq!(
        text,
        "7 questions match\ntag       bread 3 · … and 5 more (--facet-values)\nyear      2024 1\n"
    );
}

#[test]
fn with_a_phrase_the_matching_questions_are_counted() {
    let dir = updated();
    let (matching, counted) = counts(&dir, &["--mode", "keyword", "water"]);
    let with_water = |one: &&Value| one.to_string().to_lowercase().contains("water");
    let questions = dir.export();
    let water: Vec<&Value> = questions.iter().filter(with_water).collect();
    assert_eq!((matching, counted), (water.len() as u64, exhaustive(&water)));
    // A filter for a value leaves as many as its count says.
    let (_, tags) = counts(&dir, &["how much water for dough"]);
    for (tag, count) in &tags["tag"] {
        assert_eq!(counts(&dir, &["--tag", tag, "how much water for dough"]).0, *count, "{tag}");
    }
    let text = dir.run(&["--facets", "tag", "bread dough"]).success().stdout;
    assert!(text.contains("questions match\ntag       bread "), "{text}");
    dir.run(&["--facets", "tags", "bread"])
        .exits(2)
        .says("\"tags\" is not a facet; the facets are section, tag,");
    dir.run(&["--facets", "tag", "--facet-values", "0", "bread"]).exits(2).says("from 1 to 1000");
    let batch = dir.run_with_input(&["--facets", "level", "--batch", "-"], "dough\nroses\n").success().stdout;
    assert_eq!(batch.matches("\"facets\":{\"matching\":").count(), 2, "{batch}");
}
