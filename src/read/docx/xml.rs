//! The XML of a part of a document.

use std::io;
use std::str::FromStr;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::read::emit::invalid;
use crate::read::office::attribute;

/// The longest value that is looked at, in bytes.
const LONGEST_VALUE: usize = 500;

/// Calls `handle` for each event of a part. It returns true for a start tag whose element is to be skipped.
pub fn each_event<'x>(xml: &'x str, mut handle: impl FnMut(Event<'x>) -> bool) -> io::Result<()> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let broken = |error: quick_xml::Error| invalid(format!("broken DOCX file: {error}"));
    loop {
        let event = reader.read_event().map_err(broken)?;
        let start = match &event {
            Event::Eof => return Ok(()),
            Event::Start(element) => Some(element.to_end().into_owned()),
            _ => None,
        };
        if handle(event)
            && let Some(element) = start
        {
            reader.read_to_end(element.name()).map_err(broken)?;
        }
    }
}

/// `w:val`, which holds a number, a name or an id. Every paragraph of a style has a copy of its values.
pub fn value(element: &BytesStart<'_>) -> Option<String> {
    attribute(element, "val").filter(|value| value.len() <= LONGEST_VALUE)
}

/// The number that a value is.
pub fn number<T: FromStr>(value: Option<String>) -> Option<T> {
    value?.parse().ok()
}

/// Whether a property such as bold is on.
pub fn is_on(element: &BytesStart<'_>) -> bool {
    !value(element).is_some_and(|value| matches!(value.as_str(), "0" | "false" | "off"))
}
