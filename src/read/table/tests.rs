use super::*;
use crate::question::Question;
use crate::read::{BadRecord, testing};

#[track_caller]
fn check(extension: &str, text: &str, expected: &str) {
    testing::check(&Table, extension, text, expected);
}

fn read(extension: &str, text: &[u8]) -> Vec<Result<Question, BadRecord>> {
    testing::read(&Table, extension, text)
}

#[test]
fn columns_by_name() {
    check(
        "csv",
        "Question,Answer,ID,Category\nWhy wax?,\"It\nlasts.\",7,Ropes\n\nIs it hard?,No.,8,\n",
        "2 #7 Ropes > Why wax? = It|lasts.\n5 #8 Is it hard? = No.",
    );
    check("tsv", "title\ttext\nWhy wax?\t\"It\" lasts.\n", "2 Why wax? = It lasts.");
    check("csv", "question;answer\nWhy, wax?;It lasts.\n", "2 Why, wax? = It lasts.");
}

#[test]
fn columns_without_names() {
    check("csv", "Why wax?,It lasts.\nIs it hard?,No.\n", "1 Why wax? = It lasts.\n2 Is it hard? = No.");
    check("csv", "1,Why wax?\n2,Is it hard?\n", "1 Why wax? = 1\n2 Is it hard? = 2");
    check("tsv", "Why wax?\nIs it hard?\n", "1 Why wax? = \n2 Is it hard? = ");
    check("csv", "a,b\n1,2\n", "");
}

#[test]
fn lines_of_json() {
    check(
        "jsonl",
        "{\"_id\":\"a\",\"title\":\"Why wax?\",\"text\":\"It lasts.\"}\n{broken\n\n{\"_id\":2,\"title\":\"\",\"text\":\"Is it\\nhard?\"}\n{\"x\":1}\n[1]\n",
        "1 #a Why wax? = It lasts.
         2 ! broken JSON: key must be a string
         4 #2 Is it hard? = 
         5 ! no question: the keys are x; --map question=KEY,answer=KEY names the right ones
         6 ! expected an object with a question",
    );
}

#[test]
fn json_in_many_shapes() {
    let expected = "1 Why wax? = It lasts.\n2 Is it hard? = No.";
    check(
        "json",
        "[{\"q\":\"Why wax?\",\"a\":\"It lasts.\"},\n{\"q\":\"Is it hard?\",\"a\":\"No.\"}]",
        expected,
    );
    check(
        "json",
        "{\"version\":1,\"questions\":[{\"question\":\"Why wax?\",\"answer\":\"It lasts.\"},\n{\"question\":\"Is it hard?\",\"answer\":\"No.\"}],\"authors\":[{\"name\":\"x\"}]}",
        expected,
    );
    check("json", "[\"Why wax?\",\n\"Is it hard?\"]", "1 Why wax? = \n2 Is it hard? = ");
    check("json", "{\"Why wax?\":\"It lasts.\",\n\"Is it hard?\":\"No.\"}", expected);
    check(
        "json",
        "{\"q1\":{\"question\":\"Why wax?\",\"answer\":\"It lasts.\"},\n\"q2\":{\"question\":\"Is it hard?\",\"answer\":\"No.\"}}",
        "1 #q1 Why wax? = It lasts.\n2 #q2 Is it hard? = No.",
    );
    check(
        "json",
        "{\"Ropes\":[{\"question\":\"Why wax?\",\"answer\":\"It lasts.\"}],\n\"Nets\":{\"n1\":{\"question\":\"Is it hard?\",\"answer\":\"No.\"}}}",
        "1 Ropes > Why wax? = It lasts.\n2 #n1 Nets > Is it hard? = No.",
    );
    check(
        "json",
        "{\"@type\":\"FAQPage\",\"mainEntity\":[{\"@type\":\"Question\",\"name\":\"Why wax?\",\"acceptedAnswer\":{\"@type\":\"Answer\",\"text\":\"<p>It lasts.</p>\"}}]}",
        "1 Why wax? = It lasts.",
    );
    check(
        "json",
        "{\"question\":\"Why wax?\",\"answer\":\"It lasts.\",\"tags\":[\"a\"]}",
        "1 Why wax? = It lasts.",
    );
    check(
        "json",
        "{\"name\":\"a-package\",\"version\":\"1\",\"files\":[\"a\"],\"scripts\":{\"why\":\"x\"}}",
        "",
    );
}

#[test]
fn sections_of_json_at_any_depth() {
    check(
        "json",
        r#"[{"category":"Ropes","faqs":[
{"question":"Why wax?","answer":"It lasts."}]},
{"title":"Nets","questions":["Is it hard?"],"parts":[{"name":"Knots","items":{
"Which knot?":"A bend."}}]},
{"id":1}]"#,
        "2 Ropes > Why wax? = It lasts.
         3 Nets > Is it hard? = 
         4 Knots > Which knot? = A bend.
         5 ! no question: the keys are id; --map question=KEY,answer=KEY names the right ones",
    );
    check(
        "json",
        "{\"en\":{\"faq\":[{\"q\":\"Why wax?\",\"a\":\"It lasts.\"}]}}",
        "1 en > Why wax? = It lasts.",
    );
    check("json", "[[\"Why wax?\",\"It lasts.\"]]", "1 Why wax? = It lasts.");
    check(
        "json",
        "{\"Why wax?\":[\"It lasts.\",\"It shines.\"],\n\"Is it hard?\":null}",
        "1 Why wax? = It lasts.||It shines.\n2 Is it hard? = ",
    );
}

#[test]
fn broken_json_says_where() {
    check(
        "json",
        "[{\"q\":\"Why wax?\",\"a\":\"It lasts.\"},\n{\"q\":\"Is it",
        "1 Why wax? = It lasts.\n2 ! broken JSON: EOF while parsing a string",
    );
    check("json", "[{\"q\":\"Why wax?\"}, 5]", "1 Why wax? = \n1 ! expected an object with a question");
}

#[test]
fn everything_else_is_kept() {
    let records = read(
        "jsonl",
        br#"{"question":"Why wax?","answer_html":"<p>It <b>lasts</b>.</p>","difficulty":"easy","tags":"a, b","votes":3,"link":"https://example.org","lang":"en","aliases":["what for"],"note":null}"#,
    );
    let question = records.into_iter().next().unwrap().unwrap();
    assert_eq!(question.answer, "It **lasts**.");
    assert_eq!(question.level.as_deref(), Some("easy"));
    assert_eq!(question.tags, ["a", "b"]);
    assert_eq!(question.also, ["what for"]);
    assert_eq!(question.score, Some(3.0));
    assert_eq!(question.url.as_deref(), Some("https://example.org"));
    assert_eq!(question.fields.into_iter().collect::<Vec<_>>(), [("lang".to_owned(), "en".to_owned())]);
}

#[test]
fn a_question_may_have_more_words_than_its_title() {
    check(
        "jsonl",
        r#"{"title":"Why wax?","body":"I tie.","answer":"It lasts."}"#,
        "1 Why wax? = I tie.||---||It lasts.",
    );
}

#[test]
fn records_that_are_not_utf8_are_named() {
    let records = read("csv", b"question,answer\nWhy wax?,It lasts.\nWhat \xff?,x\nIs it hard?,No.\n");
    let bad = BadRecord { line: 3, reason: "not UTF-8".to_owned() };
    assert_eq!(records[1].as_ref().unwrap_err(), &bad);
    assert_eq!(records.len(), 3);
    let records = read("json", b"[{\"q\":\"Why wax?\"},\n{\"q\":\"What \xff?\"},\n{\"q\":\"Is it hard?\"}]");
    assert_eq!(records[1].as_ref().unwrap_err().line, 2);
    assert_eq!(records.iter().filter(|record| record.is_ok()).count(), 2);
}

#[test]
fn a_quote_that_never_closes_ends_somewhere() {
    let mut text = b"question,answer\nWhy wax?,It lasts.\n\"Is it".to_vec();
    text.resize(text.len() + (20 << 20), b'x');
    let records = read("csv", &text);
    assert_eq!(records.len(), 2);
    assert!(records[1].as_ref().unwrap_err().reason.contains("never closes"));
}

#[test]
fn a_long_line_of_json_is_no_line_to_keep() {
    let mut text = b"[".to_vec();
    for number in 0..200_000 {
        text.extend_from_slice(format!("{{\"q\":\"Why wax number {number}? \u{2014} \",\"a\":\"It lasts, it lasts, it lasts, it lasts, it lasts\"}},").as_bytes());
    }
    *text.last_mut().unwrap() = b']';
    assert!(text.len() > super::super::text::MAX_LINE);
    let records = read("json", &text);
    assert_eq!(records.len(), 200_000);
    assert!(records.iter().all(Result::is_ok));
}

#[test]
fn tables_are_known_by_their_text_too() {
    assert_eq!(Table.fit("txt", "question,answer\nWhy?,So.\n"), 85);
    assert_eq!(Table.fit("", "{\"question\":\"Why?\"}\n{\"question\":\"How?\"}\n"), 85);
    assert_eq!(Table.fit("txt", "Why wax? It lasts.\nIs it hard?\n"), 0);
    assert_eq!(Table.fit("txt", "{ braces }"), 0);
}

#[test]
fn any_text_is_read_without_a_panic() {
    proptest::proptest!(|(text in r#"([\[\]{}:," \n?]|"q"|"a"|question|why wax\?|1|null|é){0,60}"#)| {
        for extension in ["csv", "tsv", "json", "jsonl"] {
            read(extension, text.as_bytes());
        }
    });
}
