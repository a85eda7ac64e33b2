//! Questions about paragraphs, as SQuAD 1.1 and 2.0 have them: by article, or one record each.

use std::collections::HashSet;
use std::ops::ControlFlow;

use serde_json::Value;

use super::shape::{Object, Shape, Take, pairs};
use crate::read::markup;
use crate::read::table::record::{Record, text_of};

pub const SQUAD: Shape = Shape { fits, read };

fn fits(object: &Object) -> bool {
    let of_first = |paragraphs: &Value| paragraphs.get(0)?.get("qas").map(Value::is_array);
    match object.get("paragraphs") {
        Some(paragraphs) => of_first(paragraphs) == Some(true),
        None => {
            let is_text = |key: &str| object.get(key).is_some_and(Value::is_string);
            let answers = object.get("answers");
            is_text("question") && is_text("context") && answers.is_some_and(|answers| !answers.is_string())
        }
    }
}

fn read(mut object: Object, take: &mut Take<'_>) -> ControlFlow<()> {
    let article = object.remove("title").map(|title| text_of(&title)).unwrap_or_default();
    let Some(Value::Array(paragraphs)) = object.remove("paragraphs") else {
        let paragraph = object.remove("context").map(|text| text_of(&text)).unwrap_or_default();
        return take(Ok(question(object, &article, &paragraph)));
    };
    for mut paragraph in paragraphs {
        let context = paragraph.get("context").map(text_of).unwrap_or_default();
        let Some(Value::Array(questions)) = paragraph.get_mut("qas").map(Value::take) else {
            take(Err("a paragraph without qas".to_owned()))?;
            continue;
        };
        for asked in questions {
            take(match asked {
                Value::Object(asked) => Ok(question(asked, &article, &context)),
                _ => Err("expected a question with answers".to_owned()),
            })?;
        }
    }
    ControlFlow::Continue(())
}

/// The answer is each text that was marked, once, and the paragraph.
fn question(mut object: Object, article: &str, paragraph: &str) -> Record {
    // Wrong answers to questions that have none.
    object.remove("plausible_answers");
    object.retain(|key, value| key != "is_impossible" || *value == true);
    let mut answers = Vec::new();
    object.remove("answers").iter().for_each(|marked| texts(marked, &mut answers));
    let mut seen = HashSet::new();
    answers.retain(|text| !text.is_empty() && seen.insert(text.clone()));
    let answer = markup::joined(&answers.join("\n\n"), paragraph);
    Record::markdown(object.into_iter().chain(pairs([("answer", answer), ("section", article.to_owned())])))
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(object) => object.get("text").into_iter().for_each(|text| texts(text, found)),
        text => found.push(text_of(text)),
    }
}
