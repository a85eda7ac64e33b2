//! The JSON contract, read by types of its own that accept nothing else.

use serde::Deserialize;
use serde_json::Value;

use crate::util::Dir;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    query: String,
    took_ms: f64,
    hits: Vec<Hit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hit {
    rank: usize,
    id: String,
    key: Option<String>,
    title: String,
    source: Source,
    section: Option<String>,
    level: Option<String>,
    tags: Vec<String>,
    score: f32,
    confidence: Option<f32>,
    snippet: Snippet,
    url: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Source {
    path: String,
    line: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snippet {
    text: String,
    highlights: Vec<[usize; 2]>,
}

#[test]
fn a_reply_has_every_key_and_no_other() {
    let dir = Dir::indexed();
    let output = dir.run(&["--json", "yellow tomato leaves"]).success();
    let reply: Reply = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(reply.query, "yellow tomato leaves");
    assert!(reply.took_ms >= 0.0);
    let ranks: Vec<usize> = reply.hits.iter().map(|hit| hit.rank).collect();
    assert_eq!(ranks, (1..=reply.hits.len()).collect::<Vec<_>>());
    assert!(reply.hits.is_sorted_by(|a, b| a.score >= b.score));
    let hit = &reply.hits[0];
    assert_eq!(hit.title, "Why are the leaves of my tomato plants yellow?");
    assert_eq!(hit.source, Source { path: "faq.md".into(), line: 23 });
    assert_eq!((hit.section.as_deref(), hit.level.as_deref()), (Some("Garden"), Some("beginner")));
    assert_eq!(hit.tags, ["tomato"]);
    assert_eq!(
        (&hit.key, &hit.url, hit.confidence.is_some_and(|c| !(0.0..=1.0).contains(&c))),
        (&None, &None, false)
    );
    assert_eq!(hit.id.len(), 12);
    let marked: Vec<&str> =
        hit.snippet.highlights.iter().map(|[start, end]| &hit.snippet.text[*start..*end]).collect();
    assert!(marked.contains(&"leaves") && marked.contains(&"yellow"), "{hit:?}");
}

#[test]
fn highlights_are_utf8_byte_offsets() {
    let dir = Dir::new();
    dir.write("a.jsonl", "{\"q\": \"Ça?\", \"a\": \"Ünïcödé 🦀 before the needle.\"}\n");
    dir.run(&["index", "a.jsonl"]).success();
    let reply: Reply = serde_json::from_str(&dir.run(&["--json", "needle"]).stdout).unwrap();
    let Snippet { text, highlights } = &reply.hits[0].snippet;
    assert_eq!(&text[highlights[0][0]..highlights[0][1]], "needle");
}

#[test]
fn nothing_found_is_an_empty_list_and_status_1() {
    let dir = Dir::indexed();
    let output = dir.run(&["--json", "--mode", "keyword", "xylophone"]).exits(1);
    let reply: Reply = serde_json::from_str(&output.stdout).unwrap();
    assert!(reply.hits.is_empty());
}

#[test]
fn a_batch_echoes_ids_and_survives_bad_lines() {
    let dir = Dir::indexed();
    let input = "sour bread\n\n{\"_id\": \"q7\", \"text\": \"dull knife\"}\n{\"text\": broken\n{\"_id\": \"e\", \"text\": \"\"}\n";
    let output = dir.run_with_input(&["-n", "1", "--batch", "-"], input).exits(2);
    let lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "{output:?}");
    assert_eq!(
        (&lines[0]["_id"], &lines[0]["hits"][0]["title"]),
        (&Value::Null, &"Why does my sourdough taste too sour?".into())
    );
    assert_eq!(
        (&lines[1]["_id"], &lines[1]["hits"][0]["title"]),
        (&"q7".into(), &"How do I sharpen a kitchen knife?".into())
    );
    assert!(lines[2]["error"].is_string() && lines[3]["error"].is_string());
    assert_eq!(lines[3]["_id"], "e");
}

#[test]
fn a_batch_answers_as_single_searches_do() {
    let dir = Dir::indexed();
    let phrases: Vec<String> = (0..100).map(|nth| format!("bread number {nth}")).collect();
    let output = dir.run_with_input(&["--batch", "-"], &phrases.join("\n")).success();
    for (line, phrase) in output.stdout.lines().zip(&phrases) {
        let reply: Value = serde_json::from_str(line).unwrap();
        assert_eq!(reply["query"], *phrase);
    }
    let single: Value = serde_json::from_str(&dir.run(&["--json", &phrases[3]]).stdout).unwrap();
    let batched: Value = serde_json::from_str(output.stdout.lines().nth(3).unwrap()).unwrap();
    assert_eq!(single["hits"], batched["hits"]);
}

#[test]
fn export_and_show_give_the_whole_question() {
    let dir = Dir::new();
    dir.write(
        "a.jsonl",
        r#"{"id": "k1", "question": "Why?", "answer": "Because.", "category": "Deep", "difficulty": "Hard", "tags": ["x", "y"], "url": "https://example.org/1", "score": 3, "color": "red"}"#,
    );
    dir.run(&["index", "a.jsonl"]).success();
    let exported = dir.export();
    let shown: Value = serde_json::from_str(&dir.run(&["show", "k1", "--json"]).success().stdout).unwrap();
    assert_eq!(exported, std::slice::from_ref(&shown));
    let id = shown["id"].as_str().unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "id": id, "key": "k1", "title": "Why?", "also": [], "answer": "Because.",
            "source": {"path": "a.jsonl", "line": 1}, "section": "Deep", "level": "Hard", "tags": ["x", "y"],
            "url": "https://example.org/1", "score": 3.0, "fields": {"color": "red"}
        })
    );
    dir.run(&["show", &id[..5]]).success();
    dir.run(&["show", "nothing"]).exits(2).says("no question has the id");
}
