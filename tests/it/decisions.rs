//! Decisions about duplicates: the file, what `dups` makes of it, and the formats for other tools.

use std::fs;

use serde_json::{Value, json};

use crate::util::Dir;

const RED: &str = "Why is the sauce red?";
const LOUD: &str = "why is the SAUCE red";
const HEAT: &str = "How hot must the oven be?";
const OVEN: &str = "How hot does the oven have to be?";
const NAP: &str = "When does the cat sleep?";

/// A FAQ with two groups of duplicates, and another question.
const FAQ: &str = r#"{"question": "Why is the sauce red?", "answer": "Because of the tomatoes.", "url": "https://example.org/red"}
{"question": "why is the SAUCE red", "url": "https://example.org/loud"}
{"question": "How hot must the oven be?", "answer": "Very hot."}
{"question": "How hot does the oven have to be?"}
{"question": "When does the cat sleep?", "answer": "At noon."}
"#;

fn faq() -> Dir {
    Dir::indexed_from("faq.jsonl", FAQ)
}

fn id(dir: &Dir, title: &str) -> String {
    let found = dir.export().into_iter().find(|question| question["title"] == title);
    found.unwrap_or_else(|| panic!("no {title:?}"))["id"].as_str().unwrap().to_owned()
}

/// A line of the file: what was decided about two questions.
fn line(dir: &Dir, one: &str, two: &str, decision: &str) -> String {
    let about = |title: &str| json!({"id": id(dir, title), "title": title});
    let mut line = json!({"one": about(one), "two": about(two), "decision": decision});
    if decision == "keep" {
        line["keep"] = id(dir, two).into();
    }
    format!("{line}\n")
}

fn list(dir: &Dir, args: &[&str]) -> Value {
    let output = dir.run(&[&["dups", "--json"], args].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// The titles of each group, the question to keep first, and whether the group is open.
fn groups(reply: &Value) -> Vec<(Vec<String>, bool)> {
    let title = |question: &Value| question["title"].as_str().unwrap().to_owned();
    let group = |group: &Value| {
        let mut titles = vec![title(&group["canonical"])];
        titles.extend(group["duplicates"].as_array().unwrap().iter().map(title));
        (titles, group["open"].as_bool().unwrap())
    };
    reply["groups"].as_array().unwrap().iter().map(group).collect()
}

fn group(titles: &[&str], open: bool) -> (Vec<String>, bool) {
    (titles.iter().map(|title| (*title).to_owned()).collect(), open)
}

#[test]
fn decided_pairs_do_not_return() {
    let dir = faq();
    assert_eq!(groups(&list(&dir, &[])), [group(&[RED, LOUD], true), group(&[HEAT, OVEN], true)]);
    // Different questions are not reported. The file beside the index needs no option.
    let different = line(&dir, RED, LOUD, "different");
    dir.write("duplicates.jsonl", &different);
    let found = dir.run(&["dups"]).exits(1);
    assert!(!found.stdout.contains("SAUCE"), "{found:?}");
    found.says("; 1 decision of duplicates.jsonl applied, 1 group open");
    assert!(list(&dir, &[])["pairs"].as_array().unwrap().iter().all(|pair| pair["two"]["title"] != LOUD));
    // The same questions are in one group, which is not open; the kept one is the first.
    dir.write("duplicates.jsonl", different + &line(&dir, HEAT, OVEN, "keep"));
    let reply = list(&dir, &[]);
    assert_eq!(groups(&reply), [group(&[OVEN, HEAT], false)]);
    assert_eq!(
        (&reply["groups"][0]["chosen_by"], &reply["decisions_applied"]),
        (&"decision".into(), &2.into())
    );
    dir.run(&["dups"]).success().says("2 decisions of duplicates.jsonl applied, 0 groups open");
    let shown = dir.run(&["dups"]).stdout;
    assert!(shown.contains("kept by decision") && shown.contains("the same by decision"), "{shown}");
    assert!(dir.run(&["dups", "--top", "9"]).stdout.contains("the same by decision"));
    // Questions that no model takes for the same.
    dir.write("duplicates.jsonl", line(&dir, RED, NAP, "same"));
    assert_eq!(groups(&list(&dir, &[]))[0], group(&[RED, LOUD, NAP], true));
}

#[test]
fn a_group_is_split_at_a_different_pair() {
    let dir = Dir::new();
    let ask = |title: &str| format!("{}\n", json!({"question": title}));
    dir.write("faq.jsonl", [RED, LOUD, "WHY is the sauce RED?"].map(ask).concat());
    dir.run(&["index", "faq.jsonl"]).success();
    assert_eq!(groups(&list(&dir, &[]))[0].0.len(), 3);
    dir.write("split.jsonl", line(&dir, RED, "WHY is the sauce RED?", "different"));
    let split = list(&dir, &["--decisions", "split.jsonl"]);
    assert_eq!(groups(&split), [group(&[RED, LOUD], true)]);
    // Two decisions that contradict this one: the first that would join the group is named.
    let contradicting =
        [(RED, LOUD), (LOUD, "WHY is the sauce RED?")].map(|(one, two)| line(&dir, one, two, "same"));
    dir.write(
        "split.jsonl",
        fs::read_to_string(dir.path().join("split.jsonl")).unwrap() + &contradicting.concat(),
    );
    let split = list(&dir, &["--decisions", "split.jsonl"]);
    assert_eq!(groups(&split), [group(&[RED, LOUD], false)]);
    assert_eq!(
        (&split["decisions_applied"], split["decisions_not_applied"].as_array().unwrap().len()),
        (&2.into(), 1)
    );
    dir.run(&["dups", "--decisions", "split.jsonl"])
        .says("other decisions say that these questions are different");
}

#[test]
fn a_decision_about_another_title_is_reported_and_not_applied() {
    let dir = Dir::new();
    let faq = |title: &str| {
        let rows = [("1", title), ("2", LOUD)].map(|(id, title)| format!("{id},{title}\n"));
        dir.write("faq.csv", format!("id,question\n{}", rows.concat()));
        dir.run(&["index", "faq.csv"]).success();
    };
    faq(RED);
    dir.write("duplicates.jsonl", line(&dir, RED, LOUD, "different"));
    dir.run(&["dups"]).success();
    // Punctuation and case do not make another title.
    faq("Why is the sauce RED");
    dir.run(&["dups"]).success();
    faq("Why is the soup red?");
    dir.run(&["dups"])
        .says("is not applied: the title of")
        .says(&format!("was “{RED}” and is “Why is the soup red?” now"))
        .says("hint: decide again");
    // A question that is gone.
    dir.write("faq.csv", format!("id,question\n2,{LOUD}\n"));
    dir.run(&["index", "faq.csv"]).success();
    let reply = list(&dir, &[]);
    assert_eq!((&reply["decisions_applied"], reply["groups"].as_array().unwrap().len()), (&0.into(), 0));
    assert!(
        reply["decisions_not_applied"][0]["reason"].as_str().unwrap().contains("not in the index any more"),
        "{reply}"
    );
}

#[test]
fn decisions_follow_a_file_that_is_renamed() {
    let dir = faq();
    dir.write("duplicates.jsonl", line(&dir, HEAT, OVEN, "keep") + &line(&dir, RED, LOUD, "different"));
    let before = groups(&list(&dir, &[]));
    fs::rename(dir.path().join("faq.jsonl"), dir.path().join("renamed.jsonl")).unwrap();
    dir.run(&["index", "renamed.jsonl"]).success();
    dir.run(&["index", "--remove-missing"]).success();
    let after = list(&dir, &[]);
    assert_eq!((groups(&after), &after["decisions_applied"]), (before, &2.into()), "{after}");
    // Two questions with one title are not told apart.
    dir.write("copy.jsonl", FAQ);
    dir.run(&["index", "copy.jsonl"]).success();
    assert_eq!(list(&dir, &[])["decisions_applied"], 0);
}

#[test]
fn decisions_about_other_files_are_not_stale() {
    let dir = faq();
    dir.write("more/more.jsonl", "{\"question\": \"Is it late?\"}\n{\"question\": \"is it LATE\"}\n");
    dir.run(&["index", "more"]).success();
    dir.write("duplicates.jsonl", line(&dir, RED, LOUD, "different"));
    let reply = list(&dir, &["--within", "more/"]);
    assert_eq!((reply["groups"].as_array().unwrap().len(), &reply["decisions_not_applied"]), (1, &json!([])));
}

#[test]
fn check_does_not_name_a_question_that_was_decided_to_be_different() {
    let dir = faq();
    let phrase = "how hot must the OVEN be";
    let found = |args: &[&str]| {
        let output = dir.run(&[&["dups", "--json", "--check", phrase], args].concat()).stdout;
        let reply: Value = serde_json::from_str(&output).unwrap();
        let titles = reply["duplicates"].as_array().unwrap().iter();
        titles.map(|one| one["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]), [HEAT, OVEN]);
    dir.write("d.jsonl", line(&dir, OVEN, HEAT, "different"));
    assert_eq!(found(&["--decisions", "d.jsonl"]), [HEAT]);
    let lines =
        dir.run_with_input(&["dups", "--check", "-", "--decisions", "d.jsonl"], phrase).exits(1).stdout;
    assert!(lines.contains(HEAT) && !lines.contains(OVEN), "{lines}");
    // The question of the decision is not in the index, as in a pull request that adds it.
    let kept = FAQ.lines().filter(|line| !line.contains(HEAT)).map(|line| format!("{line}\n"));
    dir.write("faq.jsonl", kept.collect::<String>());
    dir.run(&["index", "faq.jsonl"]).success();
    assert_eq!(found(&[]), [OVEN]);
    assert_eq!(found(&["--decisions", "d.jsonl"]), [""; 0]);
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_with_its_line() {
    let dir = faq();
    dir.run(&["dups", "--decisions", "none.jsonl"])
        .exits(2)
        .says("none.jsonl does not exist")
        .says("--review");
    let pair = line(&dir, RED, LOUD, "same");
    dir.write("bad.jsonl", format!("{pair}<<<<<<< ours\n"));
    dir.run(&["dups", "--decisions", "bad.jsonl"])
        .exits(2)
        .says("bad.jsonl:2: a merge conflict")
        .says("hint: ");
    dir.write("bad.jsonl", pair.clone() + &line(&dir, RED, LOUD, "different"));
    dir.run(&["dups", "--decisions", "bad.jsonl"]).exits(2).says("bad.jsonl:2").says("differently");
    // A file with that name that has something else.
    dir.write("duplicates.jsonl", "{\"question\": \"Why?\"}\n");
    dir.run(&["dups"])
        .exits(2)
        .says("duplicates.jsonl, which is beside the index")
        .says("add --decisions FILE");
    dir.run(&["dups", "--builtin"]).exits(1);
}

#[test]
fn a_file_of_decisions_has_no_questions() {
    let dir = faq();
    dir.write("duplicates.jsonl", line(&dir, RED, LOUD, "same"));
    let indexed = dir.run(&["index", "."]).success();
    assert!(!indexed.stderr.contains("duplicates.jsonl"), "{indexed:?}");
    assert_eq!(dir.export().len(), 5);
}

#[test]
fn formats_for_other_tools() {
    let dir = faq();
    dir.write("duplicates.jsonl", line(&dir, RED, LOUD, "keep"));
    let written = |format: &str| dir.run(&["dups", "--format", format]).exits(1).stdout;
    assert_eq!(written("json"), dir.run(&["dups", "--json"]).stdout);
    let table = written("csv");
    assert_eq!(table, dir.run(&["dups", "--csv"]).stdout);
    let decisions: Vec<&str> = table.lines().map(|line| line.rsplit_once(',').unwrap().1).collect();
    assert_eq!(decisions, ["decision", "keep", "same", "", "open"], "{table}");
    let github = written("github");
    assert_eq!(github.lines().count(), 2, "{github}");
    assert!(github.contains("::notice file=faq.jsonl,line=1,title=Duplicate question::"), "{github}");
    assert!(
        github.contains("::warning file=faq.jsonl,line=4,title=Duplicate question::How hot does"),
        "{github}"
    );
    let report = written("markdown");
    assert!(
        report.contains("Open groups: 1. Decided groups: 1.") && report.contains("(faq.jsonl#L4)"),
        "{report}"
    );
    let linked = dir.run(&["dups", "--format", "markdown", "--link-base", "https://e.org/"]).stdout;
    assert!(linked.contains("(https://e.org/faq.jsonl#L4)"), "{linked}");
    let redirects: Value = serde_json::from_str(&written("redirects")).unwrap();
    assert_eq!(redirects.as_array().unwrap().len(), 1);
    assert_eq!(
        (&redirects[0]["from"], &redirects[0]["to"]),
        (&"https://example.org/red".into(), &"https://example.org/loud".into())
    );
    let table = written("redirects-csv");
    assert!(
        table.starts_with("from,to,from_id,to_id\nhttps://example.org/red,https://example.org/loud,"),
        "{table}"
    );
    dir.run(&["dups", "--format", "redirects"]).says("1 duplicate without a redirect");
    dir.run(&["dups", "--format", "yaml"]).exits(2).says("possible values");
    dir.run(&["dups", "--json", "--format", "csv"]).exits(2).says("cannot be used with");
    dir.run(&["dups", "--top", "3", "--format", "sarif"]).exits(2).says("--top lists pairs");
    dir.run(&["dups", "--check", "x", "--format", "github"]).exits(2).says("use --format json");
    dir.run(&["dups", "--link-base", "x", "--format", "csv"]).exits(2).says("use --format markdown");
}

/// The parts of the schema of SARIF 2.1.0 that a log of `dups` has, as its specification requires them.
fn sarif_schema() -> Value {
    let message = json!({"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}});
    let physical = json!({
        "type": "object",
        "required": ["artifactLocation", "region"],
        "properties": {
            "artifactLocation": {
                "type": "object",
                "required": ["uri", "uriBaseId"],
                // A relative reference without a scheme, encoded.
                "properties": {"uri": {"type": "string", "pattern": "^[A-Za-z0-9._~/%-]+$"}, "uriBaseId": {"type": "string"}},
                "additionalProperties": false
            },
            "region": {
                "type": "object",
                "properties": {"startLine": {"type": "integer", "minimum": 1}},
                "additionalProperties": false
            }
        },
        "additionalProperties": false
    });
    let location = json!({
        "type": "object",
        "required": ["physicalLocation"],
        "properties": {"id": {"type": "integer", "minimum": -1}, "message": message, "physicalLocation": physical},
        "additionalProperties": false
    });
    let rule = json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string"},
            "name": {"type": "string"},
            "shortDescription": message,
            "fullDescription": message,
            "help": message,
            "defaultConfiguration": {"type": "object", "properties": {"level": {"enum": ["none", "note", "warning", "error"]}}}
        },
        "additionalProperties": false
    });
    let result = json!({
        "type": "object",
        "required": ["message", "ruleId", "ruleIndex"],
        "properties": {
            "ruleId": {"type": "string"},
            "ruleIndex": {"type": "integer", "minimum": -1},
            "level": {"enum": ["none", "note", "warning", "error"]},
            "message": message,
            "locations": {"type": "array", "minItems": 1, "items": location},
            "relatedLocations": {"type": "array", "items": location},
            "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            "rank": {"type": "number", "minimum": -1, "maximum": 100},
            "properties": {"type": "object"}
        },
        "additionalProperties": false
    });
    let driver = json!({
        "type": "object",
        "required": ["name", "rules"],
        "properties": {
            "name": {"type": "string"},
            "version": {"type": "string"},
            "informationUri": {"type": "string"},
            "rules": {"type": "array", "uniqueItems": true, "items": rule}
        },
        "additionalProperties": false
    });
    let run = json!({
        "type": "object",
        "required": ["tool", "results"],
        "properties": {
            "tool": {"type": "object", "required": ["driver"], "properties": {"driver": driver}, "additionalProperties": false},
            "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            "results": {"type": "array", "items": result}
        },
        "additionalProperties": false
    });
    json!({
        "type": "object",
        "required": ["version", "runs"],
        "properties": {"$schema": {"type": "string"}, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": run}},
        "additionalProperties": false
    })
}

#[test]
fn sarif_is_valid() {
    let dir = Dir::new();
    dir.write(
        "a b/[faq] 100%.md",
        "## Why is it \"red\" \\[x\\](0)?\n\nSo.\n\n## why IS it \"red\" \\[x\\](0)\n\nSo.\n",
    );
    dir.write("c.jsonl", FAQ);
    dir.run(&["index", "."]).success();
    let log: Value = serde_json::from_str(&dir.run(&["dups", "--format", "sarif"]).exits(1).stdout).unwrap();
    let schema = jsonschema::validator_for(&sarif_schema()).unwrap();
    let errors: Vec<String> = schema.iter_errors(&log).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{log:#}");
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), groups(&list(&dir, &[])).len());
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        // Every link of the message is a related location.
        let related = result["relatedLocations"].as_array().unwrap();
        assert!(
            result["message"]["text"].as_str().unwrap().contains("](0)") && related[0]["id"] == 0,
            "{result}"
        );
    }
    assert!(log.to_string().contains("a%20b/%5Bfaq%5D%20100%25.md"), "{log}");
}
