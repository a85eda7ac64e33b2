//! `rqsearch show ID`

use std::io::{self, Write};

use anyhow::bail;

use super::{IndexLocation, Outcome, layout};
use crate::render::{json, terminal};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The question's id, the beginning of it, or its own key
    id: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let index = location.open()?;
    let mut found = index.find(args.id.trim())?;
    let question = match found.len() {
        1 => found.remove(0),
        0 => bail!(
            "no question has the id {:?}\n  hint: a search shows each question's id behind its location",
            args.id
        ),
        several => {
            bail!("{several} questions have the id or key {:?}\n  hint: name more of its id", args.id)
        }
    };
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    if args.json {
        serde_json::to_writer(&mut out, &json::QuestionReply::from(&question)).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        terminal::write_question(&mut out, &question, layout())?;
    }
    out.flush()?;
    Ok(Outcome::Success)
}
