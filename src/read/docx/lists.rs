//! The lists of a document: which have numbers, and what number an item has.

use std::collections::HashMap;
use std::io;

use quick_xml::events::{BytesStart, Event};

use super::xml::{each_event, number, value};
use crate::read::office::attribute;

/// The lists of a document.
#[derive(Default)]
pub struct Lists {
    /// By the id of a list: the id of its definition, and the number that it begins with anew.
    lists: HashMap<String, (String, Option<u32>)>,
    /// By the id of a definition and the level: whether it has numbers, and the first.
    levels: HashMap<(String, usize), (bool, u32)>,
    /// The last number of each level of a definition.
    numbers: HashMap<String, [Option<u32>; 9]>,
}

impl Lists {
    /// Reads the lists of `word/numbering.xml`.
    pub fn parse(xml: &str) -> io::Result<Self> {
        let mut lists = Self::default();
        let (mut id, mut at) = (String::new(), 0);
        each_event(xml, |event| {
            if let Event::Start(element) = &event {
                lists.define(element, &mut id, &mut at);
            }
            false
        })?;
        Ok(lists)
    }

    /// Takes what an element says about the definition or the list `id`, or its level `at`.
    fn define(&mut self, element: &BytesStart<'_>, id: &mut String, at: &mut usize) {
        match element.local_name().into_inner() {
            "abstractNum" => *id = attribute(element, "abstractNumId").unwrap_or_default(),
            "lvl" => *at = number(attribute(element, "ilvl")).unwrap_or(0).min(8),
            "start" => self.level(id, *at).1 = number(value(element)).unwrap_or(1),
            "numFmt" => {
                let is_bullet = |format: String| matches!(format.as_str(), "bullet" | "none");
                self.level(id, *at).0 = !value(element).is_some_and(is_bullet);
            }
            "num" => *id = attribute(element, "numId").unwrap_or_default(),
            "abstractNumId" => {
                self.lists.insert(id.clone(), (value(element).unwrap_or_default(), None));
            }
            "startOverride" => {
                if let Some((_, own)) = self.lists.get_mut(id) {
                    *own = own.or(number(value(element)));
                }
            }
            _ => {}
        }
    }

    fn level(&mut self, id: &str, at: usize) -> &mut (bool, u32) {
        self.levels.entry((id.to_owned(), at)).or_insert((true, 1))
    }

    /// The number of the next item; `None` for a bullet.
    pub fn next(&mut self, list: &str, level: usize) -> Option<u32> {
        let (definition, start) = self.lists.get(list).cloned().unwrap_or_else(|| (list.to_owned(), None));
        let (numbered, first) = self.levels.get(&(definition.clone(), level)).copied().unwrap_or((true, 1));
        let own = if start.is_some() { format!("{definition} {list}") } else { definition };
        let numbers = self.numbers.entry(own).or_default();
        let first = start.filter(|_| level == 0).unwrap_or(first);
        let number = numbers[level].map_or(first, |last| last.saturating_add(1));
        numbers[level] = Some(number);
        numbers[level + 1..].fill(None);
        numbered.then_some(number)
    }
}
