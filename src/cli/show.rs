//! `rqsearch show ID`

use std::io::Write;

use anyhow::bail;

use super::locate_index::IndexesArgs;
use super::outcome::Outcome;
use super::streams::{stdout, write_json};
use super::text::layout;
use crate::hint::hinted;
use crate::index::Index;
use crate::question::Question;
use crate::render::{json, terminal};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of the question, its first 4 or more characters, or the key of the question
    id: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    index: IndexesArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    let index = location.open()?;
    let question = find_one(&index, &args.id)?;
    let mut out = stdout();
    if args.json {
        write_json(&mut out, &json::QuestionReply::from(&question))?;
    } else {
        terminal::write_question(&mut out, &question, layout())?;
    }
    out.flush()?;
    Ok(Outcome::Success)
}

/// The question with an id, the first characters of an id, or a key.
pub fn find_one(index: &Index, id: &str) -> anyhow::Result<Question> {
    let mut found = index.find(id.trim())?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!(hinted(
            format!("no question has the id or key {id:?}"),
            "a search shows the id of each question"
        )),
        several if index.members().next().is_some() => bail!(hinted(
            format!("{several} questions have the id or key {id:?} in {}", index.dir().display()),
            "use more digits of the id, or name one index with --index"
        )),
        several => bail!(hinted(
            format!("{several} questions have the id or key {id:?}"),
            "use more digits of the id"
        )),
    }
}
