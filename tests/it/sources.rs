//! What is read, and how: formats and keys that the user names.

use crate::util::Dir;

const PROMPTS: &str = r#"{"prompt_text":"Why wax a rope?","reply":{"best":"It lasts longer."},"topic":"Ropes"}
{"prompt_text":"Is tar hard to remove?","reply":{"best":"Not with warm oil."},"topic":"Tar"}
"#;

const MAP: &str = "question=prompt_text,answer=reply.best";

fn titles(dir: &Dir) -> Vec<String> {
    dir.export().iter().map(|question| question["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_index_remembers_the_keys_of_each_path() {
    let dir = Dir::new();
    dir.write("data/a.jsonl", PROMPTS);
    dir.write("other.jsonl", r#"{"question":"Who ties knots?","answer":"Sailors."}"#);
    dir.run(&["index", "--keyword-only", "other.jsonl"]).success();
    dir.run(&["index", "--keyword-only", "data", "--map", MAP, "--map", "section=topic"]).success();
    let expected = ["Why wax a rope?", "Is tar hard to remove?", "Who ties knots?"];
    assert_eq!(titles(&dir), expected);
    assert_eq!(dir.export()[0]["answer"], "It lasts longer.");
    assert_eq!(dir.export()[0]["section"], "Ropes");
    // An update without arguments and one that names the path use the same keys.
    dir.run(&["index"]).success().says("2 files unchanged");
    dir.write("data/a.jsonl", PROMPTS.replace("warm", "hot"));
    dir.run(&["index", "data"]).success().says("2 questions  data/a.jsonl  (1 new, 0 removed)");
    let stats = dir.run(&["stats"]).success().stdout;
    assert!(stats.contains(&format!("data: map {MAP},section=topic")), "{stats}");
    let stats: serde_json::Value =
        serde_json::from_str(&dir.run(&["stats", "--json"]).success().stdout).unwrap();
    assert_eq!(stats["reading"]["data"]["map"][0], "question=prompt_text");
    assert!(stats["reading"]["data"]["format"].is_null());
    // Another mapping reads the files of this path again, and no others.
    dir.run(&["index", "data", "--map", "question=prompt_text,answer=topic"]).success();
    assert_eq!(dir.export()[0]["answer"], "Ropes");
    dir.run(&["index"]).success().says("2 files unchanged");
    // Without the mapping, the records have no questions.
    dir.run(&["index", "data", "--map", "none"]).exits(2).says("data/a.jsonl:1: no question");
    assert_eq!(titles(&dir), ["Who ties knots?"]);
}

#[test]
fn a_named_format_overrides_detection() {
    let dir = Dir::new();
    dir.write("export.dat", format!("{PROMPTS}\n"));
    dir.write("list.txt", "Why wax,It lasts.\nIs tar hard,No.\n");
    dir.run(&["index", "--keyword-only", "export.dat", "--format", "jsonl", "--map", MAP]).success();
    dir.run(&["index", "list.txt", "--format", "csv", "--map", "question=1,answer=2"]).success();
    assert_eq!(titles(&dir), ["Why wax a rope?", "Is tar hard to remove?", "Why wax", "Is tar hard"]);
    dir.run(&["index"]).success().says("2 files unchanged");
    let stats = dir.run(&["stats"]).success().stdout;
    assert!(stats.contains("list.txt: format csv, map question=1,answer=2"), "{stats}");
    dir.run(&["index", "list.txt", "--format", "auto", "--map", "none"]).exits(2);
    let stats = dir.run(&["stats"]).success().stdout;
    assert!(!stats.contains("list.txt: "), "{stats}");
}

#[test]
fn mistakes_in_formats_and_keys_are_explained() {
    let dir = Dir::new();
    dir.write("a.jsonl", PROMPTS);
    dir.write("a.md", "# F\n\n## Why wax?\n\nIt lasts.\n");
    for (args, words) in [
        (["a.jsonl", "--map", "prompt_text"], "expected PART=KEY, such as question=prompt"),
        (["a.jsonl", "--map", "title=prompt_text"], "unknown part `title`; the parts are question, answer"),
        (["a.jsonl", "--map", "question="], "expected a key after `question=`"),
        (["a.jsonl", "--map", "none,question=x"], "cannot be combined"),
        (["a.jsonl", "--format", "xlsm"], "possible values: auto, markdown, page, html, csv"),
        (
            ["a.jsonl", "--map", "question=prompt_text,tags=labels"],
            "no record has the key `labels` (--map tags=labels); the keys are prompt_text, reply, topic",
        ),
        (
            ["a.md", "--map", "question=prompt_text"],
            "--map applies to records, but the file was read as Markdown",
        ),
    ] {
        dir.run(&[&["index", "--keyword-only"], &args[..]].concat()).exits(2).says(words);
    }
    dir.run(&["index", "--map", "question=x"]).exits(2).says("<PATH>");
}
