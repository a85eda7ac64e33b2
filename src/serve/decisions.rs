//! `POST /duplicates/decisions`

use axum::extract::{Extension, State};
use axum::http::StatusCode;

use super::app::{App, Shared};
use super::extractors::Json;
use super::log;
use super::problem::Problem;
use super::questions::only;
use super::search::ensure_short;
use super::tokens::AcceptedToken;
use crate::decisions::{Choice, Decided, Decision};
use crate::engine::Opened;
use crate::render::json::{DecisionRequest, DecisionWord};

/// Saves a decision about two questions, or removes it. The author is the name of the token.
pub async fn post(
    State(app): State<Shared>,
    token: Option<Extension<AcceptedToken>>,
    Json(request): Json<DecisionRequest>,
) -> Result<StatusCode, Problem> {
    let note = request.note.as_deref().unwrap_or_default();
    let accepted = [&request.one, &request.two].into_iter().try_for_each(|id| ensure_short(id));
    accepted.and_then(|()| ensure_short(note)).map_err(|error| Problem::refused(&error))?;
    let author = token.map_or(String::new(), |Extension(AcceptedToken(name))| name.to_string());
    let deadline = app.search_limit.deadline();
    let opened = app.opened(deadline).await?;
    let slot = app.search_limit.enter(deadline)?;
    slot.run(move || app.decide(&opened, &request, author)).await??;
    Ok(StatusCode::NO_CONTENT)
}

impl App {
    fn decide(&self, opened: &Opened, request: &DecisionRequest, author: String) -> Result<(), Problem> {
        let file = self.decisions.as_ref().ok_or_else(Problem::no_path)?;
        let find = |id: &str| only(opened.index.find(id.trim())?, id);
        let (one, two) = (find(&request.one)?, find(&request.two)?);
        if one.id == two.id {
            return Err(refused("both ids are those of one question"));
        }
        let choice = match (request.decision, request.keep.as_deref()) {
            (DecisionWord::Open, None) => None,
            (DecisionWord::Same, None) => Some(Choice::Same),
            (DecisionWord::Different, None) => Some(Choice::Different),
            (DecisionWord::Keep, Some(id)) if id == request.one || id == one.id => Some(Choice::KeepOne),
            (DecisionWord::Keep, Some(id)) if id == request.two || id == two.id => Some(Choice::KeepTwo),
            (DecisionWord::Keep, _) => return Err(refused("`keep` must be the id of one of the questions")),
            (_, Some(_)) => return Err(refused("`keep` needs the decision `keep`")),
        };
        let note = request.note.clone().unwrap_or_default();
        let saved = file.change(|decisions| match choice {
            Some(choice) => {
                let decision = Decision::new(Decided::from(&one), Decided::from(&two), choice);
                decisions.insert(Decision { note, author, date: log::now(), ..decision });
            }
            None => _ = decisions.remove(&one.id, &two.id),
        });
        saved.map(|_| ()).map_err(|error| Problem::not_decided(&error))
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}
