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
    assert!(
        lines[iron + 2].ends_with(": new question; the closest: How do I sharpen a kitchen knife?"),
        "{output:?}"
    );
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
        "Group <code>",
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

/// Phrases that nothing answers. The first is near to the question about sourdough, and the last to none.
const ACCEPTABLE: &str = "bread acidic flavor
bread acidic flavor
cutting back my flowering shrubs
cutting back my flowering shrubs
my blade is blunt
my blade is blunt
Which paint is best for a wooden fence?
best paint for wooden fences
";

const SOUR: &str = "Why does my sourdough taste too sour?";

fn acceptable() -> Dir {
    let dir = Dir::indexed();
    dir.write("asked.txt", ACCEPTABLE);
    dir
}

/// The id of the group with this representative.
fn group(dir: &Dir, representative: &str) -> String {
    let reply = json(dir, &["asked.txt"]);
    let mut groups = reply["groups"].as_array().unwrap().iter();
    let group = groups.find(|group| group["representative"] == representative);
    group.unwrap_or_else(|| panic!("{reply:#}"))["id"].as_str().unwrap().to_owned()
}

fn is_gap(dir: &Dir, phrase: &str) -> bool {
    groups(&json(dir, &["asked.txt", "--min-size", "1"])).iter().any(|(other, ..)| *other == phrase)
}

/// The first hit for a phrase, if it is an answer.
fn answer(dir: &Dir, phrase: &str) -> Option<String> {
    let reply: Value = serde_json::from_str(&dir.run(&["--json", phrase]).stdout).unwrap();
    reply["answered"].as_bool().unwrap().then(|| reply["hits"][0]["title"].as_str().unwrap().to_owned())
}

#[test]
fn an_accepted_phrase_finds_its_question_until_the_file_is_gone() {
    let (dir, phrase) = (acceptable(), "bread acidic flavor");
    let id = group(&dir, phrase);
    let listed = dir.run(&["gaps", "asked.txt"]).exits(1).stdout;
    assert!(listed.contains(&format!("     {id}: another way to ask: {SOUR}\n")), "{listed}");
    assert_eq!(answer(&dir, phrase), None);
    let output = dir.run(&["gaps", "asked.txt", "--accept", &id]).success();
    assert_eq!(output.stdout, format!("{SOUR}\n  {phrase}\n"));
    assert!(
        output.stderr.contains("1 phrase added to phrasings.jsonl; next: rqsearch index phrasings.jsonl")
    );
    let accepted = || std::fs::read_to_string(dir.path().join("phrasings.jsonl")).unwrap();
    let once = accepted();
    // Twice is the same as once, before and after the index has it.
    dir.run(&["gaps", "asked.txt", "--accept", &id[..4]]).success().says("0 phrases added");
    dir.run(&["index", "phrasings.jsonl"]).success().says("1 phrasing ");
    dir.run(&["gaps", "asked.txt", "--accept", &id]).exits(2).says("is accepted and answered");
    assert_eq!(accepted(), once);
    assert_eq!(answer(&dir, phrase).as_deref(), Some(SOUR));
    assert!(!is_gap(&dir, phrase));
    // The file of the question is read again, or has another name.
    dir.write("faq.md", FAQ.replace("Use more starter", "Use much more starter"));
    dir.run(&["index"]).success();
    assert_eq!(answer(&dir, phrase).as_deref(), Some(SOUR));
    std::fs::rename(dir.path().join("faq.md"), dir.path().join("questions.md")).unwrap();
    dir.run(&["index", "questions.md", "faq.md"]).success();
    assert_eq!(answer(&dir, phrase).as_deref(), Some(SOUR));
    // The next group goes to the same file, which the index knows.
    let shrubs = group(&dir, "cutting back my flowering shrubs");
    dir.run(&["gaps", "asked.txt", "--accept", &shrubs]).success().says("next: rqsearch index\n");
    dir.run(&["index"]).success();
    std::fs::remove_file(dir.path().join("phrasings.jsonl")).unwrap();
    dir.run(&["index"]).success();
    assert!(answer(&dir, phrase).is_none() && is_gap(&dir, phrase));
    assert!(dir.export().iter().all(|question| question["also"] == json!([])));
}

#[test]
fn what_cannot_be_accepted_is_refused_with_the_reason() {
    let dir = acceptable();
    let [sour, blade, paint] = ["bread acidic flavor", "my blade is blunt", "best paint for wooden fences"]
        .map(|phrase| group(&dir, phrase));
    let knife =
        dir.export().into_iter().find(|question| question["title"].as_str().unwrap().contains("knife"));
    let knife = knife.unwrap()["id"].as_str().unwrap().to_owned();
    let accept = |ids: &[&str]| {
        let accept = ids.iter().flat_map(|id| ["--accept", *id]);
        dir.run(&["gaps", "asked.txt"].into_iter().chain(accept).collect::<Vec<_>>())
    };
    // Nothing is written if one is refused.
    accept(&[&sour, &paint]).exits(2).says("needs a new question").says("write a question with an answer");
    accept(&[&sour, &blade]).exits(2).says(&format!("--accept {blade}={knife}"));
    accept(&[&sour, "beef"]).exits(2).says("no group has the id beef").says("rqsearch gaps FILE");
    accept(&[&format!("{sour}=beef")]).exits(2).says("no question has the id \"beef\"");
    accept(&["be"]).exits(2).says("4 or more digits");
    dir.run(&["gaps", "asked.txt", "--accept", &sour, "--phrasings", "more.jsonl"])
        .exits(2)
        .says(".phrasings.jsonl");
    dir.run(&["gaps", "asked.txt", "--builtin", "--accept", &paint]).exits(2).says("built-in");
    assert!(!dir.path().join("phrasings.jsonl").exists());
    // The user knows better, and names another file.
    let named = format!("{blade}={}", &knife[..4]);
    dir.run(&["gaps", "asked.txt", "--accept", &named, "--phrasings", "my.phrasings.jsonl"]).success();
    dir.run(&["index", "my.phrasings.jsonl"]).success();
    assert!(answer(&dir, "my blade is blunt").unwrap().contains("knife"));
}

#[test]
fn a_phrasing_of_no_question_is_reported_until_there_is_one() {
    let dir = Dir::indexed();
    let record = json!({"phrase": "rust on iron", "id": "000000000000", "title": "How do I clean a pan?"});
    dir.write("phrasings.jsonl", format!("{record}\n{{\"phrase\": \"iron\"}}\n"));
    let says = "phrasings.jsonl:1: no question has the id 000000000000 or the title “How do I clean a pan?”";
    dir.run(&["index", "phrasings.jsonl"])
        .exits(2)
        .says(says)
        .says("phrasings.jsonl:2: it needs \"id\" or \"title\"");
    dir.run(&["index"]).exits(2).says(says);
    let preview = dir.run(&["index", "--dry-run", "phrasings.jsonl"]).exits(2).stdout;
    assert!(preview.contains("phrasings: no questions") && preview.contains("Line 2: it needs"), "{preview}");
    dir.write("phrasings.jsonl", format!("{record}\n"));
    dir.write("pans.md", "## How do I clean a pan?\n\nWith salt.\n");
    dir.run(&["index", "pans.md", "phrasings.jsonl"]).success();
    assert_eq!(answer(&dir, "rust on iron").as_deref(), Some("How do I clean a pan?"));
    dir.run(&["check"]).success();
    std::fs::remove_file(dir.path().join("pans.md")).unwrap();
    dir.run(&["index"]).exits(2).says(says);
}

#[test]
fn each_of_several_indexes_gets_its_own_phrasings() {
    let dir = Dir::new();
    let (kitchen, garden) = FAQ.split_once("# Garden").unwrap();
    dir.write("kitchen/faq.md", kitchen);
    dir.write("garden/faq.md", format!("# Garden{garden}"));
    for name in ["kitchen", "garden"] {
        dir.run(&["index", "--index", &format!("{name}.index"), name]).success();
    }
    dir.write("asked.txt", ACCEPTABLE);
    let several = ["--index", "kitchen.index", "--index", "garden.index"];
    let reply = json(&dir, &[&["asked.txt"], &several[..]].concat());
    let id = |representative: &str| {
        let groups = reply["groups"].as_array().unwrap();
        let group = groups.iter().find(|group| group["representative"] == representative).unwrap();
        group["id"].as_str().unwrap().to_owned()
    };
    let (sour, shrubs) = (id("bread acidic flavor"), id("cutting back my flowering shrubs"));
    let args = [&["gaps", "asked.txt", "--accept", &sour, "--accept", &shrubs], &several[..]].concat();
    dir.run(&[&args[..], &["--phrasings", "phrasings.jsonl"]].concat()).exits(2).says("several indexes");
    dir.run(&args)
        .success()
        .says("rqsearch index --index kitchen.index")
        .says("rqsearch index --index garden.index");
    for (name, title) in [("kitchen", SOUR), ("garden", "When should I prune roses?")] {
        let text = std::fs::read_to_string(dir.path().join(name).join("phrasings.jsonl")).unwrap();
        assert!(text.lines().count() == 1 && text.contains(title), "{text}");
        dir.run(&["index", "--index", &format!("{name}.index")]).success();
    }
    let reply = json(&dir, &[&["asked.txt"], &several[..]].concat());
    let left: Vec<&str> = groups(&reply).iter().map(|(phrase, ..)| *phrase).collect();
    assert!(
        !left.contains(&"bread acidic flavor") && !left.contains(&"cutting back my flowering shrubs"),
        "{left:?}"
    );
}
