//! `GET /gaps`, `GET /gaps/page`, and the gaps of `GET /gaps/feed.atom`: what people ask and nothing answers, from the query log.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::app::{App, Shared};
use super::extractors::Query;
use super::found_gaps::Found;
use super::page::inline_policy;
use super::problem::Problem;
use super::search::json;
use crate::engine::Opened;
use crate::gaps::{self, Group, Options, Phrases, Report};
use crate::query_log::Entry;
use crate::read::Text;
use crate::render::gap_reason::gap_reason;
use crate::render::gaps::{PAGE, write_page};
use crate::render::json::{GapsReply, GapsRequest};
use crate::title::title_key;

/// How many of the most frequent phrases are searched for. That takes about a minute on two processors.
const MOST_PHRASES: usize = 10_000;

/// The content security policy of the page.
static POLICY: LazyLock<String> = LazyLock::new(|| inline_policy(PAGE));

pub async fn get(State(app): State<Shared>, Query(request): Query<GapsRequest>) -> Result<Response, Problem> {
    let write = |report: &Report, request: &GapsRequest| {
        let unasked = request.unasked.then_some(report.unasked.as_slice());
        Ok(serde_json::to_vec(&GapsReply::new(report, request.examples, unasked))?)
    };
    find(app, request, write).await.map(json)
}

pub async fn page(
    State(app): State<Shared>,
    Query(request): Query<GapsRequest>,
) -> Result<Response, Problem> {
    let write = |report: &Report, request: &GapsRequest| {
        let mut page = Vec::new();
        write_page(&mut page, report, request.examples)?;
        Ok(page)
    };
    let page = find(app, request, write).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
    ];
    Ok((headers, page).into_response())
}

/// A gap, and since when it is one.
pub struct Asked {
    /// The id of the group.
    pub id: String,
    /// The phrase that stands for the group.
    pub phrase: String,
    /// When it was asked first, as far as the query log goes back: RFC 3339.
    pub since: String,
    /// How often the group was asked, and the nearest question.
    pub summary: String,
}

impl Asked {
    fn new(group: &Group, since: &str) -> Self {
        let nearest = group.nearest.as_ref();
        let nearest = nearest.map(|nearest| {
            format!(". The nearest question is “{}”: {}", nearest.question.title, gap_reason(nearest))
        });
        let times = if group.count == 1 { "once".to_owned() } else { format!("{} times", group.count) };
        Self {
            id: group.id.clone(),
            phrase: group.representative().text.clone(),
            since: since.to_owned(),
            summary: format!("Asked {times}{}.", nearest.unwrap_or_default()),
        }
    }
}

/// The gaps whose representatives were asked first most recently, the latest first.
pub async fn newest(app: Shared, limit: usize) -> Result<Vec<Asked>, Problem> {
    let min_size = gaps::Options::default().min_size;
    with_found(app, min_size, move |found| {
        let since = |group: &Group| Some(Asked::new(group, found.since.get(&group.id)?));
        let mut asked: Vec<Asked> = found.report.groups.iter().filter_map(since).collect();
        asked.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.id.cmp(&b.id)));
        asked.truncate(limit);
        Ok(asked)
    })
    .await
}

/// Finds the gaps, or gets them from the cache, and writes them.
async fn find(
    app: Shared,
    request: GapsRequest,
    write: impl FnOnce(&Report, &GapsRequest) -> anyhow::Result<Vec<u8>> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    request.validate().map_err(|error| Problem::refused(&error))?;
    with_found(app, request.min_size, move |found| {
        let mut report = found.report.clone();
        report.groups.truncate(request.limit);
        write(&report, &request)
    })
    .await
}

/// Finds the gaps, or gets them from the cache, and uses them. If this exceeds the time limit of the request, the work
/// continues, and a later request gets the result. Reports are found one at a time.
async fn with_found<T: Send + 'static>(
    app: Shared,
    min_size: u64,
    then: impl FnOnce(&Found) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let deadline = app.duplicates_limit.deadline();
    let opened = app.opened(deadline).await?;
    ensure_possible(&opened)?;
    let slot = app.duplicates_limit.enter(deadline)?;
    let work = move || then(&*app.gaps(&opened, min_size)?);
    Ok(slot.run(work).await??)
}

/// # Errors
/// The index has no model, or one that is not on this machine.
fn ensure_possible(opened: &Opened) -> Result<(), Problem> {
    let detail = match &opened.embedder {
        None => "the index has keywords only, which do not tell whether a question answers a phrase",
        Some(model) if !model.is_local() => {
            "the model is behind an endpoint, which is not asked for all phrases at once; use `rqsearch gaps`"
        }
        Some(_) => return Ok(()),
    };
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
}

impl App {
    fn gaps(&self, opened: &Arc<Opened>, min_size: u64) -> anyhow::Result<Arc<Found>> {
        let find = |opened: &Opened| self.find_gaps(opened, min_size);
        let found = self.gaps.get(opened, min_size, find)?;
        if found.is_fresh() {
            return Ok(found);
        }
        self.gaps.clear();
        self.gaps.get(opened, min_size, find)
    }

    fn find_gaps(&self, opened: &Opened, min_size: u64) -> anyhow::Result<Found> {
        let start = Instant::now();
        let mut phrases = self.recorded_phrases()?.into_sorted();
        phrases.truncate(MOST_PHRASES);
        let options =
            Options { min_size, limit: Some(GapsRequest::MOST_GROUPS), unasked: true, ..Options::default() };
        let report = gaps::gaps(&opened.index, opened.embedder.as_deref(), &phrases, &options, &|_| {})?;
        let since = self.since(&report.groups)?;
        Ok(Found { report, since, finished: Instant::now(), took: start.elapsed() })
    }

    /// When the representatives of groups were asked first, by the ids of the groups.
    fn since(&self, groups: &[Group]) -> anyhow::Result<HashMap<String, String>> {
        let mut ids: HashMap<String, &String> = HashMap::new();
        for group in groups {
            ids.extend(title_key(&group.representative().text).map(|key| (key, &group.id)));
        }
        let mut since: HashMap<String, String> = HashMap::new();
        for path in self.query_log.iter().flat_map(|log| log.files()) {
            let file = match File::open(path) {
                // It became an older file in the meantime.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => BufReader::new(opened?),
            };
            for line in file.split(b'\n') {
                // The end of a line that was not written is the only one that is not valid.
                let Ok(Entry::Search { time, q, .. }) = serde_json::from_slice(&line?) else { continue };
                if let Some(id) = title_key(&q).and_then(|key| ids.get(&key)) {
                    let first = since.entry((*id).clone()).or_insert_with(|| time.clone());
                    if time < *first {
                        *first = time;
                    }
                }
            }
        }
        Ok(since)
    }

    /// The phrases of the query log.
    fn recorded_phrases(&self) -> anyhow::Result<Phrases> {
        let mut phrases = Phrases::default();
        for path in self.query_log.iter().flat_map(|log| log.files()) {
            let mut text = match Text::open(&path) {
                // It became an older file in the meantime.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            text.set_extension("jsonl");
            // The end of a line that was not written is the only one that is not valid, and was reported then.
            gaps::read(&mut text, None, &mut phrases, &mut |_| {})?;
        }
        Ok(phrases)
    }
}
