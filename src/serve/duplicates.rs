//! `GET /duplicates`, `GET /duplicates/map`, `POST /duplicates/check`

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::app::{App, Shared};
use super::endpoint::{Asked, Share};
use super::extractors::{Json, Query};
use super::page::inline_policy;
use super::problem::Problem;
use super::search::{ensure_short, json};
use crate::decisions::{DecisionFile, Decisions};
use crate::duplicates::{Cache, Duplicates, Options, duplicates, map as places, retain_undecided};
use crate::embed::Role;
use crate::engine::Opened;
use crate::render::graph;
use crate::render::json::{CheckReply, CheckRequest, DuplicatesReply, DuplicatesRequest};

/// The content security policy of the map. It allows only the inline script and style of the page.
static MAP_POLICY: LazyLock<String> = LazyLock::new(|| inline_policy(graph::PAGE));

/// The same for a map on which people decide. The page may also send requests to this server.
static DECIDING_POLICY: LazyLock<String> = LazyLock::new(|| format!("{}; connect-src 'self'", *MAP_POLICY));

pub async fn get(
    State(app): State<Shared>,
    Query(request): Query<DuplicatesRequest>,
) -> Result<Response, Problem> {
    let write = move |_: &Opened, found: &Duplicates, request: &DuplicatesRequest| {
        Ok(serde_json::to_vec(&DuplicatesReply::new(found, request.threshold, request.top))?)
    };
    find_all(app, request, write).await.map(json)
}

pub async fn map(
    State(app): State<Shared>,
    Query(request): Query<DuplicatesRequest>,
) -> Result<Response, Problem> {
    let can_decide = app.decisions.is_some();
    let write = move |opened: &Opened, found: &Duplicates, request: &DuplicatesRequest| {
        let (mut page, name) = (Vec::new(), opened.index.dir().display().to_string());
        let places = places(&opened.index, found);
        let map = graph::Map { index: &name, positions: &places, threshold: request.threshold, can_decide };
        graph::write_graph(&mut page, found, &map)?;
        Ok(page)
    };
    let policy = if can_decide { &DECIDING_POLICY } else { &MAP_POLICY };
    let page = find_all(app, request, write).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
    ];
    Ok((headers, page).into_response())
}

pub async fn check(
    State(app): State<Shared>,
    Json(request): Json<CheckRequest>,
) -> Result<Response, Problem> {
    let accepted = ensure_short(&request.q).and_then(|()| request.accepted().map(|_| ()));
    accepted.map_err(|error| Problem::refused(&error))?;
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let asked = app.ask(&opened, &request.q, Role::Passage, deadline.into_std(), Share::Most).await;
    let asked = asked.map(Asked::available).transpose()?;
    let slot = app.search_limit.enter(deadline)?;
    let reply = slot.run(move || app.check(&opened, &request, asked.as_ref())).await??;
    Ok(json(reply))
}

/// Finds all duplicates of the index, or gets them from the cache, and writes them. If this exceeds the time
/// limit of the request, the work continues, and a later request gets the result.
async fn find_all(
    app: Shared,
    request: DuplicatesRequest,
    write: impl FnOnce(&Opened, &Duplicates, &DuplicatesRequest) -> anyhow::Result<Vec<u8>> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    let options = request.options().map_err(|error| Problem::refused(&error))?;
    let deadline = app.duplicates_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.duplicates_limit.enter(deadline)?;
    let work = move || {
        let options = Options { decisions: app.read_decisions()?, ..options };
        let found = app.all_duplicates(&opened, &options)?;
        write(&opened, &found, &request)
    };
    Ok(slot.run(work).await??)
}

impl App {
    /// The decisions of now: the file may also be changed by hand.
    fn read_decisions(&self) -> anyhow::Result<Decisions> {
        self.decisions.as_ref().map_or_else(|| Ok(Decisions::default()), DecisionFile::read)
    }

    fn all_duplicates(&self, opened: &Arc<Opened>, options: &Options) -> anyhow::Result<Arc<Duplicates>> {
        let Options { within, across, threshold, decisions } = options.clone();
        let key = (within, across, threshold.to_bits(), decisions);
        self.duplicates
            .get(opened, key, |opened| duplicates(&opened.index, options, &mut Cache::open(&opened.index)))
    }

    fn check(
        &self,
        opened: &Opened,
        request: &CheckRequest,
        asked: Option<&Asked>,
    ) -> anyhow::Result<Vec<u8>> {
        let (phrase, threshold) = request.accepted()?;
        let mut found =
            self.with_model(opened, asked, |model| opened.check_with(model, phrase, threshold))?;
        retain_undecided(&mut found, phrase, &self.read_decisions()?);
        Ok(serde_json::to_vec(&CheckReply::new(None, phrase, &found))?)
    }
}
