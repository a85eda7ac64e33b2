//! Synonyms and pins: files beside the index that change searches without changing documents.

use std::fs;

use serde_json::{Value, json};

use crate::util::Dir;

const SYNONYMS: &str = ".rqsearch/synonyms.toml";
const PINS: &str = ".rqsearch/pins.toml";

const BREAD: &str = "How long should bread dough rise?";
const SOUR: &str = "Why does my sourdough taste too sour?";
const KNIFE: &str = "How do I sharpen a kitchen knife?";
const TOMATO: &str = "Why are the leaves of my tomato plants yellow?";
const ROSES: &str = "When should I prune roses?";

fn reply(dir: &Dir, args: &[&str]) -> Value {
    let output = dir.run(&[args, &["--json"]].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// The id of the question with a title.
fn id(dir: &Dir, title: &str) -> String {
    let questions = dir.export();
    let question = questions.iter().find(|question| question["title"] == title).unwrap();
    question["id"].as_str().unwrap().to_owned()
}

fn pin(phrase: &str, keys: &str) -> String {
    format!("[[pin]]\nphrase = \"{phrase}\"\n{keys}\n")
}

#[test]
fn synonyms_take_effect_without_indexing() {
    let dir = Dir::indexed();
    let keyword = |phrase: &str| dir.titles(&["--mode", "keyword", phrase]);
    assert_eq!(keyword("zwiebelmesser"), [""; 0]);
    dir.write(SYNONYMS, "same = [[\"zwiebelmesser\", \"kitchen knife\"], [\"WTSTN\", \"whetstone\"]]");
    assert_eq!(keyword("zwiebelmesser"), [KNIFE]);
    assert_eq!(keyword("wtstn"), [KNIFE]);
    assert_eq!(dir.titles(&["--mode", "keyword", "--no-synonyms", "wtstn"]), [""; 0]);
    dir.write(SYNONYMS, "[expand]\nwtstn = \"forsythia\"");
    assert_eq!(keyword("wtstn"), [ROSES]);
    let named = dir.write("mine.toml", "same = [[\"wtstn\", \"tomato\"]]");
    assert_eq!(dir.titles(&["--mode", "keyword", "--synonyms", named.to_str().unwrap(), "wtstn"]), [TOMATO]);
    fs::remove_file(dir.path().join(SYNONYMS)).unwrap();
    assert_eq!(keyword("wtstn"), [""; 0]);
}

#[test]
fn the_model_reads_the_expansion() {
    let dir = Dir::indexed();
    dir.write(SYNONYMS, "same = [[\"XQZ\", \"sharpen\"]]");
    let cosine = |options: &[&str]| {
        let args = [options, &["--mode", "semantic", "--explain", "XQZ a blade"]].concat();
        let reply = reply(&dir, &args);
        let hit = reply["hits"].as_array().unwrap().iter().find(|hit| hit["title"] == KNIFE);
        hit.map_or(0.0, |hit| hit["explanation"]["semantic"]["cosine"].as_f64().unwrap())
    };
    assert!(cosine(&[]) > cosine(&["--no-synonyms"]) + 0.1);
}

#[test]
fn explanations_name_the_entry() {
    let dir = Dir::indexed();
    dir.write(SYNONYMS, "# house words\nsame = [\n  [\"WTSTN\", \"whetstone\"],\n]\n");
    let reply = reply(&dir, &["--explain", "which WTSTN"]);
    let why = &reply["hits"][0]["explanation"];
    assert_eq!(why["synonyms"], json!([{"written": "WTSTN", "expansions": ["whetstone"], "lines": [3]}]));
    let word = why["keyword"]["words"].as_array().unwrap().iter().find(|word| word["word"] == "WTSTN");
    assert_eq!(word.unwrap()["synonyms"], json!(["whetstone"]));
    assert_eq!(word.unwrap()["answer"], 1);
    let text = dir.run(&["--explain", "which WTSTN"]).stdout;
    assert!(text.contains("synonym: “WTSTN” finds “whetstone” (line 3)"), "{text}");
}

#[test]
fn a_title_through_a_synonym_is_nearly_exact() {
    let dir = Dir::indexed();
    dir.write(SYNONYMS, "same = [[\"MSR\", \"kitchen knife\"]]");
    let hit = &reply(&dir, &["--explain", "How do I sharpen a MSR?"])["hits"][0];
    assert_eq!((&hit["title"], &hit["explanation"]["near"]), (&json!(KNIFE), &json!(true)));
    assert_eq!(hit["explanation"]["exact"], false);
    assert!(hit["confidence"].as_f64().unwrap() >= 0.95);
}

#[test]
fn a_broken_file_is_an_error_with_its_line() {
    let dir = Dir::indexed();
    dir.write(SYNONYMS, "same = [\n  [\"a\", \"b\"],\n  [\"c\"],\n]");
    for args in [&["roses"][..], &["curation"], &["--batch", "faq.md"], &["gaps", "faq.md"]] {
        dir.run(args).exits(2).says("synonyms.toml:3: an entry of \"same\" needs two texts or more");
    }
    // Commands that do not search do not read it.
    dir.run(&["index"]).success();
    dir.run(&["check"]).success();
    fs::remove_file(dir.path().join(SYNONYMS)).unwrap();
    dir.write(PINS, "[[pin]]\nphrase = \"a\"\nid = \"b\"");
    dir.run(&["roses"]).exits(2).says("pins.toml:3: \"id\" is not a key here; allowed are \"phrase\"");
    dir.run(&["roses", "--pins", "nowhere.toml"]).exits(2).says("could not read nowhere.toml");
}

#[test]
fn pinned_questions_come_first_and_keep_their_confidence() {
    let dir = Dir::indexed();
    let (knife, roses) = (id(&dir, KNIFE), id(&dir, ROSES));
    let before = reply(&dir, &["bread dough", "--all"]);
    dir.write(
        PINS,
        pin(
            "bread dough",
            &format!("ids = [\"{knife}\", \"{roses}\"]\nnote = \"Sale\"\nby = \"Ana\"\ndate = 2026-11-29"),
        ),
    );
    let after = reply(&dir, &["bread dough", "--all", "--explain"]);
    let hits = after["hits"].as_array().unwrap();
    assert_eq!(
        (&hits[0]["title"], &hits[1]["title"], &hits[2]["title"]),
        (&json!(KNIFE), &json!(ROSES), &json!(BREAD))
    );
    let pinned: Vec<bool> = hits.iter().map(|hit| hit["pinned"].as_bool().unwrap()).collect();
    assert!(pinned[0] && pinned[1] && pinned[2..].iter().all(|pinned| !pinned));
    assert_eq!(hits[0]["quality"], "weak");
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    // The other hits are as before.
    let others = |reply: &Value| -> Vec<Value> {
        let hits = reply["hits"].as_array().unwrap().iter();
        hits.filter(|hit| hit["title"] != KNIFE && hit["title"] != ROSES)
            .map(|hit| json!([hit["title"], hit["score"], hit["confidence"]]))
            .collect()
    };
    assert_eq!(others(&before), others(&after));
    let explained = &hits[0]["explanation"];
    assert_eq!((&explained["raised"], &explained["pin"]["line"]), (&json!("pinned"), &json!(1)));
    assert_eq!((&explained["pin"]["by"], &explained["pin"]["date"]), (&json!("Ana"), &json!("2026-11-29")));
    let text = dir.run(&["bread dough", "--explain"]).success().stdout;
    for words in ["pinned · faq.md", "pin of line 1 for “bread dough”, decided by Ana on 2026-11-29", "Sale"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(dir.titles(&["Bread dough!"])[0], KNIFE, "compared like titles");
    assert_eq!(dir.titles(&["bread dough", "--no-pins"])[0], BREAD);
    assert_eq!(dir.titles(&["bread dough rises"])[0], BREAD, "another phrase");
}

#[test]
fn a_pinned_phrase_is_answered() {
    let dir = Dir::indexed();
    let phrase = "quarterly tax return";
    dir.run(&[phrase]).exits(1);
    dir.write("asked.txt", format!("{phrase}\n{phrase} form\n{phrase}\n"));
    let answered = || reply(&dir, &["gaps", "asked.txt"])["answered"].clone();
    assert_eq!(answered(), json!({"phrases": 0, "asked": 0}));
    dir.write(PINS, pin(phrase, &format!("ids = \"{}\"", id(&dir, ROSES))));
    let output = dir.run(&[phrase]).success();
    assert!(output.stdout.contains(ROSES) && !output.stderr.contains("Nothing answers"), "{output:?}");
    assert_eq!(answered(), json!({"phrases": 1, "asked": 2}));
    // A filter that the pinned question does not pass.
    let filtered = dir.run(&[phrase, "--tag", "bread"]).exits(1);
    assert!(!filtered.stdout.contains(ROSES), "{filtered:?}");
}

#[test]
fn a_pin_applies_by_meaning() {
    let dir = Dir::indexed();
    let first = |phrase: &str| dir.titles(&[phrase])[0].clone();
    let pins = |meaning: &str| {
        let text =
            pin("When do I cut back rose bushes?", &format!("{meaning}\nids = \"{}\"", id(&dir, SOUR)));
        dir.write(PINS, text);
    };
    pins("meaning = true");
    assert_eq!(first("when should rose bushes be cut back"), SOUR);
    assert_eq!(first("how do I water tomatoes"), TOMATO);
    pins("");
    assert_eq!(first("when should rose bushes be cut back"), ROSES);
    pins("meaning = 0.999");
    assert_eq!(first("when should rose bushes be cut back"), ROSES);
    // Without vectors, the phrase counts.
    pins("meaning = true");
    assert_eq!(dir.titles(&["--mode", "keyword", "when should rose bushes be cut back"])[0], ROSES);
    assert_eq!(dir.titles(&["--mode", "keyword", "when do I cut back rose bushes"])[0], SOUR);
}

#[test]
fn hidden_questions_are_not_found_and_pages_are_complete() {
    let dir = Dir::indexed();
    let all = reply(&dir, &["bread", "--all"]);
    dir.write(
        PINS,
        pin("bread", &format!("ids = \"{}\"\nhide = [\"{}\"]", id(&dir, ROSES), id(&dir, BREAD))),
    );
    let pinned = reply(&dir, &["bread", "--all"]);
    let titles = |reply: &Value| -> Vec<String> {
        let hits = reply["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["title"].as_str().unwrap().to_owned()).collect()
    };
    let expected = titles(&pinned);
    assert_eq!(expected[0], ROSES);
    let sorted = |mut titles: Vec<String>| {
        titles.retain(|title| title != BREAD && title != ROSES);
        titles.sort();
        titles
    };
    assert_eq!(sorted(expected.clone()), sorted(titles(&all)));
    assert!(!expected.contains(&BREAD.to_owned()));
    assert_eq!(pinned["total"], json!(expected.len()));
    let mut paged = Vec::new();
    let mut offset = Some(0);
    while let Some(at) = offset {
        let page = reply(&dir, &["bread", "--all", "-n", "1", "--offset", &at.to_string()]);
        paged.extend(titles(&page));
        offset = page["next"].as_u64();
    }
    assert_eq!(paged, expected);
    assert!(!dir.titles(&["bread", "--sort", "newest"]).contains(&BREAD.to_owned()));
}

#[test]
fn unknown_ids_and_unused_synonyms_are_reported() {
    let dir = Dir::indexed();
    let known = id(&dir, ROSES);
    dir.write(SYNONYMS, "same = [[\"WTSTN\", \"whetstone\"]]\n[expand]\nfoo = [\"quux\"]\n[ja]\nsame = [[\"roses\", \"flowers\"]]");
    dir.write(PINS, pin("bread", &format!("ids = [\"{known}\", \"0000\"]")));
    dir.run(&["bread"]).success().says("the pin in line 1 names questions that are not in the index: 0000");
    let listed = dir.run(&["curation"]).exits(1).stdout;
    for words in [
        "synonyms  3 in ",
        "     1  WTSTN = whetstone\n",
        "     3  foo → quux  no effect: no question contains it",
        "     5  [ja] roses = flowers  no effect: no question is in this language",
        "first   0000  not in the index",
    ] {
        assert!(listed.contains(words), "{words}: {listed}");
    }
    let listed = reply(&dir, &["curation", "--problems"]);
    assert_eq!(listed["synonyms"].as_array().unwrap().len(), 2);
    assert_eq!(listed["synonyms"][0]["missing"], json!(["quux"]));
    assert_eq!(
        listed["pins"][0]["first"],
        json!([{"id": known, "title": ROSES}, {"id": "0000", "title": null}])
    );
    dir.write(SYNONYMS, "");
    dir.write(PINS, "");
    dir.run(&["curation"]).success();
    dir.run(&["curation", "--builtin"]).success();
}

#[test]
fn the_files_survive_updates_checks_and_snapshots() {
    let dir = Dir::new();
    let synonyms = "same = [[\"WTSTN\", \"whetstone\"]]";
    // They may be there before the index.
    dir.write("idx/synonyms.toml", synonyms);
    dir.write("faq.md", crate::util::FAQ);
    dir.run(&["index", "--index", "idx", "faq.md"]).success();
    dir.write("idx/pins.toml", pin("bread", "hide = \"0000\""));
    dir.run(&["index", "--index", "idx", "--reread"]).success();
    dir.run(&["check", "--index", "idx", "--repair"]).success();
    dir.run(&["snapshot", "--index", "idx", "backup.zip"]).success();
    dir.run(&["restore", "backup.zip", "--index", "new"]).success();
    for folder in ["idx", "new"] {
        assert_eq!(fs::read_to_string(dir.path().join(folder).join("synonyms.toml")).unwrap(), synonyms);
        assert!(dir.path().join(folder).join("pins.toml").is_file());
        assert_eq!(dir.titles(&["--index", folder, "--mode", "keyword", "wtstn"]), [KNIFE]);
    }
    // Those of the snapshot replace others.
    dir.write("new/synonyms.toml", "");
    dir.run(&["restore", "backup.zip", "--index", "new", "--force"]).success();
    assert_eq!(dir.titles(&["--index", "new", "--mode", "keyword", "wtstn"]), [KNIFE]);
}

#[test]
fn eval_measures_the_ranking_without_pins() {
    let dir = Dir::indexed();
    dir.write("judged.tsv", "bread dough\tbread dough rise\nwtstn\tsharpen a kitchen knife\n");
    dir.write(PINS, pin("bread dough", &format!("ids = [\"{}\"]", id(&dir, ROSES))));
    let success = |args: &[&str]| {
        let reply = reply(&dir, &[&["eval", "judged.tsv"], args].concat());
        let rows = reply["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["mode"] == "keyword").unwrap();
        row["success_1"].as_f64().unwrap()
    };
    assert_eq!((success(&[]), success(&["--with-pins"])), (0.5, 0.0));
    dir.write(SYNONYMS, "same = [[\"WTSTN\", \"whetstone\"]]");
    assert_eq!((success(&[]), success(&["--no-synonyms"])), (1.0, 0.5));
}
