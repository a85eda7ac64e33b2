//! `GET /gaps`, `GET /gaps/page`: what people ask and nothing answers, from the query log.

use std::io;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::app::{App, Shared};
use super::cache::CommitCache;
use super::extractors::Query;
use super::page::inline_policy;
use super::problem::Problem;
use super::search::json;
use crate::engine::Opened;
use crate::gaps::{self, Options, Phrases, Report};
use crate::read::Text;
use crate::render::gaps::{PAGE, write_page};
use crate::render::json::{GapsReply, GapsRequest};

/// How many of the most frequent phrases are searched for. That takes about a minute on two processors.
const MOST_PHRASES: usize = 10_000;

/// How long a report is returned again, at least. The query log has new phrases all the time.
const FRESH: Duration = Duration::from_secs(60);

/// A report is returned again for so many times the time that it took: gaps take at most a tenth of the server.
const TIMES: u32 = 10;

/// Reports by the minimum size of a group.
pub type GapsCache = CommitCache<u64, Found>;

/// A report and its age.
pub struct Found {
    report: Report,
    finished: Instant,
    took: Duration,
}

impl Found {
    fn is_fresh(&self) -> bool {
        self.finished.elapsed() < FRESH.max(self.took * TIMES)
    }
}

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

/// Finds the gaps, or gets them from the cache, and writes them. If this exceeds the time limit of the request, the work
/// continues, and a later request gets the result. Reports are found one at a time.
async fn find(
    app: Shared,
    request: GapsRequest,
    write: impl FnOnce(&Report, &GapsRequest) -> anyhow::Result<Vec<u8>> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    request.validate().map_err(|error| Problem::refused(&error))?;
    let deadline = app.duplicates_limit.deadline();
    let opened = app.opened(deadline).await?;
    ensure_possible(&opened)?;
    let slot = app.duplicates_limit.enter(deadline)?;
    let work = move || {
        let found = app.gaps(&opened, request.min_size)?;
        let mut report = found.report.clone();
        report.groups.truncate(request.limit);
        write(&report, &request)
    };
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
        Ok(Found { report, finished: Instant::now(), took: start.elapsed() })
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
