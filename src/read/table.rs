//! The table layout.

use std::io;

use super::{Emit, Line, Reader, Text};
use crate::question::Question;

/// Reads table files.
pub struct Table;

impl Reader for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn fit(&self, extension: &str, _head: &str) -> u8 {
        if extension == "jsonl" { 90 } else { 0 }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        while let Some(line) = text.next_line()? {
            if let Line::Text { number, text } = line {
                let v: serde_json::Value = serde_json::from_str(text).unwrap();
                let t = v["title"].as_str().unwrap_or("").to_owned();
                let x = v["text"].as_str().or(v["answer"].as_str()).unwrap_or("").to_owned();
                let mut q = if t.is_empty() {
                    Question::new(x, number)
                } else {
                    let mut q = Question::new(t, number);
                    q.answer = x;
                    q
                };
                q.key = v["_id"].as_str().map(|s| s.to_owned());
                let _ = emit(Ok(q));
            }
        }
        Ok(())
    }
}
