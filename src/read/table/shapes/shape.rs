//! What a kind of JSON records consists of, and what several of them need.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use crate::read::table::record::Record;

/// The pairs of a JSON object.
pub type Object = Map<String, Value>;

/// Where a shape hands its records; an error is a record without a question, and says so.
pub type Take<'t> = dyn FnMut(Result<Record, String>) -> ControlFlow<()> + 't;

/// A kind of record, recognized by its keys and never by the name of its file.
pub struct Shape {
    /// Whether an object is of this kind, by its keys.
    pub fits: fn(&Object) -> bool,
    /// Hands over the records in an object that fits, with names that [`Record`] knows.
    pub read: fn(Object, &mut Take<'_>) -> ControlFlow<()>,
}

/// The value at the first of these paths (`/reactions/total_count`) that leads to one.
pub fn at<'v>(value: &'v Value, paths: &[&str]) -> Option<&'v Value> {
    paths.iter().find_map(|path| value.pointer(path)).filter(|value| !value.is_null())
}

/// The elements of a list, also as GraphQL writes one: `{"nodes": […]}`, `{"edges": [{"node": …}]}`.
pub fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    let list = at(value, &["/nodes", "/edges"]).unwrap_or(value).as_array();
    list.into_iter().flatten().map(|element| element.get("node").unwrap_or(element))
}

/// What makes a reply better than another: it was accepted, has votes, or a maintainer wrote it.
pub type Merit = (bool, i64, bool);

/// The best of replies, of equals the first.
pub fn best<'v>(replies: impl IntoIterator<Item = (Merit, &'v Value)>) -> Option<&'v Value> {
    let better =
        |best: (Merit, &'v Value), reply: (Merit, &'v Value)| if reply.0 > best.0 { reply } else { best };
    replies.into_iter().reduce(better).map(|(_, reply)| reply)
}

/// Pairs of a name and a text; empty texts are left out.
pub fn pairs<const N: usize>(texts: [(&str, String); N]) -> impl Iterator<Item = (String, Value)> {
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    texts.map(|(name, text)| (name.to_owned(), Value::String(text)))
}
