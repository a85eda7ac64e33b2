//! Records in a tree of lists and maps: YAML and TOML. Most of these files are settings, so only what asks is a record:
//! a map with a title is not one yet.
//!
//! A document is a list of records, records by id, answers by question, or sections of any of these.
//! Lists at the top and one level below it are read element by element. Everything deeper is first read
//! into a [`Node`].

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::json::is_container;
use super::record::{Record, is_part, is_question, is_title, normalized};
use super::shapes::Object;
use crate::question::Question;
use crate::read::document::ends_asking;
use crate::read::mapping::Mapping;
use crate::read::{BadRecord, Emit};

/// Containers that hold nothing but questions.
const QUESTION_LISTS: [&str; 5] = ["questions", "faq", "faqs", "qa", "mainentity"];

/// After this many elements without a question, a list holds none.
const LONGEST_HELD: usize = 1000;

/// A value and the line it begins on.
#[derive(Debug)]
pub struct Node {
    /// The line of its key, or of its first token if it has no key.
    pub line: u64,
    /// The value itself.
    pub content: Content,
}

/// What a [`Node`] holds. Maps keep the order of the source.
#[derive(Debug)]
pub enum Content {
    /// A text, a number, true, false or null.
    Scalar(Value),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in order.
    Map(Pairs),
}

/// The keys and values of a map.
pub type Pairs = Vec<(String, Node)>;

impl Node {
    /// The value under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Content::Map(pairs) = &self.content else { return None };
        pairs.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The elements of a list; empty for anything else.
    pub fn elements(&self) -> &[Node] {
        if let Content::List(items) = &self.content { items } else { &[] }
    }

    /// The text of a scalar that is a string.
    pub fn text(&self) -> Option<&str> {
        if let Content::Scalar(value) = &self.content { value.as_str() } else { None }
    }

    /// The value without its lines.
    pub fn into_value(self) -> Value {
        match self.content {
            Content::Scalar(value) => value,
            Content::List(items) => items.into_iter().map(Self::into_value).collect(),
            Content::Map(pairs) => values(pairs).collect(),
        }
    }

    /// A copy of the value without its lines.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().map(Self::to_value).collect(),
            Content::Map(pairs) => pairs.iter().map(|(name, node)| (name.clone(), node.to_value())).collect(),
        }
    }

    /// A copy without what is nested deeper than one level, enough to recognize a record.
    pub fn outline(&self) -> Value {
        let flat = |node: &Self| match &node.content {
            Content::Scalar(value) => Some(value.clone()),
            _ => None,
        };
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().filter_map(flat).collect(),
            Content::Map(pairs) => {
                pairs.iter().filter_map(|(name, node)| Some((name.clone(), flat(node)?))).collect()
            }
        }
    }

    fn is_map(&self) -> bool {
        matches!(self.content, Content::Map(_))
    }

    fn is_nested(&self) -> bool {
        !matches!(self.content, Content::Scalar(_))
    }
}

fn values(pairs: Pairs) -> impl Iterator<Item = (String, Value)> {
    pairs.into_iter().map(|(name, node)| (name, node.into_value()))
}

/// Where the parser of a document is.
pub trait Position {
    /// The line of the token that was read last, from 1.
    fn line(&self) -> u64;

    /// The next line so far that is not UTF-8, each returned once.
    fn take_unreadable(&self) -> Option<u64>;
}

/// Finds the records of a document and hands them over.
pub struct Walk<'e, 'f> {
    position: &'e dyn Position,
    emit: &'e mut Emit<'f>,
    mapping: Rc<Mapping>,
    stopped: bool,
    found: bool,
    /// The list in which the parser met an error, and its key.
    interrupted: Option<(Option<String>, List)>,
}

impl<'e, 'f> Walk<'e, 'f> {
    /// A walk through a new file.
    pub fn new(position: &'e dyn Position, mapping: Rc<Mapping>, emit: &'e mut Emit<'f>) -> Self {
        Self { position, mapping, emit, stopped: false, found: false, interrupted: None }
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
        document.deserialize_any(Root(self))
    }

    /// Reads a document that is in memory.
    ///
    /// # Errors
    /// The walk has [`stopped`](Self::stopped).
    pub fn node<E: Error>(&mut self, node: Node) -> Result<(), E> {
        match node.content {
            Content::Scalar(_) => Ok(()),
            Content::List(items) => self.elements(items, self.list(None, None)),
            Content::Map(pairs) => {
                let mut own = Pairs::new();
                for (key, node) in pairs {
                    match node.is_nested() && !self.is_whole(&key) {
                        true => own.extend(self.entry(key, node, None)?),
                        false => own.push((key, node)),
                    }
                }
                self.own(own, node.line)
            }
        }
    }

    fn hand_over<E: Error>(
        &mut self,
        line: u64,
        section: Option<&String>,
        mut question: Result<Question, String>,
    ) -> Result<(), E> {
        let mut unreadable = None;
        while let Some(line) = self.position.take_unreadable() {
            unreadable.get_or_insert(line);
        }
        if let (Ok(question), Some(section)) = (&mut question, section) {
            question.section.get_or_insert_with(|| section.clone());
        }
        let record = match unreadable {
            Some(line) => Err(BadRecord::not_utf8(line)),
            None => question.map_err(|reason| BadRecord { line, reason }),
        };
        self.found |= record.is_ok();
        if (self.emit)(record).is_break() {
            self.stopped = true;
            return Err(E::custom("stopped"));
        }
        Ok(())
    }

    /// Whether the value of a key belongs to a record instead of holding records.
    fn is_whole(&self, key: &str) -> bool {
        is_part(&normalized(key)) || self.mapping.uses(key)
    }

    /// Whether an object has a question, by its keys or by those that are mapped.
    fn has_question(&self, object: &Object) -> bool {
        if self.mapping.maps("question") {
            self.mapping.has_question(object)
        } else {
            Record::has_question(object)
        }
    }

    /// Whether an object is a question wherever it is found.
    fn asks(&self, object: &Object) -> bool {
        if self.mapping.maps("question") { self.mapping.has_question(object) } else { Record::asks(object) }
    }

    /// A list that begins. If keys are mapped, the user says that there are records.
    fn list(&self, key: Option<&str>, section: Option<String>) -> List {
        let is_named = key.is_some_and(|key| QUESTION_LISTS.contains(&&*normalized(key)));
        List { section, trusted: is_named || !self.mapping.is_empty(), certain: false, held: Vec::new() }
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

    fn elements<E: Error>(&mut self, items: Vec<Node>, mut list: List) -> Result<(), E> {
        items.into_iter().try_for_each(|node| self.element(node, &mut list))
    }

    fn element<E: Error>(&mut self, node: Node, list: &mut List) -> Result<(), E> {
        let line = node.line;
        let (asks, plausible, value) = match node.content {
            Content::Map(pairs) if self.is_group(&pairs) => return self.group(pairs, list.section.as_ref()),
            Content::Map(pairs) => {
                let object: Object = values(pairs).collect();
                (self.asks(&object), self.has_question(&object), Value::Object(object))
            }
            Content::Scalar(Value::String(text)) if !is_question(&text) => return Ok(()),
            Content::Scalar(Value::String(text)) => (ends_asking(&text), true, Value::String(text)),
            Content::List(items) if items.iter().any(Node::is_map) => {
                return self.elements(items, self.list(None, list.section.clone()));
            }
            Content::List(items) if items.first().and_then(Node::text).is_some_and(is_question) => {
                (true, true, items.into_iter().map(Node::into_value).collect())
            }
            _ => (false, false, Value::Null),
        };
        if asks {
            (list.trusted, list.certain) = (true, true);
            for (line, value) in list.held.drain(..) {
                self.hand_over(line, list.section.as_ref(), self.question(value, line))?;
            }
        }
        let is_record = if plausible { list.trusted } else { list.certain };
        if is_record {
            self.hand_over(line, list.section.as_ref(), self.question(value, line))?;
        } else if list.held.len() < LONGEST_HELD {
            list.held.push((line, value));
        }
        Ok(())
    }

    /// A map with the name of a section and lists of its records.
    fn group<E: Error>(&mut self, pairs: Pairs, above: Option<&String>) -> Result<(), E> {
        let texts = pairs.iter().filter_map(|(name, node)| Some((name.clone(), node.text()?.into())));
        let name = Record::section_name(&texts.collect());
        self.children(pairs, name.or_else(|| above.cloned()))
    }

    /// The values of a section: records and answers by question.
    fn children<E: Error>(&mut self, pairs: Pairs, section: Option<String>) -> Result<(), E> {
        for (key, node) in pairs {
            let own = match node.is_nested() && !self.is_whole(&key) {
                true => self.entry(key, node, section.clone())?,
                false => Some((key, node)),
            };
            self.answers(own, section.as_ref())?;
        }
        Ok(())
    }

    /// Those pairs whose key asks.
    fn answers<E: Error>(
        &mut self,
        pairs: impl IntoIterator<Item = (String, Node)>,
        section: Option<&String>,
    ) -> Result<(), E> {
        for (key, node) in pairs.into_iter().filter(|(key, _)| is_question(key)) {
            let line = node.line;
            self.hand_over(line, section, answered(key, node.into_value(), line))?;
        }
        Ok(())
    }

    /// The value of a key below the top: records, a record, or answers by question. Comes back if the key
    /// asks and the value is its answer.
    fn entry<E: Error>(
        &mut self,
        key: String,
        node: Node,
        above: Option<String>,
    ) -> Result<Option<(String, Node)>, E> {
        let line = node.line;
        match node.content {
            Content::List(items) if !is_question(&key) || items.iter().any(Node::is_map) => {
                let list = self.list(Some(&key), section_of(&key).or(above));
                self.elements(items, list).map(|()| None)
            }
            Content::Map(pairs) => {
                if self.is_group(&pairs) {
                    self.group(pairs, section_of(&key).or(above).as_ref())?;
                } else if self.asks(&self.outline(&pairs)) {
                    let mut question = self.question(values(pairs).collect(), line);
                    if let Ok(question) = &mut question {
                        question.key.get_or_insert(key);
                    }
                    self.hand_over(line, above.as_ref(), question)?;
                } else if is_question(&key) {
                    return Ok(Some((key, Node { line, content: Content::Map(pairs) })));
                } else {
                    self.children(pairs, section_of(&key).or(above))?;
                }
                Ok(None)
            }
            content => Ok(Some((key, Node { line, content }))),
        }
    }

    /// What a document has beside lists and maps: one record, or answers by question.
    fn own<E: Error>(&mut self, own: Pairs, line: u64) -> Result<(), E> {
        let outline = self.outline(&own);
        if self.asks(&outline) && self.has_question(&outline) {
            return self.hand_over(line, None, self.question(values(own).collect(), line));
        }
        self.answers(own, None)
    }

    /// A map without what is nested deeper than one level; the values of mapped keys are whole.
    fn outline(&self, pairs: &Pairs) -> Object {
        let value = |(name, node): &(String, Node)| {
            (name.clone(), if self.mapping.uses(name) { node.to_value() } else { node.outline() })
        };
        pairs.iter().map(value).collect()
    }

    /// Whether a map is a section: it asks nothing itself, and holds something that does.
    fn is_group(&self, pairs: &Pairs) -> bool {
        let maps_question = self.mapping.maps("question");
        let asks = |(key, node): &(String, Node)| {
            let text = node.text().unwrap_or_default();
            let asks = || is_question(text) || !text.is_empty() && normalized(key) != "title";
            !maps_question && is_title(&normalized(key)) && asks()
        };
        let has_title = |(key, node): &(String, Node)| is_title(&normalized(key)) && node.text().is_some();
        let is_record = |pairs: &Pairs| match maps_question {
            true => self.mapping.has_question(&self.outline(pairs)),
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
}

/// What is known of a list by its elements so far.
struct List {
    section: Option<String>,
    /// A map with a title is a question.
    trusted: bool,
    /// Any other map is a broken record.
    certain: bool,
    /// Elements from before the first that surely asks.
    held: Vec<(u64, Value)>,
}

fn section_of(key: &str) -> Option<String> {
    (!is_container(key)).then(|| key.to_owned())
}

fn answered(title: String, answer: Value, line: u64) -> Result<Question, String> {
    Record::new([("question".to_owned(), Value::String(title)), ("answer".to_owned(), answer)]).question(line)
}

/// Visits the value of a document.
struct Root<'w, 'e, 'f>(&'w mut Walk<'e, 'f>);

impl<'de> Visitor<'de> for Root<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<(), A::Error> {
        self.0.stream(elements, None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let begin = self.0.position.line();
        let mut own = Pairs::new();
        let mut next = || {
            let Some(key) = entries.next_key::<String>()? else { return Ok(false) };
            let line = self.0.position.line();
            if self.0.is_whole(&key) {
                own.push((key, entries.next_value_seed(Tree(self.0.position))?));
            } else {
                own.extend(entries.next_value_seed(Entry { walk: self.0, key, line })?);
            }
            Ok(true)
        };
        let read = loop {
            match next() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What was read before an error is good.
        if !self.0.stopped {
            self.0.own(own, begin)?;
        }
        read
    }
}

impl Walk<'_, '_> {
    /// Reads the list at the top, or of a key at the top.
    fn stream<'de, A: SeqAccess<'de>>(
        &mut self,
        mut elements: A,
        key: Option<String>,
    ) -> Result<(), A::Error> {
        let mut list = match self.interrupted.take() {
            Some((interrupted, list)) if interrupted == key => list,
            _ => match &key {
                Some(key) => self.list(Some(key), section_of(key)),
                None => self.list(None, None),
            },
        };
        loop {
            match elements.next_element_seed(Tree(self.position)) {
                Ok(Some(node)) => self.element(node, &mut list)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.interrupted = Some((key, list));
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
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_, '_> {
    type Value = Option<(String, Node)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Reads a value of any depth.
pub struct Tree<'p>(pub &'p dyn Position);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The methods of a visitor for scalars.
macro_rules! scalars {
    ($self:ident, $value:ident, $result:expr) => {
        fn visit_bool<E: Error>($self, $value: bool) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_i64<E: Error>($self, $value: i64) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_u64<E: Error>($self, $value: u64) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_f64<E: Error>($self, $value: f64) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_str<E: Error>($self, $value: &str) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_string<E: Error>($self, $value: String) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_unit<E: Error>($self) -> Result<Self::Value, E> {
            let $value = ();
            Ok($result)
        }
    };
}

impl<'de> Visitor<'de> for Entry<'_, '_, '_> {
    type Value = Option<(String, Node)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        if is_question(&self.key) {
            let Node { content, .. } = Tree(self.walk.position).visit_seq(elements)?;
            return self.walk.entry(self.key, Node { line: self.line, content }, None);
        }
        self.walk.stream(elements, Some(self.key)).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        let Node { content, .. } = Tree(self.walk.position).visit_map(entries)?;
        self.walk.entry(self.key, Node { line: self.line, content }, None)
    }

    scalars!(self, value, Some((self.key, Node { line: self.line, content: Content::Scalar(value.into()) })));
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let line = self.0.line();
        let mut items = Vec::new();
        while let Some(item) = elements.next_element_seed(Self(self.0))? {
            items.push(item);
        }
        Ok(Node { line, content: Content::List(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        // The brace has just been read.
        let line = self.0.line();
        let (mut pairs, mut merged) = (Pairs::new(), Pairs::new());
        while let Some(key) = entries.next_key::<String>()? {
            let line = self.0.line();
            let Node { content, .. } = entries.next_value_seed(Self(self.0))?;
            match content {
                // YAML's merge key.
                Content::Map(inner) if key == "<<" => merged.extend(inner),
                Content::List(maps) if key == "<<" => {
                    merged.extend(maps.into_iter().flat_map(|map| match map.content {
                        Content::Map(inner) => inner,
                        _ => Vec::new(),
                    }));
                }
                content => pairs.push((key, Node { line, content })),
            }
        }
        if !merged.is_empty() {
            let own: HashSet<String> = pairs.iter().map(|(key, _)| key.clone()).collect();
            pairs.extend(merged.into_iter().filter(|(key, _)| !own.contains(key)));
        }
        Ok(Node { line, content: Content::Map(pairs) })
    }

    scalars!(self, value, Node { line: self.0.line(), content: Content::Scalar(value.into()) });
}
