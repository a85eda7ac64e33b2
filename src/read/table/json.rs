//! JSON: records in lists, by id or in sections, questions by answer, and records of a known [`Shape`]; and JSON Lines.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::record::{Record, is_answer, is_part, is_question, normalized, text_of};
use super::shapes::{Object, Shape, is_turn};
use crate::question::Question;
use crate::read::mapping::Mapping;
use crate::read::{BadRecord, Emit, Text};

/// Names of lists and objects that hold records and are no section.
const CONTAINERS: [&str; 33] = [
    "questions",
    "faq",
    "faqs",
    "items",
    "data",
    "entries",
    "results",
    "records",
    "rows",
    "list",
    "mainentity",
    "content",
    "qa",
    "qas",
    "qnas",
    "qnalist",
    "qnadocuments",
    "documents",
    "intents",
    "examples",
    "conversations",
    "messages",
    // The way to issues and discussions in a reply of GitHub's GraphQL API.
    "repository",
    "organization",
    "viewer",
    "search",
    "issue",
    "issues",
    "discussion",
    "discussions",
    "nodes",
    "edges",
    "node",
];

/// One JSON value per line.
pub fn read_lines(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    let context = RefCell::new(Context { text: None, mapping, emit, count: 0, stopped: false });
    while let Some(line) = text.next_line()? {
        let read = match line {
            Ok((_, text)) if text.trim().is_empty() => continue,
            Ok((line, text)) => match serde_json::from_str(text) {
                Ok(value) => Node::top(&context, Some(line)).element(value, line),
                Err(error) => context.borrow_mut().hand_over(line, Err(reason(&error))),
            },
            Err(bad) => context.borrow_mut().hand_over(bad.line, Err(bad.reason)),
        };
        if read.is_break() {
            break;
        }
    }
    Ok(())
}

/// JSON values of any size, one after another, record by record.
pub fn read_stream(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    let text = RefCell::new(text);
    let context = RefCell::new(Context { text: Some(&text), mapping, emit, count: 0, stopped: false });
    let mut deserializer = serde_json::Deserializer::from_reader(Source(&text));
    let error = loop {
        match Node::top(&context, None).deserialize(&mut deserializer).map(|()| deserializer.end()) {
            Ok(Ok(())) => return Ok(()),
            // Pages of replies are often written one after another.
            Ok(Err(error)) if !error.is_io() => {}
            Ok(Err(error)) | Err(error) => break error,
        }
    };
    let mut context = context.into_inner();
    if context.stopped {
        return Ok(());
    }
    if error.is_io() {
        return Err(error.into());
    }
    // Nothing behind broken JSON can be found again.
    let _: ControlFlow<()> = context.hand_over(error.line().max(1) as u64, Err(reason(&error)));
    Ok(())
}

/// serde's words without the place, which a [`BadRecord`] names itself.
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("broken JSON: {}", text.strip_suffix(&place).unwrap_or(&text))
}

/// The text, shared between the parser and whoever asks for the line.
struct Source<'s, 'a>(&'s RefCell<&'a mut Text>);

impl io::Read for Source<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buf)
    }
}

struct Context<'s, 'a, 'e, 'f> {
    /// What is read as a stream.
    text: Option<&'s RefCell<&'a mut Text>>,
    mapping: Rc<Mapping>,
    emit: &'e mut Emit<'f>,
    /// How many records were handed over.
    count: u64,
    /// `emit` has said stop; the parser is then stopped with an error that is not reported.
    stopped: bool,
}

impl Context<'_, '_, '_, '_> {
    fn hand_over(&mut self, line: u64, question: Result<Question, String>) -> ControlFlow<()> {
        let unreadable = self.text.and_then(|text| {
            let mut text = text.borrow_mut();
            std::iter::from_fn(|| text.take_unreadable()).fold(None, |first, line| first.or(Some(line)))
        });
        let question = match unreadable {
            Some(line) => Err(BadRecord::not_utf8(line)),
            None => question.map_err(|reason| BadRecord { line, reason }),
        };
        self.count += 1;
        let flow = (self.emit)(question);
        self.stopped = flow.is_break();
        flow
    }
}

fn stop<E: Error>(flow: ControlFlow<()>) -> Result<(), E> {
    if flow.is_break() { Err(E::custom("stopped")) } else { Ok(()) }
}

/// A value that holds records: the file's own, or one below it.
#[derive(Clone)]
struct Node<'c, 's, 'a, 'e, 'f> {
    context: &'c RefCell<Context<'s, 'a, 'e, 'f>>,
    section: Option<String>,
    /// The file's own value: each element of its list must be a record. Below it, elements that are none are skipped.
    top: bool,
    /// The line of a value that was read before; else the stream knows.
    line: Option<u64>,
}

impl<'c, 's, 'a, 'e, 'f> Node<'c, 's, 'a, 'e, 'f> {
    fn top(context: &'c RefCell<Context<'s, 'a, 'e, 'f>>, line: Option<u64>) -> Self {
        Self { context, section: None, top: true, line }
    }

    fn line(&self) -> u64 {
        let of_stream = || self.context.borrow().text.map_or(1, |text| text.borrow().line_number());
        self.line.unwrap_or_else(of_stream)
    }

    /// The record that an object is.
    fn record(&self, object: Object) -> Record {
        let mapping = Rc::clone(&self.context.borrow().mapping);
        Record::mapped(object, &mapping)
    }

    /// Whether an object has a question, by its keys or by those that are mapped.
    fn has_question(&self, object: &Object) -> bool {
        let context = self.context.borrow();
        if context.mapping.maps("question") {
            context.mapping.has_question(object)
        } else {
            Record::has_question(object)
        }
    }

    /// The shape of an object. Mapped keys come first: their records have no other shape.
    fn shape(&self, object: &Object) -> Option<&'static Shape> {
        if self.context.borrow().mapping.is_empty() { Shape::of(object) } else { None }
    }

    /// One of a list, or a line of JSON Lines.
    fn element(&self, value: Value, line: u64) -> ControlFlow<()> {
        let question = match value {
            Value::Object(object) => match self.take(object, line, None) {
                Ok(flow) => return flow,
                // A bare text may ask.
                Err(object) if self.top => self.record(object).question(line),
                Err(_) => return ControlFlow::Continue(()),
            },
            Value::String(text) if is_question(&text) || self.top && !text.trim().is_empty() => {
                Record::new([("question".to_owned(), Value::String(text))]).question(line)
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                return items.into_iter().try_for_each(|item| self.element(item, line));
            }
            // A row: a question and its answer.
            Value::Array(mut items) if items.first().and_then(Value::as_str).is_some_and(is_question) => {
                let pairs =
                    [("question".to_owned(), items.remove(0)), ("answer".to_owned(), Value::Array(items))];
                Record::new(pairs).question(line)
            }
            _ if self.top => Err("expected an object with a question".to_owned()),
            _ => return ControlFlow::Continue(()),
        };
        self.hand_over(line, question, None)
    }

    /// Hands over what an object holds (its records, or itself as one), or gives it back.
    fn take(&self, object: Object, line: u64, key: Option<&str>) -> Result<ControlFlow<()>, Object> {
        if let Some(shape) = self.shape(&object) {
            let mut take = |record: Result<Record, String>| {
                self.hand_over(line, record.and_then(|record| record.question(line)), key)
            };
            return Ok((shape.read)(object, &mut take));
        }
        if object.iter().any(|(key, value)| holds_records_at(key, value)) || is_list_of_questions(&object) {
            let named = Record::section_name(&object)
                .or_else(|| key.filter(|key| !is_container(key)).map(str::to_owned));
            let section = named.or_else(|| self.section.clone());
            let below = Node { section, top: false, line: Some(line), ..self.clone() };
            let read: serde_json::Result<()> = below.deserialize(Value::Object(object));
            return Ok(if read.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        }
        if !self.has_question(&object) {
            return Err(object);
        }
        Ok(self.hand_over(line, self.record(object).question(line), key))
    }

    fn hand_over(
        &self,
        line: u64,
        mut question: Result<Question, String>,
        key: Option<&str>,
    ) -> ControlFlow<()> {
        if let Ok(question) = &mut question {
            question.section = question.section.take().or_else(|| self.section.clone());
            question.key = question.key.take().or(key.map(str::to_owned));
        }
        self.context.borrow_mut().hand_over(line, question)
    }

    /// The rest of an object after its records were read: one record, or answers by question. `alone`: there were none.
    fn own(&self, own: Object, line: u64, alone: bool) -> ControlFlow<()> {
        let asks = own.iter().any(|(key, value)| {
            let key = normalized(key);
            key == "question" || key == "q" || key == "title" && is_question(&text_of(value))
        });
        let asks = asks || self.context.borrow().mapping.maps("question");
        if self.shape(&own).is_some() || (asks || alone && !self.top) && self.has_question(&own) {
            return self.take(own, line, None).unwrap_or(ControlFlow::Continue(()));
        }
        own.into_iter().filter(|(key, _)| is_question(key)).try_for_each(|(key, value)| {
            let pairs = [("question".to_owned(), Value::String(key)), ("answer".to_owned(), value)];
            self.hand_over(line, Record::new(pairs).question(line), None)
        })
    }
}

/// Whether a list or object under this key is no section.
pub fn is_container(key: &str) -> bool {
    CONTAINERS.contains(&&*normalized(key))
}

fn holds_records_at(key: &str, value: &Value) -> bool {
    (value.is_array() || value.is_object()) && is_container(key) && holds_records(value)
}

/// Whether there are records in a list or an object, by the first of the list.
fn holds_records(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.first().is_some_and(holds_records),
        Value::Object(object) => {
            Shape::of(object).is_some()
                || Record::has_question(object)
                || object.keys().any(|key| is_question(key))
                || object.iter().any(|(key, value)| holds_records_at(key, value))
        }
        _ => false,
    }
}

/// Whether an object has a name that does not ask, and a list of questions without answers.
fn is_list_of_questions(object: &Object) -> bool {
    let asks = |value: &Value| value.as_str().is_some_and(is_question);
    let holds = |(key, value): (&String, &Value)| is_container(key) && value.get(0).is_some_and(asks);
    object.iter().any(holds)
        && !object.iter().any(|(key, value)| is_answer(&normalized(key)) || asks(value))
        && Record::section_name(object).is_some()
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some((line, value)) = elements.next_element_seed(Lined(&self))? {
            stop(self.element(value, line))?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let begin = self.line();
        let count = self.context.borrow().count;
        let mut own = Object::new();
        while let Some(key) = entries.next_key::<String>()? {
            let is_whole = is_part(&normalized(&key)) || self.context.borrow().mapping.uses(&key);
            let value = if is_whole {
                Some(entries.next_value()?)
            } else {
                entries.next_value_seed(Entry { node: &self, key: &key })?
            };
            own.extend(value.map(|value| (key, value)));
        }
        let alone = self.context.borrow().count == count;
        stop(self.own(own, begin, alone))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("expected an array or an object"))
    }
}

/// A value in an object: what holds records is read record by record, the rest comes back.
struct Entry<'n, 'c, 's, 'a, 'e, 'f> {
    node: &'n Node<'c, 's, 'a, 'e, 'f>,
    key: &'n str,
}

impl<'c, 's, 'a, 'e, 'f> Entry<'_, 'c, 's, 'a, 'e, 'f> {
    fn below(&self) -> Node<'c, 's, 'a, 'e, 'f> {
        let node = self.node.clone();
        let section = if is_container(self.key) { node.section } else { Some(self.key.to_owned()) };
        Node { section, top: false, ..node }
    }
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_, '_, '_, '_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_, '_, '_, '_, '_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let below = self.below();
        let Some((line, first)) = elements.next_element_seed(Lined(&below))? else {
            return Ok(None);
        };
        let is_answer = is_question(self.key) && !first.is_object() && !first.is_array();
        if is_turn(&first) || is_answer {
            let mut turns = vec![first];
            while let Some(turn) = elements.next_element()? {
                turns.push(turn);
            }
            return Ok(Some(Value::Array(turns)));
        }
        stop(below.element(first, line))?;
        below.visit_seq(elements)?;
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        let below = self.below();
        if is_container(self.key) {
            return below.visit_map(entries).map(|()| None);
        }
        let line = self.node.line();
        let object = Object::deserialize(MapAccessDeserializer::new(entries))?;
        // Records by id.
        let object = match self.node.take(object, line, Some(self.key)) {
            Ok(flow) => return stop(flow).map(|()| None),
            Err(object) => object,
        };
        if is_question(self.key) {
            return Ok(Some(Value::Object(object)));
        }
        let mut rest = Object::new();
        for (key, value) in object {
            match value {
                // Sections of answers by question, or of records by id.
                Value::String(_) if is_question(&key) => {
                    stop(below.own(Object::from_iter([(key, value)]), line, false))?;
                }
                Value::Object(inner) => match below.take(inner, line, Some(&key)) {
                    Ok(flow) => stop(flow)?,
                    Err(inner) => rest.extend([(key, Value::Object(inner))]),
                },
                value => rest.extend([(key, value)]),
            }
        }
        Ok(Some(Value::Object(rest)))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A value and the line it begins on.
struct Lined<'n, 'c, 's, 'a, 'e, 'f>(&'n Node<'c, 's, 'a, 'e, 'f>);

impl<'de> DeserializeSeed<'de> for Lined<'_, '_, '_, '_, '_, '_> {
    type Value = (u64, Value);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lined<'_, '_, '_, '_, '_, '_> {
    type Value = (u64, Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        // The brace has just been read.
        let line = self.0.line();
        let object = Object::deserialize(MapAccessDeserializer::new(entries))?;
        Ok((line, Value::Object(object)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        let line = self.0.line();
        let items = Vec::deserialize(SeqAccessDeserializer::new(elements))?;
        Ok((line, Value::Array(items)))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok((self.0.line(), value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok((self.0.line(), value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok((self.0.line(), value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok((self.0.line(), value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok((self.0.line(), value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok((self.0.line(), Value::Null))
    }
}
