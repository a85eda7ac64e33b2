//! `Posts.xml` of a Stack Exchange dump (<https://archive.org/details/stackexchange>).
//!
//! Each line has one post, a question or an answer. The file is read twice. The first pass finds the best answer of each
//! question: the accepted one, or else the one with the most votes. The second pass reads the questions and their best
//! answers. Memory holds a few numbers for each question, and the questions whose answer has not been read yet.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;

use quick_xml::XmlVersion;
use quick_xml::events::Event;

use super::emit::{BadRecord, Emit};
use super::reader::Reader;
use super::text::Text;
use super::{date, markup};
use crate::question::Question;

/// Reads Stack Exchange dumps.
pub struct StackExchange;

impl Reader for StackExchange {
    fn name(&self) -> &'static str {
        "Stack Exchange dump"
    }

    fn fit(&self, extension: &str, head: &str) -> u8 {
        let has_rows = head.lines().any(|line| line.trim_start().starts_with("<row "));
        if extension == "xml" && has_rows { 90 } else { 0 }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        let mut answers: HashMap<u64, Answers> = HashMap::new();
        while let Some(line) = text.next_line()? {
            if let Ok((_, text)) = line
                && let Some(Ok(row)) = row(text)
            {
                note(&row, &mut answers);
            }
        }
        text.rewind()?;
        let mut waiting: HashMap<u64, Question> = HashMap::new();
        while let Some(line) = text.next_line()? {
            let flow = match line.map(|(number, text)| (number, row(text))) {
                Ok((_, None)) => ControlFlow::Continue(()),
                Ok((line, Some(Ok(row)))) => take(row, line, &answers, &mut waiting, emit),
                Ok((line, Some(Err(reason)))) => emit(Err(BadRecord { line, reason })),
                Err(bad) => emit(Err(bad)),
            };
            if flow.is_break() {
                return Ok(());
            }
        }
        // An answer of the first pass is missing: the file has changed since then.
        let mut left: Vec<Question> = waiting.into_values().collect();
        left.sort_by_key(|question| question.source.line);
        let _: ControlFlow<()> = left.into_iter().try_for_each(|question| emit(Ok(question)));
        Ok(())
    }
}

/// The attributes of a post that are used.
#[derive(Default)]
struct Row {
    id: u64,
    kind: String,
    parent: u64,
    accepted: Option<u64>,
    score: i64,
    title: String,
    body: String,
    tags: String,
    views: String,
    date: String,
}

/// What the first pass finds out about the answers of a question.
#[derive(Clone, Copy, Default)]
struct Answers {
    accepted: Option<u64>,
    /// An accepted answer may have been deleted before the dump was made.
    has_accepted: bool,
    /// The votes and the id of the answer with the most votes.
    top: Option<(i64, u64)>,
}

impl Answers {
    fn best(self) -> Option<u64> {
        self.accepted.filter(|_| self.has_accepted).or(self.top.map(|(_, id)| id))
    }
}

const QUESTION: &str = "1";
const ANSWER: &str = "2";

/// The post on a line; `None` for other lines.
fn row(line: &str) -> Option<Result<Row, String>> {
    let line = line.trim();
    line.starts_with("<row").then(|| parsed(line).map_err(|error| format!("broken XML: {error}")))
}

fn parsed(line: &str) -> Result<Row, quick_xml::Error> {
    let mut row = Row::default();
    let mut reader = quick_xml::Reader::from_str(line);
    let (Event::Empty(element) | Event::Start(element)) = reader.read_event()? else {
        return Ok(row);
    };
    // The check for attributes that are there twice compares each with all others.
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned();
        match attribute.key.as_ref() {
            "Id" => row.id = value.parse().unwrap_or(0),
            "PostTypeId" => row.kind = value,
            "ParentId" => row.parent = value.parse().unwrap_or(0),
            "AcceptedAnswerId" => row.accepted = value.parse().ok(),
            "Score" => row.score = value.parse().unwrap_or(0),
            "Title" => row.title = value,
            "Body" => row.body = value,
            "Tags" => row.tags = value,
            "ViewCount" => row.views = value,
            "CreationDate" => row.date = value,
            _ => {}
        }
    }
    Ok(row)
}

fn note(row: &Row, answers: &mut HashMap<u64, Answers>) {
    match row.kind.as_str() {
        QUESTION if row.accepted.is_some() => answers.entry(row.id).or_default().accepted = row.accepted,
        ANSWER => {
            let known = answers.entry(row.parent).or_default();
            known.has_accepted |= known.accepted == Some(row.id);
            if known.top.is_none_or(|(votes, _)| votes < row.score) {
                known.top = Some((row.score, row.id));
            }
        }
        _ => {}
    }
}

fn take(
    row: Row,
    line: u64,
    answers: &HashMap<u64, Answers>,
    waiting: &mut HashMap<u64, Question>,
    emit: &mut Emit<'_>,
) -> ControlFlow<()> {
    let best = |question: u64| answers.get(&question).and_then(|answers| answers.best());
    match row.kind.as_str() {
        QUESTION => {
            let id = row.id;
            match question(row, line) {
                Ok(question) if best(id).is_some() => {
                    waiting.insert(id, question);
                    ControlFlow::Continue(())
                }
                Ok(question) => emit(Ok(question)),
                Err(reason) => emit(Err(BadRecord { line, reason })),
            }
        }
        ANSWER if best(row.parent) == Some(row.id) => {
            let Some(mut question) = waiting.remove(&row.parent) else {
                return ControlFlow::Continue(());
            };
            question.answer = markup::joined(&question.answer, &markup::html_to_markdown(&row.body));
            emit(Ok(question))
        }
        _ => ControlFlow::Continue(()),
    }
}

fn question(row: Row, line: u64) -> Result<Question, String> {
    let title = markup::title(&row.title);
    if title.is_empty() {
        return Err("a question without a title".to_owned());
    }
    let mut question = Question::new(title, line);
    question.key = Some(row.id.to_string());
    question.answer = markup::html_to_markdown(&row.body);
    question.tags =
        row.tags.split(['<', '>', '|']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    question.score = Some(row.score as f64);
    question.date = date::normalized(&row.date);
    if !row.views.is_empty() {
        question.fields.insert("views".to_owned(), row.views);
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::testing;

    fn read(text: &str) -> Vec<Result<Question, BadRecord>> {
        testing::read(&StackExchange, "xml", text.as_bytes())
    }

    const POSTS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<posts>
  <row Id="1" PostTypeId="1" AcceptedAnswerId="4" Score="3" ViewCount="9" CreationDate="2008-07-31T21:42:52.667" Title="Why &quot;wax&quot; &amp; tar?" Body="&lt;p&gt;I &lt;b&gt;tie&lt;/b&gt;.&lt;/p&gt;" Tags="&lt;rope&gt;&lt;wax&gt;" />
  <row Id="2" PostTypeId="1" Score="0" Title="Is it hard?" Body="" Tags="|rope|" />
  <row Id="3" PostTypeId="2" ParentId="1" Score="99" Body="&lt;p&gt;No.&lt;/p&gt;" />
  <row Id="4" PostTypeId="2" ParentId="1" Score="1" Body="&lt;p&gt;It lasts.&lt;/p&gt;" />
  <row Id="5" PostTypeId="5" Body="a wiki" />
  <row Id="6" PostTypeId="1" AcceptedAnswerId="77" Title="Who knots?" Body="" />
  <row Id="7" PostTypeId="1" Title="Broken?
  <row Id="8" PostTypeId="1" Score="-1" Title="Which?" Body="" />
  <row Id="9" PostTypeId="2" ParentId="8" Score="1" Body="This." />
  <row Id="10" PostTypeId="2" ParentId="8" Score="2" Body="That." />
</posts>
"#;

    #[test]
    fn each_question_has_its_best_answer() {
        let records = read(POSTS);
        let found: Vec<(u64, &str, &str)> = records
            .iter()
            .flatten()
            .map(|question| (question.source.line, question.title.as_str(), question.answer.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (4, "Is it hard?", ""),
                (3, "Why \"wax\" & tar?", "I **tie**.\n\n---\n\nIt lasts."),
                (8, "Who knots?", ""),
                (10, "Which?", "That."),
            ]
        );
        let bad: Vec<u64> = records.iter().filter_map(|record| Some(record.as_ref().err()?.line)).collect();
        assert_eq!(bad, [9]);
        let wax = records[1].as_ref().unwrap();
        assert_eq!((wax.key.as_deref(), wax.score), (Some("1"), Some(3.0)));
        assert_eq!(wax.tags, ["rope", "wax"]);
        assert_eq!(wax.date.as_deref(), Some("2008-07-31T21:42:52Z"));
    }

    #[test]
    fn rows_of_other_tables_have_no_questions() {
        let links =
            "<postlinks>\n  <row Id=\"1\" PostId=\"7\" RelatedPostId=\"2\" LinkTypeId=\"1\" />\n</postlinks>";
        assert_eq!(StackExchange.fit("xml", links), 90);
        assert!(read(links).is_empty());
        assert_eq!(StackExchange.fit("xml", "<feed></feed>"), 0);
    }
}
