//! Evaluation on judged queries.

use serde_json::Value;

use crate::util::{Dir, FAQ};

/// Writes the questions of [`FAQ`] and realistic phrases as judged queries in BEIR layout.
fn judged(dir: &Dir) {
    let mut corpus = String::new();
    for (nth, part) in FAQ.split("\n## ").skip(1).enumerate() {
        let (title, rest) = part.split_once('\n').unwrap();
        let answer = rest.split("\n\n").last().unwrap().trim();
        let record = serde_json::json!({"_id": format!("d{nth}"), "title": title, "text": answer});
        corpus += &format!("{record}\n");
    }
    dir.write("set/corpus.jsonl", corpus);
    let queries = [
        ("q0", "loaf proofing time", "d0"),
        ("q1", "my bread has a vinegar taste", "d1"),
        ("q2", "blade is dull", "d2"),
        ("q3", "which grit for a whetstone", "d2"),
        ("q4", "nitrogen shortage", "d3"),
        ("q5", "cutting back flowering shrubs", "d4"),
        ("q6", "forsythia", "d4"),
        ("q7", "dough in the refrigerator over night", "d0"),
        ("q8", "too acid", "d1"),
        ("q9", "slant of the cut", "d4"),
        ("q10", "how long does it take", "d0"),
        ("q11", "the right angle", "d2"),
        ("q12", "a warmer place", "d1"),
        ("q13", "food for roots", "d3"),
        ("q14", "one hour", "d0"),
        ("q15", "water", "d3"),
        ("q16", "leather goods", "d2"),
        ("q17", "what to do in spring", "d4"),
    ];
    let (mut lines, mut qrels) = (String::new(), "query-id\tcorpus-id\tscore\n".to_owned());
    for (id, text, right) in queries {
        lines += &format!("{}\n", serde_json::json!({"_id": id, "text": text}));
        qrels += &format!("{id}\t{right}\t1\n");
    }
    dir.write("set/queries.jsonl", lines);
    dir.write("set/qrels/test.tsv", qrels);
    dir.write(
        "set/queries_out_of_scope.jsonl",
        "{\"_id\": \"o0\", \"text\": \"install a printer driver\"}\n{\"_id\": \"o1\", \"text\": \"cheap flights to Lisbon\"}\n",
    );
}

fn row<'a>(report: &'a Value, mode: &str) -> &'a Value {
    report["rows"].as_array().unwrap().iter().find(|row| row["mode"] == mode).unwrap()
}

/// Users notice a change of these metrics. If you change them, explain in the commit why the change is an
/// improvement.
#[test]
fn metrics_of_a_small_set_are_pinned_to_four_digits() {
    let dir = Dir::new();
    judged(&dir);
    let output = dir.run(&["eval", "--json", "set"]).success();
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    for (mode, pinned) in [
        ("keyword", [0.6812, 0.6667, 0.7222, 0.6111, 0.7222]),
        ("semantic", [0.8962, 0.8796, 0.9444, 0.8333, 0.9444]),
        ("hybrid", [0.9239, 0.9167, 0.9444, 0.8889, 0.9444]),
    ] {
        let row = row(&report, mode);
        assert_eq!(row["queries"], 18);
        let names = ["ndcg_10", "mrr_10", "recall_100", "success_1", "success_5"];
        let found = names.map(|name| (row[name].as_f64().unwrap() * 1e4).round() / 1e4);
        assert_eq!(found, pinned, "{mode}");
    }
    // No question of the set is collapsed.
    assert_eq!(row(&report, "collapsed")["ndcg_10"], row(&report, "hybrid")["ndcg_10"]);
    let calibration = &report["calibration"][0];
    assert_eq!(calibration["out_of_scope_rejected"], 1.0, "{calibration}");
}

/// What users get is what is evaluated.
#[test]
fn a_batch_returns_the_hits_that_are_evaluated() {
    let dir = Dir::new();
    judged(&dir);
    let phrases = [
        "the \"doubled in size\" rule",
        "\"whetstone\"",
        "bread -sourdough",
        "-sour",
        "  how long: (dough) AND \"rise\"  ",
        "What's \"nitrogen",
        "How long should bread dough rise?",
    ];
    let lines: String = (0..)
        .zip(phrases)
        .map(|(nth, text)| format!("{}\n", serde_json::json!({"_id": format!("q{nth}"), "text": text})))
        .collect();
    dir.write("set/queries.jsonl", &lines);
    let qrels: String = (0..phrases.len()).map(|nth| format!("q{nth}\td0\t1\n")).collect();
    dir.write("set/qrels/test.tsv", qrels);
    dir.run(&["index", "set/corpus.jsonl"]).success();
    let index = dir.path().join(".rqsearch");
    dir.run(&["eval", "--index", index.to_str().unwrap(), "--run", "run.txt", "set"]).success();
    let run = std::fs::read_to_string(dir.path().join("run.txt")).unwrap();
    let batch = dir.run(&["--batch", "set/queries.jsonl", "--all", "-n", "100"]).success().stdout;
    let mut found = String::new();
    for line in batch.lines() {
        let reply: Value = serde_json::from_str(line).unwrap();
        for hit in reply["hits"].as_array().unwrap() {
            found += &format!(
                "{} {} {}\n",
                reply["_id"].as_str().unwrap(),
                hit["key"].as_str().unwrap(),
                hit["rank"]
            );
        }
    }
    let evaluated = run.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let evaluated: String =
        evaluated.map(|columns| format!("{} {} {}\n", columns[0], columns[2], columns[3])).collect();
    assert!(evaluated.lines().count() > 2 * phrases.len(), "{evaluated}");
    assert_eq!(found, evaluated);
}

/// The phrases of a file are identified by their line numbers, which may be keys of questions.
#[test]
fn line_numbers_are_not_keys_of_questions() {
    let dir = Dir::new();
    dir.write("faq.csv", "id,question,answer\n1,Why wax a rope?,It lasts.\n2,How long must dough rise?,An hour.\n3,Who cuts glass?,A glazier.\n");
    dir.run(&["index", "faq.csv"]).success();
    dir.write("judged.tsv", "wax a rope\twhy wax\nrising dough\tmust dough\ncutting glass\tcuts glass\n");
    let report: Value =
        serde_json::from_str(&dir.run(&["eval", "--json", "judged.tsv"]).success().stdout).unwrap();
    assert_eq!(row(&report, "hybrid")["ndcg_10"], 1.0);
}

/// In some sets each query is a document.
#[test]
fn a_query_is_not_its_own_answer() {
    let dir = Dir::new();
    judged(&dir);
    dir.write("set/queries.jsonl", "{\"_id\": \"d0\", \"text\": \"How long should bread dough rise?\"}\n");
    dir.write("set/qrels/test.tsv", "d0\td0\t1\nd0\td1\t1\n");
    let report: Value = serde_json::from_str(&dir.run(&["eval", "--json", "set"]).success().stdout).unwrap();
    assert_eq!(row(&report, "hybrid")["recall_100"], 1.0);
}

#[test]
fn one_set_does_not_show_how_good_a_fit_is() {
    let dir = Dir::new();
    judged(&dir);
    let output = dir.run(&["eval", "--json", "--fit", "fit.json", "set"]).success();
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["calibration"], serde_json::json!([]));
    output.says("no other set shows how good the fit is");
}

#[test]
fn the_table_has_a_row_per_set_and_mode_and_mean_rows() {
    let dir = Dir::new();
    judged(&dir);
    dir.write("phrases.tsv", "# a remark\ndull blade\tsharpen a kitchen|prune\ncheap flights\t\n");
    dir.run(&["index", "set/corpus.jsonl"]).success();
    let table = dir.run(&["eval", "set", "phrases.tsv"]).success().stdout;
    let starts = |start: &str| table.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((starts("set "), starts("phrases "), starts("mean ")), (1 + 4 + 2, 4 + 2, 4), "{table}");
    assert!(table.contains("nDCG@10") && table.contains("ECE"), "{table}");
}

#[test]
fn the_hits_that_users_see_are_evaluated_too() {
    let dir = Dir::new();
    dir.write(
        "a.jsonl",
        "{\"question\": \"How do I wax a rope against the rain?\"}\n{\"question\": \"How can I wax a rope against the rain?\"}\n{\"question\": \"When are roses pruned?\"}\n",
    );
    dir.write("phrases.tsv", "how do I wax a rope against the rain\thow can i wax\n");
    dir.run(&["index", "a.jsonl"]).success();
    let output = dir.run(&["eval", "--json", "phrases.tsv"]).success();
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let found = |mode: &str| row(&report, mode)["success_10"].as_f64().unwrap();
    assert_eq!(
        (found("hybrid"), found("collapsed")),
        (1.0, 0.0),
        "the right question is not a hit of its own"
    );
}

#[test]
fn a_run_file_is_written_and_compared() {
    let dir = Dir::new();
    judged(&dir);
    dir.run(&["eval", "--run", "a.run", "set"]).success();
    let run = std::fs::read_to_string(dir.path().join("a.run")).unwrap();
    let first: Vec<&str> = run.lines().next().unwrap().split(' ').collect();
    assert_eq!([first[0], first[1], first[2], first[3], first[5]], ["q0", "Q0", "d0", "1", "rqsearch"]);
    dir.run(&["eval", "--compare", "a.run", "set"]).success().says("+0.0000, p = 1.0000");
    dir.write("b.run", "q0 Q0 d0\n");
    dir.run(&["eval", "--compare", "b.run", "set"]).exits(2).says("b.run:1: expected the six columns");
    dir.write("b.run", "other Q0 d0 1 1.0 x\n");
    dir.run(&["eval", "--compare", "b.run", "set"]).exits(2).says("has no rankings for the queries of set");
    dir.run(&["eval", "--compare", "a.run", "set", "set"]).exits(2).says("accept only one set");
}

#[test]
fn a_fitted_model_is_written_with_feature_names() {
    let dir = Dir::new();
    judged(&dir);
    dir.run(&["eval", "--fit", "model.json", "set"]).success();
    let model: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("model.json")).unwrap()).unwrap();
    assert_eq!(model["features"][0]["name"], "cosine");
    assert!((0.0..1.0).contains(&model["threshold"].as_f64().unwrap()));
}

#[test]
fn errors_in_a_set_name_file_and_line() {
    let dir = Dir::new();
    judged(&dir);
    let qrels = |lines: &str| dir.write("set/qrels/test.tsv", lines);
    qrels("q0\td0\t1\nq0\td99\t1\n");
    dir.run(&["eval", "set"]).exits(2).says("test.tsv:2: document id \"d99\" is not in corpus.jsonl");
    qrels("q77\td0\t1\n");
    dir.run(&["eval", "set"]).exits(2).says("test.tsv:1: query id \"q77\" is not in queries.jsonl");
    qrels("q0\td0\t1\nq1 d1 1\n");
    dir.run(&["eval", "set"]).exits(2).says("test.tsv:2: expected query id, document id and judgment");
    qrels("q0\td0\t1\nq1\td1\tyes\n");
    dir.run(&["eval", "set"]).exits(2).says("test.tsv:2: invalid judgment \"yes\"");
    qrels("q0\td0\t0\n");
    dir.run(&["eval", "set"]).exits(2).says("contains no judged queries");
    dir.write("set/queries.jsonl", "{\"_id\": \"q0\"\n");
    dir.run(&["eval", "set"]).exits(2).says("queries.jsonl:1: expected a JSON object with `_id`");
    dir.run(&["eval", "nowhere"]).exits(2).says("could not open");
    dir.write("phrases.tsv", "no tab here\n");
    dir.run(&["eval", "phrases.tsv"]).exits(2).says("phrases.tsv:1: expected a phrase, a tab");
}

#[test]
fn a_calibrated_index_shows_probabilities() {
    let dir = Dir::indexed();
    let phrases = [
        ("loaf proofing time", "bread dough"),
        ("dull blade", "sharpen"),
        ("sour loaf", "sourdough"),
        ("yellow tomato leaves", "tomato"),
        ("cutting roses", "prune"),
        ("a printer driver for the kitchen", ""),
    ];
    let lines: Vec<String> = phrases.iter().map(|(phrase, title)| format!("{phrase}\t{title}\n")).collect();
    let repeated = |count: usize| -> String { lines.iter().cycle().take(count).cloned().collect() };
    dir.write("judged.tsv", repeated(49));
    dir.run(&["eval", "--calibrate", "judged.tsv"]).exits(2).says("needs at least 50 judged phrases");
    let best = || -> Value {
        let output = dir.run(&["--json", "-n", "1", "how to prune roses"]).success();
        serde_json::from_str::<Value>(&output.stdout).unwrap()["hits"][0].clone()
    };
    assert!(best()["probability"].is_null() && best()["confidence"].is_number());
    let shown = || dir.run(&["-n", "1", "how to prune roses"]).success().stdout;
    assert!(!shown().contains(" %"), "{}", shown());

    // Phrases that nothing answers must be unlikely, the others likely.
    dir.write("judged.tsv", repeated(120));
    let output = dir.run(&["eval", "--calibrate", "--json", "judged.tsv"]).success();
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let scaling = &report["scaling"];
    assert_eq!(scaling["scaling"]["examples"], 120);
    assert!(scaling["ece"].as_f64() < scaling["ece_before"].as_f64(), "{scaling}");
    let probability = best()["probability"].as_f64().unwrap();
    assert!(probability > best()["confidence"].as_f64().unwrap() && probability < 1.0, "{probability}");
    let percent = format!(" {:.0} %", (100.0 * probability).min(99.0));
    assert!(shown().contains(&percent), "{} {percent}", shown());

    // An update keeps the calibration.
    dir.write("more.md", "# More\n\n## Is this more?\n\nYes.\n");
    dir.run(&["index", "more.md"]).success();
    assert!((best()["probability"].as_f64().unwrap() - probability).abs() < 0.01, "{}", best());
    dir.run(&["--builtin", "eval", "--calibrate", "judged.tsv"])
        .exits(2)
        .says("built-in index cannot be changed");
    judged(&dir);
    dir.run(&["eval", "--calibrate", "set"]).exits(2).says("needs at least 50");
    // An index of the set's own corpus would be deleted. It is not built.
    let queries = |line: fn(usize) -> String| (0..50).map(line).collect::<String>();
    dir.write(
        "set/queries.jsonl",
        queries(|nth| format!("{{\"_id\":\"{nth}\",\"text\":\"phrase {nth}\"}}\n")),
    );
    dir.write("set/qrels/test.tsv", queries(|nth| format!("{nth}\td1\t1\n")));
    dir.write("set/corpus.jsonl", "{\"_id\":\"d1\"}\n");
    dir.run(&["eval", "--calibrate", "set"]).exits(2).says("set has a corpus of its own");
}
