//! Runs the tests of the web pages in a real browser: `tests/browser/`.

use std::path::Path;
use std::process::Command;

use super::Served;
use crate::util::{Dir, FAQ, tools};

/// A malicious corpus: every field has markup or an address that would run a script.
pub const EVIL: &str = r##"{"question": "Is &lt;script&gt;window.hacked=1&lt;/script&gt; or &lt;img src=x onerror=window.hacked=1&gt; a title of evil?", "answer": "See &lt;script&gt;window.hacked=1&lt;/script&gt;", "section": "<svg onload=window.hacked=1>", "level": "\"><img src=x onerror=window.hacked=1>", "tags": ["<i>tag</i>", "' onclick=window.hacked=1"], "url": "javascript:window.hacked=1", "also": ["</script><script>window.hacked=1</script>"], "note": "<iframe src=https://evil.example>"}
{"question": "is &lt;script&gt;window.hacked=1&lt;/script&gt; or &lt;img src=x onerror=window.hacked=1&gt; a title of evil", "answer": "See &lt;script&gt;window.hacked=1&lt;/script&gt;", "section": "<svg onload=window.hacked=1>", "level": "\"><img src=x onerror=window.hacked=1>", "tags": ["<i>tag</i>", "' onclick=window.hacked=1"], "url": "javascript:window.hacked=1", "also": ["</script><script>window.hacked=1</script>"], "note": "<iframe src=https://evil.example>"}
{"question": "Where is 🦀 the «crab»?", "answer": "Über die Brücke: der 🦀 crab naïve lives in `let crab = \"🦀\";` below the sea, and *crab* is **not** [a lobster](https://example.org/lobster).\n\n1. one crab\n2. two\n   - nested\n\n| name | legs |\n|---|---|\n| crab | ten |\n\n> quoted crab", "url": "https://example.org/crab"}
"##;

/// The same as Markdown. Its reader keeps the markup of an answer.
pub const EVIL_ANSWER: &str = r#"## Which evil answer shows a picture?

First `<img src=x onerror=window.hacked=1>` then <img src=x onerror=window.hacked=1>

<script>window.hacked=1</script>

[click me](javascript:window.hacked=1) and [me too](data:text/html,<script>window.hacked=1</script>) and
<javascript:window.hacked=1> but [not me](https://example.org/fine).

![picture](https://evil.example/pixel.png) &#60;script&#62;window.hacked=1&#60;/script&#62;

```html
<script>window.hacked=1</script>
```
"#;

pub fn run(script: &str, args: &[&str]) {
    let Some(tools) = tools("browser") else { return };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let output = Command::new("node")
        .arg(tests.join(script))
        .args(args)
        .env("RQSEARCH_TEST_TOOLS", tools)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

/// An index of a FAQ and of the malicious corpus.
fn corpus() -> Dir {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write("evil.jsonl", EVIL);
    dir.write("evil.md", EVIL_ANSWER);
    dir.run(&["index", "faq.md", "evil.jsonl", "evil.md"]).success();
    dir
}

#[test]
fn search_page() {
    run("search.mjs", &[&Served::start(&corpus(), &[]).url("/")]);
}

#[test]
fn thumbs_of_the_search_page() {
    let dir = corpus();
    let with = Served::start(&dir, &["--feedback", "feedback.jsonl"]);
    let file = dir.path().join("feedback.jsonl");
    run("feedback.mjs", &[&with.url("/"), file.to_str().unwrap(), &Served::start(&dir, &[]).url("/")]);
}

#[test]
fn search_page_with_a_token() {
    let dir = corpus();
    dir.write("token", "correct-battery-horse-staple");
    run("token.mjs", &[&Served::start(&dir, &["--token-file", "token"]).url("/")]);
}

#[test]
fn api_page() {
    run("docs.mjs", &[&Served::start(&corpus(), &[]).url("/docs")]);
}

#[test]
fn report_of_an_evaluation() {
    let dir = corpus();
    dir.write(
        "judged.tsv",
        "prune roses\tprune roses\nblunt blade\tprune roses\nis script a title of evil\tcrab\n\
         <script>window.hacked=1</script>\tno such title\nprinter driver\t\n",
    );
    dir.run(&["eval", "judged.tsv", "--run", "run.txt"]).success();
    let written = std::fs::read_to_string(dir.path().join("run.txt")).unwrap();
    // The earlier run has no hits for the first phrase.
    let earlier: String =
        written.lines().filter(|line| !line.starts_with("1 ")).map(|line| format!("{line}\n")).collect();
    dir.write("earlier.txt", earlier);
    dir.run(&["eval", "judged.tsv", "--report", "report.html", "--compare", "earlier.txt"]).success();
    run("report.mjs", &[&format!("file://{}", dir.path().join("report.html").display())]);
}

#[test]
fn duplicates_map_from_the_server_and_as_a_file() {
    let dir = corpus();
    dir.run(&["dups", "--graph", "map.html"]).exits(1);
    let file = format!("file://{}", dir.path().join("map.html").display());
    run("map.mjs", &[&Served::start(&dir, &[]).url("/duplicates/map"), &file]);
}

#[test]
fn decisions_on_the_duplicates_map() {
    let dir = corpus();
    let with = Served::start(&dir, &["--decisions", "d.jsonl"]);
    let (file, without) = (dir.path().join("d.jsonl"), Served::start(&dir, &[]));
    run(
        "decisions.mjs",
        &[&with.url("/duplicates/map"), file.to_str().unwrap(), &without.url("/duplicates/map")],
    );
}
