//! The parser's events as a serde deserializer, with aliases replaced by what they stand for.

use std::collections::{HashMap, VecDeque};
use std::iter::Chain;
use std::ops::Range;
use std::str::Chars;

use granit_parser::{BufferedInput, ErrorKind, Parser, ScalarStyle, StructureStyle};
use serde::de::value::{Error, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::read::emit::BadRecord;
use crate::read::table::tree::{Node, Place, Position, Tree};

/// The deepest nesting, aliases included.
const DEEPEST: usize = 128;

/// How many events of anchored nodes are kept.
const LONGEST_LOG: usize = 1_000_000;

/// How much all aliases of a text may add to it, in bytes.
const LONGEST_EXPANSION: usize = 16 << 20;

/// Plain scalars that are no text.
const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];

/// The part of a file to parse.
#[derive(Clone, Default)]
pub struct Part<'t> {
    /// The key that the part belongs to, a whole line.
    pub key: &'t str,
    /// The line of the key.
    pub key_line: usize,
    /// The text from `line` on.
    pub text: &'t str,
    /// Lines count from 1.
    pub line: usize,
}

impl Part<'_> {
    /// The line in the file of a line that the parser names.
    fn line(&self, parsed: usize) -> usize {
        match (self.key.is_empty(), parsed) {
            (true, _) => self.line + parsed.max(1) - 1,
            (false, 0 | 1) => self.key_line,
            (false, _) => self.line + parsed - 2,
        }
    }
}

/// Why a text cannot be read on.
pub struct Broken {
    /// The line of the error.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
    /// The lists and maps that the error is in.
    pub open: Vec<Open>,
    /// How much aliases have added, in bytes.
    pub expansion: usize,
}

/// Parses a part, and calls `read` with every document that is a list or a map.
///
/// # Errors
/// The text is broken, or `read` failed.
pub fn documents(
    part: &Part<'_>,
    place: &Place,
    mut read: impl FnMut(Yaml<'_, '_>) -> Result<(), Error>,
) -> Result<(), Broken> {
    let options = granit_parser::options! { block_scalar_eof_without_line_feed: true };
    let mut events = Events {
        parser: Parser::new_from_iter_with_options(part.key.chars().chain(part.text.chars()), options),
        part,
        place,
        error_line: None,
        peeked: None,
        open: Vec::new(),
        anchors: HashMap::new(),
        log: Vec::new(),
        recording: Vec::new(),
        replay: Vec::new(),
        expansion: 0,
    };
    let result = loop {
        let read = match events.next() {
            Ok(Event::StreamEnd) => return Ok(()),
            Ok(event @ (Event::List | Event::Map)) => read(Yaml { events: &mut events, event, depth: 0 }),
            other => other.map(drop),
        };
        if let Err(error) = read {
            break error;
        }
    };
    let line = events.error_line.unwrap_or(place.line() as usize);
    let reason = format!("broken YAML: {result}");
    Err(Broken { line, reason, open: events.open, expansion: events.expansion })
}

/// The documents of a text up to its first error, in memory.
pub fn nodes(text: &str) -> (Vec<Node>, Option<BadRecord>) {
    let place = Place::new(VecDeque::new());
    let mut nodes = Vec::new();
    let read = documents(&Part { text, line: 1, ..Part::default() }, &place, |document| {
        nodes.push(Tree(&place).deserialize(document)?);
        Ok(())
    });
    let error = read.err().map(|broken| BadRecord { line: broken.line as u64, reason: broken.reason });
    (nodes, error)
}

/// What the parser says, as far as it matters here.
#[derive(Clone)]
enum Event {
    Text(String),
    Null,
    List,
    Map,
    End,
    Alias(usize),
    /// A document begins or ends.
    Document,
    StreamEnd,
}

/// A list or map that is open.
pub struct Open {
    /// A map, or else a list.
    pub is_map: bool,
    /// The column of its elements, `None` between brackets.
    pub column: Option<usize>,
    /// The line of the element or key that was read last.
    pub element: usize,
    /// That element was read to its end.
    pub done: bool,
    /// The next event of a map is a value.
    pub value_follows: bool,
}

struct Events<'p> {
    parser: Parser<'static, BufferedInput<Chain<Chars<'p>, Chars<'p>>>>,
    part: &'p Part<'p>,
    place: &'p Place,
    error_line: Option<usize>,
    peeked: Option<Event>,
    open: Vec<Open>,
    /// The events of each anchored node, as a part of `log`.
    anchors: HashMap<usize, Range<usize>>,
    log: Vec<Event>,
    /// Anchored nodes that are being read: anchor, begin in `log`, how many lists and maps are open outside.
    recording: Vec<(usize, usize, usize)>,
    /// What is left of the events of aliases, innermost last.
    replay: Vec<Range<usize>>,
    /// How much aliases have added, in bytes.
    expansion: usize,
}

impl<'p> Events<'p> {
    /// The next event that is not an alias.
    fn next(&mut self) -> Result<Event, Error> {
        if let Some(event) = self.peeked.take() {
            return Ok(event);
        }
        loop {
            let event = match self.replay.last_mut() {
                Some(rest) if rest.start == rest.end => {
                    self.replay.pop();
                    continue;
                }
                Some(rest) => {
                    let event = self.log[rest.start].clone();
                    rest.start += 1;
                    self.expansion += if let Event::Text(text) = &event { 8 + text.len() } else { 8 };
                    if self.expansion > LONGEST_EXPANSION {
                        return Err(Error::custom("the aliases of the file add more than 16 MiB"));
                    }
                    event
                }
                None => self.parsed()?,
            };
            let Event::Alias(anchor) = event else { return Ok(event) };
            let range =
                self.anchors.get(&anchor).ok_or_else(|| Error::custom("an alias within its own anchor"))?;
            self.replay.push(range.clone());
        }
    }

    fn parsed(&mut self) -> Result<Event, Error> {
        use granit_parser::Event as Parsed;
        let (parsed, span) = match self.parser.next_event() {
            Some(Ok(parsed)) => parsed,
            Some(Err(error)) => {
                self.error_line = Some(self.part.line(error.marker().line()));
                let needs_quotes = matches!(error.kind(), ErrorKind::MappingValueNotAllowed);
                let hint = if needs_quotes { ": a text with a colon needs quotes" } else { "" };
                return Err(Error::custom(format!("{}{hint}", error.info())));
            }
            None => return Ok(Event::StreamEnd),
        };
        let anchor = parsed.anchor_id().filter(|_| !parsed.is_alias());
        let (event, style) = match parsed {
            Parsed::Scalar(text, ScalarStyle::Plain, ..) if NULLS.contains(&text.as_ref()) => {
                (Event::Null, None)
            }
            Parsed::Scalar(text, ..) => (Event::Text(text.into_owned()), None),
            Parsed::SequenceStart(style, ..) => (Event::List, Some(style)),
            Parsed::MappingStart(style, ..) => (Event::Map, Some(style)),
            Parsed::SequenceEnd | Parsed::MappingEnd => (Event::End, None),
            Parsed::Alias(anchor) => (Event::Alias(anchor), None),
            Parsed::StreamEnd => return Ok(Event::StreamEnd),
            _ => {
                self.anchors.clear();
                self.log.clear();
                return Ok(Event::Document);
            }
        };
        let line = self.part.line(span.start.line());
        self.pass(&event, line, style.is_some());
        let outside = self.open.len();
        if let Some(style) = style {
            let is_map = matches!(event, Event::Map);
            let column = (style == StructureStyle::Block).then(|| span.start.col());
            self.open.push(Open { is_map, column, element: line, done: false, value_follows: false });
        }
        self.record(&event, anchor, outside)?;
        Ok(event)
    }

    /// Notes in the innermost list or map what an event on a line does to it. `begins`: a list or map.
    fn pass(&mut self, event: &Event, line: usize, begins: bool) {
        if matches!(event, Event::End) {
            self.open.pop();
            if let Some(parent) = self.open.last_mut() {
                parent.done = !parent.value_follows;
            }
            return;
        }
        self.place.line.set(line as u64);
        if let Some(parent) = self.open.last_mut() {
            if !parent.value_follows {
                (parent.element, parent.done) = (line, !parent.is_map && !begins);
            }
            parent.value_follows ^= parent.is_map;
        }
    }

    /// Keeps the events of anchored nodes.
    fn record(&mut self, event: &Event, anchor: Option<usize>, outside: usize) -> Result<(), Error> {
        let begin = self.log.len();
        match anchor {
            Some(anchor) if matches!(event, Event::List | Event::Map) => {
                self.recording.push((anchor, begin, outside));
            }
            Some(anchor) => drop(self.anchors.insert(anchor, begin..begin + 1)),
            None if self.recording.is_empty() => return Ok(()),
            None => {}
        }
        if begin == LONGEST_LOG {
            return Err(Error::custom("anchored values with more than a million parts"));
        }
        self.log.push(event.clone());
        if matches!(event, Event::End)
            && let Some((anchor, begin, _)) = self.recording.pop_if(|(.., depth)| *depth == outside)
        {
            self.anchors.insert(anchor, begin..self.log.len());
        }
        Ok(())
    }
}

/// A value that begins with `event`.
pub struct Yaml<'e, 'p> {
    events: &'e mut Events<'p>,
    event: Event,
    depth: usize,
}

impl<'de> Deserializer<'de> for Yaml<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let depth = self.depth + 1;
        match self.event {
            _ if depth > DEEPEST => Err(Error::custom(format!("more than {DEEPEST} levels"))),
            Event::Text(text) => visitor.visit_string(text),
            Event::List => visitor.visit_seq(Elements { events: self.events, depth }),
            Event::Map => visitor.visit_map(Elements { events: self.events, depth }),
            _ => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The elements of a list, or the keys and values of a map.
struct Elements<'e, 'p> {
    events: &'e mut Events<'p>,
    depth: usize,
}

impl<'p> Elements<'_, 'p> {
    fn next(&mut self) -> Result<Yaml<'_, 'p>, Error> {
        let event = self.events.next()?;
        Ok(Yaml { events: self.events, event, depth: self.depth })
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let next = self.next()?;
        if matches!(next.event, Event::End) { Ok(None) } else { seed.deserialize(next).map(Some) }
    }
}

impl<'de> MapAccess<'de> for Elements<'_, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let next = self.next()?;
        let key = match next.event {
            Event::End => return Ok(None),
            Event::Text(text) => text,
            // A list or map as the key.
            _ => next.deserialize_any(IgnoredAny).map(|_| String::new())?,
        };
        seed.deserialize(StringDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let next = self.next()?;
        let is_scalar = !matches!(next.event, Event::List | Event::Map);
        let value = seed.deserialize(next)?;
        if is_scalar {
            // In `key: a: b`, the value is not `a`.
            self.events.peeked = Some(self.events.next()?);
        }
        Ok(value)
    }
}
