//! Synonyms and pins that change while a server runs.

use super::{Served, until};
use crate::util::Dir;

const KNIFE: &str = "How do I sharpen a kitchen knife?";

#[test]
fn a_changed_file_is_used_and_a_broken_one_is_reported() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    let first = |query: &str| served.get(&format!("/search?mode=keyword&{query}")).ok()["hits"][0].clone();
    assert!(first("q=wtstn").is_null());
    dir.write(".rqsearch/synonyms.toml", "same = [[\"WTSTN\", \"whetstone\"]]");
    until("the synonym", || (first("q=wtstn")["title"] == KNIFE).then_some(()));
    assert!(first("q=wtstn&synonyms=false").is_null());
    let id = first("q=wtstn")["id"].as_str().unwrap().to_owned();

    dir.write(".rqsearch/pins.toml", format!("[[pin]]\nphrase = \"roses\"\nids = \"{id}\""));
    until("the pin", || (first("q=roses")["id"] == id.as_str()).then_some(()));
    assert_eq!(first("q=roses")["pinned"], true);
    assert_eq!(first("q=roses&pins=false")["pinned"], false);

    // The last good files are used until the broken one is repaired.
    dir.write(".rqsearch/synonyms.toml", "same = 3");
    until("the failure", || (served.get("/health").ok()["status"] == "degraded").then_some(()));
    served.logs("synonyms.toml:1: \"same\" must be a list of lists");
    assert_eq!(served.metric("rqsearch_failing{part=\"curation\"}"), 1.0);
    assert_eq!(first("q=wtstn")["title"], KNIFE);
    dir.write(".rqsearch/synonyms.toml", "");
    until("it works again", || (served.get("/health").ok()["status"] == "ok").then_some(()));
    assert!(first("q=wtstn").is_null());

    // A new commit keeps them.
    dir.write("more.md", "## Why is the sky blue?\n\nLight is scattered.\n");
    dir.run(&["index", "more.md"]).success();
    until("the commit", || (served.get("/stats").ok()["questions"] == 6).then_some(()));
    assert_eq!(first("q=roses")["id"], id.as_str());
}

#[test]
fn a_server_does_not_start_with_a_broken_file() {
    let dir = Dir::indexed();
    dir.write("mine.toml", "[[pin]]\nphrase = 3");
    dir.run(&["serve", "--listen", "127.0.0.1:0", "--pins", "mine.toml"])
        .exits(2)
        .says("mine.toml:2: phrase must be a text");
}
