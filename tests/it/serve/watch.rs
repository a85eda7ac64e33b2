//! `serve --watch`: a server that keeps its index current.

use tantivy::Directory;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};

use super::{Served, until};
use crate::util::Dir;

const KETTLE: &str = "## How do I descale a kettle?\n\nBoil vinegar in it.\n";

#[test]
fn changes_are_searched_counted_and_reported() {
    let dir = Dir::indexed();
    let mut served = Served::start(&dir, &["--watch"]);
    served.logs("watching 1 file");
    until("the first update", || {
        (served.metric("rqsearch_updates_total{result=\"succeeded\"}") >= 1.0).then_some(())
    });
    assert!(served.metric("rqsearch_last_update_timestamp_seconds") > 0.0);
    assert_eq!(served.get("/health").ok()["watching"], true);

    dir.write("faq.md", KETTLE);
    let found = || served.get("/search?q=descale+kettle&mode=keyword").ok()["hits"][0]["title"].clone();
    until("the new question", || (found() == "How do I descale a kettle?").then_some(()));

    // A failure is visible until it ends.
    let lock = MmapDirectory::open(dir.path().join(".rqsearch")).unwrap();
    let lock = until("no update runs", || lock.acquire_lock(&INDEX_WRITER_LOCK).ok());
    dir.write("faq.md", format!("{KETTLE}\n## Why wax a rope?\n\nIt lasts.\n"));
    until("the failure", || (served.get("/health").ok()["status"] == "degraded").then_some(()));
    served.logs("another process is writing the index");
    assert_eq!(served.metric("rqsearch_failing{part=\"watch\"}"), 1.0);
    assert!(served.metric("rqsearch_updates_total{result=\"failed\"}") >= 1.0);
    drop(lock);
    until("it works again", || (served.get("/health").ok()["status"] == "ok").then_some(()));
    served.logs("the index is up to date again");
    until("both questions", || (served.get("/stats").ok()["questions"] == 2).then_some(()));

    served.terminate();
    assert_eq!(served.wait().code(), Some(0));
}

#[test]
fn it_is_off_by_default_and_needs_files() {
    let dir = Dir::indexed();
    let served = Served::start(&dir, &[]);
    assert_eq!(served.get("/health").ok()["watching"], false);
    assert!(!served.get("/metrics").body.contains("rqsearch_updates_total{"));
    dir.run(&["serve", "--builtin", "--watch"]).exits(2).says("has no files to watch");
    dir.run(&["serve", "--poll", "1"]).exits(2).says("--watch");
}
