//! Questions as resources: `question://ID`.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    ErrorData, ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde_json::json;

use super::{internal, truncate};
use crate::engine::Opened;
use crate::index::Index;
use crate::question::Question;

const SCHEME: &str = "question://";
const MARKDOWN: &str = "text/markdown";

/// How many questions a page lists.
const PAGE: usize = 100;

/// How many bytes of a title are a name.
const NAME: usize = 200;

/// How many bytes of a question a client gets when it reads one.
const WHOLE: usize = 1 << 20;

/// The questions of the last commit that was listed, kept for the next page.
#[derive(Default)]
pub struct Listing(Mutex<Option<Listed>>);

/// The questions of one commit as resources, in order of source.
struct Listed {
    of: Arc<Opened>,
    all: Arc<[Resource]>,
}

impl Listing {
    /// A page: after the question that the cursor names, or the first.
    pub fn page(&self, opened: &Arc<Opened>, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
        let all = self.all(opened).map_err(|error| internal(&error))?;
        let start = match cursor {
            None => 0,
            Some(last) => {
                let place = all.iter().position(|resource| resource.uri.strip_prefix(SCHEME) == Some(last));
                1 + place.ok_or_else(|| {
                    let why = format!("no page begins at the cursor {last:?}: list again from the beginning");
                    ErrorData::invalid_params(why, None)
                })?
            }
        };
        let end = (start + PAGE).min(all.len());
        let mut page = ListResourcesResult::with_all_items(all[start..end].to_vec());
        if end < all.len() {
            page.next_cursor = all[end - 1].uri.strip_prefix(SCHEME).map(str::to_owned);
        }
        Ok(page)
    }

    fn all(&self, opened: &Arc<Opened>) -> anyhow::Result<Arc<[Resource]>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = kept.as_ref().filter(|listed| Arc::ptr_eq(&listed.of, opened)) {
            return Ok(Arc::clone(&listed.all));
        }
        let all: Arc<[Resource]> = opened.index.questions()?.iter().map(resource).collect();
        *kept = Some(Listed { of: Arc::clone(opened), all: Arc::clone(&all) });
        Ok(all)
    }
}

/// A question in a list. Clients show the name, or the title: both are what is asked.
fn resource(question: &Question) -> Resource {
    let name = truncate::beginning(&question.title, NAME);
    Resource::new(format!("{SCHEME}{}", question.id), name)
        .with_title(name)
        .with_description(place(question))
        .with_mime_type(MARKDOWN)
}

/// How any question is read.
pub fn template() -> ResourceTemplate {
    ResourceTemplate::new(format!("{SCHEME}{{id}}"), "question")
        .with_title("A question with its answer")
        .with_description("`id` is that of a hit of search_questions, or the beginning of it")
        .with_mime_type(MARKDOWN)
}

/// The question that a URI names, as Markdown.
pub fn read(index: &Index, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let unknown = |why: String| ErrorData::resource_not_found(why, Some(json!({ "uri": uri })));
    let id = uri.strip_prefix(SCHEME).ok_or_else(|| unknown(format!("{uri:?} is no {SCHEME}ID")))?;
    let found = index.find(id.trim_end_matches('/')).map_err(|error| internal(&error))?;
    let [question] = found.as_slice() else {
        return Err(unknown(match found.len() {
            0 => format!("no question has the id {id:?}"),
            several => format!("{several} questions have the id or key {id:?}: name more of its id"),
        }));
    };
    let text = markdown(question);
    let whole = truncate::beginning(&text, WHOLE);
    let contents = ResourceContents::text(whole, uri).with_mime_type(MARKDOWN);
    Ok(ReadResourceResult::new(vec![contents]))
}

/// `path:line · section · level`.
fn place(question: &Question) -> String {
    let facts = [Some(question.source.to_string()), question.section.clone(), question.level.clone()];
    facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn markdown(question: &Question) -> String {
    let mut text = format!("# {}\n\n{}\n", question.title, place(question));
    for also in &question.also {
        text += &format!("\n- also asked: {also}");
    }
    if !question.also.is_empty() {
        text.push('\n');
    }
    if let Some(url) = &question.url {
        text += &format!("\n<{url}>\n");
    }
    text + "\n" + question.answer.trim_end() + "\n"
}
