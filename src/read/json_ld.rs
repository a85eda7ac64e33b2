//! `FAQPage` and `QAPage` of schema.org, with which pages declare their questions to search engines.
//!
//! <https://schema.org/FAQPage>

use serde_json::{Map, Value};

use crate::question::Question;
use crate::read::emit::BadRecord;
use crate::read::table::json::reason;
use crate::read::table::record::Record;

/// The questions of a `<script type="application/ld+json">` that begins on a line; empty if it is about something else.
pub fn questions(script: &str, line: u64) -> Vec<Result<Question, BadRecord>> {
    let value: Value = match serde_json::from_str(script) {
        Ok(value) => value,
        Err(error) if script.contains("FAQPage") => {
            let line = line + (error.line() as u64).saturating_sub(1);
            return vec![Err(BadRecord { line, reason: reason(&error) })];
        }
        Err(_) => return Vec::new(),
    };
    let mut entities = Vec::new();
    collect(&value, false, &mut entities);
    let mut from = 0;
    let mut questions = Vec::new();
    for entity in entities {
        let own_line = place(script, entity, &mut from).map_or(line, |lines| line + lines);
        let record = Record::new(entity.clone().into_iter().filter(|(key, _)| wanted(key)));
        let question = record.question(own_line).map_err(|reason| BadRecord { line: own_line, reason });
        questions.push(question);
    }
    questions
}

/// Whether a key describes a question itself.
fn wanted(key: &str) -> bool {
    matches!(
        key,
        "@type" | "name" | "text" | "acceptedAnswer" | "suggestedAnswer" | "url" | "keywords" | "upvoteCount"
    )
}

/// Collects each `Question` of a page about questions. serde limits the depth of a value.
fn collect<'a>(value: &'a Value, in_page: bool, entities: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, in_page, entities)),
        Value::Object(object) => {
            let is = |kind: &str| match object.get("@type") {
                Some(Value::String(own)) => own == kind,
                Some(Value::Array(kinds)) => kinds.iter().any(|own| own == kind),
                _ => false,
            };
            let in_page = in_page || is("FAQPage") || is("QAPage");
            if in_page && is("Question") {
                entities.push(object);
                return;
            }
            for name in ["@graph", "mainEntity", "mainEntityOfPage", "hasPart", "itemListElement", "item"] {
                if let Some(inner) = object.get(name) {
                    collect(inner, in_page, entities);
                }
            }
        }
        _ => {}
    }
}

/// The line of a question's name within the script, from 0. The search begins behind the question before.
fn place(script: &str, entity: &Map<String, Value>, from: &mut usize) -> Option<u64> {
    let name = entity.get("name").and_then(Value::as_str)?;
    let at = *from + script.get(*from..)?.find(name)?;
    *from = at + name.len();
    Some(script[..at].matches('\n').count() as u64)
}
