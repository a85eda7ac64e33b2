//! Examples for training language models: an instruction and its output, or the turns of a conversation.

use std::ops::ControlFlow;

use serde_json::Value;

use super::shape::{Object, Shape, Take, pairs};
use crate::read::table::record::{Record, text_of};

pub const CHAT: Shape = Shape { fits, read };

/// Where the turns are, or the first of them.
const TURNS: [&str; 6] = ["messages", "conversations", "conversation", "contents", "turns", "prompt"];

/// Where the reply to a prompt or an instruction is.
const REPLIES: [&str; 6] = ["output", "completion", "response", "chosen", "answer", "instances"];

fn fits(object: &Object) -> bool {
    turns(object).is_some()
        || ["instruction", "prompt"].iter().any(|key| object.get(*key).is_some_and(Value::is_string))
            && REPLIES.iter().any(|key| object.contains_key(*key))
}

/// The key of the list of turns.
fn turns(object: &Object) -> Option<&'static str> {
    TURNS.into_iter().find(|key| object.get(*key).and_then(|list| list.get(0)).is_some_and(is_turn))
}

/// The first question of the user and the reply to it; what a user says later belongs to another question.
fn read(mut object: Object, take: &mut Take<'_>) -> ControlFlow<()> {
    // An instruction that is to be followed for one input after another.
    if let Some(Value::Object(first)) =
        object.get_mut("instances").and_then(|list| list.get_mut(0)).map(Value::take)
    {
        object.extend(first);
    }
    let mut said = turns(&object).and_then(|key| object.remove(key));
    let reply = REPLIES.into_iter().find(|key| object.contains_key(*key)).and_then(|key| object.remove(key));
    let is_conversation = said.is_some();
    let (mut asked, mut replied) = (Vec::new(), Vec::new());
    // A preferred reply may repeat the prompt.
    match (&mut said, &reply) {
        (_, Some(reply)) if reply.get(0).is_some_and(is_turn) && begins_with_user(reply) => {
            said = Some(reply.clone())
        }
        (Some(Value::Array(said)), Some(Value::Array(reply))) => said.extend(reply.iter().cloned()),
        _ => {}
    }
    for turn in said.iter().flat_map(Value::as_array).flatten() {
        let text = content(turn);
        match speaker(turn) {
            Speaker::User if !replied.is_empty() => break,
            _ if text.is_empty() => {}
            Speaker::User => asked.push(text),
            // A greeting answers nothing.
            Speaker::Assistant if asked.is_empty() => {}
            Speaker::Assistant => replied.push(text),
            Speaker::Other => {}
        }
    }
    if is_conversation && asked.is_empty() {
        return take(Err("a conversation in which no user says anything".to_owned()));
    }
    object.retain(|key, _| !matches!(key.as_str(), "system" | "rejected" | "tools"));
    if is_conversation {
        // It may have a title that somebody made up.
        object.retain(|key, _| key != "title" && key != "prompt");
    }
    if replied.is_empty() {
        replied.extend(reply.iter().map(text_of));
    }
    let texts = pairs([("question", asked.join("\n\n")), ("answer", replied.join("\n\n"))]);
    take(Ok(Record::markdown(texts.chain(object))))
}

enum Speaker {
    User,
    Assistant,
    /// The system, or a tool.
    Other,
}

fn name_of_speaker(turn: &Value) -> Option<&str> {
    ["role", "from"].iter().find_map(|key| turn.get(key)?.as_str())
}

fn speaker(turn: &Value) -> Speaker {
    match name_of_speaker(turn).unwrap_or_default().to_lowercase().as_str() {
        "user" | "human" | "prompter" => Speaker::User,
        "assistant" | "gpt" | "chatgpt" | "bot" | "model" | "ai" => Speaker::Assistant,
        _ => Speaker::Other,
    }
}

fn begins_with_user(turns: &Value) -> bool {
    turns.as_array().into_iter().flatten().any(|turn| matches!(speaker(turn), Speaker::User))
}

/// Whether a value is what one side of a conversation says.
pub fn is_turn(value: &Value) -> bool {
    name_of_speaker(value).is_some()
        && ["content", "value", "parts", "text"].iter().any(|key| value.get(key).is_some())
}

/// What is said: a text, or a list of parts of which some are texts.
fn content(turn: &Value) -> String {
    let said = ["content", "value", "parts", "text"].iter().find_map(|key| turn.get(key));
    said.map(text_of).unwrap_or_default()
}
