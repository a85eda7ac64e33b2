//! Intents of chat bots: `{"tag": …, "patterns": […], "responses": […]}`.

use std::ops::ControlFlow;

use serde_json::Value;

use super::shape::{Object, Shape, Take};
use crate::read::table::record::{Record, text_of};

pub const INTENT: Shape = Shape { fits, read };

const PATTERNS: [&str; 4] = ["patterns", "utterances", "examples", "text"];

fn fits(object: &Object) -> bool {
    let is_list = |key: &str| object.get(key).is_some_and(Value::is_array);
    PATTERNS.into_iter().any(is_list) && is_list("responses")
}

/// The first pattern is the title, the others ask the same; the responses are the answer.
fn read(mut object: Object, take: &mut Take<'_>) -> ControlFlow<()> {
    let patterns = PATTERNS.into_iter().find_map(|key| object.remove(key)).unwrap_or_default();
    let name = ["tag", "intent", "name"].into_iter().find_map(|key| object.remove(key));
    let name = name.map(|name| text_of(&name)).unwrap_or_default();
    if text_of(&patterns).is_empty() {
        return take(Err(format!("the intent {name:?} has no patterns")));
    }
    // Names of conversation states, not text.
    object.retain(|key, _| !key.starts_with("context"));
    let pairs = [("question".to_owned(), patterns), ("section".to_owned(), name.into())];
    take(Ok(Record::new(object.into_iter().chain(pairs))))
}
