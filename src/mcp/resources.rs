//! Questions as resources: `question://ID`.

use rmcp::model::{
    ErrorData, ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde_json::json;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, TERMINATED, Term};

use super::{internal, truncate};
use crate::index::{Index, QUESTION};
use crate::question::Question;

const SCHEME: &str = "question://";
const MARKDOWN: &str = "text/markdown";

/// How many resources one page lists.
const PAGE: usize = 100;

/// The maximum length of a resource name, in bytes.
const NAME: usize = 200;

/// The maximum length of a resource's text, in bytes.
const WHOLE: usize = 1 << 20;

/// Returns one page of the questions, in the order of the index: the first, or the one that follows `cursor`,
/// the id of the last question of a page. Reads only the questions of the page.
///
/// # Errors
/// `cursor` is not the id of a question, or the index cannot be read.
pub fn page(index: &Index, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
    index
        .ensure_on_this_machine("the list of questions as resources")
        .map_err(|error| internal(&error.into()))?;
    let failed = |error: tantivy::TantivyError| internal(&error.into());
    let after = match cursor {
        None => None,
        Some(last) => Some(index.address(last).map_err(|error| internal(&error))?.ok_or_else(|| {
            let message = format!("unknown cursor {last:?}; list the resources again without a cursor");
            ErrorData::invalid_params(message, None)
        })?),
    };
    // One more than a page, to know whether there is another page.
    let mut addresses = following(index, after, PAGE + 1).map_err(failed)?;
    let has_more = addresses.len() > PAGE;
    addresses.truncate(PAGE);
    let question = |address: DocAddress| index.question(address).map_err(|error| internal(&error));
    let questions: Vec<Question> = addresses.into_iter().map(question).collect::<Result<_, _>>()?;
    let mut page = ListResourcesResult::with_all_items(questions.iter().map(resource).collect());
    page.next_cursor = questions.last().filter(|_| has_more).map(|last| last.id.clone());
    Ok(page)
}

/// The documents of the next `count` questions.
fn following(index: &Index, after: Option<DocAddress>, count: usize) -> tantivy::Result<Vec<DocAddress>> {
    let kind = index.fields().kind;
    let term = Term::from_field_text(kind, QUESTION);
    let start =
        after.map_or(DocAddress::new(0, 0), |after| DocAddress::new(after.segment_ord, after.doc_id + 1));
    let mut found = Vec::with_capacity(count);
    for (ord, segment) in (0..).zip(index.searcher()?.segment_readers()).skip(start.segment_ord as usize) {
        let first = if ord == start.segment_ord { start.doc_id } else { 0 };
        let Some(mut postings) =
            segment.inverted_index(kind)?.read_postings(&term, IndexRecordOption::Basic)?
        else {
            continue;
        };
        let mut doc = if postings.doc() < first { postings.seek(first) } else { postings.doc() };
        while doc != TERMINATED {
            if found.len() == count {
                return Ok(found);
            }
            if !segment.is_deleted(doc) {
                found.push(DocAddress::new(ord, doc));
            }
            doc = postings.advance();
        }
    }
    Ok(found)
}

/// A question as a resource. Some clients show the name and some the title, so both are the question's title.
fn resource(question: &Question) -> Resource {
    let name = truncate::beginning(&question.title, NAME);
    Resource::new(format!("{SCHEME}{}", question.id), name)
        .with_title(name)
        .with_description(location(question))
        .with_mime_type(MARKDOWN)
}

/// The URI template for reading any question.
pub fn template() -> ResourceTemplate {
    ResourceTemplate::new(format!("{SCHEME}{{id}}"), "question")
        .with_title("A question with its answer")
        .with_description("`id` is the id of a hit of search_questions, or a unique prefix of it")
        .with_mime_type(MARKDOWN)
}

/// Returns the question with this URI as Markdown, truncated to 1 MiB.
///
/// # Errors
/// The URI is not a question's, no question or several have the id, or the index cannot be read.
pub fn read(index: &Index, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let unknown = |why: String| ErrorData::resource_not_found(why, Some(json!({ "uri": uri })));
    let id = uri
        .strip_prefix(SCHEME)
        .ok_or_else(|| unknown(format!("invalid URI {uri:?}; expected {SCHEME}ID")))?;
    let found = index.find(id.trim_end_matches('/')).map_err(|error| internal(&error))?;
    let [question] = found.as_slice() else {
        return Err(unknown(match found.len() {
            0 => format!("no question has the id {id:?}"),
            several => {
                format!("{several} questions have the id or key {id:?}; give more characters of the id")
            }
        }));
    };
    let text = markdown(question);
    let whole = truncate::beginning(&text, WHOLE);
    let contents = ResourceContents::text(whole, uri).with_mime_type(MARKDOWN);
    Ok(ReadResourceResult::new(vec![contents]))
}

/// `path:line · section · level`.
fn location(question: &Question) -> String {
    let facts = [Some(question.source.to_string()), question.section.clone(), question.level.clone()];
    facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn markdown(question: &Question) -> String {
    let mut text = format!("# {}\n\n{}\n", question.title, location(question));
    for also in &question.also {
        text += &format!("\n- also asked as: {also}");
    }
    if !question.also.is_empty() {
        text.push('\n');
    }
    if let Some(url) = &question.url {
        text += &format!("\n<{url}>\n");
    }
    text + "\n" + question.answer.trim_end() + "\n"
}
