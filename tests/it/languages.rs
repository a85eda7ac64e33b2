//! Questions in languages other than English.

use serde_json::Value;

use crate::util::Dir;

/// Two questions in each of several languages, with phrases that use other forms of their words.
const QUESTIONS: [(&str, &str, &str); 13] = [
    ("How do I water a cactus?", "Once in two weeks.", "watering cactuses"),
    ("Wie hoch sind die Liefergebühren für Möbel?", "Zwanzig Euro.", "moebel gebuehren"),
    ("Où se trouve l'horloge de l'église ?", "Au-dessus du portail.", "eglise horloges"),
    ("¿Cómo solicito una devolución?", "En la página del pedido.", "devoluciones"),
    ("Hvordan får jeg en ny nøgle?", "På kontoret.", "noegler"),
    ("Как починить велосипед?", "В мастерской за углом.", "ремонт велосипедов"),
    ("كيف أحجز غرفتي في الفندق؟", "من الموقع.", "حجز الغرفة"),
    ("मैं टिकट कैसे खरीदूँ?", "स्टेशन पर।", "टिकट खरीद"),
    ("怎样申请图书证？", "在图书馆的柜台办理。", "申請圖書證"),
    ("自転車はどこで借りられますか？", "駅の前の店で借りられます。", "自転車 レンタル"),
    ("도서관은 몇 시에 닫나요?", "저녁 여덟 시에 닫습니다.", "도서관 시간"),
    ("ซื้อตั๋วรถไฟได้ที่ไหน", "ที่สถานี", "ตั๋วรถไฟ"),
    ("Πώς ακυρώνω την κράτηση;", "Από τη σελίδα της κράτησης.", "ακυρωση κρατησης"),
];

fn indexed() -> Dir {
    let dir = Dir::new();
    let lines = QUESTIONS.iter().enumerate().map(|(id, (title, answer, _))| {
        serde_json::json!({ "id": id, "question": title, "answer": answer }).to_string()
    });
    dir.write("questions.jsonl", lines.collect::<Vec<_>>().join("\n"));
    dir
}

#[test]
fn a_phrase_finds_the_question_in_its_language() {
    let dir = indexed();
    dir.run(&["index", "questions.jsonl"]).success();
    for (title, _, phrase) in QUESTIONS {
        let reply: Value = serde_json::from_str(&dir.run(&["--json", "--", phrase]).stdout).unwrap();
        let hits = reply["hits"].as_array().unwrap();
        assert_eq!(hits.first().map(|hit| hit["title"].as_str().unwrap()), Some(title), "{phrase}: {reply}");
        assert!(hits.iter().all(|hit| hit["also_asked"].as_array().unwrap().is_empty()), "{phrase}: {reply}");
        // An unknown word excludes nothing.
        let more = format!("{phrase} zzyzx 鑫鑫");
        assert_eq!(dir.titles(&[&more]).first().map(String::as_str), Some(title), "{more}");
    }
}

#[test]
fn what_the_model_cannot_read_is_said_once() {
    let dir = indexed();
    let output = dir.run(&["index", "questions.jsonl"]);
    assert!(output.stderr.contains("8 of 13 questions are in "), "{output:?}");
    assert!(
        output.stderr.contains("which the built-in model cannot read; they are found by words only."),
        "{output:?}"
    );
    assert!(output.stderr.contains("--model multilingual-e5-small"), "{output:?}");
    let output = dir.run(&["申请图书证"]);
    assert_eq!(output.stderr.matches("the built-in model cannot read Chinese").count(), 1, "{output:?}");
    assert!(!dir.run(&["cactus"]).stderr.contains("cannot read"));
    // Words only: nothing to read, and nothing to say.
    let dir = indexed();
    assert!(!dir.run(&["index", "questions.jsonl", "--keyword-only"]).stderr.contains("cannot read"));
}

#[test]
fn stats_list_the_languages() {
    let dir = indexed();
    dir.run(&["index", "questions.jsonl"]).success();
    let stats: Value = serde_json::from_str(&dir.run(&["stats", "--json"]).stdout).unwrap();
    let chinese = serde_json::json!({ "name": "Chinese", "questions": 1, "unread": 1 });
    assert_eq!(stats["languages"]["zh"], chinese, "{stats}");
    assert_eq!(stats["languages"]["de"]["unread"], 0, "{stats}");
    assert!(dir.run(&["stats"]).stdout.contains("Chinese 1 (found by words only)"));
}

#[test]
fn different_questions_that_the_model_cannot_read_are_not_duplicates() {
    let dir = Dir::new();
    dir.write("zh.md", "## 如何修改地址？\n\n在设置里。\n\n## 为什么没有收到邮件？\n\n检查垃圾箱。\n\n## 怎样联系客服？\n\n拨打电话。\n");
    dir.run(&["index", "zh.md"]).success();
    let dups: Value = serde_json::from_str(&dir.run(&["dups", "--json"]).stdout).unwrap();
    assert_eq!(dups["groups"].as_array().unwrap().len(), 0, "{dups}");
}

#[test]
fn an_index_with_another_analysis_is_refused() {
    let dir = Dir::indexed();
    dir.rewrite_meta("\\\"analysis\\\":3", "\\\"analysis\\\":1");
    let output = dir.run(&["bread"]).exits(2).says("analyzed by version 1 of the analysis");
    output.says("hint: remove the directory and rebuild the index");
}

#[test]
fn a_language_without_questions_is_named_with_those_that_there_are() {
    let dir = Dir::indexed();
    for (code, named) in [("xx", "“xx”"), ("FR", "fr (French)"), ("German", "“German”")] {
        let says = format!("no question is in the language {named}; the index has en (English)");
        dir.run(&["--language", code, "bread"]).exits(1).says(&says);
        for args in [&["bread"][..], &["--mode", "keyword", "bread"], &["--facets", "tag"]] {
            let args = [&["--json", "--language", "en", "--language", code], args].concat();
            let reply: Value = serde_json::from_str(&dir.run(&args).stdout).unwrap();
            assert_eq!(reply["notice"], says, "{args:?}");
        }
    }
    let reply: Value =
        serde_json::from_str(&dir.run(&["--json", "--language", "EN", "bread"]).stdout).unwrap();
    assert!(reply["notice"].is_null() && reply["answered"] == true, "{reply}");
}
