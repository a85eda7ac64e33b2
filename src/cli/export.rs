//! `rqsearch export`

use std::io::{self, BufWriter, Write};

use super::{Outcome, Place};
use crate::render::wire;

pub fn run(place: Place<'_>) -> anyhow::Result<Outcome> {
    let index = place.open()?;
    let mut out = BufWriter::new(io::stdout().lock());
    let questions = index.questions()?;
    for question in &questions {
        serde_json::to_writer(&mut out, &wire::QuestionReply::from(question)).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(if questions.is_empty() { Outcome::Nothing } else { Outcome::Success })
}
