//! `POST /questions`, `PUT /questions/{id}`, `DELETE /questions/{id}`: questions that programs write.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::app::{App, Shared};
use super::change_queue::Results;
use super::extractors::{Path, Records};
use super::problem::Problem;
use super::search::{ensure_short, json};
use crate::index::{Change, Refused};
use crate::read::{self, InvalidRecord};
use crate::render::json::{ChangeReply, ChangesReply, InvalidReply};

/// The greatest number of records in one `POST`.
pub const MOST_RECORDS: usize = 1_000;

/// The largest body of records, in bytes.
pub const LARGEST_RECORDS: usize = 8 << 20;

type Record = Map<String, Value>;

/// Writes one question or several.
pub async fn post(State(app): State<Shared>, records: Records) -> Result<Response, Problem> {
    match records {
        Records::One(record) => write(&app, change(with_own_id(record))?).await,
        Records::Many(records) => write_all(&app, records).await,
    }
}

/// Writes a question with the id of the path.
pub async fn put(
    State(app): State<Shared>,
    Path(id): Path<String>,
    records: Records,
) -> Result<Response, Problem> {
    ensure_short(&id).map_err(|error| Problem::refused(&error))?;
    let Records::One(record) = records else {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the body is not one JSON object"));
    };
    let mut record = with_own_id(record);
    if record.get("id").is_some_and(|given| *given != *id) {
        let (field, reason) = ("id".to_owned(), "it differs from the id of the path".to_owned());
        return Err(InvalidRecord { field, reason }.into());
    }
    record.insert("id".to_owned(), id.into());
    write(&app, change(record)?).await
}

/// Deletes a written question.
pub async fn delete(State(app): State<Shared>, Path(id): Path<String>) -> Result<Response, Problem> {
    ensure_short(&id).map_err(|error| Problem::refused(&error))?;
    write(&app, Change::Delete(id)).await
}

async fn write(app: &App, change: Change) -> Result<Response, Problem> {
    let mut results = make(app, vec![change]).await?;
    let result = results.pop().ok_or_else(|| Problem::internal("a change has no result"))?;
    reply(&ChangeReply::from(result?))
}

async fn write_all(app: &App, records: Vec<Value>) -> Result<Response, Problem> {
    if records.len() > MOST_RECORDS {
        let detail = format!("the body has {} records; the limit is {MOST_RECORDS}", records.len());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let mut replies: Vec<Option<ChangeReply>> = Vec::with_capacity(records.len());
    let mut changes = Vec::new();
    for record in records {
        replies.push(match change_of(record) {
            Ok(change) => {
                changes.push(change);
                None
            }
            Err(error) => Some(ChangeReply::failed(None, error.into())),
        });
    }
    let keys: Vec<Option<String>> = changes.iter().map(key_of).collect();
    let written = if changes.is_empty() { Vec::new() } else { make(app, changes).await? };
    let mut written = written.into_iter().zip(keys).map(|(result, key)| match result {
        Ok(written) => written.into(),
        Err(refused) => ChangeReply::failed(key, InvalidReply::from(&refused)),
    });
    let results = replies.into_iter().filter_map(|reply| reply.or_else(|| written.next()));
    reply(&ChangesReply { results: results.collect() })
}

/// Hands changes to the thread that writes them.
async fn make(app: &App, changes: Vec<Change>) -> Result<Results, Problem> {
    let queue = app.changes.as_ref().ok_or_else(Problem::no_changes)?;
    queue.make(changes, app.search_limit.deadline()).await
}

fn reply(reply: &impl serde::Serialize) -> Result<Response, Problem> {
    Ok(json(serde_json::to_vec(reply).map_err(anyhow::Error::from)?))
}

fn change_of(record: Value) -> Result<Change, InvalidRecord> {
    match record {
        Value::Object(record) => change(with_own_id(record)),
        _ => {
            Err(InvalidRecord { field: String::new(), reason: "the record is not a JSON object".to_owned() })
        }
    }
}

fn change(record: Record) -> Result<Change, InvalidRecord> {
    Ok(Change::Put(Box::new(read::record(record)?)))
}

/// The record as its writer would write it. A question as this server returns it has the id of its writer in `key`, the id
/// that the index gave it in `id`, its source, and other keys in `fields`.
fn with_own_id(mut record: Record) -> Record {
    if record.get("source").is_some_and(Value::is_object) {
        record.remove("source");
        let key = record.remove("key").unwrap_or_default();
        record.insert("id".to_owned(), key);
        if let Some(Value::Object(fields)) = record.remove("fields") {
            fields.into_iter().for_each(|(name, value)| _ = record.entry(name).or_insert(value));
        }
    }
    if record.get("id").is_some_and(Value::is_null) {
        record.remove("id");
    }
    record
}

fn key_of(change: &Change) -> Option<String> {
    match change {
        Change::Put(question) => question.key.clone(),
        Change::Delete(id) => Some(id.clone()),
    }
}

impl From<InvalidRecord> for Problem {
    fn from(error: InvalidRecord) -> Self {
        Self::with_field(StatusCode::UNPROCESSABLE_ENTITY, error.into())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::NotFound { .. } => StatusCode::NOT_FOUND,
            Refused::FromFile { .. } | Refused::Taken { .. } => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::with_field(status, InvalidReply::from(&refused))
    }
}

impl Problem {
    /// The error of one record, which names the key of the value.
    fn with_field(status: StatusCode, InvalidReply { field, reason }: InvalidReply) -> Self {
        let detail = field.map_or_else(|| reason.clone(), |field| format!("{field}: {reason}"));
        Self::new(status, detail)
    }
}
