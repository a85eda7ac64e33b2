//! `rqsearch export`

use std::io::{self, BufWriter, Write};

use super::Outcome;
use super::locate_index::IndexArgs;
use super::streams::data;
use crate::render::json;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let index = args.index.location().open()?;
    let mut out = BufWriter::new(data());
    let questions = index.questions()?;
    for question in &questions {
        serde_json::to_writer(&mut out, &json::QuestionReply::from(question)).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(if questions.is_empty() { Outcome::Nothing } else { Outcome::Success })
}
