//! The tools: what each takes, does and gives.

use std::io;

use anstream::StripStream;
use anyhow::{Context, bail, ensure};
use rmcp::model::{self, CallToolResult, ContentBlock, JsonObject, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{schema, truncate};
use crate::duplicates::{Cache, check, duplicates};
use crate::engine::Opened;
use crate::question::Question;
use crate::render::json::{
    CheckReply, CheckRequest, DuplicatesReply, DuplicatesRequest, QuestionReply, QuestionRequest,
    SearchReply, SearchRequest, TruncatedReply,
};
use crate::render::terminal::{self, Layout};
use crate::search::Results;

/// How texts are laid out: nobody looks at columns, and what hides in a text is shown to whoever reads it.
const LAYOUT: Layout = Layout { width: None, escape: true };

/// Something that a client can have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    SearchQuestions,
    GetQuestion,
    FindDuplicates,
    ListDuplicates,
}

impl Tool {
    /// Every tool, the one that is used most first.
    pub const ALL: [Self; 4] =
        [Self::SearchQuestions, Self::GetQuestion, Self::FindDuplicates, Self::ListDuplicates];

    /// The tool of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::SearchQuestions => "search_questions",
            Self::GetQuestion => "get_question",
            Self::FindDuplicates => "find_duplicates",
            Self::ListDuplicates => "list_duplicates",
        }
    }

    /// What a client is told of it.
    pub fn definition(self) -> model::Tool {
        match self {
            Self::SearchQuestions => self.described::<SearchRequest, SearchReply<'_>>(
                "Search questions",
                "Finds the questions that a phrase is about, best first, each with the passage of its answer that \
                 fits best. Where `answered` is false, nothing here answers the phrase, and the hits are only the \
                 nearest misses. `confidence` is the probability that a hit answers.",
            ),
            Self::GetQuestion => self.described::<QuestionRequest, QuestionReply<'_>>(
                "Get a question",
                "Gives one question whole: its answer as its source has it, other ways to ask it, its place, tags \
                 and everything else its source says.",
            ),
            Self::FindDuplicates => self.described::<CheckRequest, CheckReply<'_>>(
                "Find duplicates of a new question",
                "Says whether a new question was asked before, in the same or in other words, and which questions \
                 of the index ask it.",
            ),
            Self::ListDuplicates => self.described::<DuplicatesRequest, DuplicatesReply<'_>>(
                "List duplicates in the index",
                "Lists questions of the index that ask the same, in groups, the one to keep first. The first time \
                 takes some seconds where there are tens of thousands of questions.",
            ),
        }
    }

    fn described<I: JsonSchema, O: JsonSchema>(self, title: &str, description: &'static str) -> model::Tool {
        let mut input = schema::input::<I>();
        for name in ["limit", "top"] {
            if let Some(limit) = input.get_mut("properties").and_then(|properties| properties.get_mut(name)) {
                limit["minimum"] = 1.into();
                limit["maximum"] = truncate::ITEMS.into();
            }
        }
        let annotations = ToolAnnotations::with_title(title)
            .read_only(true)
            .destructive(false)
            .idempotent(true)
            .open_world(false);
        model::Tool::new(self.name(), description, input)
            .with_title(title)
            .with_raw_output_schema(schema::output::<TruncatedReply<O>>())
            .with_annotations(annotations)
    }

    /// Does it.
    ///
    /// # Errors
    /// The arguments are wrong, or the index is; the message says what to do.
    pub fn call(self, opened: &Opened, arguments: JsonObject) -> anyhow::Result<CallToolResult> {
        match self {
            Self::SearchQuestions => search_questions(opened, &parsed(arguments)?),
            Self::GetQuestion => get_question(opened, &parsed(arguments)?),
            Self::FindDuplicates => find_duplicates(opened, &parsed(arguments)?),
            Self::ListDuplicates => list_duplicates(opened, &parsed(arguments)?),
        }
    }
}

/// The arguments as the tool takes them. `null` says what leaving out says.
fn parsed<T: DeserializeOwned>(mut arguments: JsonObject) -> anyhow::Result<T> {
    arguments.retain(|_, value| !value.is_null());
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.inner());
        match path.as_str() {
            "." => anyhow::anyhow!("wrong arguments: {why}"),
            path => anyhow::anyhow!("wrong argument `{path}`: {why}"),
        }
    })
}

/// The phrase, where it is not too long to be one.
fn phrase(text: &str) -> anyhow::Result<()> {
    ensure!(
        text.len() <= truncate::PHRASE,
        "`q` has {} bytes, and may have {}\n  hint: say in a sentence or two what it is about",
        text.len(),
        truncate::PHRASE
    );
    Ok(())
}

/// The number of results to return. If fewer are returned than requested, `cut` gets the reason.
///
/// # Errors
/// The client asks for 0.
fn limited(limit: usize, cut: &mut Vec<String>) -> anyhow::Result<usize> {
    ensure!(limit > 0, "the number of results must be at least 1");
    if limit > truncate::ITEMS {
        cut.push(format!("what lies beyond the first {}, the most that one reply has", truncate::ITEMS));
    }
    Ok(limit.min(truncate::ITEMS))
}

fn search_questions(opened: &Opened, request: &SearchRequest) -> anyhow::Result<CallToolResult> {
    phrase(&request.q)?;
    let mut cut = Vec::new();
    let request = SearchRequest { limit: limited(request.limit, &mut cut)?, ..request.clone() };
    let results = opened.search(&request.query()?)?;
    let mut text = match (results.hits.is_empty(), results.is_answered(request.min_confidence)) {
        (true, _) => "Nothing found.\n".to_owned(),
        (false, false) => "Nothing here answers this; the nearest misses:\n\n".to_owned(),
        (false, true) => String::new(),
    };
    if let Some(notice) = &results.notice {
        text = format!("{notice}\n\n{text}");
    }
    text += &written(|out| terminal::write_results(out, &results, LAYOUT))?;
    text += &missing(&request, &results);
    answer(SearchReply::new(&results, request.min_confidence), text, cut)
}

/// How many words that no question has are named.
const MISSING: usize = 20;

/// What might be done where little was found.
fn missing(request: &SearchRequest, results: &Results) -> String {
    let mut text = String::new();
    if !results.missing.is_empty() {
        let words = results.missing.iter().take(MISSING).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if results.missing.len() > MISSING { ", …" } else { "" };
        text += &format!("\nNo question has: {words}{more}\n");
    }
    let filters = [&request.source, &request.section, &request.level, &request.tag];
    if results.hits.is_empty() && filters.iter().any(|filter| !filter.is_empty()) {
        text += "\nA filter is set (source, section, level or tag): try without.\n";
    }
    text
}

fn get_question(opened: &Opened, request: &QuestionRequest) -> anyhow::Result<CallToolResult> {
    let question = question(opened, request.id.trim())?;
    let (answered, offset) = (question.answer.len(), request.offset);
    let rest = question.answer.get(offset..).with_context(|| {
        format!("`offset` {offset} is no place in this answer, which has {answered} bytes")
    })?;
    let piece = truncate::beginning(rest, truncate::ANSWER).to_owned();
    let end = offset + piece.len();
    let mut cut = Vec::new();
    if piece.len() < answered {
        cut.push(match end < answered {
            true => format!(
                "all but bytes {offset} to {end} of the answer's {answered}; get_question with `offset` {end} goes on"
            ),
            false => format!("the first {offset} bytes of the answer; this is its end"),
        });
    }
    let question = Question { answer: piece, ..question };
    let text = written(|out| terminal::write_question(out, &question, LAYOUT))?;
    answer(QuestionReply::from(&question), text, cut)
}

/// The one question that is meant.
fn question(opened: &Opened, id: &str) -> anyhow::Result<Question> {
    const NAMED: usize = 5;
    let mut found = opened.index.find(id)?;
    match found.as_slice() {
        [_] => Ok(found.remove(0)),
        [] => bail!("no question has the id {id:?}\n  hint: search_questions gives the `id` of each hit"),
        several => {
            let named =
                several.iter().take(NAMED).map(|question| format!("{} ({})", question.id, question.title));
            bail!(
                "{} questions have the id or key {id:?}; name one of them: {}",
                several.len(),
                named.collect::<Vec<_>>().join("; ")
            )
        }
    }
}

fn find_duplicates(opened: &Opened, request: &CheckRequest) -> anyhow::Result<CallToolResult> {
    phrase(&request.q)?;
    let (question, threshold) = request.accepted()?;
    let mut found = check(&opened.index, opened.embedder.as_deref(), question, 0.0)?;
    let far = found.split_off(found.partition_point(|found| found.probability >= threshold));
    let (lead, shown) = match (found.as_slice(), far.as_slice()) {
        ([], []) => ("No question asks this.\n", &[][..]),
        ([], [nearest, ..]) => ("No question asks this; the nearest:\n\n", std::slice::from_ref(nearest)),
        (found, _) => ("Asked before:\n\n", found),
    };
    let text = lead.to_owned() + &written(|out| terminal::write_found(out, shown, LAYOUT))?;
    answer(CheckReply::new(None, question, &found), text, Vec::new())
}

fn list_duplicates(opened: &Opened, request: &DuplicatesRequest) -> anyhow::Result<CallToolResult> {
    let options = request.options()?;
    let mut cut = Vec::new();
    let pairs = limited(request.top.unwrap_or(truncate::ITEMS), &mut cut)?;
    let mut found = duplicates(&opened.index, &options, &mut Cache::open(&opened.index))?;
    let more: usize = found.groups.iter().map(|group| group.members.len()).sum();
    let groups = found.groups.len();
    let mut text = format!(
        "{more} of {} questions ask what another one asks, in {groups} groups.\n\n",
        found.questions.len()
    );
    if let Some(left) = groups.checked_sub(truncate::ITEMS).filter(|left| *left > 0) {
        cut.push(format!("{left} more groups; ask for those `within` a file, or with a higher `threshold`"));
        found.groups.truncate(truncate::ITEMS);
    }
    text += &written(|out| terminal::write_groups(out, &found, LAYOUT))?;
    answer(DuplicatesReply::new(&found, request.threshold, Some(pairs)), text, cut)
}

/// What one of the terminal's writers writes, without colours.
fn written(write: impl FnOnce(&mut StripStream<Vec<u8>>) -> io::Result<()>) -> anyhow::Result<String> {
    let mut out = StripStream::new(Vec::new());
    write(&mut out)?;
    Ok(String::from_utf8(out.into_inner())?)
}

/// A reply for programs and for readers, both kept short.
fn answer(reply: impl Serialize, text: String, mut cut: Vec<String>) -> anyhow::Result<CallToolResult> {
    // By way of text, so that 0.93 stays that: as a value, a number of 32 bits would become one of 64 and long.
    let mut reply: Value = serde_json::from_slice(&serde_json::to_vec(&reply)?)?;
    cut.extend(truncate::bound(&mut reply));
    let mut text = truncate::text(text);
    let cut = Some(cut.join("; ")).filter(|cut| !cut.is_empty());
    if let Some(cut) = &cut {
        text += &format!("\n(Left out: {cut}.)\n");
    }
    reply["cut"] = json!(cut);
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(reply);
    Ok(result)
}
