//! Limits that keep a reply short enough for a model. Each reply lists what was left out.

use serde_json::Value;

/// The maximum number of hits, groups or pairs in a reply.
pub const ITEMS: usize = 50;

/// The maximum number of hits that a search skips. They are computed as well.
pub const OFFSET: usize = 1_000;

/// The maximum length of the part of an answer in one reply, in bytes.
pub const ANSWER: usize = 32 << 10;

/// The maximum length of a phrase, in bytes. An embedding model reads only a few hundred words.
pub const PHRASE: usize = 16 << 10;

/// The maximum length of a reply's text content, in bytes.
const TEXT: usize = 48 << 10;

/// The maximum length of each top-level list in a reply, in bytes of JSON.
const LIST: usize = 48 << 10;

/// The maximum length of each string in a reply except the answer, in bytes.
const INNER_TEXT: usize = 4 << 10;

/// The maximum number of items in each nested list.
const INNER_LIST: usize = 20;

/// The longest prefix of `text` of at most `most` bytes that does not split a character.
pub fn beginning(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Truncates the text content of a reply and adds a note if it was too long.
pub fn text(mut text: String) -> String {
    if text.len() > TEXT {
        text.truncate(text.floor_char_boundary(TEXT));
        text.push_str("…\n\n(The rest of this text was left out; the structured content may have more.)\n");
    }
    text
}

/// Truncates long strings and lists in a reply, which must be an object. Skips `answer`, which was truncated
/// before. Returns descriptions of what was left out.
pub fn bound(reply: &mut Value) -> Vec<String> {
    let Value::Object(reply) = reply else { return Vec::new() };
    let mut cut = Vec::new();
    let mut is_shortened = false;
    for (name, value) in reply.iter_mut().filter(|(name, _)| *name != "answer") {
        let Value::Array(list) = value else {
            is_shortened |= shorten(value);
            continue;
        };
        for item in list.iter_mut() {
            is_shortened |= shorten(item);
        }
        let all = list.len();
        list.truncate(fitting(list));
        if list.len() < all {
            cut.push(format!("{} more of `{name}`, to limit the length of the reply", all - list.len()));
        }
    }
    if is_shortened {
        cut.push(format!(
            "the rest of strings over {INNER_TEXT} bytes (marked …) and of lists over {INNER_LIST} items"
        ));
    }
    cut
}

/// How many items of a list fit within [`LIST`] bytes; at least 1.
fn fitting(list: &[Value]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&Value| {
        bytes += item.to_string().len();
        bytes <= LIST
    };
    list.iter().take_while(fits).count().max(1)
}

/// Truncates the long strings and lists in a value. Returns whether it truncated any.
fn shorten(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.len() > INNER_TEXT => {
            text.truncate(text.floor_char_boundary(INNER_TEXT));
            text.push('…');
            true
        }
        Value::Array(list) => {
            let is_long = list.len() > INNER_LIST;
            list.truncate(INNER_LIST);
            list.iter_mut().fold(is_long, |cut, item| shorten(item) | cut)
        }
        Value::Object(object) => object.values_mut().fold(false, |cut, value| shorten(value) | cut),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_replies_are_unchanged() {
        let mut reply = json!({"answer": "a".repeat(INNER_TEXT + 1), "hits": [{"title": "b"}], "cut": null});
        let before = reply.clone();
        assert_eq!((bound(&mut reply), reply), (Vec::new(), before));
        assert_eq!(text("short".into()), "short");
    }

    #[test]
    fn long_strings_and_lists_are_truncated_and_reported() {
        let mut reply =
            json!({"title": "ß".repeat(INNER_TEXT), "tags": vec![1; 30], "hits": [{"tags": vec![1; 30]}]});
        let cut = bound(&mut reply);
        assert!(matches!(cut.as_slice(), [cut] if cut.contains("4096 bytes")), "{cut:?}");
        assert_eq!(reply["title"].as_str().unwrap().chars().count(), INNER_TEXT / 2 + 1);
        // A top-level list is limited by bytes, not by items.
        assert_eq!(reply["tags"].as_array().unwrap().len(), 30);
        assert_eq!(reply["hits"][0]["tags"].as_array().unwrap().len(), INNER_LIST);
    }

    #[test]
    fn a_list_keeps_the_items_that_fit_and_at_least_one() {
        let hit = json!(vec!["a".repeat(INNER_TEXT); 5]);
        let mut reply = json!({"hits": [hit, hit, hit, hit]});
        let cut = bound(&mut reply);
        assert_eq!(reply["hits"].as_array().unwrap().len(), 2);
        assert!(cut[0].starts_with("2 more of `hits`"), "{cut:?}");
        let mut reply = json!({"hits": [vec!["a".repeat(INNER_TEXT); INNER_LIST]]});
        assert!(bound(&mut reply).is_empty());
        assert_eq!(reply["hits"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn truncation_does_not_split_a_character() {
        let cut = text("ß".repeat(TEXT));
        assert!(cut.len() < TEXT + 200 && cut.contains("ß…\n"), "{}", &cut[TEXT - 10..]);
    }
}
