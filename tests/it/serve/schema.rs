//! Replies match the schemas of `/openapi.json`.

use std::cell::RefCell;
use std::collections::HashMap;

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{Answer, Served};
use crate::util::Dir;

/// The schemas of a server's document, made strict: unknown keys are errors.
pub struct Schemas {
    document: Value,
    validators: RefCell<HashMap<String, Validator>>,
}

impl Schemas {
    pub fn of(served: &Served) -> Self {
        let mut document = served.get("/openapi.json").ok();
        document["components"]["schemas"].as_object_mut().unwrap().values_mut().for_each(close);
        Self { document, validators: RefCell::default() }
    }

    /// Fails if a value does not match a type.
    #[track_caller]
    pub fn check(&self, name: &str, value: &Value) {
        self.check_schema(&format!("/components/schemas/{name}"), value);
    }

    /// Fails if a reply does not match the schema of its operation and status.
    #[track_caller]
    pub fn check_answer(&self, path: &str, method: &str, answer: &Answer) {
        let kind = answer.header("content-type").unwrap().split(';').next().unwrap();
        let escape = |part: &str| part.replace('~', "~0").replace('/', "~1");
        let pointer = format!(
            "/paths/{}/{method}/responses/{}/content/{}/schema",
            escape(path),
            answer.status,
            escape(kind)
        );
        self.check_schema(&pointer, &answer.json());
    }

    #[track_caller]
    fn check_schema(&self, pointer: &str, value: &Value) {
        let mut validators = self.validators.borrow_mut();
        let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
            let schema = self.document.pointer(pointer);
            let mut schema = schema.unwrap_or_else(|| panic!("{pointer} is missing: {value}")).clone();
            schema["components"] = self.document["components"].clone();
            jsonschema::draft202012::new(&schema).unwrap()
        });
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{pointer}: {errors:?}\n{value}");
    }
}

/// Forbids unknown keys in every object of a schema.
fn close(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        if object.contains_key("properties") && !object.contains_key("additionalProperties") {
            object.insert("additionalProperties".into(), false.into());
        }
        object.values_mut().for_each(close);
    } else if let Some(list) = schema.as_array_mut() {
        list.iter_mut().for_each(close);
    }
}

/// Search requests, both valid and invalid.
fn requests() -> impl Strategy<Value = Value> {
    let phrase = prop_oneof![
        4 => "[a-z]{1,8}( [a-z]{1,8}){0,5}",
        2 => Just("when should I prune roses?".to_owned()),
        2 => any::<String>(),
        1 => Just("\"yellow leaves\" -bread".to_owned()),
    ];
    let fraction = prop_oneof![0.0..=1.0_f64, Just(1.5)];
    let filters = prop::collection::vec(prop_oneof!["bread", "kitchen", "advanced", any::<String>()], 0..3);
    let mode = prop_oneof![Just("hybrid"), Just("keyword"), Just("semantic")];
    (phrase, 0..130_usize, mode, fraction, filters, any::<[bool; 5]>()).prop_map(
        |(q, limit, mode, fraction, filters, [all, explain, by_tag, by_section, weighted])| {
            let mut request = json!({"q": q, "limit": limit, "mode": mode, "all": all, "explain": explain});
            if by_tag {
                request["tag"] = json!(filters)
            }
            if by_section {
                request["section"] = json!(filters)
            }
            if weighted {
                request["semantic_weight"] = json!(fraction)
            } else {
                request["min_confidence"] = json!(fraction)
            }
            request
        },
    )
}

#[test]
fn every_reply_matches_its_schema() {
    let served = Served::start(&Dir::indexed(), &[]);
    let schemas = Schemas::of(&served);
    for (path, request) in [
        ("/stats", "/stats"),
        ("/health", "/health"),
        ("/duplicates", "/duplicates?threshold=0.3"),
        ("/questions/{id}", "/questions/none"),
        ("/questions/{id}/related", "/questions/none/related"),
    ] {
        schemas.check_answer(path, "get", &served.get(request));
    }
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&requests(), |request| {
            let answer = served.post("/search", &request);
            prop_assert!(matches!(answer.status, 200 | 422), "{answer:?}");
            schemas.check_answer("/search", "post", &answer);
            let several = served.post("/search", &json!({"requests": [request, {"q": "dough"}]}));
            prop_assert_eq!(several.status, answer.status);
            schemas.check_answer("/search", "post", &several);
            let check = served.post("/duplicates/check", &json!({"q": request["q"], "threshold": 0.0}));
            schemas.check_answer("/duplicates/check", "post", &check);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_unknown_key_is_detected() {
    let served = Served::start(&Dir::indexed(), &[]);
    let schemas = Schemas::of(&served);
    let mut reply = served.get("/search?q=roses&explain=true").ok();
    schemas.check("SearchReply", &reply);
    reply["hits"][0]["surprise"] = true.into();
    let caught =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| schemas.check("SearchReply", &reply)));
    assert!(caught.is_err(), "an unknown key was not detected");
}

/// Every operation of the document exists.
#[test]
fn every_route_of_the_document_exists() {
    let options = ["--feedback", "feedback.jsonl", "--query-log", "queries.jsonl", "--decisions", "d.jsonl"];
    let served = Served::start(&Dir::indexed(), &options);
    let document = served.get("/openapi.json").ok();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 21, "{:?}", paths.keys());
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let answer = served.send(&method.to_uppercase(), &path.replace("{id}", "none"), &[], "");
            let exists = !answer.body.contains("this path does not exist") && answer.status != 405;
            assert!(exists, "{method} {path}: {answer:?}");
        }
    }
}
