//! Reads the lists and maps at the top of a document without having them in memory.

use std::fmt;
use std::ops::ControlFlow::{self, Continue};

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::recognize::{is_container, is_turn_node};
use super::{At, List, Own, Pair, Walk, section_of};
use crate::read::table::record::is_question;
use crate::read::table::tree::{Content, Node, Tree, scalars};

/// Reads a document. After an error, its list can be read on as another document.
///
/// # Errors
/// The document is broken, or the walk has [`stopped`](Walk::stopped).
pub fn document<'de, D: Deserializer<'de>>(walk: &mut Walk<'_, '_>, document: D) -> Result<(), D::Error> {
    document.deserialize_any(Root { walk, section: None, is_top: true })
}

/// Visits the value of a document, or a container of data below it.
struct Root<'w, 'e, 'f> {
    walk: &'w mut Walk<'e, 'f>,
    /// The section that the container is in.
    section: Option<&'w str>,
    /// It is the document.
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
            let pair = if walk.rules.is_whole(&key) {
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
        if read.is_ok() || !walk.rules.is_data && !walk.stopped {
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
        let mut may_be_turns = self.rules.is_data && key.is_some();
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
        if walk.rules.is_data && is_container(&key) {
            return Root { walk, section, is_top: false }.visit_map(entries).map(|()| None);
        }
        let Node { content, .. } = Tree(walk.position).visit_map(entries)?;
        stop(walk.entry(key, Node { line, content }, section))
    }

    scalars!(self, value, Some((self.key, Node { line: self.line, content: Content::Scalar(value.into()) })));
}

fn stop<T, E: Error>(flow: ControlFlow<(), T>) -> Result<T, E> {
    match flow {
        Continue(value) => Ok(value),
        ControlFlow::Break(()) => Err(E::custom("stopped")),
    }
}
