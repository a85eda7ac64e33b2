//! A record's columns or keys → a question.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::question::Question;
use crate::read::item::is_question_like;
use crate::read::mapping::Mapping;
use crate::read::markup;

/// Keys that hold the question, best first.
const TITLE: [&str; 8] =
    ["question", "title", "question_title", "question_text", "query", "q", "prompt", "questions"];

/// Keys that hold more words of the question than its title has.
const BODY: [&str; 5] = ["body", "question_body", "details", "context", "description"];

/// Keys whose text may ask where there is no title.
const BARE: [&str; 4] = ["text", "body", "question_body", "content"];

/// Keys that hold the answer, best first.
const ANSWER: [&str; 16] = [
    "answer",
    "accepted_answer",
    "acceptedanswer",
    "best_answer",
    "answer_text",
    "text",
    "answers",
    "a",
    "response",
    "solution",
    "explanation",
    "content",
    "output",
    "answer_html",
    "html",
    "reply",
];

const KEY: [&str; 7] = ["id", "_id", "key", "qid", "uuid", "question_id", "slug"];
const SECTION: [&str; 6] = ["section", "category", "chapter", "group", "subject", "topic"];
const LEVEL: [&str; 4] = ["level", "difficulty", "seniority", "difficulty_level"];
const TAGS: [&str; 5] = ["tags", "tag", "topics", "keywords", "labels"];
const URL: [&str; 6] = ["url", "link", "href", "permalink", "source_url", "question_url"];
const SCORE: [&str; 5] = ["score", "votes", "rating", "upvotes", "likes"];
const ALSO: [&str; 7] =
    ["also", "also_asked", "aliases", "paraphrases", "variants", "alternate_questions", "similar_questions"];

/// The longest value that is kept as a field of no known meaning, in bytes.
const LONGEST_FIELD: usize = 500;

/// What a name of a column or key is compared as: `Question Title` → `question_title`.
pub fn normalized(name: &str) -> String {
    let name = name.trim().trim_start_matches('\u{feff}').trim_matches(['"', '*']);
    name.to_lowercase().replace([' ', '-'], "_")
}

/// Whether a column or key of this (normalized) name holds a question.
pub fn is_title(name: &str) -> bool {
    TITLE.contains(&name)
}

/// Whether a column or key of this (normalized) name holds an answer.
pub fn is_answer(name: &str) -> bool {
    ANSWER.contains(&name) || BODY.contains(&name)
}

/// Whether a list under this (normalized) name belongs to a record instead of holding records.
pub fn is_part(name: &str) -> bool {
    [&TAGS[..], &ALSO, &["answers", "choices", "options"]].concat().contains(&name)
}

/// The pairs of a record, taken out one after another.
pub struct Record {
    pairs: Vec<(String, Value)>,
    /// Parts of the question that `--map` assigns; null where this record has none.
    mapped: BTreeMap<&'static str, Value>,
}

impl Record {
    /// Names as the source has them, in its order.
    pub fn new(pairs: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self::mapped(pairs, &Mapping::default())
    }

    /// A record whose parts are first taken from the keys that are assigned to them.
    pub fn mapped(pairs: impl IntoIterator<Item = (String, Value)>, mapping: &Mapping) -> Self {
        let mut pairs: Vec<(String, Value)> = pairs.into_iter().collect();
        let mut mapped = mapping.take(&mut pairs);
        // Of several questions, the first is the title.
        if let Some(Value::Array(questions)) = mapped.get_mut("question") {
            let mut questions =
                std::mem::take(questions).into_iter().filter(|text| !text_of(text).is_empty());
            mapped.insert("question", questions.next().unwrap_or_default());
            let others: Vec<Value> = questions.collect();
            if !others.is_empty() {
                mapped.entry("also").or_insert(Value::Array(others));
            }
        }
        let pairs = pairs.into_iter().map(|(name, value)| (normalized(&name), value)).collect();
        Self { pairs, mapped }
    }

    /// Whether there is a question in it, by its keys.
    pub fn has_question(&self) -> bool {
        if let Some(question) = self.mapped.get("question") {
            return !text_of(question).is_empty();
        }
        self.pairs.iter().any(|(name, value)| is_title(name) && !text_of(value).is_empty())
            || self.is_schema_question()
            || self.pairs.iter().any(|(name, _)| is_answer(name))
                && self.pairs.iter().any(|(name, _)| is_title(name))
    }

    /// `{"@type": "Question", "name": …}` of schema.org.
    fn is_schema_question(&self) -> bool {
        self.pairs.iter().any(|(name, value)| name == "@type" && value == "Question")
    }

    /// The question at a line.
    ///
    /// # Errors
    /// There is nothing to ask in it, in words for a message.
    pub fn question(mut self, line: u64) -> Result<Question, String> {
        let is_mapped = |part| self.mapped.contains_key(part);
        let (maps_question, maps_answer) = (is_mapped("question"), is_mapped("answer"));
        let title = if maps_question {
            self.take(&TITLE)
        } else {
            let title = if self.is_schema_question() { self.take(&["name"]) } else { None };
            // Without a title a bare text asks.
            title.or_else(|| self.take(&TITLE)).or_else(|| self.take(&BARE))
        };
        let mut question = Question::new(markup::title(&title.unwrap_or_default()), line);
        if question.title.is_empty() {
            let what = if maps_question {
                "the mapped key is missing or empty"
            } else {
                "neither a title nor a text"
            };
            return Err(format!("no question: {what}"));
        }
        let body = if maps_answer { None } else { self.take(&BODY) }.unwrap_or_default();
        let answer = self.take(&ANSWER).unwrap_or_default();
        question.answer = markup::joined(&markup::to_markdown(&body), &markup::to_markdown(&answer));
        question.key = self.take(&KEY);
        question.section = self.take(&SECTION);
        question.level = self.take(&LEVEL);
        question.tags = self.take_list(&TAGS, &[',', ';', '|', '<', '>']);
        question.also = self.take_list(&ALSO, &[';', '|', '\n']);
        question.url = self.take(&URL);
        question.score = self
            .take(&SCORE)
            .and_then(|score| score.trim().parse().ok())
            .filter(|score: &f64| score.is_finite());
        let mapped = self.mapped.into_iter().map(|(part, value)| (part.to_owned(), value));
        for (name, value) in mapped.chain(self.pairs) {
            let text = text_of(&value);
            // What is not one short value says nothing on its own.
            if !text.is_empty()
                && !name.is_empty()
                && !name.starts_with('@')
                && text.len() <= LONGEST_FIELD
                && !value.is_object()
            {
                question.fields.entry(name).or_insert(text);
            }
        }
        Ok(question)
    }

    /// The first of these that has a text; its pair goes. The first name is the part that a key can be mapped to.
    fn take(&mut self, names: &[&str]) -> Option<String> {
        if let Some(value) = self.mapped.remove(names[0]) {
            return Some(text_of(&value)).filter(|text| !text.is_empty());
        }
        names.iter().find_map(|wanted| {
            let at =
                self.pairs.iter().position(|(name, value)| name == wanted && !text_of(value).is_empty())?;
            Some(text_of(&self.pairs.remove(at).1))
        })
    }

    fn take_list(&mut self, names: &[&str], separators: &[char]) -> Vec<String> {
        let found = self.mapped.remove(names[0]).or_else(|| {
            let position = |wanted| self.pairs.iter().position(|(name, _)| name == wanted);
            Some(self.pairs.remove(names.iter().find_map(position)?).1)
        });
        let parts: Vec<String> = match found {
            Some(Value::Array(items)) => items.iter().map(text_of).collect(),
            Some(value) => text_of(&value).split(|c| separators.contains(&c)).map(str::to_owned).collect(),
            None => Vec::new(),
        };
        parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }
}

/// A value as text: strings as they are, numbers as written, lists in paragraphs, of an object its
/// own text (`{"@type": "Answer", "text": …}`).
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(text_of).filter(|text| !text.is_empty()).collect();
            texts.join("\n\n")
        }
        Value::Object(object) => ["text", "body", "answer", "value", "content"]
            .iter()
            .find_map(|name| object.get(*name))
            .map(text_of)
            .unwrap_or_default(),
    }
}

/// A question that stands as a bare string, or a key whose value is its answer.
pub fn is_question(text: &str) -> bool {
    is_question_like(text) && text.split_whitespace().nth(1).is_some()
}
