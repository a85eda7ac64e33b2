//! Suggestions while typing, OpenSearch, and Atom feeds.

use std::fs;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use super::schema::Schemas;
use super::{Answer, Served, until};
use crate::util::{Dir, FAQ};

#[test]
fn questions_are_suggested_while_a_phrase_is_typed() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.write(
        "more.jsonl",
        "{\"question\": \"When should bread cool?\", \"url\": \"https://example.org/cool\"}\n",
    );
    dir.run(&["index", "faq.md", "more.jsonl"]).success();
    let served = Served::start(&dir, &[]);
    let schemas = Schemas::of(&served);
    let answer = served.get("/suggest?q=when+should+br");
    schemas.check_answer("/suggest", "get", &answer);
    let found = answer.ok();
    assert_eq!(
        (found[0]["title"].as_str(), found[0]["url"].as_str()),
        (Some("When should bread cool?"), Some("https://example.org/cool"))
    );
    let titles = |path: &str| -> Vec<String> {
        let reply = served.get(path).ok();
        reply.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles("/suggest?q=bread&limit=1").len(), 1);
    assert_eq!(titles("/suggest?q=bread+kn"), Vec::<String>::new());
    assert_eq!(titles("/suggest?q="), Vec::<String>::new());
    assert_eq!(titles("/suggest?q=pruning"), ["When should I prune roses?"]);
    served.get("/suggest?q=a&limit=21").problem(422, "limit must be a number from 1 to 20");
    served.get("/suggest").problem(400, "q");
    served.get(&format!("/suggest?q={}", "a".repeat(2_001))).problem(422, "2001 characters");
}

#[test]
fn browsers_can_add_the_search() {
    let served = Served::start(&Dir::indexed(), &[]);
    let description = served.get("/opensearch.xml");
    assert_eq!(description.header("content-type"), Some("application/opensearchdescription+xml"));
    elements(&description.body);
    let origin = served.url("");
    for template in ["/?q={searchTerms}", "/suggest/opensearch?q={searchTerms}"] {
        assert!(description.body.contains(&format!("template=\"{origin}{template}\"")), "{description:?}");
    }
    assert!(served.get("/").body.contains("rel=\"search\" type=\"application/opensearchdescription+xml\""));
    let suggested = served.get("/suggest/opensearch?q=prune+r");
    assert_eq!(suggested.header("content-type"), Some("application/x-suggestions+json"));
    let reply: Value = serde_json::from_str(&suggested.body).unwrap();
    assert_eq!((&reply[0], &reply[1]), (&json!("prune r"), &json!(["When should I prune roses?"])));
    let address = reply[3][0].as_str().unwrap().strip_prefix(&origin).unwrap().to_owned();
    assert!(address.starts_with("/?q=When+should+I+prune+roses%3F&open="), "{address}");
    let secure = served.send("GET", "/opensearch.xml", &[("x-forwarded-proto", "https")], "");
    assert!(secure.body.contains(&origin.replace("http:", "https:")), "{secure:?}");
}

/// The elements of an XML document with their texts, in order. Panics if it is not well-formed.
fn elements(xml: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().trim_text(true);
    let (mut elements, mut open) = (Vec::<(String, String)>::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                open.push(elements.len());
                elements.push((tag.name().as_ref().to_owned(), String::new()));
            }
            Event::Text(text) => {
                elements[*open.last().unwrap()].1 += &text;
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Eof => return elements,
            _ => {}
        }
    }
}

fn texts<'a>(elements: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    elements.iter().filter(|(own, _)| own == name).map(|(_, text)| text.as_str()).collect()
}

/// What RFC 4287 requires of a feed: an id, a title, a time and an author, and for each entry an id, a title and a time.
fn check_feed(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/atom+xml; charset=utf-8"))
    );
    let elements = elements(&answer.body);
    let entries = texts(&elements, "entry").len();
    for name in ["id", "title", "updated"] {
        let found = texts(&elements, name);
        assert!(
            found.len() == entries + 1 && found.iter().all(|text| !text.is_empty()),
            "{name}: {answer:?}"
        );
    }
    let mut ids = texts(&elements, "id");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), entries + 1, "{answer:?}");
    assert_eq!(texts(&elements, "name"), ["rqsearch"]);
    elements
}

#[test]
fn new_questions_are_a_feed() {
    let dir = Dir::new();
    let dated = |title: &str, date: &str| {
        format!("{{\"question\": \"{title}\", \"date\": \"{date}\", \"answer\": \"A <b> & c.\"}}\n")
    };
    let first = [
        dated("Older?", "2023-05-01"),
        dated("Newer?", "2024-05-01"),
        "{\"question\": \"Undated?\"}\n".into(),
    ];
    dir.write("faq.jsonl", first.concat());
    dir.run(&["index", "faq.jsonl"]).success();
    let served = Served::start(&dir, &[]);
    let answer = served.get("/feed.atom");
    let elements = check_feed(&answer);
    assert_eq!(texts(&elements, "title"), ["New questions", "Newer?", "Older?"]);
    assert_eq!(texts(&elements, "updated")[..2], ["2024-05-01T00:00:00Z"; 2]);
    let tag = answer.header("etag").unwrap().to_owned();
    let again = |tag: &str| served.send("GET", "/feed.atom", &[("if-none-match", tag)], "");
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = again(&known);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{known}");
    }
    dir.write("faq.jsonl", [first.concat(), dated("Newest?", "2024-06-01")].concat());
    dir.run(&["index"]).success();
    until("the new question is in the feed", || again(&tag).body.contains("Newest?").then_some(()));
}

#[test]
fn new_gaps_are_a_feed_for_administrators() {
    let dir = Dir::indexed();
    let log = |time: &str, q: &str| {
        format!("{{\"time\": \"{time}\", \"q\": \"{q}\", \"answered\": false, \"first\": null}}\n")
    };
    let lines = [
        log("2026-01-03T00:00:00Z", "what is the capital of France"),
        log("2026-01-02T00:00:00Z", "What is the capital of France?"),
        log("2026-01-05T00:00:00Z", "my printer is out of toner"),
        log("2026-01-06T00:00:00Z", "my printer is out of toner"),
    ];
    fs::write(dir.path().join("queries.jsonl"), lines.concat()).unwrap();
    dir.write(
        "tokens",
        "reader search correct-battery-horse-staple\nboss search,admin staple-horse-battery-correct\n",
    );
    let served = Served::start(&dir, &["--query-log", "queries.jsonl", "--token-file", "tokens"]);
    let get = |path: &str, token: &str| {
        served.send("GET", path, &[("authorization", &format!("Bearer {token}"))], "")
    };
    let answer = get("/gaps/feed.atom", "staple-horse-battery-correct");
    let elements = check_feed(&answer);
    assert_eq!(
        texts(&elements, "title"),
        ["What nothing answers", "my printer is out of toner", "what is the capital of France"]
    );
    assert_eq!(texts(&elements, "published"), ["2026-01-05T00:00:00Z", "2026-01-02T00:00:00Z"]);
    assert!(texts(&elements, "summary")[0].starts_with("Asked 2 times"), "{elements:?}");
    get("/gaps/feed.atom", "correct-battery-horse-staple").problem(403, "admin");
    assert_eq!(get("/feed.atom", "correct-battery-horse-staple").status, 200);
    served.get("/feed.atom").problem(401, "");
    served.get("/suggest?q=a").problem(401, "");
    assert_eq!(served.get("/opensearch.xml").status, 200);
}

#[test]
fn facets_and_several_indexes_are_served() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    dir.run(&["index", "--index", "a", "faq.md"]).success();
    dir.write("faq.md", FAQ.replace("roses", "shrubs"));
    dir.run(&["index", "--index", "b", "faq.md"]).success();
    let served = Served::start(&dir, &["--index", "a", "--index", "b"]);
    let schemas = Schemas::of(&served);
    assert_eq!(served.get("/stats").ok()["questions"], 10);
    let answer = served.get("/search?q=prune+shrubs&facets=section,tag&facets=level&facet_values=2");
    schemas.check_answer("/search", "get", &answer);
    let reply = answer.ok();
    assert_eq!(reply["hits"][0]["index"], "b", "{reply}");
    let names: Vec<&str> = reply["facets"]["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|facet| facet["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["section", "tag", "level"]);
    let all = served.post("/search", &json!({"q": "", "facets": ["section", "year"]})).ok();
    assert_eq!(
        all["facets"]["counts"][0]["values"],
        json!([{"value": "Kitchen", "count": 6}, {"value": "Garden", "count": 4}])
    );
    served.get("/search?q=&facets=").problem(400, "is not a facet");
    served.get("/search?q=a&facets=section,colour").problem(400, "\"colour\" is not a facet");
    served.get("/search?q=a&facets=tag&facet_values=0").problem(422, "facet_values must be a number from 1");
    // A question that both have is found in the index of the hit.
    let knife = served.get("/search?q=sharpen+a+knife&all=true").ok()["hits"][0].clone();
    let path = format!("/questions/{}", knife["id"].as_str().unwrap());
    served.get(&path).problem(409, "2 questions match");
    let question = served.get(&format!("{path}?index={}", knife["index"].as_str().unwrap())).ok();
    assert_eq!(question["title"], knife["title"]);
    served.get(&format!("{path}?index=c")).problem(404, "no question has the id");
    // A commit of one of them is seen.
    dir.write("faq.md", format!("{FAQ}\n## How often does a lawn need water?\n\nOnce a week.\n"));
    dir.run(&["index", "--index", "a", "faq.md"]).success();
    until("the commit is served", || (served.get("/stats").ok()["questions"] == 11).then_some(()));
}
