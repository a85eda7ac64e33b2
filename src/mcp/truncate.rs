//! What keeps a reply short enough to be read by a model: what is left out is said.

use serde_json::Value;

/// How many hits, groups or pairs a reply has at most.
pub const ITEMS: usize = 50;

/// How many bytes of an answer one reply holds.
pub const ANSWER: usize = 32 << 10;

/// How many bytes a phrase may have; a model reads some hundred words of it.
pub const PHRASE: usize = 16 << 10;

/// How many bytes the readable text of a reply has at most.
const TEXT: usize = 48 << 10;

/// How many bytes each list of a reply has at most, as JSON.
const LIST: usize = 48 << 10;

/// How many bytes each text in a reply but the answer has at most, and how many things each list in a list.
const INNER_TEXT: usize = 4 << 10;
const INNER_LIST: usize = 20;

/// The beginning of a text, at most so many bytes, whole characters.
pub fn beginning(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// A text for people and models, cut where it is long, saying so.
pub fn text(mut text: String) -> String {
    if text.len() > TEXT {
        text.truncate(text.floor_char_boundary(TEXT));
        text.push_str("…\n\n(the rest of this text was left out; the structured content may have more)\n");
    }
    text
}

/// Cuts what is long in a reply, an object, its `answer` excepted, which is cut already; gives what was left out, in words.
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
            cut.push(format!("{} more of `{name}`, which would be too long", all - list.len()));
        }
    }
    if is_shortened {
        cut.push(format!(
            "the rest of texts over {INNER_TEXT} bytes (marked …) and of lists over {INNER_LIST}"
        ));
    }
    cut
}

/// How many things of a list are short enough together: the first is, always.
fn fitting(list: &[Value]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&Value| {
        bytes += item.to_string().len();
        bytes <= LIST
    };
    list.iter().take_while(fits).count().max(1)
}

/// Cuts the long texts and lists in a value; says whether there were any.
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
    fn what_is_short_stays() {
        let mut reply = json!({"answer": "a".repeat(INNER_TEXT + 1), "hits": [{"title": "b"}], "cut": null});
        let before = reply.clone();
        assert_eq!((bound(&mut reply), reply), (Vec::new(), before));
        assert_eq!(text("short".into()), "short");
    }

    #[test]
    fn what_is_long_is_cut_and_named() {
        let mut reply =
            json!({"title": "ß".repeat(INNER_TEXT), "tags": vec![1; 30], "hits": [{"tags": vec![1; 30]}]});
        let cut = bound(&mut reply);
        assert!(matches!(cut.as_slice(), [cut] if cut.contains("4096 bytes")), "{cut:?}");
        assert_eq!(reply["title"].as_str().unwrap().chars().count(), INNER_TEXT / 2 + 1);
        // A list at the top is bounded by its bytes.
        assert_eq!(reply["tags"].as_array().unwrap().len(), 30);
        assert_eq!(reply["hits"][0]["tags"].as_array().unwrap().len(), INNER_LIST);
    }

    #[test]
    fn a_list_keeps_what_fits_and_always_something() {
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
    fn a_long_text_ends_with_a_whole_character() {
        let cut = text("ß".repeat(TEXT));
        assert!(cut.len() < TEXT + 200 && cut.contains("ß…\n"), "{}", &cut[TEXT - 10..]);
    }
}
