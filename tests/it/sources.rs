//! What is read, and how: formats and keys that the user names.

use crate::util::Dir;

const PROMPTS: &str = r#"{"prompt_text":"Why wax a rope?","reply":{"best":"It lasts longer."},"topic":"Ropes"}
{"prompt_text":"Is tar hard to remove?","reply":{"best":"Not with warm oil."},"topic":"Tar"}
"#;

const MAP: &str = "question=prompt_text,answer=reply.best";

fn titles(dir: &Dir) -> Vec<String> {
    dir.export().iter().map(|question| question["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_index_remembers_the_keys_of_each_path() {
    let dir = Dir::new();
    dir.write("data/a.jsonl", PROMPTS);
    dir.write("other.jsonl", r#"{"question":"Who ties knots?","answer":"Sailors."}"#);
    dir.run(&["index", "--keyword-only", "other.jsonl"]).success();
    dir.run(&["index", "--keyword-only", "data", "--map", MAP, "--map", "section=topic"]).success();
    let expected = ["Why wax a rope?", "Is tar hard to remove?", "Who ties knots?"];
    assert_eq!(titles(&dir), expected);
    assert_eq!(dir.export()[0]["answer"], "It lasts longer.");
    assert_eq!(dir.export()[0]["section"], "Ropes");
    // An update without arguments and one that names the path use the same keys.
    dir.run(&["index"]).success().says("2 files unchanged");
    dir.write("data/a.jsonl", PROMPTS.replace("warm", "hot"));
    dir.run(&["index", "data"]).success().says("2 questions  data/a.jsonl  (1 new, 0 removed)");
    let stats = dir.run(&["stats"]).success().stdout;
    assert!(stats.contains(&format!("data: map {MAP},section=topic")), "{stats}");
    let stats: serde_json::Value =
        serde_json::from_str(&dir.run(&["stats", "--json"]).success().stdout).unwrap();
    assert_eq!(stats["reading"]["data"]["map"][0], "question=prompt_text");
    assert!(stats["reading"]["data"]["format"].is_null());
    // Another mapping reads the files of this path again, and no others.
    dir.run(&["index", "data", "--map", "question=prompt_text,answer=topic"]).success();
    assert_eq!(dir.export()[0]["answer"], "Ropes");
    dir.run(&["index"]).success().says("2 files unchanged");
    // Without the mapping, the records have no questions.
    dir.run(&["index", "data", "--map", "none"]).exits(2).says("data/a.jsonl:1: no question");
    assert_eq!(titles(&dir), ["Who ties knots?"]);
}

#[test]
fn a_named_format_overrides_detection() {
    let dir = Dir::new();
    dir.write("export.dat", format!("{PROMPTS}\n"));
    dir.write("list.txt", "Why wax,It lasts.\nIs tar hard,No.\n");
    dir.run(&["index", "--keyword-only", "export.dat", "--format", "jsonl", "--map", MAP]).success();
    dir.run(&["index", "list.txt", "--format", "csv", "--map", "question=1,answer=2"]).success();
    assert_eq!(titles(&dir), ["Why wax a rope?", "Is tar hard to remove?", "Why wax", "Is tar hard"]);
    dir.run(&["index"]).success().says("2 files unchanged");
    let stats = dir.run(&["stats"]).success().stdout;
    assert!(stats.contains("list.txt: format csv, map question=1,answer=2"), "{stats}");
    dir.run(&["index", "list.txt", "--format", "auto", "--map", "none"]);
    let stats = dir.run(&["stats"]).success().stdout;
    assert!(!stats.contains("list.txt: "), "{stats}");
}

#[test]
fn mistakes_in_formats_and_keys_are_explained() {
    let dir = Dir::new();
    dir.write("a.jsonl", PROMPTS);
    dir.write("a.md", "# F\n\n## Why wax?\n\nIt lasts.\n");
    for (args, words) in [
        (["a.jsonl", "--map", "prompt_text"], "expected PART=KEY, such as question=prompt"),
        (["a.jsonl", "--map", "title=prompt_text"], "unknown part `title`; the parts are question, answer"),
        (["a.jsonl", "--map", "question="], "expected a key after `question=`"),
        (["a.jsonl", "--map", "none,question=x"], "cannot be combined"),
        (["a.jsonl", "--format", "xlsm"], "possible values: auto, markdown, page, html"),
        (
            ["a.jsonl", "--map", "question=prompt_text,tags=labels"],
            "no record has the key `labels` (--map tags=labels); the keys are prompt_text, reply, topic",
        ),
        (
            ["a.md", "--map", "question=prompt_text"],
            "--map applies to records, but the file was read as Markdown",
        ),
    ] {
        dir.run(&[&["index", "--keyword-only"], &args[..]].concat()).exits(2).says(words);
    }
    dir.run(&["index", "--map", "question=x"]).exits(2).says("<PATH>");
}

/// Two files of questions and two others; see `src/read/expand.rs`.
const ARCHIVE: &[u8] = include_bytes!("../../src/read/testdata/dump.7z");

/// `{"question":"Why wax?","answer":"It lasts."}` with gzip.
const GZIP: &str = "1f8b0800000000000203ab562a2c4d2d2ec9cccf53b2520acfa854284facb057d2514acc2b2e4f2d028a799628e42416971\
                    4eb29d57201009e89d1742d000000";

/// `{"question":"Is tar hard?","answer":"No."}` with Zstandard.
const ZSTD: &str = "28b52ffd04585901007b227175657374696f6e223a2249732074617220686172643f222c22616e73776572223a224e6f2e\
                    227d0a7c9e438e";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn compressed_files_and_archives() {
    let dir = Dir::new();
    dir.write("docs/a.jsonl.gz", bytes(GZIP));
    dir.write("docs/b.jsonl.zst", bytes(ZSTD));
    dir.write("docs/c.7z", ARCHIVE);
    dir.write("docs/logo.png.gz", bytes(GZIP));
    dir.run(&["index", "--keyword-only", "docs"]).success();
    let sources = |dir: &Dir| {
        let source = |question: &serde_json::Value| question["source"]["path"].as_str().unwrap().to_owned();
        dir.export().iter().map(source).collect::<Vec<_>>()
    };
    let archive = ["docs/c.7z/dump/Posts.xml", "docs/c.7z/faq.jsonl"];
    assert_eq!(sources(&dir), [&["docs/a.jsonl.gz", "docs/b.jsonl.zst"], &archive[..]].concat());
    assert_eq!(titles(&dir), ["Why wax?", "Is tar hard?", "Why wax a rope?", "Who ties knots?"]);
    dir.run(&["index"]).success().says("3 files unchanged");
    // An archive that changed is read again; one that is gone takes its files along.
    dir.write("docs/c.7z", &ARCHIVE[..200]);
    dir.run(&["index"]).exits(2).says("c.7z: could not read the archive to its end");
    assert_eq!(dir.export().len(), 4, "what is known stays until the archive can be read");
    dir.write("docs/c.7z", ARCHIVE);
    dir.run(&["index"]).success();
    dir.run(&["index"]).success().says("3 files unchanged");
    std::fs::remove_file(dir.path().join("docs/c.7z")).unwrap();
    dir.run(&["index"]).success().says("2 files gone");
    assert_eq!(sources(&dir), ["docs/a.jsonl.gz", "docs/b.jsonl.zst"]);
}

#[test]
fn standard_input() {
    let dir = Dir::new();
    dir.write("a.jsonl", r#"{"question":"Who ties knots?","answer":"Sailors."}"#);
    let args = ["index", "--keyword-only", "-", "a.jsonl"];
    let named = [&args[..3], &["--format", "jsonl", "--map", MAP]].concat();
    dir.run_with_input(&named, PROMPTS).success();
    assert_eq!(titles(&dir), ["Why wax a rope?", "Is tar hard to remove?"]);
    assert_eq!(dir.export()[0]["source"]["path"], "stdin");
    // An update without arguments cannot read it again.
    let output = dir.run(&["index"]).success();
    assert_eq!(output.stderr.matches("the questions from standard input are kept").count(), 1, "{output:?}");
    assert_eq!(titles(&dir).len(), 2);
    // A later input replaces the one before. Directories do not.
    dir.run_with_input(&args, "{\"q\":\"Is this JSON?\"}\n{\"q\":\"Two lines?\"}\n").success();
    assert_eq!(titles(&dir), ["Who ties knots?", "Is this JSON?", "Two lines?"]);
    dir.run(&["index", "."]).success();
    assert_eq!(titles(&dir).len(), 3);
    dir.run_with_input(&args[..3], "{ braces }").exits(2).says("--format names one");
    dir.run_with_bytes(&args[..3], &bytes(GZIP)).success();
    assert_eq!(titles(&dir), ["Who ties knots?", "Why wax?"]);
}

#[cfg(feature = "remote")]
mod web {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};

    use super::titles;
    use crate::server::{Answer, Request, Server};
    use crate::util::Dir;

    const PAGE: &str = "<!doctype html><html><body><h1>FAQ</h1><h2>Why wax a rope?</h2><p>It lasts longer.</p>\n\
                        <h2>Is tar hard to remove?</h2><p>Not with warm oil.</p></body></html>";

    /// A site whose sitemap lists two pages, one of another host, and, in the first version, a third page.
    fn site() -> (Server, Arc<AtomicUsize>) {
        let version = Arc::new(AtomicUsize::new(0));
        let (now, address) = (Arc::clone(&version), Arc::new(OnceLock::new()));
        let known = Arc::clone(&address);
        let server = Server::new(move |request: &Request| {
            let address: &String = known.get().unwrap();
            let html = |text: String, etag: &str| {
                if request.header("if-none-match") == Some(etag) {
                    return Answer::status(304);
                }
                Answer::text(&text).header("Content-Type", "text/html; charset=utf-8").header("ETag", etag)
            };
            match request.path.as_str() {
                "/faq" => html(PAGE.to_owned(), "\"1\""),
                "/old" => Answer::status(302).header("Location", "/faq"),
                "/loop" => Answer::status(301).header("Location", "/loop"),
                "/missing" => Answer::status(404),
                "/sitemap.xml" => {
                    let third = if now.load(Ordering::SeqCst) == 0 { "/third" } else { "" };
                    let pages = ["/faq", "/second", third].into_iter().filter(|page| !page.is_empty());
                    let pages: String =
                        pages.map(|page| format!("<url><loc>{address}{page}</loc></url>")).collect();
                    Answer::text(&format!("<urlset>{pages}</urlset>")).header("Content-Type", "text/xml")
                }
                "/index.xml" => Answer::text(&format!(
                    "<sitemapindex><sitemap><loc>{address}/sitemap.xml</loc></sitemap>\
                     <sitemap><loc>http://other.invalid/sitemap.xml</loc></sitemap></sitemapindex>"
                )),
                "/second" => html(PAGE.replace("wax a rope", "oil a rope"), "\"2\""),
                "/third" => html(PAGE.replace("wax a rope", "paint a rope"), "\"3\""),
                other => panic!("{other}"),
            }
        });
        address.set(server.address()).unwrap();
        (server, version)
    }

    #[test]
    fn a_page_is_requested_again_only_if_it_changed() {
        let dir = Dir::new();
        let (server, _) = site();
        let url = format!("{}/faq", server.address());
        dir.run(&["index", "--keyword-only", &url]).success();
        assert_eq!(titles(&dir), ["Why wax a rope?", "Is tar hard to remove?"]);
        let question = &dir.export()[0];
        assert_eq!(
            (&question["source"]["path"], &question["url"]),
            (&url.clone().into(), &url.clone().into())
        );
        dir.run(&["index"]).success().says("1 file unchanged");
        let requests = server.requests();
        assert_eq!(requests[1].header("if-none-match"), Some("\"1\""));
        // Another format is another reading.
        dir.run(&["index", &url, "--format", "html"]).success();
        assert_eq!(server.requests()[2].header("if-none-match"), None);
        // Directories that are indexed do not remove pages.
        dir.write("a.jsonl", r#"{"question":"Who ties knots?"}"#);
        dir.run(&["index", "."]).success();
        assert_eq!(titles(&dir).len(), 3);
    }

    #[test]
    fn the_pages_of_a_sitemap() {
        let dir = Dir::new();
        let (server, version) = site();
        dir.run(&["index", "--keyword-only", &format!("{}/sitemap.xml", server.address())]).success();
        assert_eq!(titles(&dir).len(), 6);
        // Pages that are no longer listed are removed.
        version.store(1, Ordering::SeqCst);
        dir.run(&["index"]).success().says("2 files unchanged").says("1 file gone");
        assert_eq!(titles(&dir).len(), 4);
        let index = Dir::new();
        index
            .run(&["index", "--keyword-only", &format!("{}/index.xml", server.address())])
            .exits(2)
            .says("addresses of other hosts are not read, such as http://other.invalid/sitemap.xml");
        assert_eq!(titles(&index).len(), 4);
    }

    #[test]
    fn what_cannot_be_fetched_is_reported_and_kept() {
        let dir = Dir::new();
        let (server, _) = site();
        let url = |path: &str| format!("{}{path}", server.address());
        dir.run(&["index", "--keyword-only", &url("/old")]).success();
        assert_eq!(dir.export()[0]["url"], url("/old"));
        dir.run(&["index", &url("/missing")]).exits(2).says("the server answered 404");
        dir.run(&["index", &url("/loop")]).exits(2).says("redirected more than 5 times");
        let requests = server.requests().len();
        dir.run(&["index", "--offline", &url("/faq")]).exits(2).says("--offline forbids the network");
        dir.run(&["index", "--offline"]).success().says("the questions from the web are kept");
        assert_eq!(server.requests().len(), requests);
        drop(server);
        let output = dir.run(&["index"]).exits(2).says("could not fetch the page");
        assert_eq!(titles(&dir).len(), 2, "{output:?}");
    }
}

#[test]
fn a_dry_run_tells_how_files_are_read_and_writes_nothing() {
    let dir = Dir::new();
    dir.write("d/faq.md", "# FAQ\n\n## Why wax?\n\nIt lasts.\n\n## The rope is wet\n\nDry it.\n");
    dir.write("d/notes.md", "# Notes\n\nHemp is strong.\n");
    dir.write("d/a.csv", "question,answer\nWho ties?,You\nWho cuts?,\n");
    dir.write("d/bad.jsonl", PROMPTS);
    let run = dir.run(&["index", "--dry-run", "d"]).exits(2);
    for words in [
        "Markdown: 2 questions, all with an answer",
        "Marked by headings of level 2: 2 of 2, 1 end with a question mark",
        "- The rope is wet",
        "table: 2 questions, 1 with an answer",
        "Line 1: no question: the keys are prompt_text, reply, topic",
    ] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("notes.md"), "{}", run.stdout);
    run.says("4 questions in 2 files; 1 file without questions (-v lists them). Nothing was written");
    let run = dir.run(&["index", "--dry-run", "--json", "d/faq.md", "--map", MAP]).exits(2);
    let file: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(file["path"], "d/faq.md");
    assert_eq!(file["problems"][0]["line"], serde_json::Value::Null);
    let run = dir.run(&["index", "--dry-run", "--json", "d", "--map", MAP]).exits(2);
    let files: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(files.len(), 4);
    let of = |path: &str| files.iter().find(|file| file["path"] == path).unwrap();
    assert_eq!(of("d/bad.jsonl")["questions"], 2);
    assert_eq!(of("d/notes.md")["share"], 0.0);
    assert_eq!(of("d/faq.md")["titles"][1], "The rope is wet");
    assert!(of("d/faq.md")["share"].as_f64().unwrap() > 0.8);
    assert!(!dir.path().join(".rqsearch").exists(), "a dry run writes nothing");
    dir.run(&["index", "--json", "d"]).exits(2).says("--dry-run");
}

#[test]
fn unchanged_files_without_questions_are_listed_again() {
    let dir = Dir::new();
    dir.write("d/faq.md", "## Why wax?\n\nIt lasts.\n");
    dir.write("d/notes.md", "# Notes\n\nHemp is strong.\n");
    dir.write("d/log.md", "# Log\n\nNothing happened.\n");
    dir.run(&["index", "d"]).success().says("2 files without questions (-v lists them)");
    dir.run(&["index", "-v"])
        .success()
        .says("0 questions  d/log.md")
        .says("0 questions  d/notes.md")
        .says("1 file unchanged");
}

#[test]
fn a_dry_run_names_a_file_that_is_not_read_once() {
    let dir = Dir::new();
    dir.write("d/empty.md", "");
    let run = dir.run(&["index", "--dry-run", "d"]).exits(2);
    assert_eq!(run.stdout, "d/empty.md\n    Not read\n    empty file\n\n");
}

#[test]
fn documents_without_questions_can_be_articles() {
    let dir = Dir::new();
    dir.write("d/faq.md", "# FAQ\n\n## Why wax?\n\nIt lasts.\n\n## Who ties?\n\nYou.\n");
    dir.write("d/hemp_rope.txt", "Hemp is strong.\n");
    dir.write("d/care.md", "# Care of ropes\n\nDry them.\n\n## Storage\n\nIn the dark.\n");
    dir.write("d/settings.toml", "[loom]\nspeed = 3\n");
    let run = dir.run(&["index", "--keyword-only", "-v", "d"]).success();
    let run = run.says("hint: --articles adds 2 documents").says("0 questions  d/care.md");
    run.says("0 questions  d/settings.toml");
    assert_eq!(titles(&dir), ["Why wax?", "Who ties?"]);
    dir.run(&["index", "--articles", "d"]).success();
    assert_eq!(titles(&dir), ["Care of ropes", "Why wax?", "Who ties?", "hemp rope"]);
    let article = &dir.export()[0];
    assert_eq!(article["answer"], "Dry them.\n\n## Storage\n\nIn the dark.");
    assert_eq!(article["also"][0], "Storage");
    assert!(dir.run(&["stats"]).success().stdout.contains("d: articles"));
    // The index remembers it.
    dir.write("d/care.md", "# Care\n\nDry them well.\n");
    dir.run(&["index"]).success().says("4 questions");
    dir.run(&["index", "--articles=false", "d"]).success();
    assert_eq!(titles(&dir), ["Why wax?", "Who ties?"]);
    dir.run(&["index", "d/care.md"]).exits(2).says("--articles adds the document as one entry");
}
