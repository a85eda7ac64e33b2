//! Building and updating an index.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::util::{Dir, FAQ};

#[test]
fn only_changed_texts_are_embedded_again() {
    let dir = Dir::indexed();
    dir.run(&["index", "faq.md"]).success().says("1 file unchanged").says("0 embedded");
    dir.run(&["index", "--reread", "faq.md"]).success().says("5 questions  faq.md").says("0 embedded");
    // A new first line moves every question, but no text is new.
    dir.write("faq.md", format!("Preface.\n\n{FAQ}"));
    dir.run(&["index", "faq.md"]).success().says("5 questions  faq.md").says(" 0 embedded");
    assert_eq!(dir.export()[0]["source"]["line"], 5);
    // One changed answer has one new chunk.
    dir.write("faq.md", FAQ.replace("a night", "a whole night"));
    dir.run(&["index", "faq.md"]).success().says(" 1 embedded");
    assert!(dir.export()[0]["answer"].as_str().unwrap().contains("a whole night"));
    assert_eq!(dir.export().len(), 5);
}

#[test]
fn the_same_text_is_embedded_once() {
    let dir = Dir::new();
    dir.write("a.jsonl", "{\"q\": \"Same?\"}\n".repeat(50));
    dir.run(&["index", "a.jsonl"]).success().says("50 questions").says(" 1 embedded");
}

#[test]
fn deleted_questions_are_removed_and_ids_are_stable() {
    let dir = Dir::new();
    dir.write("docs/a.md", FAQ);
    dir.write("docs/b.md", "# B\n\n## Is this b?\n\nYes.\n");
    dir.run(&["index", "docs"]).success();
    let before = dir.export();
    assert_eq!(before.len(), 6);
    std::fs::remove_file(dir.path().join("docs/b.md")).unwrap();
    dir.write("docs/a.md", FAQ.replace("## When should I prune roses?", "## When are roses cut?"));
    dir.run(&["index"]).success().says("1 file gone");
    let after = dir.export();
    assert_eq!(after.len(), 5);
    assert!(after.iter().any(|question| question["title"] == "When are roses cut?"));
    let same_id =
        after.iter().filter(|question| before.iter().any(|old| old["id"] == question["id"])).count();
    assert_eq!(same_id, 4);
}

#[test]
fn an_index_of_many_updates_ranks_like_one_that_was_built_at_once() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files =
        ["closures.md", "memory.md", "strings.md"].map(|name| (name, fs::read(corpus.join(name)).unwrap()));
    let (at_once, updated) = (Dir::new(), Dir::new());
    for (name, content) in &files {
        at_once.write(&format!("docs/{name}"), content);
        updated.write(&format!("docs/{name}"), content);
        let other = updated.write("docs/other.md", format!("# Other\n\n## Is {name} complete?\n\nYes.\n"));
        updated.run(&["index", "docs"]).success();
        fs::remove_file(other).unwrap();
    }
    at_once.run(&["index", "docs"]).success();
    updated.run(&["index", "docs"]).success();
    for phrase in ["heap or stack", "String or &str", "FnOnce", "leaks"] {
        let hits = [&at_once, &updated].map(|dir| {
            let args = ["--json", "-n", "8", "--semantic-weight", "0.7", phrase];
            let reply: Value = serde_json::from_str(&dir.run(&args).success().stdout).unwrap();
            let hits = reply["hits"].as_array().unwrap().clone();
            hits.iter().map(|hit| (hit["id"].clone(), hit["score"].as_f64().unwrap())).collect::<Vec<_>>()
        });
        let [one, two] = &hits;
        assert_eq!(one.len(), two.len(), "{phrase}");
        for (one, two) in one.iter().zip(two) {
            assert_eq!(one.0, two.0, "{phrase}");
            assert!((one.1 - two.1).abs() < 1e-4, "{phrase}: {one:?} {two:?}");
        }
    }
}

/// The records of files are documents of the index too, but a word is rare or common among questions.
#[test]
fn the_weight_of_a_word_depends_on_the_questions_only() {
    let dir = Dir::new();
    for nth in 0..12 {
        dir.write(
            &format!("docs/{nth}.md"),
            format!("# File {nth}\n\n## Why is kettle number {nth} hot?\n\nIt is.\n"),
        );
    }
    dir.run(&["index", "--keyword-only", "docs"]).success();
    let reply = dir.run(&["--json", "--explain", "-n", "1", "kettle"]).success().stdout;
    let reply: Value = serde_json::from_str(&reply).unwrap();
    let idf = reply["hits"][0]["explanation"]["keyword"]["words"][0]["idf"].as_f64().unwrap();
    // All of the 12 questions contain the word.
    assert!((idf - (1.0_f64 + 0.5 / 12.5).ln()).abs() < 1e-4, "{idf}");
}

#[test]
fn a_second_directory_is_added_to_the_index() {
    let dir = Dir::indexed();
    dir.write("more/c.md", "# C\n\n## Is this c?\n\nYes.\n");
    dir.run(&["index", "more"]).success();
    assert_eq!(dir.export().len(), 6);
}

#[test]
fn bad_records_and_files_are_reported_and_the_rest_is_indexed() {
    let dir = Dir::new();
    dir.write("docs/good.md", FAQ);
    dir.write("docs/lines.jsonl", "{\"q\": \"One?\"}\n{\"q\": \"broken\n{\"q\": \"Three?\"}\n");
    dir.write("docs/binary.txt", b"\x00\x01\x02ELF");
    dir.write("docs/latin1.md", b"# Caf\xe9\n\n## Why \xe9?\n\nSo.\n");
    dir.write("docs/empty.md", "");
    for _ in 0..2 {
        // The second build reports the same problems again.
        let output = dir.run(&["index", "docs"]).exits(2);
        for words in ["lines.jsonl:2: ", "binary.txt: binary file", "latin1.md", "empty.md: empty file"] {
            assert!(output.stderr.contains(words), "{words}: {output:?}");
        }
        assert_eq!(dir.export().len(), 7);
    }
}

#[test]
fn ignored_and_hidden_files_are_not_indexed() {
    let dir = Dir::new();
    dir.write("docs/.git/HEAD", "");
    dir.write("docs/.gitignore", "secret.md\n");
    dir.write("docs/secret.md", "# S\n\n## Secret?\n\nYes.\n");
    dir.write("docs/.hidden.md", "# S\n\n## Hidden?\n\nYes.\n");
    dir.write("docs/open.md", "# S\n\n## Open?\n\nYes.\n");
    dir.run(&["index", "docs"]).success();
    let titles: Vec<_> = dir.export().iter().map(|question| question["title"].clone()).collect();
    assert_eq!(titles, ["Open?"]);
}

#[test]
fn a_keyword_only_index_has_no_vectors() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.run(&["index", "--keyword-only", "faq.md"]).success().says("0 chunks");
    assert_eq!(dir.titles(&["whetstone"]), ["How do I sharpen a kitchen knife?"]);
    dir.run(&["--mode", "semantic", "dull"]).exits(2).says("has keywords only");
    // The index has keywords only until a model is specified.
    dir.run(&["index", "faq.md"]).success().says("0 chunks");
    dir.run(&["index", "--model", "builtin"])
        .success()
        .says("from keyword search only to all-MiniLM-L6-v2")
        .says("10 chunks");
}

#[test]
fn the_index_is_found_in_parent_directories() {
    let dir = Dir::indexed();
    std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let found = |command: &mut std::process::Command| command.output().unwrap().status.code();
    assert_eq!(found(dir.command(&["bread"]).current_dir(dir.path().join("a/b"))), Some(0));
    let elsewhere = Dir::new();
    let index = dir.path().join(".rqsearch");
    assert_eq!(found(&mut elsewhere.command(&["--index", index.to_str().unwrap(), "bread"])), Some(0));
    assert_eq!(found(elsewhere.command(&["bread"]).env("RQSEARCH_INDEX", &index)), Some(0));
    // Options override the environment variable.
    assert_eq!(found(elsewhere.command(&["--builtin", "E0502"]).env("RQSEARCH_INDEX", "nowhere")), Some(0));
    assert_eq!(
        found(elsewhere.command(&["--index", "nowhere", "E0502"]).env("RQSEARCH_INDEX", &index)),
        Some(2)
    );
}

#[test]
fn alternative_titles_are_searched_and_shown() {
    let dir = Dir::new();
    dir.write(
        "a.md",
        "# A\n\n## Why does it hang?\n\n**Also asked**: the program freezes; stuck forever\n\nA lock.\n",
    );
    dir.run(&["index", "a.md"]).success();
    assert_eq!(dir.titles(&["--mode", "keyword", "freezes"]), ["Why does it hang?"]);
    let id = dir.export()[0]["id"].as_str().unwrap().to_owned();
    let shown = dir.run(&["show", &id]).success().stdout;
    assert!(shown.contains("also asked as: stuck forever"), "{shown}");
}

#[test]
fn a_small_update_of_a_large_index_does_not_write_all_of_it_again() {
    let dir = Dir::new();
    let questions = |numbers: std::ops::Range<u32>| -> String {
        numbers
            .map(|nth| format!("{{\"question\":\"Why does rope {nth} hold?\",\"answer\":\"It does.\"}}\n"))
            .collect()
    };
    let segments = || -> u64 {
        let stats = dir.run(&["stats", "--json"]).success().stdout;
        serde_json::from_str::<serde_json::Value>(&stats).unwrap()["segments"].as_u64().unwrap()
    };
    dir.write("docs/large.jsonl", questions(0..2_100));
    dir.write("docs/small.jsonl", questions(2_100..2_101));
    dir.run(&["index", "--keyword-only", "docs"]).success();
    assert_eq!(segments(), 1);
    dir.write("docs/small.jsonl", questions(2_101..2_103));
    dir.run(&["index", "--keyword-only", "docs"]).success();
    // Two threads write, so that the new questions are in one or two segments.
    assert!(matches!(segments(), 2 | 3), "{}", segments());
    assert_eq!(dir.export().len(), 2_102);
    // More than a tenth is new: the segments become one.
    dir.write("docs/small.jsonl", questions(2_103..2_500));
    dir.run(&["index", "--keyword-only", "docs"]).success();
    assert_eq!((segments(), dir.export().len()), (1, 2_497));
}
