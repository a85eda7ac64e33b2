//! The JSON output, parsed with separate types that reject unknown keys.

use serde::Deserialize;
use serde_json::Value;

use crate::util::Dir;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    query: String,
    answered: bool,
    took_ms: f64,
    total: usize,
    next: Option<usize>,
    hits: Vec<Hit>,
    notice: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hit {
    rank: usize,
    id: String,
    key: Option<String>,
    title: String,
    distinction: Option<String>,
    source: Source,
    section: Option<String>,
    level: Option<String>,
    tags: Vec<String>,
    score: f32,
    confidence: Option<f32>,
    probability: Option<f32>,
    quality: Option<String>,
    pinned: bool,
    snippet: Snippet,
    url: Option<String>,
    date: Option<String>,
    also_asked: Vec<Again>,
    #[serde(default)]
    explanation: Option<Explanation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    id: String,
    title: String,
    source: Source,
    kind: String,
    probability: f32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    semantic_weight: f32,
    semantic: Option<Semantic>,
    keyword: Keyword,
    named: Option<f32>,
    neighbours: Option<f32>,
    neighbour_weight: f32,
    raised: Option<String>,
    exact: bool,
    near: bool,
    relevance: Option<f32>,
    synonyms: Vec<Synonym>,
    pin: Option<Pin>,
    confidence: Option<Confidence>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Synonym {
    written: String,
    expansions: Vec<String>,
    lines: Vec<u64>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Pin {
    line: u64,
    phrase: String,
    cosine: Option<f32>,
    ids: Vec<String>,
    hide: Vec<String>,
    unknown: Vec<String>,
    note: Option<String>,
    by: Option<String>,
    date: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Semantic {
    cosine: f32,
    centred_cosine: Option<f32>,
    normalized: Option<f32>,
    rank: Option<usize>,
    of: Option<usize>,
    nearest: Option<String>,
    also: Option<String>,
    passage: Option<[u32; 2]>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyword {
    bm25: f32,
    normalized: Option<f32>,
    rank: Option<usize>,
    of: Option<usize>,
    covered: f32,
    words: Vec<Word>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    word: String,
    idf: f32,
    title: usize,
    also: usize,
    answer: usize,
    synonyms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confidence {
    average: f32,
    reasons: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    feature: String,
    value: f32,
    effect: f32,
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
    kind: String,
    language: Option<String>,
    highlights: Vec<[usize; 2]>,
}

#[test]
fn the_score_depends_on_the_nearest_hits() {
    let dir = Dir::indexed();
    let output = dir.run(&["--json", "--explain", "--all", "when should bread dough rise"]).success();
    let reply: Reply = serde_json::from_str(&output.stdout).unwrap();
    assert!(reply.hits.len() > 2 && reply.hits.iter().all(|hit| hit.probability.is_none()), "{reply:?}");
    for hit in &reply.hits {
        let why = hit.explanation.as_ref().unwrap();
        let (semantic, keyword) = (why.semantic.as_ref().unwrap(), &why.keyword);
        let weight = why.semantic_weight;
        let fused = weight * semantic.normalized.unwrap() + (1.0 - weight) * keyword.normalized.unwrap();
        let sum = fused + why.neighbour_weight * why.neighbours.unwrap();
        assert!((sum / (1.0 + why.neighbour_weight) - hit.score).abs() < 1e-4, "{hit:?}");
    }
}

#[test]
fn an_explanation_adds_up_to_the_score_and_the_confidence() {
    let dir = Dir::indexed();
    let output = dir.run(&["--json", "--explain", "whetstone for blunt knives qqq"]).success();
    let reply: Reply = serde_json::from_str(&output.stdout).unwrap();
    let hit = &reply.hits[0];
    assert_eq!(hit.title, "How do I sharpen a kitchen knife?");
    let why = hit.explanation.as_ref().unwrap();
    let (semantic, keyword) = (why.semantic.as_ref().unwrap(), &why.keyword);
    let weight = why.semantic_weight;
    let fused = weight * semantic.normalized.unwrap() + (1.0 - weight) * keyword.normalized.unwrap();
    // Only this question is related to the phrase, so it has no neighbours.
    assert!(
        (fused - hit.score).abs() < 1e-4
            && why.neighbours.is_none()
            && why.raised.is_none()
            && !why.exact
            && !why.near
            && why.relevance.is_none()
            && why.named.is_none(),
        "{why:?}"
    );
    assert_eq!((keyword.rank, keyword.of, semantic.rank, semantic.of), (Some(1), Some(1), Some(1), Some(5)));
    assert!(keyword.bm25 > 0.0 && (0.0..1.0).contains(&keyword.covered), "{keyword:?}");
    let words: Vec<_> =
        keyword.words.iter().map(|word| (&*word.word, [word.title, word.also, word.answer])).collect();
    assert!(words.contains(&("whetstone", [0, 0, 1])) && words.contains(&("knives", [1, 0, 0])), "{words:?}");
    assert!(keyword.words.iter().any(|word| word.word == "qqq" && word.idf == 0.0), "{words:?}");
    // There are no synonyms and no pins.
    assert!(keyword.words.iter().all(|word| word.synonyms.is_empty()), "{words:?}");
    assert!(why.synonyms.is_empty() && why.pin.is_none() && !hit.pinned, "{why:?}");
    assert!(semantic.cosine > 0.3 && semantic.centred_cosine.unwrap() > semantic.cosine, "{semantic:?}");
    assert!(
        semantic.also.is_none() && semantic.nearest.as_deref() == Some("title") || semantic.passage.is_some()
    );
    // The effects of the features add up to the confidence.
    let confidence = why.confidence.as_ref().unwrap();
    let odds = |p: f32| (p / (1.0 - p)).ln();
    let moved: f32 = confidence.reasons.iter().map(|reason| reason.effect).sum();
    assert!(
        (odds(hit.confidence.unwrap()) - odds(confidence.average) - moved).abs() < 0.01,
        "{confidence:?}"
    );
    assert!(
        confidence.reasons.iter().any(|reason| reason.feature == "cosine" && reason.value == semantic.cosine)
    );
    // Text output is a tree with the same information.
    let tree = dir.run(&["--explain", "-n", "1", "whetstone for blunt knives qqq"]).success().stdout;
    for words in ["× 1.00 semantic", "whetstone (idf", "missing: ", "qqq", "(an average hit has"] {
        assert!(tree.contains(words), "{words:?} is missing: {tree}");
    }
    let exact = dir.run(&["--explain", "-n", "1", "How do I sharpen a kitchen knife?"]).success().stdout;
    assert!(exact.contains("the phrase is its title"), "{exact}");
    let near = dir.run(&["--explain", "-n", "1", "how do i shapren kitchen knife"]).success().stdout;
    assert!(near.contains("the phrase is nearly its title"), "{near}");
    let quoted = dir.run(&["--explain", "-n", "1", "a \"kitchen knife\" tool"]).success().stdout;
    assert!(quoted.contains("\"kitchen knife\" (idf") && quoted.contains("exact terms"), "{quoted}");
    let words = dir.run(&["--explain", "-n", "1", "--mode", "keyword", "whetstone"]).success().stdout;
    assert!(words.contains("by one retriever only") && !words.contains("semantic:"), "{words}");
}

#[test]
fn duplicates_are_listed_with_the_best_hit() {
    let dir = Dir::indexed();
    dir.write("more.jsonl", "{\"question\": \"how long should bread DOUGH rise\"}\n");
    dir.run(&["index", "more.jsonl"]).success();
    let output = dir.run(&["--json", "-n", "1", "how long must dough rise"]).success();
    let reply: Reply = serde_json::from_str(&output.stdout).unwrap();
    let [again] = reply.hits[0].also_asked.as_slice() else { panic!("{reply:?}") };
    let titles = [&reply.hits[0].title, &again.title];
    assert!(titles[0] != titles[1] && again.id != reply.hits[0].id, "{reply:?}");
    assert_ne!(again.source, reply.hits[0].source);
    assert_eq!((again.kind.as_str(), again.probability), ("repeat", 1.0));
    assert_eq!(reply.hits[0].distinction, None);
}

#[test]
fn stats_describe_the_index() {
    let dir = Dir::indexed();
    let stats: Value = serde_json::from_str(&dir.run(&["stats", "--json"]).success().stdout).unwrap();
    assert_eq!((&stats["questions"], &stats["answered"], &stats["files"]), (&5.into(), &5.into(), &1.into()));
    assert_eq!(
        (&stats["vectors"], &stats["segments"]),
        (&10.into(), &1.into()),
        "a title and an answer each"
    );
    assert_eq!((&stats["sections"]["Garden"], &stats["levels"]["advanced"]), (&2.into(), &2.into()));
    assert_eq!(stats["model"]["dimensions"], 384);
    assert!(stats["bytes"].as_u64().unwrap() > 5_000);
    let people = dir.run(&["stats"]).success().stdout;
    for words in
        ["questions  5, 5 answered", "files      1 in faq.md", "10 vectors", "0.75 semantic, 0.25 keyword"]
    {
        assert!(people.contains(words), "{words:?} is missing: {people}");
    }
}

#[test]
fn a_reply_has_every_key_and_no_other() {
    let dir = Dir::indexed();
    let output = dir.run(&["--json", "yellow tomato leaves"]).success();
    let reply: Reply = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(reply.query, "yellow tomato leaves");
    assert!(reply.answered && reply.hits.iter().all(|hit| hit.explanation.is_none()));
    assert!(reply.took_ms >= 0.0);
    assert_eq!((reply.notice, reply.next), (None, None));
    assert!(reply.total >= reply.hits.len());
    let ranks: Vec<usize> = reply.hits.iter().map(|hit| hit.rank).collect();
    assert_eq!(ranks, (1..=reply.hits.len()).collect::<Vec<_>>());
    assert!(reply.hits.is_sorted_by(|a, b| a.score >= b.score));
    let hit = &reply.hits[0];
    assert_eq!(hit.title, "Why are the leaves of my tomato plants yellow?");
    assert_eq!(hit.source, Source { path: "faq.md".into(), line: 23 });
    assert_eq!((hit.section.as_deref(), hit.level.as_deref()), (Some("Garden"), Some("beginner")));
    assert_eq!(hit.tags, ["tomato"]);
    assert_eq!(
        (&hit.key, &hit.url, &hit.date, hit.confidence.is_some_and(|c| !(0.0..=1.0).contains(&c))),
        (&None, &None, &None, false)
    );
    for hit in &reply.hits {
        let quality = hit.quality.as_deref().unwrap();
        assert!(["strong", "likely", "weak"].contains(&quality), "{hit:?}");
        assert_eq!(quality == "strong", hit.confidence.unwrap() >= 0.75, "{hit:?}");
        assert_eq!((hit.snippet.kind.as_str(), &hit.snippet.language), ("text", &None), "{hit:?}");
    }
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
    let Snippet { text, highlights, .. } = &reply.hits[0].snippet;
    assert_eq!(&text[highlights[0][0]..highlights[0][1]], "needle");
}

#[test]
fn no_hits_is_an_empty_list_and_status_1() {
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
fn a_batch_line_of_json_without_text_is_an_error_with_its_id() {
    let dir = Dir::indexed();
    let input =
        b"{\"_id\": 1, \"txt\": \"dull knife\"}\n\xff\xfe\n{\"_id\": [2], \"text\": \" \"}\nsour bread\n";
    for args in [&["--batch", "-"][..], &["dups", "--check", "-"]] {
        let output = dir.run_with_bytes(args, input).exits(2);
        let lines: Vec<Value> =
            output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 4, "{output:?}");
        assert_eq!((&lines[0]["_id"], &lines[2]["_id"]), (&1.into(), &serde_json::json!([2])));
        for line in &lines[..3] {
            let error = line["error"].as_str().unwrap();
            assert!(!error.contains('\n') && !error.contains("hint"), "{error}");
        }
        assert!(lines[3].get("error").is_none());
    }
}

#[test]
fn a_batch_answers_each_line_before_the_next() {
    use std::io::{BufRead, BufReader, Write};

    let dir = Dir::indexed();
    for args in [&["-n", "1", "--batch", "-"][..], &["dups", "--check", "-"]] {
        let piped = std::process::Stdio::piped;
        let mut child = dir.command(args).stdin(piped()).stdout(piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        for phrase in ["sour bread", "dull knife", "sour bread"] {
            writeln!(input, "{phrase}").unwrap();
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let reply: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(reply["query"], phrase);
        }
        drop(input);
        assert!(matches!(child.wait().unwrap().code(), Some(0 | 1)));
    }
}

#[test]
fn a_batch_gives_the_same_results_as_single_searches() {
    let dir = Dir::indexed();
    let phrases: Vec<String> =
        (0..100).map(|nth| format!("how long should bread dough number {nth} rise")).collect();
    let output = dir.run_with_input(&["--batch", "-"], &phrases.join("\n")).success();
    assert_eq!(output.stdout.lines().count(), phrases.len());
    for (line, phrase) in output.stdout.lines().zip(&phrases) {
        let reply: Value = serde_json::from_str(line).unwrap();
        assert_eq!(reply["query"], *phrase);
    }
    let single: Value = serde_json::from_str(&dir.run(&["--json", &phrases[3]]).stdout).unwrap();
    let batched: Value = serde_json::from_str(output.stdout.lines().nth(3).unwrap()).unwrap();
    assert_eq!(single["hits"], batched["hits"]);
}

#[test]
fn export_and_show_write_the_full_question() {
    let dir = Dir::new();
    dir.write(
        "a.jsonl",
        r#"{"id": "k1", "question": "Why?", "answer": "Because.", "category": "Deep", "difficulty": "Hard", "tags": ["x", "y"], "url": "https://example.org/1", "created": "2024-03-01 10:20", "score": 3, "color": "red"}"#,
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
            "url": "https://example.org/1", "date": "2024-03-01T10:20:00Z", "score": 3.0, "fields": {"color": "red"}
        })
    );
    dir.run(&["show", &id[..5]]).success();
    dir.run(&["show", "nothing"]).exits(2).says("no question has the id");
}

#[test]
fn related_questions_are_not_the_question_or_its_duplicates() {
    let dir = Dir::new();
    dir.write(
        "roses.md",
        "# Roses\n\n## When should I prune roses?\n\nIn spring.\n\n## When should roses be pruned?\n\nIn spring.\n\n\
         ## How often do roses need water?\n\nTwice a week.\n\n## Which fertilizer do roses need?\n\nOne with potash.\n",
    );
    dir.write(
        "cars.md",
        "# Cars\n\n## How do I change the oil of a car?\n\nDrain it.\n\n## Which tyres fit?\n\nRound ones.\n",
    );
    dir.run(&["index", "roses.md", "cars.md"]).success();
    let exported = dir.run(&["export", "--related", "3"]).success().stdout;
    let exported: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let titles = |related: &Value| -> Vec<String> {
        let related = related["related"].as_array().unwrap();
        related.iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    };
    let roses = exported.iter().find(|question| question["title"] == "When should I prune roses?").unwrap();
    let mut found = titles(roses);
    let id = roses["id"].as_str().unwrap();
    let shown = dir.run(&["related", id]).success().stdout;
    assert!(shown.starts_with(&format!(" 1 {}\n   roses.md:", found[0])), "{shown}");
    let reply: Value =
        serde_json::from_str(&dir.run(&["related", id, "-n", "3", "--json"]).success().stdout).unwrap();
    assert_eq!(reply["related"], roses["related"]);
    assert!(reply["related"][0]["similarity"].as_f64().unwrap() > 0.2, "{reply}");
    found.sort();
    assert_eq!(found, ["How often do roses need water?", "Which fertilizer do roses need?"]);
    assert!(dir.export().iter().all(|question| question.get("related").is_none()));

    dir.run(&["related", "nothing"]).exits(2).says("no question has the id");
    dir.write("one.md", "## Why wax a rope?\n\nIt lasts.\n");
    dir.run(&["index", "--index", "one", "one.md"]).success();
    let only = dir.run(&["export", "--index", "one"]).success().stdout;
    let only: Value = serde_json::from_str(&only).unwrap();
    dir.run(&["related", "--index", "one", only["id"].as_str().unwrap()]).exits(1);
}
