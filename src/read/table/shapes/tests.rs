use crate::question::Question;
use crate::read::table::Table;
use crate::read::testing;

#[track_caller]
fn check(text: &str, expected: &str) {
    testing::check(&Table, "json", text, expected);
}

fn one(text: &str) -> Question {
    let mut records = testing::read(&Table, "json", text.as_bytes());
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0).unwrap()
}

#[test]
fn intents() {
    check(
        r#"{"intents": [
            {"tag": "rope", "patterns": ["Which rope?", "what rope", "Which rope?"], "responses": ["Hemp.", "Sisal."], "context": ["start"]},
            {"intent": "wax", "text": ["Why wax?"], "responses": ["It lasts."]},
            {"tag": "fallback", "patterns": [], "responses": ["Pardon?"]}]}"#,
        "2 rope > Which rope? = Hemp.||Sisal.
         3 wax > Why wax? = It lasts.
         4 ! the intent \"fallback\" has no patterns",
    );
    let question = one(
        r#"[{"tag": "rope", "patterns": ["Which rope?", "what rope", "what rope"], "responses": ["Hemp."]}]"#,
    );
    assert_eq!((question.also, question.fields.len()), (vec!["what rope".to_owned()], 0));
}

#[test]
fn squad_by_article_and_by_record() {
    check(
        r#"{"version": "v2.0", "data": [
            {"title": "Ropes", "paragraphs": [{"context": "Hemp is waxed.", "qas": [
                {"id": "a", "question": "What is waxed?", "answers": [{"text": "Hemp", "answer_start": 0}, {"text": "Hemp"}, {"text": "It"}], "is_impossible": false},
                {"id": "b", "question": "Who waxes?", "answers": [], "plausible_answers": [{"text": "Hemp"}], "is_impossible": true}, 7]},
                {"context": "No more."}]}]}"#,
        "2 #a Ropes > What is waxed? = Hemp||It||---||Hemp is waxed.
         2 #b Ropes > Who waxes? = Hemp is waxed.
         2 ! expected a question with answers
         2 ! a paragraph without qas",
    );
    check(
        r#"{"id": "a", "title": "Ropes", "context": "Hemp is waxed.", "question": "What is waxed?", "answers": {"text": ["Hemp", "Hemp"], "answer_start": [0, 0]}}"#,
        "1 #a Ropes > What is waxed? = Hemp||---||Hemp is waxed.",
    );
    let question = one(
        r#"[{"title": "R", "paragraphs": [{"context": "c", "qas": [{"question": "Who?", "answers": [], "is_impossible": true}]}]}]"#,
    );
    assert_eq!(question.fields["is_impossible"], "true");
}

#[test]
fn instructions() {
    check(
        "[{\"instruction\": \"Explain wax.\", \"input\": \"\", \"output\": \"It lasts.\"},
          {\"instruction\": \"Name a rope.\", \"input\": \"Hemp or sisal\", \"output\": \"<p>Hemp</p>\"},
          {\"prompt\": \"I have a rope.\\n```\\nrope?\\n```\\nWhy wax it?\", \"completion\": \"It lasts.\"},
          {\"instruction\": \"### Instruction:\\nIs it hard?\\n\\n### Response:\", \"response\": \"No.\"},
          {\"instruction\": \"Translate.\\nRope\", \"output\": \"Seil\"},
          {\"instruction\": \"\", \"output\": \"x\"},
          {\"instruction\": \"Add one.\", \"instances\": [{\"input\": \"1\", \"output\": \"2\"}]},
          {\"instruction\": \"```\\nlet a;\\nlet b;\\n```\", \"output\": \"x\"}]",
        "1 Explain wax. = It lasts.
         2 Name a rope. = Hemp or sisal||---||<p>Hemp</p>
         3 Why wax it? = I have a rope.|```|rope?|```|Why wax it?||---||It lasts.
         4 Is it hard? = ### Instruction:|Is it hard?||### Response:||---||No.
         5 Translate. = Rope||---||Seil
         6 ! no question: it is empty
         7 Add one. = 1||---||2
         8 let a; = ```|let a;|let b;|```||---||x",
    );
    let long = format!("{} Is it hard to wax it? Thank you!", "My rope is long. ".repeat(30));
    let question = one(&format!("{{\"instruction\": \"{long}\", \"output\": \"No.\"}}"));
    assert_eq!(
        (question.title.as_str(), question.answer),
        ("Is it hard to wax it?", format!("{long}\n\n---\n\nNo."))
    );
}

#[test]
fn conversations() {
    check(
        r##"[{"id": 1, "messages": [{"role": "system", "content": "Be kind."}, {"role": "assistant", "content": "Hello!"},
             {"role": "user", "content": [{"type": "text", "text": "Why wax?"}, {"type": "image_url", "image_url": {"url": "x"}}]},
             {"role": "assistant", "content": null, "tool_calls": []}, {"role": "tool", "content": "42"},
             {"role": "assistant", "content": "It lasts."}, {"role": "user", "content": "Sure?"}, {"role": "assistant", "content": "Yes."}]},
            {"conversations": [{"from": "human", "value": "# Is it hard?\nTell me."}, {"from": "gpt", "value": "No."}]},
            {"contents": [{"role": "user", "parts": [{"text": "Which?"}]}, {"role": "model", "parts": [{"text": "This."}]}]},
            {"prompt": [{"role": "user", "content": "Who knots?"}], "chosen": [{"role": "assistant", "content": "I."}], "rejected": [{"role": "assistant", "content": "You."}]},
            {"messages": [{"role": "system", "content": "Be kind."}]}]"##,
        "1 #1 Why wax? = It lasts.
         5 Is it hard? = # Is it hard?|Tell me.||---||No.
         6 Which? = This.
         7 Who knots? = I.
         8 ! a conversation in which no user says anything",
    );
    check(
        r#"{"messages": [{"role": "user", "content": "Why wax?"}, {"role": "assistant", "content": "It lasts."}]}"#,
        "1 Why wax? = It lasts.",
    );
    check(r#"{"conversations": [{"messages": [{"role": "user", "content": "Why wax?"}]}]}"#, "1 Why wax? = ");
}

const ISSUES: &str = r#"[
{"url": "https://api.github.com/repos/o/r/issues/7", "html_url": "https://github.com/o/r/issues/7", "id": 900, "number": 7,
 "title": "Crash with `Vec<T>`", "body": "<!-- Fill in\r\nthe form. -->\r\nIt crashes:\r\n```html\r\n<!-- kept --><p>x</p>\r\n```\r\n", "user": {"login": "ann"},
 "labels": [{"name": "bug", "color": "f00"}, {"name": "good first issue"}], "comments": 2, "state": "open", "locked": false,
 "created_at": "2024-03-01T10:20:30Z", "updated_at": "2024-03-02T10:20:30Z", "reactions": {"total_count": 5, "+1": 4, "-1": 1}},
{"number": 8, "title": "A change", "body": "", "pull_request": {"url": "x"}},
{"number": 9, "title": "Hang", "body": null, "labels": ["bug"]}]"#;

#[test]
fn issues_of_github() {
    check(
        ISSUES,
        "2 #7 Crash with `Vec<T>` = It crashes:|```html|<!-- kept --><p>x</p>|```
         7 #9 Hang = ",
    );
    let records = testing::read(&Table, "json", ISSUES.as_bytes());
    let question = records[0].as_ref().unwrap();
    assert_eq!(question.url.as_deref(), Some("https://github.com/o/r/issues/7"));
    assert_eq!(question.tags, ["bug", "good first issue"]);
    assert_eq!((question.date.as_deref(), question.score), (Some("2024-03-01T10:20:30Z"), Some(3.0)));
    let fields: Vec<&str> =
        question.fields.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]).collect();
    assert_eq!(
        fields,
        ["author", "ann", "comments", "2", "state", "open", "updated_at", "2024-03-02T10:20:30Z"]
    );
}

#[test]
fn the_best_reply_is_the_answer() {
    let issue = |comments: &str| {
        one(&format!(
            r#"[{{"number": 7, "title": "Hang", "body": "Why?", "comments": [{comments}], "createdAt": "2024-03-01T10:20:30Z",
               "url": "https://github.com/o/r/issues/7", "author": {{"login": "ann"}}, "milestone": {{"title": "1.0"}}}}]"#
        ))
        .answer
    };
    let groups = |up: u32, down: u32| {
        format!(
            r#""reactionGroups": [{{"content": "THUMBS_UP", "users": {{"totalCount": {up}}}}}, {{"content": "THUMBS_DOWN", "users": {{"totalCount": {down}}}}}]"#
        )
    };
    let (liked, hated) = (groups(2, 0), groups(9, 9));
    let two =
        format!(r#"{{"body": "First."}}, {{"body": "Liked.", {liked}}}, {{"body": "Hated.", {hated}}}"#);
    assert_eq!(issue(&two), "Why?\n\n---\n\nLiked.");
    let hidden = format!(
        r#"{{"body": "Rude.", {liked}, "isMinimized": true}}, {{"body": "Robot.", "user": {{"login": "x[bot]"}}}}, {{"body": "Me too."}}, {{"body": "Fixed.", "authorAssociation": "MEMBER"}}"#
    );
    assert_eq!(issue(&hidden), "Why?\n\n---\n\nFixed.");
    assert_eq!(issue(""), "Why?");
}

#[test]
fn discussions_come_in_pages() {
    let page = |title: &str, rest: &str| {
        format!(
            r#"{{"data": {{"repository": {{"discussions": {{"pageInfo": {{"endCursor": "x"}}, "nodes": [{{"title": "{title}", "body": "Why?", "number": 3,
               "url": "https://github.com/o/r/discussions/3", "category": {{"name": "Q&A"}}, "labels": {{"nodes": [{{"name": "wax"}}]}}, {rest}}}]}}}}}}}}"#
        )
    };
    let whole = page(
        "One",
        r#""answer": {"body": "Accepted."}, "comments": {"nodes": [{"body": "Liked.", "upvoteCount": 5}]}"#,
    );
    let marked = page(
        "Two",
        r#""answer": null, "comments": {"edges": [{"node": {"body": "Liked.", "upvoteCount": 5, "replies": {"nodes": [{"body": "Accepted.", "isAnswer": true}]}}}]}"#,
    );
    let expected = "1 #3 Q&A > One = Why?||---||Accepted.\n{} #3 Q&A > Two = Why?||---||Accepted.";
    check(&format!("{whole}{marked}"), &expected.replace("{}", "2"));
    check(&format!("[{whole},\n{marked}]"), &expected.replace("{}", "3"));
    let lines = format!("{}\n{}\n", whole.replace('\n', " "), marked.replace('\n', " "));
    check(&lines, &expected.replace("{}", "2"));
    let one = one(&whole);
    assert_eq!(
        (one.tags, one.url.as_deref()),
        (vec!["wax".to_owned()], Some("https://github.com/o/r/discussions/3"))
    );
}

#[test]
fn questions_of_the_stack_exchange_api() {
    let question = one(
        r#"{"items": [{"question_id": 5, "title": "Why &quot;wax&quot;?", "body": "<p>I tie.</p>", "tags": ["rope"], "score": 3, "link": "https://example.org/q/5",
           "creation_date": 1709288430, "accepted_answer_id": 8, "answers": [{"answer_id": 7, "score": 9, "body": "<p>No.</p>"}, {"answer_id": 8, "score": 1, "body": "<p>It <b>lasts</b>.</p>"}]}], "has_more": false}"#,
    );
    assert_eq!(
        (question.title.as_str(), question.answer.as_str()),
        ("Why \"wax\"?", "I tie.\n\n---\n\nIt **lasts**.")
    );
    assert_eq!((question.key.as_deref(), question.score), (Some("5"), Some(3.0)));
    assert_eq!(question.date.as_deref(), Some("2024-03-01T10:20:30Z"));
    assert_eq!(question.url.as_deref(), Some("https://example.org/q/5"));
}

#[test]
fn topics_of_discourse() {
    let topic = |accepted: &str| {
        one(&format!(
            r#"{{"post_stream": {{"posts": [
               {{"id": 1, "post_number": 1, "post_type": 1, "cooked": "<p>I tie.</p>", "username": "ann", "like_count": 4}},
               {{"id": 2, "post_number": 2, "post_type": 3, "cooked": "", "action_code": "closed.enabled"}},
               {{"id": 3, "post_number": 3, "post_type": 1, "cooked": "<p>Hm.</p>", "actions_summary": [{{"id": 2, "count": 1}}]}},
               {{"id": 4, "post_number": 4, "post_type": 1, "cooked": "<p>It <em>lasts</em>.</p>", "like_count": 2}}], "stream": [1, 2, 3, 4]}},
               "suggested_topics": [{{"id": 9, "title": "Is it hard?"}}], {accepted}
               "id": 77, "title": "Why wax?", "slug": "why-wax", "tags": ["rope", {{"id": 1, "name": "wax"}}], "created_at": "2024-03-01T10:20:30.123Z", "views": 12}}"#
        ))
    };
    let question = topic("");
    assert_eq!(question.answer, "I tie.\n\n---\n\nIt *lasts*.");
    assert_eq!((question.key.as_deref(), question.score), (Some("77"), Some(4.0)));
    assert_eq!(
        (question.date.as_deref(), question.tags.join(" ")),
        (Some("2024-03-01T10:20:30Z"), "rope wax".to_owned())
    );
    assert_eq!(question.fields["path"], "/t/why-wax/77");
    assert_eq!(topic(r#""accepted_answer": {"post_number": 3},"#).answer, "I tie.\n\n---\n\nHm.");
    let far = topic(r#""accepted_answer": {"post_number": 40, "excerpt": "Because &amp; so."},"#);
    assert_eq!(far.answer, "I tie.\n\n---\n\nBecause & so.");
}

#[test]
fn groups_are_sections() {
    check(
        r#"[{"category": "Ropes", "questions": [{"question": "Why wax?", "answer": "It lasts."}]},
            {"title": "Nets", "items": [{"q": "Is it hard?", "a": "No."}]}]"#,
        "1 Ropes > Why wax? = It lasts.\n2 Nets > Is it hard? = No.",
    );
    check(
        r#"{"qnaDocuments": [{"id": 1, "answer": "It lasts.", "questions": ["Why wax?", "what for"]}]}"#,
        "1 #1 Why wax? = It lasts.",
    );
}

#[test]
fn deep_nesting_and_long_texts_are_read_in_linear_time() {
    for (open, close) in [("{\"data\":", "}"), ("[{\"data\":", "}]"), ("{\"messages\":[", "]}"), ("[", "]")] {
        for depth in [60, 100_000] {
            let text = open.repeat(depth) + r#"{"title": "Why?", "comments": []}"# + &close.repeat(depth);
            testing::read(&Table, "json", text.as_bytes());
            testing::read(&Table, "jsonl", text.as_bytes());
        }
    }
    let body = ["<!--\\n".repeat(200_000), "```\\n<!-- -->".repeat(200_000), "?\\n# ".repeat(200_000)];
    for body in body {
        one(&format!(r#"[{{"title": "Why?", "number": 1, "body": "{body}"}}]"#));
        one(&format!(r#"[{{"instruction": "{body} Why?", "output": "So."}}]"#));
    }
}

#[test]
fn any_record_is_read_without_a_panic() {
    use proptest::strategy::{Just, Strategy};
    let value = proptest::prop_oneof![
        Just("null".to_owned()),
        Just("\"Why <!-- a\\n```\\nb?\"".to_owned()),
        Just("7".to_owned()),
    ];
    let nested = value.prop_recursive(6, 64, 6, |inner| {
        let keys = "title|body|comments|answer|messages|role|content|post_stream|posts|cooked|paragraphs|qas|question|answers|patterns|responses|nodes|data|node|labels|reactions";
        let pairs = proptest::collection::vec((keys, inner.clone()), 0..6);
        let list = proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(",")));
        let object = pairs.prop_map(|pairs| {
            let pairs: Vec<String> =
                pairs.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            format!("{{{}}}", pairs.join(","))
        });
        proptest::prop_oneof![list, object]
    });
    proptest::proptest!(|(text in nested)| {
        testing::read(&Table, "json", text.as_bytes());
        testing::read(&Table, "jsonl", text.as_bytes());
    });
}
