//! TOML. [`walk`](super::walk) knows which tables are records.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use serde_json::Value;
use toml_edit::{Document, Item, Key, TableLike};

use super::settings::{asks, whole};
use super::tree::{Content, Node, Pairs, Place};
use super::walk::Walk;
use crate::read::emit::{BadRecord, Emit};
use crate::read::text::Text;

/// Reads the records of a file. A broken file yields its error only if it holds questions, by its keys: most
/// TOML files are settings.
pub fn read(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    let (text, unreadable) = whole(text, "TOML")?;
    if let Some(line) = unreadable.front() {
        let _ = emit(Err(BadRecord::not_utf8(*line)));
        return Ok(());
    }
    let source = Source { text: &text, line_ends: text.match_indices('\n').map(|(at, _)| at).collect() };
    match Document::parse(text.as_str()) {
        Ok(document) => {
            let place = Place::new(VecDeque::new());
            let _ = Walk::settings(&place, mapping, emit).top(source.pairs(document.as_table()));
        }
        Err(error) if text.lines().any(|line| asks(line, '=')) => {
            let line = source.line(error.span());
            let reason = format!("broken TOML: {}; the file is skipped", error.message().replace('\n', " "));
            let _ = emit(Err(BadRecord { line, reason }));
        }
        Err(_) => {}
    }
    Ok(())
}

/// The text that the spans of a document refer to.
struct Source<'t> {
    text: &'t str,
    line_ends: Vec<usize>,
}

impl Source<'_> {
    fn line(&self, span: Option<Range<usize>>) -> u64 {
        let begin = span.map_or(0, |span| span.start);
        self.line_ends.partition_point(|end| *end < begin) as u64 + 1
    }

    fn pairs(&self, table: &dyn TableLike) -> Pairs {
        let pairs = table.iter().map(|(name, item)| {
            let span = table.key(name).and_then(Key::span).or_else(|| item.span());
            (name.to_owned(), self.node(span, self.item(item)))
        });
        pairs.collect()
    }

    fn table(&self, table: &dyn TableLike) -> Content {
        Content::Map(self.pairs(table))
    }

    /// The parser allows no more than 80 levels.
    fn item(&self, item: &Item) -> Content {
        match item {
            Item::None => Content::Scalar(Value::Null),
            Item::Value(value) => self.value(value),
            Item::Table(table) => self.table(table),
            Item::ArrayOfTables(tables) => {
                Content::List(tables.iter().map(|table| self.node(table.span(), self.table(table))).collect())
            }
        }
    }

    fn value(&self, value: &toml_edit::Value) -> Content {
        match value {
            toml_edit::Value::InlineTable(table) => self.table(table),
            toml_edit::Value::Array(items) => {
                Content::List(items.iter().map(|item| self.node(item.span(), self.value(item))).collect())
            }
            toml_edit::Value::String(text) => Content::Scalar(text.value().as_str().into()),
            // Numbers and dates as written.
            _ => Content::Scalar(self.text[value.span().unwrap_or_default()].into()),
        }
    }

    fn node(&self, span: Option<Range<usize>>, content: Content) -> Node {
        Node { line: self.line(span), content }
    }
}

#[cfg(test)]
mod tests {
    use crate::read::table::Table;
    use crate::read::testing;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        testing::check(&Table, "toml", text, expected);
    }

    #[test]
    fn tables_and_answers() {
        check(
            "version = 1\n\n[[questions]]\nquestion = \"Why wax?\"\nanswer = \"\"\"\nIt lasts.\nIt shines.\"\"\"\nid = 7\n\n[[questions]]\nquestion = 'Is it hard?'\n",
            "3 #7 Why wax? = It lasts.|It shines.\n10 Is it hard? = ",
        );
        check(
            "\"Why wax?\" = 'It lasts.'\n[Nets]\n\"Is it hard?\" = 'No.'\n[nets.n1]\nquestion = 'Which knot?'\nanswer = 'A bend.'\n",
            "1 Why wax? = It lasts.\n3 Nets > Is it hard? = No.\n4 #n1 nets > Which knot? = A bend.",
        );
        check(
            "faq = [\n  { q = 'Why wax?', a = 'It lasts.' },\n  'Is it hard?',\n]\n",
            "2 Why wax? = It lasts.\n3 Is it hard? = ",
        );
        check("question = 'Why wax?'\nanswer = 1979-05-27\n", "1 Why wax? = 1979-05-27");
    }

    #[test]
    fn settings_hold_no_questions() {
        check("[package]\nname = 'x'\ndescription = 'Is it a package?'\n[[bin]]\nname = 'y'\n", "");
        check("[book]\ntitle = 'Ropes'\ndescription = 'x'\n", "");
        check("name = {{ name }}\n", "");
    }

    #[test]
    fn a_broken_file_says_where() {
        check(
            "[[faq]]\nquestion = 'Why wax?\n",
            "2 ! broken TOML: invalid literal string, expected `'`; the file is skipped",
        );
    }
}
