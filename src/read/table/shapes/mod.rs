//! Kinds of JSON records that name their parts in a way of their own. To add one, write its [`Shape`] in a file like
//! [`intents`] and list it in [`SHAPES`].

mod chat;
mod discourse;
mod intents;
mod shape;
mod squad;
mod thread;

pub use chat::is_turn;
pub use shape::{Object, Shape};

/// Where two fit, the earlier one reads it.
const SHAPES: [Shape; 5] = [squad::SQUAD, intents::INTENT, chat::CHAT, discourse::TOPIC, thread::THREAD];

/// The shape of an object, if it has one.
pub fn shape_of(object: &Object) -> Option<&'static Shape> {
    let fit = || SHAPES.iter().find(|shape| (shape.fits)(object));
    if may_fit(object.keys()) { fit() } else { None }
}

/// Whether an object with these keys may have a shape. Most records have none of the keys of shapes.
pub fn may_fit<'k>(mut keys: impl Iterator<Item = &'k String>) -> bool {
    keys.any(|key| is_sign(key))
}

/// Whether an object with this key may have a shape. Each shape has one of these.
fn is_sign(key: &str) -> bool {
    matches!(key, "paragraphs" | "context" | "responses" | "post_stream" | "instruction" | "prompt")
        || matches!(key, "messages" | "conversations" | "conversation" | "contents" | "turns")
        || matches!(key, "comments" | "answers" | "replies" | "answer" | "number" | "body")
}

#[cfg(test)]
mod tests;
