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

/// How many resources one page lists.
const PAGE: usize = 100;

/// The maximum length of a resource name, in bytes.
const NAME: usize = 200;

/// The maximum length of a resource's text, in bytes.
const WHOLE: usize = 1 << 20;

/// A cache of the resource list, so that each page does not read the index again.
#[derive(Default)]
pub struct Listing(Mutex<Option<Listed>>);

/// The questions of one commit as resources, in source order.
struct Listed {
    commit: Arc<Opened>,
    all: Arc<[Resource]>,
}

impl Listing {
    /// Returns one page: the first, or the one that follows `cursor`, the id of the last question of a page.
    ///
    /// # Errors
    /// `cursor` is not the id of a question, or the index cannot be read.
    pub fn page(&self, opened: &Arc<Opened>, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
        let all = self.all(opened).map_err(|error| internal(&error))?;
        let start = match cursor {
            None => 0,
            Some(last) => {
                let at = all.iter().position(|resource| resource.uri.strip_prefix(SCHEME) == Some(last));
                1 + at.ok_or_else(|| {
                    let message =
                        format!("unknown cursor {last:?}; list the resources again without a cursor");
                    ErrorData::invalid_params(message, None)
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
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = cached.as_ref().filter(|listed| Arc::ptr_eq(&listed.commit, opened)) {
            return Ok(Arc::clone(&listed.all));
        }
        let all: Arc<[Resource]> = opened.index.questions()?.iter().map(resource).collect();
        *cached = Some(Listed { commit: Arc::clone(opened), all: Arc::clone(&all) });
        Ok(all)
    }
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
