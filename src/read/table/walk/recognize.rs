//! What a map, a list or a value is: a record, a section with records, or part of a record.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use crate::read::keys::{View, is_answer, is_part, is_title, normalized};
use crate::read::mapping::Mapping;
use crate::read::table::record::{Record, is_question};
use crate::read::table::shapes::{Shape, is_turn, may_fit, shape_of};
use crate::read::table::tree::{Content, Node, Pairs};

/// Whether a list or map under this key holds records and is no section.
pub fn is_container(key: &str) -> bool {
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
pub const QUESTION_LISTS: [&str; 5] = ["questions", "faq", "faqs", "qa", "mainentity"];

/// Levels that are enough to recognize a [`Shape`].
const SHAPE_LEVELS: usize = 6;

/// What counts as a record in a file.
pub struct Rules {
    /// The file holds data. Otherwise it may be settings.
    pub is_data: bool,
    /// The keys that are mapped.
    pub mapping: Rc<Mapping>,
}

impl Rules {
    /// Whether the value of a key belongs to a record instead of holding records.
    pub fn is_whole(&self, key: &str) -> bool {
        is_part(&normalized(key)) || self.mapping.uses(key)
    }

    /// A map without what is nested deeper than one level. Titles of data and the values of mapped keys are whole.
    pub fn view<'n>(&self, pairs: &'n Pairs) -> View<'n> {
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
    pub fn has_question(&self, view: &View<'_>) -> bool {
        if self.mapping.maps("question") {
            self.mapping.has_question(view)
        } else {
            Record::has_question(view)
        }
    }

    /// Whether a map is a question wherever it is found.
    pub fn asks(&self, view: &View<'_>) -> bool {
        if self.mapping.maps("question") { self.mapping.has_question(view) } else { Record::asks(view) }
    }

    /// Mapped keys come first: their records have no shape.
    pub fn may_have_shape(&self) -> bool {
        self.is_data && self.mapping.is_empty()
    }

    /// The shape of a map.
    pub fn shape(&self, pairs: &Pairs) -> Option<&'static Shape> {
        let may_fit = self.may_have_shape() && may_fit(pairs.iter().map(|(key, _)| key));
        let inner = |(key, node): &(String, Node)| Some((key.clone(), node.outline(SHAPE_LEVELS)?));
        may_fit.then(|| shape_of(&pairs.iter().filter_map(inner).collect())).flatten()
    }

    /// Whether a list holds records. Otherwise it is the answer to its key, or a conversation.
    pub fn holds_records_of(&self, key: &str, items: &[Node]) -> bool {
        let is_answer = || match self.is_data {
            true => items.first().is_some_and(|first| !first.is_nested()),
            false => !items.iter().any(Node::is_map),
        };
        !(is_question(key) && is_answer() || self.is_data && items.first().is_some_and(is_turn_node))
    }

    /// Whether a map is a section that holds records.
    pub fn is_group(&self, pairs: &Pairs) -> bool {
        if self.is_data {
            let holds = |(key, node): &(String, Node)| self.holds_records_at(key, node);
            return (pairs.iter().any(holds) || self.is_list_of_questions(pairs))
                && self.shape(pairs).is_none();
        }
        !self.is_record_of_settings(pairs) && pairs.iter().any(|(key, node)| self.holds_settings(key, node))
    }

    /// Whether a map of settings asks something itself.
    fn is_record_of_settings(&self, pairs: &Pairs) -> bool {
        if self.mapping.maps("question") {
            return self.mapping.has_question(&self.view(pairs));
        }
        let asks = |(key, node): &(String, Node)| {
            let (key, text) = (normalized(key), node.text().unwrap_or_default());
            is_title(&key) && (is_question(text) || !text.is_empty() && key != "title")
        };
        pairs.iter().any(asks)
    }

    /// Whether the value of a key of settings holds something that asks.
    fn holds_settings(&self, key: &str, node: &Node) -> bool {
        let has_title = |(key, node): &(String, Node)| is_title(&normalized(key)) && node.text().is_some();
        let is_record = |pairs: &Pairs| match self.mapping.maps("question") {
            true => self.mapping.has_question(&self.view(pairs)),
            false => pairs.iter().any(has_title),
        };
        let holds = |element: &Node| match &element.content {
            Content::Map(inner) => is_record(inner) || self.is_group(inner),
            Content::Scalar(Value::String(text)) => is_container(key) && is_question(text),
            _ => false,
        };
        let answers =
            || matches!(&node.content, Content::Map(inner) if inner.iter().any(|(key, _)| is_question(key)));
        (node.elements().iter().any(holds) || answers()) && !self.is_whole(key)
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

/// Whether a value is what one side of a conversation says.
pub fn is_turn_node(node: &Node) -> bool {
    (node.get("role").is_some() || node.get("from").is_some())
        && node.outline(SHAPE_LEVELS).is_some_and(|value| is_turn(&value))
}
