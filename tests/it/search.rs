//! Search: phrases find their questions.

use serde_json::Value;

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

const FLAGS: &str = r##"
## What does -Wall do?
Turns on warnings.
## What is the difference between "shall" and "will"?
Shall is for rules.
## Which man bites dog stories are true?
None.
## Which dog bites man stories are true?
Most.
## How do I use C++ templates?
With angle brackets.
## Why is testing slow?
Testing needs a database, and the connections are slow.
"##;

#[test]
fn every_word_of_a_phrase_is_text() {
    let dir = Dir::new();
    dir.write("flags.md", FLAGS);
    dir.run(&["index", "flags.md"]).success();
    for (phrase, title) in [
        ("what does -Wall do", "What does -Wall do?"),
        ("gcc -Wall option", "What does -Wall do?"),
        ("how to use \"templates in c++\"", "How do I use C++ templates?"),
        ("\"shall\" vs \"will\" usage", "What is the difference between \"shall\" and \"will\"?"),
        ("difference between: (shall AND will)", "What is the difference between \"shall\" and \"will\"?"),
        ("title:templates -C++", "How do I use C++ templates?"),
        ("testing -slow -database", "Why is testing slow?"),
    ] {
        for mode in ["hybrid", "keyword"] {
            assert_eq!(dir.titles(&["--mode", mode, phrase])[0], title, "{mode}: {phrase}");
        }
    }
}

#[test]
fn quoted_words_raise_questions_that_contain_them_in_this_order() {
    let dir = Dir::new();
    dir.write("flags.md", FLAGS);
    dir.run(&["index", "flags.md"]).success();
    for (phrase, title) in [
        ("\"man bites dog\" news", "Which man bites dog stories are true?"),
        ("\"dog bites man\" news", "Which dog bites man stories are true?"),
    ] {
        for mode in ["hybrid", "keyword"] {
            let titles = dir.titles(&["--mode", mode, "--all", phrase]);
            assert_eq!(titles[0], title, "{mode}: {phrase}");
            assert!(titles.len() > 1, "nothing typed removes a question: {titles:?}");
        }
    }
}

#[test]
fn options_require_and_exclude_words_in_every_mode() {
    let dir = Dir::indexed();
    for mode in ["hybrid", "keyword", "semantic"] {
        let titles = |args: &[&str]| dir.titles(&[&["--mode", mode][..], args].concat());
        assert_eq!(titles(&["--exact", "DOUBLED in size", "bread"]), [RISE], "{mode}");
        assert_eq!(titles(&["--exact", "warm", "--exact", "kitchen", "bread"]), [RISE], "{mode}");
        assert_eq!(titles(&["--exact", "size in doubled", "bread"]), [""; 0], "{mode}");
        let without = titles(&["--without", "sourdough", "--without", "roses", "bread"]);
        assert_eq!(without[0], RISE, "{mode}");
        assert!(!without.contains(&SOUR.to_owned()) && !without.contains(&ROSES.to_owned()), "{without:?}");
    }
    // Without a phrase, the words are the phrase.
    assert_eq!(dir.titles(&["--exact", "whetstone"]), [KNIFE]);
    dir.run(&["--exact", "?", "bread"]).exits(2).says("exact \"?\" has no words");
    let line = "{\"_id\": 1, \"text\": \"bread\", \"exact\": [\"doubled in size\"]}\nbread\n{\"text\": \"bread\", \"without\": [\"dough\"]}\n";
    let output = dir.run_with_input(&["--without", "sourdough", "--batch", "-"], line).success();
    let titles: Vec<Vec<String>> = output.stdout.lines().map(titles_of).collect();
    assert_eq!(titles[0], [RISE]);
    assert!(
        titles[1][0] == RISE && titles[1].len() > 1 && !titles[1].contains(&SOUR.to_owned()),
        "{titles:?}"
    );
    assert!(!titles[2].contains(&RISE.to_owned()), "{titles:?}");
}

fn titles_of(reply: &str) -> Vec<String> {
    let reply: serde_json::Value = serde_json::from_str(reply).unwrap();
    let title = |hit: &serde_json::Value| hit["title"].as_str().unwrap().to_owned();
    reply["hits"].as_array().unwrap().iter().map(title).collect()
}

#[test]
fn required_and_excluded_words_match_in_the_given_form_only() {
    let dir = Dir::new();
    dir.write("forms.md", "## Why is testing slow?\nIt is.\n## Why is a test slow?\nNobody knows.\n## What are C++ and `MutexGuard`?\nA **test** _suite_ has both.\n");
    dir.run(&["index", "forms.md"]).success();
    let (testing, test, code) =
        ("Why is testing slow?", "Why is a test slow?", "What are C++ and `MutexGuard`?");
    let sorted = |args: &[&str]| {
        let mut titles = dir.titles(&[&["--all"], args, &["slow test suite of a guard"]].concat());
        titles.sort();
        titles
    };
    assert_eq!(sorted(&["--exact", "testing"]), [testing]);
    assert_eq!(sorted(&["--exact", "test"]), [code, test]);
    assert_eq!(sorted(&["--exact", "tests"]), [""; 0]);
    assert_eq!(sorted(&["--without", "test"]), [testing]);
    assert_eq!(sorted(&["--exact", "test suite"]), [code]);
    assert_eq!(sorted(&["--exact", "mutexguard"]), [code]);
    assert_eq!(sorted(&["--exact", "Guard"]), [""; 0]);
    assert_eq!(sorted(&["--exact", "c++"]), [code]);
    assert_eq!(sorted(&["--without", "C"]).len(), 3);
}

#[test]
fn a_phrase_with_operators_gets_one_hint() {
    let dir = Dir::indexed();
    dir.write("flags.md", FLAGS);
    dir.run(&["index", "flags.md"]).success();
    let hints = |phrase: &str| -> Vec<String> {
        let output = dir.run(&["-n", "10", "--", phrase]);
        output.stderr.lines().filter(|line| line.starts_with("hint: ")).map(str::to_owned).collect()
    };
    assert_eq!(
        hints("\"doubled in size\" bread"),
        [
            "hint: \"doubled in size\" raises questions with these words; use --exact \"doubled in size\" to require them"
        ]
    );
    assert_eq!(
        hints("bread -sourdough"),
        ["hint: -sourdough is searched for like any other word; use --without sourdough to exclude it"]
    );
    let both = hints("\"bread dough\" -sourdough -yeast");
    assert!(
        both.len() == 1 && both[0].contains("use --exact \"bread dough\" --without sourdough"),
        "{both:?}"
    );
    for phrase in ["what does -Wall do", "\"shall\" vs \"will\"", "bread dough", "gcc -Wextra"] {
        assert_eq!(hints(phrase), [""; 0], "{phrase}");
    }
}

#[test]
fn a_typo_in_any_word_finds_the_question() {
    let dir = Dir::new();
    dir.write(
        "code.md",
        "## How does serialization of dates work?\nWith a format.\n## When is tokio::spawn_blocking right?\nFor slow calls.\n## What is E0502?\nA borrow error.\n## How do I upgrade to 1.10?\nRun the script.\n",
    );
    dir.run(&["index", "code.md"]).success();
    for (phrase, title) in [
        ("serializatoin", "How does serialization of dates work?"),
        ("serialzation", "How does serialization of dates work?"),
        ("tokio::spwan_blocking", "When is tokio::spawn_blocking right?"),
        ("spawn_blokcing", "When is tokio::spawn_blocking right?"),
        ("E0520", "What is E0502?"),
        ("E502", "What is E0502?"),
    ] {
        assert_eq!(dir.titles(&["--mode", "keyword", phrase]), [title], "{phrase}");
        assert_eq!(dir.titles(&[phrase])[0], title, "{phrase}");
    }
    assert_eq!(dir.titles(&["--mode", "keyword", "E0503"]), [""; 0], "another code is not a typo");
    // A long text is answered in the time of its first words.
    let unknown: String = (0..3_000).map(|n| format!("xqz{n}wvk ")).collect();
    assert_eq!(dir.titles(&["--mode", "keyword", &format!("E0502 {unknown}")]), ["What is E0502?"]);
}

#[test]
fn a_title_is_answered_in_an_index_of_any_size() {
    let titles = [
        "What is the difference between shall and will?",
        "Where can I renew my passport?",
        "How do I sharpen a kitchen knife?",
    ];
    for (count, options) in [(1, &[][..]), (2, &["--keyword-only"]), (3, &[]), (3, &["--keyword-only"])] {
        let dir = Dir::new();
        let lines: String =
            titles[3 - count..].iter().map(|title| format!("{{\"q\": \"{title}\"}}\n")).collect();
        dir.write("a.jsonl", lines);
        dir.run(&[&["index"], options, &["a.jsonl"]].concat()).success();
        for phrase in [
            titles[2],
            "how do i sharpen a KITCHEN knife",
            "How do I sharpen kitchen knife ?",
            "\"How do I sharpen the kitchen knife\"",
            "How do I shrapen a kitchen knife?",
            "How do I sharpen a kitchn knife",
        ] {
            let output = dir.run(&["--json", phrase]).success();
            let reply: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
            assert_eq!(reply["hits"][0]["title"], titles[2], "{phrase}");
            assert!(reply["answered"].as_bool().unwrap(), "{phrase}");
            assert!(reply["hits"][0]["confidence"].as_f64().unwrap() > 0.9, "{count} {options:?} {phrase}");
        }
    }
}

#[test]
fn scores_are_in_order_with_a_title_first() {
    let dir = Dir::new();
    dir.write("a.jsonl", "{\"q\": \"What is a lock?\", \"a\": \"A door has many other parts than that, and none is as long as this.\"}\n{\"q\": \"Lock lock lock\", \"a\": \"A lock is a lock. What is a lock?\"}\n{\"q\": \"Which door?\", \"a\": \"The lock of it.\"}\n");
    dir.run(&["index", "a.jsonl"]).success();
    for mode in ["hybrid", "keyword", "semantic"] {
        for phrase in ["what is a lock", "what is lock"] {
            let output = dir.run(&["--json", "--mode", mode, phrase]).success();
            let reply: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
            let hits = reply["hits"].as_array().unwrap();
            assert_eq!(hits[0]["title"], "What is a lock?", "{mode}: {phrase}");
            let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
            assert!(scores.len() > 1 && scores.is_sorted_by(|a, b| a >= b), "{mode}: {scores:?}");
        }
    }
}

/// Questions about passwords with dates and ratings.
const DATED: &str = r#"{"q": "How do I reset my password?", "a": "Ask for a mail.", "date": "2023-05-01", "score": 7}
{"q": "Why was my password rejected?", "a": "It is too short.", "date": "2024-03-01T10:20:30Z", "score": 12}
{"q": "Can I see my password?", "a": "No."}
{"q": "How long must a password be?", "a": "Twelve letters.", "date": "2024-03-01", "score": -1}
{"q": "Where do I change a password?", "a": "In your account.", "date": "2025-01-31", "score": 3}
{"q": "When do you ship to Norway?", "a": "On Mondays.", "date": "2026-01-01", "score": 99}
"#;

#[test]
fn hits_can_be_sorted_and_limited_by_date() {
    let dir = Dir::new();
    dir.write("dated.jsonl", DATED);
    dir.run(&["index", "dated.jsonl"]).success();
    let (reset, rejected, see) =
        ("How do I reset my password?", "Why was my password rejected?", "Can I see my password?");
    let (long, change) = ("How long must a password be?", "Where do I change a password?");
    for mode in ["hybrid", "keyword"] {
        let titles = |args: &[&str]| dir.titles(&[&["--mode", mode, "--all"], args, &["password"]].concat());
        assert_eq!(titles(&["--sort", "newest"]), [change, rejected, long, reset, see], "{mode}");
        assert_eq!(titles(&["--sort", "score"]), [rejected, reset, change, long, see], "{mode}");
        assert_eq!(
            titles(&["--sort", "newest", "--since", "2024-03-01", "--until", "2024-03-01"]),
            [rejected, long]
        );
        assert_eq!(titles(&["--sort", "newest", "--until", "2024"]), [rejected, long, reset], "{mode}");
        assert_eq!(
            titles(&["--sort", "newest", "--since", "1 Mar 2024 10:20:30"]),
            [change, rejected],
            "{mode}"
        );
        assert_eq!(titles(&["--since", "2030"]), [""; 0], "{mode}");
    }
    dir.run(&["--since", "soon", "password"]).exits(2).says("since \"soon\" is not a date");
}

#[test]
fn pages_continue_where_the_last_one_ended() {
    let dir = Dir::new();
    dir.write("dated.jsonl", DATED);
    dir.run(&["index", "dated.jsonl"]).success();
    for sort in ["relevance", "newest", "score"] {
        for all in [&[][..], &["--all"]] {
            let page = |offset: usize, limit: usize| -> serde_json::Value {
                let (offset, limit) = (offset.to_string(), limit.to_string());
                let args = ["--json", "--sort", sort, "--offset", &offset, "-n", &limit, "password"];
                serde_json::from_str(&dir.run(&[&args[..], all].concat()).stdout).unwrap()
            };
            let whole = page(0, 100);
            assert_eq!(whole["next"], serde_json::Value::Null);
            let (mut hits, mut offset) = (Vec::new(), Some(0));
            while let Some(at) = offset {
                let reply = page(at as usize, 2);
                assert_eq!((&reply["total"], &reply["answered"]), (&whole["total"], &whole["answered"]));
                hits.extend(reply["hits"].as_array().unwrap().clone());
                offset = reply["next"].as_u64();
            }
            assert_eq!(&hits, whole["hits"].as_array().unwrap(), "{sort} {all:?}");
        }
    }
    dir.run(&["--offset", "50", "password"]).says("there are no more hits after the first 50");
    let second = dir.run(&["--offset", "1", "-n", "1", "password"]).stdout;
    assert!(second.starts_with(" 2  "), "{second}");
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

#[test]
fn symbols_and_typos_count_as_they_are_meant() {
    let dir = Dir::new();
    let titles = [
        "What does C mean?",
        "What does C$ mean?",
        "What does -F do?",
        "What does -f do?",
        "What is 102?",
        "What is 10²?",
        "What is # for?",
        "How do I install v1.10?",
        "How long does delivery take?",
        "How are lambdas written?",
        "Do you have a .NET client?",
    ];
    let file: String =
        titles.iter().map(|title| format!("## {title}\n\nSee the manual, chapter two.\n\n")).collect();
    dir.write("faq.md", file);
    dir.run(&["index", "faq.md"]).success();
    for (args, expected) in [
        (&["C$"][..], "What does C$ mean?"),
        (&["C"], "What does C mean?"),
        (&["--", "-f"], "What does -f do?"),
        (&["--", "-F"], "What does -F do?"),
        (&["what is 10²"], "What is 10²?"),
        (&["what is 102"], "What is 102?"),
        (&["#"], "What is # for?"),
        (&["1.10"], "How do I install v1.10?"),
        (&["delviery"], "How long does delivery take?"),
        (&["--mode", "semantic", "delviery"], "How long does delivery take?"),
        (&["labmdas"], "How are lambdas written?"),
        (&["--exact", "10²"], "What is 10²?"),
        (&["--exact", "1.10"], "How do I install v1.10?"),
        (&["--exact", ".NET"], "Do you have a .NET client?"),
    ] {
        let reply: Value = serde_json::from_str(&dir.run(&[&["--json"], args].concat()).stdout).unwrap();
        assert_eq!(reply["hits"][0]["title"], expected, "{args:?}: {reply}");
        assert_eq!(reply["answered"], true, "{args:?}: {reply}");
        let scores: Vec<f64> =
            reply["hits"].as_array().unwrap().iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{args:?}: {scores:?}");
    }
    dir.run(&["--exact", "NET"]).exits(1);
    // A required word does not make an answer of what is about something else.
    dir.run(&["how do I boil eggs", "--exact", "lambdas"]).exits(1);
}
