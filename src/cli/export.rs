//! `rqsearch export`

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{Outcome, place};
use crate::render::wire;

pub fn run(index: Option<&Path>) -> anyhow::Result<Outcome> {
    let index = place::open(index)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let questions = index.questions()?;
    for question in &questions {
        serde_json::to_writer(&mut out, &wire::QuestionReply::from(question)).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(if questions.is_empty() { Outcome::Nothing } else { Outcome::Success })
}
