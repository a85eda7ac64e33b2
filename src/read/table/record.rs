//! Converts a record (names and values) to a question.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::question::Question;
use crate::read::document::{ends_asking, is_question_like, labelled_question};
use crate::read::keys::{
    ALSO, ANSWER, BARE, BODY, DATE, KEY, LEVEL, NEUTRAL, SCORE, SECTION, SURE_TITLE, TAGS, TITLE, URL, View,
    is_answer, is_title, normalized,
};
use crate::read::line::one_line;
use crate::read::mapping::Mapping;
use crate::read::{date, markup};

/// How many keys of a record without a question an error lists.
const KEYS_NAMED: usize = 12;

/// The longest value that is kept as a field of no known meaning, in bytes.
const LONGEST_FIELD: usize = 500;

/// The pairs of a record, taken out one after another.
pub struct Record {
    pairs: Vec<(String, Value)>,
    markdown: bool,
    /// Parts of the question that `--map` assigns; null if this record has no value for one.
    mapped: BTreeMap<&'static str, Value>,
}

impl Record {
    /// A record with these names and values. Texts in HTML become Markdown.
    pub fn new(pairs: impl IntoIterator<Item = (String, Value)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (normalized(&name).into_owned(), value)).collect();
        Self { pairs, markdown: false, mapped: BTreeMap::new() }
    }

    /// A record whose parts are first taken from the keys that are assigned to them.
    pub fn mapped(pairs: impl IntoIterator<Item = (String, Value)>, mapping: &Mapping) -> Self {
        if mapping.is_empty() {
            return Self::new(pairs);
        }
        let mut pairs: Vec<(String, Value)> = pairs.into_iter().collect();
        let mapped = mapping.take(&mut pairs);
        Self { mapped, ..Self::new(pairs) }
    }

    /// A record whose texts are Markdown. Tags in them are text, and the title may be one of several lines.
    pub fn markdown(pairs: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self { markdown: true, ..Self::new(pairs) }
    }

    /// Whether a map has a question, by its keys.
    pub fn has_question(view: &View<'_>) -> bool {
        let asks = |(name, value): &(&str, Cow<'_, Value>)| {
            is_title(&normalized(name)) && !is_blank(value) || *name == "@type" && **value == "Question"
        };
        let has = |is: fn(&str) -> bool| view.iter().any(|(name, _)| is(&normalized(name)));
        view.iter().any(asks) || has(is_title) && has(is_answer)
    }

    /// Whether a map is a question in any context. A map with only a title and a text may be something else.
    pub fn asks(view: &View<'_>) -> bool {
        let has = |names: &[&str], test: &dyn Fn(&str) -> bool| {
            view.iter().any(|(name, value)| names.contains(&&*normalized(name)) && test(&text_of(value)))
        };
        let is_answered = view.iter().any(|(name, value)| {
            let name = &*normalized(name);
            ANSWER.contains(&name) && !NEUTRAL.contains(&name) && !is_blank(value)
        });
        view.iter().any(|(name, value)| *name == "@type" && **value == "Question")
            || has(&TITLE, &ends_asking)
            || has(&TITLE, &|text| !text.is_empty()) && is_answered
            || has(&SURE_TITLE, &|text| text.split_whitespace().nth(1).is_some())
    }

    /// The name of a group of records: its section, title or name.
    pub fn section_name(view: &View<'_>) -> Option<String> {
        let texts = view.iter().filter(|(_, value)| value.is_string());
        let mut record = Self::new(texts.map(|(name, value)| ((*name).to_owned(), (**value).clone())));
        record.take(&SECTION).or_else(|| record.take(&["title", "name", "heading", "label"]))
    }

    /// The question at a line.
    ///
    /// # Errors
    /// It has no question. The text says why.
    pub fn question(self, line: u64) -> Result<Question, String> {
        let (mut question, rest) = self.parts(line)?;
        for (name, value) in rest {
            let text = text_of(&value);
            if !text.is_empty() && unfit_for_field(&name, &value).is_none() {
                question.fields.entry(name).or_insert(text);
            }
        }
        Ok(question)
    }

    /// The question of a record from a program, which can correct it: nothing of it is dropped.
    ///
    /// # Errors
    /// It has no question, or a value cannot be stored.
    pub fn strict_question(self) -> Result<Question, InvalidRecord> {
        for (name, value) in self.pairs.iter().filter(|(_, value)| !is_absent(value)) {
            if let Some(reason) = misfit(name, value) {
                return Err(InvalidRecord { field: name.clone(), reason: reason.to_owned() });
            }
        }
        let no_title =
            |_| InvalidRecord { field: "question".to_owned(), reason: "it is missing or empty".to_owned() };
        let (mut question, rest) = self.parts(0).map_err(no_title)?;
        for (name, value) in rest.into_iter().filter(|(_, value)| !is_absent(value)) {
            if let Some(reason) = unfit_for_field(&name, &value) {
                return Err(InvalidRecord { field: name, reason: reason.to_owned() });
            }
            question.fields.entry(name).or_insert(text_of(&value));
        }
        Ok(question)
    }

    /// The question at a line, and the pairs that have no known meaning.
    fn parts(mut self, line: u64) -> Result<(Question, Vec<(String, Value)>), String> {
        let (maps_question, maps_answer) =
            (self.mapped.contains_key("question"), self.mapped.contains_key("answer"));
        let ways = self.take_ways(maps_question).into_iter().map(into_text);
        let mut ways = ways.filter(|way| !way.is_empty());
        let asked = ways.next().unwrap_or_default();
        let (title, more) = if self.markdown || !markup::is_html(&asked) && asked.contains("\n\n") {
            split(&asked)
        } else {
            (asked.as_str(), "")
        };
        let title = if self.markdown { one_line(title) } else { markup::title(title) };
        let mut question = Question::new(title, line);
        if question.title.is_empty() {
            return Err(self.why_no_question(maps_question));
        }
        let mut seen = HashSet::from([question.title.clone()]);
        question.also = ways.map(|way| markup::title(&way)).filter(|way| seen.insert(way.clone())).collect();
        question.also.extend(self.take_list(&ALSO, &[';', '|', '\n']));
        let body = if maps_answer { String::new() } else { self.take_text(&BODY) };
        let answer = self.take_text(&ANSWER);
        question.answer = markup::joined(&markup::paragraphs([more, &body]), &answer);
        if question.answer.contains('\r') {
            question.answer = question.answer.replace("\r\n", "\n");
        }
        question.key = self.take(&KEY);
        question.section = self.take(&SECTION);
        question.level = self.take(&LEVEL);
        question.tags = self.take_list(&TAGS, &[',', ';', '|', '<', '>']);
        question.url = self.take(&URL);
        question.date = self.take_date();
        question.score = self
            .take(&SCORE)
            .and_then(|score| score.trim().parse().ok())
            .filter(|score: &f64| score.is_finite());
        Ok((question, self.pairs))
    }

    /// Takes the phrasings of the question.
    fn take_ways(&mut self, maps_question: bool) -> Vec<Value> {
        // `{"@type": "Question", "name": …}` of schema.org.
        let is_schema = self.pairs.iter().any(|(name, value)| name == "@type" && value == "Question");
        let asked = if is_schema && !maps_question { self.take_value(&["name"]) } else { None };
        let asked = asked.or_else(|| self.take_value(&TITLE));
        // Without a title, the text is the question.
        let asked = if maps_question { asked } else { asked.or_else(|| self.take_value(&BARE)) };
        match asked {
            Some(Value::Array(ways)) => ways,
            asked => asked.into_iter().collect(),
        }
    }

    fn why_no_question(&self, maps_question: bool) -> String {
        if maps_question {
            return "no question: the mapped key is missing or empty".to_owned();
        }
        let keys: Vec<&str> = self.pairs.iter().map(|(name, _)| name.as_str()).take(KEYS_NAMED).collect();
        match keys.as_slice() {
            [] => "no question: the record is empty".to_owned(),
            keys if keys.iter().any(|key| is_title(key)) => "no question: it is empty".to_owned(),
            keys => format!(
                "no question: the keys are {}; --map question=KEY,answer=KEY names the right ones",
                keys.join(", ")
            ),
        }
    }

    /// Takes the mapped date, or the first known one that can be read.
    fn take_date(&mut self) -> Option<String> {
        let mapped = self.mapped.remove("date").and_then(|date| date::normalized(&text_of(&date)));
        mapped.or_else(|| {
            DATE.iter().find_map(|wanted| {
                let at = self.pairs.iter().position(|(name, _)| name == wanted)?;
                let date = date::normalized(&text_of(&self.pairs[at].1))?;
                self.pairs.remove(at);
                Some(date)
            })
        })
    }

    /// Takes the first of these names that has a text. The first name is the part that a key can be mapped to.
    fn take_value(&mut self, names: &[&str]) -> Option<Value> {
        if let Some(value) = self.mapped.remove(names[0]) {
            return Some(value).filter(|value| !is_blank(value));
        }
        names.iter().find_map(|wanted| {
            let at = self.pairs.iter().position(|(name, value)| name == wanted && !is_blank(value))?;
            Some(self.pairs.remove(at).1)
        })
    }

    fn take(&mut self, names: &[&str]) -> Option<String> {
        self.take_value(names).map(into_text)
    }

    fn take_text(&mut self, names: &[&str]) -> String {
        let text = self.take(names).unwrap_or_default();
        if self.markdown { text } else { markup::to_markdown(&text).into_owned() }
    }

    fn take_list(&mut self, names: &[&str], separators: &[char]) -> Vec<String> {
        let found = self.mapped.remove(names[0]).or_else(|| {
            let position = |wanted| self.pairs.iter().position(|(name, _)| name == wanted);
            Some(self.pairs.remove(names.iter().find_map(position)?).1)
        });
        let parts: Vec<String> = match found {
            Some(Value::Array(items)) => items.iter().map(name_of).collect(),
            Some(value) => name_of(&value).split(|c| separators.contains(&c)).map(str::to_owned).collect(),
            None => Vec::new(),
        };
        parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }
}

/// Why a record of a program is not a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidRecord {
    /// The key of the value that is missing or not valid. Empty if the record as a whole is not valid.
    pub field: String,
    /// What is wrong with it, in lower case without a full stop.
    pub reason: String,
}

/// Whether a value says nothing: null, or an empty text, list or object.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_absent),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Why a value of no known meaning is not stored as a field, if it is not. Long and nested values are not useful there.
fn unfit_for_field(name: &str, value: &Value) -> Option<&'static str> {
    if name.is_empty() || name.starts_with('@') {
        Some("a name of a field is not empty and does not begin with `@`")
    } else if value.is_object() {
        Some("it is an object; the value of a field is a text, a number or a list of them")
    } else if text_of(value).len() > LONGEST_FIELD {
        Some("the value of a field has at most 500 bytes; longer text belongs in the answer")
    } else {
        None
    }
}

/// Why a value does not fit the meaning of its (normalized) name, if it does not.
fn misfit(name: &str, value: &Value) -> Option<&'static str> {
    let is_text = |value: &Value| matches!(value, Value::String(_) | Value::Number(_));
    let is_list = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(is_text));
    let is_named = |names: &[&str]| names.contains(&name);
    if is_named(&DATE) && date::normalized(&text_of(value)).is_none() {
        Some("it is not a date; write YYYY-MM-DD, or a time such as 2024-03-01T10:20:30Z")
    } else if is_named(&SCORE) && !text_of(value).parse().is_ok_and(f64::is_finite) {
        Some("it is not a number")
    } else if (is_named(&TAGS) || is_named(&ALSO)) && !is_text(value) && !is_list(value) {
        Some("it is not a text or a list of texts")
    } else if [&KEY[..], &SECTION, &LEVEL, &URL].iter().any(|names| names.contains(&name)) && !is_text(value)
    {
        Some("it is not a text or a number")
    } else {
        None
    }
}

/// Of longer lines, only one sentence is the title, in bytes.
const LONGEST_TITLE: usize = 300;

/// Splits a text of several lines, or of one long line, into the title and the text before the answer. The title is the
/// first line, and the text what is below it. If a line or sentence further down asks, it is the title of the whole text.
fn split(text: &str) -> (&str, &str) {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines().map(|line| line.trim().trim_start_matches('#').trim()) {
        let fence = line.starts_with("```") || line.starts_with("~~~");
        fenced ^= fence;
        if !fence && !fenced && !line.is_empty() {
            lines.push(line);
        }
    }
    let asks = |line: &&&str| ends_asking(line);
    let first = lines.first().filter(|line| is_question_like(line)).or_else(|| lines.last().filter(asks));
    let line = first.or_else(|| lines.iter().find(asks)).or(lines.first()).copied();
    // All of it is code.
    let line = line.or_else(|| {
        text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['`', '~']))
    });
    let line = line.unwrap_or(text);
    let title = labelled_question(line).filter(|rest| !rest.is_empty()).unwrap_or(line);
    let sentence = || asking_sentence(title).or_else(|| title.find(". ").map(|end| &title[..=end]));
    let title = if title.len() > LONGEST_TITLE { sentence().unwrap_or(title) } else { title };
    let is_first = text.trim_start().starts_with(title);
    let rest = if is_first { &text.trim_start()[title.len()..] } else { text };
    (title, rest.trim())
}

/// The last sentence of a line that asks.
fn asking_sentence(line: &str) -> Option<&str> {
    let end = line.rfind(['?', '？', '؟'])?;
    let start = line[..end].rfind(['.', '!', '?', '。', '？', '！']);
    let start = start.map_or(0, |at| at + line[at..].chars().next().map_or(0, char::len_utf8));
    let end = end + line[end..].chars().next().map_or(0, char::len_utf8);
    Some(line[start..end].trim()).filter(|sentence| is_question(sentence))
}

/// The name of a label or an account (`{"name": "bug", "color": …}`), or the text of any other value.
pub fn name_of(value: &Value) -> String {
    let names = ["login", "username", "name", "title"].iter().filter_map(|key| value.get(key)?.as_str());
    names.map(str::trim).find(|name| !name.is_empty()).map_or_else(|| text_of(value), str::to_owned)
}

fn into_text(value: Value) -> String {
    match value {
        Value::String(text) if text.trim().len() == text.len() => text,
        value => text_of(&value),
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().map_or_else(|| text_of(value).is_empty(), |text| text.trim().is_empty())
}

/// A value as text. The elements of a list become paragraphs, and an object its own text (`{"@type": "Answer",
/// "text": …}`).
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
        Value::Object(object) => ["text", "body", "answer", "value", "content", "$oid", "$date"]
            .iter()
            .find_map(|name| object.get(*name))
            .map(text_of)
            .unwrap_or_default(),
    }
}

/// Whether a text is a question of several words, such as a string in a list or a key whose value is the answer.
pub fn is_question(text: &str) -> bool {
    is_question_like(text) && text.split_whitespace().nth(1).is_some()
}
