//! YAML. [`tree`](super::tree) knows which maps are records.
//!
//! The parser's events are a serde deserializer, so that only one record at a time is in memory beside
//! the text. The parser cannot go on behind an error. Then the broken record is blanked, and the text is
//! read again up to where the first reading stopped.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::{ControlFlow, Range};

use granit_parser::{Parser, ScalarStyle, StrInput, StructureStyle};
use serde::de::value::{Error, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::tree::{Node, Position, Tree, Walk};
use super::{asks, rasa, whole};
use crate::read::{BadRecord, Emit, Text};

/// The deepest nesting, aliases included.
const DEEPEST: usize = 128;

/// How many events of anchored nodes are kept.
const LONGEST_LOG: usize = 1_000_000;

/// How much all aliases of a file may add to it, in bytes.
const LONGEST_EXPANSION: usize = 16 << 20;

/// How much is read again because of broken records: this many bytes, or the text this many times.
const REREAD: (usize, usize) = (64 << 20, 4);

/// Plain scalars that are no text.
const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];

/// Reads the records of every document, or the intents of a Rasa file.
pub fn read(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let directory = text.directory().map(ToOwned::to_owned);
    let (mut text, unreadable) = whole(text, "YAML")?;
    let rasa = rasa::is_training_data(&text).then(|| rasa::Responses::near(directory.as_deref(), emit));
    // Most broken YAML files are templates of something else.
    let asks = rasa.is_some() || text.lines().any(|line| asks(line, ':'));
    let (mut handed_over, mut has_questions, mut errors) = (0, false, Vec::new());
    let mut budget = REREAD.0.max(text.len().saturating_mul(REREAD.1));
    loop {
        let (mut count, mut stopped) = (0, false);
        let mut emit_new = |record: Result<_, BadRecord>| {
            count += 1;
            if count <= handed_over {
                return ControlFlow::Continue(());
            }
            has_questions |= record.is_ok();
            let flow = emit(record);
            stopped |= flow.is_break();
            flow
        };
        let place = Place::new(unreadable.clone());
        let read = match &rasa {
            Some(responses) => documents(&text, &place, |document| {
                rasa::read(&Tree(&place).deserialize(document)?, responses, &mut emit_new);
                Ok(())
            }),
            None => {
                let mut walk = Walk::of_settings(&place, &mut emit_new);
                documents(&text, &place, |document| walk.document(document))
            }
        };
        handed_over = handed_over.max(count);
        let mut broken = match read {
            Err(broken) if !stopped => broken,
            _ => break,
        };
        budget = budget.saturating_sub(text.len());
        let goes_on = budget > 0 && blank(&mut text, broken.lines);
        if !goes_on {
            broken.reason.push_str("; the rest of the file is skipped");
        }
        errors.push(BadRecord { line: broken.line, reason: broken.reason });
        if has_questions || asks {
            for error in errors.drain(..) {
                if emit(Err(error)).is_break() {
                    return Ok(());
                }
            }
        }
        if !goes_on {
            break;
        }
    }
    if has_questions {
        let _: ControlFlow<()> = errors.into_iter().try_for_each(|error| emit(Err(error)));
    }
    Ok(())
}

/// Every document of a text, in memory.
///
/// # Errors
/// The first error of the text.
pub fn nodes(text: &str) -> Result<Vec<Node>, BadRecord> {
    let place = Place::new(VecDeque::new());
    let mut nodes = Vec::new();
    let read = documents(text, &place, |document| {
        nodes.push(Tree(&place).deserialize(document)?);
        Ok(())
    });
    read.map(|()| nodes).map_err(|broken| BadRecord { line: broken.line, reason: broken.reason })
}

struct Place {
    line: Cell<u64>,
    unreadable: RefCell<VecDeque<u64>>,
}

impl Place {
    fn new(unreadable: VecDeque<u64>) -> Self {
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

/// Why a text cannot be read on, and the lines to leave out next time.
struct Broken {
    line: u64,
    reason: String,
    lines: Range<usize>,
}

fn documents<'t>(
    text: &'t str,
    place: &Place,
    mut read: impl FnMut(Yaml<'_, 't, '_>) -> Result<(), Error>,
) -> Result<(), Broken> {
    let options = granit_parser::options! { block_scalar_eof_without_line_feed: true };
    let mut events = Events {
        parser: Parser::new_from_str_with_options(text, options),
        place,
        error_line: None,
        open: Vec::new(),
        anchors: HashMap::new(),
        log: Vec::new(),
        recording: Vec::new(),
        replay: Vec::new(),
        expansion: 0,
    };
    let result = loop {
        match events.next() {
            Ok(Event::StreamEnd) => break Ok(()),
            Ok(event @ (Event::List | Event::Map)) => {
                if let Err(error) = read(Yaml { events: &mut events, event, depth: 0 }) {
                    break Err(error);
                }
            }
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    result.map_err(|error| {
        let line = events.error_line.unwrap_or_else(|| place.line());
        Broken {
            line,
            reason: format!("broken YAML: {error}"),
            lines: extent(text, &events.open, line as usize),
        }
    })
}

/// What the parser says, as far as it matters here.
#[derive(Clone)]
enum Event<'t> {
    Text(Cow<'t, str>),
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
struct Open {
    is_map: bool,
    /// The column of its elements, `None` between brackets.
    column: Option<usize>,
    /// The line of the element or key that is being read.
    element: usize,
    /// The next event of a map is a value.
    value_follows: bool,
}

struct Events<'t, 'p> {
    parser: Parser<'t, StrInput<'t>>,
    place: &'p Place,
    error_line: Option<u64>,
    open: Vec<Open>,
    /// The events of each anchored node, as a part of `log`.
    anchors: HashMap<usize, Range<usize>>,
    log: Vec<Event<'t>>,
    /// Anchored nodes that are being read: anchor, begin in `log`, how many lists and maps are open outside.
    recording: Vec<(usize, usize, usize)>,
    /// What is left of the events of aliases, innermost last.
    replay: Vec<Range<usize>>,
    /// How much aliases have added, in bytes.
    expansion: usize,
}

impl<'t> Events<'t, '_> {
    /// The next event that is not an alias.
    fn next(&mut self) -> Result<Event<'t>, Error> {
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

    fn parsed(&mut self) -> Result<Event<'t>, Error> {
        use granit_parser::Event as Parsed;
        let (parsed, span) = match self.parser.next_event() {
            Some(Ok(parsed)) => parsed,
            Some(Err(error)) => {
                self.error_line = Some(error.marker().line() as u64);
                let hint = match error.kind() {
                    granit_parser::ErrorKind::MappingValueNotAllowed => ": a text with a colon needs quotes",
                    _ => "",
                };
                return Err(Error::custom(format!("{}{hint}", error.info())));
            }
            None => return Ok(Event::StreamEnd),
        };
        let anchor = parsed.anchor_id().filter(|_| !parsed.is_alias());
        let (event, style) = match parsed {
            Parsed::Scalar(text, ScalarStyle::Plain, ..) if NULLS.contains(&text.as_ref()) => {
                (Event::Null, None)
            }
            Parsed::Scalar(text, ..) => (Event::Text(text), None),
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
        let line = span.start.line();
        if matches!(event, Event::End) {
            self.open.pop();
        } else {
            self.place.line.set(line as u64);
            if let Some(parent) = self.open.last_mut() {
                if !parent.value_follows {
                    parent.element = line;
                }
                parent.value_follows ^= parent.is_map;
            }
        }
        let outside = self.open.len();
        if let Some(style) = style {
            let is_map = matches!(event, Event::Map);
            let column = (style == StructureStyle::Block).then(|| span.start.col());
            self.open.push(Open { is_map, column, element: line, value_follows: false });
        }
        self.record(&event, anchor, outside)?;
        Ok(event)
    }

    /// Keeps the events of anchored nodes.
    fn record(&mut self, event: &Event<'t>, anchor: Option<usize>, outside: usize) -> Result<(), Error> {
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
pub struct Yaml<'e, 't, 'p> {
    events: &'e mut Events<'t, 'p>,
    event: Event<'t>,
    depth: usize,
}

impl<'de> Deserializer<'de> for Yaml<'_, '_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let depth = self.depth + 1;
        match self.event {
            _ if depth > DEEPEST => Err(Error::custom(format!("more than {DEEPEST} levels"))),
            Event::Text(text) => visitor.visit_string(text.into_owned()),
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
struct Elements<'e, 't, 'p> {
    events: &'e mut Events<'t, 'p>,
    depth: usize,
}

impl<'t, 'p> Elements<'_, 't, 'p> {
    fn next(&mut self) -> Result<Yaml<'_, 't, 'p>, Error> {
        let event = self.events.next()?;
        Ok(Yaml { events: self.events, event, depth: self.depth })
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let next = self.next()?;
        if matches!(next.event, Event::End) { Ok(None) } else { seed.deserialize(next).map(Some) }
    }
}

impl<'de> MapAccess<'de> for Elements<'_, '_, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let next = self.next()?;
        let key = match next.event {
            Event::End => return Ok(None),
            Event::Text(text) => text.into_owned(),
            // A list or map as the key.
            _ => next.deserialize_any(IgnoredAny).map(|_| String::new())?,
        };
        seed.deserialize(StringDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.next()?)
    }
}

/// The lines of the record that holds an error, from 0: the element of the innermost list of maps, or else the
/// innermost key with its value.
fn extent(text: &str, open: &[Open], error_line: usize) -> Range<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let indentation = |line: usize| {
        let bare = lines[line].trim_start();
        (!bare.is_empty() && !bare.starts_with('#')).then(|| lines[line].len() - bare.len())
    };
    let (begin, column) = (open.iter().rev().skip(1).zip(open.iter().rev()))
        .find_map(|(list, map)| (!list.is_map && map.is_map).then_some((list.element, list.column?)))
        .or_else(|| open.iter().rev().find_map(|map| map.is_map.then_some((map.element, map.column?))))
        .unwrap_or((error_line, 0));
    let begins = |line: &usize| indentation(*line).is_some_and(|indentation| indentation <= column);
    let end = |begin: usize| (begin + 1..lines.len()).find(begins).unwrap_or(lines.len());
    let (begin, error_line) = (begin.max(1) - 1, error_line.clamp(1, lines.len().max(1)) - 1);
    match end(begin) {
        // The parser looked ahead into the next record.
        after if after <= error_line => {
            let begin = (after..=error_line).rev().find(begins).unwrap_or(error_line);
            begin..end(begin)
        }
        after => begin..after,
    }
}

/// Blanks lines; whether there was anything in them.
fn blank(text: &mut String, lines: Range<usize>) -> bool {
    let offset = |line: usize| text.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let range = offset(lines.start)..offset(lines.end);
    let changes = !text[range.clone()].trim().is_empty();
    let blank = "\n".repeat(text[range.clone()].matches('\n').count());
    text.replace_range(range, &blank);
    changes
}

#[cfg(test)]
mod tests {
    use crate::read::table::Table;
    use crate::read::testing;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        testing::check(&Table, "yml", text, expected);
    }

    #[test]
    fn records_answers_and_sections() {
        check(
            "# FAQ\n- question: Why wax?\n  answer: |\n    It lasts.\n    It shines.\n- q: Is it hard?\n  a: yes\n",
            "2 Why wax? = It lasts.|It shines.\n6 Is it hard? = yes",
        );
        check(
            "version: 1.10\nquestions:\n  - {question: Why wax?, answer: It lasts., id: 007}\n  - question: Wax\n",
            "3 #007 Why wax? = It lasts.\n4 Wax = ",
        );
        check(
            "Why wax?: It lasts.\nIs it hard?:\n  - No.\n  - Never.\n\"How deep is it?\": >\n  Ten\n  feet.\n",
            "1 Why wax? = It lasts.\n2 Is it hard? = No.||Never.\n5 How deep is it? = Ten feet.",
        );
        check(
            "Ropes:\n- question: Why wax?\n  answer: It lasts.\nNets:\n  Is it hard?: No.\n  n1:\n    question: Which knot?\n    answer: A bend.\n",
            "2 Ropes > Why wax? = It lasts.\n5 Nets > Is it hard? = No.\n6 #n1 Nets > Which knot? = A bend.",
        );
        check(
            "- section: Ropes\n  questions:\n    - question: Why wax?\n      answer: It lasts.\n- section: Nets\n  faq:\n    Is it hard?: No.\n",
            "3 Ropes > Why wax? = It lasts.\n7 Nets > Is it hard? = No.",
        );
        check(
            "---\nquestion: Why wax?\nanswer: It lasts.\n---\nquestion: Is it hard?\nanswer: No.\n...\n",
            "2 Why wax? = It lasts.\n5 Is it hard? = No.",
        );
        check("- Why wax?\n- Is it hard?\n- ropes\n", "1 Why wax? = \n2 Is it hard? = ");
    }

    #[test]
    fn titles_that_do_not_ask_need_one_that_does() {
        let topics = "- title: Wax\n  text: It lasts.\n- title: Knots\n  text: A bend.\n";
        check(topics, "");
        check(
            &format!("{topics}- title: Is it hard?\n  text: No.\n- name: x\n"),
            "1 Wax = It lasts.\n3 Knots = A bend.\n5 Is it hard? = No.\n7 ! no question: neither a title nor a text",
        );
        check(&format!("faq:\n{topics}"), "2 Wax = It lasts.\n4 Knots = A bend.");
    }

    #[test]
    fn settings_hold_no_questions() {
        for text in [
            "name: CI\non: [push]\njobs:\n  test:\n    steps:\n      - name: Is it green?\n        run: cargo test\n",
            "openapi: 3.0.0\ninfo:\n  title: Pet store\n  description: Sells pets.\npaths:\n  /pets:\n    get:\n      description: x\n",
            "- hosts: all\n  tasks:\n    - name: install\n      apt: {name: x}\n",
            "site_name: Docs\nnav:\n  - Home: index.md\n  - Title: a.md\n",
            "title: Bug report\nbody:\n  - type: textarea\n    attributes:\n      label: What happened?\n",
            "apiVersion: v1\nkind: {{ .Values.kind }}\nmetadata: {{- include \"x\" . }}\n",
            "- title: Fast\n  content: Very.\n",
            "just a text: \n",
            "text",
            "-\n-\n",
        ] {
            check(text, "");
        }
    }

    #[test]
    fn a_broken_record_is_left_out() {
        let hint =
            "broken YAML: mapping values are not allowed in this context: a text with a colon needs quotes";
        check(
            "faq:\n  - question: Why wax?\n    answer: It lasts.\n  - question: Rust: is it hard?\n    answer: |\n      No.\n    tags: [a]\n\n# next\n  - question: Which knot?\n    answer: A bend.\nName: x\n",
            &format!("2 Why wax? = It lasts.\n4 ! {hint}\n10 Which knot? = A bend."),
        );
        check(
            "Why wax?: It lasts.\nIs it hard?: No: never.\nWhich knot?: A bend.\n",
            &format!("2 ! {hint}\n1 Why wax? = It lasts.\n3 Which knot? = A bend."),
        );
        check(
            "- question: Why wax?\n  answer: \"It lasts.\" Really.\n- question: \"Is it hard?\n  answer: No.\n- question: Which knot?\n",
            "2 ! broken YAML: invalid trailing content after double-quoted scalar
             3 ! broken YAML: unclosed quote
             5 Which knot? = ",
        );
        check(
            "- section: Ropes\n  questions:\n  - question: a: b\n  - question: Why wax?\n- section: Nets\n  questions: [Is it hard?]\n",
            &format!("3 ! {hint}\n4 Ropes > Why wax? = \n6 Nets > Is it hard? = "),
        );
        check("question: [", "1 ! broken YAML: unclosed bracket '['");
    }

    #[test]
    fn aliases_are_limited() {
        check(
            "base: &base\n  tags: [rope]\n  level: easy\nfaq:\n  - <<: *base\n    question: Why wax?\n    answer: &a It lasts.\n  - question: Is it hard?\n    answer: *a\n  - *missing\n",
            "5 Why wax? [easy] = It lasts.\n8 Is it hard? = It lasts.\n10 ! broken YAML: while parsing node, found unknown anchor",
        );
        check("question: &a [*a]\n", "1 ! broken YAML: an alias within its own anchor");
        let mut bomb = "a0: &a0 [Why wax?, Is it hard?]\n".to_owned();
        for level in 1..40 {
            bomb.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
        }
        let records = testing::read(&Table, "yml", bomb.as_bytes());
        let errors: Vec<_> = records.into_iter().filter_map(Result::err).collect();
        assert!(errors[0].reason.contains("16 MiB"), "{errors:?}");
    }

    #[test]
    fn deep_nesting_is_an_error() {
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000), "? ".repeat(100_000)]
        {
            let text = format!("{text}\n---\nquestion: Why wax?\n");
            let records = testing::read(&Table, "yml", text.as_bytes());
            assert!(records.iter().any(Result::is_err), "{records:?}");
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic() {
        proptest::proptest!(|(text in r#"([\[\]{}:,"' \n?&*|>#-]|- |: |\n  |\n- q: |<<|&a |\*a|---\n|why wax\?|é|\r){0,60}"#)| {
            testing::read(&Table, "yml", text.as_bytes());
            testing::read(&Table, "toml", text.as_bytes());
        });
    }
}
