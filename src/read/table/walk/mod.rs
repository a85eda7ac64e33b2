//! Finds the records in nested data: JSON, JSON Lines, YAML and TOML.
//!
//! A document is a list of records, records by id, answers by question, sections of any of these, or one record.
//! Lists at the top and below the keys of a map at the top are read element by element. Everything deeper is first
//! read into a [`Node`].
//!
//! JSON holds data: whatever has the keys of a record is one, and may have a [`Shape`]. Most YAML and TOML files are
//! settings: only what asks is a record, and a map with a title is not one yet.

mod recognize;
pub mod stream;

use std::ops::ControlFlow::{self, Continue};
use std::rc::Rc;

use serde_json::Value;

use super::record::{Record, is_question};
use super::shapes::{Object, Shape, shape_of};
use super::tree::{Content, Node, Pairs, Position, values};
use crate::question::Question;
use crate::read::document::ends_asking;
use crate::read::emit::{BadRecord, Emit};
use crate::read::keys::{is_title, normalized};
use crate::read::mapping::Mapping;
use recognize::{QUESTION_LISTS, Rules, is_container};

/// After this many elements without a question, a list of settings holds none.
const LONGEST_HELD: usize = 1000;

/// Finds the records of a document and hands them over.
pub struct Walk<'e, 'f> {
    position: &'e dyn Position,
    emit: &'e mut Emit<'f>,
    rules: Rules,
    stopped: bool,
    found: bool,
    /// How many records were handed over.
    count: u64,
    /// The list in which the parser met an error, and its key.
    interrupted: Option<(Option<String>, List)>,
}

/// Where a record is.
#[derive(Clone, Copy, Default)]
pub struct At<'a> {
    /// Its line, from 1.
    pub line: u64,
    /// Its section, unless it names one itself.
    pub section: Option<&'a str>,
    /// Its key in a map of records, which is its id unless it has one.
    pub key: Option<&'a str>,
}

/// What is known of a list by its elements so far.
struct List {
    section: Option<String>,
    /// A map with a title is a question.
    trusted: bool,
    /// Any other map is a broken record.
    certain: bool,
    /// Elements of settings from before the first that surely asks.
    held: Vec<(u64, Value)>,
}

/// What is left of a map.
#[derive(Default)]
struct Own {
    pairs: Pairs,
    /// It may be a record, whose other keys do not ask.
    has_title: bool,
}

/// What is left of the value of a key.
type Pair = Option<(String, Node)>;

impl<'e, 'f> Walk<'e, 'f> {
    /// A walk through a new file of data.
    pub fn data(position: &'e dyn Position, mapping: Rc<Mapping>, emit: &'e mut Emit<'f>) -> Self {
        let rules = Rules { is_data: true, mapping };
        Self { position, emit, rules, stopped: false, found: false, count: 0, interrupted: None }
    }

    /// A walk through a new file that may be settings.
    pub fn settings(position: &'e dyn Position, mapping: Rc<Mapping>, emit: &'e mut Emit<'f>) -> Self {
        let mut walk = Self::data(position, mapping, emit);
        walk.rules.is_data = false;
        walk
    }

    /// Whether the receiver wants no more. The walk then ends with an error that means nothing.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Whether there was any question.
    pub fn found(&self) -> bool {
        self.found
    }

    /// Hands over a record that the parser could not read.
    pub fn report(&mut self, bad: BadRecord) -> ControlFlow<()> {
        (self.emit)(Err(bad))
    }

    /// Reads a map at the top of a document that is in memory.
    pub fn top(&mut self, pairs: Pairs) -> ControlFlow<()> {
        self.map(pairs, At { line: 1, ..At::default() }, true)
    }

    /// Reads one of the values that a document consists of.
    pub fn value(&mut self, node: Node) -> ControlFlow<()> {
        let mut list = self.list(None, None, true);
        self.element(node, &mut list)
    }

    /// Hands over a record, or what is wrong with it.
    pub fn hand_over(&mut self, at: At<'_>, mut question: Result<Question, String>) -> ControlFlow<()> {
        let mut unreadable = None;
        while let Some(line) = self.position.take_unreadable() {
            unreadable.get_or_insert(line);
        }
        if let Ok(question) = &mut question {
            question.section = question.section.take().or_else(|| at.section.map(str::to_owned));
            question.key = question.key.take().or_else(|| at.key.map(str::to_owned));
        }
        let record = match unreadable {
            Some(line) => Err(BadRecord::not_utf8(line)),
            None => question.map_err(|reason| BadRecord { line: at.line, reason }),
        };
        self.found |= record.is_ok();
        self.count += 1;
        let flow = (self.emit)(record);
        self.stopped = flow.is_break();
        flow
    }

    /// A list that begins. Data is trusted, and if keys are mapped, the user says that there are records.
    fn list(&self, key: Option<&str>, section: Option<String>, is_top: bool) -> List {
        let is_named = key.is_some_and(|key| QUESTION_LISTS.contains(&&*normalized(key)));
        let trusted = is_named || self.rules.is_data || !self.rules.mapping.is_empty();
        List { section, trusted, certain: self.rules.is_data && is_top, held: Vec::new() }
    }

    /// The question that a record, a text, or a row of a question and its answers is.
    fn question(&self, value: Value, line: u64) -> Result<Question, String> {
        match value {
            Value::Object(object) => Record::mapped(object, &self.rules.mapping).question(line),
            Value::String(text) => answered(text, Value::Null, line),
            Value::Array(mut items) if items.first().is_some_and(Value::is_string) => {
                let title = items.remove(0).as_str().unwrap_or_default().to_owned();
                answered(title, Value::Array(items), line)
            }
            _ => Err("expected an object with a question".to_owned()),
        }
    }

    fn element(&mut self, node: Node, list: &mut List) -> ControlFlow<()> {
        let line = node.line;
        let section = list.section.as_deref();
        let at = At { line, section, key: None };
        let (asks, plausible, value) = match node.content {
            Content::Map(pairs) if self.rules.is_group(&pairs) => return self.group(pairs, at),
            Content::Map(pairs) => {
                let view = self.rules.view(&pairs);
                let (asks, plausible) =
                    (!self.rules.is_data && self.rules.asks(&view), self.rules.has_question(&view));
                let object: Object = values(pairs).collect();
                match shape_of(&object).filter(|_| self.rules.may_have_shape()) {
                    Some(shape) => return self.shaped(shape, object, at),
                    None => (asks, plausible, Value::Object(object)),
                }
            }
            Content::List(items) if items.iter().any(Node::is_map) => {
                let mut inner = self.list(None, list.section.clone(), list.certain);
                return items.into_iter().try_for_each(|node| self.element(node, &mut inner));
            }
            // A text among settings.
            Content::Scalar(Value::String(text)) if !self.rules.is_data && !is_question(&text) => {
                return Continue(());
            }
            content => self.judged(content),
        };
        if asks {
            (list.trusted, list.certain) = (true, true);
            for (line, value) in list.held.drain(..) {
                self.hand_over(At { line, ..at }, self.question(value, line))?;
            }
        }
        let is_record = if plausible { list.trusted } else { list.certain };
        if is_record {
            self.hand_over(at, self.question(value, line))?;
        } else if !self.rules.is_data && list.held.len() < LONGEST_HELD {
            list.held.push((line, value));
        }
        Continue(())
    }

    /// Whether an element that is no map asks surely, whether it may, and its value.
    fn judged(&self, content: Content) -> (bool, bool, Value) {
        match content {
            Content::Scalar(Value::String(text)) if is_question(&text) => {
                (!self.rules.is_data && ends_asking(&text), true, Value::String(text))
            }
            Content::Scalar(Value::String(text)) if !text.trim().is_empty() => {
                (false, false, Value::String(text))
            }
            Content::List(items) if items.first().and_then(Node::text).is_some_and(is_question) => {
                (!self.rules.is_data, true, items.into_iter().map(Node::into_value).collect())
            }
            _ => (false, false, Value::Null),
        }
    }

    /// Hands over a map as a record, or its records if it has a shape.
    fn record(&mut self, pairs: Pairs, shape: Option<&Shape>, at: At<'_>) -> ControlFlow<()> {
        let object: Object = values(pairs).collect();
        match shape {
            Some(shape) => self.shaped(shape, object, at),
            None => self.hand_over(at, Record::mapped(object, &self.rules.mapping).question(at.line)),
        }
    }

    fn shaped(&mut self, shape: &Shape, object: Object, at: At<'_>) -> ControlFlow<()> {
        (shape.read)(object, &mut |record| {
            self.hand_over(at, record.and_then(|record| record.question(at.line)))
        })
    }

    /// A map with the name of a section and lists of its records.
    fn group(&mut self, pairs: Pairs, at: At<'_>) -> ControlFlow<()> {
        let name = Record::section_name(&self.rules.view(&pairs)).or_else(|| at.key.and_then(section_of));
        let section = name.as_deref().or(at.section);
        self.map(pairs, At { section, key: None, ..at }, false)
    }

    /// Reads a map whose keys lead to records. What they do not use may be one more record.
    fn map(&mut self, pairs: Pairs, at: At<'_>, is_top: bool) -> ControlFlow<()> {
        let count = self.count;
        let mut own = Own::default();
        for (key, node) in pairs {
            let pair = match node.is_nested() && !self.rules.is_whole(&key) {
                true => self.entry(key, node, at.section)?,
                false => Some((key, node)),
            };
            self.answer_or_keep(pair, &mut own, at.section)?;
        }
        self.own(own.pairs, at, !is_top && self.count == count)
    }

    /// Hands over a question and its answer, or keeps them for the record that the map itself may be.
    fn answer_or_keep(&mut self, pair: Pair, own: &mut Own, section: Option<&str>) -> ControlFlow<()> {
        match pair {
            Some((key, node)) if is_question(&key) && !own.has_title => self.answer(key, node, section),
            pair => {
                own.has_title |= pair.as_ref().is_some_and(|(key, _)| is_title(&normalized(key)));
                own.pairs.extend(pair);
                Continue(())
            }
        }
    }

    /// Hands over a key that asks with its value as the answer.
    fn answer(&mut self, key: String, node: Node, section: Option<&str>) -> ControlFlow<()> {
        let line = node.line;
        self.hand_over(At { line, section, key: None }, answered(key, node.into_value(), line))
    }

    /// What is left of a map: one record, or answers by question. `is_alone`: there were no records in it.
    fn own(&mut self, own: Pairs, at: At<'_>, is_alone: bool) -> ControlFlow<()> {
        let (view, shape) = (self.rules.view(&own), self.rules.shape(&own));
        let is_record = if self.rules.is_data {
            let asks = |(key, node): &(String, Node)| match &*normalized(key) {
                "question" | "q" => true,
                "title" => node.text().is_some_and(is_question),
                _ => false,
            };
            let is_sure = is_alone || self.rules.mapping.maps("question") || own.iter().any(asks);
            shape.is_some() || is_sure && self.rules.has_question(&view)
        } else {
            self.rules.asks(&view) && self.rules.has_question(&view)
        };
        if is_record {
            return self.record(own, shape, at);
        }
        let mut answers = own.into_iter().filter(|(key, _)| is_question(key));
        answers.try_for_each(|(key, node)| self.answer(key, node, at.section))
    }

    /// Hands over what a map holds, its records or itself as one, or gives it back.
    fn take(&mut self, pairs: Pairs, at: At<'_>) -> ControlFlow<(), Option<Pairs>> {
        if self.rules.is_group(&pairs) {
            self.group(pairs, at)?;
            return Continue(None);
        }
        let shape = self.rules.shape(&pairs);
        let view = self.rules.view(&pairs);
        let is_record =
            if self.rules.is_data { self.rules.has_question(&view) } else { self.rules.asks(&view) };
        if shape.is_none() && !is_record {
            return Continue(Some(pairs));
        }
        self.record(pairs, shape, at).map_continue(|()| None)
    }

    /// The value of a key below the top: records, a record, or answers by question. What does not hold any comes back.
    fn entry(&mut self, key: String, node: Node, above: Option<&str>) -> ControlFlow<(), Pair> {
        let line = node.line;
        let own = section_of(&key);
        let section = own.as_deref().or(above);
        let content = match node.content {
            Content::List(items) if self.rules.holds_records_of(&key, &items) => {
                let mut list = self.list(Some(&key), section.map(str::to_owned), false);
                items.into_iter().try_for_each(|node| self.element(node, &mut list))?;
                return Continue(None);
            }
            Content::Map(pairs) if self.rules.is_data && is_container(&key) => {
                self.map(pairs, At { line, section, key: None }, false)?;
                return Continue(None);
            }
            Content::Map(pairs) => {
                let Some(pairs) = self.take(pairs, At { line, section: above, key: Some(&key) })? else {
                    return Continue(None);
                };
                if is_question(&key) {
                    Content::Map(pairs)
                } else {
                    match self.section(pairs, section)? {
                        rest if rest.is_empty() => return Continue(None),
                        rest => Content::Map(rest),
                    }
                }
            }
            content => content,
        };
        Continue(Some((key, Node { line, content })))
    }

    /// The values of a section: answers by question, records by id, and in settings anything deeper. The rest comes back.
    fn section(&mut self, pairs: Pairs, section: Option<&str>) -> ControlFlow<(), Pairs> {
        let mut rest = Pairs::new();
        for (key, Node { line, content }) in pairs {
            let pair = match content {
                Content::Map(inner) if self.rules.is_data => {
                    let inner = self.take(inner, At { line, section, key: Some(&key) })?;
                    rest.extend(inner.map(|inner| (key, Node { line, content: Content::Map(inner) })));
                    continue;
                }
                Content::List(_) | Content::Map(_) if !self.rules.is_data && !self.rules.is_whole(&key) => {
                    self.entry(key, Node { line, content }, section)?
                }
                content => Some((key, Node { line, content })),
            };
            match pair {
                Some((key, node)) if is_question(&key) && (!self.rules.is_data || node.text().is_some()) => {
                    self.answer(key, node, section)?;
                }
                pair => rest.extend(pair),
            }
        }
        if !self.rules.is_data {
            rest.clear();
        }
        Continue(rest)
    }
}

/// The section that a key names.
fn section_of(key: &str) -> Option<String> {
    (!is_container(key)).then(|| key.to_owned())
}

fn answered(title: String, answer: Value, line: u64) -> Result<Question, String> {
    Record::new([("question".to_owned(), Value::String(title)), ("answer".to_owned(), answer)]).question(line)
}
