//! Kinds of JSON records that name their parts in a way of their own. To add one, write its [`Shape`] in a file like
//! [`intents`] and list it in [`SHAPES`].

mod chat;
mod discourse;
mod intents;
mod squad;
mod thread;

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::record::Record;

pub use chat::is_turn;

/// The pairs of a JSON object.
pub type Object = Map<String, Value>;

/// Where a shape hands its records; an error is a record without a question, and says so.
pub type Take<'t> = dyn FnMut(Result<Record, String>) -> ControlFlow<()> + 't;

/// A kind of record, recognized by its keys and never by the name of its file.
pub struct Shape {
    fits: fn(&Object) -> bool,
    /// Hands over the records in an object that fits, with names that [`Record`] knows.
    pub read: fn(Object, &mut Take<'_>) -> ControlFlow<()>,
}

/// Where two fit, the earlier one reads it.
const SHAPES: [Shape; 5] = [squad::SQUAD, intents::INTENT, chat::CHAT, discourse::TOPIC, thread::THREAD];

impl Shape {
    /// The shape of an object, if it has one.
    pub fn of(object: &Object) -> Option<&'static Self> {
        let fit = || SHAPES.iter().find(|shape| (shape.fits)(object));
        if Self::may_fit(object.keys()) { fit() } else { None }
    }

    /// Whether an object with these keys may have a shape. Most records have none of the keys of shapes.
    pub fn may_fit<'k>(mut keys: impl Iterator<Item = &'k String>) -> bool {
        keys.any(|key| is_sign(key))
    }
}

/// Whether an object with this key may have a shape. Each shape has one of these.
fn is_sign(key: &str) -> bool {
    matches!(key, "paragraphs" | "context" | "responses" | "post_stream" | "instruction" | "prompt")
        || matches!(key, "messages" | "conversations" | "conversation" | "contents" | "turns")
        || matches!(key, "comments" | "answers" | "replies" | "answer" | "number" | "body")
}

/// The value at the first of these paths (`/reactions/total_count`) that leads to one.
fn at<'v>(value: &'v Value, paths: &[&str]) -> Option<&'v Value> {
    paths.iter().find_map(|path| value.pointer(path)).filter(|value| !value.is_null())
}

/// The elements of a list, also as GraphQL writes one: `{"nodes": […]}`, `{"edges": [{"node": …}]}`.
fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    let list = at(value, &["/nodes", "/edges"]).unwrap_or(value).as_array();
    list.into_iter().flatten().map(|element| element.get("node").unwrap_or(element))
}

/// What makes a reply better than another: it was accepted, has votes, or a maintainer wrote it.
type Merit = (bool, i64, bool);

/// The best of replies, of equals the first.
fn best<'v>(replies: impl IntoIterator<Item = (Merit, &'v Value)>) -> Option<&'v Value> {
    let better =
        |best: (Merit, &'v Value), reply: (Merit, &'v Value)| if reply.0 > best.0 { reply } else { best };
    replies.into_iter().reduce(better).map(|(_, reply)| reply)
}

/// Pairs of a name and a text; empty texts are left out.
fn pairs<const N: usize>(texts: [(&str, String); N]) -> impl Iterator<Item = (String, Value)> {
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    texts.map(|(name, text)| (name.to_owned(), Value::String(text)))
}

#[cfg(test)]
mod tests;
