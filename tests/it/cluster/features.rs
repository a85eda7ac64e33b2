//! What an index in a cluster does as one in a directory does: synonyms, pins, facets, suggestions, single changes, and
//! updates whenever a file changes.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{Server, builtin};
use crate::serve::Served;
use crate::util::{Dir, until};

const TOKEN: &str = "admin-0123456789abcdef";

/// The reply to a search of an index, without what depends on the index and the time.
fn reply(dir: &Dir, index: &str, args: &[&str]) -> Value {
    let output = dir.run(&[args, &["--json", "--all", "--index", index]].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn titles(reply: &Value) -> Vec<&str> {
    reply["hits"].as_array().unwrap().iter().map(|hit| hit["title"].as_str().unwrap()).collect()
}

fn id(dir: &Dir, title: &str) -> String {
    let questions = dir.export();
    let question = questions.iter().find(|question| question["title"] == title).unwrap();
    question["id"].as_str().unwrap().to_owned()
}

#[test]
fn synonyms_pins_and_filters_have_the_same_effect_as_in_a_directory() {
    let Some(server) = Server::start() else { return };
    let (dir, remote) = (Dir::indexed(), server.address("faq"));
    dir.run(&["copy", ".rqsearch", &remote]).success();
    dir.write("synonyms.toml", "same = [[\"WTSTN\", \"whetstone\"], [\"flower care\", \"prune roses\"]]");
    let pins = format!(
        "[[pin]]\nphrase = \"bread\"\nids = [\"{}\", \"no-such-key\"]\nhide = [\"{}\"]\n\n\
         [[pin]]\nphrase = \"yellow tomato leaves\"\nids = [\"{}\"]\nmeaning = 0.7\n",
        id(&dir, "When should I prune roses?"),
        id(&dir, "Why does my sourdough taste too sour?"),
        id(&dir, "How do I sharpen a kitchen knife?"),
    );
    dir.write("pins.toml", pins);
    let files = ["--synonyms", "synonyms.toml", "--pins", "pins.toml"];
    for (args, first) in [
        (&["wtstn"][..], "How do I sharpen a kitchen knife?"),
        (&["wtstn", "--mode", "keyword"], "How do I sharpen a kitchen knife?"),
        (&["flower care"], "When should I prune roses?"),
        (&["bread"], "When should I prune roses?"),
        (&["bread", "--section", "kitchen"], "How long should bread dough rise?"),
        (&["why are tomato leaves yellow"], "How do I sharpen a kitchen knife?"),
        (&["knife", "--language", "en"], "How do I sharpen a kitchen knife?"),
    ] {
        let args = [args, &files].concat();
        let (expected, found) = (reply(&dir, ".rqsearch", &args), reply(&dir, &remote, &args));
        assert_eq!(titles(&found), titles(&expected), "{args:?}");
        assert_eq!((titles(&found)[0], &found["pinned"]), (first, &expected["pinned"]), "{args:?}");
    }
    assert!(titles(&reply(&dir, &remote, &["knife", "--language", "de"])).is_empty());
    let report = |index: &str| -> Value {
        let output = dir.run(&[&["curation", "--json", "--index", index][..], &files].concat());
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    assert_eq!(report(&remote), report(".rqsearch"));
}

#[test]
fn facets_count_the_candidates_and_suggestions_are_titles() {
    let Some(server) = Server::start() else { return };
    let (dir, local, remote) = (Dir::new(), builtin(), server.address("rust"));
    dir.run(&["copy", &local, &remote]).success();
    for args in [&["what is a mutex"][..], &["trait objects", "--section", "traits"], &["E0502"]] {
        let args = [args, &["--facets", "section,tag,level,language,source,year"]].concat();
        // A value is spelled as in the first question with it, which need not be the same one.
        let facets = |index: &str| reply(&dir, index, &args)["facets"].to_string().to_lowercase();
        // All 660 questions are candidates: those of the best 2,000.
        assert_eq!(facets(&remote), facets(&local), "{args:?}");
    }
    let (here, there) =
        (Served::start(&dir, &["--index", &local]), Served::start(&dir, &["--index", &remote]));
    for typed in ["what+is+a+mu", "how+do+i+", "lifet", "e05", "why+does+the+borrow+ch", "zzzz"] {
        let suggested = |served: &Served| {
            let reply = served.get(&format!("/suggest?q={typed}&limit=3")).ok();
            reply.as_array().unwrap().iter().map(|one| one["title"].clone()).collect::<Vec<_>>()
        };
        let (expected, found) = (suggested(&here), suggested(&there));
        assert_eq!(found.first(), expected.first(), "{typed}");
    }
}

#[test]
fn programs_write_single_questions() {
    let Some(server) = Server::start() else { return };
    let (dir, remote) = (Dir::indexed(), server.address("faq"));
    dir.write("token", TOKEN);
    dir.run(&["copy", ".rqsearch", &remote]).success();
    let served = Served::start(&dir, &["--index", &remote, "--admin-token-file", "token"]);
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let send =
        |method: &str, path: &str, body: &Value| served.send(method, path, &headers, &body.to_string());
    let put = |id: &str, title: &str| {
        let question = json!({"question": title, "answer": "It swims.", "also": ["Which animal swims?"]});
        send("PUT", &format!("/questions/{id}"), &question).ok()["effect"].clone()
    };
    let found = |phrase: &str| {
        let reply = served.get(&format!("/search?q={phrase}")).ok();
        reply["hits"].get(0).map(|hit| hit["title"].as_str().unwrap().to_owned())
    };
    assert_eq!(put("otter", "What is an otter?"), "created");
    assert_eq!(found("otter").as_deref(), Some("What is an otter?"));
    assert_eq!(put("otter", "What is an otter?"), "unchanged");
    assert_eq!(put("otter", "What does an otter eat?"), "replaced");
    assert_eq!(found("otter").as_deref(), Some("What does an otter eat?"));
    let many = json!([
        {"id": "bird", "question": "What is a heron?"},
        {"question": "What is a stork?"},
        {"id": "bird", "question": "What is an egret?"},
    ]);
    let results = send("POST", "/questions", &many).ok()["results"].clone();
    assert_eq!(
        results.as_array().unwrap().iter().map(|one| &one["effect"]).collect::<Vec<_>>(),
        ["created", "created", "replaced"]
    );
    assert_eq!(served.get("/stats").ok()["questions"], 8);
    let roses = id(&dir, "When should I prune roses?");
    send("DELETE", &format!("/questions/{roses}"), &json!(null)).problem(409, "faq.md");
    send("DELETE", "/questions/badger", &json!(null)).problem(404, "badger");
    assert_eq!(send("DELETE", "/questions/otter", &json!(null)).status, 200);
    assert_ne!(found("otter").as_deref(), Some("What does an otter eat?"));
    // An update from files keeps what programs have written, and is not undone by it.
    dir.write("faq.md", crate::util::FAQ.replace("roses", "tulips"));
    dir.run(&["index", "faq.md", "--index", &remote]).success();
    let export = dir.run(&["export", "--index", &remote]).success().stdout;
    for (words, is_there) in [
        ("prune tulips", true),
        ("prune roses", false),
        ("otter", false),
        ("stork", true),
        ("egret", true),
        ("heron", false),
    ] {
        assert_eq!(export.contains(words), is_there, "{words}: {export}");
    }
}

#[test]
fn watch_updates_a_cluster_whenever_a_file_changes() {
    let Some(mut server) = Server::start() else { return };
    let (dir, remote) = (Dir::new(), server.address("faq"));
    dir.write("docs/a.md", "## What is an otter?\n\nAn animal.\n");
    let args = ["watch", "docs", "--quiet-time", "0.05", "--index", &remote];
    let mut watch = dir.command(&args).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let indexes = |expected: &[&str]| {
        until(&format!("{expected:?}"), || {
            let output = dir.run(&["export", "--index", &remote]).stdout;
            let title = |line: &str| {
                serde_json::from_str::<Value>(line).unwrap()["title"].as_str().unwrap().to_owned()
            };
            (output.lines().map(title).collect::<Vec<_>>() == expected).then_some(())
        });
    };
    indexes(&["What is an otter?"]);
    dir.write("docs/b.md", "## What is a heron?\n\nA bird.\n");
    indexes(&["What is an otter?", "What is a heron?"]);
    server.restart();
    std::fs::remove_file(dir.path().join("docs/a.md")).unwrap();
    indexes(&["What is a heron?"]);
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn a_server_keeps_an_index_in_a_cluster_current() {
    let Some(server) = Server::start() else { return };
    let (dir, remote) = (Dir::new(), server.address("faq"));
    dir.write("docs/a.md", "## What is an otter?\n\nAn animal.\n");
    dir.run(&["index", "docs", "--index", &remote]).success();
    let served = Served::start(&dir, &["--index", &remote, "--watch"]);
    dir.write("docs/b.md", "## What is a heron?\n\nA bird.\n");
    until("the heron is found", || {
        let reply = served.get("/search?q=heron").ok();
        (reply["hits"][0]["title"] == "What is a heron?").then_some(())
    });
    assert_eq!(served.get("/health").ok()["watching"], true);
}
