//! Finds the records in nested data: JSON, JSON Lines, YAML and TOML.
//!
//! A document is a list of records, records by id, answers by question, sections of any of these, or one record.
//! Lists at the top and below the keys of a map at the top are read element by element. Everything deeper is first
//! read into a [`Node`].
//!
//! JSON holds data: whatever has the keys of a record is one, and may have a [`Shape`]. Most YAML and TOML files are
//! settings: only what asks is a record, and a map with a title is not one yet.

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow::{self, Continue};
use std::rc::Rc;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::record::{Record, View, is_answer, is_part, is_question, is_title, normalized};
use super::shapes::{Object, Shape, is_turn};
use super::tree::{Content, Node, Pairs, Position, Tree, scalars, values};
use crate::question::Question;
use crate::read::document::ends_asking;
use crate::read::mapping::Mapping;
use crate::read::{BadRecord, Emit};

/// Whether a list or map under this key holds records and is no section.
fn is_container(key: &str) -> bool {
    match &*normalized(key) {
        "questions" | "faq" | "faqs" | "items" | "data" | "entries" | "results" | "records" | "rows"
        | "list" | "mainentity" | "content" | "qa" | "qas" | "qnas" | "qnalist" | "qnadocuments"
        | "documents" | "intents" | "examples" | "conversations" | "messages" => true,
        // Keys above the issues and discussions in a reply of GitHub's GraphQL API.
        "repository" | "organization" | "viewer" | "search" | "issue" | "issues" | "discussion"
        | "discussions" | "nodes" | "edges" | "node" => true,
        _ => false,
    }
}

/// Containers that hold nothing but questions.
const QUESTION_LISTS: [&str; 5] = ["questions", "faq", "faqs", "qa", "mainentity"];

/// After this many elements without a question, a list of settings holds none.
const LONGEST_HELD: usize = 1000;

/// Levels that are enough to recognize a [`Shape`].
const SHAPE_LEVELS: usize = 6;

/// Finds the records of a document and hands them over.
pub struct Walk<'e, 'f> {
    position: &'e dyn Position,
    emit: &'e mut Emit<'f>,
    mapping: Rc<Mapping>,
    /// The file holds data. Otherwise it may be settings.
    is_data: bool,
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
        let (stopped, found, count, interrupted) = (false, false, 0, None);
        Self { position, emit, mapping, is_data: true, stopped, found, count, interrupted }
    }

    /// A walk through a new file that may be settings.
    pub fn settings(position: &'e dyn Position, mapping: Rc<Mapping>, emit: &'e mut Emit<'f>) -> Self {
        Self { is_data: false, ..Self::data(position, mapping, emit) }
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

    /// Reads a document. After an error, its list can be read on as another document.
    ///
    /// # Errors
    /// The document is broken, or the walk has [`stopped`](Self::stopped).
    pub fn document<'de, D: Deserializer<'de>>(&mut self, document: D) -> Result<(), D::Error> {
        document.deserialize_any(Root { walk: self, section: None, is_top: true })
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

    /// Whether the value of a key belongs to a record instead of holding records.
    fn is_whole(&self, key: &str) -> bool {
        is_part(&normalized(key)) || self.mapping.uses(key)
    }

    /// A map without what is nested deeper than one level. Titles of data and the values of mapped keys are whole.
    fn view<'n>(&self, pairs: &'n Pairs) -> View<'n> {
        let value = |name: &str, node: &'n Node| match &node.content {
            Content::Scalar(value) => Cow::Borrowed(value),
            _ => {
                let is_whole = self.is_data && is_title(&normalized(name)) || self.mapping.uses(name);
                let levels = if is_whole { usize::MAX } else { 1 };
                Cow::Owned(node.outline(levels).unwrap_or_default())
            }
        };
        pairs.iter().map(|(name, node)| (name.as_str(), value(name, node))).collect()
    }

    /// Whether a map has a question, by its keys or by those that are mapped.
    fn has_question(&self, view: &View<'_>) -> bool {
        if self.mapping.maps("question") {
            self.mapping.has_question(view)
        } else {
            Record::has_question(view)
        }
    }

    /// Whether a map is a question wherever it is found.
    fn asks(&self, view: &View<'_>) -> bool {
        if self.mapping.maps("question") { self.mapping.has_question(view) } else { Record::asks(view) }
    }

    /// Mapped keys come first: their records have no shape.
    fn may_have_shape(&self) -> bool {
        self.is_data && self.mapping.is_empty()
    }

    /// The shape of a map.
    fn shape(&self, pairs: &Pairs) -> Option<&'static Shape> {
        let may_fit = self.may_have_shape() && Shape::may_fit(pairs.iter().map(|(key, _)| key));
        let inner = |(key, node): &(String, Node)| Some((key.clone(), node.outline(SHAPE_LEVELS)?));
        may_fit.then(|| Shape::of(&pairs.iter().filter_map(inner).collect())).flatten()
    }

    /// A list that begins. Data is trusted, and if keys are mapped, the user says that there are records.
    fn list(&self, key: Option<&str>, section: Option<String>, is_top: bool) -> List {
        let is_named = key.is_some_and(|key| QUESTION_LISTS.contains(&&*normalized(key)));
        let trusted = is_named || self.is_data || !self.mapping.is_empty();
        List { section, trusted, certain: self.is_data && is_top, held: Vec::new() }
    }

    /// The question that a record, a text, or a row of a question and its answers is.
    fn question(&self, value: Value, line: u64) -> Result<Question, String> {
        match value {
            Value::Object(object) => Record::mapped(object, &self.mapping).question(line),
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
            Content::Map(pairs) if self.is_group(&pairs) => return self.group(pairs, at),
            Content::Map(pairs) => {
                let view = self.view(&pairs);
                let (asks, plausible) = (!self.is_data && self.asks(&view), self.has_question(&view));
                let object: Object = values(pairs).collect();
                match Shape::of(&object).filter(|_| self.may_have_shape()) {
                    Some(shape) => return self.shaped(shape, object, at),
                    None => (asks, plausible, Value::Object(object)),
                }
            }
            Content::Scalar(Value::String(text)) if is_question(&text) => {
                (!self.is_data && ends_asking(&text), true, Value::String(text))
            }
            Content::Scalar(Value::String(_)) if !self.is_data => return Continue(()),
            Content::Scalar(Value::String(text)) if !text.trim().is_empty() => {
                (false, false, Value::String(text))
            }
            Content::List(items) if items.iter().any(Node::is_map) => {
                let mut inner = self.list(None, list.section.clone(), list.certain);
                return items.into_iter().try_for_each(|node| self.element(node, &mut inner));
            }
            Content::List(items) if items.first().and_then(Node::text).is_some_and(is_question) => {
                (!self.is_data, true, items.into_iter().map(Node::into_value).collect())
            }
            _ => (false, false, Value::Null),
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
        } else if !self.is_data && list.held.len() < LONGEST_HELD {
            list.held.push((line, value));
        }
        Continue(())
    }

    /// Hands over a map as a record, or its records if it has a shape.
    fn record(&mut self, pairs: Pairs, shape: Option<&Shape>, at: At<'_>) -> ControlFlow<()> {
        let object: Object = values(pairs).collect();
        match shape {
            Some(shape) => self.shaped(shape, object, at),
            None => self.hand_over(at, Record::mapped(object, &self.mapping).question(at.line)),
        }
    }

    fn shaped(&mut self, shape: &Shape, object: Object, at: At<'_>) -> ControlFlow<()> {
        (shape.read)(object, &mut |record| {
            self.hand_over(at, record.and_then(|record| record.question(at.line)))
        })
    }

    /// A map with the name of a section and lists of its records.
    fn group(&mut self, pairs: Pairs, at: At<'_>) -> ControlFlow<()> {
        let name = Record::section_name(&self.view(&pairs)).or_else(|| at.key.and_then(section_of));
        let section = name.as_deref().or(at.section);
        self.map(pairs, At { section, key: None, ..at }, false)
    }

    /// Reads a map whose keys lead to records. What they do not use may be one more record.
    fn map(&mut self, pairs: Pairs, at: At<'_>, is_top: bool) -> ControlFlow<()> {
        let count = self.count;
        let mut own = Own::default();
        for (key, node) in pairs {
            let pair = match node.is_nested() && !self.is_whole(&key) {
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
        let (view, shape) = (self.view(&own), self.shape(&own));
        let is_record = if self.is_data {
            let asks = |(key, node): &(String, Node)| match &*normalized(key) {
                "question" | "q" => true,
                "title" => node.text().is_some_and(is_question),
                _ => false,
            };
            let is_sure = is_alone || self.mapping.maps("question") || own.iter().any(asks);
            shape.is_some() || is_sure && self.has_question(&view)
        } else {
            self.asks(&view) && self.has_question(&view)
        };
        if is_record {
            return self.record(own, shape, at);
        }
        let mut answers = own.into_iter().filter(|(key, _)| is_question(key));
        answers.try_for_each(|(key, node)| self.answer(key, node, at.section))
    }

    /// Hands over what a map holds, its records or itself as one, or gives it back.
    fn take(&mut self, pairs: Pairs, at: At<'_>) -> ControlFlow<(), Option<Pairs>> {
        if self.is_group(&pairs) {
            self.group(pairs, at)?;
            return Continue(None);
        }
        let shape = self.shape(&pairs);
        let view = self.view(&pairs);
        let is_record = if self.is_data { self.has_question(&view) } else { self.asks(&view) };
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
            Content::List(items) if self.holds_records_of(&key, &items) => {
                let mut list = self.list(Some(&key), section.map(str::to_owned), false);
                items.into_iter().try_for_each(|node| self.element(node, &mut list))?;
                return Continue(None);
            }
            Content::Map(pairs) if self.is_data && is_container(&key) => {
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

    /// Whether a list holds records. Otherwise it is the answer to its key, or a conversation.
    fn holds_records_of(&self, key: &str, items: &[Node]) -> bool {
        let is_answer = || match self.is_data {
            true => items.first().is_some_and(|first| !first.is_nested()),
            false => !items.iter().any(Node::is_map),
        };
        !(is_question(key) && is_answer() || self.is_data && items.first().is_some_and(is_turn_node))
    }

    /// The values of a section: answers by question, records by id, and in settings anything deeper. The rest comes back.
    fn section(&mut self, pairs: Pairs, section: Option<&str>) -> ControlFlow<(), Pairs> {
        let mut rest = Pairs::new();
        for (key, Node { line, content }) in pairs {
            let pair = match content {
                Content::Map(inner) if self.is_data => {
                    let inner = self.take(inner, At { line, section, key: Some(&key) })?;
                    rest.extend(inner.map(|inner| (key, Node { line, content: Content::Map(inner) })));
                    continue;
                }
                Content::List(_) | Content::Map(_) if !self.is_data && !self.is_whole(&key) => {
                    self.entry(key, Node { line, content }, section)?
                }
                content => Some((key, Node { line, content })),
            };
            match pair {
                Some((key, node)) if is_question(&key) && (!self.is_data || node.text().is_some()) => {
                    self.answer(key, node, section)?;
                }
                pair => rest.extend(pair),
            }
        }
        if !self.is_data {
            rest.clear();
        }
        Continue(rest)
    }

    /// Whether a map is a section that holds records.
    fn is_group(&self, pairs: &Pairs) -> bool {
        if self.is_data {
            let holds = |(key, node): &(String, Node)| self.holds_records_at(key, node);
            return (pairs.iter().any(holds) || self.is_list_of_questions(pairs))
                && self.shape(pairs).is_none();
        }
        // It asks nothing itself, and holds something that does.
        let maps_question = self.mapping.maps("question");
        let asks = |(key, node): &(String, Node)| {
            let text = node.text().unwrap_or_default();
            let asks = || is_question(text) || !text.is_empty() && normalized(key) != "title";
            !maps_question && is_title(&normalized(key)) && asks()
        };
        let has_title = |(key, node): &(String, Node)| is_title(&normalized(key)) && node.text().is_some();
        let is_record = |pairs: &Pairs| match maps_question {
            true => self.mapping.has_question(&self.view(pairs)),
            false => pairs.iter().any(has_title),
        };
        let holds = |(key, node): &(String, Node)| {
            let records = node.elements().iter().any(|element| match &element.content {
                Content::Map(inner) => is_record(inner) || self.is_group(inner),
                Content::Scalar(Value::String(text)) => is_container(key) && is_question(text),
                _ => false,
            });
            let answers =
                matches!(&node.content, Content::Map(inner) if inner.iter().any(|(key, _)| is_question(key)));
            (records || answers) && !self.is_whole(key)
        };
        let is_record = pairs.iter().any(asks) || maps_question && is_record(pairs);
        !is_record && pairs.iter().any(holds)
    }

    fn holds_records_at(&self, key: &str, node: &Node) -> bool {
        node.is_nested() && is_container(key) && self.holds_records(node)
    }

    /// Whether there are records in a list or a map of data, by the first of the list.
    fn holds_records(&self, node: &Node) -> bool {
        match &node.content {
            Content::Scalar(_) => false,
            Content::List(items) => items.first().is_some_and(|first| self.holds_records(first)),
            Content::Map(pairs) => {
                self.has_question(&self.view(pairs))
                    || pairs.iter().any(|(key, node)| is_question(key) || self.holds_records_at(key, node))
                    || self.shape(pairs).is_some()
            }
        }
    }

    /// Whether a map of data has a name that does not ask, and a list of questions without answers.
    fn is_list_of_questions(&self, pairs: &Pairs) -> bool {
        let asks = |node: &Node| node.text().is_some_and(is_question);
        let holds =
            |(key, node): &(String, Node)| is_container(key) && node.elements().first().is_some_and(asks);
        pairs.iter().any(holds)
            && !pairs.iter().any(|(key, node)| is_answer(&normalized(key)) || asks(node))
            && Record::section_name(&self.view(pairs)).is_some()
    }
}

/// The section that a key names.
fn section_of(key: &str) -> Option<String> {
    (!is_container(key)).then(|| key.to_owned())
}

fn answered(title: String, answer: Value, line: u64) -> Result<Question, String> {
    Record::new([("question".to_owned(), Value::String(title)), ("answer".to_owned(), answer)]).question(line)
}

/// Whether a value is what one side of a conversation says.
fn is_turn_node(node: &Node) -> bool {
    (node.get("role").is_some() || node.get("from").is_some())
        && node.outline(SHAPE_LEVELS).is_some_and(|value| is_turn(&value))
}

fn stop<T, E: Error>(flow: ControlFlow<(), T>) -> Result<T, E> {
    match flow {
        Continue(value) => Ok(value),
        ControlFlow::Break(()) => Err(E::custom("stopped")),
    }
}

/// Visits the value of a document, or a container of data below it.
struct Root<'w, 'e, 'f> {
    walk: &'w mut Walk<'e, 'f>,
    section: Option<&'w str>,
    is_top: bool,
}

impl<'de> Visitor<'de> for Root<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<(), A::Error> {
        let list = self.walk.list(None, None, true);
        self.walk.stream(elements, None, list).map(drop)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { walk, section, is_top } = self;
        let at = At { line: walk.position.line(), section, key: None };
        let count = walk.count;
        let mut own = Own::default();
        let mut next = || {
            let Some(key) = entries.next_key::<String>()? else { return Ok(false) };
            let line = walk.position.line();
            let pair = if walk.is_whole(&key) {
                Some((key, entries.next_value_seed(Tree(walk.position))?))
            } else {
                entries.next_value_seed(Entry { walk, key, line, above: section })?
            };
            stop(walk.answer_or_keep(pair, &mut own, section))?;
            Ok(true)
        };
        let read = loop {
            match next() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What was read of settings before an error is good.
        if read.is_ok() || !walk.is_data && !walk.stopped {
            stop(walk.own(own.pairs, at, !is_top && walk.count == count))?;
        }
        read
    }
}

impl Walk<'_, '_> {
    /// Reads the list at the top, or of a key at the top. Turns of a conversation come back.
    fn stream<'de, A: SeqAccess<'de>>(
        &mut self,
        mut elements: A,
        key: Option<&str>,
        list: List,
    ) -> Result<Vec<Node>, A::Error> {
        let mut list = match self.interrupted.take() {
            Some((interrupted, list)) if interrupted.as_deref() == key => list,
            _ => list,
        };
        let mut turns = Vec::new();
        let mut may_be_turns = self.is_data && key.is_some();
        loop {
            match elements.next_element_seed(Tree(self.position)) {
                Ok(Some(node)) if may_be_turns && (!turns.is_empty() || is_turn_node(&node)) => {
                    turns.push(node)
                }
                Ok(Some(node)) => {
                    may_be_turns = false;
                    stop(self.element(node, &mut list))?;
                }
                Ok(None) => return Ok(turns),
                Err(error) => {
                    self.interrupted = Some((key.map(str::to_owned), list));
                    return Err(error);
                }
            }
        }
    }
}

/// Reads the value of a key at the top; what is neither a list nor a section comes back.
struct Entry<'w, 'e, 'f> {
    walk: &'w mut Walk<'e, 'f>,
    key: String,
    line: u64,
    above: Option<&'w str>,
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_, '_> {
    type Value = Pair;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_, '_, '_> {
    type Value = Pair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        let Self { walk, key, line, above } = self;
        if is_question(&key) {
            let Node { content, .. } = Tree(walk.position).visit_seq(elements)?;
            return stop(walk.entry(key, Node { line, content }, above));
        }
        let section = section_of(&key).or_else(|| above.map(str::to_owned));
        let list = walk.list(Some(&key), section, false);
        let turns = walk.stream(elements, Some(&key), list)?;
        Ok((!turns.is_empty()).then_some((key, Node { line, content: Content::List(turns) })))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        let Self { walk, key, line, above: section } = self;
        if walk.is_data && is_container(&key) {
            return Root { walk, section, is_top: false }.visit_map(entries).map(|()| None);
        }
        let Node { content, .. } = Tree(walk.position).visit_map(entries)?;
        stop(walk.entry(key, Node { line, content }, section))
    }

    scalars!(self, value, Some((self.key, Node { line: self.line, content: Content::Scalar(value.into()) })));
}
