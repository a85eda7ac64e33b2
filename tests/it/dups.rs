//! Duplicate detection.

use rqsearch::duplicates::check;
use rqsearch::embed::{Builtin, Embedder, ModelInfo, Prepare, Role, WrongModel};
use rqsearch::index::Index;
use rqsearch::question::Question;
use serde_json::Value;

use crate::util::{Dir, FAQ};

/// Duplicates of every kind, and questions that look similar but are not duplicates.
const FORUM: &str = r#"{"question": "How long should bread dough rise?", "answer": "In a warm kitchen that takes about one hour."}
{"question": "how long should BREAD dough rise", "answer": ""}
{"question": "How long should bread dough rise?", "answer": ""}
{"question": "How long does bread dough have to rise?", "answer": ""}
{"question": "What is the difference between `Rc` and `Arc` in Rust programs?", "answer": ""}
{"question": "What is the difference between `Rc` and `Box` in Rust programs?", "answer": ""}
{"question": "How do I import contacts from Gmail?", "answer": ""}
{"question": "How do I export contacts to Gmail?", "answer": ""}
{"question": "Why can't I log in after an update?", "answer": ""}
{"question": "When should I prune roses?", "answer": ""}
"#;

fn forum() -> Dir {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write("forum.jsonl", FORUM);
    dir.run(&["index", "faq.md", "forum.jsonl"]).success();
    dir
}

fn duplicates(dir: &Dir, args: &[&str]) -> Value {
    let output = dir.run(&[&["dups", "--json"], args].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Each group: the location of the canonical question, and the locations and kinds of its duplicates, sorted.
fn groups(reply: &Value) -> Vec<(String, Vec<(String, String)>)> {
    let location = |question: &Value| {
        format!("{}:{}", question["source"]["path"].as_str().unwrap(), question["source"]["line"])
    };
    reply["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let mut others: Vec<(String, String)> = group["duplicates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|other| (location(other), other["kind"].as_str().unwrap().to_owned()))
                .collect();
            others.sort();
            (location(&group["canonical"]), others)
        })
        .collect()
}

#[test]
fn repeats_and_paraphrases_are_found_with_their_kind() {
    let dir = forum();
    let expected = |kinds: &[(&str, &str)]| -> Vec<(String, String)> {
        kinds.iter().map(|(location, kind)| ((*location).to_owned(), (*kind).to_owned())).collect()
    };
    let reply = duplicates(&dir, &[]);
    assert_eq!(
        groups(&reply),
        [
            // The question with the best answer is in the FAQ.
            (
                "faq.md:3".to_owned(),
                expected(&[
                    ("forum.jsonl:1", "exact"),
                    ("forum.jsonl:2", "repeat"),
                    ("forum.jsonl:3", "exact"),
                    ("forum.jsonl:4", "paraphrase"),
                ])
            ),
            ("faq.md:29".to_owned(), expected(&[("forum.jsonl:10", "exact")])),
        ],
        "{reply}"
    );
    assert_eq!(reply["questions"], 15);
    let first = &reply["pairs"][0];
    assert_eq!((&first["kind"], &first["probability"]), (&"exact".into(), &1.0.into()));
    // Text output has groups, or pairs with reasons.
    let listed = dir.run(&["dups"]).exits(1);
    assert!(listed.stdout.contains("repeat how long should BREAD dough rise"), "{listed:?}");
    assert!(listed.stderr.contains("15 questions, 5 duplicates in 2 groups"), "{listed:?}");
    let pairs = dir.run(&["dups", "--top", "9"]).exits(1).stdout;
    for reason in [
        "the same text",
        "except for case, punctuation or markup",
        "cosine 0.9",
        "words in common: How, long, bread",
    ] {
        assert!(pairs.contains(reason), "{reason:?} is missing: {pairs}");
    }
    let table = dir.run(&["dups", "--csv"]).exits(1).stdout;
    assert_eq!(table.lines().count(), 1 + 7, "{table}");
    assert!(
        table.starts_with("group,kind,probability,id,title,path,line,decision\n1,canonical,1.0000,"),
        "{table}"
    );
}

#[test]
fn one_different_word_makes_a_different_question() {
    let dir = forum();
    dir.run(&["dups", "--check", "What is the difference between `Rc` and `Cell` in Rust programs?"])
        .success()
        .says("not a duplicate");
    let reply = duplicates(&dir, &["--threshold", "0.01"]);
    let differences: Vec<&Value> = reply["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|pair| pair["differences"].as_array().unwrap())
        .collect();
    for difference in ["another name", "an opposite"] {
        assert!(differences.iter().any(|found| **found == difference), "{difference} is missing: {reply}");
    }
}

#[test]
fn duplicates_can_be_limited_to_files_or_to_pairs_across_files() {
    let dir = forum();
    let within = duplicates(&dir, &["--within", "FORUM"]);
    assert_eq!((&within["questions"], groups(&within).len()), (&10.into(), 1), "{within}");
    let across = duplicates(&dir, &["--across"]);
    let pairs = across["pairs"].as_array().unwrap();
    assert!(!pairs.is_empty());
    for pair in pairs {
        assert_ne!(pair["one"]["source"]["path"], pair["two"]["source"]["path"], "{pair}");
    }
    assert!(groups(&duplicates(&dir, &["--within", "faq"])).is_empty());
    dir.run(&["dups", "--within", "faq"]).success();
}

#[test]
fn check_finds_questions_that_a_new_one_duplicates() {
    let dir = forum();
    for phrase in ["when should I prune ROSES", "How long does bread dough need to rise?"] {
        let found = dir.run(&["dups", "--check", phrase]).exits(1);
        assert!(found.stdout.contains("faq.md:"), "{found:?}");
    }
    let fresh = dir.run(&["dups", "--check", "Which saw cuts plywood without splinters?"]).success();
    assert!(fresh.stderr.contains("not a duplicate"), "{fresh:?}");
    let lines = "when should I prune ROSES\n\n{\"_id\": 7, \"text\": \"Which saw cuts plywood?\"}\n";
    let output = dir.run_with_input(&["dups", "--check", "-"], lines).exits(1).stdout;
    let replies: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(replies.len(), 2);
    assert_eq!((&replies[0]["duplicate"], &replies[1]["duplicate"]), (&true.into(), &false.into()));
    assert_eq!((&replies[1]["_id"], replies[0].get("_id")), (&7.into(), None));
    assert_eq!(replies[0]["duplicates"][0]["kind"], "repeat");
    let output = dir.run_with_input(&["dups", "--check", "-"], "{\"text\": 1}\n").exits(2);
    assert!(output.stdout.contains("error"), "{output:?}");
    dir.run(&["dups", "--check", " "]).exits(2).says("the phrase is empty");
    dir.run(&["dups", "--check", "x", "--within", "y"]).exits(2).says("cannot be used with");
}

#[test]
fn only_new_phrasings_are_compared() {
    let dir = forum();
    dir.run(&["dups"]).exits(1).says("; 12 phrasings compared, 12 of them for the first time");
    dir.run(&["dups"]).exits(1).says(", 0 of them for the first time");
    dir.write("more/new.jsonl", "{\"question\": \"How do I sharpen kitchen knives?\"}\n");
    dir.run(&["index", "more"]).success();
    dir.run(&["dups"]).exits(1).says(", 1 of them for the first time");
    let updated = duplicates(&dir, &[]);
    assert_eq!(groups(&updated).len(), 3, "{updated}");
    std::fs::remove_file(dir.path().join(".rqsearch/duplicates.cache")).unwrap();
    assert_eq!(duplicates(&dir, &[]), updated, "without a cache");
    // A run with --within keeps the cache of the other questions.
    duplicates(&dir, &["--within", "faq"]);
    dir.run(&["dups"]).exits(1).says(", 0 of them for the first time");
    // A damaged cache is ignored.
    dir.write(".rqsearch/duplicates.cache", "garbage");
    assert_eq!(duplicates(&dir, &[]), updated);
    // Deleted questions are no longer found.
    std::fs::remove_file(dir.path().join("more/new.jsonl")).unwrap();
    dir.run(&["index", "--remove-missing"]).success();
    assert_eq!(groups(&duplicates(&dir, &[])).len(), 2);
}

#[test]
fn shared_alternative_titles_alone_are_not_evidence() {
    let dir = Dir::new();
    let lines = [
        r#"{"question": "Why must the kettle be descaled?", "also": ["white flakes in the water"], "answer": "It lasts."}"#,
        r#"{"question": "What are the grains in my tea?", "also": ["white flakes in the water"], "answer": "Lime."}"#,
        r#"{"question": "White flakes in the water", "answer": ""}"#,
    ];
    // Two questions with the same alternative title are not duplicates. A title that equals an alternative
    // title of another question is evidence.
    dir.write("two.jsonl", lines[..2].join("\n"));
    dir.run(&["index", "two.jsonl"]).success();
    dir.run(&["dups"]).success();
    dir.write("two.jsonl", [lines[0], lines[2]].join("\n"));
    dir.run(&["index"]).success();
    let found = duplicates(&dir, &[]);
    assert_eq!(groups(&found).len(), 1, "{found}");
    assert_eq!(found["pairs"][0]["asked_as"][1], "White flakes in the water", "{found}");
}

#[test]
fn a_keyword_only_index_finds_repeats() {
    let dir = Dir::new();
    dir.write("forum.jsonl", FORUM);
    dir.run(&["index", "--keyword-only", "forum.jsonl"]).success();
    let found = dir.run(&["dups"]).exits(1).says("keywords only");
    assert!(found.stderr.contains("10 questions, 2 duplicates"), "{found:?}");
    dir.run(&["dups", "--check", "When should I prune roses"]).exits(1);
}

/// A page of quizzes: the same title, and other code. The last one is the first one again.
const QUIZ: &str = r#"# Quiz

## 1. What's the output?

```js
let a = 1;
console.log(a + "2")
```

A number is turned into a string.

## 2. What's the output?

```js
let a = 1;
console.log(a - "2")
```

A string is turned into a number.

## 3. What is the output?

```js
console.log([] + {})
```

Both are turned into strings.
"#;

#[test]
fn equal_titles_are_duplicates_only_if_the_answers_agree() {
    let dir = Dir::new();
    dir.write("quiz.md", QUIZ);
    dir.run(&["index", "quiz.md"]).success();
    assert!(groups(&duplicates(&dir, &[])).is_empty(), "other code");
    let hits = dir.run(&["--json", "what's the output"]).success().stdout;
    let hits: Value = serde_json::from_str(&hits).unwrap();
    let hits = hits["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 3, "{hits:?}");
    let distinctions: Vec<&str> = hits.iter().filter_map(|hit| hit["distinction"].as_str()).collect();
    assert_eq!(distinctions, ["console.log(a + \"2\")", "console.log(a - \"2\")"]);
    assert!(dir.run(&["what's the output"]).success().stdout.contains("console.log(a - \"2\")\n"));
    // Posted again with the same code: a duplicate of the first one only.
    dir.write("more.jsonl", r#"{"question": "What's the Output", "answer": "```\nlet a = 1; console.log(a + \"2\")\n```\nConcatenation."}"#);
    dir.run(&["index", "more.jsonl"]).success();
    let again = ("quiz.md:3".to_owned(), vec![("more.jsonl:1".to_owned(), "repeat".to_owned())]);
    assert_eq!(groups(&duplicates(&dir, &[])), [again]);
    // A question without an answer does not connect others.
    dir.write("more.jsonl", r#"{"question": "What's the output?"}"#);
    dir.run(&["index", "more.jsonl"]).success();
    let found = groups(&duplicates(&dir, &[]));
    assert!(found.len() == 1 && found[0].1.len() == 1, "{found:?}");
    assert_eq!(duplicates(&dir, &[])["pairs"].as_array().unwrap().len(), 1);
}

#[test]
fn titles_with_other_operators_are_other_questions() {
    let dir = Dir::new();
    let operators = ["%", "@", "=>", "->", "=", "=="];
    let questions: String = operators
        .iter()
        .map(|operator| format!("## What does `{operator}` do?\n\nIt is an operator.\n\n"))
        .collect();
    dir.write("faq.md", &questions);
    dir.run(&["index", "faq.md"]).success();
    assert!(groups(&duplicates(&dir, &[])).is_empty());
    for operator in operators {
        let reply = dir.run(&["--json", "--", &format!("what does {operator} do")]).stdout;
        let reply: Value = serde_json::from_str(&reply).unwrap();
        assert_eq!(reply["hits"][0]["title"], format!("What does `{operator}` do?"));
        for hit in reply["hits"].as_array().unwrap() {
            assert_eq!(hit["also_asked"], serde_json::json!([]), "{operator}");
        }
        let checked =
            dir.run(&["dups", "--json", "--check", &format!("what does {operator} do")]).exits(1).stdout;
        let checked: Value = serde_json::from_str(&checked).unwrap();
        assert_eq!(checked["duplicates"].as_array().unwrap().len(), 1, "{checked}");
    }
    // An id never moves to another question.
    let id = |operator: &str| {
        let title = format!("What does `{operator}` do?");
        dir.export().into_iter().find(|question| question["title"] == title).unwrap()["id"].clone()
    };
    let before = id("@");
    dir.write("faq.md", questions.split_once("\n\n## ").map(|(_, rest)| format!("## {rest}")).unwrap());
    dir.run(&["index"]).success();
    assert_eq!(id("@"), before);
}

#[test]
fn ids_of_questions_with_one_title_do_not_depend_on_each_other() {
    let dir = Dir::new();
    let line =
        |answer: &str| format!("{}\n", serde_json::json!({"question": "What's next?", "answer": answer}));
    let ids = |answers: &[&str]| -> Vec<(String, String)> {
        dir.write("a.jsonl", answers.iter().map(|answer| line(answer)).collect::<String>());
        dir.run(&["index", "a.jsonl"]).success();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        dir.export().iter().map(|question| (text(&question["answer"]), text(&question["id"]))).collect()
    };
    let before = ids(&["one", "two", "three"]);
    let after = ids(&["one", "three"]);
    assert_eq!(after, [before[0].clone(), before[2].clone()]);
}

#[test]
fn check_ignores_markup_in_titles() {
    let dir = Dir::new();
    dir.write("a.jsonl", r#"{"question": "How do I **sharpen** a knife?", "answer": "On a stone."}"#);
    dir.run(&["index", "--keyword-only", "a.jsonl"]).success();
    let found = dir.run(&["dups", "--check", "How do I sharpen a knife", "--json"]).exits(1).stdout;
    assert!(found.contains("repeat"), "{found}");
    // A title without words equals no other.
    dir.write("a.jsonl", "{\"question\": \"???\"}\n{\"question\": \"!!!\"}\n");
    dir.run(&["index", "a.jsonl"]).success();
    dir.run(&["dups"]).success();
    dir.run(&["dups", "--check", "?!"]).success();
}

#[test]
fn check_finds_all_questions_of_an_index_in_memory() {
    let model = Builtin::load(Prepare::Many).unwrap();
    let questions: Vec<Question> = [
        "How do I sharpen a kitchen knife?",
        "How can I sharpen a kitchen knife?",
        "how do I sharpen a kitchen knife",
    ]
    .map(|title| Question::new(title, 1))
    .into();
    let index = Index::in_memory(&questions, Some(&model)).unwrap();
    let found = check(&index, Some(&model), "How do I sharpen a kitchen knife?", 0.5).unwrap();
    assert_eq!(found.len(), 3, "the questions have no ids");
    let order: Vec<&str> = found.iter().map(|found| found.question.title.as_str()).collect();
    assert_eq!(order, [0, 2, 1].map(|nth| questions[nth].title.as_str()));
}

#[test]
fn check_refuses_the_wrong_model() {
    /// A model of other dimensions.
    struct Other(ModelInfo);
    impl Embedder for Other {
        fn model(&self) -> &ModelInfo {
            &self.0
        }
        fn embed(&self, _: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            Ok(vec![1.0, 0.0])
        }
        fn count_tokens(&self, text: &str) -> usize {
            text.len()
        }
    }
    let model = Builtin::load(Prepare::Once).unwrap();
    let index = Index::in_memory(&[Question::new("Why wax a rope?", 1)], Some(&model)).unwrap();
    let info =
        ModelInfo { name: "other".into(), fingerprint: "0".into(), dimensions: 2, ..model.model().clone() };
    let error = check(&index, Some(&Other(info)), "Why wax a rope?", 0.5).unwrap_err();
    assert!(error.downcast_ref::<WrongModel>().is_some(), "{error:?}");
}

#[test]
fn across_finds_pairs_of_any_repeats() {
    let dir = Dir::new();
    let (one, other) = ("How do I sharpen a kitchen knife?", "How can I sharpen a kitchen knife?");
    let line = |title: &str| format!("{}\n", serde_json::json!({"question": title}));
    dir.write("x.jsonl", line(one) + &line(other));
    dir.write("y.jsonl", line(one));
    dir.run(&["index", "x.jsonl", "y.jsonl"]).success();
    let found = duplicates(&dir, &["--across"]);
    let location = |question: &Value| {
        format!("{}:{}", question["source"]["path"].as_str().unwrap(), question["source"]["line"])
    };
    let pairs: Vec<[String; 2]> = found["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| [location(&pair["one"]), location(&pair["two"])])
        .collect();
    assert_eq!(pairs, [["x.jsonl:1", "y.jsonl:1"], ["x.jsonl:2", "y.jsonl:1"]]);
}

#[test]
fn members_are_judged_against_the_question_to_keep() {
    let dir = Dir::new();
    let answer = "It depends on the steel. ".repeat(20);
    let lines = [
        serde_json::json!({"question": "How do I sharpen a kitchen knife?"}),
        serde_json::json!({"question": "How can I sharpen a kitchen knife?"}),
        serde_json::json!({"question": "how do I SHARPEN a kitchen knife", "answer": answer}),
        serde_json::json!({"question": "How do I sharpen a kitchen knife?"}),
    ];
    dir.write("a.jsonl", lines.map(|line| format!("{line}\n")).concat());
    dir.run(&["index", "a.jsonl"]).success();
    let expected = [("a.jsonl:1", "repeat"), ("a.jsonl:2", "paraphrase"), ("a.jsonl:4", "repeat")];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(at, kind)| ((*at).to_owned(), (*kind).to_owned())).collect();
    assert_eq!(groups(&duplicates(&dir, &[])), [("a.jsonl:3".to_owned(), expected)]);
}

#[test]
fn collapsed_questions_do_not_depend_on_the_number_of_hits() {
    let dir = Dir::new();
    let mut lines = String::new();
    for nth in 0..40 {
        lines += &format!(
            "{}\n",
            serde_json::json!({"question": format!("Which knife number {nth}?"), "answer": "knife knife"})
        );
    }
    let repeat =
        |title: &str, answer: &str| format!("{}\n", serde_json::json!({"question": title, "answer": answer}));
    lines += &repeat("Is a knife sharp?", "");
    lines += &repeat(
        "is a KNIFE sharp",
        "Some words that make this answer longer, and its rank lower than that of the others.",
    );
    dir.write("a.jsonl", lines);
    for mode in [&["--keyword-only"][..], &[]] {
        dir.run(&[&["index", "a.jsonl"][..], mode].concat()).success();
        let also_asked = |limit: &str| {
            let reply = dir.run(&["--json", "-n", limit, "is the knife sharp"]).stdout;
            let reply: Value = serde_json::from_str(&reply).unwrap();
            let hit = reply["hits"].as_array().unwrap()[0].clone();
            (hit["title"].clone(), hit["also_asked"].as_array().unwrap().len())
        };
        assert_eq!(also_asked("1").1, 1, "{mode:?}");
        assert_eq!(also_asked("1"), also_asked("5"));
        assert_eq!(also_asked("1"), also_asked("45"));
        std::fs::remove_dir_all(dir.path().join(".rqsearch")).unwrap();
    }
}

#[test]
fn the_explanation_says_why_questions_are_one_hit() {
    let dir = forum();
    let explained = dir.run(&["--explain", "-n", "1", "how long must dough rise"]).stdout;
    assert!(explained.contains("the same title, and the answers agree"), "{explained}");
}

#[test]
fn search_collapses_duplicates() {
    let dir = forum();
    let titles = dir.titles(&["how long must dough rise"]);
    let rises = titles.iter().filter(|title| title.to_lowercase().contains("bread dough")).count();
    assert_eq!(rises, 1, "{titles:?}");
    let all = dir.titles(&["--all", "how long must dough rise"]);
    assert_eq!(all.iter().filter(|title| title.to_lowercase().contains("bread dough")).count(), 5, "{all:?}");
    // Collapsed questions do not count towards the limit.
    assert_eq!(dir.titles(&["-n", "3", "how long must dough rise"]).len(), 3);
    let shown = dir.run(&["-n", "1", "how long must dough rise"]).stdout;
    assert!(
        shown.contains("also asked as: ") && shown.contains("… and 1 more (--all shows each)"),
        "{shown}"
    );
}

#[test]
fn the_map_is_self_contained_and_escapes_titles() {
    let dir = Dir::new();
    let evil = r#"{"question": "Is </script><script>alert(1)</script> a title?"}"#;
    dir.write("a.jsonl", format!("{evil}\n{evil}\n"));
    dir.run(&["index", "a.jsonl"]).success();
    dir.run(&["dups", "--graph", "map.html"]).exits(1).says("the map is in map.html");
    let page = std::fs::read_to_string(dir.path().join("map.html")).unwrap();
    assert!(page.contains(r"\u003cscript>alert(1)") && !page.contains("<script>alert(1)"), "escaped");
    assert!(!page.contains("http://") && !page.contains("https://"), "it loads no resources");
    assert!(page.contains("Content-Security-Policy"));
    dir.run(&["dups", "--graph", "nowhere/map.html"]).exits(2).says("could not write nowhere/map.html");
}

#[test]
fn labelled_pairs_are_evaluated() {
    let dir = Dir::new();
    dir.write(
        "pairs.tsv",
        "label\tid\ttext1\ttext2\n1\t1\tHow do I sharpen a knife?\thow to sharpen knives\n0\t2\tHow do I sharpen a knife?\tWhen are roses pruned?\n",
    );
    let output = dir.run(&["eval", "--pairs", "pairs.tsv", "--json"]).success().stdout;
    let report: Value = serde_json::from_str(&output).unwrap();
    let metrics = &report["metrics"];
    assert_eq!(
        (&metrics["average_precision"], &metrics["best_f1"], &metrics["recall_at_95_precision"]),
        (&1.0.into(), &1.0.into(), &1.0.into())
    );
    assert!(metrics["ece"].as_f64().unwrap() < 0.5);
    let table = dir.run(&["eval", "--pairs", "pairs.tsv"]).success().stdout;
    assert!(table.contains("average precision") && table.contains("cosine"), "{table}");
    dir.write("pairs.tsv", "label\tid\ttext1\ttext2\n1\ta\tb\n");
    dir.run(&["eval", "--pairs", "pairs.tsv"]).exits(2).says("pairs.tsv:2: expected a label");
    dir.write("pairs.tsv", "label\tid\ttext1\ttext2\n1\t1\ta\tb\n");
    dir.run(&["eval", "--pairs", "pairs.tsv"])
        .exits(2)
        .says("must contain pairs with label 0 and pairs with label 1");
}

/// Pins the metrics on `eval/pairs.tsv`, hard pairs written for this project. Users notice a change of these
/// metrics.
#[test]
fn metrics_on_our_own_pairs_are_pinned() {
    let pairs = concat!(env!("CARGO_MANIFEST_DIR"), "/eval/pairs.tsv");
    let output = Dir::new().run(&["eval", "--pairs", pairs, "--json"]).success().stdout;
    let report: Value = serde_json::from_str(&output).unwrap();
    for (metric, pinned) in [("average_precision", 0.735), ("best_f1", 0.687)] {
        let found = report["metrics"][metric].as_f64().unwrap();
        assert!((found - pinned).abs() < 0.01, "{metric} was {pinned} and is {found:.4}");
    }
}
