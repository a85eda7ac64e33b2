//! `rqsearch show ID`

use std::io::{self, Write};

use anyhow::bail;

use super::{Outcome, Place, layout};
use crate::index::Index;
use crate::question::Question;
use crate::render::{terminal, wire};

/// The shortest beginning of an id that is taken for one.
const SHORTEST: usize = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The question's id, the beginning of it, or its own key
    id: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, place: Place<'_>) -> anyhow::Result<Outcome> {
    let index = place.open()?;
    let question = find(&index, args.id.trim())?;
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    if args.json {
        serde_json::to_writer(&mut out, &wire::QuestionReply::from(&question)).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        terminal::write_question(&mut out, &question, layout())?;
    }
    out.flush()?;
    Ok(Outcome::Success)
}

fn find(index: &Index, id: &str) -> anyhow::Result<Question> {
    let fields = index.fields();
    let mut found = index.matching(fields.id, id)?;
    if found.is_empty() {
        found = index.matching(fields.key, id)?;
    }
    if found.is_empty() && id.len() >= SHORTEST && id.bytes().all(|b| b.is_ascii_hexdigit()) {
        found = index.questions()?;
        found.retain(|question| question.id.starts_with(&id.to_lowercase()));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            bail!("no question has the id {id:?}\n  hint: a search shows each question's id behind its place")
        }
        several => bail!("{several} questions have the id or key {id:?}\n  hint: name more of its id"),
    }
}
