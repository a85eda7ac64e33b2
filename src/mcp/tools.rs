//! The tools: their definitions and what each one does.

use std::io;

use anstream::StripStream;
use anyhow::{Context, bail, ensure};
use rmcp::model::{self, CallToolResult, ContentBlock, JsonObject, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{schema, truncate};
use crate::duplicates::{Cache, duplicates};
use crate::embed::ahead::Ahead;
use crate::embed::{Embedder, Role, Unavailable};
use crate::engine::Opened;
use crate::question::Question;
use crate::render::json::{
    CheckReply, CheckRequest, DuplicatesReply, DuplicatesRequest, QuestionReply, QuestionRequest,
    SearchReply, SearchRequest, TruncatedReply,
};
use crate::render::terminal::{self, Layout};
use crate::search::{Mode, Results};

/// The layout of text replies: lines are not wrapped, and control and invisible characters are escaped.
const LAYOUT: Layout = Layout { width: None, escape: true };

/// A tool that a client can call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    SearchQuestions,
    GetQuestion,
    FindDuplicates,
    ListDuplicates,
}

impl Tool {
    /// All tools, most used first.
    pub const ALL: [Self; 4] =
        [Self::SearchQuestions, Self::GetQuestion, Self::FindDuplicates, Self::ListDuplicates];

    /// The tool with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The name that clients call.
    pub fn name(self) -> &'static str {
        match self {
            Self::SearchQuestions => "search_questions",
            Self::GetQuestion => "get_question",
            Self::FindDuplicates => "find_duplicates",
            Self::ListDuplicates => "list_duplicates",
        }
    }

    /// The definition that clients list.
    pub fn definition(self) -> model::Tool {
        match self {
            Self::SearchQuestions => self.described::<SearchRequest, SearchReply<'_>>(
                "Search questions",
                "Search the questions of the index. Returns the best hits first, each with the best excerpt of its \
                 answer. `confidence` says how sure it is that the hit answers the phrase, and `quality` is a word for \
                 it. If `answered` is false, no question matches well enough and the hits are only the closest \
                 questions. If `next` is not null, more hits follow at this `offset`.",
            ),
            Self::GetQuestion => self.described::<QuestionRequest, QuestionReply<'_>>(
                "Get a question",
                "Get one question in full: the answer as written in its source, alternative titles, location, tags \
                 and all other fields. If the answer is long, `cut` gives the `offset` to continue from.",
            ),
            Self::FindDuplicates => self.described::<CheckRequest, CheckReply<'_>>(
                "Find duplicates of a new question",
                "Check whether a new question is already in the index, in the same or in other words. Returns the \
                 questions that ask the same, most probable first.",
            ),
            Self::ListDuplicates => self.described::<DuplicatesRequest, DuplicatesReply<'_>>(
                "List duplicates in the index",
                "List the duplicate questions in the index. Each group has the question to keep (`canonical`) and \
                 its duplicates. With tens of thousands of questions, the first call takes some seconds.",
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

    /// The text that a call embeds, and its role. `None` if it embeds nothing, or if its arguments are not
    /// valid.
    pub fn phrase(self, arguments: &JsonObject) -> Option<(String, Role)> {
        match self {
            Self::SearchQuestions => {
                let request: SearchRequest = parsed(arguments.clone()).ok()?;
                ensure_short("q", &request.q).ok()?;
                let query = request.query().ok().filter(|query| query.mode != Mode::Keyword)?;
                Some((query.phrase, Role::Query))
            }
            Self::FindDuplicates => {
                let request: CheckRequest = parsed(arguments.clone()).ok()?;
                ensure_short("q", &request.q).ok()?;
                request.accepted().ok().map(|(phrase, _)| (phrase.to_owned(), Role::Passage))
            }
            Self::GetQuestion | Self::ListDuplicates => None,
        }
    }

    /// Calls the tool. `asked` is the vector of its [`phrase`](Self::phrase), if it was asked for.
    ///
    /// # Errors
    /// An argument is invalid, or the index cannot be read. The message tells the model what to do.
    pub fn call(
        self,
        opened: &Opened,
        arguments: JsonObject,
        asked: Option<&Asked>,
    ) -> anyhow::Result<CallToolResult> {
        match self {
            Self::SearchQuestions => search_questions(opened, &parsed(arguments)?, asked),
            Self::GetQuestion => get_question(opened, &parsed(arguments)?),
            Self::FindDuplicates => find_duplicates(opened, &parsed(arguments)?, asked),
            Self::ListDuplicates => list_duplicates(opened, &parsed(arguments)?),
        }
    }
}

/// The vector of a text that an endpoint was asked for, or the reason why there is none.
pub struct Asked {
    pub text: String,
    pub role: Role,
    pub vector: Result<Vec<f32>, Unavailable>,
}

/// Calls a function with the model of the index, and with the vector that was asked for.
fn with_model<T>(opened: &Opened, asked: Option<&Asked>, work: impl FnOnce(Option<&dyn Embedder>) -> T) -> T {
    match (opened.embedder.as_deref(), asked) {
        (Some(model), Some(Asked { text, role, vector })) => {
            work(Some(&Ahead { model, key: (*role, text), vector }))
        }
        (model, _) => work(model),
    }
}

/// Parses the arguments of a call. `null` means the same as an absent argument.
fn parsed<T: DeserializeOwned>(mut arguments: JsonObject) -> anyhow::Result<T> {
    arguments.retain(|_, value| !value.is_null());
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.inner());
        match path.as_str() {
            "." => anyhow::anyhow!("invalid arguments: {why}"),
            path => anyhow::anyhow!("invalid argument `{path}`: {why}"),
        }
    })
}

/// Checks the length of a phrase, the argument `name`.
///
/// # Errors
/// The phrase is longer than [`truncate::PHRASE`].
fn ensure_short(name: &str, text: &str) -> anyhow::Result<()> {
    ensure!(
        text.len() <= truncate::PHRASE,
        "`{name}` has {} bytes; the maximum is {}; describe the problem in one or two sentences",
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
        cut.push(format!("results after the first {}, the maximum per reply", truncate::ITEMS));
    }
    Ok(limit.min(truncate::ITEMS))
}

fn search_questions(
    opened: &Opened,
    request: &SearchRequest,
    asked: Option<&Asked>,
) -> anyhow::Result<CallToolResult> {
    ensure_short("q", &request.q)?;
    request.exact.iter().try_for_each(|words| ensure_short("exact", words))?;
    request.without.iter().try_for_each(|words| ensure_short("without", words))?;
    ensure!(
        request.offset <= truncate::OFFSET,
        "`offset` must be at most {}; use a more specific phrase or a filter",
        truncate::OFFSET
    );
    let mut cut = Vec::new();
    let facet_values = request.facet_values.min(truncate::ITEMS);
    let request = SearchRequest { limit: limited(request.limit, &mut cut)?, facet_values, ..request.clone() };
    let query = request.query()?;
    let results = with_model(opened, asked, |model| opened.search_with(model, &query))?;
    let has_facets_only = query.phrase.is_empty() && results.facets.is_some();
    let mut text = match (results.hits.is_empty(), results.is_answered(request.min_confidence)) {
        (true, _) if has_facets_only => String::new(),
        (true, _) => "No question matches.\n".to_owned(),
        (false, false) => "Nothing answers this. Closest questions:\n\n".to_owned(),
        (false, true) => String::new(),
    };
    if let Some(notice) = &results.notice {
        text = format!("{notice}\n\n{text}");
    }
    text += &written(|out| terminal::write_results(out, &results, LAYOUT))?;
    if let Some(facets) = &results.facets {
        text += &written(|out| terminal::write_facets(out, facets, LAYOUT))?;
    }
    text += &suggestions(&request, &results);
    answer(SearchReply::new(&results, request.min_confidence), text, cut)
}

/// The maximum number of missing words that a reply lists.
const MISSING: usize = 20;

/// Explains why little was found: words that no question contains, and filters.
fn suggestions(request: &SearchRequest, results: &Results) -> String {
    let mut text = String::new();
    if !results.missing.is_empty() {
        let words = results.missing.iter().take(MISSING).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if results.missing.len() > MISSING { ", …" } else { "" };
        text += &format!("\nNo question contains: {words}{more}\n");
    }
    let SearchRequest { source, section, level, tag, language, exact, without, since, until, .. } = request;
    let has_filter =
        [source, section, level, tag, language, exact, without].iter().any(|filter| !filter.is_empty())
            || since.is_some()
            || until.is_some();
    if results.hits.is_empty() && results.total > 0 {
        text += &format!("\nThere are no more hits after the first {}.\n", request.offset);
    } else if results.hits.is_empty() && has_filter {
        text += "\nA filter is set (source, section, level, tag, language, exact, without, since or until). Try again without it.\n";
    } else if let Some(next) = results.next {
        text += &format!("\nMore hits follow: search again with `offset` {next}.\n");
    }
    text
}

fn get_question(opened: &Opened, request: &QuestionRequest) -> anyhow::Result<CallToolResult> {
    let question = question(opened, request.id.trim())?;
    let (length, offset) = (question.answer.len(), request.offset);
    let rest = question.answer.get(offset..).with_context(|| {
        format!("`offset` {offset} is beyond the end of the answer ({length} bytes) or inside a character")
    })?;
    let piece = truncate::beginning(rest, truncate::ANSWER).to_owned();
    let end = offset + piece.len();
    let mut cut = Vec::new();
    if piece.len() < length {
        cut.push(match end < length {
            true => format!(
                "all but bytes {offset} to {end} of the {length} bytes of the answer; to continue, call get_question with `offset` {end}"
            ),
            false => format!("the first {offset} bytes of the answer; this is the last part"),
        });
    }
    let question = Question { answer: piece, ..question };
    let text = written(|out| terminal::write_question(out, &question, LAYOUT))?;
    answer(QuestionReply::from(&question), text, cut)
}

/// Finds the question with this id, id prefix or key.
///
/// # Errors
/// No question or several have it.
fn question(opened: &Opened, id: &str) -> anyhow::Result<Question> {
    const NAMED: usize = 5;
    let mut found = opened.index.find(id)?;
    match found.as_slice() {
        [_] => Ok(found.remove(0)),
        [] => bail!("no question has the id {id:?}; use the `id` of a hit of search_questions"),
        several => {
            let named =
                several.iter().take(NAMED).map(|question| format!("{} ({})", question.id, question.title));
            bail!(
                "{} questions have the id or key {id:?}; use the full id of one of them: {}",
                several.len(),
                named.collect::<Vec<_>>().join("; ")
            )
        }
    }
}

fn find_duplicates(
    opened: &Opened,
    request: &CheckRequest,
    asked: Option<&Asked>,
) -> anyhow::Result<CallToolResult> {
    ensure_short("q", &request.q)?;
    let (question, threshold) = request.accepted()?;
    let mut found = with_model(opened, asked, |model| opened.check_with(model, question, 0.0))?;
    let far = found.split_off(found.partition_point(|found| found.probability >= threshold));
    let (lead, shown) = match (found.as_slice(), far.as_slice()) {
        ([], []) => ("Not a duplicate.\n", &[][..]),
        ([], [nearest, ..]) => ("Not a duplicate. The closest question:\n\n", std::slice::from_ref(nearest)),
        (found, _) => ("Already asked:\n\n", found),
    };
    let text = lead.to_owned() + &written(|out| terminal::write_found(out, shown, LAYOUT))?;
    answer(CheckReply::new(None, question, &found), text, Vec::new())
}

fn list_duplicates(opened: &Opened, request: &DuplicatesRequest) -> anyhow::Result<CallToolResult> {
    let options = request.options()?;
    let mut cut = Vec::new();
    let pairs = limited(request.top.unwrap_or(truncate::ITEMS), &mut cut)?;
    let mut found = duplicates(&opened.index, &options, &mut Cache::open(&opened.index))?;
    let duplicates: usize = found.groups.iter().map(|group| group.members.len()).sum();
    let groups = found.groups.len();
    let mut text =
        format!("Questions: {}. Duplicates: {duplicates}. Groups: {groups}.\n\n", found.questions.len());
    if let Some(left) = groups.checked_sub(truncate::ITEMS).filter(|left| *left > 0) {
        cut.push(format!("{left} more groups; limit the files with `within`, or set a higher `threshold`"));
        found.groups.truncate(truncate::ITEMS);
    }
    text += &written(|out| terminal::write_groups(out, &found, LAYOUT))?;
    answer(DuplicatesReply::new(&found, request.threshold, Some(pairs)), text, cut)
}

/// The output of one of the terminal writers, without colours.
fn written(write: impl FnOnce(&mut StripStream<Vec<u8>>) -> io::Result<()>) -> anyhow::Result<String> {
    let mut out = StripStream::new(Vec::new());
    write(&mut out)?;
    Ok(String::from_utf8(out.into_inner())?)
}

/// Builds a reply of structured content and text, both truncated. `cut` has what was left out before.
fn answer(reply: impl Serialize, text: String, mut cut: Vec<String>) -> anyhow::Result<CallToolResult> {
    // Serialized to text first: `to_value` would widen the `f32` 0.93 to 0.9300000071525574.
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
