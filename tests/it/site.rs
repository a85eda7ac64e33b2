//! `rqsearch site`: the files of a search without a server.

use std::collections::BTreeMap;
use std::path::Path;

use crate::util::{Dir, FAQ};

/// The files below a directory, with their contents.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn keyword_index(dir: &Dir, questions: &str) {
    dir.write("questions.jsonl", questions);
    dir.run(&["index", "--keyword-only", "questions.jsonl"]).success();
}

/// Questions on different subjects, of which each has words of its own.
fn questions(count: usize) -> String {
    let line = |nth: usize| {
        format!(
            "{{\"id\": \"k{nth}\", \"question\": \"Where is thing{nth} of group{}?\", \
             \"answer\": \"It is in room{} beside place{nth}.\"}}\n",
            nth % 7,
            nth % 40
        )
    };
    (0..count).map(line).collect()
}

#[test]
fn the_same_index_has_the_same_files() {
    // With vectors.
    let dir = Dir::indexed();
    dir.run(&["site", "out"]).success().says("question");
    let first = files(&dir.path().join("out"));
    assert!(first.contains_key("rqsearch.js") && first.contains_key("demo.html"), "{:?}", first.keys());
    assert_eq!(first.keys().filter(|name| name.starts_with("meaning/")).count(), 2);
    dir.run(&["site", "out"]).success().says("(0 changed, 0 removed)");
}

#[test]
fn an_index_without_vectors_has_no_parts_for_meaning() {
    let dir = Dir::new();
    keyword_index(&dir, &questions(3));
    dir.run(&["site", "out"]).success();
    assert!(!files(&dir.path().join("out")).keys().any(|name| name.starts_with("meaning/")));
}

#[test]
fn another_question_changes_few_files() {
    let dir = Dir::new();
    keyword_index(&dir, &questions(600));
    dir.run(&["site", "out"]).success();
    dir.write("out/index.html", "a page of the site");
    let before = files(&dir.path().join("out"));
    keyword_index(&dir, &questions(601));
    dir.run(&["site", "out"]).success();
    let after = files(&dir.path().join("out"));
    let changed = after.iter().filter(|(name, content)| before.get(*name) != Some(content)).count();
    // The manifest, the words, the document, its answer, and the parts with the words of the question.
    assert!(changed <= 12 && changed < after.len() / 10, "{changed} of {}", after.len());
    assert!(after.contains_key("index.html"), "files of others stay");
    // What is left is what a new directory would have.
    dir.run(&["site", "new"]).success();
    let mut new = files(&dir.path().join("new"));
    new.insert("index.html".to_owned(), b"a page of the site".to_vec());
    assert_eq!(after.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>());
}

#[test]
fn errors_say_what_to_do() {
    let dir = Dir::new();
    keyword_index(&dir, &questions(1));
    dir.run(&["site", "out", "--link", "faq.html#{name}"]).exits(2).says("{anchor}");
    dir.run(&["site", "out", "--link", "faq.html#{id"]).exits(2).says("a brace is not closed");
    for out in [".rqsearch", "./.rqsearch/a/b"] {
        dir.run(&["site", out]).exits(2).says("in the directory of the index");
    }
    dir.run(&["site", "out", "--link", "faq.html"]).success().says("all hits have the same address");
    dir.write("file", "");
    dir.run(&["site", "file"]).exits(2).says("could not create the directory file");
    dir.run(&["site"]).exits(2).says("<OUT>");
}

/// The addresses of all questions in the files of a search, in order.
fn addresses(out: &Path) -> Vec<String> {
    let documents = files(out).into_iter().filter(|(name, _)| name.starts_with("documents/"));
    let parts = documents.map(|(_, content)| {
        let reader = flate2::read::GzDecoder::new(content.as_slice());
        serde_json::from_reader::<_, Vec<serde_json::Value>>(reader).unwrap()
    });
    let mut found: Vec<String> =
        parts.flatten().filter_map(|entry| entry[3].as_str().map(str::to_owned)).collect();
    found.sort();
    found
}

#[test]
fn an_address_has_the_anchor_of_the_heading_as_written() {
    let dir = Dir::new();
    dir.write(
        "src/guide.md",
        "# Guide\n\n## Q1. What is -- this?\n\nA crab.\n\n## Q2. Why?\n\nOne.\n\n## Q2. Why?\n\nTwo.\n",
    );
    dir.write("src/README.md", "## Où est l’été?\n\nEn août.\n\n## Where is it? {#where}\n\nHere.\n");
    dir.run(&["index", "--keyword-only", "src"]).success();
    dir.run(&["site", "out", "--root", "src", "--link", "../{page}#{anchor}"]).success();
    let expected = [
        "../#o%C3%B9-est-l%C3%A9t%C3%A9",
        "../#where",
        "../guide/#q1-what-is----this",
        "../guide/#q2-why",
        "../guide/#q2-why-1",
    ];
    assert_eq!(addresses(&dir.path().join("out")), expected);
    dir.run(&["site", "out", "--root", "src", "--link", "{stem}#{slug}"]).success();
    let expected =
        ["README#ou-est-lete", "README#where", "guide#q1-what-is-this", "guide#q2-why", "guide#q2-why_1"];
    assert_eq!(addresses(&dir.path().join("out")), expected);
    dir.run(&["site", "out", "--link", "{stem}"]).success();
    assert_eq!(addresses(&dir.path().join("out"))[0], "src/README");
}

#[test]
fn an_address_with_an_absolute_path_is_reported() {
    let dir = Dir::new();
    dir.write("pages/faq.md", FAQ);
    dir.run(&["index", "--keyword-only", "--index", "elsewhere/index", "pages"]).success();
    let site = |options: &[&str]| {
        dir.run(&[&["site", "out", "--index", "elsewhere/index", "--link"], options].concat())
    };
    site(&["{stem}.html"]).success().says("absolute paths").says("--root");
    assert!(!site(&["{stem}.html", "--root", "pages"]).success().stderr.contains("absolute"));
    assert!(addresses(&dir.path().join("out")).iter().all(|address| address == "faq.html"));
    // A question of a file elsewhere has no address.
    site(&["{stem}.html", "--root", "elsewhere"]).success();
    assert!(addresses(&dir.path().join("out")).is_empty());
    site(&["{stem}.html", "--root", "gone"]).exits(2).says("could not read the directory gone");
}

#[test]
fn scripts_have_no_foreign_addresses() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.run(&["index", "--keyword-only", "faq.md"]).success();
    dir.run(&["site", "out"]).success();
    for (name, content) in files(&dir.path().join("out")) {
        if !name.ends_with(".rq") {
            let text = String::from_utf8(content).unwrap();
            for forbidden in ["http://", "https://", "eval(", "innerHTML", "cookie", "localStorage"] {
                assert!(!text.contains(forbidden), "{forbidden} in {name}");
            }
        }
    }
}

/// Questions in seven languages.
#[cfg(feature = "serve")]
const LANGUAGES: &str = r#"{"question": "Wie setze ich mein Passwort zurück?", "answer": "Klicken Sie auf der Anmeldeseite auf den Link und folgen Sie den Anweisungen in der E-Mail."}
{"question": "Hoe retourneer ik mijn bestellingen?", "answer": "Stuur het pakket binnen veertien dagen terug met het etiket dat in de doos zit."}
{"question": "Comment obtenir le remboursement de mes commandes ?", "answer": "Renvoyez les articles dans un délai de trente jours et vous serez remboursé sur votre carte."}
{"question": "Как сбросить пароль?", "answer": "Откройте страницу входа, нажмите на ссылку и следуйте указаниям в письме."}
{"question": "如何重置密码？", "answer": "在登录页面点击链接，然后按照邮件中的说明操作。"}
{"question": "パスワードを忘れた場合はどうすればよいですか", "answer": "ログイン画面のリンクを押して、メールの案内に従ってください。"}
{"question": "비밀번호는 어떻게 바꾸나요?", "answer": "로그인 화면에서 링크를 누르고 안내에 따라 주세요."}
"#;

#[cfg(feature = "serve")]
#[test]
fn the_dialog_in_a_browser() {
    use crate::serve::Served;
    use crate::serve::browser::{EVIL, EVIL_ANSWER, run};

    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = Dir::new();
    dir.write("evil.jsonl", EVIL);
    dir.write("evil.md", EVIL_ANSWER);
    dir.write("languages.jsonl", LANGUAGES);
    let corpus = repository.join("corpus");
    let corpus = corpus.to_str().unwrap();
    dir.run(&["index", "--keyword-only", corpus, "evil.jsonl", "evil.md", "languages.jsonl"]).success();
    dir.run(&["site", "out"]).success();
    let judged = std::fs::read_to_string(repository.join("eval/rust.tsv")).unwrap();
    let phrases =
        judged.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('\t').next());
    dir.write("phrases.txt", phrases.map(|phrase| format!("{phrase}\n")).collect::<String>());
    let rankings = dir.run(&["--mode", "keyword", "--json", "--batch", "phrases.txt"]).stdout;
    let rankings = dir.write("rankings.jsonl", rankings);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let served = Served::start(&dir, &["--allow-origin", &format!("http://127.0.0.1:{port}")]);
    let out = dir.path().join("out");
    let faq = Dir::indexed();
    faq.run(&["site", "out"]).success();
    let with_meaning = faq.path().join("out");
    let [out, rankings, with_meaning] = [&out, &rankings, &with_meaning].map(|path| path.to_str().unwrap());
    run("site.mjs", &[out, &served.url(""), rankings, &port, with_meaning]);
}
