//! Search: phrases find their questions.

use crate::util::Dir;

const RISE: &str = "How long should bread dough rise?";
const SOUR: &str = "Why does my sourdough taste too sour?";
const KNIFE: &str = "How do I sharpen a kitchen knife?";
const TOMATO: &str = "Why are the leaves of my tomato plants yellow?";
const ROSES: &str = "When should I prune roses?";

#[test]
fn reworded_phrases_find_the_question() {
    let dir = Dir::indexed();
    for (phrase, title) in [
        ("loaf proofing time", RISE),
        ("my blade is dull", KNIFE),
        ("cutting back flowering shrubs", ROSES),
        ("plants lack nutrients", TOMATO),
    ] {
        assert_eq!(dir.titles(&[phrase])[0], title, "{phrase}");
    }
}

#[test]
fn words_of_the_answer_find_the_question() {
    let dir = Dir::indexed();
    assert_eq!(dir.titles(&["forsythia"])[0], ROSES);
    assert_eq!(dir.titles(&["--mode", "keyword", "whetstone"]), [KNIFE]);
}

#[test]
fn an_exact_title_is_always_first() {
    let dir = Dir::new();
    dir.write("a.jsonl", "{\"q\": \"What is a lock?\", \"a\": \"A door.\"}\n{\"q\": \"lock\", \"a\": \"See what is a lock, what is a lock.\"}\n");
    dir.run(&["index", "a.jsonl"]).success();
    assert_eq!(dir.titles(&["what is a LOCK"])[0], "What is a lock?");
    assert_eq!(dir.titles(&["lock"])[0], "lock");
}

#[test]
fn typos_are_corrected() {
    let dir = Dir::indexed();
    assert_eq!(dir.titles(&["--mode", "keyword", "whetsone"]), [KNIFE]);
    assert_eq!(dir.titles(&["--mode", "keyword", "tomatoe"]), [TOMATO]);
}

#[test]
fn quotes_require_and_dashes_exclude_in_both_retrievers() {
    let dir = Dir::indexed();
    assert_eq!(dir.titles(&["\"doubled in size\""]), [RISE]);
    assert_eq!(dir.titles(&["--mode", "semantic", "\"doubled in size\" bread"]), [RISE]);
    let without = dir.titles(&["bread -sourdough"]);
    assert!(without.contains(&RISE.to_owned()) && !without.contains(&SOUR.to_owned()), "{without:?}");
    dir.run(&["\"size in doubled\""]).exits(1).says("no question matches");
}

#[test]
fn filters_apply_before_ranking_in_both_retrievers() {
    let dir = Dir::indexed();
    dir.write("other.md", "# More\n\n## How long does rice take?\n\nTwelve minutes.\n");
    dir.run(&["index", "other.md"]).success();
    for mode in ["hybrid", "keyword", "semantic"] {
        let only = |filter: &[&str]| {
            dir.titles(&[&["--mode", mode, "-n", "1", "bread dough leaves"], filter].concat())
        };
        assert_eq!(only(&["--section", "garden"]), [TOMATO], "{mode}");
        assert_eq!(
            only(&["--level", "ADVANCED", "--tag", "sourdough"]).len(),
            usize::from(mode != "keyword")
        );
        assert_eq!(only(&["--tag", "tomato", "--tag", "roses"]), [TOMATO], "{mode}");
        assert_eq!(only(&["--tag", "nowhere"]), [""; 0], "{mode}");
    }
    assert_eq!(dir.titles(&["--source", "OTHER", "bread"]), ["How long does rice take?"]);
}

#[test]
fn equal_questions_are_ordered_by_source_and_line() {
    let dir = Dir::new();
    let lines = "{\"q\": \"Same thing?\"}\n".repeat(5);
    for name in ["c.jsonl", "a.jsonl", "b.jsonl"] {
        dir.write(name, &lines);
    }
    dir.run(&["index", "."]).success();
    let locations = |args: &[&str]| -> Vec<(String, u64)> {
        let reply: serde_json::Value = serde_json::from_str(&dir.run(args).stdout).unwrap();
        let location = |hit: &serde_json::Value| {
            let source = &hit["source"];
            (source["path"].as_str().unwrap().to_owned(), source["line"].as_u64().unwrap())
        };
        reply["hits"].as_array().unwrap().iter().map(location).collect()
    };
    let all = locations(&["--json", "--all", "-n", "15", "same thing"]);
    assert_eq!(all.len(), 15);
    assert!(all.is_sorted());
    assert_eq!(locations(&["--json", "--all", "-n", "7", "same thing"]), all[..7]);
    // Collapsed, only the first of them is a hit.
    assert_eq!(locations(&["--json", "same thing"]), all[..1]);
}

#[test]
fn rust_code_is_found_as_a_whole_and_by_its_parts() {
    let dir = Dir::new();
    dir.write(
        "rust.md",
        "# Rust\n\n## What does Arc<Mutex<T>> give me?\n\nShared state.\n\n## When is tokio::spawn_blocking right?\n\nFor slow calls.\n\n## What is E0502?\n\nA borrow error.\n\n## What does 'static mean?\n\nA lifetime.\n\n## Why #[repr(C)]?\n\nLayout.\n\n## How does the `?` operator work?\n\nIt returns early.\n\n## When do I take &str?\n\nNearly always.\n\n## What is MutexGuard for?\n\nUnlocking.\n",
    );
    dir.run(&["index", "rust.md"]).success();
    for (phrase, title) in [
        ("Arc<Mutex<T>>", "What does Arc<Mutex<T>> give me?"),
        ("spawn_blocking", "When is tokio::spawn_blocking right?"),
        ("blocking", "When is tokio::spawn_blocking right?"),
        ("e0502", "What is E0502?"),
        ("'static", "What does 'static mean?"),
        ("#[repr(C)]", "Why #[repr(C)]?"),
        ("?", "How does the `?` operator work?"),
        ("&str", "When do I take &str?"),
        ("guard", "What is MutexGuard for?"),
    ] {
        assert_eq!(dir.titles(&["--mode", "keyword", phrase])[0], title, "{phrase}");
        assert_eq!(dir.titles(&[phrase])[0], title, "{phrase}");
    }
}

#[test]
fn unusual_phrases_do_not_fail() {
    let dir = Dir::indexed();
    let long = "bread ".repeat(16_000);
    for phrase in [
        "🍞",
        "fn main() { println!(\"{}\", x) }",
        "パンの作り方",
        "\"",
        "-",
        "( [ {",
        "a:b^2~ AND OR NOT *",
        &long,
    ] {
        let output = dir.run(&[phrase]);
        assert!(matches!(output.code, Some(0 | 1)), "{output:?}");
    }
    dir.run(&[""]).exits(2).says("the phrase is empty");
    dir.run(&["-n", "0", "bread"]).exits(2).says("1 or more");
}

#[test]
fn the_list_ends_where_the_quality_drops() {
    let dir = Dir::new();
    let phrase = "read a file line by line";
    let all = dir.titles(&["--builtin", phrase]);
    assert_eq!(all.len(), 10, "JSON has every hit");
    let qualities = |args: &[&str]| -> Vec<String> {
        let output = dir.run(&[&["--builtin", phrase], args].concat()).success().stdout;
        let words = output.lines().filter_map(|line| line.split_whitespace().next());
        words.filter(|word| ["strong", "likely", "weak"].contains(word)).map(str::to_owned).collect()
    };
    let listed = qualities(&[]);
    assert!(listed.len() < 10 && listed[0] == "strong" && listed.last().unwrap() != "weak", "{listed:?}");
    for args in [&["-n", "10"][..], &["--all"]] {
        let every = qualities(args);
        assert_eq!((every.len(), every.last().unwrap().as_str()), (10, "weak"), "{args:?}");
    }
}

#[test]
fn code_is_shown_as_code_in_text_and_json() {
    let dir = Dir::new();
    let answer = "Use this:\n\n```Python\nif rope:\n    wax(rope)\n```\n";
    dir.write("faq.md", format!("# Ropes\n\n## How do I care for a line?\n\n{answer}"));
    dir.run(&["index", "faq.md"]).success();
    let shown = dir.run(&["wax rope"]).stdout;
    assert!(shown.ends_with("    python\n    │ if rope:\n    │     wax(rope)\n"), "{shown}");
    let reply: serde_json::Value = serde_json::from_str(&dir.run(&["--json", "wax rope"]).stdout).unwrap();
    assert_eq!(
        reply["hits"][0]["snippet"],
        serde_json::json!({
            "text": "if rope:\n    wax(rope)", "kind": "code", "language": "python",
            "highlights": [[3, 7], [13, 16], [17, 21]]
        })
    );
}

/// Each of these phrases has a rare word that only one question contains, which is about another subject.
#[test]
fn one_rare_word_in_common_is_no_answer() {
    let dir = Dir::new();
    for phrase in ["what is the capital of Australia", "angular ngFor trackBy", "tailwind dark mode toggle"] {
        dir.run(&["--builtin", phrase]).exits(1);
    }
    let output = dir.run(&["--builtin", "--json", "-n", "1", "kubernetes pod eviction"]).stdout;
    let reply: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert!(reply["hits"][0]["confidence"].as_f64().unwrap() < 0.55, "{reply}");
}

#[test]
fn confidence_separates_answers_from_unanswered_phrases() {
    let dir = Dir::new();
    let confidence = |phrase: &str| -> f64 {
        let output = dir.run(&["--builtin", "--json", "-n", "1", phrase]).stdout;
        let reply: serde_json::Value = serde_json::from_str(&output).unwrap();
        reply["hits"][0]["confidence"].as_f64().unwrap()
    };
    let answered =
        ["borrowed value does not live long enough", "stop a running thread", "read a file line by line"];
    let unanswered = ["best pizza in naples", "cheap flights to lisbon", "when should i prune roses"];
    let lowest = answered.map(confidence).into_iter().fold(1.0, f64::min);
    let highest = unanswered.map(confidence).into_iter().fold(0.0, f64::max);
    assert!(lowest > highest + 0.1, "{lowest} {highest}");
    // The confidence does not depend on the number of hits.
    let output = dir.run(&["--builtin", "--json", "-n", "9", answered[0]]).success().stdout;
    let reply: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(reply["hits"][0]["confidence"].as_f64().unwrap(), confidence(answered[0]));
    let few = dir.titles(&["--builtin", "-n", "3", answered[1]]);
    assert_eq!(
        few,
        dir.titles(&["--builtin", answered[1]])[..3],
        "the order must not depend on the number of hits"
    );
    for phrase in answered {
        dir.run(&["--builtin", phrase]).success();
    }
    for phrase in unanswered {
        let missed = dir.run(&["--builtin", phrase]).exits(1);
        assert!(missed.stderr.contains("Nothing answers this. Closest questions:"), "{missed:?}");
        let weak = missed.stdout.lines().filter(|line| line.trim_start().starts_with("weak ")).count();
        assert_eq!(weak, 3, "{missed:?}");
    }
    dir.run(&["--builtin", "--min-confidence", "0", unanswered[0]]).success();
    dir.run(&["--builtin", "--min-confidence", "0.99", answered[0]]).exits(1);
    // An index without embeddings has no confidence.
    let keyword_only = Dir::new();
    keyword_only.write("faq.md", crate::util::FAQ);
    keyword_only.run(&["index", "--keyword-only", "faq.md"]).success();
    keyword_only.run(&["bread"]).success();
    dir.run(&["--min-confidence", "2", "x"]).exits(2).says("must be a number from 0 to 1");
}
