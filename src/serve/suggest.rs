//! `GET /suggest`, `GET /suggest/opensearch`, `GET /opensearch.xml`

use anyhow::ensure;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use quick_xml::escape::escape;

use super::address::{of_question, origin};
use super::app::Shared;
use super::extractors::Query;
use super::problem::Problem;
use super::search::{ensure_short, json};
use crate::question::Question;
use crate::render::json::{SuggestRequest, SuggestionReply};

pub async fn get(
    State(app): State<Shared>,
    Query(request): Query<SuggestRequest>,
) -> Result<Response, Problem> {
    let found = find(app, request).await?;
    let reply: Vec<SuggestionReply<'_>> = found.iter().map(SuggestionReply::from).collect();
    Ok(json(serde_json::to_vec(&reply).map_err(anyhow::Error::from)?))
}

/// Suggestions for the address bar of a browser: the text, the titles, a description of each, and its address.
pub async fn opensearch(
    State(app): State<Shared>,
    headers: HeaderMap,
    Query(request): Query<SuggestRequest>,
) -> Result<Response, Problem> {
    let (origin, typed) = (origin(&headers)?, request.q.clone());
    let found = find(app, request).await?;
    let titles: Vec<&str> = found.iter().map(|question| question.title.as_str()).collect();
    let descriptions: Vec<&str> =
        found.iter().map(|question| question.section.as_deref().unwrap_or_default()).collect();
    let address =
        |question: &Question| of_question(&origin, &question.id, &question.title, question.url.as_deref());
    let addresses: Vec<String> = found.iter().map(address).collect();
    let body = serde_json::to_vec(&(typed, titles, descriptions, addresses)).map_err(anyhow::Error::from)?;
    Ok(([(header::CONTENT_TYPE, "application/x-suggestions+json")], body).into_response())
}

async fn find(app: Shared, SuggestRequest { q, limit }: SuggestRequest) -> Result<Vec<Question>, Problem> {
    let limits = || {
        ensure_short(&q)?;
        let most = SuggestRequest::MOST;
        ensure!((1..=most).contains(&limit), "limit must be a number from 1 to {most}");
        Ok(())
    };
    limits().map_err(|error| Problem::refused(&error))?;
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    Ok(slot.run(move || opened.suggest(&q, limit)).await??)
}

/// Describes the search for browsers, which offer to add it to their search engines.
pub async fn description(headers: HeaderMap) -> Result<Response, Problem> {
    let origin = origin(&headers)?;
    let origin = escape(origin.as_str());
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">
  <ShortName>rqsearch</ShortName>
  <Description>Find the question that a phrase is about</Description>
  <InputEncoding>UTF-8</InputEncoding>
  <Image width="16" height="16" type="image/svg+xml">{origin}/icon.svg</Image>
  <Url type="text/html" template="{origin}/?q={{searchTerms}}"/>
  <Url type="application/x-suggestions+json" template="{origin}/suggest/opensearch?q={{searchTerms}}"/>
</OpenSearchDescription>
"#
    );
    Ok(([(header::CONTENT_TYPE, "application/opensearchdescription+xml")], body).into_response())
}
