//! What people ask and nothing answers.

use serde_json::{Value, json};

use crate::util::{Dir, FAQ};

const ASKED: &str = "how long should dough rise
Which paint is best for a wooden fence?
best paint for wooden fences
how to clean a cast iron skillet
cleaning cast iron pans
which  paint is best for a WOODEN fence
When should I prune roses?
best wooden fence paint
what is the capital of France <b>
";

fn asked() -> Dir {
    let dir = Dir::indexed();
    dir.write("asked.txt", ASKED);
    dir
}

fn json(dir: &Dir, args: &[&str]) -> Value {
    let output = dir.run(&[&["gaps", "--json"], args].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// The representative of each group, how often it was asked, and the number of phrases.
fn groups(reply: &Value) -> Vec<(&str, u64, u64)> {
    let groups = reply["groups"].as_array().unwrap().iter();
    groups
        .map(|group| {
            let number = |key: &str| group[key].as_u64().unwrap();
            (group["representative"].as_str().unwrap(), number("asked"), number("phrases"))
        })
        .collect()
}

#[test]
fn gaps_are_listed_with_a_suggestion() {
    let dir = asked();
    let output =
        dir.run(&["gaps", "asked.txt"]).exits(1).says("8 phrases (asked 9 times), 6 without an answer");
    dir.run_with_input(&["gaps", "-"], "Which paint fits a fence?\n").says("1 phrase (asked once)");
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[0], "  4  Which paint is best for a wooden fence?");
    assert_eq!(lines[1..4].iter().filter(|line| line.starts_with("     best ")).count(), 2, "{output:?}");
    let iron = lines.iter().position(|line| line.starts_with("  2  ")).unwrap();
    assert!(lines[iron].contains("cast iron"), "{output:?}");
    assert_eq!(lines[iron + 2], "     new question; the closest: How do I sharpen a kitchen knife?");
    assert!(lines[iron + 3].contains("it lacks “cast”; no question contains "), "{output:?}");
    assert!(lines[iron + 4].starts_with("     faq.md:15 · Kitchen"), "{output:?}");
    assert!(!output.stdout.contains("France") && output.stderr.contains("1 in smaller groups"), "{output:?}");
    dir.write("answered.txt", "When should I prune roses?\n");
    dir.run(&["gaps", "answered.txt"]).success().says("0 without an answer");
}

#[test]
fn json_has_every_phrase_of_every_group() {
    let dir = asked();
    let reply = json(&dir, &["asked.txt", "--min-size", "1"]);
    assert_eq!(reply["answered"], json!({"phrases": 2, "asked": 2}));
    assert_eq!(reply["unanswered"], json!({"phrases": 6, "asked": 7}));
    assert_eq!(reply["unasked"], Value::Null);
    let all = groups(&reply);
    assert_eq!(all.len(), 3, "{reply:#}");
    assert_eq!(all[0], ("Which paint is best for a wooden fence?", 4, 3));
    let group = &reply["groups"][0];
    assert_eq!(group["examples"][0], json!({"text": "Which paint is best for a wooden fence?", "asked": 2}));
    assert_eq!(group["examples"].as_array().unwrap().len(), 3);
    assert_eq!(group["suggestion"], "new_question");
    assert!(reply["groups"][1]["nearest"]["reason"].as_str().unwrap().contains("“cast”"), "{reply:#}");
    // The id does not depend on other phrases.
    dir.write(
        "fewer.txt",
        "Which paint is best for a wooden fence?\nwhich paint is best for a wooden fence\n",
    );
    assert_eq!(json(&dir, &["fewer.txt"])["groups"][0]["id"], group["id"]);
    let short = json(&dir, &["asked.txt", "--limit", "1", "--examples", "2"]);
    assert_eq!((short["groups"].as_array().unwrap().len(), short["found"].as_u64()), (1, Some(2)));
    assert_eq!(short["groups"][0]["examples"].as_array().unwrap().len(), 2);
}

#[test]
fn the_same_phrases_are_read_from_every_kind_of_file() {
    let dir = asked();
    let expected = json(&dir, &["asked.txt"]);
    let lines = |line: &dyn Fn(&str) -> String| ASKED.lines().map(line).collect::<String>();
    dir.write("asked.jsonl", lines(&|phrase| format!("{}\n", json!({"when": 1, "query": phrase}))));
    dir.write("asked.csv", format!("when,query\n{}", lines(&|phrase| format!("1,\"{phrase}\"\n"))));
    dir.write("asked.tsv", format!("when\tasked\n{}", lines(&|phrase| format!("1\t{phrase}\n"))));
    for args in [
        &["asked.jsonl"][..],
        &["asked.csv"],
        &["asked.tsv", "--column", "asked"],
        &["asked.tsv", "--column", "2"],
    ] {
        assert_eq!(json(&dir, args), expected, "{args:?}");
    }
    let output = dir.run_with_input(&["gaps", "-", "--json"], ASKED).exits(1);
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), expected);
    // Two files are counted together.
    let both = json(&dir, &["asked.txt", "asked.csv"]);
    assert_eq!(groups(&both)[0], ("Which paint is best for a wooden fence?", 8, 3));
}

#[test]
fn broken_input_is_reported_with_file_and_line() {
    let dir = asked();
    dir.write("asked.jsonl", "{\"q\": \"how long should dough rise\"}\n{\"x\": 1}\n");
    dir.run(&["gaps", "asked.jsonl"]).exits(2).says("asked.jsonl:2: skipped: the object has none of \"q\"");
    dir.write("asked.csv", "when,what\n1,x\n");
    dir.run(&["gaps", "asked.csv"]).exits(2).says("asked.csv").says("\"when\", \"what\"").says("--column");
    dir.run(&["gaps", "nowhere.txt"]).exits(2).says("could not read nowhere.txt");
    dir.run(&["gaps", "."]).exits(2).says("could not read .: ");
    dir.write("empty.txt", "\n");
    dir.run(&["gaps", "empty.txt"]).exits(2).says("no phrases");
    dir.run(&["gaps"]).exits(2).says("FILE");
    dir.run(&["index", "--index", "words", "--keyword-only", "faq.md"]).success();
    dir.run(&["gaps", "--index", "words", "asked.txt"]).exits(2).says("rqsearch index --model builtin");
}

#[test]
fn csv_has_a_line_per_phrase() {
    let dir = asked();
    let table = dir.run(&["gaps", "asked.txt", "--csv"]).exits(1).stdout;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5, "{table}");
    assert_eq!(
        (&rows[0][1], &rows[0][2], &rows[0][3]),
        ("4", "Which paint is best for a wooden fence?", "2")
    );
    assert!(rows[0][0] == rows[2][0] && rows[0][0] != rows[3][0], "{table}");
}

#[test]
fn the_page_is_one_file_that_loads_nothing() {
    let dir = asked();
    let output = dir.run(&["gaps", "asked.txt", "--min-size", "1", "--html", "gaps.html"]).exits(1);
    assert!(output.stdout.is_empty() && output.stderr.contains("the page is in gaps.html"), "{output:?}");
    let page = std::fs::read_to_string(dir.path().join("gaps.html")).unwrap();
    for words in [
        "Which paint is best for a wooden fence?",
        "capital of France &lt;b&gt;",
        "New question",
        "default-src 'none'",
    ] {
        assert!(page.contains(words), "{words} is missing");
    }
    for loads in ["<script", "<link", "<img", "src=", "http://", "https://", "url("] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn questions_that_nobody_asked_are_listed() {
    let dir = asked();
    let output =
        dir.run(&["gaps", "--unasked", "asked.txt"]).exits(1).says("3 questions asked by none of 8 phrases");
    let titles: Vec<&str> = output.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    let expected = [
        "Why does my sourdough taste too sour?",
        "How do I sharpen a kitchen knife?",
        "Why are the leaves of my tomato plants yellow?",
    ];
    assert_eq!(titles, expected);
    let reply = json(&dir, &["--unasked", "asked.txt"]);
    let unasked = reply["unasked"].as_array().unwrap();
    assert!(unasked.len() == 3 && unasked[0]["title"] == expected[0], "{reply:#}");
    let table = dir.run(&["gaps", "--unasked", "--csv", "asked.txt"]).exits(1).stdout;
    assert!(table.starts_with("id,title,path,line\n") && table.lines().count() == 4, "{table}");
    let all = FAQ.lines().filter_map(|line| line.strip_prefix("## ")).collect::<Vec<_>>().join("\n");
    dir.write("all.txt", all);
    dir.run(&["gaps", "--unasked", "all.txt"]).success().says("0 questions");
}
