//! JSON: arrays of records, records by id, questions by answer, at the top or one level below; and
//! JSON Lines.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::record::{Record, is_part, is_question, normalized, text_of};
use crate::question::Question;
use crate::read::mapping::Mapping;
use crate::read::{BadRecord, Emit, Text};

/// Names under which records stand that are no section's name.
const CONTAINERS: [&str; 14] = [
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
    "documents",
];

/// One JSON value a line.
pub fn read_lines(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    while let Some(line) = text.next_line()? {
        let question = match line {
            Ok((_, text)) if text.trim().is_empty() => continue,
            Ok((line, text)) => serde_json::from_str(text)
                .map_err(|error| reason(&error))
                .and_then(|value| question_of(value, line, &mapping))
                .map_err(|reason| BadRecord { line, reason }),
            Err(bad) => Err(bad),
        };
        if emit(question).is_break() {
            break;
        }
    }
    Ok(())
}

/// One JSON value, of any size, record by record.
pub fn read_stream(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    let source = Source(Rc::new(RefCell::new(text)));
    let context = Context { source: source.clone(), mapping, emit, stopped: false };
    let context = RefCell::new(context);
    let mut deserializer = serde_json::Deserializer::from_reader(source.clone());
    let read = Node { context: &context, section: None, depth: 0 }.deserialize(&mut deserializer);
    let read = read.and_then(|()| deserializer.end());
    let mut context = context.into_inner();
    match read {
        _ if context.stopped => Ok(()),
        Ok(()) => Ok(()),
        Err(error) if error.is_io() => Err(error.into()),
        // Nothing behind broken JSON can be found again.
        Err(error) => {
            let line = error.line().max(1) as u64;
            let _: ControlFlow<()> = (context.emit)(Err(BadRecord { line, reason: reason(&error) }));
            context.stopped = true;
            Ok(())
        }
    }
}

/// serde's words without the place, which a [`BadRecord`] names itself.
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("broken JSON: {}", text.strip_suffix(&place).unwrap_or(&text))
}

fn question_of(value: Value, line: u64, mapping: &Mapping) -> Result<Question, String> {
    match value {
        Value::Object(object) => Record::mapped(object, mapping).question(line),
        Value::String(text) if !text.trim().is_empty() => {
            Record::new([("question".to_owned(), Value::String(text))]).question(line)
        }
        _ => Err("expected an object with a question".to_owned()),
    }
}

/// The text, shared between the parser and whoever asks for the line.
#[derive(Clone)]
struct Source<'a>(Rc<RefCell<&'a mut Text>>);

impl Source<'_> {
    fn line(&self) -> u64 {
        self.0.borrow().line_number()
    }

    fn take_unreadable(&self) -> Option<u64> {
        self.0.borrow_mut().take_unreadable()
    }
}

impl io::Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buf)
    }
}

struct Context<'a, 'e, 'f> {
    source: Source<'a>,
    mapping: Rc<Mapping>,
    emit: &'e mut Emit<'f>,
    /// Nobody wants more; the parser is stopped with an error that means nothing.
    stopped: bool,
}

impl<'a> Context<'a, '_, '_> {
    fn parts(&self) -> (Source<'a>, Rc<Mapping>) {
        (self.source.clone(), Rc::clone(&self.mapping))
    }

    fn hand_over<E: Error>(&mut self, line: u64, question: Result<Question, String>) -> Result<(), E> {
        let mut unreadable = None;
        while let Some(line) = self.source.take_unreadable() {
            unreadable.get_or_insert(line);
        }
        let question = match unreadable {
            Some(line) => Err(BadRecord::not_utf8(line)),
            None => question.map_err(|reason| BadRecord { line, reason }),
        };
        if (self.emit)(question).is_break() {
            self.stopped = true;
            return Err(E::custom("stopped"));
        }
        Ok(())
    }
}

/// A value that may hold records: the file's own (depth 0) or one below it.
struct Node<'c, 'a, 'e, 'f> {
    context: &'c RefCell<Context<'a, 'e, 'f>>,
    section: Option<String>,
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let (source, mapping) = self.context.borrow().parts();
        while let Some((line, value)) = elements.next_element_seed(Lined(&source))? {
            let is_record = match &value {
                Value::Object(object) => {
                    self.depth == 0 || Record::mapped(object.clone(), &mapping).has_question()
                }
                Value::String(text) => is_question(text),
                // A list in a list of records: its own records.
                _ => self.depth == 0,
            };
            // Below the top only what is a record is one: a list of authors is no mistake.
            if !is_record {
                continue;
            }
            let mut question = question_of(value, line, &mapping);
            if let (Ok(question), Some(section)) = (&mut question, &self.section) {
                question.section.get_or_insert_with(|| section.clone());
            }
            self.context.borrow_mut().hand_over(line, question)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let (source, mapping) = self.context.borrow().parts();
        let begin = source.line();
        let mut own = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let plain = normalized(&key);
            if self.depth == 0 && !is_part(&plain) && !mapping.uses(&key) {
                let section = (!CONTAINERS.contains(&plain.as_str())).then_some(key.clone());
                let entry = Entry { context: self.context, key: key.clone(), section };
                if let Some(value) = entries.next_value_seed(entry)? {
                    own.insert(key, value);
                }
            } else {
                own.insert(key, entries.next_value()?);
            }
        }
        self.own(own, begin)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("expected an array or an object"))
    }
}

impl Node<'_, '_, '_, '_> {
    /// What stands in an object beside lists and objects: one record, or answers by question.
    fn own<E: Error>(&self, own: Map<String, Value>, line: u64) -> Result<(), E> {
        let (_, mapping) = self.context.borrow().parts();
        let record = Record::mapped(own.clone(), &mapping);
        let asks = mapping.maps("question")
            || own.iter().any(|(key, value)| {
                let key = normalized(key);
                key == "question" || key == "q" || key == "title" && is_question(&text_of(value))
            });
        if asks && record.has_question() {
            return self.context.borrow_mut().hand_over(line, record.question(line));
        }
        for (key, value) in own {
            if is_question(&key) {
                let pairs = [("question".to_owned(), Value::String(key)), ("answer".to_owned(), value)];
                self.context.borrow_mut().hand_over(line, Record::new(pairs).question(line))?;
            }
        }
        Ok(())
    }
}

/// A value below the top: a list is read record by record, a record is one, the rest comes back.
struct Entry<'c, 'a, 'e, 'f> {
    context: &'c RefCell<Context<'a, 'e, 'f>>,
    key: String,
    section: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_, '_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_, '_, '_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        Node { context: self.context, section: self.section, depth: 1 }.visit_seq(elements)?;
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        let (source, mapping) = self.context.borrow().parts();
        let line = source.line();
        let object = Map::deserialize(MapAccessDeserializer::new(entries))?;
        let record = Record::mapped(object.clone(), &mapping);
        if record.has_question() {
            // Records by id.
            let mut question = record.question(line);
            if let Ok(question) = &mut question {
                question.key.get_or_insert(self.key);
            }
            self.context.borrow_mut().hand_over(line, question)?;
            return Ok(None);
        }
        if is_question(&self.key) {
            return Ok(Some(Value::Object(object)));
        }
        let below = Node { context: self.context, section: self.section, depth: 1 };
        for (key, value) in object {
            match value {
                // Sections of answers by question, or of records by id.
                Value::String(_) if is_question(&key) => below.own(Map::from_iter([(key, value)]), line)?,
                Value::Object(inner) => {
                    let record = Record::mapped(inner, &mapping);
                    if record.has_question() {
                        let mut question = record.question(line);
                        if let Ok(question) = &mut question {
                            question.key.get_or_insert(key);
                            question.section = question.section.take().or_else(|| below.section.clone());
                        }
                        self.context.borrow_mut().hand_over(line, question)?;
                    }
                }
                _ => {}
            }
        }
        Ok(None)
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
struct Lined<'s, 'a>(&'s Source<'a>);

impl<'de> DeserializeSeed<'de> for Lined<'_, '_> {
    type Value = (u64, Value);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lined<'_, '_> {
    type Value = (u64, Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        // The brace has just been read.
        let line = self.0.line();
        let object = Map::deserialize(MapAccessDeserializer::new(entries))?;
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
