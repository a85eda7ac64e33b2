//! JSON and JSON Lines. [`walk`](super::walk) knows which objects are records.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;

use serde::de::DeserializeSeed;

use super::tree::{Place, Position, Tree};
use super::walk::stream::document;
use super::walk::{At, Walk};
use crate::read::emit::Emit;
use crate::read::text::Text;

/// One JSON value per line.
pub fn read_lines(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let place = Place::new(VecDeque::new());
    let mut walk = Walk::data(&place, text.mapping(), emit);
    while let Some(line) = text.next_line()? {
        let flow = match line {
            Ok((_, text)) if text.trim().is_empty() => continue,
            Ok((line, text)) => {
                place.line.set(line);
                let mut deserializer = serde_json::Deserializer::from_str(text);
                let node = Tree(&place).deserialize(&mut deserializer);
                match node.and_then(|node| deserializer.end().map(|()| node)) {
                    Ok(node) => walk.value(node),
                    Err(error) => walk.hand_over(At { line, ..At::default() }, Err(reason(&error))),
                }
            }
            Err(bad) => walk.report(bad),
        };
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// JSON values of any size, one after another, record by record.
pub fn read_stream(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    let stream = Stream(RefCell::new(text));
    let mut walk = Walk::data(&stream, mapping, emit);
    let mut deserializer = serde_json::Deserializer::from_reader(&stream);
    let error = loop {
        match document(&mut walk, &mut deserializer).map(|()| deserializer.end()) {
            Ok(Ok(())) => return Ok(()),
            // Pages of replies are often written one after another.
            Ok(Err(error)) if !error.is_io() => {}
            Ok(Err(error)) | Err(error) => break error,
        }
    };
    if walk.stopped() {
        return Ok(());
    }
    if error.is_io() {
        return Err(error.into());
    }
    // The parser cannot go on behind an error.
    let line = error.line().max(1) as u64;
    let _: ControlFlow<()> = walk.hand_over(At { line, ..At::default() }, Err(reason(&error)));
    Ok(())
}

/// The message of serde without the place, which a [`BadRecord`](crate::read::emit::BadRecord) has itself.
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("broken JSON: {}", text.strip_suffix(&place).unwrap_or(&text))
}

/// The text, shared between the parser and the walk.
struct Stream<'a>(RefCell<&'a mut Text>);

impl io::Read for &Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buf)
    }
}

impl Position for Stream<'_> {
    fn line(&self) -> u64 {
        self.0.borrow().line_number()
    }

    fn take_unreadable(&self) -> Option<u64> {
        self.0.borrow_mut().take_unreadable()
    }
}
