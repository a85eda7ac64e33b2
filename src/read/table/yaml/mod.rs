//! YAML. [`walk`](super::walk) knows which maps are records.
//!
//! Only one record at a time is in memory beside the text. The parser cannot go on behind an error. Then the
//! broken record is blanked, and the parser begins again at the element of the file's list that holds it.

mod events;
mod rasa;

use std::io;
use std::ops::{ControlFlow, Range};

use super::settings::{asks, whole};
use super::tree::Place;
use super::walk::{Walk, stream};
use crate::read::emit::{BadRecord, Emit};
use crate::read::text::Text;
use events::{Broken, Open, Part, documents};

/// How much is parsed in all, because of broken records: this many bytes, or the text this many times.
const LARGEST_EFFORT: (usize, usize) = (64 << 20, 4);

/// After this many errors without a question, a file holds none.
const MOST_HELD: usize = 1000;

/// Reads the records of every document, or the intents of a Rasa file.
pub fn read(text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let (directory, mapping) = (text.directory().map(ToOwned::to_owned), text.mapping());
    let (mut text, unreadable) = whole(text, "YAML")?;
    if mapping.is_empty() && rasa::is_rasa(&text) {
        rasa::read(&text, directory.as_deref(), emit);
        return Ok(());
    }
    let place = Place::new(unreadable);
    let mut walk = Walk::settings(&place, mapping, emit);
    let mut held = Vec::new();
    let mut effort = LARGEST_EFFORT.0.max(text.len().saturating_mul(LARGEST_EFFORT.1));
    let mut first_error = None;
    let mut next = Next { key: None, line: 1 };
    loop {
        let offset = |line| first_error.as_ref().map_or(0, |(lines, _): &(Lines, bool)| lines.offset(line));
        let key_line = next.key.unwrap_or_default();
        let key = next.key.map_or("", |key| &text[offset(key)..offset(key + 1)]);
        let part = Part { key, key_line, text: &text[offset(next.line)..], line: next.line };
        let read = documents(&part, &place, |document| stream::document(&mut walk, document));
        let mut broken = match read {
            Err(broken) if !walk.stopped() => broken,
            _ => break,
        };
        let (lines, asks) =
            first_error.get_or_insert_with(|| (Lines::of(&text), text.lines().any(|line| asks(line, ':'))));
        let parsed = lines.offset(broken.line + 1).saturating_sub(lines.offset(next.line));
        effort = effort.saturating_sub(parsed + broken.expansion);
        let further = lines.blank(&mut text, &broken).filter(|_| effort > 0);
        if further.is_none() {
            broken.reason.push_str("; the rest of the file is skipped");
        }
        held.push(BadRecord { line: broken.line as u64, reason: broken.reason });
        // Most broken YAML files are templates of something else.
        if (*asks || walk.found()) && held.drain(..).try_for_each(|error| walk.report(error)).is_break() {
            break;
        }
        match further {
            Some(further) if held.len() < MOST_HELD => next = further,
            _ => break,
        }
    }
    if walk.found() {
        let _: ControlFlow<()> = held.into_iter().try_for_each(|error| walk.report(error));
    }
    Ok(())
}

/// Where to begin again.
struct Next {
    /// The line of the key whose list goes on.
    key: Option<usize>,
    line: usize,
}

/// Where each line of a text begins. Lines count from 1.
struct Lines(Vec<u32>);

impl Lines {
    fn of(text: &str) -> Self {
        let begins = text.match_indices('\n').map(|(at, _)| at as u32 + 1);
        Self([0].into_iter().chain(begins).chain([text.len() as u32]).collect())
    }

    fn offset(&self, line: usize) -> usize {
        self.0[(line - 1).min(self.0.len() - 1)] as usize
    }

    /// The column of the first character of a line, `None` if there is only a comment.
    fn indentation(&self, text: &str, line: usize) -> Option<usize> {
        let line = &text[self.offset(line)..self.offset(line + 1)];
        let bare = line.trim_start();
        (!bare.is_empty() && !bare.starts_with('#')).then_some(line.len() - bare.len())
    }

    /// Blanks the record with an error: the innermost element of a list that is not part of a longer one, or else the
    /// innermost key with its value. `None` if nothing can be left out.
    fn blank(&self, text: &mut String, broken: &Broken) -> Option<Next> {
        let open = &broken.open;
        let blocks = open.iter().position(|open| open.column.is_none()).unwrap_or(open.len());
        let (first, column) = self.innermost(text, broken, blocks)?;
        // Whether an element of a list or map in this column, or of one around it, begins on a line.
        let begins = |line: usize, column| self.indentation(text, line).is_some_and(|found| found <= column);
        let begin = |line: usize, column| (1..=line).rev().find(|line| begins(*line, column)).unwrap_or(line);
        let end = |line: usize| (line + 1..self.0.len()).find(|line| begins(*line, column));
        let end = |line: usize| end(line).unwrap_or(self.0.len());
        let first = begin(first, column);
        let range = match end(first) {
            // Elements between these brackets were handed over.
            after if blocks == 1 && open.get(1).is_some_and(|list| !list.is_map) => {
                first..after.max(broken.line + 1)
            }
            // The parser looked ahead into the next record.
            after if after <= broken.line && blocks == open.len() => {
                begin(broken.line, column)..end(broken.line)
            }
            after => first..after,
        };
        let (key, outermost) = match &open[..blocks] {
            [map, list, ..] if map.is_map && !list.is_map => (Some(map.element), Some(1)),
            blocks => (None, blocks.first().map(|_| 0)),
        };
        // What is done was handed over.
        let again = outermost.filter(|at| !open[*at].done);
        let line = again.map_or(range.start, |at| begin(open[at].element, self.column(text, open, at)));
        let next = Next { key, line };
        blank(text, self.offset(range.start)..self.offset(range.end)).then_some(next)
    }

    /// The line and column of the record with an error. `blocks` of the open lists and maps are not between brackets.
    fn innermost(&self, text: &str, broken: &Broken, blocks: usize) -> Option<(usize, usize)> {
        let open = &broken.open;
        let holds_records = |at: &usize| !open[*at].is_map && (at + 1 == blocks || open[at + 1].is_map);
        match (0..blocks).rev().find(holds_records).or(blocks.checked_sub(1)) {
            // The value has not begun yet.
            Some(at) if open[at].value_follows && open[at].element < broken.line && at + 1 == open.len() => {
                Some((broken.line, self.indentation(text, broken.line).unwrap_or_default()))
            }
            Some(at) => Some((open[at].element, self.column(text, open, at))),
            // Otherwise the whole document is between brackets.
            None => open.is_empty().then_some((broken.line, 0)),
        }
    }

    /// The column of the elements of a list or map.
    fn column(&self, text: &str, open: &[Open], at: usize) -> usize {
        let map = at.checked_sub(1).map(|at| &open[at]).filter(|map| map.is_map);
        // The parser tells the column behind the dash if the list is not indented.
        let is_dash = |map: &&Open| self.indentation(text, open[at].element) == map.column;
        map.filter(is_dash).unwrap_or(&open[at]).column.unwrap_or_default()
    }
}

/// Replaces a part of a text by spaces; whether there was anything else in it.
fn blank(text: &mut String, range: Range<usize>) -> bool {
    let part = &text[range.clone()];
    let changes = !part.trim().is_empty();
    let spaces: Vec<u8> = part.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }).collect();
    text.replace_range(range, &String::from_utf8(spaces).expect("spaces and line ends"));
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
            "1 Wax = It lasts.\n3 Knots = A bend.\n5 Is it hard? = No.\n7 ! no question: the keys are name; --map question=KEY,answer=KEY names the right ones",
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
            "authors:\n  - Will Speak <will@example.org>\n",
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
            &format!("1 Why wax? = It lasts.\n2 ! {hint}\n3 Which knot? = A bend."),
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
        check(
            "faq:\n- Why wax?\n- question: Is it hard?\n- \"Which\" knot?\n- How deep?\n\"nets\" x: y\nHow far?: \"10\" km\nHow long?: A day.\n",
            "2 Why wax? = 
             3 Is it hard? = 
             4 ! broken YAML: invalid trailing content after double-quoted scalar
             5 How deep? = 
             6 ! broken YAML: invalid trailing content after double-quoted scalar
             7 ! broken YAML: invalid trailing content after double-quoted scalar
             8 How long? = A day.",
        );
        check(
            "faq: [\n{question: Why wax?},\n{question: a: b},\n]\nIs it hard?: No.\n",
            "2 Why wax? = 
             3 ! broken YAML: while parsing a flow mapping, did not find expected ',' or '}'
             4 ! broken YAML: misplaced bracket
             5 Is it hard? = No.",
        );
        check("question: [", "1 ! broken YAML: unclosed bracket '['");
    }

    /// Every good record is read once, whatever is broken around it.
    #[test]
    fn good_records_survive() {
        let broken = [
            "a: b: c",
            "\"a\" b",
            "question: \"a",
            "{a: b: c}",
            "question: [a",
            "? *x",
            "question: a\n b: c: d",
            "a: |\n  x\n y: \"z\" z",
        ];
        let records = proptest::collection::vec(0..broken.len() * 2, 1..30);
        proptest::proptest!(|(records in records, layout in 0..4_usize)| {
            let mut text = ["", "faq:\n", "faq:\n", "- section: a\n  faq:\n"][layout].to_owned();
            let indentation = ["", "", "    ", "  "][layout];
            let mut expected = Vec::new();
            // Without a question, errors are not worth a message.
            let records: Vec<usize> = records.into_iter().chain([broken.len()]).collect();
            for (number, record) in records.iter().enumerate() {
                let good = format!("question: Is it {number}?\n answer: yes");
                let record = broken.get(*record).copied().unwrap_or_else(|| {
                    expected.push(format!("Is it {number}?"));
                    &good
                });
                text.push_str(&format!("{indentation}- {}\n", record.replace('\n', &format!("\n {indentation}"))));
            }
            let read = testing::read(&Table, "yaml", text.as_bytes());
            let titles: Vec<String> = read.iter().flatten().map(|question| question.title.clone()).collect();
            proptest::prop_assert_eq!(titles, expected, "{}", text);
            let errors = read.iter().filter(|record| record.is_err()).count();
            let broken = records.iter().filter(|record| **record < broken.len()).count();
            proptest::prop_assert!(errors >= broken, "{} {:?}", text, read);
        });
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
