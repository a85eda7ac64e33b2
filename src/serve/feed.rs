//! `GET /feed.atom`: new questions, and `GET /gaps/feed.atom`: what people began to ask and nothing answers.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_64;

use super::address::{encoded, of_question, origin};
use super::app::Shared;
use super::problem::Problem;
use super::{gaps, page};
use crate::question::Question;
use crate::read::rfc3339;
use crate::render::atom::{Entry, Feed, write_feed};

/// How many questions or gaps a feed has.
const ENTRIES: usize = 50;

/// How many characters of an answer a feed has.
const SUMMARY: usize = 300;

pub async fn questions(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let origin = origin(&headers)?;
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    let newest =
        slot.run(move || app.newest.get(&opened, (), |opened| opened.index.newest(ENTRIES))).await??;
    let entries: Vec<Entry> = newest.iter().map(|(date, question)| entry(&origin, *date, question)).collect();
    feed(&headers, &format!("{origin}/feed.atom"), "New questions", &format!("{origin}/"), &entries)
}

fn entry(origin: &str, date: i64, question: &Question) -> Entry {
    let Question { id, title, url, section, tags, .. } = question;
    Entry {
        id: format!("{origin}/questions/{}", encoded(id)),
        title: title.clone(),
        page: of_question(origin, id, title, url.as_deref()),
        time: rfc3339(date),
        summary: shortened(question.readable_answer().trim()),
        categories: section.iter().chain(tags).cloned().collect(),
    }
}

pub async fn gaps(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let origin = origin(&headers)?;
    let page = format!("{origin}/gaps/page");
    let entry = |asked: gaps::Asked| Entry {
        id: format!("{page}#{}", asked.id),
        title: asked.phrase,
        page: page.clone(),
        time: asked.since,
        summary: asked.summary,
        categories: Vec::new(),
    };
    let entries: Vec<Entry> = gaps::newest(app, ENTRIES).await?.into_iter().map(entry).collect();
    feed(&headers, &format!("{origin}/gaps/feed.atom"), "What nothing answers", &page, &entries)
}

/// The first characters of a text.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SUMMARY) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

fn feed(
    headers: &HeaderMap,
    address: &str,
    title: &str,
    page: &str,
    entries: &[Entry],
) -> Result<Response, Problem> {
    let mut body = Vec::new();
    write_feed(&mut body, &Feed { address, title, page, entries }).map_err(anyhow::Error::from)?;
    let tag = format!("\"{:016x}\"", xxh3_64(&body));
    let is_known = page::has_tag(headers, &tag);
    let headers = [
        (header::CONTENT_TYPE, "application/atom+xml; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag),
    ];
    Ok(match is_known {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, body).into_response(),
    })
}
