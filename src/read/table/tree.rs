//! Nested data of any format, with lines: what JSON, YAML and TOML are parsed into.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

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

    /// Whether it is a list or a map.
    pub fn is_nested(&self) -> bool {
        !matches!(self.content, Content::Scalar(_))
    }

    /// Whether it is a map.
    pub fn is_map(&self) -> bool {
        matches!(self.content, Content::Map(_))
    }

    /// The value without its lines.
    pub fn into_value(self) -> Value {
        match self.content {
            Content::Scalar(value) => value,
            Content::List(items) => items.into_iter().map(Self::into_value).collect(),
            Content::Map(pairs) => values(pairs).collect(),
        }
    }

    /// A copy of the value without its lines and without what is nested deeper than some levels; `None` if it is
    /// nested itself and no level is left.
    pub fn outline(&self, levels: usize) -> Option<Value> {
        let inner = |node: &Self| node.outline(levels - 1);
        match &self.content {
            Content::Scalar(value) => Some(value.clone()),
            _ if levels == 0 => None,
            Content::List(items) => Some(items.iter().filter_map(inner).collect()),
            Content::Map(pairs) => {
                Some(pairs.iter().filter_map(|(name, node)| Some((name.clone(), inner(node)?))).collect())
            }
        }
    }
}

/// The values of a map without their lines.
pub fn values(pairs: Pairs) -> impl Iterator<Item = (String, Value)> {
    pairs.into_iter().map(|(name, node)| (name, node.into_value()))
}

/// Where the parser of a document is.
pub trait Position {
    /// The line of the token that was read last, from 1.
    fn line(&self) -> u64;

    /// The next line so far that is not UTF-8, each returned once.
    fn take_unreadable(&self) -> Option<u64>;
}

/// A position that the parser sets.
pub struct Place {
    /// The line of the token that was read last, from 1.
    pub line: Cell<u64>,
    unreadable: RefCell<VecDeque<u64>>,
}

impl Place {
    /// The beginning of a file with these lines that are not UTF-8.
    pub fn new(unreadable: VecDeque<u64>) -> Self {
        Self { line: Cell::new(1), unreadable: RefCell::new(unreadable) }
    }
}

impl Position for Place {
    fn line(&self) -> u64 {
        self.line.get()
    }

    fn take_unreadable(&self) -> Option<u64> {
        self.unreadable.borrow_mut().pop_front_if(|line| *line <= self.line.get())
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
        fn visit_bool<E: serde::de::Error>($self, $value: bool) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_i64<E: serde::de::Error>($self, $value: i64) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_u64<E: serde::de::Error>($self, $value: u64) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_f64<E: serde::de::Error>($self, $value: f64) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_str<E: serde::de::Error>($self, $value: &str) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_string<E: serde::de::Error>($self, $value: String) -> Result<Self::Value, E> {
            Ok($result)
        }
        fn visit_unit<E: serde::de::Error>($self) -> Result<Self::Value, E> {
            let $value = ();
            Ok($result)
        }
    };
}
pub(super) use scalars;

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
