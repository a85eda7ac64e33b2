//! `rqsearch show ID`

use std::io::{self, Write};

use anyhow::bail;

use super::locate_index::IndexArgs;
use super::streams::stdout;
use super::{Outcome, layout};
use crate::render::{json, terminal};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of the question, its first 4 or more characters, or the key of the question
    id: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    let index = location.open()?;
    let mut found = index.find(args.id.trim())?;
    let question = match found.len() {
        1 => found.remove(0),
        0 => bail!(
            "no question has the id or key {:?}\n  hint: a search shows the id of each question",
            args.id
        ),
        several => {
            bail!("{several} questions have the id or key {:?}\n  hint: use more digits of the id", args.id)
        }
    };
    let mut out = stdout();
    if args.json {
        serde_json::to_writer(&mut out, &json::QuestionReply::from(&question)).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        terminal::write_question(&mut out, &question, layout())?;
    }
    out.flush()?;
    Ok(Outcome::Success)
}
