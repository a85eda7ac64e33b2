//! JSON, and JSON Lines. [`tree`](super::tree) knows which objects are records.

use std::cell::RefCell;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;

use serde_json::Value;

use super::record::Record;
use super::tree::{Position, Walk};
use crate::question::Question;
use crate::read::{BadRecord, Emit, Text};

/// One JSON value a line.
pub fn read_lines(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    while let Some(line) = text.next_line()? {
        let question = match line {
            Ok((_, text)) if text.trim().is_empty() => continue,
            Ok((line, text)) => serde_json::from_str(text)
                .map_err(|error| reason(&error))
                .and_then(|value| question_of(value, line))
                .map_err(|reason| BadRecord { line, reason }),
            Err(bad) => Err(bad),
        };
        if emit(question).is_break() {
            break;
        }
    }
    Ok(())
}

/// One JSON value, of any size, record by record.
pub fn read_stream(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let source = Source(Rc::new(RefCell::new(text)));
    let mut walk = Walk::of_data(&source, emit);
    let mut deserializer = serde_json::Deserializer::from_reader(source.clone());
    let read = walk.document(&mut deserializer).and_then(|()| deserializer.end());
    match read {
        _ if walk.stopped() => Ok(()),
        Ok(()) => Ok(()),
        Err(error) if error.is_io() => Err(error.into()),
        // Nothing behind broken JSON can be found again.
        Err(error) => {
            let line = error.line().max(1) as u64;
            let _: ControlFlow<()> = emit(Err(BadRecord { line, reason: reason(&error) }));
            Ok(())
        }
    }
}

/// serde's words without the place, which a [`BadRecord`] names itself.
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("broken JSON: {}", text.strip_suffix(&place).unwrap_or(&text))
}

fn question_of(value: Value, line: u64) -> Result<Question, String> {
    match value {
        Value::Object(object) => Record::new(object).question(line),
        Value::String(text) if !text.trim().is_empty() => {
            Record::new([("question".to_owned(), Value::String(text))]).question(line)
        }
        _ => Err("expected an object with a question".to_owned()),
    }
}

/// The text, shared between the parser and whoever asks for the line.
#[derive(Clone)]
struct Source<'a>(Rc<RefCell<&'a mut Text>>);

impl Position for Source<'_> {
    fn line(&self) -> u64 {
        self.0.borrow().line_number()
    }

    fn take_unreadable(&self) -> Option<u64> {
        self.0.borrow_mut().take_unreadable()
    }
}

impl io::Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buf)
    }
}
